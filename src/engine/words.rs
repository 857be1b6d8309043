//! What recorded requests say of themselves in words: keys and clients as they stand in the record, so that hashes of them are those of the real product.

use super::observer::Request;
use crate::balance::{self, Said};
use crate::plan::Plan;
use crate::trace::tape::Column;
use crate::traffic::{NOBODY, Recorded, Timing};
use std::fmt::Write;

/// The words of all sources.
#[derive(Debug)]
pub(super) struct Words {
    /// By source: the record, and whether keys are drawn beside it.
    sources: Vec<Option<(Recorded, bool)>>,
    /// Room for the words of one request.
    said: Said,
}

impl Words {
    /// `None` where no record has words: then a pick costs what it costs with drawn traffic.
    pub(super) fn new(plan: &Plan) -> Option<Box<Self>> {
        let record = |source: &crate::traffic::SourcePlan| match &source.timing {
            Timing::Recorded(recorded) if recorded.has_marks() => Some((recorded.clone(), source.keys.is_some())),
            _ => None,
        };
        let sources: Vec<_> = plan.sources.iter().map(record).collect();
        sources.iter().any(Option::is_some).then(|| Box::new(Self { sources, said: Said::default() }))
    }

    /// What a balancer may know of a request, with its words, and with the record's backend as the balancer numbers them.
    pub(super) fn add<'a>(&'a mut self, known: &balance::Request<'a>, request: &Request, first: u32) -> balance::Request<'a> {
        let Some((recorded, has_drawn_keys)) = self.sources.get(usize::from(request.source)).and_then(Option::as_ref) else {
            return *known;
        };
        let write = |room: &mut Option<String>, text: &[u8]| {
            let room = room.get_or_insert_default();
            room.clear();
            room.push_str(&String::from_utf8_lossy(text));
        };
        let (keys, clients) = (recorded.tape().names(Column::Key), recorded.tape().names(Column::Client));
        match usize::try_from(request.key).ok().filter(|&key| !has_drawn_keys && key < keys.len()) {
            Some(key) => write(&mut self.said.key, keys.get(key)),
            None => {
                let room = self.said.key.get_or_insert_default();
                room.clear();
                // Writing into a string cannot fail.
                let _ = write!(room, "{}", request.key);
            }
        }
        if request.client != NOBODY && (request.client as usize) < clients.len() {
            write(&mut self.said.client, clients.get(request.client as usize));
        } else {
            self.said.client = None;
        }
        balance::Request { said: Some(&self.said), recorded: known.recorded.and_then(|backend| backend.checked_sub(first)), ..*known }
    }
}
