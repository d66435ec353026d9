//! TWIN's IAM: tokens for an e-mail address and a password, and others for those that expired.
//!
//! A token is a JSON Web Token in shape; its signature is the sandbox's own. Tokens are not on disk: to a sandbox that was
//! started again every old one has expired.

use super::super::options::Setup;
use super::super::request_time::RequestTime;
use super::super::wire::{Answer, Request};
use super::body::{COMPANY, fields, refusal};
use crate::outcome::Failure;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// The address and the password that the sandbox takes.
pub(super) const EMAIL: &str = "sandbox@example.com";
pub(super) const PASSWORD: &str = "sandbox-twin-password";

/// Tokens remembered; those before them count as expired.
const TOKENS_MAX: usize = 1024;

/// The tokens that were given out.
pub(super) struct Tokens {
    seed: u64,
    password: String,
    /// How long one is good at most; a login may ask for less.
    ttl: Duration,
    /// For how many requests one is good.
    requests: Option<u64>,
    /// How many there ever were.
    made: u64,
    given: VecDeque<Given>,
}

struct Given {
    token: String,
    /// Taken when it was used.
    refresh: Option<String>,
    until: Instant,
    left: Option<u64>,
}

impl Tokens {
    pub(super) fn new(setup: &Setup) -> Result<Tokens, Failure> {
        Ok(Tokens {
            seed: setup.seed,
            password: setup.key.clone(),
            ttl: setup.duration("token_ttl")?,
            requests: setup.number_if_given("token_requests")?,
            made: 0,
            given: VecDeque::new(),
        })
    }

    pub(super) fn login(&mut self, request: &Request, moment: &RequestTime) -> Answer {
        let body = match fields(request) {
            Ok(body) => body,
            Err(answer) => return answer,
        };
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        match (text("email"), text("password")) {
            (Some(EMAIL), Some(password)) if password == self.password => self.give(body.get("ttl"), moment),
            (Some(_), Some(_)) => refusal(401, "Wrong email or password."),
            _ => refusal(422, "The fields email and password are required."),
        }
    }

    /// Needs the token itself, without `Bearer`, and what was given with it; works once.
    pub(super) fn refresh(&mut self, request: &Request, moment: &RequestTime) -> Answer {
        let body = match fields(request) {
            Ok(body) => body,
            Err(answer) => return answer,
        };
        let Some(refresh) = body.get("refreshToken").and_then(Value::as_str) else {
            return refusal(422, "The field refreshToken is required.");
        };
        let token = request.header("authorization").unwrap_or_default();
        if !self.is_signed(token) {
            return refusal(401, "Unauthorized.");
        }
        let given = self.given.iter_mut().find(|given| given.token == token);
        match given.and_then(|given| given.refresh.take_if(|held| held == refresh)) {
            Some(_) => self.give(body.get("ttl"), moment),
            None => refusal(401, "Refresh token is not valid."),
        }
    }

    /// Whether a request to the chat API may pass.
    pub(super) fn check(&mut self, request: &Request, moment: &RequestTime) -> Result<(), Answer> {
        let token = request.header("authorization").and_then(|header| header.strip_prefix("Bearer "));
        let Some(token) = token.filter(|token| self.is_signed(token)) else {
            return Err(refusal(401, "Unauthorized."));
        };
        let expired = || refusal(401, "Token is expired.");
        let given = self.given.iter_mut().rev().find(|given| given.token == token).ok_or_else(expired)?;
        if given.until <= moment.now || given.left == Some(0) {
            return Err(expired());
        }
        given.left = given.left.map(|left| left - 1);
        Ok(())
    }

    /// A token and what refreshes it, for so many seconds where that is less than the sandbox gives anyway.
    fn give(&mut self, asked: Option<&Value>, moment: &RequestTime) -> Answer {
        let asked = asked.and_then(Value::as_u64).filter(|&seconds| seconds > 0).map(Duration::from_secs);
        let ttl = asked.map_or(self.ttl, |asked| asked.min(self.ttl));
        let expiry = moment.since_1970.saturating_add(ttl);
        let claims = json!({
            "iss": "iam", "companyId": COMPANY, "jti": self.made, "iat": moment.since_1970.as_secs(),
            "exp": expiry.as_secs(),
        });
        let signed =
            format!("{}.{}", base64url(br#"{"alg":"HS256","typ":"JWT"}"#), base64url(claims.to_string().as_bytes()));
        let token = format!("{signed}.{}", self.signature(&signed));
        let refresh = self.signature(&format!("refresh {} {}", self.made, moment.since_1970.as_nanos()));
        self.made += 1;
        if self.given.len() >= TOKENS_MAX {
            self.given.pop_front();
        }
        let answer = Answer::json(200, &json!({ "token": token, "refreshToken": refresh }));
        // What a clock cannot say is as good as for ever.
        let until = moment.now.checked_add(ttl).unwrap_or(moment.now + Duration::from_secs(u64::from(u32::MAX)));
        self.given.push_back(Given { token, refresh: Some(refresh), until, left: self.requests });
        answer
    }

    fn is_signed(&self, token: &str) -> bool {
        token.rsplit_once('.').is_some_and(|(signed, signature)| self.signature(signed) == signature)
    }

    fn signature(&self, text: &str) -> String {
        base64url(blake3::hash(format!("{} {text}", self.seed).as_bytes()).as_bytes())
    }
}

/// RFC 4648, section 5, without padding.
fn base64url(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, &byte| bits << 8 | u32::from(byte)) << (8 * (3 - group.len()));
        let letters = [18, 12, 6, 0].into_iter().take(group.len() + 1);
        out.extend(letters.filter_map(|shift| LETTERS.get((bits >> shift & 63) as usize).copied().map(char::from)));
    }
    out
}
