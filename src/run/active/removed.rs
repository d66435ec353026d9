//! The names of runs that `ferry runs --prune` removed, so that a message can say where such a run has gone.

use crate::files::write_whole;
use crate::outcome::Failure;
use crate::store::StateDir;
use serde::{Deserialize, Serialize};

/// The file with the last removed runs, in the state folder.
const FILE: &str = "removed-runs.jsonl";

/// It lists at most this many.
const KNOWN_MAX: usize = 10_000;

/// A run that was removed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Removed {
    /// Its name.
    pub run: String,
    /// The day on which it was removed.
    pub day: String,
    /// How many rejects went with it.
    pub rejects: u64,
}

/// The run that was removed last of those whose names end so, as far as that is known.
///
/// # Errors
/// Exit 1 when a shared store cannot be read.
pub(super) fn removed_run(state: &StateDir, name_end: &str) -> Result<Option<Removed>, Failure> {
    if name_end.is_empty() {
        return Ok(None);
    }
    match state.shared_runs()? {
        Some(shared) => {
            let removed = shared.removed(name_end)?;
            Ok(removed.map(|(run, day, rejects)| Removed { run, day, rejects }))
        }
        None => Ok(listed(state).into_iter().rev().find(|run| run.run.ends_with(name_end))),
    }
}

fn listed(state: &StateDir) -> Vec<Removed> {
    let text = std::fs::read_to_string(state.join(FILE)).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// Adds runs that were removed.
///
/// # Errors
/// Exit 1 when the list cannot be written.
pub(in crate::run) fn add_removed(state: &StateDir, removed: &[Removed]) -> Result<(), Failure> {
    if let Some(shared) = state.shared_runs()? {
        return removed.iter().try_for_each(|one| shared.remove(&one.run, Some(&one.day), one.rejects));
    }
    let mut known = listed(state);
    known.extend(removed.iter().cloned());
    let first = known.len().saturating_sub(KNOWN_MAX);
    let lines: Vec<String> = known.iter().skip(first).filter_map(|one| serde_json::to_string(one).ok()).collect();
    let path = state.join(FILE);
    write_whole(&path, (lines.join("\n") + "\n").as_bytes())
        .map_err(|error| Failure::failed(format!("`{}` cannot be written", path.display())).cause(error))
}
