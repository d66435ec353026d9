//! What has happened to one person so far, in this process and as an earlier one left it.

use super::Earlier;
use super::guards::Guarded;
use crate::checkpoint::OpenIntent;
use crate::contact::FieldSet;
use crate::identity::IdentityValue;
use crate::outcome::{Exit, Failure, Outcome, Problem};
use crate::platforms::StepKind;
use serde_json::Value;

/// What is not known about an earlier request for a person.
#[derive(Clone, Debug)]
pub(super) struct Doubt {
    pub(super) kind: StepKind,
    /// When it was sent at the earliest, in milliseconds since 1970 (UTC).
    pub(super) since_ms: u64,
    /// When it was sent at the latest, or heard of.
    pub(super) at_ms: u64,
    pub(super) why: Failure,
}

/// What has happened to a person so far in this process.
#[derive(Default)]
pub(super) struct Story {
    pub(super) doubt: Option<Doubt>,
    /// Requests that were sent, or may have been, and did not bring it about.
    pub(super) tries: u32,
    /// Of the steps that were to be taken, how many were left when one of them, itself among them, came to be in doubt.
    pub(super) steps_left: usize,
    /// Look-ups that gave no answer.
    pub(super) failures: u32,
    /// An earlier process may have sent a request that makes them.
    pub(super) was_sent: bool,
    /// Someone was created, by whatever request.
    pub(super) has_created: bool,
    /// Something was changed.
    pub(super) has_updated: bool,
    /// Whoever may have the better claim to the contact was let go first.
    pub(super) has_yielded: bool,
    /// Steps that the platform refused, by their bodies: they are not taken again.
    pub(super) refused: Vec<Value>,
    /// The fields that requests were to change.
    pub(super) begun: FieldSet,
    /// The platform says that the person is there, and does not find it.
    pub(super) claimed: Option<String>,
    pub(super) not_carried: Vec<String>,
    /// What an undo leaves, and why.
    pub(super) left: Vec<Problem>,
    /// Values that the platform has refused to restore.
    pub(super) kept_values: Vec<Problem>,
    pub(super) cleared: u64,
    /// Values that a request in doubt was to wipe.
    pub(super) cleared_in_doubt: u64,
    /// Fields that a request in doubt was to change.
    pub(super) changed_in_doubt: Vec<String>,
    pub(super) target_id: Option<String>,
    /// Somebody who is this person's own making or was being added to: looked at by id, whoever has their phone.
    pub(super) made: Option<String>,
    /// The request that makes somebody (JSON), where they can be left half made.
    pub(super) made_by: Option<String>,
    /// The identity values that lead to the target's contact.
    pub(super) links: Vec<IdentityValue>,
    /// What the guards have counted of them.
    pub(super) guarded: Guarded,
}

impl Story {
    /// The story goes on where an earlier process left it.
    pub(super) fn after(earlier: &Earlier) -> Story {
        match earlier {
            // That the process died says nothing about the try: those before it count.
            Earlier::Meant(OpenIntent { intent, sent_by_ms, .. }) => Story {
                tries: intent.attempt.saturating_sub(1),
                doubt: Some(doubt_of(intent.kind, intent.at_ms, *sent_by_ms)),
                // Whoever is added to after they were made is of this run's making.
                has_created: intent.kind != StepKind::Create && intent.made.is_some(),
                made: intent.target_id.clone().filter(|_| intent.kind == StepKind::Add || intent.made.is_some()),
                made_by: intent.made.clone(),
                begun: intent.begun,
                was_sent: intent.kind == StepKind::Create,
                // It was counted when the run went on (see `run/guards.rs`).
                guarded: Guarded { create: intent.makes_somebody(), ..Guarded::default() },
                target_id: intent.target_id.clone(),
                ..Story::default()
            },
            Earlier::Did(Outcome::Created) => {
                let guarded = Guarded { create: true, ..Guarded::default() };
                Story { has_created: true, guarded, ..Story::default() }
            }
            Earlier::Did(Outcome::Updated) => {
                let guarded = Guarded { update: true, ..Guarded::default() };
                Story { doubt: Some(doubt_of(StepKind::Change, 0, 0)), guarded, ..Story::default() }
            }
            Earlier::Did(_) => Story::default(),
        }
    }

    /// Whoever is found now was made by this run, as far as that can be known.
    pub(super) fn is_of_own_making(&self) -> bool {
        self.has_created || self.doubt.as_ref().is_some_and(|doubt| doubt.kind == StepKind::Create)
    }

    /// Whether a request that makes somebody has gone out, and nobody knows yet what became of it.
    pub(super) fn may_have_made(&self) -> bool {
        self.doubt.as_ref().is_some_and(|doubt| doubt.kind == StepKind::Create)
    }

    /// Whether something of this person is at the target, or may be, that came of this run.
    pub(super) fn may_have_written(&self) -> bool {
        self.doubt.is_some() || self.has_created || self.has_updated
    }

    pub(super) fn outcome(&self) -> Outcome {
        match (self.has_created, self.has_updated) {
            (true, _) => Outcome::Created,
            (false, true) => Outcome::Updated,
            (false, false) => Outcome::Unchanged,
        }
    }
}

fn doubt_of(kind: StepKind, since_ms: u64, at_ms: u64) -> Doubt {
    let why = Failure::new(Exit::Unknown, "an earlier run stopped before it heard of this request");
    Doubt { kind, since_ms, at_ms, why }
}
