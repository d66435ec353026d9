//! When a request came, and how its time is written.
//!
//! It does not read a clock.

use std::time::Duration;
use tokio::time::Instant;

/// The moment of a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct RequestTime {
    /// On the runtime's clock.
    pub(super) now: Instant,
    /// Since 1970, UTC.
    pub(super) since_1970: Duration,
    /// Until when a contact created now is not found.
    pub(super) hidden_until: Option<Instant>,
}

impl RequestTime {
    /// As RFC 3339 with milliseconds, UTC.
    pub(super) fn rfc3339(&self) -> String {
        rfc3339(self.since_1970)
    }
}

/// A time since 1970 as RFC 3339 with milliseconds, UTC.
pub(super) fn rfc3339(since_1970: Duration) -> String {
    let (seconds, millis) = (since_1970.as_secs(), since_1970.subsec_millis());
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// Year, month and day of so many days after 1970-01-01, in the Gregorian calendar.
fn date(days: u64) -> (u64, u64, u64) {
    /// Days from 0000-03-01 to 1970-01-01; years that begin in March end with the leap day.
    const MARCH_ZERO: u64 = 719_468;
    /// Days in 400 years, after which the calendar repeats.
    const ERA: u64 = 146_097;
    let days = days + MARCH_ZERO;
    let (era, of_era) = (days / ERA, days % ERA);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}
