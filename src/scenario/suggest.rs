//! "Did you mean": the nearest known name, by spelling or by what other tools call it.

/// What other tools call our keys.
const KEYS: [(&str, &str); 61] = [
    ("algorithm", "balancers"),
    ("algorithms", "balancers"),
    ("policies", "balancers"),
    ("strategies", "balancers"),
    ("balancer", "balancers"),
    ("lb", "balancers"),
    ("servers", "backends"),
    ("hosts", "backends"),
    ("nodes", "backends"),
    ("upstream", "backends"),
    ("upstreams", "backends"),
    ("endpoints", "backends"),
    ("backend", "backends"),
    ("targets", "backends"),
    ("jobs", "requests"),
    ("iterations", "requests"),
    ("total_requests", "requests"),
    ("n", "requests"),
    ("length", "duration"),
    ("time", "duration"),
    ("runs", "replications"),
    ("repetitions", "replications"),
    ("repeats", "replications"),
    ("reps", "replications"),
    ("warm_up", "warmup"),
    ("ramp_up", "warmup"),
    ("random_seed", "seed"),
    ("rps", "rate"),
    ("qps", "rate"),
    ("lambda", "rate"),
    ("utilization", "load"),
    ("rho", "load"),
    ("users", "clients"),
    ("vus", "clients"),
    ("think_time", "think"),
    ("service", "work"),
    ("service_time", "work"),
    ("demand", "work"),
    ("arrival", "arrivals"),
    ("type", "process"),
    ("replicas", "count"),
    ("size", "count"),
    ("instances", "count"),
    ("concurrency", "workers"),
    ("threads", "workers"),
    ("cores", "workers"),
    ("capacity", "workers"),
    ("max_queue", "queue"),
    ("queue_size", "queue"),
    ("queue_limit", "queue"),
    ("policy", "discipline"),
    ("scheduling", "discipline"),
    ("latency", "network"),
    ("delay", "network"),
    ("az", "zone"),
    ("host", "address"),
    ("vnodes", "points"),
    ("virtual_nodes", "points"),
    ("d", "choices"),
    ("std", "stddev"),
    ("weight", "share"),
];

/// What other tools call our balancers, with what must be set beside.
const KINDS: [(&str, &str, &str); 30] = [
    ("p2c", "power-of-d", "choices = 2"),
    ("power-of-2", "power-of-d", "choices = 2"),
    ("power-of-two", "power-of-d", "choices = 2"),
    ("power-of-two-choices", "power-of-d", "choices = 2"),
    ("two-choices", "power-of-d", "choices = 2"),
    ("pick-2", "power-of-d", "choices = 2"),
    ("random-two", "power-of-d", "choices = 2"),
    ("po2", "power-of-d", "choices = 2"),
    ("power-of-3", "power-of-d", "choices = 3"),
    ("least-conn", "least-connections", ""),
    ("leastconn", "least-connections", ""),
    ("least-connection", "least-connections", ""),
    ("least-request", "least-connections", ""),
    ("least-requests", "least-connections", ""),
    ("least-outstanding", "least-connections", ""),
    ("least-loaded", "least-connections", ""),
    ("lc", "least-connections", ""),
    ("rr", "round-robin", ""),
    ("roundrobin", "round-robin", ""),
    ("wrr", "weighted-round-robin", ""),
    ("weighted-rr", "weighted-round-robin", ""),
    ("jsq", "join-shortest-queue", ""),
    ("shortest-queue", "join-shortest-queue", ""),
    ("lwl", "least-work", ""),
    ("least-work-left", "least-work", ""),
    ("m-m-c", "central-queue", ""),
    ("consistent-hash", "ring-hash", ""),
    ("consistent-hashing", "ring-hash", ""),
    ("ketama", "ring-hash", ""),
    ("uniform", "random", ""),
];

/// What other tools call our other words.
const WORDS: [(&str, &str); 20] = [
    ("exp", "exponential"),
    ("poisson-process", "poisson"),
    ("markov", "poisson"),
    ("fixed", "constant"),
    ("deterministic", "constant"),
    ("const", "constant"),
    ("log-normal", "lognormal"),
    ("gaussian", "normal"),
    ("hyper-exponential", "hyperexponential"),
    ("histogram", "empirical"),
    ("closed-loop", "closed"),
    ("onoff", "on-off"),
    ("bursty", "on-off"),
    ("fcfs", "fifo"),
    ("lcfs", "lifo"),
    ("ps", "processor-sharing"),
    ("rr", "round-robin"),
    ("trace", "recorded"),
    ("replay", "recorded"),
    ("conn", "connection"),
];

/// The nearest of the known names, if one is near enough to be meant.
pub fn nearest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let found = plain(found);
    let length = found.chars().count();
    if length > 64 {
        return None;
    }
    let ranked = known.into_iter().map(|name| (distance(&found, &plain(name)), name));
    let (steps, name) = ranked.min_by_key(|(steps, _)| *steps)?;
    (steps <= (length.max(name.len()) / 3).clamp(1, 4) && steps < length.max(1)).then_some(name)
}

/// A known key that other tools call so.
pub(crate) fn key_synonym<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let found = found.to_lowercase().replace('-', "_");
    let mut known = known.into_iter().collect::<Vec<_>>();
    known.retain(|name| KEYS.iter().any(|(theirs, ours)| *theirs == found && ours == name));
    known.first().copied()
}

/// The balancer that other tools call so, and the parameter that makes it the same.
pub(crate) fn kind_synonym(found: &str) -> Option<(&'static str, &'static str)> {
    let found = plain(found);
    KINDS.iter().find(|(theirs, ..)| *theirs == found).map(|(_, ours, with)| (*ours, *with))
}

/// A known word that other tools call so.
pub(crate) fn word_synonym<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let found = plain(found);
    let ours = WORDS.iter().filter(|(theirs, _)| *theirs == found).map(|(_, ours)| *ours).collect::<Vec<_>>();
    known.into_iter().find(|name| ours.contains(name))
}

/// Lower case, with one kind of hyphen, without blanks around.
fn plain(name: &str) -> String {
    name.trim().chars().map(|c| if matches!(c, '_' | ' ' | '/') { '-' } else { c.to_ascii_lowercase() }).collect()
}

/// How many letters must be put in, left out, changed or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = change.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before_last[j - 2] + 1);
            }
            row.push(least);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swap_is_one_step() {
        assert_eq!(distance("wieght", "weight"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }

    #[test]
    fn spelling_and_case_are_forgiven() {
        let known = ["balancers", "backends", "title"];
        assert_eq!(nearest("BALANCERS", known), Some("balancers"));
        assert_eq!(nearest("balncers", known), Some("balancers"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest("power-of-d ", ["power-of-d", "random"]), Some("power-of-d"));
    }

    #[test]
    fn other_tools_names_are_known() {
        assert_eq!(kind_synonym("p2c"), Some(("power-of-d", "choices = 2")));
        assert_eq!(kind_synonym("least_conn"), Some(("least-connections", "")));
        assert_eq!(key_synonym("rps", ["rate", "load"]), Some("rate"));
        assert_eq!(key_synonym("jobs", ["requests"]), Some("requests"));
    }
}
