//! The measured rate: a mean over the last half minute. Pure: the caller passes the time.

use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// The time over which the rate is a mean: long enough to even out retries, short enough to follow a new limit.
const WINDOW: Duration = Duration::from_secs(30);
/// Samples closer together than this are one.
const STEP: Duration = Duration::from_millis(500);
/// Before this much time no rate is given, because it would be chance.
const WARM_UP: Duration = Duration::from_secs(2);

/// Measures how fast a count grows. What was there at the first sample is not counted, so that a resumed run is measured
/// by what this process did.
#[derive(Debug, Default)]
pub struct Meter {
    samples: VecDeque<(Instant, u64)>,
    last: Option<(Instant, u64)>,
}

impl Meter {
    /// Records the count at a time. A count that decreases starts over.
    pub fn sample(&mut self, now: Instant, count: u64) {
        if self.last.is_some_and(|(_, before)| count < before) {
            self.samples.clear();
        }
        self.last = Some((now, count));
        if self.samples.back().is_none_or(|(at, _)| now.duration_since(*at) >= STEP) {
            self.samples.push_back((now, count));
        }
        // The sample before the window stays as its beginning.
        while self.samples.get(1).is_some_and(|(at, _)| now.duration_since(*at) >= WINDOW) {
            self.samples.pop_front();
        }
    }

    /// Measures from the next sample on: what was before says nothing about what comes.
    pub fn restart(&mut self) {
        self.samples.clear();
    }

    /// The mean, per second; `None` before there is enough data.
    pub fn per_s(&self) -> Option<f64> {
        let (from, first) = self.samples.front()?;
        let (to, last) = self.last?;
        let elapsed = to.duration_since(*from);
        (elapsed >= WARM_UP).then(|| last.saturating_sub(*first) as f64 / elapsed.as_secs_f64())
    }

    /// The time that `rest` more would take at this rate; `None` if unknown.
    pub fn time_for(&self, rest: u64) -> Option<Duration> {
        let per_s = self.per_s().filter(|per_s| *per_s > 0.0)?;
        Duration::try_from_secs_f64(rest as f64 / per_s).ok()
    }
}
