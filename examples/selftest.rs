//! The self-test by hand.
fn main() {
    let report = evenkeel::selftest::run(&|_, _| {});
    for check in &report.checks {
        println!("{:60} {:12.6} {:12.6} {:10.6} {:6.2} {}", check.name, check.expected, check.measured, check.error, check.z, check.held);
    }
    println!("{} checks, repeats {}, fingerprint {:016x}", report.checks.len(), report.repeats, report.fingerprint);
}
