//! `ferry verify`: runs the command of a finished run again, as a comparison.

use super::args;
use super::context::Context;
use super::files_read::{files_read, no_plan};
use super::import::{Prepared, carry};
use super::{apply, import, migrate};
use crate::ids::{CommandKind, RunStatus};
use crate::outcome::{Exit, Failure};
use crate::plan::work::{Effect, Plan, Repair, SavedPlan, Transfer, TransferSource, Work};
use crate::plan::{Mistakes, WorkAsked, check_files};
use crate::reconcile::guards::GuardsAsked;
use crate::report::Summary;
use crate::report::Verified;
use crate::report::words::shell;
use crate::run::active::close::Ended;
use crate::run::active::folder::{forget, run_folder};
use crate::run::active::receipt::{receipt_of, set_verified};
use crate::run::active::record::RunRecord;
use crate::run::active::runs::{newest_run, run_named, runs_of};
use crate::run::commands::VERIFY_FILE as FILE;
use crate::run::own::{Use, prove_own};
use crate::run::plan::{Check, Replay, VerifyPlan, Work as Checked};
use crate::shown::escape;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

pub(super) fn run(typed: &args::Verify, context: &Context) -> Result<Exit, Failure> {
    let info = finished(typed, context)?;
    prove_own(&info, &context.state, Use::Look)?;
    let state = context.state.at(full(&context.state));
    let folder = run_folder(&state, &info.run);
    let out = typed.out.as_deref().map_or_else(|| folder.join(FILE), full);
    let mut mistakes = Mistakes::default();
    let mut around = context.around(&[]);
    around.read.extend(files_read(&info));
    check_files(&around, [("--out", typed.out.as_ref().map(|_| out.clone()), false)], &mut mistakes);
    mistakes.end(Some(()))?;
    let Some(plan) = info.plan.clone().filter(Plan::is_known) else { return Err(no_plan(&info, "verified")) };
    context.console.note(&format!("verifying `{}`: ferry {}", info.run, info.arguments.join(" ")));
    let is_undo =
        |other: &&RunRecord| other.command == CommandKind::Undo && other.source == info.run && !other.is_dry();
    let has_changed =
        |undo: &RunRecord| undo.totals.updated + undo.totals.deleted > 0 || undo.status != RunStatus::Done;
    let runs = runs_of(&state, None, Some(CommandKind::Undo))?;
    let undos = || runs.iter().filter(is_undo);
    if let Some(undo) = undos().find(|undo| has_changed(undo)) {
        context.console.note(&format!("`{}` has undone some or all of what it wrote", undo.run));
    } else if let Some(undo) = undos().next() {
        context.console.note(&format!("`{}` was to undo it, and has changed nothing", undo.run));
    }
    let plan = if context.is_in(&info.folder) { plan } else { plan.in_folder(&info.folder) };
    let again = Context {
        state,
        words: repair_words(typed, &info, context),
        resumes: None,
        job: None,
        ..context.again(&plan, &info)
    };
    let verify = VerifyPlan { run: info, folder, anyway: typed.anyway, out };
    let looked = carry(&again, prepare(&plan.work, &again, &verify, Check::Report)?)?;
    // It was a look, not a run.
    forget(&again.state, &looked.summary.run);
    let Some(found) = &looked.verified else { return Ok(not_looked(&looked, context)) };
    let repair_of = verify.repair_of();
    let runs = runs_of(&again.state, Some(repair_of.as_str()), None)?;
    let is_begun = || runs.iter().any(|run| run.status == RunStatus::Unfinished);
    let repaired = match typed.repair && (found.differ + found.missing > 0 || is_begun()) {
        true => Some(carry(&again, prepare(&plan.work, &again, &verify, Check::Repair)?)?),
        false => None,
    };
    put_into_receipt(found, &verify, repaired.as_ref(), &again);
    print_verified(found, &verify, &looked, repaired.as_ref(), context);
    let (last, failure) = match &repaired {
        None => (Some(found), None),
        Some(repaired) => (repaired.verified.as_ref(), Some(repaired)),
    };
    Ok(exit_of(last, failure))
}

/// The receipt of the run says what reading back has shown. A run without one was verified all the same.
fn put_into_receipt(found: &Verified, verify: &VerifyPlan, repaired: Option<&Ended>, context: &Context) {
    let Ok(Value::Object(mut shown)) = serde_json::to_value(found) else { return };
    if let Some(repaired) = repaired {
        shown.insert("repaired_by".to_owned(), json!(repaired.summary.run));
    }
    if receipt_of(&context.state, &verify.run.run).is_some()
        && let Err(failure) = set_verified(&context.state, &verify.run.run, shown)
    {
        context.console.note(&failure.message);
    }
}

/// Why there are no sums.
fn not_looked(looked: &Ended, context: &Context) -> Exit {
    match &looked.failure {
        Some(failure) => context.console.failure(failure),
        None => context.console.note("stopped before every contact was compared; the same command starts over"),
    }
    looked.exit
}

/// Of a repair what it could not bring about; of a look what it found.
fn exit_of(last: Option<&Verified>, repaired: Option<&Ended>) -> Exit {
    let Some(last) = last else { return repaired.map_or(Exit::Failed, |repaired| repaired.exit) };
    let failed = repaired.and_then(|repaired| repaired.failure.as_ref()).map(|failure| failure.exit);
    let differs = match repaired {
        None => last.differ + last.missing,
        // The repair has sent what differed or was missing; with `--only-existing` missing contacts stay missing.
        Some(repaired) => last.missing.saturating_sub(repaired.summary.records.created),
    };
    // What a repair could not send, or found out about, is rejected.
    let is_unknown = repaired.map_or(last.unknown, |repaired| repaired.summary.records.unknown) > 0;
    let differs = if repaired.is_some() { differs + last.unknown } else { differs };
    let applying = [failed, is_unknown.then_some(Exit::Unknown), (differs > 0).then_some(Exit::Rejects)];
    applying.into_iter().flatten().fold(Exit::Done, Exit::worse)
}

fn print_verified(found: &Verified, verify: &VerifyPlan, looked: &Ended, repaired: Option<&Ended>, context: &Context) {
    let summary = repaired.map(|repaired| &repaired.summary);
    if let Some(failure) = repaired.and_then(|repaired| repaired.failure.as_ref()) {
        context.console.failure(failure);
    }
    if context.is_json() {
        let mut object = json!({
            "run": verify.run.run, "command": CommandKind::Verify, "source": verify.run.source, "target": verify.run.target,
            "same": found.same, "differ": found.differ, "missing": found.missing, "unknown": found.unknown,
            "not_compared": found.not_compared, "file": verify.out.display().to_string(),
            "requests": looked.summary.requests, "seconds": (looked.summary.seconds * 10.0).round() / 10.0,
        });
        if let (Value::Object(object), Some(summary)) = (&mut object, summary) {
            let summary = serde_json::from_str(&summary.json()).unwrap_or(Value::Null);
            object.insert("repair".to_owned(), summary);
        }
        context.console.result_line(&object.to_string());
        return;
    }
    let mut lines = vec![
        format!("verify {}", verify.run.run),
        format!("{} → {}", escape(&verify.run.source), escape(&verify.run.target)),
        String::new(),
        format!("  {}", found.in_words()),
    ];
    if found.not_compared > 0 {
        lines.push(format!("  {} not compared: rejected, left out or merged by the run", found.not_compared));
    }
    if !found.shown.is_empty() {
        lines.push(String::new());
        lines.extend(found.shown.iter().cloned());
    }
    lines.push(String::new());
    lines.push(format!(
        "one line for each contact, by its {}: {}",
        place_in(verify),
        escape(&shown_path(&verify.out, context))
    ));
    if repaired.is_none() && found.differ + found.missing > 0 {
        lines.push(format!("send what differs: {}", command(&context_words(verify, context))));
    }
    context.console.result_line(&lines.join("\n"));
    if let Some(summary) = summary {
        context.console.result_line("");
        context.console.summary(&shown_here(summary, context));
    }
}

/// What the numbers in the list are: a run that applied a plan has read the plan.
fn place_in(verify: &VerifyPlan) -> String {
    match verify.run.command {
        CommandKind::Migrate => format!("number in `{}`", verify.run.source),
        CommandKind::Apply => format!("line in the plan `{}`", verify.run.source),
        _ => format!("line in `{}`", verify.run.source),
    }
}

/// The summary with its files as seen from the folder in which the command was typed.
pub(super) fn shown_here(summary: &Summary, context: &Context) -> Summary {
    let shown = |path: &Option<String>| path.as_ref().map(|path| shown_path(Path::new(path), context));
    let [rejects_file, receipt, left_file] = [&summary.rejects_file, &summary.receipt, &summary.left_file].map(shown);
    Summary { rejects_file, receipt, left_file, ..summary.clone() }
}

fn shown_path(path: &Path, context: &Context) -> String {
    let here = full_of(&context.folder);
    path.strip_prefix(here).unwrap_or(path).display().to_string()
}

fn command(words: &[String]) -> String {
    let words: Vec<_> = words.iter().map(|word| shell(word)).collect();
    format!("ferry {}", words.join(" "))
}

/// What was typed, and `--repair`.
fn context_words(verify: &VerifyPlan, context: &Context) -> Vec<String> {
    let mut words = context.words.clone();
    let named = words.iter().any(|word| !word.starts_with('-') && verify.run.run.ends_with(word.as_str()));
    if let (false, Some(at)) = (named, words.iter().position(|word| word == CommandKind::Verify.name())) {
        words.insert(at + 1, verify.run.run.clone());
    }
    words.push("--repair".to_owned());
    words
}

/// The command that resumes a repair, from any folder.
fn repair_words(typed: &args::Verify, info: &RunRecord, context: &Context) -> Vec<String> {
    let mut words = vec![CommandKind::Verify.name().to_owned(), info.run.clone(), "--repair".to_owned()];
    if typed.anyway {
        words.push("--anyway".to_owned());
    }
    if let Some(out) = &typed.out {
        words.extend(["--out".to_owned(), full(out).display().to_string()]);
    }
    words.extend(context.state_words(Path::new("")));
    words
}

/// The work of the run, without what would overwrite its files.
fn prepare(work: &Work, context: &Context, verify: &VerifyPlan, check: Check) -> Result<Prepared, Failure> {
    let limits =
        |limits: &WorkAsked| WorkAsked { fresh: false, limit: None, rejects: None, results: None, ..limits.clone() };
    let prepared = match work {
        Work::Transfer(transfer, _) => {
            let transfer = Transfer { limits: limits(&transfer.limits), ..transfer.clone() };
            match &transfer.source {
                TransferSource::Migrate(..) => migrate::prepare(&transfer, &Effect::Write, context)?,
                _ => import::prepare(&transfer, &Effect::Write, context)?,
            }
        }
        Work::Apply(plan) => apply::prepare(&SavedPlan { limits: limits(&plan.limits), ..plan.clone() }, context)?,
        _ => return Err(Failure::failed(format!("`{}` wrote no contacts to a platform", verify.run.run))),
    };
    let replay = match prepared.work {
        Checked::Transfer(contacts, _) => Replay::Transfer(contacts),
        Checked::Apply(saved) => Replay::Apply(saved),
        Checked::Verify(replay, ..) => replay,
    };
    // All contacts are compared, and sent where they differ, whatever their number.
    let limits = WorkAsked { only_changed: false, guards: GuardsAsked::none(), ..prepared.limits };
    let out = Some(verify.out.clone()).filter(|out| *out != verify.folder.join(FILE));
    let repair = Repair { of: verify.run.run.clone(), anyway: verify.anyway, out };
    let stored = Plan::new(Work::Verify(repair), None);
    Ok(Prepared { work: Checked::Verify(replay, Box::new(verify.clone()), check), limits, stored, ..prepared })
}

fn finished(typed: &args::Verify, context: &Context) -> Result<RunRecord, Failure> {
    let can = |info: &RunRecord| info.command.can_be_verified();
    let info = match &typed.run {
        Some(name) => run_named(&context.state, name)?,
        None => {
            let newest = newest_run(&context.state, |info| info.status == RunStatus::Done && can(info))?;
            newest.ok_or_else(|| {
                Failure::usage("there is no finished import, migration or applied plan")
                    .hint("`ferry runs` lists all runs")
            })?
        }
    };
    let refuse = |what: &str| Failure::usage(format!("`{}` {what}", info.run));
    if !can(&info) {
        return Err(refuse("wrote nothing to a platform")
            .hint("imports, migrations and applied plans can be verified; `ferry runs` lists all runs"));
    }
    match info.status {
        RunStatus::Done => {}
        RunStatus::Unfinished => {
            let hint = format!("finish it first: `ferry resume {}`", info.run);
            return Err(refuse("is not finished").hint(hint));
        }
        RunStatus::DryRun => {
            return Err(refuse("was a dry run, which wrote nothing").hint("`ferry runs` lists all runs"));
        }
        RunStatus::Undone => return Err(refuse("was undone").hint("`ferry runs` lists all runs")),
    }
    if info.source == "-" {
        return Err(refuse("read standard input, which is gone")
            .hint("import from a file, which can be read again, to be able to verify"));
    }
    Ok(info)
}

fn full(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn full_of(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| full(path))
}
