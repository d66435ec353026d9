//! What all parts of a transfer need, and the thread that feeds it.

use crate::clock::Clock;
use crate::files::Opened;
use crate::outcome::Failure;
use crate::report::Console;
use crate::run::active::begin::StoredRun;
use crate::run::item::{Item, Mapper};
use crate::run::ordered::in_order;
use crate::run::plan::ImportPlan;
use crate::run::preview::Stage;
use crate::run::stop::Stop;
use crate::run::verify::Verifying;
use crate::store::Checkpoint;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// How often the progress is looked at.
pub(super) const TICK: Duration = Duration::from_millis(200);

/// Batches of mapped records between the pool and the sender.
const BATCHES_AHEAD: usize = 2;

/// What all parts of a transfer need.
pub(super) struct Parts<'a> {
    pub(super) plan: &'a ImportPlan,
    pub(super) console: &'a Console,
    pub(super) clock: Clock,
    pub(super) stop: &'a Stop,
    pub(super) checkpoint: &'a Checkpoint,
    /// The run in it.
    pub(super) stored: StoredRun,
    /// The copies that a dry run works on.
    pub(super) stage: Option<&'a Stage>,
    pub(super) mapper: Arc<Mapper>,
    pub(super) verifying: Option<Arc<Verifying>>,
}

/// Reads and maps on the pool, and hands the items over.
pub(super) fn feed(
    opened: Opened,
    mapper: &Arc<Mapper>,
    limit: Option<u64>,
) -> mpsc::Receiver<Result<Vec<Item>, Failure>> {
    let (sender, receiver) = mpsc::channel(BATCHES_AHEAD);
    let mapper = Arc::clone(mapper);
    std::thread::spawn(move || {
        for batch in in_order(opened.source, limit, move |read| mapper.item(read)) {
            if sender.blocking_send(batch).is_err() {
                return;
            }
        }
    });
    receiver
}
