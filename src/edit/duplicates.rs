//! Records of the same contact among the first ones of a file, as an import merges them: a record belongs to the earliest
//! one that agrees with it in the first identity field that both have. In memory, for few records.

use crate::contact::Field;
use crate::identity::IdentityValue;
use std::collections::HashMap;

/// So many records with one value are compared; the others count as duplicates of the first.
const SAME_MAX: usize = 64;

/// The records seen so far.
#[derive(Debug, Default)]
pub(super) struct Seen {
    records: Vec<(u64, Vec<IdentityValue>)>,
    by_value: HashMap<(Field, String), Vec<usize>>,
}

impl Seen {
    /// Adds a record; gives the line of the one that it belongs to.
    pub fn add(&mut self, line: u64, identity: &[IdentityValue]) -> Option<u64> {
        let key = |one: &IdentityValue| (one.field, one.value.clone());
        let mut same: Vec<usize> =
            identity.iter().filter_map(|one| self.by_value.get(&key(one))).flatten().copied().collect();
        same.sort_unstable();
        let found = same.into_iter().find_map(|at| {
            let (line, other) = self.records.get(at)?;
            agrees(identity, other).then_some(*line)
        });
        if found.is_none() {
            let place = self.records.len();
            self.records.push((line, identity.to_vec()));
            for one in identity {
                let places = self.by_value.entry(key(one)).or_default();
                places.extend((places.len() < SAME_MAX).then_some(place));
            }
        }
        found
    }
}

/// Whether two records agree in the first field that both have.
fn agrees(one: &[IdentityValue], other: &[IdentityValue]) -> bool {
    let both = one.iter().find_map(|own| Some((own, other.iter().find(|other| other.field == own.field)?)));
    both.is_some_and(|(own, other)| own.value == other.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_belongs_to_the_earliest_that_agrees_in_the_first_field_that_both_have() {
        let value = |field, value: &str| IdentityValue { field, value: value.to_owned() };
        let (phone, email) = (|text: &str| value(Field::Phones, text), |text: &str| value(Field::Emails, text));
        let mut seen = Seen::default();
        let mut add = |line, values: &[IdentityValue]| seen.add(line, values);
        assert_eq!(add(2, &[phone("1"), email("a")]), None);
        assert_eq!(add(3, &[phone("1")]), Some(2));
        // The phones differ, so the e-mail does not matter.
        assert_eq!(add(4, &[phone("2"), email("a")]), None);
        assert_eq!(add(5, &[email("a")]), Some(2));
        assert_eq!(add(6, &[phone("2"), email("z")]), Some(4));
        assert_eq!(add(7, &[]), None);
        assert_eq!(add(8, &[]), None);
    }
}
