//! How fast a connection may be spoken to, as people write it: `10/s`, `300/min,5000/h`, `auto,max=50/s`, `none`.
//!
//! It only reads and shows rates; [`super::pace`] keeps them.

use crate::outcome::Failure;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// More requests per second than anybody can be kept to with a clock that ticks in milliseconds.
const PER_S_MAX: f64 = 100_000.0;

/// What a rate can look like, for hints.
const FORMS: &str = "rates look like `10/s`, `300/min,5000/h`, `auto`, `auto,max=50/s` or `none`";

/// A rate of requests: ceilings that are never passed, with or without a pace that finds itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rate {
    auto: bool,
    ceilings: Vec<Ceiling>,
}

/// So many requests in any stretch of time of this length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ceiling {
    /// At most so many, at least one.
    pub(super) count: u32,
    /// In any stretch of this length.
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

/// The only list of periods, with the names under which people also know them.
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

impl Ceiling {
    /// Requests per second, on the average.
    pub(super) fn per_s(self) -> f64 {
        f64::from(self.count) / self.period.length().as_secs_f64()
    }
}

impl fmt::Display for Ceiling {
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
    /// The pace that finds itself, without a bound.
    pub fn auto() -> Rate {
        Rate { auto: true, ceilings: Vec::new() }
    }

    /// No limit at all.
    pub fn none() -> Rate {
        Rate { auto: false, ceilings: Vec::new() }
    }

    /// Reads a rate.
    ///
    /// # Errors
    ///
    /// Exit 2: it is none; says why, and how rates look.
    pub fn parse(text: &str) -> Result<Rate, Failure> {
        let lower = text.trim().to_ascii_lowercase();
        let parts: Vec<&str> = lower.split(',').map(str::trim).collect();
        match parts.as_slice() {
            [""] => Err(Failure::usage("a rate cannot be blank").hint(FORMS)),
            ["none"] => Ok(Rate::none()),
            ["auto", bounds @ ..] => {
                let ceilings = bounds.iter().map(|part| bound(text, part)).collect::<Result<_, _>>()?;
                Ok(Rate { auto: true, ceilings })
            }
            ["none", ..] => Err(wrong(text, "`none` cannot stand with others", FORMS)),
            quotas => {
                let ceilings = quotas.iter().map(|part| quota(text, part)).collect::<Result<_, _>>()?;
                Ok(Rate { auto: false, ceilings })
            }
        }
    }

    /// Whether the pace finds itself (below the ceilings, if there are any).
    pub fn is_auto(&self) -> bool {
        self.auto
    }

    /// The lowest ceiling in requests per second; `None` without one.
    pub fn ceiling_per_s(&self) -> Option<f64> {
        self.ceilings.iter().map(|ceiling| ceiling.per_s()).reduce(f64::min)
    }

    pub(super) fn ceilings(&self) -> &[Ceiling] {
        &self.ceilings
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
        let mut parts: Vec<String> = self.ceilings.iter().map(|ceiling| format!("{lead}{ceiling}")).collect();
        if self.auto {
            parts.insert(0, "auto".to_owned());
        }
        f.write_str(if parts.is_empty() { "none".to_owned() } else { parts.join(",") }.as_str())
    }
}

fn wrong(text: &str, why: impl fmt::Display, hint: impl Into<String>) -> Failure {
    Failure::usage(format!("`{}` is not a rate: {why}", text.trim())).hint(hint)
}

/// One part behind `auto`.
fn bound(text: &str, part: &str) -> Result<Ceiling, Failure> {
    match part.strip_prefix("max=") {
        Some(rest) => ceiling(text, rest.trim()),
        None if part.contains('/') => {
            Err(wrong(text, format!("`{part}` cannot follow `auto`"), format!("`auto,max={part}` bounds it")))
        }
        None => Err(wrong(text, format!("`{part}` cannot follow `auto`"), FORMS)),
    }
}

/// One part of a fixed rate.
fn quota(text: &str, part: &str) -> Result<Ceiling, Failure> {
    if part == "none" || part == "auto" {
        let why = format!("`{part}` cannot follow a quota");
        return Err(wrong(text, why, FORMS));
    }
    if let Some(rest) = part.strip_prefix("max=") {
        let hint = format!("`auto,max={rest}` finds the pace below it, `{rest}` keeps to it");
        return Err(wrong(text, "`max=` belongs to `auto`", hint));
    }
    ceiling(text, part)
}

/// `10/s`.
fn ceiling(text: &str, part: &str) -> Result<Ceiling, Failure> {
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
            Ok(Ceiling { count, period })
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
