//! `ferry migrate`.

use super::args;
use super::context::Context;
use super::import::{
    Prepared, carry, connection, effect_of, guarded, is_preview, plan_file, target_asked, without_results, work_asked,
};
use crate::outcome::{Exit, Failure};
use crate::plan::work::{Effect, Transfer, TransferSource, Work};
use crate::plan::{Mistakes, SourceAsked, SourcePlan, TargetAsked, address_of};
use crate::run::plan::{FromPlatform, Transfer as Contacts, Work as Checked};

pub(super) fn run(typed: &args::Migrate, context: &Context) -> Result<Exit, Failure> {
    let rules = SourceAsked {
        map: typed.map.clone(),
        region: typed.phones.region.clone(),
        skip: typed.skip.clone(),
        ..SourceAsked::default()
    };
    let transfer = Transfer {
        source: TransferSource::Migrate(typed.from.clone(), rules),
        target: target_asked(&typed.target, &typed.pace),
        limits: guarded(work_asked(&typed.work), &typed.guards),
    };
    Ok(context.print_end(&carry(context, prepare(&transfer, &effect_of(&typed.dry), context)?)?))
}

/// Checks a migration.
pub(super) fn prepare(transfer: &Transfer, effect: &Effect, context: &Context) -> Result<Prepared, Failure> {
    let TransferSource::Migrate(name, rules) = &transfer.source else {
        return Err(Failure::failed("an import is no migration: this is a bug in Ferry"));
    };
    let mut mistakes = Mistakes::default();
    let (asked, limits) = (transfer.target.clone(), transfer.limits.clone());
    let config = context.configuration()?;
    let target = mistakes.take(connection(&config, &asked));
    let source_asked = TargetAsked { to: name.clone(), sandbox: asked.sandbox, ..TargetAsked::default() };
    let from = mistakes.take(connection(&config, &source_asked));
    if let (Some((from, _)), Some((to, _))) = (&from, &target)
        && from.name == to.name
    {
        let failure = Failure::usage(format!("`--from` and `--to` are both `{}`", from.name));
        mistakes.take::<()>(Err(failure.hint("name two connections")));
    }
    let around = context.around(&[("mapping", rules.map.as_deref())]);
    limits.check(&around, ("--plan", plan_file(effect)), &mut mistakes);
    let limits = without_results(limits, effect, &mut mistakes);
    let source = SourcePlan::of_platform(name, rules, &context.state, &mut mistakes);
    let (source, ((from, from_region), (target, target_region))) = mistakes.end(source.zip(from.zip(target)))?;
    context.make_state(is_preview(effect))?;
    let from = FromPlatform { address: address_of(&from), connection: from, config_folder: config.folder.clone() };
    let work = Checked::Transfer(Contacts::Migrate(source, Box::new(from)), effect.clone());
    let stored = context.plan(Work::Transfer(transfer.clone(), effect.clone()));
    let connection = (target, from_region.or(target_region));
    Ok(Prepared { work, connection, asked, limits, stored })
}
