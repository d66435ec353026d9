//! Links: identity → id at the target. They belong to the connection and outlive its runs.
//!
//! A table in the order of hashes would cost a page for each new link. So new links are kept in memory and appended to
//! a log, and moved into the table a group at a time, in its order. What is kept in memory is bounded by the group.

use super::Key;
use super::rows::{prove_seal, seal};
use super::schema::StoreError;
use rusqlite::{Connection, params};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// New links before they are moved into the table: about 2 MiB of memory, and at most 64 MiB of log when the table is
/// so large that each lands on a page of its own.
const GROUP: u64 = 16 * 1024;

/// The links that are not in the table yet.
#[derive(Debug, Default)]
pub(super) struct NewLinks {
    /// `None`: there is no link any more.
    recent: Mutex<HashMap<Key, Option<Box<str>>>>,
    /// Whether the table has any link.
    stored: AtomicBool,
}

/// What memory knows of a link.
pub(super) enum Recent {
    /// Where it leads, or that it is gone.
    Known(Option<String>),
    /// Nothing: ask the table.
    AskTable,
    /// Nothing, and the table is empty.
    Nowhere,
}

impl NewLinks {
    pub(super) fn set(&self, link: Key, target_id: Option<&str>) {
        self.recent().insert(link, target_id.map(Box::from));
    }

    pub(super) fn get(&self, link: &Key) -> Recent {
        if let Some(known) = self.recent().get(link) {
            return Recent::Known(known.as_deref().map(str::to_owned));
        }
        if self.stored.load(Ordering::Acquire) { Recent::AskTable } else { Recent::Nowhere }
    }

    /// Whether there is any link at all.
    pub(super) fn any(&self) -> bool {
        self.stored.load(Ordering::Acquire) || !self.recent().is_empty()
    }

    /// Drops what the table now knows, unless it has changed since.
    fn moved(&self, links: &[(Key, Option<String>)]) {
        let mut recent = self.recent();
        for (link, target_id) in links {
            if recent.get(link).is_some_and(|known| known.as_deref() == target_id.as_deref()) {
                recent.remove(link);
            }
        }
    }

    fn recent(&self) -> MutexGuard<'_, HashMap<Key, Option<Box<str>>>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the log has a group's length.
pub(super) fn due(connection: &Connection) -> Result<bool, StoreError> {
    let mut statement = connection.prepare_cached("SELECT coalesce(max(no), 0) FROM link_log")?;
    let logged: i64 = statement.query_row([], |row| row.get(0))?;
    Ok(logged.unsigned_abs() >= GROUP)
}

/// Moves the log into the table, in a transaction of its own.
pub(super) fn move_into_table(connection: &Connection, new: &NewLinks) -> Result<(), StoreError> {
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
    let stored = connection.query_row("SELECT EXISTS (SELECT 1 FROM link)", [], |row| row.get(0))?;
    new.stored.store(stored, Ordering::Release);
    new.moved(&links);
    Ok(())
}

/// The links of the log in the order of the table, the latest of each; no more than a group and what came with it.
fn logged(connection: &Connection) -> Result<Vec<(Key, Option<String>)>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT key, target_id, seal FROM link_log ORDER BY no DESC")?;
    let mut rows = statement.query([])?;
    let mut links: Vec<(Key, Option<String>)> = Vec::new();
    while let Some(row) = rows.next()? {
        let link = read_key(row.get_ref(0)?)?;
        let target_id: Option<String> = row.get(1)?;
        prove_seal(row.get(2)?, link_seal(&link, target_id.as_deref()))?;
        links.push((link, target_id));
    }
    links.sort_by_key(|(link, _)| *link);
    links.dedup_by_key(|(link, _)| *link);
    Ok(links)
}

/// The link in the table.
pub(super) fn stored(connection: &Connection, link: &Key) -> Result<Option<String>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT target_id, seal FROM link WHERE key = ?1")?;
    let mut rows = statement.query([link.as_bytes().as_slice()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let target_id: String = row.get(0)?;
    prove_seal(row.get(1)?, link_seal(link, Some(&target_id)))?;
    Ok(Some(target_id))
}

/// The seal of a link.
pub(super) fn link_seal(link: &Key, target_id: Option<&str>) -> i64 {
    seal(&[], &[Some(link.as_bytes().as_slice()), target_id.map(str::as_bytes)])
}

/// A key as it was written.
pub(super) fn read_key(value: rusqlite::types::ValueRef<'_>) -> Result<Key, StoreError> {
    value.as_blob().ok().and_then(Key::from_hash).ok_or(StoreError::Damaged("a key that is none"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_changed_while_it_was_moved_stays_as_it_is_now() {
        let (one, other, links) = (Key::nth(b"one", 0), Key::nth(b"other", 0), NewLinks::default());
        links.set(one, Some("later"));
        links.set(other, Some("same"));
        links.moved(&[(one, Some("earlier".into())), (other, Some("same".into()))]);
        assert!(matches!(links.get(&one), Recent::Known(Some(id)) if id == "later"));
        assert!(matches!(links.get(&other), Recent::Nowhere));
    }
}
