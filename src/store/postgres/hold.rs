//! Holding an account: taking, renewing and giving back its lease. Only the clock of the database judges whether a lease has
//! ended.

use super::database::Database;
use super::error::DbError;
use super::group::Fence;
use super::read::rows;
use crate::outcome::{Exit, Failure};
use crate::store::lease::{LeaseTimer, RENEWED_AFTER};
use std::hash::BuildHasher;
use std::time::{Duration, SystemTime};
use tokio_postgres::Row;

/// How this process holds an account.
pub(super) struct Hold {
    pub(super) account: i32,
    key: String,
    /// This process, opened once: a number that no other has.
    holder: String,
    pub(super) valid_for: Duration,
    pub(super) timer: LeaseTimer,
}

/// A lease that was taken.
pub(super) struct Held {
    pub(super) token: i64,
    /// The number of the last group.
    pub(super) group_no: i64,
}

/// The lease is taken if it has ended, or if it is that of this very holder: its reply may have been lost. `before_until`
/// keeps when the one before ended, because until then its process may have sent.
const TAKE: &str = "
UPDATE ferry.account SET token = token + 1, holder = $2::text::uuid, holder_name = $3, renewed_at = clock_timestamp(),
    before_until = CASE WHEN holder = $2::text::uuid THEN before_until ELSE lease_until END,
    lease_until = clock_timestamp() + $4::bigint * interval '1 millisecond'
WHERE id = $1::integer AND (lease_until IS NULL OR lease_until <= clock_timestamp() OR holder = $2::text::uuid)
RETURNING token, group_no";

const HOLDER: &str = "
SELECT coalesce(holder_name, ''), extract(epoch FROM lease_until - clock_timestamp())::float8
FROM ferry.account WHERE id = $1::integer";

const RENEW: &str = "
UPDATE ferry.account SET renewed_at = clock_timestamp(),
    lease_until = clock_timestamp() + $4::bigint * interval '1 millisecond'
WHERE id = $1::integer AND token = $2::bigint AND holder = $3::text::uuid AND lease_until > clock_timestamp()
RETURNING 1";

const RELEASE: &str = "
UPDATE ferry.account SET lease_until = clock_timestamp()
WHERE id = $1::integer AND token = $2::bigint AND holder = $3::text::uuid AND lease_until > clock_timestamp()";

/// How long giving an account back may take; it ends by itself a little later.
const RELEASE_MAX: Duration = Duration::from_secs(2);

impl Hold {
    pub(super) fn new(account: i32, key: &str, valid_for: Duration) -> Hold {
        let (key, timer) = (key.to_owned(), LeaseTimer::new(valid_for));
        Hold { account, key, holder: new_holder(), valid_for, timer }
    }

    fn valid_ms(&self) -> i64 {
        i64::try_from(self.valid_for.as_millis()).unwrap_or(i64::MAX)
    }

    /// Takes the lease.
    pub(super) fn take(&self, database: &Database) -> Result<Held, Failure> {
        let (account, holder, valid_ms) = (self.account, self.holder.clone(), self.valid_ms());
        let asked = LeaseTimer::now();
        let taken = database.ask(move |client| {
            let (holder, name) = (holder.clone(), holder_name());
            async move {
                let taken = rows(&client, TAKE, &[&account, &holder, &name, &valid_ms]).await?;
                match taken.first() {
                    Some(row) => Ok(Ok(Held { token: row.try_get(0)?, group_no: row.try_get(1)? })),
                    None => Ok(Err(rows(&client, HOLDER, &[&account]).await?.first().map(holder_of).transpose()?)),
                }
            }
        })?;
        match taken {
            Ok(held) => {
                self.timer.renewed(asked);
                Ok(held)
            }
            Err(holder) => Err(self.busy(holder)),
        }
    }

    fn busy(&self, holder: Option<(String, f64)>) -> Failure {
        let (name, left) = holder.unwrap_or_default();
        let failure = Failure::new(Exit::Busy, format!("another process ({name}) is writing to this connection"));
        let left = left.max(0.0).ceil();
        failure
            .cause(format!("it holds `{}` for {left} s more, unless it renews its lease", self.key))
            .hint("wait until it has ended, then run the same command again")
    }

    /// Renews the lease of this token.
    pub(super) fn renew(&self, database: &Database, token: i64) -> Result<(), Failure> {
        let (account, holder, valid_ms) = (self.account, self.holder.clone(), self.valid_ms());
        let asked = LeaseTimer::now();
        let is_renewed = database.ask_for(self.valid_for / RENEWED_AFTER, move |client| {
            let holder = holder.clone();
            async move { Ok(!rows(&client, RENEW, &[&account, &token, &holder, &valid_ms]).await?.is_empty()) }
        })?;
        if !is_renewed {
            return Err(self.lost(token.unsigned_abs()).failure(database.shown()));
        }
        self.timer.renewed(asked);
        Ok(())
    }

    /// The lease of this token is not the latest, or has ended.
    pub(super) fn lost(&self, token: u64) -> DbError {
        DbError::Fenced(format!("its lease `{token}` of `{}` is not the latest, or has ended", self.key))
    }

    /// Gives the account back; where that fails, the lease ends by itself.
    pub(super) fn release(&self, database: &Database, token: i64) {
        self.timer.release();
        let (account, holder, asked) = (self.account, self.holder.clone(), database.clone());
        let release = async move {
            let client = asked.client().await?;
            rows(&client, RELEASE, &[&account, &token, &holder]).await
        };
        let released = database.block(async move { tokio::time::timeout(RELEASE_MAX, release).await });
        if !matches!(released, Ok(Ok(Ok(_)))) {
            tracing::debug!("the account was not given back: {released:?}");
        }
    }

    /// What the first statement of a group compares.
    pub(super) fn fence(&self, token: i64, group_no: i64) -> Fence {
        let (account, holder, valid_ms) = (self.account, self.holder.clone(), self.valid_ms());
        Fence { account, token, holder, group_no, valid_ms }
    }
}

fn holder_of(row: &Row) -> Result<(String, f64), DbError> {
    Ok((row.try_get(0)?, row.try_get::<_, Option<f64>>(1)?.unwrap_or_default()))
}

/// What the message of another process calls this one.
fn holder_name() -> String {
    #[cfg(unix)]
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    #[cfg(not(unix))]
    let host = std::env::var("COMPUTERNAME").unwrap_or_default();
    format!("`{}` on `{host}`", std::process::id())
}

/// A random number in the form of a UUID.
fn new_holder() -> String {
    let drawn = |nth: u64| {
        std::collections::hash_map::RandomState::new().hash_one((nth, SystemTime::now(), std::process::id()))
    };
    let [one, other] = [drawn(0), drawn(1)].map(u64::to_be_bytes);
    let hex: String = one.iter().chain(&other).map(|byte| format!("{byte:02x}")).collect();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}
