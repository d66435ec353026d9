//! Objects written as JSON, member by member, without a value that is built first. That no key occurs twice is the
//! caller's business.

use super::write_text;
use serde::Serialize;

/// Writes an object, and those in it, into a buffer.
pub struct ObjectWriter<'a> {
    out: &'a mut Vec<u8>,
    needs_comma: bool,
}

impl<'a> ObjectWriter<'a> {
    /// Begins an object.
    pub fn begin(out: &'a mut Vec<u8>) -> ObjectWriter<'a> {
        out.push(b'{');
        ObjectWriter { out, needs_comma: false }
    }

    /// Begins an object in this one, as the value of the last key.
    pub fn open(&mut self) {
        self.out.push(b'{');
        self.needs_comma = false;
    }

    /// Ends the innermost object.
    pub fn end(&mut self) {
        self.out.push(b'}');
        self.needs_comma = true;
    }

    /// The next key; its value comes next.
    pub fn key(&mut self, key: &str) {
        if self.needs_comma {
            self.out.push(b',');
        }
        write_text(key, self.out);
        self.out.push(b':');
        self.needs_comma = true;
    }

    /// A text.
    pub fn text(&mut self, key: &str, text: &str) {
        self.key(key);
        write_text(text, self.out);
    }

    /// A text, or null.
    pub fn text_or_null(&mut self, key: &str, text: Option<&str>) {
        match text {
            Some(text) => self.text(key, text),
            None => {
                self.key(key);
                self.out.extend_from_slice(b"null");
            }
        }
    }

    /// Whether the innermost object has a member so far.
    pub fn has_members(&self) -> bool {
        self.needs_comma
    }

    /// Several texts.
    pub fn texts<'v>(&mut self, texts: impl Iterator<Item = (&'v str, &'v str)>) {
        texts.for_each(|(key, text)| self.text(key, text));
    }

    /// A list of texts.
    pub fn list<'v>(&mut self, key: &str, items: impl Iterator<Item = &'v str>) {
        self.key(key);
        self.out.push(b'[');
        for (index, item) in items.enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            write_text(item, self.out);
        }
        self.out.push(b']');
    }

    /// The value of the last key.
    pub fn value<T: Serialize + ?Sized>(&mut self, value: &T) {
        // Texts, lists of texts and JSON values always serialize, and a buffer takes everything.
        let _ = serde_json::to_writer(&mut *self.out, value);
    }
}
