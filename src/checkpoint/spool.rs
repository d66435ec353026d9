//! A spool: what a source platform holds, each once, on disk, with how far the reading of it is.
//!
//! It lives in the folder of a run and survives its process, so that a reading which was stopped goes on at its last
//! page. What counts as everything is not its business.

use super::schema::StoreError;
use super::{file, guard};
use crate::contact::Contact;
use crate::files::{ReadFault, Source};
use crate::outcome::Failure;
use crate::record::{Fields, Origin, Record};
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Memory for pages, in KiB.
const CACHE_KIB: u32 = 4096;
/// Statements kept prepared: more than there are.
const STATEMENTS: usize = 16;
/// Rows read at a time.
const ROWS_READ: usize = 256;
/// Marks the file as one of ours (`FERS`).
const APPLICATION_ID: i32 = 0x4645_5253;

/// Whether a reading was proven to be whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Completeness {
    /// As many as the platform says it holds.
    Counted,
    /// The platform does not say how many it holds; another pass over it brought nobody new.
    Repeated,
    /// Neither.
    #[default]
    Unproven,
}

/// How far a reading is; kept with every page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reading {
    /// The pass over the source, from 1; 0: none was begun.
    pub pass: u32,
    /// Where its next page begins; `None`: at the beginning.
    pub after: Option<String>,
    /// How many were held when the pass began.
    pub held_before: u64,
    /// How many the platform said there are, at last.
    pub total: Option<u64>,
    /// Whether everything is read.
    pub is_whole: bool,
    /// How that is known.
    pub completeness: Completeness,
}

/// What a spool holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Contacts, as [`Contact::to_json`] writes them.
    Contacts,
    /// Objects of another list, as the platform sends them.
    Objects,
}

/// One of what a spool holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// From 0, in the order in which they were first met.
    pub ordinal: u64,
    /// At the source.
    pub id: String,
    /// JSON, in the latest version that was read.
    pub json: String,
}

/// What a source platform holds, on disk.
pub struct Spool {
    connection: Mutex<Connection>,
    path: PathBuf,
    kind: Kind,
    len: u64,
}

impl Spool {
    /// Goes on with the spool of this path, or begins one.
    ///
    /// # Errors
    /// Exit 1 when it cannot be read or written.
    pub fn open(path: &Path, kind: Kind) -> Result<Spool, Failure> {
        file::create_folder_of(path).and_then(|()| file::create_private(path).map(drop)).map_err(|error| {
            Failure::failed(format!("`{}` cannot be written", path.display()))
                .cause(error)
                .hint("make room, or name another folder with `--state`")
        })?;
        let (connection, len) = prepare(path).map_err(|error| failure(error, path))?;
        Ok(Spool { connection: Mutex::new(connection), path: path.to_owned(), kind, len })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many it holds.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether it holds nobody.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How far the reading is.
    ///
    /// # Errors
    /// Exit 1 when it cannot be read.
    pub fn reading(&self) -> Result<Reading, Failure> {
        self.ask(|connection| {
            let text: Option<String> =
                connection.query_row("SELECT value FROM reading", [], |row| row.get(0)).optional()?;
            Ok(text.map(|text| serde_json::from_str(&text)).transpose()?.unwrap_or_default())
        })
    }

    /// Adds a page (id and JSON of each) and how far the reading is with it, both or neither. Somebody known gets the
    /// later version. Says how many of them the reading's pass had not met before.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub fn add(&mut self, page: &[(&str, &str)], reading: &Reading) -> Result<u64, Failure> {
        let (mut news, mut added) = (0, 0);
        self.ask(|connection| {
            connection.execute_batch("BEGIN IMMEDIATE")?;
            let done = add(connection, page, reading).and_then(|sums| {
                connection.execute_batch("COMMIT")?;
                Ok(sums)
            });
            match done {
                Ok(sums) => (news, added) = sums,
                Err(error) => {
                    let _the_first_error_counts = connection.execute_batch("ROLLBACK");
                    return Err(error);
                }
            }
            Ok(())
        })?;
        self.len += added;
        Ok(news)
    }

    /// Whether somebody is held, in whatever version.
    ///
    /// # Errors
    /// Exit 1 when it cannot be read.
    pub fn has(&self, id: &str) -> Result<bool, Failure> {
        Ok(self.json_of(id)?.is_some())
    }

    /// Somebody's JSON.
    ///
    /// # Errors
    /// Exit 1 when it cannot be read.
    pub fn json_of(&self, id: &str) -> Result<Option<String>, Failure> {
        self.ask(|connection| {
            let mut statement = connection.prepare_cached("SELECT json FROM held WHERE id = ?1")?;
            Ok(statement.query_row([id], |row| row.get(0)).optional()?)
        })
    }

    /// A few of them, in the order in which they were first met, from this ordinal on; empty after the last.
    ///
    /// # Errors
    /// Exit 1 when it cannot be read.
    pub fn rows(&self, from: u64) -> Result<Vec<Row>, Failure> {
        self.ask(|connection| rows(connection, from))
    }

    /// All of them as records, read through a connection of its own.
    ///
    /// # Errors
    /// Exit 1 when it cannot be read.
    pub fn source(&self) -> Result<Box<dyn Source>, Failure> {
        let connection = look(&self.path).map_err(|error| failure(error, &self.path))?;
        let (path, kind) = (self.path.clone(), self.kind);
        Ok(Box::new(Records { connection, path, kind, from: 0, read: Vec::new().into_iter(), has_failed: false }))
    }

    fn ask<T>(&self, ask: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, Failure> {
        ask(&guard(&self.connection)).map_err(|error| failure(error, &self.path))
    }
}

fn add(connection: &Connection, page: &[(&str, &str)], reading: &Reading) -> Result<(u64, u64), StoreError> {
    let (mut news, mut added) = (0, 0);
    let mut known = connection.prepare_cached("SELECT pass FROM held WHERE id = ?1")?;
    let mut insert = connection.prepare_cached("INSERT INTO held (id, pass, json) VALUES (?1, ?2, ?3)")?;
    let mut update = connection.prepare_cached("UPDATE held SET pass = ?2, json = ?3 WHERE id = ?1")?;
    for (id, json) in page {
        let before: Option<u32> = known.query_row([id], |row| row.get(0)).optional()?;
        news += u64::from(before != Some(reading.pass));
        added += u64::from(before.is_none());
        let statement = if before.is_none() { &mut insert } else { &mut update };
        statement.execute(params![id, reading.pass, json])?;
    }
    let text = serde_json::to_string(reading)?;
    connection.prepare_cached("INSERT OR REPLACE INTO reading (no, value) VALUES (1, ?1)")?.execute([text])?;
    Ok((news, added))
}

fn rows(connection: &Connection, from: u64) -> Result<Vec<Row>, StoreError> {
    let sql = "SELECT no - 1, id, json FROM held WHERE no > ?1 ORDER BY no LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let from = i64::try_from(from).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![from, ROWS_READ as i64], |row| {
        let ordinal: i64 = row.get(0)?;
        Ok(Row { ordinal: u64::try_from(ordinal).unwrap_or_default(), id: row.get(1)?, json: row.get(2)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Every page is a transaction of its own in the write-ahead log, so that a killed process loses a page at most.
fn prepare(path: &Path) -> Result<(Connection, u64), StoreError> {
    let connection = Connection::open(path)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.execute_batch(&format!(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA mmap_size = 0;
         PRAGMA cache_size = -{CACHE_KIB}; PRAGMA application_id = {APPLICATION_ID};
         CREATE TABLE IF NOT EXISTS held (no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, pass INTEGER NOT NULL,
             json TEXT NOT NULL);
         CREATE TABLE IF NOT EXISTS reading (no INTEGER PRIMARY KEY, value TEXT NOT NULL);"
    ))?;
    let len: i64 = connection.query_row("SELECT count(*) FROM held", [], |row| row.get(0))?;
    Ok((connection, u64::try_from(len).unwrap_or_default()))
}

fn look(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open(path)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection
        .execute_batch(&format!("PRAGMA query_only = ON; PRAGMA cache_size = -{CACHE_KIB}; PRAGMA mmap_size = 0;"))?;
    Ok(connection)
}

/// What a spool holds, one by one.
struct Records {
    connection: Connection,
    path: PathBuf,
    kind: Kind,
    from: u64,
    read: std::vec::IntoIter<Row>,
    has_failed: bool,
}

impl Records {
    fn record(&self, row: Row) -> Result<Record, Failure> {
        let damaged = || failure(StoreError::Damaged("a row that is no JSON object"), &self.path);
        let Ok(Value::Object(object)) = serde_json::from_str(&row.json) else { return Err(damaged()) };
        let fields = match self.kind {
            Kind::Contacts => Fields::Contact(Box::new(Contact::from_json(&object))),
            Kind::Objects => Fields::Json(Value::Object(object)),
        };
        let origin = Origin { ordinal: row.ordinal, line: row.ordinal + 1 };
        Ok(Record { origin, fields, raw: row.json.into_bytes().into() })
    }
}

impl Iterator for Records {
    type Item = Result<Record, ReadFault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_failed {
            return None;
        }
        if self.read.len() == 0 {
            match rows(&self.connection, self.from).map_err(|error| failure(error, &self.path)) {
                Ok(rows) => self.read = rows.into_iter(),
                Err(failure) => {
                    self.has_failed = true;
                    return Some(Err(ReadFault::Fatal(failure)));
                }
            }
        }
        let row = self.read.next()?;
        self.from = row.ordinal + 1;
        let record = self.record(row).map_err(ReadFault::Fatal);
        self.has_failed = record.is_err();
        Some(record)
    }
}

impl Source for Records {}

fn failure(error: StoreError, path: &Path) -> Failure {
    Failure::failed(format!("`{}`, which keeps what was read, failed", path.display()))
        .cause(error)
        .hint("make room there, or begin anew with `--fresh`")
}
