//! Values that a pass left out of contacts that arrived, kept on disk in order of arrival and listed in the order of the
//! source.
//!
//! What their codes mean, and where the list is written, is decided by the run.

use super::file::{Purpose, Scratch};
use crate::contact::LeftBlank;
use crate::outcome::Failure;
use crate::store::{SqlError, count, int};
use rusqlite::params;
use std::path::Path;

const PURPOSE: Purpose = Purpose {
    name: "left-blank",
    fails: "the values that are left blank cannot be kept in",
    tables: "CREATE TABLE left_blank (line INTEGER NOT NULL, name TEXT, code TEXT NOT NULL, value TEXT NOT NULL);",
};

/// The values that one process left out.
pub struct LeftBlankValues {
    scratch: Scratch,
}

impl LeftBlankValues {
    /// An empty list, in a new file in `folder`.
    ///
    /// # Errors
    /// Exit 1 when nothing can be written there.
    pub fn create(folder: &Path) -> Result<LeftBlankValues, Failure> {
        Ok(LeftBlankValues { scratch: Scratch::create(folder, &PURPOSE)? })
    }

    /// Adds a value.
    ///
    /// # Errors
    /// Exit 1 when it cannot be kept.
    pub fn add(&self, left: &LeftBlank) -> Result<(), Failure> {
        self.scratch.ask(|connection| {
            let mut insert = connection.prepare_cached("INSERT INTO left_blank VALUES (?1, ?2, ?3, ?4)")?;
            insert.execute(params![int(left.line), left.column, left.code, left.value])?;
            Ok(())
        })
    }

    /// Visits all of them by line, those of one line in the order in which they were added.
    ///
    /// # Errors
    /// Exit 1 when they cannot be read; what `visit` was stopped with.
    pub fn for_each(&self, mut visit: impl FnMut(LeftBlank) -> Result<(), Failure>) -> Result<(), Failure> {
        self.scratch.ask(|connection| {
            let mut select =
                connection.prepare("SELECT line, name, code, value FROM left_blank ORDER BY line, rowid")?;
            let mut rows = select.query([])?;
            while let Some(row) = rows.next()? {
                let (line, column) = (count(row.get(0)?)?, row.get(1)?);
                let (code, value) = (row.get::<_, String>(2)?.into(), row.get(3)?);
                visit(LeftBlank { line, column, code, value }).map_err(SqlError::Stopped)?;
            }
            Ok(())
        })
    }
}
