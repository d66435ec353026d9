//! Which record of a source owns which contact at the target, for one pass: a contact belongs to the first record that
//! reached it, and a second record of another key does not write to it.
//!
//! Nearly every contact is reached once. So records are appended to a file, and looked for only by ids that may be in it. What earlier processes of the pass have reached is put in order in the background: it
//! is waited for only by a contact that may be among it.

use super::appended::Appended;
use super::file::{Purpose, Scratch};
use super::index::Index;
use crate::outcome::Failure;
use crate::store::{Filter, Key, SqlError, count, int};
use rusqlite::{Connection, OptionalExtension, params};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;

const FAILS: &str = "the records that own contacts cannot be kept in";

/// Records of earlier processes, without an index until all are there.
const EARLIER: Purpose = Purpose {
    name: "earlier-owners",
    fails: FAILS,
    tables: "CREATE TABLE owner (id BLOB NOT NULL, key BLOB NOT NULL, line INTEGER NOT NULL);",
};

/// Earlier contacts that are written together.
const GROUP: usize = 4096;

/// Groups of earlier contacts on their way to the database.
const GROUPS_AHEAD: usize = 4;

/// Contacts, and the first record that reached each.
pub struct Owners {
    assigned: Mutex<Assigned>,
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

/// The length of what is kept of a contact: two keys and a line.
const KEPT_LEN: usize = 40;

/// Contacts, one behind the other, and where each is, by the hash of its id.
struct Assigned {
    contacts: Appended,
    places: Index,
    /// Those that there are: one that is not among them is not looked for.
    ids: Filter,
}

impl Owners {
    /// No owners beside those of earlier processes, in a new file in `folder`.
    ///
    /// # Errors
    /// Exit 1 when nothing can be written there.
    pub fn create(folder: &Path, earlier: Option<EarlierOwners>) -> Result<Owners, Failure> {
        let (contacts, places) = (Appended::create(folder, FAILS)?, Index::create_on_disk(folder, FAILS)?);
        Ok(Owners { assigned: Mutex::new(Assigned { contacts, places, ids: Filter::new() }), earlier })
    }

    /// The record with this key, on `line`, has reached the contact with this id ([`hash_of_id`]). Returns the line of the
    /// record that owns it, if that is another one.
    ///
    /// # Errors
    /// Exit 1 when it cannot be kept.
    pub fn assign(&self, id: Key, key: &Key, line: u64) -> Result<Option<u64>, Failure> {
        let mut assigned = self.assigned.lock().unwrap_or_else(PoisonError::into_inner);
        let known = match (assigned.owner(&id)?, &self.earlier) {
            (None, Some(earlier)) => earlier.owner(&id)?,
            (known, _) => known,
        };
        if let Some((first, line)) = known {
            return Ok((first != *key).then_some(line));
        }
        assigned.add((id, *key, line)).map(|()| None)
    }
}

impl Assigned {
    /// The record that owns the contact with this hash of its id.
    fn owner(&self, id: &Key) -> Result<Option<(Key, u64)>, Failure> {
        if !self.ids.has(id) {
            return Ok(None);
        }
        for place in self.places.numbers(id)? {
            let mut bytes = [0; KEPT_LEN];
            let len = self.contacts.read(place * KEPT_LEN as u64, &mut bytes)?;
            let kept = reached_of(bytes.get(..len).unwrap_or_default());
            let (known, key, line) = kept.ok_or_else(|| self.contacts.failed(std::io::ErrorKind::UnexpectedEof))?;
            if known == *id {
                return Ok(Some((key, line)));
            }
        }
        Ok(None)
    }

    fn add(&mut self, (id, key, line): Reached) -> Result<(), Failure> {
        let mut bytes = [0; KEPT_LEN];
        let parts = id.as_bytes().iter().chain(key.as_bytes()).copied().chain(line.to_le_bytes());
        bytes.iter_mut().zip(parts).for_each(|(byte, part)| *byte = part);
        let begin = self.contacts.append(&bytes)?;
        self.ids.add(&id);
        self.places.add(&id, begin / KEPT_LEN as u64)
    }
}

fn reached_of(bytes: &[u8]) -> Option<Reached> {
    let (id, rest) = bytes.split_first_chunk::<16>()?;
    let (key, line) = rest.split_first_chunk::<16>()?;
    Some((Key::from_hash(id)?, Key::from_hash(key)?, u64::from_le_bytes(*line.first_chunk()?)))
}

/// The hash of an id at the target.
pub fn hash_of_id(id: &str) -> Key {
    Key::nth(id.as_bytes(), 0)
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
        let id = hash_of_id(id);
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
