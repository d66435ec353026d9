//! Text in Unicode NFC, which is how a contact has it. Nearly every text is in it already, and is not copied.

use crate::octets::{EACH, HIGH_BITS, all_of, has_any};
use std::borrow::Cow;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// The text in Unicode NFC.
#[inline]
pub fn nfc(text: Cow<'_, str>) -> Cow<'_, str> {
    if has_any(text.as_bytes(), of_other_letters) { composed(text) } else { text }
}

#[cold]
fn composed(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.chars().all(is_plainly_nfc) || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        return text;
    }
    Cow::Owned(text.nfc().collect())
}

/// Marks the bytes of a word that begin other letters than U+0 to U+2FF and U+400 to U+47F: all from 0xCC on but 0xD0 and 0xD1.
/// A text without them is in NFC.
#[inline]
pub fn of_other_letters(word: u64) -> u64 {
    let high = word & HIGH_BITS;
    if high == 0 {
        return 0;
    }
    let from_0xcc = ((word & !HIGH_BITS) + EACH * (0x80 - 0x4C)) & high;
    from_0xcc & !all_of(word, 0xD0) & !all_of(word, 0xD1)
}

/// Letters that no normalisation changes: Latin without marks of its own, Cyrillic, common punctuation, pictures.
fn is_plainly_nfc(c: char) -> bool {
    matches!(c, '\0'..='\u{2ff}' | '\u{400}'..='\u{482}' | '\u{2010}'..='\u{205e}' | '\u{1f000}'..='\u{1faff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_is_brought_into_nfc() {
        for c in (0..0x3000).chain(0x1_F000..0x1_FB00).filter_map(char::from_u32).chain("가각힣".chars()) {
            for text in
                [format!("{c}"), format!("ana {c}"), format!("Latacunga {c} e"), format!("e{c}"), format!("И{c}стра")]
            {
                assert_eq!(nfc(Cow::Borrowed(&text)), text.nfc().collect::<String>(), "{c:?}");
            }
        }
    }
}
