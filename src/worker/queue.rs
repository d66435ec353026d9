//! Names in the queue of the library: its tables, putting a name in, and what is missing. Handing names out is in
//! `handout.rs`; no other file knows the library.

use crate::outcome::Failure;
use crate::store::postgres::{Database, DbError};
use deadpool_postgres::GenericClient;
use graphile_worker::{Schema, WorkerUtils};

/// The schema of its tables.
pub(super) const SCHEMA: &str = "ferry_queue";
/// What the library calls a name of a job.
pub(super) const TASK: &str = "job";

/// Makes or updates the tables of the queue.
///
/// # Errors
/// Exit 1 when the database refuses.
pub(super) async fn prepare(database: &Database) -> Result<(), Failure> {
    let tables = WorkerUtils::new(pool(database), Schema::new(SCHEMA));
    tables
        .migrate()
        .await
        .map_err(|error| Failure::failed(format!("the queue in `{}` cannot be used", database.shown())).cause(error))
}

/// The places in the queue: those that others wait behind, and the usual one. Each is in the order of its times.
const FIRST: i16 = -1;
const USUAL: i16 = 0;

/// A job that is not in the queue as it should be.
pub(super) struct Missing {
    pub name: String,
    /// The seconds until it is due.
    pub later: f64,
    /// Whether it was begun and has lost its worker.
    pub is_begun: bool,
}

/// Puts a name in, to be handed out after so many seconds; a name that is in already is moved.
///
/// # Errors
/// What the database reports.
pub(super) async fn put(client: &impl GenericClient, name: &str, later: f64) -> Result<(), DbError> {
    add(client, name, later, USUAL).await
}

/// The same before all others, for a job that was begun: a thousand may wait to be begun.
///
/// # Errors
/// What the database reports.
pub(super) async fn put_first(client: &impl GenericClient, name: &str, later: f64) -> Result<(), DbError> {
    add(client, name, later, FIRST).await
}

async fn add(client: &impl GenericClient, name: &str, later: f64, priority: i16) -> Result<(), DbError> {
    let sql = format!(
        "SELECT 1 FROM {SCHEMA}.add_job('{TASK}', json_build_object('name', $1::text), \
         run_at => clock_timestamp() + make_interval(secs => $2), job_key => $1, priority => {priority})"
    );
    client.query(&sql, &[&name, &later]).await?;
    Ok(())
}

/// The jobs that wait or have lost their worker, and are not in the queue; and those that have lost it and wait there behind
/// others.
///
/// # Errors
/// What the database reports.
pub(super) async fn missing(client: &impl GenericClient) -> Result<Vec<Missing>, DbError> {
    let sql = format!(
        "SELECT j.name, greatest(0, extract(epoch FROM coalesce(j.due, j.lease_until) - clock_timestamp()))::float8, \
         j.state = 'running' FROM ferry.job j WHERE NOT j.is_gone AND (j.state = 'waiting' OR j.state = 'running' AND \
         j.lease_until <= clock_timestamp()) AND NOT EXISTS (SELECT 1 FROM {SCHEMA}.jobs q WHERE q.key = j.name \
         AND (j.state = 'waiting' OR q.locked_at IS NOT NULL OR q.priority < {USUAL}))"
    );
    let rows = client.query(&sql, &[]).await?;
    let read = |row: &tokio_postgres::Row| {
        Ok(Missing { name: row.try_get(0)?, later: row.try_get(1)?, is_begun: row.try_get(2)? })
    };
    rows.iter().map(read).collect()
}

/// The connections, as the library takes them.
pub(super) fn pool(database: &Database) -> graphile_worker::Database {
    database.pool().into()
}
