//! The counters of a database: how often it was written, how many processes have taken a turn, and the last lease.

use super::error::SqlError;
use crate::store::coded::int;
use rusqlite::{Connection, OptionalExtension};

/// A number that only grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counter {
    /// Groups written, for the mark.
    Generation,
    /// Processes that have taken a turn.
    Turn,
    /// Leases given.
    Lease,
}

impl Counter {
    fn name(self) -> &'static str {
        match self {
            Counter::Generation => "generation",
            Counter::Turn => "turn",
            Counter::Lease => "lease",
        }
    }
}

/// Counts up by one, in the transaction that has begun.
pub(super) fn count_up(connection: &Connection, counter: Counter) -> Result<u64, SqlError> {
    let sql = "INSERT INTO counter VALUES (?1, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value";
    let counted: i64 = connection.prepare_cached(sql)?.query_row([counter.name()], |row| row.get(0))?;
    Ok(counted.unsigned_abs())
}

/// Counts the groups written up by one, if this is the latest lease; else the latest one is the error. One statement, because
/// it is executed for every group.
pub(super) fn count_group(connection: &Connection, lease: u64) -> Result<u64, SqlError> {
    let mut statement = connection.prepare_cached(
        "UPDATE counter SET value = value + 1 WHERE name = 'generation'
             AND (SELECT value FROM counter WHERE name = 'lease') = ?1 RETURNING value",
    )?;
    let counted: Option<i64> = statement.query_row([int(lease)], |row| row.get(0)).optional()?;
    match counted {
        Some(counted) => Ok(counted.unsigned_abs()),
        None => Err(SqlError::Fenced(lease, value(connection, Counter::Lease)?)),
    }
}

/// Takes the next lease.
pub(super) fn take_lease(connection: &Connection) -> Result<u64, SqlError> {
    connection.execute("INSERT OR IGNORE INTO counter VALUES ('generation', 0)", [])?;
    count_up(connection, Counter::Lease)
}

/// The number as it stands.
pub(super) fn value(connection: &Connection, counter: Counter) -> Result<u64, SqlError> {
    let mut statement = connection.prepare_cached("SELECT value FROM counter WHERE name = ?1")?;
    let known: Option<i64> = statement.query_row([counter.name()], |row| row.get(0)).optional()?;
    Ok(known.unwrap_or_default().unsigned_abs())
}
