//! Requests, responses, and the three results that a request can have. It sends nothing.

use super::times::Times;
use crate::json::{self, Node};
use crate::outcome::Failure;
use bytes::Bytes;
use serde_json::Value;
use std::borrow::Cow;
use std::time::Duration;

/// The methods the platforms use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// Its name in a request line.
    pub fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }
}

/// One request, before the connection's address, credentials and agent are added.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path below the connection's address, beginning with `/`, percent-encoded where necessary.
    pub path: String,
    /// Query pairs, not encoded yet.
    pub query: Vec<(String, String)>,
    /// Extra headers.
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    /// A JSON body.
    pub body: Option<Bytes>,
    /// Whether sending it twice has the same effect as sending it once, so that a doubt may be settled by sending it again.
    pub repeatable: bool,
    /// Which responses with a 5xx are a regular response of the platform, so that they are not retried.
    pub is_answer: Option<fn(&Response) -> bool>,
    /// Which unusual responses (a 5xx, an empty body) may be the documented end of a list. One is confirmed by one more
    /// request, because a temporary failure can look the same.
    pub is_end: Option<fn(&Response) -> bool>,
    /// Whether the caller reads the body as JSON at once, and requests it again where it is none: then what begins and ends
    /// like JSON is taken for it.
    pub is_read_at_once: bool,
}

impl Request {
    /// A reading request, repeatable.
    pub fn get(path: impl Into<String>) -> Request {
        Request::new(Method::Get, path, None, true)
    }

    /// A writing request with a JSON body, not repeatable.
    pub fn write(method: Method, path: impl Into<String>, body: &Value) -> Request {
        // Writing a value to memory cannot fail.
        let body = serde_json::to_vec(body).unwrap_or_default();
        Request::write_text(method, path, Bytes::from(body))
    }

    /// The same with a body that is text already.
    pub fn write_text(method: Method, path: impl Into<String>, body: Bytes) -> Request {
        Request::new(method, path, Some(body), false)
    }

    fn new(method: Method, path: impl Into<String>, body: Option<Bytes>, repeatable: bool) -> Request {
        let path = path.into();
        Request {
            method,
            path,
            query: Vec::new(),
            headers: Vec::new(),
            body,
            repeatable,
            is_answer: None,
            is_end: None,
            is_read_at_once: false,
        }
    }

    /// The same with one more query pair.
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Request {
        self.query.push((name.into(), value.into()));
        self
    }
}

/// A complete response.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Header names in lower case, and values, where the status is no success; values that are not text are
    /// left out.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Bytes,
}

impl Response {
    /// The first header of this name (lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; `None` if it is not, or if a key occurs twice in one object, because it is unknown which of the two
    /// the platform means ([`Response::repeated_key`]).
    pub fn json(&self) -> Option<Value> {
        json::parse(&self.body).ok()
    }

    /// The same as [`Response::json`], its texts still in the body.
    pub fn node(&self) -> Option<Node<'_>> {
        Node::parse(&self.body).ok()
    }

    /// The key that occurs twice in one object of the body, if the body is not taken as JSON for that reason.
    pub fn repeated_key(&self) -> Option<String> {
        match json::parse(&self.body) {
            Err(json::Fault::Repeated(key)) => Some(key),
            _ => None,
        }
    }

    /// The body as text, at most `len_max` characters of it, control characters replaced.
    pub fn text(&self, len_max: usize) -> String {
        let text = String::from_utf8_lossy(&self.body);
        let shown = text.chars().take(len_max).map(|c| if c.is_control() { ' ' } else { c });
        shown.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Whether the body is one complete JSON value; builds no value.
    pub fn is_json(&self) -> bool {
        serde_json::from_slice::<serde::de::IgnoredAny>(&self.body).is_ok()
    }

    /// Whether the body begins and ends like an object or a list.
    pub fn is_like_json(&self) -> bool {
        let body = self.body.trim_ascii();
        matches!((body.first(), body.last()), (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']')))
    }

    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// The three results that a request can have.
#[derive(Clone, Debug)]
pub enum Sent {
    /// It never reached the platform: refused connection, no address, shutting down.
    NotSent(Failure),
    /// The platform sent a complete response. The caller decides what its status means; a 5xx to a writing request is a doubt.
    Answered(Response),
    /// It may have been carried out: timeout, reset, an incomplete response.
    InDoubt(Failure),
}

/// How many requests were sent, over the life of an HTTP client.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Traffic {
    /// Requests that left.
    pub sent: u64,
    /// Those among them that repeated an earlier one.
    pub retried: u64,
    /// Responses with status 429.
    pub rate_limited: u64,
    /// How long they took and waited.
    pub times: Times,
}

/// Why nothing is sent right now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// How much longer, from now.
    pub left: Duration,
    /// The reason: "the platform asked for 30 s (429)".
    pub why: String,
}
