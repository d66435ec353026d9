//! The slot of a contact among those in flight. A contact that waits holds none.

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The slot of a contact among those in flight. It can be given up while waiting, and taken again.
pub struct Slot {
    slots: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
}

impl Slot {
    /// A slot; `held`: of these, or none that is held yet.
    pub fn new(slots: Arc<Semaphore>, held: Option<OwnedSemaphorePermit>) -> Slot {
        Slot { slots, held }
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
