//! The formula guard: a `'` before a cell that a spreadsheet would run, or that it would turn into a number or a date.
//!
//! Taking off what was put on gives every text back, and the guard is put on by nothing but what is taken off again:
//! `'t Hooft` and `'` stay as they are in both directions.

/// The guard itself: spreadsheets take what follows it as text.
const GUARD: char = '\'';

/// What begins a formula (`=`, `+`, `-`, `@`, also in full width, as East Asian keyboards write them), or what a spreadsheet
/// drops before looking for one (tab, CR).
fn begins_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'])
}

/// Whether it is a phone in E.164 or a plain number: a sign, digits, and at most one decimal point or comma.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let mut parts = digits.splitn(2, ['.', ',']);
    parts.all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether it is digits, with the separators of a number or a date: other programs put a `'` before such a text so
/// that a spreadsheet does not change it (`'0991234567`, `'1990-05-02`).
fn is_digits(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | '-' | '/' | ':' | ' '))
}

/// Whether a guard before `text` would be taken off on reading.
fn takes_guard(text: &str) -> bool {
    begins_formula(text) || text.starts_with(GUARD) || is_digits(text)
}

/// Whether `text` is written with a guard: a formula that is no number, or what reading would take a guard off.
pub(super) fn needs_guard(text: &str) -> bool {
    // Nothing else that can need one begins so.
    if !matches!(text.as_bytes().first(), Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r' | b'\'' | 0xEF)) {
        return false;
    }
    match text.strip_prefix(GUARD) {
        Some(rest) => takes_guard(rest),
        None => begins_formula(text) && !is_number(text),
    }
}

/// `text` as it is written: with a `'` in front where a spreadsheet would run it, or where it begins so already.
pub fn guard(text: &str) -> std::borrow::Cow<'_, str> {
    if needs_guard(text) { format!("{GUARD}{text}").into() } else { text.into() }
}

/// `text` as it was before [`guard`].
pub fn unguard(text: &str) -> &str {
    match text.strip_prefix(GUARD) {
        Some(rest) if takes_guard(rest) => rest,
        _ => text,
    }
}
