//! Finding a secret in a text, however it is encoded: percent-encoded, as HTML entities, with the escapes of JSON, several of
//! these at once or nested, or in Base64. Pure; it does not know which secrets there are.

use memchr::memmem;
use std::ops::Range;

/// Nested encodings that are decoded: JSON in JSON, a query in a URL in a query.
const LAYERS: usize = 3;
/// A part of a Base64 text that is shorter could be any word.
const BASE64_LEN_MIN: usize = 8;
/// Signs of Base64 beside such a part that may hold bits of the secret.
const BASE64_EDGE: usize = 2;

/// The alphabets of Base64: the first 62 signs are the same, the last two differ (RFC 4648, sections 4 and 5).
const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const LAST_TWO: [[u8; 2]; 2] = [*b"+/", *b"-_"];

/// HTML names of the signs that a token or an address may have.
const ENTITIES: [(&[u8], u8); 26] = [
    (b"amp", b'&'),
    (b"lt", b'<'),
    (b"gt", b'>'),
    (b"quot", b'"'),
    (b"apos", b'\''),
    (b"sol", b'/'),
    (b"bsol", b'\\'),
    (b"plus", b'+'),
    (b"equals", b'='),
    (b"num", b'#'),
    (b"percnt", b'%'),
    (b"colon", b':'),
    (b"semi", b';'),
    (b"comma", b','),
    (b"period", b'.'),
    (b"lowbar", b'_'),
    (b"excl", b'!'),
    (b"quest", b'?'),
    (b"dollar", b'$'),
    (b"ast", b'*'),
    (b"commat", b'@'),
    (b"lpar", b'('),
    (b"rpar", b')'),
    (b"verbar", b'|'),
    (b"grave", b'`'),
    (b"Tab", b'\t'),
];

/// What to look for, for one secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Needle {
    bytes: Box<[u8]>,
    is_base64: bool,
}

/// The needles of a secret: itself, with `+` for blanks as forms have it, and what every Base64 text has in it that holds
/// the secret (alone, behind `user:` or before `:`), for each of the three ways to divide it into groups of three bytes.
pub(super) fn needles(secret: &str) -> Vec<Needle> {
    let mut all = vec![Needle { bytes: secret.as_bytes().into(), is_base64: false }];
    if secret.contains(' ') {
        all.push(Needle { bytes: secret.replace(' ', "+").into_bytes().into(), is_base64: false });
    }
    for last_two in LAST_TWO {
        for before in 0..3 {
            let text = base64(&[&vec![0; before], secret.as_bytes()].concat(), last_two);
            // Characters that hold bits of the text before or after the secret are unknown.
            let (from, to) = ((before * 8).div_ceil(6), (before + secret.len()) * 8 / 6);
            let inner = text.get(from..to).unwrap_or_default();
            if inner.len() >= BASE64_LEN_MIN {
                all.push(Needle { bytes: inner.into(), is_base64: true });
            }
        }
        for whole in [secret.to_owned(), format!(":{secret}"), format!("{secret}:")] {
            all.push(Needle { bytes: base64(whole.as_bytes(), last_two).into(), is_base64: true });
        }
    }
    all
}

/// Without the `=` at its end.
fn base64(bytes: &[u8], last_two: [u8; 2]) -> Vec<u8> {
    let sign = |index: u32| {
        let index = (index & 63) as usize;
        LETTERS.get(index).or_else(|| last_two.get(index - LETTERS.len())).copied().unwrap_or_default()
    };
    let mut out = Vec::with_capacity(bytes.len() * 4 / 3 + 4);
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, index| bits << 8 | u32::from(group.get(index).copied().unwrap_or_default()));
        out.extend((0..=group.len() as u32).map(|index| sign(bits >> (18 - 6 * index))));
    }
    out
}

/// Kinds of encodings; a secret can look as if it had one of them, and be written with another.
const PERCENT: u8 = 1;
const ENTITY: u8 = 2;
const ESCAPE: u8 = 4;

/// Where needles are in a text, in any of its layers; in order, not overlapping.
pub(super) fn found(text: &str, needles: &[Needle]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    if !needles.is_empty() {
        Layer::of(text).search(needles, LAYERS, &mut found);
    }
    merged(found)
}

fn merged(mut found: Vec<Range<usize>>) -> Vec<Range<usize>> {
    found.sort_by_key(|range| (range.start, range.end));
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(found.len());
    for range in found {
        match merged.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

/// A text after some rounds of decoding; each byte knows its place in the text.
struct Layer {
    bytes: Vec<u8>,
    from: Vec<(u32, u32)>,
}

impl Layer {
    fn of(text: &str) -> Layer {
        // A character is replaced as a whole.
        let from = text.char_indices().flat_map(|(at, c)| {
            let place = (at as u32, (at + c.len_utf8()) as u32);
            std::iter::repeat_n(place, c.len_utf8())
        });
        Layer { bytes: text.as_bytes().to_vec(), from: from.collect() }
    }

    /// The place in the text of a part of this layer.
    fn range(&self, part: &Range<usize>) -> Option<Range<usize>> {
        let (first, last) = (self.from.get(part.start)?, self.from.get(part.end.checked_sub(1)?)?);
        Some(first.0 as usize..last.1 as usize)
    }

    /// A part of a Base64 text, with the signs beside it that may hold more bits of the secret.
    fn with_edges(&self, at: usize, needle: &Needle) -> Range<usize> {
        let is_sign = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte);
        let before =
            self.bytes.get(..at).unwrap_or_default().iter().rev().take(BASE64_EDGE).take_while(is_sign).count();
        let end = at + needle.bytes.len();
        let rest = self.bytes.get(end..).unwrap_or_default();
        let behind = rest.iter().take(BASE64_EDGE).take_while(is_sign).count();
        let padding = rest.iter().skip(behind).take(2).take_while(|byte| **byte == b'=').count();
        at - before..end + behind + padding
    }

    /// Searches this layer, and those below it.
    fn search(&self, needles: &[Needle], layers: usize, found: &mut Vec<Range<usize>>) {
        for needle in needles {
            for at in memmem::find_iter(&self.bytes, &needle.bytes) {
                let range = if needle.is_base64 { self.with_edges(at, needle) } else { at..at + needle.bytes.len() };
                found.extend(self.range(&range));
            }
        }
        if layers > 0 {
            for kinds in [PERCENT, ENTITY, ESCAPE, PERCENT | ENTITY | ESCAPE] {
                if let Some(layer) = self.decoded(kinds) {
                    layer.search(needles, layers - 1, found);
                }
            }
        }
    }

    /// The layer below, with encodings of these kinds decoded; none when there are none.
    fn decoded(&self, kinds: u8) -> Option<Layer> {
        if !self.bytes.iter().any(|byte| kind_of(*byte) & kinds != 0) {
            return None;
        }
        let mut out = Layer { bytes: Vec::with_capacity(self.bytes.len()), from: Vec::with_capacity(self.bytes.len()) };
        let (mut at, mut changed) = (0, false);
        while let Some(rest) = self.bytes.get(at..).filter(|rest| !rest.is_empty()) {
            match decoded(rest, kinds) {
                Some((plain, len)) => {
                    let Some(place) = self.range(&(at..at + len)) else { break };
                    out.put(&plain, (place.start as u32, place.end as u32));
                    (at, changed) = (at + len, true);
                }
                None => {
                    out.bytes.extend(rest.first());
                    out.from.extend(self.from.get(at));
                    at += 1;
                }
            }
        }
        changed.then_some(out)
    }

    fn put(&mut self, plain: &Plain, place: (u32, u32)) {
        let mut buffer = [0; 4];
        let bytes = match plain {
            Plain::Byte(byte) => std::slice::from_ref(byte),
            Plain::Letter(letter) => letter.encode_utf8(&mut buffer).as_bytes(),
        };
        self.bytes.extend_from_slice(bytes);
        self.from.extend(std::iter::repeat_n(place, bytes.len()));
    }
}

enum Plain {
    Byte(u8),
    Letter(char),
}

/// The kind of encoding that begins with a byte; 0: none.
fn kind_of(byte: u8) -> u8 {
    match byte {
        b'%' => PERCENT,
        b'&' => ENTITY,
        b'\\' => ESCAPE,
        _ => 0,
    }
}

/// The first encoded character, and the length of its code.
fn decoded(rest: &[u8], kinds: u8) -> Option<(Plain, usize)> {
    if kind_of(*rest.first()?) & kinds == 0 {
        return None;
    }
    match rest {
        [b'%', high, low, ..] => Some((Plain::Byte(byte_of(&[*high, *low])?), 3)),
        [b'&', b'#', code @ ..] => numbered(code).map(|(letter, len)| (Plain::Letter(letter), len + 2)),
        [b'&', name @ ..] => named(name).map(|(byte, len)| (Plain::Byte(byte), len + 1)),
        [b'\\', b'u', code @ ..] => escaped(code).map(|(letter, len)| (Plain::Letter(letter), len + 2)),
        [b'\\', b'x', high, low, ..] => Some((Plain::Byte(byte_of(&[*high, *low])?), 4)),
        [b'\\', sign, ..] => {
            let byte = match sign {
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'/' | b'"' | b'\'' | b'\\' => *sign,
                _ => return None,
            };
            Some((Plain::Byte(byte), 2))
        }
        _ => None,
    }
}

/// `#x2F;`, `#47;`, with or without the semicolon.
fn numbered(code: &[u8]) -> Option<(char, usize)> {
    let (digits, radix, mark) = match code {
        [b'x' | b'X', digits @ ..] => (digits, 16, 1),
        digits => (digits, 10, 0),
    };
    let len = digits.iter().take(8).take_while(|digit| char::from(**digit).is_digit(radix)).count();
    let text = std::str::from_utf8(digits.get(..len)?).ok()?;
    let letter = char::from_u32(u32::from_str_radix(text, radix).ok()?)?;
    let end = usize::from(digits.get(len) == Some(&b';'));
    Some((letter, mark + len + end))
}

fn named(name: &[u8]) -> Option<(u8, usize)> {
    let is_it = |known: &[u8]| name.strip_prefix(known).is_some_and(|rest| rest.first() == Some(&b';'));
    ENTITIES.iter().find(|(known, _)| is_it(known)).map(|(known, byte)| (*byte, known.len() + 1))
}

/// The four digits behind `\u`, or a pair of such.
fn escaped(code: &[u8]) -> Option<(char, usize)> {
    let unit = |digits: &[u8]| Some(u16::from_be_bytes([byte_of(digits.get(..2)?)?, byte_of(digits.get(2..4)?)?]));
    let first = unit(code)?;
    let second = code.get(4..6).filter(|mark| *mark == b"\\u").and_then(|_| unit(code.get(6..)?));
    let mut letters = char::decode_utf16([Some(first), second].into_iter().flatten());
    match letters.next()? {
        Ok(letter) => Some((letter, if letter.len_utf16() == 2 { 10 } else { 4 })),
        Err(_) => None,
    }
}

/// A byte from two hexadecimal digits of any case.
fn byte_of(digits: &[u8]) -> Option<u8> {
    let digit = |index: usize| char::from(*digits.get(index)?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(0)? * 16 + digit(1)?)
}
