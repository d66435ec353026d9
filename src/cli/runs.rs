//! `ferry runs`.

mod listing;
mod only;

use super::args::{Runs, RunsOnly};
use super::context::Context;
use super::resume::is_reading;
use crate::ids::RunStatus;
use crate::outcome::{Exit, Failure};
use crate::plan::{Mistakes, check_files, duration_of};
use crate::report::words::{count, shell};
use crate::report::{Counts, Requests, Summary};
use crate::run;
use crate::run::active::folder::run_folder;
use crate::run::active::listed::RunList;
use crate::run::active::receipt::receipt_of;
use crate::run::active::record::RunRecord;
use crate::run::active::runs::run_named;
use crate::run::left_blank::left_blank_file;
use crate::run::now::up_to_date;
use crate::run::rejects::{copy_rejects, own_rejects};
use crate::shown::escape_lines;
use listing::Listing;
use only::Only;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(super) fn run(typed: &Runs, context: &Context) -> Result<Exit, Failure> {
    match (&typed.run, &typed.prune) {
        (_, Some(age)) => prune(duration_of("--prune", age)?, context),
        (Some(name), _) if typed.rejects => {
            let to = typed.file.as_deref().filter(|to| to.as_os_str() != "-");
            rejects(&run_named(&context.state, name)?, to, context)
        }
        (Some(name), _) => one(&up_to_date(run_named(&context.state, name)?, &context.state), context),
        (None, None) => all(&typed.only, context),
    }
}

fn all(typed: &RunsOnly, context: &Context) -> Result<Exit, Failure> {
    let only = Only::of(typed)?;
    let mut runs = RunList::open(&context.state)?;
    std::mem::take(&mut runs.notes).iter().for_each(|note| context.console.note(note));
    let mut listing = Listing::new(context);
    only.of_runs(&mut runs, &context.state, |run| listing.add(run))?;
    runs.notes.iter().for_each(|note| context.console.note(note));
    if !listing.end() && !context.is_json() {
        context.console.note(&match RunList::open(&context.state)?.next() {
            Some(_) => "no run is like that; `ferry runs` lists all of them".to_owned(),
            None => format!("there are no runs in `{}` yet", context.state.shown()),
        });
    }
    Ok(Exit::Done)
}

fn one(info: &RunRecord, context: &Context) -> Result<Exit, Failure> {
    if context.is_json() {
        let text = serde_json::to_string_pretty(info)
            .map_err(|error| Failure::failed("the run cannot be shown").cause(error))?;
        context.console.result_line(&text);
        return Ok(Exit::Done);
    }
    let typed = format!("  folder    {}\n  started   {}", info.folder.display(), info.started);
    let words: Vec<_> = info.arguments.iter().map(|word| shell(word)).collect();
    context.console.result_line(&escape_lines(&format!("ferry {}\n{typed}\n", words.join(" "))));
    context.console.result_line(summary_of(info, context).human().trim_end());
    Ok(Exit::Done)
}

/// The last summary of a run, from what stands in its folder.
fn summary_of(info: &RunRecord, context: &Context) -> Summary {
    let counts = |name: &str| -> Counts {
        let counts = info.summary.as_ref().and_then(|summary| summary.get(name)).and_then(Value::as_object);
        counts.into_iter().flatten().filter_map(|(name, n)| Some((name.as_str(), n.as_u64()?))).collect()
    };
    let [sent, retried, rate_limited] = info.requests;
    Summary {
        run: info.run.clone(),
        command: info.command,
        status: match info.status {
            RunStatus::Undone => RunStatus::Unfinished,
            status => status,
        },
        records: info.totals,
        skipped: counts("skipped"),
        rejects: counts("rejects"),
        not_carried: counts("not_carried"),
        left_blank: counts("left_blank"),
        left_blank_file: left_blank_file(&run_folder(&context.state, &info.run)).map(|path| path.display().to_string()),
        cleared: info.summary.as_ref().and_then(|summary| summary.get("cleared")?.as_u64()).unwrap_or_default(),
        requests: Requests { sent, retried, rate_limited },
        seconds: info.seconds,
        rejects_file: info.rejects_file.as_ref().map(|path| path.display().to_string()),
        receipt: receipt_of(&context.state, &info.run).map(|path| path.display().to_string()),
        source: info.source.clone(),
        target: info.target.clone(),
        next_command: (info.status == RunStatus::Unfinished).then(|| next_of(info)),
        completeness: part(info, "completeness"),
        changes: part(info, "changes"),
        ..Summary::default()
    }
}

/// A part of its last summary, where it has it.
fn part<T: DeserializeOwned>(info: &RunRecord, name: &str) -> Option<T> {
    serde_json::from_value(info.summary.as_ref()?.get(name)?.clone()).ok()
}

/// The command that goes on; standard input must be given again, and so must the last state of a stream.
fn next_of(info: &RunRecord) -> String {
    let words: Vec<_> = info.arguments.iter().map(|word| shell(word)).collect();
    if is_reading(info) {
        let state = if words.iter().any(|word| word.starts_with("--state")) { "" } else { " --state …" };
        return format!("ferry {}{state}", words.join(" "));
    }
    match info.source.as_str() {
        "-" => format!("… | ferry {}", words.join(" ")),
        _ => format!("ferry resume {}", info.run),
    }
}

fn rejects(info: &RunRecord, to: Option<&Path>, context: &Context) -> Result<Exit, Failure> {
    if let Some(to) = to {
        let mut mistakes = Mistakes::default();
        check_files(&context.around(&[]), [("--rejects", Some(to.to_owned()), false)], &mut mistakes);
        mistakes.end(Some(()))?;
    }
    let Some(path) = own_rejects(&run_folder(&context.state, &info.run)) else {
        context.console.note(&format!("`{}` has no rejects", info.run));
        return Ok(Exit::Done);
    };
    if let Some(to) = to {
        return copy_rejects(&context.state, info, to).map(|()| Exit::Done);
    }
    let mut file = std::fs::File::open(&path)
        .map_err(|error| Failure::failed(format!("`{}` cannot be read", path.display())).cause(error))?;
    match std::io::copy(&mut file, &mut std::io::stdout().lock()) {
        // The reader of the pipe has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(Exit::Done),
        Err(error) => Err(Failure::failed(format!("`{}` cannot be printed", path.display())).cause(error)),
        Ok(_) => Ok(Exit::Done),
    }
}

/// Removes finished runs.
fn prune(age: Duration, context: &Context) -> Result<Exit, Failure> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let before_ms = u64::try_from(now.saturating_sub(age).as_millis()).unwrap_or(0);
    let pruned = run::prune::prune(&context.state, before_ms)?;
    pruned.notes.iter().for_each(|note| context.console.note(note));
    let runs = count(pruned.runs, "finished run", "finished runs");
    let rejects = match pruned.rejects {
        0 => String::new(),
        rejects => format!(", and {} with them", count(rejects, "reject", "rejects")),
    };
    let gone = match pruned.runs {
        0 => "",
        1 => "; it can no longer be undone or verified",
        _ => "; they can no longer be undone or verified",
    };
    context.console.result_line(&format!("{runs} removed{rejects}{gone}"));
    if pruned.busy.is_empty() {
        return Ok(Exit::Done);
    }
    let names: Vec<String> = pruned.busy.iter().map(|run| format!("`{run}`")).collect();
    Err(Failure::new(Exit::Busy, format!("another process uses the connection of {}", names.join(", ")))
        .hint("wait until it has ended, then run the same command again"))
}
