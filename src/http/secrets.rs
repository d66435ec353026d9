//! What must never be shown, and taking it out of what is.
//!
//! Everything that leaves the door goes through [`Redactor`]: failures, and the bodies and headers of answers, since
//! some platforms repeat a token in their errors.

use super::address::segment;
use super::message::{Response, Sent};
use crate::outcome::Failure;
use bytes::Bytes;
use memchr::memmem;
use secrecy::{ExposeSecret, SecretString};
use std::fmt;

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

/// Takes secrets out of texts.
pub(super) struct Redactor {
    /// Every spelling of every secret, the longest first, so that none is found inside another.
    spellings: Vec<Box<str>>,
}

impl Redactor {
    pub(super) fn new(credentials: &Credentials) -> Redactor {
        let values = credentials.headers.iter().chain(&credentials.query).map(|(_, value)| value.expose_secret());
        let mut spellings: Vec<Box<str>> = values.flat_map(spellings).collect();
        spellings.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        spellings.dedup();
        Redactor { spellings }
    }

    /// The text without the secrets.
    pub(super) fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in self.spellings.iter().filter(|secret| secret.len() >= TEXT_SECRET_LEN_MIN) {
            if text.contains(&**secret) {
                text = text.replace(&**secret, STARS);
            }
        }
        text
    }

    /// What came of a request, without the secrets.
    pub(super) fn sent(&self, sent: Sent) -> Sent {
        match sent {
            _ if self.spellings.is_empty() => sent,
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
        for secret in self.spellings.iter().filter(|secret| secret.len() >= len_min) {
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
        write!(f, "Redactor({} spellings)", self.spellings.len())
    }
}

/// A secret as it may turn up: as it is, without its scheme (`Bearer x`), in a URL, in JSON.
fn spellings(secret: &str) -> Vec<Box<str>> {
    let bare = secret.trim();
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
