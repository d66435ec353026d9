//! When a job starts: five fields of cron and a time zone. It does not start anything and reads no clock.
//!
//! Where clocks are changed, a time of day means: a time that is skipped starts the job at the moment of the change, and a
//! time that comes twice starts it the first time only. A schedule whose minute or hour begins with `*` means every such
//! moment as it passes: nothing is caught up, and the hour that comes twice counts twice.

use crate::outcome::Failure;
use crate::yaml::nearest;
use cronexpr::{Crontab, FallbackTimezoneOption, MakeTimestamp, ParseOptions, parse_crontab_with};
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use std::fmt;

/// The fields of a schedule.
const FIELDS: usize = 5;
/// Starts of one schedule that may lie in the past of a repeated hour: one each minute for three hours.
const REPEATED_MAX: usize = 180;
/// Changes of a clock between a moment and the next start: a schedule is searched for four years.
const CHANGES_MAX: usize = 32;

/// When a job starts.
#[derive(Clone)]
pub struct Schedule {
    text: String,
    zone: TimeZone,
    /// The fields on a clock that is never changed.
    fields: Crontab,
    /// Every minute or every hour: it follows the time that passes, not the time of day.
    is_interval: bool,
}

impl Schedule {
    /// The schedule of this text. `zone` is the name of a time zone; none: that of the machine. An `H` in a field is a
    /// number drawn from `seed`, so that many jobs do not start at once.
    ///
    /// # Errors
    /// Exit 2 when it has not five fields, when one is invalid, when it names no moment, or when there is no such zone.
    pub fn parse(text: &str, zone: Option<&str>, seed: &str) -> Result<Schedule, Failure> {
        let words: Vec<&str> = text.split_whitespace().collect();
        if words.len() != FIELDS {
            return Err(invalid(text, &format!("it has {} fields, expected {FIELDS}", words.len())));
        }
        let zone = zone.map_or_else(|| Ok(TimeZone::system()), zone_named)?;
        let mut options = ParseOptions::default();
        options.fallback_timezone_option = FallbackTimezoneOption::UTC;
        options.hashed_value = blake3::hash(seed.as_bytes()).as_bytes().first_chunk().copied().map(u64::from_le_bytes);
        let fields = parse_crontab_with(text, options).map_err(|error| invalid(text, &first_line(&error)))?;
        let is_interval = words.iter().take(2).any(|field| field.starts_with('*'));
        let schedule = Schedule { text: words.join(" "), zone, fields, is_interval };
        match schedule.next_after(Timestamp::UNIX_EPOCH) {
            Some(_) => Ok(schedule),
            None => Err(invalid(text, "there is no such day")),
        }
    }

    /// The first start after a moment; none where there is none for four years.
    pub fn next_after(&self, moment: Timestamp) -> Option<Timestamp> {
        if self.is_interval { self.next_interval(moment) } else { self.next_time_of_day(moment) }
    }

    /// The name of its time zone.
    pub fn zone(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    fn next_time_of_day(&self, moment: Timestamp) -> Option<Timestamp> {
        let mut clock = self.zone.to_datetime(moment);
        for _ in 0..REPEATED_MAX {
            clock = self.next_on_clock(clock)?;
            let start = self.moment_of(clock)?;
            // Not so in an hour that comes a second time: it has started in the first.
            if start > moment {
                return Some(start);
            }
        }
        None
    }

    fn next_interval(&self, moment: Timestamp) -> Option<Timestamp> {
        let mut since = moment;
        let mut offset = self.zone.to_offset(since);
        let mut clock = offset.to_datetime(since);
        for _ in 0..CHANGES_MAX {
            let start = offset.to_timestamp(self.next_on_clock(clock)?).ok()?;
            match self.zone.following(since).next().map(|change| change.timestamp()) {
                Some(change) if change <= start => {
                    since = change;
                    offset = self.zone.to_offset(change);
                    // The moment of the change itself may be a start.
                    clock = offset.to_datetime(change).checked_sub(SignedDuration::from_secs(1)).ok()?;
                }
                _ => return Some(start),
            }
        }
        None
    }

    /// The next start on a clock that is never changed.
    fn next_on_clock(&self, clock: DateTime) -> Option<DateTime> {
        let moment = Offset::UTC.to_timestamp(clock).ok()?;
        let moment = MakeTimestamp::from_nanosecond(moment.as_nanosecond()).ok()?;
        self.fields.find_next(moment).ok().map(|found| found.datetime())
    }

    /// The moment at which the clock shows this time first; of a time that is skipped, the moment of the change.
    fn moment_of(&self, clock: DateTime) -> Option<Timestamp> {
        let shown = self.zone.to_ambiguous_timestamp(clock);
        let is_skipped = matches!(shown.offset(), AmbiguousOffset::Gap { .. });
        let moment = shown.compatible().ok()?;
        match is_skipped {
            true => self.zone.preceding(moment).next().map(|change| change.timestamp()),
            false => Some(moment),
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.text, self.zone())
    }
}

fn invalid(text: &str, why: &str) -> Failure {
    Failure::usage(format!("`{text}` is not a schedule: {why}"))
        .hint("write minute, hour, day of the month, month and day of the week: `5 3 * * *` is 03:05 every day")
}

fn zone_named(name: &str) -> Result<TimeZone, Failure> {
    TimeZone::get(name).map_err(|_| {
        let failure = Failure::usage(format!("there is no time zone `{name}`"));
        let known: Vec<String> = jiff::tz::db().available().map(|zone| zone.to_string()).collect();
        match nearest(name, known.iter().map(String::as_str)) {
            Some(near) => failure.hint(format!("did you mean `{near}`?")),
            None => failure.hint("use a name of the time zone database: `America/Guayaquil`, `Europe/Madrid`, `UTC`"),
        }
    })
}

/// What the parser says, without the picture that it draws.
fn first_line(error: &cronexpr::Error) -> String {
    let text = error.to_string();
    text.lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default()
        .trim()
        .trim_matches(['^', ' '])
        .to_owned()
}
