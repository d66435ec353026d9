//! The one writer: it takes operations from a queue, puts a group of them into one transaction, syncs once, and only
//! then tells those who wait.
//!
//! When it fails, everybody who waits and everybody who comes later is told why, and nothing is written any more.

use super::mark::{self, Mark};
use super::model::{Intent, Pure, RunNo, Settled};
use super::schema::StoreError;
use super::tables::Tables;
use super::{Key, Shared, links};
use crate::outcome::Failure;
use crate::record::Origin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// Operations in one transaction at most, so that none takes long.
const GROUP_MAX: usize = 1024;

/// How long an operation that somebody waits for may wait for company. A sync costs about as much, and a request to a
/// platform far more.
const GATHER_AWAITED: Duration = Duration::from_millis(3);

/// How long one that nobody waits for may: that much work is done again after a crash.
const GATHER: Duration = Duration::from_millis(100);

/// Operations queued at most: enough for a group while another is synced, each small.
pub(super) const QUEUE: usize = 4 * GROUP_MAX;

/// Something the writer does in a transaction and the caller wants an answer from.
pub(super) type Call = Box<dyn FnOnce(&mut Tables) -> Result<(), StoreError> + Send>;

/// What is to be written.
pub(super) enum Op {
    Intend(RunNo, Key, Box<Intent>),
    Withdraw(RunNo, Key),
    Disprove(RunNo, Key),
    Settle(RunNo, Key, Box<Settled>),
    Claim(RunNo, Key, u32, Origin),
    Note(RunNo, u32, Box<Pure>),
    Unlink(Key),
    Call(Call),
}

/// Who waits for it to be durable.
pub(super) enum Waiter {
    Nobody,
    Task(oneshot::Sender<Result<(), Failure>>),
    Thread(SyncSender<Result<(), Failure>>),
}

/// An operation in the queue.
pub(super) struct Queued {
    pub(super) op: Op,
    pub(super) waiter: Waiter,
    /// Its place in the queue, given back when it is written; calls, of which there are few, have none.
    pub(super) slot: Option<OwnedSemaphorePermit>,
}

/// The writer on its thread.
pub(super) struct Writer {
    pub(super) tables: Tables,
    pub(super) shared: Arc<Shared>,
    pub(super) mark: Mark,
}

impl Writer {
    /// Writes until nobody can queue anything any more, or until it fails.
    pub(super) fn run(mut self, queue: &Receiver<Queued>) {
        while let Some(group) = gather(queue) {
            if !self.write_and_tell(group) {
                return;
            }
        }
    }

    /// Writes a group and tells everybody who waits; false when it failed.
    pub(super) fn write_and_tell(&mut self, group: Vec<Queued>) -> bool {
        let (mut ops, mut waiters, mut slots) = (Vec::new(), Vec::new(), Vec::new());
        for Queued { op, waiter, slot } in group {
            ops.push(op);
            waiters.push(waiter);
            slots.push(slot);
        }
        let written = self.write(ops).map_err(|error| error.failure(&self.shared.path));
        if let Err(failure) = &written {
            self.shared.fail(failure.clone());
        }
        waiters.into_iter().for_each(|waiter| tell(waiter, &written));
        drop(slots);
        written.is_ok()
    }

    fn write(&mut self, ops: Vec<Op>) -> Result<(), StoreError> {
        self.tables.connection.execute_batch("BEGIN IMMEDIATE")?;
        for op in ops {
            self.apply(op)?;
        }
        let generation = mark::count_up(&self.tables.connection)?;
        self.tables.connection.execute_batch("COMMIT")?;
        // Only a help: an older mark proves less, and what matters is in the database.
        let _ = self.mark.note(generation);
        self.shared.groups.fetch_add(1, Ordering::Relaxed);
        if links::due(&self.tables.connection)? {
            links::move_into_table(&self.tables.connection, &self.shared.links)?;
        }
        Ok(())
    }

    fn apply(&mut self, op: Op) -> Result<(), StoreError> {
        match op {
            Op::Intend(run, key, intent) => self.tables.intend(run, &key, &intent),
            Op::Withdraw(run, key) => self.tables.withdraw(run, &key, false),
            Op::Disprove(run, key) => self.tables.withdraw(run, &key, true),
            Op::Settle(run, key, settled) => self.tables.settle(run, &key, &settled),
            Op::Claim(run, key, pass, origin) => self.tables.claim(run, &key, pass, origin),
            Op::Note(run, pass, pure) => self.tables.note(run, pass, &pure),
            Op::Unlink(link) => self.tables.log_link(&link, None),
            Op::Call(call) => call(&mut self.tables),
        }
    }
}

fn tell(waiter: Waiter, written: &Result<(), Failure>) {
    // Whoever waited may have gone: that is theirs to decide.
    match waiter {
        Waiter::Nobody => {}
        Waiter::Task(waiting) => drop(waiting.send(written.clone())),
        Waiter::Thread(waiting) => drop(waiting.send(written.clone())),
    }
}

/// The next group: waits for a first operation, then a moment for others. `None`: there will be no more.
fn gather(queue: &Receiver<Queued>) -> Option<Vec<Queued>> {
    let mut group = Vec::new();
    let first = queue.recv().ok()?;
    let mut until = Instant::now() + GATHER;
    push(&mut group, first, &mut until);
    loop {
        while group.len() < GROUP_MAX {
            match queue.try_recv() {
                Ok(next) => push(&mut group, next, &mut until),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return Some(group),
            }
        }
        let left = until.saturating_duration_since(Instant::now());
        if group.len() >= GROUP_MAX || left.is_zero() {
            return Some(group);
        }
        // Asleep, not in `recv_timeout`: waking the thread for each operation would cost more than writing it.
        std::thread::sleep(left.min(GATHER_AWAITED));
    }
}

fn push(group: &mut Vec<Queued>, queued: Queued, until: &mut Instant) {
    let may_wait = match (&queued.op, &queued.waiter) {
        (Op::Call(_), _) => Duration::ZERO,
        (_, Waiter::Nobody) => GATHER,
        _ => GATHER_AWAITED,
    };
    *until = (*until).min(Instant::now() + may_wait);
    group.push(queued);
}

#[cfg(test)]
mod tests {
    use super::super::{Checkpoint, Key, NewRun};
    use super::*;
    use crate::change::StepKind;
    use crate::contact::FieldSet;
    use crate::ids::CommandKind;
    use crate::outcome::Exit;

    fn intent(ordinal: u64) -> Intent {
        Intent {
            kind: StepKind::Change,
            identities: Vec::new(),
            origin: Origin { ordinal, line: ordinal + 1 },
            at_ms: 0,
            attempt: 1,
            target_id: None,
            before: Some("x".repeat(1000)),
            after: Vec::new(),
            made: None,
            begun: FieldSet::default(),
        }
    }

    #[tokio::test]
    async fn a_full_disk_is_told_to_everybody_and_what_was_acknowledged_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        let checkpoint = Checkpoint::open(&path).unwrap();
        let new = NewRun { name: "one".into(), work: String::new(), command: CommandKind::Import, info: true.into() };
        let run = checkpoint.begin(&new).unwrap();
        checkpoint.begin_pass(run).unwrap();
        for number in 0..10 {
            checkpoint.intend(run, Key::nth(b"before", number), intent(number)).await.unwrap();
        }
        let full = |tables: &mut Tables| Ok(tables.connection.execute_batch("PRAGMA max_page_count = 200")?);
        checkpoint.call(full).unwrap();
        // More tasks than the queue has places, so that some wait for one when it fails.
        let tasks = (0..6000).map(|number| {
            let checkpoint = checkpoint.clone();
            tokio::spawn(async move { checkpoint.intend(run, Key::nth(b"", number), intent(number)).await })
        });
        let (mut kept, mut failures) = (10, Vec::new());
        for task in tasks.collect::<Vec<_>>() {
            match task.await.unwrap() {
                Ok(()) => kept += 1,
                Err(failure) => failures.push(failure),
            }
        }
        let failure = failures.first().cloned().unwrap();
        assert_eq!(failure.message, format!("the disk is full: `{}` cannot grow", path.display()));
        assert_eq!(failure.exit, Exit::Failed);
        assert!(failures.iter().all(|other| *other == failure));
        assert_eq!(checkpoint.flush().await.unwrap_err(), failure);
        assert_eq!(checkpoint.begin_pass(run).unwrap_err(), failure);
        assert_eq!(checkpoint.tally(run, 1).unwrap().totals.settled(), 0);
        assert_eq!(checkpoint.close().unwrap_err(), failure);

        let checkpoint = Checkpoint::open(&path).unwrap();
        let (mut found, mut page) = (0, checkpoint.open_intents(None).unwrap());
        while !page.is_empty() {
            found += page.len();
            page = checkpoint.open_intents(page.last()).unwrap();
        }
        assert_eq!(found, kept);
        checkpoint.begin_pass(run).unwrap();
        checkpoint.intend(run, Key::nth(b"later", 0), intent(0)).await.unwrap();
    }
}
