//! Which record of a source owns which contact at the target, for one process: a contact belongs to the first record that
//! reached it, and a second record of another key does not write to it.
//!
//! Nearly every contact is reached once. So the latest are kept in memory and written in groups, and the database is asked
//! only about ids that may be in it.

use super::file::{Purpose, Scratch};
use crate::outcome::Failure;
use crate::store::{Filter, Key, SqlError, count, int};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

const PURPOSE: Purpose = Purpose {
    name: "owners",
    fails: "the records that own contacts cannot be kept in",
    tables: "CREATE TABLE owner (id BLOB PRIMARY KEY, key BLOB NOT NULL, line INTEGER NOT NULL) WITHOUT ROWID;",
};

/// Contacts in memory before they are written: each takes about a hundred bytes.
const GROUP: usize = 4096;

/// Contacts, and the first record that reached each.
pub struct Owners {
    scratch: Scratch,
    latest: Mutex<Latest>,
}

/// Contacts by the hash of their id, each with the key and the line of its record.
struct Latest {
    unwritten: BTreeMap<Key, (Key, u64)>,
    /// Those that were written.
    written: Filter,
}

impl Owners {
    /// No owners yet, in a new file in `folder`.
    ///
    /// # Errors
    /// Exit 1 when nothing can be written there.
    pub fn create(folder: &Path) -> Result<Owners, Failure> {
        let latest = Latest { unwritten: BTreeMap::new(), written: Filter::new() };
        Ok(Owners { scratch: Scratch::create(folder, &PURPOSE)?, latest: Mutex::new(latest) })
    }

    /// The record with this key, on `line`, has reached the contact with this id. Returns the line of the record that owns
    /// it, if that is another one.
    ///
    /// # Errors
    /// Exit 1 when it cannot be kept.
    pub fn assign(&self, id: &str, key: &Key, line: u64) -> Result<Option<u64>, Failure> {
        let id = Key::nth(id.as_bytes(), 0);
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let known = match latest.unwritten.get(&id) {
            Some(known) => Some(*known),
            None if latest.written.has(&id) => self.scratch.ask(|connection| written(connection, &id))?,
            None => None,
        };
        if let Some((first, line)) = known {
            return Ok((first != *key).then_some(line));
        }
        latest.unwritten.insert(id, (*key, line));
        if latest.unwritten.len() >= GROUP {
            self.scratch.ask(|connection| write(connection, &latest.unwritten))?;
            latest.unwritten.keys().for_each(|id| latest.written.add(id));
            latest.unwritten.clear();
        }
        Ok(None)
    }
}

fn written(connection: &Connection, id: &Key) -> Result<Option<(Key, u64)>, SqlError> {
    let mut statement = connection.prepare_cached("SELECT key, line FROM owner WHERE id = ?1")?;
    let found: Option<(Vec<u8>, i64)> =
        statement.query_row([id.as_bytes().as_slice()], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let read = |(key, line): (Vec<u8>, i64)| {
        let key = Key::from_hash(&key).ok_or(SqlError::Damaged("a key that is not one"))?;
        Ok((key, count(line)?))
    };
    found.map(read).transpose()
}

fn write(connection: &Connection, owners: &BTreeMap<Key, (Key, u64)>) -> Result<(), SqlError> {
    let mut statement = connection.prepare_cached("INSERT INTO owner VALUES (?1, ?2, ?3)")?;
    for (id, (key, line)) in owners {
        statement.execute(params![id.as_bytes().as_slice(), key.as_bytes().as_slice(), int(*line)])?;
    }
    Ok(())
}
