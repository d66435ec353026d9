//! How outcomes and lists are stored in a row, and the seal by which a row that a disk has changed is recognised.

use super::error::SqlError;
use crate::change::StepKind;
use crate::contact::Field;
use crate::identity::IdentityValue;
use crate::outcome::{Outcome, Problem, Skip};
use crate::store::key::Key;
use crate::store::model::{RunNo, Turns};
use flate2::Crc;
use rusqlite::Row;
use rusqlite::types::ValueRef;
use serde::{Deserialize, Serialize};

/// Outcomes and their numbers on disk; a number is never given a second meaning.
const OUTCOMES: [(Outcome, i64); 15] = [
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
    (Outcome::Skipped(Skip::Suppressed), 14),
];

/// The number of an outcome on disk.
pub(crate) fn outcome_number(outcome: Outcome) -> i64 {
    OUTCOMES.iter().find(|(known, _)| *known == outcome).map_or(-1, |(_, number)| *number)
}

/// The outcome of a number on disk.
pub(super) fn outcome_of(number: i64) -> Result<Outcome, SqlError> {
    let found = OUTCOMES.iter().find(|(_, known)| *known == number);
    found.map(|(outcome, _)| *outcome).ok_or(SqlError::Damaged("an outcome that does not exist"))
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
pub(super) fn kind_of(number: i64) -> Result<StepKind, SqlError> {
    match number {
        0 => Ok(StepKind::Create),
        1 => Ok(StepKind::Change),
        2 => Ok(StepKind::Add),
        _ => Err(SqlError::Damaged("a kind of step that does not exist")),
    }
}

/// The lists of an entry. Most entries have none, and then no text is written.
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
    /// The text as it is written: JSON, or none.
    pub(super) fn to_text(&self) -> Result<Option<String>, SqlError> {
        if self.problems.is_empty() && self.not_carried.is_empty() && self.cleared == 0 {
            return Ok(None);
        }
        Ok(Some(serde_json::to_string(self)?))
    }

    /// The lists of a text as it was written.
    pub(super) fn from_text(text: Option<&str>) -> Result<Detail, SqlError> {
        text.map_or(Ok(Detail::default()), |text| Ok(serde_json::from_str(text)?))
    }
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Identity values as they are written: `[["phones","593991234567"]]`.
pub(super) fn identities_text(identities: &[IdentityValue]) -> Result<String, SqlError> {
    let pairs: Vec<_> = identities.iter().map(|one| (one.field.name(), one.value.as_str())).collect();
    Ok(serde_json::to_string(&pairs)?)
}

/// Identity values as they were written.
pub(super) fn identities_of(text: &str) -> Result<Vec<IdentityValue>, SqlError> {
    let pairs: Vec<(String, String)> = serde_json::from_str(text)?;
    let known = |(name, value): (String, String)| {
        let field = Field::named(&name).ok_or(SqlError::Damaged("a field that does not exist"))?;
        Ok(IdentityValue { field, value })
    };
    pairs.into_iter().map(known).collect()
}

/// The seal of a row: the CRC-32 of all its values, which a flipped bit or a lost end changes. SQLite has checksums in its
/// log, but none in its pages.
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

/// Hashed first, so that the seal of a row of zeros is not zero.
const SALT: &[u8] = b"ferry";

/// Refuses a row whose seal is not the one that its values give.
pub(super) fn check_seal(found: i64, expected: i64) -> Result<(), SqlError> {
    if found == expected { Ok(()) } else { Err(SqlError::Damaged("a row is not as it was written")) }
}

/// A count as SQLite holds it.
pub(crate) fn int(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A count as SQLite held it.
pub(crate) fn count(int: i64) -> Result<u64, SqlError> {
    u64::try_from(int).map_err(|_| SqlError::Damaged("a count below zero"))
}

/// An entry as it is written.
pub(super) struct EntryRow<'a> {
    pub(super) run: RunNo,
    pub(super) no: i64,
    pub(super) key: &'a Key,
    /// Ordinal, line, pass and outcome.
    pub(super) numbers: [i64; 4],
    pub(super) target_id: Option<&'a str>,
    pub(super) detail: Option<&'a str>,
}

impl EntryRow<'_> {
    /// Its seal.
    pub(super) fn seal(&self) -> i64 {
        let [ordinal, line, pass, outcome] = self.numbers;
        let [target_id, detail] = [self.target_id, self.detail].map(|text| text.map(str::as_bytes));
        let texts = [Some(self.key.as_bytes().as_slice()), target_id, detail];
        seal(&[self.run.0, self.no, ordinal, line, pass, outcome], &texts)
    }
}

/// The seal of an intent: of its numbers (run, kind, ordinal, line, time, attempt, begun lists, image), its key, and its
/// texts (id at the target, identities, body of the create request).
pub(super) fn intent_seal(numbers: &[i64; 8], key: &Key, texts: [Option<&str>; 3]) -> i64 {
    let [target_id, identities, made] = texts.map(|text| text.map(str::as_bytes));
    seal(numbers, &[Some(key.as_bytes().as_slice()), target_id, identities, made])
}

/// The seal of an image; `texts` are id at the target, what was there and what was written.
pub(super) fn image_seal(run: RunNo, key: &Key, at_ms: i64, texts: [Option<&str>; 3]) -> i64 {
    let [target_id, before, after] = texts.map(|text| text.map(str::as_bytes));
    let texts = [Some(key.as_bytes().as_slice()), target_id, before, after];
    seal(&[run.0, at_ms], &texts)
}

/// The seal of a source outcome; `numbers` are ordinal, line, pass and outcome.
pub(super) fn note_seal(run: RunNo, numbers: &[i64; 4], duplicate_of: Option<i64>, detail: Option<&str>) -> i64 {
    let [ordinal, line, pass, outcome] = *numbers;
    let numbers = [run.0, ordinal, line, pass, outcome, duplicate_of.unwrap_or(-1)];
    seal(&numbers, &[detail.map(str::as_bytes)])
}

/// The seal of the turns of a run.
pub(super) fn turn_seal(run: RunNo, first: i64, last: i64, how: Option<&str>) -> i64 {
    seal(&[run.0, first, last], &[how.map(str::as_bytes)])
}

/// The turns of a row: run, first, last, how, seal.
pub(super) fn read_turns(row: &Row<'_>) -> Result<(RunNo, Turns), SqlError> {
    let (run, first, last) = (RunNo(row.get(0)?), row.get(1)?, row.get(2)?);
    let how = text(row, 3)?;
    check_seal(row.get(4)?, turn_seal(run, first, last, how))?;
    Ok((run, Turns { first: count(first)?, last: count(last)?, how: how.map(str::to_owned) }))
}

/// The seal of a run; the row has no, name, work, command, done, pass, info.
pub(super) fn run_seal(row: &Row<'_>) -> Result<i64, SqlError> {
    let numbers: [i64; 3] = [row.get(0)?, row.get(4)?, row.get(5)?];
    let texts = [text(row, 1)?, text(row, 2)?, text(row, 3)?, text(row, 6)?];
    Ok(seal(&numbers, &texts.map(|text| text.map(str::as_bytes))))
}

/// A text of a row, or none.
pub(super) fn text<'a>(row: &'a Row<'_>, column: usize) -> Result<Option<&'a str>, SqlError> {
    Ok(row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from)?)
}

/// A key as it was written.
pub(super) fn read_key(value: ValueRef<'_>) -> Result<Key, SqlError> {
    value.as_blob().ok().and_then(Key::from_hash).ok_or(SqlError::Damaged("a key that is not one"))
}
