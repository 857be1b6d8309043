//! The reports in `reports/` are what this version draws of the shipped scenarios, byte for byte. `EVENKEEL_BLESS=1` draws them again.

use evenkeel::measure::detail::Detail;
use evenkeel::report::folder;
use evenkeel::run::{Job, Use};
use evenkeel::scenario::{self, NoFiles, Source};
use std::path::Path;
use std::{env, fs};

/// The scenarios, and what of their report folders is kept: the pages, and of each a kind of plot that stands for it.
const GALLERY: [(&str, &str); 2] = [("quickstart", "plots/latency-by-percentile"), ("cart-and-order", "plots/errors-over-time")];
const PAGES: [&str; 2] = [folder::PAGE, folder::SUMMARY];

fn files(name: &str) -> Vec<folder::File> {
    let file = format!("{name}.toml");
    let text = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(&file)).expect("the scenario is shipped");
    let loaded = scenario::load(&Source::new(&file, &text), &[], &NoFiles).expect("shipped scenarios are valid");
    let outcome = Job::new(&loaded).expect("they can be planned").run_for(Use::Drawing, 2, &|_| true);
    let detail = outcome.detail.map(|detail| Detail { reproduce: format!("evenkeel run {file}"), ..detail });
    folder::files(&outcome.summary.expect("nobody interrupts"), &detail.expect("it was asked for"))
}

#[test]
fn the_gallery_is_what_this_version_draws() {
    let blesses = env::var_os("EVENKEEL_BLESS").is_some();
    let mut differs = Vec::new();
    for (name, plot) in GALLERY {
        let kept = |path: &str| PAGES.contains(&path) || path.starts_with(plot) && path.ends_with(".svg");
        let drawn: Vec<_> = files(name).into_iter().filter(|(path, _)| kept(path)).collect();
        assert!(drawn.len() > PAGES.len(), "{name} has no {plot}");
        for (path, content) in drawn {
            let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("reports").join(name).join(&path);
            let found = fs::read(&place).unwrap_or_default();
            // A checkout may have its own line ends.
            if String::from_utf8_lossy(&found).replace("\r\n", "\n").as_bytes() == content {
                continue;
            }
            if blesses {
                fs::create_dir_all(place.parent().expect("it is in a folder")).expect("the gallery can be written");
                fs::write(&place, content).expect("the gallery can be written");
            } else {
                let at = found.iter().zip(&content).take_while(|(found, drawn)| found == drawn).count();
                differs.push(format!("reports/{name}/{path}, from byte {at} on"));
            }
        }
    }
    assert!(differs.is_empty(), "not what this version draws (EVENKEEL_BLESS=1 draws them again): {differs:#?}");
}
