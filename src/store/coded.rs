//! How outcomes, kinds and lists are stored in a row, and the seal by which a row that a disk has changed is recognised: the
//! same in every store that keeps rows.

use super::key::Key;
use super::model::{Intent, RunNo};
use crate::change::{StepKind, WrittenValues};
use crate::contact::{Field, FieldSet};
use crate::identity::IdentityValue;
use crate::outcome::{Outcome, Problem, Skip};
use crate::record::Origin;
use flate2::Crc;
use serde::{Deserialize, Serialize};

/// What cannot have been written so.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CodeError {
    /// A value that no row has.
    #[error("{0}")]
    Damaged(&'static str),
    /// A JSON text that does not parse.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
}

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
pub(in crate::store) fn outcome_of(number: i64) -> Result<Outcome, CodeError> {
    let found = OUTCOMES.iter().find(|(_, known)| *known == number);
    found.map(|(outcome, _)| *outcome).ok_or(CodeError::Damaged("an outcome that does not exist"))
}

/// The number of a step's kind on disk.
pub(in crate::store) fn kind_number(kind: StepKind) -> i64 {
    match kind {
        StepKind::Create => 0,
        StepKind::Change => 1,
        StepKind::Add => 2,
    }
}

/// The kind of a step of a number on disk.
pub(in crate::store) fn kind_of(number: i64) -> Result<StepKind, CodeError> {
    match number {
        0 => Ok(StepKind::Create),
        1 => Ok(StepKind::Change),
        2 => Ok(StepKind::Add),
        _ => Err(CodeError::Damaged("a kind of step that does not exist")),
    }
}

/// The lists of an entry. Most entries have none, and then no text is written.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub(in crate::store) struct Detail {
    #[serde(default)]
    pub(in crate::store) problems: Vec<Problem>,
    #[serde(default)]
    pub(in crate::store) not_carried: Vec<String>,
    #[serde(default)]
    pub(in crate::store) cleared: u64,
}

/// The lists of an entry as they are written: JSON, or none where all are empty.
pub(in crate::store) fn detail_text(
    problems: &[Problem],
    not_carried: &[String],
    cleared: u64,
) -> Result<Option<String>, CodeError> {
    /// The same as [`Detail`], of what is elsewhere.
    #[derive(Serialize)]
    struct Lists<'a> {
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        problems: &'a [Problem],
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        not_carried: &'a [String],
        #[serde(skip_serializing_if = "is_zero")]
        cleared: u64,
    }
    if problems.is_empty() && not_carried.is_empty() && cleared == 0 {
        return Ok(None);
    }
    Ok(Some(serde_json::to_string(&Lists { problems, not_carried, cleared })?))
}

impl Detail {
    /// The lists of a text as it was written.
    pub(in crate::store) fn from_text(text: Option<&str>) -> Result<Detail, CodeError> {
        text.map_or(Ok(Detail::default()), |text| Ok(serde_json::from_str(text)?))
    }
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Identity values as they are written: `[["phones","593991234567"]]`.
pub(in crate::store) fn identities_text(identities: &[IdentityValue]) -> Result<String, CodeError> {
    let pairs: Vec<_> = identities.iter().map(|one| (one.field.name(), one.value.as_str())).collect();
    Ok(serde_json::to_string(&pairs)?)
}

/// Identity values as they were written.
pub(in crate::store) fn identities_of(text: &str) -> Result<Vec<IdentityValue>, CodeError> {
    let pairs: Vec<(String, String)> = serde_json::from_str(text)?;
    let known = |(name, value): (String, String)| {
        let field = Field::named(&name).ok_or(CodeError::Damaged("a field that does not exist"))?;
        Ok(IdentityValue { field, value })
    };
    pairs.into_iter().map(known).collect()
}

/// The seal of a row: the CRC-32 of all its values, which a flipped bit or a lost end changes. SQLite has checksums in its
/// log, but none in its pages; PostgreSQL has them only if its cluster was made so.
pub(in crate::store) fn seal(numbers: &[i64], texts: &[Option<&[u8]>]) -> i64 {
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
pub(in crate::store) fn check_seal(found: i64, expected: i64) -> Result<(), CodeError> {
    if found == expected { Ok(()) } else { Err(CodeError::Damaged("a row is not as it was written")) }
}

/// A count as a database holds it.
pub(crate) fn int(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A count as a database held it.
pub(crate) fn count(int: i64) -> Result<u64, CodeError> {
    u64::try_from(int).map_err(|_| CodeError::Damaged("a count below zero"))
}

/// Kind, ordinal, line, time, attempt and begun lists of an intent.
pub(in crate::store) fn intent_numbers(intent: &Intent) -> [i64; 6] {
    let Origin { ordinal, line } = intent.origin;
    let (attempt, begun) = (i64::from(intent.attempt), i64::from(intent.begun.bits()));
    [kind_number(intent.kind), int(ordinal), int(line), int(intent.at_ms), attempt, begun]
}

/// An intent of its numbers (as [`intent_numbers`]) and its texts: id at the target, identities, body of the create request.
/// Its image is not part of it.
pub(in crate::store) fn intent_of(numbers: [i64; 6], texts: [Option<&str>; 3]) -> Result<Intent, CodeError> {
    let ([kind, ordinal, line, at_ms, attempt, begun], [target_id, identities, made]) = (numbers, texts);
    Ok(Intent {
        kind: kind_of(kind)?,
        identities: identities_of(identities.unwrap_or_default())?,
        origin: Origin { ordinal: count(ordinal)?, line: count(line)? },
        at_ms: count(at_ms)?,
        attempt: u32::try_from(attempt).map_err(|_| CodeError::Damaged("an attempt that is impossible"))?,
        target_id: target_id.map(str::to_owned),
        before: None,
        after: WrittenValues::default(),
        made: made.map(str::to_owned),
        begun: FieldSet::of_bits(u32::try_from(begun).map_err(|_| CodeError::Damaged("fields that do not exist"))?),
    })
}

/// The seal of an intent: of its numbers (run, kind, ordinal, line, time, attempt, begun lists, image), its key, and its
/// texts (id at the target, identities, body of the create request).
pub(in crate::store) fn intent_seal(numbers: &[i64; 8], key: &Key, texts: [Option<&str>; 3]) -> i64 {
    let [target_id, identities, made] = texts.map(|text| text.map(str::as_bytes));
    seal(numbers, &[Some(key.as_bytes().as_slice()), target_id, identities, made])
}

/// The seal of a source outcome; `numbers` are ordinal, line, pass and outcome.
pub(in crate::store) fn note_seal(
    run: RunNo,
    numbers: &[i64; 4],
    duplicate_of: Option<i64>,
    detail: Option<&str>,
) -> i64 {
    let [ordinal, line, pass, outcome] = *numbers;
    let numbers = [run.0, ordinal, line, pass, outcome, duplicate_of.unwrap_or(-1)];
    seal(&numbers, &[detail.map(str::as_bytes)])
}

/// The seal of the turns of a run.
pub(in crate::store) fn turn_seal(run: RunNo, first: i64, last: i64, how: Option<&str>) -> i64 {
    seal(&[run.0, first, last], &[how.map(str::as_bytes)])
}

/// The seal of a run; `numbers` are no, done and pass, `texts` name, work, command and info.
pub(in crate::store) fn run_seal(numbers: [i64; 3], texts: [Option<&str>; 4]) -> i64 {
    seal(&numbers, &texts.map(|text| text.map(str::as_bytes)))
}

/// The seal of a link.
pub(in crate::store) fn link_seal(link: &Key, target_id: Option<&str>) -> i64 {
    seal(&[], &[Some(link.as_bytes().as_slice()), target_id.map(str::as_bytes)])
}
