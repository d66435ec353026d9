//! What is served: every modelled platform with its account, journal and limit, and what is true of all of them.
//!
//! It knows no platform and does no network.

use super::faults::{Drawn, FaultKind};
use super::history::{Exchange, History};
use super::journal::Journal;
use super::limit::Bucket;
use super::locked::locked;
use super::model::{Account, Model, Reply};
use super::request_time::RequestTime;
use super::wire::Request;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// Everything that is served.
pub(super) struct Site {
    pub(super) hosted: Vec<Hosted>,
    pub(super) port: u16,
    /// The rate that each platform is held to, in words.
    pub(super) rate: Option<String>,
    pub(super) faults: Vec<(FaultKind, f64)>,
    pub(super) seed: u64,
    pub(super) slow: Duration,
    pub(super) lag: Duration,
    /// Requests that faults were drawn for so far.
    pub(super) ordinal: AtomicU64,
    pub(super) history: Mutex<History>,
}

/// One platform, as it is served.
pub(super) struct Hosted {
    pub(super) model: &'static Model,
    /// The variable of what lets a client in, and its value.
    pub(super) secret: (&'static str, String),
    pub(super) account: Mutex<Box<dyn Account>>,
    pub(super) journal: Journal,
    pub(super) bucket: Option<Mutex<Bucket>>,
}

impl Site {
    /// When a request comes, as its platform sees it.
    pub(super) fn moment(&self, drawn: Drawn) -> RequestTime {
        let now = Instant::now();
        RequestTime {
            now,
            since_1970: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
            hidden_until: drawn.lag.then(|| now + self.lag),
        }
    }

    /// Keeps what a request came to.
    pub(super) fn record(&self, request: &Request, status: u16, acted: bool) {
        let exchange = Exchange { method: request.method.to_string(), path: request.target(), status, acted };
        locked(&self.history).add(Instant::now(), exchange);
    }
}

impl Hosted {
    /// Takes a request from the rate; else how long until there is one.
    pub(super) fn take_token(&self) -> Result<(), Duration> {
        self.bucket.as_ref().map_or(Ok(()), |bucket| locked(bucket).take(Instant::now()))
    }

    /// Carries a request out; gives what must be on disk before the answer leaves: this change, and whatever the
    /// answer may tell of.
    pub(super) fn act(&self, request: &Request, moment: &RequestTime) -> (Reply, u64) {
        let mut account = locked(&self.account);
        account.held().reveal(moment.now);
        let reply = account.answer(request, moment);
        if let Some(line) = &reply.change {
            self.journal.append(line);
        }
        (reply, self.journal.appended())
    }
}
