//! The rate `auto`: it rises while it is used and no request is refused, and falls at a refusal. Pure: it has no clock.
//!
//! It does not pause or queue requests; it computes a rate, and the rate that is worth remembering.

use std::time::Duration;
use tokio::time::Instant;

/// The lowest rate: a platform that refuses one request in five seconds is unavailable.
const RATE_MIN_PER_S: f64 = 0.2;
/// The rise per interval before any refusal: from 2/s to 100/s in ten seconds.
const CLIMB: f64 = 1.5;
/// What remains of the rate after a refusal.
const CUT: f64 = 0.5;
/// The rise per second after a refusal, as a fraction of the rate that was refused: back there in 25 s.
const CREEP: f64 = 0.02;
/// The same near the rate that was refused, so that refusals are rare: 40 s through that range.
const CREEP_NEAR: f64 = 0.0025;
/// How far around the refused rate "near" is.
const NEAR: f64 = 0.05;
/// The part of the rate that must be used for an interval to prove anything.
const BUSY: f64 = 0.75;
/// The part of a refused rate that is remembered.
const SAFE: f64 = 0.9;
/// Refusals within it belong to requests that left before the cut.
const CUT_WINDOW: Duration = Duration::from_secs(1);

/// A rate that adapts (additive increase, multiplicative decrease).
#[derive(Debug)]
pub struct Auto {
    rate_per_s: f64,
    max_per_s: f64,
    /// Held for a whole busy interval, or given as such at the start.
    proven_per_s: f64,
    refused_per_s: Option<f64>,
    cut_until: Option<Instant>,
    interval: Option<Interval>,
}

/// A time over which use is measured.
#[derive(Debug)]
struct Interval {
    start: Instant,
    left: u32,
}

impl Auto {
    /// Begins at `start_per_s`, never over `max_per_s` (infinite: no bound).
    pub fn new(start_per_s: f64, max_per_s: f64) -> Auto {
        let start = if start_per_s.is_finite() { start_per_s } else { RATE_MIN_PER_S };
        let start = start.max(RATE_MIN_PER_S).min(max_per_s);
        Auto { rate_per_s: start, max_per_s, proven_per_s: start, refused_per_s: None, cut_until: None, interval: None }
    }

    /// The rate right now, requests per second.
    pub fn rate_per_s(&self) -> f64 {
        self.rate_per_s
    }

    /// The rate to begin with next time: it was held for a while, and is below every refused one.
    pub fn proven_per_s(&self) -> f64 {
        self.proven_per_s
    }

    /// A request leaves. Returns whether the rate changed.
    pub fn left(&mut self, now: Instant) -> bool {
        let length = Duration::from_secs_f64((2.0 / self.rate_per_s).max(1.0));
        match &mut self.interval {
            Some(interval) if now.duration_since(interval.start) < length => {
                interval.left = interval.left.saturating_add(1);
                false
            }
            over => {
                let interval = over.replace(Interval { start: now, left: 1 });
                interval.is_some_and(|interval| self.judge(&interval, now, length))
            }
        }
    }

    fn judge(&mut self, interval: &Interval, now: Instant, length: Duration) -> bool {
        let elapsed = now.duration_since(interval.start);
        let busy = f64::from(interval.left) >= BUSY * self.rate_per_s * elapsed.as_secs_f64();
        if busy {
            self.climb(length);
        }
        busy
    }

    fn climb(&mut self, length: Duration) {
        self.proven_per_s = self.proven_per_s.max(self.rate_per_s);
        let up = match self.refused_per_s {
            None => self.rate_per_s * CLIMB,
            Some(refused) => {
                let near = (self.rate_per_s / refused - 1.0).abs() <= NEAR;
                let step = if near { CREEP_NEAR } else { CREEP };
                self.rate_per_s + refused * step * length.as_secs_f64()
            }
        };
        self.rate_per_s = up.min(self.max_per_s);
    }

    /// The platform refused a request, and nothing leaves before `until`.
    pub fn refused(&mut self, now: Instant, until: Instant) {
        let end = until.max(now + CUT_WINDOW);
        if self.cut_until.is_some_and(|cut_until| now < cut_until) {
            self.cut_until = self.cut_until.max(Some(end));
            return;
        }
        self.cut_until = Some(end);
        self.refused_per_s = Some(self.rate_per_s);
        self.proven_per_s = self.bounded(self.proven_per_s.min(self.rate_per_s * SAFE));
        self.rate_per_s = self.bounded(self.rate_per_s * CUT);
        self.interval = None;
    }

    fn bounded(&self, rate_per_s: f64) -> f64 {
        rate_per_s.max(RATE_MIN_PER_S).min(self.max_per_s)
    }
}
