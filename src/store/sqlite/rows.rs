//! Rows of the database: their seals, and how their columns are read.

use super::error::SqlError;
use crate::store::coded::{self, check_seal, count, seal, turn_seal};
use crate::store::key::Key;
use crate::store::model::{RunNo, Turns};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use std::borrow::Cow;

/// An entry as it is written.
pub(super) struct EntryRow<'a> {
    pub(super) run: RunNo,
    pub(super) no: i64,
    pub(super) key: &'a Key,
    /// Ordinal, line, pass and outcome.
    pub(super) numbers: [i64; 4],
    pub(super) target_id: Option<&'a str>,
    pub(super) detail: Option<Cow<'a, str>>,
}

impl EntryRow<'_> {
    /// Its seal.
    pub(super) fn seal(&self) -> i64 {
        let [ordinal, line, pass, outcome] = self.numbers;
        let [target_id, detail] = [self.target_id, self.detail.as_deref()].map(|text| text.map(str::as_bytes));
        let texts = [Some(self.key.as_bytes().as_slice()), target_id, detail];
        seal(&[self.run.0, self.no, ordinal, line, pass, outcome], &texts)
    }
}

/// The seal of an image; `texts` are id at the target, what was there and what was written.
pub(super) fn image_seal(run: RunNo, key: &Key, at_ms: i64, texts: [Option<&str>; 3]) -> i64 {
    let [target_id, before, after] = texts.map(|text| text.map(str::as_bytes));
    let texts = [Some(key.as_bytes().as_slice()), target_id, before, after];
    seal(&[run.0, at_ms], &texts)
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
    let texts = [text(row, 1)?, text(row, 2)?, text(row, 3)?, text(row, 6)?];
    Ok(coded::run_seal([row.get(0)?, row.get(4)?, row.get(5)?], texts))
}

/// A text of a row, or none.
pub(super) fn text<'a>(row: &'a Row<'_>, column: usize) -> Result<Option<&'a str>, SqlError> {
    Ok(row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from)?)
}

/// A key as it was written.
pub(super) fn read_key(value: ValueRef<'_>) -> Result<Key, SqlError> {
    value.as_blob().ok().and_then(Key::from_hash).ok_or(SqlError::Damaged("a key that is not one"))
}

/// Whether there is a table of this name: a database of an earlier version that is only read lacks the later ones.
pub(super) fn has_table(connection: &Connection, name: &str) -> Result<bool, SqlError> {
    Ok(connection.prepare_cached("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1")?.exists([name])?)
}
