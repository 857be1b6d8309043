//! What the self-test simulates: scenarios as a user would write them, with a unit of 10 ms, and what theory says of each.

use crate::theory::formulas::{
    batch_sojourn, closed_loop, dm1_sigma, erlang_b, erlang_c, mg1_sojourn, mm1_quantile, mm1_sojourn, mmc_sojourn, mmck,
    round_robin_sigma, weighted_random_sojourn,
};

/// A figure that is read from a record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Figure {
    /// Mean latency, in units.
    Mean,
    /// A percentile of latency, in units.
    Quantile(f64),
    /// The share that waited.
    Waited,
    /// The share refused.
    Refused,
    /// Requests answered per unit.
    Throughput,
    /// The mean number in the system.
    InSystem,
    /// Busy workers over the time, as a share of one.
    Busy,
}

/// A scenario and what is known of it.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) name: &'static str,
    /// Requests of a replication.
    pub(super) requests: u32,
    pub(super) traffic: String,
    pub(super) backends: &'static str,
    pub(super) balancer: &'static str,
    pub(super) known: Vec<(Figure, f64)>,
}

const EXPONENTIAL: &str = r#"{ dist = "exponential", mean = "10ms" }"#;

fn model(
    name: &'static str,
    requests: u32,
    arrivals: &str,
    work: &str,
    backends: &'static str,
    balancer: &'static str,
    known: &[(Figure, f64)],
) -> Model {
    let traffic = format!("arrivals = {{ {arrivals} }}\nwork = {work}\n");
    Model { name, requests, traffic, backends, balancer, known: known.to_vec() }
}

fn poisson(load: f64) -> String {
    format!("process = \"poisson\", load = {load}")
}

/// All models, the costly ones first.
pub(super) fn all() -> Vec<Model> {
    use Figure::{Busy, InSystem, Mean, Quantile, Refused, Throughput, Waited};
    let (rr4, rr10, dm1) = (round_robin_sigma(4, 0.8), round_robin_sigma(10, 0.9), dm1_sigma(0.7));
    let (loss, stay) = mmck(2, 10, 1.8);
    let (closed_stay, closed_rate) = closed_loop(10, 10.0);
    vec![
        // 10,330,000 requests for ±1%: the rest of the models need less.
        model(
            "two shortest queues at 0.9 (jsq-2-0.9)",
            300_000,
            &poisson(0.9),
            EXPONENTIAL,
            "count = 2",
            r#"kind = "join-shortest-queue""#,
            &[(Mean, 5.474_912_821_233_89)],
        ),
        model(
            "M/M/1 at 0.8",
            300_000,
            &poisson(0.8),
            EXPONENTIAL,
            "",
            r#"kind = "random""#,
            &[
                (Mean, mm1_sojourn(0.8)),
                (Quantile(0.5), mm1_quantile(0.8, 0.5)),
                (Quantile(0.99), mm1_quantile(0.8, 0.99)),
                (Waited, 0.8),
                (InSystem, 4.0),
                (Busy, 0.8),
            ],
        ),
        model(
            "M/D/1 at 0.8",
            200_000,
            &poisson(0.8),
            r#""10ms""#,
            "",
            r#"kind = "random""#,
            &[(Mean, mg1_sojourn(0.8, 0.0)), (Waited, 0.8)],
        ),
        model(
            "M/E4/1 at 0.7",
            200_000,
            &poisson(0.7),
            r#"{ dist = "erlang", k = 4, mean = "10ms" }"#,
            "",
            r#"kind = "random""#,
            &[(Mean, mg1_sojourn(0.7, 0.25))],
        ),
        model(
            "M/H2/1 at 0.5",
            300_000,
            &poisson(0.5),
            r#"{ dist = "hyperexponential", mean = "10ms", cv = 2 }"#,
            "",
            r#"kind = "random""#,
            &[(Mean, mg1_sojourn(0.5, 4.0))],
        ),
        model(
            "M/D/1 shared at 0.7",
            200_000,
            &poisson(0.7),
            r#""10ms""#,
            r#"discipline = "processor-sharing""#,
            r#"kind = "random""#,
            &[(Mean, mm1_sojourn(0.7))],
        ),
        model(
            "M/H2/1 shared at 0.5",
            200_000,
            &poisson(0.5),
            r#"{ dist = "hyperexponential", mean = "10ms", cv = 2 }"#,
            r#"discipline = "processor-sharing""#,
            r#"kind = "random""#,
            &[(Mean, mm1_sojourn(0.5))],
        ),
        model(
            "M/M/5 at 0.8, central queue",
            200_000,
            &poisson(0.8),
            EXPONENTIAL,
            "count = 5",
            r#"kind = "central-queue""#,
            &[(Mean, mmc_sojourn(5, 4.0)), (Waited, erlang_c(5, 4.0))],
        ),
        model(
            "M/M/10 at 0.9, one backend",
            300_000,
            &poisson(0.9),
            EXPONENTIAL,
            "workers = 10",
            r#"kind = "random""#,
            &[(Mean, mmc_sojourn(10, 9.0)), (Waited, erlang_c(10, 9.0))],
        ),
        model(
            "M/M/2/10 at 0.9",
            200_000,
            &poisson(0.9),
            EXPONENTIAL,
            "workers = 2\nqueue = 8",
            r#"kind = "random""#,
            &[(Refused, loss), (Mean, stay), (Throughput, 1.8 * (1.0 - loss))],
        ),
        model(
            "Erlang B, 10 of 8",
            200_000,
            &poisson(0.8),
            EXPONENTIAL,
            "workers = 10\nqueue = 0",
            r#"kind = "random""#,
            &[(Refused, erlang_b(10, 8.0)), (Busy, 8.0 * (1.0 - erlang_b(10, 8.0)))],
        ),
        model(
            "M/G/inf, 100 at once",
            200_000,
            r#"process = "poisson", rate = "10000/s""#,
            r#"{ dist = "uniform", min = "0ms", max = "20ms" }"#,
            "workers = \"unlimited\"",
            r#"kind = "random""#,
            &[(InSystem, 100.0), (Mean, 1.0)],
        ),
        model(
            "batches of 5 at 0.8",
            300_000,
            r#"process = "batch", size = 5, load = 0.8"#,
            EXPONENTIAL,
            "",
            r#"kind = "random""#,
            &[(Mean, batch_sojourn(0.8, 5.0)), (InSystem, 0.8 * batch_sojourn(0.8, 5.0))],
        ),
        model(
            "D/M/1 at 0.7",
            200_000,
            r#"process = "constant", load = 0.7"#,
            EXPONENTIAL,
            "",
            r#"kind = "random""#,
            &[(Mean, 1.0 / (1.0 - dm1)), (Waited, dm1)],
        ),
        model(
            "round robin over 4 at 0.8",
            200_000,
            &poisson(0.8),
            EXPONENTIAL,
            "count = 4",
            r#"kind = "round-robin""#,
            &[(Mean, 1.0 / (1.0 - rr4)), (Waited, rr4), (Quantile(0.99), mm1_quantile(rr4, 0.99))],
        ),
        model(
            "round robin over 10 at 0.9",
            300_000,
            &poisson(0.9),
            EXPONENTIAL,
            "count = 10",
            r#"kind = "round-robin""#,
            &[(Mean, 1.0 / (1.0 - rr10)), (Waited, rr10)],
        ),
        model(
            "random over 5 at 0.7",
            200_000,
            &poisson(0.7),
            EXPONENTIAL,
            "count = 5",
            r#"kind = "random""#,
            &[(Mean, mm1_sojourn(0.7)), (Quantile(0.99), mm1_quantile(0.7, 0.99))],
        ),
        model(
            "weighted random over 1, 1, 2, 4 at 0.7",
            200_000,
            &poisson(0.7),
            EXPONENTIAL,
            MACHINES,
            r#"kind = "weighted-random""#,
            &[(Mean, weighted_random_sojourn(&[1.0, 1.0, 2.0, 4.0], 0.7))],
        ),
        model(
            "two shortest queues at 0.5 (jsq-2-0.5)",
            200_000,
            &poisson(0.5),
            EXPONENTIAL,
            "count = 2",
            r#"kind = "join-shortest-queue""#,
            &[(Mean, 1.426_320_751_167_316)],
        ),
        model(
            "least connections over 5 at 0.8 (jsq-5-0.8)",
            200_000,
            &poisson(0.8),
            EXPONENTIAL,
            "count = 5",
            r#"kind = "least-connections""#,
            &[(Mean, 1.754_384_465_541_274_4)],
        ),
        model(
            "ten closed clients",
            100_000,
            r#"process = "closed", clients = 10, think = { dist = "exponential", mean = "100ms" }"#,
            EXPONENTIAL,
            "",
            r#"kind = "random""#,
            &[(Mean, closed_stay), (Throughput, closed_rate)],
        ),
    ]
}

/// Four machines, told to the balancer as they are.
const MACHINES: &str = "name = \"small\"\ncount = 2\n[[backends]]\nname = \"middle\"\nspeed = 2\nweight = 2\n[[backends]]\nname = \"large\"\nspeed = 4\nweight = 4";

impl Model {
    /// The scenario, as a user would write it, with a seed of its own.
    pub(super) fn toml(&self, seed: usize) -> String {
        let Self { requests, traffic, backends, balancer, .. } = self;
        format!(
            "[run]\nseed = {seed}\nrequests = {requests}\nwarmup = \"20%\"\n[traffic]\n{traffic}[[backends]]\n{backends}\n[[balancer]]\n{balancer}\n"
        )
    }
}
