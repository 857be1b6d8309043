//! A record in as few bytes as it takes, for journals: what a result is made of, and nothing that only one run can use.
//!
//! Whole numbers have seven bits to a byte, the low ones first (LEB128). A histogram is its exact part, then its counts in order of the buckets, with runs of
//! empty ones as one number: a cell of 5,000 requests takes 11 KB, one of 200,000 29 KB. The batches of the warm-up check are left out: what it found
//! is kept. Latencies of single backends are left out too, unless they are asked for; what is drawn, and events of single requests, never get here.

use super::histogram::{Coarse, Histogram};
use super::record::{BackendRecord, FaultRecord, Record, ServiceRecord};
use super::warmup::Check;
use crate::time::SimTime;

/// Raised with every change of the layout.
pub const LAYOUT: u8 = 1;

/// Writes numbers one after the other.
#[derive(Debug, Default)]
pub(super) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(super) fn number(&mut self, value: impl Into<u128>) {
        let mut value = value.into();
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    pub(super) fn float(&mut self, value: f64) {
        self.bytes.extend(value.to_bits().to_le_bytes());
    }

    fn maybe(&mut self, value: Option<u64>) {
        self.number(value.is_some());
        value.into_iter().for_each(|value| self.number(value));
    }
}

/// Reads them back; `None` where there is no such number.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
}

impl Reader<'_> {
    pub(super) fn long(&mut self) -> Option<u128> {
        let mut value = 0;
        for shift in (0..126).step_by(7) {
            let (&byte, rest) = self.bytes.split_first()?;
            self.bytes = rest;
            value |= u128::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        self.long()?.try_into().ok()
    }

    pub(super) fn float(&mut self) -> Option<f64> {
        let (bits, rest) = self.bytes.split_first_chunk()?;
        self.bytes = rest;
        Some(f64::from_bits(u64::from_le_bytes(*bits)))
    }

    fn flag(&mut self) -> Option<bool> {
        self.number().and_then(|value| [false, true].get(usize::try_from(value).ok()?).copied())
    }

    fn maybe(&mut self) -> Option<Option<u64>> {
        Some(if self.flag()? { Some(self.number()?) } else { None })
    }

    /// So many of something; each takes a byte at least.
    fn many<T>(&mut self, one: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = usize::try_from(self.number()?).ok().filter(|&count| count <= self.bytes.len())?;
        (0..count).map(|_| one(self)).collect()
    }
}

/// A record and what its warm-up check said, as [`super::result::ResultBuilder::add_checked`] takes them.
#[derive(Clone, Debug)]
pub struct Unpacked {
    /// Without batches.
    pub record: Record,
    /// What they said.
    pub check: Check,
}

/// Packs a record; with the latencies of each backend, or without.
#[must_use]
pub fn pack(record: &Record, check: Check, with_backend_latencies: bool) -> Vec<u8> {
    let mut to = Writer { bytes: vec![LAYOUT] };
    for count in counts(record) {
        to.number(count);
    }
    for time in [record.window_start, record.window_end, record.end] {
        to.number(time.0);
    }
    for area in [record.in_system_area, record.useful, record.wasted, record.lost] {
        to.number(area);
    }
    to.maybe(record.overloaded_at.map(|time| time.0));
    to.float(check.drop);
    to.number(check.reached);
    to.number(check.settled);
    for histogram in [&record.latency, &record.failed_latency, &record.wait] {
        histogram.pack(&mut to);
    }
    to.number(record.services.len() as u64);
    record.services.iter().for_each(|service| pack_service(&mut to, service));
    to.number(record.backends.len() as u64);
    record.backends.iter().for_each(|backend| pack_backend(&mut to, backend, with_backend_latencies));
    to.number(record.clients.is_some());
    if let Some(clients) = &record.clients {
        to.number(clients.len() as u64);
        clients.iter().for_each(|&(count, sum)| {
            to.number(count);
            to.number(sum);
        });
    }
    to.number(record.faults.len() as u64);
    record.faults.iter().for_each(|fault| pack_fault(&mut to, fault));
    to.bytes
}

/// What [`pack`] packed; `None` where it is something else.
#[must_use]
pub fn unpack(bytes: &[u8]) -> Option<Unpacked> {
    let mut from = Reader { bytes: bytes.strip_prefix(&[LAYOUT])? };
    let mut record = Record::default();
    for count in counts_mut(&mut record) {
        *count = from.number()?;
    }
    for time in [&mut record.window_start, &mut record.window_end, &mut record.end] {
        *time = SimTime(from.number()?);
    }
    for area in [&mut record.in_system_area, &mut record.useful, &mut record.wasted, &mut record.lost] {
        *area = from.long()?;
    }
    record.overloaded_at = from.maybe()?.map(SimTime);
    let check = Check { drop: from.float()?, reached: from.flag()?, settled: from.flag()? };
    for histogram in [&mut record.latency, &mut record.failed_latency, &mut record.wait] {
        *histogram = Histogram::unpack(&mut from)?;
    }
    record.services = from.many(unpack_service)?;
    record.backends = from.many(unpack_backend)?;
    record.clients = if from.flag()? { Some(from.many(|from| Some((from.number()?, from.long()?)))?) } else { None };
    record.faults = from.many(unpack_fault)?;
    from.bytes.is_empty().then_some(Unpacked { record, check })
}

/// The plain counts, in the order of the layout.
fn counts(record: &Record) -> [u64; 16] {
    let Record { offered, succeeded, failed, unfinished, attempts, retries, hedges, failures, waited, events, fingerprint, .. } = *record;
    let [a, b, c, d, e, f] = failures;
    [offered, succeeded, failed, unfinished, attempts, retries, hedges, a, b, c, d, e, f, waited, events, fingerprint]
}

fn counts_mut(record: &mut Record) -> [&mut u64; 16] {
    let Record { offered, succeeded, failed, unfinished, attempts, retries, hedges, failures, waited, events, fingerprint, .. } = record;
    let [a, b, c, d, e, f] = failures;
    [offered, succeeded, failed, unfinished, attempts, retries, hedges, a, b, c, d, e, f, waited, events, fingerprint]
}

fn pack_service(to: &mut Writer, service: &ServiceRecord) {
    for count in [service.requests, service.succeeded, service.attempts, service.retries] {
        to.number(count);
    }
    to.number(service.path);
    service.latency.pack(to);
}

fn unpack_service(from: &mut Reader<'_>) -> Option<ServiceRecord> {
    Some(ServiceRecord {
        requests: from.number()?,
        succeeded: from.number()?,
        attempts: from.number()?,
        retries: from.number()?,
        path: from.long()?,
        latency: Coarse::unpack(from)?,
    })
}

fn pack_backend(to: &mut Writer, backend: &BackendRecord, with_latencies: bool) {
    to.number(backend.requests);
    to.number(backend.in_flight_area);
    to.number(backend.in_flight_max);
    to.number(backend.busy_area);
    to.number(backend.answered);
    to.number(backend.latency_sum);
    let latency = backend.latency.as_ref().filter(|_| with_latencies);
    to.number(latency.is_some());
    latency.into_iter().for_each(|latency| latency.pack(to));
}

fn unpack_backend(from: &mut Reader<'_>) -> Option<BackendRecord> {
    Some(BackendRecord {
        requests: from.number()?,
        in_flight_area: from.long()?,
        in_flight_max: from.number()?,
        busy_area: from.long()?,
        answered: from.number()?,
        latency_sum: from.long()?,
        latency: if from.flag()? { Some(Coarse::unpack(from)?) } else { None },
    })
}

fn pack_fault(to: &mut Writer, fault: &FaultRecord) {
    for count in [fault.occurrences, fault.judged, fault.recovered, fault.noticed, fault.moved.1] {
        to.number(count);
    }
    to.number(fault.recover_time);
    to.number(fault.notice_time);
    fault.metastable.into_iter().for_each(|count| to.number(count));
    [fault.failed, fault.delayed, fault.moved.0].into_iter().for_each(|value| to.float(value));
}

fn unpack_fault(from: &mut Reader<'_>) -> Option<FaultRecord> {
    let mut fault = FaultRecord::default();
    let FaultRecord { occurrences, judged, recovered, recover_time, noticed, notice_time, failed, delayed, moved, metastable } = &mut fault;
    for count in [occurrences, judged, recovered, noticed, &mut moved.1] {
        *count = from.number()?;
    }
    for time in [recover_time, notice_time] {
        *time = from.long()?;
    }
    for count in metastable {
        *count = from.number()?;
    }
    for value in [failed, delayed, &mut moved.0] {
        *value = from.float()?;
    }
    Some(fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let mut record = Record {
            offered: 1_000_000,
            succeeded: 999_990,
            failed: 10,
            failures: [1, 2, 3, 4, 0, 0],
            window_start: SimTime(5),
            window_end: SimTime(u64::MAX),
            in_system_area: u128::from(u64::MAX) * 1000,
            overloaded_at: Some(SimTime(0)),
            clients: Some(vec![(1, 2), (0, 0)]),
            fingerprint: u64::MAX,
            ..Record::default()
        };
        (0..5000_u64).for_each(|at| record.latency.record(at * at * 37));
        record.wait.record(0);
        let mut latency = Coarse::default();
        latency.record(17);
        record.backends = vec![BackendRecord { requests: 7, latency: Some(latency), ..BackendRecord::default() }, BackendRecord::default()];
        record.services = vec![ServiceRecord { path: 12, ..ServiceRecord::default() }];
        record.faults = vec![FaultRecord { failed: -0.5, moved: (0.25, 3), metastable: [0, 1, 2], ..FaultRecord::default() }];
        record
    }

    const CHECK: Check = Check { drop: 0.125, reached: false, settled: true };

    #[test]
    fn what_is_packed_is_what_is_unpacked() {
        for with in [true, false] {
            let mut one = record();
            let packed = pack(&one, CHECK, with);
            let back = unpack(&packed).expect("it was packed just now");
            assert_eq!(pack(&back.record, back.check, with), packed);
            if !with {
                one.backends.iter_mut().for_each(|backend| backend.latency = None);
            }
            assert_eq!(back.check, CHECK);
            // Histograms keep room for more; what they say is the same.
            let said = |record: &Record| {
                let buckets: Vec<_> = record.latency.buckets().collect();
                (buckets, record.latency.stddev(), record.latency.quantile(0.99), record.wait.max(), record.failed_latency.min())
            };
            assert_eq!(said(&back.record), said(&one));
            assert_eq!((back.record.faults, back.record.clients), (one.faults, one.clients));
            assert_eq!(back.record.backends[0].latency.as_ref().map(|one| one.sum()), with.then_some(17));
        }
    }

    #[test]
    fn nothing_else_is_unpacked() {
        let packed = pack(&record(), CHECK, true);
        for end in 0..packed.len() {
            assert!(unpack(&packed[..end]).is_none(), "{end} bytes of it");
        }
        assert!(unpack(&[&packed[..], &[0]].concat()).is_none());
        assert!(unpack(&[9; 100]).is_none());
    }

    #[test]
    fn counts_of_a_changed_byte_do_not_exhaust_memory() {
        let packed = pack(&record(), CHECK, true);
        for at in 0..packed.len() {
            let mut other = packed.clone();
            other[at] = 0xff;
            // Whatever comes out, it comes out.
            let _ = unpack(&other);
        }
    }
}
