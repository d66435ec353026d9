//! Where the contacts of a run come from: the records of a file or an account, or what an earlier run wrote.
//!
//! A pass takes them in batches, in order, and does not know from where. What is done with them is not decided here.

pub mod account;
pub mod saved_plan;
pub mod supply;
pub mod written;

use crate::files::{Layout, Opened};
use crate::mapping::Duplicates;
use crate::outcome::Failure;
use crate::plan::SourcePlan;
use crate::reconcile::Reconciler;
use crate::reconcile::goal::revert::Reversal;
use crate::reconcile::who::Who;
use crate::record::{Header, Origin};
use crate::run::active::record::RunRecord;
use crate::run::item::{Item, Mapper, key_of};
use crate::run::ordered::{Part, PassesOver, contacts_in_order};
use crate::run::plan::FromPlatform;
use crate::run::standing::Standing;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::mpsc;

/// Batches between the threads that read and the pass.
const BATCHES_AHEAD: usize = 2;

/// Where the contacts come from.
pub(in crate::run) enum Source<'a> {
    /// Records, which are mapped.
    Records(Records<'a>),
    /// What a run wrote.
    Written(WrittenAsked<'a>),
}

/// Records and how they are mapped.
pub(in crate::run) struct Records<'a> {
    /// The file with its mapping; of an account only the mapping.
    pub plan: &'a SourcePlan,
    /// The account; none: a file.
    pub from: Option<&'a FromPlatform>,
    pub mapper: Arc<Mapper>,
    /// What is done with further records of a contact.
    pub duplicates: Duplicates,
    /// In which layout the rejects are written.
    pub layout: Layout,
    pub header: Header,
}

/// The run whose values are undone.
#[derive(Clone, Copy)]
pub(in crate::run) struct WrittenAsked<'a> {
    pub of: &'a RunRecord,
    /// Only this field.
    pub only: Option<&'a str>,
}

/// What a pass takes: a mapped record, or a contact that a run wrote.
pub(in crate::run) enum Given {
    Record(Item),
    Written(WrittenItem),
    /// So many records that an earlier process of the pass has settled.
    Passed(u64),
}

/// A contact that a run wrote.
pub(in crate::run) struct WrittenItem {
    pub origin: Origin,
    /// What is undone of it; none where its id is unknown.
    pub reversal: Option<Box<Reversal>>,
}

/// Batches of what a pass takes, in order.
pub(in crate::run) struct Items {
    batches: mpsc::Receiver<Result<Vec<Given>, Failure>>,
    foresight: Foresight,
}

impl Items {
    /// The next batch; none after the last.
    pub async fn recv(&mut self) -> Option<Result<Vec<Given>, Failure>> {
        self.batches.recv().await
    }
}

impl Drop for Items {
    /// The threads that read ahead end a moment later, and must not hold what the run closes.
    fn drop(&mut self) {
        self.foresight.close();
    }
}

/// The reconciler, for the threads that map records, until nothing is taken from them any more.
#[derive(Clone, Default)]
struct Foresight(Arc<RwLock<Option<Arc<Reconciler>>>>);

impl Foresight {
    fn of(reconciler: Option<Arc<Reconciler>>) -> Foresight {
        Foresight(Arc::new(RwLock::new(reconciler)))
    }

    /// Prepares what is needed at the turn of each contact.
    fn prepare(&self, items: &mut [Item], mapper: &Mapper) {
        let reconciler = self.0.read().unwrap_or_else(PoisonError::into_inner);
        prepare(items, mapper, reconciler.as_deref());
    }

    /// Waits for the threads that use it.
    fn close(&self) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Source<'_> {
    /// As the run and its messages call it.
    pub fn shown(&self) -> &str {
        match self {
            Source::Records(records) => &records.plan.shown,
            Source::Written(written) => &written.of.run,
        }
    }
}

/// What is done with records on the pool.
pub(in crate::run) struct MapAsked {
    pub mapper: Arc<Mapper>,
    /// Not more records than this are read.
    pub limit: Option<u64>,
    /// With a reconciler, contacts of which the snapshot shows that they are as wanted are decided there too.
    pub reconciler: Option<Arc<Reconciler>>,
    /// What an earlier process of the pass has settled.
    pub standing: Option<Arc<Standing>>,
}

/// Reads and maps records on the pool, and hands them over. What is settled is not even split.
pub(in crate::run) fn items_of(opened: Opened, asked: MapAsked) -> Items {
    let MapAsked { mapper, limit, reconciler, standing } = asked;
    let foresight = Foresight::of(reconciler);
    let ahead = foresight.clone();
    let passes_over =
        standing.map(|standing| Arc::new(move |ordinal: u64| standing.passes_over(ordinal)) as PassesOver);
    let batches = contacts_in_order(opened.source, limit, passes_over, move |Part { batch, passed }| {
        let mut items = Vec::with_capacity(batch.len());
        batch.for_each(|read| items.push(mapper.item(read)));
        ahead.prepare(&mut items, &mapper);
        let passed = (passed > 0).then_some(Given::Passed(passed));
        passed.into_iter().chain(items.into_iter().map(Given::Record)).collect()
    });
    hand_over(batches, foresight)
}

/// Prepares what is needed at the turn of each contact.
fn prepare(items: &mut [Item], mapper: &Mapper, reconciler: Option<&Reconciler>) {
    let candidates = items.iter_mut().filter_map(|item| match item {
        Item::Candidate(candidate) => Some(candidate),
        _ => None,
    });
    let mut candidates: Vec<_> = candidates.collect();
    let identities = candidates.iter().flat_map(|candidate| &candidate.identities);
    let reconciler = reconciler.filter(|reconciler| reconciler.foresees(identities));
    for candidate in &mut candidates {
        let key = key_of(&candidate.identities, &candidate.wanted);
        candidate.ahead.key = Some(key);
        let Some(reconciler) = reconciler.filter(|_| candidate.precondition.is_none()) else { continue };
        let found_by = candidate.identities.iter().filter(|value| mapper.finds_by.contains(&value.field));
        let (origin, not_carried) = (candidate.record.origin, candidate.not_carried.clone());
        let who = Who { key, origin, identities: found_by.cloned().collect(), shared: Vec::new(), not_carried };
        candidate.ahead.foreseen = reconciler.foresee(&who, &candidate.wanted).map(Box::new);
    }
}

/// Hands batches over from a thread of their own.
fn hand_over(
    batches: impl Iterator<Item = Result<Vec<Given>, Failure>> + Send + 'static,
    foresight: Foresight,
) -> Items {
    let (sender, receiver) = mpsc::channel(BATCHES_AHEAD);
    std::thread::spawn(move || {
        for batch in batches {
            if sender.blocking_send(batch).is_err() {
                return;
            }
        }
    });
    Items { batches: receiver, foresight }
}
