//! A rate limit as a platform keeps one: a token bucket, and how long the refused should stay away.
//!
//! Pure: the caller passes the time.

use std::time::Duration;
use tokio::time::Instant;

/// So many requests per so long, the whole number at once at most.
pub(super) struct Bucket {
    size: f64,
    tokens: f64,
    per_second: f64,
    filled_at: Instant,
}

impl Bucket {
    /// A full bucket of `count` tokens that refills in `window`.
    pub(super) fn new(count: u32, window: Duration, now: Instant) -> Bucket {
        let size = f64::from(count);
        Bucket { size, tokens: size, per_second: size / window.as_secs_f64(), filled_at: now }
    }

    /// Takes a token; when there is none, how long until there is one.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), Duration> {
        let passed = now.saturating_duration_since(self.filled_at).as_secs_f64();
        self.tokens = (self.tokens + passed * self.per_second).min(self.size);
        self.filled_at = now;
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        let seconds = (1.0 - self.tokens) / self.per_second;
        Err(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
    }
}
