//! Rate limits as users write them: `10/s`, `300/min,5000/h`, `auto,max=50/s`, `none`.
//!
//! It parses and displays rates; [`super::pace`] keeps to them.

use crate::outcome::Failure;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// The highest rate that a clock with a resolution of milliseconds can keep.
const PER_S_MAX: f64 = 100_000.0;

/// The forms of a rate, for hints.
const FORMS: &str = "rates look like `10/s`, `300/min,5000/h`, `auto`, `auto,max=50/s` or `none`";

/// A rate of requests: limits that are never exceeded, with or without a rate that adapts below them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rate {
    auto: bool,
    limits: Vec<Limit>,
}

/// The most requests in any window of this length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limit {
    /// At most so many, at least one.
    pub(super) count: u32,
    /// In any window of this length.
    pub(super) period: Period,
}

/// The periods that quotas are given for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Period {
    Second,
    Minute,
    Hour,
    Day,
}

/// The only list of periods, with the other names that users write.
const PERIODS: &[(Period, &str, u64, &[&str])] = &[
    (Period::Second, "s", 1, &["sec", "second", "seconds"]),
    (Period::Minute, "min", 60, &["m", "minute", "minutes"]),
    (Period::Hour, "h", 3600, &["hr", "hour", "hours"]),
    (Period::Day, "d", 86_400, &["day", "days"]),
];

impl Period {
    fn facts(self) -> (&'static str, u64) {
        let row = PERIODS.iter().find(|(period, ..)| *period == self);
        row.map_or(("s", 1), |(_, name, secs, _)| (*name, *secs))
    }

    /// How long it is.
    pub(super) fn length(self) -> Duration {
        Duration::from_secs(self.facts().1)
    }
}

impl Limit {
    /// Requests per second on average.
    pub(super) fn per_s(self) -> f64 {
        f64::from(self.count) / self.period.length().as_secs_f64()
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.count, self.period.facts().0)
    }
}

impl Default for Rate {
    fn default() -> Rate {
        Rate::auto()
    }
}

impl Rate {
    /// The rate that adapts, without a limit.
    pub fn auto() -> Rate {
        Rate { auto: true, limits: Vec::new() }
    }

    /// No limit at all.
    pub fn none() -> Rate {
        Rate { auto: false, limits: Vec::new() }
    }

    /// Reads a rate.
    ///
    /// # Errors
    ///
    /// Exit 2: it is not a rate.
    pub fn parse(text: &str) -> Result<Rate, Failure> {
        let lower = text.trim().to_ascii_lowercase();
        let parts: Vec<&str> = lower.split(',').map(str::trim).collect();
        match parts.as_slice() {
            [""] => Err(Failure::usage("a rate cannot be blank").hint(FORMS)),
            ["none"] => Ok(Rate::none()),
            ["auto", bounds @ ..] => {
                let limits = bounds.iter().map(|part| bound(text, part)).collect::<Result<_, _>>()?;
                Ok(Rate { auto: true, limits })
            }
            ["none", ..] => Err(wrong(text, "`none` cannot stand with others", FORMS)),
            quotas => {
                let limits = quotas.iter().map(|part| quota(text, part)).collect::<Result<_, _>>()?;
                Ok(Rate { auto: false, limits })
            }
        }
    }

    /// Whether the rate adapts (below the limits, if there are any).
    pub fn is_auto(&self) -> bool {
        self.auto
    }

    /// The lowest limit in requests per second; `None` without one.
    pub fn ceiling_per_s(&self) -> Option<f64> {
        self.limits.iter().map(|limit| limit.per_s()).reduce(f64::min)
    }

    /// The limits alone: what is left where there is no rate to be found out.
    #[must_use]
    pub fn without_auto(&self) -> Rate {
        Rate { auto: false, limits: self.limits.clone() }
    }

    pub(super) fn limits(&self) -> &[Limit] {
        &self.limits
    }
}

impl FromStr for Rate {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Rate, Failure> {
        Rate::parse(text)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lead = if self.auto { "max=" } else { "" };
        let mut parts: Vec<String> = self.limits.iter().map(|limit| format!("{lead}{limit}")).collect();
        if self.auto {
            parts.insert(0, "auto".to_owned());
        }
        f.write_str(if parts.is_empty() { "none".to_owned() } else { parts.join(",") }.as_str())
    }
}

fn wrong(text: &str, why: impl fmt::Display, hint: impl Into<String>) -> Failure {
    Failure::usage(format!("`{}` is not a rate: {why}", text.trim())).hint(hint)
}

/// One part after `auto`.
fn bound(text: &str, part: &str) -> Result<Limit, Failure> {
    match part.strip_prefix("max=") {
        Some(rest) => limit(text, rest.trim()),
        None if part.contains('/') => {
            Err(wrong(text, format!("`{part}` cannot follow `auto`"), format!("`auto,max={part}` bounds it")))
        }
        None => Err(wrong(text, format!("`{part}` cannot follow `auto`"), FORMS)),
    }
}

/// One part of a fixed rate.
fn quota(text: &str, part: &str) -> Result<Limit, Failure> {
    if part == "none" || part == "auto" {
        let why = format!("`{part}` cannot follow a quota");
        return Err(wrong(text, why, FORMS));
    }
    if let Some(rest) = part.strip_prefix("max=") {
        let hint = format!("`auto,max={rest}` adapts the rate below it, `{rest}` is a fixed rate");
        return Err(wrong(text, "`max=` belongs to `auto`", hint));
    }
    limit(text, part)
}

/// `10/s`.
fn limit(text: &str, part: &str) -> Result<Limit, Failure> {
    let Some((count, period)) = part.split_once('/') else {
        let whole = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let (why, hint) = match whole {
            true => (format!("`{part}` says no period"), format!("`{part}/s` is {part} requests a second")),
            false => (format!("`{part}` says no number and period"), FORMS.to_owned()),
        };
        return Err(wrong(text, why, hint));
    };
    let (count, period) = (count.trim(), period.trim());
    let period = period_named(period).ok_or_else(|| no_period(text, count, period))?;
    let (name, secs) = period.facts();
    let exact = count.parse::<u64>().map_err(|_| no_count(text, count, name))?;
    if exact == 0 {
        return Err(wrong(text, "nothing would ever be sent", "`none` is no limit"));
    }
    match u32::try_from(exact) {
        Ok(count) if f64::from(count) / Duration::from_secs(secs).as_secs_f64() <= PER_S_MAX => {
            Ok(Limit { count, period })
        }
        _ => Err(wrong(text, "more than `100000/s` cannot be kept to", "`none` is no limit")),
    }
}

fn period_named(name: &str) -> Option<Period> {
    PERIODS.iter().find(|(_, known, ..)| *known == name).map(|(period, ..)| *period)
}

fn no_period(text: &str, count: &str, period: &str) -> Failure {
    let meant = PERIODS.iter().find(|(.., aliases)| aliases.contains(&period)).map(|(_, name, ..)| *name);
    let hint = match meant {
        Some(name) => format!("did you mean `{count}/{name}`? Periods are `s`, `min`, `h` and `d`"),
        None => "periods are `s`, `min`, `h` and `d`".to_owned(),
    };
    wrong(text, format!("`{period}` is not a period"), hint)
}

fn no_count(text: &str, count: &str, period: &str) -> Failure {
    let hint = match (count.parse::<f64>(), period) {
        (Ok(number), "s") if number > 0.0 && number.is_finite() => {
            "give it for a longer period: `30/min` is one in 2 s"
        }
        (Ok(number), _) if number > 0.0 && number.is_finite() => "give it for a longer period",
        _ => FORMS,
    };
    wrong(text, format!("`{count}` is not a whole number of requests"), hint)
}
