//! A scratch database: for one process and one purpose, private, and gone when that process is, however it ends.
//!
//! Its tables and their meaning belong to the file that creates it.

use crate::outcome::Failure;
use crate::store::{SqlError, create_folder_of, make_private};
use rusqlite::Connection;
use rusqlite::config::DbConfig;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tempfile::TempPath;

/// Memory for pages, in KiB. Rows are appended, then sorted once, in runs of that size; more would help lookups only, and those
/// have the cache of the system.
const CACHE_KIB: u32 = 1024;

/// Statements kept prepared: more than there are.
const STATEMENTS: usize = 16;

/// The purpose of a scratch database.
pub(super) struct Purpose {
    /// The beginning of the name of its file.
    pub name: &'static str,
    /// The message when it fails; the folder follows.
    pub fails: &'static str,
    /// Its tables.
    pub tables: &'static str,
}

/// A scratch database. Its first transaction has begun, and is committed when all of its rows are written.
pub(super) struct Scratch {
    connection: Mutex<Connection>,
    folder: PathBuf,
    fails: &'static str,
    /// Only where an open file cannot lose its name.
    _file: Option<TempPath>,
}

impl Scratch {
    /// Creates one in a folder, which is created if it is missing.
    ///
    /// # Errors
    /// Exit 1 when nothing can be written there.
    pub fn create(folder: &Path, purpose: &Purpose) -> Result<Scratch, Failure> {
        let Purpose { name, fails, tables } = *purpose;
        let cannot = |error: io::Error| failed(fails, folder).cause(error).hint(HINT);
        create_folder_of(&folder.join(name)).map_err(cannot)?;
        let prefix = format!("{name}-");
        let created = tempfile::Builder::new().prefix(&prefix).suffix(".db").tempfile_in(folder).map_err(cannot)?;
        make_private(created.as_file()).map_err(cannot)?;
        let path = created.into_temp_path();
        let connection = prepare(&path, tables).map_err(|error| failure(error, fails, folder))?;
        let _file = if cfg!(unix) { path.close().map(|()| None).map_err(cannot)? } else { Some(path) };
        Ok(Scratch { connection: Mutex::new(connection), folder: folder.to_owned(), fails, _file })
    }

    /// Reads from it, or writes to it.
    ///
    /// # Errors
    /// Exit 1 when it fails; what `ask` was stopped with.
    pub fn ask<T>(&self, ask: impl FnOnce(&Connection) -> Result<T, SqlError>) -> Result<T, Failure> {
        ask(&self.connection()).map_err(|error| self.fault(error))
    }

    /// The failure for an error.
    pub fn fault(&self, error: impl Into<SqlError>) -> Failure {
        failure(error.into(), self.fails, &self.folder)
    }

    /// The connection, locked.
    pub fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const HINT: &str = "make room there, or name another folder with `--state`";

/// No journal and no sync, because it does not survive its process. One connection, so that it needs no name either.
fn prepare(path: &Path, tables: &str) -> Result<Connection, SqlError> {
    let connection = Connection::open(path)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Else SQLite plans some statements again for each value.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.execute_batch(&format!(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; PRAGMA mmap_size = 0;
         PRAGMA cache_size = -{CACHE_KIB};
         BEGIN EXCLUSIVE; {tables}"
    ))?;
    Ok(connection)
}

fn failed(fails: &str, folder: &Path) -> Failure {
    Failure::failed(format!("{fails} `{}`", folder.display()))
}

fn failure(error: SqlError, fails: &str, folder: &Path) -> Failure {
    match error {
        SqlError::Stopped(failure) => failure,
        error if error.is_disk_full(&folder.join("any")) => {
            failed(fails, folder).cause("the disk is full").cause(error).hint(HINT)
        }
        error => failed(fails, folder).cause(error).hint(HINT),
    }
}
