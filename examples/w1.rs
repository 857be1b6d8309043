//! W1 by hand.
use evenkeel::catalogue::{Value, Values};
use evenkeel::dist::Dist;
use evenkeel::fleet::GroupPlan;
use evenkeel::measure::recorder::Recorder;
use evenkeel::plan::*;
use evenkeel::scenario::*;
use evenkeel::traffic::*;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let (policy, n, r): (&str, u32, u64) = (&a[1], a[2].parse().unwrap(), a[3].parse().unwrap());
    let mut values = Values::default();
    values.set("choices", Value::Whole(2));
    values.set("distinct", Value::Bool(false));
    values.set("ties", Value::Text("random".into()));
    values.set("points", Value::Whole(160));
    values.set("weighted", Value::Bool(false));
    let kind = match policy { "p2c" => "power-of-d", "rr" => "round-robin", "random" => "random", "lc" => { values.set("ties", Value::Text("first".into())); "least-connections" } "lcswap" => "least-connections", "jsq" => "join-shortest-queue", "lw" => "least-work", "cq" => "central-queue", "ring" => "ring-hash", "wrr" => "weighted-round-robin", "wr" => "weighted-random", x => panic!("{x}") };
    let plan = Plan {
        variant: None, seed: 1, replications: 1, precision: None, max_in_flight: 2_000_000, length: Length::Requests(r), warmup: WarmupPlan::Requests(r / 10),
        sources: vec![SourcePlan { name: "t".into(), timing: Timing::Renewal { gap: Dist::Exponential { mean: 1e7 / (0.8 * f64::from(n)) }, scale: 1.0 }, shape: Shape::Flat, work: Dist::Exponential { mean: 1e7 }, keys: None, clients: None, class: None, priority: 0, zone: None }],
        groups: vec![GroupPlan { name: "web".into(), count: n, speed: 1.0, weight: 1.0, workers: Some(1), discipline: Discipline::Fifo, queue: None, zone: None, network: Dist::Constant(0.0), address: None, per_in_flight: 0, cache: None }],
        zones: vec![], links: vec![],
        tier: TierPlan { instances: 1, assign: Assign::Random, picks: Picks::Request, view: View::Own, refresh: 0, adds_own: false, zone: None },
        balancers: vec![BalancerPlan { label: policy.into(), kind, values }],
        rate: None, mean_work: 1e7, capacity: Some(f64::from(n)),
    };
    let (recorder, ending) = evenkeel::engine::run(&plan, 0, 0, Recorder::new(&plan), &mut |_| true).unwrap();
    let record = recorder.finish(&ending);
    println!("{} mean {:.3} p50 {:.2} p99 {:.2} wait {:.3} overloaded {:?} end {} fp {:x}", record.succeeded, record.latency.mean().unwrap() / 1e6, record.latency.quantile(0.5).unwrap() as f64 / 1e6, record.latency.quantile(0.99).unwrap() as f64 / 1e6, record.waited as f64 / record.succeeded as f64, record.overloaded_at, record.end, record.fingerprint);
}
