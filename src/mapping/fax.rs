//! Numbers that a neighbouring column calls a fax or a pager: they are not phones of the contact, and
//! are listed as left out.

use super::compiled::{CompiledRule, RuleSource};
use super::draft::Draft;
use super::source::{Cell, Sight};
use crate::contact::LeftBlank;

/// What the types of such numbers are called, in small letters.
const TYPES: [&str; 7] = ["fax", "pager", "beeper", "факс", "пейджер", "télécopie", "telecopie"];

impl CompiledRule {
    /// Whether the record calls the number of this slot a fax or a pager.
    #[inline]
    pub(super) fn is_fax(&self, slot: usize, sight: &Sight<'_>) -> bool {
        !self.labels.is_empty() && self.is_called_fax(slot, sight)
    }

    fn is_called_fax(&self, slot: usize, sight: &Sight<'_>) -> bool {
        let Some(Some(label)) = self.labels.get(slot) else { return false };
        match sight.read(label) {
            Ok(Cell::Text(text)) => {
                let text = text.to_lowercase();
                TYPES.iter().any(|name| text.contains(name))
            }
            _ => false,
        }
    }

    /// Lists what is left out.
    pub(super) fn list_faxes(&self, line: u64, sight: &Sight<'_>, draft: &mut Draft<'_>) {
        let RuleSource::Slots(slots) = &self.source else { return };
        if self.labels.is_empty() {
            return;
        }
        for (at, slot) in slots.iter().enumerate().take(self.labels.len()) {
            if !self.is_fax(at, sight) {
                continue;
            }
            let values = match sight.read(slot) {
                Ok(Cell::Text(text)) => vec![text],
                Ok(Cell::List(items)) => items,
                Ok(Cell::Absent | Cell::Blank) | Err(_) => Vec::new(),
            };
            draft.marks.left_blank.extend(values.into_iter().map(|value| LeftBlank {
                line,
                column: Some(slot.name.to_string()),
                code: "phone.fax".into(),
                value: value.into_owned(),
            }));
        }
    }
}
