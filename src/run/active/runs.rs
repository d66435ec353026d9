//! The runs of a state folder: found by name, by work, by what they are. Listing them is in `listed.rs`.

use super::folder::runs_folder;
use super::listed::{Asked, Local, RunList, SharedPages};
use super::record::RunRecord;
use super::removed::{Removed, removed_run};
use super::shared::fetch;
use crate::ids::CommandKind;
use crate::outcome::Failure;
use crate::store::StateDir;

/// All runs of the state folder, the newest first.
///
/// # Errors
/// As [`RunList::open`].
pub fn all_runs(state: &StateDir) -> Result<Vec<RunRecord>, Failure> {
    RunList::open(state)?.collect()
}

/// The newest run of which this holds, with its files on this machine.
///
/// # Errors
/// As [`RunList::open`].
pub fn newest_run(state: &StateDir, is_it: impl Fn(&RunRecord) -> bool) -> Result<Option<RunRecord>, Failure> {
    for run in RunList::open(state)? {
        let run = run?;
        if is_it(&run) {
            fetch(state, &run)?;
            return Ok(Some(run));
        }
    }
    Ok(None)
}

/// The runs that are not dry and fit this, the newest first; of a shared store no others are read.
///
/// # Errors
/// As [`RunList::open`].
pub fn runs_of(state: &StateDir, work: Option<&str>, command: Option<CommandKind>) -> Result<Vec<RunRecord>, Failure> {
    let fits = |run: &RunRecord| {
        !run.is_dry()
            && work.is_none_or(|work| run.work.as_str() == work)
            && command.is_none_or(|command| run.command == command)
    };
    let mut found = match state.shared_runs()? {
        Some(shared) => {
            let (work, command) = (work.map(str::to_owned), command.map(CommandKind::name));
            SharedPages::of(shared, Asked { work, command, ..Asked::default() }).all()?
        }
        None => all_runs(state)?,
    };
    found.retain(fits);
    Ok(found)
}

/// The runs whose names end so; of a shared store no others are read.
fn runs_named(state: &StateDir, name_end: &str) -> Result<Vec<RunRecord>, Failure> {
    let Some(shared) = state.shared_runs()? else { return all_runs(state) };
    let asked = Asked { name_end: Some(name_end.to_owned()), ..Asked::default() };
    let mut runs = SharedPages::of(shared, asked).all()?;
    runs.extend(Local::of(state, |name| name.ends_with(name_end))?.runs);
    Ok(runs)
}

/// The run of this name, or whose name alone ends so.
pub fn run_named(state: &StateDir, name: &str) -> Result<RunRecord, Failure> {
    let run = find_named(state, name)?;
    fetch(state, &run)?;
    Ok(run)
}

fn find_named(state: &StateDir, name: &str) -> Result<RunRecord, Failure> {
    let runs = runs_named(state, name)?;
    if let Some(run) = runs.iter().find(|run| run.run == name) {
        return Ok(run.clone());
    }
    let mut fitting = runs.iter().filter(|run| run.run.ends_with(name));
    match (fitting.next(), fitting.next()) {
        (Some(run), None) => Ok(run.clone()),
        (Some(one), Some(other)) => {
            Err(Failure::usage(format!("several runs end with `{name}`: `{}`, `{}`", one.run, other.run))
                .hint("give more of the name"))
        }
        _ => match removed_run(state, name)? {
            Some(Removed { run, day, .. }) => Err(Failure::usage(format!(
                "`{run}` was removed by `ferry runs --prune` on {day}: it can no longer be undone or verified"
            ))
            .hint("`ferry runs` lists the remaining runs")),
            None => Err(Failure::usage(format!("there is no run `{name}` in `{}`", place_of_runs(state)))
                .hint("`ferry runs` lists them")),
        },
    }
}

/// What a message calls the place of the runs.
fn place_of_runs(state: &StateDir) -> String {
    match state.shared_store() {
        Some(address) => address.to_string(),
        None => runs_folder(state).display().to_string(),
    }
}
