//! What has been tried for one contact: by this process, and by an earlier one of the same run.
//!
//! It holds facts, and changes through its own methods only. What follows from the facts is decided in [`super::goal`],
//! `super::doubt` and `super::fate`.

use crate::change::StepKind;
use crate::contact::{Field, FieldSet};
use crate::identity::IdentityValue;
use crate::outcome::{Exit, Failure, Outcome, Problem};
use crate::platforms::Body;
use crate::store::OpenIntent;

/// How often a contact is tried before it is rejected as `target.failed`.
pub(crate) const TRIES_MAX: u32 = 3;

/// What an earlier process of this run left about a contact.
#[derive(Clone, Debug)]
pub enum Earlier {
    /// An intent without an outcome: the request may have been sent.
    Meant(OpenIntent),
    /// An outcome for a contact with this content. Another party may have changed the contact since.
    Did(Outcome),
}

/// A request whose result is unknown.
#[derive(Clone, Debug)]
pub(crate) struct Doubt {
    pub(crate) kind: StepKind,
    /// When it was sent at the earliest, in milliseconds since 1970 (UTC).
    pub(crate) since_ms: u64,
    /// When it was sent, or answered, at the latest.
    pub(crate) at_ms: u64,
    pub(crate) why: Failure,
}

/// What is still to be settled before the contact can be judged.
#[derive(Clone, Debug, Default)]
pub(crate) enum Pending {
    /// No request is in doubt.
    #[default]
    Nothing,
    /// A request is in doubt.
    InDoubt(Doubt),
    /// The platform says, in these words, that the contact exists already. `doubt` says when, and is a doubt about a
    /// creation where an earlier request may have been that creation.
    AlreadyExists { words: String, doubt: Doubt },
}

/// What the target has confirmed. A creation covers the changes that follow it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Confirmed {
    #[default]
    Nothing,
    Updated,
    Created,
}

/// How often something was tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tries {
    /// Requests that were sent, or may have been, without success.
    pub(crate) sent: u32,
    /// Reads that gave no answer.
    pub(crate) reads: u32,
    /// How many steps were left when one of them, itself among them, came to be in doubt.
    pub(crate) steps_left: usize,
}

/// What the outcome will say beside its kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Effects {
    pub(crate) target_id: Option<String>,
    /// The identity values that lead to the contact at the target.
    pub(crate) links: Vec<IdentityValue>,
    pub(crate) not_carried: Vec<String>,
    /// Values that an undo or a correction leaves as they are, and why.
    pub(crate) left: Vec<Problem>,
    pub(crate) cleared: u64,
    /// Values that a request in doubt was to clear.
    pub(crate) cleared_in_doubt: u64,
    /// Fields that a request in doubt was to change.
    pub(crate) changed_in_doubt: Vec<String>,
}

/// What the guards have counted of one contact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) create: bool,
    pub(crate) update: bool,
    pub(crate) clears: u64,
}

/// What has been tried for one contact.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attempt {
    confirmed: Confirmed,
    pending: Pending,
    /// The id of a contact that this record is creating or adding to: it is located by this id, whatever its phone.
    own: Option<String>,
    /// The request (JSON) that creates the contact, where contacts can be partially created.
    created_by: Option<String>,
    pub(crate) tries: Tries,
    /// An earlier process may have sent a request that creates the contact.
    was_sent: bool,
    /// A record with a stronger match was let go first.
    has_yielded: bool,
    /// The bodies of steps that the platform refused: they are not repeated.
    refused: Vec<Body>,
    /// The lists whose items were sent one by one.
    begun: FieldSet,
    /// Values that the platform has refused to restore.
    pub(crate) kept_values: Vec<Problem>,
    pub(crate) effects: Effects,
    pub(crate) counted: Counted,
}

impl Attempt {
    /// Begins where an earlier process left it.
    pub(crate) fn after(earlier: &Earlier) -> Attempt {
        match earlier {
            Earlier::Meant(open) => Attempt::after_intent(open),
            Earlier::Did(Outcome::Created) => {
                let counted = Counted { create: true, ..Counted::default() };
                Attempt { confirmed: Confirmed::Created, counted, ..Attempt::default() }
            }
            Earlier::Did(Outcome::Updated) => {
                let counted = Counted { update: true, ..Counted::default() };
                Attempt { pending: Pending::InDoubt(lost(StepKind::Change, 0, 0)), counted, ..Attempt::default() }
            }
            Earlier::Did(_) => Attempt::default(),
        }
    }

    fn after_intent(open: &OpenIntent) -> Attempt {
        let OpenIntent { intent, sent_by_ms, .. } = open;
        // A contact that is added to after its creation was created by this run.
        let is_created = intent.kind != StepKind::Create && intent.made.is_some();
        let is_own = intent.kind == StepKind::Add || intent.made.is_some();
        // A request that was held back can be sent at once, but the contact may not be shown yet.
        let kind = if intent.was_held_back() { StepKind::Change } else { intent.kind };
        Attempt {
            confirmed: match is_created {
                true => Confirmed::Created,
                false if intent.was_held_back() => Confirmed::Updated,
                false => Confirmed::Nothing,
            },
            pending: match intent.was_held_back() && !is_created {
                true => Pending::Nothing,
                false => Pending::InDoubt(lost(kind, intent.at_ms, *sent_by_ms)),
            },
            own: intent.target_id.clone().filter(|_| is_own),
            created_by: intent.made.clone(),
            // That the process died says nothing about this try; those before it count.
            tries: Tries { sent: intent.attempt.saturating_sub(1), ..Tries::default() },
            was_sent: intent.kind == StepKind::Create,
            begun: intent.begun,
            effects: Effects { target_id: intent.target_id.clone(), ..Effects::default() },
            // It was counted when the run was resumed.
            counted: Counted { create: intent.creates(), ..Counted::default() },
            ..Attempt::default()
        }
    }
}

/// What is known.
impl Attempt {
    pub(crate) fn confirmed(&self) -> Confirmed {
        self.confirmed
    }

    /// The request that is not settled yet.
    pub(crate) fn doubt(&self) -> Option<&Doubt> {
        match &self.pending {
            Pending::Nothing => None,
            Pending::InDoubt(doubt) | Pending::AlreadyExists { doubt, .. } => Some(doubt),
        }
    }

    /// A creation that is not settled yet.
    pub(crate) fn creation_in_doubt(&self) -> Option<&Doubt> {
        self.doubt().filter(|doubt| doubt.kind == StepKind::Create)
    }

    /// A change of an existing contact that is in doubt.
    pub(crate) fn change_in_doubt(&self) -> Option<&Doubt> {
        match &self.pending {
            Pending::InDoubt(doubt) if doubt.kind != StepKind::Create => Some(doubt),
            _ => None,
        }
    }

    /// The platform's words for a contact that exists and has not been found.
    pub(crate) fn claim(&self) -> Option<&str> {
        match &self.pending {
            Pending::AlreadyExists { words, .. } => Some(words),
            _ => None,
        }
    }

    /// Whether the contact that is found now was created by this run, as far as that can be known.
    pub(crate) fn has_created(&self) -> bool {
        self.confirmed == Confirmed::Created || self.creation_in_doubt().is_some()
    }

    /// Whether something of this record is, or may be, at the target because of this run.
    pub(crate) fn may_have_written(&self) -> bool {
        self.doubt().is_some() || self.confirmed != Confirmed::Nothing
    }

    /// Whether this run has changed the contact that is found now, or may have.
    pub(crate) fn may_have_changed(&self) -> bool {
        self.has_created() || self.confirmed == Confirmed::Updated || self.change_in_doubt().is_some()
    }

    /// Whether a request that creates this contact may have been sent before the next one.
    pub(crate) fn was_sent(&self) -> bool {
        self.was_sent || self.tries.sent > 0
    }

    pub(crate) fn has_yielded(&self) -> bool {
        self.has_yielded
    }

    pub(crate) fn own(&self) -> Option<&str> {
        self.own.as_deref()
    }

    pub(crate) fn created_by(&self) -> Option<&str> {
        self.created_by.as_deref()
    }

    pub(crate) fn begun(&self) -> FieldSet {
        self.begun
    }

    pub(crate) fn has_refused(&self) -> bool {
        !self.refused.is_empty()
    }

    pub(crate) fn is_refused(&self, body: &Body) -> bool {
        self.refused.contains(body)
    }

    /// What was confirmed, as an outcome.
    pub(crate) fn outcome(&self) -> Outcome {
        match self.confirmed {
            Confirmed::Created => Outcome::Created,
            Confirmed::Updated => Outcome::Updated,
            Confirmed::Nothing => Outcome::Unchanged,
        }
    }

    /// The same where nothing remains to be written, so that the request in doubt has arrived.
    pub(crate) fn outcome_if_arrived(&self) -> Outcome {
        match self.has_created() {
            true => Outcome::Created,
            false if self.change_in_doubt().is_some() => Outcome::Updated,
            false => self.outcome(),
        }
    }
}

/// What happens.
impl Attempt {
    /// A partially created contact turned out to be this record's.
    pub(crate) fn adopt(&mut self, id: String) {
        (self.own, self.confirmed, self.pending) = (Some(id), Confirmed::Created, Pending::Nothing);
    }

    /// The contact of this record does not exist any more; its id.
    pub(crate) fn lose_own(&mut self) -> Option<String> {
        if self.confirmed == Confirmed::Created {
            self.confirmed = Confirmed::Nothing;
        }
        self.own.take()
    }

    /// No request will follow for the contact that this record was creating; its id.
    pub(crate) fn complete_own(&mut self) -> Option<String> {
        self.own.take()
    }

    /// The contact is located by this id from now on.
    pub(crate) fn keep_own(&mut self, id: String) {
        self.own = Some(id);
    }

    pub(crate) fn let_others_go_first(&mut self) {
        self.has_yielded = true;
    }

    /// The contact was located, and these many steps remain: what was in doubt is settled.
    pub(crate) fn settle_there(&mut self, steps: usize) {
        if self.has_created() {
            self.confirmed = Confirmed::Created;
        }
        self.pending = Pending::Nothing;
        if steps < self.tries.steps_left {
            // The step in doubt has arrived, and was no failed try.
            (self.tries.sent, self.tries.steps_left) = (0, 0);
        }
    }

    /// The contact does not exist: what was in doubt has not arrived, and what an earlier pass created is gone.
    pub(crate) fn settle_absent(&mut self) {
        (self.pending, self.confirmed) = (Pending::Nothing, Confirmed::Nothing);
    }

    /// The items of this list are about to be sent.
    pub(crate) fn begin_list(&mut self, field: Field) {
        self.begun.insert(field);
    }

    pub(crate) fn begin_step(&mut self, created_by: Option<String>) {
        self.created_by = created_by;
    }

    /// A step was confirmed, for the contact with this id.
    pub(crate) fn confirm(&mut self, kind: StepKind, id: &str) {
        let now = if kind == StepKind::Create { Confirmed::Created } else { Confirmed::Updated };
        self.confirmed = self.confirmed.max(now);
        self.tries.sent = 0;
        self.effects.target_id = Some(id.to_owned());
    }

    /// A step failed, or may have.
    pub(crate) fn count_try(&mut self) {
        self.tries.sent += 1;
    }

    pub(crate) fn doubt_about(&mut self, doubt: Doubt) {
        self.pending = Pending::InDoubt(doubt);
    }

    pub(crate) fn claimed(&mut self, words: String, doubt: Doubt) {
        self.pending = Pending::AlreadyExists { words, doubt };
    }

    /// The platform refuses this step; it is not repeated.
    pub(crate) fn refuse(&mut self, body: Body) {
        self.refused.push(body);
    }

    /// The values and fields of a request in doubt that has arrived count as written. The fields.
    pub(crate) fn count_arrived(&mut self) -> Vec<String> {
        self.effects.cleared += std::mem::take(&mut self.effects.cleared_in_doubt);
        std::mem::take(&mut self.effects.changed_in_doubt)
    }
}

/// A request of a process that ended before the answer came.
fn lost(kind: StepKind, since_ms: u64, at_ms: u64) -> Doubt {
    let why = Failure::new(Exit::Unknown, "an earlier run stopped before this request was answered");
    Doubt { kind, since_ms, at_ms, why }
}
