//! What is shown has no secret in it, however the secret is spelt.

use super::scripted::{Platform, ok, options, secret};
use ferry::http::{Credentials, Http};

const SECRET: &str = "s3cret/to+ken\"0123456789&Z";

fn client(value: &str) -> Http {
    let mut options = options("none");
    options.credentials =
        Credentials { headers: vec![("authorization", secret(&format!("Bearer {value}")))], query: Vec::new() };
    Http::with_transport(Box::new(Platform::playing([ok()])), options)
}

fn base64(text: &str, is_url_safe: bool) -> String {
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let letters: Vec<char> = letters.chars().chain(if is_url_safe { "-_" } else { "+/" }.chars()).collect();
    let bits: String = text.bytes().map(|byte| format!("{byte:08b}")).collect();
    let sign = |group: &[u8]| {
        let bits = format!("{:0<6}", String::from_utf8_lossy(group));
        letters[usize::from_str_radix(&bits, 2).unwrap()]
    };
    let text: String = bits.as_bytes().chunks(6).map(sign).collect();
    format!("{text}{}", "=".repeat((4 - text.len() % 4) % 4))
}

/// A text, each of its characters written by one of these, in turn.
fn spelt(text: &str, ways: &[fn(char) -> String]) -> String {
    text.chars().zip(ways.iter().cycle()).map(|(c, way)| way(c)).collect()
}

fn plain(c: char) -> String {
    if c == '"' { "\\\"".to_owned() } else { c.to_string() }
}

#[test]
fn no_spelling_of_a_secret_is_shown() {
    let client = client(SECRET);
    let percent: fn(char) -> String = |c| format!("%{:02X}", u32::from(c));
    let percent_small: fn(char) -> String = |c| format!("%{:02x}", u32::from(c));
    let unicode: fn(char) -> String = |c| format!("\\u{:04x}", u32::from(c));
    let unicode_large: fn(char) -> String = |c| format!("\\u{:04X}", u32::from(c));
    let hexadecimal: fn(char) -> String = |c| format!("&#x{:x};", u32::from(c));
    let decimal: fn(char) -> String = |c| format!("&#{};", u32::from(c));
    let html: fn(char) -> String = |c| match c {
        '&' => "&amp;".to_owned(),
        '"' => "&quot;".to_owned(),
        '/' => "&#x2F;".to_owned(),
        '+' => "&plus;".to_owned(),
        other => other.to_string(),
    };
    let url: fn(char) -> String =
        |c| if c.is_alphanumeric() { c.to_string() } else { format!("%{:02x}", u32::from(c)) };
    let slashes: fn(char) -> String = |c| if c == '/' { "\\/".to_owned() } else { plain(c) };
    let single = [percent, percent_small, unicode, unicode_large, hexadecimal, decimal, html, url, slashes];
    let mut texts: Vec<String> = vec![SECRET.to_owned(), format!("Bearer {SECRET}")];
    texts.extend(single.iter().map(|way| spelt(SECRET, &[*way])));
    for one in single {
        texts.extend(single.iter().map(|other| spelt(SECRET, &[one, *other, plain])));
    }
    let json = |text: &str| {
        let quoted = serde_json::Value::from(text).to_string();
        quoted[1..quoted.len() - 1].to_owned()
    };
    texts.extend([json(SECRET), json(&json(SECRET))]);
    texts.push(spelt(&spelt(SECRET, &[percent]), &[percent_small]));
    texts.push(spelt(&spelt(SECRET, &[unicode]), &[percent]));
    for written in [SECRET.to_owned(), format!(":{SECRET}"), format!("{SECRET}:"), format!("Bearer {SECRET}")] {
        texts.extend([base64(&written, false), base64(&written, true)]);
        texts.push(spelt(&base64(&written, false), &[url]));
    }
    for text in texts {
        assert_eq!(
            client.redact(&format!("before `{text}` behind")).replace("Bearer ", ""),
            "before `***` behind",
            "{text}"
        );
    }
    for user in ["u", "us", "use", "user", "a.long.user@example.com"] {
        for (text, is_url_safe) in [(format!("{user}:{SECRET}"), false), (format!("{user}:{SECRET}:x"), true)] {
            let text = base64(&text, is_url_safe);
            let shown = client.redact(&text);
            assert!(shown.contains("***") && shown.len() < text.len() - SECRET.len(), "{text} became {shown}");
        }
    }
}

#[test]
fn what_is_no_secret_is_shown_as_it_is() {
    let client = client(SECRET);
    let texts = [
        "100 % of it, %41%2F, &amp; &lt;b&gt; &unknown; &#x2F; &#99999999999;, \\u0041 \\ud800 \\x \\n",
        "s3cret/to+ken",
        "czNjcmV0",
        "ñandú % & \\",
        "",
        "%",
        "&",
        "\\",
        "&#",
        "&#x",
        "\\u",
        "\\u00",
        "%4",
    ];
    for text in texts {
        assert_eq!(client.redact(text), text);
    }
    assert_eq!(client.redact("ñ%73%33cret/to+ken\\\"0123456789&amp;Zñ"), "ñ***ñ");
}

#[test]
fn a_secret_with_letters_outside_ascii_and_one_that_looks_encoded_are_found() {
    for (value, texts) in [
        (
            "clave-ñandú-1",
            ["clave-ñandú-1", "clave-%C3%B1and%c3%ba-1", "clave-\\u00f1and\\u00fa-1", "clave-&#241;and&#xFA;-1"],
        ),
        (
            "100%25&amp;\\u0041",
            ["100%25&amp;\\u0041", "100%2525%26amp%3B%5Cu0041", "100%25&amp;amp;\\u0041", "100%25&amp;\\\\u0041"],
        ),
    ] {
        let client = client(value);
        for text in texts {
            assert_eq!(client.redact(&format!("<{text}>")), "<***>", "{text}");
        }
    }
    assert_eq!(client("abc").redact("abc"), "abc");
}
