//! The writing side: an account under a lease of this process. A group whose reply was lost is asked for by its number, so
//! that it is applied once.

use super::database::{Database, PATIENCE, with_jitter};
use super::error::DbError;
use super::group::{Fence, Part, execute};
use super::hold::{Held, Hold};
use super::rare::{THINNED, large_tables};
use super::read::{is_so, number, one_run, rows, turns_of};
use super::reader::PostgresReader;
use super::rows::{Counters, is_common, statements};
use crate::outcome::Failure;
use crate::store::contract::{Store, StoreReader};
use crate::store::key::Key;
use crate::store::lease::{Lease, LeaseTimer};
use crate::store::model::RunNo;
use crate::store::op::{Answer, Applied, Op};
use deadpool_postgres::{Client, ClientWrapper};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// The first wait before a group is sent again.
const AGAIN_AFTER: Duration = Duration::from_millis(50);

/// The longest pause between two groups that remove rows.
const PAUSE_MAX: Duration = Duration::from_millis(200);

/// One account that is open for writing.
pub struct PostgresStore {
    database: Database,
    hold: Hold,
    /// The lease, once it was taken.
    held: Option<Held>,
    counters: Counters,
}

impl PostgresStore {
    /// Opens an account, created if it is missing. It is not held yet.
    ///
    /// # Errors
    /// Exit 1 when the database cannot be written.
    pub fn open(database: Database, key: &str, valid_for: Duration) -> Result<PostgresStore, Failure> {
        let name = key.to_owned();
        let account = database.ask(move |client| {
            let name = name.clone();
            async move {
                let sql = "INSERT INTO ferry.account (key) VALUES ($1) ON CONFLICT (key) DO NOTHING";
                client.execute(sql, &[&name]).await?;
                let row = client.query_one("SELECT id FROM ferry.account WHERE key = $1", &[&name]).await?;
                Ok(row.try_get(0)?)
            }
        })?;
        let hold = Hold::new(account, key, valid_for);
        Ok(PostgresStore { database, hold, held: None, counters: Counters::default() })
    }

    /// The parts of a group. Numbers of entries and images are given here.
    fn parts(&mut self, ops: &[Op]) -> Result<Vec<Part>, Failure> {
        self.know_numbers(ops)?;
        let (mut parts, mut rest) = (Vec::new(), ops);
        while let Some(first) = rest.first() {
            if !is_common(first) {
                parts.push(Part::Alone(first.clone()));
                if let Op::ForgetRun(run) = first {
                    self.counters.0.remove(run);
                }
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            let len = rest.iter().position(|op| !is_common(op)).unwrap_or(rest.len());
            let (common, after) = rest.split_at_checked(len).unwrap_or((rest, &[]));
            let together = statements(self.hold.account, common, &mut self.counters);
            parts.push(Part::Together(together.map_err(|error| error.failure(self.database.shown()))?));
            rest = after;
        }
        Ok(parts)
    }

    /// Removes most rows of a run before the run itself, in groups with pauses, because one statement over millions of rows
    /// would take longer than a lease, and hold up the server. The last ones go with the operation.
    fn thin(&mut self, lease: &Lease, op: &Op) -> Result<(), Failure> {
        let Some((tables, run)) = large_tables(op) else { return Ok(()) };
        for table in tables {
            while self.has_many(table, run)? {
                let begun = Instant::now();
                self.apply_parts(lease, vec![Part::Thin(table, run)], &[])?;
                std::thread::sleep(begun.elapsed().min(PAUSE_MAX));
            }
        }
        Ok(())
    }

    /// Whether a run has more rows than go in one group.
    fn has_many(&self, table: &'static str, run: RunNo) -> Result<bool, Failure> {
        let account = self.hold.account;
        self.database.ask(move |client| async move {
            let rows = format!("SELECT 1 FROM ferry.{table} WHERE account = $1 AND run = $2 OFFSET {THINNED}");
            let sql = format!("SELECT EXISTS ({rows})");
            is_so(&client, &sql, &[&account, &number(run)?]).await
        })
    }

    /// Reads which numbers come next in the runs that are written to for the first time. An entry gets a number after those
    /// of earlier passes, also where the last of these was removed, because the number alone says of which passes it is.
    fn know_numbers(&mut self, ops: &[Op]) -> Result<(), Failure> {
        let run_of = |op: &Op| match op {
            Op::Settle(run, ..) | Op::Intend(run, ..) => Some(*run),
            _ => None,
        };
        let unknown: BTreeSet<RunNo> =
            ops.iter().filter_map(run_of).filter(|run| !self.counters.0.contains_key(run)).collect();
        for run in unknown {
            let account = self.hold.account;
            let numbers = self.database.ask(move |client| async move {
                let sql = "SELECT greatest((SELECT max(no) FROM ferry.entry WHERE account = $1 AND run = $2),
                                           (SELECT earlier FROM ferry.run WHERE account = $1 AND no = $2), 0) + 1,
                                  coalesce((SELECT max(no) FROM ferry.image WHERE account = $1 AND run = $2), 0) + 1";
                let found = rows(&client, sql, &[&account, &number(run)?]).await?;
                let row = found.first().ok_or(DbError::Damaged("no numbers"))?;
                Ok([row.try_get(0)?, row.try_get(1)?])
            })?;
            self.counters.0.insert(run, numbers);
        }
        Ok(())
    }

    /// Applies parts as the next group, again after a lost connection for as long as the lease allows.
    fn apply_parts(&mut self, lease: &Lease, parts: Vec<Part>, ops: &[Op]) -> Result<Vec<Answer>, Failure> {
        let Some(held) = self.held.as_mut().filter(|held| held.token == int(lease.token)) else {
            return Err(self.hold.lost(lease.token).failure(self.database.shown()));
        };
        let group_no = held.group_no + 1;
        let fence = self.hold.fence(held.token, group_no);
        let until = Instant::now() + self.hold.timer.send_for().min(PATIENCE);
        let alone: Vec<Op> = ops.iter().filter(|op| !is_common(op)).cloned().collect();
        let (database, asked) = (self.database.clone(), LeaseTimer::now());
        let group = Group { database, fence, parts, alone, until };
        let answers = self.database.block(group.apply_once())?.map_err(|error| error.failure(self.database.shown()))?;
        held.group_no = group_no;
        self.hold.timer.renewed(asked);
        Ok(answers)
    }
}

fn int(token: u64) -> i64 {
    crate::store::coded::int(token)
}

/// A group on its way.
struct Group {
    database: Database,
    fence: Fence,
    parts: Vec<Part>,
    /// The operations that have answers.
    alone: Vec<Op>,
    until: Instant,
}

impl Group {
    /// Executes it, and finds out whether it was executed where that is not known.
    async fn apply_once(self) -> Result<Vec<Answer>, DbError> {
        let (mut wait, mut is_in_doubt) = (AGAIN_AFTER, false);
        loop {
            let tried = self.attempt(is_in_doubt).await;
            match tried {
                Err(error) if error.is_passing() && Instant::now() + wait < self.until => {
                    tracing::debug!("a group of operations is sent again: {error}");
                    is_in_doubt = true;
                    tokio::time::sleep(with_jitter(wait)).await;
                    wait *= 2;
                }
                tried => return tried,
            }
        }
    }

    async fn attempt(&self, is_in_doubt: bool) -> Result<Vec<Answer>, DbError> {
        let client = self.database.client().await?;
        if is_in_doubt && self.is_applied(&client).await? {
            return self.answers(&client).await;
        }
        match execute(&client, &self.fence, &self.parts).await {
            // The first attempt may have been committed after it was asked for above.
            Err(error) if is_in_doubt && error.is_fenced() && self.is_applied(&client).await? => {
                self.answers(&client).await
            }
            Err(error) => {
                // A connection in the middle of a transaction is not given back.
                drop(Client::take(client));
                Err(error)
            }
            done => done,
        }
    }

    async fn is_applied(&self, client: &ClientWrapper) -> Result<bool, DbError> {
        let Fence { account, token, holder, group_no, .. } = &self.fence;
        let sql = "SELECT group_no = $4::bigint FROM ferry.account
                   WHERE id = $1::integer AND token = $2::bigint AND holder = $3::text::uuid";
        let found = rows(client, sql, &[account, token, holder, group_no]).await?;
        let fenced = || DbError::Fenced("its lease is not the latest".into());
        Ok(found.first().ok_or_else(fenced)?.try_get(0)?)
    }

    /// The answers of a group that was applied, read from what it has left: no other process has written since.
    async fn answers(&self, client: &ClientWrapper) -> Result<Vec<Answer>, DbError> {
        let mut answers = Vec::new();
        for op in &self.alone {
            answers.push(answer_again(client, self.fence.account, op).await?);
        }
        Ok(answers)
    }
}

async fn answer_again(client: &ClientWrapper, account: i32, op: &Op) -> Result<Answer, DbError> {
    Ok(match op {
        Op::BeginRun(new) => {
            let sql = "SELECT no FROM ferry.run WHERE account = $1 AND name = $2";
            let found = rows(client, sql, &[&account, &new.name]).await?;
            let row = found.first().ok_or(DbError::Damaged("a run that was begun is missing"))?;
            Answer::Run(RunNo(i64::from(row.try_get::<_, i32>(0)?)))
        }
        Op::BeginPass(run) | Op::ContinuePass(run) => {
            let pass = one_run(client, account, *run).await?.pass;
            Answer::Pass { pass, has_earlier: has_earlier(client, account, *run).await? }
        }
        Op::CountEarlier(run) => Answer::Earlier(has_earlier(client, account, *run).await?),
        Op::TakeTurn(run, _) => {
            let turns = turns_of(client, account, Some(*run)).await?.pop();
            let (_, turns) = turns.ok_or(DbError::Damaged("a turn that was taken is missing"))?;
            Answer::Turn(turns.last)
        }
        _ => Answer::Done,
    })
}

async fn has_earlier(client: &ClientWrapper, account: i32, run: RunNo) -> Result<bool, DbError> {
    let sql = "SELECT earlier > 0 FROM ferry.run WHERE account = $1 AND no = $2";
    let found = rows(client, sql, &[&account, &number(run)?]).await?;
    Ok(found.first().map(|row| row.try_get(0)).transpose()?.unwrap_or_default())
}

impl Store for PostgresStore {
    fn acquire(&mut self) -> Result<Lease, Failure> {
        let held = self.hold.take(&self.database)?;
        let lease = Lease { token: held.token.unsigned_abs(), valid_for: Some(self.hold.valid_for) };
        self.held = Some(held);
        self.counters = Counters::default();
        Ok(lease)
    }

    fn renew(&mut self, lease: &Lease) -> Result<(), Failure> {
        self.hold.renew(&self.database, int(lease.token))
    }

    fn apply(&mut self, lease: &Lease, ops: &[Op]) -> Result<Applied, Failure> {
        // Only one that stands alone: operations that were given together are applied together or not at all.
        if let [op] = ops {
            self.thin(lease, op)?;
        }
        let parts = self.parts(ops)?;
        let alone = self.apply_parts(lease, parts, ops);
        let mut alone = alone.inspect_err(|_| self.counters = Counters::default())?.into_iter();
        let answer = |op: &Op| if is_common(op) { Answer::Done } else { alone.next().unwrap_or(Answer::Done) };
        let answers = ops.iter().map(answer).collect();
        Ok(Applied { answers, readable_links: ops.iter().flat_map(links_of).collect() })
    }

    fn reader(&self) -> Result<Box<dyn StoreReader>, Failure> {
        Ok(Box::new(PostgresReader::new(self.database.clone(), self.hold.account)))
    }

    fn timer(&self) -> Option<LeaseTimer> {
        Some(self.hold.timer.clone())
    }
}

/// The links that an operation changes.
fn links_of(op: &Op) -> Vec<(Key, Option<String>)> {
    match op {
        Op::Unlink(link) => vec![(*link, None)],
        Op::Settle(_, _, settled) if settled.target_id.is_some() => {
            settled.links.iter().map(|link| (Key::of_link(link), settled.target_id.clone())).collect()
        }
        _ => Vec::new(),
    }
}

impl Drop for PostgresStore {
    /// Gives the account back, so that the next process need not wait for the end of the lease.
    fn drop(&mut self) {
        if let Some(held) = self.held.take() {
            self.hold.release(&self.database, held.token);
        }
    }
}
