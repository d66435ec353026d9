//! `ferry import`, and what `ferry migrate` shares with it.

use super::args;
use super::asked_before::{Target, may_go_on};
use super::context::{Context, with_sandbox};
use crate::clock::Clock;
use crate::mapping::phone::Region;
use crate::outcome::{Exit, Failure};
use crate::plan::work::{Effect, Pace, Plan, Transfer, TransferSource, Work};
use crate::plan::{self, Config, Connection, Mistakes, SourceAsked, SourcePlan, TargetAsked, WorkAsked};
use crate::platforms::diff::OnExisting;
use crate::reconcile::guards::GuardsAsked;
use crate::run::active::close::Ended;
use crate::run::active::record::RunRecord;
use crate::run::active::runs::run_named;
use crate::run::commands::transfer;
use crate::run::plan::{Rules, TargetPlan, Transfer as Contacts, TransferPlan, Work as Checked};
use crate::run::retain::Moment;
use crate::run::source::saved_plan::SANDBOX;
use crate::run::stop::Stop;
use std::path::{Path, PathBuf};

pub(super) fn run(typed: &args::Import, context: &Context) -> Result<Exit, Failure> {
    let (transfer, effect) = work_of(typed);
    let prepared = prepare(&transfer, &effect, context)?;
    if let Checked::Transfer(Contacts::Import(source), _) = &prepared.work {
        let (connection, region) = &prepared.connection;
        let target = Target { name: &connection.name, facts: connection.facts(), region: *region };
        if !may_go_on(typed, source, &target, context)? {
            return Ok(Exit::Done);
        }
    }
    Ok(context.print_end(&carry(context, prepared)?))
}

/// The work that was typed.
fn work_of(typed: &args::Import) -> (Transfer, Effect) {
    let limits = guarded(work_asked(&typed.work), &typed.guards);
    let source = source_asked(&typed.source);
    let transfer = Transfer {
        source: match &typed.correct {
            Some(run) => TransferSource::Correct(source, run.clone()),
            None => TransferSource::Import(source),
        },
        target: target_asked(&typed.target, &typed.pace),
        limits: WorkAsked { at_least: Some(typed.at_least), ..limits },
    };
    (transfer, effect_of(&typed.dry))
}

/// Checks an import.
pub(super) fn prepare(transfer: &Transfer, effect: &Effect, context: &Context) -> Result<Prepared, Failure> {
    let (TransferSource::Import(source_asked) | TransferSource::Correct(source_asked, _)) = &transfer.source else {
        return Err(Failure::failed("a migration is no import: this is a bug in Ferry"));
    };
    let mut mistakes = Mistakes::default();
    let (asked, limits) = (transfer.target.clone(), transfer.limits.clone());
    let config = context.configuration();
    let connection = mistakes.take(config.and_then(|config| connection(&config, &asked)));
    let around = context.around(&[("source", Some(&source_asked.file)), ("mapping", source_asked.map.as_deref())]);
    limits.check(&around, ("--plan", plan_file(effect)), &mut mistakes);
    let limits = without_results(limits, effect, &mut mistakes);
    let correct = match &transfer.source {
        TransferSource::Correct(_, run) => mistakes.take(run_named(&context.state, run)),
        _ => None,
    };
    if let Some(run) = correct.as_ref().filter(|run| run.is_dry()) {
        let failure = Failure::usage(format!("`--correct`: `{}` was a dry run, which wrote nothing", run.run));
        mistakes.take::<()>(Err(failure.hint("`ferry runs` lists the runs and what they were")));
    }
    let stored = context.plan(Work::Transfer(with_run(transfer, correct.as_ref()), effect.clone()));
    if mistakes.is_empty() {
        context.make_state(is_preview(effect))?;
    }
    let source = SourcePlan::gather(source_asked, &context.state, &mut mistakes);
    let (source, connection) = mistakes.end(source.zip(connection))?;
    let contacts = match correct {
        Some(of) => Contacts::Correct(source, Box::new(of)),
        None => Contacts::Import(source),
    };
    Ok(Prepared { work: Checked::Transfer(contacts, effect.clone()), connection, asked, limits, stored })
}

/// The same transfer with the whole name of the run that it corrects: later its end may not be enough.
fn with_run(transfer: &Transfer, run: Option<&RunRecord>) -> Transfer {
    let mut transfer = transfer.clone();
    if let (TransferSource::Correct(_, name), Some(run)) = (&mut transfer.source, run) {
        name.clone_from(&run.run);
    }
    transfer
}

/// A checked transfer, before a sandbox has an address.
pub(super) struct Prepared {
    pub(super) work: Checked,
    /// The target, and the country of its phones.
    pub(super) connection: (Connection, Option<Region>),
    pub(super) asked: TargetAsked,
    pub(super) limits: WorkAsked,
    /// What the run stores.
    pub(super) stored: Plan,
}

/// Carries it out.
pub(super) fn carry(context: &Context, prepared: Prepared) -> Result<Ended, Failure> {
    context.block_on(|clock, stop| async move { carry_until(context, prepared, clock, &stop).await })
}

/// Carries it out in a runtime that is there already.
pub(super) async fn carry_until(
    context: &Context,
    prepared: Prepared,
    clock: Clock,
    stop: &Stop,
) -> Result<Ended, Failure> {
    let Prepared { mut work, connection: (mut connection, region), asked, limits, stored } = prepared;
    let wait = plan::wait_of(asked.wait.as_deref())?;
    let sandbox = if asked.sandbox { Some(with_sandbox(context, &mut connection).await?) } else { None };
    if let (Some(sandbox), Some(from)) = (&sandbox, work.account_mut()) {
        plan::use_sandbox(&mut from.connection, &sandbox.credentials());
        SANDBOX.clone_into(&mut from.address);
    }
    let address = if sandbox.is_some() { SANDBOX.to_owned() } else { plan::address_of(&connection) };
    let plan = TransferPlan {
        typed: context.typed(work.file(), stored),
        work,
        to: TargetPlan { connection, address, wait, region },
        rules: Rules {
            on_existing: asked.on_existing,
            only_existing: asked.only_existing,
            create_attributes: asked.create_attributes,
        },
        limits,
        state: context.state.clone(),
    };
    let ended = transfer(&plan, &context.console, clock, stop).await;
    if let Some(sandbox) = sandbox {
        sandbox.stop().await;
    }
    ended
}

/// The connection, and the country of its phones.
pub(super) fn connection(config: &Config, asked: &TargetAsked) -> Result<(Connection, Option<Region>), Failure> {
    let connection = plan::connection(config, asked)?;
    let region = connection.settings.get("phone_region").map(plan::region_named).transpose()?;
    Ok((connection, region))
}

pub(super) fn target_asked(typed: &args::Target, pace: &args::Pace) -> TargetAsked {
    let asked = TargetAsked { to: typed.to.clone(), sandbox: typed.sandbox, ..TargetAsked::default() };
    written_so(asked, &typed.writing, pace)
}

/// What is asked for, with how contacts are written and how fast.
pub(super) fn written_so(asked: TargetAsked, writing: &args::Writing, pace: &args::Pace) -> TargetAsked {
    TargetAsked {
        on_existing: on_existing(writing.on_existing),
        only_existing: writing.only_existing,
        create_attributes: writing.create_attributes,
        rate: pace.rate.clone(),
        concurrency: pace.concurrency,
        wait: pace.wait.clone(),
        ..asked
    }
}

/// How a contact that exists is treated.
fn on_existing(typed: args::OnExisting) -> OnExisting {
    match typed {
        args::OnExisting::Update => OnExisting::Update,
        args::OnExisting::Fill => OnExisting::Fill,
        args::OnExisting::Skip => OnExisting::Skip,
    }
}

/// The same work; a dry run has no results.
pub(super) fn without_results(work: WorkAsked, effect: &Effect, mistakes: &mut Mistakes) -> WorkAsked {
    if is_preview(effect) && work.results.is_some() {
        mistakes.take::<()>(Err(no_results()));
        return WorkAsked { results: None, ..work };
    }
    work
}

/// A dry run that is asked for results.
pub(super) fn no_results() -> Failure {
    Failure::usage("`--results`: a dry run has no results")
        .hint("use `--plan FILE`: it writes each record and what would happen to it")
}

/// Where the effects go.
pub(super) fn effect_of(typed: &args::Dry) -> Effect {
    if typed.dry_run { Effect::Preview { plan_file: typed.plan.clone() } } else { Effect::Write }
}

pub(super) fn is_preview(effect: &Effect) -> bool {
    matches!(effect, Effect::Preview { .. })
}

/// The file of the plan that a dry run saves.
pub(super) fn plan_file(effect: &Effect) -> Option<&Path> {
    match effect {
        Effect::Preview { plan_file } => plan_file.as_deref(),
        Effect::Write => None,
    }
}

/// What was typed about the source.
pub(super) fn source_asked(typed: &args::Source) -> SourceAsked {
    SourceAsked {
        file: typed.file.clone(),
        shown: None,
        map: typed.map.clone(),
        format: typed.format,
        encoding: typed.encoding.clone(),
        sheet: typed.sheet.clone(),
        delimiter: typed.delimiter.and_then(|delimiter| u8::try_from(delimiter).ok()),
        region: typed.phones.region.clone(),
        raw_cells: typed.raw_cells,
        skip: typed.skip.clone(),
    }
}

/// How fast, as data.
pub(super) fn pace_of(typed: &args::Pace) -> Pace {
    Pace { rate: typed.rate.clone(), concurrency: typed.concurrency, wait: typed.wait.clone() }
}

/// The same work with its guards, and what it passes over.
pub(super) fn guarded(work: WorkAsked, typed: &args::Guards) -> WorkAsked {
    let args::Guards { only_changed, max_rejects, max_creates, max_updates, max_clears } = *typed;
    let guards = GuardsAsked { rejects: max_rejects, creates: max_creates, updates: max_updates, ..work.guards };
    WorkAsked { guards: GuardsAsked { clears: max_clears.or(guards.clears), ..guards }, only_changed, ..work }
}

/// The path with the day and the time of the command for `{date}` and `{time}`. A resumed run keeps its own.
pub(super) fn dated(path: Option<&Path>) -> Option<PathBuf> {
    path.map(|path| Moment::now().fill(path))
}

pub(super) fn work_asked(typed: &args::Work) -> WorkAsked {
    WorkAsked {
        fresh: typed.fresh,
        limit: typed.limit,
        rejects: dated(typed.rejects.as_deref()),
        results: dated(typed.results.as_deref()),
        ..WorkAsked::default()
    }
}
