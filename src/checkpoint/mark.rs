//! A mark beside the database that tells how far it was written, so that a lost tail of its log is noticed.
//!
//! SQLite drops the end of a write-ahead log that is damaged, cut or removed, without a word. What is dropped may hold
//! intents. So every group of operations counts a generation up in the database, and once the group is durable the same
//! number goes into this file. The file is not synced: after a loss of power it may be older than the database, which
//! proves nothing, but it is never newer. A database that is older than its mark has lost something.

use super::file::create_private;
use super::schema::{StoreError, beside, cannot_write};
use crate::outcome::Failure;
use rusqlite::{Connection, OptionalExtension};
use std::fs::{self, File};
use std::io::{self, Seek, Write};
use std::path::Path;

/// What is put behind the name of the database.
const SUFFIX: &str = ".mark";

/// Under what name the database remembers its generation.
const MEMORY: &str = "generation";

/// The mark of one database, held by its writer.
#[derive(Debug)]
pub(super) struct Mark {
    file: File,
}

impl Mark {
    /// Opens the mark of a database, made if need be.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written, and when the database is older than it says.
    pub(super) fn open(path: &Path, connection: &Connection) -> Result<Mark, Failure> {
        let file = create_private(&beside(path, SUFFIX)).map_err(|error| cannot_write(path, &error))?;
        let has = generation(connection).map_err(|error| error.failure(path))?;
        match marked(path) {
            Some(marked) if marked > has => Err(lost(path, marked - has)),
            _ => Ok(Mark { file }),
        }
    }

    /// Notes that the database holds this generation, durably.
    pub(super) fn note(&mut self, generation: u64) -> io::Result<()> {
        self.file.rewind()?;
        // Of one length, so that a new number covers the old one.
        self.file.write_all(format!("{generation:020}\n").as_bytes())
    }
}

/// Counts the generation up, in the transaction of a group.
pub(super) fn count_up(connection: &Connection) -> Result<u64, StoreError> {
    let sql = "INSERT INTO memory VALUES (?1, '1')
               ON CONFLICT (name) DO UPDATE SET value = CAST(value AS INTEGER) + 1 RETURNING CAST(value AS INTEGER)";
    let counted: i64 = connection.prepare_cached(sql)?.query_row([MEMORY], |row| row.get(0))?;
    Ok(counted.unsigned_abs())
}

/// Removes the mark of a database that is not there any more.
pub(super) fn remove(path: &Path) -> Result<(), Failure> {
    match fs::remove_file(beside(path, SUFFIX)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(cannot_write(path, &error)),
        _ => Ok(()),
    }
}

fn generation(connection: &Connection) -> Result<u64, StoreError> {
    let sql = "SELECT CAST(value AS INTEGER) FROM memory WHERE name = ?1";
    let known: Option<i64> = connection.query_row(sql, [MEMORY], |row| row.get(0)).optional()?;
    Ok(known.unwrap_or_default().unsigned_abs())
}

/// A mark that cannot be read proves nothing.
fn marked(path: &Path) -> Option<u64> {
    fs::read_to_string(beside(path, SUFFIX)).ok()?.trim().parse().ok()
}

fn lost(path: &Path, groups: u64) -> Failure {
    let (log, mark) = (beside(path, "-wal"), beside(path, SUFFIX));
    let (log, mark) = (log.display(), mark.display());
    let noun = if groups == 1 { "group" } else { "groups" };
    Failure::failed(format!("the checkpoint `{}` has lost its last entries", path.display()))
        .cause(format!(
            "its log `{log}` was damaged or removed: {groups} {noun} of entries that were written are missing"
        ))
        .hint(format!(
            "restore the log from a backup, or remove `{mark}` to continue without them: what has arrived is found at \
             the target, but a contact that was created only in part may stay there"
        ))
}
