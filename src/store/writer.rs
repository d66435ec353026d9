//! The writer: one thread that takes operations from a queue, hands a group of them to the store, and answers those who
//! wait once the group is durable.
//!
//! When the store fails, every operation that waits and every later one fails with the same reason, and nothing is written
//! any more.

use super::contract::Store;
use super::lease::{Lease, RENEWED_AFTER};
use super::op::{Answer, Applied, Op};
use super::shared::Shared;
use crate::outcome::Failure;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// The most operations in a group, so that none takes long.
const GROUP_MAX: usize = 1024;

/// How long an operation with a waiting caller may wait for others. A sync costs about as much, and a request to a platform
/// far more.
const GATHER_AWAITED: Duration = Duration::from_millis(3);

/// How long an operation without a waiting caller may wait: that much work is done again after a crash.
const GATHER: Duration = Duration::from_millis(100);

/// The most operations in the queue: enough for a group while another is synced, each small.
pub(super) const QUEUE: usize = 4 * GROUP_MAX;

/// The caller that waits for an operation to be durable.
pub(super) enum Waiter {
    None,
    Task(oneshot::Sender<Result<Answer, Failure>>),
    Thread(SyncSender<Result<Answer, Failure>>),
}

/// An operation in the queue.
pub(super) struct Queued {
    /// `None`: it only waits for what was queued before.
    pub(super) op: Option<Op>,
    pub(super) waiter: Waiter,
    /// Whether it has a place in the queue, which is free when it is written; calls, of which there are few, have none.
    pub(super) has_slot: bool,
}

/// The writer on its thread.
pub(super) struct Writer {
    store: Box<dyn Store>,
    lease: Lease,
    shared: Arc<Shared>,
    /// Where tasks that wait are answered: woken one by one from this thread they would contend for the runtime's queue.
    runtime: Option<Handle>,
}

/// The answers to the tasks that wait for a group.
type TaskAnswers = Vec<(oneshot::Sender<Result<Answer, Failure>>, Result<Answer, Failure>)>;

/// What the queue brings.
enum Next {
    Group(Vec<Queued>),
    /// Nothing for so long that the lease has to be renewed.
    Idle,
    /// Nothing any more: all senders are gone.
    End,
}

impl Writer {
    /// Takes the lease of the store.
    pub(super) fn new(mut store: Box<dyn Store>, shared: Arc<Shared>) -> Result<Writer, Failure> {
        let lease = store.acquire()?;
        Ok(Writer { store, lease, shared, runtime: None })
    }

    /// Writes until the queue is closed, or until it fails. Tasks that wait are answered on this runtime, if there is one.
    pub(super) fn run(mut self, queue: &Receiver<Queued>, runtime: Option<Handle>) {
        self.runtime = runtime;
        loop {
            let goes_on = match next(queue, self.lease.valid_for) {
                Next::Group(group) => self.write_and_answer(group),
                Next::Idle => self.renew(),
                Next::End => false,
            };
            if !goes_on {
                return;
            }
        }
    }

    fn renew(&mut self) -> bool {
        let renewed = self.store.renew(&self.lease);
        renewed.map_err(|failure| self.shared.fail(failure)).is_ok()
    }

    /// Writes a group and answers every caller that waits; false when it failed.
    pub(super) fn write_and_answer(&mut self, group: Vec<Queued>) -> bool {
        let (mut ops, mut waiters) = (Vec::with_capacity(group.len()), Vec::with_capacity(group.len()));
        let mut slots = 0;
        for Queued { op, waiter, has_slot } in group {
            waiters.push((op.is_some(), waiter));
            ops.extend(op);
            slots += usize::from(has_slot);
        }
        let applied = self.write(&ops);
        if let Err(failure) = &applied {
            self.shared.fail(failure.clone());
        }
        let mut answers = applied.as_ref().map(|applied| applied.answers.iter()).unwrap_or_default();
        let mut to_tasks = TaskAnswers::new();
        for (has_op, waiter) in waiters {
            let answer = if has_op { answers.next().copied() } else { None };
            let answer = || applied.as_ref().map(|_| answer.unwrap_or(Answer::Done)).map_err(Clone::clone);
            // A caller that is gone does not want the answer.
            match waiter {
                Waiter::None => {}
                Waiter::Task(waiting) => to_tasks.push((waiting, answer())),
                Waiter::Thread(waiting) => drop(waiting.send(answer())),
            }
        }
        self.answer_tasks(to_tasks);
        self.shared.slots.add_permits(slots);
        applied.is_ok()
    }

    fn answer_tasks(&self, answers: TaskAnswers) {
        let answer_all = |answers: TaskAnswers| answers.into_iter().for_each(|(task, answer)| drop(task.send(answer)));
        match &self.runtime {
            Some(runtime) if !answers.is_empty() => drop(runtime.spawn(async move { answer_all(answers) })),
            _ => answer_all(answers),
        }
    }

    fn write(&mut self, ops: &[Op]) -> Result<Applied, Failure> {
        if ops.is_empty() {
            return Ok(Applied::default());
        }
        let applied = self.store.apply(&self.lease, ops)?;
        self.shared.groups.fetch_add(1, Ordering::Relaxed);
        self.shared.links.stored(&applied.readable_links);
        Ok(applied)
    }
}

/// The next group: waits for a first operation, then a moment for others.
fn next(queue: &Receiver<Queued>, valid_for: Option<Duration>) -> Next {
    let first = match valid_for {
        None => queue.recv().map_err(|_| RecvTimeoutError::Disconnected),
        Some(valid_for) => queue.recv_timeout(valid_for / RENEWED_AFTER),
    };
    match first {
        Ok(first) => Next::Group(gather(queue, first)),
        Err(RecvTimeoutError::Timeout) => Next::Idle,
        Err(RecvTimeoutError::Disconnected) => Next::End,
    }
}

fn gather(queue: &Receiver<Queued>, first: Queued) -> Vec<Queued> {
    let mut until = Instant::now() + may_wait(&first);
    let mut group = vec![first];
    loop {
        while group.len() < GROUP_MAX {
            match queue.try_recv() {
                Ok(next) => {
                    until = until.min(Instant::now() + may_wait(&next));
                    group.push(next);
                }
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return group,
            }
        }
        let left = until.saturating_duration_since(Instant::now());
        if group.len() >= GROUP_MAX || left.is_zero() {
            return group;
        }
        // Asleep, not in `recv_timeout`: waking the thread for each operation would cost more than writing it.
        std::thread::sleep(left.min(GATHER_AWAITED));
    }
}

/// How long an operation may wait for others.
fn may_wait(queued: &Queued) -> Duration {
    match (&queued.op, &queued.waiter) {
        (None, _) | (_, Waiter::Thread(_)) => Duration::ZERO,
        (_, Waiter::None) => GATHER,
        (_, Waiter::Task(_)) => GATHER_AWAITED,
    }
}
