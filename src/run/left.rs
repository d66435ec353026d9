//! The values that a run left: changed since by another party, or kept by the platform; listed and counted.

use crate::outcome::{Exit, Failure, Problem};
use crate::platforms::PlatformFacts;
use crate::reconcile::goal::revert::GONE;
use crate::reconcile::problems::{CHANGED, KEPT};
use crate::report::Counts;
use crate::report::words::count;
use crate::run::results::ResultsWriter;
use crate::store::{Checkpoint, OutcomeRow, RunNo};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What is listed of contacts that are not back, in the folder of the run.
const LEFT: &str = "left.csv";

/// Of which field a contact as a whole is counted.
const WHOLE: &str = "contact";

/// What was left, counted by field.
#[derive(Default)]
pub(in crate::run) struct LeftCounts {
    changed: BTreeMap<String, u64>,
    kept: BTreeMap<String, u64>,
    /// Contacts that are not there any more.
    gone: u64,
}

impl LeftCounts {
    pub(in crate::run) fn add(&mut self, problems: &[Problem]) {
        for problem in problems {
            let counts = match &*problem.code {
                CHANGED => &mut self.changed,
                KEPT => &mut self.kept,
                GONE => {
                    self.gone += 1;
                    continue;
                }
                _ => continue,
            };
            *counts.entry(problem.column.clone().unwrap_or_else(|| WHOLE.to_owned())).or_default() += 1;
        }
    }

    /// How an undo ends that left something: as one that could not do all of it.
    pub(in crate::run) fn exit(&self) -> Exit {
        let is_nothing = self.changed.is_empty() && self.kept.is_empty() && self.gone == 0;
        if is_nothing { Exit::Done } else { Exit::Rejects }
    }

    /// What the platform cannot delete, in a line for the user.
    pub(in crate::run) fn not_deleted(&self, platform: &PlatformFacts) -> Option<String> {
        let contacts = self.kept.get(WHOLE).copied().filter(|_| !platform.deletes)?;
        let stay = if contacts == 1 { "stays" } else { "stay" };
        let (title, contacts) = (&platform.title, count(contacts, "contact", "contacts"));
        Some(format!("{title} has no call to delete a contact: {contacts} that the run created {stay} there"))
    }

    /// Those that another party has changed, and those that the platform keeps.
    pub(in crate::run) fn counts(self) -> (Counts, Counts) {
        (self.changed.into_iter().collect(), self.kept.into_iter().collect())
    }
}

/// Lists the contacts of which something was left, and counts it. None: nothing was.
pub(in crate::run) fn list_left(
    checkpoint: &Checkpoint,
    (run, pass): (RunNo, u32),
    folder: &Path,
    left: &mut LeftCounts,
) -> Result<Option<PathBuf>, Failure> {
    let path = folder.join(LEFT);
    let mut writer = None;
    checkpoint.for_each_outcome(run, pass, |row: OutcomeRow| {
        if row.problems.is_empty() {
            return Ok(());
        }
        left.add(&row.problems);
        let writer = match &mut writer {
            Some(writer) => writer,
            none => none.insert(ResultsWriter::create(&path, None)?),
        };
        writer.add(&row)
    })?;
    match writer {
        Some(writer) => writer.commit().map(|()| Some(path)),
        None => Ok(None),
    }
}
