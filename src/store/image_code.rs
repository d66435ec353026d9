//! An image as bytes: the key, when it was announced, the contact before and the values that were written. Pure.

use super::coded::CodeError;
use super::key::Key;
use super::model::{Image, Intent};
use crate::change::WrittenValues;
use crate::packed::{Bytes, OrNone, number, optional};

/// The image that an intent keeps, as bytes.
pub(in crate::store) fn encode(key: &Key, intent: &Intent, out: &mut Vec<u8>) {
    let Intent { target_id, at_ms, before, after, .. } = intent;
    out.extend(key.as_bytes());
    number(out, *at_ms);
    optional(out, target_id.as_deref());
    optional(out, before.as_deref());
    out.extend(after.as_bytes());
}

/// The image of these bytes.
pub(in crate::store) fn decode(bytes: &[u8]) -> Result<Image, CodeError> {
    let mut bytes = Bytes(bytes);
    let image = read(&mut bytes).filter(|_| bytes.0.is_empty());
    image.ok_or(CodeError::Damaged("an image that cannot be read"))
}

/// The key of the image of these bytes.
pub(in crate::store) fn key_of(bytes: &[u8]) -> Option<Key> {
    Key::from_hash(bytes)
}

fn read(bytes: &mut Bytes<'_>) -> Option<Image> {
    let key = Key::from_hash(bytes.take(16)?)?;
    let (at_ms, OrNone(target_id), OrNone(before)) = (bytes.number()?, bytes.optional()?, bytes.optional()?);
    Some(Image { key, target_id, at_ms, before, after: WrittenValues::read(bytes)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::{StepKind, Written};
    use crate::contact::FieldSet;
    use crate::record::Origin;

    fn written() -> Vec<Written> {
        let phone =
            Written { field: "phone".into(), old: None, new: Some("+593991234567".into()), ..Written::default() };
        let blank = Written { field: "notes".into(), old: Some(String::new()), ..Written::default() };
        let tags = Written {
            field: "tags".into(),
            added: vec!["á".into()],
            removed: vec!["x".into(); 200],
            ..Written::default()
        };
        vec![phone, blank, tags]
    }

    fn announced() -> Intent {
        Intent {
            kind: StepKind::Change,
            identities: Vec::new(),
            origin: Origin { ordinal: 1, line: 2 },
            at_ms: u64::MAX,
            attempt: 1,
            target_id: Some("é".repeat(300)),
            before: Some("{}".into()),
            after: WrittenValues::from(&written()[..]),
            made: None,
            begun: FieldSet::default(),
        }
    }

    #[test]
    fn an_image_is_read_as_it_was_written_and_a_part_of_one_is_none() {
        let after = WrittenValues::default();
        let bare = Intent { target_id: None, at_ms: 0, before: None, after, ..announced() };
        for (intent, after) in [(announced(), written()), (bare, Vec::new())] {
            let (mut bytes, key) = (Vec::new(), Key::nth(b"one", 1));
            encode(&key, &intent, &mut bytes);
            let Intent { target_id, at_ms, before, .. } = intent;
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
