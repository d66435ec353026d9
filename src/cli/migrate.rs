//! `ferry migrate`.

use super::args;
use super::context::Context;
use super::import::{Carried, carry, connection, dry_asked, guarded, target_asked, without_results, work_asked};
use crate::outcome::{Exit, Failure};
use crate::plan::{Mistakes, SourceAsked, SourcePlan, TargetAsked};

pub(super) fn run(typed: &args::Migrate, context: &Context) -> Result<Exit, Failure> {
    Ok(context.print_end(&carry(context, prepare(typed, context)?)?))
}

/// Checks what was typed.
pub(super) fn prepare(typed: &args::Migrate, context: &Context) -> Result<Carried, Failure> {
    let mut mistakes = Mistakes::default();
    let (asked, work) = (target_asked(&typed.target, &typed.pace), guarded(work_asked(&typed.work), &typed.guards));
    let config = context.configuration()?;
    let target = mistakes.take(connection(&config, &asked));
    let source_asked = TargetAsked { to: typed.from.clone(), sandbox: asked.sandbox, ..TargetAsked::default() };
    let from = mistakes.take(connection(&config, &source_asked));
    if let (Some((from, _)), Some((to, _))) = (&from, &target)
        && from.name == to.name
    {
        let failure = Failure::usage(format!("`--from` and `--to` are both `{}`", from.name));
        mistakes.take::<()>(Err(failure.hint("name two connections")));
    }
    let around = context.around(&[("mapping", typed.map.as_deref())]);
    work.check(&around, ("--plan", typed.dry.plan.as_deref()), &mut mistakes);
    let work = without_results(work, &typed.dry, &mut mistakes);
    let dry = dry_asked(&typed.dry);
    let asked_of_source =
        SourceAsked { map: typed.map.clone(), region: typed.region.clone(), ..SourceAsked::default() };
    let source = SourcePlan::of_platform(&typed.from, &asked_of_source, &mut mistakes);
    let (source, ((from, from_region), (target, target_region))) = mistakes.end(source.zip(from.zip(target)))?;
    context.make_state(typed.dry.dry_run)?;
    let from = Some((from, config.folder.clone()));
    let connection = (target, from_region.or(target_region));
    Ok(Carried { source, from, connection, asked, work, dry, correct: None, verify: None, apply: None })
}
