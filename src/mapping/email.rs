//! E-mail addresses: whether a text is one, and the one way to write it.
//!
//! The grammar is that of HTML's `<input type="email">` (WHATWG) with the limits of RFC 5321 and the label rules of
//! RFC 1035, and letters of any script (RFC 6531). Quoted local parts, comments and address literals are not taken: no
//! platform sends to them. Nothing is asked of the network, and nothing is guessed.

mod plain;

use plain::is_plain;
use std::borrow::Cow;

/// The longest local part, in octets (RFC 5321, 4.5.3.1.1).
const LOCAL_LEN_MAX: usize = 64;
/// The longest address, in octets (RFC 5321, 4.5.3.1.3: a path of 256 with its angle brackets).
const ADDRESS_LEN_MAX: usize = 254;
/// The longest label of a domain, in octets (RFC 1035, 2.3.4).
const LABEL_LEN_MAX: usize = 63;

/// The address with its domain in lower case. Blanks around it are taken off, and so is what address books put there:
/// `Ada <ada@example.com>`, `mailto:ada@example.com`.
///
/// # Errors
/// What is wrong with it, to follow the address in a message: "`ada@` has nothing after the `@`".
pub fn normalise(text: &str) -> Result<Cow<'_, str>, &'static str> {
    if is_plain(text, false) { Ok(Cow::Borrowed(text)) } else { careful(text) }
}

/// Whether a text is an address in its form already, but for capitals, which will be small letters; told fast, of nearly all
/// addresses. What it says no to may still be one.
pub fn is_plain_lowered(text: &str) -> bool {
    is_plain(text, true)
}

fn careful(text: &str) -> Result<Cow<'_, str>, &'static str> {
    let text = bare(text);
    check_form(text)?;
    let (local, domain) = text.split_once('@').ok_or("has no `@`")?;
    check_local(local)?;
    check_domain(domain)?;
    let is_low = domain.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
    let domain = if is_low { Cow::Borrowed(domain) } else { Cow::Owned(domain.to_lowercase()) };
    let len = local.len() + 1 + domain.len();
    if len > ADDRESS_LEN_MAX {
        return Err("is longer than 254 octets");
    }
    let mut address = String::with_capacity(len);
    address.push_str(local);
    address.push('@');
    address.push_str(&domain);
    Ok(Cow::Owned(address))
}

/// The addresses of a text that has several: `;`, ` ::: ` and line breaks part them, `,` where each part is one. None
/// where it is not such a text.
pub fn parts(text: &str) -> Vec<&str> {
    let is_address = |part: &&str| normalise(part).is_ok();
    let pieces = filled(text.split([';', '\n', '\r']).flat_map(|piece| piece.split(":::")));
    let pieces: Vec<&str> = pieces.into_iter().flat_map(of_commas).collect();
    if pieces.iter().any(is_address) { pieces } else { Vec::new() }
}

/// The addresses that commas part; the whole where a part is none: `"Lovelace, Ada" <ada@example.com>`.
fn of_commas(text: &str) -> Vec<&str> {
    let mut is_quoted = false;
    let pieces = filled(text.split(|c| {
        is_quoted ^= c == '"';
        c == ',' && !is_quoted
    }));
    let is_list = normalise(text).is_err() && pieces.iter().all(|piece| normalise(piece).is_ok());
    if is_list { pieces } else { vec![text] }
}

fn filled<'a>(pieces: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    pieces.map(str::trim).filter(|piece| !piece.is_empty()).collect()
}

/// Without a name and angle brackets around it, and without `mailto:` in front. A name that has another address in it is
/// no name: nothing that could be written to is dropped.
fn bare(text: &str) -> &str {
    let text = text.trim();
    let bracketed = text.strip_suffix('>').and_then(|text| text.rsplit_once('<'));
    let named = bracketed.map(|(name, address)| (name, without_scheme(address)));
    match named.filter(|(name, address)| !holds_another(name, address)) {
        Some((_, address)) => address,
        None => without_scheme(text),
    }
}

fn holds_another(name: &str, address: &str) -> bool {
    let around = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '"' | '\'' | '(' | ')' | '[' | ']');
    let mut words = name.split(around).filter(|word| word.contains('@')).map(without_scheme);
    name.contains(['<', '>']) || words.any(|word| !word.eq_ignore_ascii_case(address))
}

fn without_scheme(text: &str) -> &str {
    let text = text.trim();
    match text.split_at_checked("mailto:".len()) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("mailto:") => {
            rest.split_once('?').map_or(rest, |(address, _)| address).trim()
        }
        _ => text,
    }
}

/// The errors that deserve their own words.
fn check_form(text: &str) -> Result<(), &'static str> {
    let (mut is_bracketed, mut is_parted, mut has_blank, mut ats) = (false, false, false, 0);
    for c in text.chars() {
        match c {
            '@' => ats += 1,
            '<' | '>' => is_bracketed = true,
            ',' | ';' => is_parted = true,
            _ => has_blank |= c.is_whitespace(),
        }
    }
    if text.is_empty() {
        Err("is empty")
    } else if is_bracketed {
        Err("has angle brackets that are not around an address")
    } else if is_parted || ats > 1 {
        Err("is not one address: it has more than one `@` or a `,` or `;` in it")
    } else if has_blank {
        Err("has a blank in it")
    } else {
        Ok(())
    }
}

fn check_local(local: &str) -> Result<(), &'static str> {
    if local.is_empty() {
        Err("has nothing before the `@`")
    } else if local.len() > LOCAL_LEN_MAX {
        Err("has more than 64 octets before the `@`")
    } else if local.starts_with('.') || local.ends_with('.') || local.as_bytes().windows(2).any(|two| two == b"..") {
        Err("has a full stop out of place before the `@`")
    } else if !local.chars().all(is_local) {
        Err("has a character before the `@` that no address has there")
    } else {
        Ok(())
    }
}

/// RFC 5322 `atext` and the full stop; above ASCII, whatever is no control, blank or mark that is not seen.
fn is_local(c: char) -> bool {
    match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' => true,
        '.' | '!' | '#' | '$' | '%' | '&' | '\'' | '*' | '+' | '/' | '=' | '?' | '^' | '_' | '`' | '{' | '|' | '}'
        | '~' | '-' => true,
        _ => is_text_above_ascii(c),
    }
}

fn check_domain(domain: &str) -> Result<(), &'static str> {
    if domain.is_empty() {
        return Err("has nothing after the `@`");
    }
    let Some((_, last)) = domain.rsplit_once('.') else {
        return Err("has no full stop after the `@`");
    };
    domain.split('.').try_for_each(check_label)?;
    if last.bytes().all(|b| b.is_ascii_digit()) {
        return Err("has a number where the end of its domain should be");
    }
    if last.chars().count() < 2 {
        return Err("has a domain that ends in a single letter");
    }
    Ok(())
}

fn check_label(label: &str) -> Result<(), &'static str> {
    if label.is_empty() {
        Err("has a full stop out of place after the `@`")
    } else if label.len() > LABEL_LEN_MAX {
        Err("has more than 63 octets in a part of its domain")
    } else if label.starts_with('-') || label.ends_with('-') {
        Err("has a part of its domain that begins or ends with `-`")
    } else if !label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || is_letter_above_ascii(c)) {
        Err("has a character after the `@` that no domain has")
    } else {
        Ok(())
    }
}

/// A letter or digit of another script, or a combining mark on one.
fn is_letter_above_ascii(c: char) -> bool {
    !c.is_ascii() && (c.is_alphanumeric() || is_combining(c))
}

fn is_text_above_ascii(c: char) -> bool {
    !c.is_ascii() && !c.is_control() && !is_unseen(c)
}

fn is_combining(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
}

/// Marks that are not seen, which copying brings along: direction, joiners, byte order.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}'
        | '\u{FFFD}')
}
