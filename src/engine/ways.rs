//! How long attempts were on the way, and how long it was before they were sent: by slot, only where the observer asks.
//!
//! An attempt's slot holds its ways so far and how long its request was held before it. Once it is answered, its request's slot holds what the
//! whole request was on the way, the way to its balancer included, and what passed before: attempts that failed, and pauses.

/// Times by slot.
#[derive(Debug, Default)]
pub(super) struct OnTheWay {
    slots: Vec<Slot>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    on_the_way: u64,
    /// Of an attempt, how long it was held; of a request, what passed before.
    before: u64,
    /// Of a request: when it was answered.
    answered: u64,
}

impl OnTheWay {
    fn slot(&mut self, slot: u32) -> &mut Slot {
        let slot = slot as usize;
        if self.slots.len() <= slot {
            self.slots.resize(slot + 1, Slot::default());
        }
        &mut self.slots[slot]
    }

    /// An attempt is sent whose request was held so long.
    pub(super) fn begin(&mut self, attempt: u32, held: u64) {
        *self.slot(attempt) = Slot { before: held, ..Slot::default() };
    }

    /// An attempt sets out on a way of this length.
    pub(super) fn add(&mut self, attempt: u32, delay: u64) {
        self.slot(attempt).on_the_way += delay;
    }

    /// An attempt has answered its request, whose way to the balancer was so long, and which had been there so long when the attempt was sent.
    pub(super) fn answer(&mut self, request: u32, attempt: u32, way_in: u64, sent_after: u64, now: u64) {
        let of = *self.slot(attempt);
        let before = sent_after.saturating_sub(way_in).saturating_sub(of.before);
        *self.slot(request) = Slot { on_the_way: way_in + of.on_the_way, before, answered: now };
    }

    /// How long a request that ends now was on the way, and what passed before its answered attempt.
    pub(super) fn of(&self, request: u32, now: u64) -> (u64, u64) {
        let slot = self.slots[request as usize];
        (slot.on_the_way + (now - slot.answered), slot.before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_on_the_way_and_not_held_was_before() {
        let mut ways = OnTheWay::default();
        // 5 to the balancer, an attempt that failed for 100, held for 7, 3 there, answered 3 later on the way, 5 back to the client.
        ways.begin(9, 7);
        ways.add(9, 3);
        ways.add(9, 3);
        ways.answer(2, 9, 5, 112, 1000);
        assert_eq!(ways.of(2, 1005), (16, 100));
    }
}
