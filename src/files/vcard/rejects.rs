//! A rejected card: as it was, with lines of Ferry's own before its end, which say why.

use super::frame::{is_end, line_at};
use super::text::{escaped, fold};

/// What is said about a card: the name of the line behind `X-FERRY-`, and its text. A blank text is left out.
pub(crate) type Said<'a> = [(&'a str, &'a str)];

/// The card `raw` with what is said about it; its lines end with `line_end`.
pub(crate) fn card_with(raw: &[u8], said: &Said<'_>, line_end: &str) -> Vec<u8> {
    let mut lines = String::new();
    for (name, text) in said.iter().filter(|(_, text)| !text.is_empty()) {
        fold(&format!("X-FERRY-{name}:{}", escaped(text)), line_end, &mut lines);
    }
    let (before, end) = raw.split_at_checked(end_of(raw)).unwrap_or((raw, b""));
    let mut out = Vec::with_capacity(raw.len() + lines.len() + 2 * line_end.len());
    out.extend_from_slice(before);
    if !before.is_empty() && !before.ends_with(b"\n") && !before.ends_with(b"\r") {
        out.extend_from_slice(line_end.as_bytes());
    }
    out.extend_from_slice(lines.as_bytes());
    if !end.is_empty() {
        out.extend_from_slice(end);
        out.extend_from_slice(line_end.as_bytes());
    }
    out
}

/// Where the line `END:VCARD` begins, if it is the last one; else the end.
fn end_of(raw: &[u8]) -> usize {
    let (mut at, mut last) = (0, raw.len());
    while let Some((line, next)) = line_at(raw, at, true) {
        last = if is_end(line) { at } else { raw.len() };
        at = next;
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_stands_before_the_end() {
        let said = [("LINE", "3"), ("CODE", "phone.invalid"), ("HINT", ""), ("MESSAGE", "`1;2` is no phone")];
        for (raw, expected) in [
            (
                "BEGIN:VCARD\r\nTEL:1\r\nEND:VCARD",
                "BEGIN:VCARD\r\nTEL:1\r\nX-FERRY-LINE:3\r\nX-FERRY-CODE:phone.invalid\r\n\
                 X-FERRY-MESSAGE:`1\\;2` is no phone\r\nEND:VCARD\r\n",
            ),
            (
                "BEGIN:VCARD\r\nTEL:1",
                "BEGIN:VCARD\r\nTEL:1\r\nX-FERRY-LINE:3\r\nX-FERRY-CODE:phone.invalid\r\n\
                 X-FERRY-MESSAGE:`1\\;2` is no phone\r\n",
            ),
        ] {
            let card = card_with(raw.as_bytes(), &said, "\r\n");
            assert_eq!(String::from_utf8_lossy(&card), expected);
        }
    }
}
