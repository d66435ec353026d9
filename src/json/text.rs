//! Texts as JSON.

use crate::octets::{EACH, HIGH_BITS, first_of, has_any};

/// Writes a text as JSON at the end of `out`, as `serde_json` does.
#[inline]
pub fn write_text(text: &str, out: &mut Vec<u8>) {
    if has_any(text.as_bytes(), escaped_in) {
        return write_escaped(text, out);
    }
    write_plain(text, out);
}

/// The same of a text in which nothing has to be escaped ([`escaped_in`]).
#[inline]
pub fn write_plain(text: &str, out: &mut Vec<u8>) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

#[cold]
fn write_escaped(text: &str, out: &mut Vec<u8>) {
    // Writing to memory does not fail, and a text always has a JSON form.
    let _cannot_fail = serde_json::to_writer(out, text);
}

/// Marks what has to be escaped: controls, quotes, backslashes.
#[inline]
pub fn escaped_in(word: u64) -> u64 {
    let controls = word.wrapping_sub(EACH * 0x20) & !word & HIGH_BITS;
    controls | first_of(word, b'"') | first_of(word, b'\\')
}
