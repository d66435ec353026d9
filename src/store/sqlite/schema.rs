//! The database: its tables, how it is created and checked, and how a connection to it is set up.

use super::error::{SqlError, beside, cannot_write, damaged};
use crate::outcome::Failure;
use crate::store::private::{create_private, sync_folder_of};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::fs::File;
use std::path::Path;
use std::time::Duration;
use std::{fs, io};

/// Marks the file as one of ours (`FERR`).
const APPLICATION_ID: i32 = 0x4645_5252;

/// The version of the tables. A file of an earlier one gets the missing tables when it is opened for writing, one of a
/// later version is refused.
const VERSION: i32 = 4;

/// The memory for pages of the connection that writes, in KiB. Entries are appended, so more would not help.
const CACHE_KIB: u32 = 1024;

/// The same of each that reads: links are read in the order of their table, everything else from one end to the other.
const READ_CACHE_KIB: u32 = 512;

/// The pages in the log before they are moved into the database: 16 MiB, so that the log stays small and moving it is rare.
const LOG_PAGES: u32 = 4000;

/// The size to which the log is cut back after it had to grow for one large transaction.
const LOG_BYTES_KEPT: u32 = 32 << 20;

/// How long to wait for another program (a shell, a backup) that holds the database.
const WAIT: Duration = Duration::from_secs(5);

/// Statements kept prepared for each connection: more than there are, so that each is prepared once.
const STATEMENTS: usize = 64;

/// A file up to this size is checked after a crash. A larger one would take seconds; its rows still have their seals.
const CHECKED_MAX: u64 = 256 << 20;

/// The size of a page; less cannot be a database of ours.
const PAGE_BYTES: u64 = 4096;

/// The tables of version 1. `entry`, `note` and `link_log` only grow at their ends, which is what makes writing
/// cheap.
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

/// What version 2 adds. `earlier` finds the entries that were there when the pass of a run began; its rows are written in
/// the order of the keys, in one go (see `tables.rs`). `turn` is the order of the processes that worked on the runs.
/// `counter` holds the generation of the database, the last turn and the last lease.
const TABLES_2: &str = "
CREATE TABLE earlier (run INTEGER NOT NULL, key BLOB NOT NULL, no INTEGER NOT NULL, PRIMARY KEY (run, key)) WITHOUT ROWID;
CREATE TABLE turn (
    run INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL, how TEXT, seal INTEGER NOT NULL
);
CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
";

/// What version 3 adds: images in blocks (see `images.rs`); `image` is only read since.
const TABLES_3: &str = "
CREATE TABLE image_block (
    no INTEGER PRIMARY KEY, run INTEGER NOT NULL, len INTEGER NOT NULL, data BLOB NOT NULL, seal INTEGER NOT NULL
);
CREATE INDEX image_block_of_run ON image_block (run);
";

/// What version 4 adds: intents in blocks (see `intents.rs`), and new links in blocks (see `links.rs`); `link_log` is only
/// read since.
const TABLES_4: &str = "
CREATE TABLE intent_block (no INTEGER PRIMARY KEY, data BLOB NOT NULL, seal INTEGER NOT NULL);
CREATE TABLE intent_open (no INTEGER PRIMARY KEY, data BLOB NOT NULL, seal INTEGER NOT NULL);
CREATE TABLE link_block (no INTEGER PRIMARY KEY, len INTEGER NOT NULL, data BLOB NOT NULL, seal INTEGER NOT NULL);
";

/// Creates the database, whole or not at all: under another name, synced, then renamed.
pub(super) fn create(path: &Path) -> Result<(), Failure> {
    let new = beside(path, ".new");
    for suffix in ["", "-journal", "-wal", "-shm"] {
        match fs::remove_file(beside(&new, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(cannot_write(path, &error)),
            _ => {}
        }
    }
    create_private(&new).map_err(|error| cannot_write(path, &error))?;
    fill(&new).map_err(|error| error.failure(path))?;
    File::open(&new).and_then(|new| new.sync_all()).map_err(|error| cannot_write(path, &error))?;
    fs::rename(&new, path).map_err(|error| cannot_write(path, &error))?;
    sync_folder_of(path).map_err(|error| cannot_write(path, &error))
}

/// Without a journal or a sync of its own: a file that is not filled to the end is not renamed.
fn fill(new: &Path) -> Result<(), SqlError> {
    let connection = Connection::open_with_flags(new, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.execute_batch(&format!(
        "PRAGMA page_size = {PAGE_BYTES}; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN; PRAGMA application_id = {APPLICATION_ID};
         PRAGMA user_version = {VERSION}; {TABLES} {TABLES_2} {TABLES_3} {TABLES_4} COMMIT;"
    ))?;
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(SqlError::Misuse(format!("the file system cannot keep a write-ahead log (`{mode}`)")));
    }
    connection.close().map_err(|(_, error)| SqlError::Sql(error))
}

/// Refuses a file that cannot be whole, before SQLite would repair it in its own way (beside an empty database it removes
/// the log). True when the last process did not close it.
pub(super) fn check_length(path: &Path) -> Result<bool, Failure> {
    let len = fs::metadata(path).map_err(|error| cannot_write(path, &error))?.len();
    if len < PAGE_BYTES {
        return Err(damaged(path, &format!("it has {len} bytes, and cannot have fewer than {PAGE_BYTES}")));
    }
    Ok(fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0))
}

/// Checks the database for pages that are lost or torn.
pub(super) fn check_pages(connection: &Connection, path: &Path) -> Result<(), SqlError> {
    if fs::metadata(path).is_ok_and(|file| file.len() > CHECKED_MAX) {
        return Ok(());
    }
    let result: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if result == "ok" { Ok(()) } else { Err(SqlError::Damaged("its pages do not hang together")) }
}

/// The purpose of a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// The one that writes.
    Write,
    /// One of those that read.
    Read,
}

/// Opens a connection to a database that is there.
pub(super) fn connect(path: &Path, how: Use) -> Result<Connection, SqlError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(WAIT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Else SQLite plans some statements again for each value.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    let cache_kib = if how == Use::Read { READ_CACHE_KIB } else { CACHE_KIB };
    connection.execute_batch(&format!(
        "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;
         PRAGMA cache_size = -{cache_kib}; PRAGMA synchronous = FULL;
         PRAGMA wal_autocheckpoint = {LOG_PAGES}; PRAGMA journal_size_limit = {LOG_BYTES_KEPT};"
    ))?;
    if how == Use::Read {
        connection.execute_batch("PRAGMA query_only = ON")?;
    }
    let version = check_version(&connection)?;
    if version < 2 && how == Use::Write {
        upgrade(&connection)?;
    }
    if version < VERSION && how == Use::Write {
        let missing = if version < 3 { [TABLES_3, TABLES_4].concat() } else { TABLES_4.to_owned() };
        connection.execute_batch(&format!("BEGIN IMMEDIATE; {missing} PRAGMA user_version = {VERSION}; COMMIT;"))?;
    }
    Ok(connection)
}

fn check_version(connection: &Connection) -> Result<i32, SqlError> {
    let pragma = |sql| connection.query_row(sql, [], |row| row.get::<_, i32>(0));
    if pragma("PRAGMA application_id")? != APPLICATION_ID {
        return Err(SqlError::Damaged("it is a database, but not a checkpoint"));
    }
    let version = pragma("PRAGMA user_version")?;
    if version > VERSION {
        return Err(SqlError::Later(version, VERSION));
    }
    Ok(version)
}

/// Adds the tables of version 2. The turns of version 1 are dropped: content whose order is unknown is not trusted.
fn upgrade(connection: &Connection) -> Result<(), SqlError> {
    let mut statement =
        connection.prepare("SELECT name FROM sqlite_master WHERE type = 'index' AND name GLOB 'entry_of_*'")?;
    let indexes = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    let drop_indexes: String = indexes.iter().map(|name| format!("DROP INDEX {name};")).collect();
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE; {TABLES_2} {drop_indexes}
         INSERT INTO counter SELECT name, CAST(value AS INTEGER) FROM memory WHERE name = 'generation';
         DELETE FROM memory WHERE name IN ('generation', 'turns') OR name LIKE 'turn:%';
         PRAGMA user_version = 2; COMMIT;"
    ))?;
    Ok(())
}
