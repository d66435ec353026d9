//! What the callers of a checkpoint and its writer share: recent links, places in the queue, and the reason why the writer
//! stopped.

use super::lease::LeaseTimer;
use super::links::RecentLinks;
use super::model::RunNo;
use crate::outcome::Failure;
use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use tokio::sync::Semaphore;

/// What the writer and the callers share.
pub(super) struct Shared {
    /// What the store is called in messages.
    pub(super) shown: String,
    pub(super) links: RecentLinks,
    /// Whether a run has entries of earlier passes, for those whose pass was begun here.
    earlier: Mutex<BTreeMap<RunNo, bool>>,
    /// Places in the queue.
    pub(super) slots: Semaphore,
    /// Groups written.
    pub(super) groups: AtomicU64,
    /// What is known of the end of the lease, where it can end.
    pub(super) lease: OnceLock<LeaseTimer>,
    /// Why the writer stopped.
    broken: OnceLock<Failure>,
}

impl Shared {
    pub(super) fn new(shown: &str, queue_len: usize) -> Shared {
        Shared {
            shown: shown.to_owned(),
            links: RecentLinks::default(),
            earlier: Mutex::default(),
            slots: Semaphore::new(queue_len),
            groups: AtomicU64::new(0),
            lease: OnceLock::new(),
            broken: OnceLock::new(),
        }
    }

    pub(super) fn has_earlier(&self, run: RunNo) -> Option<bool> {
        guard(&self.earlier).get(&run).copied()
    }

    pub(super) fn set_earlier(&self, run: RunNo, has_earlier: Option<bool>) {
        let mut earlier = guard(&self.earlier);
        match has_earlier {
            Some(has_earlier) => earlier.insert(run, has_earlier),
            None => earlier.remove(&run),
        };
    }

    /// An error once the writer has failed.
    pub(super) fn result(&self) -> Result<(), Failure> {
        self.broken.get().map_or(Ok(()), |failure| Err(failure.clone()))
    }

    pub(super) fn is_broken(&self) -> bool {
        self.broken.get().is_some()
    }

    pub(super) fn fail(&self, failure: Failure) {
        // The first failure is the cause of any other.
        let _ = self.broken.set(failure);
        self.close_queue();
    }

    /// Gives no more places in the queue.
    pub(super) fn close_queue(&self) {
        self.slots.close();
    }

    /// Why nothing is written any more.
    pub(super) fn stopped(&self) -> Failure {
        let closed = || Failure::failed(format!("the checkpoint `{}` is closed", self.shown));
        self.broken.get().cloned().unwrap_or_else(closed)
    }
}

/// Locks, also after another thread has panicked.
pub(super) fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
