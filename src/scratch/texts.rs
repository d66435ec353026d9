//! Ids, each with the JSON of what has it, in one buffer: a page of contacts on its way into a spool.

use std::ops::Range;

/// Ids and JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    text: String,
    /// Where each id ends, and the JSON behind it.
    ends: Vec<(usize, usize)>,
}

impl Texts {
    /// Adds one.
    pub fn push(&mut self, id: &str, json: &str) {
        self.text.push_str(id);
        let id_end = self.text.len();
        self.text.push_str(json);
        self.ends.push((id_end, self.text.len()));
    }

    /// The ids and the JSON, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut begin = 0;
        self.ends.iter().map(move |(id_end, end)| {
            let (id, json) = (begin..*id_end, *id_end..*end);
            begin = *end;
            (self.part(id), self.part(json))
        })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// The JSON of each, and a line end behind it.
    pub fn lines(&self) -> Vec<u8> {
        let mut lines = Vec::with_capacity(self.size());
        for (_, json) in self.iter() {
            lines.extend_from_slice(json.as_bytes());
            lines.push(b'\n');
        }
        lines
    }

    /// All of them, in parts of at most so many bytes, or one where that has more.
    pub fn parts(self, bytes_max: usize) -> Vec<Texts> {
        if self.size() <= bytes_max {
            return vec![self];
        }
        let mut parts = vec![Texts::default()];
        for (id, json) in self.iter() {
            let size = id.len() + json.len() + 1;
            let has_room = |part: &&mut Texts| part.is_empty() || part.size() + size <= bytes_max;
            match parts.last_mut().filter(has_room) {
                Some(part) => part.push(id, json),
                None => parts.push(Texts::from_iter([(id, json)])),
            }
        }
        parts
    }

    /// How many bytes they have, with an end of line for each.
    pub fn size(&self) -> usize {
        self.text.len() + self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    fn part(&self, part: Range<usize>) -> &str {
        self.text.get(part).unwrap_or_default()
    }
}

impl<I: AsRef<str>, J: AsRef<str>> FromIterator<(I, J)> for Texts {
    fn from_iter<T: IntoIterator<Item = (I, J)>>(all: T) -> Texts {
        let mut texts = Texts::default();
        all.into_iter().for_each(|(id, json)| texts.push(id.as_ref(), json.as_ref()));
        texts
    }
}

/// The same while it is filled: JSON is written as bytes, which are known to be text at the end.
#[derive(Debug, Default)]
pub struct TextsWriter {
    bytes: Vec<u8>,
    ends: Vec<(usize, usize)>,
}

impl TextsWriter {
    /// Adds one, whose JSON `write` puts at the end of the bytes.
    pub fn add(&mut self, id: &str, write: impl FnOnce(&mut Vec<u8>)) {
        self.bytes.extend_from_slice(id.as_bytes());
        let id_end = self.bytes.len();
        write(&mut self.bytes);
        self.ends.push((id_end, self.bytes.len()));
    }

    /// All of them; `None` where what was written is no text.
    pub fn end(self) -> Option<Texts> {
        Some(Texts { text: String::from_utf8(self.bytes).ok()?, ends: self.ends })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_as_large_as_is_allowed_and_hold_all_in_order() {
        let texts: Texts = (0..100).map(|no| (no.to_string(), "x".repeat(if no == 50 { 500 } else { 40 }))).collect();
        assert_eq!(texts.clone().parts(10_000), std::slice::from_ref(&texts));
        let parts = texts.clone().parts(200);
        let large = |part: &&Texts| part.size() > 200;
        assert_eq!(parts.iter().filter(large).map(Texts::len).collect::<Vec<_>>(), [1]);
        assert!(parts.iter().filter(|part| part.len() == 4).count() > 20, "they are filled");
        assert_eq!(parts.iter().flat_map(Texts::iter).collect::<Texts>(), texts);
    }
}
