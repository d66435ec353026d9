//! What a preview of a transfer adds to its end: some of the changes, a forecast, and the plan that it saves.

use super::records::with_effect;
use crate::ids::CommandKind;
use crate::outcome::Failure;
use crate::plan::work::Effect;
use crate::report::Summary;
use crate::run::plan::TransferPlan;
use crate::run::planned_list::PlanFile;
use crate::run::preview::{Samples, finish_of, forecast};
use crate::run::source::saved_plan::{PLAN_VERSION, PlanHead, on_existing_name};
use crate::run::source::{Records, Source};
use crate::run::transfer::job::{Io, Job};
use crate::run::transfer::{Finished, Sections, transfer};

/// Does the work of records, and returns it with the sections of a preview.
pub(super) async fn carried_out<'a>(
    plan: &TransferPlan,
    job: Job<'a>,
    effect: &Effect,
    io: Io<'a>,
) -> Result<(Finished<'a>, Sections), Failure> {
    let mut finished = transfer(with_effect(job, effect), io).await?;
    let sections = foretold(plan, &finished, effect);
    let sections = finished.take(sections);
    Ok((finished, sections))
}

/// The sections of a preview; none of a run that writes, or of a preview that did not come to its end.
///
/// # Errors
/// Exit 1 when the checkpoint cannot be read or the plan cannot be written.
fn foretold(plan: &TransferPlan, finished: &Finished<'_>, effect: &Effect) -> Result<Sections, Failure> {
    let transfer = &finished.transfer;
    let (Effect::Preview { plan_file }, Source::Records(records)) = (effect, &transfer.job.source) else {
        return Ok(Sections::default());
    };
    let (Some(store), Some(target), true) = (&transfer.preview, &transfer.target, finished.is_shown()) else {
        return Ok(Sections::default());
    };
    let (record, reached) = (&transfer.run.record, &transfer.reached);
    let noted = || (record.ledger(&plan.state), record.about("plan"));
    let head = head(plan, records, transfer.job.kind);
    let mut file = plan_file.as_deref().map(|path| PlanFile::create(path, &head, noted())).transpose()?;
    let mut samples = Samples::default();
    let (run, pass) = transfer.pass();
    transfer.checkpoint.for_each_outcome(run, pass, |row| {
        let planned = store.recorder.planned(row.origin.ordinal)?.unwrap_or_default();
        samples.add(&row, &planned);
        file.iter_mut().try_for_each(|file| file.row(&row, &planned))
    })?;
    file.map_or(Ok(()), PlanFile::commit)?;
    let source_read = (reached.traffic.sent, reached.source_time);
    let forecast = forecast(&store.recorder, target, &plan.to.connection, source_read)?;
    let summary = Summary {
        finish: finish_of(&forecast),
        forecast: Some(forecast),
        uncertain: store.recorder.uncertain().into_iter().collect(),
        shown: samples.lines(),
        ..Summary::default()
    };
    Ok(Sections { summary, ..Sections::default() })
}

/// The head of the plan that is saved.
fn head(plan: &TransferPlan, records: &Records<'_>, command: CommandKind) -> PlanHead {
    let (connection, rules) = (&plan.to.connection, plan.rules);
    PlanHead {
        ferry_plan: PLAN_VERSION,
        command,
        source: records.plan.shown.clone(),
        connection: connection.name.clone(),
        platform: connection.facts().name.to_string(),
        address: plan.to.address.clone(),
        mapping: records.plan.mapping_identity(),
        on_existing: on_existing_name(rules.on_existing).to_owned(),
        only_existing: rules.only_existing,
        create_attributes: rules.create_attributes,
        identity: records.mapper.finds_by.iter().map(|field| field.name().to_owned()).collect(),
        made: jiff::Zoned::now().strftime("%Y-%m-%d %H:%M:%S").to_string(),
    }
}
