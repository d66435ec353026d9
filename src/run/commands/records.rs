//! The job that writes what records say, which imports, migrations, corrections and applied plans have in common.

use crate::ids::CommandKind;
use crate::mapping::Duplicates;
use crate::plan::SourcePlan;
use crate::plan::work::Effect;
use crate::run::plan::TransferPlan;
use crate::run::source::Source;
use crate::run::transfer::job::{Aim, EffectsTo, Job};

/// A job that writes what its records say, of this kind. `identity`: that of the source.
pub(super) fn job<'a>(
    plan: &'a TransferPlan,
    kind: CommandKind,
    rules: &SourcePlan,
    source: (Source<'a>, String),
) -> Job<'a> {
    let (source, identity) = source;
    Job {
        kind,
        work: plan.work_id(kind, rules, &identity),
        is_fresh: plan.limits.fresh,
        title: format!("importing into {}", plan.to.connection.name),
        source,
        aim: Aim::default(),
        effects: EffectsTo::Target,
        meaning: meaning_of(plan, rules, ""),
        evidence: Vec::new(),
        rules: plan.rules,
        limits: plan.limits.clone(),
        to: &plan.to,
        state: &plan.state,
        typed: &plan.typed,
    }
}

/// How records become what is written.
pub(super) fn meaning_of(plan: &TransferPlan, rules: &SourcePlan, way: &str) -> String {
    let how = format!("{} {:?}{way}", rules.mapping_identity(), plan.rules.on_existing);
    blake3::hash(how.as_bytes()).to_hex().to_string()
}

/// How further records of a contact are handled.
pub(super) fn duplicates_of(rules: &SourcePlan) -> Duplicates {
    rules.mapping.as_ref().map_or(Duplicates::Merge, |(mapping, _)| mapping.duplicates)
}

/// The same job with the effects that were asked for.
pub(super) fn with_effect<'a>(job: Job<'a>, effect: &Effect) -> Job<'a> {
    match effect {
        Effect::Write => job,
        Effect::Preview { plan_file } => {
            let title = format!("comparing with {}", job.to.connection.name);
            Job { title, effects: EffectsTo::Preview { is_saved: plan_file.is_some() }, ..job }
        }
    }
}
