//! The new entries of a group, written several to a statement: executing one costs as much as a row.

use super::error::SqlError;
use super::rows::EntryRow;
use rusqlite::{Connection, Statement};

/// Rows of a statement; what is left of a group is written one by one.
const ROWS: usize = 16;

/// Entries that were added and are not in the database yet. Anything that reads or changes entries writes them first.
#[derive(Default)]
pub(super) struct NewEntries<'a> {
    rows: Vec<EntryRow<'a>>,
}

impl<'a> NewEntries<'a> {
    pub(super) fn add(&mut self, row: EntryRow<'a>) {
        self.rows.push(row);
    }

    /// Whether this entry is among them.
    pub(super) fn has(&self, row: &EntryRow<'_>) -> bool {
        self.rows.iter().any(|new| new.run == row.run && new.no == row.no)
    }

    /// Writes them all.
    pub(super) fn write(&mut self, connection: &Connection) -> Result<(), SqlError> {
        let (many, few) = self.rows.as_chunks::<ROWS>();
        if !many.is_empty() {
            let mut statement = connection.prepare_cached(&insert(ROWS))?;
            many.iter().try_for_each(|rows| execute(&mut statement, rows))?;
        }
        if !few.is_empty() {
            let mut statement = connection.prepare_cached(&insert(1))?;
            few.iter().try_for_each(|row| execute(&mut statement, std::slice::from_ref(row)))?;
        }
        self.rows.clear();
        Ok(())
    }
}

/// A failure ends the transaction anyhow (`OR FAIL`): otherwise SQLite would keep what the statement has changed, to be able
/// to take that back alone.
fn insert(rows: usize) -> String {
    let values = vec!["(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"; rows].join(", ");
    format!(
        "INSERT OR FAIL INTO entry (run, no, key, ordinal, line, pass, outcome, target_id, detail, seal) VALUES {values}"
    )
}

fn execute(statement: &mut Statement<'_>, rows: &[EntryRow<'_>]) -> Result<(), SqlError> {
    for (row, first) in rows.iter().zip((1..).step_by(10)) {
        let [ordinal, line, pass, outcome] = row.numbers;
        statement.raw_bind_parameter(first, row.run.0)?;
        statement.raw_bind_parameter(first + 1, row.no)?;
        statement.raw_bind_parameter(first + 2, row.key.as_bytes().as_slice())?;
        statement.raw_bind_parameter(first + 3, ordinal)?;
        statement.raw_bind_parameter(first + 4, line)?;
        statement.raw_bind_parameter(first + 5, pass)?;
        statement.raw_bind_parameter(first + 6, outcome)?;
        statement.raw_bind_parameter(first + 7, row.target_id)?;
        statement.raw_bind_parameter(first + 8, row.detail.as_deref())?;
        statement.raw_bind_parameter(first + 9, row.seal())?;
    }
    statement.raw_execute()?;
    Ok(())
}
