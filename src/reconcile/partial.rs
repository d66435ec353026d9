//! Contacts that take several requests to create, while they are being created.
//!
//! A partially created contact cannot be found by phone, so it is matched by the body of its create request. Two of them
//! can look alike: the search runs only while no other create is in flight, and skips contacts whose record is known.

use crate::http::Http;
use crate::platforms::{Connector, Fault, Found, PlatformFacts};
use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::{RwLock, RwLockReadGuard};

/// The contacts that are being created.
#[derive(Debug, Default)]
pub(crate) struct Partials {
    /// Shared by creates in flight, held alone by the search for a partially created contact.
    creating: RwLock<()>,
    /// Ids of those whose record is known and may complete them.
    owned: Mutex<HashSet<String>>,
}

impl Partials {
    /// Only those are being created whose ids earlier processes have written down.
    pub(crate) fn new(owned: impl IntoIterator<Item = String>) -> Partials {
        Partials { creating: RwLock::default(), owned: Mutex::new(owned.into_iter().collect()) }
    }

    fn owned(&self) -> MutexGuard<'_, HashSet<String>> {
        self.owned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The right to create a contact, where it can be partially created.
    pub(crate) async fn creating(&self, platform: &PlatformFacts, is_create: bool) -> Option<RwLockReadGuard<'_, ()>> {
        if is_create && platform.creates_in_steps { Some(self.creating.read().await) } else { None }
    }

    /// A contact was created, and is not complete.
    pub(crate) fn own(&self, id: &str) {
        self.owned().insert(id.to_owned());
    }

    /// A contact is complete, or stays as it is.
    pub(crate) fn release(&self, id: &str) {
        self.owned().remove(id);
    }

    /// The contact that this create request (JSON) has partially created after this moment (milliseconds since 1970), and
    /// that no other record owns. It is owned from now on.
    ///
    /// # Errors
    /// What the platform answered instead.
    pub(crate) async fn find(
        &self,
        (connector, http): (&dyn Connector, &Http),
        created_by: &str,
        since_ms: u64,
    ) -> Result<Option<Found>, Fault> {
        let Some(partial_creates) = connector.capabilities().partial_creates else { return Ok(None) };
        let Ok(created_by) = serde_json::from_str(created_by) else { return Ok(None) };
        let _no_create_in_flight = self.creating.write().await;
        let found = partial_creates.find_partial(http, &created_by, since_ms).await?;
        let mut owned = self.owned();
        let free = found.into_iter().find(|found| !owned.contains(&found.id));
        owned.extend(free.as_ref().map(|found| found.id.clone()));
        Ok(free)
    }
}
