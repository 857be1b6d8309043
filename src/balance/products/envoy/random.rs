//! Envoy's random: one draw for everything.
//!
//! **Rule.** The same 64 random bits choose the priority (modulo 100) and the backend in it (modulo their number), so the two are not
//! independent: with two priorities and a number of backends that divides 100, some backends of a priority get nothing of its traffic. Ignores weights and load.

/// The place among `n` that a draw gives; nobody among none.
#[inline]
#[must_use]
pub fn place(draw: u64, n: usize) -> Option<usize> {
    (n > 0).then(|| (draw % n as u64) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_is_taken_modulo() {
        assert_eq!([place(7, 3), place(7, 0), place(u64::MAX, 10)], [Some(1), None, Some(5)]);
    }
}
