//! The rows of the jobs: what is due, who has it, and what followed. Every change is one transaction, judged by the clock of
//! the database; what a worker writes names the number of the start that it belongs to, and is refused under an older one.
//!
//! It starts nothing. Reading the rows for people is in `listing.rs`.

use super::definition::Defined;
use super::hosts::{FAILURES_MAX, PAUSE};
use super::queue::{self, Missing};
use super::retry::{DEATHS_MAX, Ended, Next, Tried, after};
use crate::outcome::Failure;
use crate::plan::Schedule;
use crate::store::postgres::{Client, Database, DbError};
use deadpool_postgres::GenericClient;
use jiff::Timestamp;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::types::ToSql;

/// Names that are put into the queue in one transaction: the library takes a lock for each, of which a server has some
/// thousands.
const PUT_MAX: usize = 500;
/// Definitions that are written in one statement.
const DEFINED_MAX: usize = 1_000;
/// The lock under which definitions are written: one worker at a time.
const LOCK: i64 = 0x4645_5252_5901;
/// Days for which ends of jobs are kept.
const KEPT_DAYS: i32 = 90;
/// Ends that are removed at once: those of a minute are far fewer.
const REMOVED_MAX: i64 = 10_000;

/// The rows of the jobs in a database.
#[derive(Clone)]
pub struct Table {
    pub(super) database: Database,
}

/// What follows when a name is handed out.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Taken {
    /// The job is this worker's.
    Start(Start),
    /// To be handed out again after so many seconds.
    Later(f64),
    /// The same, because this worker has enough jobs of its host.
    Full(f64),
    /// There is nothing to do.
    Nothing,
}

/// A job that a worker has taken.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Start {
    /// The number of the start.
    pub token: i64,
    /// The seconds for which it could have started.
    pub waited: f64,
    /// The hosts that it talks to.
    pub hosts: Vec<String>,
    /// How long it may run.
    pub time_limit: Option<Duration>,
}

/// The end of a job.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub name: String,
    pub token: i64,
    pub ended: Ended,
    pub summary: Option<Value>,
    pub message: Option<String>,
}

/// Who takes a job.
#[derive(Clone, Debug)]
pub(super) struct By {
    pub worker: String,
    pub lease: Duration,
    /// The hosts of which it has enough jobs.
    pub full_hosts: Vec<String>,
}

/// Jobs of a worker that are renewed.
#[derive(Clone, Debug, Default)]
pub(super) struct Renewed {
    /// The names of those that are still its own.
    pub names: Vec<String>,
    pub is_draining: bool,
}

/// How many jobs were submitted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Submitted {
    /// Those that run now, and run again when they have ended.
    pub running: Vec<String>,
}

impl Table {
    /// The rows in this database, with the tables of the queue.
    ///
    /// # Errors
    /// Exit 1 when the database refuses.
    pub async fn open(database: Database) -> Result<Table, Failure> {
        queue::prepare(&database).await?;
        Ok(Table { database })
    }

    /// Registers a worker; its id.
    pub(super) async fn register(&self, host: String, slots: usize) -> Result<String, Failure> {
        let (pid, slots) =
            (i32::try_from(std::process::id()).unwrap_or_default(), i32::try_from(slots).unwrap_or(i32::MAX));
        let work = move |client: Client| {
            let host = host.clone();
            async move {
                let sql = "INSERT INTO ferry.worker (id, host, pid, version, slots) \
                           VALUES (gen_random_uuid(), $1, $2, $3, $4) RETURNING id::text";
                let row = client.query_one(sql, &[&host, &pid, &env!("CARGO_PKG_VERSION"), &slots]).await?;
                Ok(row.try_get(0)?)
            }
        };
        self.database.run(work).await
    }

    /// Removes a worker that has ended.
    pub(super) async fn leave(&self, worker: String) -> Result<(), Failure> {
        let work = move |client: Client| {
            let worker = worker.clone();
            async move {
                client.execute("DELETE FROM ferry.worker WHERE id = $1::text::uuid", &[&worker]).await?;
                Ok(())
            }
        };
        self.database.run(work).await
    }

    /// Writes the definitions of jobs. `are_all`: jobs that are not among them are gone.
    ///
    /// # Errors
    /// Exit 1 when the database refuses.
    pub async fn define(&self, jobs: Vec<Defined>, are_all: bool) -> Result<(), Failure> {
        let jobs = Arc::new(jobs);
        let work = move |client: Client| {
            let jobs = Arc::clone(&jobs);
            async move { define(client, &jobs, are_all).await }
        };
        self.database.run(work).await
    }

    /// Jobs to be done now, also those that were held.
    ///
    /// # Errors
    /// Exit 1 when the database refuses.
    pub async fn submit(&self, names: Vec<String>) -> Result<Submitted, Failure> {
        let work = move |client: Client| {
            let names = names.clone();
            async move { submit(client, &names).await }
        };
        self.database.run(work).await
    }

    /// Tells all workers to finish what they do and end; how many there are.
    ///
    /// # Errors
    /// Exit 1 when the database refuses.
    pub async fn drain(&self) -> Result<u64, Failure> {
        let work = |client: Client| async move {
            let sql = "UPDATE ferry.worker SET is_draining = true WHERE seen > clock_timestamp() - interval '5 min'";
            Ok(client.execute(sql, &[]).await?)
        };
        self.database.run(work).await
    }

    /// Takes a job that was handed out, if it is to be done now. A name that comes too early, or one of a host that is
    /// paused or full, is put back.
    pub(super) async fn take(&self, name: String, by: By) -> Result<Taken, Failure> {
        let work = move |client: Client| {
            let (name, by) = (name.clone(), by.clone());
            async move { take(client, &name, &by).await }
        };
        self.database.run(work).await
    }

    /// Renews the leases of jobs, by name and number of the start, with their accounts.
    pub(super) async fn renew(
        &self,
        worker: String,
        jobs: Vec<(String, i64)>,
        lease: Duration,
    ) -> Result<Renewed, Failure> {
        let work = move |client: Client| {
            let (worker, jobs) = (worker.clone(), jobs.clone());
            async move { renew(client, &worker, &jobs, lease).await }
        };
        self.database.run(work).await
    }

    /// Writes how a job ended, and what follows; false where it was not this start's any more.
    pub(super) async fn finish(&self, end: End, lease: Duration) -> Result<bool, Failure> {
        let end = Arc::new(end);
        let work = move |client: Client| {
            let end = Arc::clone(&end);
            async move { finish(client, &end, lease).await }
        };
        self.database.run(work).await
    }

    /// Puts the jobs into the queue whose time has come.
    pub(super) async fn schedule(&self) -> Result<(), Failure> {
        let work = |client: Client| async move { schedule(client).await };
        while self.database.run(work).await? == PUT_MAX {}
        Ok(())
    }

    /// Puts back into the queue what is missing there, and removes what is old.
    pub(super) async fn reconcile(&self) -> Result<usize, Failure> {
        let work = |client: Client| async move {
            let missing = queue::missing(&client).await?;
            for Missing { name, later, is_begun } in &missing {
                match is_begun {
                    true => queue::put_first(&client, name, *later).await?,
                    false => queue::put(&client, name, *later).await?,
                }
            }
            let old = "DELETE FROM ferry.job_run WHERE ctid = ANY (ARRAY (SELECT ctid FROM ferry.job_run \
                       WHERE ended < now() - make_interval(days => $1) LIMIT $2))";
            client.execute(old, &[&KEPT_DAYS, &REMOVED_MAX]).await?;
            client.execute("DELETE FROM ferry.worker WHERE seen < now() - interval '1 day'", &[]).await?;
            Ok(missing.len())
        };
        self.database.run(work).await
    }
}

async fn define(mut client: Client, jobs: &[Defined], are_all: bool) -> Result<(), DbError> {
    let transaction = client.transaction().await?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    let now = now(&transaction).await?;
    for some in jobs.chunks(DEFINED_MAX) {
        define_some(&transaction, some, now).await?;
    }
    if are_all {
        let names: Vec<&str> = jobs.iter().map(|job| job.name.as_str()).collect();
        let sql = "UPDATE ferry.job SET is_gone = true, next_at = NULL, \
                   state = CASE WHEN state = 'waiting' THEN 'idle' ELSE state END \
                   WHERE NOT is_gone AND NOT (name = ANY($1))";
        transaction.execute(sql, &[&names]).await?;
    }
    transaction.commit().await?;
    Ok(())
}

async fn define_some(client: &impl GenericClient, jobs: &[Defined], now: Timestamp) -> Result<(), DbError> {
    let texts = |of: fn(&Defined) -> &str| jobs.iter().map(of).collect::<Vec<_>>();
    let (names, commands, hashes) = (texts(|job| &job.name), texts(|job| &job.command), texts(|job| &job.hash));
    let accounts: Vec<String> = jobs.iter().map(|job| job.accounts.join("\n")).collect();
    let schedules: Vec<Option<String>> =
        jobs.iter().map(|job| job.schedule.as_ref().map(ToString::to_string)).collect();
    let zones: Vec<Option<&str>> = jobs.iter().map(|job| job.schedule.as_ref().map(Schedule::zone)).collect();
    let next = |job: &Defined| Some(job.schedule.as_ref()?.next_after(now)?.as_millisecond());
    let nexts: Vec<Option<i64>> = jobs.iter().map(next).collect();
    let wrongs: Vec<Option<&str>> = jobs.iter().map(|job| job.wrong.as_deref()).collect();
    let hosts: Vec<String> = jobs.iter().map(|job| job.hosts.join("\n")).collect();
    let limits: Vec<Option<f64>> = jobs.iter().map(|job| job.time_limit.map(|limit| limit.as_secs_f64())).collect();
    // A job whose definition was wrong waits for its schedule again when that is fixed.
    let sql = "INSERT INTO ferry.job AS j (name, command, accounts, definition, schedule, timezone, next_at, state, why, \
               message, exit, hosts, time_limit) \
               SELECT n.name, n.command, string_to_array(n.accounts, chr(10)), n.hash, n.schedule, n.zone, \
               to_timestamp(n.next / 1000.0), CASE WHEN n.wrong IS NULL THEN 'idle' ELSE 'held' END, \
               CASE WHEN n.wrong IS NULL THEN '' ELSE 'definition' END, n.wrong, \
               CASE WHEN n.wrong IS NULL THEN NULL ELSE 2::smallint END, string_to_array(n.hosts, chr(10)), n.time_limit \
               FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], \
               $8::text[], $9::text[], $10::float8[]) \
               AS n (name, command, accounts, hash, schedule, zone, next, wrong, hosts, time_limit) \
               ON CONFLICT (name) DO UPDATE SET command = excluded.command, accounts = excluded.accounts, \
               hosts = excluded.hosts, time_limit = excluded.time_limit, \
               definition = excluded.definition, schedule = excluded.schedule, timezone = excluded.timezone, \
               next_at = CASE WHEN j.next_at IS NULL OR j.is_gone OR (j.schedule, j.timezone) IS DISTINCT FROM \
               (excluded.schedule, excluded.timezone) THEN excluded.next_at ELSE j.next_at END, is_gone = false, \
               state = CASE WHEN j.state = 'running' THEN j.state WHEN excluded.state = 'held' THEN 'held' \
               WHEN j.why = 'definition' THEN 'idle' ELSE j.state END, \
               why = CASE WHEN excluded.state = 'held' THEN excluded.why WHEN j.why = 'definition' THEN '' ELSE j.why END, \
               message = coalesce(excluded.message, CASE WHEN j.why = 'definition' THEN NULL ELSE j.message END), \
               exit = coalesce(excluded.exit, CASE WHEN j.why = 'definition' THEN NULL ELSE j.exit END) \
               WHERE (j.definition, j.is_gone, j.accounts, j.hosts) IS DISTINCT FROM \
               (excluded.definition, false, excluded.accounts, excluded.hosts)";
    let values: [&(dyn ToSql + Sync); 10] =
        [&names, &commands, &accounts, &hashes, &schedules, &zones, &nexts, &wrongs, &hosts, &limits];
    client.execute(sql, &values).await?;
    Ok(())
}

/// The moment by the clock of the database.
async fn now(client: &impl GenericClient) -> Result<Timestamp, DbError> {
    let row = client.query_one("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint", &[]).await?;
    Timestamp::from_millisecond(row.try_get(0)?).map_err(|_| DbError::Damaged("the database has no clock"))
}

async fn submit(mut client: Client, names: &[String]) -> Result<Submitted, DbError> {
    let mut submitted = Submitted::default();
    for some in names.chunks(PUT_MAX) {
        submit_some(&mut client, some, &mut submitted).await?;
    }
    Ok(submitted)
}

async fn submit_some(client: &mut Client, names: &[String], submitted: &mut Submitted) -> Result<(), DbError> {
    let transaction = client.transaction().await?;
    // A person who submits a job knows that its platform is back; some more failures pause it again.
    let sql = "UPDATE ferry.host SET paused_until = NULL, failures = $2 WHERE paused_until IS NOT NULL AND host IN \
               (SELECT unnest(hosts) FROM ferry.job WHERE name = ANY($1))";
    transaction.execute(sql, &[&names, &(FAILURES_MAX / 2)]).await?;
    let sql = "UPDATE ferry.job SET \
               again = again OR state = 'running', due = CASE WHEN state = 'running' THEN due ELSE clock_timestamp() END, \
               ready = clock_timestamp(), tries = 0, unknowns = 0, deaths = 0, \
               why = CASE WHEN state = 'running' THEN why ELSE 'submitted' END, \
               state = CASE WHEN state = 'running' THEN state ELSE 'waiting' END \
               WHERE name = ANY($1) AND NOT is_gone RETURNING name, state";
    for row in transaction.query(sql, &[&names]).await? {
        let (name, state): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        if state == "running" {
            submitted.running.push(name);
        } else {
            queue::put(&transaction, &name, 0.0).await?;
        }
    }
    transaction.commit().await?;
    Ok(())
}

async fn take(mut client: Client, name: &str, by: &By) -> Result<Taken, DbError> {
    let transaction = client.transaction().await?;
    let sql = "SELECT outcome, token, waited, later, hosts, time_limit \
               FROM ferry.take_job_of_host($1, $2::text::uuid, $3, $4, $5)";
    let By { worker, lease, full_hosts } = by;
    let row = transaction.query_one(sql, &[&name, worker, &lease.as_secs_f64(), &DEATHS_MAX, full_hosts]).await?;
    let (outcome, later): (String, f64) = (row.try_get(0)?, row.try_get(3)?);
    let time_limit: Option<f64> = row.try_get(5)?;
    let taken = match outcome.as_str() {
        "taken" => Taken::Start(Start {
            token: row.try_get(1)?,
            waited: row.try_get(2)?,
            hosts: row.try_get(4)?,
            time_limit: time_limit.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        }),
        "busy" | "early" | "paused" => Taken::Later(later),
        "full" => Taken::Full(later),
        _ => Taken::Nothing,
    };
    if let Taken::Later(later) | Taken::Full(later) = taken {
        queue::put(&transaction, name, later).await?;
    }
    transaction.commit().await?;
    Ok(taken)
}

async fn renew(client: Client, worker: &str, jobs: &[(String, i64)], lease: Duration) -> Result<Renewed, DbError> {
    let (names, tokens): (Vec<&str>, Vec<i64>) = jobs.iter().map(|(name, token)| (name.as_str(), *token)).unzip();
    // An ended lease is never revived, even if the job has not been taken since.
    let sql = "WITH mine AS (SELECT * FROM unnest($2::text[], $3::bigint[]) AS m (name, token)), \
               renewed AS (UPDATE ferry.job j SET lease_until = clock_timestamp() + make_interval(secs => $4) FROM mine \
               WHERE j.name = mine.name AND j.token = mine.token AND j.worker = $1::text::uuid AND j.state = 'running' \
               AND j.lease_until > clock_timestamp() RETURNING j.name, j.token), \
               accounts AS (UPDATE ferry.job_account a SET lease_until = clock_timestamp() + make_interval(secs => $4) \
               FROM renewed WHERE a.job = renewed.name AND a.token = renewed.token) \
               SELECT name FROM renewed";
    let rows = client.query(sql, &[&worker, &names, &tokens, &lease.as_secs_f64()]).await?;
    let names = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<String>, _>>()?;
    let sql = "UPDATE ferry.worker SET seen = clock_timestamp() WHERE id = $1::text::uuid RETURNING is_draining";
    let seen = client.query_opt(sql, &[&worker]).await?;
    let is_draining = seen.map(|row| row.try_get(0)).transpose()?.unwrap_or_default();
    Ok(Renewed { names, is_draining })
}

async fn finish(mut client: Client, end: &End, lease: Duration) -> Result<bool, DbError> {
    let transaction = client.transaction().await?;
    let sql = "SELECT tries, unknowns, deaths, again, is_gone FROM ferry.job \
               WHERE name = $1 AND token = $2 AND state = 'running' FOR UPDATE";
    let Some(row) = transaction.query_opt(sql, &[&end.name, &end.token]).await? else { return Ok(false) };
    let tried = Tried { tries: row.try_get(0)?, unknowns: row.try_get(1)?, deaths: row.try_get(2)? };
    let (again, is_gone): (bool, bool) = (row.try_get(3)?, row.try_get(4)?);
    let (next, tried) = after(end.ended, tried, lease);
    let (state, why, later) = match next {
        _ if again && !is_gone => ("waiting", "submitted", Some(0.0)),
        _ if is_gone => ("idle", "", None),
        Next::Idle => ("idle", "", None),
        Next::Held => ("held", if end.ended == Ended::Lost { "deaths" } else { "failed" }, None),
        Next::Again(delay) => {
            let why = if end.ended == Ended::Drained { "drained" } else { "again" };
            ("waiting", why, Some(delay.as_secs_f64()))
        }
        Next::WhenFree(delay) => ("waiting", "account", Some(until_free(&transaction, &end.name, delay).await?)),
    };
    let exit = match end.ended {
        Ended::Exit(code) => Some(i16::from(code)),
        Ended::Drained => Some(i16::from(crate::outcome::Exit::Terminated.code())),
        Ended::Lost => None,
    };
    let run = end.summary.as_ref().and_then(|summary| summary.get("run")?.as_str()).map(str::to_owned);
    let sql = "WITH ended AS (UPDATE ferry.job SET state = $3, why = $4, worker = NULL, lease_until = NULL, again = false, \
               due = clock_timestamp() + make_interval(secs => $5), ready = clock_timestamp() + make_interval(secs => $5), \
               tries = $6, unknowns = $7, deaths = $8, exit = $9, ended = clock_timestamp(), \
               run = coalesce($10, run), message = $11 WHERE name = $1 RETURNING started, ended) \
               INSERT INTO ferry.job_run (job, token, started, ended, exit, run, summary, message) \
               SELECT $1, $2, started, ended, $9, $10, $12::text::jsonb, $11 FROM ended";
    let Tried { tries, unknowns, deaths } = tried;
    transaction
        .execute(
            sql,
            &[
                &end.name,
                &end.token,
                &state,
                &why,
                &later,
                &tries,
                &unknowns,
                &deaths,
                &exit,
                &run,
                &end.message,
                &end.summary.as_ref().map(Value::to_string),
            ],
        )
        .await?;
    transaction
        .execute("DELETE FROM ferry.job_account WHERE job = $1 AND token = $2", &[&end.name, &end.token])
        .await?;
    match later {
        Some(later) if matches!(end.ended, Ended::Drained | Ended::Lost) => {
            queue::put_first(&transaction, &end.name, later).await?;
        }
        Some(later) => queue::put(&transaction, &end.name, later).await?,
        None => {}
    }
    if let Some(is_available) = end.ended.is_available() {
        let pause = (lease * PAUSE).as_secs_f64();
        let sql = "SELECT ferry.note_hosts($1, $2, $3, $4)";
        transaction.execute(sql, &[&end.name, &is_available, &FAILURES_MAX, &pause]).await?;
    }
    transaction.commit().await?;
    Ok(true)
}

/// The seconds until the lease of the process ends that writes to an account of the job, and a few more, so that jobs which
/// wait for one account do not come at once; `or_else` where none is known.
async fn until_free(client: &impl GenericClient, name: &str, or_else: Duration) -> Result<f64, DbError> {
    let sql = "SELECT extract(epoch FROM max(a.lease_until) - clock_timestamp())::float8 + 1 + 9 * random() \
               FROM ferry.account a JOIN ferry.job j ON a.key = ANY (j.accounts) \
               WHERE j.name = $1 AND a.lease_until > clock_timestamp()";
    let left: Option<f64> = client.query_one(sql, &[&name]).await?.try_get(0)?;
    Ok(left.unwrap_or(or_else.as_secs_f64()))
}

async fn schedule(mut client: Client) -> Result<usize, DbError> {
    let transaction = client.transaction().await?;
    let sql = "SELECT name, schedule, timezone, state FROM ferry.job WHERE NOT is_gone AND next_at <= statement_timestamp() \
               ORDER BY next_at LIMIT $1 FOR UPDATE SKIP LOCKED";
    let rows = transaction.query(sql, &[&(PUT_MAX as i64)]).await?;
    let now = now(&transaction).await?;
    for row in &rows {
        let (name, text, zone, state): (String, Option<String>, Option<String>, String) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
        let schedule = text.and_then(|text| Schedule::parse(&text, zone.as_deref(), &name).ok());
        let next = schedule.and_then(|schedule| schedule.next_after(now)).map(Timestamp::as_millisecond);
        // What runs or is held is not begun a second time; the next time comes.
        let starts = matches!(state.as_str(), "idle" | "waiting");
        let sql = "UPDATE ferry.job SET next_at = to_timestamp($2::bigint / 1000.0), \
                   state = CASE WHEN $3 THEN 'waiting' ELSE state END, why = CASE WHEN $3 THEN 'schedule' ELSE why END, \
                   due = CASE WHEN $3 THEN clock_timestamp() ELSE due END, \
                   ready = CASE WHEN $3 THEN clock_timestamp() ELSE ready END, \
                   tries = CASE WHEN $3 THEN 0 ELSE tries END, unknowns = CASE WHEN $3 THEN 0 ELSE unknowns END \
                   WHERE name = $1";
        transaction.execute(sql, &[&name, &next, &starts]).await?;
        if starts {
            queue::put(&transaction, &name, 0.0).await?;
        }
    }
    transaction.commit().await?;
    Ok(rows.len())
}
