//! When the next request may leave. Pure: the time is an argument.
//!
//! A limit of `N` requests in a period `P` is kept in *any* window of that length, as the platform sees it. Requests
//! are spaced by `(P + TOLERANCE + SLACK) / N`, and one may leave up to `TOLERANCE` before its time. So a timer that
//! wakes late (they tick in milliseconds) loses nothing, because the next ones catch up; `SLACK` is kept back for
//! requests that travel unevenly. It costs 1.2 % of a limit per second, and next to nothing of a longer one. Where that
//! is too little, the platform refuses a request, and more is kept back from then on.
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
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::time::Instant;

/// How late a wake-up may be without a loss of throughput.
const TOLERANCE: Duration = Duration::from_millis(7);
/// The same for `auto` where requests are further apart than `GAP`: a platform may count the time between two of them.
const TOLERANCE_MIN: Duration = Duration::from_millis(2);
const GAP: Duration = Duration::from_millis(10);
/// It is this part of the time between them.
const GAP_PARTS: u32 = 25;
/// How unevenly requests may travel without the platform seeing more of them than it allows.
const SLACK: Duration = Duration::from_millis(5);
/// The same after a refusal.
const SLACK_REFUSED: Duration = Duration::from_millis(30);
/// Requests that leave at once where `auto` begins: what one record takes, so that a first try does not wait. Limits that
/// are set hold for them too, and a platform that refuses one of them is asked more slowly from then on.
const OPENING: u32 = 4;
/// After so many refusals a fixed rate is kept more strictly: no request leaves before its time, and the requests are
/// spaced wider by [`STRICT_PERCENT`]. Some platforms count each gap, not the requests of a second.
const REFUSALS_MAX: u32 = 2;
/// How much wider, in hundredths.
const STRICT_PERCENT: u32 = 110;
/// Cells of governor's that make one request: fine enough to split the tolerance, coarse enough for nanoseconds.
const CELLS: NonZeroU32 = match NonZeroU32::new(100) {
    Some(cells) => cells,
    None => NonZeroU32::MIN,
};

/// The rate of a connection: all its limits, and the rate `auto` where it is set.
#[derive(Debug)]
pub struct Pace {
    gates: Vec<Gate>,
    limits: Vec<Limit>,
    refusals: u32,
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
        let gates = rate.limits().iter().map(|limit| Gate::new(spacing(*limit, SLACK))).collect();
        let auto = rate.is_auto().then(|| {
            let auto = Auto::new(start_per_s, rate.ceiling_per_s().unwrap_or(f64::INFINITY));
            let gate = Gate::for_auto(&auto);
            (auto, gate)
        });
        Some(Pace { gates, limits: rate.limits().to_vec(), refusals: 0, auto, opening: OPENING, origin: now })
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
        let gates = || self.gates.iter().chain(of_auto());
        let latest = gates().filter_map(|gate| gate.ask(since).err()).max();
        if let Some(at) = latest {
            return Err(self.origin + Duration::from_nanos(at));
        }
        gates().for_each(|gate| gate.take(since));
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
        self.refusals = self.refusals.saturating_add(1);
        for (gate, limit) in self.gates.iter_mut().zip(&self.limits) {
            let spacing = spacing(*limit, SLACK_REFUSED);
            match self.refusals {
                1 => gate.respace(spacing),
                REFUSALS_MAX => gate.keep_strictly(spacing * STRICT_PERCENT / 100),
                _ => {}
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
        auto.or_else(|| self.limits.iter().map(|limit| limit.per_s()).reduce(f64::min))
    }

    /// The rate that `auto` should begin with next time, requests per second; `None` when the rate is fixed.
    pub fn proven_per_s(&self) -> Option<f64> {
        self.auto.as_ref().map(|(auto, _)| auto.proven_per_s())
    }
}

/// From one request to the next, so that any window of the period holds no more than the limit.
fn spacing(limit: Limit, slack: Duration) -> Duration {
    let stretched = limit.period.length() + TOLERANCE + slack;
    Duration::from_nanos(nanos(stretched).div_ceil(u64::from(limit.count)))
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
    fn new(spacing: Duration) -> Gate {
        let state = State(Arc::new(Cells::default()));
        Gate { limiter: limiter(spacing, TOLERANCE, &state), state }
    }

    fn for_auto(auto: &Auto) -> Gate {
        let spacing = Duration::from_secs_f64(1.0 / auto.rate_per_s());
        let mut gate = Gate::new(spacing);
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

    /// Sets another spacing; requests that have left stay counted.
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
