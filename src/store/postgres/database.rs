//! A database with a few connections that the whole process shares: ask it from any thread or task, wait for a server that
//! restarts, and know that its tables are of this version.
//!
//! The connections live on a thread and a runtime of their own, because the store is asked from threads that block, and
//! from tasks whose runtime may be paused. It knows no table: see `migrate.rs` and `store.rs`.

use super::error::DbError;
use super::migrate;
use super::tls::Tls;
use crate::outcome::Failure;
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime as PoolRuntime};
use std::future::Future;
use std::sync::{Arc, OnceLock, mpsc};
use std::time::{Duration, Instant};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::oneshot;
use tokio_postgres::Config;

pub use deadpool_postgres::Client;

/// The connections of a process, whatever it does: a group of operations holds one for milliseconds.
const CONNECTIONS_MAX: usize = 6;

/// How long a connection may be waited for.
const WAIT_MAX: Duration = Duration::from_secs(20);

/// How long a server is waited for that was there before.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// How long one is waited for that was not.
const PATIENCE_AT_FIRST: Duration = Duration::from_secs(5);

/// The first wait before another attempt; each is twice as long, up to [`RETRY_MAX`].
const RETRY_MIN: Duration = Duration::from_millis(50);

/// The longest wait before another attempt.
const RETRY_MAX: Duration = Duration::from_secs(2);

/// A database; clones are the same one.
#[derive(Clone)]
pub struct Database(Arc<Inner>);

struct Inner {
    pool: Pool,
    runtime: Handle,
    shown: String,
    /// What makes this database another than all others.
    id: OnceLock<String>,
    /// The thread with the runtime ends when this is dropped.
    _end: oneshot::Sender<()>,
}

impl Database {
    /// Connects, and brings the tables to this version.
    pub(super) fn open(config: &Config, tls: &Tls, shown: &str) -> Result<Database, Failure> {
        let manager = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(config.clone(), tls.connector()?, manager);
        let pool = Pool::builder(manager).max_size(CONNECTIONS_MAX).runtime(PoolRuntime::Tokio1);
        let pool = pool.wait_timeout(Some(WAIT_MAX)).create_timeout(Some(WAIT_MAX)).build();
        let pool = pool.map_err(|error| Failure::failed("the database cannot be used").cause(error))?;
        let (runtime, end) = start_runtime()?;
        let database =
            Database(Arc::new(Inner { pool, runtime, shown: shown.to_owned(), id: OnceLock::new(), _end: end }));
        let id = database.ask_for(PATIENCE_AT_FIRST, |client| async move { migrate::prepare(client).await })?;
        database.0.id.get_or_init(|| id);
        Ok(database)
    }

    /// What makes this database another than all others: drawn when its tables were made.
    pub fn id(&self) -> &str {
        self.0.id.get().map_or("", String::as_str)
    }

    /// The address without password, as messages show it.
    pub fn shown(&self) -> &str {
        &self.0.shown
    }

    /// Does something with a connection and blocks the thread until it is done. What fails because the connection was lost,
    /// or the server restarts, is done again for a while: it must be something that may be done twice.
    ///
    /// # Errors
    /// Exit 1 with the cause.
    pub fn ask<T, F>(&self, work: impl Fn(Client) -> F + Send + 'static) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, DbError>> + Send,
    {
        self.ask_for(PATIENCE, work)
    }

    /// The same, for as long as this.
    pub(super) fn ask_for<T, F>(
        &self,
        patience: Duration,
        work: impl Fn(Client) -> F + Send + 'static,
    ) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, DbError>> + Send,
    {
        let pool = self.0.pool.clone();
        let done = self.block(async move { retrying(&pool, patience, work).await })?;
        done.map_err(|error| error.failure(self.shown()))
    }

    /// The same for a task, which waits without blocking its thread. What was begun is done also if the future is dropped.
    ///
    /// # Errors
    /// As [`Database::ask`].
    pub async fn run<T, F>(&self, work: impl Fn(Client) -> F + Send + 'static) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, DbError>> + Send,
    {
        let pool = self.0.pool.clone();
        let done = self.0.runtime.spawn(async move { retrying(&pool, PATIENCE, work).await });
        let done = done.await.map_err(|error| Failure::failed("the database's thread has ended").cause(error))?;
        done.map_err(|error| error.failure(self.shown()))
    }

    /// The connections, for a library that brings its own statements.
    pub fn pool(&self) -> Pool {
        self.0.pool.clone()
    }

    /// Does something with a connection without waiting for it; what fails is only logged.
    pub(super) fn spawn<F>(&self, work: impl Fn(Client) -> F + Send + 'static)
    where
        F: Future<Output = Result<(), DbError>> + Send,
    {
        let pool = self.0.pool.clone();
        self.0.runtime.spawn(async move {
            if let Err(error) = retrying(&pool, PATIENCE, work).await {
                tracing::debug!("the database was not told: {error}");
            }
        });
    }

    /// A connection, for work that must not be done twice; only inside of [`Database::block`].
    ///
    /// # Errors
    /// What the server or the driver reports.
    pub async fn client(&self) -> Result<Client, DbError> {
        Ok(self.0.pool.get().await?)
    }

    /// Blocks the thread until a future has ended on the runtime of the connections.
    ///
    /// # Errors
    /// Exit 1 when it ended with a bug.
    pub fn block<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Result<T, Failure> {
        let (answer, answered) = mpsc::sync_channel(1);
        self.0.runtime.spawn(async move {
            // A caller that is gone does not want the answer.
            let _ = answer.send(work.await);
        });
        let wait = || answered.recv();
        let flavor = Handle::try_current().map(|runtime| runtime.runtime_flavor());
        let done = match flavor {
            // Other tasks of this thread go on meanwhile.
            Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(wait),
            _ => wait(),
        };
        done.map_err(|_| Failure::failed("the database's thread ended with a bug"))
    }
}

async fn retrying<T, F>(pool: &Pool, patience: Duration, work: impl Fn(Client) -> F) -> Result<T, DbError>
where
    F: Future<Output = Result<T, DbError>> + Send,
{
    let (begun, mut wait) = (Instant::now(), RETRY_MIN);
    loop {
        let done = match pool.get().await {
            Ok(client) => work(client).await,
            Err(error) => Err(error.into()),
        };
        match done {
            Err(error) if error.is_passing() && begun.elapsed() + wait < patience => {
                tracing::debug!("the database is asked again: {error}");
                tokio::time::sleep(with_jitter(wait)).await;
                wait = (wait * 2).min(RETRY_MAX);
            }
            done => return done,
        }
    }
}

/// A wait between half of this and all of it, so that processes that lost the same server do not come back at once.
pub(super) fn with_jitter(wait: Duration) -> Duration {
    let drawn = std::hash::BuildHasher::hash_one(&std::collections::hash_map::RandomState::new(), Instant::now());
    let part = u32::try_from(drawn % 1000).unwrap_or_default();
    wait / 2 + wait / 2 * part / 1000
}

/// Starts the runtime of the connections on a thread of its own.
fn start_runtime() -> Result<(Handle, oneshot::Sender<()>), Failure> {
    let fault = |error: std::io::Error| Failure::failed("no thread for the database could be started").cause(error);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(fault)?;
    let (handle, (end, ended)) = (runtime.handle().clone(), oneshot::channel::<()>());
    let wait = move || {
        // An error says that the sender is gone, which is the end as well.
        let _ = runtime.block_on(ended);
    };
    std::thread::Builder::new().name("database".into()).spawn(wait).map_err(fault)?;
    Ok((handle, end))
}
