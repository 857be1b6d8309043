//! Join idle queue: idle backends queue up at the balancers, and a request goes to the first in the queue.

use std::collections::VecDeque;

/// One dispatcher's queue of backends that have said they are idle.
#[derive(Clone, Debug, Default)]
pub struct IdleQueue {
    waiting: VecDeque<u32>,
}

impl IdleQueue {
    /// A backend has become idle.
    #[inline]
    pub fn join(&mut self, backend: u32) {
        self.waiting.push_back(backend);
    }

    /// Who a job goes to: the one that has been idle longest, or, if nobody is known to be, one that is drawn.
    #[inline]
    pub fn take(&mut self, draw: impl FnOnce() -> u32) -> u32 {
        self.waiting.pop_front().unwrap_or_else(draw)
    }

    /// Who waits, the longest first.
    pub fn waiting(&self) -> impl Iterator<Item = u32> {
        self.waiting.iter().copied()
    }

    /// Nobody waits any more.
    pub fn clear(&mut self) {
        self.waiting.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_idle_goes_first_and_chance_when_nobody_is() {
        let mut queue = IdleQueue::default();
        queue.join(2);
        queue.join(0);
        assert_eq!([queue.take(|| 7), queue.take(|| 7), queue.take(|| 7)], [2, 0, 7]);
    }
}
