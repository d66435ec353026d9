//! What a change writes, packed into one piece of memory: the task that sends the change makes it, and the thread of the store
//! writes it as it is and frees it.

use super::Written;
use crate::packed::{Bytes, OrNone, number, optional, text};

/// Values that are about to be written, packed; none: no bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WrittenValues(Vec<u8>);

/// One value that is about to be written, as in [`Written`].
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct WrittenRef<'a> {
    pub field: &'a str,
    pub old: Option<&'a str>,
    pub new: Option<&'a str>,
    pub added: Vec<&'a str>,
    pub removed: Vec<&'a str>,
}

/// The length of the values of most contacts, in bytes.
const LEN: usize = 256;

impl WrittenValues {
    /// Packs these values.
    pub fn pack<'a>(values: impl ExactSizeIterator<Item = WrittenRef<'a>>) -> WrittenValues {
        if values.len() == 0 {
            return WrittenValues::default();
        }
        let mut bytes = Vec::with_capacity(LEN);
        number(&mut bytes, values.len() as u64);
        for WrittenRef { field, old, new, added, removed } in values {
            text(&mut bytes, field);
            optional(&mut bytes, old);
            optional(&mut bytes, new);
            for list in [added, removed] {
                number(&mut bytes, list.len() as u64);
                list.iter().for_each(|item| text(&mut bytes, item));
            }
        }
        WrittenValues(bytes)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Their number, and the values.
    pub fn as_bytes(&self) -> &[u8] {
        if self.is_empty() { &[0] } else { &self.0 }
    }

    /// The values that [`WrittenValues::as_bytes`] wrote here; `None` where these are other bytes.
    pub fn read(bytes: &mut Bytes<'_>) -> Option<Vec<Written>> {
        let len = bytes.number()?;
        (0..len).map(|_| read_one(bytes)).collect()
    }
}

fn read_one(bytes: &mut Bytes<'_>) -> Option<Written> {
    let (field, OrNone(old), OrNone(new)) = (bytes.text()?.into(), bytes.optional()?, bytes.optional()?);
    Some(Written { field, old, new, added: bytes.list()?, removed: bytes.list()? })
}

impl From<&[Written]> for WrittenValues {
    fn from(values: &[Written]) -> WrittenValues {
        WrittenValues::pack(values.iter().map(|value| WrittenRef {
            field: &value.field,
            old: value.old.as_deref(),
            new: value.new.as_deref(),
            added: value.added.iter().map(String::as_str).collect(),
            removed: value.removed.iter().map(String::as_str).collect(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_they_were_packed_and_a_part_of_them_is_none() {
        let phone = Written { field: "phone".into(), new: Some("+593991234567".into()), ..Written::default() };
        let blank = Written { field: "notes".into(), old: Some(String::new()), ..Written::default() };
        let tags =
            Written { field: "tags".into(), added: vec!["á".into()], removed: vec!["x".into(); 200], ..blank.clone() };
        for values in [vec![phone, blank, tags], Vec::new()] {
            let packed = WrittenValues::from(&values[..]);
            assert_eq!(packed.is_empty(), values.is_empty());
            let mut bytes = Bytes(packed.as_bytes());
            assert_eq!(WrittenValues::read(&mut bytes), Some(values));
            assert!(bytes.0.is_empty());
            for len in 0..packed.as_bytes().len() {
                assert_eq!(WrittenValues::read(&mut Bytes(&packed.as_bytes()[..len])), None, "{len}");
            }
        }
    }
}
