//! The queue of requests: a slot, the shared pause, the rate; and the orderly stop that ends all waiting.
//!
//! It does not send, and does not judge responses.

use super::message::Pause;
use super::pace::Pace;
use super::retry::PAUSE_MAX;
use crate::clock::Clock;
use crate::outcome::{Exit, Failure};
use crate::store::postgres::SharedRate;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The time between requests after a pause, where no rate spaces them.
const STAGGER: Duration = Duration::from_millis(5);

/// The queue before a server.
pub(super) struct Queue {
    slots: Semaphore,
    /// How many there are.
    pub(super) concurrency: usize,
    /// Held by the next request, so that requests leave in the order in which they asked.
    head: tokio::sync::Mutex<()>,
    pace: Option<Mutex<Pace>>,
    pause: Mutex<Held>,
    /// The pause's end in nanoseconds after `start`, so that it can be read without a lock.
    pause_end: AtomicU64,
    released: AtomicU32,
    /// Whether a request is waiting to be retried, so that successful responses need no lock.
    troubled: AtomicBool,
    stop: CancellationToken,
    start: Instant,
    clock: Option<Clock>,
    address: String,
    /// The rate that other processes share.
    shared: OnceLock<Arc<SharedRate>>,
}

/// Why no request leaves, or why one is delayed.
#[derive(Default)]
struct Held {
    asked: Option<(Instant, String)>,
    trouble: Option<(Instant, String)>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Queue {
    pub(super) fn new(
        concurrency: usize,
        pace: Option<Pace>,
        start: Instant,
        clock: Option<Clock>,
        address: String,
    ) -> Queue {
        let concurrency = concurrency.clamp(1, Semaphore::MAX_PERMITS);
        Queue {
            slots: Semaphore::new(concurrency),
            concurrency,
            head: tokio::sync::Mutex::new(()),
            pace: pace.map(Mutex::new),
            pause: Mutex::default(),
            pause_end: AtomicU64::new(0),
            released: AtomicU32::new(0),
            troubled: AtomicBool::new(false),
            stop: CancellationToken::new(),
            start,
            clock,
            address,
            shared: OnceLock::new(),
        }
    }

    /// Keeps to a rate that other processes share, from now on.
    pub(super) fn share(&self, shared: Arc<SharedRate>) {
        // The first one holds: a connection has one account.
        let _ = self.shared.set(shared);
    }

    /// Waits for a slot.
    pub(super) async fn slot(&self) -> Result<SemaphorePermit<'_>, Failure> {
        if let Ok(permit) = self.slots.try_acquire() {
            return Ok(permit);
        }
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(stopped()),
            permit = self.slots.acquire() => permit.map_err(|_| stopped()),
        }
    }

    /// Waits until a request may leave.
    pub(super) async fn leave(&self) -> Result<(), Failure> {
        if self.stop.is_cancelled() {
            return Err(stopped());
        }
        let is_free = self.pace.is_none() && self.shared.get().is_none() && self.paused(Instant::now()).is_none();
        if is_free { Ok(()) } else { Box::pin(self.wait_to_leave()).await }
    }

    async fn wait_to_leave(&self) -> Result<(), Failure> {
        loop {
            let held = self.sit_out().await?;
            // First, because its instants pass while a request waits for anything else.
            if !self.keep_to_shared().await? {
                continue;
            }
            let granted = match &self.pace {
                Some(pace) => self.keep_to(pace).await?,
                None if held => self.stagger().await?,
                None => true,
            };
            if granted {
                return Ok(());
            }
        }
    }

    /// Waits for the end of the pause, if there is one; returns whether there was.
    async fn sit_out(&self) -> Result<bool, Failure> {
        let mut held = false;
        while let Some(end) = self.paused(Instant::now()) {
            let left = end.saturating_duration_since(Instant::now());
            if left > PAUSE_MAX {
                return Err(self.too_long(left));
            }
            self.until(end).await?;
            held = true;
        }
        Ok(held)
    }

    /// Waits for the rate; `false` if a pause began meanwhile.
    async fn keep_to(&self, pace: &Mutex<Pace>) -> Result<bool, Failure> {
        let _head = tokio::select! {
            biased;
            () = self.stop.cancelled() => return Err(stopped()),
            head = self.head.lock() => head,
        };
        loop {
            let now = Instant::now();
            if self.paused(now).is_some() {
                return Ok(false);
            }
            let answer = lock(pace).leave(now);
            match answer {
                Ok(()) => return Ok(true),
                Err(at) => self.until(at).await?,
            }
        }
    }

    /// Waits for the rate that other processes share; `false` if a pause began meanwhile.
    async fn keep_to_shared(&self) -> Result<bool, Failure> {
        let (Some(shared), Some(per_s)) = (self.shared.get(), self.allowed_per_s()) else { return Ok(true) };
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(stopped()),
            taken = shared.take(per_s) => taken.map(|()| self.paused(Instant::now()).is_none()),
        }
    }

    /// Spreads the requests that waited for a pause; `false` if another one began meanwhile.
    async fn stagger(&self) -> Result<bool, Failure> {
        let before = self.released.fetch_add(1, Relaxed);
        let now = Instant::now();
        self.until(now + STAGGER.saturating_mul(before)).await?;
        Ok(self.paused(Instant::now()).is_none())
    }

    async fn until(&self, instant: Instant) -> Result<(), Failure> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(stopped()),
            () = tokio::time::sleep_until(instant) => Ok(()),
        }
    }

    /// Waits before the next attempt of one request; `trouble` is the reason.
    pub(super) async fn rest(&self, duration: Duration, trouble: String) -> Result<(), Failure> {
        let end = Instant::now() + duration;
        self.note_trouble(end, trouble);
        self.until(end).await
    }

    fn note_trouble(&self, end: Instant, trouble: String) {
        let mut pause = lock(&self.pause);
        pause.trouble = Some((end, trouble));
        self.troubled.store(true, Relaxed);
    }

    /// Lets no request leave for this long, because of a refusal (`why` in words).
    pub(super) fn pause_all(&self, duration: Duration, why: String) {
        let now = Instant::now();
        let end = now + duration;
        let nanos = u64::try_from(end.saturating_duration_since(self.start).as_nanos()).unwrap_or(u64::MAX);
        let mut pause = lock(&self.pause);
        if self.pause_end.fetch_max(nanos, Relaxed) < nanos {
            pause.asked = Some((end, why));
            self.released.store(0, Relaxed);
        }
        drop(pause);
        if let Some(pace) = &self.pace {
            lock(pace).refused(now, end);
        }
        if let Some(shared) = self.shared.get() {
            shared.pause(duration);
        }
    }

    fn paused(&self, now: Instant) -> Option<Instant> {
        let end = self.pause_end.load(Relaxed);
        if end == 0 {
            return None;
        }
        let end = self.start + Duration::from_nanos(end);
        (end > now).then_some(end)
    }

    /// Why nothing is sent right now, if so.
    pub(super) fn pause(&self) -> Option<Pause> {
        let now = Instant::now();
        let held = lock(&self.pause);
        let current = held.asked.iter().chain(&held.trouble).find(|(end, _)| *end > now);
        current.map(|(end, why)| Pause { left: end.saturating_duration_since(now), why: why.clone() })
    }

    /// A successful response ends all trouble.
    pub(super) fn is_well(&self) {
        if self.troubled.load(Relaxed) {
            let mut pause = lock(&self.pause);
            pause.trouble = None;
            self.troubled.store(false, Relaxed);
        }
    }

    pub(super) fn allowed_per_s(&self) -> Option<f64> {
        self.pace.as_ref().and_then(|pace| lock(pace).allowed_per_s())
    }

    pub(super) fn proven_per_s(&self) -> Option<f64> {
        self.pace.as_ref().and_then(|pace| lock(pace).proven_per_s())
    }

    pub(super) fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits for the orderly stop.
    pub(super) async fn stopped(&self) -> Failure {
        self.stop.cancelled().await;
        stopped()
    }

    fn too_long(&self, left: Duration) -> Failure {
        let back = self.clock.and_then(|clock| local(&clock, left));
        let hint = match back {
            Some(time) => format!("run the same command after {time} to resume the run"),
            None => "run the same command then to resume the run".to_owned(),
        };
        let asked = words(left);
        Failure::new(Exit::Unavailable, format!("`{}` asks for no requests for {asked}", self.address)).hint(hint)
    }
}

fn stopped() -> Failure {
    Failure::new(Exit::Interrupted, "stopped before the request left")
}

/// The local wall time after `left`, to the minute, rounded up.
fn local(clock: &Clock, left: Duration) -> Option<String> {
    let then = clock.wall().checked_add(left)?.checked_add(Duration::from_secs(59))?;
    let zoned = jiff::Timestamp::try_from(then).ok()?.to_zoned(jiff::tz::TimeZone::system());
    Some(zoned.strftime("%Y-%m-%d %H:%M").to_string())
}

/// A duration in words, its two largest parts: `30 s`, `2 h 10 min`.
pub(super) fn words(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds < 1 {
        return format!("{} ms", duration.as_millis());
    }
    let parts = [(seconds / 86_400, "d"), (seconds / 3600 % 24, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s")];
    let first = parts.iter().position(|(n, _)| *n > 0).unwrap_or(3);
    let told = parts.iter().skip(first).take(2).filter(|(n, _)| *n > 0);
    told.map(|(n, unit)| format!("{n} {unit}")).collect::<Vec<_>>().join(" ")
}
