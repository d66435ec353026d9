//! How many intents may be on disk ahead of their requests.
//!
//! Enough that the disk never holds up the requests, and no more than a few seconds' worth: whatever was intended and
//! not sent when a process is killed has to be looked for by the next one.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

/// Intents ahead are at most what the rate lets through in this time.
const AHEAD: Duration = Duration::from_secs(2);

/// Counts intents whose requests have not been answered.
#[derive(Debug)]
pub struct Gate {
    most: usize,
    open: AtomicUsize,
    left: Notify,
}

/// One intent that has passed; it counts until this is dropped.
#[derive(Debug)]
pub struct Passed<'a>(&'a Gate);

impl Gate {
    /// At most `most` intents at once, whatever the rate.
    pub fn new(most: usize) -> Gate {
        Gate { most: most.max(1), open: AtomicUsize::new(0), left: Notify::new() }
    }

    /// Waits for its turn. `rate`: requests per second that leave at this time; `None`: no limit.
    pub async fn pass(&self, rate: Option<f64>) -> Passed<'_> {
        let allowed = rate.map_or(self.most, |rate| {
            // A float too large for the type becomes its maximum, a negative one zero.
            ((rate * AHEAD.as_secs_f64()).ceil() as usize).saturating_add(1).min(self.most)
        });
        while !self.enter(allowed) {
            let left = self.left.notified();
            tokio::pin!(left);
            left.as_mut().enable();
            // One may have left before this one waited for it.
            if self.enter(allowed) {
                break;
            }
            left.await;
        }
        Passed(self)
    }

    fn enter(&self, allowed: usize) -> bool {
        let one_more = |open| (open < allowed).then_some(open + 1);
        self.open.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more).is_ok()
    }
}

impl Drop for Passed<'_> {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::AcqRel);
        self.0.left.notify_one();
    }
}
