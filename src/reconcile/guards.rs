//! Guards: the most rejects, creates, updates and erased values of a run.
//!
//! What is about to be written is counted before it is sent, so that nothing beyond a limit is sent. What earlier
//! processes of the run did counts too. Where nothing is written, the guards only report.

use super::attempt::{Attempt, Confirmed, Counted};
use super::goal::decision::Change;
use crate::change::Delta;
use crate::change::StepKind;
use crate::outcome::{Exit, Failure, Outcome, Problem};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The percentage of records with an erased value that is allowed by default: more is sooner a half-loaded sheet than an
/// intention.
const CLEARS_PERCENT: f64 = 20.0;

/// What never stops a run: no record counts more than once.
const ALL: &str = "100%";

/// How many characters are shown of a value that is to be cleared.
const VALUE_SHOWN_MAX: usize = 60;

/// How many are allowed, as users write it: `10`, `5%`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Allowed {
    /// So many.
    Number(u64),
    /// So many of a hundred records of the source.
    Percent(f64),
    /// The same, and one record in any case: the default, which would otherwise stop at the first value of a small file.
    PercentOrOne(f64),
}

impl Allowed {
    /// Reads `10`, `5%`, `0.5%`.
    ///
    /// # Errors
    /// What was expected.
    pub fn parse(text: &str) -> Result<Allowed, String> {
        let expected = || "expected a number, such as `10`, or a percentage, such as `5%`".to_owned();
        let Some(percent) = text.trim().strip_suffix('%') else {
            return text.trim().parse().map(Allowed::Number).map_err(|_| expected());
        };
        match percent.trim_end().parse::<f64>() {
            Ok(percent) if percent.is_finite() && percent >= 0.0 => Ok(Allowed::Percent(percent)),
            _ => Err(expected()),
        }
    }

    /// How many that is; none: no limit.
    fn of(self, records: u64) -> Option<u64> {
        // A float too large for the type becomes its maximum. The little that is added makes up for what is lost where a
        // percentage is no whole number of hundredths.
        let part = |percent: f64| (records as f64 * percent / 100.0 + 1e-9) as u64;
        match self {
            Allowed::Number(number) => Some(number),
            Allowed::Percent(percent) if percent >= 100.0 => None,
            Allowed::Percent(percent) => Some(part(percent)),
            Allowed::PercentOrOne(percent) => Some(part(percent).max(1)),
        }
    }

    fn is_number(self) -> bool {
        matches!(self, Allowed::Number(_))
    }
}

/// The limits that the user set; none: no limit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct GuardsAsked {
    pub rejects: Option<Allowed>,
    pub creates: Option<Allowed>,
    pub updates: Option<Allowed>,
    pub clears: Option<Allowed>,
}

impl GuardsAsked {
    /// No limit at all.
    pub fn none() -> GuardsAsked {
        GuardsAsked { rejects: None, creates: None, updates: None, clears: None }
    }
}

impl Default for GuardsAsked {
    fn default() -> GuardsAsked {
        let clears = Some(Allowed::PercentOrOne(CLEARS_PERCENT));
        GuardsAsked { rejects: None, creates: None, updates: None, clears }
    }
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Records rejected.
    Rejects,
    /// Contacts created.
    Creates,
    /// Contacts changed.
    Updates,
    /// Values erased: what a number of `--max-clears` limits.
    Clears,
    /// Records with an erased value: what a percentage of `--max-clears` limits.
    ClearedRecords,
}

/// All of them, in the order in which they are reported.
const KINDS: [Kind; 5] = [Kind::Clears, Kind::ClearedRecords, Kind::Creates, Kind::Updates, Kind::Rejects];

impl Kind {
    fn option(self) -> &'static str {
        match self {
            Kind::Rejects => "--max-rejects",
            Kind::Creates => "--max-creates",
            Kind::Updates => "--max-updates",
            Kind::Clears | Kind::ClearedRecords => "--max-clears",
        }
    }

    fn asked(self, asked: &GuardsAsked) -> Option<Allowed> {
        match self {
            Kind::Rejects => asked.rejects,
            Kind::Creates => asked.creates,
            Kind::Updates => asked.updates,
            Kind::Clears => asked.clears.filter(|allowed| allowed.is_number()),
            Kind::ClearedRecords => asked.clears.filter(|allowed| !allowed.is_number()),
        }
    }

    /// So many of them, as a sentence.
    fn would_be(self, n: u64) -> String {
        let (one, many) = match self {
            Kind::Rejects => ("record would be rejected", "records would be rejected"),
            Kind::Creates => ("contact would be created", "contacts would be created"),
            Kind::Updates => ("contact would be changed", "contacts would be changed"),
            Kind::Clears => ("value would be erased", "values would be erased"),
            Kind::ClearedRecords => ("record would lose a value", "records would lose values"),
        };
        format!("{n} {}", if n == 1 { one } else { many })
    }
}

/// What was counted of one kind.
#[derive(Clone, Debug, Default)]
struct Count {
    most: Option<u64>,
    asked: Option<Allowed>,
    n: u64,
    /// The first that was too many.
    example: Option<String>,
}

/// Counts, and says when it is enough.
#[derive(Debug)]
pub struct Guards {
    counts: Mutex<[Count; 5]>,
    records: u64,
    /// Nothing is written, so nothing is stopped.
    only_reports: bool,
    /// Whether the records that the source alone shows to be rejected are counted already, before the second pass.
    has_source_rejects: bool,
    /// The options and values with which the run does not stop here again. Copies for a preview share it.
    needed: Arc<Mutex<Needed>>,
}

/// Options with the values that do not stop a run.
pub type Needed = Vec<(&'static str, String)>;

impl Guards {
    /// Guards for a source of so many records.
    pub fn new(asked: &GuardsAsked, records: u64, only_reports: bool) -> Guards {
        let of = |kind: Kind| {
            let asked = kind.asked(asked);
            Count { most: asked.and_then(|asked| asked.of(records)), asked, ..Count::default() }
        };
        Guards {
            counts: Mutex::new(KINDS.map(of)),
            records,
            only_reports,
            has_source_rejects: false,
            needed: Arc::default(),
        }
    }

    /// The same with what was counted so far, for a preview.
    pub fn reporting(&self) -> Guards {
        let (counts, needed) = (Mutex::new(self.counts().clone()), Arc::clone(&self.needed));
        Guards {
            counts,
            records: self.records,
            only_reports: true,
            has_source_rejects: self.has_source_rejects,
            needed,
        }
    }

    /// Whether there is a limit for a kind.
    pub fn limits(&self, kind: Kind) -> bool {
        of(&mut self.counts(), kind).is_some_and(|count| count.most.is_some())
    }

    /// Whether there is a limit for erased values, however they are counted.
    pub fn limits_clears(&self) -> bool {
        self.limits(Kind::Clears) || self.limits(Kind::ClearedRecords)
    }

    /// With which options and values a run that was stopped does not stop at the same guard again; empty where none
    /// stopped it.
    pub fn needed(&self) -> Needed {
        self.needed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn need(&self, kind: Kind, value: String) {
        let mut needed = self.needed.lock().unwrap_or_else(PoisonError::into_inner);
        needed.retain(|(option, _)| *option != kind.option());
        needed.push((kind.option(), value));
    }

    /// Counts what was written already.
    pub fn add(&self, kind: Kind, n: u64) {
        if let Some(count) = of(&mut self.counts(), kind) {
            count.n += n;
        }
    }

    /// Counts what is about to be written, unless it would be too much; all of it or nothing.
    ///
    /// # Errors
    /// Exit 8 when it would be too much.
    pub fn take(&self, asked: &[(Kind, u64)], example: impl Fn(Kind) -> String) -> Result<(), Failure> {
        let mut counts = self.counts();
        for &(kind, n) in asked {
            let Some(count) = of(&mut counts, kind) else { continue };
            if n == 0 || count.most.is_none_or(|most| count.n.saturating_add(n) <= most) {
                continue;
            }
            if !self.only_reports {
                return Err(self.stopped(kind, count, &example(kind)));
            }
            count.example.get_or_insert_with(|| example(kind));
        }
        for &(kind, n) in asked {
            if let Some(count) = of(&mut counts, kind) {
                count.n += n;
            }
        }
        Ok(())
    }

    /// Counts all records that the source alone shows to be rejected, before the second pass meets them.
    ///
    /// # Errors
    /// Exit 8 when that is too many.
    pub fn take_source_rejects(&mut self, n: u64, example: &str) -> Result<(), Failure> {
        self.has_source_rejects = true;
        let asked = [(Kind::Rejects, n)];
        if self.take(&asked, |_| example.to_owned()).is_ok() {
            return Ok(());
        }
        let reporting = self.reporting();
        reporting.take(&asked, |_| example.to_owned())?;
        reporting.report(|kind| kind == Kind::Rejects).map_or(Ok(()), Err)
    }

    /// Counts a record that the source alone shows to be rejected, unless all of them are counted already.
    ///
    /// # Errors
    /// Exit 8 when it is too much.
    pub fn take_source_reject(&self, example: impl Fn() -> String) -> Result<(), Failure> {
        if self.has_source_rejects { Ok(()) } else { self.take(&[(Kind::Rejects, 1)], |_| example()) }
    }

    /// What was counted was not written.
    fn give_back(&self, counted: Counted) {
        let mut counts = self.counts();
        let took = [
            (Kind::Creates, counted.create.into()),
            (Kind::Updates, counted.update.into()),
            (Kind::Clears, counted.clears),
            (Kind::ClearedRecords, (counted.clears > 0).into()),
        ];
        for (kind, n) in took {
            if let Some(count) = of(&mut counts, kind) {
                count.n = count.n.saturating_sub(n);
            }
        }
    }

    /// The failure where too much of one of these kinds was counted.
    pub fn report(&self, kinds: impl Fn(Kind) -> bool) -> Option<Failure> {
        let mut counts = self.counts();
        let values = of(&mut counts, Kind::Clears).map_or(0, |count| count.n);
        let failures = KINDS.into_iter().filter(|kind| kinds(*kind)).filter_map(|kind| {
            let count = of(&mut counts, kind)?;
            let most = count.most.filter(|most| count.n > *most)?;
            let message = format!("{}, and {}", kind.would_be(count.n), self.allows(kind, count, most));
            let failure = Failure::new(Exit::Guard, message);
            let failure = count.example.iter().fold(failure, |failure, example| failure.cause(example));
            let needed = if kind == Kind::ClearedRecords { values } else { count.n }.to_string();
            let hint = hint(kind, &needed);
            self.need(kind, needed);
            Some(failure.hint(hint))
        });
        Failure::together(failures.collect::<Vec<_>>())
    }

    /// The stop in the middle of a run, where the total is not known.
    fn stopped(&self, kind: Kind, count: &Count, example: &str) -> Failure {
        let most = count.most.unwrap_or_default();
        let message = format!("more than {}, and {}", kind.would_be(most), self.allows(kind, count, most));
        self.need(kind, ALL.to_owned());
        Failure::new(Exit::Guard, message).cause(example).hint(hint(kind, ALL))
    }

    fn allows(&self, kind: Kind, count: &Count, most: u64) -> String {
        let of = match count.asked {
            Some(Allowed::Percent(percent)) => format!(" ({percent} % of {} records)", self.records),
            Some(Allowed::PercentOrOne(percent)) => {
                format!(" ({percent} % of {} records, at least one)", self.records)
            }
            _ => String::new(),
        };
        format!("`{}` allows {most}{of}", kind.option())
    }

    fn counts(&self) -> MutexGuard<'_, [Count; 5]> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn of(counts: &mut [Count; 5], kind: Kind) -> Option<&mut Count> {
    KINDS.iter().position(|known| *known == kind).and_then(|at| counts.get_mut(at))
}

fn hint(kind: Kind, needed: &str) -> String {
    let (option, see) = match kind {
        Kind::Rejects => (kind.option(), "see them with `--dry-run`, which writes them to a rejects file"),
        _ => (kind.option(), "review them with `--dry-run --plan plan.csv`"),
    };
    format!("{see}; if they are intended, run the same command with `{option} {needed}`")
}

/// A reject, as an example.
pub fn rejected(line: u64, problems: &[Problem]) -> String {
    let what = problems.first().map(|problem| format!(" {}: {}", problem.code, problem.message)).unwrap_or_default();
    format!("line {line}:{what}")
}

/// What is counted of one contact.
impl Guards {
    /// Counts what is about to be written for a contact, each thing once. `line`: where its record stands.
    ///
    /// # Errors
    /// Exit 8 when it would be too much.
    pub(crate) fn count(&self, line: u64, attempt: &mut Attempt, change: &Change) -> Result<(), Failure> {
        let is_create = change.steps.iter().any(|step| step.kind == StepKind::Create);
        let before = attempt.counted;
        let create = is_create && !before.create;
        let is_created = attempt.confirmed() == Confirmed::Created;
        let update = !is_create && !before.update && !before.create && !is_created;
        let clears = change.delta.cleared.saturating_sub(before.clears);
        let asked = [
            (Kind::Clears, clears),
            (Kind::ClearedRecords, (clears > 0 && before.clears == 0).into()),
            (Kind::Creates, create.into()),
            (Kind::Updates, update.into()),
        ];
        self.take(&asked, |kind| example(line, kind, &change.delta))?;
        attempt.counted = Counted {
            create: create || before.create,
            update: update || before.update,
            clears: clears + before.clears,
        };
        Ok(())
    }

    /// A contact has its outcome: what was counted and was not written is free again, and what an earlier process had
    /// sent is counted.
    pub(crate) fn end(&self, counted: Counted, outcome: Outcome) {
        match outcome {
            Outcome::Created if !counted.create => self.add(Kind::Creates, 1),
            Outcome::Updated if !counted.update => self.add(Kind::Updates, 1),
            Outcome::Rejected => self.give_back(counted),
            _ => {}
        }
    }
}

fn example(line: u64, kind: Kind, delta: &Delta) -> String {
    let shown = |value: &Option<String>| match value {
        None => "blank".to_owned(),
        Some(text) => format!("`{}`", text.chars().take(VALUE_SHOWN_MAX).collect::<String>()),
    };
    let change = match kind {
        Kind::Clears | Kind::ClearedRecords => delta.changes.iter().find(|change| change.new.is_none()),
        _ => delta.changes.first(),
    };
    match change {
        Some(change) if kind == Kind::Creates => format!("line {line}: `{}` {}", change.field, shown(&change.new)),
        Some(change) => {
            format!("line {line}: `{}` from {} to {}", change.field, shown(&change.old), shown(&change.new))
        }
        None => format!("line {line}"),
    }
}
