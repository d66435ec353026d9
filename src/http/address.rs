//! The address of a connection: its checks, and the URLs of requests below it.
//!
//! Only the address of a connection names a host; values of records go into a path or a query, encoded. It sends nothing.

use crate::outcome::Failure;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use url::{Host, Url};

/// All but the unreserved characters of RFC 3986, so that `+` arrives as `+` and `&` ends nothing.
const STRICT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Text encoded as one segment of a path, or as a name or value of a query.
pub fn segment(text: &str) -> String {
    utf8_percent_encode(text, STRICT).to_string()
}

/// Checks the address of an API: `https://`, or `http://` to this machine, or `http://` to anywhere where `allow_http`.
///
/// # Errors
///
/// Exit 2: not an address, unprotected, or with a part that an API's address does not have (user, query, fragment).
pub fn check_base_url(text: &str, allow_http: bool) -> Result<Url, Failure> {
    let url = Url::parse(text.trim()).map_err(|error| not_an_address(text, &error.to_string()))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Failure::usage("the address of an API cannot hold a user or a password")
            .hint("remove them from `base_url`; a token has a setting of its own"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(not_an_address(text, "it goes on after a `?` or `#`"));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if allow_http || is_loopback(&url) => Ok(url),
        "http" => Err(unprotected(text)),
        _ => Err(not_an_address(text, "it does not begin with `https://`")),
    }
}

fn not_an_address(text: &str, why: &str) -> Failure {
    // The part before an `@` may be a password.
    let shown = text.rsplit('@').next().unwrap_or_default().trim();
    Failure::usage(format!("`{shown}` is not the address of an API: {why}"))
        .hint("an address looks like `https://app.example.com/api`")
}

fn unprotected(text: &str) -> Failure {
    let text = text.trim();
    let safe = text.split_once("://").map_or(text, |(_, rest)| rest);
    Failure::usage(format!("`{text}` would send the token and the contacts unencrypted"))
        .hint(format!("use `https://{safe}`, or set `allow_http: true` if the connection is protected otherwise"))
}

/// The one name of this machine; it is not looked up.
pub(super) const LOCALHOST: &str = "localhost";

/// Where [`LOCALHOST`] leads; the port is that of the address.
pub(super) fn loopback() -> [SocketAddr; 2] {
    [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)].map(|ip| SocketAddr::new(ip, 0))
}

/// Supported schemes of a proxy.
const PROXY_SCHEMES: [&str; 2] = ["http", "https"];

/// Checks the proxy that an environment variable names for an address. A value that cannot be parsed would be ignored, and
/// requests would leave without the proxy.
///
/// # Errors
///
/// Exit 2: the variable holds no address of a proxy.
pub(super) fn check_proxy(url: &Url, variable: impl Fn(&str) -> Option<std::ffi::OsString>) -> Result<(), Failure> {
    let names = if url.scheme() == "https" { ["HTTPS_PROXY", "https_proxy"] } else { ["HTTP_PROXY", "http_proxy"] };
    for name in names.into_iter().chain(["ALL_PROXY", "all_proxy"]) {
        let Some(value) = variable(name).filter(|value| !value.is_empty()) else { continue };
        if !value.to_str().is_some_and(is_proxy) {
            // The value may hold a password.
            return Err(Failure::usage(format!("the environment variable `{name}` is not the address of a proxy"))
                .hint("set it to an address like `http://proxy.example.com:3128`, or unset it"));
        }
    }
    Ok(())
}

fn is_proxy(value: &str) -> bool {
    let Ok(uri) = value.parse::<hyper::Uri>() else { return false };
    let is_known = uri.scheme_str().is_none_or(|scheme| PROXY_SCHEMES.contains(&scheme));
    let (host, place) = (uri.host().unwrap_or_default(), uri.authority().map_or("", |authority| authority.as_str()));
    let behind = place.rsplit('@').next().and_then(|place| place.strip_prefix(host)).unwrap_or_default();
    is_known && !host.is_empty() && (behind.is_empty() || uri.port_u16().is_some())
}

/// Whether the address is this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        // Any other name, `api.localhost` too, may be looked up elsewhere.
        Some(Host::Domain(name)) => name == LOCALHOST,
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        None => false,
    }
}

/// The URL of a path and query pairs below a base (without `/` at its end). `extra` is more query, encoded already.
///
/// # Errors
///
/// Exit 1: the path would leave the base.
pub(super) fn below(base: &str, path: &str, query: &[(String, String)], extra: &str) -> Result<Url, Failure> {
    if climbs(path) {
        return Err(Failure::failed(format!("`{}` is not a path below `{base}`", path.escape_debug())));
    }
    let mut text = String::with_capacity(base.len() + path.len() + extra.len() + 32 * query.len() + 1);
    text.push_str(base);
    if !path.starts_with('/') {
        text.push('/');
    }
    text.extend(path.split('#').flat_map(|part| ["%23", part]).skip(1));
    let mut mark = if path.contains('?') { '&' } else { '?' };
    for (name, value) in query {
        text.push(mark);
        text.extend(utf8_percent_encode(name, STRICT));
        text.push('=');
        text.extend(utf8_percent_encode(value, STRICT));
        mark = '&';
    }
    if !extra.is_empty() {
        text.push(mark);
        text.push_str(extra);
    }
    Url::parse(&text).map_err(|error| Failure::failed(format!("`{path}` is not a path below `{base}`")).cause(error))
}

/// Whether a URL parser would leave the base with this path.
fn climbs(path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    path.contains(|c: char| c.is_control())
        || path.split(['/', '\\']).any(|segment| {
            let plain = segment.to_ascii_lowercase().replace("%2e", ".");
            plain == "." || plain == ".."
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_localhost_and_literal_addresses_are_this_machine() {
        for (address, expected) in [
            ("http://localhost:1", true),
            ("http://LOCALHOST", true),
            ("http://127.0.0.1", true),
            ("http://127.9.9.9", true),
            ("http://[::1]:2", true),
            ("http://api.localhost", false),
            ("http://localhost.", false),
            ("http://localhost.example.com", false),
            ("http://0.0.0.0", false),
            ("http://10.0.0.1", false),
        ] {
            let url = Url::parse(address).expect("an address");
            assert_eq!(is_loopback(&url), expected, "{address}");
            assert_eq!(check_base_url(address, false).is_ok(), expected, "{address}");
        }
    }

    #[test]
    fn a_proxy_that_cannot_be_parsed_is_an_error_and_not_ignored() {
        let told = |address: &str, name: &str, value: &str| {
            let url = Url::parse(address).expect("an address");
            check_proxy(&url, |asked| (asked == name).then(|| value.into())).map_err(|failure| failure.to_string())
        };
        let api = "https://api.example.com";
        for value in ["http://p:3128", "https://u:p@p", "p:3128", "10.0.0.1:80", ""] {
            assert_eq!(told(api, "HTTPS_PROXY", value), Ok(()), "{value}");
        }
        for value in ["http//p", "htp://p", "http://", ":3128", "http://p:port", "a b", "socks5://p:1", "//p"] {
            for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
                let expected = format!("the environment variable `{name}` is not the address of a proxy");
                let failure = told(api, name, value).expect_err(value);
                assert!(failure.contains(&expected) && !failure.contains(&format!("`{value}`")), "{failure}");
            }
            assert_eq!(told(api, "HTTP_PROXY", value), Ok(()), "{value}");
            assert!(told("http://10.0.0.1", "HTTP_PROXY", value).is_err(), "{value}");
        }
    }

    const BASE: &str = "https://api.example.com/v1";

    fn joined(path: &str) -> String {
        below(BASE, path, &[], "").map_or_else(|failure| failure.to_string(), |url| url.to_string())
    }

    #[test]
    fn a_path_cannot_lead_away_from_the_base() {
        let cases = [
            ("/contacts/7", "https://api.example.com/v1/contacts/7"),
            ("@evil.example/x", "https://api.example.com/v1/@evil.example/x"),
            ("//evil.example/x", "https://api.example.com/v1//evil.example/x"),
            ("/a#b", "https://api.example.com/v1/a%23b"),
            ("/a/../../b", "`/a/../../b` is not a path below `https://api.example.com/v1`"),
            ("/a/%2E%2e/b", "`/a/%2E%2e/b` is not a path below `https://api.example.com/v1`"),
            ("/a\\..\\b", "`/a\\\\..\\\\b` is not a path below `https://api.example.com/v1`"),
            ("/a/.\t./b", "`/a/.\\t./b` is not a path below `https://api.example.com/v1`"),
        ];
        for (path, expected) in cases {
            assert_eq!(joined(path), expected, "{path:?}");
        }
    }

    #[test]
    fn query_pairs_are_encoded_so_that_nothing_of_them_is_taken_for_syntax() {
        let pairs = [("phone".to_owned(), "+593 99&x=1#%".to_owned()), ("q".to_owned(), "ñ".to_owned())];
        let url = below(BASE, "/find", &pairs, "key=s%2Fx").expect("a URL");
        assert_eq!(url.as_str(), "https://api.example.com/v1/find?phone=%2B593%2099%26x%3D1%23%25&q=%C3%B1&key=s%2Fx");
    }
}
