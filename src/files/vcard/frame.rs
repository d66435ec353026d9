//! Where a card ends: at its `END:VCARD`, at the next `BEGIN:VCARD` if it has none, or at the end of the file. Pure.

/// What some bytes begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framed {
    /// A card of this length, with the line end behind it.
    Card { len: usize, next: usize },
    /// A card without its end.
    Open { next: usize },
    /// Lines that belong to no card, up to the next one.
    Outside { next: usize },
    /// More bytes are needed to decide.
    More,
}

/// A line of `data` that begins at `at`: its bytes without the line end, and where the next one begins. `None` if its
/// end is not in view.
pub(super) fn line_at(data: &[u8], at: usize, whole: bool) -> Option<(&[u8], usize)> {
    let rest = data.get(at..)?;
    let Some(len) = memchr::memchr2(b'\n', b'\r', rest) else {
        return (whole && !rest.is_empty()).then_some((rest, data.len()));
    };
    let next = match (rest.get(len), rest.get(len + 1)) {
        (Some(b'\r'), Some(b'\n')) => len + 2,
        (Some(b'\r'), None) if !whole => return None,
        _ => len + 1,
    };
    Some((rest.get(..len)?, at + next))
}

/// Follows the lines of a card that is longer than what is in view.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scan {
    /// The next line that was not looked at.
    at: usize,
    /// Cards that have begun and not ended.
    depth: u32,
    /// Whether the line before says that a card follows as its value.
    agent: bool,
    /// Whether anything but the first line was looked at.
    has_begun: bool,
}

impl Scan {
    /// Looks at the lines that were not looked at yet; `whole`: nothing comes after `data`, which begins with a line that
    /// is not blank.
    pub fn feed(&mut self, data: &[u8], whole: bool) -> Framed {
        while let Some((line, next)) = line_at(data, self.at, whole) {
            if let Some(framed) = self.line(line, next) {
                return framed;
            }
            self.at = next;
        }
        match (whole, self.depth) {
            (false, _) => Framed::More,
            (true, 0) => Framed::Outside { next: data.len() },
            (true, _) => Framed::Open { next: data.len() },
        }
    }

    fn line(&mut self, line: &[u8], next: usize) -> Option<Framed> {
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        if is_continued(line) && !is_first {
            return None;
        }
        let agent = std::mem::replace(&mut self.agent, is_agent(line));
        if is_begin(line) || self.agent && is_begin(value_of(line)) {
            match (self.depth, agent || self.agent) {
                (0, _) if is_first => self.depth = 1,
                (0, _) => return Some(Framed::Outside { next: self.at }),
                (_, true) => self.depth += 1,
                (_, false) => return Some(Framed::Open { next: self.at }),
            }
            self.agent = false;
            return None;
        }
        if self.depth > 0 && is_marker(line, b"END") {
            self.depth -= 1;
            if self.depth == 0 {
                return Some(Framed::Card { len: self.at + line.len(), next });
            }
        }
        None
    }
}

/// Whether a line continues the one before.
pub(super) fn is_continued(line: &[u8]) -> bool {
    matches!(line.first(), Some(b' ' | b'\t'))
}

/// Whether a card begins with this line.
pub(super) fn is_begin(line: &[u8]) -> bool {
    is_marker(line, b"BEGIN")
}

/// Whether a line ends a card.
pub(super) fn is_end(line: &[u8]) -> bool {
    is_marker(line, b"END")
}

/// `BEGIN:VCARD` or `END:VCARD`, whatever the case, with blanks or a byte-order mark around.
fn is_marker(line: &[u8], word: &[u8]) -> bool {
    let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
    let Some(colon) = line.iter().take(16).position(|byte| *byte == b':') else { return false };
    let (name, value) = (line.get(..colon).unwrap_or_default(), line.get(colon + 1..).unwrap_or_default());
    name.trim_ascii().eq_ignore_ascii_case(word) && value.trim_ascii().eq_ignore_ascii_case(b"VCARD")
}

/// Whether a line's value is a card, which follows it.
fn is_agent(line: &[u8]) -> bool {
    let name = line.split(|byte| matches!(byte, b':' | b';')).next().unwrap_or_default();
    let value = value_of(line).trim_ascii();
    name.eq_ignore_ascii_case(b"AGENT") && (value.is_empty() || is_begin(value))
}

fn value_of(line: &[u8]) -> &[u8] {
    let colon = memchr::memchr(b':', line).map_or(line.len(), |colon| colon + 1);
    line.get(colon..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_are_framed() {
        let card = |len, next| Framed::Card { len, next };
        let cases: [(&str, Framed); 14] = [
            ("BEGIN:VCARD\nFN:A\nEND:VCARD\nBEGIN:VCARD\n", card(26, 27)),
            ("begin:vcard\r\nFN:A\r\nend : vCard \r\n", card(31, 33)),
            ("BEGIN:VCARD\rFN:A\rEND:VCARD\r", card(26, 27)),
            ("BEGIN:VCARD\nFN:A\nEND:VCARD", card(26, 26)),
            ("\u{feff}BEGIN:VCARD\nEND:VCARD\n", card(24, 25)),
            ("BEGIN:VCARD\nFN:A\nBEGIN:VCARD\nFN:B\nEND:VCARD\n", Framed::Open { next: 17 }),
            ("BEGIN:VCARD\nFN:A\n", Framed::Open { next: 17 }),
            ("BEGIN:VCARD\nAGENT:\nBEGIN:VCARD\nEND:VCARD\nEND:VCARD\n", card(50, 51)),
            ("BEGIN:VCARD\nAGENT:BEGIN:VCARD\nEND:VCARD\nEND:VCARD\n", card(49, 50)),
            ("BEGIN:VCARD\nNOTE:a\n END:VCARD\nEND:VCARD\n", card(39, 40)),
            ("FN:A\nEND:VCARD\nBEGIN:VCARD\n", Framed::Outside { next: 15 }),
            (" BEGIN:VCARD\nEND:VCARD\n", card(22, 23)),
            ("hello", Framed::Outside { next: 5 }),
            ("\u{feff}", Framed::Outside { next: 3 }),
        ];
        for (text, expected) in cases {
            let framed = Scan::default().feed(text.as_bytes(), true);
            assert_eq!(framed, expected, "{text:?}");
            // The same, byte by byte.
            let mut scan = Scan::default();
            let fed = (1..=text.len()).map(|len| scan.feed(&text.as_bytes()[..len], len == text.len()));
            let found = fed.into_iter().find(|framed| *framed != Framed::More);
            assert_eq!(found, Some(expected), "{text:?} byte by byte");
        }
    }
}
