//! `ferry undo`.

use super::args;
use super::context::{Context, with_sandbox};
use super::files_read::files_read;
use super::import::{no_results, pace_of};
use super::suggest::suggestions;
use super::verify::shown_here;
use crate::contact::{FIELDS, Field};
use crate::outcome::{Exit, Failure};
use crate::plan::suggest::Typed;
use crate::plan::work::{Effect, Pace, Plan, Repair, Undo, Work};
use crate::plan::{self, Config, Mistakes, TargetAsked};
use crate::run::active::close::Ended;
use crate::run::active::folder::forget;
use crate::run::active::record::RunRecord;
use crate::run::active::runs::{newest_run, run_named};
use crate::run::bind::singular;
use crate::run::commands::undo;
use crate::run::own::{Use, prove_own};
use crate::run::plan::{TargetPlan, UndoPlan};
use crate::run::source::written::wrote_to;
use crate::shown::escape;
use crate::store::StateDir;
use crate::yaml::nearest;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

/// The longest chain of undos of undos.
const CHAIN_MAX: usize = 1_000;

pub(super) fn run(typed: &args::Undo, context: &Context) -> Result<Exit, Failure> {
    let (of, is_asked) = match &typed.run {
        Some(name) => (run_named(&context.state, name)?, false),
        None => (newest(context)?, true),
    };
    let mut mistakes = Mistakes::default();
    let only = typed.only.as_deref().and_then(|only| mistakes.take(field_named(only)));
    mistakes.take(check_command(&of));
    if typed.dry_run && typed.results.is_some() {
        mistakes.take::<()>(Err(no_results()));
    }
    let mut around = context.around(&[]);
    around.read.extend(files_read(&of));
    plan::check_files(
        &around,
        [("--plan", typed.plan.clone(), true), ("--results", typed.results.clone(), true)],
        &mut mistakes,
    );
    mistakes.end(Some(()))?;
    let here = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let state = context.state.at(here(&context.state));
    let (plan_file, results) = (typed.plan.as_deref().map(here), typed.results.as_deref().map(here));
    context.make_state(typed.dry_run)?;
    let typed_for = typed_for(&of, &state)?;
    let base = if context.is_in(&typed_for.folder) { PathBuf::new() } else { typed_for.folder.clone() };
    let config = match &context.config {
        Some(config) => Config::load_in(&context.base, &context.platforms, Some(config), &context.env)?,
        None => Config::load_in(&base, &context.platforms, typed_for.config.as_deref(), &context.env)?,
    };
    config.notes.iter().for_each(|note| context.console.note(note));
    let sandbox = typed_for.asked.sandbox || typed_for.is_plan && was_in_sandbox(&of, &config, &typed_for.asked)?;
    let asked = TargetAsked {
        sandbox,
        rate: typed.pace.rate.clone().or(typed_for.asked.rate),
        concurrency: typed.pace.concurrency.or(typed_for.asked.concurrency),
        wait: typed.pace.wait.clone(),
        ..typed_for.asked
    };
    let mut connection = plan::connection(&config, &asked)?;
    let is_dry = typed.dry_run;
    let wait = plan::wait_of(asked.wait.as_deref())?;
    let context = &context.in_state(state);
    let ended = context.block_on(|clock, stop| async move {
        let sandbox = if asked.sandbox { Some(with_sandbox(context, &mut connection).await?) } else { None };
        let address = if asked.sandbox { "sandbox".to_owned() } else { plan::address_of(&connection) };
        let work = Work::Undo(Undo {
            of: of.run.clone(),
            only: typed.only.clone(),
            results: typed.results.clone(),
            pace: pace_of(&typed.pace),
        });
        let stored = context.plan(work);
        let words = words_with(&context.words, typed.run.as_deref(), &of.run);
        let to = TargetPlan { connection, address, wait, region: None };
        let mut plan = UndoPlan {
            typed: Typed {
                suggest: suggestions(&words, None),
                words,
                folder: context.folder.clone(),
                job: None,
                plan: Some(stored),
            },
            of,
            only,
            effect: if is_dry { Effect::Preview { plan_file } } else { Effect::Write },
            results,
            to,
            state: context.state.clone(),
        };
        let ended = if is_asked && !is_dry {
            let shown = UndoPlan { effect: Effect::Preview { plan_file: None }, ..plan };
            let looked = undo(&shown, &context.console, clock, &stop).await;
            plan = UndoPlan { effect: Effect::Write, ..shown };
            // It was a look, not a run.
            looked.iter().for_each(|looked| forget(&plan.state, &looked.summary.run));
            match looked {
                // What stopped the look would stop the undo; what would be left is shown with the question.
                Ok(looked) if looked.failure.is_some() || stop.is_requested() => Ok(Some(looked)),
                Ok(looked) if !is_meant(&looked, context) => Ok(None),
                Ok(_) => undo(&plan, &context.console, clock, &stop).await.map(Some),
                Err(failure) => Err(failure),
            }
        } else {
            undo(&plan, &context.console, clock, &stop).await.map(Some)
        };
        if let Some(sandbox) = sandbox {
            sandbox.stop().await;
        }
        ended
    })?;
    let Some(ended) = ended else {
        context.console.note("nothing was undone");
        return Ok(Exit::Done);
    };
    // The state folder is a full path, because the run that is undone may have been started in another folder.
    Ok(context.print_end(&Ended { summary: shown_here(&ended.summary, context), ..ended }))
}

/// The newest run that can be undone; only on a terminal, because Ferry asks.
fn newest(context: &Context) -> Result<RunRecord, Failure> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(Failure::usage("there is no RUN, and without a terminal Ferry cannot ask for one")
            .hint("name a run, as in `ferry undo RUN`; `ferry runs` lists them"));
    }
    let newest = newest_run(&context.state, is_undoable)?;
    newest.ok_or_else(|| Failure::usage("there is no run that could be undone").hint("list the runs with `ferry runs`"))
}

/// Shows what would be undone, and asks.
fn is_meant(looked: &Ended, context: &Context) -> bool {
    context.console.block(&looked.summary.human());
    let mut err = io::stderr().lock();
    let _ = write!(err, "\nundo `{}`? [y/N] ", escape(&looked.summary.source));
    let _ = err.flush();
    let mut answer = String::new();
    let read = io::stdin().read_line(&mut answer);
    read.is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}

fn is_undoable(info: &RunRecord) -> bool {
    info.command.writes_to_platform() && !info.is_dry()
}

fn check_command(of: &RunRecord) -> Result<(), Failure> {
    let why = match is_undoable(of) {
        true => return Ok(()),
        false if of.is_dry() => "was a dry run, which wrote nothing",
        false => "wrote to no platform",
    };
    Err(Failure::usage(format!("`{}` {why}: there is nothing to undo", of.run))
        .hint("`ferry runs` lists the runs; imports, migrations, applied plans, repairs and undos can be undone"))
}

/// The field as it stands among what was written.
fn field_named(name: &str) -> Result<String, Failure> {
    if name.strip_prefix("attributes.").is_some_and(|name| !name.is_empty()) {
        return Ok(name.to_owned());
    }
    match Field::named(name) {
        Some(_) => Ok(name.to_owned()),
        None => {
            let names = FIELDS.iter().map(|(field, _)| singular(*field));
            let failure = Failure::usage(format!("`--only`: there is no field `{name}`"));
            Err(match nearest(name, names) {
                Some(near) => failure.hint(format!("did you mean `{near}`?")),
                None => failure.hint("a custom field is `attributes.NAME`"),
            })
        }
    }
}

/// The target of the run that wrote; an undo and a repair lead to the run that they are about.
struct TypedFor {
    asked: TargetAsked,
    config: Option<PathBuf>,
    folder: PathBuf,
    /// Whether only the name of the connection is known, as after a saved plan was applied.
    is_plan: bool,
}

/// Whether what a plan was applied to is the sandbox: the plan itself may be gone.
fn was_in_sandbox(of: &RunRecord, config: &Config, asked: &TargetAsked) -> Result<bool, Failure> {
    let connection = plan::connection(config, &TargetAsked { sandbox: true, ..asked.clone() })?;
    Ok(wrote_to(of, &connection, "sandbox"))
}

fn typed_for(of: &RunRecord, state: &StateDir) -> Result<TypedFor, Failure> {
    let mut info = of.clone();
    for _ in 0..CHAIN_MAX {
        prove_own(&info, state, Use::Look)?;
        let (folder, target) = (info.folder.clone(), info.target.clone());
        let named = |pace: Pace| TargetAsked {
            to: target.clone(),
            rate: pace.rate,
            concurrency: pace.concurrency,
            ..TargetAsked::default()
        };
        let Some(plan) = info.plan.filter(Plan::is_known) else {
            // An older version of Ferry began it: the connection is all that is known.
            return Ok(TypedFor { asked: named(Pace::default()), config: None, folder, is_plan: true });
        };
        let config = plan.config;
        match plan.work {
            Work::Transfer(transfer, _) => {
                return Ok(TypedFor { asked: transfer.target, config, folder, is_plan: false });
            }
            // The saved plan names the connection, and may be gone.
            Work::Apply(plan) => return Ok(TypedFor { asked: named(plan.pace), config, folder, is_plan: true }),
            Work::Undo(Undo { of, .. }) | Work::Verify(Repair { of, .. }) => info = run_named(state, &of)?,
            Work::Convert(_) | Work::Export(_) => break,
        }
    }
    Err(Failure::usage(format!("the connection to which `{}` wrote is no longer known", of.run)))
}

/// The words, with the whole name of the run: later its end may not be enough.
fn words_with(words: &[String], typed: Option<&str>, run: &str) -> Vec<String> {
    let mut words = words.to_vec();
    match typed.and_then(|typed| words.iter_mut().find(|word| *word == typed)) {
        Some(word) => run.clone_into(word),
        None => words.push(run.to_owned()),
    }
    words
}
