//! One rate for all processes that talk to the same account: each reserves the instants of its next requests in the store, a
//! few seconds' worth at a time.
//!
//! The store keeps the instant after which nothing is reserved (as a GCRA does), by its own clock. A process that is stopped
//! does not use the instants that passed meanwhile.

use super::database::Database;
use super::error::DbError;
use super::read::rows;
use crate::outcome::Failure;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How much time is reserved at once: what another process waits for at most.
const SLICE_S: f64 = 2.0;

/// The most requests that are reserved at once.
const SLICE_MAX: f64 = 64.0;

/// Instants are a little further apart than the rate asks for, because the way to the platform moves requests together.
const APART: f64 = 1.03;

/// The rate of an account, as this process takes part in it.
pub struct SharedRate {
    database: Database,
    key: String,
    reserved: Mutex<VecDeque<Instant>>,
}

const RESERVE: &str = "
INSERT INTO ferry.rate AS r (key, tat) VALUES ($1, clock_timestamp() + $2::float8 * interval '1 second')
ON CONFLICT (key) DO UPDATE
    SET tat = greatest(r.tat, clock_timestamp(), r.not_before) + $2::float8 * interval '1 second'
RETURNING extract(epoch FROM tat - $2::float8 * interval '1 second' - clock_timestamp())::float8";

const PAUSE: &str = "
INSERT INTO ferry.rate AS r (key, not_before) VALUES ($1, clock_timestamp() + $2::float8 * interval '1 second')
ON CONFLICT (key) DO UPDATE
    SET not_before = greatest(r.not_before, clock_timestamp() + $2::float8 * interval '1 second')";

impl SharedRate {
    /// The rate of the account of this key.
    pub fn of(database: Database, key: &str) -> SharedRate {
        SharedRate { database, key: key.to_owned(), reserved: Mutex::default() }
    }

    /// Waits until a request may leave, at this rate.
    ///
    /// # Errors
    /// Exit 1 when the store cannot be reached.
    pub async fn take(&self, per_s: f64) -> Result<(), Failure> {
        let at = {
            // In the order of the requests: who waits for the slice waits here.
            let mut reserved = self.reserved.lock().await;
            let now = Instant::now();
            while reserved.front().is_some_and(|at| *at < now) {
                reserved.pop_front();
            }
            if reserved.is_empty() {
                *reserved = self.reserve(per_s).await?;
            }
            reserved.pop_front()
        };
        if let Some(at) = at {
            tokio::time::sleep_until(at).await;
        }
        Ok(())
    }

    async fn reserve(&self, per_s: f64) -> Result<VecDeque<Instant>, Failure> {
        let apart_s = APART / per_s;
        let len = (SLICE_S * per_s).floor().clamp(1.0, SLICE_MAX);
        let (key, reserved_s) = (self.key.clone(), len * apart_s);
        let from_s = self.database.run(move |client| {
            let key = key.clone();
            async move {
                let found = rows(&client, RESERVE, &[&key, &reserved_s]).await?;
                let row = found.first().ok_or(DbError::Damaged("a rate without an answer"))?;
                Ok(row.try_get::<_, f64>(0)?)
            }
        });
        let from_s = from_s.await?.max(0.0);
        let first = Instant::now() + Duration::try_from_secs_f64(from_s).unwrap_or_default();
        let nth = |nth: u32| first + Duration::try_from_secs_f64(f64::from(nth) * apart_s).unwrap_or_default();
        Ok((0..len as u32).map(nth).collect())
    }

    /// No process sends for this long: the platform asked for it. It is stored without being waited for.
    pub fn pause(&self, pause: Duration) {
        let (key, pause_s) = (self.key.clone(), pause.as_secs_f64());
        self.database.spawn(move |client| {
            let key = key.clone();
            async move { rows(&client, PAUSE, &[&key, &pause_s]).await.map(drop) }
        });
    }
}
