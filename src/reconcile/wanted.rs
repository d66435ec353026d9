//! What is wanted of a person at this target, and what of it may overwrite what is there.

use super::found::is_bare;
use super::person::Person;
use super::story::Story;
use super::{LISTS, Reconciler};
use crate::contact::{Field, TagMode, Wanted};
use crate::outcome::Failure;
use crate::platforms::Found;
use crate::platforms::diff::{Delta, OnExisting, diff_with_identity};
use std::borrow::Cow;

impl Reconciler {
    /// Whether somebody who was found has to be read by id: they are going to be written, and what is there counts. From
    /// a snapshot, because the write replaces all of it or is only to fill what is blank; for a saved plan in any case,
    /// so that what it saw and what is there when it is applied were read alike.
    pub(super) fn needs_reading(
        &self,
        person: &Person,
        story: &Story,
        found: &Found,
        by: Option<Field>,
        is_fresh: bool,
    ) -> Result<bool, Failure> {
        let planning = self.rehearsing.as_ref().filter(|rehearsing| rehearsing.keeps());
        let is_of_plan = (planning.is_some() || person.promise.is_some()) && !(is_fresh && by == Some(Field::TargetId));
        if is_fresh && !is_of_plan {
            return Ok(false);
        }
        let Some(fills) = self.would_write(person, story, found, by) else { return Ok(false) };
        let is_needed = !is_fresh && (self.replaces || fills);
        let Some(planning) = planning.filter(|_| !is_needed) else { return Ok(is_needed || is_of_plan) };
        if planning.has(&found.id)? {
            return Ok(false);
        }
        planning.only_planning(1);
        Ok(true)
    }

    /// Whether somebody who was found is going to be written, and if so, whether a blank is to be filled.
    fn would_write(&self, person: &Person, story: &Story, found: &Found, by: Option<Field>) -> Option<bool> {
        let mut wanted = self.fitted(&person.wanted, &mut Story::default());
        self.complete_lists(&mut wanted, story);
        let delta = self.diff(person, &wanted, Some(found), by, story);
        let is_written = self.connector.steps(&self.ready, &delta, Some(found)).is_ok_and(|steps| !steps.is_empty());
        is_written.then_some(delta.fills)
    }

    /// What is wanted in the forms that this account knows, without what it is known to drop.
    pub(super) fn fitted(&self, wanted: &Wanted, story: &mut Story) -> Wanted {
        let mut wanted = self.silence.strip(wanted, &mut story.not_carried);
        story.not_carried.extend(self.connector.fit(&self.ready, &mut wanted));
        wanted
    }

    /// A list that was blank and whose items this run adds one by one is not one that was there: what is only to be
    /// filled is filled to the end. So are the tags of somebody whom it made: the platform may have dropped some.
    pub(super) fn complete_lists(&self, wanted: &mut Wanted, story: &Story) {
        if story.is_of_own_making() && wanted.tag_mode == TagMode::Add {
            wanted.fill.remove(Field::Tags);
            wanted.force.insert(Field::Tags);
        }
        let single = &self.connector.platform().single;
        for field in LISTS.into_iter().filter(|field| !single.contains(field)) {
            if story.is_of_own_making() || story.begun.has(field) {
                wanted.fill.remove(field);
                wanted.force.insert(field);
            }
        }
    }

    /// Whoever is of this run's making is no existing contact to be skipped: what they lack yet is filled in. Nor is
    /// somebody whom an earlier run left half made.
    pub(super) fn on_existing(&self, person: &Person, found: Option<&Found>, story: &Story) -> OnExisting {
        let is_half_made = self.connector.platform().half_makes && found.is_some_and(|found| is_bare(&found.contact));
        match self.policy.on_existing {
            _ if person.is_meant => OnExisting::Update,
            OnExisting::Skip if story.is_of_own_making() || is_half_made => OnExisting::Fill,
            told => told,
        }
    }

    pub(super) fn diff(
        &self,
        person: &Person,
        wanted: &Wanted,
        found: Option<&Found>,
        by: Option<Field>,
        story: &Story,
    ) -> Delta {
        let platform = self.connector.platform();
        let on_existing = self.on_existing(person, found, story);
        // By whatever leads to a contact they are found: the platform may have given it another form.
        let told = self.identity.iter().copied().filter(|field| person.is_meant && Some(*field) != by);
        let mut wanted = Cow::Borrowed(wanted);
        told.for_each(|field| wanted.to_mut().force.insert(field));
        diff_with_identity(platform, &self.identity, &wanted, found, by, on_existing)
    }
}
