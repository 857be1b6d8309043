//! How evenly something is shared: four indices over x₁ … xₙ, one value for each backend.
//!
//! The values come divided by nominal capacity (speed × workers), so that fair means in proportion to what a backend can
//! do; where there are several services, also by what their service has of it, since no balancer shares work between services (`proportions`). Each index is a number without a unit, the same if all values are multiplied by anything, and `None` where it does
//! not exist (no values, or nothing but zeros).

use super::setup::Backend;
use std::collections::BTreeMap;

/// What one backend has of something: the amount, and by what it is divided.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) amount: f64,
    pub(super) by: f64,
    /// Whether anything was sent there.
    pub(super) was_used: bool,
}

/// What the indices look at: `None` is a backend without such a value. Who comes later and never was sent anything was never there, and is left out.
/// With several services, each backend's amount ÷ capacity is divided by its service's (Σ amounts ÷ Σ capacities).
pub(super) fn proportions(known: &[Backend], parts: impl Iterator<Item = Option<Part>>) -> Vec<f64> {
    let parts: Vec<(u16, Part)> = known
        .iter()
        .zip(parts)
        .filter_map(|(known, part)| Some((known.service, part.filter(|part| part.was_used || !known.comes_later)?)))
        .collect();
    let mut services: BTreeMap<u16, (f64, f64)> = BTreeMap::new();
    for (service, part) in &parts {
        let (amount, by) = services.entry(*service).or_default();
        (*amount, *by) = (*amount + part.amount, *by + part.by);
    }
    // A service that has nothing of it shares nothing.
    let level = |service: &u16| match services.len() {
        1 => Some(1.0),
        _ => services.get(service).map(|(amount, by)| amount / by).filter(|level| *level > 0.0),
    };
    parts.iter().filter_map(|(service, part)| Some(part.amount / part.by / level(service)?)).collect()
}

/// Jain's index (Σx)² ÷ (n Σx²): 1 when all are equal, 1/n when one has everything. (Jain, Chiu, Hawe, 1984.)
#[must_use]
pub fn jain(values: &[f64]) -> Option<f64> {
    // Divided by the greatest first: neither the squares of huge values nor those of tiny ones leave the range of f64.
    let greatest = greatest(values)?;
    let (sum, squares) = values.iter().map(|x| x / greatest).fold((0.0, 0.0), |(sum, squares), x| (sum + x, squares + x * x));
    Some(sum * sum / (values.len() as f64 * squares))
}

/// The coefficient of variation of the population, √(Σ(x−x̄)² ÷ n) ÷ x̄: 0 when all are equal. Jain is 1 ÷ (1 + CoV²).
#[must_use]
pub fn cov(values: &[f64]) -> Option<f64> {
    let greatest = greatest(values)?;
    let n = values.len() as f64;
    let mean = values.iter().map(|x| x / greatest).sum::<f64>() / n;
    let squares: f64 = values.iter().map(|x| x / greatest - mean).map(|d| d * d).sum();
    Some((squares / n).sqrt() / mean)
}

/// The Gini coefficient ΣᵢΣⱼ|xᵢ−xⱼ| ÷ (2n Σx): 0 when all are equal, 1 − 1/n when one has everything.
///
/// Computed from the ascending order as Σ (2k − n − 1) x₍ₖ₎ ÷ (n Σx), k from 1.
#[must_use]
pub fn gini(values: &[f64]) -> Option<f64> {
    let greatest = greatest(values)?;
    let mut sorted: Vec<f64> = values.iter().map(|x| x / greatest).collect();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len() as f64;
    let sum: f64 = sorted.iter().sum();
    let weighted: f64 = sorted.iter().enumerate().map(|(at, x)| (2.0 * at as f64 + 1.0 - n) * x).sum();
    Some((weighted / (n * sum)).max(0.0))
}

/// The greatest value ÷ the mean: 1 when all are equal, n when one has everything.
#[must_use]
pub fn peak_to_mean(values: &[f64]) -> Option<f64> {
    let greatest = greatest(values)?;
    Some(values.len() as f64 / values.iter().map(|x| x / greatest).sum::<f64>())
}

/// The greatest value, if it is above zero (and finite).
fn greatest(values: &[f64]) -> Option<f64> {
    let greatest = values.iter().copied().fold(0.0, f64::max);
    (greatest > 0.0 && greatest.is_finite()).then_some(greatest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Loads; Jain, Gini, peak ÷ mean, CoV: the theory family "fairness".
    const CASES: &[(&[f64], [f64; 4])] = &[
        (&[1.0, 1.0, 1.0, 1.0], [1.0, 0.0, 1.0, 0.0]),
        (&[1.0, 0.0, 0.0, 0.0], [0.25, 0.75, 4.0, 1.732_050_807_568_877_2]),
        (&[1.0, 2.0, 3.0, 4.0], [0.833_333_333_333_333_4, 0.25, 1.6, 0.447_213_595_499_958]),
        (&[5.0, 5.0, 5.0, 5.0, 5.0, 100.0], [0.257_201_646_090_535, 0.633_333_333_333_333_3, 4.8, 1.699_411_662_899_840_6]),
        (&[1.0, 2.0, 4.0, 8.0, 16.0], [0.563_636_363_636_363_6, 0.464_516_129_032_258_1, 2.580_645_161_290_322_5, 0.879_882_690_128_119_8]),
        (&[100.0, 101.0, 99.0, 100.0], [0.999_950_002_499_875, 0.003_75, 1.01, 0.007_071_067_811_865_475]),
        (
            &[2.0, 3.0, 5.0, 7.0, 11.0, 13.0],
            [0.743_147_656_940_760_3, 0.329_268_292_682_926_84, 1.902_439_024_390_243_8, 0.587_901_014_302_143_8],
        ),
        (
            &[1000.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
            [0.101_807_183_735_346_38, 0.891_080_277_502_477_7, 9.910_802_775_024_777, 2.970_267_591_674_926],
        ),
    ];

    fn near(found: Option<f64>, expected: f64) -> bool {
        found.is_some_and(|found| (found - expected).abs() <= 1e-12 * expected.abs().max(1.0))
    }

    #[test]
    fn the_indices_equal_the_theory() {
        for (loads, [jain_index, gini_index, peak, variation]) in CASES {
            assert!(near(jain(loads), *jain_index), "{loads:?}");
            assert!(near(gini(loads), *gini_index), "{loads:?}");
            assert!(near(peak_to_mean(loads), *peak), "{loads:?}");
            assert!(near(cov(loads), *variation), "{loads:?}");
        }
    }

    #[test]
    fn weighted_loads_are_fair_in_proportion() {
        for (loads, weights, expected) in [
            ([5.0, 1.0, 1.0], [5.0, 1.0, 1.0], 1.0),
            ([50.0, 25.0, 25.0], [2.0, 1.0, 1.0], 1.0),
            ([30.0, 30.0, 40.0], [1.0, 2.0, 1.0], 0.883_792_048_929_663_6),
        ] {
            let values: Vec<f64> = loads.iter().zip(weights).map(|(load, weight)| load / weight).collect();
            assert!(near(jain(&values), expected));
        }
    }

    #[test]
    fn services_are_not_held_against_each_other_and_who_never_came_is_left_out() {
        let known = |service, comes_later| Backend { capacity: 2.0, service, comes_later, ..Backend::default() };
        let part = |amount: f64| Some(Part { amount, by: 2.0, was_used: amount > 0.0 });
        // 3 and 5 of one service, 300 and 500 of the other: each is 0.75 and 1.25 times its fair share.
        let known = [known(0, false), known(0, false), known(1, false), known(1, false), known(1, true)];
        let parts = [3.0, 5.0, 300.0, 500.0, 0.0].map(part);
        assert_eq!(proportions(&known, parts.into_iter()), [0.75, 1.25, 0.75, 1.25]);
        // One service alone keeps its unit; whoever came takes part, and so does who was there and got nothing.
        assert_eq!(proportions(&known[2..], [3.0, 0.0, 5.0].map(part).into_iter()), [1.5, 0.0, 2.5]);
        // A service without anything is no reason for unfairness.
        assert_eq!(proportions(&known, [0.0, 0.0, 4.0, 4.0, 0.0].map(part).into_iter()), [1.0, 1.0]);
        assert_eq!(proportions(&known, [part(1.0), None, None, None, None].into_iter()), [0.5]);
    }

    #[test]
    fn a_random_split_has_the_jain_index_of_theory() {
        // M requests over n backends at random: M² ÷ (n·E[Σx²]) = M/(M+n−1). Averaged over 2,000 draws, Σx² is within 0.2%.
        let (backends, requests, mut state) = (10, 1000, 0x9E37_79B9_7F4A_7C15_u64);
        let mean = (0..2000)
            .map(|_| {
                let mut loads = vec![0.0; backends];
                for _ in 0..requests {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    loads[(state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32) as usize % backends] += 1.0;
                }
                jain(&loads).expect("there are requests")
            })
            .sum::<f64>()
            / 2000.0;
        assert!((mean - 0.991_080_277_502_477_7).abs() < 0.0005, "{mean}");
    }

    #[test]
    fn nothing_shared_has_no_fairness_and_size_does_not_matter() {
        for index in [jain, cov, gini, peak_to_mean] {
            assert_eq!(index(&[]), None);
            assert_eq!(index(&[0.0, 0.0]), None);
            let (huge, tiny) = (index(&[1e300, 2e300, 4e300]), index(&[1e-300, 2e-300, 4e-300]));
            assert!(near(huge, tiny.expect("above zero")));
            assert_eq!(index(&[7.0]), index(&[0.1]));
        }
    }
}
