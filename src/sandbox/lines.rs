//! The connections that are open, so that the one that has been idle longest makes room for a new one.

use super::locked::locked;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// The idle connections, in the order in which they became so.
#[derive(Default)]
pub(super) struct Lines {
    next: AtomicU64,
    idle: Mutex<BTreeMap<u64, Arc<Notify>>>,
}

impl Lines {
    /// Tells the connection to close that has been idle longest, if one is.
    pub(super) fn close_oldest(&self) {
        if let Some((_, close)) = locked(&self.idle).pop_first() {
            close.notify_one();
        }
    }

    /// A new connection; it is idle until its first request.
    pub(super) fn open(self: &Arc<Lines>) -> Arc<Line> {
        let line = Arc::new(Line { all: Arc::clone(self), close: Arc::default(), place: Mutex::new(None) });
        line.rest();
        line
    }
}

/// One connection.
pub(super) struct Line {
    all: Arc<Lines>,
    close: Arc<Notify>,
    /// Its place among the idle ones; none while it has a request.
    place: Mutex<Option<u64>>,
}

impl Line {
    /// Ends when the connection is to close.
    pub(super) async fn is_closing(&self) {
        self.close.notified().await;
    }

    /// Whether a request is being answered.
    pub(super) fn is_busy(&self) -> bool {
        locked(&self.place).is_none()
    }

    /// A request begins; it lasts as long as what this gives.
    pub(super) fn work(self: &Arc<Line>) -> Working {
        self.leave();
        Working(Arc::clone(self))
    }

    fn rest(&self) {
        let place = self.all.next.fetch_add(1, Ordering::Relaxed);
        *locked(&self.place) = Some(place);
        locked(&self.all.idle).insert(place, Arc::clone(&self.close));
    }

    fn leave(&self) {
        if let Some(place) = locked(&self.place).take() {
            locked(&self.all.idle).remove(&place);
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.leave();
    }
}

/// A request that is being answered.
pub(super) struct Working(Arc<Line>);

impl Drop for Working {
    fn drop(&mut self) {
        self.0.rest();
    }
}
