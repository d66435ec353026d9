//! People whom it takes several requests to make: whoever is left half made is found by what they are, and completed.
//!
//! Somebody who was made and has nothing yet answers to no phone. They are known by the request that made them, so two
//! of them can look alike: nobody looks for one while others are being made, and nobody takes one whose maker is known.

use super::Reconciler;
use super::story::Story;
use crate::platforms::{Fault, Found, PlatformFacts};
use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::{RwLock, RwLockReadGuard};

/// What is known about people who are being made.
#[derive(Debug, Default)]
pub struct HalfMade {
    /// Shared by those who make somebody, held alone by whoever looks for somebody half made.
    making: RwLock<()>,
    /// Ids of those whose maker is known and may come back to them.
    taken: Mutex<HashSet<String>>,
}

impl HalfMade {
    /// Nobody is being made, but for those whose makers earlier processes have written down.
    pub fn new(taken: impl IntoIterator<Item = String>) -> HalfMade {
        HalfMade { making: RwLock::default(), taken: Mutex::new(taken.into_iter().collect()) }
    }

    fn taken(&self) -> MutexGuard<'_, HashSet<String>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The right to make somebody, where they can be left half made.
    pub(super) async fn make(&self, platform: &PlatformFacts, is_create: bool) -> Option<RwLockReadGuard<'_, ()>> {
        if is_create && platform.half_makes { Some(self.making.read().await) } else { None }
    }

    /// Somebody was made, and is not complete.
    pub(super) fn take(&self, id: &str) {
        self.taken().insert(id.to_owned());
    }

    /// Somebody is complete, or is left as they are.
    pub(super) fn leave(&self, id: &str) {
        self.taken().remove(id);
    }
}

impl Reconciler {
    /// The id of somebody who came of this person's request and was left half made.
    pub(super) async fn find_half_made(&self, story: &Story) -> Result<Option<String>, Fault> {
        let (Some(made), Some(doubt)) = (&story.made_by, &story.doubt) else { return Ok(None) };
        Ok(self.half_made_by(made, doubt.since_ms).await?.map(|found| found.id))
    }

    /// Somebody who came of this request (JSON) after this moment (milliseconds since 1970), was left half made, and is
    /// nobody else's. From now on they are taken.
    ///
    /// # Errors
    /// What the platform answered instead.
    pub async fn half_made_by(&self, made: &str, since_ms: u64) -> Result<Option<Found>, Fault> {
        if !self.connector.platform().half_makes {
            return Ok(None);
        }
        let Ok(made) = serde_json::from_str(made) else { return Ok(None) };
        let _nobody_is_made = self.half_made.making.write().await;
        let found = self.connector.half_made(&self.http, &made, since_ms).await?;
        let mut taken = self.half_made.taken();
        let free = found.into_iter().find(|found| !taken.contains(&found.id));
        taken.extend(free.as_ref().map(|found| found.id.clone()));
        Ok(free)
    }
}
