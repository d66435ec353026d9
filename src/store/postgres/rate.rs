//! One rate for all processes that talk to the same account: each reserves the instants of its next requests in the store, a
//! few seconds' worth at a time.
//!
//! The store keeps the instant after which nothing is reserved (as a GCRA does), by its own clock. A process that is stopped,
//! or whose machine sleeps, does not use the instants that passed meanwhile, because other processes have used theirs.

use super::database::Database;
use super::error::DbError;
use super::read::rows;
use crate::outcome::Failure;
use crate::store::lease::LeaseTimer;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::Mutex;

/// How much time is reserved at once: what another process waits for at most.
const SLICE_S: f64 = 2.0;

/// The most requests that are reserved at once.
const SLICE_MAX: f64 = 64.0;

/// Instants are a little further apart than the rate asks for, because the way to the platform moves requests together.
const APART: f64 = 1.03;

/// How late an instant may be used at first; twice as late with each further try, so that a machine which is always late
/// makes progress.
const LATE_MAX: Duration = Duration::from_millis(100);

/// The rate of an account, as this process takes part in it.
pub struct SharedRate {
    database: Database,
    key: String,
    /// By the clock of leases, which goes on while the machine sleeps.
    reserved: Mutex<VecDeque<Duration>>,
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

/// The instants of a slice that begins so many seconds after the moment at which the server answered: some moment between
/// these two. They lie in the slice whichever it was, so that those of two processes never overlap; of a slice that took longer
/// to get than it lasts, one is left.
fn instants((asked, answered): (Duration, Duration), from_s: f64, (len, apart_s): (u32, f64)) -> VecDeque<Duration> {
    let seconds = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or_default();
    let end = asked + seconds(from_s + f64::from(len) * apart_s);
    let nth = |nth: u32| answered + seconds(from_s + f64::from(nth) * apart_s);
    (0..len).map(nth).enumerate().filter(|(place, at)| *place == 0 || *at < end).map(|(_, at)| at).collect()
}

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
        let mut late_max = LATE_MAX;
        loop {
            let at = self.next(per_s).await?;
            tokio::time::sleep(at.saturating_sub(LeaseTimer::now())).await;
            if LeaseTimer::now().saturating_sub(at) <= late_max {
                return Ok(());
            }
            late_max *= 2;
        }
    }

    /// The next instant that has not passed.
    async fn next(&self, per_s: f64) -> Result<Duration, Failure> {
        // In the order of the requests: who waits for the slice waits here.
        let mut reserved = self.reserved.lock().await;
        let now = LeaseTimer::now();
        while reserved.front().is_some_and(|at| *at < now) {
            reserved.pop_front();
        }
        if reserved.is_empty() {
            *reserved = self.reserve(per_s).await?;
        }
        Ok(reserved.pop_front().unwrap_or(now))
    }

    async fn reserve(&self, per_s: f64) -> Result<VecDeque<Duration>, Failure> {
        let apart_s = APART / per_s;
        let len = (SLICE_S * per_s).floor().clamp(1.0, SLICE_MAX);
        let (key, reserved_s) = (self.key.clone(), len * apart_s);
        let asked = self.database.run(move |client| {
            let key = key.clone();
            async move {
                let asked = LeaseTimer::now();
                let found = rows(&client, RESERVE, &[&key, &reserved_s]).await?;
                let row = found.first().ok_or(DbError::Damaged("a rate without an answer"))?;
                Ok((asked, row.try_get::<_, f64>(0)?))
            }
        });
        let (asked, from_s) = asked.await?;
        Ok(instants((asked, LeaseTimer::now()), from_s.max(0.0), (len as u32, apart_s)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_instants_of_a_slice_lie_in_it_whenever_the_server_answered() {
        let ms = Duration::from_millis;
        let slice = |answered: u64| Vec::from(instants((ms(1_000), ms(answered)), 0.5, (4, 0.1)));
        assert_eq!(slice(1_000), [1_500, 1_600, 1_700, 1_800].map(ms));
        // It ends at 1,900, if it was given when it was asked for.
        assert_eq!(slice(1_150), [1_650, 1_750, 1_850].map(ms));
        assert_eq!(slice(9_000), [ms(9_500)]);
    }
}
