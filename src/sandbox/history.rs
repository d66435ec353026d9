//! The newest exchanges, for the page and for tests: what came, and what it came to.
//!
//! It does not keep bodies or headers.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// Exchanges kept; older ones are forgotten. Enough for any test, a few MiB at most.
const KEPT_MAX: usize = 20_000;
/// Bytes of a path that are kept.
const PATH_MAX: usize = 256;

/// One request, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// `GET`, `POST`, …
    pub method: String,
    /// The path with its query, percent-encoded.
    pub path: String,
    /// The status answered; 0 when the connection was closed instead.
    pub status: u16,
    /// Whether the request changed what the platform holds.
    pub acted: bool,
}

#[derive(Default)]
pub(super) struct History {
    kept: VecDeque<(Instant, SystemTime, Exchange)>,
}

impl History {
    pub(super) fn add(&mut self, at: Instant, mut exchange: Exchange) {
        if self.kept.len() >= KEPT_MAX {
            self.kept.pop_front();
        }
        if exchange.path.len() > PATH_MAX {
            exchange.path = exchange.path.chars().take(PATH_MAX).collect();
        }
        self.kept.push_back((at, SystemTime::now(), exchange));
    }

    /// Oldest first.
    pub(super) fn exchanges(&self) -> Vec<Exchange> {
        self.kept.iter().map(|(_, _, exchange)| exchange.clone()).collect()
    }

    /// So many at most, newest first, each with its time; and how many are kept.
    pub(super) fn newest(&self, max: usize) -> (Vec<(SystemTime, Exchange)>, usize) {
        let newest = self.kept.iter().rev().take(max).map(|(_, at, exchange)| (*at, exchange.clone()));
        (newest.collect(), self.kept.len())
    }

    /// The most requests that came within any stretch of time this long.
    pub(super) fn max_per_window(&self, window: Duration) -> usize {
        let mut within = VecDeque::new();
        let counts = self.kept.iter().map(|&(at, ..)| {
            within.push_back(at);
            while within.front().is_some_and(|&first| at.saturating_duration_since(first) >= window) {
                within.pop_front();
            }
            within.len()
        });
        counts.max().unwrap_or(0)
    }
}
