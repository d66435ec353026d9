//! Numbers and texts as bytes, one behind the other. What they mean is not decided here. Pure.
//!
//! Numbers are of seven bits a byte, the lowest first; a text has its length before it, and one that is missing the length
//! zero of a text that is longer by one.

/// Writes a number.
pub fn number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Writes a text.
pub fn text(out: &mut Vec<u8>, text: &str) {
    number(out, text.len() as u64);
    out.extend(text.as_bytes());
}

/// Writes a text, or that there is none.
pub fn optional(out: &mut Vec<u8>, text: Option<&str>) {
    number(out, text.map_or(0, |text| text.len() as u64 + 1));
    out.extend(text.unwrap_or_default().as_bytes());
}

/// Bytes that are read from their beginning. Each method is `None` where they are not as written.
pub struct Bytes<'a>(pub &'a [u8]);

impl<'a> Bytes<'a> {
    /// A number.
    pub fn number(&mut self) -> Option<u64> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// So many bytes.
    pub fn take(&mut self, len: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(len).ok()?)?;
        self.0 = rest;
        Some(taken)
    }

    /// A text.
    pub fn text(&mut self) -> Option<String> {
        let len = self.number()?;
        String::from_utf8(self.take(len)?.to_vec()).ok()
    }

    /// A text, or that there is none.
    pub fn optional(&mut self) -> Option<OrNone> {
        let Some(len) = self.number()?.checked_sub(1) else { return Some(OrNone(None)) };
        Some(OrNone(Some(String::from_utf8(self.take(len)?.to_vec()).ok()?)))
    }

    /// Several texts.
    pub fn list(&mut self) -> Option<Vec<String>> {
        let len = self.number()?;
        (0..len).map(|_| self.text()).collect()
    }
}

/// A text that may be missing.
pub struct OrNone(pub Option<String>);
