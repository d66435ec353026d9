//! A lease: the right of one process to write to an account. Its token counts up with every lease, and a store refuses
//! what is written under an old one (a fencing token), so that a process which lost its lease cannot write any more.
//!
//! A [`LeaseTimer`] is what the process itself knows of the end of its lease: sending stops before it. Only the store
//! judges whether a lease has ended; the timer measures on a clock that also runs while the machine sleeps.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// The right to write to an account, as a store has given it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The number of the lease, from 1.
    pub token: u64,
    /// How long it is valid without being renewed; `None`: until the store is closed. Every group that is applied renews
    /// it, and the writer renews it while there is nothing to apply.
    pub valid_for: Option<Duration>,
}

/// Part of its time after which a lease is renewed while there is nothing to write.
pub(super) const RENEWED_AFTER: u32 = 3;

/// Whether a request may leave so long after the last confirmed renewal was asked for: not in the last third of the lease,
/// because a request takes its time.
pub fn may_send(since_renewal: Duration, valid_for: Duration) -> bool {
    since_renewal < send_for(valid_for)
}

fn send_for(valid_for: Duration) -> Duration {
    valid_for / RENEWED_AFTER * (RENEWED_AFTER - 1)
}

/// The lease of an account as a store keeps it, by the clock of the store: what `postgres/sql.rs` and `postgres/hold.rs` say in
/// SQL. The protocol is checked with it (`reconcile/protocol.rs`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LeaseRow {
    /// The number of the lease.
    pub token: u64,
    /// When it ends; none: it was never taken.
    pub until: Option<Duration>,
}

impl LeaseRow {
    /// Takes a lease that has ended; its token. An ended one is never revived.
    pub fn take(&mut self, now: Duration, valid_for: Duration) -> Option<u64> {
        if self.until.is_some_and(|until| until > now) {
            return None;
        }
        (self.token, self.until) = (self.token + 1, Some(now + valid_for));
        Some(self.token)
    }

    /// Whether a group under this token is applied, which renews the lease.
    pub fn fence(&mut self, token: u64, now: Duration, valid_for: Duration) -> bool {
        let holds = self.token == token && self.until.is_some_and(|until| until > now);
        if holds {
            self.until = Some(now + valid_for);
        }
        holds
    }
}

/// What is known of a lease without asking the store; clones are the same one.
#[derive(Clone, Debug)]
pub struct LeaseTimer(Arc<Times>);

#[derive(Debug)]
struct Times {
    valid_for: Duration,
    /// When the last confirmed renewal was asked for.
    renewed: AtomicU64,
    is_released: AtomicBool,
}

impl LeaseTimer {
    /// The timer of a lease that is renewed for so long; it has not begun.
    pub(super) fn new(valid_for: Duration) -> LeaseTimer {
        LeaseTimer(Arc::new(Times { valid_for, renewed: AtomicU64::new(0), is_released: AtomicBool::new(false) }))
    }

    /// The time now, to be given to [`LeaseTimer::renewed`] once the store has confirmed.
    pub(super) fn now() -> Duration {
        boot_clock()
    }

    /// The store has confirmed a renewal that was asked for at this time.
    pub(super) fn renewed(&self, asked: Duration) {
        self.0.renewed.fetch_max(millis(asked), Ordering::AcqRel);
    }

    /// The account is free again.
    pub(super) fn release(&self) {
        self.0.is_released.store(true, Ordering::Release);
    }

    /// Whether a request may leave: not in the last third of the lease, because the request takes its time.
    pub fn may_send(&self) -> bool {
        !self.0.is_released.load(Ordering::Acquire) && may_send(self.elapsed(), self.0.valid_for)
    }

    /// How long after a renewal requests may leave.
    pub(super) fn send_for(&self) -> Duration {
        send_for(self.0.valid_for)
    }

    /// How long the lease is valid still, as far as this process knows; `None` once it has been given back.
    pub(super) fn left(&self) -> Option<Duration> {
        let is_released = self.0.is_released.load(Ordering::Acquire);
        (!is_released).then(|| self.0.valid_for.saturating_sub(self.elapsed()))
    }

    fn elapsed(&self) -> Duration {
        boot_clock().saturating_sub(Duration::from_millis(self.0.renewed.load(Ordering::Acquire)))
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// A clock that also counts while the machine sleeps or the process is stopped.
fn boot_clock() -> Duration {
    #[cfg(target_os = "linux")]
    let clock = rustix::time::ClockId::Boottime;
    #[cfg(all(unix, not(target_os = "linux")))]
    let clock = rustix::time::ClockId::Monotonic;
    #[cfg(unix)]
    {
        let time = rustix::time::clock_gettime(clock);
        Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
    }
    #[cfg(not(unix))]
    {
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sending_stops_before_the_lease_ends_and_a_renewal_counts_from_when_it_was_asked_for() {
        let timer = LeaseTimer::new(Duration::from_secs(30));
        let ago = |seconds| LeaseTimer::now().saturating_sub(Duration::from_secs(seconds));
        timer.renewed(ago(19));
        assert!(timer.may_send());
        let timer = LeaseTimer::new(Duration::from_secs(30));
        timer.renewed(ago(21));
        assert!(!timer.may_send() && timer.left().is_some_and(|left| left > Duration::from_secs(8)));
        timer.renewed(ago(25));
        assert!(!timer.may_send(), "an earlier renewal changes nothing");
        timer.renewed(ago(1));
        assert!(timer.may_send());
        timer.release();
        assert!(!timer.may_send() && timer.left().is_none());
    }
}
