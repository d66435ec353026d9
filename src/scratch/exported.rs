//! What an export wrote, each contact by its id. The next export compares with it what was added, changed and removed since.
//!
//! It is filled under another name and put in place when the other files are. Which differences count is decided elsewhere.

use crate::outcome::Failure;
use crate::store::{SqlError, create_private, sync_folder_of};
use rusqlite::{Connection, Row, params};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Memory for pages, in KiB.
const CACHE_KIB: u32 = 4096;
/// Marks the file as one of ours (`FERW`).
const APPLICATION_ID: i32 = 0x4645_5257;

/// The contacts with a new or another row, in their order.
const NEWS: &str = "SELECT n.id, o.row, n.row FROM main.written n LEFT JOIN before.written o ON o.id = n.id
     WHERE o.row IS NULL OR o.row <> n.row ORDER BY n.no";
/// The contacts that do not exist any more.
const GONE: &str = "SELECT o.id, o.row, NULL FROM before.written o LEFT JOIN main.written n ON n.id = o.id
     WHERE n.id IS NULL ORDER BY o.no";

/// What an export writes that is not finished yet.
pub struct Exported {
    connection: Connection,
    path: PathBuf,
    is_attached: bool,
}

/// One contact that has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Its id at the source.
    pub id: String,
    /// Its row in the export before (JSON); `None`: it was not in it.
    pub before: Option<Vec<u8>>,
    /// Its row now; `None`: it does not exist any more.
    pub now: Option<Vec<u8>>,
}

impl Exported {
    /// Begins at `path`, in place of what is there.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written; as all methods.
    pub fn create(path: &Path) -> Result<Exported, Failure> {
        let begin = || -> Result<Connection, SqlError> {
            let connection = Connection::open(path)?;
            connection.execute_batch(&format!(
                "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA mmap_size = 0;
                 PRAGMA cache_size = -{CACHE_KIB}; PRAGMA application_id = {APPLICATION_ID};
                 CREATE TABLE written (no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, row BLOB NOT NULL);
                 CREATE TABLE left_behind (id TEXT PRIMARY KEY) WITHOUT ROWID; BEGIN;"
            ))?;
            Ok(connection)
        };
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failure(error, path)),
            _ => {}
        }
        create_private(path).map_err(|error| failure(error, path))?;
        let connection = begin().map_err(|error| failure(error, path))?;
        Ok(Exported { connection, path: path.to_owned(), is_attached: false })
    }

    /// Adds the row (JSON) of a contact.
    ///
    /// # Errors
    /// As [`Exported::create`].
    pub fn add(&mut self, id: &str, row: &[u8]) -> Result<(), Failure> {
        self.ask(|connection| {
            let sql = "INSERT OR REPLACE INTO written (id, row) VALUES (?1, ?2)";
            connection.prepare_cached(sql)?.execute(params![id, row])?;
            Ok(())
        })
    }

    /// The contact exists and has no row this time: its earlier row stays.
    ///
    /// # Errors
    /// As [`Exported::create`].
    pub fn leave_behind(&mut self, id: &str) -> Result<(), Failure> {
        self.ask(|connection| {
            connection.prepare_cached("INSERT OR IGNORE INTO left_behind VALUES (?1)")?.execute([id])?;
            Ok(())
        })
    }

    /// Gives the rows of `before` whose contacts do not exist any more.
    ///
    /// # Errors
    /// As [`Exported::create`]; what `give` returns.
    pub fn for_each_gone(
        &mut self,
        before: &Path,
        mut give: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.attach(before)?;
        self.each(GONE, &mut |changed| give(&changed.before.unwrap_or_default()))
    }

    /// Ends the filling, and attaches the rows of `before`, once.
    fn attach(&mut self, before: &Path) -> Result<(), Failure> {
        if std::mem::replace(&mut self.is_attached, true) {
            return Ok(());
        }
        let name = before.to_string_lossy().into_owned();
        let other = if before.exists() { name.as_str() } else { ":memory:" };
        self.ask(|connection| {
            connection.execute_batch("COMMIT")?;
            connection.execute("ATTACH DATABASE ?1 AS before", [other])?;
            connection.execute_batch(
                "CREATE TABLE IF NOT EXISTS before.written (no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
                     row BLOB NOT NULL);
                 INSERT OR IGNORE INTO main.written (id, row) SELECT id, row FROM before.written
                     WHERE id IN (SELECT id FROM main.left_behind) ORDER BY no;
                 DROP TABLE main.left_behind;",
            )?;
            Ok(())
        })
    }

    /// Gives all contacts whose row differs from `before` (no file: all are new): those that exist in their order, then those
    /// that do not exist any more; with `keeps_gone` their rows are kept instead.
    ///
    /// # Errors
    /// As [`Exported::create`]; what `give` returns.
    pub fn compare(
        &mut self,
        before: &Path,
        keeps_gone: bool,
        mut give: impl FnMut(Changed) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.attach(before)?;
        self.each(NEWS, &mut give)?;
        if !keeps_gone {
            return self.each(GONE, &mut give);
        }
        self.ask(|connection| {
            connection.execute_batch(
                "INSERT INTO main.written (id, row) SELECT id, row FROM before.written
                 WHERE id NOT IN (SELECT id FROM main.written) ORDER BY no",
            )?;
            Ok(())
        })
    }

    fn each(&self, sql: &str, give: &mut impl FnMut(Changed) -> Result<(), Failure>) -> Result<(), Failure> {
        let changed = |row: &Row<'_>| Ok(Changed { id: row.get(0)?, before: row.get(1)?, now: row.get(2)? });
        let mut statement = self.connection.prepare(sql).map_err(|error| failure(error, &self.path))?;
        let rows = statement.query_map([], changed).map_err(|error| failure(error, &self.path))?;
        for row in rows {
            give(row.map_err(|error| failure(error, &self.path))?)?;
        }
        Ok(())
    }

    /// Puts it in place, durably, where the next export reads it. Only after [`Exported::compare`].
    ///
    /// # Errors
    /// As [`Exported::create`]; what was there stays then.
    pub fn keep(self, path: &Path) -> Result<(), Failure> {
        let Exported { connection, path: new, .. } = self;
        connection.close().map_err(|(_, error)| failure(error, &new))?;
        let placed = File::open(&new)
            .and_then(|file| file.sync_all())
            .and_then(|()| fs::rename(&new, path))
            .and_then(|()| sync_folder_of(path));
        placed.map_err(|error| failure(error, path))
    }

    fn ask<T>(&self, ask: impl FnOnce(&Connection) -> Result<T, SqlError>) -> Result<T, Failure> {
        ask(&self.connection).map_err(|error| failure(error, &self.path))
    }
}

fn failure(error: impl std::fmt::Display, path: &Path) -> Failure {
    Failure::failed(format!("`{}`, which keeps what an export wrote, failed", path.display()))
        .cause(error)
        .hint("make room there; if it is damaged, remove it: then all contacts count as added")
}
