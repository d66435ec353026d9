//! The contacts in flight: the tasks that take them one after the other, their slots, and the end, which is waited for.
//!
//! Which contact is next is decided in [`super::second`], and what is done with it in `crate::reconcile`.

use super::group::Group;
use super::second::{Second, Taken, Taking};
use super::settled::Outcomes;
use crate::outcome::{Exit, Failure};
use crate::reconcile::slot::Slot;
use crate::reconcile::{Earlier, End, Reconciler};
use crate::run::source::Items;
use crate::run::stop::Stop;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// What the tasks of a pass share.
pub(super) struct Flight {
    reconciler: Arc<Reconciler>,
    outcomes: Outcomes,
    stop: Stop,
    /// Slots for contacts that are being worked on. A contact that waits for another one, or for a time, holds none, so
    /// there is always one that can proceed.
    slots: Arc<Semaphore>,
    /// From where the next contact is taken. One task at a time takes one, so that they keep the order of the source.
    taking: tokio::sync::Mutex<Taking>,
    /// What stopped the pass before its end.
    stopped: Mutex<Option<Failure>>,
    open: Arc<Open>,
}

/// Counts the tasks that have not ended.
#[derive(Default)]
struct Open {
    tasks: AtomicUsize,
    /// Tasks that hold a slot and have no contact yet.
    seeking: AtomicUsize,
    /// A slot was given up, or a task has ended.
    freed: Arc<Notify>,
}

/// A task that has not ended, until this is dropped.
struct Task {
    open: Arc<Open>,
    /// Given up before the task counts as ended, because what is shared is closed then.
    flight: Option<Arc<Flight>>,
}

/// Works on all contacts. Whatever stops it, contacts in flight are finished. Returns the failure that stopped it, if one
/// did; a stop by the user is no failure.
pub(in crate::run) async fn run(second: Second, items: Items) -> Result<(), Failure> {
    let open = Arc::<Open>::default();
    let flight = Arc::new(Flight {
        reconciler: Arc::clone(&second.reconciler),
        outcomes: second.outcomes.clone(),
        stop: second.stop.clone(),
        slots: Arc::new(Semaphore::new(second.window)),
        taking: tokio::sync::Mutex::new(Taking::new(second, items)),
        stopped: Mutex::default(),
        open: Arc::clone(&open),
    });
    loop {
        let freed = open.freed.notified();
        let is_over = flight.is_over();
        if !is_over {
            flight.start_another();
        } else if open.tasks.load(Ordering::Acquire) == 0 {
            break;
        }
        freed.await;
    }
    let stopped = flight.stopped().take();
    let end = flight.taking.lock().await.end().await;
    stopped.map_or(end, Err)
}

impl Flight {
    /// Whether no further contact is taken.
    fn is_over(&self) -> bool {
        self.is_stopped() || self.stop.is_requested() || self.taking.try_lock().is_ok_and(|taking| taking.is_over())
    }

    fn is_stopped(&self) -> bool {
        self.stopped().is_some()
    }

    fn stopped(&self) -> MutexGuard<'_, Option<Failure>> {
        self.stopped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a task, if there is a slot for it and no other one looks for a contact.
    fn start_another(self: &Arc<Self>) {
        if self.open.seeking.load(Ordering::Acquire) > 0 {
            return;
        }
        if let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() {
            self.open.seeking.fetch_add(1, Ordering::AcqRel);
            self.open.tasks.fetch_add(1, Ordering::AcqRel);
            let task = Task { open: Arc::clone(&self.open), flight: Some(Arc::clone(self)) };
            tokio::spawn(async move {
                if let Some(flight) = &task.flight {
                    flight.work(slot).await;
                }
            });
        }
    }

    /// Takes contacts one after the other, as long as there is a slot for this task.
    async fn work(self: &Arc<Self>, mut slot: OwnedSemaphorePermit) {
        loop {
            let taken = self.taking.lock().await.next(|| self.is_stopped()).await;
            self.open.seeking.fetch_sub(1, Ordering::AcqRel);
            let Some(taken) = taken else { return };
            self.start_another();
            self.work_on(taken, slot).await;
            // A contact that has waited goes before the next one: its task has the slot then, and goes on in place of this.
            match Arc::clone(&self.slots).try_acquire_owned() {
                Ok(free) => slot = free,
                Err(_) => return,
            }
            self.open.seeking.fetch_add(1, Ordering::AcqRel);
        }
    }

    async fn work_on(&self, taken: Taken, slot: OwnedSemaphorePermit) {
        let Taken { group, earlier, place, parked } = taken;
        let mut slot = Slot::new((Arc::clone(&self.slots), Arc::clone(&self.open.freed)), slot);
        if !place.is_first() {
            slot.give_up();
            place.first().await;
            slot.retake().await;
        }
        drop(parked);
        if let Err(failure) = self.send(&group, earlier.as_deref(), slot).await {
            // A contact that a guard held back is left; contacts that are being written are finished.
            let is_guard = failure.exit == Exit::Guard;
            self.stopped().get_or_insert(failure);
            if !is_guard {
                self.stop.stop();
            }
        }
        // The next contact with one of its identity values comes after that, so that it finds the links of this one.
        drop(place);
    }

    /// Brings one contact to its goal; what fails stops the pass.
    async fn send(&self, group: &Group, earlier: Option<&Earlier>, mut slot: Slot) -> Result<(), Failure> {
        match self.reconciler.reconcile(&group.subject, earlier, &mut slot).await? {
            End::Pending => Ok(()),
            End::Settled(settled) => {
                self.outcomes.finish(group, settled.outcome, &settled.problems).await?;
                self.outcomes.checkpoint.settle(self.outcomes.run, group.subject.who.key, settled).await
            }
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if let Some(flight) = self.flight.take()
            && std::thread::panicking()
        {
            flight.stopped().get_or_insert_with(|| super::bug("a task of the run ended unexpectedly"));
            flight.stop.stop();
        }
        self.open.tasks.fetch_sub(1, Ordering::AcqRel);
        self.open.freed.notify_one();
    }
}
