//! Secrets, and removing them from text that is shown.
//!
//! Connectors get the responses of a platform unchanged, because they are data; [`Redactor`] removes secrets from every text
//! that is shown: failures, the log, and messages of a platform. It learns the tokens that a login returns.

mod spelling;

use super::message::{Response, Sent};
use crate::outcome::{Failure, Mistake, Page};
use memchr::memmem;
use secrecy::{ExposeSecret, SecretString};
use spelling::{Needle, found, needles};
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

/// The text that replaces a secret.
const STARS: &str = "***";

/// A shorter secret that is found in data is more likely a name that is spelled alike.
const DATA_SECRET_LEN_MIN: usize = 8;

/// Replacing one or two letters would make a text unreadable without hiding anything.
const TEXT_SECRET_LEN_MIN: usize = 4;

/// The credentials of a connection, which are sent with every request and never shown.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// Header names and values.
    pub headers: Vec<(&'static str, SecretString)>,
    /// Query names and values.
    pub query: Vec<(&'static str, SecretString)>,
}

/// The last tokens of a login that are never shown: those that requests in flight may still have, and some more. A larger
/// number would slow every response down in a run of days.
const LEARNT_MAX: usize = 16;

/// The patterns that are searched for.
type Hidden = Arc<[Secret]>;

/// A secret with its patterns.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Secret {
    plain: Box<str>,
    needles: Vec<Needle>,
}

/// Removes secrets from texts.
pub(super) struct Redactor {
    given: Hidden,
    /// Where a login returns tokens: with these.
    learnt: OnceLock<RwLock<Learnt>>,
}

#[derive(Default)]
struct Learnt {
    /// Secrets that do not change.
    kept: Vec<Secret>,
    /// Those of each token, the latest at the end.
    tokens: VecDeque<Vec<Secret>>,
    all: Hidden,
}

impl Redactor {
    pub(super) fn new(credentials: &Credentials) -> Redactor {
        let values = credentials.headers.iter().chain(&credentials.query).map(|(_, value)| value);
        Redactor { given: without_repeats(values.flat_map(secrets)), learnt: OnceLock::new() }
    }

    /// Hides these from now on.
    pub(super) fn keep(&self, values: &[SecretString]) {
        self.change(|learnt| learnt.kept.extend(values.iter().flat_map(secrets)));
    }

    /// Hides these until [`LEARNT_MAX`] others have followed.
    pub(super) fn learn<'a>(&self, values: impl Iterator<Item = &'a SecretString>) {
        let token = values.flat_map(secrets).collect();
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
        learnt.all = without_repeats(all.cloned());
    }

    /// Without a login no lock is taken.
    fn hidden(&self) -> Hidden {
        match self.learnt.get() {
            Some(learnt) => Arc::clone(&learnt.read().unwrap_or_else(PoisonError::into_inner).all),
            None => Arc::clone(&self.given),
        }
    }

    /// The text without the secrets, however they are encoded.
    pub(super) fn text(&self, text: &str) -> String {
        let hidden = self.hidden();
        let needles: Vec<Needle> = hidden.iter().flat_map(|secret| secret.needles.iter().cloned()).collect();
        let (mut out, mut at) = (String::with_capacity(text.len()), 0);
        for range in found(text, &needles) {
            out.push_str(text.get(at..range.start).unwrap_or_default());
            out.push_str(STARS);
            at = range.end;
        }
        out.push_str(text.get(at..).unwrap_or_default());
        out
    }

    /// The result of a request, its failures without the secrets. A response is data and stays unchanged.
    pub(super) fn sent(&self, sent: Sent) -> Sent {
        match sent {
            Sent::NotSent(failure) => Sent::NotSent(self.failure(failure)),
            Sent::InDoubt(failure) => Sent::InDoubt(self.failure(failure)),
            Sent::Answered(response) => Sent::Answered(response),
        }
    }

    pub(super) fn failure(&self, failure: Failure) -> Failure {
        Failure {
            exit: failure.exit,
            message: self.text(&failure.message),
            causes: failure.causes.iter().map(|cause| self.text(cause)).collect(),
            hint: failure.hint.map(|hint| self.text(&hint)),
            page: failure.page.map(|page| Box::new(self.page(*page))),
            also: failure.also.into_iter().map(|other| self.failure(other)).collect(),
        }
    }

    fn page(&self, page: Page) -> Page {
        let mistake = |one: Mistake| Mistake {
            at: one.at,
            message: self.text(&one.message),
            hint: one.hint.map(|hint| self.text(&hint)),
        };
        Page { colored: self.text(&page.colored), mistakes: page.mistakes.into_iter().map(mistake).collect() }
    }

    /// Whether a value of a contact holds a secret.
    pub(super) fn is_in(&self, value: &str) -> bool {
        let is_long = |secret: &&Secret| secret.plain.len() >= DATA_SECRET_LEN_MIN;
        self.hidden().iter().filter(is_long).any(|secret| value.contains(&*secret.plain))
    }

    /// Whether the data of a response may hold a secret; [`Redactor::is_in`] decides.
    pub(super) fn may_be_in(&self, response: &Response) -> bool {
        let is_long = |secret: &&Secret| secret.plain.len() >= DATA_SECRET_LEN_MIN;
        let begins = |secret: &Secret| {
            // A longer prefix may be written with escapes.
            let plain = secret.plain.as_bytes();
            let len = plain.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count().max(1);
            memmem::find(&response.body, plain.get(..len).unwrap_or_default()).is_some()
        };
        response.is_success() && self.hidden().iter().filter(is_long).any(begins)
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} secrets)", self.hidden().len())
    }
}

/// A secret as it is, and without its scheme (`Bearer x`).
fn secrets(secret: &SecretString) -> Vec<Secret> {
    let bare = secret.expose_secret().trim();
    let plain = [Some(bare), bare.split_once(' ').map(|(_, token)| token.trim())];
    let plain = plain.into_iter().flatten().filter(|text| text.len() >= TEXT_SECRET_LEN_MIN);
    plain.map(|text| Secret { plain: text.into(), needles: needles(text) }).collect()
}

fn without_repeats(secrets: impl Iterator<Item = Secret>) -> Hidden {
    let mut secrets: Vec<Secret> = secrets.collect();
    secrets.sort();
    secrets.dedup();
    secrets.into()
}
