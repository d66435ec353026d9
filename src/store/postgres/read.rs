//! Questions to the tables of one account, each over a connection. Every row is checked against its seal before it is used.

use super::error::DbError;
use super::rows::{entry_seal, image_seal, place_seal};
use crate::ids::{CommandKind, RunStatus};
use crate::record::Origin;
use crate::store::coded::{
    CodeError, Detail, check_seal, count, intent_of, intent_seal, link_seal, note_seal, outcome_of, run_seal, turn_seal,
};
use crate::store::contract::TallyOf;
use crate::store::image_code::decode;
use crate::store::key::Key;
use crate::store::model::{
    Entry, EntryNo, ImageNo, NumberedEntry, NumberedImage, OpenIntent, OutcomeRow, RunNo, RunRow, Turns,
};
use deadpool_postgres::ClientWrapper;
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

/// Open intents read at a time.
const INTENTS_PAGE: i64 = 1000;

/// Entries and source outcomes read at a time: about 1 MiB.
pub(super) const ROWS_PAGE: i64 = 4096;

/// Images read at a time; each may hold a whole contact.
const IMAGES_PAGE: i64 = 256;

impl From<CodeError> for DbError {
    fn from(error: CodeError) -> DbError {
        match error {
            CodeError::Damaged(how) => DbError::Damaged(how),
            CodeError::Json(error) => DbError::Json(error),
        }
    }
}

/// The rows of a statement that is prepared once for a connection.
pub(super) async fn rows(
    client: &ClientWrapper,
    sql: &str,
    values: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Row>, DbError> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.query(&statement, values).await?)
}

pub(super) async fn is_so(client: &ClientWrapper, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<bool, DbError> {
    let rows = rows(client, sql, values).await?;
    Ok(rows.first().map(|row| row.try_get(0)).transpose()?.unwrap_or_default())
}

const RUN: &str = "SELECT no, name, work, command, done, pass, info, seal FROM ferry.run WHERE account = $1";

pub(super) async fn runs(client: &ClientWrapper, account: i32) -> Result<Vec<RunRow>, DbError> {
    let rows = rows(client, &format!("{RUN} ORDER BY no DESC"), &[&account]).await?;
    rows.iter().map(read_run).collect()
}

/// One run.
pub(super) async fn one_run(client: &ClientWrapper, account: i32, run: RunNo) -> Result<RunRow, DbError> {
    let rows = rows(client, &format!("{RUN} AND no = $2"), &[&account, &number(run)?]).await?;
    rows.first().map(read_run).transpose()?.ok_or_else(|| no_run(run))
}

fn read_run(row: &Row) -> Result<RunRow, DbError> {
    let (no, pass): (i32, i32) = (row.try_get(0)?, row.try_get(5)?);
    let [name, work, command, info]: [String; 4] = [row.try_get(1)?, row.try_get(2)?, row.try_get(3)?, row.try_get(6)?];
    let is_done: bool = row.try_get(4)?;
    let texts = [Some(&*name), Some(&*work), Some(&*command), Some(&*info)];
    let expected = run_seal([i64::from(no), i64::from(is_done), i64::from(pass)], texts);
    check_seal(row.try_get(7)?, expected)?;
    let command = CommandKind::named(&command).ok_or(DbError::Damaged("a run belongs to an unknown command"))?;
    let pass = u32::try_from(pass).map_err(|_| DbError::Damaged("a pass that is impossible"))?;
    let (no, status) = (RunNo(i64::from(no)), if is_done { RunStatus::Done } else { RunStatus::Unfinished });
    Ok(RunRow { no, name, work, command, status, pass, info: serde_json::from_str(&info)? })
}

/// The turns of all runs, or of one.
pub(super) async fn turns_of(
    client: &ClientWrapper,
    account: i32,
    run: Option<RunNo>,
) -> Result<Vec<(RunNo, Turns)>, DbError> {
    let sql = "SELECT run, first, last, how, seal FROM ferry.turn
               WHERE account = $1 AND ($2::integer IS NULL OR run = $2) ORDER BY run";
    let run = run.map(number).transpose()?;
    let read = |row: &Row| {
        let (run, first, last): (i32, i64, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let (run, how): (RunNo, Option<String>) = (RunNo(i64::from(run)), row.try_get(3)?);
        check_seal(row.try_get(4)?, turn_seal(run, first, last, how.as_deref()))?;
        Ok((run, Turns { first: count(first)?, last: count(last)?, how }))
    };
    rows(client, sql, &[&account, &run]).await?.iter().map(read).collect()
}

const ENTRY: &str = "e.no, e.key, e.ordinal, e.line, e.pass, e.outcome, e.target_id, e.detail, e.seal, e.place_seal";

/// By the keys: the latest entry of earlier passes; of a finished run the latest of all.
pub(super) async fn entries(
    client: &ClientWrapper,
    account: i32,
    run: RunNo,
    keys: &[Key],
) -> Result<Vec<Option<Entry>>, DbError> {
    let sql = format!(
        "SELECT {ENTRY}, t.place FROM unnest($3::bytea[]) WITH ORDINALITY AS t(key, place)
         JOIN ferry.run r ON r.account = $1 AND r.no = $2
         JOIN LATERAL (
             SELECT * FROM ferry.entry e
             WHERE (e.account::bigint << 32 | e.run) = (r.account::bigint << 32 | r.no) AND e.key = t.key
                 AND (r.done OR (e.no <= r.earlier AND NOT e.hidden)) ORDER BY e.no DESC LIMIT 1) e ON true"
    );
    let mut entries = vec![None; keys.len()];
    let bytes: Vec<&[u8]> = keys.iter().map(|key| key.as_bytes().as_slice()).collect();
    for row in rows(client, &sql, &[&account, &number(run)?, &bytes]).await? {
        let place: i64 = row.try_get(10)?;
        let place = usize::try_from(place - 1).ok().and_then(|place| entries.get_mut(place));
        let place = place.ok_or(DbError::Damaged("an entry that was not asked for"))?;
        *place = Some(read_entry(&row, run)?.entry);
    }
    Ok(entries)
}

pub(super) async fn has_entries(client: &ClientWrapper, account: i32, run: RunNo) -> Result<bool, DbError> {
    let sql = "SELECT EXISTS (
                   SELECT 1 FROM ferry.run r JOIN ferry.entry e ON e.account = $1 AND e.run = $2
                   WHERE r.account = $1 AND r.no = $2 AND (r.done OR (e.no <= r.earlier AND NOT e.hidden)))";
    is_so(client, sql, &[&account, &number(run)?]).await
}

pub(super) async fn entry_page(
    client: &ClientWrapper,
    account: i32,
    run: RunNo,
    after: EntryNo,
) -> Result<Vec<NumberedEntry>, DbError> {
    let sql = format!(
        "SELECT {ENTRY} FROM ferry.entry e WHERE account = $1 AND run = $2 AND no > $3 ORDER BY no LIMIT {ROWS_PAGE}"
    );
    let rows = rows(client, &sql, &[&account, &number(run)?, &after.0]).await?;
    rows.iter().map(|row| read_entry(row, run)).collect()
}

fn read_entry(row: &Row, run: RunNo) -> Result<NumberedEntry, DbError> {
    let (no, key) = (EntryNo(row.try_get(0)?), key_of(row, 1)?);
    let (ordinal, line): (i64, i64) = (row.try_get(2)?, row.try_get(3)?);
    let (pass, outcome): (i32, i16) = (row.try_get(4)?, row.try_get(5)?);
    let (target_id, detail): (_, Option<&str>) = (text_of(row, 6)?, row.try_get(7)?);
    check_seal(row.try_get(8)?, entry_seal(run, &key, i64::from(outcome), [target_id.as_deref(), detail]))?;
    check_seal(row.try_get(9)?, place_seal(run, &key, [ordinal, line, i64::from(pass)]))?;
    let Detail { problems, not_carried, cleared } = Detail::from_text(detail)?;
    let entry = Entry {
        outcome: outcome_of(i64::from(outcome))?,
        origin: Origin { ordinal: count(ordinal)?, line: count(line)? },
        pass: u32::try_from(pass).map_err(|_| DbError::Damaged("a pass that is impossible"))?,
        target_id,
        not_carried,
        cleared,
        problems,
    };
    Ok(NumberedEntry { no, key, entry })
}

pub(super) fn key_of(row: &Row, column: usize) -> Result<Key, DbError> {
    let bytes: &[u8] = row.try_get(column)?;
    Key::from_hash(bytes).ok_or(DbError::Damaged("a key that is not one"))
}

/// A text that is kept as bytes.
pub(super) fn text_of(row: &Row, column: usize) -> Result<Option<String>, DbError> {
    let bytes: Option<&[u8]> = row.try_get(column)?;
    let text = bytes.map(|bytes| String::from_utf8(bytes.to_vec())).transpose();
    text.map_err(|_| DbError::Damaged("a text that is none"))
}

/// Which entries a tally counts, a page at a time.
pub(super) async fn entries_of(
    client: &ClientWrapper,
    account: i32,
    (run, of): (RunNo, TallyOf),
    after: EntryNo,
) -> Result<Vec<NumberedEntry>, DbError> {
    let pass = match of {
        TallyOf::Pass(pass) => Some(pass_number(pass)?),
        TallyOf::SoFar(_) => None,
    };
    let sql = format!(
        "SELECT {ENTRY} FROM ferry.entry e WHERE account = $1 AND run = $2 AND no > $3 AND ($4::integer IS NULL OR pass = $4)
         ORDER BY no LIMIT {ROWS_PAGE}"
    );
    let rows = rows(client, &sql, &[&account, &number(run)?, &after.0, &pass]).await?;
    rows.iter().map(|row| read_entry(row, run)).collect()
}

pub(super) fn pass_number(pass: u32) -> Result<i32, DbError> {
    i32::try_from(pass).map_err(|_| DbError::Misuse("a pass that is impossible".into()))
}

/// The source outcomes of a pass after this ordinal, in their order.
pub(super) async fn notes(
    client: &ClientWrapper,
    account: i32,
    (run, pass): (RunNo, u32),
    after: i64,
) -> Result<Vec<OutcomeRow>, DbError> {
    let sql = format!(
        "SELECT ordinal, line, outcome, duplicate_of, detail, seal FROM ferry.note
         WHERE account = $1 AND run = $2 AND pass = $3 AND ordinal > $4 ORDER BY ordinal LIMIT {ROWS_PAGE}"
    );
    let rows = rows(client, &sql, &[&account, &number(run)?, &pass_number(pass)?, &after]).await?;
    rows.iter().map(|row| read_note(row, run, pass)).collect()
}

fn read_note(row: &Row, run: RunNo, pass: u32) -> Result<OutcomeRow, DbError> {
    let (ordinal, line, outcome): (i64, i64, i16) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    let (duplicate_of, detail): (Option<i64>, Option<&str>) = (row.try_get(3)?, row.try_get(4)?);
    let numbers = [ordinal, line, i64::from(pass), i64::from(outcome)];
    check_seal(row.try_get(5)?, note_seal(run, &numbers, duplicate_of, detail))?;
    Ok(OutcomeRow {
        origin: Origin { ordinal: count(ordinal)?, line: count(line)? },
        outcome: outcome_of(i64::from(outcome))?,
        target_id: None,
        duplicate_of: duplicate_of.map(count).transpose()?,
        problems: Detail::from_text(detail)?.problems,
        key: None,
    })
}

/// The entries of a pass from this ordinal and number on (not itself), in the order of the source.
pub(super) async fn entries_by_origin(
    client: &ClientWrapper,
    account: i32,
    (run, pass): (RunNo, u32),
    after: (i64, EntryNo),
) -> Result<Vec<NumberedEntry>, DbError> {
    let sql = format!(
        "SELECT {ENTRY} FROM ferry.entry e WHERE account = $1 AND run = $2 AND pass = $3 AND (ordinal, no) > ($4, $5)
         ORDER BY ordinal, no LIMIT {ROWS_PAGE}"
    );
    let values: [&(dyn ToSql + Sync); 5] = [&account, &number(run)?, &pass_number(pass)?, &after.0, &after.1.0];
    rows(client, &sql, &values).await?.iter().map(|row| read_entry(row, run)).collect()
}

pub(super) async fn image_page(
    client: &ClientWrapper,
    account: i32,
    run: RunNo,
    after: ImageNo,
) -> Result<Vec<NumberedImage>, DbError> {
    let sql = format!(
        "SELECT no, data, seal FROM ferry.image WHERE account = $1 AND run = $2 AND no > $3 ORDER BY no LIMIT {IMAGES_PAGE}"
    );
    let read = |row: &Row| {
        let (no, data): (i64, &[u8]) = (row.try_get(0)?, row.try_get(1)?);
        check_seal(row.try_get(2)?, image_seal(run, no, data))?;
        Ok(NumberedImage { no: ImageNo(no), image: decode(data)? })
    };
    rows(client, &sql, &[&account, &number(run)?, &after.0]).await?.iter().map(read).collect()
}

pub(super) async fn open_intents(
    client: &ClientWrapper,
    account: i32,
    after: Option<(RunNo, Key)>,
) -> Result<Vec<OpenIntent>, DbError> {
    let sql = format!(
        "SELECT run, key, kind, ordinal, line, at_ms, attempt, begun, target_id, identities, made, image, seal
         FROM ferry.intent WHERE account = $1 AND (run, key) > ($2, $3) ORDER BY run, key LIMIT {INTENTS_PAGE}"
    );
    let (run, key) = match after {
        Some((run, key)) => (number(run)?, key.as_bytes().to_vec()),
        None => (i32::MIN, Vec::new()),
    };
    rows(client, &sql, &[&account, &run, &key]).await?.iter().map(read_intent).collect()
}

fn read_intent(row: &Row) -> Result<OpenIntent, DbError> {
    let (run, kind, attempt): (i32, i16, i32) = (row.try_get(0)?, row.try_get(2)?, row.try_get(6)?);
    let (run, key) = (RunNo(i64::from(run)), key_of(row, 1)?);
    let [ordinal, line, at_ms, begun]: [i64; 4] = [row.try_get(3)?, row.try_get(4)?, row.try_get(5)?, row.try_get(7)?];
    let numbers @ [kind, .., attempt, _] = [i64::from(kind), ordinal, line, at_ms, i64::from(attempt), begun];
    let target_id = text_of(row, 8)?;
    let (identities, made, image): (&str, Option<&str>, Option<i64>) =
        (row.try_get(9)?, row.try_get(10)?, row.try_get(11)?);
    let texts = [target_id.as_deref(), Some(identities), made];
    let sealed = [run.0, kind, ordinal, line, at_ms, attempt, begun, image.unwrap_or(-1)];
    check_seal(row.try_get(12)?, intent_seal(&sealed, &key, texts))?;
    let intent = intent_of(numbers, texts)?;
    let sent_by_ms = intent.at_ms;
    Ok(OpenIntent { run, key, intent, sent_by_ms })
}

pub(super) async fn links(client: &ClientWrapper, account: i32, links: &[Key]) -> Result<Vec<Option<String>>, DbError> {
    let sql = "SELECT t.place, l.key, l.target_id, l.seal FROM unnest($2::bytea[]) WITH ORDINALITY AS t(key, place)
               JOIN LATERAL (SELECT * FROM ferry.link l WHERE l.account = $1 AND l.key = t.key LIMIT 1) l ON true";
    let bytes: Vec<&[u8]> = links.iter().map(|link| link.as_bytes().as_slice()).collect();
    let mut found = vec![None; links.len()];
    for row in rows(client, sql, &[&account, &bytes]).await? {
        let place: i64 = row.try_get(0)?;
        let place = usize::try_from(place - 1).ok().and_then(|place| found.get_mut(place));
        let (_, target_id) = read_link(&row, 1)?;
        *place.ok_or(DbError::Damaged("a link that was not asked for"))? = Some(target_id);
    }
    Ok(found)
}

/// A link of a row: key, id, seal from this column on.
pub(super) fn read_link(row: &Row, first: usize) -> Result<(Key, String), DbError> {
    let (link, target_id) = (key_of(row, first)?, text_of(row, first + 1)?.unwrap_or_default());
    check_seal(row.try_get(first + 2)?, link_seal(&link, Some(&target_id)))?;
    Ok((link, target_id))
}

pub(super) async fn has_links(client: &ClientWrapper, account: i32) -> Result<bool, DbError> {
    is_so(client, "SELECT EXISTS (SELECT 1 FROM ferry.link WHERE account = $1)", &[&account]).await
}

pub(super) async fn memories(
    client: &ClientWrapper,
    account: i32,
    prefix: &str,
) -> Result<Vec<(String, String)>, DbError> {
    let sql = "SELECT name, value FROM ferry.memory
               WHERE account = $1 AND name >= $2 AND substring(name FROM 1 FOR length($2)) = $2 ORDER BY name";
    let statement = client.prepare_typed_cached(sql, &[Type::INT4, Type::BYTEA]).await?;
    let rows = client.query(&statement, &[&account, &prefix.as_bytes()]).await?;
    let text = |row: &Row, column| Ok::<_, DbError>(text_of(row, column)?.unwrap_or_default());
    rows.iter().map(|row| Ok((text(row, 0)?, text(row, 1)?))).collect()
}

/// The number of a run as it is stored.
pub(super) fn number(run: RunNo) -> Result<i32, DbError> {
    i32::try_from(run.0).map_err(|_| no_run(run))
}

/// A run that does not exist.
pub(super) fn no_run(run: RunNo) -> DbError {
    DbError::Misuse(format!("there is no run {}", run.0))
}
