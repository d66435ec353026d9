//! What the values of the settings that every platform has must look like. Pure; a platform checks its own.

use crate::http::Rate;
use crate::mapping::phone::Region;
use crate::outcome::Failure;
use crate::platforms::settings::{Settings, parse_duration};
use std::net::IpAddr;
use std::time::Duration;
use url::{Host, Url};

/// More requests in flight than this no platform takes.
const CONCURRENCY_MAX: u64 = 1_024;
/// A time beyond this is a mistake of units.
const TIME_MAX: Duration = Duration::from_secs(366 * 86_400);

/// What is wrong with a value, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// What was expected.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// Says what is wrong with a value, given all settings of the connection.
pub type Check = fn(&str, &Settings) -> Result<(), Wrong>;

/// The checks of [`crate::platforms::settings::COMMON`] by setting; a setting without one takes any text.
pub const CHECKS: &[(&str, Check)] = &[
    ("base_url", base_url),
    ("rate", rate),
    ("concurrency", concurrency),
    ("timeout", some_time),
    ("settle", any_time),
    ("phone_region", region),
    ("user_agent", header),
    ("page_size", page_size),
];

fn wrong(message: impl Into<String>, hint: impl Into<String>) -> Result<(), Wrong> {
    Err(Wrong { message: message.into(), hint: hint.into() })
}

/// An address is `https://`, or `http://` to this machine, or `allow_http` says that it may be. The address itself is
/// not repeated: it might hold a password.
fn base_url(value: &str, settings: &Settings) -> Result<(), Wrong> {
    let example = "write it as `https://api.example.com`";
    let Ok(url) = Url::parse(value) else { return wrong("this is not an address", example) };
    if !matches!(url.scheme(), "https" | "http") || url.host().is_none() {
        return wrong(format!("the address must begin with `https://`, not with `{}:`", url.scheme()), example);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return wrong("the address holds a user name or a password", "use the settings for credentials");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return wrong("the address has a part after `?` or `#`", "remove it");
    }
    if url.scheme() == "http" && !is_loopback(&url) && !settings.is_true("allow_http") {
        let host = url.host_str().unwrap_or_default();
        let message = format!("`http://{host}` would send the credentials unencrypted");
        return wrong(message, "use `https://`, or set `allow_http: true` to allow it");
    }
    Ok(())
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    }
}

fn rate(value: &str, _: &Settings) -> Result<(), Wrong> {
    match Rate::parse(value) {
        Ok(_) => Ok(()),
        Err(failure) => wrong(failure.message, failure.hint.unwrap_or_default()),
    }
}

fn concurrency(value: &str, _: &Settings) -> Result<(), Wrong> {
    match value.parse::<u64>() {
        Ok(1..=CONCURRENCY_MAX) => Ok(()),
        _ => wrong(
            format!("expected a whole number from 1 to {CONCURRENCY_MAX}, not `{value}`"),
            "leave it out to use the platform's default",
        ),
    }
}

/// What a platform takes at most, it says itself.
fn page_size(value: &str, _: &Settings) -> Result<(), Wrong> {
    match value.parse::<u64>() {
        Ok(1..) => Ok(()),
        _ => wrong(
            format!("expected a whole number from 1, not `{value}`"),
            "leave it out to use the platform's default",
        ),
    }
}

/// The same for an option of the command line.
pub(super) fn concurrency_option(option: &str, value: &str) -> Result<(), Failure> {
    let told = |wrong: Wrong| Failure::usage(format!("`{option}`: {}", wrong.message)).hint(wrong.hint);
    concurrency(value, &Settings::default()).map_err(told)
}

fn some_time(value: &str, settings: &Settings) -> Result<(), Wrong> {
    match duration(value) {
        Some(time) if time.is_zero() => wrong("expected a duration above 0", "write it as `30s` or `2m`"),
        _ => any_time(value, settings),
    }
}

fn any_time(value: &str, _: &Settings) -> Result<(), Wrong> {
    if duration(value).is_some() {
        return Ok(());
    }
    let message = format!("expected a duration, not `{value}`");
    wrong(message, "write a whole number and a unit: `500ms`, `30s`, `10m`, `2h`")
}

fn region(value: &str, _: &Settings) -> Result<(), Wrong> {
    if Region::named(value).is_some() {
        return Ok(());
    }
    let hint = "use its code (`EC`), its calling code (`593`) or its name";
    wrong(format!("`{value}` is not a known country"), hint)
}

fn header(value: &str, _: &Settings) -> Result<(), Wrong> {
    if value.chars().all(|c| c == ' ' || c.is_ascii_graphic()) {
        return Ok(());
    }
    wrong("expected plain ASCII text", "leave out accents and line breaks")
}

/// A length of time as [`parse_duration`] reads it, of at most a year. `None` for anything else.
pub fn duration(text: &str) -> Option<Duration> {
    parse_duration(text.trim()).ok().filter(|time| *time <= TIME_MAX)
}
