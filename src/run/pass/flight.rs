//! The contacts in flight: their slots, and their tasks, whose end is waited for.
//!
//! Which contact is next is decided in [`super::second`], and what is done with it in `crate::reconcile`.

use super::group::Group;
use super::settled::Outcomes;
use crate::outcome::{Exit, Failure};
use crate::reconcile::locks::Place;
use crate::reconcile::slot::Slot;
use crate::reconcile::{Earlier, End, Reconciler};
use crate::run::stop::Stop;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// The part of the slots that is taken at a time.
const AT_ONCE: usize = 8;

/// The contacts in flight.
pub(super) struct Flight {
    /// Slots for contacts that are being worked on. A contact that waits for another one, or for a time, holds none, so
    /// there is always one that can proceed.
    slots: Arc<Semaphore>,
    /// Slots for the next contacts, taken several at a time, so that the pass is not woken for each contact that ends.
    taken: Option<OwnedSemaphorePermit>,
    at_once: u32,
    tasks: Arc<Tasks>,
    open: Arc<Open>,
}

/// What the tasks share.
struct Tasks {
    reconciler: Arc<Reconciler>,
    outcomes: Outcomes,
    /// What stopped the pass before its end.
    stopped: Mutex<Option<Failure>>,
    stop: Stop,
}

/// Counts the tasks that have not ended.
#[derive(Default)]
struct Open {
    tasks: AtomicUsize,
    ended: Notify,
}

/// A task that has not ended, until this is dropped.
struct Task {
    open: Arc<Open>,
    /// Given up before the task counts as ended, because what is shared is closed then.
    tasks: Option<Arc<Tasks>>,
}

impl Flight {
    pub(super) fn new(reconciler: Arc<Reconciler>, outcomes: Outcomes, stop: Stop, window: usize) -> Flight {
        let slots = Arc::new(Semaphore::new(window));
        let at_once = u32::try_from(window / AT_ONCE).unwrap_or(1).max(1);
        let tasks = Arc::new(Tasks { reconciler, outcomes, stopped: Mutex::default(), stop });
        Flight { slots, taken: None, at_once, tasks, open: Arc::default() }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.tasks.stopped().is_some()
    }

    /// Starts the task of a contact that has this place among those with its identity values.
    pub(super) async fn start(&mut self, group: Group, earlier: Option<Earlier>, place: Place) {
        let reconciler = &self.tasks.reconciler;
        let (held, parked) =
            if place.is_first() { (self.take_slot().await, None) } else { (None, reconciler.park().await) };
        let mut slot = Slot::new(Arc::clone(&self.slots), held);
        self.open.tasks.fetch_add(1, Ordering::AcqRel);
        let task = Task { open: Arc::clone(&self.open), tasks: Some(Arc::clone(&self.tasks)) };
        tokio::spawn(async move {
            place.first().await;
            slot.retake().await;
            drop(parked);
            if let Some(tasks) = &task.tasks {
                tasks.send(group, earlier, slot).await;
            }
            // The next contact with one of its identity values comes after that, so that it finds the links of this one.
            drop(place);
        });
    }

    async fn take_slot(&mut self) -> Option<OwnedSemaphorePermit> {
        if self.taken.as_ref().is_none_or(|taken| taken.num_permits() == 0) {
            self.taken = Arc::clone(&self.slots).acquire_many_owned(self.at_once).await.ok();
        }
        self.taken.as_mut().and_then(|taken| taken.split(1))
    }

    /// Waits for all: contacts in flight are finished, whatever stopped the others.
    pub(super) async fn land(mut self, end: Result<(), Failure>) -> Result<(), Failure> {
        self.taken = None;
        loop {
            let ended = self.open.ended.notified();
            if self.open.tasks.load(Ordering::Acquire) == 0 {
                return self.tasks.stopped().take().map_or(end, Err);
            }
            ended.await;
        }
    }
}

impl Tasks {
    fn stopped(&self) -> MutexGuard<'_, Option<Failure>> {
        self.stopped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings one contact to its goal; what fails stops the pass.
    async fn send(&self, group: Group, earlier: Option<Earlier>, slot: Slot) {
        if let Err(failure) = self.try_send(&group, earlier, slot).await {
            // A contact that a guard held back is left; contacts that are being written are finished.
            let is_guard = failure.exit == Exit::Guard;
            self.stopped().get_or_insert(failure);
            if !is_guard {
                self.stop.stop();
            }
        }
    }

    async fn try_send(&self, group: &Group, earlier: Option<Earlier>, mut slot: Slot) -> Result<(), Failure> {
        let Tasks { reconciler, outcomes, .. } = self;
        // An allocation of its own, because it is large, and a task is moved when it is spawned.
        match Box::pin(reconciler.reconcile(&group.subject, earlier.as_ref(), &mut slot)).await? {
            End::Pending => Ok(()),
            End::Settled(settled) => {
                outcomes.finish(group, settled.outcome, &settled.problems).await?;
                outcomes.checkpoint.settle(outcomes.run, group.subject.who.key, settled).await
            }
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if let Some(tasks) = self.tasks.take()
            && std::thread::panicking()
        {
            tasks.stopped().get_or_insert_with(|| super::bug("a task of the run ended unexpectedly"));
            tasks.stop.stop();
        }
        if self.open.tasks.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.open.ended.notify_one();
        }
    }
}
