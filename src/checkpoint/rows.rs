//! How outcomes and lists stand in a row, and the seal that tells a row as written from one that a disk has changed.

use super::schema::StoreError;
use crate::change::StepKind;
use crate::contact::Field;
use crate::identity::IdentityValue;
use crate::outcome::{Outcome, Problem, Skip};
use flate2::Crc;
use serde::{Deserialize, Serialize};

/// Outcomes and their numbers on disk; a number is never given a second meaning.
const OUTCOMES: [(Outcome, i64); 14] = [
    (Outcome::Created, 0),
    (Outcome::Updated, 1),
    (Outcome::Unchanged, 2),
    (Outcome::Skipped(Skip::Filtered), 3),
    (Outcome::Skipped(Skip::Duplicate), 4),
    (Outcome::Skipped(Skip::Existing), 5),
    (Outcome::Skipped(Skip::Absent), 6),
    (Outcome::Rejected, 7),
    (Outcome::Unknown, 8),
    (Outcome::Deleted, 9),
    (Outcome::Skipped(Skip::Changed), 10),
    (Outcome::Skipped(Skip::Kept), 11),
    (Outcome::Skipped(Skip::Received), 12),
    (Outcome::Skipped(Skip::Blank), 13),
];

/// The number of an outcome on disk.
pub(super) fn outcome_number(outcome: Outcome) -> i64 {
    OUTCOMES.iter().find(|(known, _)| *known == outcome).map_or(-1, |(_, number)| *number)
}

/// The outcome of a number on disk.
pub(super) fn outcome_of(number: i64) -> Result<Outcome, StoreError> {
    let found = OUTCOMES.iter().find(|(_, known)| *known == number);
    found.map(|(outcome, _)| *outcome).ok_or(StoreError::Damaged("an outcome that does not exist"))
}

/// The name of a skip in the summary (contract 1.2).
pub(super) fn skip_name(skip: Skip) -> &'static str {
    match skip {
        Skip::Filtered => "filtered",
        Skip::Blank => "blank",
        Skip::Duplicate => "duplicate",
        Skip::Existing => "existing",
        Skip::Absent => "absent",
        Skip::Changed => "changed",
        Skip::Kept => "kept",
        Skip::Received => "received",
    }
}

/// The number of a step's kind on disk.
pub(super) fn kind_number(kind: StepKind) -> i64 {
    match kind {
        StepKind::Create => 0,
        StepKind::Change => 1,
        StepKind::Add => 2,
    }
}

/// The kind of a step of a number on disk.
pub(super) fn kind_of(number: i64) -> Result<StepKind, StoreError> {
    match number {
        0 => Ok(StepKind::Create),
        1 => Ok(StepKind::Change),
        2 => Ok(StepKind::Add),
        _ => Err(StoreError::Damaged("a kind of step that does not exist")),
    }
}

/// The lists of an entry; most entries have none, and then nothing is written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Detail {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) problems: Vec<Problem>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) not_carried: Vec<String>,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) cleared: u64,
}

impl Detail {
    /// As it is written: JSON, or nothing.
    pub(super) fn to_text(&self) -> Result<Option<String>, StoreError> {
        if self.problems.is_empty() && self.not_carried.is_empty() && self.cleared == 0 {
            return Ok(None);
        }
        Ok(Some(serde_json::to_string(self)?))
    }

    /// As it was written.
    pub(super) fn from_text(text: Option<&str>) -> Result<Detail, StoreError> {
        text.map_or(Ok(Detail::default()), |text| Ok(serde_json::from_str(text)?))
    }
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Identity values as they are written: `[["phones","593991234567"]]`.
pub(super) fn identities_text(identities: &[IdentityValue]) -> Result<String, StoreError> {
    let pairs: Vec<_> = identities.iter().map(|one| (one.field.name(), one.value.as_str())).collect();
    Ok(serde_json::to_string(&pairs)?)
}

/// Identity values as they were written.
pub(super) fn identities_of(text: &str) -> Result<Vec<IdentityValue>, StoreError> {
    let pairs: Vec<(String, String)> = serde_json::from_str(text)?;
    let known = |(name, value): (String, String)| {
        let field = Field::named(&name).ok_or(StoreError::Damaged("a field that does not exist"))?;
        Ok(IdentityValue { field, value })
    };
    pairs.into_iter().map(known).collect()
}

/// The seal of a row: the CRC-32 of all its values, which no turned bit and no lost end leaves as it is. SQLite has
/// checksums in its log, but none in its pages.
pub(super) fn seal(numbers: &[i64], texts: &[Option<&[u8]>]) -> i64 {
    let mut crc = Crc::new();
    crc.update(SALT);
    for number in numbers {
        crc.update(&number.to_le_bytes());
    }
    for text in texts {
        let len = text.map_or(0, |text| text.len() as u64 + 1);
        crc.update(&len.to_le_bytes());
        crc.update(text.unwrap_or_default());
    }
    i64::from(crc.sum())
}

/// Goes first, so that a row of noughts has no seal of noughts.
const SALT: &[u8] = b"ferry";

/// An error unless the row has the seal that its values give.
pub(super) fn prove_seal(found: i64, expected: i64) -> Result<(), StoreError> {
    if found == expected { Ok(()) } else { Err(StoreError::Damaged("a row is not as it was written")) }
}

/// A count as SQLite holds it.
pub(super) fn int(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A count as SQLite held it.
pub(super) fn count(int: i64) -> Result<u64, StoreError> {
    u64::try_from(int).map_err(|_| StoreError::Damaged("a count below zero"))
}
