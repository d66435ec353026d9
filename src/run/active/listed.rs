//! All runs, the newest first: those of the folders of this machine, and those of a shared store, of which a page is read at a
//! time, because a thousand tenants leave a thousand runs a night. It finds none by its name.

use super::folder::{file_of, run_folder, runs_folder};
use super::rebuilt::rebuilt;
use super::record::RunRecord;
use crate::outcome::Failure;
use crate::store::StateDir;
use crate::store::postgres::{RunPlace, RunsWanted, SharedRuns};
use std::collections::VecDeque;
use std::iter::Peekable;
use std::vec::IntoIter;

/// The runs, the newest first.
pub struct RunList {
    local: Peekable<IntoIter<RunRecord>>,
    shared: Option<SharedPages>,
    /// What is wrong with other runs, and what is done about it; all of it after the last run.
    pub notes: Vec<String>,
}

impl RunList {
    /// The runs of the state folder. Folders that hold no run are passed over; a run's name is that of its folder, and links
    /// are not followed.
    ///
    /// # Errors
    /// Exit 1 when there is a folder of runs that cannot be read, or a shared store that cannot.
    pub fn open(state: &StateDir) -> Result<RunList, Failure> {
        let shared = state.shared_runs()?.map(|runs| SharedPages::of(runs, Asked::default()));
        let Local { mut runs, mut notes } = Local::of(state, |_| true)?;
        runs.sort_by(|one, other| place_of(other).cmp(&place_of(one)));
        notes.sort();
        Ok(RunList { local: runs.into_iter().peekable(), shared, notes })
    }
}

impl Iterator for RunList {
    type Item = Result<RunRecord, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        let shared = self.shared.as_mut().and_then(|shared| shared.peek(&mut self.notes).transpose());
        match (shared, self.local.peek()) {
            (Some(Err(failure)), _) => {
                self.shared = None;
                Some(Err(failure))
            }
            (Some(Ok(shared)), Some(local)) if place_of(local) > shared => self.local.next().map(Ok),
            (Some(Ok(_)), _) => self.shared.as_mut()?.page.pop_front().map(Ok),
            (None, _) => self.local.next().map(Ok),
        }
    }
}

/// By which runs are in their order.
fn place_of(run: &RunRecord) -> (u64, &str) {
    (run.started_ms, &run.run)
}

/// Which runs of a shared store are asked for: those that fit everything that is given.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    pub name_end: Option<String>,
    pub work: Option<String>,
    pub command: Option<&'static str>,
}

/// The runs of a shared store, a page at a time.
pub(super) struct SharedPages {
    runs: SharedRuns,
    asked: Asked,
    page: VecDeque<RunRecord>,
    /// The last run of the page; none before the first page.
    after: Option<RunPlace>,
    is_last: bool,
}

impl SharedPages {
    pub(super) fn of(runs: SharedRuns, asked: Asked) -> SharedPages {
        SharedPages { runs, asked, page: VecDeque::new(), after: None, is_last: false }
    }

    /// All of them, which are few.
    pub(super) fn all(mut self) -> Result<Vec<RunRecord>, Failure> {
        let (mut runs, mut notes) = (Vec::new(), Vec::new());
        while self.peek(&mut notes)?.is_some() {
            runs.extend(self.page.drain(..));
        }
        Ok(runs)
    }

    /// The place of the next run.
    fn peek(&mut self, notes: &mut Vec<String>) -> Result<Option<(u64, &str)>, Failure> {
        while self.page.is_empty() && !self.is_last {
            let Asked { name_end, work, command } = &self.asked;
            let wanted = RunsWanted { name_end: name_end.as_deref(), work: work.as_deref(), command: *command };
            let records = self.runs.page(wanted, self.after.as_ref())?;
            self.is_last = records.is_empty();
            for kept in records {
                match serde_json::from_str::<RunRecord>(&kept.record) {
                    Ok(record) => self.page.push_back(record),
                    Err(error) => {
                        notes.push(format!("the record of `{}` in the store is damaged: {error}", kept.place.name));
                    }
                }
                self.after = Some(kept.place);
            }
        }
        Ok(self.page.front().map(place_of))
    }
}

/// The runs of folders, and what is wrong with others.
#[derive(Default)]
pub(super) struct Local {
    pub runs: Vec<RunRecord>,
    pub notes: Vec<String>,
}

impl Local {
    /// The runs whose names fit; beside a shared store only dry runs.
    pub(super) fn of(state: &StateDir, fits: impl Fn(&str) -> bool) -> Result<Local, Failure> {
        let mut found = Local::default();
        let path = runs_folder(state);
        let folders = match std::fs::read_dir(&path) {
            Ok(folders) => folders,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(found),
            Err(error) => {
                return Err(Failure::failed(format!("the runs in `{}` cannot be read", path.display()))
                    .cause(error)
                    .hint("change the permissions of the folder, or name another one with `--state`"));
            }
        };
        for folder in folders.flatten().filter(|folder| folder.file_type().is_ok_and(|kind| kind.is_dir())) {
            if let Some(name) = folder.file_name().to_str().filter(|name| fits(name)) {
                found.add(state, name);
            }
        }
        Ok(found)
    }

    /// Looks at one folder.
    fn add(&mut self, state: &StateDir, name: &str) {
        let path = file_of(&run_folder(state, name));
        let read = std::fs::read(&path);
        let is_missing = matches!(&read, Err(error) if error.kind() == std::io::ErrorKind::NotFound);
        match read.ok().and_then(|bytes| serde_json::from_slice::<RunRecord>(&bytes).ok()) {
            // Beside a shared store, the others are copies.
            Some(info) if info.run == name && state.shared_store().is_some() && !info.is_dry() => {}
            Some(info) if info.run == name => self.runs.push(info),
            Some(info) => self.notes.push(format!(
                "`{}` is about another run, `{}`; the folder is left alone",
                path.display(),
                info.run
            )),
            // The store has the record, or the run was removed elsewhere.
            None if state.shared_store().is_some() => {}
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
