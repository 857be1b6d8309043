//! gzip and zstd, one member after the other, to the last byte of the file.

use std::cell::{Cell, RefCell};
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::rc::Rc;

use flate2::bufread::GzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::{Cause, InputFault, Kind, Limits};
use crate::trace::shown;

/// What readers of one file share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Bytes that were read from the file itself.
    pub(super) packed: Cell<u64>,
    /// What is worth a word.
    pub(super) warnings: RefCell<Vec<String>>,
}

impl Shared {
    fn warn(&self, text: String) {
        self.warnings.borrow_mut().push(text);
    }
}

/// Packed bytes, read in blocks and counted.
pub(super) type Raw = BufReader<Counted>;

/// Counts what passes.
pub(super) struct Counted {
    pub(super) inner: Box<dyn Read>,
    pub(super) shared: Rc<Shared>,
}

impl Read for Counted {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(out)?;
        self.shared.packed.set(self.shared.packed.get().saturating_add(count as u64));
        Ok(count)
    }
}

fn damaged(text: String) -> io::Error {
    InputFault::new(Cause::Damaged, text).into()
}

/// Looks whether there is more, without taking it.
fn peek(raw: &mut Raw) -> io::Result<&[u8]> {
    loop {
        match raw.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
            Ok(_) => return Ok(raw.buffer()),
        }
    }
}

/// gzip members.
pub(super) struct Gzip {
    /// `None` once all is read.
    member: Option<GzDecoder<Raw>>,
    shared: Rc<Shared>,
    /// Whole members so far, and whether the present one has given anything.
    members: u64,
    has_given: bool,
}

impl Gzip {
    pub(super) fn new(raw: Raw, shared: Rc<Shared>) -> Self {
        Self { member: Some(GzDecoder::new(raw)), shared, members: 0, has_given: false }
    }

    /// Goes on to the next member. Zeros behind the last one are padding; anything else is left out, with a word.
    fn next_member(&mut self) -> io::Result<()> {
        let Some(member) = self.member.take() else { return Ok(()) };
        let mut raw = member.into_inner();
        self.members += 1;
        self.has_given = false;
        loop {
            let bytes = peek(&mut raw)?;
            if bytes.is_empty() {
                return Ok(());
            }
            let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
            let first = bytes.get(zeros).copied();
            raw.consume(zeros);
            match first {
                None => {}
                Some(0x1f) => {
                    self.member = Some(GzDecoder::new(raw));
                    return Ok(());
                }
                Some(_) => {
                    self.leave_rest();
                    return Ok(());
                }
            }
        }
    }

    fn leave_rest(&mut self) {
        self.member = None;
        self.shared.warn("there are bytes behind the last gzip member that are not gzip: they were left out".into());
    }

    fn fault(&mut self, error: &io::Error) -> io::Result<usize> {
        let member = self.members + 1;
        let has_header = self.member.as_ref().is_some_and(|member| member.header().is_some());
        let says = error.to_string();
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Err(damaged(format!("the gzip file is cut off in its member {member}: its end is missing"))),
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData if !has_header && self.members > 0 && !self.has_given => {
                self.leave_rest();
                Ok(0)
            }
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                let what =
                    if says.contains("checksum") { "its checksum is not that of its content" } else { "its bytes are no deflate stream" };
                Err(damaged(format!("the gzip file is damaged in its member {member}: {what}")))
            }
            _ => Err(InputFault::of(error).into()),
        }
    }
}

impl Read for Gzip {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            match member.read(out) {
                Ok(0) if out.is_empty() => return Ok(0),
                Ok(0) => self.next_member()?,
                Ok(count) => {
                    self.has_given = true;
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return self.fault(&error),
            }
        }
        Ok(0)
    }
}

/// zstd frames.
pub(super) struct Zstd {
    raw: Raw,
    decoder: FrameDecoder,
    shared: Rc<Shared>,
    frames: u64,
    is_within: bool,
    is_over: bool,
}

impl Zstd {
    pub(super) fn new(raw: Raw, shared: Rc<Shared>, window: u64) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(window);
        Self { raw, decoder, shared, frames: 0, is_within: false, is_over: false }
    }

    fn begin(&mut self) -> io::Result<()> {
        if peek(&mut self.raw)?.is_empty() {
            self.is_over = true;
            return Ok(());
        }
        let window = self.decoder.max_window_size();
        match self.decoder.reset(&mut self.raw) {
            Ok(()) => {
                self.frames += 1;
                self.is_within = true;
                Ok(())
            }
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                let skipped = io::copy(&mut (&mut self.raw).take(u64::from(length)), &mut io::sink())?;
                if skipped < u64::from(length) { Err(self.cut_off()) } else { Ok(()) }
            }
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::BadMagicNumber(_))) if self.frames > 0 => {
                self.is_over = true;
                self.shared.warn("there are bytes behind the last zstd frame that are not zstd: they were left out".into());
                Ok(())
            }
            Err(FrameDecoderError::WindowSizeTooBig { requested, .. }) => {
                let (asked, most) = (shown::bytes(requested), shown::bytes(window));
                let text = format!("the zstd file asks for a window of {asked}, more than {most}: pack it with zstd --long=27 or less");
                Err(InputFault::new(Cause::Limit, text).into())
            }
            Err(FrameDecoderError::DictNotProvided { .. }) => {
                Err(InputFault::new(Cause::Refused, "the zstd file was packed with a dictionary, which is not at hand: unpack it first")
                    .into())
            }
            Err(error) => Err(self.fault(&error)),
        }
    }

    fn cut_off(&self) -> io::Error {
        damaged(format!("the zstd file is cut off in its frame {}: its end is missing", self.frames.max(1)))
    }

    fn fault(&self, error: &FrameDecoderError) -> io::Error {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
        while let Some(now) = cause {
            if now.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::UnexpectedEof) {
                return self.cut_off();
            }
            cause = now.source();
        }
        damaged(format!("the zstd file is damaged in its frame {}: {error}", self.frames.max(1)))
    }

    fn end(&mut self) -> io::Result<()> {
        self.is_within = false;
        match (self.decoder.get_checksum_from_data(), self.decoder.get_calculated_checksum()) {
            (Some(written), Some(found)) if written != found => {
                Err(damaged(format!("the zstd file is damaged in its frame {}: its checksum is not that of its content", self.frames)))
            }
            _ => Ok(()),
        }
    }
}

impl Read for Zstd {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.is_over || out.is_empty() {
                return Ok(0);
            }
            if !self.is_within {
                self.begin()?;
                continue;
            }
            let count = self.decoder.read(out)?;
            if count > 0 {
                return Ok(count);
            }
            if self.decoder.is_finished() {
                self.end()?;
            } else if let Err(error) = self.decoder.decode_blocks(&mut self.raw, BlockDecodingStrategy::UptoBytes(out.len())) {
                return Err(self.fault(&error));
            }
        }
    }
}

/// Unpacks bytes that are in memory, under the same limits as files: what the readers of packed files are tested with.
///
/// # Errors
/// The same as of a file.
pub fn unpacked(bytes: &[u8], limits: &Limits) -> Result<Vec<u8>, InputFault> {
    let shared = Rc::new(Shared::default());
    let (kind, inner) = (Kind::of(bytes), Box::new(Cursor::new(bytes.to_vec())));
    let raw = BufReader::new(Counted { inner, shared: Rc::clone(&shared) });
    let mut out = Vec::new();
    let mut bounded = super::open::Bounded::new(raw, kind, limits, super::Spent::default(), shared);
    bounded.read_to_end(&mut out).map_err(|error| InputFault::of(&error))?;
    Ok(out)
}
