//! What reconciling needs, put together once a run: the account, the finder, the executor, and who is in flight.
//!
//! Nothing happens here: `super::locate` finds contacts with it, [`super::cycle`] decides and executes.

use super::changed::Changed;
use super::doubt::Times;
use super::dropped::{Dropped, MEMORY};
use super::entries::Entries;
use super::execute::dispatch::Endpoint;
use super::execute::executor::Executor;
use super::execute::live::Live;
use super::execute::preview::Preview;
use super::execute::recorder::Recorder;
use super::failures::{Failures, Patience};
use super::find::Finder;
use super::gate::Gate;
use super::guards::Guards;
use super::locks::{Locks, Place};
use super::partial::Partials;
use super::subject::Subject;
use super::view::Policy;
use crate::contact::Field;
use crate::outcome::Failure;
use crate::scratch::owners::{Owners, hash_of_id};
use crate::store::{Checkpoint, Key, RunNo, Settled};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// Contacts that wait without a slot, at most: each is a contact in memory.
const PARKED_MAX: usize = 4096;

/// Where effects go.
pub enum Effects {
    /// To the platform.
    Live {
        /// Requests at the same time.
        in_flight: usize,
        /// Ids of contacts that earlier processes of any run have not created completely.
        partial: Vec<String>,
        /// Whether anything has ever arrived over this connection.
        has_arrived: bool,
    },
    /// To a recorder.
    Preview(Arc<Recorder>),
}

/// What reconciling needs and does not change during a run.
pub struct Parts {
    /// The account.
    pub endpoint: Arc<Endpoint>,
    /// The run's entries.
    pub entries: Entries,
    #[allow(missing_docs)]
    pub finder: Finder,
    /// The fields by which contacts are found.
    pub identity: Vec<Field>,
    #[allow(missing_docs)]
    pub policy: Policy,
    /// How much may be written.
    pub guards: Arc<Guards>,
    /// Which record has reached which contact; none where contacts are named by their ids.
    pub owners: Option<Arc<Owners>>,
    #[allow(missing_docs)]
    pub effects: Effects,
    /// Which fields were changed.
    pub changed: Arc<Changed>,
    /// Turns true when the run is to stop.
    pub stop: watch::Receiver<bool>,
}

/// Reconciles contacts with one target.
pub struct Reconciler {
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) entries: Entries,
    pub(crate) finder: Arc<Finder>,
    pub(super) identity: Vec<Field>,
    pub(crate) policy: Policy,
    pub(super) guards: Arc<Guards>,
    pub(super) owners: Option<Arc<Owners>>,
    pub(super) executor: Box<dyn Executor>,
    pub(crate) partials: Arc<Partials>,
    pub(super) dropped: Arc<Dropped>,
    pub(super) failures: Arc<Failures>,
    /// The contacts that are in flight, by identity value.
    pub(super) in_flight: Arc<Locks>,
    /// The same by id at the target.
    pub(super) ids: Arc<Locks>,
    /// Bounds how many contacts wait without a slot (for the settle time, for each other).
    pub(super) parking: Arc<Semaphore>,
    pub(crate) stop: watch::Receiver<bool>,
}

/// Making one.
impl Reconciler {
    /// A reconciler of these parts.
    ///
    /// # Errors
    /// Exit 1 when the checkpoint cannot say what the platform was found to drop.
    pub fn new(parts: Parts) -> Result<Reconciler, Failure> {
        let Parts { endpoint, entries, finder, identity, policy, guards, owners, effects, changed, stop } = parts;
        let memories = entries.checkpoint.recall_all(MEMORY)?;
        let names = memories.into_iter().filter_map(|(name, _)| name.strip_prefix(MEMORY).map(str::to_owned));
        let (dropped, finder) = (Arc::new(Dropped::new(endpoint.connector.facts(), names)), Arc::new(finder));
        let (has_arrived, partial) = match &effects {
            Effects::Live { partial, has_arrived, .. } => (*has_arrived, partial.clone()),
            Effects::Preview(_) => (true, Vec::new()),
        };
        let patience = Patience { later: endpoint.http.patience(), at_start: endpoint.http.wait() };
        let failures = Arc::new(Failures::new(has_arrived, patience, endpoint.clock));
        let partials = Arc::new(Partials::new(partial));
        let executor: Box<dyn Executor> = match effects {
            Effects::Preview(recorder) => {
                let (endpoint, dropped) = (Arc::clone(&endpoint), Arc::clone(&dropped));
                Box::new(Preview { endpoint, dropped, recorder })
            }
            Effects::Live { in_flight, .. } => Box::new(Live {
                endpoint: Arc::clone(&endpoint),
                finder: Arc::clone(&finder),
                entries: entries.clone(),
                settle: policy.settle,
                gate: Gate::new(4 * in_flight + 256),
                partials: Arc::clone(&partials),
                dropped: Arc::clone(&dropped),
                changed,
                failures: Arc::clone(&failures),
            }),
        };
        Ok(Reconciler {
            endpoint,
            entries,
            finder,
            identity,
            policy,
            guards,
            owners,
            executor,
            partials,
            dropped,
            failures,
            in_flight: Arc::default(),
            ids: Arc::default(),
            parking: Arc::new(Semaphore::new(PARKED_MAX)),
            stop,
        })
    }

    /// A preview of the same work on a copy of the checkpoint, that asks the snapshot of this one alone; and whether the
    /// snapshot is known to be complete. None where contacts are not found in a snapshot.
    ///
    /// # Errors
    /// As [`Reconciler::new`].
    pub async fn preview(
        &self,
        checkpoint: &Checkpoint,
        (run, pass): (RunNo, u32),
        recorder: Arc<Recorder>,
    ) -> Result<Option<(Reconciler, bool)>, Failure> {
        let Some((finder, is_complete)) = self.finder.offline(checkpoint.clone()).await else { return Ok(None) };
        let preview = Reconciler::new(Parts {
            endpoint: Arc::clone(&self.endpoint),
            entries: Entries { checkpoint: checkpoint.clone(), run, pass },
            finder,
            identity: self.identity.clone(),
            policy: self.policy,
            guards: Arc::new(self.guards.reporting()),
            owners: self.owners.clone(),
            effects: Effects::Preview(recorder),
            changed: Arc::default(),
            stop: self.stop.clone(),
        })?;
        Ok(Some((preview, is_complete)))
    }
}

/// What the run asks of it.
impl Reconciler {
    /// The guards that count.
    pub fn guards(&self) -> &Arc<Guards> {
        &self.guards
    }

    /// The account.
    pub fn endpoint(&self) -> &Arc<Endpoint> {
        &self.endpoint
    }

    /// How contacts are found.
    pub fn finder(&self) -> &Finder {
        &self.finder
    }

    /// What the user decided.
    pub fn policy(&self) -> Policy {
        self.policy
    }

    /// Queues a contact behind those in flight that share an identity value with it.
    pub fn queue(&self, subject: &Subject) -> Place {
        self.in_flight.queue(subject.who.names())
    }

    /// A place for a contact that waits without a slot.
    pub async fn park(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.parking).acquire_owned().await.ok()
    }

    /// Keeps an outcome in the checkpoint.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written.
    pub async fn settle(&self, key: &Key, settled: Settled) -> Result<(), Failure> {
        self.entries.checkpoint.settle(self.entries.run, *key, settled).await
    }

    /// A record has reached this contact. The line of another record that had reached it before.
    ///
    /// # Errors
    /// Exit 1 when it cannot be kept.
    pub fn claim(&self, id: &str, (key, line): (&Key, u64)) -> Result<Option<u64>, Failure> {
        match &self.owners {
            Some(owners) => owners.assign(hash_of_id(id), key, line),
            None => Ok(None),
        }
    }

    pub(crate) fn times(&self) -> Times {
        Times { settle: self.policy.settle, now_ms: self.now_ms() }
    }

    pub(super) fn now_ms(&self) -> u64 {
        self.endpoint.clock.wall_ms()
    }
}
