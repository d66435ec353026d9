//! Where the contacts of a run come from: the records of a file or an account, or what an earlier run wrote.
//!
//! A pass takes them in batches, in order, and does not know from where. What is done with them is not decided here.

pub mod account;
mod ahead;
mod given;
pub mod saved_plan;
mod slow_start;
pub mod supply;
pub mod written;

pub(in crate::run) use given::{ForeseenRecord, Given, WrittenItem};
pub(in crate::run) use slow_start::SlowStart;

use crate::files::{Layout, Opened};
use crate::mapping::Duplicates;
use crate::outcome::Failure;
use crate::plan::SourcePlan;
use crate::reconcile::Reconciler;
use crate::record::Header;
use crate::run::active::record::RunRecord;
use crate::run::item::Mapper;
use crate::run::ordered::{Part, PassesOver, contacts_in_order};
use crate::run::plan::FromPlatform;
use crate::run::standing::Standing;
use ahead::Foresight;
use std::sync::Arc;
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
        let passed = (passed > 0).then_some(Given::Passed(passed));
        ahead.given(batch, &mapper, passed)
    });
    hand_over(batches.map(|batch| batch?), foresight)
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
