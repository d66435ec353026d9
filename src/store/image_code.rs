//! An image as bytes: the key, when it was announced, the contact before and the values that were written. Pure.
//!
//! Numbers are of seven bits a byte, the lowest first; a text has its length before it, and one that is missing the length
//! zero of a text that is longer by one.

use super::coded::CodeError;
use super::key::Key;
use super::model::{Image, Intent};
use crate::change::Written;

/// The image that an intent keeps, as bytes.
pub(in crate::store) fn encode(key: &Key, intent: &Intent, out: &mut Vec<u8>) {
    let Intent { target_id, at_ms, before, after, .. } = intent;
    out.extend(key.as_bytes());
    number(out, *at_ms);
    optional(out, target_id.as_deref());
    optional(out, before.as_deref());
    number(out, after.len() as u64);
    for Written { field, old, new, added, removed } in after {
        text(out, field);
        optional(out, old.as_deref());
        optional(out, new.as_deref());
        for list in [added, removed] {
            number(out, list.len() as u64);
            list.iter().for_each(|item| text(out, item));
        }
    }
}

/// The image of these bytes.
pub(in crate::store) fn decode(bytes: &[u8]) -> Result<Image, CodeError> {
    let mut bytes = Bytes(bytes);
    let image = bytes.image().filter(|_| bytes.0.is_empty());
    image.ok_or(CodeError::Damaged("an image that cannot be read"))
}

/// The key of the image of these bytes.
pub(in crate::store) fn key_of(bytes: &[u8]) -> Option<Key> {
    Key::from_hash(bytes)
}

/// Writes a number.
pub(in crate::store) fn number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Writes a text.
pub(in crate::store) fn text(out: &mut Vec<u8>, text: &str) {
    number(out, text.len() as u64);
    out.extend(text.as_bytes());
}

/// Writes a text, or that there is none.
pub(in crate::store) fn optional(out: &mut Vec<u8>, text: Option<&str>) {
    number(out, text.map_or(0, |text| text.len() as u64 + 1));
    out.extend(text.unwrap_or_default().as_bytes());
}

/// Bytes that are read from their beginning. Each method is `None` where they are not as written.
pub(in crate::store) struct Bytes<'a>(pub(in crate::store) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(in crate::store) fn number(&mut self) -> Option<u64> {
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

    pub(in crate::store) fn take(&mut self, len: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(len).ok()?)?;
        self.0 = rest;
        Some(taken)
    }

    pub(in crate::store) fn text(&mut self) -> Option<String> {
        let len = self.number()?;
        String::from_utf8(self.take(len)?.to_vec()).ok()
    }

    pub(in crate::store) fn optional(&mut self) -> Option<OrNone> {
        let Some(len) = self.number()?.checked_sub(1) else { return Some(OrNone(None)) };
        Some(OrNone(Some(String::from_utf8(self.take(len)?.to_vec()).ok()?)))
    }

    fn list(&mut self) -> Option<Vec<String>> {
        let len = self.number()?;
        (0..len).map(|_| self.text()).collect()
    }

    fn written(&mut self) -> Option<Written> {
        let (field, OrNone(old), OrNone(new)) = (self.text()?.into(), self.optional()?, self.optional()?);
        Some(Written { field, old, new, added: self.list()?, removed: self.list()? })
    }

    fn image(&mut self) -> Option<Image> {
        let key = Key::from_hash(self.take(16)?)?;
        let (at_ms, OrNone(target_id), OrNone(before)) = (self.number()?, self.optional()?, self.optional()?);
        let len = self.number()?;
        let after = (0..len).map(|_| self.written()).collect::<Option<_>>()?;
        Some(Image { key, target_id, at_ms, before, after })
    }
}

/// A text that may be missing.
pub(in crate::store) struct OrNone(pub(in crate::store) Option<String>);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::StepKind;
    use crate::contact::FieldSet;
    use crate::record::Origin;

    fn announced() -> Intent {
        let phone =
            Written { field: "phone".into(), old: None, new: Some("+593991234567".into()), ..Written::default() };
        let blank = Written { field: "notes".into(), old: Some(String::new()), ..Written::default() };
        let tags = Written {
            field: "tags".into(),
            added: vec!["á".into()],
            removed: vec!["x".into(); 200],
            ..Written::default()
        };
        Intent {
            kind: StepKind::Change,
            identities: Vec::new(),
            origin: Origin { ordinal: 1, line: 2 },
            at_ms: u64::MAX,
            attempt: 1,
            target_id: Some("é".repeat(300)),
            before: Some("{}".into()),
            after: vec![phone, blank, tags],
            made: None,
            begun: FieldSet::default(),
        }
    }

    #[test]
    fn an_image_is_read_as_it_was_written_and_a_part_of_one_is_none() {
        let bare = Intent { target_id: None, at_ms: 0, before: None, after: Vec::new(), ..announced() };
        for intent in [announced(), bare] {
            let (mut bytes, key) = (Vec::new(), Key::nth(b"one", 1));
            encode(&key, &intent, &mut bytes);
            let Intent { target_id, at_ms, before, after, .. } = intent;
            assert_eq!(decode(&bytes).unwrap(), Image { key, target_id, at_ms, before, after });
            assert_eq!(key_of(&bytes), Some(key));
            for len in 0..bytes.len() {
                assert!(decode(&bytes[..len]).is_err(), "{len} of {}", bytes.len());
            }
            bytes.push(0);
            assert!(decode(&bytes).is_err());
        }
    }

    #[test]
    fn a_length_that_no_bytes_can_have_is_an_error() {
        let mut bytes = Key::nth(b"", 0).as_bytes().to_vec();
        bytes.extend([0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);
        assert!(decode(&bytes).is_err());
        assert!(decode(&[0xff; 64]).is_err());
    }
}
