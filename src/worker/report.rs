//! The report of a night: how many tenants are fine, and what the others need, by causes and not by names, because there may
//! be thousands of them. Pure: it is made of the list of the jobs and of their ends.

use super::listing::{JobEnd, JobRow, PausedHost};
use crate::outcome::Exit;
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
    /// Those that need something.
    pub in_need: usize,
    /// The rejects by code.
    pub rejects: BTreeMap<String, u64>,
    /// What the others need, the largest group first.
    pub groups: Vec<Group>,
    /// Hosts whose jobs wait, because they were unavailable.
    pub paused_hosts: Vec<PausedHost>,
    /// Jobs with a schedule that did not run.
    pub not_run: Vec<String>,
    /// Jobs that brought less than half of what they usually do.
    pub fewer: Vec<Fewer>,
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
    InNeed,
}

/// Makes the report of the last `hours`: of the jobs as they are, and of ends that may go back further.
pub fn report(jobs: &[JobRow], ends: &[JobEnd], hours: f64, now: jiff::Timestamp) -> NightReport {
    let mut report = NightReport { hours, ..NightReport::default() };
    let mut tenants: BTreeMap<&str, Standing> = BTreeMap::new();
    let mut groups: BTreeMap<(String, Option<u8>), Vec<&JobRow>> = BTreeMap::new();
    let since = now.as_second() - (hours * 3600.0) as i64;
    let is_new = |moment: Option<jiff::Timestamp>| moment.is_some_and(|moment| moment.as_second() >= since);
    for job in jobs {
        let last = job.last_run.as_ref();
        let standing = standing(job);
        if standing == Standing::InNeed {
            let exit = last.and_then(|last| last.exit).or((job.why == "definition").then_some(Exit::Usage.code()));
            groups.entry((cause(job), exit)).or_default().push(job);
        } else if job.schedule.is_some() && job.state != "running" && !is_new(last.and_then(|last| last.ended)) {
            report.not_run.push(job.job.clone());
        }
        if standing == Standing::WithRejects && is_new(last.and_then(|last| last.ended)) {
            report.add_rejects(last.and_then(|last| last.rejects.as_ref()));
        }
        let of = tenants.entry(tenant_of(&job.job)).or_insert(Standing::Fine);
        *of = (*of).max(standing);
    }
    let count = |wanted: Standing| tenants.values().filter(|standing| **standing == wanted).count();
    report.fine = count(Standing::Fine);
    report.with_rejects = count(Standing::WithRejects);
    report.in_need = count(Standing::InNeed);
    report.groups = groups.into_iter().map(|((cause, exit), jobs)| group(cause, exit, &jobs)).collect();
    report.groups.sort_by_key(|group| std::cmp::Reverse(group.jobs.len()));
    report.fewer = fewer(ends, since);
    report
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
    let waiting = jobs.iter().filter(|job| job.state == "waiting").count();
    Group { help: help(exit, &names, waiting == jobs.len()), cause, exit, jobs: names }
}

/// The command that helps.
fn help(exit: Option<u8>, names: &[String], waits: bool) -> String {
    let first = names.first().map_or("JOB", String::as_str);
    let submit = match names.len() {
        1 => format!("`ferry worker submit {first}`"),
        _ => "`ferry worker submit JOB…`".to_owned(),
    };
    let is = |one: Exit| exit == Some(one.code());
    if waits {
        return "it is tried again by itself".to_owned();
    }
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
        let all = self.fine + self.with_rejects + self.in_need;
        let mut text = format!(
            "{all} tenants in {} hours: {} fine, {} with rejects, {} in need\n",
            self.hours, self.fine, self.with_rejects, self.in_need
        );
        // Writing to a text does not fail.
        if !self.rejects.is_empty() {
            let codes: Vec<String> = self.rejects.iter().map(|(code, count)| format!("{code} {count}")).collect();
            let _ = writeln!(text, "\nrejects: {}", codes.join(", "));
        }
        for group in self.groups.iter().take(GROUPS_SHOWN) {
            let tenants: BTreeSet<&str> = group.jobs.iter().map(|job| tenant_of(job)).collect();
            let exit = group.exit.map_or("its process was lost".to_owned(), |exit| format!("exit {exit}"));
            let count = if tenants.len() == 1 { "1 tenant".to_owned() } else { format!("{} tenants", tenants.len()) };
            let _ = writeln!(text, "\n{count}: {} ({exit})\n  {}\n  {}", group.cause, names(&group.jobs), group.help);
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
    use jiff::Timestamp;
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
        let jobs = [
            job("acme/nightly", "idle", Some(0), ""),
            job("acme/weekly", "idle", Some(3), ""),
            job("bolt/nightly", "held", Some(5), &refused("bolt")),
            job("cord/nightly", "held", Some(5), &refused("cord")),
            job("dot/nightly", "waiting", Some(6), "error: unavailable\n  cause: timed out\nhint: wait"),
            job("own", "idle", Some(0), ""),
            job("never", "idle", None, ""),
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
6 tenants in 24 hours: 2 fine, 1 with rejects, 3 in need

rejects: phone.invalid 2

2 tenants: the platform of `…/shop` refused the token (exit 5)
  bolt/nightly, cord/nightly
  renew the credentials, test them with `ferry check CONNECTION`, then `ferry worker submit JOB…`

1 tenant: unavailable: timed out (exit 6)
  dot/nightly
  it is tried again by itself

1 did not run: never

1 brought far fewer records than usual: own (20 of 100)
";
        assert_eq!(made.text(), expected);
        let object = serde_json::to_value(&made).unwrap();
        assert_eq!(
            (&object["in_need"], &object["groups"][0]["exit"], &object["fewer"][0]["usual"]),
            (&json!(3), &json!(5), &json!(100))
        );
    }
}
