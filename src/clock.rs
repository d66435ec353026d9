//! The time, and waiting.
//!
//! One clock for the whole program: the wall time moves with the runtime's own clock, so a test that pauses the
//! runtime pauses both. It decides nothing.

use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// Tells the time and waits.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    wall: SystemTime,
    start: Instant,
}

impl Clock {
    /// A clock that agrees with the machine's at this moment.
    pub fn start() -> Clock {
        Clock { wall: SystemTime::now(), start: Instant::now() }
    }

    /// Now, for measuring and waiting; never goes back.
    pub fn now(&self) -> Instant {
        Instant::now()
    }

    /// Now, as people date things.
    pub fn wall(&self) -> SystemTime {
        self.wall + self.start.elapsed()
    }

    /// Now, in milliseconds since 1970 (UTC).
    pub fn wall_ms(&self) -> u64 {
        let since = self.wall().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    /// Waits for `duration`.
    pub async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    /// Waits until `instant`.
    pub async fn sleep_until(&self, instant: Instant) {
        tokio::time::sleep_until(instant).await;
    }
}
