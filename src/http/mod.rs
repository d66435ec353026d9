//! The only door to the network: it paces, sends, retries and redacts.
//!
//! A request gets one of three answers: it was [not sent](Sent::NotSent), it was [answered](Sent::Answered), or it is
//! [in doubt](Sent::InDoubt). What an answer means is for the connectors to say; here nobody is blamed for anything.
//!
//! ```text
//!  Request ─ turn (slot, pause, pace) ─▶ wire ─▶ retry: again? ─▶ secrets ─▶ Sent
//!                  ▲                                  │
//!                  └────────── pause, back-off ◀──────┘
//! ```
//!
//! Where a token goes with every request, it is got before the first one and got anew when it has expired (`login`).
//! The door does not follow redirects or unpack compressed answers (none are asked for).

mod address;
mod auto;
mod login;
pub mod message;
pub mod pace;
mod rate;
mod retry;
mod secrets;
mod turn;
mod wire;

pub use address::{check_base_url, segment};
pub use auto::Auto;
pub use login::{Login, Token};
pub use message::{Method, Pause, Request, Response, Sent, Traffic};
pub use rate::Rate;
pub use secrets::Credentials;

use crate::clock::Clock;
use crate::outcome::{Exit, Failure};
use async_trait::async_trait;
use login::Tokens;
use pace::Pace;
use retry::{Came, Health, Next, Tries};
use secrets::Redactor;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::time::Instant;
use turn::{Turn, words};
use wire::{Wires, shown};

/// Carries one request once: no pacing, no retry. Faked in tests.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends it and waits for the whole answer. A failure of exit 6 may be mended by another try, any other may not.
    async fn exchange(&self, request: &Request) -> Sent;

    /// The same with a request of [`Login`], which goes to the server that gives tokens.
    async fn log_in(&self, request: &Request) -> Sent {
        self.exchange(request).await
    }
}

/// How a connection is spoken to.
#[derive(Clone)]
pub struct HttpOptions {
    /// The address of the API (see [`check_base_url`]).
    pub base_url: url::Url,
    /// What goes with every request.
    pub credentials: Credentials,
    /// How a token is got that goes with every request, where the credentials hold none.
    pub login: Option<Arc<dyn Login>>,
    /// The `User-Agent` header.
    pub user_agent: String,
    /// How long the first byte of an answer, and each pause within it, may take; a whole answer: four times that.
    pub timeout: Duration,
    /// The pace.
    pub rate: Rate,
    /// Where `auto` begins, requests per second: what was remembered, or the platform's default.
    pub rate_start_per_s: f64,
    /// Requests in flight, at least one.
    pub concurrency: usize,
    /// How long to wait for a platform that is not to be had; zero: a few minutes.
    pub wait: Duration,
    /// The time.
    pub clock: Clock,
}

/// The door of one connection.
pub struct Http {
    transport: Box<dyn Transport>,
    way: Way,
    /// `None`: no token is needed.
    tokens: Option<Tokens>,
    redactor: Redactor,
    counts: Counts,
    /// Whether the data of an answer may have held a secret of this connection.
    has_met_secret: AtomicBool,
}

/// The way to one server: the queue before it, and when it is tried again.
struct Way {
    turn: Turn,
    /// `None`: one try is all there is.
    retry: Option<Retry>,
    is_login: bool,
}

/// What second tries depend on.
struct Retry {
    wait: Duration,
    clock: Clock,
    address: String,
    health: Mutex<Health>,
    /// Whether nothing bad has come since the last good answer, so that good ones need no lock.
    well: AtomicBool,
    dice: AtomicU64,
}

#[derive(Default)]
struct Counts {
    sent: AtomicU64,
    retried: AtomicU64,
    rate_limited: AtomicU64,
    /// Requests that left and have no answer yet.
    in_flight: AtomicU64,
    /// From leaving to answer, all of them together, in microseconds.
    took_us: AtomicU64,
}

/// Counts a request as long as it is on its way, also where it is given up.
struct InFlight<'c>(&'c AtomicU64);

impl<'c> InFlight<'c> {
    fn new(count: &'c AtomicU64) -> InFlight<'c> {
        count.fetch_add(1, Relaxed);
        InFlight(count)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Http {
    /// The door of a connection, over the network.
    ///
    /// # Errors
    ///
    /// Exit 2: a secret or the agent does not fit into a header. Exit 1: this machine cannot do TLS.
    pub fn connect(options: HttpOptions) -> Result<Http, Failure> {
        let wires = Wires::new(&options)?;
        Ok(Http::with_transport(Box::new(wires), options))
    }

    /// A door with pace and retries over any transport.
    pub fn with_transport(transport: Box<dyn Transport>, options: HttpOptions) -> Http {
        let now = options.clock.now();
        let address = shown(&options.base_url);
        let pace = Pace::new(&options.rate, options.rate_start_per_s, now);
        let turn = Turn::new(options.concurrency, pace, now, Some(options.clock), address.clone());
        let redactor = Redactor::new(&options.credentials);
        let tokens = options.login.as_ref().map(|login| Tokens::new(Arc::clone(login), &options, &redactor));
        let way = Way { turn, retry: Some(Retry::new(&options, address)), is_login: false };
        Http { transport, way, tokens, redactor, counts: Counts::default(), has_met_secret: AtomicBool::new(false) }
    }

    /// A door over any transport, without pace and with no more than one try (for tests of connectors).
    pub fn over(transport: Box<dyn Transport>) -> Http {
        Http {
            transport,
            way: Way {
                turn: Turn::new(usize::MAX, None, Instant::now(), None, "the platform".to_owned()),
                retry: None,
                is_login: false,
            },
            tokens: None,
            redactor: Redactor::new(&Credentials::default()),
            counts: Counts::default(),
            has_met_secret: AtomicBool::new(false),
        }
    }

    /// Sends a request: waits for its turn, repeats what may be repeated, obeys what the platform asks for, gets the
    /// token that goes with it.
    ///
    /// Secrets are taken out of failures; an answer comes as it is, because it is data.
    pub async fn send(&self, request: Request) -> Sent {
        let sent = match (self.way.turn.slot().await, &self.tokens) {
            (Ok(_slot), None) => self.deliver(&self.way, &request, &mut None).await,
            (Ok(_slot), Some(tokens)) => self.deliver_with_token(tokens, &request).await,
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

    /// All tries of a request. What came of the last one but this, and may have been acted upon, is left in `last`.
    async fn deliver(&self, way: &Way, request: &Request, last: &mut Option<Sent>) -> Sent {
        let mut tries = Tries { repeatable: request.repeatable, made: 0, refused: 0, ends: 0, since: Instant::now() };
        loop {
            if let Err(failure) = way.turn.leave().await {
                return doubt_or(last, failure);
            }
            let sent = self.exchange(way, request, &tries).await;
            tries.made += 1;
            let Some(retry) = &way.retry else { return sent };
            match retry.judge(request, &sent, &mut tries) {
                Next::Return => return way.well(sent),
                Next::ReturnAndPause(pause) => {
                    way.pause_all(retry, pause, &sent);
                    return sent;
                }
                Next::Pause(pause) => way.pause_all(retry, pause, &sent),
                Next::GiveUp => return Sent::NotSent(retry.given_up(&sent)),
                Next::Rest(rest) => {
                    let rested = way.turn.rest(rest, trouble(&sent)).await;
                    if let Err(stopped) = rested {
                        return kept(request, sent).unwrap_or(Sent::NotSent(stopped));
                    }
                }
            }
            *last = kept(request, sent);
        }
    }

    /// One try, counted and logged.
    async fn exchange(&self, way: &Way, request: &Request, tries: &Tries) -> Sent {
        let begun = Instant::now();
        let _in_flight = InFlight::new(&self.counts.in_flight);
        let sent = match way.is_login {
            true => self.transport.log_in(request).await,
            false => self.transport.exchange(request).await,
        };
        if !matches!(sent, Sent::NotSent(_)) {
            self.counts.sent.fetch_add(1, Relaxed);
            let took_us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
            self.counts.took_us.fetch_add(took_us, Relaxed);
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

    /// Method, path, names of the query, what came, milliseconds: no value of a query, which may be somebody's phone.
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

    /// How often what was sent so far.
    pub fn traffic(&self) -> Traffic {
        Traffic {
            sent: self.counts.sent.load(Relaxed),
            retried: self.counts.retried.load(Relaxed),
            rate_limited: self.counts.rate_limited.load(Relaxed),
        }
    }

    /// How many requests have left and have no answer yet.
    pub fn in_flight(&self) -> u64 {
        self.counts.in_flight.load(Relaxed)
    }

    /// How long an answer took on average; none before the first.
    pub fn answer_time(&self) -> Option<Duration> {
        let (took_us, sent) = (self.counts.took_us.load(Relaxed), self.counts.sent.load(Relaxed));
        Some(Duration::from_micros(took_us.checked_div(sent)?))
    }

    /// Why nothing is sent right now, if so: the platform asked for a pause, or is not to be had.
    pub fn pause(&self) -> Option<Pause> {
        self.way.turn.pause().or_else(|| self.tokens.as_ref()?.pause())
    }

    /// With `auto`, the rate (requests per second) that is worth remembering; `None` when the rate is fixed.
    pub fn rate_now(&self) -> Option<f64> {
        self.way.turn.proven_per_s()
    }

    /// The rate that holds right now, requests per second; `None` without a limit.
    pub fn allowed_per_s(&self) -> Option<f64> {
        self.way.turn.allowed_per_s()
    }

    /// Orderly stop: what has not left yet never will ([`Sent::NotSent`], exit 130), what is in flight goes on.
    pub fn stop(&self) {
        self.way.turn.stop();
        if let Some(tokens) = &self.tokens {
            tokens.stop();
        }
    }

    /// Whether any answer's data may have held a secret of this connection.
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

impl Way {
    fn well(&self, sent: Sent) -> Sent {
        if matches!(&sent, Sent::Answered(response) if response.status < 500) {
            self.turn.is_well();
        }
        sent
    }

    fn pause_all(&self, retry: &Retry, pause: Duration, sent: &Sent) {
        let Sent::Answered(response) = sent else { return };
        let asked = retry::asked(response, retry.clock.wall()).is_some_and(|asked| !asked.is_zero());
        let why = match asked {
            true => format!("the platform asked for {} ({})", words(pause), response.status),
            false => format!("the platform was asked too fast ({})", response.status),
        };
        self.turn.pause_all(pause, why);
    }
}

impl Retry {
    fn new(options: &HttpOptions, address: String) -> Retry {
        Retry {
            wait: options.wait,
            clock: options.clock,
            address,
            health: Mutex::default(),
            well: AtomicBool::new(false),
            dice: AtomicU64::new(RandomState::new().hash_one(0)),
        }
    }

    fn judge(&self, request: &Request, sent: &Sent, tries: &mut Tries) -> Next {
        let wall = if is_good(sent) { SystemTime::UNIX_EPOCH } else { self.clock.wall() };
        let came = retry::came(request, tries.ends, sent, wall);
        if came == Came::Answer && self.well.load(Relaxed) {
            return Next::Return;
        }
        tries.ends += u32::from(came == Came::End);
        tries.refused += u32::from(matches!(came, Came::Refusal { .. }));
        let now = self.clock.now();
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        // Changed under the lock only, so that it never says "well" of what is noted as ill.
        self.well.store(came == Came::Answer, Relaxed);
        health.note(came, sent, now);
        retry::next(came, *tries, &health, now, self.wait, self.chance())
    }

    fn given_up(&self, sent: &Sent) -> Failure {
        let hint = "try again later; the same command resumes the run";
        match sent {
            Sent::NotSent(failure) | Sent::InDoubt(failure) => {
                Failure { hint: Some(hint.to_owned()), ..failure.clone() }
            }
            Sent::Answered(response) => {
                let message = format!("`{}` has answered nothing but {} for too long", self.address, response.status);
                Failure::new(Exit::Unavailable, message).hint(hint)
            }
        }
    }

    /// Between 0 and 1, another one each time (splitmix64).
    fn chance(&self) -> f64 {
        let mut x = self.dice.fetch_add(0x9e37_79b9_7f4a_7c15, Relaxed);
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let bits = u32::try_from((x ^ (x >> 31)) >> 32).unwrap_or(0);
        f64::from(bits) / f64::from(u32::MAX)
    }
}

fn is_good(sent: &Sent) -> bool {
    matches!(sent, Sent::Answered(response) if response.status < 429)
}

/// What is told of a request that does not leave any more: that it may have been acted upon, if a stop came in between.
fn doubt_or(last: &mut Option<Sent>, failure: Failure) -> Sent {
    last.take().filter(|_| failure.exit == Exit::Interrupted).unwrap_or(Sent::NotSent(failure))
}

/// The response of a write that is stopped before its next attempt, because the platform may have acted on it. A read has
/// none: a response that would have been asked for again proves nothing, least of all the end of a list.
fn kept(request: &Request, sent: Sent) -> Option<Sent> {
    match sent {
        _ if request.method == Method::Get => None,
        Sent::NotSent(_) => None,
        Sent::Answered(response) if response.status == 429 => None,
        sent => Some(sent),
    }
}

/// Why a request rests, in words.
fn trouble(sent: &Sent) -> String {
    match sent {
        Sent::NotSent(failure) | Sent::InDoubt(failure) => failure.message.clone(),
        Sent::Answered(response) if response.is_success() => "the platform sent an incomplete answer".to_owned(),
        Sent::Answered(response) => format!("the platform answered {}", response.status),
    }
}
