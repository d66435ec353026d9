//! Numbers that a neighbouring column calls a fax or a pager: they are not phones of the contact, and
//! are listed as left out.

use super::compiled::{CompiledRule, RuleSource};
use super::draft::Draft;
use super::source::{Cell, Sight};
use crate::contact::LeftBlank;
use std::borrow::Cow;

/// What the types of such numbers are called, in small letters.
const TYPES: [&str; 7] = ["fax", "pager", "beeper", "факс", "пейджер", "télécopie", "telecopie"];

impl CompiledRule {
    /// Whether the record calls the number of this slot a fax or a pager.
    #[inline]
    pub(super) fn is_fax(&self, slot: usize, sight: &Sight<'_>) -> bool {
        !self.labels.is_empty() && matches!(self.label(slot, sight), Some(Cell::Text(label)) if is_fax(&label))
    }

    /// The numbers of a list without those that the list of their types, one for each, calls so.
    pub(super) fn without_faxes<'a>(
        &self,
        slot: usize,
        sight: &Sight<'_>,
        numbers: Vec<Cow<'a, str>>,
    ) -> Vec<Cow<'a, str>> {
        match self.label(slot, sight) {
            Some(Cell::List(labels)) if labels.len() == numbers.len() => {
                let paired = numbers.into_iter().zip(labels);
                paired.filter(|(_, label)| !is_fax(label)).map(|(number, _)| number).collect()
            }
            _ => numbers,
        }
    }

    fn label<'a>(&self, slot: usize, sight: &Sight<'a>) -> Option<Cell<'a>> {
        sight.read(self.labels.get(slot)?.as_ref()?).ok()
    }

    /// Lists what is left out.
    pub(super) fn list_faxes(&self, line: u64, sight: &Sight<'_>, draft: &mut Draft<'_>) {
        let RuleSource::Slots(slots) = &self.source else { return };
        for (at, slot) in slots.iter().enumerate().take(self.labels.len()) {
            let values = match (sight.read(slot), self.is_fax(at, sight)) {
                (Ok(Cell::Text(text)), true) => vec![text],
                (Ok(Cell::List(items)), true) => items,
                (Ok(Cell::List(items)), false) => self.faxes_among(at, sight, items),
                (Ok(Cell::Text(_) | Cell::Absent | Cell::Blank) | Err(_), _) => Vec::new(),
            };
            draft.marks.left_blank.extend(values.into_iter().map(|value| LeftBlank {
                line,
                column: Some(slot.name.to_string()),
                code: "phone.fax".into(),
                value: value.into_owned(),
            }));
        }
    }

    fn faxes_among<'a>(&self, slot: usize, sight: &Sight<'_>, numbers: Vec<Cow<'a, str>>) -> Vec<Cow<'a, str>> {
        let kept = self.without_faxes(slot, sight, numbers.clone());
        numbers.into_iter().filter(|number| !kept.contains(number)).collect()
    }
}

fn is_fax(label: &str) -> bool {
    let label = label.to_lowercase();
    TYPES.iter().any(|name| label.contains(name))
}
