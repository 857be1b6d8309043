//! Many comparisons at once: Holm's correction.
//!
//! Of 100 comparisons of equals, five come out below 0.05. Holm's step-down rule keeps the chance of even one false verdict
//! among all of a run's comparisons at 5%, whatever their dependence: sort p₁ ≤ … ≤ pₘ, then
//! p̃ₖ = max over j ≤ k of min(1, (m − j + 1) · pⱼ). (Holm, Scandinavian Journal of Statistics 6, 1979.)

/// The corrected p-values, in the order given. Those that do not exist are not counted among the comparisons.
#[must_use]
pub fn corrected(values: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut order: Vec<(f64, usize)> = values.iter().enumerate().filter_map(|(at, &p)| Some((p?, at))).collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut result = vec![None; values.len()];
    let mut least = 0.0_f64;
    for (rank, &(p, at)) in order.iter().enumerate() {
        least = least.max((p * (order.len() - rank) as f64).min(1.0));
        result[at] = Some(least);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_textbook_example() {
        // 0.01, 0.04, 0.03, 0.005: sorted 0.005·4, 0.01·3, 0.03·2, 0.04·1 -> 0.02, 0.03, 0.06, 0.06 (never falling).
        let found = corrected(&[Some(0.01), Some(0.04), Some(0.03), Some(0.005)]);
        let expected = [0.03, 0.06, 0.06, 0.02];
        for (found, expected) in found.iter().zip(expected) {
            assert!((found.expect("all exist") - expected).abs() < 1e-15);
        }
    }

    #[test]
    fn one_comparison_needs_no_correction_and_none_exceeds_one() {
        assert_eq!(corrected(&[None, Some(0.04), None]), [None, Some(0.04), None]);
        assert_eq!(corrected(&[Some(0.9), Some(0.8)]), [Some(1.0), Some(1.0)]);
        assert!(corrected(&[]).is_empty());
    }
}
