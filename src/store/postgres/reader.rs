//! The reading side of one account: over the connections of the process, or inside of one transaction that sees the account
//! as it was when it began.

use super::copy::copy;
use super::database::Database;
use super::error::DbError;
use super::read;
use crate::outcome::Failure;
use crate::store::coded::int;
use crate::store::contract::{Give, StoreReader, TallyOf};
use crate::store::key::Key;
use crate::store::model::{
    Entry, EntryNo, ImageNo, NumberedEntry, NumberedImage, OpenIntent, OutcomeRow, RunNo, RunRow, Tally, Turns,
};
use deadpool_postgres::{Client, ClientWrapper};
use std::collections::VecDeque;
use std::future::Future;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Where questions go.
#[derive(Clone)]
enum Way {
    /// Over any connection, each on its own.
    Any,
    /// Over this one, inside of its transaction. It is not given back: it ends with its last reader.
    Snapshot(Arc<ClientWrapper>),
}

/// A connection for one question.
enum Connection {
    Any(Box<Client>),
    Snapshot(Arc<ClientWrapper>),
}

impl Deref for Connection {
    type Target = ClientWrapper;

    fn deref(&self) -> &ClientWrapper {
        match self {
            Connection::Any(client) => client,
            Connection::Snapshot(client) => client,
        }
    }
}

/// One account that is read.
pub(in crate::store) struct PostgresReader {
    database: Database,
    account: i32,
    way: Way,
}

impl PostgresReader {
    pub(super) fn new(database: Database, account: i32) -> PostgresReader {
        PostgresReader { database, account, way: Way::Any }
    }

    /// The account of this key; `None` when there is none.
    ///
    /// # Errors
    /// Exit 1 when the database cannot be read.
    pub(in crate::store) fn look(database: &Database, key: &str) -> Result<Option<PostgresReader>, Failure> {
        let key = key.to_owned();
        let found = database.ask(move |client| {
            let key = key.clone();
            async move {
                let found = read::rows(&client, "SELECT id FROM ferry.account WHERE key = $1", &[&key]).await?;
                Ok(found.first().map(|row| row.try_get(0)).transpose()?)
            }
        })?;
        Ok(found.map(|account| PostgresReader::new(database.clone(), account)))
    }

    /// The keys of all accounts, in their order.
    ///
    /// # Errors
    /// Exit 1 when the database cannot be read.
    pub(in crate::store) fn accounts(database: &Database) -> Result<Vec<String>, Failure> {
        database.ask(|client| async move {
            let found = read::rows(&client, r#"SELECT key FROM ferry.account ORDER BY key COLLATE "C""#, &[]).await?;
            found.iter().map(|row| Ok(row.try_get(0)?)).collect()
        })
    }

    /// The same account as it is now, whatever is written from now on.
    fn snapshot(&self) -> Result<PostgresReader, Failure> {
        let client = self.database.ask(|client| async move {
            client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY").await?;
            Ok(Client::take(client))
        })?;
        let (database, way) = (self.database.clone(), Way::Snapshot(Arc::new(client)));
        Ok(PostgresReader { database, account: self.account, way })
    }

    /// A further reader that sees the same.
    fn same(&self) -> PostgresReader {
        PostgresReader { database: self.database.clone(), account: self.account, way: self.way.clone() }
    }

    fn ask<T, F>(&self, ask: impl Fn(Connection, i32) -> F + Send + 'static) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, DbError>> + Send + 'static,
    {
        let account = self.account;
        match &self.way {
            Way::Any => self.database.ask(move |client| ask(Connection::Any(Box::new(client)), account)),
            Way::Snapshot(client) => {
                let asked = self.database.block(ask(Connection::Snapshot(Arc::clone(client)), account))?;
                asked.map_err(|error| error.failure(self.database.shown()))
            }
        }
    }

    /// A page of links after this one, in the order of their keys.
    fn link_page(&self, after: Option<Key>) -> Result<Vec<(Key, String)>, Failure> {
        self.ask(move |client, account| async move {
            let sql = format!(
                "SELECT key, target_id, seal FROM ferry.link WHERE account = $1 AND key > $2 ORDER BY key LIMIT {}",
                read::ROWS_PAGE
            );
            let after = after.map_or_else(Vec::new, |key| key.as_bytes().to_vec());
            read::rows(&client, &sql, &[&account, &after]).await?.iter().map(|row| read::read_link(row, 0)).collect()
        })
    }

    fn entries_by_origin(&self, of: (RunNo, u32), after: (i64, EntryNo)) -> Result<Vec<NumberedEntry>, Failure> {
        self.ask(move |client, account| async move { read::entries_by_origin(&client, account, of, after).await })
    }

    /// A page of the source outcomes of a pass after this ordinal.
    fn notes(&self, of: (RunNo, u32), after: i64) -> Result<Vec<OutcomeRow>, Failure> {
        self.ask(move |client, account| async move { read::notes(&client, account, of, after).await })
    }

    fn entries_of(&self, of: (RunNo, TallyOf), after: EntryNo) -> Result<Vec<NumberedEntry>, Failure> {
        self.ask(move |client, account| async move { read::entries_of(&client, account, of, after).await })
    }
}

impl StoreReader for PostgresReader {
    fn another(&self) -> Result<Box<dyn StoreReader>, Failure> {
        Ok(Box::new(self.same()))
    }

    fn runs(&mut self) -> Result<Vec<RunRow>, Failure> {
        self.ask(|client, account| async move { read::runs(&client, account).await })
    }

    fn turns(&mut self) -> Result<Vec<(RunNo, Turns)>, Failure> {
        self.ask(|client, account| async move { read::turns_of(&client, account, None).await })
    }

    fn entries(&mut self, run: RunNo, keys: &[Key]) -> Result<Vec<Option<Entry>>, Failure> {
        let keys: Arc<[Key]> = keys.into();
        self.ask(move |client, account| {
            let keys = Arc::clone(&keys);
            async move { read::entries(&client, account, run, &keys).await }
        })
    }

    fn has_entries(&mut self, run: RunNo) -> Result<bool, Failure> {
        self.ask(move |client, account| async move { read::has_entries(&client, account, run).await })
    }

    fn entry_page(&mut self, run: RunNo, after: EntryNo) -> Result<Vec<NumberedEntry>, Failure> {
        self.ask(move |client, account| async move { read::entry_page(&client, account, run, after).await })
    }

    fn image_page(&mut self, run: RunNo, after: ImageNo) -> Result<Vec<NumberedImage>, Failure> {
        self.ask(move |client, account| async move { read::image_page(&client, account, run, after).await })
    }

    fn open_intents(&mut self, after: Option<(RunNo, Key)>) -> Result<Vec<OpenIntent>, Failure> {
        self.ask(move |client, account| async move { read::open_intents(&client, account, after).await })
    }

    fn note_page(&mut self, run: RunNo, pass: u32, after: Option<u64>) -> Result<Vec<OutcomeRow>, Failure> {
        self.notes((run, pass), after.map_or(-1, int))
    }

    /// Entries and source outcomes are each in the order of origins, and are given as one list.
    fn for_each_outcome(&mut self, run: RunNo, pass: u32, give: Give<'_, OutcomeRow>) -> Result<(), Failure> {
        let mut notes = Notes::of(self, (run, pass));
        let mut after = (-1, EntryNo(i64::MIN));
        loop {
            let page = self.entries_by_origin((run, pass), after)?;
            let Some(last) = page.last() else { break };
            after = (int(last.entry.origin.ordinal), last.no);
            for NumberedEntry { key, entry, .. } in page {
                let Entry { outcome, origin, target_id, problems, .. } = entry;
                while let Some(note) = notes.next_if(|note| note.origin <= origin)? {
                    give(note)?;
                }
                give(OutcomeRow { origin, outcome, target_id, duplicate_of: None, problems, key: Some(key) })?;
            }
        }
        while let Some(note) = notes.next_if(|_| true)? {
            give(note)?;
        }
        Ok(())
    }

    fn tally(&mut self, run: RunNo, of: TallyOf) -> Result<Tally, Failure> {
        let (mut tally, mut after) = (Tally::default(), EntryNo::default());
        loop {
            let page = self.entries_of((run, of), after)?;
            let Some(last) = page.last() else { break };
            after = last.no;
            page.into_iter().for_each(|numbered| tally.add_entry(numbered.entry));
        }
        let (TallyOf::Pass(pass) | TallyOf::SoFar(pass)) = of;
        let mut notes = Notes::of(self, (run, pass));
        while let Some(note) = notes.next_if(|_| true)? {
            tally.add(note.outcome, &note.problems);
        }
        Ok(tally)
    }

    fn links(&mut self, links: &[Key]) -> Result<Vec<Option<String>>, Failure> {
        let links: Arc<[Key]> = links.into();
        self.ask(move |client, account| {
            let links = Arc::clone(&links);
            async move { read::links(&client, account, &links).await }
        })
    }

    fn has_links(&mut self) -> Result<bool, Failure> {
        self.ask(|client, account| async move { read::has_links(&client, account).await })
    }

    fn memories(&mut self, prefix: &str) -> Result<Vec<(String, String)>, Failure> {
        let prefix: Arc<str> = prefix.into();
        self.ask(move |client, account| {
            let prefix = Arc::clone(&prefix);
            async move { read::memories(&client, account, &prefix).await }
        })
    }

    fn copy_to(&mut self, file: &Path) -> Result<(), Failure> {
        let mut snapshot = self.snapshot()?;
        let same = snapshot.same();
        copy(&mut snapshot, &|after| same.link_page(after), file)
    }

    fn idle_for(&mut self) -> Result<Option<Duration>, Failure> {
        let sql = "SELECT extract(epoch FROM clock_timestamp() - least(before_until, clock_timestamp()))::float8
                   FROM ferry.account WHERE id = $1";
        let seconds: Option<f64> = self.ask(move |client, account| async move {
            let found = read::rows(&client, sql, &[&account]).await?;
            Ok(found.first().map(|row| row.try_get(0)).transpose()?.flatten())
        })?;
        Ok(seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()))
    }
}

/// The source outcomes of a pass, a page at a time.
struct Notes {
    reader: PostgresReader,
    of: (RunNo, u32),
    page: VecDeque<OutcomeRow>,
    /// The last ordinal that was read; `None` after the last page.
    after: Option<i64>,
}

impl Notes {
    fn of(reader: &PostgresReader, of: (RunNo, u32)) -> Notes {
        Notes { reader: reader.same(), of, page: VecDeque::new(), after: Some(-1) }
    }

    fn next_if(&mut self, is_next: impl Fn(&OutcomeRow) -> bool) -> Result<Option<OutcomeRow>, Failure> {
        if self.page.is_empty()
            && let Some(after) = self.after
        {
            self.page = self.reader.notes(self.of, after)?.into();
            self.after = self.page.back().map(|last| int(last.origin.ordinal));
        }
        Ok(if self.page.front().is_some_and(is_next) { self.page.pop_front() } else { None })
    }
}
