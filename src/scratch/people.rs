//! Which records of a source belong to the same contact: found by the first pass, on disk, for the second.
//!
//! A record belongs to the earliest earlier record with which it agrees in the first identity field that both have. Memory
//! is fixed, because everything is in a private database of the run.

use crate::outcome::Failure;
use crate::store::create_private;
use rusqlite::{Connection, OpenFlags, params};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// More identity fields than this cannot be distinguished in a row.
const FIELDS_MAX: usize = 16;

/// Values in memory while collecting, about 10 MiB; with more, all are on disk.
const VALUES_MAX: usize = 1 << 18;

/// Memory for pages, in KiB: values are sorted in runs of that size, and records are read in their order.
const CACHE_KIB: u32 = 1024;

/// Rows per transaction while collecting.
const BATCH_LEN: u32 = 50_000;

/// Members fetched at a time in the second pass.
const MEMBERS_PAGE: usize = 512;

/// Collects the identity values of a pass and finds the records that belong together.
pub struct PeopleBuilder {
    db: Connection,
    path: PathBuf,
    in_batch: u32,
    /// Those that are not in the database; none once any is.
    values: Vec<Value>,
    is_on_disk: bool,
}

/// An identity value of a record.
#[derive(Clone, Copy)]
struct Value {
    field: u8,
    hash: [u8; 16],
    ordinal: i64,
    line: i64,
    /// The identity fields of which the record has a value.
    mask: i32,
    /// Whether it is the first of its field, by which records are merged.
    merges: bool,
}

/// A record that shares its contact with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// The record.
    pub ordinal: u64,
    /// The first record of the contact.
    pub root: u64,
    /// The last record of the contact.
    pub last: u64,
    /// The line of the first record.
    pub root_line: u64,
}

fn fault(error: rusqlite::Error) -> Failure {
    let failure = Failure::failed("the index of duplicates cannot be kept on disk");
    match error.sqlite_error_code() {
        // SQLite reports a full disk as an I/O error if it notices it late.
        Some(rusqlite::ErrorCode::DiskFull | rusqlite::ErrorCode::SystemIoFailure) => {
            failure.cause(error).hint("make room on the disk, then run the same command again")
        }
        _ => failure.cause(error),
    }
}

/// An empty file for records, private to the user, beside the list.
fn hold_beside(path: &Path) -> Result<Connection, Failure> {
    let path = path.with_extension("held");
    let _ = std::fs::remove_file(&path);
    let cannot = |error| Failure::failed("records that are to be merged could not be kept on disk").cause(error);
    create_private(&path).map_err(cannot)?;
    let held = Connection::open(&path).map_err(fault)?;
    held.execute_batch(&format!(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -{CACHE_KIB};
        CREATE TABLE held (root INTEGER, ordinal INTEGER, record BLOB, PRIMARY KEY (root, ordinal)) WITHOUT ROWID;"
    ))
    .map_err(fault)?;
    Ok(held)
}

impl PeopleBuilder {
    /// An empty list in a new file at `path`.
    pub fn create(path: &Path) -> Result<PeopleBuilder, Failure> {
        let _ = std::fs::remove_file(path);
        let cannot = |error| Failure::failed("the list of duplicate contacts could not be kept on disk").cause(error);
        create_private(path).map_err(cannot)?;
        let db = Connection::open(path).map_err(fault)?;
        let set_up = format!(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -{CACHE_KIB}; PRAGMA temp_store = FILE;
            CREATE TABLE value (field INTEGER, hash BLOB, ordinal INTEGER, line INTEGER, mask INTEGER, merges INTEGER);
            CREATE TABLE repeated (field INTEGER, hash BLOB, ordinal INTEGER);
            CREATE TABLE shared (root INTEGER, field INTEGER, hash BLOB);
            CREATE TABLE link (ordinal INTEGER PRIMARY KEY, parent INTEGER, parent_line INTEGER);
            CREATE TABLE member (ordinal INTEGER PRIMARY KEY, root INTEGER, last INTEGER, root_line INTEGER);
            CREATE TABLE left_blank (ordinal INTEGER PRIMARY KEY);
            BEGIN;"
        );
        db.execute_batch(&set_up).map_err(fault)?;
        Ok(PeopleBuilder { db, path: path.to_owned(), in_batch: 0, values: Vec::new(), is_on_disk: false })
    }

    /// Adds a record: for each identity field, in order, a hash of its first value if it has one, by which records are
    /// merged; and the hashes of all further values, by the place of their field.
    pub fn add(
        &mut self,
        ordinal: u64,
        line: u64,
        values: &[Option<[u8; 16]>],
        further: &[(usize, [u8; 16])],
    ) -> Result<(), Failure> {
        let mask =
            values.iter().take(FIELDS_MAX).enumerate().filter(|(_, v)| v.is_some()).fold(0i32, |m, (i, _)| m | 1 << i);
        let firsts = values.iter().enumerate().filter_map(|(field, hash)| Some((field, (*hash)?, true)));
        let further = further.iter().map(|(field, hash)| (*field, *hash, false));
        let (ordinal, line) = (ordinal as i64, line as i64);
        self.values.extend(
            firsts.chain(further).filter(|(field, ..)| *field < FIELDS_MAX).map(|(field, hash, merges)| Value {
                field: field as u8,
                hash,
                ordinal,
                line,
                mask,
                merges,
            }),
        );
        if self.is_on_disk || self.values.len() >= VALUES_MAX { self.write_values() } else { Ok(()) }
    }

    fn write_values(&mut self) -> Result<(), Failure> {
        let sql = "INSERT INTO value VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let mut insert = self.db.prepare_cached(sql).map_err(fault)?;
        for Value { field, hash, ordinal, line, mask, merges } in self.values.drain(..) {
            insert.execute(params![field, hash, ordinal, line, mask, merges]).map_err(fault)?;
            self.in_batch += 1;
        }
        drop(insert);
        if !self.is_on_disk {
            (self.is_on_disk, self.values) = (true, Vec::new());
        }
        if self.in_batch >= BATCH_LEN {
            self.in_batch = 0;
            self.db.execute_batch("COMMIT; BEGIN;").map_err(fault)?;
        }
        Ok(())
    }

    /// Notes that a record is sent without one of its values. To be called in ascending order of ordinals.
    ///
    /// # Errors
    /// Exit 1 when it cannot be kept.
    pub fn add_left_blank(&mut self, ordinal: u64) -> Result<(), Failure> {
        let mut insert = self.db.prepare_cached("INSERT INTO left_blank VALUES (?1)").map_err(fault)?;
        insert.execute([ordinal as i64]).map_err(fault).map(drop)
    }

    /// Finds the records that belong together.
    pub fn finish(mut self) -> Result<People, Failure> {
        let values = std::mem::take(&mut self.values);
        self.link_all(values).map_err(fault)?;
        self.db.execute_batch("DROP TABLE value; COMMIT; BEGIN;").map_err(fault)?;
        self.root_all().map_err(fault)?;
        let last =
            "UPDATE member SET last = (SELECT MAX(ordinal) FROM member AS other WHERE other.root = member.root);";
        self.db.execute_batch("CREATE INDEX member_root ON member (root, ordinal);").map_err(fault)?;
        self.db.execute_batch(last).map_err(fault)?;
        // A value of which the records of two contacts are found identifies neither.
        let share = "CREATE TABLE rooted AS SELECT field, hash, coalesce(
                (SELECT root FROM member WHERE member.ordinal = repeated.ordinal), repeated.ordinal) AS root FROM repeated;
            INSERT INTO shared SELECT DISTINCT root, field, hash FROM rooted JOIN
                (SELECT field, hash FROM rooted GROUP BY field, hash HAVING min(root) <> max(root)) USING (field, hash);
            DROP TABLE rooted; DROP TABLE repeated; CREATE INDEX shared_root ON shared (root);";
        self.db.execute_batch(share).map_err(fault)?;
        self.db.execute_batch("DROP TABLE link; COMMIT;").map_err(fault)?;
        drop(self.db);
        // A later process that finds the list must find all of it, also after a loss of power.
        let synced = std::fs::File::open(&self.path).and_then(|file| file.sync_all());
        synced.map_err(|error| {
            Failure::failed("the list of duplicate contacts could not be kept on disk").cause(error)
        })?;
        People::open(&self.path)
    }

    /// Links each record to the earliest earlier one with which it agrees in the first field that both have, and keeps every
    /// value that several records have. `values`: all of them, or none where they are on disk.
    fn link_all(&self, mut values: Vec<Value>) -> rusqlite::Result<()> {
        let mut linking = Linking::new(&self.db)?;
        values.sort_unstable_by_key(|value| (value.field, value.hash, value.ordinal));
        values.iter().try_for_each(|value| linking.take(value))?;
        if !self.is_on_disk {
            return Ok(());
        }
        let sql = "SELECT field, hash, ordinal, line, mask, merges FROM value ORDER BY field, hash, ordinal";
        let mut sorted = self.db.prepare(sql)?;
        let mut rows = sorted.query([])?;
        while let Some(row) = rows.next()? {
            let (field, hash, ordinal) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let (line, mask, merges) = (row.get(3)?, row.get(4)?, row.get(5)?);
            linking.take(&Value { field, hash, ordinal, line, mask, merges })?;
        }
        Ok(())
    }

    /// Follows the links to the first record of each contact. A parent is always earlier, so it has its root already.
    fn root_all(&self) -> rusqlite::Result<()> {
        let mut links = self.db.prepare("SELECT ordinal, parent, parent_line FROM link ORDER BY ordinal")?;
        let mut root_of = self.db.prepare("SELECT root, root_line FROM member WHERE ordinal = ?1")?;
        let mut insert = self.db.prepare("INSERT OR IGNORE INTO member VALUES (?1, ?2, 0, ?3)")?;
        let mut rows = links.query([])?;
        while let Some(row) = rows.next()? {
            let (ordinal, parent, parent_line): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let known = root_of.query_row([parent], |row| Ok((row.get(0)?, row.get(1)?)));
            let (root, line): (i64, i64) = match known {
                Ok(known) => known,
                Err(rusqlite::Error::QueryReturnedNoRows) => {
                    insert.execute(params![parent, parent, parent_line])?;
                    (parent, parent_line)
                }
                Err(error) => return Err(error),
            };
            insert.execute(params![ordinal, root, line])?;
        }
        Ok(())
    }
}

/// Links records by their values, which come sorted by field, value and ordinal.
struct Linking<'c> {
    insert: rusqlite::Statement<'c>,
    repeat: rusqlite::Statement<'c>,
    /// The field and the value of the records that came last.
    cluster: Option<(u8, [u8; 16])>,
    /// The first record of the cluster, until a second one comes.
    first: Option<i64>,
    /// The earliest record of the cluster for each set of fields that its records have, and its line.
    firsts: Vec<(i32, i64, i64)>,
}

impl Linking<'_> {
    fn new(db: &Connection) -> rusqlite::Result<Linking<'_>> {
        let keep_earliest = "INSERT INTO link VALUES (?1, ?2, ?3) ON CONFLICT (ordinal) DO UPDATE SET
            parent_line = CASE WHEN excluded.parent < parent THEN excluded.parent_line ELSE parent_line END,
            parent = MIN(parent, excluded.parent)";
        let (insert, repeat) = (db.prepare(keep_earliest)?, db.prepare("INSERT INTO repeated VALUES (?1, ?2, ?3)")?);
        Ok(Linking { insert, repeat, cluster: None, first: None, firsts: Vec::new() })
    }

    fn take(&mut self, value: &Value) -> rusqlite::Result<()> {
        let Value { field, hash, ordinal, line, mask, merges } = *value;
        if self.cluster == Some((field, hash)) {
            if let Some(first) = self.first.take() {
                self.repeat.execute(params![field, hash, first])?;
            }
            self.repeat.execute(params![field, hash, ordinal])?;
        } else {
            (self.cluster, self.first) = (Some((field, hash)), Some(ordinal));
            self.firsts.clear();
        }
        if !merges {
            return Ok(());
        }
        let before = (1i32 << field) - 1;
        let parent = self.firsts.iter().filter(|first| first.0 & mask & before == 0).min_by_key(|first| first.1);
        if let Some(&(_, parent, parent_line)) = parent {
            self.insert.execute(params![ordinal, parent, parent_line])?;
        }
        if !self.firsts.iter().any(|first| first.0 == mask) {
            self.firsts.push((mask, ordinal, line));
        }
        Ok(())
    }
}

/// Which records of a source belong to the same contact, read record by record in the order of the source.
pub struct People {
    db: Mutex<Connection>,
    /// Records that wait for the last of their contact, in a file of its own that no later process reads.
    held: Mutex<Connection>,
    page: std::collections::VecDeque<Member>,
    /// The ordinal from which the next page is fetched; `None` after the last one.
    next_page: Option<u64>,
    has_duplicates: bool,
    has_shared: bool,
}

impl People {
    /// The list that an earlier process wrote at `path`.
    pub fn open(path: &Path) -> Result<People, Failure> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(path, flags).map_err(fault)?;
        db.execute_batch(&format!("PRAGMA cache_size = -{CACHE_KIB};")).map_err(fault)?;
        let any: bool = db.query_row("SELECT EXISTS (SELECT 1 FROM member)", [], |row| row.get(0)).map_err(fault)?;
        let has_shared: bool =
            db.query_row("SELECT EXISTS (SELECT root FROM shared)", [], |row| row.get(0)).map_err(fault)?;
        let held = hold_beside(path)?;
        let (db, held) = (Mutex::new(db), Mutex::new(held));
        Ok(People { db, held, page: Default::default(), next_page: Some(0), has_duplicates: any, has_shared })
    }

    /// The identity values of a contact, by the place of their field and their hash, that another contact of the source
    /// has as well. `root` is the first record of the contact.
    pub fn shared(&self, root: u64) -> Result<Vec<(usize, [u8; 16])>, Failure> {
        if !self.has_shared {
            return Ok(Vec::new());
        }
        let sql = "SELECT field, hash FROM shared WHERE root = ?1";
        let db = locked(&self.db);
        let mut select = db.prepare_cached(sql).map_err(fault)?;
        let row = |row: &rusqlite::Row<'_>| Ok((usize::from(row.get::<_, u8>(0)?), row.get(1)?));
        let rows = select.query_map([root as i64], row).map_err(fault)?;
        rows.collect::<Result<_, _>>().map_err(fault)
    }

    /// How many records are not the first of their contact.
    pub fn duplicates(&self) -> Result<u64, Failure> {
        let count: i64 = locked(&self.db)
            .query_row("SELECT COUNT(*) FROM member WHERE ordinal <> root", [], |row| row.get(0))
            .map_err(fault)?;
        Ok(count.unsigned_abs())
    }

    /// Visits the records that are sent without one of their values; false where a list of an earlier version does not
    /// know them.
    ///
    /// # Errors
    /// Exit 1 when the list cannot be read.
    pub fn each_left_blank(&self, mut visit: impl FnMut(u64)) -> Result<bool, Failure> {
        let db = locked(&self.db);
        let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'left_blank')";
        let is_known: bool = db.query_row(sql, [], |row| row.get(0)).map_err(fault)?;
        if is_known {
            let mut select = db.prepare("SELECT ordinal FROM left_blank").map_err(fault)?;
            let mut rows = select.query([]).map_err(fault)?;
            while let Some(row) = rows.next().map_err(fault)? {
                visit(row.get::<_, i64>(0).map_err(fault)?.unsigned_abs());
            }
        }
        Ok(is_known)
    }

    /// Visits the records that share their contact with others, in ascending order of ordinals.
    ///
    /// # Errors
    /// Exit 1 when the list cannot be read.
    pub fn each_member(&self, mut visit: impl FnMut(Member)) -> Result<(), Failure> {
        let db = locked(&self.db);
        let mut select =
            db.prepare("SELECT ordinal, root, last, root_line FROM member ORDER BY ordinal").map_err(fault)?;
        let mut rows = select.query([]).map_err(fault)?;
        while let Some(row) = rows.next().map_err(fault)? {
            visit(member_of(row).map_err(fault)?);
        }
        Ok(())
    }

    /// The member of this record, if it shares its contact with others. To be called in ascending order of ordinals.
    pub fn member(&mut self, ordinal: u64) -> Result<Option<Member>, Failure> {
        if !self.has_duplicates {
            return Ok(None);
        }
        loop {
            match self.page.front() {
                Some(member) if member.ordinal < ordinal => {
                    self.page.pop_front();
                }
                Some(member) => return Ok(Some(*member).filter(|member| member.ordinal == ordinal)),
                None => match self.next_page {
                    Some(from) => self.fetch(from)?,
                    None => return Ok(None),
                },
            }
        }
    }

    fn fetch(&mut self, from: u64) -> Result<(), Failure> {
        let sql = "SELECT ordinal, root, last, root_line FROM member WHERE ordinal >= ?1 ORDER BY ordinal LIMIT ?2";
        let db = locked(&self.db);
        let mut statement = db.prepare_cached(sql).map_err(fault)?;
        let rows = statement.query_map(params![from as i64, MEMBERS_PAGE as i64], member_of).map_err(fault)?;
        self.page = rows.collect::<Result<_, _>>().map_err(fault)?;
        let is_full = self.page.len() == MEMBERS_PAGE;
        self.next_page = self.page.back().map(|last| last.ordinal + 1).filter(|_| is_full);
        Ok(())
    }

    /// Keeps a record until the last of its contact is read.
    pub fn hold(&self, root: u64, ordinal: u64, record: &[u8]) -> Result<(), Failure> {
        let held = locked(&self.held);
        let mut insert = held.prepare_cached("INSERT OR REPLACE INTO held VALUES (?1, ?2, ?3)").map_err(fault)?;
        insert.execute(params![root as i64, ordinal as i64, record]).map_err(fault).map(|_| ())
    }

    /// The records kept for a contact, in order; they are removed.
    pub fn release(&self, root: u64) -> Result<Vec<Vec<u8>>, Failure> {
        let held = locked(&self.held);
        let mut select =
            held.prepare_cached("SELECT record FROM held WHERE root = ?1 ORDER BY ordinal").map_err(fault)?;
        let rows = select.query_map([root as i64], |row| row.get(0)).map_err(fault)?;
        let records = rows.collect::<Result<_, _>>().map_err(fault)?;
        let mut delete = held.prepare_cached("DELETE FROM held WHERE root = ?1").map_err(fault)?;
        delete.execute([root as i64]).map_err(fault)?;
        Ok(records)
    }
}

/// Reads ordinal, root, last, line of the root.
fn member_of(row: &rusqlite::Row<'_>) -> rusqlite::Result<Member> {
    let number = |index| row.get::<_, i64>(index).map(i64::unsigned_abs);
    Ok(Member { ordinal: number(0)?, root: number(1)?, last: number(2)?, root_line: number(3)? })
}

/// One connection is used by one thread at a time.
fn locked(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}
