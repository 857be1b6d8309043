use super::*;
use proptest::prelude::*;
use serde_json::Value;
use std::io::BufReader;

/// Reads everything with the reader's own means.
fn tree<R: BufRead>(pull: &mut Pull<R>) -> Result<Value> {
    match pull.kind()? {
        Kind::Object => {
            let (mut members, mut map) = (pull.enter()?, serde_json::Map::new());
            while pull.next_key(&mut members)? {
                let key = String::from_utf8_lossy(pull.text()).into_owned();
                map.insert(key, tree(pull)?);
            }
            Ok(Value::Object(map))
        }
        Kind::Array => {
            let (mut members, mut list) = (pull.enter()?, Vec::new());
            while pull.next_item(&mut members)? {
                list.push(tree(pull)?);
            }
            Ok(Value::Array(list))
        }
        Kind::String => {
            pull.string()?;
            Ok(Value::String(String::from_utf8_lossy(pull.text()).into_owned()))
        }
        Kind::Number => {
            pull.number()?;
            serde_json::from_slice(pull.text()).or(wrong("no number"))
        }
        Kind::Word => Ok(match pull.word()? {
            None => Value::Null,
            Some(_) => Value::Bool(pull.text() == b"true"),
        }),
    }
}

fn read(text: &[u8], buffer: usize) -> Result<Value> {
    let mut pull = Pull::new(BufReader::with_capacity(buffer, text));
    let value = tree(&mut pull)?;
    match pull.peek()? {
        None => Ok(value),
        Some(_) => wrong("something follows"),
    }
}

fn skip(text: &[u8], buffer: usize) -> Result<usize> {
    let mut pull = Pull::new(BufReader::with_capacity(buffer, text));
    pull.skip()?;
    Ok(pull.at)
}

#[test]
fn escapes_and_halves() {
    let text = br#""a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\ud83dx\ud83d\n\udc00\ud83d\u0041""#;
    let expected = "a\"\\/\u{8}\u{c}\n\r\té😀\u{fffd}x\u{fffd}\n\u{fffd}\u{fffd}A";
    for buffer in 1..20 {
        assert_eq!(read(text, buffer).expect("it is read"), Value::String(expected.to_owned()), "a buffer of {buffer}");
    }
}

#[test]
fn what_is_no_json() {
    for text in [
        "",
        "{",
        "[",
        "[1",
        "[1,",
        "[1,]",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1,}",
        "{1:2}",
        "{\"a\" 1}",
        "[1 2]",
        "\"a",
        "\"\\",
        "\"\\x\"",
        "\"\\u12",
        "\"\\u12g4\"",
        "nul",
        "nullx",
        "True",
        "[,1]",
        "]",
        "NaN",
        "-",
        "1e",
        "{]",
        "[}",
    ] {
        assert!(read(text.as_bytes(), 3).is_err(), "{text}");
    }
    for text in ["", "{", "[[]", "{\"a", "[}", "\"\\", "nul"] {
        assert!(skip(text.as_bytes(), 3).is_err(), "{text}");
    }
}

#[test]
fn hostile_texts_stay_small() {
    let deep = "[".repeat(1 << 20);
    assert!(matches!(read(deep.as_bytes(), 64), Err(JsonFault::Wrong(what)) if what.contains("128 levels")));
    assert!(matches!(skip(deep.as_bytes(), 64), Err(JsonFault::Wrong(what)) if what.contains("128 levels")));
    let just = format!("{}{}", "[".repeat(128), "]".repeat(128));
    assert!(read(just.as_bytes(), 64).is_ok() && skip(just.as_bytes(), 64).is_ok());
    let long = format!("\"{}\\n\"", "x".repeat(1 << 20));
    let mut pull = Pull::new(long.as_bytes());
    let piece = pull.string().expect("it is read");
    assert_eq!((pull.text().len(), piece.is_plain, piece.end), (MAX_STRING, false, long.len() - 1));
    assert!(read("9".repeat(1 << 20).as_bytes(), 64).is_err());
}

#[test]
fn places_are_told() {
    let mut pull = Pull::new(&b"\xef\xbb\xbf{\"a\":\n1\n x}"[..]);
    pull.byte_order_mark().expect("it is read");
    let fault = tree(&mut pull).expect_err("a comma is missing");
    let DocumentFault::Wrong { at: 3, reason } = pull.locate(fault) else { panic!("it is in line 3") };
    assert_eq!(reason, "this is no JSON: a comma is missing (at byte 12)");
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        (-1e300..1e300).prop_map(Value::from),
        ".{0,8}".prop_map(Value::String),
    ];
    leaf.prop_recursive(4, 30, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            proptest::collection::vec((".{0,4}", inner), 0..5).prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn it_reads_what_serde_reads(value in any_value(), pretty: bool, buffer in 1_usize..30) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.expect("it is written");
        prop_assert_eq!(read(text.as_bytes(), buffer).expect("it is read"), value);
        prop_assert_eq!(skip(text.as_bytes(), buffer).expect("it is skipped"), text.len());
    }

    #[test]
    fn it_refuses_what_serde_refuses(text in "([\\[\\]{},:\" ]|\"a\"|\"\\\\u00e9\"|1|-2.5e3|null|true|\\\\){0,20}", buffer in 1_usize..30) {
        let theirs = serde_json::from_str::<Value>(&text);
        match read(text.as_bytes(), buffer) {
            Ok(ours) => prop_assert_eq!(ours, theirs.expect("we read it")),
            Err(_) => prop_assert!(theirs.is_err(), "{text}"),
        }
    }

    #[test]
    fn any_bytes_end(bytes in proptest::collection::vec(any::<u8>(), 0..200), buffer in 1_usize..30) {
        let _ = (read(&bytes, buffer), skip(&bytes, buffer));
    }
}
