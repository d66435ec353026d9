//! The rate `auto`: it rises while it is used and no request is refused, and finds the limit from the refusals. Pure: it has
//! no clock.
//!
//! Until a first refusal the rate rises fast. What was accepted in the second before it is near the limit; up to there it
//! rises quickly, and beyond it slowly, so that the next refusal shows the limit of a platform that counts the requests of a
//! second. The rate then stays just below, and is raised only after a minute and more, to see whether the limit has changed:
//! later where the platform asks for a longer pause.
//!
//! A platform that counts by a bucket of tokens refuses later than that, and refuses a rate again that was held for a while.
//! What it accepted between two refusals is what the bucket held and the limit times the time: two such spans show the limit.
//!
//! It does not pause or queue requests; it computes a rate, and the rate that is worth remembering.

use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// The lowest rate: a platform that refuses one request in five seconds is unavailable.
const RATE_MIN_PER_S: f64 = 0.2;
/// The rise per second before any refusal: from 2/s to 100/s in ten seconds.
const CLIMB: f64 = 1.5;
/// How far such a rise leads above the limit, at most.
const CLIMBED: f64 = 1.8;
/// What remains of the rate from a refusal until it is judged,
const CUT: f64 = 0.5;
/// and once the limit is known.
const CUT_KNOWN: f64 = 0.8;
/// The part of the limit that is used.
const USED: f64 = 0.985;
/// The part of a refused rate that is the limit if it rose slowly, or was held.
const REFUSED: f64 = 0.99;
/// The part of what seems near the limit with which the search goes on after a first refusal,
const BELOW: f64 = 0.8;
/// a second one,
const BELOW_NEAR: f64 = 0.93;
/// and where a slow rise was refused.
const BELOW_SLOW: f64 = 0.96;
/// The rise per second, as a part of what seems near the limit, while it is far,
const QUICK: f64 = 0.08;
/// from this part of it on,
const NEAR: f64 = 0.97;
/// and back to a limit that is known.
const SLOW: f64 = 0.02;
const BACK: f64 = 0.004;
/// How long a rate just below the limit is held before higher ones are tried: after each refusal of one for longer.
const HOLD_S: f64 = 60.0;
const HOLD_LONGER: f64 = 1.5;
const HOLD_MAX_S: f64 = 180.0;
/// where the spans leave it open how low the limit is,
const HOLD_UNSURE_S: f64 = 15.0;
/// and at least for so many requests, so that few of them are refused,
const HOLD_REQUESTS: f64 = 300.0;
/// and so long that the pause after a refusal is at most this part of the time.
const PAUSED: f64 = 0.015;
/// The rise per second when higher rates are tried, as a part of the limit,
const TRY: f64 = 0.002;
/// quicker beyond this part of it,
const TRIED: f64 = 1.01;
const TRY_ON: f64 = 0.003;
/// and a rate so far above shows that there is another limit now.
const OUTGROWN: f64 = 1.08;
/// A refusal so soon after the one before, or after so few requests, says that the rate was too high from the beginning.
const SOON_S: f64 = 2.0;
const SOON_REQUESTS: f64 = 4.0;
/// What then remains of the rate, and the least that remains if that happens again.
const STEP: f64 = 0.9;
const STEP_MAX: f64 = 0.6;
/// A bucket refuses sooner where a rate above its limit is held.
const TRIAL_S: f64 = 20.0;
/// So often in a row it is a bucket.
const STRIKES: u32 = 3;
/// How much lower a limit may be than the rate that a bucket refused.
const EMPTIED: f64 = 0.9;
/// The spans that are kept to be compared.
const SPANS: usize = 4;
/// How quickly the mean rate follows, in seconds: it is that of the last second.
const MEAN_S: f64 = 0.5;
/// The part of the rate that must be used for an interval to prove anything.
const BUSY: f64 = 0.75;
/// The length of an interval, and the requests that it has at least.
const INTERVAL_S: f64 = 0.25;
const INTERVAL_REQUESTS: f64 = 2.0;
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
    /// The mean rate of the last second.
    mean_per_s: f64,
    /// Held for a whole busy interval, or given as such at the start.
    proven_per_s: f64,
    phase: Phase,
    /// Whether the rate was held for an interval.
    was_held: bool,
    /// How long it is held before higher ones are tried.
    hold_s: f64,
    /// The pause after the last refusals.
    pause_s: f64,
    evidence: Evidence,
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
    /// The limit is below this rate, which was refused, and probably near that one.
    Rise { near: f64, below: f64 },
    /// This is the limit, as far as can be told, and just below it the rate was held for so long.
    Known { limit: f64, held_s: f64 },
}

/// What the refusals before have shown about the platform.
#[derive(Debug, Default)]
struct Evidence {
    /// Refusals in a row that came soon.
    soon: u32,
    /// Refusals in a row of rates that were held below what seemed the limit.
    strikes: u32,
    /// Whether the last refusal was that of a rate above the limit that was tried.
    was_tried: bool,
    is_bucket: bool,
    /// The latest at the front.
    spans: VecDeque<Span>,
}

/// What was accepted between two refusals.
#[derive(Clone, Copy, Debug)]
struct Span {
    accepted: f64,
    /// The time between them, and the part of it in which requests left.
    since_s: f64,
    sending_s: f64,
}

/// Refusals that belong together.
#[derive(Debug)]
struct Refusal {
    at: Instant,
    /// Until when nothing leaves, or what is refused belongs to these.
    until: Instant,
    /// The time since the refusals before, and the part of it in which requests left.
    since: Option<(Duration, Duration)>,
    /// The rate that was refused, and the mean of the second before.
    rate_per_s: f64,
    mean_per_s: f64,
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
            mean_per_s: start,
            proven_per_s: start,
            phase: Phase::Start,
            was_held: false,
            hold_s: HOLD_S,
            pause_s: 0.0,
            evidence: Evidence::default(),
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
        let length = Duration::from_secs_f64((INTERVAL_REQUESTS / self.rate_per_s).max(INTERVAL_S));
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
        self.mean_per_s += (rate - self.mean_per_s) * (1.0 - (-elapsed_s / MEAN_S).exp());
        let up = match &mut self.phase {
            Phase::Start => rate * CLIMB.powf(elapsed_s),
            Phase::Rise { near, below } => {
                let rise = if rate < *near * NEAR { QUICK } else { SLOW };
                let (up, most) = (rate + *near * rise * elapsed_s, (*below * USED).max(rate));
                if up >= most {
                    self.phase = Phase::Known { limit: *below, held_s: 0.0 };
                }
                up.min(most)
            }
            Phase::Known { limit, .. } if rate < *limit * USED => (rate + *limit * BACK * elapsed_s).min(*limit * USED),
            Phase::Known { limit, held_s } => {
                *held_s += elapsed_s;
                let rise = if rate < *limit * TRIED { TRY } else { TRY_ON };
                let hold_s = self.hold_s.max(self.pause_s / PAUSED).max(HOLD_REQUESTS / rate);
                if *held_s < hold_s { rate } else { rate + *limit * rise * elapsed_s }
            }
        };
        let most = if let Phase::Known { limit, .. } = self.phase { limit } else { f64::INFINITY };
        self.proven_per_s = self.proven_per_s.max(rate.min(most * USED));
        if up > most * OUTGROWN {
            (self.phase, self.evidence, self.last, self.hold_s) = (Phase::Start, Evidence::default(), None, HOLD_S);
        }
        self.rate_per_s = self.bounded(up);
    }

    /// The platform refused a request, and nothing leaves before `until`.
    pub fn refused(&mut self, now: Instant, until: Instant) {
        let pause_s = until.duration_since(now).as_secs_f64();
        if let Some(refusal) = self.refusal.as_mut().filter(|refusal| now < refusal.until) {
            refusal.until = refusal.until.max(until);
            self.pause_s = self.pause_s.max(pause_s);
            // What left since the first refusal counts for the time after it.
            let left_before = if self.accepted == 0 { &mut refusal.accepted } else { &mut self.accepted };
            *left_before = left_before.saturating_sub(1);
            refusal.refused += 1;
            return;
        }
        self.judge_refusal();
        self.pause_s = pause_s;
        self.refusal = Some(Refusal {
            at: now,
            until: until.max(now + CUT_WINDOW),
            since: self.last.map(|(at, until)| (now.duration_since(at), now.saturating_duration_since(until))),
            rate_per_s: self.rate_per_s,
            mean_per_s: f64::midpoint(self.rate_per_s, self.mean_per_s),
            accepted: std::mem::take(&mut self.accepted).saturating_sub(1),
            last_second: self.recent.total(now),
            refused: 1,
        });
        self.interval = None;
        self.proven_per_s = self.proven_per_s.min(self.rate_per_s * USED);
        // Until the requests that had left before are answered.
        let cut = if matches!(self.phase, Phase::Known { .. }) { CUT_KNOWN } else { CUT };
        self.rate_per_s = self.bounded(self.rate_per_s * cut);
    }

    /// What the last refusals show about the limit.
    fn judge_refusal(&mut self) {
        let Some(refusal) = self.refusal.take() else { return };
        self.last = Some((refusal.at, refusal.until));
        let (refused, level) = (refusal.rate_per_s, refusal.level_per_s());
        let (rate, phase) = match (self.phase, refusal.span()) {
            // A platform that counts each gap refuses the first requests, whatever the rate is.
            _ if !self.was_held => (refused * CUT, Phase::Start),
            (Phase::Start, _) | (_, None) => {
                let near = level.max(refused / CLIMBED).min(refused);
                (near * BELOW, Phase::Rise { near, below: refused })
            }
            (phase, Some(span)) => {
                let judged = self.evidence.judge(phase, &refusal, span);
                self.evidence.keep(span);
                judged
            }
        };
        if self.evidence.was_tried {
            self.hold_s = (self.hold_s * HOLD_LONGER).min(HOLD_MAX_S);
        }
        self.phase = phase;
        self.rate_per_s = self.bounded(rate);
        self.mean_per_s = self.rate_per_s;
        self.proven_per_s = self.bounded(self.proven_per_s.min(rate));
    }

    fn bounded(&self, rate_per_s: f64) -> f64 {
        rate_per_s.max(RATE_MIN_PER_S).min(self.max_per_s)
    }
}

impl Evidence {
    /// The rate after a refusal, and what is known then.
    fn judge(&mut self, phase: Phase, refusal: &Refusal, span: Span) -> (f64, Phase) {
        let (refused, level) = (refusal.rate_per_s, refusal.level_per_s());
        let was_tried = std::mem::take(&mut self.was_tried);
        if span.sending_s < SOON_S.max(SOON_REQUESTS / refused) {
            self.soon += 1;
            if self.soon > 1 {
                // The limit is another one than before.
                *self = Evidence { soon: self.soon, ..Evidence::default() };
            }
            let rate = if self.soon == 1 { level * STEP } else { span.step_down(refused) };
            return (rate, Phase::Rise { near: f64::midpoint(rate, level.min(refused)), below: level });
        }
        self.soon = 0;
        match phase {
            Phase::Rise { near, .. } if refused < near => {
                (level * BELOW_NEAR, Phase::Rise { near: level * BELOW_NEAR, below: level })
            }
            Phase::Start | Phase::Rise { .. } => (level * BELOW_SLOW, known(level * REFUSED)),
            Phase::Known { limit, .. } if refused > limit * f64::midpoint(USED, REFUSED) => {
                self.was_tried = true;
                let average = span.highest_per_s().min(level);
                let limit = if self.is_bucket { average } else { level };
                (f64::midpoint(limit, average) * USED, known(limit))
            }
            Phase::Known { .. } if span.sending_s >= TRIAL_S => {
                self.strikes = 0;
                (level * REFUSED * USED, known(level * REFUSED))
            }
            Phase::Known { .. } => {
                self.strikes += 1;
                self.is_bucket |= was_tried || self.strikes >= STRIKES;
                self.judge_held(level, span)
            }
        }
    }

    /// What the refusal of a rate shows that was held.
    fn judge_held(&self, level: f64, span: Span) -> (f64, Phase) {
        if self.strikes < STRIKES {
            return (level * REFUSED * USED, known(level * REFUSED));
        }
        let highest = span.highest_per_s().min(level);
        let lowest = span.lowest_per_s().max(highest * EMPTIED).min(highest);
        match self.spans.iter().find_map(|before| span.limit_per_s(before)) {
            Some(limit) => {
                let limit = limit.max(lowest).min(highest);
                let held_s = if limit < highest * NEAR { HOLD_S - HOLD_UNSURE_S } else { 0.0 };
                (limit * USED, Phase::Known { limit, held_s })
            }
            None => (f64::midpoint(lowest, highest) * USED, known(highest)),
        }
    }

    fn keep(&mut self, span: Span) {
        self.spans.push_front(span);
        self.spans.truncate(SPANS);
    }
}

/// Just found as the limit.
fn known(limit: f64) -> Phase {
    Phase::Known { limit, held_s: 0.0 }
}

impl Span {
    /// The lowest that the limit can be, where nothing was left of a bucket at the refusal before.
    fn lowest_per_s(&self) -> f64 {
        self.accepted / self.since_s.max(INTERVAL_S)
    }

    /// The highest that the limit of a bucket can be.
    fn highest_per_s(&self) -> f64 {
        self.accepted / self.sending_s.max(INTERVAL_S)
    }

    /// The limit, if in both spans a bucket was emptied that held the same; none where they are too much alike to tell.
    fn limit_per_s(&self, other: &Span) -> Option<f64> {
        let longer_s = self.sending_s - other.sending_s;
        (longer_s.abs() >= 1.0).then(|| (self.accepted - other.accepted) / longer_s)
    }

    /// The rate after one that was refused soon for the second time in a row.
    fn step_down(&self, refused: f64) -> f64 {
        let most = refused * STEP;
        f64::midpoint(self.lowest_per_s().min(most), most).max(refused * STEP_MAX)
    }
}

impl Refusal {
    /// The rate at which the platform accepted before it refused: the mean of the last second, or less if less left.
    fn level_per_s(&self) -> f64 {
        let is_whole = self.since.is_none_or(|(_, sending)| sending >= Duration::from_secs(1));
        let left = if is_whole { self.last_second - self.refused as f64 + 1.5 } else { f64::INFINITY };
        // A refused request was one too many for the time since the refusals before.
        let one = self.since.map_or(0.0, |(_, sending)| 1.0 / sending.as_secs_f64().max(SOON_S));
        (self.mean_per_s.min(left) - one).max(self.mean_per_s * STEP).max(RATE_MIN_PER_S.min(self.rate_per_s))
    }

    /// What was accepted since the refusals before, if there were any.
    fn span(&self) -> Option<Span> {
        let (since, sending) = self.since?;
        Some(Span { accepted: self.accepted as f64, since_s: since.as_secs_f64(), sending_s: sending.as_secs_f64() })
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
