//! What a preview would write: the contacts as they would be, so that later records find them, and the change of each
//! record.

use super::file::{Purpose, Scratch};
use crate::identity::IdentityValue;
use crate::outcome::Failure;
use crate::store::{Key, int};
use rusqlite::{OptionalExtension, params};
use std::path::Path;

const PURPOSE: Purpose = Purpose {
    name: "recorded",
    fails: "what a dry run keeps cannot be kept in",
    tables: "
        CREATE TABLE contact (id TEXT PRIMARY KEY, json TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE identity (key BLOB NOT NULL, id TEXT NOT NULL, PRIMARY KEY (key, id)) WITHOUT ROWID;
        CREATE TABLE planned (ordinal INTEGER PRIMARY KEY, json TEXT NOT NULL);",
};

/// What a preview would write.
pub struct Recorded {
    scratch: Scratch,
}

impl Recorded {
    /// Nothing yet, in a new file in a folder, which is created if it is missing.
    ///
    /// # Errors
    /// Exit 1 when nothing can be written there.
    pub fn create(folder: &Path) -> Result<Recorded, Failure> {
        Ok(Recorded { scratch: Scratch::create(folder, &PURPOSE)? })
    }

    /// A contact would be like this (JSON) from now on, and be found by these values.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub fn put(&self, id: &str, contact: &str, identities: &[IdentityValue]) -> Result<(), Failure> {
        self.scratch.ask(|connection| {
            connection.prepare_cached("INSERT OR REPLACE INTO contact VALUES (?1, ?2)")?.execute([id, contact])?;
            let mut identity = connection.prepare_cached("INSERT OR IGNORE INTO identity VALUES (?1, ?2)")?;
            for value in identities {
                identity.execute(params![Key::of_link(value).as_bytes().as_slice(), id])?;
            }
            Ok(())
        })
    }

    /// The contact with this id as it would be (JSON), if the preview would write it.
    ///
    /// # Errors
    /// Exit 1 when it cannot be read.
    pub fn by_id(&self, id: &str) -> Result<Option<String>, Failure> {
        self.scratch.ask(|connection| {
            let mut statement = connection.prepare_cached("SELECT json FROM contact WHERE id = ?1")?;
            Ok(statement.query_row([id], |row| row.get(0)).optional()?)
        })
    }

    /// The contacts with this value that the preview would write, by id and JSON.
    ///
    /// # Errors
    /// Exit 1 when it cannot be read.
    pub fn by_identity(&self, identity: &IdentityValue) -> Result<Vec<(String, String)>, Failure> {
        let key = Key::of_link(identity);
        self.scratch.ask(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT contact.id, json FROM identity JOIN contact ON contact.id = identity.id WHERE key = ?1
                 ORDER BY contact.id",
            )?;
            let rows = statement.query_map([key.as_bytes().as_slice()], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Keeps what would happen to the contact of the record with this ordinal (JSON).
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub fn plan(&self, ordinal: u64, planned: &str) -> Result<(), Failure> {
        let ordinal = int(ordinal);
        self.scratch.ask(|connection| {
            let mut statement = connection.prepare_cached("INSERT OR REPLACE INTO planned VALUES (?1, ?2)")?;
            statement.execute(params![ordinal, planned])?;
            Ok(())
        })
    }

    /// What would happen to the contact of the record with this ordinal (JSON), if something would be written.
    ///
    /// # Errors
    /// Exit 1 when it cannot be read.
    pub fn planned(&self, ordinal: u64) -> Result<Option<String>, Failure> {
        let ordinal = int(ordinal);
        self.scratch.ask(|connection| {
            let mut statement = connection.prepare_cached("SELECT json FROM planned WHERE ordinal = ?1")?;
            Ok(statement.query_row([ordinal], |row| row.get(0)).optional()?)
        })
    }
}
