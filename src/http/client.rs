//! The HTTP client of one connection: a request through its queue, its attempts and its token. It does not decide what is
//! retried.

use super::login::{Held, RENEWALS_MAX, Tokens, short_lived, shortened, without_token};
use super::message::{Pause, Request, Response, Sent, Traffic};
use super::pace::Pace;
use super::queue::Queue;
use super::retry::{Attempts, Next};
use super::route::{Retry, Route, doubt_or, kept, trouble};
use super::secrets::{Credentials, Redactor};
use super::times::{Counting, Times};
use super::token::Token;
use super::transport::{HttpOptions, Transport};
use super::wire::{Wires, shown};
use crate::outcome::{Exit, Failure};
use crate::store::LeaseTimer;
use crate::store::postgres::SharedRate;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::time::Instant;

/// The HTTP client of one connection.
pub struct Http {
    transport: Box<dyn Transport>,
    route: Route,
    /// `None`: no token is needed.
    tokens: Option<Tokens>,
    redactor: Redactor,
    counts: Counts,
    /// Whether the data of a response may have held a secret of this connection.
    has_met_secret: AtomicBool,
    /// The lease under which requests are sent, where it can end.
    lease: OnceLock<LeaseTimer>,
}

#[derive(Default)]
struct Counts {
    sent: AtomicU64,
    retried: AtomicU64,
    rate_limited: AtomicU64,
    /// Requests that left and have no response yet.
    in_flight: AtomicU64,
    /// The time to the response.
    took: Counting,
    /// The time before a request left.
    waited: Counting,
}

/// Counts a request while it is in flight. One that is abandoned counts as sent, because it may have left.
struct InFlight<'c> {
    counts: &'c Counts,
    is_over: bool,
}

impl<'c> InFlight<'c> {
    fn new(counts: &'c Counts) -> InFlight<'c> {
        counts.in_flight.fetch_add(1, Relaxed);
        InFlight { counts, is_over: false }
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.counts.in_flight.fetch_sub(1, Relaxed);
        self.counts.sent.fetch_add(u64::from(!self.is_over), Relaxed);
    }
}

impl Http {
    /// The HTTP client of a connection, over the network.
    ///
    /// # Errors
    ///
    /// Exit 2: a secret or the agent does not fit into a header. Exit 1: this machine cannot do TLS.
    pub fn connect(options: HttpOptions) -> Result<Http, Failure> {
        let wires = Wires::new(&options)?;
        Ok(Http::with_transport(Box::new(wires), options))
    }

    /// An HTTP client with rate limit and retries over any transport.
    pub fn with_transport(transport: Box<dyn Transport>, options: HttpOptions) -> Http {
        let now = options.clock.now();
        let address = shown(&options.base_url);
        let pace = Pace::new(&options.rate, options.rate_start_per_s, now);
        let queue = Queue::new(options.concurrency, pace, now, Some(options.clock), address.clone());
        let redactor = Redactor::new(&options.credentials);
        let tokens = options.login.as_ref().map(|login| Tokens::new(Arc::clone(login), &options, &redactor));
        let route = Route { queue, retry: Some(Retry::new(&options, address)), is_login: false };
        Http {
            transport,
            route,
            tokens,
            redactor,
            counts: Counts::default(),
            has_met_secret: AtomicBool::new(false),
            lease: OnceLock::new(),
        }
    }

    /// An HTTP client over any transport, without rate limit and retries (for tests of connectors).
    pub fn over(transport: Box<dyn Transport>) -> Http {
        Http {
            transport,
            route: Route {
                queue: Queue::new(usize::MAX, None, Instant::now(), None, "the platform".to_owned()),
                retry: None,
                is_login: false,
            },
            tokens: None,
            redactor: Redactor::new(&Credentials::default()),
            counts: Counts::default(),
            has_met_secret: AtomicBool::new(false),
            lease: OnceLock::new(),
        }
    }

    /// Sends only as long as this lease allows, from now on.
    pub fn send_under(&self, lease: LeaseTimer) {
        // The first one holds: an account is taken once.
        let _ = self.lease.set(lease);
    }

    /// Keeps to a rate that other processes share, from now on.
    pub fn share_rate(&self, shared: Arc<SharedRate>) {
        self.route.queue.share(shared);
    }

    /// Sends a request: waits until it may leave, retries what may be retried, pauses when the platform asks for it, and
    /// obtains the token.
    ///
    /// Secrets are removed from failures; a response is returned unchanged, because it is data.
    pub async fn send(&self, request: Request) -> Sent {
        let sent = match (self.route.queue.slot().await, &self.tokens) {
            (Ok(_slot), None) => self.deliver(&self.route, &request, &mut None).await,
            (Ok(_slot), Some(tokens)) => Box::pin(self.deliver_with_token(tokens, &request)).await,
            (Err(failure), _) => Sent::NotSent(failure),
        };
        if let Sent::Answered(response) = &sent
            && !self.has_met_secret.load(Relaxed)
            && self.redactor.may_be_in(response)
        {
            self.has_met_secret.store(true, Relaxed);
        }
        self.redactor.sent(sent)
    }

    /// All attempts of a request. The result of the attempt before the last is left in `last` if it may have been carried out.
    async fn deliver(&self, route: &Route, request: &Request, last: &mut Option<Sent>) -> Sent {
        let mut tries =
            Attempts { repeatable: request.repeatable, made: 0, refused: 0, ends: 0, since: Instant::now() };
        loop {
            let waits = Instant::now();
            if let Err(failure) = route.queue.leave().await {
                return doubt_or(last, failure);
            }
            self.counts.waited.count(waits.elapsed());
            let sent = self.exchange(route, request, &tries).await;
            tries.made += 1;
            let Some(retry) = &route.retry else { return sent };
            match retry.judge(request, &sent, &mut tries) {
                Next::Return => return route.well(sent),
                Next::ReturnAndPause(pause) => {
                    route.pause_all(retry, pause, &sent);
                    return sent;
                }
                Next::Pause(pause) => route.pause_all(retry, pause, &sent),
                Next::GiveUp => return Sent::NotSent(retry.given_up(&sent)),
                Next::Rest(rest) => {
                    let rested = Box::pin(route.queue.rest(rest, trouble(&sent))).await;
                    if let Err(stopped) = rested {
                        return kept(request, sent).unwrap_or(Sent::NotSent(stopped));
                    }
                }
            }
            *last = kept(request, sent);
        }
    }

    /// One attempt, counted and logged.
    async fn exchange(&self, route: &Route, request: &Request, tries: &Attempts) -> Sent {
        // The last thing before a request is written: a process that was stopped may wake here.
        if self.lease.get().is_some_and(|lease| !lease.may_send()) {
            return Sent::NotSent(lease_is_over());
        }
        let begun = Instant::now();
        let mut in_flight = InFlight::new(&self.counts);
        let sent = match route.is_login {
            true => self.transport.log_in(request).await,
            false => self.transport.exchange(request).await,
        };
        in_flight.is_over = true;
        if !matches!(sent, Sent::NotSent(_)) {
            self.counts.sent.fetch_add(1, Relaxed);
            self.counts.took.count(begun.elapsed());
            self.counts.retried.fetch_add(u64::from(tries.made > 0), Relaxed);
        }
        if matches!(&sent, Sent::Answered(response) if response.status == 429) {
            self.counts.rate_limited.fetch_add(1, Relaxed);
        }
        if tracing::enabled!(tracing::Level::DEBUG) {
            self.log(request, &sent, begun.elapsed());
        }
        sent
    }

    /// Method, path, names of the query, result, milliseconds. Values of the query are left out, because they may be phones.
    fn log(&self, request: &Request, sent: &Sent, took: Duration) {
        let names: Vec<String> = request.query.iter().map(|(name, _)| format!("{name}=…")).collect();
        let mark = if names.is_empty() { "" } else { "?" };
        let path = self.redactor.text(&format!("{}{mark}{}", request.path, names.join("&")));
        let came = match sent {
            Sent::Answered(response) => response.status.to_string(),
            Sent::NotSent(failure) => format!("not sent ({})", self.redactor.text(&failure.to_string())),
            Sent::InDoubt(failure) => format!("in doubt ({})", self.redactor.text(&failure.to_string())),
        };
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        tracing::debug!("{} {path}: {came}, {ms} ms", request.method.name());
    }

    /// How many requests were sent so far.
    pub fn traffic(&self) -> Traffic {
        Traffic {
            sent: self.counts.sent.load(Relaxed),
            retried: self.counts.retried.load(Relaxed),
            rate_limited: self.counts.rate_limited.load(Relaxed),
            times: Times { took: self.counts.took.so_far(), waited: self.counts.waited.so_far() },
        }
    }

    /// How long the user waits for an unavailable platform; zero: it was not said.
    pub fn wait(&self) -> Duration {
        self.route.retry.as_ref().map_or(Duration::ZERO, |retry| retry.wait)
    }

    /// How long an unavailable platform is waited for once it has answered.
    pub fn patience(&self) -> Duration {
        self.route.retry.as_ref().map_or(Duration::ZERO, Retry::patience)
    }

    /// How many requests may be in flight.
    pub fn concurrency(&self) -> usize {
        self.route.queue.concurrency
    }

    /// How many requests have left and have no response yet.
    pub fn in_flight(&self) -> u64 {
        self.counts.in_flight.load(Relaxed)
    }

    /// How long a response took on average; none before the first.
    pub fn answer_time(&self) -> Option<Duration> {
        let (took_us, sent) = (self.counts.took.sum_us(), self.counts.sent.load(Relaxed));
        Some(Duration::from_micros(took_us.checked_div(sent)?))
    }

    /// Why nothing is sent right now, if so: the platform asked for a pause, or is unavailable.
    pub fn pause(&self) -> Option<Pause> {
        self.route.queue.pause().or_else(|| self.tokens.as_ref()?.pause())
    }

    /// With `auto`, the rate (requests per second) that is worth remembering; `None` when the rate is fixed.
    pub fn rate_now(&self) -> Option<f64> {
        self.route.queue.proven_per_s()
    }

    /// The rate that holds right now, requests per second; `None` without a limit.
    pub fn allowed_per_s(&self) -> Option<f64> {
        self.route.queue.allowed_per_s()
    }

    /// Orderly stop: a request that has not left is not sent ([`Sent::NotSent`], exit 130), one in flight is completed.
    pub fn stop(&self) {
        self.route.queue.stop();
        if let Some(tokens) = &self.tokens {
            tokens.stop();
        }
    }

    /// Whether the data of any response may have held a secret of this connection.
    pub fn has_met_secret(&self) -> bool {
        self.has_met_secret.load(Relaxed)
    }

    /// Whether a value of a contact holds a secret of this connection.
    pub fn is_secret_in(&self, value: &str) -> bool {
        self.redactor.is_in(value)
    }

    /// A text without the connection's secrets.
    pub fn redact(&self, text: &str) -> String {
        self.redactor.text(text)
    }
}

fn lease_is_over() -> Failure {
    Failure::new(Exit::Busy, "the lease of this connection was not renewed in time, so nothing more is sent")
        .cause("this process was stopped, or the store could not be reached")
        .hint("run the same command again: it resumes where it stopped")
}

/// Tokens.
impl Http {
    /// Sends a request with the token, and again with a new one if the token has expired.
    async fn deliver_with_token(&self, tokens: &Tokens, request: &Request) -> Sent {
        let mut last = None;
        let mut held = match self.token(tokens, 0).await {
            Ok(held) => held,
            Err(failure) => return Sent::NotSent(failure),
        };
        let mut renewals = 0;
        loop {
            let sent = self.deliver(&self.route, &held.put_to(request), &mut last).await;
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

    /// A token that is later than this generation: the current one, or a new one. An orderly stop ends the waiting.
    async fn token(&self, tokens: &Tokens, generation: u64) -> Result<Arc<Held>, Failure> {
        if let Some(held) = tokens.later_than(generation) {
            return Ok(held);
        }
        tokio::select! {
            biased;
            stopped = tokens.route.queue.stopped() => Err(stopped),
            got = self.get_token(tokens, generation) => got,
        }
    }

    async fn get_token(&self, tokens: &Tokens, generation: u64) -> Result<Arc<Held>, Failure> {
        let failed = tokens.ledger(|ledger| ledger.failed);
        let _getting = tokens.getting.lock().await;
        if let Some(held) = tokens.later_than(generation) {
            return Ok(held);
        }
        // A request that waited for a login that failed does not log in again, because a server counts wrong passwords.
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

    /// The next token, without a password if that works.
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

    /// The token of a response. No text that is shown holds it from now on.
    fn token_of(&self, tokens: &Tokens, response: &Response) -> Option<Token> {
        let token = tokens.login.token(response).filter(|_| response.is_success())?;
        self.redactor.learn([Some(&token.header.1), token.refresh.as_ref()].into_iter().flatten());
        Some(token)
    }

    /// All attempts of a login; logging in twice does no harm.
    async fn ask(&self, tokens: &Tokens, mut request: Request) -> Result<Response, Failure> {
        request.repeatable = true;
        match self.deliver(&tokens.route, &request, &mut None).await {
            Sent::Answered(response) => Ok(response),
            Sent::InDoubt(failure) if failure.exit == Exit::Unavailable => Err(tokens.given_up(Sent::InDoubt(failure))),
            Sent::NotSent(failure) | Sent::InDoubt(failure) => Err(failure),
        }
    }
}
