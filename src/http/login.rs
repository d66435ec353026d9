//! Obtaining a token, and renewing it when it has expired: once for all requests in flight.
//!
//! The platform defines the requests of a login; this module decides when they are sent. A refused login ends the run
//! (exit 5), and so does an unavailable one (exit 6).
//!
//! ```text
//!  Request ─ token of generation n ─▶ tries ─▶ expired? ─▶ token of a later generation ─▶ tries ─▶ Sent
//! ```
//!
//! A request with an expired token was not carried out, so that it is sent again, also if it is not repeatable. A token may
//! expire while a request waits to leave or to be retried, so it is renewed up to
//! [`RENEWALS_MAX`] times for one request. After that the platform is unavailable: an expired token says nothing about
//! the password.

use super::message::{Pause, Request, Response, Sent};
use super::queue::Queue;
use super::route::{Retry, Route};
use super::secrets::Redactor;
use super::token::{Login, Token};
use super::transport::HttpOptions;
use super::wire::shown;
use crate::outcome::{Exit, Failure};
use secrecy::ExposeSecret;
use std::sync::{Arc, Mutex, PoisonError};

/// The longest part of a server's message that is shown, in characters.
const CAUSE_LEN_MAX: usize = 200;

/// How often the token of one request is renewed. A token that lives for a second can expire while the request waits
/// to leave; a server whose tokens expire more often than this issues tokens that are of no use.
pub(super) const RENEWALS_MAX: u32 = 8;

/// The token of an HTTP client: obtained and renewed once for all requests in flight.
pub(super) struct Tokens {
    pub(super) login: Arc<dyn Login>,
    pub(super) route: Route,
    pub(super) ledger: Mutex<Ledger>,
    /// Held while a token is obtained, so that only one request does it at a time.
    pub(super) getting: tokio::sync::Mutex<()>,
}

/// The results of the logins so far.
#[derive(Default)]
pub(super) struct Ledger {
    pub(super) held: Option<Arc<Held>>,
    /// How many logins have failed, and the failure of the last one.
    pub(super) failed: u64,
    pub(super) failure: Option<Failure>,
}

/// A token, and how many came before it.
pub(super) struct Held {
    pub(super) generation: u64,
    pub(super) token: Token,
}

impl Tokens {
    pub(super) fn new(login: Arc<dyn Login>, options: &HttpOptions, redactor: &Redactor) -> Tokens {
        redactor.keep(&login.secrets());
        // An invalid address was reported when the client was made.
        let address = login.base_url().map_or_else(|_| "the login".to_owned(), |url| shown(&url));
        let queue = Queue::new(1, None, options.clock.now(), Some(options.clock), address.clone());
        let route = Route { queue, retry: Some(Retry::new(options, address)), is_login: true };
        Tokens { login, route, ledger: Mutex::default(), getting: tokio::sync::Mutex::new(()) }
    }

    pub(super) fn pause(&self) -> Option<Pause> {
        self.route.queue.pause()
    }

    pub(super) fn stop(&self) {
        self.route.queue.stop();
    }

    pub(super) fn ledger<T>(&self, look: impl FnOnce(&mut Ledger) -> T) -> T {
        look(&mut self.ledger.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The current token, if it is a later one.
    pub(super) fn later_than(&self, generation: u64) -> Option<Arc<Held>> {
        self.ledger(|ledger| ledger.held.clone()).filter(|held| held.generation > generation)
    }

    /// The failure of a login that ended after `failed` others had failed; a refusal is final.
    pub(super) fn failure_after(&self, failed: u64) -> Option<Failure> {
        self.ledger(|ledger| ledger.failure.clone().filter(|why| ledger.failed > failed || why.exit == Exit::Refused))
    }
}

impl Held {
    pub(super) fn put_to(&self, request: &Request) -> Request {
        let (name, value) = &self.token.header;
        let mut request = request.clone();
        request.headers.push((name, value.expose_secret().to_owned().into()));
        request
    }
}

impl Tokens {
    pub(super) fn given_up(&self, sent: Sent) -> Failure {
        match (&self.route.retry, sent) {
            (Some(retry), sent) => retry.given_up(&sent),
            (None, Sent::NotSent(failure) | Sent::InDoubt(failure)) => failure,
            (None, Sent::Answered(response)) => without_token(self, &response),
        }
    }
}

/// A failure with the message of a server shortened, after secrets have been removed from it.
pub(super) fn shortened(mut failure: Failure) -> Failure {
    for cause in &mut failure.causes {
        if let Some((end, _)) = cause.char_indices().nth(CAUSE_LEN_MAX) {
            cause.truncate(end);
        }
    }
    failure
}

pub(super) fn short_lived(tokens: &Tokens) -> Failure {
    let address = tokens.login.base_url().map_or_else(|_| "the login".to_owned(), |url| shown(&url));
    let message = format!("the tokens of `{address}` expire before they can be used");
    Failure::new(Exit::Unavailable, message)
        .hint("try again later; if it persists, set a longer token lifetime (`ttl`)")
}

pub(super) fn without_token(tokens: &Tokens, response: &Response) -> Failure {
    let address = tokens.login.base_url().map_or_else(|_| "the login".to_owned(), |url| shown(&url));
    let message = format!("`{address}` answered a login without a token (HTTP {})", response.status);
    Failure::new(Exit::Unavailable, message).hint("try again later; if it persists, the platform has changed")
}
