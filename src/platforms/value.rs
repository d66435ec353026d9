//! JSON values as values of a contact: texts, phones, times. Pure; it knows no platform.

use crate::contact::nfc;
use crate::identity::digits;
use crate::json::Node;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::borrow::Cow;

/// The digits of a phone with its country code: at most fifteen (E.164), and no country's numbers have less than seven.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;
/// Epoch numbers from here on are milliseconds: as seconds they would lie beyond the year 5000.
const EPOCH_MS_MIN: i64 = 100_000_000_000;

/// Trimmed and in Unicode NFC; `None` when nothing is left.
pub fn tidy(text: &str) -> Option<String> {
    tidied(Cow::Borrowed(text)).map(Cow::into_owned)
}

/// The same, without a copy where nothing is to be changed.
pub fn tidied(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    let text = match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) if text.trim().len() < text.len() => Cow::Owned(text.trim().to_owned()),
        owned => owned,
    };
    (!text.is_empty()).then(|| nfc(text))
}

/// A value as text: numbers and the like as JSON writes them; `None` for `null` and blanks.
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => tidy(text),
        other => Some(other.to_string()),
    }
}

/// The same of a value that is still in its JSON.
pub fn text_of<'j>(value: &Node<'j>) -> Option<Cow<'j, str>> {
    match value {
        Node::Null => None,
        Node::Text(text) => tidied(text.clone()),
        Node::Number(number) => Some(Cow::Owned(number.to_string())),
        other => {
            let mut json = Vec::new();
            other.write(&mut json);
            String::from_utf8(json).ok().map(Cow::Owned)
        }
    }
}

/// An e-mail with its domain in lower case.
pub fn tidy_email(email: Cow<'_, str>) -> Cow<'_, str> {
    match email.rsplit_once('@') {
        Some((_, domain)) if domain.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) => email,
        Some((local, domain)) => Cow::Owned(format!("{local}@{}", domain.to_lowercase())),
        None => email,
    }
}

/// The same of a phone that may be so already.
pub fn plus_before(phone: Cow<'_, str>) -> Cow<'_, str> {
    let digits = phone.strip_prefix('+').unwrap_or_default().as_bytes();
    let is_so =
        PHONE_DIGITS.contains(&digits.len()) && digits.first() != Some(&b'0') && digits.iter().all(u8::is_ascii_digit);
    if is_so { phone } else { Cow::Owned(with_plus(&phone)) }
}

/// `+` and digits, when the phone is written with digits, blanks and the usual signs between them; else unchanged.
pub fn with_plus(phone: &str) -> String {
    phone_digits(phone).map_or_else(|| phone.to_owned(), |digits| format!("+{digits}"))
}

/// The digits of a valid phone: country code first.
pub fn phone_digits(phone: &str) -> Option<String> {
    let is_usual = |c: char| c.is_ascii_digit() || c.is_whitespace() || "()-./".contains(c);
    let local = phone.trim().strip_prefix('+').unwrap_or(phone);
    let digits = digits(local);
    let looks_right = local.chars().all(is_usual) && PHONE_DIGITS.contains(&digits.len()) && !digits.starts_with('0');
    looks_right.then_some(digits)
}

/// A time as RFC 3339, from ISO text (without an offset: UTC), epoch seconds or milliseconds, or an object of seconds
/// and nanoseconds.
pub fn time(value: &Node<'_>) -> Option<String> {
    let timestamp = match value {
        Node::Text(text) => time_of_text(text.trim())?,
        Node::Number(number) => time_of_epoch(number.as_i64().or_else(|| whole(number.as_f64()?))?)?,
        Node::Object(parts) => {
            let number = |name: &str| match parts.get(name)? {
                Node::Number(number) => number.as_i64(),
                _ => None,
            };
            let part = |names: [&str; 2]| names.into_iter().find_map(number);
            let nanoseconds = part(["_nanoseconds", "nanoseconds"]).and_then(|part| i32::try_from(part).ok());
            Timestamp::new(part(["_seconds", "seconds"])?, nanoseconds.unwrap_or(0)).ok()?
        }
        _ => return None,
    };
    Some(timestamp.to_string())
}

fn time_of_text(text: &str) -> Option<Timestamp> {
    if let Ok(timestamp) = text.parse() {
        return Some(timestamp);
    }
    if let Ok(epoch) = text.parse() {
        return time_of_epoch(epoch);
    }
    let without_offset = text.len() > "2026-01-01".len();
    let civil = text.parse::<DateTime>().ok().filter(|_| without_offset)?;
    TimeZone::UTC.to_timestamp(civil).ok()
}

fn time_of_epoch(epoch: i64) -> Option<Timestamp> {
    if epoch >= EPOCH_MS_MIN { Timestamp::from_millisecond(epoch).ok() } else { Timestamp::from_second(epoch).ok() }
}

/// A float without its fraction.
fn whole(number: f64) -> Option<i64> {
    let is_safe = number.is_finite() && number.abs() < 9e15;
    #[expect(clippy::cast_possible_truncation, reason = "bounded above, and the fraction is meant to go")]
    is_safe.then_some(number as i64)
}

/// The characters that are not encoded in a segment of a path (RFC 3986, unreserved).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// One segment of a path, percent-encoded; `None` for a value that would lead to another path.
pub fn segment(text: &str) -> Option<String> {
    let is_segment = !matches!(text, "" | "." | "..");
    is_segment.then(|| utf8_percent_encode(text, SEGMENT).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn phones_become_plus_and_digits_or_stay_as_they_came() {
        for (given, expected) in [
            ("+593667 357 821", "+593667357821"),
            ("50755667788", "+50755667788"),
            ("+1 (203) 653-4789", "+12036534789"),
            ("0991234567", "0991234567"),
            ("12345", "12345"),
            ("ext 50755667788", "ext 50755667788"),
            ("1234567890123456", "1234567890123456"),
            ("++593667357821", "++593667357821"),
        ] {
            assert_eq!(with_plus(given), expected, "{given}");
            assert_eq!(plus_before(given.into()), expected, "{given}");
        }
    }

    #[test]
    fn times_of_every_form_become_rfc_3339() {
        for (given, expected) in [
            (json!("2021-03-30T23:17:42.014Z"), Some("2021-03-30T23:17:42.014Z")),
            (json!("2021-03-30T19:17:42-04:00"), Some("2021-03-30T23:17:42Z")),
            (json!("2021-03-30 23:17:42"), Some("2021-03-30T23:17:42Z")),
            (json!(1_617_146_262), Some("2021-03-30T23:17:42Z")),
            (json!(1_617_146_262_014_i64), Some("2021-03-30T23:17:42.014Z")),
            (json!("1617146262"), Some("2021-03-30T23:17:42Z")),
            (json!(1_617_146_262.5), Some("2021-03-30T23:17:42Z")),
            (json!({"_seconds": 1_617_146_262, "_nanoseconds": 14_000_000}), Some("2021-03-30T23:17:42.014Z")),
            (json!("2021-03-30"), None),
            (json!("yesterday"), None),
            (json!(null), None),
            (json!(i64::MAX), None),
            (json!({"_seconds": i64::MAX}), None),
        ] {
            assert_eq!(time(&given.clone().into()).as_deref(), expected, "{given}");
        }
    }

    #[test]
    fn a_segment_of_a_path_keeps_only_what_may_stand_there() {
        assert_eq!(segment("+593/a b?é@x.ec").as_deref(), Some("%2B593%2Fa%20b%3F%C3%A9%40x.ec"));
        assert_eq!((segment(""), segment("."), segment("..")), (None, None, None));
    }
}
