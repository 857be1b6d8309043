//! Commands that write something made from the catalogue: `new`, `schema`, `completions`, `man`.

use super::Code;
use super::args::{Args, NewArgs};
use super::files;
use super::terminal::Terminal;
use crate::report::neutral;
use crate::scenario;
use clap::CommandFactory;
use std::path::Path;

/// `evenkeel new`.
pub(super) fn new(args: &NewArgs, terminal: &Terminal) -> Code {
    let text = if args.from == "quickstart" { scenario::QUICKSTART } else { scenario::STARTER };
    if args.file == "-" {
        return terminal.result(text);
    }
    let path = Path::new(&args.file);
    let shown = neutral::plain(&args.file);
    if path.exists() && !args.force {
        terminal.error(&format!("`{shown}` is there already; --force replaces it, or name another file"));
        return Code::Invalid;
    }
    match files::write(path, text) {
        Ok(()) => {
            terminal.note(&format!("wrote {shown}; run it with: evenkeel run {shown}"));
            Code::Fine
        }
        Err(error) => {
            terminal.error(&format!("cannot write `{shown}`: {error}"));
            Code::Failed
        }
    }
}

/// `evenkeel schema`.
pub(super) fn schema(terminal: &Terminal) -> Code {
    terminal.result(&format!("{:#}\n", scenario::schema()))
}

/// `evenkeel completions`.
pub(super) fn completions(shell: clap_complete::Shell, terminal: &Terminal) -> Code {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "evenkeel", &mut text);
    terminal.result(&String::from_utf8_lossy(&text))
}

/// `evenkeel man`.
pub(super) fn man(terminal: &Terminal) -> Code {
    let mut text = Vec::new();
    match clap_mangen::Man::new(Args::command()).render(&mut text) {
        Ok(()) => terminal.result(&String::from_utf8_lossy(&text)),
        Err(error) => {
            terminal.error(&format!("cannot make the man page: {error}"));
            Code::Failed
        }
    }
}
