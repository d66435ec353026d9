//! `ferry apply`: the words of a plan.

use super::args;
use super::context::Context;
use super::import::{Carried, carry, connection, work_asked};
use crate::files::Format;
use crate::outcome::{Exit, Failure};
use crate::plan::{Mistakes, SourceAsked, SourcePlan, TargetAsked, WorkAsked};
use crate::reconcile::guards::GuardsAsked;
use crate::run::apply::PlanHead;

pub(super) fn run(typed: &args::Apply, context: &Context) -> Result<Exit, Failure> {
    Ok(context.print_end(&carry(context, prepare(typed, context)?)?))
}

/// Checks what was typed.
pub(super) fn prepare(typed: &args::Apply, context: &Context) -> Result<Carried, Failure> {
    let mut mistakes = Mistakes::default();
    let work = work_asked(&typed.work);
    work.check(&context.around(&[("source", Some(&typed.plan))]), ("--plan", None), &mut mistakes);
    let is_table = Format::of_path(&typed.plan).is_some_and(Format::is_table);
    let format = (!is_table).then_some(Format::Jsonl);
    if mistakes.is_empty() {
        context.make_state(false)?;
    }
    let asked = SourceAsked { file: typed.plan.clone(), format, ..SourceAsked::default() };
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
        rate: typed.pace.rate.clone(),
        concurrency: typed.pace.concurrency,
        wait: typed.pace.wait.clone(),
    };
    let connection = connection(&context.configuration()?, &asked)?;
    // Whoever saved the plan has seen how much it does.
    let work = WorkAsked { guards: GuardsAsked::none(), ..work };
    Ok(Carried {
        source,
        from: None,
        connection,
        asked,
        work,
        dry: None,
        correct: None,
        verify: None,
        apply: Some(head),
    })
}
