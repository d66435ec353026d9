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

/// So many waiting callers are worth a sync of their own: the group is not kept open for more.
const WAITING_ENOUGH: usize = 64;

/// From so many waiting callers on, the thread looks often whether they are enough; for fewer it sleeps once.
const WAITING_MANY: usize = 8;

/// How often it looks then.
const LOOK: Duration = Duration::from_micros(500);

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

impl Queued {
    fn has_waiting_task(&self) -> bool {
        matches!(self.waiter, Waiter::Task(_))
    }
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
    let mut waiting = usize::from(first.has_waiting_task());
    let mut group = vec![first];
    loop {
        while group.len() < GROUP_MAX {
            match queue.try_recv() {
                Ok(next) => {
                    until = until.min(Instant::now() + may_wait(&next));
                    waiting += usize::from(next.has_waiting_task());
                    group.push(next);
                }
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return group,
            }
        }
        let left = until.saturating_duration_since(Instant::now());
        match pause(group.len(), waiting, left) {
            // Asleep, not in `recv_timeout`: waking the thread for each operation would cost more than writing it.
            Some(pause) => std::thread::sleep(pause),
            None => return group,
        }
    }
}

/// How long to sleep before looking for more operations of a group with so many, so many of them with a waiting caller, that
/// may be open for so long still; none: it is written now.
fn pause(len: usize, waiting: usize, left: Duration) -> Option<Duration> {
    match waiting {
        _ if len >= GROUP_MAX || left.is_zero() => None,
        WAITING_ENOUGH.. => None,
        WAITING_MANY.. => Some(left.min(LOOK)),
        _ => Some(left.min(GATHER_AWAITED)),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_written_when_its_time_is_over_or_it_has_enough() {
        let short = Duration::from_millis(1);
        assert_eq!(pause(1, 1, Duration::ZERO), None);
        assert_eq!(pause(GROUP_MAX, 0, GATHER), None);
        assert_eq!(pause(2 * WAITING_ENOUGH, WAITING_ENOUGH, short), None);
        // Outcomes do not make it due; few callers are waited for in one go, and many looked at often.
        assert_eq!(pause(GROUP_MAX - 1, 0, GATHER), Some(GATHER_AWAITED));
        assert_eq!(pause(500, WAITING_MANY - 1, short), Some(short));
        assert_eq!(pause(500, WAITING_ENOUGH - 1, short), Some(LOOK));
    }
}
