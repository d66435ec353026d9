//! What a page proves, and the end of a pass. Pure.
//!
//! A count proves only what did not change while it was counted: a contact that is removed while pages are read moves the others, and
//! one of them can slip between two pages. So as many as the platform says are all contacts only if its number never fell,
//! or if the pass alone met as many while it stood.

use crate::platforms::Cursor;
use crate::scratch::spool::{Completeness, Reading, Sums};

/// Passes over a source before it is given up: what two repetitions do not fix is no coincidence.
pub const PASSES_MAX: u32 = 3;
/// Pages in a row that bring no new contact to the pass, after which it has ended: one can be an echo in the middle.
const REPEATS: u32 = 2;
/// The same for pages of bare ids, which may well name the same people for long. Only a list that goes in a circle has as
/// many, and what goes in a circle proves nothing.
const REPEATS_OF_IDS: u32 = 1_000;

/// What a page says beside the contacts that it brings.
#[derive(Clone, Debug)]
pub struct PageEnd {
    /// Where the next one begins.
    pub next: Option<Cursor>,
    total: Option<u64>,
    repeats_max: u32,
    /// Whether the list is the user's own, so that its end is the end.
    is_given: bool,
}

impl PageEnd {
    /// Of a page of the platform's.
    pub fn new(next: Option<Cursor>, total: Option<u64>, is_of_ids: bool) -> PageEnd {
        PageEnd { next, total, repeats_max: if is_of_ids { REPEATS_OF_IDS } else { REPEATS }, is_given: false }
    }

    /// Of a page of the user's own list. Its places are not the platform's, and are not kept.
    pub fn of_given(next: Option<Cursor>) -> PageEnd {
        PageEnd { next, total: None, repeats_max: u32::MAX, is_given: true }
    }

    /// How far the reading is after the last part of this page, of which `news` were new to the pass.
    pub fn reading(self, before: &Reading, sums: &Sums, news: u64) -> Reading {
        let mut reading = after_part(before, sums);
        if let Some(total) = self.total {
            let has_fallen = reading.total.is_some_and(|before| total < before);
            reading.has_fallen |= has_fallen;
            reading.has_fallen_now |= has_fallen && reading.is_told;
            reading.is_told = true;
            reading.total = Some(total);
        }
        reading.repeats = if news == 0 { reading.repeats.saturating_add(1) } else { 0 };
        let is_last = self.next.is_none();
        let is_over = is_last || reading.repeats >= self.repeats_max;
        reading.after = self.next.filter(|_| !self.is_given);
        if !is_over {
            reading
        } else if self.repeats_max == REPEATS_OF_IDS && !is_last {
            whole(reading, Completeness::Unproven)
        } else {
            end_of_pass(reading, sums, self.is_given)
        }
    }
}

/// The reading as a process begins with it.
pub fn begun(reading: Reading) -> Reading {
    Reading { pass: reading.pass.max(1), is_short: false, ..reading }
}

/// How far the reading is after a part of a page.
pub fn after_part(before: &Reading, sums: &Sums) -> Reading {
    Reading { met: before.met + sums.news, ..before.clone() }
}

fn end_of_pass(reading: Reading, sums: &Sums, is_given: bool) -> Reading {
    match proof(&reading, sums, is_given) {
        Some(completeness) => whole(reading, completeness),
        None if reading.pass - reading.passes_before < PASSES_MAX => next_pass(reading, sums),
        None if reading.total.is_some_and(|total| sums.known() < total) => {
            let passes_before = reading.pass;
            Reading { passes_before, is_short: true, ..next_pass(reading, sums) }
        }
        None => whole(reading, Completeness::Unproven),
    }
}

fn whole(reading: Reading, completeness: Completeness) -> Reading {
    Reading { after: None, is_whole: true, completeness, ..reading }
}

fn next_pass(before: Reading, sums: &Sums) -> Reading {
    let pass = before.pass.saturating_add(1);
    let (known_before, is_told, has_fallen_now) = (sums.known(), false, false);
    Reading { pass, known_before, after: None, repeats: 0, met: 0, met_as_before: 0, is_told, has_fallen_now, ..before }
}

/// How it is known that the pass that ends was the last, if it is.
fn proof(reading: &Reading, sums: &Sums, is_given: bool) -> Option<Completeness> {
    let known = sums.known();
    let is_first = reading.pass - reading.passes_before == 1;
    if is_given {
        return Some(Completeness::Counted);
    }
    if is_first && known == 0 {
        // Nothing at all may be an error in the clothes of an answer.
        return None;
    }
    let is_counted = reading.total.is_some_and(|total| {
        (reading.met == total && !reading.has_fallen_now) || (known == total && !reading.has_fallen)
    });
    if is_counted {
        return Some(Completeness::Counted);
    }
    let is_short = reading.total.is_some_and(|total| known < total);
    let brought_nobody = known == reading.known_before;
    (!is_first && brought_nobody && !is_short).then_some(Completeness::Repeated)
}
