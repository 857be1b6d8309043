//! From logs and traces to a tape: read, spread, made anonymous, put in order, written.

use super::entry::{Entry, Reason, Sink, Stop, Text};
use super::input::Input;
use super::order::{self, Order, OrderFault};
use super::read::{self, Read, Settings};
use super::tape::{MAGIC, Origin, Tape, Writer};
use crate::random::{below, mix};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::io::{self, Read as _, Write};

/// What is done to requests on the way.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Instants are spread over what their stamps leave open: a whole second, for many logs.
    pub spread: bool,
    /// Keys and clients become hashes with this salt.
    pub salt: Option<Vec<u8>>,
}

/// Why there is no tape.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// It could not be read.
    #[error(transparent)]
    Read(#[from] read::Fault),
    /// It could not be put in order.
    #[error(transparent)]
    Order(#[from] OrderFault),
    /// It could not be written.
    #[error("the trace cannot be written: {0}")]
    Write(#[from] io::Error),
    /// What was written cannot be read.
    #[error(transparent)]
    Tape(#[from] super::tape::Fault),
    /// It is one already, and damaged.
    #[error("{file}: {fault}")]
    Existing {
        /// Its name.
        file: String,
        /// What is wrong with it.
        fault: super::tape::Fault,
    },
}

/// The tape that a file is already, if it is one.
///
/// # Errors
/// It begins as one, and is damaged.
pub fn existing(inputs: &[Input]) -> Result<Option<Tape>, Fault> {
    let [input @ Input::File(path)] = inputs else { return Ok(None) };
    if !std::fs::metadata(path).is_ok_and(|about| about.is_file()) {
        return Ok(None);
    }
    let mut head = [0; 8];
    // What cannot be opened is told by whoever reads it as something else.
    let Ok(mut file) = std::fs::File::open(path) else { return Ok(None) };
    if file.read_exact(&mut head).is_err() || head != *MAGIC {
        return Ok(None);
    }
    let read = Tape::open(file).and_then(|tape| tape.verify().map(|()| tape));
    read.map(Some).map_err(|fault| Fault::Existing { file: input.to_string(), fault })
}

/// Reads files of any format, and writes what is in them as a tape.
///
/// # Errors
/// What cannot be read, or written.
pub fn record<W: Write>(inputs: &[Input], settings: &Settings, changes: &Changes, to: W) -> Result<(W, Read, order::Report), Fault> {
    let mut taking = Taking { order: Order::new(settings.order), changes, number: 0, fault: None, coarsest: 0 };
    let mut read =
        read::read(inputs, settings, &mut taking).map_err(|fault| taking.fault.take().map_or_else(|| Fault::from(fault), Fault::from))?;
    if let Some(fault) = taking.fault {
        return Err(fault.into());
    }
    let coarsest = taking.coarsest;
    let (writer, report) = write_in_order(taking.order, to)?;
    read.warnings.extend(report.warnings.iter().cloned());
    if coarsest >= 1_000_000_000 {
        read.warnings.push(match changes.spread {
            true => format!("stamps are exact to {} s: requests are spread evenly over that (spread = \"uniform\")", coarsest / 1_000_000_000),
            false => format!(
                "stamps are exact to {} s, and all requests of one stamp arrive at once (spread = \"none\"): that looks far more bursty than it was",
                coarsest / 1_000_000_000
            ),
        });
    }
    let mut formats: Vec<String> = read.files.iter().filter_map(|file| file.format).map(|format| format.name().to_owned()).collect();
    formats.sort();
    formats.dedup();
    let origin =
        Origin { formats, warnings: read.warnings.clone(), unreadable: read.account.unreadable(), anonymous: changes.salt.is_some() };
    Ok((writer.finish(origin)?, read, report))
}

/// Writes the entries of a tape again, with other names. Instants stay: where a second was spread, it is already.
///
/// # Errors
/// What cannot be read, or written.
pub fn again<W: Write>(tape: &Tape, changes: &Changes, to: W) -> Result<W, Fault> {
    let changes = &Changes { spread: false, ..changes.clone() };
    let mut taking = Taking { order: Order::new(order::Limits::default()), changes, number: 0, fault: None, coarsest: 0 };
    let read = tape.each(&mut |entry| taking.request(entry));
    if let Some(fault) = taking.fault {
        return Err(fault.into());
    }
    read?;
    let mut origin = tape.origin().clone();
    origin.anonymous |= changes.salt.is_some();
    Ok(write_in_order(taking.order, to)?.0.finish(origin)?)
}

fn write_in_order<W: Write>(order: Order, to: W) -> Result<(Writer<W>, order::Report), Fault> {
    let mut writer = Writer::new(to)?;
    let mut wrong = None;
    let finished = order.finish(&mut |entry| {
        writer.push(entry).map_err(|error| {
            wrong = Some(error);
            Stop
        })
    });
    match (finished, wrong) {
        (_, Some(error)) => Err(error.into()),
        (Err(fault), None) => Err(fault.into()),
        (Ok(report), None) => Ok((writer, report)),
    }
}

/// Takes requests as they are read.
struct Taking<'c> {
    order: Order,
    changes: &'c Changes,
    number: u64,
    fault: Option<OrderFault>,
    coarsest: u32,
}

impl Sink for Taking<'_> {
    fn file_begins(&mut self) {
        self.order.file_begins();
    }

    fn request(&mut self, entry: &Entry<'_>) -> Result<(), Stop> {
        self.coarsest = self.coarsest.max(entry.tick);
        let mut changed = entry.borrowed();
        if self.changes.spread && entry.tick > 1 {
            // The same place for the same record, whoever reads it.
            changed.at = changed.at.saturating_add(below(mix(self.number ^ SPREAD), entry.tick.into()) as i64);
        }
        if let Some(salt) = &self.changes.salt {
            changed.key = changed.key.map(|text| hashed(salt, &text));
            changed.client = changed.client.map(|text| hashed(salt, &text));
        }
        self.number += 1;
        self.order.push(&changed).map_err(|fault| {
            self.fault = Some(fault);
            Stop
        })
    }

    fn other(&mut self, _: u64, _: &'static str) -> Result<(), Stop> {
        Ok(())
    }

    fn unreadable(&mut self, _: u64, _: Reason) -> Result<(), Stop> {
        Ok(())
    }
}

/// Any number, so that a record's place in its second is not that of a balancer's draw.
const SPREAD: u64 = 0x7370_7265_6164;

/// 64 bits of SHA-256 over salt and text: nobody without the salt can try texts until one fits.
fn hashed(salt: &[u8], text: &[u8]) -> Text<'static> {
    let digest = Sha256::new().chain_update((salt.len() as u64).to_le_bytes()).chain_update(salt).chain_update(text).finalize();
    Cow::Owned(digest[..8].iter().map(|byte| format!("{byte:02x}")).collect::<String>().into_bytes())
}
