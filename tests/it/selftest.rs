//! The self-test, as `evenkeel selftest` runs it.

use evenkeel::selftest::{self, FINGERPRINT};

#[test]
fn the_selftest_holds_and_has_the_pinned_fingerprint() {
    let report = selftest::run(&|_, _| {});
    for check in report.checks.iter().filter(|check| !check.held) {
        println!("{check:?}");
    }
    assert!(report.checks.iter().all(|check| check.held) && report.repeats);
    assert_eq!(report.fingerprint, FINGERPRINT, "results have changed: say so in the changelog, and pin 0x{:016x}", report.fingerprint);
    assert!(report.held());
}
