//! What follows from the answer to one step: a table of the answer and of where the contact stands. Pure.
//!
//! It changes nothing: the executor does what the consequence says, and the attempt remembers it.

use super::attempt::{Attempt, Confirmed, TRIES_MAX};
use super::doubt::{RETRY_AFTER, retry_after};
use crate::change::StepKind;
use crate::outcome::Exit;
use crate::platforms::{Fault, StepResult};
use std::time::Duration;

/// The answer to a step, without its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Done,
    AlreadyExists,
    /// The contact to be changed does not exist.
    Gone,
    Refused,
    InDoubt,
    /// The request was held back because the run was told to stop.
    HeldBack,
    /// What stops the run otherwise.
    Fatal,
}

/// Where a contact stands when the answer comes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Position {
    pub(crate) kind: StepKind,
    pub(crate) confirmed: Confirmed,
    /// Whether this record is creating the contact step by step, or adding to it.
    pub(crate) is_own: bool,
    /// Whether the id of the contact is known.
    pub(crate) has_id: bool,
    /// Failed tries before this step.
    pub(crate) tries: u32,
    /// Whether a request that creates the contact may have been sent before this one.
    pub(crate) was_sent: bool,
    /// Whether the platform can be left with a partially created contact.
    pub(crate) is_stepwise: bool,
}

/// What follows. `withdraw`: the intent is withdrawn, because the request has done nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consequence {
    /// The next step is taken.
    NextStep,
    /// The contact is located again; `creation_in_doubt`: an earlier try may have created it.
    FindExisting { withdraw: bool, creation_in_doubt: bool },
    /// The contact was created a moment ago and is not shown to every request yet: a failed try, and it is read again.
    NotShownYet(Duration),
    /// The contact does not exist any more: a failed try. The links to it are forgotten before it is located again.
    FindAgain(Duration),
    /// It was gone too often.
    GiveUp,
    /// The record is rejected.
    Reject,
    /// This step is left out; the others are taken yet.
    LeaveOut,
    /// The contact exists without what the step was to write, which is named.
    EndWithout,
    /// A failed try, whose result is determined by locating the contact again. `is_own`: by its id.
    Doubt { after: Duration, is_own: bool },
    /// The run stops.
    Stop(Left),
}

/// What the intent of a request says when the run stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// The request is in doubt.
    InDoubt,
    /// There is no intent: nothing was done.
    Nothing,
    /// The requests before it were carried out, and it was held back.
    HeldBack,
}

/// The answer as the table knows it.
pub(crate) fn answer_of(answer: &Result<StepResult, Fault>) -> Answer {
    match answer {
        Ok(StepResult::Done { .. }) => Answer::Done,
        Ok(StepResult::AlreadyExists(_)) => Answer::AlreadyExists,
        Ok(StepResult::Gone) => Answer::Gone,
        Err(Fault::Refused(_)) => Answer::Refused,
        Err(Fault::InDoubt(_)) => Answer::InDoubt,
        Err(Fault::Fatal(failure)) if failure.exit == Exit::Interrupted => Answer::HeldBack,
        Err(Fault::Fatal(_)) => Answer::Fatal,
    }
}

impl Position {
    /// Where the contact of this attempt stands.
    pub(crate) fn of(attempt: &Attempt, kind: StepKind, has_id: bool, is_stepwise: bool) -> Position {
        Position {
            kind,
            confirmed: attempt.confirmed(),
            is_own: attempt.own().is_some(),
            has_id,
            tries: attempt.tries.sent,
            was_sent: attempt.was_sent(),
            is_stepwise,
        }
    }
}

/// What follows from an answer.
pub(crate) fn consequence(answer: Answer, position: &Position) -> Consequence {
    let is_created = position.confirmed == Confirmed::Created;
    match answer {
        Answer::Done => Consequence::NextStep,
        // What an earlier try in doubt may have created is found by its intent, so that one stays.
        Answer::AlreadyExists => {
            Consequence::FindExisting { withdraw: !position.was_sent, creation_in_doubt: position.was_sent }
        }
        Answer::Gone if is_created && position.is_own && position.tries < TRIES_MAX => {
            Consequence::NotShownYet(retry_after(position.tries + 1))
        }
        Answer::Gone if position.tries + 1 >= TRIES_MAX => Consequence::GiveUp,
        Answer::Gone => Consequence::FindAgain(RETRY_AFTER),
        Answer::Refused if !is_created => Consequence::Reject,
        Answer::Refused if position.is_stepwise && position.has_id => Consequence::LeaveOut,
        Answer::Refused => Consequence::EndWithout,
        // Whether a contact was created is looked up at once, and again when it is settled. A change has arrived or is
        // sent once more, from which a target that is unwell should be spared.
        Answer::InDoubt => Consequence::Doubt {
            after: match position.kind {
                StepKind::Create | StepKind::Add => Duration::ZERO,
                StepKind::Change => retry_after(position.tries + 1),
            },
            is_own: position.kind == StepKind::Add && position.has_id,
        },
        // Only a request that was held back is known not to have left; whatever else stops the run may be an answer to
        // a request that was carried out. What was done for this contact before is found by the intent.
        Answer::HeldBack if position.confirmed == Confirmed::Nothing => Consequence::Stop(Left::Nothing),
        Answer::HeldBack => Consequence::Stop(Left::HeldBack),
        Answer::Fatal => Consequence::Stop(Left::InDoubt),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use StepKind::{Add, Change, Create};

    /// An update of a contact that existed before, its first try.
    const UPDATE: Position = Position {
        kind: Change,
        confirmed: Confirmed::Nothing,
        is_own: false,
        has_id: true,
        tries: 0,
        was_sent: false,
        is_stepwise: false,
    };
    const CREATE: Position = Position { kind: Create, has_id: false, ..UPDATE };
    /// A further step for a contact that this record has created.
    const COMPLETE: Position =
        Position { kind: Add, confirmed: Confirmed::Created, is_own: true, is_stepwise: true, ..UPDATE };

    #[test]
    fn every_answer_has_one_consequence() {
        let s = Duration::from_secs;
        let table = [
            (Answer::Done, CREATE, Consequence::NextStep),
            (Answer::Done, COMPLETE, Consequence::NextStep),
            (Answer::AlreadyExists, CREATE, Consequence::FindExisting { withdraw: true, creation_in_doubt: false }),
            (
                Answer::AlreadyExists,
                Position { was_sent: true, tries: 1, ..CREATE },
                Consequence::FindExisting { withdraw: false, creation_in_doubt: true },
            ),
            (Answer::Gone, UPDATE, Consequence::FindAgain(s(1))),
            (Answer::Gone, Position { tries: 1, ..UPDATE }, Consequence::FindAgain(s(1))),
            (Answer::Gone, Position { tries: 2, ..UPDATE }, Consequence::GiveUp),
            (Answer::Gone, COMPLETE, Consequence::NotShownYet(s(1))),
            (Answer::Gone, Position { tries: 2, ..COMPLETE }, Consequence::NotShownYet(s(4))),
            (Answer::Gone, Position { tries: 3, ..COMPLETE }, Consequence::GiveUp),
            (Answer::Refused, CREATE, Consequence::Reject),
            (Answer::Refused, UPDATE, Consequence::Reject),
            (Answer::Refused, Position { confirmed: Confirmed::Updated, ..UPDATE }, Consequence::Reject),
            (Answer::Refused, COMPLETE, Consequence::LeaveOut),
            (Answer::Refused, Position { is_stepwise: false, ..COMPLETE }, Consequence::EndWithout),
            (Answer::InDoubt, CREATE, Consequence::Doubt { after: s(0), is_own: false }),
            (Answer::InDoubt, UPDATE, Consequence::Doubt { after: s(1), is_own: false }),
            (Answer::InDoubt, Position { tries: 2, ..UPDATE }, Consequence::Doubt { after: s(4), is_own: false }),
            (Answer::InDoubt, COMPLETE, Consequence::Doubt { after: s(0), is_own: true }),
            (Answer::HeldBack, CREATE, Consequence::Stop(Left::Nothing)),
            (Answer::HeldBack, COMPLETE, Consequence::Stop(Left::HeldBack)),
            (Answer::Fatal, CREATE, Consequence::Stop(Left::InDoubt)),
        ];
        for (answer, position, expected) in table {
            assert_eq!(consequence(answer, &position), expected, "{answer:?} at {position:?}");
        }
    }

    /// The three promises that a table could break without a test noticing.
    #[test]
    fn nothing_that_may_have_been_carried_out_is_withdrawn_or_rejected() {
        for kind in [Create, Change, Add] {
            for confirmed in [Confirmed::Nothing, Confirmed::Updated, Confirmed::Created] {
                for tries in 0..5 {
                    let position = Position { kind, confirmed, tries, ..COMPLETE };
                    let of = |answer| consequence(answer, &position);
                    assert!(matches!(of(Answer::InDoubt), Consequence::Doubt { .. }), "{position:?}");
                    assert_eq!(of(Answer::Fatal), Consequence::Stop(Left::InDoubt), "{position:?}");
                    if confirmed == Confirmed::Created {
                        assert_ne!(of(Answer::Refused), Consequence::Reject, "{position:?}");
                        assert_eq!(of(Answer::HeldBack), Consequence::Stop(Left::HeldBack), "{position:?}");
                    }
                }
            }
        }
    }
}
