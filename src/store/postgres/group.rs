//! One group of operations as one transaction: fence, operations, commit. What every record has goes out together, without
//! waiting for an answer in between, so that a group costs one round trip and one flush of the server.

use super::error::DbError;
use super::rare::Rare;
use super::rows::{Columns, Statements};
use super::sql::{BEGIN, FENCE};
use crate::store::model::RunNo;
use crate::store::op::{Answer, Op};
use deadpool_postgres::ClientWrapper;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

/// A lease as the fence of a group names it.
#[derive(Clone, Debug)]
pub(super) struct Fence {
    pub(super) account: i32,
    pub(super) token: i64,
    pub(super) holder: String,
    /// The number of the group.
    pub(super) group_no: i64,
    pub(super) valid_ms: i64,
}

/// A part of a group.
#[derive(Clone, Debug)]
pub(super) enum Part {
    /// Statements that go out together.
    Together(Statements),
    /// An operation that is executed alone.
    Alone(Op),
    /// Some rows of a run go from this table.
    Thin(&'static str, RunNo),
}

/// What is sent without waiting for the answer before it.
type Sent<'a> = Pin<Box<dyn Future<Output = Result<Vec<Row>, DbError>> + Send + 'a>>;

/// Executes a group; the answers of the operations that were executed alone.
pub(super) async fn execute(client: &ClientWrapper, fence: &Fence, parts: &[Part]) -> Result<Vec<Answer>, DbError> {
    let (mut answers, rare) = (Vec::new(), Rare { client, account: fence.account });
    let done = async {
        let (first, rest) = match parts.split_first() {
            Some((Part::Together(statements), rest)) => (statements.as_slice(), rest),
            _ => (&[][..], parts),
        };
        send(client, Some(fence), first, rest.is_empty()).await?;
        for (place, part) in rest.iter().enumerate() {
            let is_last = place + 1 == rest.len();
            match part {
                Part::Together(statements) => send(client, None, statements, is_last).await?,
                Part::Alone(op) => answers.push(rare.apply(op).await?),
                Part::Thin(table, run) => rare.thin(table, *run).await?,
            }
            if is_last && !matches!(part, Part::Together(_)) {
                client.batch_execute("COMMIT").await?;
            }
        }
        Ok(())
    };
    let done: Result<(), DbError> = done.await;
    if done.is_err() {
        // The first error is the cause; a connection that is lost has no transaction any more.
        let _ = client.batch_execute("ROLLBACK").await;
    }
    done.map(|()| answers)
}

/// Sends statements together: with the beginning and the fence before them, and the end after them.
async fn send(
    client: &ClientWrapper,
    fence: Option<&Fence>,
    statements: &[(super::sql::Kind, Columns)],
    is_last: bool,
) -> Result<(), DbError> {
    let fence_statement = client.prepare_cached(FENCE).await?;
    let fence_statement = &fence_statement;
    let mut prepared = Vec::with_capacity(statements.len());
    for (kind, columns) in statements {
        prepared.push((client.prepare_cached(kind.sql()).await?, columns));
    }
    let mut sent: Vec<Sent<'_>> = Vec::with_capacity(prepared.len() + 3);
    if let Some(fence) = fence {
        sent.push(Box::pin(simple(client, BEGIN)));
        sent.push(Box::pin(async move {
            let Fence { account, token, holder, group_no, valid_ms } = fence;
            Ok(client.query(fence_statement, &[account, token, holder, group_no, valid_ms]).await?)
        }));
    }
    for (statement, columns) in &prepared {
        sent.push(Box::pin(async move { Ok(client.query(statement, &values(columns)).await?) }));
    }
    if is_last {
        sent.push(Box::pin(simple(client, "COMMIT")));
    }
    together(sent).await
}

async fn simple(client: &ClientWrapper, sql: &str) -> Result<Vec<Row>, DbError> {
    client.batch_execute(sql).await?;
    Ok(Vec::new())
}

fn values(columns: &Columns) -> Vec<&(dyn ToSql + Sync)> {
    fn all<T: ToSql + Sync>(columns: &[T]) -> impl Iterator<Item = &(dyn ToSql + Sync)> {
        columns.iter().map(|column| column as &(dyn ToSql + Sync))
    }
    let account = std::iter::once(&columns.account as &(dyn ToSql + Sync));
    account.chain(all(&columns.numbers)).chain(all(&columns.bytes)).chain(all(&columns.texts)).collect()
}

/// Waits for all of them; they are sent in their order, because a statement is sent when its future is polled for the first
/// time. The first error is the cause of those after it.
async fn together(mut sent: Vec<Sent<'_>>) -> Result<(), DbError> {
    let mut done: Vec<Option<Result<(), DbError>>> = sent.iter().map(|_| None).collect();
    poll_fn(|context| {
        for (future, done) in sent.iter_mut().zip(&mut done).filter(|(_, done)| done.is_none()) {
            if let Poll::Ready(result) = future.as_mut().poll(context) {
                *done = Some(result.map(drop));
            }
        }
        if done.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}
