//! What the guards can tell before the first write: from the first pass, and, where the target's content is at hand, from
//! a rehearsal of the whole second pass on copies.

use crate::files::RejectsWriter;
use crate::outcome::{Failure, Outcome};
use crate::reconcile::Reconciler;
use crate::reconcile::goal::Correction;
use crate::reconcile::guards::{Guards, Kind};
use crate::report::State;
use crate::run::active::ActiveRun;
use crate::run::parts::{Parts, TICK, feed};
use crate::run::pass::first::First;
use crate::run::pass::second::{Counters, Second};
use crate::run::plan::DryPlan;
use crate::run::preview::Stage;
use crate::scratch::people::People;
use crate::scratch::received::Received;
use crate::store::{Checkpoint, Key, OpenIntent, RunNo};
use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

/// Counts what earlier processes of the run have done, and the contacts that they may have created: an open intent may
/// still arrive, so it counts before another contact is created.
///
/// # Errors
/// Exit 1 when the checkpoint cannot be read.
pub(super) fn count_done(
    guards: &Guards,
    checkpoint: &Checkpoint,
    run: RunNo,
    open: &HashMap<Key, OpenIntent>,
) -> Result<(), Failure> {
    if !guards.limits_clears() && ![Kind::Creates, Kind::Updates].into_iter().any(|kind| guards.limits(kind)) {
        return Ok(());
    }
    guards.add(Kind::Creates, open.values().filter(|open| open.intent.creates()).count() as u64);
    checkpoint.for_each_entry(run, |_, entry| {
        match entry.outcome {
            Outcome::Created => guards.add(Kind::Creates, 1),
            Outcome::Updated => guards.add(Kind::Updates, 1),
            _ => {}
        }
        guards.add(Kind::Clears, entry.cleared);
        guards.add(Kind::ClearedRecords, (entry.cleared > 0).into());
        Ok(())
    })
}

/// Counts the records that stay behind whatever the target says.
///
/// # Errors
/// Exit 8 when they are too many.
pub(super) fn guard_first(guards: &Guards, first: &First) -> Result<(), Failure> {
    if guards.take(&[(Kind::Rejects, first.rejected)], |_| first.example()).is_ok() {
        return Ok(());
    }
    let telling = guards.reporting();
    telling.take(&[(Kind::Rejects, first.rejected)], |_| first.example())?;
    telling.report(|kind| kind == Kind::Rejects).map_or(Ok(()), Err)
}

impl Parts<'_> {
    /// Whether there is something that a rehearsal could tell.
    fn is_guarded(&self, guards: &Guards) -> bool {
        let clears = guards.limits_clears() && self.mapper.bound.writes().clears;
        self.stage.is_none() && (clears || guards.limits(Kind::Creates) || guards.limits(Kind::Updates))
    }

    /// Does the second pass on copies, against the target as it was just read, where it was: so a guard stops the run
    /// before its first write. Gives back the list of people, from its beginning.
    ///
    /// # Errors
    /// Exit 8 when too much would be written; else what stops the run.
    pub(super) async fn rehearse(
        &self,
        reconciler: &Reconciler,
        supply: &crate::run::source::supply::Supply<'_>,
        (people, received, correction): (People, Option<Arc<Received>>, Option<Arc<Correction>>),
        run: &ActiveRun,
        first: &First,
    ) -> Result<People, Failure> {
        if !self.is_guarded(reconciler.guards()) || reconciler.finder().snapshot_len().await.is_none() {
            return Ok(people);
        }
        self.checkpoint.flush().await?;
        let stage = Stage::new(&self.plan.state, Some(self.checkpoint), &DryPlan::default())?;
        let checkpoint = Checkpoint::open(&stage.checkpoint())?;
        let pass = checkpoint.begin_pass(self.stored.no)?;
        let recorder = Arc::clone(&stage.recorder);
        let Some((preview, is_complete)) = reconciler.preview(&checkpoint, (self.stored.no, pass), recorder).await?
        else {
            return Ok(people);
        };
        let guards = Arc::clone(preview.guards());
        let opened = supply.open()?;
        let rejects = stage.folder().join("rejects");
        let rejects = RejectsWriter::create(&rejects, &opened.layout, &opened.header);
        let counters = Arc::new(Counters::default());
        let second = Second {
            reconciler: Arc::new(preview),
            mapper: Arc::clone(&self.mapper),
            checkpoint,
            run: self.stored.no,
            pass,
            has_entries: run.is_resumed,
            holds_from: first.before_pass,
            intents: HashMap::new(),
            received,
            people,
            duplicates: self.plan.duplicates(),
            rejects: Arc::new(Mutex::new(rejects)),
            left_blank: None,
            counters: Arc::clone(&counters),
            window: WINDOW,
            verifying: None,
            correction,
            stop: self.stop.clone(),
        };
        self.show(second.run(feed(opened, &self.mapper, self.plan.work.limit)), &counters, first).await?;
        // A contact that an incomplete list leaves out may exist: then it is unknown which contacts would be created.
        let tells = |kind| is_complete || matches!(kind, Kind::Clears | Kind::ClearedRecords | Kind::Updates);
        match guards.report(tells) {
            Some(failure) => Err(failure),
            None => People::open(&run.folder.join(crate::run::pass::first::PEOPLE)),
        }
    }

    async fn show(
        &self,
        work: impl Future<Output = Result<(), Failure>>,
        counters: &Counters,
        first: &First,
    ) -> Result<(), Failure> {
        let total = self.plan.work.limit.map_or(first.read, |limit| first.read.min(limit));
        let progress = self.console.progress(&format!("comparing with {}", self.plan.connection.name), Some(total));
        tokio::pin!(work);
        let mut ticks = tokio::time::interval(TICK);
        let result = loop {
            tokio::select! {
                result = &mut work => break result,
                _ = ticks.tick() => {}
            }
            let (done, rejected) = (&counters.settled, &counters.rejected);
            let (done, rejected) = (done.load(Ordering::Relaxed), rejected.load(Ordering::Relaxed));
            progress.set(State { done, rejected, ..State::default() });
        };
        progress.finish();
        result
    }
}

/// People in flight in a rehearsal: nothing is waited for but the disk.
const WINDOW: usize = 64;
