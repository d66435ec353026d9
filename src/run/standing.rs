//! Where each record stands in a pass that is continued: settled by an earlier process of the run, or to be worked on.
//!
//! Two bits a record, so that ten million take 2.5 MB. What is settled is passed over unread, except what belongs in a list
//! of the run (rejects, values left blank): that is mapped again. Nothing is counted or sent here.

use crate::mapping::Duplicates;
use crate::outcome::{Failure, Outcome, Totals};
use crate::scratch::owners::{EarlierOwners, EarlierReached};
use crate::scratch::people::{Member, People};
use crate::store::{Checkpoint, NumberedEntry, RunNo};
use std::path::Path;

/// What is known about the records of a pass that is continued.
pub(in crate::run) struct Standing {
    states: States,
    /// How many records an earlier process has read at least: one more than the ordinal of the last with an outcome.
    pub read: u64,
    /// The outcomes of the records that are not worked on.
    pub totals: Totals,
    /// How many contacts these are.
    pub contacts: u64,
}

/// The pass, and what its source alone has shown.
pub(in crate::run) struct StandingAsked<'a> {
    pub checkpoint: &'a Checkpoint,
    pub pass: (RunNo, u32),
    /// The folder of the run.
    pub folder: &'a Path,
    /// Which records are one contact, and what is done with the further ones.
    pub people: (&'a People, Duplicates),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// It is worked on: without an outcome, or with one that is unknown.
    #[default]
    Open,
    /// It is settled, and in no list.
    Passed,
    /// Its contact is as wanted; it may have been sent without some values, which are listed.
    Arrived,
    /// It was rejected. It is worked on like one without an outcome, which finds out why and sends nothing.
    Rejected,
}

impl State {
    fn of(outcome: Outcome) -> State {
        match outcome {
            Outcome::Unknown => State::Open,
            Outcome::Rejected => State::Rejected,
            Outcome::Created | Outcome::Updated | Outcome::Unchanged => State::Arrived,
            Outcome::Skipped(_) | Outcome::Deleted => State::Passed,
        }
    }

    fn is_settled(self) -> bool {
        matches!(self, State::Passed | State::Arrived)
    }
}

impl Standing {
    /// Reads it from the checkpoint, with the contacts that its records have reached; none where the first pass, by an
    /// earlier version, has not noted what a list of the run needs.
    ///
    /// # Errors
    /// Exit 1 when the checkpoint or the list of contacts cannot be read.
    pub fn of(asked: &StandingAsked<'_>) -> Result<Option<(Standing, EarlierOwners)>, Failure> {
        let (people, duplicates) = asked.people;
        let mut standing = Standing { states: States::default(), read: 0, totals: Totals::default(), contacts: 0 };
        let owners = standing.take_entries(asked)?;
        let (run, pass) = asked.pass;
        asked.checkpoint.for_each_note(run, pass, |note| {
            standing.take(note.origin.ordinal, note.outcome);
            Ok(())
        })?;
        let mut listed = Bits::of(standing.read);
        if !people.each_left_blank(|ordinal| listed.insert(ordinal))? {
            return Ok(None);
        }
        if duplicates == Duplicates::Merge {
            standing.take_groups(people, &mut listed)?;
        }
        standing.states.pass_over_beside(&listed, standing.read);
        Ok(Some((standing, owners)))
    }

    /// Whether a record needs no look.
    pub fn passes_over(&self, ordinal: u64) -> bool {
        self.states.get(ordinal) == State::Passed
    }

    /// Whether a record has arrived, and is mapped again only for what it was sent without.
    pub fn has_arrived(&self, ordinal: u64) -> bool {
        self.states.get(ordinal) == State::Arrived
    }

    fn take(&mut self, ordinal: u64, outcome: Outcome) {
        let state = State::of(outcome);
        self.states.set(ordinal, state);
        self.read = self.read.max(ordinal.saturating_add(1));
        if state.is_settled() {
            self.totals.add(outcome, 1);
        }
    }

    fn take_entries(&mut self, asked: &StandingAsked<'_>) -> Result<EarlierOwners, Failure> {
        let (run, pass) = asked.pass;
        let mut owners = EarlierReached::create(asked.folder)?;
        asked.checkpoint.for_each_page_of_entries(run, |page| {
            for NumberedEntry { key, entry, .. } in page.iter().filter(|numbered| numbered.entry.pass == pass) {
                self.take(entry.origin.ordinal, entry.outcome);
                if !State::of(entry.outcome).is_settled() {
                    continue;
                }
                self.contacts += 1;
                if let Some(id) = &entry.target_id {
                    owners.add(id, key, entry.origin.line)?;
                }
            }
            Ok(())
        })?;
        owners.done()
    }

    /// The records of one contact stand together: all of them are read again for a list, and where not all have an
    /// outcome, because their process was killed between two of them, all are worked on.
    fn take_groups(&mut self, people: &People, listed: &mut Bits) -> Result<(), Failure> {
        let mut incomplete = Bits::of(self.read);
        people.each_member(|member| {
            if self.states.get(member.ordinal) == State::Open {
                incomplete.insert(member.root);
            }
        })?;
        people.each_member(|Member { ordinal, root, .. }| {
            let (state, of_root) = (self.states.get(ordinal), self.states.get(root));
            if incomplete.has(root) {
                self.open(ordinal, state);
            } else if of_root == State::Arrived {
                self.states.set(ordinal, State::Arrived);
                listed.insert(ordinal);
            }
        })
    }

    /// What has an outcome beside that of its contact is a duplicate.
    fn open(&mut self, ordinal: u64, state: State) {
        self.states.set(ordinal, State::Open);
        if state.is_settled() {
            self.totals.skipped = self.totals.skipped.saturating_sub(1);
        }
    }
}

/// Records in a word of states.
const IN_WORD: u64 = 32;

/// The states of the records of a source, as far as one is not open.
#[derive(Default)]
struct States(Vec<u64>);

impl States {
    fn get(&self, ordinal: u64) -> State {
        let (word, shift) = place(ordinal, IN_WORD);
        match self.0.get(word).map_or(0, |word| word >> (2 * shift) & 3) {
            1 => State::Passed,
            2 => State::Arrived,
            3 => State::Rejected,
            _ => State::Open,
        }
    }

    fn set(&mut self, ordinal: u64, state: State) {
        let (word, shift) = place(ordinal, IN_WORD);
        if word >= self.0.len() && state != State::Open {
            self.0.resize(word.saturating_add(1), 0);
        }
        if let Some(word) = self.0.get_mut(word) {
            *word = *word & !(3 << (2 * shift)) | (state as u64) << (2 * shift);
        }
    }

    /// What has arrived and is in no list is passed over.
    fn pass_over_beside(&mut self, listed: &Bits, len: u64) {
        for ordinal in 0..len {
            if self.get(ordinal) == State::Arrived && !listed.has(ordinal) {
                self.set(ordinal, State::Passed);
            }
        }
    }
}

/// A set of the first records of a source.
struct Bits(Vec<u64>);

impl Bits {
    fn of(len: u64) -> Bits {
        Bits(vec![0; usize::try_from(len / 64 + 1).unwrap_or_default()])
    }

    fn insert(&mut self, ordinal: u64) {
        let (word, shift) = place(ordinal, 64);
        if let Some(word) = self.0.get_mut(word) {
            *word |= 1 << shift;
        }
    }

    fn has(&self, ordinal: u64) -> bool {
        let (word, shift) = place(ordinal, 64);
        self.0.get(word).is_some_and(|word| word >> shift & 1 == 1)
    }
}

/// The word of a record, and its place there.
fn place(ordinal: u64, in_word: u64) -> (usize, u64) {
    (usize::try_from(ordinal / in_word).unwrap_or(usize::MAX), ordinal % in_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_kept_beside_each_other() {
        let mut states = States::default();
        let all = [State::Open, State::Passed, State::Arrived, State::Rejected];
        let of = |ordinal: u64| all[(ordinal % 4) as usize];
        (0..70).for_each(|ordinal| states.set(ordinal, State::Rejected));
        (0..70).for_each(|ordinal| states.set(ordinal, of(ordinal)));
        assert!((0..70).all(|ordinal| states.get(ordinal) == of(ordinal)));
        states.set(1 << 40, State::Open);
        assert_eq!((states.get(1 << 40), states.0.len()), (State::Open, 3), "no memory is taken for what is open");
        let mut listed = Bits::of(70);
        listed.insert(66);
        listed.insert(1 << 40);
        states.pass_over_beside(&listed, 70);
        assert_eq!([2, 66].map(|ordinal| states.get(ordinal)), [State::Passed, State::Arrived]);
    }
}
