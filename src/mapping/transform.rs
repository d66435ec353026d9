//! What the verbs do to a value. Pure.

use super::rule::{Case, Otherwise, Verbs};
use super::text::{nfc, one_of, shown, title, trim};
use super::value::Val;
use crate::outcome::Problem;
use jiff::fmt::strtime::BrokenDownTime;
use std::borrow::Cow;

/// Applies the verbs; `None` when nothing is left, `Err` with a problem for each invalid item.
pub(super) fn apply<'a>(verbs: &Verbs, value: Val<'a>) -> Result<Option<Val<'a>>, Vec<Problem>> {
    if !verbs.touch_text() {
        return Ok(value.filled());
    }
    match arranged(verbs, value) {
        Val::One(text) => match one(verbs, text) {
            Ok(text) => Ok(Val::One(text).filled()),
            Err(problem) => Err(vec![problem]),
        },
        Val::Many(items) => {
            let (mut good, mut bad) = (Vec::with_capacity(items.len()), Vec::new());
            for item in items {
                match one(verbs, item) {
                    Ok(item) => good.push(item),
                    Err(problem) => bad.push(problem),
                }
            }
            if bad.is_empty() { Ok(Val::Many(good).filled()) } else { Err(bad) }
        }
    }
}

/// As many values as the rule makes of it, by `split` and `join`.
fn arranged<'a>(verbs: &Verbs, value: Val<'a>) -> Val<'a> {
    let value = if verbs.tags { super::tags::items(value) } else { value };
    let value = match &verbs.split {
        Some(by) => Val::Many(value.into_items().into_iter().flat_map(|item| split(item, by)).collect()),
        None => value,
    };
    match (&verbs.join, value) {
        (Some(with), Val::Many(items)) => {
            let items: Vec<&str> = items.iter().map(|item| trim(item)).filter(|item| !item.is_empty()).collect();
            Val::One(Cow::Owned(items.join(with)))
        }
        (_, value) => value,
    }
}

/// The items of a value that `otherwise: blank` leaves out, each with its code, and whether anything is left.
pub(super) fn left_out(verbs: &Verbs, value: Val<'_>) -> (Vec<(&'static str, String)>, bool) {
    let (mut left, mut has_value) = (Vec::new(), false);
    for item in arranged(verbs, value).into_items() {
        let text = cased_and_replaced(verbs, item.clone());
        let code = match &verbs.lookup {
            Some(table) if !table.contains_key(&*text) => "value.lookup",
            _ => "value.date",
        };
        match one(verbs, item.clone()) {
            Ok(made) if made.is_empty() && !text.is_empty() => left.push((code, item.into_owned())),
            made => has_value |= made.is_ok_and(|made| !made.is_empty()),
        }
    }
    (left, has_value)
}

fn split<'a>(text: Cow<'a, str>, by: &str) -> Vec<Cow<'a, str>> {
    match text {
        Cow::Borrowed(text) => text.split(by).map(Cow::Borrowed).collect(),
        Cow::Owned(text) => text.split(by).map(|item| Cow::Owned(item.to_owned())).collect(),
    }
}

/// The verbs that work item by item.
fn one<'a>(verbs: &Verbs, text: Cow<'a, str>) -> Result<Cow<'a, str>, Problem> {
    let text = cased_and_replaced(verbs, text);
    match text.is_empty() || !verbs.touch_items() {
        true => Ok(text),
        false => typed(verbs, looked_up(verbs, text)?),
    }
}

/// The verbs that work on the letters.
fn cased_and_replaced<'a>(verbs: &Verbs, text: Cow<'a, str>) -> Cow<'a, str> {
    let mut text = if verbs.trim == Some(false) { text } else { trimmed(text) };
    if text.is_empty() || !verbs.touch_items() {
        return text;
    }
    match verbs.case {
        Some(Case::Lower) => text = Cow::Owned(text.to_lowercase()),
        Some(Case::Upper) => text = Cow::Owned(text.to_uppercase()),
        Some(Case::Title) => text = Cow::Owned(title(&text)),
        None => {}
    }
    for (old, new) in &verbs.replace {
        if !old.is_empty() && text.contains(old.as_str()) {
            text = Cow::Owned(text.replace(old.as_str(), new));
        }
    }
    if let (Some(regex), Some(with)) = (&verbs.matching, &verbs.with)
        && let Cow::Owned(replaced) = regex.replace_all(&text, with.as_str())
    {
        text = Cow::Owned(replaced);
    }
    if verbs.trim != Some(false) { trimmed(text) } else { text }
}

fn typed<'a>(verbs: &Verbs, text: Cow<'a, str>) -> Result<Cow<'a, str>, Problem> {
    if text.is_empty() {
        return Ok(text);
    }
    if !verbs.date.is_empty() {
        return match (date(&text, &verbs.date), &verbs.otherwise) {
            (Err(_), Some(Otherwise::Keep)) => Ok(text),
            (Err(_), Some(Otherwise::Blank)) => Ok(Cow::Borrowed("")),
            (made, _) => made.map(Cow::Owned),
        };
    }
    if verbs.number == Some(true) {
        return number(&text).map(Cow::Owned);
    }
    if verbs.boolean == Some(true) {
        return boolean(&text).map(Cow::Borrowed);
    }
    Ok(text)
}

/// Without the blanks around it, and without a copy where nothing has to go.
pub(super) fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(trim(text)),
        Cow::Owned(text) => match trim(&text) {
            inner if inner.len() == text.len() => Cow::Owned(text),
            inner => Cow::Owned(inner.to_owned()),
        },
    }
}

/// As a contact keeps it.
pub(super) fn tidy(text: Cow<'_, str>) -> Cow<'_, str> {
    nfc(trimmed(text))
}

fn looked_up<'a>(verbs: &Verbs, text: Cow<'a, str>) -> Result<Cow<'a, str>, Problem> {
    let Some(table) = &verbs.lookup else { return Ok(text) };
    if let Some(found) = table.get(&*text) {
        return Ok(Cow::Owned(found.clone()));
    }
    match &verbs.otherwise {
        Some(Otherwise::Keep) => Ok(text),
        Some(Otherwise::Blank) => Ok(Cow::Borrowed("")),
        Some(Otherwise::Text(other)) => Ok(Cow::Owned(other.clone())),
        Some(Otherwise::Reject) | None => {
            let message = format!("`{}` is not in the mapping's `lookup`", shown(&text));
            Err(Problem::new("value.lookup", message).hint("add it to `lookup`, or say `otherwise: keep`"))
        }
    }
}

/// Whether a date can be read with this format at all; `Err` says why not.
pub(super) fn check_date_format(format: &str) -> Result<(), String> {
    let example = jiff::civil::date(2026, 12, 31).at(23, 59, 58, 0);
    let example = example.to_zoned(jiff::tz::TimeZone::UTC).map_err(|error| error.to_string())?;
    let written = jiff::fmt::strtime::format(format, &example).map_err(|error| error.to_string())?;
    let read = BrokenDownTime::parse(format, &written).and_then(|time| time.to_date());
    match read {
        Ok(_) => Ok(()),
        Err(_) => Err("it does not hold a whole date".to_owned()),
    }
}

fn date(text: &str, formats: &[String]) -> Result<String, Problem> {
    let read = |format: &String| BrokenDownTime::parse(format, text).and_then(|time| time.to_date()).ok();
    formats.iter().find_map(read).map(|date| date.to_string()).ok_or_else(|| {
        let formats: Vec<String> = formats.iter().map(|format| format!("`{format}`")).collect();
        let message = format!("`{}` is not a date as {}", shown(text), one_of(&formats));
        Problem::new("value.date", message).hint("`date` takes a list of formats; the first that fits is used")
    })
}

/// A number as users and spreadsheets write it, in plain form: `1,234.50`, `1.234,50` and `1 234,50` are `1234.50`.
/// Of two separators the last is the decimal one; a single one before exactly three digits separates thousands, unless it
/// is a dot.
fn number(text: &str) -> Result<String, Problem> {
    plain_number(text).ok_or_else(|| {
        Problem::new("value.number", format!("`{}` is not a number", shown(text)))
            .hint("correct the number, or use `otherwise: blank` to leave it out")
    })
}

fn plain_number(text: &str) -> Option<String> {
    let spaced: String = text.chars().filter(|c| !c.is_whitespace() && *c != '\'' && *c != '’' && *c != '_').collect();
    let (sign, digits) = match spaced.strip_prefix(['-', '−']) {
        Some(rest) => ("-", rest.to_owned()),
        None => ("", spaced.strip_prefix('+').unwrap_or(&spaced).to_owned()),
    };
    let decimal = match (digits.rfind('.'), digits.rfind(',')) {
        (Some(dot), Some(comma)) => Some(if dot > comma { '.' } else { ',' }),
        (Some(_), None) => (digits.matches('.').count() == 1).then_some('.'),
        (None, Some(comma)) => {
            let is_thousands = digits.len() - comma == 4 && comma <= 3 && !digits.starts_with("0,");
            (digits.matches(',').count() == 1 && !is_thousands).then_some(',')
        }
        (None, None) => None,
    };
    let (whole, fraction) = match decimal.and_then(|sign| digits.rsplit_once(sign)) {
        Some((whole, fraction)) => (whole, fraction),
        None => (digits.as_str(), ""),
    };
    let whole = ungrouped(whole)?;
    let is_number = fraction.bytes().all(|b| b.is_ascii_digit()) && (!whole.is_empty() || !fraction.is_empty());
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        significant => significant,
    };
    let point = if fraction.is_empty() { "" } else { "." };
    is_number.then(|| format!("{sign}{whole}{point}{fraction}"))
}

/// Digits without the signs that part thousands; `None` when these do not stand where they belong.
fn ungrouped(whole: &str) -> Option<String> {
    let mut groups = whole.split(['.', ',']);
    let first = groups.next()?;
    let rest: Vec<&str> = groups.collect();
    let fits = rest.is_empty() || (1..=3).contains(&first.len()) && rest.iter().all(|group| group.len() == 3);
    let digits = format!("{first}{}", rest.concat());
    (fits && digits.bytes().all(|b| b.is_ascii_digit())).then_some(digits)
}

/// Words for yes, in English, Spanish, Portuguese and Russian.
const YES: [&str; 15] =
    ["true", "yes", "y", "1", "on", "x", "t", "si", "sí", "s", "verdadero", "sim", "verdadeiro", "да", "истина"];
/// Words for no.
const NO: [&str; 12] = ["false", "no", "n", "0", "off", "f", "falso", "não", "nao", "нет", "ложь", "-"];

fn boolean(text: &str) -> Result<&'static str, Problem> {
    let word = text.to_lowercase();
    if YES.contains(&word.as_str()) {
        Ok("true")
    } else if NO.contains(&word.as_str()) {
        Ok("false")
    } else {
        let message = format!("`{}` is neither yes nor no", shown(text));
        Err(Problem::new("value.bool", message).hint("for other words, use `lookup: { word: \"true\", … }`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_plainly() {
        for (written, plain) in [
            ("1234", "1234"),
            ("1,234.50", "1234.50"),
            ("1.234,50", "1234.50"),
            ("1 234,5", "1234.5"),
            ("1,234", "1234"),
            ("1.234", "1.234"),
            ("0,123", "0.123"),
            ("12,5", "12.5"),
            ("1.234.567", "1234567"),
            ("-007", "-7"),
            ("+.5", "0.5"),
        ] {
            assert_eq!(plain_number(written).as_deref(), Some(plain), "{written}");
        }
        for wrong in ["", "-", ".", "1,23,456.7.8", "12a", "1.23,456.7", "1e5"] {
            assert_eq!(plain_number(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_date_format_holds_a_whole_date() {
        assert_eq!(check_date_format("%d.%m.%Y"), Ok(()));
        assert_eq!(check_date_format("%Y-%m-%d %H:%M:%S"), Ok(()));
        assert_eq!(check_date_format("%d.%m"), Err("it does not hold a whole date".to_owned()));
        assert!(check_date_format("%d.%Q.%Y").is_err());
    }
}
