//! [`Checkpoint`]: opening, closing, and the way of an operation to the writer.
//!
//! What can be written and read is in `runs.rs` and `entries.rs`.

use super::address::AccountAddress;
use super::contract::{Store, StoreReader};
use super::lease::LeaseTimer;
use super::op::{Answer, Op};
use super::shared::{Shared, guard};
use super::watchdog;
use super::writer::{QUEUE, Queued, Waiter, Writer};
use crate::outcome::Failure;
use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// The checkpoint of one account; clones are the same one.
#[derive(Clone)]
pub struct Checkpoint {
    pub(super) inner: Arc<Inner>,
}

/// Where operations go.
enum WriteMode {
    /// To the writer's thread.
    Thread { queue: mpsc::Sender<Queued>, thread: JoinHandle<()> },
    /// Each into a group of its own, written by the caller.
    Caller(Box<Writer>),
    /// They are refused: the checkpoint was opened for reading.
    ReadOnly,
    /// They are refused: the checkpoint is closed.
    Closed,
}

pub(super) struct Inner {
    pub(super) shared: Arc<Shared>,
    mode: Mutex<WriteMode>,
    reader: Mutex<Option<Box<dyn StoreReader>>>,
}

/// Opening and closing.
impl Checkpoint {
    /// Opens the checkpoint of an account for writing, created if it is missing, and holds the account until closed.
    ///
    /// # Errors
    /// Exit 7 when another process writes to the account; exit 1 when the store is damaged, cannot be written, or is on a
    /// network drive.
    pub fn open(at: &AccountAddress) -> Result<Checkpoint, Failure> {
        let shown = at.to_string();
        let checkpoint = Checkpoint::over(at.open()?, &shown)?;
        if let Some(lease) = checkpoint.lease() {
            watchdog::watch(lease, &shown)?;
        }
        Ok(checkpoint)
    }

    /// The same without a thread: every operation is written by its caller before it returns. For simulations, in which
    /// another thread would be another clock; slow otherwise.
    ///
    /// # Errors
    /// As [`Checkpoint::open`].
    pub fn open_on_caller(at: &AccountAddress) -> Result<Checkpoint, Failure> {
        Checkpoint::over_on_caller(at.open()?, &at.to_string())
    }

    /// Opens the checkpoint of an account for reading, also while another process writes; `None` when there is none.
    ///
    /// # Errors
    /// Exit 1 when it is damaged or cannot be opened. Writing to it fails.
    pub fn look(at: &AccountAddress) -> Result<Option<Checkpoint>, Failure> {
        let Some(reader) = at.look()? else { return Ok(None) };
        Checkpoint::with(Arc::new(Shared::new(&at.to_string(), QUEUE)), WriteMode::ReadOnly, reader).map(Some)
    }

    /// A checkpoint over a store. `shown` is what messages call the store.
    ///
    /// # Errors
    /// As [`Checkpoint::open`].
    pub fn over(store: Box<dyn Store>, shown: &str) -> Result<Checkpoint, Failure> {
        let (reader, shared) = (store.reader()?, Arc::new(Shared::new(shown, QUEUE)));
        store.timer().map(|lease| shared.lease.set(lease));
        let writer = Writer::new(store, Arc::clone(&shared))?;
        let (queue, queued) = mpsc::channel();
        let runtime = tokio::runtime::Handle::try_current().ok();
        let write = move || writer.run(&queued, runtime);
        let thread = std::thread::Builder::new().name("checkpoint".into()).spawn(write);
        let thread = thread.map_err(|error| Failure::failed("no thread could be started").cause(error))?;
        Checkpoint::with(shared, WriteMode::Thread { queue, thread }, reader)
    }

    /// The same without a thread: see [`Checkpoint::open_on_caller`].
    ///
    /// # Errors
    /// As [`Checkpoint::open`].
    pub fn over_on_caller(store: Box<dyn Store>, shown: &str) -> Result<Checkpoint, Failure> {
        let (reader, shared) = (store.reader()?, Arc::new(Shared::new(shown, QUEUE)));
        store.timer().map(|lease| shared.lease.set(lease));
        let writer = Writer::new(store, Arc::clone(&shared))?;
        Checkpoint::with(shared, WriteMode::Caller(Box::new(writer)), reader)
    }

    fn with(shared: Arc<Shared>, mode: WriteMode, mut reader: Box<dyn StoreReader>) -> Result<Checkpoint, Failure> {
        shared.links.set_stored(reader.has_links()?);
        let (mode, reader) = (Mutex::new(mode), Mutex::new(Some(reader)));
        Ok(Checkpoint { inner: Arc::new(Inner { shared, mode, reader }) })
    }

    /// Copies the account into another store, which must not have it: what a preview works on.
    ///
    /// # Errors
    /// Exit 1 when it is damaged or cannot be copied.
    pub fn copy_to(&self, to: &AccountAddress) -> Result<(), Failure> {
        self.long_reader()?.copy_to(&to.file()?)
    }

    /// Writes what is queued, closes the store and releases the account; other clones can do nothing any more.
    ///
    /// # Errors
    /// Why something could not be written, now or earlier.
    pub fn close(self) -> Result<(), Failure> {
        self.inner.close();
        self.inner.shared.result()
    }

    /// The lease under which it is written to; none where the account is held until it is closed.
    pub fn lease(&self) -> Option<LeaseTimer> {
        self.inner.shared.lease.get().cloned()
    }

    /// What messages call it.
    pub fn shown(&self) -> &str {
        &self.inner.shared.shown
    }

    /// How many groups have been written: each cost one sync.
    pub fn groups(&self) -> u64 {
        self.inner.shared.groups.load(Ordering::Relaxed)
    }
}

impl Inner {
    fn queue(&self, queued: impl IntoIterator<Item = Queued>) -> Result<(), Failure> {
        let mut mode = guard(&self.mode);
        let mut queued = queued.into_iter();
        let queued = match &mut *mode {
            WriteMode::Thread { queue, .. } => queued.all(|queued| queue.send(queued).is_ok()),
            WriteMode::Caller(writer) => !self.shared.is_broken() && writer.write_and_answer(queued.collect()),
            WriteMode::ReadOnly => {
                let message = format!("the checkpoint `{}` is open for reading only", self.shared.shown);
                return Err(Failure::failed(message));
            }
            WriteMode::Closed => false,
        };
        if queued { Ok(()) } else { Err(self.shared.stopped()) }
    }

    /// Closes the reader first, because the connection that is closed last empties the log.
    fn close(&self) {
        drop(guard(&self.reader).take());
        let mode = std::mem::replace(&mut *guard(&self.mode), WriteMode::Closed);
        if let WriteMode::Thread { queue, thread } = mode {
            drop(queue);
            if thread.join().is_err() {
                self.shared.fail(Failure::failed("the checkpoint's writer ended with a bug"));
            }
        }
        self.shared.close_queue();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checkpoint").field("store", &self.inner.shared.shown).finish_non_exhaustive()
    }
}

/// The way of operations to the writer, and of questions to the reader.
impl Checkpoint {
    /// Queues an operation, once there is room.
    pub(super) async fn queue(&self, op: Op) -> Result<(), Failure> {
        self.send(Some(op), Waiter::None).await
    }

    /// Queues operations together, once there is room for all of them; at most [`QUEUE`].
    pub(super) async fn queue_all(&self, ops: Vec<Op>) -> Result<(), Failure> {
        let len = u32::try_from(ops.len()).unwrap_or(u32::MAX);
        let slots = self.inner.shared.slots.acquire_many(len).await.map_err(|_| self.inner.shared.stopped())?;
        slots.forget();
        self.inner.queue(ops.into_iter().map(|op| Queued { op: Some(op), waiter: Waiter::None, has_slot: true }))
    }

    /// Queues an operation and waits until it is durable; without one, until everything queued so far is.
    pub(super) async fn write(&self, op: Option<Op>) -> Result<(), Failure> {
        let (answer, answered) = oneshot::channel();
        self.send(op, Waiter::Task(answer)).await?;
        answered.await.unwrap_or_else(|_| Err(self.inner.shared.stopped())).map(drop)
    }

    async fn send(&self, op: Option<Op>, waiter: Waiter) -> Result<(), Failure> {
        let slot = self.inner.shared.slots.acquire().await.map_err(|_| self.inner.shared.stopped())?;
        // The writer frees the places of a group at once.
        slot.forget();
        self.inner.queue([Queued { op, waiter, has_slot: true }])
    }

    /// Writes an operation at once and waits for the answer, blocking the thread for the time of one sync. Without an
    /// operation it waits until everything queued so far is durable.
    pub(super) fn call(&self, op: Option<Op>) -> Result<Answer, Failure> {
        let (answer, answered) = mpsc::sync_channel(1);
        self.inner.queue([Queued { op, waiter: Waiter::Thread(answer), has_slot: false }])?;
        answered.recv().unwrap_or_else(|_| Err(self.inner.shared.stopped()))
    }

    /// Makes everything queued so far visible to reading; what a broken writer had left stays unseen.
    pub(super) fn catch_up(&self) -> Result<(), Failure> {
        let writes = matches!(*guard(&self.inner.mode), WriteMode::Thread { .. });
        if writes && !self.inner.shared.is_broken() { self.call(None).map(drop) } else { Ok(()) }
    }

    /// Asks the reader that serves lookups.
    pub(super) fn read<T>(&self, read: impl FnOnce(&mut dyn StoreReader) -> Result<T, Failure>) -> Result<T, Failure> {
        let mut reader = guard(&self.inner.reader);
        let reader = reader.as_mut().ok_or_else(|| self.inner.shared.stopped())?;
        read(reader.as_mut())
    }

    /// A reader of its own for a long list, so that lookups continue meanwhile. It sees everything queued so far.
    pub(super) fn long_reader(&self) -> Result<Box<dyn StoreReader>, Failure> {
        self.catch_up()?;
        self.read(|reader| reader.another())
    }
}
