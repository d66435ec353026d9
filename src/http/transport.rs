//! What an HTTP client is made of: its options, and the transport that sends one request once.

use super::message::{Request, Sent};
use super::rate::Rate;
use super::secrets::Credentials;
use super::token::Login;
use crate::clock::Clock;
use async_trait::async_trait;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Duration;

/// Sends one request once: no rate limit, no retry. Faked in tests.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends it and waits for the complete response. A failure of exit 6 may be retried, any other may not.
    async fn exchange(&self, request: &Request) -> Sent;

    /// The same with a request of [`Login`], which goes to the server that issues tokens.
    async fn log_in(&self, request: &Request) -> Sent {
        self.exchange(request).await
    }
}

/// How a connection is used.
#[derive(Clone)]
pub struct HttpOptions {
    /// The address of the API (see `check_base_url`).
    pub base_url: url::Url,
    /// The credentials that go with every request.
    pub credentials: Credentials,
    /// How a token is obtained, where the credentials hold none.
    pub login: Option<Arc<dyn Login>>,
    /// The `User-Agent` header.
    pub user_agent: String,
    /// How long the first byte of a response, and each pause within it, may take; a complete response: four times that.
    pub timeout: Duration,
    /// The rate limit.
    pub rate: Rate,
    /// Where `auto` begins, requests per second: what was remembered, or the platform's default.
    pub rate_start_per_s: f64,
    /// Requests in flight, at least one.
    pub concurrency: usize,
    /// How long to wait for an unavailable platform; zero: a few minutes.
    pub wait: Duration,
    /// The time.
    pub clock: Clock,
    /// Where the chances begin by which the waits before retries differ: another one for each client, see [`drawn_seed`].
    pub seed: u64,
}

/// A seed that no other client has.
pub fn drawn_seed() -> u64 {
    RandomState::new().hash_one(0)
}
