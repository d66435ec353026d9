//! A notice to a webhook: one JSON object, sent as POST. The address is checked like that of a platform, redirects are not
//! followed, and what follows the host is never shown, because many services put a secret there. It sends nothing twice
//! but what did not arrive or was refused for a moment.

use super::address::is_loopback;
use super::wire::{chain, client_for};
use crate::outcome::{Exit, Failure};
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use std::fmt;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use url::Url;

/// Pauses before further attempts.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];

/// The address of a webhook.
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook(Url);

impl Webhook {
    /// Checks an address: `https://`, or `http://` to this machine.
    ///
    /// # Errors
    /// Exit 2 for anything else. The message does not repeat the address.
    pub fn parse(text: &str) -> Result<Webhook, Failure> {
        let wrong = |why: &str| {
            Err(Failure::usage(format!("this is not the address of a webhook: {why}"))
                .hint("write it as `https://hooks.example.com/…`, best as `${NAME}` from the environment"))
        };
        let Ok(url) = Url::parse(text.trim()) else { return wrong("it cannot be read") };
        if !url.username().is_empty() || url.password().is_some() {
            return wrong("it holds a user name or a password");
        }
        match url.scheme() {
            "https" if url.host().is_some() => Ok(Webhook(url)),
            "http" if is_loopback(&url) => Ok(Webhook(url)),
            "http" => wrong("`http://` would send the summary unencrypted"),
            _ => wrong("it does not begin with `https://`"),
        }
    }

    /// The host, with a sign for the rest.
    pub fn shown(&self) -> String {
        format!("{}/…", self.0.origin().ascii_serialization())
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

/// Sends a JSON text; all attempts together take at most `limit`.
///
/// # Errors
/// Exit 1 when it was not accepted in time.
pub async fn notify(webhook: &Webhook, json: &str, limit: Duration) -> Result<(), Failure> {
    let failed = |why: String| Failure::failed(format!("the webhook `{}` {why}", webhook.shown()));
    match timeout(limit, attempts(webhook, json, limit)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(failure)) if failure.exit == Exit::Usage => Err(failure),
        Ok(Err(failure)) => Err(Failure { message: failed(failure.message).message, exit: Exit::Failed, ..failure }),
        Err(_) => Err(failed(format!("did not answer within {} s", limit.as_secs()))),
    }
}

async fn attempts(webhook: &Webhook, json: &str, limit: Duration) -> Result<(), Failure> {
    let client = client_for(&webhook.0, limit)?.build();
    let client = client.map_err(|error| Failure::failed("cannot be reached").cause(chain(&error)))?;
    let mut pauses = PAUSES.into_iter();
    loop {
        let request = client.post(webhook.0.clone()).body(json.to_owned());
        let request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let (failure, is_momentary) = match request.send().await {
            Ok(answer) if answer.status().is_success() => return Ok(()),
            Ok(answer) => {
                let status = answer.status();
                let is_momentary = status.is_server_error() || status.as_u16() == 429;
                (Failure::failed(format!("answered with {}", status.as_u16())), is_momentary)
            }
            Err(error) => {
                let is_momentary = error.is_connect();
                (Failure::failed("cannot be reached").cause(chain(&error.without_url())), is_momentary)
            }
        };
        match pauses.next() {
            Some(pause) if is_momentary => sleep(pause).await,
            _ => return Err(failure),
        }
    }
}
