//! What users and scripts see: progress, notes, failures, the summary, the list of runs.
//!
//! It reads no environment, knows no platform and changes nothing about the work. Whatever it shows that came from
//! outside is made harmless first (see [`crate::shown::escape`]).

mod chart;
mod console;
mod figures;
mod jobs;
mod look;
mod meter;
mod page;
mod progress;
mod receipt;
mod rejected;
mod runs;
mod streams;
mod summary;
mod throughput;
mod verified;
pub mod words;

pub use console::Console;
pub use figures::{Changes, Counts, Forecast, Requests, Sums};
pub use jobs::{JobLine, jobs_table};
pub use look::{Choice, Look, OutputKind};
pub use meter::Meter;
pub use page::{FILE as REPORT_FILE, page};
pub use progress::{Progress, State, words as progress_words};
pub use receipt::{End, FILE as RECEIPT_FILE, MappingUsed, Receipt, VERSION as RECEIPT_VERSION};
pub use rejected::{Example, Rejected};
pub use runs::{RunLine, RunsTable};
pub use streams::Streams;
pub use summary::{Doubtful, Summary, UNKNOWN_MAX};
pub use throughput::{Rate, Throughput};
pub use verified::Verified;
