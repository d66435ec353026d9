//! The digits of a number that holds more than digits and separators: letters of a keypad (`1-800-FLOWERS`), the `x` of a
//! carrier that the caller chooses (`0xx11 98765-4321`), `*` and `~`.
//!
//! It knows no numbering plan, and what cannot be one whole number has been refused by `clean`. A test compares it with the
//! numbering library.

use super::clean::digit;

/// With fewer letters than this they are marks, and no part of the number.
const LETTERS_MIN: usize = 3;
/// More digits than this after an `x` or a `~` are no extension.
const EXTENSION_LEN_MAX: usize = 9;
/// What a number can have before an extension.
const BEFORE_LEN_MIN: usize = 2;
/// What ends a number in RFC 3966 and says more about it.
const PARAMETERS: [&str; 2] = [";phone-context=", ";isub="];
/// Each letter's digit (ITU-T E.161), `A` first.
const KEYS: &[u8; 26] = b"22233344455566677778889999";

/// The digits. `None` when other characters are among them, or the last of them are an extension.
pub(super) fn digits(text: &str) -> Option<String> {
    let end = PARAMETERS.iter().filter_map(|name| text.find(name)).min().unwrap_or(text.len());
    let text = text.get(..end)?;
    let text = text.get(text.find(|c| is_plus(c) || digit(c).is_some())?..)?;
    let has_plus = text.starts_with(is_plus);
    let text = text.trim_start_matches(is_plus).trim_end_matches(|c: char| !c.is_alphanumeric());
    if !text.chars().all(can_be_within) || has_extension(text, has_plus) {
        return None;
    }
    let are_keys = text.chars().filter(char::is_ascii_alphabetic).take(LETTERS_MIN).count() == LETTERS_MIN;
    let of = |c: char| digit(c).or_else(|| key(c).filter(|_| are_keys)).map(char::from);
    Some(text.chars().filter_map(of).collect())
}

fn is_plus(c: char) -> bool {
    matches!(c, '+' | '\u{FF0B}')
}

/// The digit of a letter.
fn key(c: char) -> Option<u8> {
    let place = u32::from(c.to_ascii_uppercase()).checked_sub(u32::from('A'))?;
    KEYS.get(usize::try_from(place).ok()?).copied()
}

/// Whether the numbering library takes this for a part of a number.
fn can_be_within(c: char) -> bool {
    c.is_ascii_alphabetic()
        || digit(c).is_some()
        || matches!(c, '-' | ' ' | '(' | ')' | '.' | '[' | ']' | '/' | '~' | '*')
        || matches!(c, '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{30FC}' | '\u{FF0D}'..='\u{FF0F}' | '\u{A0}' | '\u{AD}')
        || matches!(c, '\u{200B}' | '\u{2060}' | '\u{3000}' | '\u{FF08}' | '\u{FF09}' | '\u{FF3B}' | '\u{FF3D}')
        || matches!(c, '\u{2053}' | '\u{223C}')
}

/// Whether a number and its extension stand here: `021 x1234567`. Two digits alone are a number too, but not behind a plus.
fn has_extension(text: &str, has_plus: bool) -> bool {
    let Some((before, after)) = text.rsplit_once(['x', 'X', '~']) else { return false };
    let after = after.strip_prefix([':', '.', '\u{FF0E}']).unwrap_or(after);
    let after = after.trim_start_matches([' ', '\u{A0}', '-']);
    let len = after.chars().count();
    let is_extension = (1..=EXTENSION_LEN_MAX).contains(&len) && after.chars().all(|c| digit(c).is_some());
    let before = before.trim_end_matches([' ', '\u{A0}']);
    let digits = before.chars().filter(|c| digit(*c).is_some()).count();
    let is_number =
        digits > BEFORE_LEN_MIN || (digits == BEFORE_LEN_MIN && !has_plus && before.chars().count() == digits);
    is_extension && is_number
}
