//! Requests in the system, each with its first attempt beside it.
//!
//! A request has an id and an attempt has an id; whoever holds one asks here. The first attempt, which is nearly always the only one, lives in the same
//! cache line as its request and has the same number.

use super::Request;
use crate::fleet::{Attempt, Attempts};
use crate::slab::Slab;
use std::ops::{Index, IndexMut};

/// A request with its first attempt: 64 bytes, one cache line.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Journey {
    request: Request,
    attempt: Attempt,
}

/// All requests in the system. Indexing gives attempts.
#[derive(Debug, Default)]
pub(super) struct Journeys(Slab<Journey>);

impl Journeys {
    /// The place that the next request will have.
    pub(super) fn next_place(&self) -> u32 {
        self.0.next()
    }

    /// A request enters the system with so much work.
    #[inline]
    pub(super) fn begin(&mut self, request: Request, work: u64) -> u32 {
        let id = self.0.occupy();
        let journey = &mut self.0[id];
        journey.request = request;
        journey.attempt.service = work;
        id
    }

    /// The work of a request that has not been sent yet.
    #[inline]
    pub(super) fn work(&self, request: u32) -> u64 {
        self.0[request].attempt.service
    }

    /// The request that an attempt belongs to.
    #[inline]
    #[allow(clippy::unused_self, reason = "that they have the same number is known here only")]
    pub(super) fn request_of(&self, attempt: u32) -> u32 {
        attempt
    }

    /// The first attempt of a request is made: its id.
    #[inline]
    pub(super) fn attempt(&mut self, request: u32, attempt: Attempt) -> u32 {
        self.0[request].attempt = attempt;
        request
    }

    /// A request.
    #[inline]
    pub(super) fn request(&self, id: u32) -> &Request {
        &self.0[id].request
    }

    /// A request, to change.
    #[inline]
    pub(super) fn request_mut(&mut self, id: u32) -> &mut Request {
        &mut self.0[id].request
    }

    /// How many slots are taken.
    pub(super) fn in_use(&self) -> usize {
        self.0.in_use()
    }

    /// A request leaves the system, and its attempts with it.
    #[inline]
    pub(super) fn end(&mut self, id: u32) {
        self.0.free(id);
    }
}

impl Index<u32> for Journeys {
    type Output = Attempt;
    #[inline]
    fn index(&self, attempt: u32) -> &Attempt {
        &self.0[attempt].attempt
    }
}

impl IndexMut<u32> for Journeys {
    #[inline]
    fn index_mut(&mut self, attempt: u32) -> &mut Attempt {
        &mut self.0[attempt].attempt
    }
}

impl Attempts for Journeys {
    fn key(&self, attempt: u32) -> u64 {
        self.0[attempt].request.key
    }
}
