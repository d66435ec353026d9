//! Text as cells hold it: blanks, Unicode forms, and what spreadsheets leave behind. Pure.

use std::borrow::Cow;

pub(super) use crate::contact::nfc;

/// What spreadsheets write where a formula failed.
const ERROR_CELLS: [&str; 18] = [
    "#N/A",
    "#REF!",
    "#VALUE!",
    "#DIV/0!",
    "#NAME?",
    "#NUM!",
    "#NULL!",
    "#ERROR!",
    "#SPILL!",
    "#CALC!",
    "#FIELD!",
    "#BLOCKED!",
    "#CONNECT!",
    "#UNKNOWN!",
    "#BUSY!",
    "#PYTHON!",
    "#GETTING_DATA",
    "Loading...",
];

/// Without the blanks at both ends: white space of any script, byte-order marks, zero-width spaces.
#[inline]
pub(super) fn trim(text: &str) -> &str {
    let bytes = text.as_bytes();
    let begins_bare = matches!(bytes.first(), Some(b'!'..=b'~' | 0xC3..=0xDF));
    let ends_bare = match bytes {
        [.., b'!'..=b'~'] => true,
        // Of the characters of two bytes, those that begin so are no blanks.
        [.., 0xC3..=0xDF, 0x80..=0xBF] => true,
        _ => false,
    };
    let is_bare = begins_bare && ends_bare;
    if is_bare { text } else { trim_any(text) }
}

fn trim_any(text: &str) -> &str {
    // Most blanks are of ASCII.
    let text = text.trim_ascii();
    match text.as_bytes() {
        [] | [b'!'..=b'~'] | [b'!'..=b'~', .., b'!'..=b'~'] => text,
        _ => text.trim_matches(is_space),
    }
}

fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}')
}

/// Whether a trimmed cell is the trace of a formula that failed.
#[inline]
pub(super) fn is_error_cell(text: &str) -> bool {
    matches!(text.as_bytes().first(), Some(b'#' | b'L')) && ERROR_CELLS.contains(&text)
}

/// How two names are compared when they do not agree to the letter: without case, blanks around them, byte-order marks.
pub(super) fn loose(name: &str) -> String {
    nfc(Cow::Borrowed(trim(name))).to_lowercase()
}

/// Each word with a capital, the rest small; words are parted by blanks and hyphens.
pub(super) fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut begins = true;
    for c in text.chars() {
        if begins {
            out.extend(c.to_uppercase())
        } else {
            out.extend(c.to_lowercase())
        }
        begins = c.is_whitespace() || c == '-';
    }
    out
}

/// At most `len_max` characters of a value, for messages.
pub(super) fn shown(text: &str) -> Cow<'_, str> {
    /// Enough to recognise a cell by.
    const SHOWN_LEN_MAX: usize = 60;
    match text.char_indices().nth(SHOWN_LEN_MAX) {
        None => Cow::Borrowed(text),
        Some((cut, _)) => Cow::Owned(format!("{}…", text.get(..cut).unwrap_or_default())),
    }
}

/// `a`, `b` or `c`.
pub(super) fn one_of(words: &[String]) -> String {
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => words.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_of_every_kind_are_trimmed() {
        assert_eq!(trim("\u{feff}\u{a0} Ana María\u{200b}\t"), "Ana María");
        assert_eq!(trim("Ana\u{a0}"), "Ana");
        assert_eq!(trim(" \u{3000} "), "");
    }

    #[test]
    fn text_is_brought_into_nfc() {
        assert_eq!(nfc("Jose\u{301}".into()), "José");
        assert_eq!(nfc("Їжакевич 👍".into()), "Їжакевич 👍");
        assert_eq!(nfc("И\u{306}".into()), "Й");
    }

    #[test]
    fn titles_begin_each_word() {
        assert_eq!(title("ANA-maría DE la cruz"), "Ana-María De La Cruz");
    }
}
