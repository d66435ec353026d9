//! The slot of a contact among those in flight. A contact that waits holds none.

use std::sync::Arc;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// The slot of a contact among those in flight. It can be given up while waiting, and taken again.
pub struct Slot {
    slots: Arc<Semaphore>,
    /// Told when it is given up, so that another contact is taken.
    freed: Arc<Notify>,
    held: Option<OwnedSemaphorePermit>,
}

impl Slot {
    /// A slot of these, which is held.
    pub fn new((slots, freed): (Arc<Semaphore>, Arc<Notify>), held: OwnedSemaphorePermit) -> Slot {
        Slot { slots, freed, held: Some(held) }
    }

    /// Gives it up, for the next contact.
    pub fn give_up(&mut self) {
        if self.held.take().is_some() {
            self.freed.notify_one();
        }
    }

    /// Takes it (again), unless it is held.
    pub async fn retake(&mut self) {
        if self.held.is_none() {
            self.held = Arc::clone(&self.slots).acquire_owned().await.ok();
        }
    }
}
