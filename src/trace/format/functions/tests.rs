use super::*;
use crate::trace::format::heard::{Heard, hear, text};
use proptest::prelude::*;

const CALLS: &str = "HashOwner,HashApp,HashFunction,Trigger,1,2,3\no,a,f,http,3,0,2\no,a,g,queue,1000,0,1\no,b,f,http,0,0,1\n";
const TIMES: &str = "HashOwner,HashApp,HashFunction,Average,Count,Minimum,Maximum,percentile_Average_0,percentile_Average_1,percentile_Average_25,\
                     percentile_Average_50,percentile_Average_75,percentile_Average_99,percentile_Average_100\n\
                     o,a,f,100.0,5,99,101,99.0,99.0,99.0,100.0,101.0,101.0,101.0\no,a,g,1,1,0,8,0,1,2,4,6,7,8\n";

fn read(reader: Functions, calls: &str) -> Heard {
    let mut reader = reader;
    hear(&mut reader, calls.as_bytes()).expect("it is read")
}

fn with_times(seed: u64, spread: Spread) -> Functions {
    Functions::new(seed, spread).with_durations(&mut TIMES.as_bytes(), &mut Heard::default()).expect("it is read")
}

#[test]
fn counts_become_arrivals_in_the_order_of_time() {
    for spread in [Spread::Uniform, Spread::Even] {
        let heard = read(with_times(1, spread), CALLS);
        assert_eq!((heard.requests.len(), heard.unreadable.len()), (1007, 0));
        assert!(heard.requests.is_sorted_by_key(|entry| entry.at));
        let minute = MINUTE as i64;
        let of = |app, function, number: i64| {
            let is_it = |entry: &&Entry<'_>| entry.class == text(app) && entry.key == text(function) && entry.at / minute == number;
            heard.requests.iter().filter(is_it).count()
        };
        assert_eq!(
            [of("a", "f", 0), of("a", "f", 1), of("a", "f", 2), of("a", "g", 0), of("a", "g", 2), of("b", "f", 2)],
            [3, 0, 2, 1000, 1, 1]
        );
        assert_eq!(heard.requests.iter().filter(|entry| entry.service.is_none()).count(), 1, "b has no percentiles");
    }
}

#[test]
fn uniform_calls_are_uniform_and_poisson_gaps_exponential() {
    let calls = "HashOwner,HashApp,HashFunction,Trigger,1\no,a,g,http,100000\n";
    for spread in [Spread::Uniform, Spread::Poisson] {
        let heard = read(Functions::new(5, spread), calls);
        let count = heard.requests.len() as f64;
        let mean = heard.requests.iter().map(|entry| entry.at as f64 / MINUTE as f64).sum::<f64>() / count;
        // The mean of n uniform values is off by 1 ÷ √(12 n).
        assert!((mean - 0.5).abs() < 4.0 / (12.0 * count).sqrt(), "{spread:?}: {mean}");
        assert!((count - 1e5).abs() < if spread == Spread::Poisson { 4.0 * 316.0 } else { 0.5 }, "{spread:?}: {count}");
        let gaps: Vec<f64> = heard.requests.windows(2).map(|pair| (pair[1].at - pair[0].at) as f64).collect();
        let (n, sum) = (gaps.len() as f64, gaps.iter().sum::<f64>());
        let variance = gaps.iter().map(|gap| (gap - sum / n) * (gap - sum / n)).sum::<f64>() / n;
        let cv2 = variance / (sum / n * (sum / n));
        assert!((cv2 - 1.0).abs() < 0.06, "{spread:?}: {cv2}");
    }
}

#[test]
fn even_calls_have_equal_gaps() {
    let heard = read(Functions::new(5, Spread::Even), "HashOwner,HashApp,HashFunction,Trigger,1\no,a,g,http,60\n");
    assert!(heard.requests.windows(2).all(|pair| (pair[1].at - pair[0].at - 1_000_000_000).abs() < 100));
}

#[test]
fn durations_follow_the_percentiles() {
    let heard = read(with_times(7, Spread::Uniform), "HashOwner,HashApp,HashFunction,Trigger,1\no,a,g,http,20000\n");
    let mut durations: Vec<u64> = heard.requests.iter().filter_map(|entry| entry.service).collect();
    durations.sort_unstable();
    let at = |share: f64| durations[(share * durations.len() as f64) as usize] as f64 / 1e6;
    for (share, expected) in [(0.25, 2.0), (0.5, 4.0), (0.75, 6.0), (0.99, 7.0)] {
        assert!((at(share) - expected).abs() < 0.15, "{share}: {}", at(share));
    }
}

#[test]
fn what_another_function_does_moves_nothing() {
    let alone = read(with_times(3, Spread::Uniform), "HashOwner,HashApp,HashFunction,Trigger,1,2,3\no,a,f,http,3,0,2\n");
    let of_f: Vec<_> = read(with_times(3, Spread::Uniform), CALLS).requests;
    let of_f: Vec<_> = of_f.into_iter().filter(|entry| entry.key == text("f") && entry.class == text("a")).collect();
    assert_eq!(alone.requests, of_f);
    let times = |heard: Heard| heard.requests.iter().map(|entry| entry.at).collect::<Vec<_>>();
    assert_eq!(times(read(Functions::new(3, Spread::Uniform), CALLS)), times(read(with_times(3, Spread::Uniform), CALLS)));
    assert_ne!(read(with_times(4, Spread::Uniform), CALLS).requests[0].at, read(with_times(3, Spread::Uniform), CALLS).requests[0].at);
}

#[test]
fn the_sample() {
    let calls = include_str!("../../../../tests/data/traces/azure_functions_2019_invocations.csv");
    let times = include_str!("../../../../tests/data/traces/azure_functions_2019_durations.csv");
    assert!(recognise(calls.as_bytes()) && recognise_durations(times.as_bytes()) && !recognise(times.as_bytes()));
    let reader = Functions::new(1, Spread::Uniform).with_durations(&mut times.as_bytes(), &mut Heard::default()).expect("it is read");
    let heard = read(reader, calls);
    let counted: u64 =
        calls.lines().skip(1).flat_map(|line| line.split(',').skip(4)).map(|count| count.parse::<u64>().expect("a count")).sum();
    assert_eq!((heard.requests.len() as u64, heard.unreadable.len()), (counted, 0));
    assert!(heard.requests.iter().all(|entry| entry.service.is_some()) && heard.requests.is_sorted_by_key(|entry| entry.at));
}

#[test]
fn tables_that_are_none() {
    let mut sink = Heard::default();
    let fault = hear(&mut Functions::new(1, Spread::Even), &b"a,b\n"[..]).expect_err("it is none");
    assert!(fault.contains("HashApp, HashFunction and a column for each minute"), "{fault}");
    assert!(Functions::new(1, Spread::Even).with_durations(&mut &b"a,b\n"[..], &mut sink).is_err());
    let heard = read(Functions::new(1, Spread::Even), "HashApp,HashFunction,1\na,f,-1\na,f,1.5\na,f\na,f,4294967296\na,f,1\n");
    assert_eq!((heard.requests.len(), heard.unreadable.len()), (1, 4));
    let times = TIMES.replace(",99.0", ",102").replace(",8\n", ",NaN\n");
    with_wrong(&times, &mut sink);
    assert_eq!(sink.unreadable.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 3]);
}

fn with_wrong(times: &str, sink: &mut Heard) {
    Functions::new(1, Spread::Even).with_durations(&mut times.as_bytes(), sink).expect("its header is right");
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), rows in "([af0-3],|\n|\")*") {
        let _ = hear(&mut Functions::new(1, Spread::Poisson), &bytes[..]);
        let _ = hear(&mut Functions::new(1, Spread::Poisson), format!("HashApp,HashFunction,1,2\n{rows}").as_bytes());
        let _ = Functions::new(1, Spread::Even).with_durations(&mut &bytes[..], &mut Heard::default());
        let _ = (recognise(&bytes), recognise_durations(&bytes));
    }
}
