//! `ferry import FILE --correct RUN`: what it has to know about the run that is corrected.

use crate::ids::SourceStamp;
use crate::outcome::Failure;
use crate::reconcile::goal::Correction;
use crate::run::active::folder::run_folder;
use crate::run::active::receipt::is_what_was_read;
use crate::run::active::record::RunRecord;
use crate::run::pass::first::last;
use crate::scratch::written::WrittenByRun;
use crate::store::{Checkpoint, RunRow};
use std::path::Path;
use std::sync::Arc;

/// The run that is corrected, as it stands in the checkpoint of the target.
///
/// # Errors
/// Exit 2 when it did not write there.
pub fn corrected(of: &RunRecord, checkpoint: &Checkpoint, connection: &str) -> Result<RunRow, Failure> {
    let row = checkpoint.runs()?.into_iter().find(|row| row.name == of.run);
    row.ok_or_else(|| {
        Failure::usage(format!("`--correct`: `{}` wrote nothing to `{connection}`", of.run))
            .hint(format!("it wrote to `{}`; `ferry runs` lists the runs", of.target))
    })
}

/// What it wrote, and whether its lines are those of the source as it is now.
///
/// # Errors
/// Exit 1 when it cannot be gathered.
pub fn taken_of(
    of: &RunRecord,
    row: &RunRow,
    checkpoint: &Checkpoint,
    state: &Path,
    folder: &Path,
    source: &Path,
) -> Result<Arc<Correction>, Failure> {
    let stamp = last(&run_folder(state, &of.run)).and_then(|first| first.stamp);
    let is_same_stamp = stamp.is_some() && stamp == SourceStamp::of_file(source);
    let is_same_source = is_same_stamp || is_what_was_read(&run_folder(state, &of.run), source);
    Ok(Arc::new(Correction { written: WrittenByRun::of(checkpoint, row.no, folder)?, is_same_source }))
}
