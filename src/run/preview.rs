//! A dry run's stage: everything that a run writes on this side goes to copies, and what it would have written at the
//! target is told: field by field, as sums, and as a forecast.

use crate::files::{About, Form, Format, Ledger, Listing, PrivateFolder};
use crate::http::Rate;
use crate::outcome::{Failure, Outcome};
use crate::plan::Connection;
use crate::reconcile::execute::recorder::{Planned, Recorder};
use crate::reconcile::goal::planned::PlannedChange;
use crate::report::Forecast;
use crate::run::active::folder::make_private;
use crate::run::plan::DryPlan;
use crate::run::results::outcome_name;
use crate::run::source::saved_plan::PlanHead;
use crate::run::target::Target;
use crate::scratch::recorded::Recorded;
use crate::shown::escape;
use crate::store::{AccountAddress, AccountKey, Checkpoint, RunNo, StoreAddress};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// So many records are shown with what would change of them, and so many that would be new.
const SAMPLE_MAX: usize = 10;
const NEW_MAX: usize = 3;

/// So many groups of records that are one person are shown.
const CLUSTERS_MAX: usize = 10;

/// A value is shown this long, in characters.
const VALUE_SHOWN_MAX: usize = 60;

/// The columns of a plan that is a table: one row for each value that would change, or one for a record without any.
const COLUMNS: [&str; 7] = ["line", "outcome", "reason", "target_id", "field", "old", "new"];

/// The copies that a dry run works on. They go when this does.
pub(super) struct Stage {
    folder: PrivateFolder,
    /// What would be written.
    pub(super) recorder: Arc<Recorder>,
}

impl Stage {
    /// Copies a checkpoint, where there is one.
    ///
    /// # Errors
    /// Exit 1 when it cannot be copied.
    pub(super) fn new(state: &Path, checkpoint: Option<&Checkpoint>, dry: &DryPlan) -> Result<Stage, Failure> {
        make_private(state)?;
        let folder = PrivateFolder::create(state, "dry-run-").map_err(|error| {
            Failure::failed(format!("no copies can be made in `{}`", state.display()))
                .cause(error)
                .hint("make room, or name another folder with `--state`")
        })?;
        if let Some(checkpoint) = checkpoint {
            checkpoint.copy_to(&copy_in(folder.path()))?;
        }
        let recorder = Arc::new(Recorder::new(Recorded::create(folder.path())?, dry.file.is_some()));
        Ok(Stage { folder, recorder })
    }

    /// The folder of the copies.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where the copy of the checkpoint is.
    pub(super) fn checkpoint(&self) -> AccountAddress {
        copy_in(self.folder.path())
    }
}

fn copy_in(folder: &Path) -> AccountAddress {
    StoreAddress::Folder(folder.to_owned()).account(AccountKey::from("checkpoint".to_owned()))
}

/// What a dry run tells beside the totals.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    pub(super) forecast: Option<Forecast>,
    /// When the real run would be done, begun now: local time.
    pub(super) finish: Option<String>,
    pub(super) uncertain: BTreeMap<String, u64>,
    /// For people: what would change of the first records, and who in the source is the same person.
    pub(super) shown: Vec<String>,
}

/// What the dry run found out; written to a file, too, where that was asked. `source_read`: requests to a source platform,
/// and how long they took.
///
/// # Errors
/// Exit 1 when the checkpoint cannot be read or the file cannot be written.
pub(super) fn tell(
    stage: &Stage,
    (dry, head, noted): (&DryPlan, &PlanHead, (Ledger, About)),
    checkpoint: &Checkpoint,
    (run, pass): (RunNo, u32),
    target: &Target,
    connection: &Connection,
    source_read: (u64, Duration),
) -> Result<Told, Failure> {
    let mut file = dry.file.as_deref().map(|path| PlanFile::create(path, head, noted)).transpose()?;
    let (mut changed, mut new, mut clusters) = (Vec::new(), Vec::new(), BTreeMap::<u64, Vec<u64>>::new());
    checkpoint.for_each_outcome(run, pass, |row| {
        let planned = stage.recorder.planned(row.origin.ordinal)?.unwrap_or_default();
        if let Some(first) = row.duplicate_of
            && (clusters.len() < CLUSTERS_MAX || clusters.contains_key(&first))
        {
            clusters.entry(first).or_default().push(row.origin.line);
        }
        let (sample, most) = match row.outcome {
            Outcome::Created => (&mut new, NEW_MAX),
            _ => (&mut changed, SAMPLE_MAX),
        };
        if sample.len() < most && !planned.changes.is_empty() {
            sample.push(in_words(row.origin.line, row.outcome, &planned));
        }
        match &mut file {
            Some(file) => file.row(&row, &planned),
            None => Ok(()),
        }
    })?;
    if let Some(file) = file {
        file.list.commit()?;
    }
    let mut shown = Vec::new();
    if !changed.is_empty() || !new.is_empty() {
        shown.push("what would be written, for the first of them".to_owned());
        shown.extend(changed.into_iter().chain(new).flatten());
    }
    if !clusters.is_empty() {
        if !shown.is_empty() {
            shown.push(String::new());
        }
        shown.push("one person, by their lines".to_owned());
        shown.extend(clusters.iter().map(|(first, others)| {
            let others: Vec<String> = others.iter().take(SAMPLE_MAX).map(u64::to_string).collect();
            format!("  {first}, {}", others.join(", "))
        }));
    }
    let sent = target.http.traffic().sent.saturating_sub(stage.recorder.of_planning());
    let requests = sent + stage.recorder.requests();
    let seconds = seconds_for(requests, target, connection)? + source_read.1.as_secs_f64();
    let forecast = Some(Forecast { requests: requests + source_read.0, seconds });
    let takes = forecast.map_or(0.0, |forecast| forecast.seconds);
    let until = jiff::SignedDuration::try_from_secs_f64(takes).ok();
    let finish = until.and_then(|until| jiff::Zoned::now().checked_add(until).ok());
    let finish = finish.map(|finish| finish.strftime("%Y-%m-%d %H:%M").to_string());
    Ok(Told { forecast, finish, uncertain: stage.recorder.uncertain(), shown })
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

/// A plan as a file: JSON Lines or JSON (one object a record), or a table (one row a value).
struct PlanFile {
    list: Listing,
    /// What the plan is, until it is written with the first record.
    head: Option<Value>,
}

impl PlanFile {
    fn create(path: &Path, head: &PlanHead, noted: (Ledger, About)) -> Result<PlanFile, Failure> {
        let list = Listing::create(path, Format::Jsonl, &COLUMNS, Some(noted))?;
        Ok(PlanFile { list, head: Some(json!(head)) })
    }

    fn row(&mut self, row: &crate::store::OutcomeRow, planned: &Planned) -> Result<(), Failure> {
        let (outcome, why) = outcome_name(row.outcome);
        let codes: Vec<&str> = row.problems.iter().map(|problem| &*problem.code).collect();
        let reason = match row.duplicate_of {
            Some(line) => format!("{} of line {line}", if why.is_empty() { "same person as that" } else { why }),
            None if why.is_empty() => codes.join(" | "),
            None => why.to_owned(),
        };
        let id = row.target_id.as_deref();
        if self.list.form() == Form::Object {
            let mut object = json!({
                "line": row.origin.line, "outcome": outcome, "reason": (!reason.is_empty()).then_some(reason),
                "target_id": id, "changes": planned.changes,
            });
            if let (Value::Object(object), false) = (&mut object, planned.uncertain.is_empty()) {
                object.insert("uncertain".to_owned(), json!(planned.uncertain));
            }
            if let (Value::Object(object), Some(send)) = (&mut object, &planned.send) {
                object.insert("send".to_owned(), send.clone());
            }
            if let (Value::Object(object), Some(head)) = (&mut object, self.head.take()) {
                object.insert("plan".to_owned(), head);
            }
            return self.list.object(&object);
        }
        let line = row.origin.line.to_string();
        let nothing = [PlannedChange { field: String::new(), old: None, new: None }];
        let changes = if planned.changes.is_empty() { &nothing[..] } else { &planned.changes[..] };
        for change in changes {
            let [old, new] = [&change.old, &change.new].map(|value| value.as_deref().unwrap_or_default());
            self.list.cells([&line, outcome, &reason, id.unwrap_or_default(), &change.field, old, new])?;
        }
        Ok(())
    }
}
