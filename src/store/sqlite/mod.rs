//! The embedded store: one SQLite database an account, in write-ahead mode, private to its user, with a lock file and a mark
//! (how far it was written) beside it.

mod counter;
mod error;
mod fill;
mod images;
mod intent_rows;
mod intents;
mod links;
mod lock;
mod mark;
mod new_entries;
mod open_places;
mod reader;
mod rows;
mod schema;
mod tables;

pub(crate) use error::SqlError;
pub(in crate::store) use fill::Fill;
pub use lock::Lock;
pub(in crate::store) use reader::SqliteReader;

use super::contract::{Store, StoreReader};
use super::lease::Lease;
use super::op::{Answer, Applied, Op};
use super::private::create_folder_of;
use crate::outcome::Failure;
use counter::Counter;
use error::{beside, cannot_write, damaged};
use mark::Mark;
use schema::Use;
use std::path::{Path, PathBuf};
use tables::Tables;

/// The ending of the names of databases.
pub(in crate::store) const ENDING: &str = ".db";

/// A database that is open for writing.
pub struct SqliteStore {
    // Closed in this order: the lock is released when the database is closed.
    tables: Tables,
    mark: Mark,
    path: PathBuf,
    _lock: Lock,
}

impl SqliteStore {
    /// Opens the database at `path`, created if it is missing, and holds its lock until dropped.
    ///
    /// # Errors
    /// Exit 7 when another process has it; exit 1 when it is damaged, cannot be written, or is on a network drive.
    pub fn open(path: &Path) -> Result<SqliteStore, Failure> {
        create_folder_of(path).map_err(|error| cannot_write(path, &error))?;
        lock::refuse_network(path)?;
        let lock = Lock::take(path)?;
        if !path.exists() {
            if beside(path, "-wal").exists() {
                return Err(damaged(path, "its log is there, but the database itself is not"));
            }
            mark::remove(path)?;
            schema::create(path)?;
        }
        lock::make_all_private(path).map_err(|error| cannot_write(path, &error))?;
        let left_open = schema::check_length(path)?;
        let tables = connect(path, left_open).map_err(|error| error.failure(path))?;
        let mark = Mark::open(path, &tables.connection)?;
        Ok(SqliteStore { tables, mark, path: path.to_owned(), _lock: lock })
    }

    fn check_lease(&self, lease: &Lease) -> Result<(), SqlError> {
        let latest = counter::value(&self.tables.connection, Counter::Lease)?;
        if latest == lease.token { Ok(()) } else { Err(SqlError::Fenced(lease.token, latest)) }
    }

    /// Executes a group in one transaction; the answers, and the generation that it is.
    fn transact(&mut self, lease: &Lease, ops: &[Op]) -> Result<(Vec<Answer>, u64), SqlError> {
        self.tables.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let done = self.execute(lease, ops);
        if done.is_err() {
            self.tables.drop_memory();
            // The first error is the cause; SQLite has rolled back by itself after some of them.
            let _ = self.tables.connection.execute_batch("ROLLBACK");
        }
        done
    }

    fn execute(&mut self, lease: &Lease, ops: &[Op]) -> Result<(Vec<Answer>, u64), SqlError> {
        let generation = counter::count_group(&self.tables.connection, lease.token)?;
        let answers = self.tables.apply_all(ops)?;
        self.tables.connection.prepare_cached("COMMIT")?.execute([])?;
        Ok((answers, generation))
    }

    fn apply_all(&mut self, lease: &Lease, ops: &[Op]) -> Result<Applied, SqlError> {
        let (answers, generation) = self.transact(lease, ops)?;
        // An older mark proves less, and everything that matters is in the database: no reason to fail.
        let _ = self.mark.note(generation);
        let readable_links = self.tables.move_links(false)?;
        if ops.iter().any(|op| matches!(op, Op::Compact)) {
            self.compact()?;
        }
        Ok(Applied { answers, readable_links })
    }

    /// Returns free pages to the disk. Without room for a copy they stay, and are used by later runs.
    fn compact(&self) -> Result<(), SqlError> {
        let connection = &self.tables.connection;
        let free: i64 = connection.query_row("PRAGMA freelist_count", [], |row| row.get(0))?;
        if free > 0
            && let Err(error) = connection.execute_batch("VACUUM")
        {
            tracing::debug!("the space of removed runs is not returned: {error}");
        }
        Ok(())
    }
}

fn connect(path: &Path, left_open: bool) -> Result<Tables, SqlError> {
    let connection = schema::connect(path, Use::Write)?;
    if left_open {
        schema::check_pages(&connection, path)?;
    }
    let mut tables = Tables::new(connection);
    tables.move_links(true)?;
    Ok(tables)
}

impl Store for SqliteStore {
    /// The file lock is held already; the token protects against a process whose lock file was removed.
    fn acquire(&mut self) -> Result<Lease, Failure> {
        let token = counter::take_lease(&self.tables.connection);
        Ok(Lease { token: token.map_err(|error| error.failure(&self.path))?, valid_for: None })
    }

    fn renew(&mut self, lease: &Lease) -> Result<(), Failure> {
        self.check_lease(lease).map_err(|error| error.failure(&self.path))
    }

    fn apply(&mut self, lease: &Lease, ops: &[Op]) -> Result<Applied, Failure> {
        self.apply_all(lease, ops).map_err(|error| error.failure(&self.path))
    }

    fn reader(&self) -> Result<Box<dyn StoreReader>, Failure> {
        Ok(Box::new(SqliteReader::open(&self.path)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::{StepKind, WrittenValues};
    use crate::contact::FieldSet;
    use crate::ids::CommandKind;
    use crate::outcome::Exit;
    use crate::record::Origin;
    use crate::store::{Checkpoint, Intent, Key, NewRun};

    fn intent(ordinal: u64) -> Intent {
        Intent {
            kind: StepKind::Change,
            identities: Vec::new(),
            origin: Origin { ordinal, line: ordinal + 1 },
            at_ms: 0,
            attempt: 1,
            target_id: None,
            // Nothing that packing makes small.
            before: Some((0..32).map(|part| Key::nth(b"part", 32 * ordinal + part).to_string()).collect()),
            after: WrittenValues::default(),
            made: None,
            begun: FieldSet::default(),
        }
    }

    #[tokio::test]
    async fn a_full_disk_fails_every_caller_and_what_was_acknowledged_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        let open = || SqliteStore::open(&path).unwrap();
        let shown = path.display().to_string();
        let store = open();
        store.tables.connection.execute_batch("PRAGMA max_page_count = 200").unwrap();
        let checkpoint = Checkpoint::over(Box::new(store), &shown).unwrap();
        let new = NewRun { name: "one".into(), work: String::new(), command: CommandKind::Import, info: true.into() };
        let run = checkpoint.begin(&new).unwrap();
        checkpoint.begin_pass(run).unwrap();
        for number in 0..10 {
            checkpoint.intend(run, Key::nth(b"before", number), intent(number)).await.unwrap();
        }
        // More tasks than the queue has places, so that some wait for one when it fails.
        let tasks = (0..6000).map(|number| {
            let checkpoint = checkpoint.clone();
            tokio::spawn(async move { checkpoint.intend(run, Key::nth(b"", number), intent(number)).await })
        });
        let (mut kept, mut failures) = (10, Vec::new());
        for task in tasks.collect::<Vec<_>>() {
            match task.await.unwrap() {
                Ok(()) => kept += 1,
                Err(failure) => failures.push(failure),
            }
        }
        let failure = failures.first().cloned().unwrap();
        assert_eq!(failure.message, format!("the disk is full: `{shown}` cannot grow"));
        assert_eq!(failure.exit, Exit::Failed);
        assert!(failures.iter().all(|other| *other == failure));
        assert_eq!(checkpoint.flush().await.unwrap_err(), failure);
        assert_eq!(checkpoint.begin_pass(run).unwrap_err(), failure);
        assert_eq!(checkpoint.tally(run, 1).unwrap().totals.settled(), 0);
        assert_eq!(checkpoint.close().unwrap_err(), failure);

        let checkpoint = Checkpoint::over(Box::new(open()), &shown).unwrap();
        let (mut found, mut page) = (0, checkpoint.open_intents(None).unwrap());
        while !page.is_empty() {
            found += page.len();
            page = checkpoint.open_intents(page.last()).unwrap();
        }
        assert_eq!(found, kept);
        checkpoint.begin_pass(run).unwrap();
        checkpoint.intend(run, Key::nth(b"later", 0), intent(0)).await.unwrap();
    }
}
