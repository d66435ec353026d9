//! What must never be shown, and taking it out of what is.
//!
//! Everything that leaves the door goes through [`Redactor`]: failures, and the bodies and headers of answers, since
//! some platforms repeat a token in their errors. It learns the tokens that are got on the way.

use super::address::segment;
use super::message::{Response, Sent};
use crate::outcome::Failure;
use bytes::Bytes;
use memchr::memmem;
use secrecy::{ExposeSecret, SecretString};
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

/// What stands where a secret was.
const STARS: &str = "***";

/// A good answer is data: a shorter secret found in it is more likely a name that is spelt alike.
const DATA_SECRET_LEN_MIN: usize = 16;

/// Any other answer is only shown: still, one or two letters would take it apart without hiding anything.
const TEXT_SECRET_LEN_MIN: usize = 4;

/// What proves to a platform who we are; put to every request, never shown.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// Header names and values.
    pub headers: Vec<(&'static str, SecretString)>,
    /// Query names and values.
    pub query: Vec<(&'static str, SecretString)>,
}

/// Of so many tokens that were got one after the other none is ever shown: those that requests in flight may still
/// carry, and then some. More of them would make every answer slow in a run of days.
const LEARNT_MAX: usize = 16;

/// Every spelling of every secret, the longest first, so that none is found inside another.
type Spellings = Arc<[Box<str>]>;

/// Takes secrets out of texts.
pub(super) struct Redactor {
    given: Spellings,
    /// Where tokens are got on the way: with these.
    learnt: OnceLock<RwLock<Learnt>>,
}

#[derive(Default)]
struct Learnt {
    /// Secrets that stay so.
    kept: Vec<Box<str>>,
    /// The spellings of each token, the last one at the end.
    tokens: VecDeque<Vec<Box<str>>>,
    all: Spellings,
}

impl Redactor {
    pub(super) fn new(credentials: &Credentials) -> Redactor {
        let values = credentials.headers.iter().chain(&credentials.query).map(|(_, value)| value);
        Redactor { given: in_order(values.flat_map(spellings)), learnt: OnceLock::new() }
    }

    /// Never shows these from now on.
    pub(super) fn keep(&self, secrets: &[SecretString]) {
        self.change(|learnt| learnt.kept.extend(secrets.iter().flat_map(spellings)));
    }

    /// Does not show these any more, until [`LEARNT_MAX`] others have come after them.
    pub(super) fn learn<'a>(&self, secrets: impl Iterator<Item = &'a SecretString>) {
        let token = secrets.flat_map(spellings).collect();
        self.change(|learnt| {
            learnt.tokens.push_back(token);
            if learnt.tokens.len() > LEARNT_MAX {
                learnt.tokens.pop_front();
            }
        });
    }

    fn change(&self, change: impl FnOnce(&mut Learnt)) {
        let learnt = self.learnt.get_or_init(RwLock::default);
        let mut learnt = learnt.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut learnt);
        let all = self.given.iter().chain(&learnt.kept).chain(learnt.tokens.iter().flatten());
        learnt.all = in_order(all.cloned());
    }

    /// Without a login there is no lock in the way.
    fn spellings(&self) -> Spellings {
        match self.learnt.get() {
            Some(learnt) => Arc::clone(&learnt.read().unwrap_or_else(PoisonError::into_inner).all),
            None => Arc::clone(&self.given),
        }
    }

    /// The text without the secrets.
    pub(super) fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in self.spellings().iter().filter(|secret| secret.len() >= TEXT_SECRET_LEN_MIN) {
            if text.contains(&**secret) {
                text = text.replace(&**secret, STARS);
            }
        }
        text
    }

    /// What came of a request, without the secrets.
    pub(super) fn sent(&self, sent: Sent) -> Sent {
        match sent {
            _ if self.spellings().is_empty() => sent,
            Sent::NotSent(failure) => Sent::NotSent(self.failure(failure)),
            Sent::InDoubt(failure) => Sent::InDoubt(self.failure(failure)),
            Sent::Answered(response) => Sent::Answered(self.response(response)),
        }
    }

    fn failure(&self, failure: Failure) -> Failure {
        Failure {
            exit: failure.exit,
            message: self.text(&failure.message),
            causes: failure.causes.iter().map(|cause| self.text(cause)).collect(),
            hint: failure.hint.map(|hint| self.text(&hint)),
            colored_page: failure.colored_page.map(|page| self.text(&page).into()),
            also: failure.also.into_iter().map(|other| self.failure(other)).collect(),
        }
    }

    fn response(&self, mut response: Response) -> Response {
        let len_min = if response.is_success() { DATA_SECRET_LEN_MIN } else { TEXT_SECRET_LEN_MIN };
        for secret in self.spellings().iter().filter(|secret| secret.len() >= len_min) {
            if memmem::find(&response.body, secret.as_bytes()).is_some() {
                response.body = without(&response.body, secret.as_bytes());
            }
            for (_, value) in response.headers.iter_mut().filter(|(_, value)| value.contains(&**secret)) {
                *value = value.replace(&**secret, STARS);
            }
        }
        response
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} spellings)", self.spellings().len())
    }
}

/// A secret as it may turn up: as it is, without its scheme (`Bearer x`), in a URL, in JSON.
fn spellings(secret: &SecretString) -> Vec<Box<str>> {
    let bare = secret.expose_secret().trim();
    let plain = [Some(bare), bare.split_once(' ').map(|(_, token)| token.trim())];
    let mut all = Vec::new();
    for text in plain.into_iter().flatten().filter(|text| !text.is_empty()) {
        let json = serde_json::Value::from(text).to_string();
        let json = json.trim_matches('"').to_owned();
        all.push(text.into());
        all.push(segment(text).into());
        all.push(segment(text).replace("%20", "+").into());
        all.push(json.replace('/', "\\/").into());
        all.push(json.into());
    }
    all
}

fn in_order(spellings: impl Iterator<Item = Box<str>>) -> Spellings {
    let mut spellings: Vec<Box<str>> = spellings.collect();
    spellings.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    spellings.dedup();
    spellings.into()
}

fn without(body: &[u8], secret: &[u8]) -> Bytes {
    let mut kept = Vec::with_capacity(body.len());
    let mut from = 0;
    for at in memmem::find_iter(body, secret) {
        kept.extend_from_slice(body.get(from..at).unwrap_or_default());
        kept.extend_from_slice(STARS.as_bytes());
        from = at + secret.len();
    }
    kept.extend_from_slice(body.get(from..).unwrap_or_default());
    Bytes::from(kept)
}
