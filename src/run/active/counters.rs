//! How far a run is, counted while it works: for its progress, and for `run.json`.
//!
//! They only serve to show it: the totals at the end are read from the checkpoint.

use crate::outcome::{Outcome, Totals};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// How far a pass is.
#[derive(Debug, Default)]
pub(in crate::run) struct Counters {
    /// Records counted at the source.
    pub read: AtomicU64,
    /// Those of them that were passed over unread.
    pub passed: AtomicU64,
    /// Records that have an outcome.
    pub settled: AtomicU64,
    /// Rejects among them.
    pub rejected: AtomicU64,
    /// Those of them that earlier processes of the run have settled.
    pub earlier: AtomicU64,
    /// Whether this process has begun to work on a contact.
    pub has_begun: AtomicBool,
    /// The outcomes so far.
    totals: Mutex<Totals>,
}

impl Counters {
    /// How far a pass is that earlier processes have brought so far.
    pub fn after(earlier: Totals) -> Counters {
        let settled = earlier.settled();
        Counters {
            settled: AtomicU64::new(settled),
            earlier: AtomicU64::new(settled),
            totals: Mutex::new(earlier),
            ..Counters::default()
        }
    }

    /// Counts `n` records of one outcome.
    pub fn add(&self, outcome: Outcome, n: u64) {
        self.totals.lock().unwrap_or_else(PoisonError::into_inner).add(outcome, n);
    }

    /// The totals so far.
    pub fn totals(&self) -> Totals {
        let totals = *self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        let read = load(&self.read).max(totals.settled());
        Totals { read, pending: read - totals.settled(), ..totals }
    }
}

/// The value of a counter.
pub(in crate::run) fn load(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}
