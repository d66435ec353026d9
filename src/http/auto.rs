//! The rate `auto`: it rises while it is used and no request is refused, and finds the limit from the refusals. Pure: it has
//! no clock.
//!
//! What was accepted between two refusals, by the time between them, is a rate that the platform keeps up: the lowest that
//! the limit can be. Where a platform counts by a bucket of tokens, which was empty at both refusals, it *is* the limit.
//! Where it counts the requests of a second, the limit is the rate that was refused, if it was approached slowly. Which of
//! both holds shows at the next refusal.
//!
//! It does not pause or queue requests; it computes a rate, and the rate that is worth remembering.

use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// The lowest rate: a platform that refuses one request in five seconds is unavailable.
const RATE_MIN_PER_S: f64 = 0.2;
/// The rise per interval before any refusal: from 2/s to 100/s in ten seconds.
const CLIMB: f64 = 1.5;
/// What remains of the rate from a refusal until it is judged.
const CUT: f64 = 0.5;
/// The part of the way to the refused rate that is made in a second, while the limit is not known.
const APPROACH: f64 = 0.12;
/// How close two rates have to be to be the same.
const AGREE: f64 = 0.06;
/// The part of the limit that is used.
const USED: f64 = 0.97;
/// The part of a rate that was refused a moment ago that is below the limit.
const SAFE: f64 = 0.92;
/// The rise per second once the limit is known, as a part of it: it is tried again after a minute and more,
const CREEP: f64 = 0.0005;
/// but below and beyond that the rise is quicker,
const CREEP_BESIDE: f64 = 0.004;
/// beyond this part of it,
const TRIED: f64 = 1.01;
/// and a rate so far above shows that there is another limit now.
const OUTGROWN: f64 = 1.06;
/// A bucket refuses sooner where a rate above its limit is tried.
const TRIAL: Duration = Duration::from_secs(20);
/// So far above what is shown for a bucket, a refused rate may still be the limit of a window.
const CLOSE: f64 = 1.16;
/// The part of the rate that must be used for an interval to prove anything.
const BUSY: f64 = 0.75;
/// Refusals within it belong to requests that left before the first of them was known.
const CUT_WINDOW: Duration = Duration::from_secs(1);
/// What left is counted in slots of this length, and so many make more than a second.
const SLOT: Duration = Duration::from_millis(50);
const SLOTS: usize = 22;

/// A rate that adapts.
#[derive(Debug)]
pub struct Auto {
    rate_per_s: f64,
    max_per_s: f64,
    /// Held for a whole busy interval, or given as such at the start.
    proven_per_s: f64,
    phase: Phase,
    /// Whether the rate was held for an interval.
    was_held: bool,
    /// What the refusals before have shown.
    shown: Option<Shown>,
    counts: Option<Counts>,
    /// When the last refusals began, and until when nothing left.
    last: Option<(Instant, Instant)>,
    /// What left since, and was not refused.
    accepted: u64,
    refusal: Option<Refusal>,
    recent: Recent,
    interval: Option<Interval>,
}

/// What is known about the limit.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    /// No request was refused yet.
    Start,
    /// The limit is below this rate, which was refused.
    Approach(f64),
    /// This is the limit, as far as can be told.
    Known(f64),
}

/// How the platform counts, once it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counts {
    Bucket,
    Window,
}

/// Between which rates the limit of a bucket lies, and whether a refused rate was tried as a limit.
#[derive(Clone, Copy, Debug)]
struct Shown {
    lowest_per_s: f64,
    highest_per_s: f64,
}

/// Refusals that belong together.
#[derive(Debug)]
struct Refusal {
    at: Instant,
    /// Until when nothing leaves, or what is refused belongs to these.
    until: Instant,
    /// The time since the refusals before, and the part of it in which requests left.
    since: Option<(Duration, Duration)>,
    /// The rate that was refused.
    rate_per_s: f64,
    /// What was accepted since the refusals before,
    accepted: u64,
    /// and what left in the last second.
    last_second: f64,
    refused: u64,
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
        Auto {
            rate_per_s: start,
            max_per_s,
            proven_per_s: start,
            phase: Phase::Start,
            was_held: false,
            shown: None,
            counts: None,
            last: None,
            accepted: 0,
            refusal: None,
            recent: Recent::default(),
            interval: None,
        }
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
        let is_judged = self.refusal.as_ref().is_some_and(|refusal| now >= refusal.until);
        if is_judged {
            self.judge_refusal();
        }
        self.accepted += 1;
        self.recent.count(now);
        let length = Duration::from_secs_f64((2.0 / self.rate_per_s).max(1.0));
        let has_risen = match &mut self.interval {
            Some(interval) if now.duration_since(interval.start) < length => {
                interval.left = interval.left.saturating_add(1);
                false
            }
            over => {
                let interval = over.replace(Interval { start: now, left: 1 });
                interval.is_some_and(|interval| self.judge(&interval, now))
            }
        };
        is_judged || has_risen
    }

    fn judge(&mut self, interval: &Interval, now: Instant) -> bool {
        let elapsed_s = now.duration_since(interval.start).as_secs_f64();
        let busy = f64::from(interval.left) >= BUSY * self.rate_per_s * elapsed_s;
        if busy && self.refusal.is_none() {
            self.climb(elapsed_s.min(2.0));
        }
        busy
    }

    fn climb(&mut self, elapsed_s: f64) {
        self.was_held = true;
        let rate = self.rate_per_s;
        let (up, limit) = match self.phase {
            Phase::Start => (rate * CLIMB, f64::INFINITY),
            Phase::Approach(refused) if rate < refused * USED => {
                (rate + (refused - rate) * (APPROACH * elapsed_s).min(1.0), refused)
            }
            Phase::Approach(limit) | Phase::Known(limit) => {
                let creep = if (limit * USED..=limit * TRIED).contains(&rate) { CREEP } else { CREEP_BESIDE };
                (rate + limit * creep * elapsed_s, limit)
            }
        };
        if up > limit * OUTGROWN {
            (self.phase, self.shown, self.counts, self.last) = (Phase::Start, None, None, None);
        }
        self.proven_per_s = self.proven_per_s.max(rate.min(limit * USED));
        self.rate_per_s = self.bounded(up);
    }

    /// The platform refused a request, and nothing leaves before `until`.
    pub fn refused(&mut self, now: Instant, until: Instant) {
        if let Some(refusal) = self.refusal.as_mut().filter(|refusal| now < refusal.until) {
            refusal.until = refusal.until.max(until);
            // What left since the first refusal counts for the time after it.
            let left_before = if self.accepted == 0 { &mut refusal.accepted } else { &mut self.accepted };
            *left_before = left_before.saturating_sub(1);
            refusal.refused += 1;
            return;
        }
        self.judge_refusal();
        self.refusal = Some(Refusal {
            at: now,
            until: until.max(now + CUT_WINDOW),
            since: self.last.map(|(at, until)| (now.duration_since(at), now.saturating_duration_since(until))),
            rate_per_s: self.rate_per_s,
            accepted: std::mem::take(&mut self.accepted).saturating_sub(1),
            last_second: self.recent.total(now),
            refused: 1,
        });
        self.interval = None;
        self.proven_per_s = self.proven_per_s.min(self.rate_per_s * USED);
        // Until the requests that had left before are answered.
        self.rate_per_s = self.bounded(self.rate_per_s * CUT);
    }

    /// What the last refusals show about the limit.
    fn judge_refusal(&mut self) {
        let Some(refusal) = self.refusal.take() else { return };
        self.last = Some((refusal.at, refusal.until));
        let refused = refusal.rate_per_s;
        let (rate, phase) = match (refusal.shows(), self.phase) {
            // A platform that counts each gap refuses the first requests, whatever the rate is.
            _ if !self.was_held => (refused * CUT, Phase::Start),
            (None, _) | (_, Phase::Start) => (refusal.last_second_per_s() * USED, Phase::Approach(refused)),
            (Some(shown), phase) => self.judge_shown(&refusal, shown, phase),
        };
        self.phase = phase;
        self.rate_per_s = self.bounded(rate);
        self.proven_per_s = self.bounded(self.proven_per_s.min(rate));
    }

    fn judge_shown(&mut self, refusal: &Refusal, shown: Shown, phase: Phase) -> (f64, Phase) {
        let refused = refusal.rate_per_s;
        let (before, average) = (self.shown, shown.highest_per_s);
        let shown = before.and_then(|before| before.and(shown)).unwrap_or(shown);
        self.shown = Some(shown);
        if matches!(phase, Phase::Known(_)) {
            let is_held = refusal.since.is_some_and(|(_, sending)| sending >= TRIAL);
            let is_close = self.counts.is_none() && refused <= shown.highest_per_s * CLOSE;
            self.counts = Some(if is_held || is_close { Counts::Window } else { Counts::Bucket });
            if is_held {
                // A rate that was held so long is the limit, or hardly above: not the one to which it has crept.
                let limit = refused.min(average);
                return (limit * USED, Phase::Known(limit));
            }
        }
        match self.counts {
            Some(Counts::Bucket) => (shown.middle_per_s() * USED, Phase::Known(shown.highest_per_s.min(refused))),
            Some(Counts::Window) => (refused * USED, Phase::Known(refused)),
            // The rate rose too fast for the refused one to say much.
            None if before.is_none() && shown.lowest_per_s < refused * (1.0 - 2.0 * AGREE) => {
                (shown.lowest_per_s, Phase::Approach(refused))
            }
            None => tried(refused),
        }
    }

    fn bounded(&self, rate_per_s: f64) -> f64 {
        rate_per_s.max(RATE_MIN_PER_S).min(self.max_per_s)
    }
}

/// Tries a refused rate as the limit.
fn tried(refused: f64) -> (f64, Phase) {
    (refused * SAFE, Phase::Known(refused))
}

impl Shown {
    /// What both show; none where that is a contradiction.
    fn and(self, other: Shown) -> Option<Shown> {
        let lowest_per_s = self.lowest_per_s.max(other.lowest_per_s);
        let highest_per_s = self.highest_per_s.min(other.highest_per_s);
        (lowest_per_s <= highest_per_s * (1.0 + AGREE)).then_some(Shown { lowest_per_s, highest_per_s })
    }

    fn middle_per_s(self) -> f64 {
        f64::midpoint(self.lowest_per_s, self.highest_per_s)
    }
}

impl Refusal {
    /// What the platform has accepted in the last second.
    fn last_second_per_s(&self) -> f64 {
        (self.last_second - self.refused as f64 + 0.5).clamp(RATE_MIN_PER_S.min(self.rate_per_s), self.rate_per_s)
    }

    /// What the platform has accepted since the refusals before, if there were any.
    fn shows(&self) -> Option<Shown> {
        let (since, sending) = self.since?;
        let per_s = |time: Duration| self.accepted as f64 / time.max(CUT_WINDOW / 4).as_secs_f64();
        Some(Shown { lowest_per_s: per_s(since), highest_per_s: per_s(sending) })
    }
}

/// How many requests left in the last second.
#[derive(Debug, Default)]
struct Recent {
    /// The latest slot at the front, each with its beginning.
    slots: VecDeque<(Instant, u64)>,
}

impl Recent {
    fn count(&mut self, now: Instant) {
        match self.slots.front_mut() {
            Some((begun, left)) if now.duration_since(*begun) < SLOT => *left += 1,
            _ => {
                self.slots.push_front((now, 1));
                self.slots.truncate(SLOTS);
            }
        }
    }

    /// Of the slot that began before, the part that lies within.
    fn total(&self, now: Instant) -> f64 {
        let part = |(begun, left): &(Instant, u64)| {
            let before_s = now.duration_since(*begun).as_secs_f64() - 1.0;
            *left as f64 * (1.0 - before_s.max(0.0) / SLOT.as_secs_f64()).max(0.0)
        };
        self.slots.iter().map(part).sum()
    }
}
