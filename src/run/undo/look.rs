//! The dry run of an undo: every contact is read, and nothing is written.

use super::wrote::Wrote;
use super::{Line, subject_of};
use crate::files::{About, Form, Format, Ledger, Listing};
use crate::ids::{CommandKind, RunStatus};
use crate::outcome::{Failure, Outcome, Problem, Totals};
use crate::reconcile::entries::Entries;
use crate::reconcile::execute::recorder::Recorder;
use crate::reconcile::goal::planned::PlannedChange;
use crate::reconcile::goal::revert::Reversal;
use crate::reconcile::slot::Slot;
use crate::reconcile::{Effects, End, Reconciler};
use crate::record::Origin;
use crate::report::{Forecast, Requests, State, Summary};
use crate::run::active::close::{Ended, exit_of};
use crate::run::left::LeftCounts;
use crate::run::results::outcome_name;
use crate::scratch::recorded::Recorded;
use crate::scratch::written::WrittenContact;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// The columns of a plan.
const COLUMNS: [&str; 7] = ["line", "target_id", "outcome", "field", "now", "back_to", "message"];

impl Line<'_> {
    pub(super) async fn look(&self) -> Result<Ended, Failure> {
        let (plan, started) = (self.plan, self.clock.now());
        let target = self.reach().await?;
        // Nothing is saved: a dry run leaves no run behind.
        let recorder = Arc::new(Recorder::new(Recorded::create(&plan.state)?, false));
        let effects = Effects::Preview(Arc::clone(&recorder));
        let entries = Entries { checkpoint: self.checkpoint.clone(), run: self.of.no, pass: 0 };
        let reconciler = self.reconciler(&target, &plan.state, entries, effects).await?;
        let preview = Arc::new(Preview { reconciler, recorder });
        let wrote = Wrote::gather(self, "", &plan.state)?;
        let plan_file = plan.plan.as_deref();
        let noted = || (plan.of.ledger(&plan.state), plan.of.about("plan"));
        let mut plan_file = plan_file.map(|path| PlanWriter::create(path, noted())).transpose()?;
        let progress = self.console.progress(&format!("looking at what `{}` wrote", plan.of.run), Some(wrote.len()));
        let (mut sums, mut next) = (Sums::default(), 0);
        let mut failure = None;
        'all: loop {
            let page = wrote.page(next)?;
            let Some(last) = page.last() else { break };
            next = last.no + 1;
            for chunk in page.chunks(target.concurrency.max(1)) {
                if self.stop.is_told() {
                    break 'all;
                }
                match preview.look_at(chunk, plan.only.as_deref()).await {
                    Ok(looked) => {
                        for (contact, looked) in looked {
                            sums.add(&looked);
                            plan_file.iter_mut().try_for_each(|plan| plan.add(&contact, &looked))?;
                        }
                    }
                    Err(found) => {
                        failure = Some(found);
                        break 'all;
                    }
                }
                progress.set(State { done: sums.totals.read, ..State::default() });
            }
        }
        progress.finish();
        if failure.is_none() && !self.stop.is_told() {
            self.tell_nothing(sums.totals.read);
        }
        if let (Some(plan), None) = (plan_file, &failure) {
            plan.commit()?;
        }
        let is_stopped = self.stop.is_told();
        let traffic = target.http.traffic();
        let per_s = target.http.rate_now().or(preview.reconciler.endpoint().ceiling_per_s);
        // A write is a look and the requests; the looks of this run have shown how long one takes.
        let requests = sums.requests + sums.totals.read;
        let took = started.elapsed().as_secs_f64();
        let seconds = per_s.map_or(took, |per_s| requests as f64 / per_s.max(f64::MIN_POSITIVE));
        let (exit_of_left, shown) = (sums.left.exit(), sums.left.not_deleted(plan.connection.facts()));
        let (changed_since, not_taken_back) = sums.left.counts();
        let summary = Summary {
            run: plan.of.run.clone(),
            command: CommandKind::Undo,
            status: RunStatus::DryRun,
            records: sums.totals,
            skipped: sums.skipped.into_iter().collect(),
            requests: Requests { sent: traffic.sent, retried: traffic.retried, rate_limited: traffic.rate_limited },
            seconds: took,
            forecast: Some(Forecast { requests, seconds }),
            changed_since,
            not_taken_back,
            shown: shown.into_iter().collect(),
            source: plan.of.run.clone(),
            target: plan.connection.name.clone(),
            next_command: is_stopped.then(|| plan.typed.suggest.again()),
            ..Summary::default()
        };
        let exit = exit_of(failure.as_ref(), &sums.totals, is_stopped).worse(exit_of_left);
        Ok(Ended { exit, summary, failure, verified: None })
    }
}

#[derive(Default)]
struct Sums {
    totals: Totals,
    skipped: BTreeMap<String, u64>,
    left: LeftCounts,
    requests: u64,
}

impl Sums {
    fn add(&mut self, looked: &Looked) {
        let outcome = looked.outcome.unwrap_or(Outcome::Unknown);
        self.totals.read += 1;
        self.totals.add(outcome, 1);
        if let Outcome::Skipped(_) = outcome {
            *self.skipped.entry(outcome_name(outcome).1.to_owned()).or_default() += 1;
        }
        self.left.add(&looked.left);
        self.requests += looked.requests;
    }
}

/// What undoing one contact would come to.
#[derive(Clone, Debug, Default)]
struct Looked {
    /// None: it is unknown.
    outcome: Option<Outcome>,
    /// The values that go back.
    changes: Vec<PlannedChange>,
    /// What is left, and why.
    left: Vec<Problem>,
    /// How many requests it takes.
    requests: u64,
}

/// Undoes contacts into a recorder.
struct Preview {
    reconciler: Reconciler,
    recorder: Arc<Recorder>,
}

impl Preview {
    /// Looks at several contacts at once, and returns them in their order.
    async fn look_at(
        self: &Arc<Preview>,
        contacts: &[WrittenContact],
        only: Option<&str>,
    ) -> Result<Vec<(WrittenContact, Looked)>, Failure> {
        let mut tasks = JoinSet::new();
        let slots = Arc::new(Semaphore::new(contacts.len().max(1)));
        let is_asked =
            |contact: &&WrittenContact| only.is_none_or(|only| contact.written.iter().any(|value| value.is_of(only)));
        for contact in contacts.iter().filter(is_asked).cloned() {
            let (preview, slot) = (Arc::clone(self), Slot::none(Arc::clone(&slots)));
            let reversal = Reversal::of(contact.clone(), only);
            tasks.spawn(async move { (preview.look_at_one(&contact, reversal, slot).await, contact) });
        }
        let mut all = Vec::new();
        while let Some(joined) = tasks.join_next().await {
            let (looked, contact) =
                joined.map_err(|error| Failure::failed("a task of the run died: a bug in Ferry").cause(error))?;
            all.extend(looked?.map(|looked| (contact, looked)));
        }
        all.sort_by_key(|(contact, _)| contact.no);
        Ok(all)
    }

    /// What undoing this contact would come to; none when the run was told to stop before.
    async fn look_at_one(
        &self,
        contact: &WrittenContact,
        reversal: Option<Reversal>,
        mut slot: Slot,
    ) -> Result<Option<Looked>, Failure> {
        let Some(reversal) = reversal else { return Ok(Some(Looked::default())) };
        let subject = subject_of(reversal, Origin { ordinal: contact.no, line: contact.line });
        let End::Settled(settled) = self.reconciler.reconcile(&subject, None, &mut slot).await? else {
            return Ok(None);
        };
        let planned = self.recorder.planned(contact.no)?.unwrap_or_default();
        let (outcome, left) = (Some(settled.outcome), settled.problems);
        Ok(Some(Looked { outcome, changes: planned.changes, left, requests: planned.requests }))
    }
}

/// A plan being written; JSON Lines (a line a contact) or CSV (a line a value) by name.
struct PlanWriter {
    list: Listing,
}

impl PlanWriter {
    fn create(path: &Path, noted: (Ledger, About)) -> Result<PlanWriter, Failure> {
        Ok(PlanWriter { list: Listing::create(path, Format::Csv, &COLUMNS, Some(noted))? })
    }

    fn add(&mut self, contact: &WrittenContact, looked: &Looked) -> Result<(), Failure> {
        let (line, id) = (contact.line, contact.id.as_deref());
        let (outcome, why) = outcome_name(looked.outcome.unwrap_or(Outcome::Unknown));
        if self.list.form() == Form::Object {
            let changes = looked.changes.iter();
            let changes: Vec<_> = changes
                .map(|change| json!({ "field": change.field, "now": change.old, "back_to": change.new }))
                .collect();
            let left = looked.left.iter();
            let left: Vec<_> =
                left.map(|left| json!({ "field": left.column, "code": left.code, "message": left.message })).collect();
            let object = json!({
                "line": line, "target_id": id, "outcome": outcome, "reason": (!why.is_empty()).then_some(why),
                "changes": changes, "left": left,
            });
            return self.list.object(&object);
        }
        let (line, id) = (line.to_string(), id.unwrap_or_default());
        let mut row = |cells: [&str; 4]| {
            let [field, now, back_to, message] = cells;
            self.list.cells([line.as_str(), id, outcome, field, now, back_to, message])
        };
        for change in &looked.changes {
            let [now, back_to] = [&change.old, &change.new].map(|value| value.as_deref().unwrap_or_default());
            row([&change.field, now, back_to, ""])?;
        }
        for left in &looked.left {
            row([left.column.as_deref().unwrap_or_default(), "", "", &left.message])?;
        }
        if looked.changes.is_empty() && looked.left.is_empty() {
            row(["", "", "", ""])?;
        }
        Ok(())
    }

    fn commit(self) -> Result<(), Failure> {
        self.list.commit()
    }
}
