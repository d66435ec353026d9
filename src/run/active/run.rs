//! The run that this process executes.

use super::folder::run_folder;
use super::metrics::RunMetrics;
use super::record::RunRecord;
use crate::clock::Clock;
use crate::outcome::Failure;
use crate::store::StateDir;
use std::path::PathBuf;
use tokio::time::Instant;

/// A run while it is being executed.
pub(in crate::run) struct ActiveRun {
    pub record: RunRecord,
    /// The folder of all runs and checkpoints.
    pub state: StateDir,
    /// The folder of this run.
    pub folder: PathBuf,
    /// The folder of the run that it continues: its own, except in a preview.
    pub earlier: PathBuf,
    pub metrics: RunMetrics,
    pub is_resumed: bool,
    /// When this process began to work on it.
    pub started: Instant,
}

impl ActiveRun {
    /// A run of this record.
    pub(super) fn new(record: RunRecord, state: &StateDir, clock: Clock) -> ActiveRun {
        let folder = run_folder(state, &record.run);
        let (earlier, metrics, started) = (folder.clone(), RunMetrics::open(&folder), clock.now());
        ActiveRun { record, state: state.to_owned(), folder, earlier, metrics, is_resumed: false, started }
    }

    /// Writes `run.json`.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub fn save(&self) -> Result<(), Failure> {
        self.record.save(&self.state)
    }
}
