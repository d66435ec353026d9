//! Where one JSON value ends, over any number of pieces.

use memchr::memchr3;

/// Follows brackets and strings through a value. It knows nothing else of JSON.
///
/// What is malformed still ends somewhere: a string ends with its line (JSON has no line ends in strings), the brackets
/// in such a string count, and a closing bracket closes what was opened within.
#[derive(Clone, Debug, Default)]
pub(super) struct Scan {
    open: Vec<u8>,
    string: bool,
    escaped: bool,
    /// Where the latest string began, in the bytes of the latest call.
    string_from: usize,
    /// Whether a list that is in no other has just begun.
    list_begins: bool,
    /// Whether such a list of objects was passed over ([`Scan::feed_to_close`]).
    has_list: bool,
}

impl Scan {
    /// A scan that stands within `depth` objects.
    pub fn within_objects(depth: usize) -> Scan {
        Scan { open: vec![b'{'; depth], ..Scan::default() }
    }

    /// Whether every bracket is closed.
    pub fn is_closed(&self) -> bool {
        self.open.is_empty() && !self.string
    }

    /// Looks at `data` from offset `from` on. Gives the offset of the `,` or the `closer` that ends the value, when it
    /// is among them; or of the line end that does, where a string is not closed.
    pub fn feed(&mut self, data: &[u8], from: usize, closer: u8) -> Option<usize> {
        let mut at = from;
        while let Some(&byte) = data.get(at) {
            if self.escaped {
                self.escaped = false;
            } else if self.string {
                at += memchr3(b'"', b'\\', b'\n', data.get(at..)?)?;
                let found = data.get(at).copied();
                self.in_string(found);
                if found == Some(b'\n') && self.recover(data.get(self.string_from..at).unwrap_or_default()) {
                    return Some(at);
                }
            } else if self.open.is_empty() && (byte == b',' || byte == closer) {
                return Some(at);
            } else {
                self.outside(byte);
                if self.string {
                    self.string_from = at + 1;
                }
            }
            at += 1;
        }
        None
    }

    /// Looks at the next piece of a value that is not kept.
    pub fn feed_piece(&mut self, piece: &[u8], closer: u8) -> Option<usize> {
        self.string_from = 0;
        self.feed(piece, 0, closer)
    }

    /// Counts the brackets in a string that was not closed; whether the value ended with it, a comma behind it.
    fn recover(&mut self, string: &[u8]) -> bool {
        for &byte in string.iter().filter(|byte| matches!(byte, b'{' | b'}' | b'[' | b']')) {
            self.outside(byte);
        }
        self.open.is_empty() && string.trim_ascii_end().ends_with(b",")
    }

    /// Looks at more bytes until every bracket is closed; gives the offset behind the last one.
    pub fn feed_to_close(&mut self, bytes: &[u8]) -> Option<usize> {
        for (at, &byte) in bytes.iter().enumerate() {
            if self.is_closed() {
                return Some(at);
            }
            if self.escaped {
                self.escaped = false;
            } else if self.string {
                self.in_string(Some(byte));
            } else {
                if self.list_begins && !byte.is_ascii_whitespace() {
                    self.has_list |= byte == b'{';
                    self.list_begins = false;
                }
                self.list_begins |= byte == b'[' && !self.open.contains(&b'[');
                self.outside(byte);
            }
        }
        self.is_closed().then_some(bytes.len())
    }

    /// Whether a list of objects, in no other list, was passed over on the way to the close.
    pub fn has_list(&self) -> bool {
        self.has_list
    }

    fn in_string(&mut self, byte: Option<u8>) {
        match byte {
            Some(b'\\') => self.escaped = true,
            Some(b'"' | b'\n') => self.string = false,
            _ => {}
        }
    }

    fn outside(&mut self, byte: u8) {
        match byte {
            b'"' => self.string = true,
            b'{' | b'[' => self.open.push(byte),
            b'}' => self.close(b'{'),
            b']' => self.close(b'['),
            _ => {}
        }
    }

    /// Closes the nearest `opener` and what was opened within it; a closer of nothing is passed over.
    fn close(&mut self, opener: u8) {
        if let Some(at) = self.open.iter().rposition(|&open| open == opener) {
            self.open.truncate(at);
        }
    }
}
