//! What users and scripts see: progress, notes, failures, the summary, the list of runs.
//!
//! It reads no environment, knows no platform and changes nothing about the work. Whatever it shows that came from
//! outside is made harmless first (see [`crate::shown::escape`]).

mod chart;
mod console;
mod meter;
mod page;
mod progress;
mod receipt;
mod rejected;
mod runs;
mod summary;
mod throughput;
mod verified;
pub mod words;

pub use console::{Console, Streams};
pub use meter::Meter;
pub use page::{FILE as REPORT_FILE, page};
pub use progress::{Progress, State, words as progress_words};
pub use receipt::{End, FILE as RECEIPT_FILE, MappingUsed, Receipt, Sums, VERSION as RECEIPT_VERSION};
pub use rejected::{Example, Rejected};
pub use runs::{RunLine, runs_table};
pub use summary::{Changes, Counts, Doubtful, Forecast, Requests, Summary, UNKNOWN_MAX};
pub use throughput::{Rate, Throughput};
pub use verified::Verified;

/// Whether something is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Choice {
    /// Where it makes sense: on a terminal
    #[default]
    Auto,
    /// In any case
    Always,
    /// In no case
    Never,
}

/// How results are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum OutputKind {
    /// For users
    #[default]
    Human,
    /// For scripts: one JSON object as the last thing on standard output
    Json,
}

/// How output looks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Look {
    /// Colour; `Auto`: on a terminal, and not where `no_color`.
    pub color: Choice,
    /// Progress; `Auto`: a bar on a terminal, plain lines now and then elsewhere.
    pub progress: Choice,
    /// Nothing at all when the exit code is 0, one block of text otherwise.
    pub quiet: bool,
    /// How results are written.
    pub output: OutputKind,
    /// How often `-v` was given.
    pub verbose: u8,
    /// Whether `NO_COLOR` is set to anything (<https://no-color.org>).
    pub no_color: bool,
    /// Whether results go to standard error, because contacts go to standard output.
    pub results_to_stderr: bool,
}
