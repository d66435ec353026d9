//! The jobs as people see them: queue, schedule, last and next run; and the figures of the queue. It changes nothing.

use super::table::Table;
use crate::outcome::Failure;
use crate::store::postgres::{Client, DbError};
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::Value;
use tokio_postgres::Row;

/// A job with its last run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct JobRow {
    /// Its name.
    pub job: String,
    /// Its command.
    pub command: String,
    /// `idle`, `waiting`, `running` or `held`; without a shared store `idle`, or `held` where its definition is wrong.
    pub state: String,
    /// Why it waits or is held: `schedule`, `submitted`, `again`, `account`, `host`, `paused`, `drained`, `failed`, `deaths`,
    /// `definition`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// When it starts by itself.
    pub schedule: Option<String>,
    /// By the clock of this zone.
    pub timezone: Option<String>,
    /// When it is due: a try that waits, else by its schedule; none while it waits for a person.
    #[serde(serialize_with = "text_of")]
    pub next_run: Option<Timestamp>,
    /// Its last run that has ended, or the one that runs.
    pub last_run: Option<LastRun>,
    /// What is wrong: the error, its causes and the hint.
    pub message: Option<String>,
}

/// A run of a job.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LastRun {
    /// Its name, if it had one; none of the one that runs.
    pub run: Option<String>,
    /// When it began.
    #[serde(serialize_with = "text_of")]
    pub started: Option<Timestamp>,
    /// When it ended.
    #[serde(serialize_with = "text_of")]
    pub ended: Option<Timestamp>,
    /// Its exit code; none: it runs, or its process was lost.
    pub exit: Option<u8>,
    /// The totals of its summary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records: Option<Value>,
    /// The rejects of its summary, by code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejects: Option<Value>,
}

/// An end of a job, for the report.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JobEnd {
    /// Its name.
    pub job: String,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// None: its process was lost.
    pub exit: Option<u8>,
    /// The summary.
    pub summary: Option<Value>,
}

/// A host whose jobs wait, because too many jobs in a row found it unavailable.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct PausedHost {
    /// The host.
    pub host: String,
    /// Jobs in a row.
    pub failures: i32,
    /// Until when.
    #[serde(serialize_with = "text_of")]
    pub until: Option<Timestamp>,
}

/// Figures of the queue, the same from every worker.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// Jobs by state.
    pub jobs: Vec<(String, i64)>,
    /// Jobs that could start now.
    pub due: i64,
    /// Since when the first of them could, in seconds.
    pub oldest: f64,
    /// Accounts that running jobs have.
    pub accounts: i64,
    /// Hosts whose jobs wait.
    pub paused: i64,
    /// The age of the oldest snapshot that keeps old rows, in seconds.
    pub snapshot: f64,
}

impl Table {
    /// All jobs, by name; `failed`: those that wait for a person or did not end well.
    ///
    /// # Errors
    /// Exit 1 when the database refuses.
    pub async fn list(&self, failed: bool) -> Result<Vec<JobRow>, Failure> {
        let work = move |client: Client| async move {
            let sql = "SELECT j.name, j.command, j.state, j.why, j.schedule, j.timezone, \
                       (extract(epoch FROM CASE j.state WHEN 'waiting' THEN j.due WHEN 'held' THEN NULL ELSE j.next_at END) \
                       * 1000)::bigint, \
                       CASE WHEN j.state <> 'running' THEN j.run END, \
                       (extract(epoch FROM j.started) * 1000)::bigint, \
                       CASE WHEN j.state <> 'running' THEN (extract(epoch FROM j.ended) * 1000)::bigint END, \
                       CASE WHEN j.state <> 'running' THEN j.exit END, j.message, r.summary::text \
                       FROM ferry.job j LEFT JOIN LATERAL (SELECT summary FROM ferry.job_run r WHERE r.job = j.name \
                       ORDER BY r.ended DESC LIMIT 1) r ON true \
                       WHERE (NOT j.is_gone OR j.state = 'running') AND (NOT $1 OR j.state = 'held' OR j.exit NOT IN (0, 3)) ORDER BY j.name";
            let rows = client.query(sql, &[&failed]).await?;
            rows.iter().map(row).collect()
        };
        self.database.run(work).await
    }

    /// The ends of the last so many hours, the oldest first.
    ///
    /// # Errors
    /// Exit 1 when the database refuses.
    pub async fn ends(&self, hours: f64) -> Result<Vec<JobEnd>, Failure> {
        let work = move |client: Client| async move {
            let sql = "SELECT job, (extract(epoch FROM ended) * 1000)::bigint, exit, summary::text FROM ferry.job_run \
                       WHERE ended > now() - make_interval(secs => $1::float8 * 3600) ORDER BY ended";
            let rows = client.query(sql, &[&hours]).await?;
            rows.iter().map(end).collect()
        };
        self.database.run(work).await
    }

    /// The hosts whose jobs wait.
    ///
    /// # Errors
    /// Exit 1 when the database refuses.
    pub async fn paused_hosts(&self) -> Result<Vec<PausedHost>, Failure> {
        let work = |client: Client| async move {
            let sql = "SELECT host, failures, (extract(epoch FROM paused_until) * 1000)::bigint FROM ferry.host \
                       WHERE paused_until > clock_timestamp() ORDER BY host";
            let read = |row: &Row| {
                Ok(PausedHost { host: row.try_get(0)?, failures: row.try_get(1)?, until: moment(row.try_get(2)?) })
            };
            client.query(sql, &[]).await?.iter().map(read).collect()
        };
        self.database.run(work).await
    }

    /// The figures of the queue.
    pub(super) async fn figures(&self) -> Result<Figures, Failure> {
        let work = |client: Client| async move {
            let sql = "SELECT state, count(*) FROM ferry.job WHERE NOT is_gone GROUP BY state ORDER BY state";
            let rows = client.query(sql, &[]).await?;
            let jobs = rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<Result<_, DbError>>()?;
            let sql = "SELECT (SELECT count(*) FROM ferry.job WHERE state = 'waiting' AND due <= clock_timestamp()), \
                       (SELECT coalesce(extract(epoch FROM clock_timestamp() - min(ready)), 0)::float8 FROM ferry.job \
                       WHERE state = 'waiting' AND due <= clock_timestamp()), \
                       (SELECT count(*) FROM ferry.job_account WHERE lease_until > clock_timestamp()), \
                       (SELECT count(*) FROM ferry.host WHERE paused_until > clock_timestamp()), \
                       (SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)::float8 \
                       FROM pg_stat_activity WHERE backend_xmin IS NOT NULL)";
            let row = client.query_one(sql, &[]).await?;
            Ok(Figures {
                jobs,
                due: row.try_get(0)?,
                oldest: row.try_get(1)?,
                accounts: row.try_get(2)?,
                paused: row.try_get(3)?,
                snapshot: row.try_get(4)?,
            })
        };
        self.database.run(work).await
    }
}

/// RFC 3339, in whole seconds.
fn text_of<S: Serializer>(moment: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    moment.map(|moment| moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()).serialize(serializer)
}

fn row(row: &Row) -> Result<JobRow, DbError> {
    let summary = value(row.try_get(12)?);
    let part = |name: &str| summary.as_ref().and_then(|summary| summary.get(name)).cloned();
    let started = moment(row.try_get(8)?);
    Ok(JobRow {
        job: row.try_get(0)?,
        command: row.try_get(1)?,
        state: row.try_get(2)?,
        why: row.try_get(3)?,
        schedule: row.try_get(4)?,
        timezone: row.try_get(5)?,
        next_run: moment(row.try_get(6)?),
        last_run: started
            .map(|started| -> Result<LastRun, DbError> {
                Ok(LastRun {
                    run: row.try_get(7)?,
                    started: Some(started),
                    ended: moment(row.try_get(9)?),
                    exit: code(row.try_get(10)?),
                    records: part("records"),
                    rejects: part("rejects"),
                })
            })
            .transpose()?,
        message: row.try_get(11)?,
    })
}

fn end(row: &Row) -> Result<JobEnd, DbError> {
    let (job, ended, exit) = (row.try_get(0)?, moment(row.try_get(1)?), code(row.try_get(2)?));
    Ok(JobEnd { job, ended, exit, summary: value(row.try_get(3)?) })
}

fn moment(ms: Option<i64>) -> Option<Timestamp> {
    ms.and_then(|ms| Timestamp::from_millisecond(ms).ok())
}

fn code(exit: Option<i16>) -> Option<u8> {
    exit.and_then(|exit| u8::try_from(exit).ok())
}

fn value(text: Option<String>) -> Option<Value> {
    text.and_then(|text| serde_json::from_str(&text).ok())
}
