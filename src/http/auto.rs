//! The pace that finds itself: up while it is used and nobody complains, down at a refusal. Pure: no clock inside.
//!
//! It knows nothing of pauses and queues; it says a rate, and what of it is worth remembering.

use std::time::Duration;
use tokio::time::Instant;

/// The lowest rate: a platform that refuses one request in five seconds is not to be had at all.
const RATE_MIN_PER_S: f64 = 0.2;
/// The first climb, per beat, before any refusal: from 2/s to 100/s in ten seconds.
const CLIMB: f64 = 1.5;
/// What remains of the rate after a refusal.
const CUT: f64 = 0.5;
/// The climb after a refusal, per second, as a part of the rate that was refused: back there in 25 s.
const CREEP: f64 = 0.02;
/// The same where the last refusal came from, so that it is met seldom: 40 s from one end to the other.
const CREEP_NEAR: f64 = 0.0025;
/// How far around the refused rate "near" is.
const NEAR: f64 = 0.05;
/// How much of the rate has to be used for a beat to prove anything.
const BUSY: f64 = 0.75;
/// What is remembered of a rate that was refused.
const SAFE: f64 = 0.9;
/// Refusals within it answer requests that left before the cut.
const CUT_WINDOW: Duration = Duration::from_secs(1);

/// A rate that climbs and falls by itself (additive up, multiplicative down).
#[derive(Debug)]
pub struct Auto {
    rate_per_s: f64,
    max_per_s: f64,
    /// Held for a whole busy beat, or given as such at the start.
    proven_per_s: f64,
    refused_per_s: Option<f64>,
    cut_until: Option<Instant>,
    beat: Option<Beat>,
}

/// A stretch of time over which use is measured.
#[derive(Debug)]
struct Beat {
    start: Instant,
    left: u32,
}

impl Auto {
    /// Begins at `start_per_s`, never over `max_per_s` (infinite: no bound).
    pub fn new(start_per_s: f64, max_per_s: f64) -> Auto {
        let start = if start_per_s.is_finite() { start_per_s } else { RATE_MIN_PER_S };
        let start = start.max(RATE_MIN_PER_S).min(max_per_s);
        Auto { rate_per_s: start, max_per_s, proven_per_s: start, refused_per_s: None, cut_until: None, beat: None }
    }

    /// The rate right now, requests per second.
    pub fn rate_per_s(&self) -> f64 {
        self.rate_per_s
    }

    /// The rate worth beginning with next time: held for a while, and under whatever was refused.
    pub fn proven_per_s(&self) -> f64 {
        self.proven_per_s
    }

    /// A request leaves. Returns whether the rate changed.
    pub fn left(&mut self, now: Instant) -> bool {
        let length = Duration::from_secs_f64((2.0 / self.rate_per_s).max(1.0));
        match &mut self.beat {
            Some(beat) if now.duration_since(beat.start) < length => {
                beat.left = beat.left.saturating_add(1);
                false
            }
            over => {
                let beat = over.replace(Beat { start: now, left: 1 });
                beat.is_some_and(|beat| self.judge(&beat, now, length))
            }
        }
    }

    fn judge(&mut self, beat: &Beat, now: Instant, length: Duration) -> bool {
        let elapsed = now.duration_since(beat.start);
        let busy = f64::from(beat.left) >= BUSY * self.rate_per_s * elapsed.as_secs_f64();
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
        self.beat = None;
    }

    fn bounded(&self, rate_per_s: f64) -> f64 {
        rate_per_s.max(RATE_MIN_PER_S).min(self.max_per_s)
    }
}
