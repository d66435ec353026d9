//! A spool: what a source platform holds, each contact once, on disk, with how far it has been read.
//!
//! It is in the folder of a run and survives its process, so that a reading which was stopped continues after the last page
//! that was committed. What counts as complete is decided elsewhere.

use super::texts::Texts;
use crate::contact::Contact;
use crate::files::{ReadFault, Source};
use crate::outcome::Failure;
use crate::record::{Fields, Origin, Record};
use crate::store::{SqlError, create_folder_of, create_private};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OptionalExtension, Statement, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Memory for pages, in KiB: of the connection that writes, because of the index over ids, and of one that reads in order.
const CACHE_KIB: u32 = 4096;
const READ_CACHE_KIB: u32 = 512;
/// Statements kept prepared: more than there are.
const STATEMENTS: usize = 16;
/// Rows read at a time.
const ROWS_READ: usize = 256;
/// Batches that are committed together, unless the caller commits before: what a killed process reads again at most.
const TOGETHER: u32 = 32;
/// Bytes of a page of the file: each is a write of its own, twice.
const PAGE_LEN: u32 = 16 * 1024;
/// Pages of the write-ahead log after which it is moved into the file (64 MiB): an index over random ids changes the same
/// pages again and again, and each is moved once, which waits for the disk.
const LOG_PAGES: u32 = 4096;
/// Marks the file as one of ours (`FERS`).
const APPLICATION_ID: i32 = 0x4645_5253;

/// Whether a reading was proven to be whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Completeness {
    /// As many as the platform says it holds.
    Counted,
    /// The platform does not say how many it holds; another pass over it found no new one.
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
    /// How many of the passes belong to attempts that failed.
    pub passes_before: u32,
    /// Where its next page begins; `None`: at the beginning.
    pub after: Option<String>,
    /// How many pages in a row had nothing that this pass had not met.
    pub repeats: u32,
    /// How many were held, or known to be missing, when the pass began.
    pub known_before: u64,
    /// How many the pass met, each once.
    pub met: u64,
    /// How many of those that are held, from the first on, the pass has met on pages that were the same as before.
    pub met_as_before: u64,
    /// How many the platform said there are, most recently.
    pub total: Option<u64>,
    /// Whether it said so in this pass.
    pub is_told: bool,
    /// Whether that number has ever become smaller.
    pub has_fallen: bool,
    /// Whether it has within this pass.
    pub has_fallen_now: bool,
    /// Whether the latest attempt failed: fewer were met than the platform says it holds.
    pub is_short: bool,
    /// Whether everything is read.
    pub is_whole: bool,
    /// How that is known.
    pub completeness: Completeness,
}

/// A pass over the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pass {
    /// From 1.
    pub number: u32,
    /// See [`Reading::met_as_before`].
    pub met_as_before: u64,
}

impl From<u32> for Pass {
    fn from(number: u32) -> Pass {
        Pass { number, met_as_before: 0 }
    }
}

impl From<&Reading> for Pass {
    fn from(reading: &Reading) -> Pass {
        Pass { number: reading.pass, met_as_before: reading.met_as_before }
    }
}

/// The content of a page, or of a part of one.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The id and the JSON of each contact that was read.
    pub read: Texts,
    /// Ids that were met and are known already.
    pub known: Vec<String>,
    /// Ids without a contact.
    pub missing: Vec<String>,
}

/// What is held after a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// How many of the batch the pass had not met before.
    pub news: u64,
    /// How many are held.
    pub held: u64,
    /// How many ids have no contact.
    pub missing: u64,
}

impl Sums {
    /// All ids of which it is known whether they have a contact.
    pub fn known(&self) -> u64 {
        self.held + self.missing
    }
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
    sums: Sums,
    /// Whether each contact that is held was added by this process, and never changed.
    is_as_added: bool,
    /// What is added and not committed yet.
    open: Option<Box<Open>>,
}

/// A transaction that has not been committed.
struct Open {
    batches: u32,
    reading: Reading,
    /// What is held without it.
    before: Sums,
}

impl Spool {
    /// Opens the spool of this path, or begins one.
    ///
    /// # Errors
    /// Exit 1 when it cannot be read or written.
    pub fn open(path: &Path, kind: Kind) -> Result<Spool, Failure> {
        create_folder_of(path).and_then(|()| create_private(path).map(drop)).map_err(|error| {
            Failure::failed(format!("`{}` cannot be written", path.display()))
                .cause(error)
                .hint("make room, or name another folder with `--state`")
        })?;
        let (connection, sums) = prepare(path).map_err(|error| failure(error, path))?;
        let is_as_added = sums.known() == 0;
        Ok(Spool { connection: Mutex::new(connection), path: path.to_owned(), kind, sums, is_as_added, open: None })
    }

    /// Removes the spool of this path. What cannot be removed does no harm.
    pub fn remove(path: &Path) {
        for behind in ["", "-wal", "-shm"] {
            let mut name = path.as_os_str().to_owned();
            name.push(behind);
            let _may_stay = std::fs::remove_file(name);
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many it holds.
    pub fn len(&self) -> u64 {
        self.sums.held
    }

    /// Whether each contact that is held was added by this process, and no later version of one was.
    pub fn is_as_added(&self) -> bool {
        self.is_as_added
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.sums.held == 0
    }

    /// How far the reading is.
    ///
    /// # Errors
    /// Exit 1 when it cannot be read.
    pub fn reading(&self) -> Result<Reading, Failure> {
        if let Some(open) = &self.open {
            return Ok(open.reading.clone());
        }
        self.ask(|connection| {
            let text: Option<String> =
                connection.query_row("SELECT value FROM reading", [], |row| row.get(0)).optional()?;
            Ok(text.map(|text| serde_json::from_str(&text)).transpose()?.unwrap_or_default())
        })
    }

    /// What it holds; the news are those of the latest batch.
    pub fn sums(&self) -> Sums {
        self.sums
    }

    /// Adds what a pass met, and how far the reading is with it (`then`, from the sums after it), both or neither. A contact
    /// that is known gets the later version, and keeps its place. It is committed with the next `TOGETHER` batches, or by
    /// [`Spool::commit`].
    ///
    /// # Errors
    /// Exit 1 when it cannot be written; then nothing is left of what was not committed.
    pub fn add(
        &mut self,
        pass: impl Into<Pass>,
        batch: &Batch,
        then: impl FnOnce(&Sums) -> Reading,
    ) -> Result<Reading, Failure> {
        let (before, pass) = (self.sums, pass.into());
        let open = self.open.take();
        let added = self.ask(|connection| {
            if open.is_none() {
                connection.execute_batch("BEGIN IMMEDIATE")?;
            }
            add(connection, pass, batch, before)
        });
        let committed = open.as_ref().map_or(before, |open| open.before);
        self.sums = match added {
            Ok((sums, has_changed)) => {
                self.is_as_added &= !has_changed;
                sums
            }
            Err(failure) => return Err(self.roll_back(committed, failure)),
        };
        let reading = then(&self.sums);
        let batches = open.map_or(0, |open| open.batches) + 1;
        self.open = Some(Box::new(Open { batches, reading: reading.clone(), before: committed }));
        if batches >= TOGETHER {
            self.commit()?;
        }
        Ok(reading)
    }

    /// Frees the memory that only adding needs, when nothing more is to be added.
    ///
    /// # Errors
    /// Exit 1 when it cannot be read.
    pub fn shrink(&self) -> Result<(), Failure> {
        let sql = format!("PRAGMA cache_size = -{READ_CACHE_KIB}; PRAGMA shrink_memory");
        self.ask(|connection| Ok(connection.execute_batch(&sql)?))
    }

    /// Commits what was added: it is kept from now on, and seen through other connections.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub fn commit(&mut self) -> Result<(), Failure> {
        let Some(open) = self.open.take() else { return Ok(()) };
        let Open { reading, before, .. } = *open;
        let committed = self.ask(|connection| {
            let text = serde_json::to_string(&reading)?;
            connection.prepare_cached("INSERT OR REPLACE INTO reading VALUES (1, ?1)")?.execute([text])?;
            Ok(connection.prepare_cached("COMMIT")?.execute([]).map(drop)?)
        });
        committed.map_err(|failure| self.roll_back(before, failure))
    }

    fn roll_back(&mut self, committed: Sums, failure: Failure) -> Failure {
        self.sums = committed;
        let _the_first_error_counts = self.ask(|connection| Ok(connection.execute_batch("ROLLBACK")?));
        failure
    }

    /// Whether a contact is held, in any version.
    ///
    /// # Errors
    /// Exit 1 when it cannot be read.
    pub fn has(&self, id: &str) -> Result<bool, Failure> {
        Ok(self.json_of(id)?.is_some())
    }

    /// Whether an id is held, or known to have no contact.
    ///
    /// # Errors
    /// Exit 1 when it cannot be read.
    pub fn knows(&self, id: &str) -> Result<bool, Failure> {
        self.ask(|connection| {
            let sql =
                "SELECT EXISTS (SELECT 1 FROM held WHERE id = ?1) OR EXISTS (SELECT 1 FROM missing WHERE id = ?1)";
            Ok(connection.prepare_cached(sql)?.query_row([id], |row| row.get(0))?)
        })
    }

    /// Visits each id without a contact, in the order in which they were met.
    ///
    /// # Errors
    /// Exit 1 when it cannot be read, or the error of `each`.
    pub fn for_each_missing(&self, mut each: impl FnMut(&str) -> Result<(), Failure>) -> Result<(), Failure> {
        let mut from = 0;
        loop {
            let ids = self.ask(|connection| missing(connection, from))?;
            for (no, id) in &ids {
                each(id)?;
                from = *no;
            }
            if ids.is_empty() {
                return Ok(());
            }
        }
    }

    /// The same one by one, read through a connection of its own.
    ///
    /// # Errors
    /// Exit 1 when it cannot be read.
    pub fn missing(&self) -> Result<impl Iterator<Item = Result<String, Failure>> + Send + use<>, Failure> {
        let connection = look(&self.path).map_err(|error| failure(error, &self.path))?;
        let path = self.path.clone();
        let (mut from, mut has_failed, mut ids) = (0, false, Vec::new().into_iter());
        Ok(std::iter::from_fn(move || {
            if ids.len() == 0 && !has_failed {
                match missing(&connection, from) {
                    Ok(read) => ids = read.into_iter(),
                    Err(error) => {
                        has_failed = true;
                        return Some(Err(failure(error, &path)));
                    }
                }
            }
            let (no, id): (i64, String) = ids.next()?;
            from = no;
            Some(Ok(id))
        }))
    }

    /// The JSON of a contact.
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

    fn ask<T>(&self, ask: impl FnOnce(&Connection) -> Result<T, SqlError>) -> Result<T, Failure> {
        ask(&self.connection.lock().unwrap_or_else(PoisonError::into_inner)).map_err(|error| failure(error, &self.path))
    }
}

/// Adds a batch; the sums after it, and whether it has changed a contact.
fn add(connection: &Connection, pass: Pass, batch: &Batch, before: Sums) -> Result<(Sums, bool), SqlError> {
    let mut sums = Sums { news: 0, ..before };
    let has_changed = add_read(connection, pass, &batch.read, &mut sums)?;
    let Pass { number: pass, met_as_before } = pass;
    let meet = "UPDATE held SET pass = ?2 WHERE id = ?1 AND pass <> ?2 AND no > ?3";
    let mut meet = connection.prepare_cached(meet)?;
    let mut miss = connection.prepare_cached("UPDATE missing SET pass = ?2 WHERE id = ?1 AND pass <> ?2")?;
    for id in &batch.known {
        let met = meet.execute(params![id, pass, met_as_before.cast_signed()])?;
        sums.news += (met + miss.execute(params![id, pass])?) as u64;
    }
    let mut lose =
        connection.prepare_cached("INSERT INTO missing (id, pass) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?;
    for id in &batch.missing {
        let lost = lose.execute(params![id, pass])? as u64;
        sums.missing += lost;
        sums.news += lost;
    }
    Ok((sums, has_changed))
}

/// Contacts that were read. In the first pass nearly all are new, in a later one nearly all are known as they are.
/// Whether one has changed.
fn add_read(connection: &Connection, of: Pass, read: &Texts, sums: &mut Sums) -> Result<bool, SqlError> {
    let (pass, mut has_changed) = (of.number, false);
    let mut known = connection.prepare_cached("SELECT no, pass, json = ?2 FROM held WHERE id = ?1")?;
    let mut insert =
        connection.prepare_cached("INSERT INTO held (id, pass, json) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")?;
    let mut meet = connection.prepare_cached("UPDATE held SET pass = ?2 WHERE no = ?1")?;
    let mut change = connection.prepare_cached("UPDATE held SET pass = ?2, json = ?3 WHERE no = ?1")?;
    let mut found = connection.prepare_cached("DELETE FROM missing WHERE id = ?1")?;
    for (id, json) in read.iter() {
        if pass == 1 && insert.execute(params![id, pass, json])? == 1 {
            sums.held += 1;
            sums.news += 1;
        } else if let Some((no, met, is_same)) = known_as(&mut known, id, json)? {
            if !is_same {
                change.execute(params![no, pass, json])?;
                has_changed = true;
            } else if met != pass {
                meet.execute(params![no, pass])?;
            }
            sums.news += u64::from(met != pass && no.cast_unsigned() > of.met_as_before);
            continue;
        } else {
            sums.held += insert.execute(params![id, pass, json])? as u64;
            sums.news += 1;
        }
        if sums.missing > 0 {
            sums.missing -= found.execute([id])? as u64;
        }
    }
    Ok(has_changed)
}

/// The place of a contact that is held, the pass that last met it, and whether it is still the same.
fn known_as(known: &mut Statement<'_>, id: &str, json: &str) -> Result<Option<(i64, u32, bool)>, SqlError> {
    let row = known.query_row([id, json], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    Ok(row.optional()?)
}

fn missing(connection: &Connection, from: i64) -> Result<Vec<(i64, String)>, SqlError> {
    let mut statement = connection.prepare_cached("SELECT no, id FROM missing WHERE no > ?1 ORDER BY no LIMIT ?2")?;
    let rows = statement.query_map(params![from, ROWS_READ as i64], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn rows(connection: &Connection, from: u64) -> Result<Vec<Row>, SqlError> {
    let sql = "SELECT no - 1, id, json FROM held WHERE no > ?1 ORDER BY no LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let from = i64::try_from(from).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![from, ROWS_READ as i64], |row| {
        let ordinal: i64 = row.get(0)?;
        Ok(Row { ordinal: u64::try_from(ordinal).unwrap_or_default(), id: row.get(1)?, json: row.get(2)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Transactions go to the write-ahead log, so that a killed process loses none that is committed.
fn prepare(path: &Path) -> Result<(Connection, Sums), SqlError> {
    let connection = Connection::open(path)?;
    configure(&connection)?;
    let owner: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    if !matches!(owner, 0 | APPLICATION_ID) {
        return Err(SqlError::Damaged("it is a database of something else"));
    }
    connection.execute_batch(&format!(
        "PRAGMA page_size = {PAGE_LEN}; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA mmap_size = 0;
         PRAGMA cache_size = -{CACHE_KIB}; PRAGMA wal_autocheckpoint = {LOG_PAGES}; PRAGMA application_id = {APPLICATION_ID};
         CREATE TABLE IF NOT EXISTS held (no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, pass INTEGER NOT NULL,
             json TEXT NOT NULL);
         CREATE TABLE IF NOT EXISTS missing (no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, pass INTEGER NOT NULL);
         CREATE TABLE IF NOT EXISTS reading (no INTEGER PRIMARY KEY, value TEXT NOT NULL);"
    ))?;
    let count = |table: &str| -> Result<u64, SqlError> {
        let count: i64 = connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?;
        Ok(u64::try_from(count).unwrap_or_default())
    };
    let sums = Sums { news: 0, held: count("held")?, missing: count("missing")? };
    Ok((connection, sums))
}

fn configure(connection: &Connection) -> Result<(), SqlError> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // The log stays beside the file: most spools are removed soon.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(())
}

pub(super) fn look(path: &Path) -> Result<Connection, SqlError> {
    let connection = Connection::open(path)?;
    configure(&connection)?;
    connection.execute_batch(&format!(
        "PRAGMA query_only = ON; PRAGMA cache_size = -{READ_CACHE_KIB}; PRAGMA mmap_size = 0;"
    ))?;
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
        let damaged = || failure(SqlError::Damaged("a row that is no JSON object"), &self.path);
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

pub(super) fn failure(error: SqlError, path: &Path) -> Failure {
    let shown = path.display();
    let code = match &error {
        SqlError::Sql(error) => error.sqlite_error_code(),
        SqlError::Damaged(_) | SqlError::Json(_) => Some(ErrorCode::DatabaseCorrupt),
        _ => None,
    };
    let (message, hint) = match code {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => (
            format!("`{shown}`, which keeps what was read, is damaged"),
            format!("delete `{shown}`, and everything is read again"),
        ),
        Some(ErrorCode::DiskFull) => {
            (format!("the disk is full: `{shown}` cannot grow"), "make room there, then resume the run".to_owned())
        }
        _ => (
            format!("`{shown}`, which keeps what was read, failed"),
            "check the disk, or name another folder with `--state`".to_owned(),
        ),
    };
    Failure::failed(message).cause(error).hint(hint)
}
