//! `ferry runs --prune`: removes old finished runs, from their folders to their traces in the checkpoints.

use crate::files::PrivateFolder;
use crate::outcome::{Exit, Failure};
use crate::run::active::folder::{make_private, run_folder};
use crate::run::active::record::RunRecord;
use crate::run::active::removed::{Removed, add_removed, removed_runs};
use crate::run::active::runs::all_runs;
use crate::scratch::prune::prune as forget_runs;
use crate::store::{AccountKey, Checkpoint, StateDir};
use std::collections::BTreeMap;

/// What was removed, and what was not.
#[derive(Clone, Debug, Default)]
pub struct Pruned {
    /// Runs.
    pub runs: u64,
    /// Rejects that went with them.
    pub rejects: u64,
    /// Runs that stay because another process uses their connection.
    pub busy: Vec<String>,
}

/// Removes the finished runs that began before this moment. A run that an unfinished one undoes or corrects stays.
///
/// # Errors
/// Exit 1 when something cannot be removed; what was removed by then is counted nowhere, and is gone.
pub fn prune(state: &StateDir, before_ms: u64) -> Result<Pruned, Failure> {
    let all = all_runs(state)?;
    let is_used = |run: &RunRecord| {
        let mut unfinished = all.iter().filter(|other| !other.is_done());
        unfinished.any(|other| {
            other.source == run.run
                || other.plan.as_ref().is_some_and(|plan| plan.work.is_about(&run.run))
                || other.arguments.iter().any(|word| is_end_of(word, &run.run))
        })
    };
    let old = all.iter().filter(|info| info.is_done() && info.started_ms < before_ms && !is_used(info));
    let mut by_account: BTreeMap<Option<AccountKey>, Vec<&RunRecord>> = BTreeMap::new();
    for info in old {
        let account = info.account.clone().filter(|_| !info.is_dry());
        by_account.entry(account).or_default().push(info);
    }
    let mut pruned = Pruned::default();
    for (account, runs) in by_account {
        let opened = account.map(|account| open(state, account)).transpose();
        match opened.map(Option::flatten) {
            Ok(checkpoint) => remove_all(state, checkpoint, &runs, &mut pruned)?,
            Err(failure) if failure.exit == Exit::Busy => {
                pruned.busy.extend(runs.iter().map(|info| info.run.clone()));
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(pruned)
}

/// Removes runs of an account. In a shared store rows go in parts, so the run is no longer listed before its first row
/// goes: of a run that can be undone nothing is missing. What a killed process has left of such a run goes with the next.
fn remove_all(
    state: &StateDir,
    checkpoint: Option<Checkpoint>,
    runs: &[&RunRecord],
    pruned: &mut Pruned,
) -> Result<(), Failure> {
    let mut names: Vec<String> = runs.iter().map(|info| info.run.clone()).collect();
    let is_shared = state.shared_store().is_some();
    if is_shared {
        remove(state, runs, pruned)?;
        names.extend(removed_runs(state)?.into_iter().map(|removed| removed.run));
    }
    if let Some(checkpoint) = checkpoint {
        forget_in(state, checkpoint, &names)?;
    }
    if is_shared { Ok(()) } else { remove(state, runs, pruned) }
}

/// Whether a word names a run, as commands understand names.
fn is_end_of(word: &str, run: &str) -> bool {
    word.len() >= 4 && run.ends_with(word)
}

/// The checkpoint of an account, if it has one.
fn open(state: &StateDir, account: AccountKey) -> Result<Option<Checkpoint>, Failure> {
    let account = state.store().account(account);
    if account.exists() { Checkpoint::open(&account).map(Some) } else { Ok(None) }
}

fn forget_in(state: &StateDir, checkpoint: Checkpoint, names: &[String]) -> Result<(), Failure> {
    make_private(state)?;
    let folder = PrivateFolder::create(state, "verify-")
        .map_err(|error| Failure::failed(format!("`{}` cannot be written", state.display())).cause(error))?;
    forget_runs(&checkpoint, names, folder.path())?;
    checkpoint.close()
}

/// Removes the folders, and keeps the names.
fn remove(state: &StateDir, runs: &[&RunRecord], pruned: &mut Pruned) -> Result<(), Failure> {
    let day = jiff::Zoned::now().strftime("%Y-%m-%d").to_string();
    let removed = runs.iter().map(|info| Removed {
        run: info.run.clone(),
        day: day.clone(),
        rejects: if info.is_dry() { 0 } else { info.totals.rejected },
    });
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
