//! The texts of a contact, one behind the other in one piece of memory, because contacts are made, copied and freed by the
//! million. It knows no field, only places.

/// Room for the texts of most contacts, in bytes.
const LEN: usize = 64;

/// A text for each place; one that is not there is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Texts<const PLACES: usize> {
    all: String,
    /// Where the text of each place ends; it begins where the one before it ends.
    ends: [usize; PLACES],
}

impl<const PLACES: usize> Default for Texts<PLACES> {
    fn default() -> Self {
        Texts { all: String::new(), ends: [0; PLACES] }
    }
}

impl<const PLACES: usize> Texts<PLACES> {
    /// The text of a place; none where it is not there.
    pub(super) fn get(&self, place: usize) -> Option<&str> {
        let (start, end) = self.span(place)?;
        self.all.get(start..end).filter(|text| !text.is_empty())
    }

    /// Sets the text of a place; an empty one removes it. A place that does not exist holds nothing.
    pub(super) fn set(&mut self, place: usize, text: &str) {
        let Some((start, end)) = self.span(place) else { return };
        if self.all.capacity() == 0 && !text.is_empty() {
            self.all.reserve(text.len().max(LEN));
        }
        if start == self.all.len() {
            self.all.push_str(text);
        } else {
            self.all.replace_range(start..end, text);
        }
        self.ends.iter_mut().skip(place).for_each(|known| *known = *known - (end - start) + text.len());
    }

    fn span(&self, place: usize) -> Option<(usize, usize)> {
        let end = *self.ends.get(place)?;
        let start = place.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or_default();
        Some((start, end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PLACES: usize = 18;

    proptest! {
        #[test]
        fn texts_are_those_that_were_set_last(
            steps in proptest::collection::vec((0..PLACES + 1, "[aé👍]{0,12}"), 0..60),
        ) {
            let mut texts = Texts::<PLACES>::default();
            let mut model: [String; PLACES] = Default::default();
            for (place, text) in &steps {
                texts.set(*place, text);
                if let Some(known) = model.get_mut(*place) {
                    known.clone_from(text);
                }
            }
            for (place, text) in model.iter().enumerate() {
                prop_assert_eq!(texts.get(place).unwrap_or_default(), text);
            }
            prop_assert_eq!(texts.get(PLACES), None);
            let mut again = Texts::<PLACES>::default();
            model.iter().enumerate().rev().for_each(|(place, text)| again.set(place, text));
            prop_assert_eq!(again, texts);
        }
    }
}
