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

/// The same of a text in which something has to be escaped.
pub fn write_escaped(text: &str, out: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    out.reserve(rest.len() + ESCAPES_ROOM);
    out.push(b'"');
    while let Some((plain, byte, behind)) = split_at_escaped(rest) {
        out.extend_from_slice(plain);
        escape(byte, out);
        rest = behind;
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// Room for the quotes and some escapes.
const ESCAPES_ROOM: usize = 16;

/// What stands before the first byte that has to be escaped, that byte, and what stands behind it.
#[inline]
fn split_at_escaped(bytes: &[u8]) -> Option<(&[u8], u8, &[u8])> {
    let (words, rest) = bytes.as_chunks();
    let whole = words.len() * size_of::<u64>();
    let in_words = (0..).step_by(size_of::<u64>()).zip(words).find_map(|(begin, word)| {
        let found = escaped_in(u64::from_le_bytes(*word));
        (found != 0).then(|| begin + (found.trailing_zeros() / u8::BITS) as usize)
    });
    let at = in_words.or_else(|| Some(whole + rest.iter().position(|byte| is_escaped(*byte))?))?;
    let (plain, behind) = bytes.split_at_checked(at)?;
    let (byte, behind) = behind.split_first()?;
    Some((plain, *byte, behind))
}

fn is_escaped(byte: u8) -> bool {
    matches!(byte, ..0x20 | b'"' | b'\\')
}

fn escape(byte: u8, out: &mut Vec<u8>) {
    let short = match byte {
        b'"' => b"\\\"",
        b'\\' => b"\\\\",
        b'\n' => b"\\n",
        b'\r' => b"\\r",
        b'\t' => b"\\t",
        0x08 => b"\\b",
        0x0C => b"\\f",
        _ => {
            let digit = |value: u8| if value < 10 { b'0' + value } else { b'a' + value - 10 };
            return out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte & 0xF)]);
        }
    };
    out.extend_from_slice(short);
}

/// Marks what has to be escaped: controls, quotes, backslashes.
#[inline]
pub fn escaped_in(word: u64) -> u64 {
    let controls = word.wrapping_sub(EACH * 0x20) & !word & HIGH_BITS;
    controls | first_of(word, b'"') | first_of(word, b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_written_as_serde_json_writes_it() {
        for c in (0..0x300).chain([0x2028, 0xFFFD, 0x1_F44D]).filter_map(char::from_u32) {
            for before in 0..20 {
                for text in [
                    format!("{}{c}", "a".repeat(before)),
                    format!("{}{c}{c}x", "é".repeat(before)),
                    format!("{c}{}{c}", "\"b".repeat(before)),
                ] {
                    let mut out = Vec::new();
                    write_text(&text, &mut out);
                    assert_eq!(out, serde_json::to_vec(&text).unwrap(), "{text:?}");
                }
            }
        }
    }
}
