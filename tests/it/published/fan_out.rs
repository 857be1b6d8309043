//! J. Dean and L. A. Barroso, "The tail at scale" (2013): what is rare at one leaf is usual where many are asked.

use super::{latencies, loaded, milliseconds, records, said, variant};

#[test]
fn what_is_rare_at_a_leaf_is_usual_at_a_hundred() {
    let loaded = loaded("tail-at-scale.toml");
    for (name, published, slow, replications) in [
        ("1 leaf", "1%", 0.01, 30),
        ("100 leaves", "63%", 1.0 - 0.99_f64.powi(100), 10),
        ("2000 leaves, 1 slow in 10,000", "about 18%", 1.0 - 0.9999_f64.powi(2000), 5),
    ] {
        let latencies = latencies(&records(&variant(&loaded, name), "random", replications));
        let n = latencies.count() as f64;
        let slower: u64 = latencies.buckets().filter(|&(least, _, _)| least > 1_000_000_000).map(|(_, _, count)| count).sum();
        let ours = slower as f64 / n;
        said(
            format_args!("{name}: share above a second"),
            published,
            format_args!("{:.1}% ({:.1}% by arithmetic)", 100.0 * ours, 100.0 * slow),
        );
        assert!((ours - slow).abs() <= 4.0 * (slow * (1.0 - slow) / n).sqrt(), "{name}: {ours}, not {slow}");
        assert!(milliseconds(&latencies, 1.0) < 1502.0);
    }
}
