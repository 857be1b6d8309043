//! Progress on a terminal, and Ctrl-C anywhere.

use super::terminal::Terminal;
use indicatif::{ProgressBar, ProgressStyle};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Set by Ctrl-C; a second one ends the program at once.
static STOP: AtomicBool = AtomicBool::new(false);

/// A bar with rate and remaining time, where standard error is a terminal.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    requests: AtomicU64,
    since: Instant,
}

impl Progress {
    pub(super) fn new(expected_requests: Option<f64>, terminal: &Terminal) -> Self {
        let bar = terminal.shows_progress().then(|| bar(expected_requests));
        Self { bar, requests: AtomicU64::new(0), since: Instant::now() }
    }

    /// So many more requests have arrived. Whether to go on.
    pub(super) fn advance(&self, requests: u64) -> bool {
        let all = self.requests.fetch_add(requests, Ordering::Relaxed) + requests;
        if let Some(bar) = &self.bar {
            bar.set_length(bar.length().unwrap_or(0).max(all));
            bar.set_position(all);
        }
        !STOP.load(Ordering::Relaxed)
    }

    /// Takes the bar away: how many requests there were, and the time they took.
    pub(super) fn finish(&self) -> (u64, Duration) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        (self.requests.load(Ordering::Relaxed), self.since.elapsed())
    }
}

/// Whether Ctrl-C was pressed.
pub(super) fn is_interrupted() -> bool {
    STOP.load(Ordering::Relaxed)
}

fn bar(expected: Option<f64>) -> ProgressBar {
    let Some(expected) = expected else {
        let style = ProgressStyle::with_template("{spinner} {human_pos} requests, {per_sec}, {elapsed}");
        let spinner = ProgressBar::new_spinner();
        return style.map_or_else(|_| spinner.clone(), |style| spinner.clone().with_style(style));
    };
    let style = ProgressStyle::with_template("{bar:30} {percent:>3}%  {human_pos} of {human_len} requests, {per_sec}, {eta} left");
    let bar = ProgressBar::new(expected as u64);
    style.map_or_else(|_| bar.clone(), |style| bar.clone().with_style(style.progress_chars("━╸─")))
}

/// Listens for Ctrl-C (and termination) from here on.
pub(super) fn listen_for_interrupts() {
    // Where it cannot be listened for, the system's own way of ending stays.
    let _ = ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    });
}
