//! A scratch database: for one process and one purpose, private, and gone when that process is, however it ends.
//!
//! What stands in it, and what that means, is its owner's.

use super::schema::StoreError;
use super::{file, guard};
use crate::outcome::Failure;
use rusqlite::Connection;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};
use tempfile::TempPath;

/// Memory for pages, in KiB. Everything is appended, then sorted once; more only helps look-ups, and those have the
/// system's cache.
const CACHE_KIB: u32 = 4096;

/// Statements kept prepared: more than there are.
const STATEMENTS: usize = 16;

/// What a scratch database is for.
pub(super) struct Purpose {
    /// How the name of its file begins.
    pub name: &'static str,
    /// What could not be done when it fails; the folder follows.
    pub fails: &'static str,
    /// Its tables.
    pub tables: &'static str,
}

/// A scratch database. Its first transaction has begun; whoever wants to be done with writing commits it.
pub(super) struct Scratch {
    connection: Mutex<Connection>,
    folder: PathBuf,
    fails: &'static str,
    /// Only where an open file cannot lose its name.
    _file: Option<TempPath>,
}

impl Scratch {
    /// Makes one in a folder, which is made if need be.
    ///
    /// # Errors
    /// Exit 1 when nothing can be written there.
    pub fn create(folder: &Path, purpose: &Purpose) -> Result<Scratch, Failure> {
        let Purpose { name, fails, tables } = *purpose;
        let cannot = |error: io::Error| failed(fails, folder).cause(error).hint(HINT);
        file::create_folder_of(&folder.join(name)).map_err(cannot)?;
        let prefix = format!("{name}-");
        let made = tempfile::Builder::new().prefix(&prefix).suffix(".db").tempfile_in(folder).map_err(cannot)?;
        file::make_private(made.as_file()).map_err(cannot)?;
        let path = made.into_temp_path();
        let connection = prepare(&path, tables).map_err(|error| failure(error, fails, folder))?;
        let _file = if cfg!(unix) { path.close().map(|()| None).map_err(cannot)? } else { Some(path) };
        Ok(Scratch { connection: Mutex::new(connection), folder: folder.to_owned(), fails, _file })
    }

    /// Asks it, or writes to it.
    ///
    /// # Errors
    /// Exit 1 when it fails; what `ask` was stopped with.
    pub fn ask<T>(&self, ask: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, Failure> {
        ask(&self.connection()).map_err(|error| self.fault(error))
    }

    /// What is told when it fails.
    pub fn fault(&self, error: impl Into<StoreError>) -> Failure {
        failure(error.into(), self.fails, &self.folder)
    }

    /// The connection, for as long as nobody else asks.
    pub fn connection(&self) -> MutexGuard<'_, Connection> {
        guard(&self.connection)
    }
}

const HINT: &str = "make room there, or name another folder with `--state`";

/// No journal and no sync: it need not survive anything. One connection, so that it need not have a name either.
fn prepare(path: &Path, tables: &str) -> Result<Connection, StoreError> {
    let connection = Connection::open(path)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
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

fn failure(error: StoreError, fails: &str, folder: &Path) -> Failure {
    match error {
        StoreError::Stopped(failure) => failure,
        error if error.is_disk_full(&folder.join("any")) => {
            failed(fails, folder).cause("the disk is full").cause(error).hint(HINT)
        }
        error => failed(fails, folder).cause(error).hint(HINT),
    }
}
