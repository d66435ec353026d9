//! Text between a file's encoding and UTF-8, both ways and byte for byte.
//!
//! Bytes that are not text in the file's encoding are carried through the decoded stream as [`ESCAPE`] and two more,
//! none of which is UTF-8. Only the row that contains them fails as text, and it can be written back unchanged.
//! The encoding of a file is detected in `detect`.

use encoding_rs::{DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};
use std::collections::VecDeque;
use std::io::{self, Read};

/// Begins a byte that could not be decoded; its two halves follow, as `0x80 | four bits`. Never occurs in UTF-8.
const ESCAPE: u8 = 0xFF;

/// Bytes decoded at once.
const CHUNK_LEN: usize = 64 << 10;

/// The most bytes of what was decoded that may turn out to have been undecodable (encoding_rs: three and three).
const HISTORY_LEN: usize = 8;

/// Decodes a stream to UTF-8.
pub(super) struct Decoding {
    inner: Box<dyn Read + Send>,
    decoder: encoding_rs::Decoder,
    encoded: Vec<u8>,
    /// The part of `encoded` that is yet to be decoded.
    from: usize,
    to: usize,
    history: VecDeque<u8>,
    decoded: VecDeque<u8>,
    ended: bool,
    done: bool,
}

impl Decoding {
    /// `inner` decoded from `encoding`; a byte-order mark must have been left behind.
    pub fn new(inner: Box<dyn Read + Send>, encoding: &'static Encoding) -> Decoding {
        Decoding {
            inner,
            decoder: encoding.new_decoder_without_bom_handling(),
            encoded: vec![0; CHUNK_LEN],
            from: 0,
            to: 0,
            history: VecDeque::with_capacity(HISTORY_LEN * 2),
            decoded: VecDeque::new(),
            ended: false,
            done: false,
        }
    }

    /// Decodes once into `out`; gives the bytes written.
    fn step(&mut self, out: &mut [u8]) -> usize {
        let source = self.encoded.get(self.from..self.to).unwrap_or_default();
        let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(source, out, self.ended);
        let recent = source.get(..read).unwrap_or_default();
        self.history.extend(recent.get(recent.len().saturating_sub(HISTORY_LEN)..).unwrap_or_default());
        while self.history.len() > HISTORY_LEN {
            self.history.pop_front();
        }
        self.from += read;
        match result {
            DecoderResult::Malformed(bad, after) => self.carry(usize::from(bad), usize::from(after)),
            DecoderResult::InputEmpty => self.done = self.ended,
            DecoderResult::OutputFull => {}
        }
        written
    }

    /// Puts the `bad` bytes that stand `after` bytes before the end of the history into the decoded stream, escaped.
    fn carry(&mut self, bad: usize, after: usize) {
        let first = self.history.len().saturating_sub(after + bad);
        for &byte in self.history.iter().skip(first).take(bad) {
            self.decoded.extend([ESCAPE, 0x80 | (byte >> 4), 0x80 | (byte & 0x0F)]);
        }
    }

    fn drain(&mut self, out: &mut [u8]) -> usize {
        let n = out.len().min(self.decoded.len());
        for (slot, byte) in out.iter_mut().zip(self.decoded.drain(..n)) {
            *slot = byte;
        }
        n
    }

    /// Reads into less room than a decoder needs, through a buffer.
    fn read_narrow(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.decoded.is_empty() {
            let mut wide = [0; ROOM_MIN];
            let n = self.read(&mut wide)?;
            for &byte in wide.get(..n).unwrap_or_default().iter().rev() {
                self.decoded.push_front(byte);
            }
        }
        Ok(self.drain(out))
    }
}

/// Room that a decoder must have to get on: one character, and an escaped malformed sequence.
const ROOM_MIN: usize = 64;

impl Read for Decoding {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.len() < ROOM_MIN {
            return self.read_narrow(out);
        }
        loop {
            if !self.decoded.is_empty() {
                return Ok(self.drain(out));
            }
            if self.done {
                return Ok(0);
            }
            if self.from == self.to && !self.ended {
                self.to = self.inner.read(&mut self.encoded)?;
                self.from = 0;
                self.ended = self.to == 0;
            }
            let written = self.step(out);
            if written > 0 {
                return Ok(written);
            }
        }
    }
}

/// Writes `decoded` (UTF-8, and what [`Decoding`] escaped) in `encoding` at the end of `out`.
///
/// What the encoding has no character for is written as `?`; the count of those is given.
pub(super) fn encode(decoded: &[u8], encoding: &'static Encoding, out: &mut Vec<u8>) -> usize {
    if encoding == UTF_8 {
        out.extend_from_slice(decoded);
        return 0;
    }
    let mut lost = 0;
    for (run, piece) in decoded.split(|&byte| byte == ESCAPE).enumerate() {
        let text = match piece {
            [high, low, rest @ ..] if run > 0 => {
                out.push((high << 4) | (low & 0x0F));
                rest
            }
            whole => whole,
        };
        lost += encode_text(&String::from_utf8_lossy(text), encoding, out);
    }
    lost
}

fn encode_text(text: &str, encoding: &'static Encoding, out: &mut Vec<u8>) -> usize {
    if encoding == UTF_16LE || encoding == UTF_16BE {
        for unit in text.encode_utf16() {
            out.extend_from_slice(&if encoding == UTF_16LE { unit.to_le_bytes() } else { unit.to_be_bytes() });
        }
        return 0;
    }
    let mut encoder = encoding.new_encoder();
    let mut rest = text;
    let mut lost = 0;
    loop {
        let mut room = [0; 1024];
        let (result, read, written) = encoder.encode_from_utf8_without_replacement(rest, &mut room, true);
        out.extend_from_slice(room.get(..written).unwrap_or_default());
        rest = rest.get(read..).unwrap_or_default();
        match result {
            encoding_rs::EncoderResult::InputEmpty => return lost,
            encoding_rs::EncoderResult::OutputFull => {}
            encoding_rs::EncoderResult::Unmappable(_) => {
                out.push(b'?');
                lost += 1;
            }
        }
    }
}

/// The bytes that an undecodable piece of a decoded record was, for a message: `\xE9\xFF`.
pub(super) fn undecodable(decoded: &[u8], at: usize) -> String {
    let rest = decoded.get(at..).unwrap_or_default();
    let mut shown = String::new();
    if let [ESCAPE, high, low, ..] = rest
        && high & 0xF0 == 0x80
        && low & 0xF0 == 0x80
    {
        shown.push_str(&format!("\\x{:02X}", (high << 4) | (low & 0x0F)));
        return shown;
    }
    let len = match std::str::from_utf8(rest) {
        Err(error) => error.error_len().unwrap_or(rest.len()),
        Ok(_) => 0,
    };
    for byte in rest.iter().take(len) {
        shown.push_str(&format!("\\x{byte:02X}"));
    }
    shown
}

/// Whether it is UTF-16, in either byte order.
pub(super) fn is_utf16(encoding: &'static Encoding) -> bool {
    encoding == UTF_16LE || encoding == UTF_16BE
}

/// The byte-order mark of `encoding`; empty where it has none.
pub(super) fn bom(encoding: &'static Encoding) -> &'static [u8] {
    if encoding == UTF_8 {
        b"\xEF\xBB\xBF"
    } else if encoding == UTF_16LE {
        b"\xFF\xFE"
    } else if encoding == UTF_16BE {
        b"\xFE\xFF"
    } else {
        b""
    }
}
