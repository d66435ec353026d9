//! The runs of a state folder: listed, and found by name.

use super::folder::{file_of, run_folder, runs_folder};
use super::rebuilt::rebuilt;
use super::record::RunRecord;
use super::removed::{Removed, removed_runs};
use super::shared::fetch;
use crate::ids::CommandKind;
use crate::outcome::Failure;
use crate::store::StateDir;
use crate::store::postgres::RunsWanted;

/// What the folders of runs hold.
#[derive(Debug, Default)]
pub struct Runs {
    /// The runs, the newest first.
    pub runs: Vec<RunRecord>,
    /// What is wrong with others, and what is done about it.
    pub notes: Vec<String>,
}

impl Runs {
    /// Adds the records of a shared store.
    fn add_shared(&mut self, records: Vec<String>) {
        for text in records {
            match serde_json::from_str::<RunRecord>(&text) {
                Ok(record) => self.runs.push(record),
                Err(error) => self.notes.push(format!("a record of a run in the store is damaged: {error}")),
            }
        }
    }

    /// Looks at the folder of a run that is in no shared store: there, folders are copies.
    fn add_local(&mut self, state: &StateDir, name: &str) {
        let found = self.runs.len();
        self.add(state, name);
        if state.shared_store().is_some() {
            let is_kept = self.runs.get(found).is_some_and(RunRecord::is_dry);
            self.runs.truncate(if is_kept { found + 1 } else { found });
        }
    }

    /// Looks at one folder.
    fn add(&mut self, state: &StateDir, name: &str) {
        let path = file_of(&run_folder(state, name));
        let read = std::fs::read(&path);
        let is_missing = matches!(&read, Err(error) if error.kind() == std::io::ErrorKind::NotFound);
        match read.ok().and_then(|bytes| serde_json::from_slice::<RunRecord>(&bytes).ok()) {
            Some(info) if info.run == name => self.runs.push(info),
            Some(info) => self.notes.push(format!(
                "`{}` is about another run, `{}`; the folder is left alone",
                path.display(),
                info.run
            )),
            None => match rebuilt(state, name) {
                Some(info) => {
                    let what = if is_missing { "missing" } else { "damaged" };
                    self.notes
                        .push(format!("`{}` is {what}; the run is shown as its checkpoint knows it", path.display()));
                    self.runs.push(info);
                }
                // A folder that is no run's.
                None if is_missing => {}
                None => self.notes.push(format!(
                    "`{}` is damaged, and no checkpoint knows the run; the folder is left alone",
                    path.display()
                )),
            },
        }
    }
}

/// All runs of the state folder, the newest first. Folders that hold no run are passed over.
///
/// # Errors
/// Exit 1 when there is a folder of runs that cannot be read.
pub fn all_runs(state: &StateDir) -> Result<Vec<RunRecord>, Failure> {
    look_at_runs(state).map(|runs| runs.runs)
}

/// The same, with what is wrong with them. A run's name is that of its folder; links are not followed.
///
/// # Errors
/// As [`all_runs`].
pub fn look_at_runs(state: &StateDir) -> Result<Runs, Failure> {
    let mut runs = Runs::default();
    if let Some(shared) = state.shared_runs()? {
        runs.add_shared(shared.records(RunsWanted::default())?);
    }
    let path = runs_folder(state);
    let folders = match std::fs::read_dir(&path) {
        Ok(folders) => folders,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(runs),
        Err(error) => {
            return Err(Failure::failed(format!("the runs in `{}` cannot be read", path.display()))
                .cause(error)
                .hint("change the permissions of the folder, or name another one with `--state`"));
        }
    };
    for folder in folders.flatten().filter(|folder| folder.file_type().is_ok_and(|kind| kind.is_dir())) {
        if let Some(name) = folder.file_name().to_str() {
            runs.add_local(state, name);
        }
    }
    runs.runs.sort_by(|one, other| (other.started_ms, &other.run).cmp(&(one.started_ms, &one.run)));
    runs.notes.sort();
    Ok(runs)
}

/// The runs that are not dry and fit this, the newest first; of a shared store no others are read.
///
/// # Errors
/// As [`all_runs`].
pub fn runs_of(state: &StateDir, work: Option<&str>, command: Option<CommandKind>) -> Result<Vec<RunRecord>, Failure> {
    let fits = |run: &RunRecord| {
        !run.is_dry()
            && work.is_none_or(|work| run.work.as_str() == work)
            && command.is_none_or(|command| run.command == command)
    };
    let mut found = match state.shared_runs()? {
        Some(shared) => {
            let mut runs = Runs::default();
            let command = command.map(CommandKind::name);
            runs.add_shared(shared.records(RunsWanted { work, command, ..RunsWanted::default() })?);
            runs.runs
        }
        None => all_runs(state)?,
    };
    found.retain(fits);
    Ok(found)
}

/// The runs whose names end so; of a shared store no others are read.
fn runs_named(state: &StateDir, name_end: &str) -> Result<Vec<RunRecord>, Failure> {
    let Some(shared) = state.shared_runs()? else { return all_runs(state) };
    let mut runs = Runs::default();
    runs.add_shared(shared.records(RunsWanted { name_end: Some(name_end), ..RunsWanted::default() })?);
    // Dry runs are in their folders only.
    let folders = std::fs::read_dir(runs_folder(state)).into_iter().flatten().flatten();
    let names = folders.filter_map(|folder| folder.file_name().into_string().ok());
    names.filter(|name| name.ends_with(name_end)).for_each(|name| runs.add_local(state, &name));
    Ok(runs.runs)
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
        _ => match removed_runs(state)?.into_iter().rev().find(|run| !name.is_empty() && run.run.ends_with(name)) {
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
