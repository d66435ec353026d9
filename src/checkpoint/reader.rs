//! The reading side of the tables. Every row is proven against its seal before it is believed.

use super::links::read_key;
use super::model::{Entry, Image, Intent, OpenIntent, OutcomeRow, RunNo, RunRow, Tally};
use super::rows::{Detail, count, identities_of, kind_of, outcome_of, prove_seal, skip_name};
use super::schema::StoreError;
use super::tables::{image_seal, index_name, intent_seal, note_seal, run_seal};
use super::{Key, Shared, tables};
use crate::contact::FieldSet;
use crate::ids::{CommandKind, RunStatus};
use crate::outcome::{Failure, Outcome};
use crate::record::Origin;
use rusqlite::{Connection, OptionalExtension, Params, Row, params};
use std::collections::BTreeMap;

/// Names of what was not carried that are counted each by itself; made-up tags could be as many as records.
const NAMES_MAX: usize = 4096;

/// Under which further names are counted together.
const OTHER_NAMES: &str = "…";

/// Open intents read at a time.
pub(super) const INTENTS_PAGE: i64 = 1000;

/// All runs, the newest first.
pub(super) fn runs(connection: &Connection) -> Result<Vec<RunRow>, StoreError> {
    select_runs(connection, "ORDER BY no DESC", [])
}

/// Runs that did not come to their end, the newest first; of this work, or of any other.
pub(super) fn unfinished(connection: &Connection, work: &str, same: bool) -> Result<Vec<RunRow>, StoreError> {
    select_runs(connection, "WHERE NOT done AND (work = ?1) = ?2 ORDER BY no DESC", params![work, same])
}

fn select_runs(connection: &Connection, which: &str, params: impl Params) -> Result<Vec<RunRow>, StoreError> {
    let mut statement =
        connection.prepare(&format!("SELECT no, name, work, command, done, pass, info, seal FROM run {which}"))?;
    let mut rows = statement.query(params)?;
    let mut runs = Vec::new();
    while let Some(row) = rows.next()? {
        prove_seal(row.get(7)?, run_seal(row)?)?;
        let status = if row.get(4)? { RunStatus::Done } else { RunStatus::Unfinished };
        let info = serde_json::from_str(text(row, 6)?.unwrap_or_default())?;
        let (name, work) = (row.get(1)?, row.get(2)?);
        let command = CommandKind::named(text(row, 3)?.unwrap_or_default());
        let command = command.ok_or(StoreError::Damaged("a run belongs to an unknown command"))?;
        runs.push(RunRow { no: RunNo(row.get(0)?), name, work, command, status, pass: row.get(5)?, info });
    }
    Ok(runs)
}

/// The entry of a run with this key, as earlier passes left it.
pub(super) fn entry(
    connection: &Connection,
    shared: &Shared,
    run: RunNo,
    key: &Key,
) -> Result<Option<Entry>, StoreError> {
    let from = match shared.indexed(run) {
        Some(0) => return Ok(None),
        Some(last) => format!("INDEXED BY {} WHERE run = {} AND no <= {last}", index_name(run), run.0),
        None => format!("WHERE run = {}", run.0),
    };
    let sql = format!(
        "SELECT no, key, ordinal, line, pass, outcome, target_id, detail, seal FROM entry {from} AND key = ?1
         ORDER BY no DESC LIMIT 1"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([key.as_bytes().as_slice()])?;
    rows.next()?.map(|row| read_entry(row, run)).transpose()
}

/// Whether a run has any entry.
pub(super) fn has_entries(connection: &Connection, run: RunNo) -> Result<bool, StoreError> {
    let mut statement = connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM entry WHERE run = ?1)")?;
    Ok(statement.query_row([run.0], |row| row.get(0))?)
}

/// Reads no, key, ordinal, line, pass, outcome, target id, detail, seal.
fn read_entry(row: &Row<'_>, run: RunNo) -> Result<Entry, StoreError> {
    let key = read_key(row.get_ref(1)?)?;
    let numbers: [i64; 4] = [row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?];
    let (target_id, detail) = (text(row, 6)?, text(row, 7)?);
    let expected = tables::entry_seal(run, row.get(0)?, &key, &numbers, target_id, detail);
    prove_seal(row.get(8)?, expected)?;
    let [ordinal, line, pass, outcome] = numbers;
    let Detail { problems, not_carried, cleared } = Detail::from_text(detail)?;
    Ok(Entry {
        outcome: outcome_of(outcome)?,
        origin: Origin { ordinal: count(ordinal)?, line: count(line)? },
        pass: u32::try_from(pass).map_err(|_| StoreError::Damaged("a pass that cannot be"))?,
        target_id: target_id.map(str::to_owned),
        not_carried,
        cleared,
        problems,
    })
}

/// Reads ordinal, line, outcome, line of the first, detail, seal.
fn read_note(row: &Row<'_>, run: RunNo, pass: u32) -> Result<OutcomeRow, StoreError> {
    let numbers: [i64; 4] = [row.get(0)?, row.get(1)?, i64::from(pass), row.get(2)?];
    let (duplicate_of, detail): (Option<i64>, _) = (row.get(3)?, text(row, 4)?);
    prove_seal(row.get(5)?, note_seal(run, &numbers, duplicate_of, detail))?;
    let [ordinal, line, _, outcome] = numbers;
    Ok(OutcomeRow {
        origin: Origin { ordinal: count(ordinal)?, line: count(line)? },
        outcome: outcome_of(outcome)?,
        target_id: None,
        duplicate_of: duplicate_of.map(count).transpose()?,
        problems: Detail::from_text(detail)?.problems,
        key: None,
    })
}

/// A text, or nothing.
pub(super) fn text<'a>(row: &'a Row<'_>, column: usize) -> Result<Option<&'a str>, StoreError> {
    Ok(row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from)?)
}

/// A page of the intents of all runs that have no outcome, after this one.
pub(super) fn open_intents(
    connection: &Connection,
    after: Option<(RunNo, Key)>,
) -> Result<Vec<OpenIntent>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT run, key, kind, ordinal, line, at_ms, attempt, target_id, identities, image, seal, made, begun
         FROM intent
         WHERE (run, key) > (?1, ?2) ORDER BY run, key LIMIT ?3",
    )?;
    let (run, key) = after.map_or((i64::MIN, Vec::new()), |(run, key)| (run.0, key.as_bytes().to_vec()));
    let mut rows = statement.query(params![run, key, INTENTS_PAGE])?;
    let mut intents = Vec::new();
    while let Some(row) = rows.next()? {
        intents.push(read_intent(row)?);
    }
    Ok(intents)
}

fn read_intent(row: &Row<'_>) -> Result<OpenIntent, StoreError> {
    let (run, key) = (RunNo(row.get(0)?), read_key(row.get_ref(1)?)?);
    let numbers: [i64; 6] = [row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?, row.get(12)?];
    let texts @ [target_id, identities, made] = [text(row, 7)?, text(row, 8)?, text(row, 11)?];
    prove_seal(row.get(10)?, intent_seal(run, &key, &numbers, row.get(9)?, texts))?;
    let [kind, ordinal, line, at_ms, attempt, begun] = numbers;
    let intent = Intent {
        kind: kind_of(kind)?,
        identities: identities_of(identities.unwrap_or_default())?,
        origin: Origin { ordinal: count(ordinal)?, line: count(line)? },
        at_ms: count(at_ms)?,
        attempt: u32::try_from(attempt).map_err(|_| StoreError::Damaged("an attempt that cannot be"))?,
        target_id: target_id.map(str::to_owned),
        before: None,
        after: Vec::new(),
        made: made.map(str::to_owned),
        begun: FieldSet::of_bits(u32::try_from(begun).map_err(|_| StoreError::Damaged("fields that cannot be"))?),
    };
    let sent_by_ms = intent.at_ms;
    Ok(OpenIntent { run, key, intent, sent_by_ms })
}

/// The sums of one pass.
pub(super) fn tally(connection: &Connection, run: RunNo, pass: u32) -> Result<Tally, StoreError> {
    let mut tally = Tally::default();
    let mut statement = connection.prepare_cached(ENTRIES_OF_PASS)?;
    let mut rows = statement.query(params![run.0, pass])?;
    while let Some(row) = rows.next()? {
        add_entry(&mut tally, read_entry(row, run)?);
    }
    add_notes(&mut tally, connection, run, pass)?;
    Ok(tally)
}

/// The sums of all entries, whichever pass claims them, and of the notes of one pass.
pub(super) fn tally_so_far(connection: &Connection, run: RunNo, pass: u32) -> Result<Tally, StoreError> {
    let mut tally = Tally::default();
    for_each_entry(connection, run, |_, entry| {
        add_entry(&mut tally, entry);
        Ok(())
    })?;
    add_notes(&mut tally, connection, run, pass)?;
    Ok(tally)
}

fn add_entry(tally: &mut Tally, entry: Entry) {
    add(tally, entry.outcome, entry.problems.first().map(|problem| &*problem.code));
    tally.cleared += entry.cleared;
    entry.not_carried.into_iter().for_each(|name| add_name(&mut tally.not_carried, name));
}

fn add_notes(tally: &mut Tally, connection: &Connection, run: RunNo, pass: u32) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(NOTES_OF_PASS)?;
    let mut rows = statement.query(params![run.0, pass])?;
    while let Some(row) = rows.next()? {
        let note = read_note(row, run, pass)?;
        add(tally, note.outcome, note.problems.first().map(|problem| &*problem.code));
    }
    Ok(())
}

const ENTRIES_OF_PASS: &str =
    "SELECT no, key, ordinal, line, pass, outcome, target_id, detail, seal FROM entry WHERE run = ?1 AND pass = ?2";

const NOTES_OF_PASS: &str =
    "SELECT ordinal, line, outcome, duplicate_of, detail, seal FROM note WHERE run = ?1 AND pass = ?2 ORDER BY ordinal";

fn add(tally: &mut Tally, outcome: Outcome, code: Option<&str>) {
    tally.totals.add(outcome, 1);
    match outcome {
        Outcome::Skipped(skip) => *tally.skipped.entry(skip_name(skip).to_owned()).or_default() += 1,
        Outcome::Rejected => add_name(&mut tally.rejects, code.unwrap_or(OTHER_NAMES).to_owned()),
        _ => {}
    }
}

fn add_name(sums: &mut BTreeMap<String, u64>, name: String) {
    let name = if sums.len() < NAMES_MAX || sums.contains_key(&name) { name } else { OTHER_NAMES.to_owned() };
    *sums.entry(name).or_default() += 1;
}

/// Gives every record of a pass that has an outcome, in the order of origins.
pub(super) fn for_each_outcome(
    connection: &Connection,
    run: RunNo,
    pass: u32,
    mut give: impl FnMut(OutcomeRow) -> Result<(), Failure>,
) -> Result<(), StoreError> {
    let mut give = |row| give(row).map_err(StoreError::Stopped);
    let mut entry_statement = connection.prepare_cached(&format!("{ENTRIES_OF_PASS} ORDER BY ordinal"))?;
    let mut note_statement = connection.prepare_cached(NOTES_OF_PASS)?;
    let mut entries = entry_statement.query(params![run.0, pass])?;
    let mut notes = note_statement.query(params![run.0, pass])?;
    let mut next_note = || notes.next()?.map(|row| read_note(row, run, pass)).transpose();
    let mut note = next_note()?;
    while let Some(row) = entries.next()? {
        let key = read_key(row.get_ref(1)?)?;
        let entry = outcome_row(key, read_entry(row, run)?);
        while let Some(earlier) = note.take_if(|note| note.origin <= entry.origin) {
            give(earlier)?;
            note = next_note()?;
        }
        give(entry)?;
    }
    while let Some(rest) = note.take() {
        give(rest)?;
        note = next_note()?;
    }
    Ok(())
}

fn outcome_row(key: Key, entry: Entry) -> OutcomeRow {
    let Entry { outcome, origin, target_id, problems, .. } = entry;
    OutcomeRow { origin, outcome, target_id, duplicate_of: None, problems, key: Some(key) }
}

/// Gives all entries of a run, also those that no record of its latest pass claims, in the order of writing.
pub(super) fn for_each_entry(
    connection: &Connection,
    run: RunNo,
    mut give: impl FnMut(Key, Entry) -> Result<(), Failure>,
) -> Result<(), StoreError> {
    let sql = "SELECT no, key, ordinal, line, pass, outcome, target_id, detail, seal FROM entry WHERE run = ?1
               ORDER BY no";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([run.0])?;
    while let Some(row) = rows.next()? {
        let key = read_key(row.get_ref(1)?)?;
        give(key, read_entry(row, run)?).map_err(StoreError::Stopped)?;
    }
    Ok(())
}

/// Gives the images of a run in the order in which they were taken.
pub(super) fn for_each_image(
    connection: &Connection,
    run: RunNo,
    mut give: impl FnMut(Image) -> Result<(), Failure>,
) -> Result<(), StoreError> {
    let sql = "SELECT key, target_id, at_ms, before, after, seal FROM image WHERE run = ?1 ORDER BY no";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([run.0])?;
    while let Some(row) = rows.next()? {
        let (key, target_id, at_ms) = (read_key(row.get_ref(0)?)?, text(row, 1)?, row.get(2)?);
        let (before, after) = (text(row, 3)?, text(row, 4)?);
        prove_seal(row.get(5)?, image_seal(run, &key, at_ms, [target_id, before, after]))?;
        let after = serde_json::from_str(after.unwrap_or_default())?;
        let (target_id, before) = (target_id.map(str::to_owned), before.map(str::to_owned));
        give(Image { key, target_id, at_ms: count(at_ms)?, before, after }).map_err(StoreError::Stopped)?;
    }
    Ok(())
}

/// What is remembered under a name.
pub(super) fn recall(connection: &Connection, name: &str) -> Result<Option<String>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT value FROM memory WHERE name = ?1")?;
    Ok(statement.query_row([name], |row| row.get(0)).optional()?)
}

/// What is remembered under names that begin so, in their order.
pub(super) fn recall_all(connection: &Connection, prefix: &str) -> Result<Vec<(String, String)>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT name, value FROM memory WHERE substr(name, 1, length(?1)) = ?1 ORDER BY name")?;
    let rows = statement.query_map([prefix], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
