//! Replications into one record: what is counted is summed, what is distributed is merged.
//!
//! The sum's window starts at zero and is as long as all windows together, and its end is the sum of all ends: rates and time
//! averages of the whole are then read as those of one replication are.

use super::record::{BackendRecord, FaultRecord, Record, ServiceRecord};
use crate::time::SimTime;

/// Adds a replication: counts, areas and windows are summed, histograms merged, the earliest overload kept.
pub(super) fn merge(total: &mut Record, next: Record) {
    let Record {
        offered, succeeded, failed, unfinished, attempts, retries, hedges, failures, latency, failed_latency, wait, waited, ..
    } = &next;
    for (mine, theirs) in [
        (&mut total.offered, offered),
        (&mut total.succeeded, succeeded),
        (&mut total.failed, failed),
        (&mut total.unfinished, unfinished),
        (&mut total.attempts, attempts),
        (&mut total.retries, retries),
        (&mut total.hedges, hedges),
        (&mut total.waited, waited),
        (&mut total.events, &next.events),
    ] {
        *mine += theirs;
    }
    for (mine, theirs) in total.failures.iter_mut().zip(failures) {
        *mine += theirs;
    }
    total.latency.merge(latency);
    total.failed_latency.merge(failed_latency);
    total.wait.merge(wait);
    total.window_end += next.window_end.since(next.window_start);
    total.end += next.end.since(SimTime::ZERO);
    total.in_system_area += next.in_system_area;
    for (mine, theirs) in [(&mut total.useful, next.useful), (&mut total.wasted, next.wasted), (&mut total.lost, next.lost)] {
        *mine += theirs;
    }
    total.overloaded_at = [total.overloaded_at, next.overloaded_at].into_iter().flatten().min();
    // Order counts: a rotation keeps equal replications from cancelling.
    total.fingerprint = total.fingerprint.rotate_left(5) ^ next.fingerprint;
    merge_clients(&mut total.clients, next.clients);
    merge_services(&mut total.services, next.services);
    merge_faults(&mut total.faults, next.faults);
    merge_backends(&mut total.backends, next.backends);
}

fn merge_services(total: &mut Vec<ServiceRecord>, next: Vec<ServiceRecord>) {
    if total.is_empty() {
        *total = next;
        return;
    }
    for (mine, theirs) in total.iter_mut().zip(next) {
        mine.requests += theirs.requests;
        mine.succeeded += theirs.succeeded;
        mine.attempts += theirs.attempts;
        mine.retries += theirs.retries;
        mine.path += theirs.path;
        mine.latency.merge(&theirs.latency);
    }
}

fn merge_faults(total: &mut Vec<FaultRecord>, next: Vec<FaultRecord>) {
    if total.is_empty() {
        *total = next;
        return;
    }
    for (mine, theirs) in total.iter_mut().zip(next) {
        mine.occurrences += theirs.occurrences;
        mine.judged += theirs.judged;
        mine.recovered += theirs.recovered;
        mine.recover_time += theirs.recover_time;
        mine.noticed += theirs.noticed;
        mine.notice_time += theirs.notice_time;
        mine.failed += theirs.failed;
        mine.delayed += theirs.delayed;
        mine.moved = (mine.moved.0 + theirs.moved.0, mine.moved.1 + theirs.moved.1);
        mine.metastable.iter_mut().zip(theirs.metastable).for_each(|(mine, theirs)| *mine += theirs);
    }
}

fn merge_clients(total: &mut Option<Vec<(u64, u128)>>, next: Option<Vec<(u64, u128)>>) {
    match (total, next) {
        (Some(mine), Some(theirs)) => {
            for (mine, theirs) in mine.iter_mut().zip(theirs) {
                *mine = (mine.0 + theirs.0, mine.1 + theirs.1);
            }
        }
        (mine @ None, theirs) => *mine = theirs,
        (Some(_), None) => {}
    }
}

fn merge_backends(total: &mut Vec<BackendRecord>, next: Vec<BackendRecord>) {
    if total.is_empty() {
        *total = next;
        return;
    }
    for (mine, theirs) in total.iter_mut().zip(next) {
        mine.requests += theirs.requests;
        mine.in_flight_area += theirs.in_flight_area;
        mine.in_flight_max = mine.in_flight_max.max(theirs.in_flight_max);
        mine.busy_area += theirs.busy_area;
        mine.answered += theirs.answered;
        mine.latency_sum += theirs.latency_sum;
        match (&mut mine.latency, theirs.latency) {
            (Some(mine), Some(theirs)) => mine.merge(&theirs),
            (mine, _) => *mine = None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::histogram::Coarse;

    #[test]
    fn backends_and_clients_are_merged_one_by_one() {
        let one = |requests: u64, latency: Option<Coarse>| Record {
            backends: vec![BackendRecord { requests, in_flight_max: requests, latency, ..BackendRecord::default() }],
            clients: Some(vec![(requests, 10), (0, 0)]),
            window_start: SimTime(5),
            window_end: SimTime(15),
            ..Record::default()
        };
        let mut total = Record::default();
        merge(&mut total, one(3, Some(Coarse::default())));
        merge(&mut total, one(2, Some(Coarse::default())));
        assert_eq!((total.backends[0].requests, total.backends[0].in_flight_max), (5, 3));
        assert_eq!(total.clients, Some(vec![(5, 20), (0, 0)]));
        assert_eq!((total.window_start, total.window_end), (SimTime(0), SimTime(20)));
        assert!(total.backends[0].latency.is_some());
        // A histogram that one of them does not keep is not the histogram of all.
        merge(&mut total, one(1, None));
        assert!(total.backends[0].latency.is_none());
    }

    #[test]
    fn the_order_of_replications_is_in_the_fingerprint() {
        let sum = |prints: [u64; 2]| {
            let mut total = Record::default();
            prints.into_iter().for_each(|fingerprint| merge(&mut total, Record { fingerprint, ..Record::default() }));
            total.fingerprint
        };
        assert_ne!(sum([1, 2]), sum([2, 1]));
        assert_ne!(sum([7, 7]), 0);
    }
}
