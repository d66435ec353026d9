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

/// Puts a name in, to be handed out after so many seconds; a name that is in already is moved.
///
/// # Errors
/// What the database reports.
pub(super) async fn put(client: &impl GenericClient, name: &str, later: f64) -> Result<(), DbError> {
    let sql = format!(
        "SELECT 1 FROM {SCHEMA}.add_job('{}', json_build_object('name', $1::text), \
         run_at => clock_timestamp() + make_interval(secs => $2), job_key => $1)",
        TASK
    );
    client.query(&sql, &[&name, &later]).await?;
    Ok(())
}

/// The jobs that wait or have lost their worker, and are not in the queue: the name, and the seconds until it is due.
///
/// # Errors
/// What the database reports.
pub(super) async fn missing(client: &impl GenericClient) -> Result<Vec<(String, f64)>, DbError> {
    let sql = format!(
        "SELECT j.name, greatest(0, extract(epoch FROM coalesce(j.due, j.lease_until) - clock_timestamp()))::float8 \
         FROM ferry.job j WHERE NOT j.is_gone AND (j.state = 'waiting' OR j.state = 'running' AND \
         j.lease_until <= clock_timestamp()) AND NOT EXISTS (SELECT 1 FROM {SCHEMA}.jobs q WHERE q.key = j.name)"
    );
    let rows = client.query(&sql, &[]).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

/// The connections, as the library takes them.
pub(super) fn pool(database: &Database) -> graphile_worker::Database {
    database.pool().into()
}
