//! How long functions took: percentiles, drawn between.

use std::collections::BTreeMap;
use std::io::BufRead;

use super::chance::Chance;
use super::{MAX_FUNCTIONS, id};
use crate::trace::format::DocumentFault;
use crate::trace::format::records::{Records, Row};
use crate::trace::stamp::{Span, Unit, span};
use crate::trace::{Reason, Sink};

/// The percentiles of the table, as shares.
const SHARES: [f64; 7] = [0.0, 0.01, 0.25, 0.5, 0.75, 0.99, 1.0];

/// Their columns.
const NAMES: [&str; 7] = [
    "percentile_Average_0",
    "percentile_Average_1",
    "percentile_Average_25",
    "percentile_Average_50",
    "percentile_Average_75",
    "percentile_Average_99",
    "percentile_Average_100",
];

/// For each function nanoseconds at each percentile.
#[derive(Clone, Debug, Default)]
pub(super) struct Durations(BTreeMap<u128, [u64; 7]>);

#[derive(Clone, Copy, Debug)]
struct Header {
    app: usize,
    function: usize,
    percentiles: [usize; 7],
    width: usize,
}

impl Durations {
    pub(super) fn read(input: &mut dyn BufRead, sink: &mut dyn Sink) -> Result<Self, DocumentFault> {
        let (mut header, mut table) = (None, BTreeMap::new());
        Records::new(b',').read(input, &mut |line, row| {
            let Some(header) = header else {
                header = Some(find(row).map_err(|reason| DocumentFault::Wrong { at: line, reason })?);
                return Ok(sink.other(line, "a header")?);
            };
            if row.is_empty() {
                return Ok(sink.other(line, "an empty line")?);
            }
            if table.len() >= MAX_FUNCTIONS {
                return Err(DocumentFault::Wrong { at: line, reason: "more than 200,000 functions; split the file".into() });
            }
            match percentiles(header, row) {
                Ok((function, values)) => {
                    table.insert(function, values);
                    Ok(())
                }
                Err(reason) => Ok(sink.unreadable(line, reason)?),
            }
        })?;
        Ok(Self(table))
    }

    /// A duration of a function, if its percentiles are known: between two of them each is as likely.
    pub(super) fn draw(&self, function: u128, chance: &mut Chance) -> Option<u64> {
        let values = self.0.get(&function)?;
        let share = chance.unit();
        let above = SHARES.iter().position(|&at| share < at).unwrap_or(SHARES.len() - 1).max(1);
        let part = (share - SHARES[above - 1]) / (SHARES[above] - SHARES[above - 1]);
        let (low, high) = (values[above - 1], values[above]);
        Some(low + ((high - low) as f64 * part) as u64)
    }
}

fn find(row: Row<'_>) -> Result<Header, Reason> {
    let at = |name: &str| row.iter().position(|found| found.trim_ascii() == name.as_bytes());
    let columns = NAMES.map(at);
    let missing =
        "this is not Azure Functions' table of durations: the header must have HashApp, HashFunction and percentile_Average_0 to _100";
    if columns.contains(&None) {
        return Err(missing.into());
    }
    let percentiles = columns.map(Option::unwrap_or_default);
    Ok(Header { app: at("HashApp").ok_or(missing)?, function: at("HashFunction").ok_or(missing)?, percentiles, width: row.count })
}

fn percentiles(header: Header, row: Row<'_>) -> Result<(u128, [u64; 7]), Reason> {
    if row.count != header.width {
        return Err("a row with another number of fields than the header".into());
    }
    let text = |index| row.get(index).unwrap_or_default();
    let mut values = [0; 7];
    for (value, column) in values.iter_mut().zip(header.percentiles) {
        let Some(Span::Known(found)) = span(text(column), Unit::Milliseconds) else {
            return Err("a percentile that is no time in milliseconds".into());
        };
        *value = found;
    }
    if !values.is_sorted() {
        return Err("percentiles that go down".into());
    }
    Ok((id(text(header.app), text(header.function)), values))
}

/// Whether a file's first bytes are those of the table of durations.
#[must_use]
pub fn recognise(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    head.starts_with(b"HashOwner,HashApp,HashFunction,Average,Count,")
}
