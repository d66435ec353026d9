//! A snapshot: all contacts at the target, as one paged read found them, on disk and found by id or identity.
//!
//! It proves which contacts were absent or unchanged when it was taken, no more.

use super::file::{Purpose, Scratch};
use crate::identity::IdentityValue;
use crate::outcome::Failure;
use crate::store::{Key, SqlError};
use rusqlite::{Connection, OptionalExtension, params};
use std::path::Path;

const PURPOSE: Purpose = Purpose {
    name: "snapshot",
    fails: "no snapshot can be kept in",
    tables: "
        CREATE TABLE contact (no INTEGER PRIMARY KEY, id TEXT NOT NULL, json TEXT NOT NULL);
        CREATE TABLE met (id TEXT PRIMARY KEY, pass INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE identity (key BLOB NOT NULL, contact INTEGER NOT NULL);",
};

/// A snapshot that is being taken.
pub struct SnapshotBuilder(Snapshot);

/// A snapshot that is complete.
pub struct Snapshot {
    scratch: Scratch,
    len: u64,
}

impl Snapshot {
    /// Begins a snapshot in a folder, which is created if it is missing.
    ///
    /// # Errors
    /// Exit 1 when nothing can be written there.
    pub fn create(folder: &Path) -> Result<SnapshotBuilder, Failure> {
        Ok(SnapshotBuilder(Snapshot { scratch: Scratch::create(folder, &PURPOSE)?, len: 0 }))
    }

    /// How many contacts it holds.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there was no contact.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The contact with this id (JSON as it was added), in its latest version.
    ///
    /// # Errors
    /// Exit 1 when the snapshot cannot be read.
    pub fn by_id(&self, id: &str) -> Result<Option<String>, Failure> {
        self.scratch.ask(|connection| latest(connection, id).map(|found| found.map(|(_, json)| json)))
    }

    /// All contacts with this identity value, by id and contact (JSON as it was added), each once.
    ///
    /// # Errors
    /// Exit 1 when the snapshot cannot be read.
    pub fn by_identity(&self, identity: &IdentityValue) -> Result<Vec<(String, String)>, Failure> {
        self.scratch.ask(|connection| with_identity(connection, &Key::of_link(identity)))
    }
}

impl SnapshotBuilder {
    /// Adds a page of a pass over the target: id, contact (JSON) and identity values of each. A contact that was added before
    /// is replaced. Returns how many of them this pass had not met before.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub fn add(&mut self, pass: u32, found: &[(&str, &str, &[IdentityValue])]) -> Result<u64, Failure> {
        let mut first_met = 0;
        let (news, len) = (&mut first_met, &mut 0);
        self.0.scratch.ask(|connection| {
            let known = "SELECT pass FROM met WHERE id = ?1";
            let mut known = connection.prepare_cached(known)?;
            let mut meet = connection.prepare_cached("INSERT OR REPLACE INTO met VALUES (?1, ?2)")?;
            let mut insert = connection.prepare_cached("INSERT INTO contact (id, json) VALUES (?1, ?2)")?;
            let mut identity = connection.prepare_cached("INSERT INTO identity VALUES (?1, ?2)")?;
            for (id, contact, identities) in found {
                let before: Option<u32> = known.query_row([id], |row| row.get(0)).optional()?;
                if before != Some(pass) {
                    meet.execute(params![id, pass])?;
                    *news += 1;
                }
                if before.is_none() {
                    *len += 1;
                }
                let no = insert.insert(params![id, contact])?;
                for value in *identities {
                    identity.execute(params![Key::of_link(value).as_bytes().as_slice(), no])?;
                }
            }
            Ok(())
        })?;
        let (news, len) = (*news, *len);
        self.0.len += len;
        Ok(news)
    }

    /// How many contacts it holds so far.
    pub fn len(&self) -> u64 {
        self.0.len
    }

    /// Whether there was no contact so far.
    pub fn is_empty(&self) -> bool {
        self.0.len == 0
    }

    /// Completes it, so that it can be searched.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub fn done(self) -> Result<Snapshot, Failure> {
        self.0.scratch.ask(|connection| {
            connection.execute_batch(
                "DROP TABLE met; CREATE INDEX contact_id ON contact (id);
                 CREATE INDEX identity_key ON identity (key, contact); COMMIT",
            )?;
            Ok(())
        })?;
        Ok(self.0)
    }
}

fn latest(connection: &Connection, id: &str) -> Result<Option<(i64, String)>, SqlError> {
    let sql = "SELECT no, json FROM contact WHERE id = ?1 ORDER BY no DESC LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

fn with_identity(connection: &Connection, key: &Key) -> Result<Vec<(String, String)>, SqlError> {
    let mut statement = connection.prepare_cached(
        "SELECT DISTINCT contact.no, id, json FROM identity JOIN contact ON contact.no = identity.contact
         WHERE key = ?1
             AND NOT EXISTS (SELECT 1 FROM contact AS later WHERE later.id = contact.id AND later.no > contact.no)
         ORDER BY contact.no",
    )?;
    let rows = statement.query_map([key.as_bytes().as_slice()], |row| Ok((row.get(1)?, row.get(2)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
