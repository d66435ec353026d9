//! `ferry undo`: what a run wrote, restored. It is a run like every other: it can be killed and resumed, and be undone.

use super::undone::undone;
use crate::clock::Clock;
use crate::ids::CommandKind;
use crate::outcome::Failure;
use crate::plan::WorkAsked;
use crate::plan::work::Effect;
use crate::reconcile::guards::GuardsAsked;
use crate::report::Console;
use crate::run::active::close::Ended;
use crate::run::active::folder::account_at;
use crate::run::active::record::RunRecord;
use crate::run::active::runs::runs_of;
use crate::run::plan::{Rules, UndoPlan};
use crate::run::source::{Source, WrittenAsked};
use crate::run::stop::Stop;
use crate::run::transfer::job::{Aim, EffectsTo, Io, Job};
use crate::run::transfer::transfer;

/// Restores what a run changed, or shows what that would do.
///
/// # Errors
/// What stops it before a run has begun. Once it has, how it ended is in [`Ended`].
pub async fn undo(plan: &UndoPlan, console: &Console, clock: Clock, stop: &Stop) -> Result<Ended, Failure> {
    check_account(plan)?;
    let (job, io) = (job(plan), Io { console, clock, stop });
    if plan.effect == Effect::Write {
        note_earlier(plan, console)?;
    }
    let mut finished = transfer(job, io).await?;
    if finished.is_whole() && finished.totals.read == 0 {
        console.note(&nothing_written(plan));
    }
    let sections = undone(plan, &finished);
    let sections = finished.take(sections);
    Ok(finished.close(sections))
}

fn job(plan: &UndoPlan) -> Job<'_> {
    let is_written = plan.effect == Effect::Write;
    let results = plan.results.clone().filter(|_| is_written);
    Job {
        kind: CommandKind::Undo,
        work: plan.work_id(),
        is_fresh: false,
        title: format!("undoing `{}`", plan.of.run),
        source: Source::Written(WrittenAsked { of: &plan.of, only: plan.only.as_deref() }),
        aim: Aim::default(),
        effects: if is_written { EffectsTo::Target } else { EffectsTo::Preview { is_saved: false } },
        meaning: CommandKind::Undo.name().to_owned(),
        evidence: Vec::new(),
        rules: Rules::default(),
        limits: WorkAsked { results, guards: GuardsAsked::none(), ..WorkAsked::default() },
        to: &plan.to,
        state: &plan.state,
        typed: &plan.typed,
    }
}

/// The connection must still lead to the account that the run wrote to.
fn check_account(plan: &UndoPlan) -> Result<(), Failure> {
    let (name, account) = (&plan.to.connection.name, account_at(&plan.state, &plan.to.connection, &plan.to.address)?);
    if plan.of.account.as_ref().is_none_or(|was| *was == account.key) {
        return Ok(());
    }
    let of = &plan.of.run;
    Err(Failure::usage(format!("`{name}` has another address than when `{of}` wrote to it"))
        .hint("restore the address of the connection, then run the same command again"))
}

/// Says that the run was undone before. It is done again all the same: what was left then may be restored now.
fn note_earlier(plan: &UndoPlan, console: &Console) -> Result<(), Failure> {
    let (runs, name, work) = (runs_of(&plan.state, None, Some(CommandKind::Undo))?, &plan.of.run, plan.work_id());
    let undos = runs.iter();
    let is_undone = |run: &str| undos.clone().any(|info| info.is_done() && info.source == run);
    // An undo that was undone itself is none.
    let same: Vec<&RunRecord> = undos.clone().filter(|info| info.work == work && !is_undone(&info.run)).collect();
    if same.iter().all(|info| info.is_done())
        && let Some(undo) = same.iter().map(|info| &info.run).max()
    {
        console.note(&format!("`{name}` was undone before, by `{undo}`: only what it left is tried again"));
    }
    Ok(())
}

/// A run that changed nothing, or not the field that was asked for, is not left to three zeros.
fn nothing_written(plan: &UndoPlan) -> String {
    let run = &plan.of.run;
    match &plan.only {
        Some(only) => format!("`{run}` wrote no `{only}`, so there is nothing to undo"),
        None => format!("`{run}` changed nothing, so there is nothing to undo"),
    }
}
