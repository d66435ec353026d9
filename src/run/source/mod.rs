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
use crate::reconcile::goal::revert::Reversal;
use crate::record::{Header, Origin};
use crate::run::active::record::RunRecord;
use crate::run::item::{Item, Mapper};
use crate::run::ordered::in_order;
use crate::run::plan::FromPlatform;
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

/// What a pass takes: a mapped record, or a contact that a run wrote.
pub(in crate::run) enum Given {
    Record(Item),
    Written(WrittenItem),
}

/// A contact that a run wrote.
pub(in crate::run) struct WrittenItem {
    pub origin: Origin,
    /// What is undone of it; none where its id is unknown.
    pub reversal: Option<Box<Reversal>>,
}

/// Batches of what a pass takes, in order.
pub(in crate::run) type Items = mpsc::Receiver<Result<Vec<Given>, Failure>>;

impl Source<'_> {
    /// As the run and its messages call it.
    pub fn shown(&self) -> &str {
        match self {
            Source::Records(records) => &records.plan.shown,
            Source::Written(written) => &written.of.run,
        }
    }
}

/// Reads and maps records on the pool, and hands them over.
pub(in crate::run) fn items_of(opened: Opened, mapper: &Arc<Mapper>, limit: Option<u64>) -> Items {
    let mapper = Arc::clone(mapper);
    let batches = in_order(opened.source, limit, move |read| Given::Record(mapper.item(read)));
    hand_over(batches)
}

/// Hands batches over from a thread of their own.
fn hand_over(batches: impl Iterator<Item = Result<Vec<Given>, Failure>> + Send + 'static) -> Items {
    let (sender, receiver) = mpsc::channel(BATCHES_AHEAD);
    std::thread::spawn(move || {
        for batch in batches {
            if sender.blocking_send(batch).is_err() {
                return;
            }
        }
    });
    receiver
}
