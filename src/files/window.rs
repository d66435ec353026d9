//! A sliding view of a stream, for framing records. It grows only as far as its caller asks for.
//!
//! An error is kept until all bytes before it were read, so that no complete record is lost to a cut file.

use std::io::{self, Read};

/// The size of the view at the beginning.
const WINDOW_LEN: usize = 256 << 10;

/// A sliding view of a stream.
pub(super) struct Window {
    reader: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    from: usize,
    to: usize,
    ended: bool,
    fault: Option<io::Error>,
}

impl Window {
    /// A view of what `reader` gives; nothing is read yet.
    pub fn new(reader: Box<dyn Read + Send>) -> Window {
        Window { reader, buffer: vec![0; WINDOW_LEN], from: 0, to: 0, ended: false, fault: None }
    }

    /// A view of what was read already, without its first bytes, and of what comes behind it.
    pub fn behind(mut read: Vec<u8>, from: usize, rest: Box<dyn Read + Send>) -> Window {
        let to = read.len();
        read.resize(to.max(WINDOW_LEN), 0);
        Window { reader: rest, buffer: read, from: from.min(to), to, ended: false, fault: None }
    }

    /// The bytes in view.
    pub fn data(&self) -> &[u8] {
        self.buffer.get(self.from..self.to).unwrap_or_default()
    }

    /// Whether the bytes in view go up to the file's own end (and not to where it was cut).
    pub fn whole(&self) -> bool {
        self.ended && self.fault.is_none()
    }

    /// The error at which the stream ended, if it did.
    pub fn fault(&self) -> Option<&io::Error> {
        self.fault.as_ref()
    }

    /// Leaves the first `n` bytes behind.
    pub fn consume(&mut self, n: usize) {
        self.from = self.from.saturating_add(n).min(self.to);
    }

    /// Brings more into view, growing it when it is full. `false` when there is no more.
    pub fn more(&mut self) -> bool {
        if self.ended {
            return false;
        }
        if self.from > 0 {
            self.buffer.copy_within(self.from..self.to, 0);
            self.to -= self.from;
            self.from = 0;
            self.shrink();
        }
        if self.to == self.buffer.len() {
            self.buffer.resize(self.buffer.len().saturating_mul(2), 0);
        }
        let before = self.to;
        while self.to < self.buffer.len() && !self.ended {
            self.read_once();
        }
        self.to > before
    }

    /// Gives the memory of a view back that had to be large once: that of a file's beginning, or of a long record.
    fn shrink(&mut self) {
        if self.buffer.len() > WINDOW_LEN && self.to <= WINDOW_LEN / 2 {
            self.buffer.truncate(WINDOW_LEN);
            self.buffer.shrink_to_fit();
        }
    }

    fn read_once(&mut self) {
        let Some(free) = self.buffer.get_mut(self.to..) else { return };
        match self.reader.read(free) {
            Ok(0) => self.ended = true,
            Ok(n) => self.to += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                self.fault = Some(error);
                self.ended = true;
            }
        }
    }
}

/// The line ends in `text`: `\n`, `\r\n` or a `\r` alone, each once.
pub(super) fn count_line_ends(text: &[u8]) -> u64 {
    let mut count = 0;
    for at in memchr::memchr2_iter(b'\n', b'\r', text) {
        let half = text.get(at) == Some(&b'\r') && text.get(at + 1) == Some(&b'\n');
        count += u64::from(!half);
    }
    count
}

/// How much of a record that is too large is kept for the rejects: enough to see which one it is.
const TOO_LARGE_KEPT_LEN: usize = 64 << 10;

/// What is kept of a record that is too large: its beginning, up to a character's border.
pub(super) fn kept_of_too_large(record: &[u8]) -> &[u8] {
    let continues = |len: usize| record.get(len).is_some_and(|byte| byte & 0xC0 == 0x80);
    let mut len = TOO_LARGE_KEPT_LEN.min(record.len());
    while len > 0 && continues(len) {
        len -= 1;
    }
    record.get(..len).unwrap_or(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_that_had_to_be_large_becomes_small_again_and_loses_nothing() {
        let text: Vec<u8> = (0..5 * WINDOW_LEN).map(|nth| (nth % 251) as u8).collect();
        let mut window = Window::new(Box::new(std::io::Cursor::new(text.clone())));
        while window.data().len() < 2 * WINDOW_LEN && window.more() {}
        assert_eq!(window.buffer.capacity(), 2 * WINDOW_LEN);
        let mut read = Vec::new();
        loop {
            let taken = window.data().len() - 10.min(window.data().len());
            read.extend_from_slice(&window.data()[..taken]);
            window.consume(taken);
            if !window.more() {
                break;
            }
            assert_eq!(window.buffer.capacity(), WINDOW_LEN);
        }
        read.extend_from_slice(window.data());
        assert!(read == text && window.whole());
    }
}
