//! Which requests a server on loopback answers: those of programs on this machine, and of its own page. Not those of a
//! foreign page that a browser shows, neither under a name that leads here (DNS rebinding) nor by a request across sites.
//!
//! It looks at headers alone, before anything is routed, and serves nothing itself.

use hyper::header::{HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN};
use hyper::http::uri::Authority;
use std::net::IpAddr;

/// How a browser says from where a request comes (Fetch Metadata).
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// The port that an address without one has.
const PORT_DEFAULT: u16 = 80;

/// A refused request: the status of its answer, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Of HTTP.
    pub status: u16,
    /// One line, for the answer.
    pub why: String,
}

/// A server on loopback.
#[derive(Clone, Copy, Debug)]
pub struct Loopback {
    /// The port that it listens on.
    pub port: u16,
    /// What it is, for answers: `the sandbox`.
    pub what: &'static str,
}

impl Loopback {
    /// Why a request is refused; none when it may pass. `target`: the authority of its target, which has one only where it
    /// is written as for a proxy.
    pub fn refusal(&self, headers: &HeaderMap, target: Option<&Authority>) -> Option<Refused> {
        let Loopback { port, what } = *self;
        let Some(host) = only(headers, &HOST).filter(|host| leads_here(host, port)) else {
            return Some(refused(421, format!("{what} answers to 127.0.0.1 and localhost with its own port only")));
        };
        if target.is_some_and(|target| !leads_here(target.as_str(), port)) {
            return Some(refused(421, format!("{what} is no proxy")));
        }
        let is_own = |origin: &HeaderValue| {
            origin.to_str().is_ok_and(|origin| origin.eq_ignore_ascii_case(&format!("http://{host}")))
        };
        if !headers.get_all(ORIGIN).iter().all(is_own) {
            return Some(refused(403, format!("{what} does not answer to a page of another origin")));
        }
        let is_foreign = |site: &HeaderValue| !matches!(site.as_bytes(), b"same-origin" | b"none");
        if headers.get_all(SEC_FETCH_SITE).iter().any(is_foreign) {
            return Some(refused(403, format!("{what} does not answer to a page of another site")));
        }
        None
    }
}

fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())?.to_str().ok()
}

/// Whether a host with its port is this server, by a name that no other host can give it.
fn leads_here(host: &str, port: u16) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    let name = authority.host().trim_start_matches('[').trim_end_matches(']');
    let is_loopback = name.eq_ignore_ascii_case("localhost") || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    let asked = match authority.port() {
        Some(port) => Some(port.as_str().parse().unwrap_or_default()),
        // `127.0.0.1:` is an authority, and its port is none.
        None => Some(PORT_DEFAULT).filter(|_| !host.ends_with(':')),
    };
    is_loopback && asked == Some(port) && !host.contains('@')
}

fn refused(status: u16, why: String) -> Refused {
    Refused { status, why }
}
