//! The slot of a contact among those in flight. A contact that waits holds none.

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The slot of a contact among those in flight. It can be given up while waiting, and taken again.
pub struct Slot {
    slots: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
}

impl Slot {
    /// A slot that is not held yet.
    pub fn none(slots: Arc<Semaphore>) -> Slot {
        Slot { slots, held: None }
    }

    /// Gives it up, for the next contact.
    pub fn give_up(&mut self) {
        self.held = None;
    }

    /// Takes it (again), unless it is held.
    pub async fn retake(&mut self) {
        if self.held.is_none() {
            self.held = Arc::clone(&self.slots).acquire_owned().await.ok();
        }
    }
}
