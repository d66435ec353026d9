//! Operations that a run has once or twice: begin, pass, turn, finish, removal. One after the other, in the transaction of
//! their group, because each reads what the one before has written.

use super::error::DbError;
use super::read::{no_run, number, one_run, pass_number, turns_of};
use crate::ids::RunStatus;
use crate::outcome::Outcome;
use crate::store::coded::{int, outcome_number, run_seal, turn_seal};
use crate::store::model::{EntryNo, Meaning, NewRun, RunNo, RunRow, Turns};
use crate::store::op::{Answer, Op};
use deadpool_postgres::ClientWrapper;
use serde_json::Value;
use tokio_postgres::types::ToSql;

/// Rows of a run that go in one group: a few milliseconds, in which no other process of the account can write.
pub(super) const THINNED: u32 = 5_000;

/// The tables with the rows of a run that an operation removes, of which there may be millions.
pub(super) fn large_tables(op: &Op) -> Option<(&'static [&'static str], RunNo)> {
    match op {
        Op::ForgetRun(run) => Some((&["note", "image", "entry"], *run)),
        Op::ForgetImages(run) => Some((&["note", "image"], *run)),
        _ => None,
    }
}

/// One account over a connection, inside of a transaction.
pub(super) struct Rare<'a> {
    pub(super) client: &'a ClientWrapper,
    pub(super) account: i32,
}

impl Rare<'_> {
    /// Executes one operation.
    pub(super) async fn apply(&self, op: &Op) -> Result<Answer, DbError> {
        match op {
            Op::BeginRun(run) => return self.begin(run).await,
            Op::BeginPass(run) => return self.begin_pass(*run).await,
            Op::ContinuePass(run) => return self.continue_pass(*run).await,
            Op::CountEarlier(run) => return Ok(Answer::Earlier(self.count_earlier(*run).await?)),
            Op::TakeTurn(run, meaning) => return self.take_turn(*run, meaning).await,
            Op::EndTrust(run) => self.end_trust(*run).await?,
            Op::FinishRun(run, status, info) => self.finish(*run, *status, info).await?,
            Op::ForgetRun(run) => {
                self.forget(&["note", "intent", "image", "entry", "turn"], *run).await?;
                self.execute("DELETE FROM ferry.run WHERE account = $1 AND no = $2", *run).await?;
            }
            Op::ForgetImages(run) => self.forget(&["note", "image"], *run).await?,
            Op::ForgetEntries(run, numbers) => self.forget_entries(*run, numbers).await?,
            _ => {}
        }
        Ok(Answer::Done)
    }

    async fn execute(&self, sql: &str, run: RunNo) -> Result<u64, DbError> {
        Ok(self.client.execute(sql, &[&self.account, &number(run)?]).await?)
    }

    /// Removes some rows of a run.
    pub(super) async fn thin(&self, table: &str, run: RunNo) -> Result<(), DbError> {
        let rows = format!("SELECT ctid FROM ferry.{table} WHERE account = $1 AND run = $2 LIMIT {THINNED}");
        self.execute(&format!("DELETE FROM ferry.{table} WHERE ctid = ANY (ARRAY ({rows}))"), run).await.map(drop)
    }

    async fn forget(&self, tables: &[&str], run: RunNo) -> Result<(), DbError> {
        for table in tables {
            self.execute(&format!("DELETE FROM ferry.{table} WHERE account = $1 AND run = $2"), run).await?;
        }
        Ok(())
    }

    async fn begin(&self, new: &NewRun) -> Result<Answer, DbError> {
        let NewRun { name, work, command, info } = new;
        let sql = "SELECT coalesce(max(no), 0) + 1 FROM ferry.run WHERE account = $1";
        let no: i32 = self.client.query_one(sql, &[&self.account]).await?.try_get(0)?;
        let (command, info) = (command.name(), serde_json::to_string(info)?);
        let seal = run_seal([i64::from(no), 0, 0], [Some(name), Some(work), Some(command), Some(&info)]);
        let sql =
            "INSERT INTO ferry.run (account, no, name, work, command, info, seal) VALUES ($1, $2, $3, $4, $5, $6, $7)";
        self.client.execute(sql, &[&self.account, &no, name, work, &command, &info, &seal]).await?;
        Ok(Answer::Run(RunNo(i64::from(no))))
    }

    async fn begin_pass(&self, run: RunNo) -> Result<Answer, DbError> {
        let mut row = one_run(self.client, self.account, run).await?;
        row.pass += 1;
        self.set_pass(&row).await?;
        self.forget(&["note"], run).await?;
        let has_earlier = self.count_earlier(run).await?;
        Ok(Answer::Pass { pass: row.pass, has_earlier })
    }

    /// The run of this row is unfinished from now on, and in this pass.
    async fn set_pass(&self, row: &RunRow) -> Result<(), DbError> {
        let info = serde_json::to_string(&row.info)?;
        let texts = [Some(&*row.name), Some(&*row.work), Some(row.command.name()), Some(&*info)];
        let seal = run_seal([row.no.0, 0, i64::from(row.pass)], texts);
        let sql = "UPDATE ferry.run SET pass = $3, done = false, info = $4, seal = $5 WHERE account = $1 AND no = $2";
        self.client.execute(sql, &[&self.account, &number(row.no)?, &pass_number(row.pass)?, &info, &seal]).await?;
        Ok(())
    }

    /// All entries are found by their keys, which costs nothing here. The answer is about those that are asked for.
    async fn continue_pass(&self, run: RunNo) -> Result<Answer, DbError> {
        let row = one_run(self.client, self.account, run).await?;
        if row.pass == 0 {
            return Err(DbError::Misuse(format!("there is no pass of a run {}", run.0)));
        }
        self.set_pass(&row).await?;
        self.count_earlier(run).await?;
        let sql = "SELECT EXISTS (SELECT 1 FROM ferry.entry
                                  WHERE account = $1 AND run = $2 AND (pass <> $3 OR outcome IN ($4, $5)))";
        let [rejected, unknown] = [Outcome::Rejected, Outcome::Unknown].map(outcome_number);
        let [rejected, unknown] = [rejected, unknown].map(|number| i16::try_from(number).unwrap_or(-1));
        let pass = pass_number(row.pass)?;
        let values: [&(dyn ToSql + Sync); 5] = [&self.account, &number(run)?, &pass, &rejected, &unknown];
        let has_earlier = self.client.query_one(sql, &values).await?.try_get(0)?;
        Ok(Answer::Pass { pass: row.pass, has_earlier })
    }

    /// The entries there are now are those of earlier passes.
    async fn count_earlier(&self, run: RunNo) -> Result<bool, DbError> {
        let shown = "UPDATE ferry.entry SET hidden = false WHERE account = $1 AND run = $2 AND hidden";
        self.execute(shown, run).await?;
        let sql = "UPDATE ferry.run SET earlier = coalesce(
                       (SELECT max(no) FROM ferry.entry WHERE account = $1 AND run = $2), 0)
                   WHERE account = $1 AND no = $2 RETURNING earlier > 0";
        let row = self.client.query_opt(sql, &[&self.account, &number(run)?]).await?;
        Ok(row.ok_or_else(|| no_run(run))?.try_get(0)?)
    }

    async fn finish(&self, run: RunNo, status: RunStatus, info: &Value) -> Result<(), DbError> {
        let row = one_run(self.client, self.account, run).await?;
        let (is_done, info) = (status == RunStatus::Done, serde_json::to_string(info)?);
        let texts = [Some(&*row.name), Some(&*row.work), Some(row.command.name()), Some(&*info)];
        let seal = run_seal([run.0, i64::from(is_done), i64::from(row.pass)], texts);
        let sql = "UPDATE ferry.run SET done = $3, info = $4, seal = $5, earlier = CASE WHEN $3 THEN 0 ELSE earlier END
                   WHERE account = $1 AND no = $2";
        self.client.execute(sql, &[&self.account, &number(run)?, &is_done, &info, &seal]).await?;
        Ok(())
    }

    async fn take_turn(&self, run: RunNo, meaning: &Meaning) -> Result<Answer, DbError> {
        let sql = "UPDATE ferry.account SET turn = turn + 1 WHERE id = $1 RETURNING turn";
        let turn: i64 = self.client.query_one(sql, &[&self.account]).await?.try_get(0)?;
        let turn = turn.unsigned_abs();
        let known = turns_of(self.client, self.account, Some(run)).await?.pop().map(|(_, turns)| turns);
        self.keep_turns(run, &Turns::after(known, turn, meaning)).await?;
        Ok(Answer::Turn(turn))
    }

    /// Its order is still known, so that what later runs wrote can be trusted.
    async fn end_trust(&self, run: RunNo) -> Result<(), DbError> {
        match turns_of(self.client, self.account, Some(run)).await?.pop() {
            Some((_, turns)) => self.keep_turns(run, &Turns { how: None, ..turns }).await,
            None => Ok(()),
        }
    }

    async fn keep_turns(&self, run: RunNo, turns: &Turns) -> Result<(), DbError> {
        let (first, last, how) = (int(turns.first), int(turns.last), turns.how.as_deref());
        let seal = turn_seal(run, first, last, how);
        let sql = "INSERT INTO ferry.turn (account, run, first, last, how, seal) VALUES ($1, $2, $3, $4, $5, $6)
                   ON CONFLICT (account, run) DO UPDATE SET
                       first = excluded.first, last = excluded.last, how = excluded.how, seal = excluded.seal";
        self.client.execute(sql, &[&self.account, &number(run)?, &first, &last, &how, &seal]).await?;
        Ok(())
    }

    /// Removes entries by their numbers, except those that an open intent refers to. An earlier entry of the same key is
    /// hidden, because it was replaced long ago.
    async fn forget_entries(&self, run: RunNo, numbers: &[EntryNo]) -> Result<(), DbError> {
        let numbers: Vec<i64> = numbers.iter().map(|no| no.0).collect();
        let sql = "WITH gone AS (
                       DELETE FROM ferry.entry e WHERE e.account = $1 AND e.run = $2 AND e.no = ANY ($3)
                           AND NOT EXISTS (SELECT 1 FROM ferry.intent i
                                           WHERE i.account = $1 AND i.run = $2 AND i.entry = e.no)
                       RETURNING e.account, e.run, e.no, e.key)
                   UPDATE ferry.entry e SET hidden = true
                   WHERE e.account = $1 AND e.run = $2 AND e.no <> ALL ($3) AND e.no = ANY (ARRAY (
                       SELECT earlier.no FROM gone CROSS JOIN LATERAL (
                           SELECT x.no FROM ferry.entry x
                           WHERE (x.account::bigint << 32 | x.run) = (gone.account::bigint << 32 | gone.run)
                               AND x.key = gone.key AND x.no < gone.no) earlier
                       WHERE NOT EXISTS (
                           SELECT 1 FROM ferry.entry l JOIN ferry.run r ON r.account = $1 AND r.no = $2
                           WHERE (l.account::bigint << 32 | l.run) = (gone.account::bigint << 32 | gone.run)
                               AND l.key = gone.key AND l.no > gone.no AND l.no <= r.earlier)))";
        self.client.execute(sql, &[&self.account, &number(run)?, &numbers]).await?;
        Ok(())
    }
}
