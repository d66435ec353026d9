//! `ferry apply`: the words of a plan.

use super::import::{Carried, carry, connection, work_asked};
use super::{Context, args};
use crate::files::Format;
use crate::outcome::{Exit, Failure};
use crate::plan::{Mistakes, SourceAsked, SourcePlan, TargetAsked, WorkAsked};
use crate::reconcile::guards::GuardsAsked;
use crate::run::apply::PlanHead;
use std::path::Path;

pub(super) fn run(typed: &args::Apply, context: &Context) -> Result<Exit, Failure> {
    let mut mistakes = Mistakes::default();
    let work = work_asked(&typed.work);
    work.check(&typed.plan, None, &mut mistakes);
    if mistakes.is_empty() {
        context.make_state()?;
    }
    let source = source_of(&typed.plan, &context.state, &mut mistakes);
    let mut source = mistakes.end(source)?;
    let head = PlanHead::read(&source)?;
    source.is_plan = true;
    let asked = asked_of(typed, &head);
    let connection = connection(&context.configuration()?, &asked)?;
    // Whoever saved the plan has seen how much it does.
    let work = WorkAsked { guards: GuardsAsked::none(), ..work };
    let carried = Carried {
        source,
        from: None,
        connection,
        asked,
        work,
        dry: None,
        correct: None,
        verify: None,
        apply: Some(head),
    };
    Ok(context.tell(&carry(context, carried)?))
}

/// What a run of a plan wrote to; the plan is looked for from the folder where the run was begun.
///
/// # Errors
/// Exit 2 when the plan is not there any more, or is none.
pub(super) fn wrote_to(typed: &args::Apply, folder: &Path, state: &Path) -> Result<TargetAsked, Failure> {
    let mut mistakes = Mistakes::default();
    let source = source_of(&folder.join(&typed.plan), state, &mut mistakes);
    Ok(asked_of(typed, &PlanHead::read(&mistakes.end(source)?)?))
}

fn source_of(plan: &Path, state: &Path, mistakes: &mut Mistakes) -> Option<SourcePlan> {
    let is_table = Format::of_path(plan).is_some_and(Format::is_table);
    let format = (!is_table).then_some(Format::Jsonl);
    let asked = SourceAsked { file: plan.to_owned(), format, ..SourceAsked::default() };
    SourcePlan::gather(&asked, state, mistakes)
}

fn asked_of(typed: &args::Apply, head: &PlanHead) -> TargetAsked {
    TargetAsked {
        to: head.connection.clone(),
        sandbox: head.is_sandbox(),
        on_existing: head.on_existing(),
        only_existing: head.only_existing,
        create_attributes: head.create_attributes,
        rate: typed.rate.clone(),
        concurrency: typed.concurrency,
        wait: typed.wait.clone(),
    }
}
