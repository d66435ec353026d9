//! Which fields were changed, and how often: counted as the target confirms each change of a contact that existed before.
//! It holds names of fields, never a value.

use crate::change::Delta;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The most fields that are counted apart; attributes of records may have any name.
const FIELDS_MAX: usize = 1_000;

/// The name under which the others are counted.
const OTHERS: &str = "(other fields)";

/// Changes by field.
#[derive(Debug, Default)]
pub struct Changed(Mutex<BTreeMap<String, u64>>);

impl Changed {
    /// Goes on counting from here.
    pub fn from(counts: BTreeMap<String, u64>) -> Changed {
        Changed(Mutex::new(counts))
    }

    /// Counts one change of each of these fields.
    pub fn count<'a>(&self, fields: impl IntoIterator<Item = &'a str>) {
        let mut counts = self.lock();
        for field in fields {
            let name = if counts.contains_key(field) || counts.len() < FIELDS_MAX { field } else { OTHERS };
            match counts.get_mut(name) {
                Some(count) => *count += 1,
                None => drop(counts.insert(name.to_owned(), 1)),
            }
        }
    }

    /// How often each field was changed.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The fields that a difference changes.
pub(super) fn fields_of(delta: &Delta) -> impl Iterator<Item = &str> {
    delta.changes.iter().map(|change| &*change.field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_a_thousand_names_the_rest_are_counted_as_one() {
        let changed = Changed::from(BTreeMap::from([("phone".to_owned(), 2)]));
        let names: Vec<String> = (0..1_500).map(|no| format!("attributes.{no}")).collect();
        changed.count(names.iter().map(String::as_str));
        changed.count(["phone", "attributes.7"]);
        let counts = changed.counts();
        assert_eq!(counts.len(), FIELDS_MAX + 1);
        assert_eq!([counts["phone"], counts["attributes.7"], counts[OTHERS]], [3, 2, 501]);
    }
}
