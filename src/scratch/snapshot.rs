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
pub struct SnapshotBuilder {
    snapshot: Snapshot,
    /// Whether a contact was added more than once.
    has_versions: bool,
}

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
        let snapshot = Snapshot { scratch: Scratch::create(folder, &PURPOSE)?, len: 0 };
        Ok(SnapshotBuilder { snapshot, has_versions: false })
    }

    /// How many contacts it holds.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there was no contact.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The contact with this id (JSON as it was added last).
    ///
    /// # Errors
    /// Exit 1 when the snapshot cannot be read.
    pub fn by_id(&self, id: &str) -> Result<Option<String>, Failure> {
        self.scratch.ask(|connection| {
            let mut statement = connection.prepare_cached("SELECT json FROM contact WHERE id = ?1")?;
            Ok(statement.query_row([id], |row| row.get(0)).optional()?)
        })
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
        self.snapshot.scratch.ask(|connection| {
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
        self.snapshot.len += len;
        self.has_versions |= len < found.len() as u64;
        Ok(news)
    }

    /// How many contacts it holds so far.
    pub fn len(&self) -> u64 {
        self.snapshot.len
    }

    /// Whether there was no contact so far.
    pub fn is_empty(&self) -> bool {
        self.snapshot.len == 0
    }

    /// Completes it, so that it can be searched. Of a contact that was added more than once the last version is kept.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub fn done(self) -> Result<Snapshot, Failure> {
        self.snapshot.scratch.ask(|connection| {
            connection.execute_batch("DROP TABLE met; CREATE INDEX contact_id ON contact (id);")?;
            if self.has_versions {
                connection.execute_batch(
                    "DELETE FROM contact WHERE EXISTS
                         (SELECT 1 FROM contact AS later WHERE later.id = contact.id AND later.no > contact.no);
                     DELETE FROM identity WHERE contact NOT IN (SELECT no FROM contact);",
                )?;
            }
            connection.execute_batch("CREATE INDEX identity_key ON identity (key, contact); COMMIT")?;
            Ok(())
        })?;
        Ok(self.snapshot)
    }
}

fn with_identity(connection: &Connection, key: &Key) -> Result<Vec<(String, String)>, SqlError> {
    let mut numbers = connection.prepare_cached("SELECT contact FROM identity WHERE key = ?1 ORDER BY contact")?;
    let mut contact = connection.prepare_cached("SELECT id, json FROM contact WHERE no = ?1")?;
    let (mut found, mut last) = (Vec::new(), None);
    let mut rows = numbers.query([key.as_bytes().as_slice()])?;
    while let Some(row) = rows.next()? {
        let no: i64 = row.get(0)?;
        // A contact that has the value twice is one.
        if last.replace(no) != Some(no) {
            found.push(contact.query_row([no], |row| Ok((row.get(0)?, row.get(1)?)))?);
        }
    }
    Ok(found)
}
