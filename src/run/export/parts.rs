//! What all parts of an export need: the run, the source, and how far it came.

use super::form::Form;
use super::plan::ExportPlan;
use crate::clock::Clock;
use crate::files::{Fingerprint, Output};
use crate::http::Traffic;
use crate::outcome::Failure;
use crate::report::{Changes, Console, State};
use crate::run::active::ActiveRun;
use crate::run::changes::ChangesReady;
use crate::run::rejects::RejectsFiles;
use crate::run::results::ResultsWriter;
use crate::run::retain::Moment;
use crate::run::rows::Sums;
use crate::run::source::SlowStart;
use crate::run::source::account::{FetchAll, FetchState, Fetched, What, fetch_all};
use crate::run::stop::Stop;
use crate::run::target::Target;
use crate::scratch::spool::Completeness;
use crate::scratch::texts::Texts;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What all parts of an export need.
pub(super) struct Exporting<'a> {
    pub(super) plan: &'a ExportPlan,
    pub(super) console: &'a Console,
    pub(super) clock: Clock,
    pub(super) stop: &'a Stop,
    pub(super) form: Form,
    pub(super) kept: PathBuf,
    pub(super) run: ActiveRun,
    /// The moment in the names of its files.
    pub(super) moment: Moment,
    pub(super) rejects: RejectsFiles,
    /// How many were read from the platform.
    pub(super) met: AtomicU64,
}

/// What is read of the source, and into which folder.
pub(super) struct Asked<'a> {
    pub(super) what: What,
    pub(super) folder: &'a Path,
    pub(super) limit: Option<u64>,
    /// See [`FetchAll::given`].
    pub(super) given: Option<&'a (dyn Fn(Texts) + Send + Sync)>,
}

/// What is known of what was kept of the contacts.
pub(super) enum Content {
    Unknown,
    /// It is what the file holds.
    OfFile,
    Known(Fingerprint),
}

/// How far an export came.
#[derive(Default)]
pub(super) struct Reached {
    pub(super) sums: Sums,
    pub(super) completeness: Option<Completeness>,
    /// What was read, where that was seen while it was written: its hash, and how many contacts.
    pub(super) content: Option<Fingerprint>,
    /// Rejects that are in their file.
    pub(super) rejected: u64,
    pub(super) changes: Option<Changes>,
    /// Whether what was read is fewer than asked for: resuming reads it again.
    pub(super) is_too_little: bool,
    /// Whether what is written is in place.
    pub(super) is_placed: bool,
    /// Whether the whole export is.
    pub(super) is_done: bool,
    /// What was sent to a source that did not answer.
    pub(super) unreached: Traffic,
}

/// What is written, and not in place yet.
pub(super) struct Ready {
    pub(super) out: Output,
    pub(super) results: Option<ResultsWriter>,
    pub(super) changes: Option<ChangesReady>,
}

impl Exporting<'_> {
    /// Reads the account into a folder, or continues; none when the run was told to stop.
    pub(super) async fn fetch(&self, target: &Target, asked: Asked<'_>) -> Result<Option<Fetched>, Failure> {
        let (plan, Asked { what, folder, limit, given }) = (self.plan, asked);
        let progress = self.console.progress(&format!("reading {}", plan.connection.name), None);
        let http = Arc::clone(&target.http);
        let metrics = &self.run.metrics;
        metrics.measure(http.traffic().sent, 0, None);
        let slow_start = SlowStart::new(&plan.connection, http.rate_now(), limit);
        let show = |state: &FetchState| {
            metrics.measure(http.traffic().sent, state.held + state.missing, http.allowed_per_s());
            if what == plan.what {
                slow_start.note(state).iter().for_each(|note| self.console.note(note));
                self.met.store(state.held + state.missing, Ordering::Relaxed);
            }
            progress.set(State {
                done: state.held + state.missing,
                total: state.total,
                rejected: state.missing,
                waiting: http.pause().map(|pause| (pause.left, pause.why)),
                ..State::default()
            });
        };
        let fetched = fetch_all(FetchAll {
            source: target,
            connection: &plan.connection,
            config_folder: &plan.config_folder,
            what,
            folder,
            limit,
            clock: self.clock,
            stop: self.stop,
            progress: &show,
            given,
        })
        .await;
        progress.finish();
        fetched
    }
}
