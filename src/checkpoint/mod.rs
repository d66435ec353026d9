//! The checkpoint: the one truth about what was intended and what became of it. It survives anything.
//!
//! One database a connection (platform, address, name), with all its runs. One process writes to it at a time, through
//! one writer that syncs a group of operations at once; whoever announces an intent waits for the sync, whoever reports
//! an outcome does not. It keeps and finds; what an outcome means and what is to be done next is not its business.
//!
//! Invariants, whatever the disk does:
//! - an intent that was acknowledged is found again until it is settled or withdrawn;
//! - an outcome is read back as it was written or not at all: every row has a seal, the log has checksums, and what
//!   does not hold is refused (exit 1);
//! - an entry is counted once, for the latest pass that met it.
//!
//! Absent on purpose: contact values beyond what finding and undoing need (links are hashes), and any clock.

pub mod claims;
mod entries;
mod file;
mod key;
pub mod left_blank;
mod links;
mod mark;
mod model;
pub mod people;
mod prune;
mod reader;
mod received;
pub mod rehearsal;
mod rows;
mod runs;
mod schema;
mod scratch;
pub mod snapshot;
pub mod spool;
mod tables;
pub mod taken;
mod writer;
pub mod written;

pub use file::Lock;
pub use key::Key;
pub use model::{Entry, Image, Intent, NO_PASS, NewRun, OpenIntent, OutcomeRow, Pure, RunNo, RunRow, Settled, Tally};
pub use received::Received;
pub use snapshot::{Filling, Snapshot};

use crate::outcome::Failure;
use links::NewLinks;
use mark::Mark;
use rusqlite::Connection;
use rusqlite::config::DbConfig;
use schema::{StoreError, Use};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, mpsc};
use std::thread::JoinHandle;
use tables::Tables;
use tokio::sync::{Semaphore, oneshot};
use writer::{Op, QUEUE, Queued, Waiter, Writer};

/// The checkpoint of one connection; clones are the same one.
#[derive(Clone)]
pub struct Checkpoint {
    inner: Arc<Inner>,
}

/// What the two sides share.
struct Shared {
    path: PathBuf,
    links: NewLinks,
    /// Up to which entry a run is indexed; what is not here was not begun by this process.
    indexed: Mutex<BTreeMap<RunNo, i64>>,
    /// Places in the queue.
    slots: Arc<Semaphore>,
    /// Groups written.
    groups: AtomicU64,
    /// Why the writer stopped.
    broken: OnceLock<Failure>,
}

impl Shared {
    fn indexed(&self, run: RunNo) -> Option<i64> {
        guard(&self.indexed).get(&run).copied()
    }

    fn set_indexed(&self, run: RunNo, last: Option<i64>) {
        let mut indexed = guard(&self.indexed);
        match last {
            Some(last) => indexed.insert(run, last),
            None => indexed.remove(&run),
        };
    }

    fn fail(&self, failure: Failure) {
        // The first failure is the cause of any other.
        let _ = self.broken.set(failure);
        self.slots.close();
    }

    /// Why nothing is written any more.
    fn stopped(&self) -> Failure {
        let closed = || Failure::failed(format!("the checkpoint `{}` is closed", self.path.display()));
        self.broken.get().cloned().unwrap_or_else(closed)
    }
}

/// Where operations go.
enum Door {
    /// To the writer's thread.
    Thread { queue: mpsc::Sender<Queued>, thread: JoinHandle<()>, _lock: Lock },
    /// Into a transaction of their own, written by the caller.
    Caller { writer: Box<Writer>, _lock: Lock },
    /// Nowhere: opened for reading.
    ReadOnly,
    /// Nowhere any more.
    Closed,
}

struct Inner {
    shared: Arc<Shared>,
    door: Mutex<Door>,
    reader: Mutex<Option<Connection>>,
}

fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Opening and closing.
impl Checkpoint {
    /// Opens the checkpoint at `path` for writing, made if need be, and holds its lock until closed.
    ///
    /// # Errors
    /// Exit 7 when another process has it; exit 1 when it is damaged, cannot be written, or lies on a network drive.
    pub fn open(path: &Path) -> Result<Checkpoint, Failure> {
        let (writer, lock) = open_writer(path)?;
        let shared = writer.shared.clone();
        let (queue, queued) = mpsc::channel();
        let thread = std::thread::Builder::new().name("checkpoint".into()).spawn(move || writer.run(&queued));
        let thread = thread.map_err(|error| Failure::failed("no thread could be started").cause(error))?;
        Checkpoint::with(shared, Door::Thread { queue, thread, _lock: lock })
    }

    /// The same without a thread: every operation is written by its caller before it returns. For simulations, in which
    /// another thread would be another clock; slow otherwise.
    ///
    /// # Errors
    /// As [`Checkpoint::open`].
    pub fn open_on_caller(path: &Path) -> Result<Checkpoint, Failure> {
        let (writer, lock) = open_writer(path)?;
        Checkpoint::with(writer.shared.clone(), Door::Caller { writer: Box::new(writer), _lock: lock })
    }

    /// Opens the checkpoint at `path` for reading, also while another process writes; `None` when there is none.
    ///
    /// # Errors
    /// Exit 1 when it is damaged or cannot be opened. Writing to it fails.
    pub fn look(path: &Path) -> Result<Option<Checkpoint>, Failure> {
        if !path.exists() {
            return Ok(None);
        }
        let left_open = schema::prove_length(path)?;
        let checkpoint = Checkpoint::with(Arc::new(Shared::new(path)), Door::ReadOnly)?;
        if left_open {
            // Looking moves nothing: the log that a killed process has left is for the next one that writes.
            checkpoint.read(|connection| {
                connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
                Ok(())
            })?;
        }
        Ok(Some(checkpoint))
    }

    fn with(shared: Arc<Shared>, door: Door) -> Result<Checkpoint, Failure> {
        let reader = schema::connect(&shared.path, Use::Read).map_err(|error| error.failure(&shared.path))?;
        let (door, reader) = (Mutex::new(door), Mutex::new(Some(reader)));
        Ok(Checkpoint { inner: Arc::new(Inner { shared, door, reader }) })
    }

    /// Makes a copy of the checkpoint at `path`, also while another process writes; nothing where there is none.
    ///
    /// # Errors
    /// Exit 1 when it is damaged or cannot be copied.
    pub fn copy(path: &Path, to: &Path) -> Result<(), Failure> {
        let Some(checkpoint) = Checkpoint::look(path)? else { return Ok(()) };
        checkpoint.read(|connection| {
            // It writes to another file only, and yet counts as writing.
            connection.execute_batch("PRAGMA query_only = OFF")?;
            connection.execute("VACUUM INTO ?1", [to.to_string_lossy()])?;
            Ok(())
        })
    }

    /// Writes what is queued, closes the files and gives the lock back; other clones can do nothing any more.
    ///
    /// # Errors
    /// Why something could not be written, now or earlier.
    pub fn close(self) -> Result<(), Failure> {
        self.inner.close();
        self.inner.shared.broken.get().map_or(Ok(()), |failure| Err(failure.clone()))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.inner.shared.path
    }

    /// How many groups have been written: each cost one sync.
    pub fn groups(&self) -> u64 {
        self.inner.shared.groups.load(Ordering::Relaxed)
    }
}

fn open_writer(path: &Path) -> Result<(Writer, Lock), Failure> {
    file::create_folder_of(path).map_err(|error| schema::cannot_write(path, &error))?;
    file::refuse_network(path)?;
    let lock = Lock::take(path)?;
    if !path.exists() {
        if schema::beside(path, "-wal").exists() {
            return Err(schema::damaged(path, "its log is there, but the database itself is not"));
        }
        mark::remove(path)?;
        schema::create(path)?;
    }
    file::make_all_private(path).map_err(|error| schema::cannot_write(path, &error))?;
    let left_open = schema::prove_length(path)?;
    let (tables, shared) = connect_writer(path, left_open).map_err(|error| error.failure(path))?;
    let mark = Mark::open(path, &tables.connection)?;
    Ok((Writer { tables, shared, mark }, lock))
}

fn connect_writer(path: &Path, left_open: bool) -> Result<(Tables, Arc<Shared>), StoreError> {
    let connection = schema::connect(path, Use::Write)?;
    if left_open {
        schema::look_through(&connection, path)?;
    }
    let shared = Arc::new(Shared::new(path));
    links::move_into_table(&connection, &shared.links)?;
    Ok((Tables::new(connection, shared.clone()), shared))
}

impl Shared {
    fn new(path: &Path) -> Shared {
        Shared {
            path: path.to_owned(),
            links: NewLinks::default(),
            indexed: Mutex::default(),
            slots: Arc::new(Semaphore::new(QUEUE)),
            groups: AtomicU64::new(0),
            broken: OnceLock::new(),
        }
    }
}

impl Inner {
    fn queue(&self, queued: Queued) -> Result<(), Failure> {
        let mut door = guard(&self.door);
        let queued = match &mut *door {
            Door::Thread { queue, .. } => queue.send(queued).is_ok(),
            Door::Caller { writer, .. } => self.shared.broken.get().is_none() && writer.write_and_tell(vec![queued]),
            Door::ReadOnly => {
                let message = format!("the checkpoint `{}` is open for reading only", self.shared.path.display());
                return Err(Failure::failed(message));
            }
            Door::Closed => false,
        };
        if queued { Ok(()) } else { Err(self.shared.stopped()) }
    }

    /// The reader goes first: whoever closes last empties the log.
    fn close(&self) {
        drop(guard(&self.reader).take());
        let door = std::mem::replace(&mut *guard(&self.door), Door::Closed);
        if let Door::Thread { queue, thread, _lock } = door {
            drop(queue);
            if thread.join().is_err() {
                self.shared.fail(Failure::failed("the checkpoint's writer ended in a fault of its own"));
            }
        }
        self.shared.slots.close();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checkpoint").field("path", &self.inner.shared.path).finish_non_exhaustive()
    }
}

/// Getting operations to the writer.
impl Checkpoint {
    /// Queues an operation, once there is room.
    async fn queue(&self, op: Op) -> Result<(), Failure> {
        self.send(op, Waiter::Nobody).await
    }

    /// Queues an operation and waits until it is durable.
    async fn write(&self, op: Op) -> Result<(), Failure> {
        let (told, waiting) = oneshot::channel();
        self.send(op, Waiter::Task(told)).await?;
        waiting.await.unwrap_or_else(|_| Err(self.inner.shared.stopped()))
    }

    async fn send(&self, op: Op, waiter: Waiter) -> Result<(), Failure> {
        let slot = self.inner.shared.slots.clone().acquire_owned().await;
        let slot = Some(slot.map_err(|_| self.inner.shared.stopped())?);
        self.inner.queue(Queued { op, waiter, slot })
    }

    /// Has the writer do something at once and waits for the answer, blocking the thread for the time of one sync.
    fn call<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Tables) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Failure> {
        let (answer, answered) = mpsc::sync_channel(1);
        let (told, waiting) = mpsc::sync_channel(1);
        let call = Box::new(move |tables: &mut Tables| {
            let _ = answer.send(act(tables)?);
            Ok(())
        });
        self.inner.queue(Queued { op: Op::Call(call), waiter: Waiter::Thread(told), slot: None })?;
        waiting.recv().unwrap_or_else(|_| Err(self.inner.shared.stopped()))?;
        answered.recv().map_err(|_| self.inner.shared.stopped())
    }

    /// Makes everything queued so far visible to reading; what a broken writer had left stays unseen.
    fn catch_up(&self) -> Result<(), Failure> {
        let writes = matches!(*guard(&self.inner.door), Door::Thread { .. });
        if writes && self.inner.shared.broken.get().is_none() { self.call(|_| Ok(())) } else { Ok(()) }
    }

    fn read<T>(&self, read: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, Failure> {
        let reader = guard(&self.inner.reader);
        let connection = reader.as_ref().ok_or_else(|| self.inner.shared.stopped())?;
        read(connection).map_err(|error| error.failure(&self.inner.shared.path))
    }

    /// Reads a long list on a connection of its own, so that look-ups go on meanwhile.
    fn read_long<T>(&self, read: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, Failure> {
        self.catch_up()?;
        let path = &self.inner.shared.path;
        let result = schema::connect(path, Use::Read).and_then(|connection| read(&connection));
        result.map_err(|error| error.failure(path))
    }
}
