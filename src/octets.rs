//! Bytes looked at eight at a time: whether any of them is of a kind, and where. What they mean is not decided here.

/// One in each byte of a word.
pub const EACH: u64 = u64::MAX / 255;
/// The highest bit of each byte.
pub const HIGH_BITS: u64 = EACH * 0x80;

/// Whether `mark` finds anything in the bytes. It is given words of eight bytes, some of them twice, and blanks where there are
/// fewer; it gives zero where it finds nothing.
#[inline]
pub fn has_any(bytes: &[u8], mark: impl Fn(u64) -> u64) -> bool {
    let Some(last) = bytes.last_chunk() else { return mark(short(bytes)) != 0 };
    let words = bytes.as_chunks().0.iter();
    words.fold(mark(u64::from_le_bytes(*last)), |found, word| found | mark(u64::from_le_bytes(*word))) != 0
}

/// Which of two kinds the bytes have any of; see [`has_any`].
#[inline]
pub fn have_any(bytes: &[u8], mark: impl Fn(u64) -> (u64, u64)) -> (bool, bool) {
    let last = bytes.last_chunk().map_or_else(|| short(bytes), |last| u64::from_le_bytes(*last));
    let mut found = mark(last);
    for word in bytes.as_chunks().0 {
        let (one, other) = mark(u64::from_le_bytes(*word));
        found = (found.0 | one, found.1 | other);
    }
    (found.0 != 0, found.1 != 0)
}

/// Fewer than eight bytes as a word, with blanks around them.
#[inline]
fn short(bytes: &[u8]) -> u64 {
    match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) => u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32,
        _ => bytes.iter().fold(EACH * 0x20, |word, byte| word << 8 | u64::from(*byte)),
    }
}

/// Marks each byte of a word that is `byte` with its highest bit; the bytes behind the first one may be marked wrongly.
#[inline]
pub fn first_of(word: u64, byte: u8) -> u64 {
    let others = word ^ (EACH * u64::from(byte));
    others.wrapping_sub(EACH) & !others & HIGH_BITS
}

/// Marks each byte of a word that is `byte`, and no other, with its highest bit.
#[inline]
pub fn all_of(word: u64, byte: u8) -> u64 {
    const LOW_BITS: u64 = !HIGH_BITS;
    let others = word ^ (EACH * u64::from(byte));
    !(((others & LOW_BITS) + LOW_BITS) | others | LOW_BITS)
}

/// Visits each place of a byte, as long as more are wanted; after that up to seven more.
#[inline]
pub fn for_each_place(bytes: &[u8], byte: u8, mut visit: impl FnMut(usize) -> bool) {
    let (words, rest) = bytes.as_chunks();
    let (mut begin, mut is_wanted) = (0, true);
    for word in words {
        let mut found = all_of(u64::from_le_bytes(*word), byte);
        while found != 0 {
            is_wanted &= visit(begin + (found.trailing_zeros() / u8::BITS) as usize);
            found &= found - 1;
        }
        if !is_wanted {
            return;
        }
        begin += word.len();
    }
    for (at, _) in (begin..).zip(rest).filter(|(_, other)| **other == byte) {
        visit(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_is_found_wherever_it_stands() {
        for len in 0..40 {
            for at in 0..len {
                for other in [b' ', 0, 0x7F, 0x80, 0xFF, b',' - 1, b',' + 1, b',' ^ 0x80] {
                    let mut bytes = vec![other; len];
                    assert!(!has_any(&bytes, |word| first_of(word, b',')), "{bytes:?}");
                    bytes[at] = b',';
                    assert!(has_any(&bytes, |word| first_of(word, b',')), "{bytes:?}");
                    bytes[len - 1] = b',';
                    let (mut places, mut expected) = (Vec::new(), vec![at, len - 1]);
                    for_each_place(&bytes, b',', |place| {
                        places.push(place);
                        true
                    });
                    expected.dedup();
                    assert_eq!(places, expected, "{bytes:?}");
                }
            }
        }
    }

    #[test]
    fn a_visit_ends_where_no_more_is_wanted() {
        let mut count = 0;
        for_each_place(&[b','; 100], b',', |_| {
            count += 1;
            count < 10
        });
        assert!((10..=17).contains(&count), "{count}");
    }
}
