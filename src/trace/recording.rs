//! From logs and traces to a tape: read, spread, made anonymous, put in order, written.

use super::entry::{Entry, Reason, Sink, Stop, Text};
use super::input::Input;
use super::order::{self, Order, OrderFault};
use super::read::{self, Read, Settings};
use super::tape::{MAGIC, Origin, Spool, Tape, Writer};
use super::twins::Twins;
use crate::random::{below, mix};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::io::{self, Read as _, Write};

/// So many bytes of a tape are kept in memory.
const IN_MEMORY: usize = 64 << 20;

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

/// The tape of files, whatever they are: of a tape itself, changed where that is wanted; else what is read of them, with the account of it. So much as does not lie
/// in memory goes into a file that nobody else sees.
///
/// # Errors
/// What cannot be read, or kept.
pub fn taken(inputs: &[Input], settings: &Settings, changes: &Changes) -> Result<(Tape, Option<Read>), Fault> {
    let spool = || Spool::new(IN_MEMORY, tempfile::tempfile);
    match existing(inputs)? {
        Some(tape) if changes.salt.is_none() => Ok((tape, None)),
        Some(tape) => Ok((again(&tape, changes, spool())?.tape()?, None)),
        None => {
            let (spool, read) = record(inputs, settings, changes, spool())?;
            Ok((spool.tape()?, Some(read)))
        }
    }
}

/// Reads files of any format, and writes what is in them as a tape.
///
/// # Errors
/// What cannot be read, or written.
pub fn record<W: Write>(inputs: &[Input], settings: &Settings, changes: &Changes, to: W) -> Result<(W, Read), Fault> {
    let mut writing = Writing::to(to)?;
    let read = in_order(inputs, settings, changes, &mut |entry| writing.push(entry))?;
    let mut formats: Vec<String> = read.files.iter().filter_map(|file| file.format).map(|format| format.name().to_owned()).collect();
    formats.sort();
    formats.dedup();
    let origin =
        Origin { formats, warnings: read.warnings.clone(), unreadable: read.account.unreadable(), anonymous: changes.salt.is_some() };
    Ok((writing.finish(origin)?, read))
}

/// Reads files of any format, and gives out what is in them in the order of its arrival, once all of it is read.
///
/// # Errors
/// What cannot be read, and those of the disk if memory is not enough.
pub fn in_order(inputs: &[Input], settings: &Settings, changes: &Changes, out: &mut order::Out<'_>) -> Result<Read, Fault> {
    let mut taking = Taking::new(settings.order, changes);
    let read = read::read(inputs, settings, &mut taking);
    let coarsest = taking.coarsest;
    let order = taking.done()?;
    let mut read = read?;
    let mut twins = Twins::default();
    let finished = order.finish(&mut |entry| {
        twins.see(entry);
        out(entry)
    });
    read.order = match finished {
        Ok(report) => report,
        Err(OrderFault::Stopped) => return Ok(Read { is_complete: false, ..read }),
        Err(fault) => return Err(fault.into()),
    };
    read.warnings.extend(read.order.warnings.iter().cloned().chain(twins.warning()));
    if coarsest >= 1_000_000_000 {
        read.warnings.push(match changes.spread {
            true => format!("stamps are exact to {} s: requests are spread evenly over that (spread = \"uniform\")", coarsest / 1_000_000_000),
            false => format!(
                "stamps are exact to {} s, and all requests of one stamp arrive at once (spread = \"none\"): that looks far more bursty than it was",
                coarsest / 1_000_000_000
            ),
        });
    }
    Ok(read)
}

/// Writes the entries of a tape again, with other names. Instants stay: where a second was spread, it is already.
///
/// # Errors
/// What cannot be read, or written.
pub fn again<W: Write>(tape: &Tape, changes: &Changes, to: W) -> Result<W, Fault> {
    let changes = &Changes { spread: false, ..changes.clone() };
    let mut taking = Taking::new(order::Limits::default(), changes);
    let read = tape.each(&mut |entry| taking.request(entry));
    let order = taking.done()?;
    read?;
    let mut writing = Writing::to(to)?;
    match order.finish(&mut |entry| writing.push(entry)) {
        Ok(_) | Err(OrderFault::Stopped) => {}
        Err(fault) => return Err(fault.into()),
    }
    let mut origin = tape.origin().clone();
    origin.anonymous |= changes.salt.is_some();
    Ok(writing.finish(origin)?)
}

/// A tape being written, and what went wrong.
struct Writing<W: Write> {
    writer: Writer<W>,
    wrong: Option<io::Error>,
}

impl<W: Write> Writing<W> {
    fn to(to: W) -> io::Result<Self> {
        Ok(Self { writer: Writer::new(to)?, wrong: None })
    }

    fn push(&mut self, entry: &Entry<'_>) -> Result<(), Stop> {
        self.writer.push(entry).map_err(|error| {
            self.wrong = Some(error);
            Stop
        })
    }

    fn finish(self, origin: Origin) -> io::Result<W> {
        self.wrong.map_or(Ok(()), Err)?;
        self.writer.finish(origin)
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

impl<'c> Taking<'c> {
    fn new(limits: order::Limits, changes: &'c Changes) -> Self {
        Self { order: Order::new(limits), changes, number: 0, fault: None, coarsest: 0 }
    }

    /// Everything was taken, or the reason why not.
    fn done(self) -> Result<Order, OrderFault> {
        self.fault.map_or(Ok(self.order), Err)
    }
}

impl Sink for Taking<'_> {
    fn file_begins(&mut self) {
        self.order.file_begins();
    }

    fn request(&mut self, entry: &Entry<'_>) -> Result<(), Stop> {
        self.coarsest = self.coarsest.max(entry.tick);
        let mut changed = entry.borrowed();
        let mut moved = 0;
        if self.changes.spread && entry.tick > 1 {
            // The same place for the same record, whoever reads it.
            moved = below(mix(self.number ^ SPREAD), entry.tick.into()) as i64;
            changed.at = changed.at.saturating_add(moved);
        }
        if let Some(salt) = &self.changes.salt {
            changed.key = changed.key.map(|text| hashed(salt, &text));
            changed.client = changed.client.map(|text| hashed(salt, &text));
        }
        self.number += 1;
        self.order.push_moved(&changed, moved).map_err(|fault| {
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
