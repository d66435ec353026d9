//! The lines of a card: unfolded, soft line breaks joined, lines of Ferry's own and of a nested card left out. Pure.

use super::frame::{is_begin, is_continued, is_end, line_at};
use super::property::Head;

/// How the lines begin that a rejects file adds to a card.
const FERRY: &[u8] = b"X-FERRY-";

/// The properties of a card; more make no contact.
pub(super) const PROPERTIES_MAX: usize = 10_000;

/// One property as it stands in the card, on one line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    /// Its line in the card, from 0.
    pub line: u64,
    /// Name and parameters, and where the value begins.
    pub head: Head,
    /// The value. Of media it is not kept.
    pub value: Vec<u8>,
    /// How long the value is as it stands.
    pub len: u64,
}

/// Whether this line was added by a rejects file.
pub(crate) fn is_ferry_line(line: &[u8]) -> bool {
    line.get(..FERRY.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(FERRY))
}

/// The bytes of a card without the lines that a rejects file adds.
pub(crate) fn ferry_lines_removed(card: &[u8]) -> Vec<u8> {
    let (mut kept, mut at, mut is_ferry) = (Vec::with_capacity(card.len()), 0, false);
    while let Some((line, next)) = line_at(card, at, true) {
        is_ferry = is_ferry_line(line) || is_ferry && is_continued(line);
        if !is_ferry {
            kept.extend_from_slice(card.get(at..next).unwrap_or_default());
        }
        at = next;
    }
    kept
}

/// What a card holds besides its properties.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lines {
    pub all: Vec<Line>,
    /// Cards that are values of others: a secretary, an agent.
    pub nested: u64,
    /// A line that is none, where there is one: before the first property.
    pub too_many: bool,
}

/// The lines of a card.
pub(super) fn lines_of(card: &[u8]) -> Lines {
    let mut lines = Lines::default();
    let (mut at, mut number, mut depth, mut is_open, mut is_ferry) = (0, 0, 0u32, false, false);
    while let Some((raw, next)) = line_at(card, at, true) {
        (at, number) = (next, number + 1);
        let is_outer = depth == 1;
        let is_joined = is_open && is_outer && lines.all.last().is_some_and(|last| last.goes_on_with(raw));
        is_ferry = is_ferry && is_continued(raw) || !is_joined && is_ferry_line(raw);
        if is_ferry {
            continue;
        }
        if is_joined {
            lines.join(raw);
        } else if is_begin(raw) || is_outer && is_nested_begin(raw) {
            depth += 1;
            lines.nested += u64::from(depth > 1);
            is_open = false;
        } else if is_end(raw) {
            depth = depth.saturating_sub(1);
            is_open = false;
        } else if is_outer {
            is_open = lines.add(raw, number - 1) || is_open;
        }
    }
    lines
}

/// `AGENT:BEGIN:VCARD`.
fn is_nested_begin(raw: &[u8]) -> bool {
    memchr::memchr(b':', raw).is_some_and(|colon| is_begin(raw.get(colon + 1..).unwrap_or_default()))
}

impl Lines {
    /// Adds a line; false where it is no property.
    fn add(&mut self, raw: &[u8], line: u64) -> bool {
        if raw.trim_ascii().is_empty() || raw.first() == Some(&b'#') {
            return false;
        }
        if self.all.len() >= PROPERTIES_MAX {
            self.too_many = true;
            return false;
        }
        let Some((head, value)) = Head::of(raw) else {
            // A line without a name: some programs break a text without folding it.
            if let Some(last) = self.all.last_mut() {
                last.push(if last.head.is_media() { b"" } else { b"\n" });
                last.push(raw);
            }
            return false;
        };
        let mut property = Line { line, head, value: Vec::new(), len: 0 };
        property.push(value);
        self.all.push(property);
        true
    }

    /// Adds the continuation of the last line.
    fn join(&mut self, raw: &[u8]) {
        let Some(last) = self.all.last_mut() else { return };
        match soft_break(&last.value).filter(|_| last.head.is_quoted_printable()).map(<[u8]>::len) {
            Some(len) => {
                last.value.truncate(len);
                last.push(raw);
            }
            None => last.push(raw.get(1..).unwrap_or_default()),
        }
    }
}

impl Line {
    fn push(&mut self, piece: &[u8]) {
        self.len += piece.len() as u64;
        if !self.head.is_media() {
            self.value.extend_from_slice(piece);
        }
    }

    /// Whether the next line belongs to this one.
    fn goes_on_with(&self, next: &[u8]) -> bool {
        let has_soft_break = self.head.is_quoted_printable() && soft_break(&self.value).is_some();
        has_soft_break && !is_end(next) && !is_begin(next) || is_continued(next)
    }
}

/// A value without the soft line break at its end, where it has one.
fn soft_break(value: &[u8]) -> Option<&[u8]> {
    value.trim_ascii_end().strip_suffix(b"=")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(card: &str) -> Vec<String> {
        let lines = lines_of(format!("BEGIN:VCARD\r\n{card}\r\nEND:VCARD").as_bytes());
        let text = |line: &Line| format!("{}@{}={}", line.head.name, line.line, String::from_utf8_lossy(&line.value));
        lines.all.iter().map(text).collect()
    }

    #[test]
    fn lines_are_unfolded() {
        for (card, expected) in [
            ("NOTE:one \r\n  two\r\n\tthree", &["NOTE@1=one  twothree"] as &[&str]),
            ("NOTE;ENCODING=QUOTED-PRINTABLE:a=\r\n=20b\r\nFN:c", &["NOTE@1=a=20b", "FN@3=c"]),
            ("NOTE;QUOTED-PRINTABLE:a= \r\nb:c=\r\nd", &["NOTE@1=ab:cd"]),
            ("NOTE;ENCODING=QUOTED-PRINTABLE:a=", &["NOTE@1=a="]),
            ("FN:a=\r\nORG:b", &["FN@1=a=", "ORG@2=b"]),
            ("NOTE:a\r\nand b\r\n# no\r\nORG:c", &["NOTE@1=a\nand b", "ORG@4=c"]),
            ("PHOTO;ENCODING=b:AAAA\r\n BBBB\r\n\r\nFN:a", &["PHOTO@1=", "FN@4=a"]),
            ("AGENT:\r\nBEGIN:VCARD\r\nFN:b\r\nEND:VCARD\r\nFN:a", &["AGENT@1=", "FN@5=a"]),
            ("FN:a\r\nX-FERRY-HINT:x\r\n y\r\nORG:b", &["FN@1=a", "ORG@4=b"]),
            ("", &[]),
        ] {
            assert_eq!(texts(card), expected, "{card}");
        }
    }

    #[test]
    fn the_lines_of_a_rejects_file_are_taken_off() {
        let card = b"BEGIN:VCARD\r\nFN:a\r\nX-FERRY-CODE:x\r\n y\r\nEND:VCARD\r\n";
        assert_eq!(ferry_lines_removed(card), b"BEGIN:VCARD\r\nFN:a\r\nEND:VCARD\r\n");
    }
}
