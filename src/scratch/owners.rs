//! Which record of a source owns which contact at the target, for one pass: a contact belongs to the first record that
//! reached it, and a second record of another key does not write to it.
//!
//! Nearly every contact is reached once. So the latest are kept in memory and written in groups, and the database is asked
//! only about ids that may be in it. What earlier processes of the pass have reached is put in order in the background: it
//! is waited for only by a contact that may be among it.

use super::file::{Purpose, Scratch};
use crate::outcome::Failure;
use crate::store::{Filter, Key, SqlError, count, int};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;

const PURPOSE: Purpose = Purpose {
    name: "owners",
    fails: "the records that own contacts cannot be kept in",
    tables: "CREATE TABLE owner (id BLOB PRIMARY KEY, key BLOB NOT NULL, line INTEGER NOT NULL) WITHOUT ROWID;",
};

/// The same of earlier processes, without an index until all are there.
const EARLIER: Purpose = Purpose {
    name: "earlier-owners",
    tables: "CREATE TABLE owner (id BLOB NOT NULL, key BLOB NOT NULL, line INTEGER NOT NULL);",
    ..PURPOSE
};

/// Contacts in memory before they are written: each takes about a hundred bytes.
const GROUP: usize = 4096;

/// Groups of earlier contacts on their way to the database.
const GROUPS_AHEAD: usize = 4;

/// Contacts, and the first record that reached each.
pub struct Owners {
    scratch: Scratch,
    latest: Mutex<Latest>,
    earlier: Option<EarlierOwners>,
}

/// Contacts that records of earlier processes of the pass have reached.
pub struct EarlierOwners {
    ids: Filter,
    /// What puts them in order, until they are asked for.
    thread: Mutex<Option<Filling>>,
    table: OnceLock<Result<Scratch, Failure>>,
}

/// The same while they are read from the checkpoint.
pub struct EarlierReached {
    ids: Filter,
    group: Vec<Reached>,
    queue: SyncSender<Vec<Reached>>,
    /// None once it has failed.
    thread: Option<Filling>,
}

/// The hash of an id at the target, and the key and the line of the record that has reached it.
type Reached = (Key, Key, u64);

/// A thread that fills a database.
type Filling = JoinHandle<Result<Scratch, Failure>>;

/// Contacts by the hash of their id, each with the key and the line of its record.
struct Latest {
    unwritten: BTreeMap<Key, (Key, u64)>,
    /// Those that were written.
    written: Filter,
}

impl Owners {
    /// No owners beside those of earlier processes, in a new file in `folder`.
    ///
    /// # Errors
    /// Exit 1 when nothing can be written there.
    pub fn create(folder: &Path, earlier: Option<EarlierOwners>) -> Result<Owners, Failure> {
        let latest = Latest { unwritten: BTreeMap::new(), written: Filter::new() };
        Ok(Owners { scratch: Scratch::create(folder, &PURPOSE)?, latest: Mutex::new(latest), earlier })
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
        let known = match (known, &self.earlier) {
            (None, Some(earlier)) => earlier.owner(&id)?,
            (known, _) => known,
        };
        if let Some((first, line)) = known {
            return Ok((first != *key).then_some(line));
        }
        latest.unwritten.insert(id, (*key, line));
        if latest.unwritten.len() >= GROUP {
            let owners = latest.unwritten.iter().map(|(id, (key, line))| (id, (key, *line)));
            self.scratch.ask(|connection| write(connection, owners))?;
            latest.unwritten.keys().for_each(|id| latest.written.add(id));
            latest.unwritten.clear();
        }
        Ok(None)
    }
}

impl EarlierReached {
    /// None yet, in a new file in `folder`.
    ///
    /// # Errors
    /// Exit 1 when nothing can be written there.
    pub fn create(folder: &Path) -> Result<EarlierReached, Failure> {
        let (queue, queued) = sync_channel(GROUPS_AHEAD);
        let scratch = Scratch::create(folder, &EARLIER)?;
        let thread = std::thread::Builder::new().name("earlier owners".into()).spawn(move || fill(scratch, &queued));
        let thread = thread.map_err(|error| Failure::failed("no thread could be started").cause(error))?;
        Ok(EarlierReached { ids: Filter::new(), group: Vec::new(), queue, thread: Some(thread) })
    }

    /// The record with this key, on `line`, has reached the contact with this id.
    ///
    /// # Errors
    /// Exit 1 when it cannot be kept.
    pub fn add(&mut self, id: &str, key: &Key, line: u64) -> Result<(), Failure> {
        let id = Key::nth(id.as_bytes(), 0);
        self.ids.add(&id);
        self.group.push((id, *key, line));
        if self.group.len() < GROUP { Ok(()) } else { self.send() }
    }

    fn send(&mut self) -> Result<(), Failure> {
        if self.queue.send(std::mem::take(&mut self.group)).is_ok() {
            return Ok(());
        }
        // The thread takes groups until it fails.
        Err(self.thread.take().map(filled).and_then(Result::err).unwrap_or_else(lost))
    }

    /// All of them. They are put in order in the background.
    ///
    /// # Errors
    /// As [`EarlierReached::add`].
    pub fn done(mut self) -> Result<EarlierOwners, Failure> {
        self.send()?;
        let EarlierReached { ids, thread, .. } = self;
        Ok(EarlierOwners { ids, thread: Mutex::new(thread), table: OnceLock::new() })
    }
}

impl EarlierOwners {
    /// The record that owns the contact with this hash of its id: the first that reached it.
    fn owner(&self, id: &Key) -> Result<Option<(Key, u64)>, Failure> {
        if !self.ids.has(id) {
            return Ok(None);
        }
        let table = self.table.get_or_init(|| {
            let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
            thread.map_or_else(|| Err(lost()), filled)
        });
        match table {
            Ok(scratch) => scratch.ask(|connection| written(connection, id)),
            Err(failure) => Err(failure.clone()),
        }
    }
}

fn filled(thread: Filling) -> Result<Scratch, Failure> {
    thread.join().unwrap_or_else(|_| Err(lost()))
}

fn lost() -> Failure {
    Failure::failed("the records that own contacts were lost: this is a bug in Ferry")
}

/// Writes what comes, and puts it in order.
fn fill(scratch: Scratch, queued: &Receiver<Vec<Reached>>) -> Result<Scratch, Failure> {
    for group in queued {
        scratch.ask(|connection| write(connection, group.iter().map(|(id, key, line)| (id, (key, *line)))))?;
    }
    scratch.ask(|connection| Ok(connection.execute_batch("CREATE INDEX owner_id ON owner (id)")?))?;
    Ok(scratch)
}

fn written(connection: &Connection, id: &Key) -> Result<Option<(Key, u64)>, SqlError> {
    let mut statement = connection.prepare_cached("SELECT key, line FROM owner WHERE id = ?1 LIMIT 1")?;
    let found: Option<(Vec<u8>, i64)> =
        statement.query_row([id.as_bytes().as_slice()], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let read = |(key, line): (Vec<u8>, i64)| {
        let key = Key::from_hash(&key).ok_or(SqlError::Damaged("a key that is not one"))?;
        Ok((key, count(line)?))
    };
    found.map(read).transpose()
}

fn write<'o>(connection: &Connection, owners: impl Iterator<Item = (&'o Key, (&'o Key, u64))>) -> Result<(), SqlError> {
    let mut statement = connection.prepare_cached("INSERT INTO owner VALUES (?1, ?2, ?3)")?;
    for (id, (key, line)) in owners {
        statement.execute(params![id.as_bytes().as_slice(), key.as_bytes().as_slice(), int(line)])?;
    }
    Ok(())
}
