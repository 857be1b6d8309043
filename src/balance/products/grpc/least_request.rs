//! gRPC's least request (A48): the least loaded of a few drawn, like Envoy's n choices, with a limit on how many.

/// How many are drawn by default.
pub const CHOICES: u64 = 2;

/// More than this many are not drawn: each costs, and the tenth hardly helps.
const MOST: u64 = 10;

/// How many are drawn; `None` where the configuration is refused, which it is below 2.
#[must_use]
pub fn choices(configured: Option<u64>) -> Option<u64> {
    match configured.unwrap_or(CHOICES) {
        0 | 1 => None,
        choices => Some(choices.min(MOST)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_choice_is_refused_and_many_are_ten() {
        assert_eq!([choices(None), choices(Some(1)), choices(Some(3)), choices(Some(11))], [Some(2), None, Some(3), Some(10)]);
    }
}
