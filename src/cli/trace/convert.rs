//! `evenkeel trace convert`: into the compact form, or as a table.

use super::taken;
use crate::cli::Code;
use crate::cli::args::ConvertArgs;
use crate::cli::files;
use crate::cli::terminal::Terminal;
use crate::report::neutral;
use crate::trace::entry::{Entry, Outcome, Stop};
use crate::trace::recording::Changes;
use crate::trace::tape::Tape;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufWriter, Write};

pub(super) fn convert(args: &ConvertArgs, terminal: &Terminal) -> Code {
    let is_table = match args.out.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => true,
        Some("evk") => false,
        _ => {
            terminal.error("the name of --out says what it is to be: FILE.evk for the compact form, FILE.csv for a table");
            return Code::Invalid;
        }
    };
    let changes = Changes { salt: args.anonymise.as_ref().map(|salt| salt.clone().into_bytes()), ..Changes::default() };
    let taken = match taken(&args.read, &changes, false, terminal) {
        Ok(taken) => taken,
        Err(code) => return code,
    };
    let fill = |file: &mut BufWriter<File>| if is_table { table(&taken.tape, file) } else { taken.tape.copy(file) };
    if let Err(code) = files::write_or_say(&args.out, fill, terminal) {
        return code;
    }
    let bytes = std::fs::metadata(&args.out).map_or(0, |about| about.len());
    let records = taken.tape.records();
    let each = bytes as f64 / records.max(1) as f64;
    terminal.note(&format!("{}: {records} requests in {bytes} bytes, {each:.1} each", neutral::plain(&args.out.to_string_lossy())));
    Code::Fine
}

/// A line for each request; times in nanoseconds, what is not known left empty. The columns are those that `columns` of a scenario knows.
fn table(tape: &Tape, to: &mut BufWriter<File>) -> io::Result<()> {
    writeln!(to, "time_ns,work_ns,duration_ns,queued_ns,key,client,backend,class,status,outcome,bytes,input,output,tries")?;
    let (mut line, mut wrong) = (String::new(), None);
    tape.each(&mut |entry| {
        line.clear();
        row(entry, &mut line);
        to.write_all(line.as_bytes()).map_err(|error| {
            wrong = Some(error);
            Stop
        })
    })
    .map_err(io::Error::other)?;
    wrong.map_or(Ok(()), Err)
}

fn row(entry: &Entry<'_>, line: &mut String) {
    let number = |value: Option<u64>| value.map(|value| value.to_string()).unwrap_or_default();
    let text = |text: &Option<std::borrow::Cow<'_, [u8]>>| {
        text.as_ref().map(|text| neutral::csv(&String::from_utf8_lossy(text))).unwrap_or_default()
    };
    let outcome = match entry.outcome {
        Outcome::Succeeded => "succeeded",
        Outcome::Failed => "failed",
        Outcome::Refused => "refused",
    };
    // Writing into a string cannot fail.
    let _ = writeln!(
        line,
        "{},{},{},{},{},{},{},{},{},{outcome},{},{},{},{}",
        entry.at,
        number(entry.service),
        number(entry.duration),
        number(entry.queued),
        text(&entry.key),
        text(&entry.client),
        text(&entry.backend),
        text(&entry.class),
        number(entry.status.map(u64::from)),
        number(entry.bytes),
        number(entry.input),
        number(entry.output),
        entry.tries
    );
}
