//! A rehearsal: what a dry run would have written, so that whoever comes later meets it, and how it would have changed
//! each contact.
//!
//! It is a private file that is gone when the rehearsal is, however the process ends.

use super::Key;
use super::scratch::{Purpose, Scratch};
use crate::identity::IdentityValue;
use crate::outcome::Failure;
use rusqlite::{OptionalExtension, params};
use std::path::Path;

const PURPOSE: Purpose = Purpose {
    name: "rehearsal",
    fails: "what a dry run keeps cannot be kept in",
    tables: "
        CREATE TABLE person (id TEXT PRIMARY KEY, contact TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE identity (key BLOB NOT NULL, id TEXT NOT NULL, PRIMARY KEY (key, id)) WITHOUT ROWID;
        CREATE TABLE planned (ordinal INTEGER PRIMARY KEY, json TEXT NOT NULL);",
};

/// What a dry run would have written.
pub struct Rehearsal {
    scratch: Scratch,
}

impl Rehearsal {
    /// Begins one in a folder, which is made if need be.
    ///
    /// # Errors
    /// Exit 1 when nothing can be written there.
    pub fn create(folder: &Path) -> Result<Rehearsal, Failure> {
        Ok(Rehearsal { scratch: Scratch::create(folder, &PURPOSE)? })
    }

    /// Somebody would be like this (JSON) from now on, and be found by these values.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub fn put(&self, id: &str, contact: &str, identities: &[IdentityValue]) -> Result<(), Failure> {
        self.scratch.ask(|connection| {
            connection.prepare_cached("INSERT OR REPLACE INTO person VALUES (?1, ?2)")?.execute([id, contact])?;
            let mut identity = connection.prepare_cached("INSERT OR IGNORE INTO identity VALUES (?1, ?2)")?;
            for value in identities {
                identity.execute(params![Key::of_link(value).as_bytes().as_slice(), id])?;
            }
            Ok(())
        })
    }

    /// How somebody with this id would be (JSON), where the dry run would have written them.
    ///
    /// # Errors
    /// Exit 1 when it cannot be read.
    pub fn by_id(&self, id: &str) -> Result<Option<String>, Failure> {
        self.scratch.ask(|connection| {
            let mut statement = connection.prepare_cached("SELECT contact FROM person WHERE id = ?1")?;
            Ok(statement.query_row([id], |row| row.get(0)).optional()?)
        })
    }

    /// Everybody with this value whom the dry run would have written, by id and contact (JSON).
    ///
    /// # Errors
    /// Exit 1 when it cannot be read.
    pub fn by_identity(&self, identity: &IdentityValue) -> Result<Vec<(String, String)>, Failure> {
        let key = Key::of_link(identity);
        self.scratch.ask(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT person.id, contact FROM identity JOIN person ON person.id = identity.id WHERE key = ?1
                 ORDER BY person.id",
            )?;
            let rows = statement.query_map([key.as_bytes().as_slice()], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Keeps what would become of the person whose record stands there (JSON).
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub fn plan(&self, ordinal: u64, planned: &str) -> Result<(), Failure> {
        let ordinal = i64::try_from(ordinal).unwrap_or(i64::MAX);
        self.scratch.ask(|connection| {
            let mut statement = connection.prepare_cached("INSERT OR REPLACE INTO planned VALUES (?1, ?2)")?;
            statement.execute(params![ordinal, planned])?;
            Ok(())
        })
    }

    /// What would become of the person whose record stands there (JSON), where something would be written.
    ///
    /// # Errors
    /// Exit 1 when it cannot be read.
    pub fn planned(&self, ordinal: u64) -> Result<Option<String>, Failure> {
        let ordinal = i64::try_from(ordinal).unwrap_or(i64::MAX);
        self.scratch.ask(|connection| {
            let mut statement = connection.prepare_cached("SELECT json FROM planned WHERE ordinal = ?1")?;
            Ok(statement.query_row([ordinal], |row| row.get(0)).optional()?)
        })
    }
}
