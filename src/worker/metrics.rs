//! The figures of a worker, as Prometheus reads them. Those of the queue are the same from every worker: take the largest,
//! not the sum. No figure names a job or an account, because there may be a hundred thousand of them.

use super::listing::Figures;
use super::process::Report;
use crate::http::{BOUNDS_S, Spread};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The outcomes of a summary.
const OUTCOMES: [&str; 9] =
    ["created", "updated", "deleted", "restored", "unchanged", "skipped", "rejected", "unknown", "pending"];
/// The counts of requests of a summary.
const REQUESTS: [&str; 3] = ["sent", "retried", "rate_limited"];
/// Codes of rejects that are counted by name; there are some forty.
const CODES_MAX: usize = 100;

/// The figures of one worker.
#[derive(Debug, Default)]
pub struct Metrics(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    records: BTreeMap<(String, &'static str), u64>,
    rejects: BTreeMap<String, u64>,
    requests: BTreeMap<&'static str, u64>,
    runs: BTreeMap<String, u64>,
    run_seconds: Histogram,
    wait_seconds: Histogram,
    request_seconds: Spread,
    request_waits: Spread,
    leases_lost: u64,
    put_back: u64,
    are_definitions_wrong: bool,
    figures: Figures,
}

/// What a worker does now.
#[derive(Clone, Copy, Debug, Default)]
pub struct Now {
    /// Jobs that it runs.
    pub running: usize,
    /// Jobs that it can run.
    pub slots: usize,
    /// Whether it takes no more.
    pub is_draining: bool,
}

impl Metrics {
    fn change(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// A job has begun, after it could have for so long.
    pub fn begun(&self, waited: f64) {
        self.change(|counts| counts.wait_seconds.add(waited));
    }

    /// A job has ended.
    pub fn ended(&self, took: Duration, report: &Report) {
        self.change(|counts| {
            *counts.runs.entry(report.exit.map_or("lost".to_owned(), |exit| exit.to_string())).or_default() += 1;
            counts.run_seconds.add(took.as_secs_f64());
            report.summary.iter().for_each(|summary| counts.add(summary));
            if let Some(times) = &report.times {
                counts.request_seconds.add(&times.took);
                counts.request_waits.add(&times.waited);
            }
        });
    }

    /// A lease of a job was lost.
    pub fn lease_lost(&self) {
        self.change(|counts| counts.leases_lost += 1);
    }

    /// Names were put back into the queue.
    pub fn put_back(&self, count: usize) {
        self.change(|counts| counts.put_back += count as u64);
    }

    /// Whether the definitions could be read when they changed.
    pub fn definitions(&self, are_valid: bool) {
        self.change(|counts| counts.are_definitions_wrong = !are_valid);
    }

    /// The queue as it was looked at last.
    pub fn queue(&self, figures: Figures) {
        self.change(|counts| counts.figures = figures);
    }

    /// All figures in the text format of Prometheus.
    pub fn text(&self, now: Now) -> String {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = Text::default();
        text.head("records_total", "counter", "Records by outcome, of jobs that have ended.");
        for ((command, outcome), count) in &counts.records {
            text.line("records_total", &[("command", command), ("outcome", outcome)], *count as f64);
        }
        text.head("rejects_total", "counter", "Rejects by code.");
        counts.rejects.iter().for_each(|(code, count)| text.line("rejects_total", &[("code", code)], *count as f64));
        text.head("requests_total", "counter", "Requests: sent, retried, and refused for the rate.");
        counts
            .requests
            .iter()
            .for_each(|(kind, count)| text.line("requests_total", &[("outcome", kind)], *count as f64));
        text.head("job_runs_total", "counter", "Ends of jobs by exit code.");
        counts.runs.iter().for_each(|(exit, count)| text.line("job_runs_total", &[("exit_code", exit)], *count as f64));
        let (of_job, of_request) = (JOB_BOUNDS_S.as_slice(), BOUNDS_S.as_slice());
        let Counts { run_seconds, wait_seconds, request_seconds, request_waits, .. } = &*counts;
        text.histogram(("job_duration_seconds", "How long jobs took."), of_job, run_seconds.parts());
        let help = "How long jobs could have started before they did.";
        text.histogram(("job_wait_seconds", help), of_job, wait_seconds.parts());
        let help = "How long requests took, of jobs that have ended.";
        text.histogram(("request_duration_seconds", help), of_request, request_seconds.parts());
        let help = "How long requests waited for the rate before they left.";
        text.histogram(("request_wait_seconds", help), of_request, request_waits.parts());
        text.one("lease_lost_total", "counter", "Jobs whose lease was lost.", counts.leases_lost as f64);
        text.one("queue_put_back_total", "counter", "Names that were missing in the queue.", counts.put_back as f64);
        let figures = &counts.figures;
        text.head("jobs", "gauge", "Jobs by state; the same from every worker.");
        figures.jobs.iter().for_each(|(state, count)| text.line("jobs", &[("state", state)], *count as f64));
        text.one("queue_length", "gauge", "Jobs that could start now; the same from every worker.", figures.due as f64);
        text.one("job_oldest_age_seconds", "gauge", "How long the first of them could have started.", figures.oldest);
        text.one("hosts_paused", "gauge", "Hosts whose jobs wait because it was unavailable.", figures.paused as f64);
        text.one("accounts_leased", "gauge", "Accounts that jobs work on.", figures.accounts as f64);
        text.one(
            "store_oldest_snapshot_seconds",
            "gauge",
            "The oldest snapshot that keeps old rows.",
            figures.snapshot,
        );
        text.one("worker_jobs_running", "gauge", "Jobs that this worker runs.", now.running as f64);
        text.one("worker_slots", "gauge", "Jobs that this worker can run.", now.slots as f64);
        text.one(
            "worker_draining",
            "gauge",
            "Whether this worker takes no more jobs.",
            f64::from(u8::from(now.is_draining)),
        );
        let help = "Whether this worker could read ferry.yaml and the tenants when they last changed.";
        text.one("worker_definitions_valid", "gauge", help, f64::from(u8::from(!counts.are_definitions_wrong)));
        text.head("build_info", "gauge", "The version.");
        text.line("build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1.0);
        text.0
    }
}

impl Counts {
    /// Adds the summary of a job.
    fn add(&mut self, summary: &Value) {
        let command = summary.get("command").and_then(Value::as_str).unwrap_or_default();
        let count = |part: &str, name: &str| summary.get(part)?.get(name)?.as_u64().filter(|count| *count > 0);
        for outcome in OUTCOMES {
            if let Some(count) = count("records", outcome) {
                *self.records.entry((command.to_owned(), outcome)).or_default() += count;
            }
        }
        for kind in REQUESTS {
            *self.requests.entry(kind).or_default() += count("requests", kind).unwrap_or_default();
        }
        for (code, count) in summary.get("rejects").and_then(Value::as_object).into_iter().flatten() {
            if self.rejects.len() < CODES_MAX || self.rejects.contains_key(code) {
                *self.rejects.entry(code.clone()).or_default() += count.as_u64().unwrap_or_default();
            }
        }
    }
}

/// The text format.
#[derive(Default)]
struct Text(String);

impl Text {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a text does not fail.
        let _ = writeln!(self.0, "# HELP ferry_{name} {help}\n# TYPE ferry_{name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let escaped = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.0, "ferry_{name}{labels} {value}");
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: f64) {
        self.head(name, kind, help);
        self.line(name, &[], value);
    }

    /// `parts`: the counts, each of those up to its bound and the last of those above all, and the sum.
    fn histogram(&mut self, (name, help): (&str, &str), bounds: &[f64], parts: (&[u64], f64)) {
        self.head(name, "histogram", help);
        let (counts, sum) = parts;
        let mut so_far = 0;
        for (place, count) in counts.iter().enumerate() {
            so_far += count;
            let bound = bounds.get(place).map_or("+Inf".to_owned(), ToString::to_string);
            self.line(&format!("{name}_bucket"), &[("le", &bound)], so_far as f64);
        }
        self.line(&format!("{name}_sum"), &[], sum);
        self.line(&format!("{name}_count"), &[], so_far as f64);
    }
}

/// Seconds by which the times of jobs are counted.
const JOB_BOUNDS_S: [f64; 9] = [1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0, 43_200.0];

/// Times of jobs by [`JOB_BOUNDS_S`]; the last count is of those above.
#[derive(Debug, Default)]
struct Histogram([u64; 10], f64);

impl Histogram {
    fn add(&mut self, seconds: f64) {
        let place = JOB_BOUNDS_S.iter().take_while(|bound| seconds > **bound).count();
        self.0.iter_mut().skip(place).take(1).for_each(|count| *count += 1);
        self.1 += seconds;
    }

    fn parts(&self) -> (&[u64], f64) {
        (&self.0, self.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Times;
    use serde_json::json;

    #[test]
    fn the_figures_are_those_of_the_jobs_that_ended() {
        let metrics = Metrics::default();
        let summary = json!({
            "command": "import", "records": {"read": 5, "created": 3, "rejected": 2, "updated": 0},
            "requests": {"sent": 7, "retried": 1, "rate_limited": 0}, "rejects": {"phone.\"x": 2}
        });
        metrics.begun(1.5);
        let mut took = Spread::default();
        took.count(Duration::from_millis(30));
        took.count(Duration::from_secs(90));
        let times = Some(Times { took, waited: Spread::default() });
        metrics.ended(Duration::from_secs(2), &Report { exit: Some(3), summary: Some(summary), times, message: None });
        metrics.ended(Duration::from_secs(1), &Report::default());
        metrics.queue(Figures {
            jobs: vec![("idle".to_owned(), 4)],
            due: 2,
            oldest: 9.25,
            paused: 3,
            ..Figures::default()
        });
        let text = metrics.text(Now { running: 1, slots: 4, is_draining: true });
        for line in [
            "ferry_records_total{command=\"import\",outcome=\"created\"} 3",
            "ferry_rejects_total{code=\"phone.\\\"x\"} 2",
            "ferry_requests_total{outcome=\"sent\"} 7",
            "ferry_job_runs_total{exit_code=\"3\"} 1",
            "ferry_job_runs_total{exit_code=\"lost\"} 1",
            "ferry_job_duration_seconds_bucket{le=\"1\"} 1",
            "ferry_job_duration_seconds_bucket{le=\"5\"} 2",
            "ferry_job_duration_seconds_bucket{le=\"+Inf\"} 2",
            "ferry_job_duration_seconds_sum 3",
            "ferry_job_wait_seconds_sum 1.5",
            "ferry_request_duration_seconds_bucket{le=\"0.025\"} 0",
            "ferry_request_duration_seconds_bucket{le=\"0.05\"} 1",
            "ferry_request_duration_seconds_bucket{le=\"30\"} 1",
            "ferry_request_duration_seconds_bucket{le=\"+Inf\"} 2",
            "ferry_request_duration_seconds_sum 90.03",
            "ferry_request_wait_seconds_count 0",
            "ferry_hosts_paused 3",
            "ferry_jobs{state=\"idle\"} 4",
            "ferry_queue_length 2",
            "ferry_job_oldest_age_seconds 9.25",
            "ferry_worker_draining 1",
            "ferry_worker_definitions_valid 1",
        ] {
            assert!(text.lines().any(|one| one == line), "{line}\n{text}");
        }
        assert!(!text.contains("outcome=\"updated\""), "{text}");
        // Every figure has its help and its type, once.
        let heads = text.lines().filter(|line| line.starts_with("# TYPE")).count();
        assert_eq!(heads, text.lines().filter(|line| line.starts_with("# HELP")).count());
    }
}
