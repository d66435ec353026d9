//! The report of a night: how many tenants are fine, and what the others need, by causes and not by names, because there may
//! be thousands of them. Pure: it is made of the list of the jobs and of their ends.

use super::listing::{JobEnd, JobRow, PausedHost};
use crate::outcome::Exit;
use crate::plan::Schedule;
use crate::report::words::count;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Names that a line shows.
const NAMES_SHOWN: usize = 12;
/// Groups that are shown; the rest is counted.
const GROUPS_SHOWN: usize = 40;
/// Fewer than so many records are no measure of what a job usually brings.
const USUAL_MIN: u64 = 10;
/// Earlier ends of a job that are needed to say what is usual.
const ENDS_MIN: usize = 3;

/// The report.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct NightReport {
    /// The hours that it covers.
    pub hours: f64,
    /// Tenants, or jobs that belong to none, of which every job ended well.
    pub fine: usize,
    /// Those of which a job had rejects, and nothing worse.
    pub with_rejects: usize,
    /// Those of which a job did not run although its schedule said so, and nothing worse.
    pub without_run: usize,
    /// Those that need something.
    pub in_need: usize,
    /// The rejects by code.
    pub rejects: BTreeMap<String, u64>,
    /// What the others need, the largest group first.
    pub groups: Vec<Group>,
    /// Hosts whose jobs wait, because they were unavailable.
    pub paused_hosts: Vec<PausedHost>,
    /// Jobs that did not run although their schedule said so.
    pub not_run: Vec<String>,
    /// Jobs that brought less than half of what they usually do.
    pub fewer: Vec<Fewer>,
    /// Whether any job belongs to a tenant; else jobs are counted.
    #[serde(skip)]
    pub has_tenants: bool,
}

/// Jobs with one cause.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Group {
    /// The error, without the names of tenants.
    pub cause: String,
    /// The exit code; none: the process was lost.
    pub exit: Option<u8>,
    /// The jobs.
    pub jobs: Vec<String>,
    /// What helps.
    pub help: String,
}

/// A job that brought fewer records than usual.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Fewer {
    /// Its name.
    pub job: String,
    /// Records this time.
    pub records: u64,
    /// The median of the earlier ends.
    pub usual: u64,
}

/// How a tenant stands, the worst of its jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    Fine,
    WithRejects,
    WithoutRun,
    InNeed,
}

/// Makes the report of the last `hours`: of the jobs as they are, and of ends that may go back further.
pub fn report(jobs: &[JobRow], ends: &[JobEnd], hours: f64, now: Timestamp) -> NightReport {
    let mut report = NightReport { hours, ..NightReport::default() };
    let mut tenants: BTreeMap<&str, Standing> = BTreeMap::new();
    let mut groups: BTreeMap<(String, Option<u8>), Vec<&JobRow>> = BTreeMap::new();
    let since = now.as_second() - (hours * 3600.0) as i64;
    let is_new = |moment: Option<Timestamp>| moment.is_some_and(|moment| moment.as_second() >= since);
    for job in jobs {
        let last = job.last_run.as_ref();
        let is_new = is_new(last.and_then(|last| last.ended));
        let mut standing = standing(job);
        if standing == Standing::InNeed {
            let exit = last.and_then(|last| last.exit).or((job.why == "definition").then_some(Exit::Usage.code()));
            groups.entry((cause(job), exit)).or_default().push(job);
        } else if !is_new && job.state != "running" && was_due(job, since, now) {
            report.not_run.push(job.job.clone());
            standing = Standing::WithoutRun;
        } else if standing == Standing::WithRejects && is_new {
            report.add_rejects(last.and_then(|last| last.rejects.as_ref()));
        }
        let of = tenants.entry(tenant_of(&job.job)).or_insert(Standing::Fine);
        *of = (*of).max(standing);
    }
    let count = |wanted: Standing| tenants.values().filter(|standing| **standing == wanted).count();
    report.fine = count(Standing::Fine);
    report.with_rejects = count(Standing::WithRejects);
    report.without_run = count(Standing::WithoutRun);
    report.in_need = count(Standing::InNeed);
    report.has_tenants = jobs.iter().any(|job| job.job.contains('/'));
    report.groups = groups.into_iter().map(|((cause, exit), jobs)| group(cause, exit, &jobs)).collect();
    report.groups.sort_by_key(|group| std::cmp::Reverse(group.jobs.len()));
    report.fewer = fewer(ends, since);
    report
}

/// Whether a job should have run between these two times: it is due and has not started, or it ran before, and its schedule
/// has a start between them. A job that was added since has waited for nothing yet.
fn was_due(job: &JobRow, since: i64, until: Timestamp) -> bool {
    if job.schedule.is_some() && job.next_run.is_some_and(|due| due <= until) {
        return true;
    }
    if job.last_run.is_none() {
        return false;
    }
    let (Some(text), Ok(since)) = (&job.schedule, Timestamp::from_second(since)) else { return false };
    let schedule = Schedule::parse(text, job.timezone.as_deref(), &job.job).ok();
    schedule.and_then(|schedule| schedule.next_after(since)).is_some_and(|start| start <= until)
}

/// The tenant of a job: what stands before `/`, else the job itself.
fn tenant_of(job: &str) -> &str {
    job.split_once('/').map_or(job, |(tenant, _)| tenant)
}

fn standing(job: &JobRow) -> Standing {
    let exit = job.last_run.as_ref().and_then(|last| last.exit);
    let is = |one: Exit| exit == Some(one.code());
    match job.state.as_str() {
        "held" => Standing::InNeed,
        _ if job.last_run.is_none() || job.state == "running" || is(Exit::Done) => Standing::Fine,
        _ if is(Exit::Rejects) => Standing::WithRejects,
        _ => Standing::InNeed,
    }
}

/// The error without what differs between tenants.
fn cause(job: &JobRow) -> String {
    let message = job.message.as_deref().unwrap_or_default();
    let line = |beginning: &str| message.lines().find(|line| line.trim_start().starts_with(beginning)).map(str::trim);
    let error = line("error: ").or_else(|| message.lines().next()).unwrap_or("ended without a message");
    let text = match line("cause: ") {
        Some(cause) => format!("{error}: {}", cause.trim_start_matches("cause: ")),
        None => error.to_owned(),
    };
    let text = text.trim_start_matches("error: ").to_owned();
    match job.job.split_once('/') {
        Some((tenant, _)) => {
            text.replace(&format!("{tenant}/"), "…/").replace(&format!("`{tenant}`"), "`…`").replace(&job.job, "…")
        }
        None => text,
    }
}

fn group(cause: String, exit: Option<u8>, jobs: &[&JobRow]) -> Group {
    let names: Vec<String> = jobs.iter().map(|job| job.job.clone()).collect();
    let all = |is_so: fn(&JobRow) -> bool| jobs.iter().all(|job| is_so(job));
    let help = match exit {
        _ if all(|job| job.state == "waiting") => "it is tried again by itself".to_owned(),
        _ if all(|job| job.why == "definition") => {
            "correct `ferry.yaml` or the table of tenants, which is read again by itself".to_owned()
        }
        exit => help(exit, &names),
    };
    Group { help, cause, exit, jobs: names }
}

/// The command that helps.
fn help(exit: Option<u8>, names: &[String]) -> String {
    let first = names.first().map_or("JOB", String::as_str);
    let submit = match names.len() {
        1 => format!("`ferry worker submit {first}`"),
        _ => "`ferry worker submit JOB…`".to_owned(),
    };
    let is = |one: Exit| exit == Some(one.code());
    if is(Exit::Usage) {
        return format!("correct `ferry.yaml` or the table of tenants, then {submit}");
    }
    if is(Exit::Refused) {
        return format!("renew the credentials, test them with `ferry check CONNECTION`, then {submit}");
    }
    if is(Exit::Guard) {
        return format!("look at what it would change with `ferry run {first} --dry-run`, then {submit}");
    }
    if is(Exit::Unknown) {
        return format!("settle what is unknown with `ferry run {first}`, then {submit}");
    }
    format!("see the message with `ferry jobs --failed`, then {submit}")
}

impl NightReport {
    fn add_rejects(&mut self, rejects: Option<&Value>) {
        for (code, count) in rejects.and_then(Value::as_object).into_iter().flatten() {
            *self.rejects.entry(code.clone()).or_default() += count.as_u64().unwrap_or_default();
        }
    }

    /// As a page for people.
    pub fn text(&self) -> String {
        let NightReport { hours, fine, with_rejects, without_run, in_need, .. } = self;
        let counted = |n: usize| match self.has_tenants {
            true => count(n as u64, "tenant", "tenants"),
            false => count(n as u64, "job", "jobs"),
        };
        let all = counted(fine + with_rejects + without_run + in_need);
        let unit = if *hours == 1.0 { "hour" } else { "hours" };
        let not_run = if *without_run > 0 { format!(", {without_run} without a run") } else { String::new() };
        let mut text =
            format!("{all} in {hours} {unit}: {fine} fine, {with_rejects} with rejects{not_run}, {in_need} in need\n");
        // Writing to a text does not fail.
        if !self.rejects.is_empty() {
            let codes: Vec<String> = self.rejects.iter().map(|(code, count)| format!("{code} {count}")).collect();
            let _ = writeln!(text, "\nrejects: {}", codes.join(", "));
        }
        for group in self.groups.iter().take(GROUPS_SHOWN) {
            let tenants: BTreeSet<&str> = group.jobs.iter().map(|job| tenant_of(job)).collect();
            let exit = group.exit.map_or("its process was lost".to_owned(), |exit| format!("exit {exit}"));
            let tenants = counted(tenants.len());
            let _ = writeln!(text, "\n{tenants}: {} ({exit})\n  {}\n  {}", group.cause, names(&group.jobs), group.help);
        }
        if self.groups.len() > GROUPS_SHOWN {
            let _ =
                writeln!(text, "\n{} more causes; `ferry jobs --failed` lists all", self.groups.len() - GROUPS_SHOWN);
        }
        for PausedHost { host, failures, .. } in &self.paused_hosts {
            let _ = writeln!(text, "\n{host} is paused: {failures} jobs in a row found it unavailable");
            let _ = writeln!(text, "  its jobs wait, and start by themselves; `ferry worker submit JOB` tries at once");
        }
        if !self.not_run.is_empty() {
            let _ = writeln!(text, "\n{} did not run: {}", self.not_run.len(), names(&self.not_run));
        }
        if !self.fewer.is_empty() {
            let fewer = self.fewer.iter().map(|one| format!("{} ({} of {})", one.job, one.records, one.usual));
            let fewer: Vec<String> = fewer.collect();
            let _ = writeln!(text, "\n{} brought far fewer records than usual: {}", fewer.len(), names(&fewer));
        }
        text
    }
}

/// The first names, and how many more there are.
fn names(names: &[String]) -> String {
    let shown = names.iter().take(NAMES_SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMES_SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// The jobs whose last end since then brought less than half of the median of the earlier ones.
fn fewer(ends: &[JobEnd], since: i64) -> Vec<Fewer> {
    let mut by_job: BTreeMap<&str, Vec<(i64, u64)>> = BTreeMap::new();
    for end in ends.iter().filter(|end| [Exit::Done, Exit::Rejects].iter().any(|exit| end.exit == Some(exit.code()))) {
        let read = end.summary.as_ref().and_then(|summary| summary.get("records")?.get("read")?.as_u64());
        if let (Some(read), Some(ended)) = (read, end.ended) {
            by_job.entry(&end.job).or_default().push((ended.as_second(), read));
        }
    }
    let of_job = |(job, mut ends): (&str, Vec<(i64, u64)>)| {
        let (ended, records) = ends.pop()?;
        let mut earlier: Vec<u64> = ends.into_iter().map(|(_, records)| records).collect();
        earlier.sort_unstable();
        let usual = *earlier.get(earlier.len() / 2)?;
        let is_fewer = ended >= since && earlier.len() >= ENDS_MIN && usual >= USUAL_MIN && records < usual / 2;
        is_fewer.then(|| Fewer { job: job.to_owned(), records, usual })
    };
    by_job.into_iter().filter_map(of_job).collect()
}

#[cfg(test)]
mod tests {
    use super::super::listing::LastRun;
    use super::*;
    use serde_json::json;

    fn job(name: &str, state: &str, exit: Option<u8>, message: &str) -> JobRow {
        let ended = Some(Timestamp::from_second(100_000).unwrap());
        JobRow {
            job: name.to_owned(),
            state: state.to_owned(),
            schedule: Some("5 3 * * *".to_owned()),
            message: Some(message.to_owned()).filter(|message| !message.is_empty()),
            last_run: exit.map(|exit| LastRun {
                ended,
                exit: Some(exit),
                rejects: (exit == 3).then(|| json!({"phone.invalid": 2})),
                ..LastRun::default()
            }),
            ..JobRow::default()
        }
    }

    #[test]
    fn tenants_are_counted_and_what_they_need_is_grouped_by_its_cause() {
        let refused =
            |tenant: &str| format!("error: the platform of `{tenant}/shop` refused the token\nhint: renew it");
        let old = || Some(LastRun { ended: Timestamp::from_second(1_000).ok(), exit: Some(0), ..LastRun::default() });
        let jobs = [
            job("acme/nightly", "idle", Some(0), ""),
            job("acme/weekly", "idle", Some(3), ""),
            job("bolt/nightly", "held", Some(5), &refused("bolt")),
            job("cord/nightly", "held", Some(5), &refused("cord")),
            job("dot/nightly", "waiting", Some(6), "error: unavailable\n  cause: timed out\nhint: wait"),
            JobRow { why: "definition".to_owned(), ..job("echo/nightly", "held", None, "error: `slug` is blank") },
            job("own", "idle", Some(0), ""),
            JobRow { next_run: Timestamp::from_second(97_500).ok(), ..job("never", "idle", None, "") },
            JobRow { last_run: old(), ..job("stopped", "idle", None, "") },
            // Its time did not come, or has not come since it was added.
            JobRow { schedule: Some("5 3 * * 1".to_owned()), last_run: old(), ..job("weekly", "idle", None, "") },
            job("added", "idle", None, ""),
        ];
        let end = |day: i64, read: u64| JobEnd {
            job: "own".to_owned(),
            ended: Timestamp::from_second(day * 86_400).ok(),
            exit: Some(0),
            summary: Some(json!({"records": {"read": read}})),
        };
        let ends = [end(-3, 90), end(-2, 100), end(-1, 110), end(1, 20)];
        let made = report(&jobs, &ends, 24.0, Timestamp::from_second(120_000).unwrap());
        let expected = "\
10 tenants in 24 hours: 3 fine, 1 with rejects, 2 without a run, 4 in need

rejects: phone.invalid 2

2 tenants: the platform of `…/shop` refused the token (exit 5)
  bolt/nightly, cord/nightly
  renew the credentials, test them with `ferry check CONNECTION`, then `ferry worker submit JOB…`

1 tenant: `slug` is blank (exit 2)
  echo/nightly
  correct `ferry.yaml` or the table of tenants, which is read again by itself

1 tenant: unavailable: timed out (exit 6)
  dot/nightly
  it is tried again by itself

2 did not run: never, stopped

1 brought far fewer records than usual: own (20 of 100)
";
        assert_eq!(made.text(), expected);
        let object = serde_json::to_value(&made).unwrap();
        assert_eq!(
            (&object["in_need"], &object["groups"][0]["exit"], &object["fewer"][0]["usual"]),
            (&json!(4), &json!(5), &json!(100))
        );
        let own = report(&[job("own", "idle", Some(0), "")], &[], 1.0, Timestamp::from_second(120_000).unwrap());
        assert_eq!(own.text(), "1 job in 1 hour: 1 fine, 0 with rejects, 0 in need\n");
    }
}
