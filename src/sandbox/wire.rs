//! Requests and answers as the modelled platforms see them: whole bodies, decoded paths and queries.
//!
//! It does not route, does not know a platform, and does no network.

use hyper::body::Bytes;
use hyper::{HeaderMap, Method};
use serde_json::Value;

/// The content type of a JSON answer.
pub(super) const JSON: &str = "application/json; charset=utf-8";
/// The content type of a web page.
pub(super) const HTML: &str = "text/html; charset=utf-8";

/// One request, with its body read to the end.
pub(super) struct Request {
    pub(super) method: Method,
    /// As it came: percent-encoded, without the query.
    pub(super) path: String,
    /// As it came, without the `?`.
    pub(super) raw_query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Request {
    /// The path's segments, decoded; empty ones (a doubled or trailing slash) are left out.
    pub(super) fn segments(&self) -> Vec<String> {
        self.path.split('/').filter(|segment| !segment.is_empty()).map(|segment| decode(segment, false)).collect()
    }

    /// The first query parameter of this name, decoded.
    pub(super) fn query(&self, name: &str) -> Option<String> {
        self.raw_query.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key, true) == name).then(|| decode(value, true))
        })
    }

    /// A header's value, when it is there and is text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Whether the body is announced as JSON; frameworks ignore one that is not. What stands behind a `;` says nothing: a
    /// browser lets any page send `text/plain;x=json`.
    pub(super) fn says_json(&self) -> bool {
        let kind = self.header("content-type").unwrap_or_default();
        let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
    }

    /// The path with its query, as it came.
    pub(super) fn target(&self) -> String {
        match self.raw_query.as_str() {
            "" => self.path.clone(),
            query => format!("{}?{query}", self.path),
        }
    }
}

/// Undoes percent-encoding; in a query a `+` is a blank. What is not an escape stays as it is.
fn decode(text: &str, plus_is_blank: bool) -> String {
    let mut rest = text.as_bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, escape(after)) {
            (b'%', Some((value, later))) => {
                out.push(value);
                rest = later;
            }
            (b'+', _) if plus_is_blank => out.push(b' '),
            _ => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The byte that two hexadecimal digits at the front spell, and what comes after them.
fn escape(text: &[u8]) -> Option<(u8, &[u8])> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    match text {
        [high, low, later @ ..] => Some((digit(*high)? * 16 + digit(*low)?, later)),
        _ => None,
    }
}

/// One answer, before any fault.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    pub(super) body: String,
    /// Seconds, for the `Retry-After` header.
    pub(super) retry_after: Option<u64>,
    /// What a browser may do with it.
    pub(super) policy: &'static str,
}

/// Nothing.
const POLICY_DEFAULT: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

impl Answer {
    /// An answer whose body is text already.
    pub(super) fn text(status: u16, content_type: &'static str, body: impl Into<String>) -> Answer {
        Answer { status, content_type, body: body.into(), retry_after: None, policy: POLICY_DEFAULT }
    }

    /// An answer of JSON.
    pub(super) fn json(status: u16, body: &Value) -> Answer {
        Answer::text(status, JSON, body.to_string())
    }
}

/// Text made safe to stand in a page.
pub(super) fn escape_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// The answer of Express, which serves most of the modelled platforms, to a path that leads nowhere.
pub(super) fn express_not_found(request: &Request) -> Answer {
    let line = escape_html(&format!("Cannot {} {}", request.method, request.path));
    Answer::text(404, HTML, express_page(&line))
}

/// A page as Express writes its own errors; `line` is HTML already.
pub(super) fn express_page(line: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Error</title>\n</head>\n\
         <body>\n<pre>{line}</pre>\n</body>\n</html>\n"
    )
}
