//! Links in the database: a log at whose end new links are written, and a table that finds them.
//!
//! A table in the order of hashes would cost a page for each new link. So new links are appended to the log, and moved into
//! the table a group at a time, in its order.

use super::error::SqlError;
use super::rows::read_key;
use crate::store::coded::{check_seal, link_seal};
use crate::store::key::Key;
use rusqlite::{Connection, params};

/// New links before they are moved into the table: about 2 MiB of memory, and at most 64 MiB of log when the table is
/// so large that each is written to a page of its own.
const GROUP: u64 = 16 * 1024;

/// Whether the log has the length of a group.
pub(super) fn is_due(connection: &Connection) -> Result<bool, SqlError> {
    let mut statement = connection.prepare_cached("SELECT coalesce(max(no), 0) FROM link_log")?;
    let logged: i64 = statement.query_row([], |row| row.get(0))?;
    Ok(logged.unsigned_abs() >= GROUP)
}

/// Moves the log into the table, in a transaction of its own. Returns what readers find from now on.
pub(super) fn move_into_table(connection: &Connection) -> Result<Vec<(Key, Option<String>)>, SqlError> {
    let links = logged(connection)?;
    if !links.is_empty() {
        let transaction = connection.unchecked_transaction()?;
        let mut put = transaction.prepare_cached(
            "INSERT INTO link VALUES (?1, ?2, ?3)
             ON CONFLICT (key) DO UPDATE SET target_id = ?2, seal = ?3 WHERE target_id <> ?2 OR seal <> ?3",
        )?;
        let mut remove = transaction.prepare_cached("DELETE FROM link WHERE key = ?1")?;
        for (link, target_id) in &links {
            let seal = link_seal(link, target_id.as_deref());
            let link = link.as_bytes().as_slice();
            match target_id {
                Some(target_id) => put.execute(params![link, target_id, seal])?,
                None => remove.execute([link])?,
            };
        }
        transaction.execute("DELETE FROM link_log", [])?;
        drop((put, remove));
        transaction.commit()?;
    }
    Ok(links)
}

/// The links of the log in the order of the table, the latest of each; at most a group and one transaction.
fn logged(connection: &Connection) -> Result<Vec<(Key, Option<String>)>, SqlError> {
    let mut statement = connection.prepare_cached("SELECT key, target_id, seal FROM link_log ORDER BY no DESC")?;
    let mut rows = statement.query([])?;
    let mut links: Vec<(Key, Option<String>)> = Vec::new();
    while let Some(row) = rows.next()? {
        let link = read_key(row.get_ref(0)?)?;
        let target_id: Option<String> = row.get(1)?;
        check_seal(row.get(2)?, link_seal(&link, target_id.as_deref()))?;
        links.push((link, target_id));
    }
    links.sort_by_key(|(link, _)| *link);
    links.dedup_by_key(|(link, _)| *link);
    Ok(links)
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
