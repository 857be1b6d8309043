//! Where words go: standard output carries the result and nothing else, standard error all the rest.

use super::Code;
use super::args::Color;
use crate::report::style::Style;
use std::io::{ErrorKind, IsTerminal, Write};

/// The two streams, and what may be said on them.
pub(super) struct Terminal {
    colour_out: bool,
    colour_err: bool,
    quiet: bool,
}

impl Terminal {
    pub(super) fn new(color: Color, quiet: bool) -> Self {
        let wanted = |is_terminal: bool| match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => is_terminal && colour_is_welcome(),
        };
        Self { colour_out: wanted(std::io::stdout().is_terminal()), colour_err: wanted(std::io::stderr().is_terminal()), quiet }
    }

    /// Writes the result. A closed pipe ends quietly; a full disk does not.
    pub(super) fn result(&self, text: &str) -> Code {
        let mut out = std::io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Ok(()) => Code::Fine,
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Code::Fine,
            Err(error) => {
                self.error(&format!("cannot write the result: {error}"));
                Code::Failed
            }
        }
    }

    /// An error that no file is to blame for.
    pub(super) fn error(&self, text: &str) {
        self.say(&format!("{} {text}\n", self.tag("error:", anstyle::AnsiColor::Red)));
    }

    /// Diagnostics, rendered.
    pub(super) fn diagnostics(&self, diagnostics: &crate::scenario::Diagnostics) {
        let style = if self.colour_err { crate::scenario::Style::ansi() } else { crate::scenario::Style::plain() };
        if diagnostics.has_errors() || !self.quiet {
            self.say(&crate::scenario::render(diagnostics, &style));
        }
    }

    /// Something to know; not with `--quiet`.
    pub(super) fn warning(&self, text: &str) {
        if !self.quiet {
            self.say(&format!("{} {text}\n", self.tag("warning:", anstyle::AnsiColor::Yellow)));
        }
    }

    /// Something said in passing; not with `--quiet`.
    pub(super) fn note(&self, text: &str) {
        if !self.quiet {
            self.say(&format!("{text}\n"));
        }
    }

    /// Commands for a machine that reads along, such as GitHub's runner: also with `--quiet`.
    pub(super) fn command(&self, text: &str) {
        self.say(text);
    }

    /// Whether a progress bar may be shown.
    pub(super) fn shows_progress(&self) -> bool {
        !self.quiet && std::io::stderr().is_terminal()
    }

    /// A piece of a table in its colour.
    pub(super) fn paint(&self, style: Style, text: &str) -> String {
        use anstyle::AnsiColor::{Green, Red, Yellow};
        let look = match style {
            _ if !self.colour_out => return text.to_owned(),
            Style::Plain => return text.to_owned(),
            Style::Heading => anstyle::Style::new().bold(),
            Style::Best => anstyle::Style::new().bold().fg_color(Some(Green.into())),
            Style::Worse => anstyle::Style::new().fg_color(Some(Yellow.into())),
            Style::Faint => anstyle::Style::new().dimmed(),
            Style::Alarm => anstyle::Style::new().bold().fg_color(Some(Red.into())),
        };
        format!("{look}{text}{look:#}")
    }

    /// A piece of a drawing in the colour of a line (Okabe and Ito's, nearest of the 256).
    pub(super) fn line(&self, number: usize, text: &str) -> String {
        const PALETTE: [u8; 7] = [214, 74, 36, 227, 32, 166, 175];
        if !self.colour_out {
            return text.to_owned();
        }
        let look = anstyle::Style::new().fg_color(Some(anstyle::Ansi256Color(PALETTE[number % PALETTE.len()]).into()));
        format!("{look}{text}{look:#}")
    }

    /// Whether more than plain characters can be drawn: standard output is a terminal that takes UTF-8.
    pub(super) fn is_fine(&self) -> bool {
        let variables = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(std::env::var_os);
        let locale = variables.map(|value| value.to_string_lossy().to_ascii_uppercase()).find(|value| !value.is_empty());
        let takes_utf8 = cfg!(windows) || locale.is_some_and(|locale| locale.contains("UTF-8") || locale.contains("UTF8"));
        std::io::stdout().is_terminal() && takes_utf8
    }

    fn tag(&self, word: &str, colour: anstyle::AnsiColor) -> String {
        if !self.colour_err {
            return word.to_owned();
        }
        let look = anstyle::Style::new().bold().fg_color(Some(colour.into()));
        format!("{look}{word}{look:#}")
    }

    fn say(&self, text: &str) {
        // Nobody is left to tell where standard error is gone.
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }
}

/// NO_COLOR set to anything but nothing, or a terminal that says it is dumb, means no.
fn colour_is_welcome() -> bool {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    !no_color && !dumb
}
