//! Steps become requests: the only place that calls a connector's write.
//!
//! It sends what it is given. What the answer means is decided in `crate::reconcile::fate`.

use crate::clock::Clock;
use crate::contact::Contact;
use crate::http::Http;
use crate::platforms::{Address, Connector, Fault, Reading, Ready, Step, StepResult};
use crate::reconcile::matching::lookup_of;
use std::sync::Arc;

/// The account that a run writes to.
pub struct Endpoint {
    #[allow(missing_docs)]
    pub connector: Arc<dyn Connector>,
    #[allow(missing_docs)]
    pub http: Arc<Http>,
    /// What the platform said about what is going to be written.
    pub ready: Ready,
    /// The rate that is never exceeded, requests per second, where the user set one.
    pub ceiling_per_s: Option<f64>,
    #[allow(missing_docs)]
    pub clock: Clock,
}

impl Endpoint {
    /// Sends one step.
    ///
    /// # Errors
    /// As [`Connector::send_step`].
    pub async fn send(&self, step: &Step, to: &Address) -> Result<StepResult, Fault> {
        self.connector.send_step(&self.http, step, to).await
    }

    /// Reads a contact by id, or, with a server that reads no contact by id, by what is known of it.
    ///
    /// # Errors
    /// As [`Connector::read`].
    pub async fn read(&self, id: &str, known: &Contact) -> Result<Reading, Fault> {
        let or_by = lookup_of(self.connector.facts(), known);
        self.connector.read(&self.http, id, or_by.as_ref()).await
    }
}
