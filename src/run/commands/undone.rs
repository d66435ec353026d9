//! What an undo adds to its end: the values that were left; of a preview also the list of all changes, and a forecast.

use crate::outcome::Failure;
use crate::plan::work::Effect;
use crate::report::{Forecast, Summary};
use crate::run::left::{LeftCounts, list_left};
use crate::run::plan::UndoPlan;
use crate::run::planned_list::UndoFile;
use crate::run::preview::{PreviewStore, forecast};
use crate::run::target::Target;
use crate::run::transfer::{Finished, Sections};
use std::path::Path;
use std::time::Duration;

/// The sections of an undo; none where it has read nothing.
///
/// # Errors
/// Exit 1 when the checkpoint cannot be read or a list cannot be written.
pub(super) fn undone(plan: &UndoPlan, finished: &Finished<'_>) -> Result<Sections, Failure> {
    let transfer = &finished.transfer;
    let (mut left, mut summary) = (LeftCounts::default(), Summary::default());
    match (&plan.effect, &transfer.preview, &transfer.target) {
        (Effect::Preview { plan_file }, Some(store), Some(target)) if finished.failure.is_none() => {
            list_changes(plan_file.as_deref(), store, finished, &mut left)?;
            summary.forecast = Some(forecast_of(plan, store, target)?);
        }
        (Effect::Write, ..) if transfer.reached.pass > 0 => {
            let listed = list_left(&transfer.checkpoint, transfer.pass(), &transfer.run.folder, &mut left)?;
            let shown = |path: &Path| path.strip_prefix(&plan.typed.folder).unwrap_or(path).display().to_string();
            summary.left_file = listed.as_deref().map(shown);
        }
        _ => return Ok(Sections::default()),
    }
    let exit = Some(left.exit());
    summary.shown = left.not_deleted(plan.to.connection.facts()).into_iter().collect();
    (summary.changed_since, summary.not_taken_back) = left.counts();
    Ok(Sections { summary, exit, ..Sections::default() })
}

/// Counts what would be left, and lists what would change where that was asked.
fn list_changes(
    path: Option<&Path>,
    store: &PreviewStore,
    finished: &Finished<'_>,
    left: &mut LeftCounts,
) -> Result<(), Failure> {
    let (record, state) = (&finished.transfer.run.record, &finished.transfer.run.state);
    let noted = || (record.ledger(state), record.about("plan"));
    let mut file = path.map(|path| UndoFile::create(path, noted())).transpose()?;
    let (run, pass) = finished.transfer.pass();
    finished.transfer.checkpoint.for_each_outcome(run, pass, |row| {
        left.add(&row.problems);
        let planned = store.recorder.planned(row.origin.ordinal)?.unwrap_or_default();
        file.iter_mut().try_for_each(|file| file.row(&row, &planned.changes))
    })?;
    file.map_or(Ok(()), UndoFile::commit)
}

fn forecast_of(plan: &UndoPlan, store: &PreviewStore, target: &Target) -> Result<Forecast, Failure> {
    // There is no source to be read.
    forecast(&store.recorder, target, &plan.to.connection, (0, Duration::ZERO))
}
