//! A mark beside the database that says how far it was written, so that a lost tail of its log is noticed.
//!
//! SQLite drops the end of a write-ahead log that is damaged, cut or removed, without an error. What is dropped may contain
//! intents. So every group of operations counts a generation up in the database, and once the group is durable the same
//! number goes into this file. The file is not synced: after a loss of power it may be older than the database, which
//! proves nothing, but it is never newer. A database that is older than its mark has lost something.

use super::counter::{self, Counter};
use super::error::{beside, cannot_write};
use crate::outcome::Failure;
use crate::store::private::create_private;
use rusqlite::Connection;
use std::fs::{self, File};
use std::io::{self, Seek, Write};
use std::path::Path;

/// The suffix of the name of the database.
const SUFFIX: &str = ".mark";

/// The mark of one database, held by its writer.
#[derive(Debug)]
pub(super) struct Mark {
    file: File,
}

impl Mark {
    /// Opens the mark of a database, created if it is missing.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written, and when the database is older than it says.
    pub(super) fn open(path: &Path, connection: &Connection) -> Result<Mark, Failure> {
        let file = create_private(&beside(path, SUFFIX)).map_err(|error| cannot_write(path, &error))?;
        let has = counter::value(connection, Counter::Generation).map_err(|error| error.failure(path))?;
        match marked(path) {
            Some(marked) if marked > has => Err(lost(path, marked - has)),
            _ => Ok(Mark { file }),
        }
    }

    /// Writes that the database has this generation, durably.
    pub(super) fn note(&mut self, generation: u64) -> io::Result<()> {
        self.file.rewind()?;
        // Of one length, so that a new number covers the old one.
        self.file.write_all(format!("{generation:020}\n").as_bytes())
    }
}

/// Removes the mark of a database that does not exist any more.
pub(super) fn remove(path: &Path) -> Result<(), Failure> {
    match fs::remove_file(beside(path, SUFFIX)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(cannot_write(path, &error)),
        _ => Ok(()),
    }
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
