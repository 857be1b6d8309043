//! Instants and durations as logs write them: whole nanoseconds, without floating point.

use std::str::FromStr;

/// An instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Nanoseconds since 1970 in UTC.
    pub at: i64,
    /// How exact it is by the digits written, in nanoseconds: 1,000,000,000 for whole seconds.
    pub tick: u32,
}

/// What a number of time counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// `ns`.
    Nanoseconds,
    /// `us`.
    Microseconds,
    /// `ms`.
    Milliseconds,
    /// `s`.
    Seconds,
}

impl Unit {
    /// All of them, as users write them.
    pub const ALL: [(&'static str, Self); 4] =
        [("ns", Self::Nanoseconds), ("us", Self::Microseconds), ("ms", Self::Milliseconds), ("s", Self::Seconds)];

    /// The power of ten that makes nanoseconds of it.
    fn power(self) -> i32 {
        match self {
            Self::Nanoseconds => 0,
            Self::Microseconds => 3,
            Self::Milliseconds => 6,
            Self::Seconds => 9,
        }
    }
}

impl FromStr for Unit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|(name, _)| *name == text);
        found.map(|&(_, unit)| unit).ok_or_else(|| format!("a unit of time is ns, us, ms or s, not {text:?}"))
    }
}

/// A duration, or that there was none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// Nanoseconds.
    Known(u64),
    /// `-1` or `-`: the request never came that far.
    NotReached,
}

/// Nanoseconds of a second.
const SECOND: i64 = 1_000_000_000;

/// Powers of ten up to that of a second.
const TENS: [u32; 10] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000];

/// `2016-04-15T20:17:00.310Z`, or with a space, an offset (`+02:00`, `+0200`), or no zone, which means UTC. A leap second is the start of the next.
#[must_use]
pub fn iso(text: &[u8]) -> Option<Stamp> {
    let (date, rest) = text.split_first_chunk::<10>()?;
    let [_, _, _, _, b'-', _, _, b'-', _, _] = date else { return None };
    let day = days(number4(&date[..4])?, two(date[5], date[6])?, two(date[8], date[9])?)?;
    let (b'T' | b't' | b' ', time) = rest.split_first()? else { return None };
    clock(day, time)
}

/// `17/May/2015:10:05:03 +0000`, also without its zone (which then is UTC), also with a fraction: `06/Feb/2009:12:14:14.655`.
#[must_use]
pub fn common_log(text: &[u8]) -> Option<Stamp> {
    let (date, rest) = text.split_first_chunk::<11>()?;
    let [_, _, b'/', _, _, _, b'/', ..] = date else { return None };
    let day = days(number4(&date[7..])?, month(&date[3..6])?, two(date[0], date[1])?)?;
    let (b':', time) = rest.split_first()? else { return None };
    clock(day, time)
}

/// A decimal number of units since 1970: `1431857103`, `1431857103.310`, `1.431857103e9`.
#[must_use]
pub fn epoch(text: &[u8], unit: Unit) -> Option<Stamp> {
    let number = Decimal::parse(text)?;
    let at = number.times_ten_to(unit.power())?;
    let at = if number.negative { 0_i128.checked_sub_unsigned(at) } else { 0_i128.checked_add_unsigned(at) };
    let digits = usize::try_from(unit.power().saturating_sub(number.decimals)).unwrap_or(0);
    Some(Stamp { at: i64::try_from(at?).ok()?, tick: TENS[digits.min(9)] })
}

/// A duration as a decimal number of units that is not negative. `-1` and `-` say that it was not reached.
#[must_use]
pub fn span(text: &[u8], unit: Unit) -> Option<Span> {
    if text == b"-" {
        return Some(Span::NotReached);
    }
    let number = Decimal::parse(text)?;
    if number.negative && number.times_ten_to(9) == Some(1_000_000_000) {
        return Some(Span::NotReached);
    }
    let length = u64::try_from(number.times_ten_to(unit.power())?).ok()?;
    (!number.negative || length == 0).then_some(Span::Known(length))
}

/// A reader of common-log stamps that remembers the last minute: in a log most stamps differ in their seconds alone.
#[derive(Clone, Debug, Default)]
pub struct LastMinute {
    /// `17/May/2015:10:05` of the last stamp.
    minute: [u8; 17],
    /// ` +0000` of it.
    zone: [u8; 6],
    /// When that minute began.
    began: i64,
}

impl LastMinute {
    /// The same as [`common_log`].
    #[inline]
    #[must_use]
    pub fn common_log(&mut self, text: &[u8]) -> Option<Stamp> {
        let Ok(whole) = <&[u8; 26]>::try_from(text) else { return common_log(text) };
        // As arrays, which are compared without a call.
        let same = whole.first_chunk::<17>() == Some(&self.minute) && whole.last_chunk::<6>() == Some(&self.zone) && whole[17] == b':';
        match two(whole[18], whole[19]) {
            Some(second) if same && second < 60 => Some(Stamp { at: self.began + i64::from(second) * SECOND, tick: SECOND as u32 }),
            _ => self.renew(whole),
        }
    }

    #[cold]
    fn renew(&mut self, text: &[u8; 26]) -> Option<Stamp> {
        let stamp = common_log(text)?;
        let second = i64::from(two(text[18], text[19])?);
        // A minute whose seconds could leave what an i64 holds is read in full every time.
        if let Some(began) = stamp.at.checked_sub(second * SECOND).filter(|began| began.checked_add(60 * SECOND).is_some())
            && stamp.tick == SECOND as u32
        {
            self.minute.copy_from_slice(&text[..17]);
            self.zone.copy_from_slice(&text[20..]);
            self.began = began;
        }
        Some(stamp)
    }
}

/// `10:05:03`, a fraction if there is one, a zone if there is one.
fn clock(day: i64, text: &[u8]) -> Option<Stamp> {
    let (time, rest) = text.split_first_chunk::<8>()?;
    let [h0, h1, b':', m0, m1, b':', s0, s1] = *time else { return None };
    let (hour, minute, second) = (two(h0, h1)?, two(m0, m1)?, two(s0, s1)?);
    let is_leap = second == 60 && minute == 59;
    if hour > 23 || minute > 59 || (second > 59 && !is_leap) {
        return None;
    }
    let (nanoseconds, digits, rest) = fraction(rest)?;
    let seconds = day * 86_400 + i64::from(hour) * 3_600 + i64::from(minute) * 60 + i64::from(second) - zone(rest)?;
    let at = seconds.checked_mul(SECOND)?.checked_add(if is_leap { 0 } else { i64::from(nanoseconds) })?;
    Some(Stamp { at, tick: TENS[9 - digits] })
}

/// Nanoseconds of a fraction, how many digits they had (9 at most, more are cut), and what follows.
fn fraction(text: &[u8]) -> Option<(u32, usize, &[u8])> {
    let Some((b'.' | b',', rest)) = text.split_first() else { return Some((0, 0, text)) };
    let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if length == 0 {
        return None;
    }
    let kept = length.min(9);
    let value = rest[..kept].iter().fold(0, |sum, &byte| sum * 10 + u32::from(byte - b'0'));
    Some((value * TENS[9 - kept], kept, &rest[length..]))
}

/// Seconds that a zone is ahead of UTC.
fn zone(text: &[u8]) -> Option<i64> {
    let text = text.strip_prefix(b" ").unwrap_or(text);
    let text = if text.len() > 4 { text.strip_suffix(b" UTC").unwrap_or(text) } else { text };
    let (sign, hours, minutes) = match *text {
        [] | [b'Z' | b'z'] | [b'U', b'T', b'C'] | [b'G', b'M', b'T'] => return Some(0),
        [sign, a, b] => (sign, two(a, b)?, 0),
        [sign, a, b, c, d] | [sign, a, b, b':', c, d] => (sign, two(a, b)?, two(c, d)?),
        _ => return None,
    };
    let seconds = i64::from(hours * 3_600 + minutes * 60);
    match sign {
        _ if hours > 23 || minutes > 59 => None,
        b'+' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}

/// Two digits.
#[inline]
fn two(tens: u8, ones: u8) -> Option<u32> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| u32::from(tens) * 10 + u32::from(ones))
}

/// Four digits.
fn number4(text: &[u8]) -> Option<u32> {
    let &[a, b, c, d] = text else { return None };
    Some(two(a, b)? * 100 + two(c, d)?)
}

/// The number of a month from its English name.
fn month(name: &[u8]) -> Option<u32> {
    const NAMES: [&[u8; 3]; 12] = [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    NAMES.iter().position(|month| month[..].eq_ignore_ascii_case(name)).and_then(|index| u32::try_from(index + 1).ok())
}

/// Days from 1970 to a date of the Gregorian calendar; `None` if there is no such day.
fn days(year: u32, month: u32, day: u32) -> Option<i64> {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => return None,
    };
    if day == 0 || day > length {
        return None;
    }
    // Years begin in March, so that the leap day is a year's last.
    let (year, month) = if month > 2 { (i64::from(year), i64::from(month) - 3) } else { (i64::from(year) - 1, i64::from(month) + 9) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * month + 2) / 5 + i64::from(day) - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

/// A decimal number: its digits without the point, and where the point was.
#[derive(Clone, Copy, Debug)]
struct Decimal {
    negative: bool,
    digits: u64,
    /// The value is `digits` × 10^`power`.
    power: i32,
    /// How many digits stood behind the point.
    decimals: i32,
}

impl Decimal {
    /// More digits than a u64 holds are refused before the point, and cut behind it.
    fn parse(text: &[u8]) -> Option<Self> {
        let (negative, text) = match text.split_first()? {
            (b'-', rest) => (true, rest),
            (b'+', rest) => (false, rest),
            _ => (false, text),
        };
        let (mut digits, mut seen, mut at) = (0_u64, 0_usize, 0);
        while let Some(digit) = text.get(at).map(|byte| byte.wrapping_sub(b'0')).filter(|&digit| digit < 10) {
            digits = digits.checked_mul(10)?.checked_add(u64::from(digit))?;
            (at, seen) = (at + 1, seen + 1);
        }
        let (mut power, mut decimals) = (0_i32, 0_i32);
        if text.get(at) == Some(&b'.') {
            at += 1;
            while let Some(digit) = text.get(at).map(|byte| byte.wrapping_sub(b'0')).filter(|&digit| digit < 10) {
                if let Some(more) = digits.checked_mul(10).and_then(|tens| tens.checked_add(u64::from(digit))).filter(|_| power > -18) {
                    (digits, power) = (more, power - 1);
                } else {
                    // What lies behind is too small to matter; nothing after it counts either.
                    while text.get(at + 1).is_some_and(u8::is_ascii_digit) {
                        at += 1;
                    }
                }
                decimals = decimals.saturating_add(1);
                (at, seen) = (at + 1, seen + 1);
            }
        }
        if seen == 0 {
            return None;
        }
        power = power.checked_add(exponent(&text[at..])?)?;
        Some(Self { negative, digits, power, decimals })
    }

    /// The value × 10^`more`, what is behind the point cut.
    fn times_ten_to(self, more: i32) -> Option<u128> {
        let digits = u128::from(self.digits);
        match self.power.checked_add(more)? {
            _ if digits == 0 => Some(0),
            power @ 0.. => digits.checked_mul(10_u128.checked_pow(u32::try_from(power).ok()?)?),
            power => Some(10_u128.checked_pow(power.unsigned_abs()).map_or(0, |divisor| digits / divisor)),
        }
    }
}

/// `e-05`, or nothing.
fn exponent(text: &[u8]) -> Option<i32> {
    let Some((b'e' | b'E', rest)) = text.split_first() else { return text.is_empty().then_some(0) };
    let (sign, digits) = match rest.split_first()? {
        (b'-', digits) => (-1, digits),
        (b'+', digits) => (1, digits),
        _ => (1, rest),
    };
    if digits.is_empty() || digits.len() > 3 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(sign * digits.iter().fold(0, |sum, &byte| sum * 10 + i32::from(byte - b'0')))
}

#[cfg(test)]
mod tests;

/// An instant as a date in UTC, to the second: `2015-05-17 10:05:03`.
#[must_use]
pub fn date(at: i64) -> String {
    let seconds = at.div_euclid(1_000_000_000);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Days since 0000-03-01, in eras of 400 years.
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let (day, month) = (day_of_year - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
}
