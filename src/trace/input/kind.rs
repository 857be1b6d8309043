//! What a file is by its first bytes, whatever it is called.

/// What the first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text, or binary records without a mark of their own.
    Plain,
    /// gzip.
    Gzip,
    /// zstd.
    Zstd,
    /// Something that is not read: what it is, and what to do.
    Foreign(&'static str, &'static str),
}

const PACKED: &str = "only gzip and zstd are unpacked: unpack it first, or pipe it in";
const TABLE: &str = "export it as CSV or as a JSON object a line";
const PACKETS: &str = "packets are not requests: extract these first, to HAR or to CSV with a time and a duration";
const PICTURE: &str = "it holds no requests";

/// Marks of what is not read, longest first where one begins another.
const FOREIGN: &[(&[u8], &str, &str)] = &[
    (b"BZh", "a bzip2 file", PACKED),
    (b"\xfd7zXZ\0", "an xz file", PACKED),
    (b"\x04\x22\x4d\x18", "an lz4 file", PACKED),
    (b"\xff\x06\0\0sNaPpY", "a snappy file", PACKED),
    (b"\x1f\x9d", "a file of compress (.Z)", PACKED),
    (b"\x1f\x8b", "a gzip file with a method other than deflate", PACKED),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it first"),
    (b"Rar!\x1a\x07", "a RAR archive", "unpack it first"),
    (b"PK\x03\x04", "a ZIP archive (or a spreadsheet, .xlsx)", "unpack it first; a spreadsheet has to be exported as CSV"),
    (b"PK\x05\x06", "an empty ZIP archive", "there is nothing in it"),
    (b"\xd4\xc3\xb2\xa1", "a packet capture (pcap)", PACKETS),
    (b"\xa1\xb2\xc3\xd4", "a packet capture (pcap)", PACKETS),
    (b"\x4d\x3c\xb2\xa1", "a packet capture (pcap)", PACKETS),
    (b"\xa1\xb2\x3c\x4d", "a packet capture (pcap)", PACKETS),
    (b"\x0a\x0d\x0d\x0a", "a packet capture (pcapng)", PACKETS),
    (b"PAR1", "a Parquet file", TABLE),
    (b"ORC", "an ORC file", TABLE),
    (b"Obj\x01", "an Avro file", TABLE),
    (b"ARROW1", "an Arrow file", TABLE),
    (b"SQLite format 3\0", "an SQLite database", TABLE),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office file", TABLE),
    (b"\x89PNG", "a PNG picture", PICTURE),
    (b"\xff\xd8\xff", "a JPEG picture", PICTURE),
    (b"GIF8", "a GIF picture", PICTURE),
    (b"%PDF-", "a PDF document", PICTURE),
    (b"\x7fELF", "a program (ELF)", PICTURE),
    (b"\xff\xfe", "text in UTF-16", "save it as UTF-8"),
    (b"\xfe\xff", "text in UTF-16", "save it as UTF-8"),
    (b"LPKSHHRH", "a systemd journal", "write it out as text: journalctl -o cat"),
];

impl Kind {
    /// Looks at the first bytes, 512 of which are enough.
    #[must_use]
    pub fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, 0x08, ..] => return Self::Gzip,
            // A frame, or one that readers skip, as parallel packers write first.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => return Self::Zstd,
            _ => {}
        }
        if head.get(257..262) == Some(b"ustar") {
            return Self::Foreign("a tar archive", "unpack it first");
        }
        let found = FOREIGN.iter().find(|(mark, ..)| head.starts_with(mark));
        found.map_or(Self::Plain, |&(_, what, advice)| Self::Foreign(what, advice))
    }
}
