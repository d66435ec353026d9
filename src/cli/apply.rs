//! `ferry apply`: checks the arguments and the head of the plan.

use super::args;
use super::context::Context;
use super::import::{Prepared, carry, connection, pace_of, work_asked};
use crate::files::Format;
use crate::outcome::{Exit, Failure};
use crate::plan::work::{SavedPlan, Work};
use crate::plan::{Mistakes, SourceAsked, SourcePlan, TargetAsked, WorkAsked};
use crate::reconcile::guards::GuardsAsked;
use crate::run::plan::{SavedPlan as Saved, Work as Checked};
use crate::run::source::saved_plan::PlanHead;

pub(super) fn run(typed: &args::Apply, context: &Context) -> Result<Exit, Failure> {
    let plan = SavedPlan { file: typed.plan.clone(), pace: pace_of(&typed.pace), limits: work_asked(&typed.work) };
    Ok(context.print_end(&carry(context, prepare(&plan, context)?)?))
}

/// Checks a saved plan.
pub(super) fn prepare(plan: &SavedPlan, context: &Context) -> Result<Prepared, Failure> {
    let mut mistakes = Mistakes::default();
    let limits = plan.limits.clone();
    limits.check(&context.around(&[("source", Some(&plan.file))]), ("--plan", None), &mut mistakes);
    let is_table = Format::of_path(&plan.file).is_some_and(Format::is_table);
    let format = (!is_table).then_some(Format::Jsonl);
    if mistakes.is_empty() {
        context.make_state(false)?;
    }
    let asked = SourceAsked { file: plan.file.clone(), format, ..SourceAsked::default() };
    let source = SourcePlan::gather(&asked, &context.state, &mut mistakes);
    let mut source = mistakes.end(source)?;
    let head = PlanHead::read(&source)?;
    source.is_plan = true;
    let asked = TargetAsked {
        to: head.connection.clone(),
        sandbox: head.is_sandbox(),
        on_existing: head.on_existing(),
        only_existing: head.only_existing,
        create_attributes: head.create_attributes,
        rate: plan.pace.rate.clone(),
        concurrency: plan.pace.concurrency,
        wait: plan.pace.wait.clone(),
    };
    let connection = connection(&context.configuration()?, &asked)?;
    // The user has reviewed the plan, so no guard applies.
    let limits = WorkAsked { guards: GuardsAsked::none(), ..limits };
    let work = Checked::Apply(Saved { source, head });
    Ok(Prepared { work, connection, asked, limits, stored: context.plan(Work::Apply(plan.clone())) })
}
