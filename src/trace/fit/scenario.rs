//! A fit as a scenario: text that `evenkeel run` takes, with what was found in comments.

use super::steps::Step;
use super::{Fit, Keys, Process, Source};
use crate::dist::Dist;
use libm::{expm1, sqrt};
use std::fmt::Write;

/// The backends of a scenario.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pool {
    /// How many, one worker each.
    pub count: u32,
    /// Their speed.
    pub speed: f64,
}

impl Pool {
    /// The most and the least backends of one.
    const SIZES: (f64, f64) = (4.0, 1000.0);

    /// As many as so much work a second keeps busy to a share; their speed makes it exactly that.
    #[must_use]
    pub fn of(rate: f64, work_ns: f64, load: f64) -> Self {
        let busy = rate * work_ns / 1e9;
        let count = (busy / load).ceil().clamp(Self::SIZES.0, Self::SIZES.1);
        Self { count: count as u32, speed: (busy / load / count).clamp(1e-6, 1e6) }
    }
}

/// Requests of a written run, at most.
pub(super) const MOST: u64 = 1_000_000;

impl Fit {
    /// The scenario; `work` is that of the requests as the scenario language writes it, where the record has none.
    #[must_use]
    pub fn scenario(&self, work: Option<&str>, pool: Pool, balancers: &[String]) -> String {
        let mut text = String::new();
        let requests = self.seen.requests.clamp(1000, MOST);
        let names: Vec<String> = balancers.iter().map(|name| format!("\"{name}\"")).collect();
        let _ = write!(
            text,
            "# A synthetic model of recorded traffic, fitted by `evenkeel trace fit`: {} requests in {}, {} a second.\n\
             title = \"Fitted to recorded traffic\"\n\
             balancers = [{}]\n\n[run]\nrequests = {requests}\nreplications = 5\n\n[traffic]\n",
            self.seen.requests,
            span(self.seen.span as f64),
            number(self.rate()),
            names.join(", ")
        );
        self.write_arrivals(&mut text);
        self.write_work(&mut text, work);
        self.write_keys(&mut text);
        let _ = write!(
            text,
            "\n# A pool that this traffic keeps busy to the share that was asked for. Put your own here.\n[[backends]]\nname = \"backend\"\ncount = {}\nspeed = {}\nworkers = 1\n",
            pool.count,
            number(pool.speed)
        );
        text
    }

    fn write_arrivals(&self, text: &mut String) {
        let rate = format!("rate = \"{}/s\"", number(self.rate().clamp(1e-6, 1e9)));
        let Some(chosen) = self.process() else {
            let _ = writeln!(text, "arrivals = {{ process = \"poisson\", {rate} }}   # too few requests to tell");
            return;
        };
        let count = |dispersion: Option<f64>| dispersion.map_or("?".to_owned(), |value| format!("{value:.2}"));
        let [a, b, c, d] = self.seen.dispersion.map(count);
        let _ = writeln!(
            text,
            "# gaps: coefficient of variation {}, Kolmogorov and Smirnov's distance {:.3}",
            count(self.seen.gap_cv),
            chosen.ks
        );
        let _ = writeln!(text, "# variance by mean of the recorded counts at 0.1 s, 1 s, 10 s, 60 s: {a}, {b}, {c}, {d}");
        let [a, b, c, d] = chosen.dispersion.map(count);
        let _ = writeln!(text, "# and of the model's: {a}, {b}, {c}, {d}");
        let shape = shape(&chosen.steps);
        let process = match &chosen.process {
            Process::Constant => format!("process = \"constant\", {rate}"),
            Process::Poisson => format!("process = \"poisson\", {rate}"),
            Process::Renewal(gap) => format!("process = \"renewal\", gap = {}, {rate}", dist(gap)),
            Process::Batch { mean, fixed: true } => format!("process = \"batch\", size = {}, {rate}", mean.round()),
            Process::Batch { mean, fixed: false } => {
                format!("process = \"batch\", size = {{ dist = \"geometric\", mean = {} }}, {rate}", number(*mean))
            }
            Process::Mmpp(states) => {
                let states = states.at_rate(self.rate() / 1e9);
                let one = |at: usize| {
                    format!("{{ rate = \"{}/s\", mean_stay = \"{}\" }}", number((states.rates[at] * 1e9).min(1e9)), span(states.stays[at]))
                };
                format!("process = \"mmpp\", states = [{}, {}], {rate}", one(0), one(1))
            }
        };
        let _ = writeln!(text, "arrivals = {{ {process}{shape} }}");
    }

    fn write_work(&self, text: &mut String, given: Option<&str>) {
        if let Some(law) = self.law() {
            if self.source == Source::Duration {
                let _ = writeln!(text, "# recorded durations, which include what requests waited for: simulated waiting comes on top");
            }
            let _ = writeln!(text, "# Kolmogorov and Smirnov's distance {:.3}", law.ks);
            let _ = writeln!(text, "work = {}", dist(&law.dist));
        } else if let Some(given) = given {
            let _ = writeln!(text, "# given, not recorded\nwork = {given}");
        }
    }

    fn write_keys(&self, text: &mut String) {
        let _ = match self.keys {
            Keys::None => Ok(()),
            Keys::Uniform { count } => writeln!(text, "keys = {{ dist = \"uniform\", count = {count} }}"),
            Keys::Zipf { count, exponent, error } => {
                writeln!(text, "keys = {{ dist = \"zipf\", count = {count}, exponent = {exponent:.4} }}   # ± {:.4}", 1.96 * error)
            }
        };
        if self.clients > 0 {
            let _ = writeln!(text, "clients = {{ count = {} }}", self.clients.min(100_000_000));
        }
    }
}

fn shape(steps: &[Step]) -> String {
    if steps.is_empty() {
        return String::new();
    }
    let steps: Vec<String> = steps.iter().map(|&(at, factor)| format!("[\"{}\", {}]", span(at as f64), number(factor))).collect();
    format!(", shape = {{ steps = [{}] }}", steps.join(", "))
}

/// A distribution as the scenario language writes it.
#[must_use]
pub fn dist(dist: &Dist) -> String {
    let body = match dist {
        Dist::Constant(value) => format!("dist = \"constant\", value = \"{}\"", span(*value)),
        Dist::Uniform { min, max } => format!("dist = \"uniform\", min = \"{}\", max = \"{}\"", span(*min), span(*max)),
        Dist::Exponential { mean } => format!("dist = \"exponential\", mean = \"{}\"", span(*mean)),
        Dist::Erlang { k, mean } => format!("dist = \"erlang\", k = {k}, mean = \"{}\"", span(*mean)),
        Dist::Gamma { mean, cv } => format!("dist = \"gamma\", mean = \"{}\", cv = {}", span(*mean), number(*cv)),
        Dist::Hyperexponential { parts } => {
            let shares = whole(parts.iter().map(|part| part.0));
            let parts: Vec<_> =
                parts.iter().zip(shares).map(|(part, share)| format!("{{ share = {share}, mean = \"{}\" }}", span(part.1))).collect();
            format!("dist = \"hyperexponential\", parts = [{}]", parts.join(", "))
        }
        Dist::Lognormal { sigma, .. } => {
            format!("dist = \"lognormal\", mean = \"{}\", cv = {}", span(dist.mean()), number(sqrt(expm1(sigma * sigma))))
        }
        Dist::Normal { mean, stddev } => format!("dist = \"normal\", mean = \"{}\", stddev = \"{}\"", span(*mean), span(*stddev)),
        Dist::Pareto { alpha, min, max } => {
            let max = max.map_or(String::new(), |max| format!(", max = \"{}\"", span(max)));
            format!("dist = \"pareto\", alpha = {}, min = \"{}\"{max}", number(*alpha), span(*min))
        }
        Dist::Weibull { shape, mean } => format!("dist = \"weibull\", shape = {}, mean = \"{}\"", number(*shape), span(*mean)),
        Dist::Mixture(parts) => {
            let shares = whole(parts.iter().map(|part| part.0));
            let parts: Vec<_> = parts
                .iter()
                .zip(shares)
                .map(|((_, part), share)| format!("{{ share = {share}, {}", self::dist(part).trim_start_matches("{ ")))
                .collect();
            format!("dist = \"mixture\", parts = [{}]", parts.join(", "))
        }
        Dist::Empirical(points) => {
            let points: Vec<_> = points.iter().map(|&(share, value)| format!("[{}, \"{}\"]", number(share), span(value))).collect();
            format!("dist = \"empirical\", quantiles = [{}]", points.join(", "))
        }
    };
    format!("{{ {body} }}")
}

/// Shares to six digits that add up to 1.
fn whole(shares: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut parts: Vec<i64> = shares.map(|share| (share * 1e6).round() as i64).collect();
    let rest = 1_000_000 - parts.iter().sum::<i64>();
    if let Some(last) = parts.last_mut() {
        *last += rest;
    }
    parts.into_iter().map(|part| part as f64 / 1e6).collect()
}

/// Six digits or so.
#[must_use]
pub fn number(value: f64) -> String {
    let digits = if value == 0.0 { 0 } else { 6 - libm::floor(libm::log10(value.abs())) as i32 };
    let text = format!("{:.*}", digits.clamp(0, 12) as usize, value);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A length of time in the unit that suits it.
fn span(ns: f64) -> String {
    let (unit, name) = match ns {
        ns if ns < 1e3 => return format!("{}ns", ns.round()),
        ns if ns < 1e6 => (1e3, "us"),
        ns if ns < 1e9 => (1e6, "ms"),
        _ => (1e9, "s"),
    };
    format!("{}{name}", number(ns / unit))
}
