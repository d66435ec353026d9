//! When the next request may leave. Pure: the time is an argument.
//!
//! A limit of `N` requests in a period `P` is kept in *any* window of that length, as the platform sees it. Requests are
//! spaced by `(P + SLACK) / N`, one may leave up to `CATCH_UP` before its time, and none leaves within `P + SLACK` of the
//! `N`th before it. So a process that was held up (timers tick in milliseconds, disks sync) loses nothing, because the
//! next requests catch up; `SLACK` is kept back for requests that travel unevenly. It costs 0.8 % of a limit per second,
//! and next to nothing of a longer one. Where that is too little, the platform refuses a request, and more is kept back
//! from then on.
//!
//! The spacing itself (GCRA) is governor's. It counts in whole requests, too coarse for a tolerance of 12 ms at two
//! requests a second; so a request is `CELLS` of its cells here. And it cannot ask before it takes, which several
//! limits need to do (all hold, or none is charged); so the state is kept here, where it can be read.

use super::auto::Auto;
use super::rate::{Limit, Rate};
use governor::clock::{Clock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{NotKeyed, StateStore};
use governor::{Quota, RateLimiter};
use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::time::Instant;

/// How late a request may leave without a loss of throughput.
const CATCH_UP: Duration = Duration::from_millis(10);
/// The same for `auto`, and after a refusal: as few at once as timers allow.
const TOLERANCE: Duration = Duration::from_millis(7);
/// The same for `auto` where requests are further apart than `GAP`: a platform may count the time between two of them.
const TOLERANCE_MIN: Duration = Duration::from_millis(2);
const GAP: Duration = Duration::from_millis(10);
/// It is this part of the time between them.
const GAP_PARTS: u32 = 25;
/// How unevenly requests may travel without the platform seeing more of them than it allows.
const SLACK: Duration = Duration::from_millis(8);
/// The same after a refusal,
const SLACK_REFUSED: Duration = Duration::from_millis(30);
/// and after another one.
const SLACK_AGAIN: Duration = Duration::from_millis(60);
/// Requests that leave at once where `auto` begins: what one record takes, so that a first try does not wait. Limits that
/// are set hold for them too, and a platform that refuses one of them is asked more slowly from then on.
const OPENING: u32 = 4;
/// After a refusal within this time of the one before a fixed rate is kept more strictly: no request leaves before its time,
/// and the requests are spaced wider by [`STRICT_PERCENT`]. Some platforms count each gap, not the requests of a second.
/// Where gaps are shorter than [`GAP`] none does, and no timer could keep them: more is kept back there.
const AGAIN: Duration = Duration::from_secs(60);
/// How much wider, in hundredths.
const STRICT_PERCENT: u32 = 110;
/// Entries that hold when requests left, a limit.
const ENTRIES_MAX: u32 = 4096;
/// Cells of governor's that make one request: fine enough to split the tolerance, coarse enough for nanoseconds.
const CELLS: NonZeroU32 = match NonZeroU32::new(100) {
    Some(cells) => cells,
    None => NonZeroU32::MIN,
};

/// The rate of a connection: all its limits, and the rate `auto` where it is set.
#[derive(Debug)]
pub struct Pace {
    ceilings: Vec<Ceiling>,
    /// When the last refusal came, and until when nothing left.
    refused: Option<(Instant, Instant)>,
    auto: Option<(Auto, Gate)>,
    /// How many of [`OPENING`] are left.
    opening: u32,
    origin: Instant,
}

impl Pace {
    /// The pace of a rate from `now` on; `None` without a limit. `auto` begins at `start_per_s`.
    pub fn new(rate: &Rate, start_per_s: f64, now: Instant) -> Option<Pace> {
        if !rate.is_auto() && rate.limits().is_empty() {
            return None;
        }
        let ceilings = rate.limits().iter().map(|limit| Ceiling::new(*limit)).collect();
        let auto = rate.is_auto().then(|| {
            let auto = Auto::new(start_per_s, rate.ceiling_per_s().unwrap_or(f64::INFINITY));
            let gate = Gate::for_auto(&auto);
            (auto, gate)
        });
        Some(Pace { ceilings, refused: None, auto, opening: OPENING, origin: now })
    }

    /// Asks whether a request may leave.
    ///
    /// # Errors
    ///
    /// Not yet: ask again at this instant.
    pub fn leave(&mut self, now: Instant) -> Result<(), Instant> {
        let since = nanos(now.saturating_duration_since(self.origin));
        let is_opening = self.opening > 1;
        let of_auto = || self.auto.iter().map(|(_, gate)| gate).filter(|_| !is_opening);
        let ceilings = self.ceilings.iter().filter_map(|ceiling| ceiling.ask(since).err());
        let latest = ceilings.chain(of_auto().filter_map(|gate| gate.ask(since).err())).max();
        if let Some(at) = latest {
            return Err(self.origin + Duration::from_nanos(at));
        }
        of_auto().for_each(|gate| gate.take(since));
        self.ceilings.iter_mut().for_each(|ceiling| ceiling.take(since));
        self.opening = self.opening.saturating_sub(1);
        if let Some((auto, gate)) = &mut self.auto
            && auto.left(now)
        {
            gate.follow(auto);
        }
        Ok(())
    }

    /// The platform refused a request, and nothing leaves before `until`.
    pub fn refused(&mut self, now: Instant, until: Instant) {
        match &mut self.refused {
            // Requests that left before the first refusal was known.
            Some((_, end)) if now < *end => *end = until.max(*end),
            before => {
                let is_again = before.is_some_and(|(at, _)| now.saturating_duration_since(at) < AGAIN);
                *before = Some((now, until));
                self.ceilings.iter_mut().for_each(|ceiling| ceiling.refused(is_again));
            }
        }
        self.opening = 0;
        if let Some((auto, gate)) = &mut self.auto {
            auto.refused(now, until);
            gate.follow(auto);
        }
    }

    /// The rate that holds right now, requests per second: that of `auto`, or else the lowest limit.
    pub fn allowed_per_s(&self) -> Option<f64> {
        let auto = self.auto.as_ref().map(|(auto, _)| auto.rate_per_s());
        auto.or_else(|| self.ceilings.iter().map(|ceiling| ceiling.limit.per_s()).reduce(f64::min))
    }

    /// The rate that `auto` should begin with next time, requests per second; `None` when the rate is fixed.
    pub fn proven_per_s(&self) -> Option<f64> {
        self.auto.as_ref().map(|(auto, _)| auto.proven_per_s())
    }
}

/// One limit, and what left under it.
#[derive(Debug)]
struct Ceiling {
    limit: Limit,
    gate: Gate,
    left: Departures,
    /// Two after refusals that followed one another, one after others.
    strictness: u8,
}

impl Ceiling {
    fn new(limit: Limit) -> Ceiling {
        Ceiling { limit, gate: Gate::new(spaced(limit, SLACK), CATCH_UP), left: Departures::new(limit), strictness: 0 }
    }

    /// Whether a request may leave at this time, or else when; charges nothing.
    fn ask(&self, now: u64) -> Result<(), u64> {
        let (window, gate) = (self.left.ask(now), self.gate.ask(now));
        window.err().into_iter().chain(gate.err()).max().map_or(Ok(()), Err)
    }

    fn take(&mut self, now: u64) {
        self.gate.take(now);
        self.left.take(now);
    }

    /// The platform refused a request: the first for a while, or another one.
    fn refused(&mut self, is_again: bool) {
        let spacing = spaced(self.limit, TOLERANCE + SLACK_REFUSED);
        self.strictness = self.strictness.max(1 + u8::from(is_again));
        match self.strictness {
            1 => self.gate.respace(spacing),
            _ if spacing < GAP => self.gate.respace(spaced(self.limit, TOLERANCE + SLACK_AGAIN)),
            _ => self.gate.keep_strictly(spacing * STRICT_PERCENT / 100),
        }
    }
}

/// From one request to the next, where a period is taken to be longer by `slack`.
fn spaced(limit: Limit, slack: Duration) -> Duration {
    Duration::from_nanos(nanos(limit.period.length() + slack).div_ceil(u64::from(limit.count)))
}

/// When requests left, as long as they count against a limit. Several of a high limit are one entry, and count until the last
/// of them does not.
#[derive(Debug)]
struct Departures {
    /// When the last request of an entry left, and how many it stands for; the oldest in front.
    entries: VecDeque<(u64, u32)>,
    total: u32,
    total_max: u32,
    /// How many requests are one entry.
    together: u32,
    /// How long one counts.
    length: u64,
}

impl Departures {
    fn new(limit: Limit) -> Departures {
        Departures {
            entries: VecDeque::new(),
            total: 0,
            total_max: limit.count,
            together: limit.count.div_ceil(ENTRIES_MAX),
            length: nanos(limit.period.length() + SLACK),
        }
    }

    fn ask(&self, now: u64) -> Result<(), u64> {
        match self.entries.front() {
            Some((at, _)) if self.total >= self.total_max && at + self.length > now => Err(at + self.length),
            _ => Ok(()),
        }
    }

    fn take(&mut self, now: u64) {
        while let Some((_, count)) = self.entries.front().copied().filter(|(at, _)| at + self.length <= now) {
            self.entries.pop_front();
            self.total -= count;
        }
        self.total += 1;
        match self.entries.back_mut() {
            Some((at, count)) if *count < self.together => (*at, *count) = (now, *count + 1),
            _ => self.entries.push_back((now, 1)),
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// One limiter; its time is an argument, and its state is kept here.
#[derive(Debug)]
struct Gate {
    limiter: RateLimiter<NotKeyed, State, State, NoOpMiddleware<Nanos>>,
    state: State,
}

impl Gate {
    /// Lets requests leave this far apart, and up to `early` before their time.
    fn new(spacing: Duration, early: Duration) -> Gate {
        let state = State(Arc::new(Cells::default()));
        Gate { limiter: limiter(spacing, early, &state), state }
    }

    fn for_auto(auto: &Auto) -> Gate {
        let spacing = Duration::from_secs_f64(1.0 / auto.rate_per_s());
        let mut gate = Gate::new(spacing, TOLERANCE);
        gate.follow(auto);
        gate
    }

    /// Sets the spacing of the rate that `auto` has now; requests that have left stay counted.
    fn follow(&mut self, auto: &Auto) {
        let spacing = Duration::from_secs_f64(1.0 / auto.rate_per_s());
        let tolerance = match spacing < GAP {
            true => TOLERANCE,
            false => (spacing / GAP_PARTS).clamp(TOLERANCE_MIN, TOLERANCE),
        };
        self.limiter = limiter(spacing, tolerance, &self.state);
    }

    /// Sets another spacing; from now on no request leaves before its time.
    fn keep_strictly(&mut self, spacing: Duration) {
        self.limiter = limiter(spacing, Duration::ZERO, &self.state);
    }

    /// Sets another spacing, and lets none leave earlier than `TOLERANCE`; requests that have left stay counted.
    fn respace(&mut self, spacing: Duration) {
        self.limiter = limiter(spacing, TOLERANCE, &self.state);
    }

    /// Whether a request may leave at this time, or else when; charges nothing.
    fn ask(&self, now: u64) -> Result<(), u64> {
        self.state.0.asking.store(true, Relaxed);
        let answer = self.charge(now);
        self.state.0.asking.store(false, Relaxed);
        answer
    }

    fn take(&self, now: u64) {
        // Asked for just before, at the same time: it cannot be refused.
        let _granted = self.charge(now);
    }

    fn charge(&self, now: u64) -> Result<(), u64> {
        self.state.0.now.store(now, Relaxed);
        match self.limiter.check_n(CELLS) {
            // More cells than it holds: it never holds less than one request's.
            Ok(Ok(())) | Err(_) => Ok(()),
            Ok(Err(not_until)) => Err(not_until.earliest_possible().as_u64()),
        }
    }
}

fn limiter(
    spacing: Duration,
    tolerance: Duration,
    state: &State,
) -> RateLimiter<NotKeyed, State, State, NoOpMiddleware<Nanos>> {
    let cell = nanos(spacing).div_ceil(u64::from(CELLS.get())).max(1);
    let early = u32::try_from(nanos(tolerance) / cell).unwrap_or(u32::MAX - CELLS.get());
    let burst = CELLS.saturating_add(early);
    let quota = Quota::with_period(Duration::from_nanos(cell)).unwrap_or(Quota::per_second(CELLS)).allow_burst(burst);
    // The limiter counts from the time at which it is made: always the same, so that its state outlives it.
    state.0.now.store(0, Relaxed);
    RateLimiter::new(quota, state.clone(), state.clone())
}

/// The state of a limiter: the time that it was given, and when the next request is due.
#[derive(Clone, Debug)]
struct State(Arc<Cells>);

#[derive(Debug, Default)]
struct Cells {
    now: AtomicU64,
    due: AtomicU64,
    asking: AtomicBool,
}

impl Clock for State {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::new(self.0.now.load(Relaxed))
    }
}

impl StateStore for State {
    type Key = NotKeyed;

    fn measure_and_replace<T, F, E>(&self, _key: &NotKeyed, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let due = self.0.due.load(Relaxed);
        let (outcome, next) = decide((due > 0).then(|| Nanos::new(due)))?;
        if !self.0.asking.load(Relaxed) {
            self.0.due.store(next.duration_since(Nanos::new(0)).as_u64(), Relaxed);
        }
        Ok(outcome)
    }
}
