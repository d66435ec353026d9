//! A contact on its way through the second pass, with all the records that make it.

use crate::contact::Field;
use crate::identity::IdentityValue;
use crate::ids::CommandKind;
use crate::outcome::Problem;
use crate::reconcile::goal::Goal;
use crate::reconcile::goal::revert::Reversal;
use crate::reconcile::subject::Subject;
use crate::reconcile::who::Who;
use crate::record::{Origin, Record};
use crate::run::bind::singular;
use crate::run::item::{Candidate, key_of};
use crate::store::Key;

/// A contact with all the records that make it.
pub(in crate::run) struct Group {
    pub subject: Subject,
    /// The first is the contact's own, the others are further records of the same contact. None where no source was mapped.
    pub records: Vec<Record>,
    /// Whether it is on a suppression list.
    pub is_suppressed: bool,
}

impl Group {
    /// A contact of one record, found by these fields.
    pub fn of_record(candidate: Candidate, finds_by: &[Field]) -> Group {
        let key = candidate.key.unwrap_or_else(|| key_of(&candidate.identities, &candidate.wanted));
        let who = Who {
            key,
            origin: candidate.record.origin,
            identities: candidate.identities.into_iter().filter(|value| finds_by.contains(&value.field)).collect(),
            shared: Vec::new(),
            not_carried: candidate.not_carried,
        };
        let goal = match candidate.precondition {
            Some(precondition) => Goal::Exactly(candidate.wanted, precondition),
            None => Goal::Upsert(candidate.wanted),
        };
        let is_suppressed = candidate.is_suppressed;
        Group { subject: Subject { who, goal }, records: vec![candidate.record], is_suppressed }
    }

    /// A contact that a run wrote: it is known by its id alone.
    pub fn of_written(origin: Origin, reversal: Box<Reversal>) -> Group {
        let identities = vec![IdentityValue { field: Field::TargetId, value: reversal.id.clone() }];
        let key = Key::of(&identities, CommandKind::Undo.name().as_bytes());
        let who = Who { key, origin, identities, shared: Vec::new(), not_carried: Vec::new() };
        Group { subject: Subject { who, goal: Goal::Revert(reversal) }, records: Vec::new(), is_suppressed: false }
    }

    /// The records that are counted for the contact: a contact that no record was mapped for counts as one.
    pub fn len(&self) -> u64 {
        (self.records.len() as u64).max(1)
    }

    /// Whether there is a value by which the target can find the contact.
    pub fn can_be_found(&self) -> bool {
        let wanted = self.subject.goal.wanted();
        !self.subject.who.identities.is_empty() || wanted.is_some_and(|wanted| wanted.contact.has(Field::TargetId))
    }
}

/// The mapping's identity is none by which the target finds: each run would create another contact.
pub(in crate::run) fn not_to_be_found(finds_by: &[Field]) -> Problem {
    let names: Vec<String> = finds_by.iter().map(|field| format!("`{}`", singular(*field))).collect();
    let message = format!("there is no {}: the target finds contacts by nothing else", names.join(" or "));
    Problem::new("identity.missing", message).hint("fill one of them in, or leave the record out with `only_if`")
}
