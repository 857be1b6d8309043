//! `evenkeel trace`: recorded traffic, looked at and converted.

mod calibrate;
mod convert;
mod fit;
mod inspect;
mod proof;

pub(super) use calibrate::CalibrateArgs;
pub(super) use fit::FitArgs;

use super::Code;
use super::args::{ListFormat, ReadArgs, TraceCommand};
use super::files;
use super::terminal::Terminal;
use crate::report::neutral;
use crate::scenario::Wanted;
use crate::trace::format::{Format, ROLES};
use crate::trace::read::Read;
use crate::trace::recording::{self, Changes};
use crate::trace::tape::Tape;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

pub(super) fn trace(command: &TraceCommand, terminal: &Terminal) -> Code {
    match command {
        TraceCommand::Inspect(args) => inspect::inspect(args, terminal),
        TraceCommand::Convert(args) => convert::convert(args, terminal),
        TraceCommand::Fit { read, options } => match taken(read, &Changes::default(), false, terminal) {
            Ok(taken) => fit::fit(&Arc::new(taken.tape), options, terminal),
            Err(code) => code,
        },
        TraceCommand::Calibrate { read, options } => match taken(read, &Changes::default(), false, terminal) {
            Ok(taken) => calibrate::calibrate(&Arc::new(taken.tape), options, &read.files, terminal),
            Err(code) => code,
        },
        TraceCommand::Formats { format } => formats(*format, terminal),
    }
}

fn formats(format: ListFormat, terminal: &Terminal) -> Code {
    if format == ListFormat::Json {
        let all: Vec<Value> = Format::all().map(|format| json!({ "name": format.name(), "summary": format.summary() })).collect();
        return terminal.result(&format!("{:#}\n", Value::Array(all)));
    }
    let lines: String = Format::all().map(|format| format!("{:<28} {}\n", format.name(), format.summary())).collect();
    terminal.result(&format!(
        "{lines}\nWhat a file is shows in its first lines; --as NAME says it instead. A trace file of `evenkeel trace convert` is read by every command.\n"
    ))
}

/// What was read: as a tape, and the account of it where it was not one before.
pub(super) struct Taken {
    pub(super) tape: Tape,
    pub(super) read: Option<Read>,
}

/// Reads what is asked for, and says what may mislead.
pub(super) fn taken(args: &ReadArgs, changes: &Changes, bears_all: bool, terminal: &Terminal) -> Result<Taken, Code> {
    let refuse = |text: &str, code: Code| {
        terminal.error(&text.lines().map(neutral::plain).collect::<Vec<_>>().join("\n"));
        code
    };
    let inputs = files::inputs(&args.files, Path::new("")).map_err(|fault| refuse(&fault.to_string(), Code::Invalid))?;
    let mut settings = files::settings(&wanted(args, terminal)?, Path::new("")).map_err(|text| refuse(&text, Code::Invalid))?;
    settings.bears_all = bears_all;
    let changes = Changes { spread: args.spread != "none", ..changes.clone() };
    let code_of = |fault: &recording::Fault| match fault {
        recording::Fault::Read(fault) if fault.is_from_outside() => Code::Failed,
        recording::Fault::Order(_) | recording::Fault::Write(_) => Code::Failed,
        _ => Code::Invalid,
    };
    let (tape, read) = recording::taken(&inputs, &settings, &changes).map_err(|fault| refuse(&fault.to_string(), code_of(&fault)))?;
    let taken = Taken { tape, read };
    for warning in &taken.tape.origin().warnings {
        terminal.warning(&warning.lines().map(neutral::plain).collect::<Vec<_>>().join("\n"));
    }
    Ok(taken)
}

fn wanted(args: &ReadArgs, terminal: &Terminal) -> Result<Wanted, Code> {
    let mut columns = Vec::new();
    for column in &args.columns {
        let known = |role: &str| ROLES.iter().any(|known| known.name() == role);
        match column.split_once('=') {
            Some((role, name)) if known(role) && !name.is_empty() => columns.push((role.to_owned(), name.to_owned())),
            _ => {
                let roles = ROLES.map(|role| role.name()).join(", ");
                terminal.error(&format!("`{}` is not ROLE=NAME; the roles are {roles}", neutral::plain(column)));
                return Err(Code::Invalid);
            }
        }
    }
    Ok(Wanted {
        files: args.files.clone(),
        format: args.read_as.clone(),
        log_format: args.log_format.clone(),
        columns,
        time_unit: args.time_unit.clone(),
        timers: args.timers.clone(),
        durations: args.durations.clone(),
        spread: args.spread != "none",
        strict: args.strict,
    })
}
