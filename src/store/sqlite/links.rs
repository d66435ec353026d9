//! Links in the database: a log at whose end new links are written, and a table that finds them.
//!
//! A table in the order of hashes would cost a page for each new link. So new links are appended to the log, those of a group
//! of operations as one row (`link_block`), and moved into the table many at a time, in its order. An earlier version has
//! written a row for each (`link_log`); they are older than any block.

use super::error::SqlError;
use super::rows::read_key;
use crate::packed::{Bytes, OrNone, optional};
use crate::store::coded::{check_seal, int, link_seal, seal};
use crate::store::key::Key;
use rusqlite::{Connection, Row, params};

/// New links before they are moved into the table: about 2 MiB of memory, and at most 64 MiB of log when the table is
/// so large that each is written to a page of its own.
const GROUP: u64 = 16 * 1024;

/// Links, each with the id to which it leads; none: it was removed.
pub(super) type Links = Vec<(Key, Option<String>)>;

/// The end of the log.
#[derive(Default)]
pub(super) struct LinkLog {
    /// Those of this group, and how many they are.
    new: Vec<u8>,
    new_len: u64,
    /// How many are in the log, and the number of its last block; none: not known.
    logged: Option<(u64, i64)>,
}

impl LinkLog {
    /// Drops what is kept in memory.
    pub(super) fn drop_memory(&mut self) {
        *self = LinkLog::default();
    }

    /// Adds a link, or (`None`) that it was removed. It is in the database after [`LinkLog::write`].
    pub(super) fn add(&mut self, link: &Key, target_id: Option<&str>) {
        self.new.extend(link.as_bytes());
        optional(&mut self.new, target_id);
        self.new_len += 1;
    }

    /// Writes the links of this group.
    pub(super) fn write(&mut self, connection: &Connection) -> Result<(), SqlError> {
        if self.new_len == 0 {
            return Ok(());
        }
        let (logged, last) = self.logged(connection)?;
        let (no, len) = (last + 1, int(self.new_len));
        let sealed = block_seal(no, len, &self.new);
        let mut statement = connection.prepare_cached("INSERT INTO link_block VALUES (?1, ?2, ?3, ?4)")?;
        statement.execute(params![no, len, self.new, sealed])?;
        self.logged = Some((logged + self.new_len, no));
        self.new.clear();
        self.new_len = 0;
        Ok(())
    }

    fn logged(&self, connection: &Connection) -> Result<(u64, i64), SqlError> {
        if let Some(logged) = self.logged {
            return Ok(logged);
        }
        let sql =
            "SELECT coalesce(sum(len), 0) + (SELECT count(*) FROM link_log), coalesce(max(no), 0) FROM link_block";
        let logged = connection.query_row(sql, [], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?)))?;
        Ok((logged.0.unsigned_abs(), logged.1))
    }

    /// Whether the log is so long that it is to be moved into the table.
    pub(super) fn is_due(&self) -> bool {
        self.logged.is_some_and(|(logged, _)| logged >= GROUP)
    }

    /// Moves the log into the table, in a transaction of its own. Returns what readers find from now on.
    pub(super) fn move_into_table(&mut self, connection: &Connection) -> Result<Links, SqlError> {
        // Grown step by step, the list would leave memory of each size behind.
        let room = self.logged.map_or(0, |(logged, _)| logged.min(2 * GROUP));
        let mut links = Links::with_capacity(usize::try_from(room).unwrap_or_default());
        read_log(connection, &mut links)?;
        if !links.is_empty() {
            let transaction = connection.unchecked_transaction()?;
            put(&transaction, &links)?;
            transaction.execute("DELETE FROM link_log", [])?;
            transaction.execute("DELETE FROM link_block", [])?;
            transaction.commit()?;
        }
        self.logged = Some((0, 0));
        Ok(links)
    }
}

fn block_seal(no: i64, len: i64, data: &[u8]) -> i64 {
    seal(&[no, len], &[Some(data)])
}

fn put(connection: &Connection, links: &Links) -> Result<(), SqlError> {
    let mut put = connection.prepare_cached(
        "INSERT INTO link VALUES (?1, ?2, ?3)
         ON CONFLICT (key) DO UPDATE SET target_id = ?2, seal = ?3 WHERE target_id <> ?2 OR seal <> ?3",
    )?;
    let mut remove = connection.prepare_cached("DELETE FROM link WHERE key = ?1")?;
    for (link, target_id) in links {
        let seal = link_seal(link, target_id.as_deref());
        let link = link.as_bytes().as_slice();
        match target_id {
            Some(target_id) => put.execute(params![link, target_id, seal])?,
            None => remove.execute([link])?,
        };
    }
    Ok(())
}

/// Reads the links of the log in the order of the table, the latest of each; at most a group and one transaction.
fn read_log(connection: &Connection, links: &mut Links) -> Result<(), SqlError> {
    let mut statement = connection.prepare_cached("SELECT no, len, data, seal FROM link_block ORDER BY no DESC")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let first = links.len();
        read_block(row, links)?;
        links.get_mut(first..).unwrap_or_default().reverse();
    }
    let mut statement = connection.prepare_cached("SELECT key, target_id, seal FROM link_log ORDER BY no DESC")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let link = read_key(row.get_ref(0)?)?;
        let target_id: Option<String> = row.get(1)?;
        check_seal(row.get(2)?, link_seal(&link, target_id.as_deref()))?;
        links.push((link, target_id));
    }
    links.sort_by_key(|(link, _)| *link);
    links.dedup_by_key(|(link, _)| *link);
    Ok(())
}

/// Reads no, length, data, seal.
fn read_block(row: &Row<'_>, links: &mut Links) -> Result<(), SqlError> {
    const DAMAGED: SqlError = SqlError::Damaged("links that cannot be read");
    let (no, len, data) = (row.get(0)?, row.get(1)?, row.get_ref(2)?.as_blob().map_err(|_| DAMAGED)?);
    check_seal(row.get(3)?, block_seal(no, len, data))?;
    let mut bytes = Bytes(data);
    for _ in 0..len {
        let link = bytes.take(16).and_then(Key::from_hash).ok_or(DAMAGED)?;
        let OrNone(target_id) = bytes.optional().ok_or(DAMAGED)?;
        links.push((link, target_id));
    }
    if bytes.0.is_empty() { Ok(()) } else { Err(DAMAGED) }
}

/// The id to which a link in the table leads.
pub(super) fn stored(connection: &Connection, link: &Key) -> Result<Option<String>, SqlError> {
    let mut statement = connection.prepare_cached("SELECT target_id, seal FROM link WHERE key = ?1")?;
    let mut rows = statement.query([link.as_bytes().as_slice()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let target_id: String = row.get(0)?;
    check_seal(row.get(1)?, link_seal(link, Some(&target_id)))?;
    Ok(Some(target_id))
}

/// Whether the table has any link.
pub(super) fn any(connection: &Connection) -> Result<bool, SqlError> {
    Ok(connection.query_row("SELECT EXISTS (SELECT 1 FROM link)", [], |row| row.get(0))?)
}
