use super::*;
use proptest::prelude::*;

fn at(stamp: Option<Stamp>) -> i64 {
    stamp.expect("it is a stamp").at
}

#[test]
fn iso_stamps() {
    let base = 1_460_751_420_000_000_000;
    assert_eq!(iso(b"2016-04-15T20:17:00.310Z"), Some(Stamp { at: base + 310_000_000, tick: 1_000_000 }));
    assert_eq!(iso(b"2016-04-15 20:17:00"), Some(Stamp { at: base, tick: 1_000_000_000 }));
    for same in ["2016-04-15T22:17:00+02:00", "2016-04-15T22:17:00+0200", "2016-04-15 22:17:00 +02", "2016-04-15T20:17:00 UTC"] {
        assert_eq!(at(iso(same.as_bytes())), base, "{same}");
    }
    assert_eq!(iso(b"2023-11-16 18:17:03.9799600"), Some(Stamp { at: 1_700_158_623_979_960_000, tick: 100 }));
    assert_eq!(at(iso(b"1970-01-01T00:00:00.1234567899Z")), 123_456_789);
    assert_eq!(at(iso(b"1969-12-31T23:59:59.5Z")), -500_000_000);
    assert_eq!(at(iso(b"2016-12-31T23:59:60.5Z")), at(iso(b"2017-01-01T00:00:00Z")), "a leap second is the next one's start");
}

#[test]
fn what_is_no_iso_stamp() {
    for wrong in [
        "",
        "2016",
        "2016-02-30T00:00:00Z",
        "2015-02-29T00:00:00Z",
        "2016-13-01T00:00:00Z",
        "2016-01-00T00:00:00Z",
        "2016-01-01T24:00:00Z",
        "2016-01-01T00:60:00Z",
        "2016-01-01T00:00:61Z",
        "2016-01-01T00:00:60Z",
        "2016-01-01T00:00:00.Z",
        "2016-01-01T00:00:00+2",
        "2016-01-01T00:00:00+24:00",
        "9999-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "2016-01-01T00:00:00Zx",
    ] {
        assert_eq!(iso(wrong.as_bytes()), None, "{wrong}");
    }
}

#[test]
fn common_log_stamps() {
    let base = 1_431_857_103_000_000_000;
    assert_eq!(common_log(b"17/May/2015:10:05:03 +0000"), Some(Stamp { at: base, tick: 1_000_000_000 }));
    assert_eq!(at(common_log(b"17/May/2015:12:05:03 +0200")), base);
    assert_eq!(at(common_log(b"17/May/2015:05:35:03 -0430")), base);
    assert_eq!(common_log(b"06/Feb/2009:12:14:14.655"), Some(Stamp { at: 1_233_922_454_655_000_000, tick: 1_000_000 }));
    assert_eq!(common_log(b"31/Feb/2015:10:05:03 +0000"), None);
    assert_eq!(common_log(b"17/Mai/2015:10:05:03 +0000"), None);
}

#[test]
fn the_minute_that_is_remembered_changes_nothing() {
    let mut last = LastMinute::default();
    let stamps: [&[u8]; 9] = [
        b"17/May/2015:10:05:03 +0000",
        b"17/May/2015:10:05:59 +0000",
        b"17/May/2015:10:05:03 +0100",
        b"17/May/2015:10:06:03 +0100",
        b"17/May/2015:10:06:60 +0100",
        b"17/May/2015:10:06x03 +0100",
        b"31/Dec/2016:23:59:60 +0000",
        b"31/Dec/2016:23:59:58 +0000",
        b"",
    ];
    for stamp in stamps {
        assert_eq!(last.common_log(stamp), common_log(stamp), "{}", String::from_utf8_lossy(stamp));
    }
}

#[test]
fn epochs_are_exact() {
    assert_eq!(epoch(b"1431857103", Unit::Seconds), Some(Stamp { at: 1_431_857_103_000_000_000, tick: 1_000_000_000 }));
    assert_eq!(epoch(b"1431857103.123456789", Unit::Seconds), Some(Stamp { at: 1_431_857_103_123_456_789, tick: 1 }));
    assert_eq!(epoch(b"1431857103.310", Unit::Seconds), Some(Stamp { at: 1_431_857_103_310_000_000, tick: 1_000_000 }));
    assert_eq!(epoch(b"-1.5", Unit::Milliseconds), Some(Stamp { at: -1_500_000, tick: 100_000 }));
    assert_eq!(at(epoch(b"1.431857103e9", Unit::Seconds)), 1_431_857_103_000_000_000);
    assert_eq!(at(epoch(b"0.07949090003967285", Unit::Seconds)), 79_490_900);
    assert_eq!(at(epoch(b"9223372036854775807", Unit::Nanoseconds)), i64::MAX);
    for wrong in
        ["", "-", ".", "NaN", "inf", "1e999", "1e9999", "9223372036854775808", "99999999999999999999999", "1 ", "0x10", "1_000", "--1"]
    {
        assert_eq!(epoch(wrong.as_bytes(), Unit::Nanoseconds), None, "{wrong}");
    }
}

#[test]
fn spans() {
    assert_eq!(span(b"0.001", Unit::Seconds), Some(Span::Known(1_000_000)));
    assert_eq!(span(b"1e-05", Unit::Seconds), Some(Span::Known(10_000)));
    assert_eq!(span(b"55", Unit::Milliseconds), Some(Span::Known(55_000_000)));
    assert_eq!(span(b"-1", Unit::Milliseconds), Some(Span::NotReached));
    assert_eq!(span(b"-", Unit::Seconds), Some(Span::NotReached));
    assert_eq!(span(b"-1.0", Unit::Seconds), Some(Span::NotReached));
    for wrong in ["-2", "-0.5", "", "nan", "18446744073709551616", "1e30"] {
        assert_eq!(span(wrong.as_bytes(), Unit::Seconds), None, "{wrong}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_a_stamp_or_none(text in proptest::collection::vec(any::<u8>(), 0..40)) {
        let _ = (iso(&text), common_log(&text), LastMinute::default().common_log(&text), epoch(&text, Unit::Seconds), span(&text, Unit::Seconds));
    }

    #[test]
    fn any_digits_are_a_number_or_none(text in "[-+]?[0-9]{0,25}([.][0-9]{0,25})?([eE][-+]?[0-9]{0,4})?") {
        let _ = (epoch(text.as_bytes(), Unit::Seconds), span(text.as_bytes(), Unit::Nanoseconds));
    }

    #[test]
    fn what_is_written_is_read(at in any::<i64>()) {
        prop_assert_eq!(epoch(at.to_string().as_bytes(), Unit::Nanoseconds), Some(Stamp { at, tick: 1 }));
    }
}

#[test]
fn dates_are_written_as_they_are_read() {
    for text in ["1970-01-01 00:00:00", "2000-02-29 23:59:59", "2015-05-17 10:05:03", "2100-03-01 00:00:00", "1969-12-31 23:59:59"] {
        assert_eq!(iso(text.as_bytes()).map(|stamp| date(stamp.at)).as_deref(), Some(text));
    }
}
