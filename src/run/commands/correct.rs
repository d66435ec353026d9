//! `ferry import FILE --correct RUN`: the records of a file, with which the values that a run wrote are corrected.

use super::foretold::carried_out;
use super::import;
use super::records::meaning_of;
use crate::outcome::Failure;
use crate::plan::SourcePlan;
use crate::plan::work::Effect;
use crate::run::active::close::Ended;
use crate::run::active::folder::run_folder;
use crate::run::active::record::RunRecord;
use crate::run::left::{LeftCounts, list_left};
use crate::run::plan::TransferPlan;
use crate::run::transfer::job::{Aim, Io, Job};
use crate::run::transfer::{Finished, Sections};

pub(super) async fn correct(
    plan: &TransferPlan,
    correction: (&SourcePlan, &RunRecord),
    effect: &Effect,
    io: Io<'_>,
) -> Result<Ended, Failure> {
    let job = job(plan, correction.0, correction.1, io)?;
    let (mut finished, sections) = carried_out(plan, job, effect, io).await?;
    let sections = add_left(&mut finished, sections);
    Ok(finished.close(sections))
}

/// A correction leaves values that another party has changed, so the contact may differ from the mapping.
pub(super) fn job<'a>(
    plan: &'a TransferPlan,
    source: &'a SourcePlan,
    of: &'a RunRecord,
    io: Io<'a>,
) -> Result<Job<'a>, Failure> {
    let job = import::job(plan, source, io)?;
    let aim = Aim { corrects: Some(of), ..job.aim.clone() };
    let (work, meaning) = (plan.correction_id(source, of), meaning_of(plan, source, " correct"));
    Ok(Job { aim, work, meaning, evidence: vec![run_folder(&plan.state, &of.run)], ..job })
}

/// The values that were left, in the summary and in a list.
pub(super) fn add_left(finished: &mut Finished<'_>, mut sections: Sections) -> Sections {
    finished.take_guard();
    if finished.failure.is_some() {
        return sections;
    }
    let mut left = LeftCounts::default();
    let transfer = &finished.transfer;
    let listed = list_left(&transfer.checkpoint, transfer.pass(), &transfer.run.folder, &mut left);
    let path = finished.take(listed);
    let summary = &mut sections.summary;
    (summary.changed_since, summary.not_taken_back) = left.counts();
    let is_left = !(summary.changed_since.is_empty() && summary.not_taken_back.is_empty());
    summary.left_file = path.filter(|_| is_left).map(|path| path.display().to_string());
    sections
}
