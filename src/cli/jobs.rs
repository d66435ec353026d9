//! `ferry jobs`.

use super::args;
use super::context::Context;
use super::run::names_of_jobs;
use super::worker::{definitions, on_runtime};
use crate::ids::RunStatus;
use crate::outcome::{Exit, Failure};
use crate::plan::Config;
use crate::plan::jobs::Wanted;
use crate::report::{JobLine, jobs_table};
use crate::run::active::record::RunRecord;
use crate::run::active::runs::all_runs;
use crate::run::now::up_to_date;
use crate::worker::report::{NightReport, report};
use crate::worker::{Defined, JobEnd, JobRow, LastRun, PausedHost, Table};
use jiff::Timestamp;
use serde::Serialize;

/// Hours in which what is usual is looked for: a week of nights.
const USUAL_HOURS: f64 = 8.0 * 24.0;

pub(super) fn run(typed: &args::Jobs, context: &Context) -> Result<Exit, Failure> {
    let (mut jobs, ends, paused) = match context.state.shared_store() {
        Some(address) => {
            let database = address.database()?;
            let (is_failed, is_report) = (typed.failed, typed.report);
            let hours = f64::from(typed.hours).max(USUAL_HOURS);
            on_runtime(async move {
                let table = Table::open(database).await?;
                let ends = if is_report { table.ends(hours).await? } else { Vec::new() };
                Ok((table.list(is_failed).await?, ends, table.paused_hosts().await?))
            })?
        }
        None => {
            let (jobs, ends) = of_folder(context)?;
            (jobs, ends, Vec::new())
        }
    };
    if typed.report {
        let made = report(&jobs, &ends, f64::from(typed.hours), Timestamp::now());
        let made = NightReport { paused_hosts: paused, ..made };
        return print(&made, || made.text(), context);
    }
    for PausedHost { host, failures, until } in paused {
        let text = format!("`{host}` is paused until {}: {failures} jobs in a row found it unavailable", shown(until));
        context.console.note(&text);
    }
    if typed.failed {
        jobs.retain(has_failed);
    }
    if jobs.is_empty() && !context.is_json() {
        context.console.note(if typed.failed {
            "no job has failed"
        } else {
            "no worker has read the jobs of a `ferry.yaml` yet; `ferry worker` does, and starts them"
        });
        return Ok(Exit::Done);
    }
    print(&jobs, || jobs_table(&jobs.iter().map(|job| line_of(job, typed.failed)).collect::<Vec<_>>()), context)
}

fn print(what: &impl Serialize, text: impl Fn() -> String, context: &Context) -> Result<Exit, Failure> {
    if context.is_json() {
        let text = serde_json::to_string_pretty(what);
        let text = text.map_err(|error| Failure::failed("the jobs cannot be shown").cause(error))?;
        context.console.result_line(&text);
    } else {
        context.console.result_line(text().trim_end());
    }
    Ok(Exit::Done)
}

/// Whether a job needs attention.
fn has_failed(job: &JobRow) -> bool {
    let is_well = |exit: u8| [Exit::Done, Exit::Rejects].iter().any(|well| well.code() == exit);
    let exit = job.last_run.as_ref().and_then(|last| last.exit);
    job.state == "held" || exit.is_some_and(|exit| !is_well(exit)) || job.message.is_some() && exit.is_none()
}

/// The jobs of `ferry.yaml` with their last runs of this state folder.
fn of_folder(context: &Context) -> Result<(Vec<JobRow>, Vec<JobEnd>), Failure> {
    let config = Config::load(&context.platforms, context.config.as_deref(), &context.env)?;
    names_of_jobs(&config)?;
    let (defined, _) = definitions(context).load(Wanted::All)?;
    let runs = all_runs(&context.state)?;
    let of_job = |run: RunRecord| Some((run.job.clone()?, run));
    let runs: Vec<(String, RunRecord)> = runs.into_iter().filter(|run| !run.is_dry()).filter_map(of_job).collect();
    let ends = runs.iter().rev().map(|(job, run)| JobEnd {
        job: job.clone(),
        ended: moment(run),
        exit: exit_of(run),
        summary: run.summary.clone(),
    });
    let ends = ends.collect();
    let now = Timestamp::now();
    let row = |job: Defined| {
        let last =
            runs.iter().find(|(name, _)| *name == job.name).map(|(_, run)| up_to_date(run.clone(), &context.state));
        row_of(job, last.as_ref(), now)
    };
    Ok((defined.into_iter().map(row).collect(), ends))
}

fn row_of(job: Defined, last: Option<&RunRecord>, now: Timestamp) -> JobRow {
    let is_wrong = job.wrong.is_some();
    let part = |run: &RunRecord, name: &str| run.summary.as_ref().and_then(|summary| summary.get(name)).cloned();
    let unfinished = last.filter(|run| !run.is_done());
    let message = unfinished.map(|run| format!("error: `{}` is unfinished\nhint: `ferry resume {}`", run.run, run.run));
    JobRow {
        job: job.name,
        command: job.command,
        state: if is_wrong { "held" } else { "idle" }.to_owned(),
        why: if is_wrong { "definition" } else { "" }.to_owned(),
        next_run: job.schedule.as_ref().and_then(|schedule| schedule.next_after(now)),
        timezone: job.schedule.as_ref().map(|schedule| schedule.zone().to_owned()),
        schedule: job.schedule.map(|schedule| schedule.to_string()),
        last_run: last.map(|run| LastRun {
            run: Some(run.run.clone()),
            started: moment(run),
            ended: None,
            exit: exit_of(run),
            records: part(run, "records"),
            rejects: part(run, "rejects"),
        }),
        message: job.wrong.or(message),
    }
}

fn moment(run: &RunRecord) -> Option<Timestamp> {
    i64::try_from(run.started_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok())
}

/// The exit code of a finished run, as far as its record tells.
fn exit_of(run: &RunRecord) -> Option<u8> {
    let exit = if run.totals.rejected > 0 { Exit::Rejects } else { Exit::Done };
    (run.status == RunStatus::Done).then_some(exit.code())
}

/// A moment in local time.
fn shown(moment: Option<Timestamp>) -> String {
    let local = moment.map(|moment| moment.to_zoned(jiff::tz::TimeZone::system()));
    local.map(|local| local.strftime("%Y-%m-%d %H:%M").to_string()).unwrap_or_default()
}

fn line_of(job: &JobRow, with_message: bool) -> JobLine {
    let last = job.last_run.as_ref();
    let state = if job.why.is_empty() { job.state.clone() } else { format!("{} ({})", job.state, job.why) };
    JobLine {
        cells: [
            job.job.clone(),
            state,
            job.schedule.clone().unwrap_or_default(),
            shown(job.next_run),
            shown(last.and_then(|last| last.started)),
            last.and_then(|last| last.exit).map(|exit| exit.to_string()).unwrap_or_default(),
            last.and_then(|last| last.run.clone()).unwrap_or_default(),
        ],
        message: job.message.clone().filter(|_| with_message),
    }
}
