//! The report folders of a command: one for each scenario, seen to before anything runs.

use super::Code;
use super::args::{OutArgs, ScenarioArgs};
use super::place::Place;
use super::terminal::Terminal;
use crate::report::folder::{self, File};
use crate::report::neutral;
use std::path::Path;
use std::process::{Command, Stdio};

/// A folder for each scenario, in order; `None`: nothing is written.
pub(super) type Places = Option<Vec<Place>>;

/// Sees to the folders for scenarios that are called so.
pub(super) fn places(args: &OutArgs, names: &[&str], terminal: &Terminal) -> Result<Places, Code> {
    let Some(out) = &args.out else { return Ok(None) };
    if let [_] = names {
        return place(out, args.force, terminal).map(|place| Some(vec![place]));
    }
    let is_new = !out.is_dir();
    if is_new {
        std::fs::create_dir(out).map_err(|error| cannot_write(out, &error.to_string(), terminal))?;
    }
    let below = distinct(names.iter().map(|name| stem(name))).into_iter().map(|stem| out.join(stem));
    let places: Result<Vec<_>, _> = below.map(|path| place(&path, args.force, terminal)).collect();
    if places.is_err() && is_new {
        // Nothing is in it.
        let _ = std::fs::remove_dir(out);
    }
    places.map(Some)
}

/// Sees to one folder, or says why nothing can be written there.
pub(super) fn place(path: &Path, force: bool, terminal: &Terminal) -> Result<Place, Code> {
    Place::new(path, force).map_err(|reason| cannot_write(path, &reason, terminal))
}

fn cannot_write(path: &Path, reason: &str, terminal: &Terminal) -> Code {
    terminal.error(&format!("cannot write the report to `{}`: {reason}", neutral::plain(&path.to_string_lossy())));
    Code::Invalid
}

/// A scenario's name without folders and ending.
pub(super) fn stem(name: &str) -> String {
    let stem = Path::new(name).file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    folder::slug(if name.starts_with('<') { "stdin" } else { &stem })
}

/// The same names, each once: the second `a` is `a-2`.
pub(super) fn distinct(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut given: Vec<String> = Vec::new();
    for name in names {
        given.push(folder::unused(&name, &given));
    }
    given
}

/// Writes a report, and says where.
pub(super) fn write(place: &Place, files: &[File], terminal: &Terminal) -> Code {
    let shown = neutral::plain(&place.path().to_string_lossy());
    match place.fill(files) {
        Ok(()) => {
            terminal.note(&format!("the report is in {shown}"));
            Code::Fine
        }
        Err(error) => {
            terminal.error(&format!("cannot write the report to `{shown}`: {error}; what was there before is unchanged"));
            Code::Failed
        }
    }
}

/// Opens a report as the platform opens pages.
pub(super) fn open(place: &Place, terminal: &Terminal) {
    open_page(&place.path().join(folder::PAGE), terminal);
}

/// Opens any page.
pub(super) fn open_page(page: &Path, terminal: &Terminal) {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let mut command = if cfg!(windows) { Command::new("cmd") } else { Command::new(opener) };
    if cfg!(windows) {
        command.args(["/C", "start", ""]);
    }
    let started = command.arg(page).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    if started.is_err() {
        terminal.note(&format!("nothing is here to open pages with: the report is {}", neutral::plain(&page.to_string_lossy())));
    }
}

/// The command that makes a result again on any machine: the scenario by its file's name, and what was changed in it.
pub(super) fn reproduce(name: &str, args: &ScenarioArgs) -> String {
    let mut words = vec!["evenkeel".to_owned(), "run".to_owned()];
    match name {
        name if name.starts_with('<') => words.push("-".to_owned()),
        // The built-in one needs no name.
        _ if args.scenarios.is_empty() => {}
        name => {
            let file = Path::new(name).file_name().map_or_else(|| name.to_owned(), |file| file.to_string_lossy().into_owned());
            words.push(if file.starts_with('-') { format!("./{file}") } else { file });
        }
    }
    let options = args.sets.iter().map(|set| ("--set", set)).chain(args.seed.iter().map(|seed| ("--seed", seed)));
    let options = options.chain(args.replications.iter().map(|count| ("--replications", count)));
    for (option, value) in options.chain(args.balancers.iter().map(|name| ("--balancer", name))) {
        words.extend([option.to_owned(), value.clone()]);
    }
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// A word as a shell reads it.
pub(super) fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenarios_of_one_name_have_folders_of_their_own() {
        let stems = ["a/x.toml", "b/x.toml", "X.toml", "x-2.toml", "<standard input>", "quickstart (built in)"].map(stem);
        assert_eq!(distinct(stems.into_iter()), ["x", "x-2", "X-3", "x-2-2", "stdin", "quickstart-built-in"]);
    }

    #[test]
    fn a_command_names_no_folder_and_survives_a_shell() {
        let args = ScenarioArgs {
            scenarios: vec!["/home/me/it's.toml".into()],
            sets: vec!["a.b=\"x y\"".into()],
            seed: Some("7".into()),
            balancers: vec!["p2c".into()],
            ..ScenarioArgs::default()
        };
        assert_eq!(reproduce("/home/me/it's.toml", &args), "evenkeel run 'it'\\''s.toml' --set 'a.b=\"x y\"' --seed 7 --balancer p2c");
        assert_eq!(reproduce("quickstart (built in)", &ScenarioArgs::default()), "evenkeel run");
    }
}
