//! As recorded: what the real balancer chose when the traffic was recorded.
//!
//! **Rule.** The backend that the record names for the request; where it names none, or one that is not eligible, and for retries, the eligible ones in turn. **Cost.**
//! O(1). **Where it shines.** Beside the others: what was, to hold against what might have been. **Where it fails.** It knows nothing of faults that the record did not have.

use super::{BackendId, Balancer, Ctx, Law, Listed, Pick, Pool, Request};
use crate::catalogue::Entry;

pub(super) static LISTED: Listed = Listed::new(
    Entry {
        name: "as-recorded",
        summary: "the backend that the record names for the request",
        text: "Of recorded traffic whose record says who served each request: that backend, by its name or address. Where it says nothing, or that backend is not eligible, and for \
               retries: the eligible ones in turn. It is what the real balancer did, to be held against the others. O(1) per pick.",
        parameters: &[],
        reference: "",
    },
    |_| Box::new(AsRecorded { turn: 0 }),
)
.breaks(&[(Law::ZeroWeight, "what was recorded does not go by weight"), (Law::Weights, "what was recorded does not go by weight")]);

#[derive(Debug)]
struct AsRecorded {
    turn: usize,
}

impl Balancer for AsRecorded {
    fn members(&mut self, _: &Pool, _: &mut Ctx<'_>) {}

    fn pick(&mut self, request: &Request<'_>, pool: &Pool, _: &mut Ctx<'_>) -> Pick {
        let recorded = request.recorded.filter(|_| request.attempt == 0).map(BackendId);
        if let Some(backend) = recorded.filter(|backend| (backend.0 as usize) < pool.len() && pool.is_eligible(*backend)) {
            return Pick::Backend(backend);
        }
        let eligible = pool.eligible();
        if eligible.is_empty() {
            return Pick::None;
        }
        self.turn = (self.turn + 1) % eligible.len();
        Pick::Backend(eligible[self.turn])
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Member, State};
    use super::*;
    use crate::random::Stream;
    use crate::time::SimTime;

    #[test]
    fn the_record_decides_and_where_it_cannot_they_take_turns() {
        let mut pool = Pool::new(vec![Member::default(); 3].into());
        let (mut balancer, mut chance) = (AsRecorded { turn: 0 }, Stream::new(1));
        let mut pick = |request: Request<'_>, pool: &Pool| balancer.pick(&request, pool, &mut Ctx { now: SimTime(0), chance: &mut chance });
        let of = |recorded, attempt| Request { recorded, attempt, ..Request::default() };
        assert_eq!(pick(of(Some(2), 0), &pool), Pick::Backend(BackendId(2)));
        assert_eq!(
            [pick(of(Some(2), 1), &pool), pick(of(None, 0), &pool), pick(of(Some(9), 0), &pool)],
            [1, 2, 0].map(|at| Pick::Backend(BackendId(at)))
        );
        pool.set_state(BackendId(2), State::Down);
        assert_eq!(pick(of(Some(2), 0), &pool), Pick::Backend(BackendId(1)));
    }
}
