//! `ferry runs --prune`: removes old finished runs, from their folders to their traces in the checkpoints.

use crate::files::PrivateFolder;
use crate::ids::RunStatus;
use crate::outcome::{Exit, Failure};
use crate::run::active::folder::{make_private, run_folder};
use crate::run::active::listed::RunList;
use crate::run::active::record::RunRecord;
use crate::run::active::removed::{Removed, add_removed};
use crate::scratch::prune::prune as forget_runs;
use crate::store::{AccountKey, Checkpoint, StateDir};
use std::collections::{BTreeMap, HashSet};

/// What was removed, and what was not.
#[derive(Clone, Debug, Default)]
pub struct Pruned {
    /// Runs.
    pub runs: u64,
    /// Rejects that went with them.
    pub rejects: u64,
    /// Runs that stay because another process uses their connection.
    pub busy: Vec<String>,
    /// What is wrong with other runs.
    pub notes: Vec<String>,
}

/// A run that may go: all that is kept of it meanwhile, because there may be a hundred thousand.
struct Old {
    run: String,
    /// Of a dry run none are counted.
    rejects: u64,
}

/// Removes the finished runs that began before this moment. A run that an unfinished one undoes or corrects stays.
///
/// # Errors
/// Exit 1 when something cannot be removed; what was removed by then is counted nowhere, and is gone.
pub fn prune(state: &StateDir, before_ms: u64) -> Result<Pruned, Failure> {
    let mut by_account: BTreeMap<Option<AccountKey>, Vec<Old>> = BTreeMap::new();
    let mut unfinished = Vec::new();
    let mut list = RunList::open(state)?;
    for info in list.by_ref() {
        let info = info?;
        if !info.is_done() {
            unfinished.push(info);
        } else if info.started_ms < before_ms {
            let rejects = if info.is_dry() { 0 } else { info.totals.rejected };
            let account = info.account.filter(|_| info.status != RunStatus::DryRun);
            by_account.entry(account).or_default().push(Old { run: info.run, rejects });
        }
    }
    let mut pruned = Pruned { notes: list.notes, ..Pruned::default() };
    for (account, mut runs) in by_account {
        runs.retain(|old| !unfinished.iter().any(|other| needs(other, &old.run)));
        if runs.is_empty() {
            continue;
        }
        let opened = account.as_ref().map(|account| open(state, account)).transpose();
        match opened.map(Option::flatten) {
            Ok(checkpoint) => remove_all(state, account.as_ref().zip(checkpoint), &runs, &mut pruned)?,
            Err(failure) if failure.exit == Exit::Busy => {
                pruned.busy.extend(runs.into_iter().map(|old| old.run));
            }
            Err(failure) => return Err(failure),
        }
    }
    if let Some(shared) = state.shared_runs()? {
        shared.forget_removed()?;
    }
    Ok(pruned)
}

/// Whether a run undoes or corrects the one of this name.
fn needs(other: &RunRecord, run: &str) -> bool {
    other.source == run
        || other.plan.as_ref().is_some_and(|plan| plan.work.is_about(run))
        || other.arguments.iter().any(|word| is_end_of(word, run))
}

/// Removes runs of an account. In a shared store rows go in parts, so the run is no longer listed before its first row
/// goes: of a run that can be undone nothing is missing. What a killed process has left of such a run goes with the next.
fn remove_all(
    state: &StateDir,
    checkpoint: Option<(&AccountKey, Checkpoint)>,
    runs: &[Old],
    pruned: &mut Pruned,
) -> Result<(), Failure> {
    let mut names: HashSet<String> = runs.iter().map(|old| old.run.clone()).collect();
    let shared = state.shared_runs()?;
    if shared.is_some() {
        remove(state, runs, pruned)?;
    }
    if let Some((account, checkpoint)) = checkpoint {
        let half_removed = shared.as_ref().map(|shared| shared.half_removed(account.as_str())).transpose()?;
        names.extend(half_removed.into_iter().flatten());
        forget_in(state, checkpoint, &names)?;
    }
    if shared.is_some() { Ok(()) } else { remove(state, runs, pruned) }
}

/// Whether a word names a run, as commands understand names.
fn is_end_of(word: &str, run: &str) -> bool {
    word.len() >= 4 && run.ends_with(word)
}

/// The checkpoint of an account, if it has one.
fn open(state: &StateDir, account: &AccountKey) -> Result<Option<Checkpoint>, Failure> {
    let account = state.store().account(account.clone());
    if account.exists() { Checkpoint::open(&account).map(Some) } else { Ok(None) }
}

fn forget_in(state: &StateDir, checkpoint: Checkpoint, names: &HashSet<String>) -> Result<(), Failure> {
    make_private(state)?;
    let folder = PrivateFolder::create(state, "verify-")
        .map_err(|error| Failure::failed(format!("`{}` cannot be written", state.display())).cause(error))?;
    forget_runs(&checkpoint, names, folder.path())?;
    checkpoint.close()
}

/// Removes the folders, and keeps the names.
fn remove(state: &StateDir, runs: &[Old], pruned: &mut Pruned) -> Result<(), Failure> {
    let day = jiff::Zoned::now().strftime("%Y-%m-%d").to_string();
    let removed = runs.iter().map(|old| Removed { run: old.run.clone(), day: day.clone(), rejects: old.rejects });
    let removed: Vec<Removed> = removed.collect();
    add_removed(state, &removed)?;
    for one in removed {
        let folder = run_folder(state, &one.run);
        let removed = match std::fs::remove_dir_all(&folder) {
            // The folder of a run of a shared store may be on another machine.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        };
        removed.map_err(|error| Failure::failed(format!("`{}` cannot be removed", folder.display())).cause(error))?;
        pruned.runs += 1;
        pruned.rejects += one.rejects;
    }
    Ok(())
}
