//! A preview: the copies that it works on in place of the checkpoint, and what it shows: some of the changes, and a forecast.
//!
//! What would be written is recorded by `crate::reconcile::execute`; the list of it is in `crate::run::planned_list`.

use crate::files::PrivateFolder;
use crate::http::Rate;
use crate::outcome::{Failure, Outcome};
use crate::plan::Connection;
use crate::reconcile::execute::recorder::{Planned, Recorder};
use crate::reconcile::goal::planned::PlannedChange;
use crate::report::Forecast;
use crate::run::active::folder::make_private;
use crate::run::results::outcome_name;
use crate::run::target::Target;
use crate::scratch::recorded::Recorded;
use crate::shown::escape;
use crate::store::{AccountAddress, AccountKey, Checkpoint, OutcomeRow, StoreAddress};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// So many records are shown with what would change of them, and so many that would be new.
const SAMPLE_MAX: usize = 10;
const NEW_MAX: usize = 3;

/// So many groups of records that are one contact are shown.
const CLUSTERS_MAX: usize = 10;

/// A value is shown this long, in characters.
const VALUE_SHOWN_MAX: usize = 60;

/// The copies that a preview works on. They are removed with it.
pub(in crate::run) struct PreviewStore {
    folder: PrivateFolder,
    /// What would be written.
    pub recorder: Arc<Recorder>,
}

impl PreviewStore {
    /// Copies a checkpoint, where there is one. `keeps`: what is recorded is to be saved as a plan.
    ///
    /// # Errors
    /// Exit 1 when it cannot be copied.
    pub fn create(state: &Path, checkpoint: Option<&Checkpoint>, keeps: bool) -> Result<PreviewStore, Failure> {
        make_private(state)?;
        let folder = PrivateFolder::create(state, "dry-run-").map_err(|error| {
            Failure::failed(format!("no copies can be created in `{}`", state.display()))
                .cause(error)
                .hint("make room, or name another folder with `--state`")
        })?;
        if let Some(checkpoint) = checkpoint {
            checkpoint.copy_to(&copy_in(folder.path()))?;
        }
        let recorder = Arc::new(Recorder::new(Recorded::create(folder.path())?, keeps));
        Ok(PreviewStore { folder, recorder })
    }

    /// The folder of the copies.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where the copy of the checkpoint is.
    pub fn checkpoint(&self) -> AccountAddress {
        copy_in(self.folder.path())
    }
}

fn copy_in(folder: &Path) -> AccountAddress {
    StoreAddress::Folder(folder.to_owned()).account(AccountKey::from("checkpoint".to_owned()))
}

/// What a preview shows of a transfer: some of the changes, and which records are one contact.
#[derive(Default)]
pub(in crate::run) struct Samples {
    changed: Vec<Vec<String>>,
    new: Vec<Vec<String>>,
    clusters: BTreeMap<u64, Vec<u64>>,
}

impl Samples {
    /// Takes a record, if there are not enough already.
    pub fn add(&mut self, row: &OutcomeRow, planned: &Planned) {
        if let Some(first) = row.duplicate_of
            && (self.clusters.len() < CLUSTERS_MAX || self.clusters.contains_key(&first))
        {
            self.clusters.entry(first).or_default().push(row.origin.line);
        }
        let (sample, most) = match row.outcome {
            Outcome::Created => (&mut self.new, NEW_MAX),
            _ => (&mut self.changed, SAMPLE_MAX),
        };
        if sample.len() < most && !planned.changes.is_empty() {
            sample.push(in_words(row.origin.line, row.outcome, planned));
        }
    }

    /// Lines for the user.
    pub fn lines(self) -> Vec<String> {
        let Samples { changed, new, clusters } = self;
        let mut shown = Vec::new();
        if !changed.is_empty() || !new.is_empty() {
            shown.push("what would be written, for the first of them".to_owned());
            shown.extend(changed.into_iter().chain(new).flatten());
        }
        if !clusters.is_empty() {
            if !shown.is_empty() {
                shown.push(String::new());
            }
            shown.push("lines of one contact".to_owned());
            shown.extend(clusters.iter().map(|(first, others)| {
                let others: Vec<String> = others.iter().take(SAMPLE_MAX).map(u64::to_string).collect();
                format!("  {first}, {}", others.join(", "))
            }));
        }
        shown
    }
}

/// What the real run would take. `source_read`: requests to a source platform, and how long they took.
///
/// # Errors
/// Exit 2 when the rate is invalid.
pub(in crate::run) fn forecast(
    recorder: &Recorder,
    target: &Target,
    connection: &Connection,
    source_read: (u64, Duration),
) -> Result<Forecast, Failure> {
    let sent = target.http.traffic().sent.saturating_sub(recorder.of_planning());
    let requests = sent + recorder.requests();
    let seconds = seconds_for(requests, target, connection)? + source_read.1.as_secs_f64();
    Ok(Forecast { requests: requests + source_read.0, seconds })
}

/// When a run would be done that begins now: local time.
pub(in crate::run) fn finish_of(forecast: &Forecast) -> Option<String> {
    let until = jiff::SignedDuration::try_from_secs_f64(forecast.seconds).ok()?;
    let finish = jiff::Zoned::now().checked_add(until).ok()?;
    Some(finish.strftime("%Y-%m-%d %H:%M").to_string())
}

/// How long so many requests take at the rate that is allowed, or, without one, as fast as those just sent were answered.
fn seconds_for(requests: u64, target: &Target, connection: &Connection) -> Result<f64, Failure> {
    let rate = Rate::parse(connection.settings.get("rate").unwrap_or("auto"))?;
    let answered = target.http.answer_time().map_or(0.0, |time| time.as_secs_f64());
    let measured = if answered > 0.0 { target.concurrency.max(1) as f64 / answered } else { 0.0 };
    let per_s = match (rate.ceiling_per_s(), target.http.rate_now()) {
        (Some(ceiling), Some(now)) => ceiling.min(now),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => measured,
    };
    Ok(if per_s > 0.0 { requests as f64 / per_s } else { 0.0 })
}

fn in_words(line: u64, outcome: Outcome, planned: &Planned) -> Vec<String> {
    let mut lines = vec![format!("  line {line}: would be {}", outcome_name(outcome).0)];
    let value = |value: &Option<String>| match value {
        None => "(blank)".to_owned(),
        Some(text) => {
            let short: String = text.chars().take(VALUE_SHOWN_MAX).collect();
            let more = if short.len() < text.len() { "…" } else { "" };
            format!("{}{more}", escape(&short))
        }
    };
    lines.extend(planned.changes.iter().map(|PlannedChange { field, old, new }| match old {
        None if new.is_some() => format!("    {}: {}", escape(field), value(new)),
        _ => format!("    {}: {} → {}", escape(field), value(old), value(new)),
    }));
    lines
}
