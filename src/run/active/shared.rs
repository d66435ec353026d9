//! Runs in a store that machines share: their records, and the files that users ask for, kept in the store and brought to this
//! machine when a command needs them. The state folder holds the copies; without a shared store nothing here does anything.

use super::folder::{FILE, file_of, forget, make_private, run_folder, runs_folder};
use super::record::RunRecord;
use crate::files::write_whole;
use crate::outcome::Failure;
use crate::store::StateDir;
use crate::store::postgres::RunFile;
use std::path::Path;
use std::time::Duration;

/// Beginnings of the names of files that are kept in the store: what a user can ask for, and what other commands need of a
/// finished run. Everything else in the folder can be made again.
const KEPT: [&str; 10] = [
    "first.json",
    "rejects.",
    "receipt.json",
    "report.html",
    "left_blank.csv",
    "phones.json",
    "trace.json",
    "verify.txt",
    "left.",
    "not_undone.",
];

/// A larger file stays on its machine.
const FILE_LEN_MAX: u64 = 256 << 20;

/// How long the copy of a run that has ended stays on a machine: long enough to look at it, and short enough for a worker
/// that does thousands of them.
const COPY_KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Removes old copies of runs that the store has. What cannot be read or removed stays, and does no harm.
pub fn sweep_copies(state: &StateDir) {
    if state.shared_store().is_none() {
        return;
    }
    for folder in std::fs::read_dir(runs_folder(state)).into_iter().flatten().flatten() {
        let age = folder.metadata().and_then(|facts| facts.modified()).ok().and_then(|at| at.elapsed().ok());
        let is_old = || age.is_some_and(|age| age > COPY_KEPT);
        let record = || -> Option<RunRecord> {
            let text = std::fs::read(file_of(&folder.path())).ok()?;
            serde_json::from_slice(&text).ok()
        };
        // A dry run is here only, and what an unfinished one has read is not in the store.
        if is_old() && record().is_some_and(|record| record.is_done() && !record.is_dry()) {
            forget(state, &folder.file_name().to_string_lossy());
        }
    }
}

/// Keeps the files of a run in the store: when its process ends, and when something was added.
///
/// # Errors
/// Exit 1 when they cannot be read or stored.
pub(in crate::run) fn put_files(state: &StateDir, record: &RunRecord) -> Result<(), Failure> {
    let Some(runs) = state.shared_runs()?.filter(|_| !record.is_dry()) else { return Ok(()) };
    let folder = run_folder(state, &record.run);
    let fault = |error: std::io::Error| {
        Failure::failed(format!("the files in `{}` cannot be kept in the store", folder.display())).cause(error)
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(fault)? {
        let entry = entry.map_err(fault)?;
        let facts = entry.metadata().map_err(fault)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if facts.is_file() && facts.len() <= FILE_LEN_MAX && KEPT.iter().any(|kept| name.starts_with(kept)) {
            files.push(RunFile { name, data: std::fs::read(entry.path()).map_err(fault)? });
        }
    }
    runs.put_files(&record.run, files)
}

/// Brings the files of a run that another machine has written to this one. What this machine has itself stays.
///
/// # Errors
/// Exit 1 when they cannot be read or written.
pub(super) fn fetch(state: &StateDir, record: &RunRecord) -> Result<(), Failure> {
    let Some(runs) = state.shared_runs()?.filter(|_| !record.is_dry()) else { return Ok(()) };
    let folder = run_folder(state, &record.run);
    make_private(&folder)?;
    let fault = |error: std::io::Error| {
        Failure::failed(format!("the files of `{}` cannot be written to `{}`", record.run, folder.display()))
            .cause(error)
    };
    let is_kept_name = |name: &str| KEPT.iter().any(|kept| name.starts_with(kept)) && !name.contains(['/', '\\']);
    for RunFile { name, data } in runs.files(&record.run)?.into_iter().filter(|file| is_kept_name(&file.name)) {
        let path = folder.join(&name);
        if !std::fs::read(&path).is_ok_and(|held| held == data) {
            write_whole(&path, &data).map_err(fault)?;
        }
    }
    let text = serde_json::to_vec_pretty(record).map_err(|error| fault(error.into()))?;
    write_record(&folder, &text).map_err(fault)
}

/// Forgets a run that has not begun, or is not needed any more: its folder, and what the store has of it. What cannot be
/// removed does no harm.
pub(in crate::run) fn forget_everywhere(state: &StateDir, run: &str) {
    forget(state, run);
    if let Ok(Some(runs)) = state.shared_runs()
        && let Err(failure) = runs.remove(run, None, 0)
    {
        tracing::debug!("`{run}` stays in the store: {failure}");
    }
}

fn write_record(folder: &Path, text: &[u8]) -> std::io::Result<()> {
    let path = folder.join(FILE);
    if std::fs::read(&path).is_ok_and(|held| held == text) { Ok(()) } else { write_whole(&path, text) }
}
