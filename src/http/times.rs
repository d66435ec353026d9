//! How long the requests of a client took, and how long they waited before they left, by ranges.

use serde::{Deserialize, Serialize};
use std::array;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Ends of the ranges, in seconds; one more range has no end.
pub const BOUNDS_S: [f64; 11] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

const RANGES: usize = BOUNDS_S.len() + 1;

/// Durations by the ranges of [`BOUNDS_S`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    counts: [u64; RANGES],
    sum_s: f64,
}

/// The times of the requests of a client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Times {
    /// From the request to the response.
    pub took: Spread,
    /// Before it left, for the rate and pauses.
    pub waited: Spread,
}

impl Spread {
    /// Counts one.
    pub fn count(&mut self, duration: Duration) {
        self.counts.iter_mut().skip(range_of(duration)).take(1).for_each(|count| *count += 1);
        self.sum_s += duration.as_secs_f64();
    }

    /// Adds those of another client.
    pub fn add(&mut self, other: &Spread) {
        self.counts.iter_mut().zip(other.counts).for_each(|(count, more)| *count += more);
        self.sum_s += other.sum_s;
    }

    /// These and others.
    #[must_use]
    pub fn with(mut self, other: &Spread) -> Spread {
        self.add(other);
        self
    }

    /// How many there are in each range, and all together in seconds.
    pub fn parts(&self) -> (&[u64], f64) {
        (&self.counts, self.sum_s)
    }
}

/// The same, counted by several tasks at once.
#[derive(Debug, Default)]
pub(super) struct Counting {
    counts: [AtomicU64; RANGES],
    sum_us: AtomicU64,
}

impl Counting {
    pub(super) fn count(&self, duration: Duration) {
        if let Some(count) = self.counts.get(range_of(duration)) {
            count.fetch_add(1, Relaxed);
        }
        self.sum_us.fetch_add(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX), Relaxed);
    }

    /// All of them so far, in microseconds.
    pub(super) fn sum_us(&self) -> u64 {
        self.sum_us.load(Relaxed)
    }

    pub(super) fn so_far(&self) -> Spread {
        let mut counts = self.counts.iter();
        let next = |_| counts.next().map_or(0, |count| count.load(Relaxed));
        Spread { counts: array::from_fn(next), sum_s: self.sum_us() as f64 / 1e6 }
    }
}

fn range_of(duration: Duration) -> usize {
    BOUNDS_S.iter().take_while(|bound| duration.as_secs_f64() > **bound).count()
}
