//! What the correction of a run has to know about that run: that it wrote to this account, and what it wrote.

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
pub(in crate::run) fn corrected(of: &RunRecord, checkpoint: &Checkpoint, connection: &str) -> Result<RunRow, Failure> {
    let row = checkpoint.runs()?.into_iter().find(|row| row.name == of.run);
    row.ok_or_else(|| {
        Failure::usage(format!("`--correct`: `{}` wrote nothing to `{connection}`", of.run))
            .hint(format!("it wrote to `{}`; `ferry runs` lists the runs", of.target))
    })
}

/// What the run of this row wrote, collected in `folder`.
///
/// # Errors
/// Exit 1 when it cannot be collected.
pub(in crate::run) fn correction_of(
    row: &RunRow,
    checkpoint: &Checkpoint,
    folder: &Path,
    is_same_source: bool,
) -> Result<Arc<Correction>, Failure> {
    Ok(Arc::new(Correction { written: WrittenByRun::of(checkpoint, row.no, folder)?, is_same_source }))
}

/// Whether the lines of a file are those that a run has read.
pub(in crate::run) fn is_same_source(of: &RunRecord, state: &Path, file: &Path) -> bool {
    let folder = run_folder(state, &of.run);
    let stamp = last(&folder).and_then(|first| first.stamp);
    let is_same_stamp = stamp.is_some() && stamp == SourceStamp::of_file(file);
    is_same_stamp || is_what_was_read(&folder, file)
}
