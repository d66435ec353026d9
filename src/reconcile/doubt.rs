//! How long a request in doubt is waited for, and when a contact is given up. Pure: the time is handed in.
//!
//! It does not know what is wanted of a contact: each goal asks it the same questions.

use super::attempt::{Attempt, Doubt, TRIES_MAX};
use crate::change::StepKind;
use crate::platforms::Step;
use std::time::Duration;

/// The pause after the first failed try that needs no settling; doubled each time.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How long a contact that is found only by a weaker value lets the records in flight go first.
pub(crate) const YIELD: Duration = Duration::from_millis(300);

/// The time at which something is judged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// How long after a request in doubt a contact that is not found counts as absent.
    pub(crate) settle: Duration,
    /// Now, in milliseconds since 1970 (UTC).
    pub(crate) now_ms: u64,
}

impl Times {
    /// How long the settle time of this request still lasts.
    pub(crate) fn left(self, doubt: &Doubt) -> Duration {
        Duration::from_millis(self.settled_ms(doubt).saturating_sub(self.now_ms))
    }

    /// The moment after which this request cannot arrive any more.
    pub(crate) fn settled_ms(self, doubt: &Doubt) -> u64 {
        doubt.at_ms.saturating_add(self.settle_ms())
    }

    pub(crate) fn settle_ms(self) -> u64 {
        u64::try_from(self.settle.as_millis()).unwrap_or(u64::MAX)
    }
}

/// How the steps that remain relate to a request in doubt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// They can be sent.
    Go,
    /// What was being added may still arrive, and would be there twice: wait, then locate the contact by its id.
    WaitForAddition(Duration),
    /// The last try may still arrive.
    Wait(Duration),
    /// It was tried often enough.
    GiveUp,
}

/// Judges the steps that remain for a contact that was located.
pub(crate) fn judge(attempt: &Attempt, steps: &[Step], times: Times) -> Verdict {
    let Some(doubt) = attempt.change_in_doubt() else { return Verdict::Go };
    let left = times.left(doubt);
    let adds = steps.iter().any(|step| step.kind == StepKind::Add);
    if doubt.kind == StepKind::Add && adds && !left.is_zero() {
        return Verdict::WaitForAddition(left);
    }
    // With fewer steps than there were, the one in doubt has arrived, and was no failed try.
    let has_arrived = steps.len() < attempt.tries.steps_left;
    match attempt.tries.sent >= TRIES_MAX && !has_arrived {
        false => Verdict::Go,
        true if left.is_zero() => Verdict::GiveUp,
        true => Verdict::Wait(left),
    }
}

/// How long after the nth failed try (from 1) the next one comes.
pub(crate) fn retry_after(nth: u32) -> Duration {
    RETRY_AFTER * 2u32.saturating_pow(nth.saturating_sub(1).min(TRIES_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{Exit, Failure};
    use serde_json::json;

    const TIMES: Times = Times { settle: Duration::from_secs(60), now_ms: 1_000_000 };

    /// A request of this kind that was answered, or lost, so many seconds ago.
    fn in_doubt(kind: StepKind, ago_s: u64, tries: u32) -> Attempt {
        let at_ms = TIMES.now_ms - ago_s * 1000;
        let why = Failure::new(Exit::Unavailable, "timed out");
        let mut attempt = Attempt::default();
        attempt.tries.sent = tries;
        attempt.doubt_about(Doubt { kind, since_ms: at_ms, at_ms, why });
        attempt
    }

    fn steps(kinds: &[StepKind]) -> Vec<Step> {
        kinds.iter().map(|kind| Step { kind: *kind, body: json!({}).into() }).collect()
    }

    #[test]
    fn a_change_is_sent_again_until_it_was_tried_often_enough() {
        use StepKind::{Add, Change, Create};
        let wait = |s| Verdict::Wait(Duration::from_secs(s));
        let table = [
            (Change, 10, 1, &[Change][..], Verdict::Go),
            (Change, 10, 3, &[Change], wait(50)),
            (Change, 60, 3, &[Change], Verdict::GiveUp),
            (Change, 10, 1, &[Add], Verdict::Go),
            // What exists cannot be created a second time, so nothing is waited for.
            (Create, 10, 3, &[Change], Verdict::Go),
            (Add, 10, 1, &[Add], Verdict::WaitForAddition(Duration::from_secs(50))),
            (Add, 10, 1, &[Change, Add], Verdict::WaitForAddition(Duration::from_secs(50))),
            (Add, 10, 1, &[Change], Verdict::Go),
            (Add, 60, 1, &[Add], Verdict::Go),
            (Add, 60, 3, &[Add], Verdict::GiveUp),
            (Add, 10, 3, &[Change], wait(50)),
        ];
        for (kind, ago_s, tries, left, expected) in table {
            let verdict = judge(&in_doubt(kind, ago_s, tries), &steps(left), TIMES);
            assert_eq!(verdict, expected, "{kind:?} {ago_s} s ago, try {tries}, {left:?} left");
        }
    }

    #[test]
    fn a_step_that_arrived_late_is_no_failed_try() {
        let mut attempt = in_doubt(StepKind::Change, 60, 3);
        attempt.tries.steps_left = 2;
        assert_eq!(judge(&attempt, &steps(&[StepKind::Change]), TIMES), Verdict::Go);
        attempt.settle_there(1);
        assert_eq!((attempt.tries.sent, attempt.doubt().is_none()), (0, true));
    }

    #[test]
    fn a_claim_is_no_change_in_doubt() {
        let mut attempt = in_doubt(StepKind::Change, 10, 3);
        let doubt = attempt.doubt().cloned().unwrap();
        attempt.claimed("taken".to_owned(), doubt);
        assert_eq!(judge(&attempt, &steps(&[StepKind::Change]), TIMES), Verdict::Go);
    }

    #[test]
    fn pauses_double_and_have_an_end() {
        let pauses = [1, 2, 3, 4, 5, u32::MAX].map(|nth| retry_after(nth).as_secs());
        assert_eq!(pauses, [1, 2, 4, 8, 8, 8]);
    }
}
