//! Everything that a decision may look at: the target, the record, and what was located. Pure data.
//!
//! Nothing here can reach the network, the checkpoint or the clock: whatever they say was asked before.

use super::attempt::Attempt;
use super::doubt::Times;
use super::who::Who;
use crate::contact::{Field, Wanted};
use crate::platforms::diff::OnExisting;
use crate::platforms::{Found, PlatformFacts, Ready, Step, WriteRules};
use crate::scratch::written::WrittenContact;
use std::borrow::Cow;
use std::collections::HashSet;
use std::time::Duration;

/// What the user decided about contacts that exist, and that do not.
#[derive(Clone, Copy, Debug, Default)]
pub struct Policy {
    /// What is done about a contact that exists.
    pub on_existing: OnExisting,
    /// No contact is created.
    pub only_existing: bool,
    /// How long after a request in doubt a contact that is not found counts as absent.
    pub settle: Duration,
}

/// What is known of the target.
pub(crate) struct TargetFacts<'a> {
    pub(crate) rules: &'a dyn WriteRules,
    pub(crate) ready: &'a Ready,
    /// The fields by which contacts are found.
    pub(crate) identity: &'a [Field],
    pub(crate) policy: Policy,
    /// The step that deletes a contact, where the platform can do that and it may be wanted.
    pub(crate) deletion: Option<Step>,
    /// What the platform is known to drop.
    pub(crate) dropped: &'a DroppedNames,
    /// Whether every contact that would be written is read by id first, so that a saved plan knows it exactly.
    pub(crate) reads_for_plan: bool,
    pub(crate) now_ms: u64,
}

impl TargetFacts<'_> {
    pub(crate) fn facts(&self) -> &PlatformFacts {
        self.rules.facts()
    }

    pub(crate) fn times(&self) -> Times {
        Times { settle: self.policy.settle, now_ms: self.now_ms }
    }

    /// What is wanted in the forms that this account knows, without what it is known to drop.
    pub(crate) fn resolve<'w>(&self, wanted: &'w Wanted, not_carried: &mut Vec<String>) -> Cow<'w, Wanted> {
        let mut wanted = self.dropped.strip(&self.facts().drops, wanted, not_carried);
        if self.rules.resolves(&wanted) {
            not_carried.extend(self.rules.resolve(self.ready, wanted.to_mut()));
        }
        wanted
    }
}

/// Names of tags, attributes and fields that the platform was found to drop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DroppedNames(pub(crate) HashSet<String>);

impl DroppedNames {
    /// The contact without what is dropped; the names go to `not_carried`. `fields`: those that the platform may drop.
    pub(crate) fn strip<'w>(
        &self,
        fields: &[Field],
        wanted: &'w Wanted,
        not_carried: &mut Vec<String>,
    ) -> Cow<'w, Wanted> {
        if self.0.is_empty() {
            return Cow::Borrowed(wanted);
        }
        let mut wanted = wanted.clone();
        let mut keep = |name: String| {
            let is_dropped = self.0.contains(&name);
            if is_dropped && !not_carried.contains(&name) {
                not_carried.push(name);
            }
            !is_dropped
        };
        wanted.contact.list_mut(Field::Tags).retain(|tag| keep(tag_name(tag)));
        wanted.contact.attributes.retain(|attribute| keep(attribute_name(&attribute.name)));
        for &field in fields.iter().filter(|field| **field != Field::Tags) {
            if wanted.contact.has(field) && !keep(field.name().to_owned()) {
                wanted.contact.remove(field);
            }
        }
        Cow::Owned(wanted)
    }
}

/// How the names of tags and attributes begin.
pub(crate) const TAGS: &str = "tags.";
pub(crate) const ATTRIBUTES: &str = "attributes.";

fn tag_name(tag: &str) -> String {
    format!("{TAGS}{tag}")
}

fn attribute_name(name: &str) -> String {
    format!("{ATTRIBUTES}{name}")
}

/// How a contact was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// In a list that was read at the beginning: it proves "unchanged", and nothing is written on it.
    Listed,
    /// Just now.
    Read,
    /// It is as a preview would leave it.
    Recorded,
}

/// A contact that was located.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Hit {
    pub(crate) found: Found,
    /// The identity field that found it; none where it was located by its id.
    pub(crate) by: Option<Field>,
    pub(crate) freshness: Freshness,
}

/// What was located for a record.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Presence {
    Absent,
    One(Hit),
    /// A contact that was found by nothing but values that another contact of the source has too.
    Shared(Hit),
    /// Several contacts: their ids.
    Several(Vec<String>),
    /// This server cannot say what the contact with the known id is.
    Unreadable,
}

/// Which record a located contact belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// This one, or it is not tracked.
    This,
    /// The record on this line has reached the same contact before.
    OtherRecord(u64),
}

/// Everything that a decision may look at.
pub(crate) struct View<'a> {
    pub(crate) target: &'a TargetFacts<'a>,
    pub(crate) who: &'a Who,
    pub(crate) presence: &'a Presence,
    pub(crate) owner: Owner,
    /// What the run that is corrected wrote to the contact.
    pub(crate) written: Option<&'a WrittenContact>,
    /// Whether the contact may be read by id before it is decided: once for each time that it is located.
    pub(crate) may_reread: bool,
}

impl View<'_> {
    /// What can be done about existing contacts: one that this run created, or that is only partially created, is
    /// completed. `is_created`: a run that is verified created it, so that every value counts.
    pub(crate) fn on_existing(&self, attempt: &Attempt, is_partial: bool, is_created: bool) -> OnExisting {
        match self.target.policy.on_existing {
            _ if is_created => OnExisting::Update,
            OnExisting::Skip if attempt.has_created() || is_partial => OnExisting::Fill,
            asked => asked,
        }
    }
}
