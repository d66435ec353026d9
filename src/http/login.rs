//! How a token is got, and got anew when it has expired: once for all requests in flight.
//!
//! What is said to whom is the platform's; when it is said is the door's. A refused login is the run's (exit 5), a
//! login that is not to be had is, too (exit 6).
//!
//! ```text
//!  Request ─ token of generation n ─▶ tries ─▶ expired? ─▶ token of a later generation ─▶ tries ─▶ Sent
//! ```
//!
//! An answer that says that the token has expired was not acted upon, so that the request is sent again whatever it
//! does. A token may expire while a request waits for its turn or its next try, so it is renewed up to
//! [`RENEWALS_MAX`] times for one request. After that the platform is unavailable: an expired token says nothing about
//! the password.

use super::message::{Pause, Request, Response, Sent};
use super::secrets::Redactor;
use super::turn::Turn;
use super::wire::shown;
use super::{Http, HttpOptions, Retry, Way, doubt_or};
use crate::outcome::{Exit, Failure};
use secrecy::{ExposeSecret, SecretString};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use url::Url;

/// The longest piece of a server's own words that is shown, in characters.
const CAUSE_LEN_MAX: usize = 200;

/// How often the token of one request is renewed. A token that lives for a second can expire while the request waits
/// for its turn; a server whose tokens expire more often than this gives tokens that are of no use.
const RENEWALS_MAX: u32 = 8;

/// What a login brought.
#[derive(Clone, Debug)]
pub struct Token {
    /// What goes with every request from now on: the name of a header, and its value.
    pub header: (&'static str, SecretString),
    /// What gets the next one without a password, where there is such a thing.
    pub refresh: Option<SecretString>,
}

/// How a platform gives tokens. Pure: requests and answers.
pub trait Login: Send + Sync {
    /// The address of the server that gives them; its requests go there, without the connection's own credentials.
    ///
    /// # Errors
    /// Exit 2 when it is no address that may be used (see [`super::check_base_url`]).
    fn base_url(&self) -> Result<Url, Failure>;

    /// Everything beside the tokens that must never be shown: the password.
    fn secrets(&self) -> Vec<SecretString>;

    /// The request that gets a first token.
    fn first(&self) -> Request;

    /// The request that gets the next token without a password; `None` when there is none.
    fn next(&self, last: &Token) -> Option<Request>;

    /// The token of a successful answer; `None` when there is none in it.
    fn token(&self, response: &Response) -> Option<Token>;

    /// What is told when the first login is refused (exit 5).
    fn refused(&self, response: &Response) -> Failure;

    /// Whether an answer says that the token is one no more, and a new one would do.
    fn has_expired(&self, response: &Response) -> bool;
}

/// The token of a door: got once and renewed once for all requests in flight.
pub(super) struct Tokens {
    login: Arc<dyn Login>,
    way: Way,
    ledger: Mutex<Ledger>,
    /// Held by whoever gets a token, so that nobody else does at the same time.
    getting: tokio::sync::Mutex<()>,
}

/// What came of the logins so far.
#[derive(Default)]
struct Ledger {
    held: Option<Arc<Held>>,
    /// How many logins have failed, and what came of the last one.
    failed: u64,
    failure: Option<Failure>,
}

/// A token, and how many came before it.
struct Held {
    generation: u64,
    token: Token,
}

impl Tokens {
    pub(super) fn new(login: Arc<dyn Login>, options: &HttpOptions, redactor: &Redactor) -> Tokens {
        redactor.keep(&login.secrets());
        // An address that will not do has been told by whoever connects.
        let address = login.base_url().map_or_else(|_| "the login".to_owned(), |url| shown(&url));
        let turn = Turn::new(1, None, options.clock.now(), Some(options.clock), address.clone());
        let way = Way { turn, retry: Some(Retry::new(options, address)), is_login: true };
        Tokens { login, way, ledger: Mutex::default(), getting: tokio::sync::Mutex::new(()) }
    }

    pub(super) fn pause(&self) -> Option<Pause> {
        self.way.turn.pause()
    }

    pub(super) fn stop(&self) {
        self.way.turn.stop();
    }

    fn ledger<T>(&self, look: impl FnOnce(&mut Ledger) -> T) -> T {
        look(&mut self.ledger.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The token that is held, if it is a later one.
    fn later_than(&self, generation: u64) -> Option<Arc<Held>> {
        self.ledger(|ledger| ledger.held.clone()).filter(|held| held.generation > generation)
    }

    /// What a login came to that ended after `failed` others had failed; a refusal is final.
    fn failure_after(&self, failed: u64) -> Option<Failure> {
        self.ledger(|ledger| ledger.failure.clone().filter(|why| ledger.failed > failed || why.exit == Exit::Refused))
    }
}

impl Held {
    fn put_to(&self, request: &Request) -> Request {
        let (name, value) = &self.token.header;
        let mut request = request.clone();
        request.headers.push((name, value.expose_secret().to_owned()));
        request
    }
}

impl Http {
    /// Sends a request with the token, and again with a new one where that has expired.
    pub(super) async fn deliver_with_token(&self, tokens: &Tokens, request: &Request) -> Sent {
        let mut last = None;
        let mut held = match self.token(tokens, 0).await {
            Ok(held) => held,
            Err(failure) => return Sent::NotSent(failure),
        };
        let mut renewals = 0;
        loop {
            let sent = self.deliver(&self.way, &held.put_to(request), &mut last).await;
            match &sent {
                Sent::Answered(response) if tokens.login.has_expired(response) => {}
                _ => return sent,
            }
            renewals += 1;
            if renewals > RENEWALS_MAX {
                return Sent::NotSent(short_lived(tokens));
            }
            held = match self.token(tokens, held.generation).await {
                Ok(held) => held,
                Err(failure) => return doubt_or(&mut last, failure),
            };
            self.counts.retried.fetch_add(1, Relaxed);
        }
    }

    /// A token that came after this generation: the one that is there, or another one. A told stop ends the waiting.
    async fn token(&self, tokens: &Tokens, generation: u64) -> Result<Arc<Held>, Failure> {
        if let Some(held) = tokens.later_than(generation) {
            return Ok(held);
        }
        tokio::select! {
            biased;
            stopped = tokens.way.turn.stopped() => Err(stopped),
            got = self.get_token(tokens, generation) => got,
        }
    }

    async fn get_token(&self, tokens: &Tokens, generation: u64) -> Result<Arc<Held>, Failure> {
        let failed = tokens.ledger(|ledger| ledger.failed);
        let _getting = tokens.getting.lock().await;
        if let Some(held) = tokens.later_than(generation) {
            return Ok(held);
        }
        // Whoever waited for a login that failed does not try another one: a server counts wrong passwords.
        if let Some(failure) = tokens.failure_after(failed) {
            return Err(failure);
        }
        let last = tokens.ledger(|ledger| ledger.held.clone());
        match self.log_in(tokens, last.as_deref()).await {
            Ok(token) => {
                let held = Arc::new(Held { generation: last.map_or(1, |last| last.generation + 1), token });
                tokens.ledger(|ledger| ledger.held = Some(Arc::clone(&held)));
                Ok(held)
            }
            Err(failure) => {
                tokens.ledger(|ledger| {
                    ledger.failed += 1;
                    ledger.failure = Some(failure.clone());
                });
                Err(failure)
            }
        }
    }

    /// The next token without a password where that works, else with it.
    async fn log_in(&self, tokens: &Tokens, last: Option<&Held>) -> Result<Token, Failure> {
        let login = &tokens.login;
        if let Some(request) = last.and_then(|last| login.next(&last.token))
            && let Ok(response) = self.ask(tokens, request).await
            && let Some(token) = self.token_of(tokens, &response)
        {
            return Ok(token);
        }
        let response = self.ask(tokens, login.first()).await?;
        self.token_of(tokens, &response).ok_or_else(|| match response.status {
            408 | 425 | 500.. => tokens.given_up(Sent::Answered(response)),
            200..=299 => without_token(tokens, &response),
            _ => shortened(self.redactor.failure(login.refused(&response))),
        })
    }

    /// The token of an answer. Nothing that holds it leaves the door from now on.
    fn token_of(&self, tokens: &Tokens, response: &Response) -> Option<Token> {
        let token = tokens.login.token(response).filter(|_| response.is_success())?;
        self.redactor.learn([Some(&token.header.1), token.refresh.as_ref()].into_iter().flatten());
        Some(token)
    }

    /// All tries of a login; logging in twice does no harm.
    async fn ask(&self, tokens: &Tokens, mut request: Request) -> Result<Response, Failure> {
        request.repeatable = true;
        match self.deliver(&tokens.way, &request, &mut None).await {
            Sent::Answered(response) => Ok(response),
            Sent::InDoubt(failure) if failure.exit == Exit::Unavailable => Err(tokens.given_up(Sent::InDoubt(failure))),
            Sent::NotSent(failure) | Sent::InDoubt(failure) => Err(failure),
        }
    }
}

impl Tokens {
    fn given_up(&self, sent: Sent) -> Failure {
        match (&self.way.retry, sent) {
            (Some(retry), sent) => retry.given_up(&sent),
            (None, Sent::NotSent(failure) | Sent::InDoubt(failure)) => failure,
            (None, Sent::Answered(response)) => without_token(self, &response),
        }
    }
}

/// A failure with the words of a server cut, once no secret can be cut in two.
fn shortened(mut failure: Failure) -> Failure {
    for cause in &mut failure.causes {
        if let Some((end, _)) = cause.char_indices().nth(CAUSE_LEN_MAX) {
            cause.truncate(end);
        }
    }
    failure
}

fn short_lived(tokens: &Tokens) -> Failure {
    let address = tokens.login.base_url().map_or_else(|_| "the login".to_owned(), |url| shown(&url));
    let message = format!("the tokens of `{address}` expire before they can be used");
    Failure::new(Exit::Unavailable, message)
        .hint("try again later; if it persists, set a longer token lifetime (`ttl`)")
}

fn without_token(tokens: &Tokens, response: &Response) -> Failure {
    let address = tokens.login.base_url().map_or_else(|_| "the login".to_owned(), |url| shown(&url));
    let message = format!("`{address}` answered a login without a token (HTTP {})", response.status);
    Failure::new(Exit::Unavailable, message).hint("try again later; if it stays so, the platform has changed")
}
