//! What the guards find before the first write: in the first pass, and, where the target is known from a snapshot, in the
//! whole second pass with a preview.

use super::parts::{Passing, ReadRecords, Transfer};
use crate::files::RejectsWriter;
use crate::outcome::{Failure, Outcome};
use crate::reconcile::Reconciler;
use crate::reconcile::guards::{Guards, Kind};
use crate::run::active::counters::Counters;
use crate::run::active::watch::Watched;
use crate::run::item::Mapper;
use crate::run::pass::first::{First, PEOPLE, enough_records};
use crate::run::pass::flight;
use crate::run::pass::merge::Merging;
use crate::run::pass::second::{Known, Second};
use crate::run::pass::settled::Outcomes;
use crate::run::preview::PreviewStore;
use crate::run::source::{MapAsked, Source, items_of};
use crate::scratch::people::People;
use crate::store::{ByKey, Checkpoint, OpenIntent, RunNo};
use std::sync::{Arc, Mutex};

/// Contacts in flight in a preview of the pass: only the disk is waited for.
const WINDOW: usize = 64;

/// Counts what earlier processes of the run have done, and the contacts that they may have created: an open intent may
/// still arrive, so it counts before another contact is created.
///
/// # Errors
/// Exit 1 when the checkpoint cannot be read.
pub(in crate::run) fn count_done(
    guards: &Guards,
    checkpoint: &Checkpoint,
    run: RunNo,
    open: &ByKey<OpenIntent>,
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

impl<'a> Transfer<'a> {
    /// What the first pass says about the limits.
    ///
    /// # Errors
    /// Exit 2 or 6 when there are too few records, exit 8 when too many are rejected.
    pub fn guard_first(&mut self, first: &First) -> Result<(), Failure> {
        enough_records(first, self.job.limits.at_least, self.job.source.shown())?;
        let mut guards = Guards::new(&self.job.limits.guards, first.records(), self.job.is_preview());
        // Under `--limit` only the rejects of the records that are tried count, and the second pass meets those.
        let is_part = self.job.limits.limit.is_some_and(|limit| limit < first.read);
        let counted = if is_part { Ok(()) } else { guards.take_source_rejects(first.rejected, &first.example()) };
        self.guards = Arc::new(guards);
        counted
    }

    /// Does the second pass with a preview, against the target as it was just read, where it was: so a guard stops the run
    /// before its first write. Gives the records back, from their beginning.
    ///
    /// # Errors
    /// Exit 8 when too much would be written; else what stops the run.
    pub async fn guard_second(
        &mut self,
        passing: &Passing,
        records: ReadRecords<'a>,
    ) -> Result<ReadRecords<'a>, Failure> {
        let Source::Records(source) = &self.job.source else { return Ok(records) };
        let (mapper, duplicates) = (Arc::clone(&source.mapper), source.duplicates);
        let reconciler = &passing.reconciler;
        if !self.is_guarded(&mapper) || reconciler.finder().snapshot_len().await.is_none() {
            return Ok(records);
        }
        self.checkpoint.flush().await?;
        let store = PreviewStore::create(self.job.state, Some(&self.checkpoint), false)?;
        let checkpoint = Checkpoint::open(&store.checkpoint())?;
        let Some((preview, is_complete, pass)) = self.preview_of(reconciler, &checkpoint, &store).await? else {
            return Ok(records);
        };
        let opened = records.supply.open()?;
        let rejects = RejectsWriter::create(&store.folder().join("rejects"), &opened.layout, &opened.header);
        let (guards, counters) = (Arc::clone(preview.guards()), Arc::new(Counters::default()));
        let second = Second {
            merging: Some(Merging { mapper: Arc::clone(&mapper), people: records.people, duplicates }),
            known: Known {
                holds_from: passing.first.before_pass,
                received: passing.known.received.clone(),
                ..Known::default()
            },
            goals: passing.goals.clone(),
            outcomes: Outcomes {
                checkpoint,
                run: self.stored.no,
                pass,
                rejects: Some(Arc::new(Mutex::new(rejects))),
                left_blank: None,
                counters: Arc::clone(&counters),
                guards: Arc::clone(&guards),
                has_entries: self.run.is_resumed,
                standing: None,
            },
            reconciler: Arc::new(preview),
            window: WINDOW,
            stop: self.io.stop.clone(),
            settled: Vec::new(),
        };
        let title = format!("comparing with {}", self.job.to.connection.name);
        let total = Some(self.total(&passing.first));
        let watched = Watched { console: self.io.console, title: &title, total, counters: &counters, sending: None };
        let asked = MapAsked { mapper, limit: self.job.limits.limit, reconciler: None, standing: None };
        let items = items_of(opened, asked);
        self.run.watch(flight::run(second, items), &watched).await?;
        // A contact that an incomplete list leaves out may exist: then it is unknown which contacts would be created.
        let tells = |kind| is_complete || matches!(kind, Kind::Clears | Kind::ClearedRecords | Kind::Updates);
        match guards.report(tells) {
            Some(failure) => Err(failure),
            None => Ok(ReadRecords { people: People::open(&self.run.folder.join(PEOPLE))?, ..records }),
        }
    }

    /// Whether the preview of the pass can find something.
    fn is_guarded(&self, mapper: &Mapper) -> bool {
        let clears = self.guards.limits_clears() && mapper.bound.writes().clears;
        self.preview.is_none() && (clears || self.guards.limits(Kind::Creates) || self.guards.limits(Kind::Updates))
    }

    /// A preview of the reconciler, whether its snapshot is complete, and the pass that it does.
    async fn preview_of(
        &self,
        reconciler: &Reconciler,
        checkpoint: &Checkpoint,
        store: &PreviewStore,
    ) -> Result<Option<(Reconciler, bool, u32)>, Failure> {
        let pass = checkpoint.begin_pass(self.stored.no)?;
        let preview = reconciler.preview(checkpoint, (self.stored.no, pass), Arc::clone(&store.recorder)).await?;
        Ok(preview.map(|(preview, is_complete)| (preview, is_complete, pass)))
    }
}
