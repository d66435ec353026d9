//! The database: its tables, how a connection to it is set up, and what its errors mean to people.

use crate::outcome::{Exit, Failure};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

/// Marks the file as one of ours (`FERR`).
const APPLICATION_ID: i32 = 0x4645_5252;

/// The version of the tables; a file of a later one is refused.
const VERSION: i32 = 1;

/// Memory a connection may use for pages, in KiB. Entries are appended, so more would not help.
const CACHE_KIB: u32 = 2048;

/// Pages in the log before they are moved into the database: 16 MiB, so that the log stays small and the moving rare.
const LOG_PAGES: u32 = 4000;

/// To how many bytes the log is cut back after it had to grow for one large transaction.
const LOG_BYTES_KEPT: u32 = 32 << 20;

/// How long to wait for another program (a shell, a backup) that holds the database.
const WAIT: Duration = Duration::from_secs(5);

/// Statements kept prepared for each connection: more than there are.
const STATEMENTS: usize = 64;

/// A file up to this size is looked through after a crash; a larger one would take seconds, and is left to the seals of
/// its rows.
const LOOKED_THROUGH_MAX: u64 = 256 << 20;

/// The size of a page; less cannot be a database of ours.
const PAGE_BYTES: u64 = 4096;

/// All tables. `entry`, `image`, `note` and `link_log` only ever grow at their ends, which is what makes writing cheap;
/// an index over the entries of a run is made when the run is resumed (see `tables.rs`).
const TABLES: &str = "
CREATE TABLE run (
    no INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, work TEXT NOT NULL, command TEXT NOT NULL,
    done INTEGER NOT NULL DEFAULT 0, pass INTEGER NOT NULL DEFAULT 0, info TEXT NOT NULL,
    seal INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE entry (
    run INTEGER NOT NULL, no INTEGER NOT NULL, key BLOB NOT NULL, ordinal INTEGER NOT NULL, line INTEGER NOT NULL,
    pass INTEGER NOT NULL, outcome INTEGER NOT NULL, target_id TEXT, detail TEXT, seal INTEGER NOT NULL,
    PRIMARY KEY (run, no)
) WITHOUT ROWID;
CREATE TABLE intent (
    run INTEGER NOT NULL, key BLOB NOT NULL, entry INTEGER, kind INTEGER NOT NULL, ordinal INTEGER NOT NULL,
    line INTEGER NOT NULL, at_ms INTEGER NOT NULL, attempt INTEGER NOT NULL, target_id TEXT, identities TEXT NOT NULL,
    image INTEGER, seal INTEGER NOT NULL, made TEXT, begun INTEGER NOT NULL,
    PRIMARY KEY (run, key)
) WITHOUT ROWID;
CREATE TABLE image (
    no INTEGER PRIMARY KEY, run INTEGER NOT NULL, key BLOB NOT NULL, target_id TEXT, at_ms INTEGER NOT NULL,
    before TEXT, after TEXT NOT NULL, seal INTEGER NOT NULL
);
CREATE INDEX image_of_run ON image (run);
CREATE TABLE note (
    run INTEGER NOT NULL, pass INTEGER NOT NULL, ordinal INTEGER NOT NULL, line INTEGER NOT NULL,
    outcome INTEGER NOT NULL, duplicate_of INTEGER, detail TEXT, seal INTEGER NOT NULL,
    PRIMARY KEY (run, pass, ordinal)
) WITHOUT ROWID;
CREATE TABLE link (key BLOB PRIMARY KEY, target_id TEXT NOT NULL, seal INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE link_log (no INTEGER PRIMARY KEY, key BLOB NOT NULL, target_id TEXT, seal INTEGER NOT NULL);
CREATE TABLE memory (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
";

/// What goes wrong below the checkpoint's interface.
#[derive(Debug, thiserror::Error)]
pub(super) enum StoreError {
    /// SQLite says so.
    #[error("{0}")]
    Sql(#[from] rusqlite::Error),
    /// What was read cannot have been written.
    #[error("{0}")]
    Damaged(&'static str),
    /// A JSON text that does not parse.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// Tables of a version that is not known yet.
    #[error("its tables are of version {0}, and this program knows them up to {VERSION}")]
    Later(i32),
    /// A fault of the program's own.
    #[error("{0}")]
    Misuse(String),
    /// Somebody who was given the rows wants to stop.
    #[error("{0}")]
    Stopped(Failure),
}

impl StoreError {
    /// Whether it comes of a disk that has no room. `path` is the file, or any other in its folder.
    pub(super) fn is_disk_full(&self, path: &Path) -> bool {
        let StoreError::Sql(error) = self else { return false };
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => true,
            Some(ErrorCode::SystemIoFailure) => super::file::is_disk_full(path),
            _ => false,
        }
    }

    /// What is told to people.
    pub(super) fn failure(self, path: &Path) -> Failure {
        let code = match &self {
            StoreError::Stopped(failure) => return failure.clone(),
            StoreError::Sql(error) => error.sqlite_error_code(),
            StoreError::Damaged(_) | StoreError::Json(_) => Some(ErrorCode::DatabaseCorrupt),
            StoreError::Misuse(_) | StoreError::Later(_) => None,
        };
        let shown = path.display();
        if let StoreError::Later(_) = self {
            return Failure::failed(format!("the checkpoint `{shown}` was written by a later version of Ferry"))
                .cause(self)
                .hint("use that version, or name another folder with `--state`");
        }
        let (exit, message, hint) = match code {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => return damaged(path, &self.to_string()),
            Some(_) if self.is_disk_full(path) => {
                (Exit::Failed, format!("the disk is full: `{shown}` cannot grow"), HINT_FULL)
            }
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                (Exit::Failed, format!("the checkpoint `{shown}` cannot be written"), HINT_READ_ONLY)
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed) => {
                (Exit::Busy, format!("another program holds the checkpoint `{shown}`"), HINT_HELD)
            }
            _ => (Exit::Failed, format!("the checkpoint `{shown}` failed"), HINT_FAILED),
        };
        Failure::new(exit, message).cause(self).hint(hint)
    }
}

const HINT_FULL: &str = "make room, then run the same command again: it goes on where it stopped";
const HINT_READ_ONLY: &str = "give this user the right to write there, or name another folder with `--state`";
const HINT_HELD: &str = "close it (a database shell, a backup), then run the same command again";
const HINT_FAILED: &str = "look after the disk, then run the same command again: it goes on where it stopped";

/// A checkpoint that cannot be trusted.
pub(super) fn damaged(path: &Path, how: &str) -> Failure {
    let hint = "restore it from a backup, or move it away together with the files beside it that begin with its name, \
                and run the command again: what has arrived is found at the target";
    Failure::failed(format!("the checkpoint `{}` is damaged", path.display())).cause(how).hint(hint)
}

/// Makes the database, whole or not at all: under another name, synced, then renamed.
pub(super) fn create(path: &Path) -> Result<(), Failure> {
    let new = beside(path, ".new");
    for suffix in ["", "-journal", "-wal", "-shm"] {
        match fs::remove_file(beside(&new, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(cannot_write(path, &error)),
            _ => {}
        }
    }
    super::file::create_private(&new).map_err(|error| cannot_write(path, &error))?;
    fill(&new).map_err(|error| error.failure(path))?;
    fs::rename(&new, path).map_err(|error| cannot_write(path, &error))?;
    super::file::sync_folder_of(path).map_err(|error| cannot_write(path, &error))
}

fn fill(new: &Path) -> Result<(), StoreError> {
    let connection = Connection::open_with_flags(new, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.execute_batch(&format!(
        "PRAGMA page_size = {PAGE_BYTES}; PRAGMA synchronous = EXTRA; BEGIN; PRAGMA application_id = {APPLICATION_ID};
         PRAGMA user_version = {VERSION}; {TABLES} COMMIT;"
    ))?;
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(StoreError::Misuse(format!("the file system cannot keep a write-ahead log (`{mode}`)")));
    }
    connection.close().map_err(|(_, error)| StoreError::Sql(error))
}

/// A file that cannot be made or opened.
pub(super) fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    let hint = if error.kind() == io::ErrorKind::StorageFull { HINT_FULL } else { HINT_READ_ONLY };
    Failure::failed(format!("the checkpoint `{}` cannot be written", path.display())).cause(error).hint(hint)
}

/// The path with something after its name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Refuses a file that cannot be whole, before SQLite would mend it in its own way (an empty database makes it throw
/// the log away). True when the last process did not close it.
pub(super) fn prove_length(path: &Path) -> Result<bool, Failure> {
    let len = fs::metadata(path).map_err(|error| cannot_write(path, &error))?.len();
    if len < PAGE_BYTES {
        return Err(damaged(path, &format!("it has {len} bytes, and cannot have fewer than {PAGE_BYTES}")));
    }
    Ok(fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0))
}

/// Looks through the tables for pages that are lost or torn.
pub(super) fn look_through(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    if fs::metadata(path).is_ok_and(|file| file.len() > LOOKED_THROUGH_MAX) {
        return Ok(());
    }
    let said: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if said == "ok" { Ok(()) } else { Err(StoreError::Damaged("its pages do not hang together")) }
}

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// The one that writes.
    Write,
    /// One of those that read.
    Read,
}

/// Opens a connection to a database that is there.
pub(super) fn connect(path: &Path, how: Use) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(WAIT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.execute_batch(&format!(
        "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;
         PRAGMA cache_size = -{CACHE_KIB}; PRAGMA synchronous = FULL;
         PRAGMA wal_autocheckpoint = {LOG_PAGES}; PRAGMA journal_size_limit = {LOG_BYTES_KEPT};"
    ))?;
    if how == Use::Read {
        connection.execute_batch("PRAGMA query_only = ON")?;
    }
    prove_kind(&connection)?;
    Ok(connection)
}

fn prove_kind(connection: &Connection) -> Result<(), StoreError> {
    let pragma = |sql| connection.query_row(sql, [], |row| row.get::<_, i32>(0));
    if pragma("PRAGMA application_id")? != APPLICATION_ID {
        return Err(StoreError::Damaged("it is a database, but not a checkpoint"));
    }
    let version = pragma("PRAGMA user_version")?;
    if version > VERSION {
        return Err(StoreError::Later(version));
    }
    Ok(())
}
