//! An announced intent as bytes, in the form of images (`image_code.rs`). What it keeps for undoing is not part of it, only
//! the number of the image that does. Pure.

use super::coded::{CodeError, kind_number, kind_of};
use super::key::Key;
use super::model::{Intent, OpenIntent, RunNo};
use crate::change::WrittenValues;
use crate::contact::{Field, FieldSet};
use crate::identity::IdentityValue;
use crate::packed::{Bytes, OrNone, number, optional, text};
use crate::record::Origin;

/// An intent with its run and key, and the number of its image, if it has one.
#[derive(Clone, Copy)]
pub(in crate::store) struct Announced<'a> {
    pub(in crate::store) run: RunNo,
    pub(in crate::store) key: &'a Key,
    pub(in crate::store) intent: &'a Intent,
    pub(in crate::store) image: Option<i64>,
}

/// Writes an intent as bytes.
pub(in crate::store) fn encode(announced: Announced<'_>, out: &mut Vec<u8>) {
    let Announced { run, key, intent, image } = announced;
    let Intent { kind, identities, origin, at_ms, attempt, target_id, made, begun, .. } = intent;
    out.extend(key.as_bytes());
    let image = image.map_or(0, |no| no.unsigned_abs() + 1);
    let numbers = [run.0.unsigned_abs(), image, kind_number(*kind).unsigned_abs(), origin.ordinal, origin.line];
    numbers.into_iter().for_each(|one| number(out, one));
    [*at_ms, u64::from(*attempt), u64::from(begun.bits())].into_iter().for_each(|one| number(out, one));
    optional(out, target_id.as_deref());
    optional(out, made.as_deref());
    number(out, identities.len() as u64);
    for IdentityValue { field, value } in identities {
        text(out, field.name());
        text(out, value);
    }
}

/// The intent of these bytes, and the number of its image.
pub(in crate::store) fn decode(bytes: &[u8]) -> Result<(OpenIntent, Option<i64>), CodeError> {
    let mut bytes = Bytes(bytes);
    let read = read(&mut bytes).filter(|_| bytes.0.is_empty());
    read.ok_or(CodeError::Damaged("an intent that cannot be read"))
}

fn read(bytes: &mut Bytes<'_>) -> Option<(OpenIntent, Option<i64>)> {
    let key = Key::from_hash(bytes.take(16)?)?;
    let (run, image, kind) = (signed(bytes)?, signed(bytes)?, kind_of(signed(bytes)?).ok()?);
    let origin = Origin { ordinal: bytes.number()?, line: bytes.number()? };
    let (at_ms, attempt, begun) = (bytes.number()?, small(bytes)?, FieldSet::of_bits(small(bytes)?));
    let (OrNone(target_id), OrNone(made)) = (bytes.optional()?, bytes.optional()?);
    let len = bytes.number()?;
    let identity = |_| Some(IdentityValue { field: Field::named(&bytes.text()?)?, value: bytes.text()? });
    let identities = (0..len).map(identity).collect::<Option<_>>()?;
    let (before, after) = (None, WrittenValues::default());
    let intent = Intent { kind, identities, origin, at_ms, attempt, target_id, before, after, made, begun };
    Some((OpenIntent { run: RunNo(run), key, intent, sent_by_ms: at_ms }, (image > 0).then(|| image - 1)))
}

fn signed(bytes: &mut Bytes<'_>) -> Option<i64> {
    i64::try_from(bytes.number()?).ok()
}

fn small(bytes: &mut Bytes<'_>) -> Option<u32> {
    u32::try_from(bytes.number()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::StepKind;

    #[test]
    fn an_intent_is_read_as_it_was_written_and_a_part_of_one_is_an_error() {
        let intent = Intent {
            kind: StepKind::Add,
            identities: [Field::Phones, Field::Emails]
                .map(|field| IdentityValue { field, value: "é".repeat(70) })
                .into(),
            origin: Origin { ordinal: 7, line: u64::MAX },
            at_ms: 1_795_000_000_000,
            attempt: 0,
            target_id: Some("7".into()),
            before: None,
            after: WrittenValues::default(),
            made: Some("{}".into()),
            begun: FieldSet::of(&[Field::Phones, Field::Handles]),
        };
        let bare = Intent { identities: Vec::new(), target_id: None, made: None, ..intent.clone() };
        for (intent, image) in [(intent.clone(), None), (intent, Some(0)), (bare, Some(1 << 40))] {
            let (mut bytes, key, run) = (Vec::new(), Key::nth(b"one", 1), RunNo(3));
            encode(Announced { run, key: &key, intent: &intent, image }, &mut bytes);
            let expected = OpenIntent { run, key, sent_by_ms: intent.at_ms, intent };
            assert_eq!(decode(&bytes).unwrap(), (expected, image));
            for len in 0..bytes.len() {
                assert!(decode(&bytes[..len]).is_err(), "{len} of {}", bytes.len());
            }
            bytes.push(0);
            assert!(decode(&bytes).is_err());
        }
    }
}
