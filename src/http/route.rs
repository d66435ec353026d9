//! The route to one server: the queue before it, and what happens after each attempt. It sends nothing.

use super::message::{Method, Request, Sent};
use super::queue::{Queue, words};
use super::retry::{self, Attempts, Conditions, Health, Next, TryResult};
use super::transport::HttpOptions;
use crate::clock::Clock;
use crate::outcome::{Exit, Failure};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// The route to one server: the queue before it, and its retries.
pub(super) struct Route {
    pub(super) queue: Queue,
    /// `None`: no retries.
    pub(super) retry: Option<Retry>,
    pub(super) is_login: bool,
}

/// What retries depend on.
pub(super) struct Retry {
    pub(super) wait: Duration,
    pub(super) clock: Clock,
    pub(super) address: String,
    pub(super) health: Mutex<Health>,
    /// Whether no request has failed since the last success, so that successes need no lock.
    pub(super) well: AtomicBool,
    pub(super) dice: AtomicU64,
}

impl Route {
    pub(super) fn well(&self, sent: Sent) -> Sent {
        if matches!(&sent, Sent::Answered(response) if response.status < 500) {
            self.queue.is_well();
        }
        sent
    }

    pub(super) fn pause_all(&self, retry: &Retry, pause: Duration, sent: &Sent) {
        let Sent::Answered(response) = sent else { return };
        let asked = retry::asked(response, retry.clock.wall()).is_some_and(|asked| !asked.is_zero());
        let why = match asked {
            true => format!("the platform asked for {} ({})", words(pause), response.status),
            false => format!("the platform refused requests as too fast ({})", response.status),
        };
        self.queue.pause_all(pause, why);
    }
}

impl Retry {
    pub(super) fn new(options: &HttpOptions, address: String) -> Retry {
        Retry {
            wait: options.wait,
            clock: options.clock,
            address,
            health: Mutex::default(),
            well: AtomicBool::new(false),
            dice: AtomicU64::new(options.seed),
        }
    }

    /// How long all requests may fail before the platform is unavailable.
    pub(super) fn patience(&self) -> Duration {
        if self.wait.is_zero() { retry::PATIENCE } else { self.wait }
    }

    pub(super) fn judge(&self, request: &Request, sent: &Sent, tries: &mut Attempts) -> Next {
        let wall = if is_good(sent) { SystemTime::UNIX_EPOCH } else { self.clock.wall() };
        let came = retry::came(request, tries.ends, sent, wall);
        if came == TryResult::Answer && self.well.load(Relaxed) {
            return Next::Return;
        }
        tries.ends += u32::from(came == TryResult::End);
        tries.refused += u32::from(matches!(came, TryResult::Refusal { .. }));
        let now = self.clock.now();
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        // Changed under the lock only, so that it agrees with the recorded state.
        self.well.store(came == TryResult::Answer, Relaxed);
        health.note(came, sent, now);
        let conditions = Conditions { now, wait: self.wait, chance: self.chance() };
        retry::next(came, *tries, &health, conditions)
    }

    pub(super) fn given_up(&self, sent: &Sent) -> Failure {
        let hint = "try again later; the same command resumes the run";
        match sent {
            Sent::NotSent(failure) | Sent::InDoubt(failure) => {
                Failure { hint: Some(hint.to_owned()), ..failure.clone() }
            }
            Sent::Answered(response) => {
                let message = format!("`{}` has responded only with {} for too long", self.address, response.status);
                Failure::new(Exit::Unavailable, message).hint(hint)
            }
        }
    }

    /// A number between 0 and 1, another one each time (splitmix64).
    pub(super) fn chance(&self) -> f64 {
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

/// The result of a request that does not leave any more: in doubt, if an earlier attempt may have been carried out before a
/// stop.
pub(super) fn doubt_or(last: &mut Option<Sent>, failure: Failure) -> Sent {
    last.take().filter(|_| failure.exit == Exit::Interrupted).unwrap_or(Sent::NotSent(failure))
}

/// The response of a write that is stopped before its next attempt, because the platform may have acted on it. A read has
/// none: a response that would have been asked for again proves nothing, least of all the end of a list.
pub(super) fn kept(request: &Request, sent: Sent) -> Option<Sent> {
    match sent {
        _ if request.method == Method::Get => None,
        Sent::NotSent(_) => None,
        Sent::Answered(response) if response.status == 429 => None,
        sent => Some(sent),
    }
}

/// Why a request is retried later.
pub(super) fn trouble(sent: &Sent) -> String {
    match sent {
        Sent::NotSent(failure) | Sent::InDoubt(failure) => failure.message.clone(),
        Sent::Answered(response) if response.is_success() => "the platform sent an incomplete response".to_owned(),
        Sent::Answered(response) => format!("the platform answered {}", response.status),
    }
}
