//! One request, sent once over the network: reqwest, rustls, no redirects, limits on time and size.
//!
//! It decides which of the three results a request has: it applies no rate and retries nothing. A request that fails after
//! the connection was established is in doubt, because it is unknown how much of it the platform has read.

use super::address::{LOCALHOST, below, check_proxy, is_loopback, loopback, segment};
use super::message::{Method, Request, Response, Sent};
use super::queue::words;
use super::secrets::Credentials;
use super::token::Login;
use super::transport::{HttpOptions, Transport};
use crate::outcome::{Exit, Failure};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use std::error::Error;
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};
use url::Url;

/// The largest response; a page of contacts is a thousandth of it.
const BODY_LEN_MAX: usize = 64 * 1024 * 1024;
/// How long establishing a connection may take.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// The headers of a response are kept from this status on: those of a success say nothing that is asked for.
const HEADERS_FROM: u16 = 300;
/// The headers of most requests, with those that every request has.
const HEADERS: usize = 6;
/// The time for establishing a connection that is added to the timeout of the first byte.
const CONNECT_SHARE: Duration = Duration::from_millis(500);
/// A longer timeout means the same as this one.
const TIMEOUT_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// How many timeouts a complete response may take.
const WHOLE: u32 = 4;
/// Idle connections are closed before the servers that are quickest to close them do (5 s): a request that crosses
/// with the closing would be in doubt.
const IDLE_MAX: Duration = Duration::from_secs(4);

/// The network.
struct Wire {
    client: reqwest::Client,
    /// The address without a `/` at its end.
    base: String,
    /// The query part of the credentials, encoded.
    query: SecretString,
    timeout: Duration,
    /// The path of the last request without a query, and its URL.
    last: Mutex<Option<(String, Url)>>,
}

/// The network of an HTTP client: to the platform, and to the server that issues its tokens, if there is one.
pub(super) struct Wires {
    platform: Wire,
    login: Option<Wire>,
}

impl Wires {
    pub(super) fn new(options: &HttpOptions) -> Result<Wires, Failure> {
        let wire_of = |login: &Arc<dyn Login>| {
            let base_url = login.base_url()?;
            Wire::new(&HttpOptions { base_url, credentials: Credentials::default(), login: None, ..options.clone() })
        };
        Ok(Wires { platform: Wire::new(options)?, login: options.login.as_ref().map(wire_of).transpose()? })
    }
}

#[async_trait]
impl Transport for Wires {
    async fn exchange(&self, request: &Request) -> Sent {
        self.platform.exchange(request).await
    }

    async fn log_in(&self, request: &Request) -> Sent {
        match &self.login {
            Some(wire) => wire.exchange(request).await,
            None => Sent::NotSent(Failure::failed("a token is needed, and the connection has no login")),
        }
    }
}

impl Wire {
    fn new(options: &HttpOptions) -> Result<Wire, Failure> {
        let timeout = options.timeout.min(TIMEOUT_MAX);
        if timeout.is_zero() {
            return Err(Failure::usage("a `timeout` of zero leaves no time for a response").hint("`30s` is usual"));
        }
        let client = client_for(&options.base_url, timeout)?
            .default_headers(default_headers(&options.credentials)?)
            .user_agent(user_agent(&options.user_agent)?)
            .pool_max_idle_per_host(options.concurrency.max(1))
            .build();
        let client = client.map_err(|error| {
            Failure::failed("cannot set up the network")
                .cause(chain(&error))
                .hint("a machine without certificate authorities cannot check a platform's: install `ca-certificates`")
        })?;
        let base = shown(&options.base_url);
        Ok(Wire { client, base, query: encoded(&options.credentials), timeout, last: Mutex::default() })
    }

    async fn exchange(&self, request: &Request) -> Sent {
        match self.try_exchange(request).await {
            Ok(response) => Sent::Answered(response),
            Err(sent) => sent,
        }
    }

    async fn try_exchange(&self, request: &Request) -> Result<Response, Sent> {
        let whole = Instant::now() + self.timeout.saturating_mul(WHOLE);
        let request = self.build(request).map_err(Sent::NotSent)?;
        let first = timeout(self.timeout + CONNECT_SHARE.min(self.timeout), self.client.execute(request)).await;
        let answer = match first {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(self.fault(error)),
            Err(_) => return Err(self.doubt(format!("did not answer within {}", words(self.timeout)))),
        };
        let status = answer.status().as_u16();
        let headers = if status < HEADERS_FROM { Vec::new() } else { headers(answer.headers()) };
        let body = self.body(answer, whole).await?;
        Ok(Response { status, headers, body })
    }

    fn build(&self, request: &Request) -> Result<reqwest::Request, Failure> {
        let url = self.url(request)?;
        let mut built = reqwest::Request::new(method(request.method), url);
        built.headers_mut().reserve(HEADERS);
        for (name, value) in &request.headers {
            let (name, mut value) = header(name, value)?;
            value.set_sensitive(name == AUTHORIZATION);
            built.headers_mut().insert(name, value);
        }
        if let Some(body) = &request.body {
            built.headers_mut().entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
            *built.body_mut() = Some(reqwest::Body::from(body.clone()));
        }
        Ok(built)
    }

    /// The URL of a request. That of the last one without a query is kept, because many contacts are written to one path.
    fn url(&self, request: &Request) -> Result<Url, Failure> {
        let below = || below(&self.base, &request.path, &request.query, self.query.expose_secret());
        if !request.query.is_empty() {
            return below();
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some((path, url)) if *path == request.path => Ok(url.clone()),
            _ => {
                let url = below()?;
                *last = Some((request.path.clone(), url.clone()));
                Ok(url)
            }
        }
    }

    /// The rest of a response, each piece within the timeout, all of it within four.
    async fn body(&self, mut answer: reqwest::Response, whole: Instant) -> Result<Bytes, Sent> {
        let promised = answer.content_length().and_then(|len| usize::try_from(len).ok()).unwrap_or_default();
        let (mut body, mut only) = (BytesMut::new(), Bytes::new());
        loop {
            let limit = whole.min(Instant::now() + self.timeout);
            let piece = match timeout_at(limit, answer.chunk()).await {
                Ok(Ok(Some(piece))) => piece,
                Ok(Ok(None)) => return Ok(if body.is_empty() { only } else { body.freeze() }),
                Ok(Err(error)) => return Err(self.doubt_because("broke off in the middle of an answer", &error)),
                Err(_) => return Err(self.stalled(limit == whole)),
            };
            if body.len().max(only.len()) + piece.len() > BODY_LEN_MAX {
                return Err(self.too_large());
            }
            // Most responses are one piece, which is not copied.
            if body.is_empty() && only.is_empty() {
                only = piece;
            } else {
                if body.is_empty() {
                    // All at once: a large page that grows takes twice its length for a moment.
                    body.reserve(promised.min(BODY_LEN_MAX));
                }
                body.extend_from_slice(&std::mem::take(&mut only));
                body.extend_from_slice(&piece);
            }
        }
    }

    fn stalled(&self, whole: bool) -> Sent {
        let limit = if whole { self.timeout.saturating_mul(WHOLE) } else { self.timeout };
        self.doubt(match whole {
            true => format!("did not finish an answer within {}", words(limit)),
            false => format!("fell silent for {} in the middle of an answer", words(limit)),
        })
    }

    fn too_large(&self) -> Sent {
        let message = format!("`{}` answers with more than {} MiB", self.base, BODY_LEN_MAX / 1024 / 1024);
        let failure = Failure::new(Exit::Refused, message);
        Sent::InDoubt(failure.hint("check that `base_url` is the address of the API; a smaller `page_size` may help"))
    }

    fn doubt(&self, what: impl AsRef<str>) -> Sent {
        Sent::InDoubt(Failure::new(Exit::Unavailable, format!("`{}` {}", self.base, what.as_ref())))
    }

    fn doubt_because(&self, what: &str, error: &(dyn Error + 'static)) -> Sent {
        match self.doubt(what) {
            Sent::InDoubt(failure) => Sent::InDoubt(failure.cause(chain(error))),
            other => other,
        }
    }

    /// Which of the three results a failed request has.
    fn fault(&self, error: reqwest::Error) -> Sent {
        let error = error.without_url();
        if error.is_builder() {
            return Sent::NotSent(Failure::failed("cannot build the request").cause(chain(&error)));
        }
        if error.is_connect() {
            return Sent::NotSent(no_connection(&self.base, &chain(&error), error.is_timeout()));
        }
        self.doubt_because("broke off without an answer", &error)
    }
}

/// What every client of this address is made of: TLS, no redirects, no retries, and the proxy that the environment names.
///
/// # Errors
/// Exit 2 for a proxy that is none.
pub(super) fn client_for(url: &Url, timeout: Duration) -> Result<reqwest::ClientBuilder, Failure> {
    // Where one is installed, it is this one.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never().max_retries_per_request(0))
        .referer(false)
        .http1_only()
        .tcp_nodelay(true)
        .connect_timeout(CONNECT_MAX.min(timeout))
        .pool_idle_timeout(IDLE_MAX);
    if is_loopback(url) {
        let builder = builder.no_proxy().resolve_to_addrs(LOCALHOST, &loopback());
        // Without TLS no authority is asked for, and reading them takes longer than a small run.
        return Ok(if url.scheme() == "http" { builder.tls_certs_only([]) } else { builder });
    }
    check_proxy(url, |name| std::env::var_os(name))?;
    Ok(builder)
}

/// Why no connection was established. A retry may help against some causes, and not against others (exit 5).
fn no_connection(base: &str, why: &str, late: bool) -> Failure {
    let refused = |message: String, hint: &str| Failure::new(Exit::Refused, message).cause(why).hint(hint);
    let lower = why.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if has(&["invalid peer certificate", "certificate"]) {
        let hint = "nothing was sent; check `base_url` and this machine's clock and certificate authorities";
        return refused(format!("the certificate of `{base}` is invalid"), hint);
    }
    if has(&["corrupt message", "fatal alert", "peer is incompatible", "peer misbehaved"]) {
        return refused(format!("`{base}` does not speak TLS as it should"), "check the port in `base_url`");
    }
    if has(&["proxy authorization required", "proxy authentication required"]) {
        return refused(
            format!("the proxy for `{base}` requires authentication"),
            "set the user and password of the proxy in `HTTPS_PROXY`",
        );
    }
    let message = match late {
        true => format!("`{base}` cannot be reached: no connection within {}", words(CONNECT_MAX)),
        false => format!("`{base}` cannot be reached"),
    };
    Failure::new(Exit::Unavailable, message).cause(why)
}

/// Messages of libraries that say only that there was an error.
const EMPTY: [&str; 6] = [
    "error sending request",
    "client error (Connect)",
    "client error (SendRequest)",
    "request or response body error",
    "error decoding response body",
    "error reading a body from connection",
];

/// The innermost causes of an error in one line; messages that say only that there was an error are left out.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut said: Vec<String> = Vec::new();
    let mut link = Some(error);
    while let Some(error) = link {
        let text = error.to_string();
        if !EMPTY.contains(&text.as_str()) && !said.iter().any(|before| before.contains(&text)) {
            said.push(text);
        }
        link = error.source();
    }
    if said.is_empty() { error.to_string() } else { said.join(": ") }
}

/// An address as it is shown, and as it precedes paths.
pub(super) fn shown(url: &url::Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

fn method(method: Method) -> reqwest::Method {
    match method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        Method::Patch => reqwest::Method::PATCH,
        Method::Delete => reqwest::Method::DELETE,
    }
}

fn headers(map: &HeaderMap) -> Vec<(String, String)> {
    let texts = map.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    texts.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), Failure> {
    let name = HeaderName::from_bytes(name.as_bytes());
    let value = HeaderValue::from_str(value);
    match (name, value) {
        (Ok(name), Ok(value)) => Ok((name, value)),
        _ => Err(Failure::failed("a header of the request holds what a header cannot")),
    }
}

fn default_headers(credentials: &Credentials) -> Result<HeaderMap, Failure> {
    let mut map = HeaderMap::new();
    for (name, secret) in &credentials.headers {
        let (key, mut value) = header(name, secret.expose_secret()).map_err(|_| {
            Failure::usage(format!("the secret for the header `{name}` holds what a header cannot"))
                .hint("copy it again: a line break or a letter outside ASCII has slipped in")
        })?;
        value.set_sensitive(true);
        map.insert(key, value);
    }
    Ok(map)
}

fn user_agent(text: &str) -> Result<HeaderValue, Failure> {
    HeaderValue::from_str(text).map_err(|_| {
        Failure::usage(format!("the `user_agent` `{}` holds what a header cannot", text.escape_debug()))
            .hint("use letters, digits and signs of ASCII")
    })
}

fn encoded(credentials: &Credentials) -> SecretString {
    let mut text = String::new();
    for (name, secret) in &credentials.query {
        let mark = if text.is_empty() { "" } else { "&" };
        // Writing to a string cannot fail.
        let _written = write!(text, "{mark}{}={}", segment(name), segment(secret.expose_secret()));
    }
    SecretString::from(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_no_retry_would_help_is_a_refusal() {
        let base = "https://api.example.com";
        let cases = [
            (
                "invalid peer certificate: Expired",
                Exit::Refused,
                "the certificate of `https://api.example.com` is invalid",
            ),
            (
                "received fatal alert: ProtocolVersion",
                Exit::Refused,
                "`https://api.example.com` does not speak TLS as it should",
            ),
            (
                "tunnel error: proxy authorization required",
                Exit::Refused,
                "the proxy for `https://api.example.com` requires authentication",
            ),
            (
                "tcp connect error: Connection refused (os error 111)",
                Exit::Unavailable,
                "`https://api.example.com` cannot be reached",
            ),
            ("dns error: failed to lookup address", Exit::Unavailable, "`https://api.example.com` cannot be reached"),
            ("tls handshake eof", Exit::Unavailable, "`https://api.example.com` cannot be reached"),
        ];
        for (why, exit, message) in cases {
            let failure = no_connection(base, why, false);
            assert_eq!((failure.exit, failure.message.as_str()), (exit, message), "{why}");
            assert_eq!(failure.causes, [why]);
        }
    }
}
