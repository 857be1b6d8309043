//! The README is executed: its commands succeed in an empty folder, its output is what the program prints, and its picture is drawn from that.

use crate::{blessed, svg};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn evenkeel(arguments: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_evenkeel"));
    command.args(arguments).current_dir(folder).output().expect("the program can be started")
}

/// What the quickstart prints.
fn quickstart(color: &str) -> String {
    let output = evenkeel(&["run", "--quiet", "--color", color], Path::new("."));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("results are UTF-8")
}

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("evenkeel-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir(&path).expect("the folder for temporary files takes one more");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The lines of a page's shell examples that call the program.
fn commands(page: &str) -> Vec<&str> {
    let shell = page.split("\n```sh\n").skip(1).filter_map(|rest| rest.split("\n```").next());
    shell
        .flat_map(str::lines)
        .map(|line| line.split(" #").next().unwrap_or(line).trim())
        .filter(|line| line.starts_with("evenkeel "))
        .collect()
}

#[test]
fn the_output_in_the_readme_is_what_the_quickstart_prints() {
    let plain = quickstart("never");
    assert!(plain.contains("p2c") && !plain.contains('\u{1b}'), "{plain}");
    blessed::between("README.md", "<!-- what `cargo run --release` prints; a test compares it -->\n```text\n", "```", &plain);
}

#[test]
fn the_picture_is_drawn_from_what_the_quickstart_prints() {
    blessed::whole("docs/quickstart.svg", &svg::draw("evenkeel: the quickstart", &quickstart("always")));
}

#[test]
fn the_commands_of_the_readme_succeed_in_their_order() {
    let (readme, folder) = (blessed::read("README.md"), Folder::new("readme"));
    let commands = commands(&readme);
    assert!(commands.len() >= 4, "{commands:?}");
    for command in commands {
        let arguments: Vec<&str> = command.split_whitespace().skip(1).collect();
        let output = evenkeel(&arguments, &folder.0);
        assert!(output.status.success(), "{command}: {:?}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
        assert!(!output.stdout.is_empty() || arguments[0] == "new", "{command} printed nothing");
    }
}

#[test]
fn every_file_that_the_readme_and_the_guide_link_to_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let guide = std::fs::read_dir(root.join("docs/src")).expect("the guide is there").map(|entry| entry.expect("it can be read").path());
    for page in guide.chain([root.join("README.md"), root.join("CONTRIBUTING.md")]) {
        let text = std::fs::read_to_string(&page).expect("pages are UTF-8");
        for target in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            if !target.is_empty() && !target.contains("://") {
                let found = page.parent().expect("a page is in a folder").join(target);
                assert!(found.exists(), "{}: {target} is not there", page.display());
            }
        }
    }
}
