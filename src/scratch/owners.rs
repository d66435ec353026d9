//! Which record of a source owns which contact at the target, for one process: a contact belongs to the first record that
//! reached it, and a second record of another key does not write to it.

use super::file::{Purpose, Scratch};
use crate::outcome::Failure;
use crate::store::{Key, count, int};
use rusqlite::params;
use std::path::Path;

const PURPOSE: Purpose = Purpose {
    name: "owners",
    fails: "the records that own contacts cannot be kept in",
    tables: "CREATE TABLE owner (id TEXT PRIMARY KEY, key BLOB NOT NULL, line INTEGER NOT NULL) WITHOUT ROWID;",
};

/// Contacts, and the first record that reached each.
pub struct Owners {
    scratch: Scratch,
}

impl Owners {
    /// No owners yet, in a new file in `folder`.
    ///
    /// # Errors
    /// Exit 1 when nothing can be written there.
    pub fn create(folder: &Path) -> Result<Owners, Failure> {
        Ok(Owners { scratch: Scratch::create(folder, &PURPOSE)? })
    }

    /// The record with this key, on `line`, has reached the contact with this id. Returns the line of the record that owns
    /// it, if that is another one.
    ///
    /// # Errors
    /// Exit 1 when it cannot be kept.
    pub fn assign(&self, id: &str, key: &Key, line: u64) -> Result<Option<u64>, Failure> {
        self.scratch.ask(|connection| {
            let sql =
                "INSERT INTO owner VALUES (?1, ?2, ?3) ON CONFLICT (id) DO UPDATE SET id = id RETURNING key, line";
            let mut statement = connection.prepare_cached(sql)?;
            let key = key.as_bytes().as_slice();
            let (first, line): (Vec<u8>, i64) =
                statement.query_row(params![id, key, int(line)], |row| Ok((row.get(0)?, row.get(1)?)))?;
            if first == key { Ok(None) } else { Ok(Some(count(line)?)) }
        })
    }
}
