//! A failing contact is not a failing target: contacts that failed in a row, for how long, and whether anything has ever
//! arrived.
//!
//! It counts and judges. How often one contact is tried is its own business.

use super::attempt::Tries;
use crate::clock::Clock;
use crate::outcome::{Exit, Failure};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// So many failing or doubtful contacts in a row are a failing target, not failing contacts.
const IN_A_ROW_MAX: u32 = 20;

/// So many are sooner an outage than failing contacts: none of them is given up while it lasts.
const OUTAGE_MIN: u32 = 5;

/// The shortest and the longest wait before a contact is tried again during an outage.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// What has failed at one target.
#[derive(Debug)]
pub(crate) struct Failures {
    clock: Clock,
    patience: Patience,
    /// Whether anything has ever arrived over this connection.
    has_arrived: AtomicBool,
    /// Failing or doubtful contacts since the last success.
    in_a_row: AtomicU32,
    /// When the first of them failed.
    since: Mutex<Option<Instant>>,
}

/// How long a failing target is waited for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// Once something has arrived.
    pub(crate) later: Duration,
    /// Before: a target at which nothing has ever arrived is sooner a wrong address.
    pub(crate) at_start: Duration,
}

/// What a contact that failed often enough shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The contact is at fault.
    Contact,
    /// The target is at fault, and is waited for.
    Wait(Duration),
    /// The target is at fault, and was waited for long enough.
    Target,
}

impl Failures {
    pub(crate) fn new(has_arrived: bool, patience: Patience, clock: Clock) -> Failures {
        let (has_arrived, in_a_row) = (AtomicBool::new(has_arrived), AtomicU32::new(0));
        Failures { clock, patience, has_arrived, in_a_row, since: Mutex::default() }
    }

    /// Whether anything has ever arrived over this connection.
    pub(crate) fn has_arrived(&self) -> bool {
        self.has_arrived.load(Ordering::Relaxed)
    }

    /// A request was carried out.
    pub(crate) fn arrived(&self) {
        self.has_arrived.store(true, Ordering::Relaxed);
        self.answered();
    }

    /// The platform has answered about a contact: it works.
    pub(crate) fn answered(&self) {
        if self.in_a_row.swap(0, Ordering::Relaxed) > 0 {
            *self.since.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }

    /// How long nothing has succeeded.
    fn lasted(&self) -> Duration {
        let now = self.clock.now();
        let since = *self.since.lock().unwrap_or_else(PoisonError::into_inner);
        since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    fn patience(&self) -> Duration {
        if self.has_arrived() { self.patience.later } else { self.patience.at_start }
    }

    /// How long to wait before the next request of a contact, where there seems to be an outage.
    pub(crate) fn outage(&self) -> Option<Duration> {
        if !self.is_row() {
            return None;
        }
        let (lasted, patience) = (self.lasted(), self.patience());
        (lasted < patience).then(|| lasted.clamp(AGAIN.0, AGAIN.1).min(patience.saturating_sub(lasted)))
    }

    /// Whether so many fail in a row that it is sooner the target.
    pub(crate) fn is_row(&self) -> bool {
        self.in_a_row.load(Ordering::Relaxed) >= OUTAGE_MIN
    }

    /// What it shows that a contact was tried often enough.
    pub(crate) fn judge(&self) -> Verdict {
        match (self.outage(), self.is_row() || !self.has_arrived()) {
            (Some(after), _) => Verdict::Wait(after),
            (None, true) => Verdict::Target,
            (None, false) => Verdict::Contact,
        }
    }

    /// Counts a contact that fails, at its first failure.
    ///
    /// # Errors
    /// Exit 6 when too many fail in a row, and the target was waited for long enough.
    pub(crate) fn count(&self, tries: Tries, why: &Failure) -> Result<(), Failure> {
        if tries.sent + tries.reads <= 1 {
            self.in_a_row.fetch_add(1, Ordering::Relaxed);
            self.since.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(self.clock.now());
        }
        let (in_a_row, lasted, patience) = (self.in_a_row.load(Ordering::Relaxed), self.lasted(), self.patience());
        // A target that was waited for needs no further contacts to fail.
        let most = if patience.is_zero() { IN_A_ROW_MAX } else { OUTAGE_MIN };
        if in_a_row < most || lasted < patience {
            return Ok(());
        }
        let for_long = if lasted < AGAIN.0 { String::new() } else { format!(" within {} s", lasted.as_secs()) };
        Err(Failure::new(
            Exit::Unavailable,
            format!("{in_a_row} contacts in a row{for_long} failed or are in doubt, so the target is at fault"),
        )
        .cause(&why.message)
        .hint("no record was rejected because of it; run the same command again when the platform has recovered"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail(failures: &Failures, contacts: u32) -> Result<(), Failure> {
        let why = Failure::new(Exit::Unavailable, "the platform answered 503");
        (0..contacts).try_for_each(|_| failures.count(Tries { sent: 1, ..Tries::default() }, &why))
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_is_waited_for_and_a_failing_contact_is_not() {
        const S: fn(u64) -> Duration = Duration::from_secs;
        let patience = Patience { later: S(120), at_start: S(0) };
        // (something has arrived, contacts that fail, seconds since then, the verdict)
        let table = [
            (true, 4, 0, Verdict::Contact),
            (true, 5, 0, Verdict::Wait(S(1))),
            (true, 19, 10, Verdict::Wait(S(10))),
            (true, 30, 60, Verdict::Wait(S(30))),
            (true, 30, 110, Verdict::Wait(S(10))),
            (true, 5, 120, Verdict::Target),
            (false, 1, 0, Verdict::Target),
            (false, 19, 0, Verdict::Target),
        ];
        for (has_arrived, contacts, seconds, expected) in table {
            let failures = Failures::new(has_arrived, patience, Clock::start());
            fail(&failures, contacts).unwrap();
            tokio::time::advance(S(seconds)).await;
            assert_eq!(failures.judge(), expected, "{has_arrived} {contacts} {seconds}");
            failures.arrived();
            assert_eq!((failures.judge(), failures.outage()), (Verdict::Contact, None));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn twenty_in_a_row_end_the_run_when_the_patience_is_over() {
        let patience = Patience { later: Duration::from_secs(60), at_start: Duration::ZERO };
        let never = Failures::new(false, patience, Clock::start());
        let failure = fail(&never, 20).unwrap_err().to_string();
        assert!(failure.starts_with("20 contacts in a row failed or are in doubt"), "{failure}");
        let later = Failures::new(true, patience, Clock::start());
        fail(&later, 40).unwrap();
        tokio::time::advance(Duration::from_secs(60)).await;
        let failure = fail(&later, 1).unwrap_err().to_string();
        assert!(failure.starts_with("41 contacts in a row within 60 s failed or are in doubt"), "{failure}");
    }
}
