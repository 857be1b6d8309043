//! What is not wanted of a JSON text.

use std::io::BufRead;

use super::{BREAKS_OFF, Kind, MAX_DEPTH, Pull, Result, wrong};
use crate::trace::format::records::is_passing;
use memchr::memchr2;

impl<R: BufRead> Pull<R> {
    /// Skips a value, whatever it is.
    pub(crate) fn skip(&mut self) -> Result<()> {
        match self.kind()? {
            Kind::String => self.skip_string(),
            Kind::Number => self.number().map(drop),
            Kind::Word => self.word().map(drop),
            Kind::Object | Kind::Array => self.skip_nested(0),
        }
    }

    fn skip_string(&mut self) -> Result<()> {
        self.bump(1);
        loop {
            let buffer = match self.input.fill_buf() {
                Err(error) if is_passing(&error) => continue,
                other => other?,
            };
            if buffer.is_empty() {
                return wrong(BREAKS_OFF);
            }
            let length = buffer.len();
            match memchr2(b'"', b'\\', buffer) {
                None => self.bump(length),
                Some(at) if buffer[at] == b'"' => {
                    self.bump(at + 1);
                    return Ok(());
                }
                Some(at) => {
                    self.bump(at + 1);
                    if self.byte()?.is_none() {
                        return wrong(BREAKS_OFF);
                    }
                    self.bump(1);
                }
            }
        }
    }

    /// Skips what is left of an array.
    pub(crate) fn leave_array(&mut self) -> Result<()> {
        self.depth -= 1;
        self.skip_nested(1)
    }

    /// Skips to the bracket that closes the one that comes next, or that of an array which is open (then `levels` is 1).
    fn skip_nested(&mut self, mut levels: u32) -> Result<()> {
        // A bit for each level that is open: 1 for an object.
        let mut open = 0_u128;
        loop {
            let buffer = match self.input.fill_buf() {
                Err(error) if is_passing(&error) => continue,
                other => other?,
            };
            if buffer.is_empty() {
                return wrong(BREAKS_OFF);
            }
            let mut lines = 0;
            let is_special = |byte: u8| matches!(byte, b'"' | b'{' | b'[' | b'}' | b']');
            let found = buffer.iter().position(|&byte| {
                lines += u64::from(byte == b'\n');
                is_special(byte)
            });
            let (length, byte) = found.map_or((buffer.len(), None), |at| (at, Some(buffer[at])));
            self.bump(length);
            self.line += lines;
            match byte {
                None => continue,
                Some(b'"') => {
                    self.skip_string()?;
                    continue;
                }
                Some(bracket @ (b'{' | b'[')) => {
                    levels += 1;
                    if self.depth + levels > MAX_DEPTH {
                        return wrong("the JSON is nested too deep: 128 levels at most");
                    }
                    open = (open << 1) | u128::from(bracket == b'{');
                }
                Some(bracket) => {
                    if (open & 1 == 1) != (bracket == b'}') {
                        return wrong("this is no JSON: a bracket that closes another kind");
                    }
                    (open, levels) = (open >> 1, levels - 1);
                }
            }
            self.bump(1);
            if levels == 0 {
                return Ok(());
            }
        }
    }
}
