//! With `picks = "connection"`: where each client's connections go, and for how many requests still.
//!
//! A connection ends after its requests, when an attempt over it is refused, lost with its backend or given up, and when its balancer no longer uses its backend.

use super::Request;
use crate::balance::{BackendId, Pick};
use crate::plan::Plan;
use crate::random::{Numbered, Purpose, below, derive, mix};
use crate::scenario::Picks;
use crate::slab::NIL;

/// The connections of all clients.
#[derive(Debug)]
pub(super) struct Connections {
    /// By source: where its connections begin, how many a client has, requests on each; `None` without clients.
    sources: Vec<Option<Shape>>,
    open: Vec<Connection>,
}

#[derive(Clone, Copy, Debug)]
struct Shape {
    first: usize,
    per_client: u64,
    requests: u32,
    stream: Numbered,
}

#[derive(Clone, Copy, Debug)]
struct Connection {
    backend: u32,
    left: u32,
}

impl Connections {
    pub(super) fn new(plan: &Plan, replication: u64) -> Option<Self> {
        if plan.tier.picks == Picks::Request {
            return None;
        }
        let mut connections = 0;
        let sources = plan.sources.iter().zip(0..).map(|(source, index)| {
            let clients = source.clients?;
            let first = connections;
            connections += clients.count as usize * clients.connections as usize;
            let stream = Numbered::new(derive(plan.seed, replication, Purpose::Clients, index));
            Some(Shape {
                first,
                per_client: u64::from(clients.connections),
                requests: clients.requests_per_connection.unwrap_or(u32::MAX),
                stream,
            })
        });
        let sources = sources.collect();
        Some(Self { sources, open: vec![Connection { backend: NIL, left: 0 }; connections] })
    }

    /// The backend of the request's connection; a new connection asks the balancer, and so does one to a backend that can no longer be used.
    pub(super) fn pick(&mut self, request: &Request, is_usable: impl FnOnce(BackendId) -> bool, choose: impl FnOnce() -> Pick) -> Pick {
        let Some(shape) = self.shape(request) else { return choose() };
        let connection = &mut self.open[shape.connection(request)];
        if connection.left == 0 || !is_usable(BackendId(connection.backend)) {
            let chosen = choose();
            let Pick::Backend(backend) = chosen else { return chosen };
            *connection = Connection { backend: backend.0, left: shape.requests };
        }
        // Unlimited stays unlimited.
        connection.left -= u32::from(shape.requests != u32::MAX);
        Pick::Backend(BackendId(connection.backend))
    }

    /// The request's connection is no more.
    pub(super) fn hang_up(&mut self, request: &Request) {
        if let Some(shape) = self.shape(request) {
            self.open[shape.connection(request)].left = 0;
        }
    }

    fn shape(&self, request: &Request) -> Option<Shape> {
        self.sources.get(request.source as usize).copied().flatten()
    }
}

impl Shape {
    /// Which of its client's connections a request uses: that belongs to the request.
    fn connection(&self, request: &Request) -> usize {
        // The client was drawn from the same stream; mixed once more, so that it does not settle the connection too.
        let which = below(mix(!self.stream.bits(request.number)), self.per_client);
        self.first + request.client as usize * self.per_client as usize + which as usize
    }
}
