//! Which record of a source has come to which contact, for one process: two that come to the same one are two people of
//! the source and one at the target.

use super::Key;
use super::rows::{count, int};
use super::scratch::{Purpose, Scratch};
use crate::outcome::Failure;
use rusqlite::params;
use std::path::Path;

const PURPOSE: Purpose = Purpose {
    name: "claims",
    fails: "who came to which contact cannot be kept in",
    tables: "CREATE TABLE claim (id TEXT PRIMARY KEY, key BLOB NOT NULL, line INTEGER NOT NULL) WITHOUT ROWID;",
};

/// Contacts, and the first record that came to each.
pub struct Claims {
    scratch: Scratch,
}

impl Claims {
    /// None yet, in a new file in `folder`.
    ///
    /// # Errors
    /// Exit 1 when nothing can be written there.
    pub fn create(folder: &Path) -> Result<Claims, Failure> {
        Ok(Claims { scratch: Scratch::create(folder, &PURPOSE)? })
    }

    /// A person whose record stands on `line` has come to the contact with this id. The line of whoever was there first,
    /// where that is somebody else.
    ///
    /// # Errors
    /// Exit 1 when it cannot be kept.
    pub fn claim(&self, id: &str, key: &Key, line: u64) -> Result<Option<u64>, Failure> {
        self.scratch.ask(|connection| {
            let sql =
                "INSERT INTO claim VALUES (?1, ?2, ?3) ON CONFLICT (id) DO UPDATE SET id = id RETURNING key, line";
            let mut statement = connection.prepare_cached(sql)?;
            let key = key.as_bytes().as_slice();
            let (first, line): (Vec<u8>, i64) =
                statement.query_row(params![id, key, int(line)], |row| Ok((row.get(0)?, row.get(1)?)))?;
            if first == key { Ok(None) } else { Ok(Some(count(line)?)) }
        })
    }
}
