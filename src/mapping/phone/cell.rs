//! A cell that holds more than one number, or a number with something behind it: taken apart.

use super::clean::Written;
use super::{PhoneFault, Surroundings, number_of, read};

/// Digits that a number has at least before something behind it can be a comment.
const NUMBER_DIGITS_MIN: usize = 5;
/// The longest extension, in digits; more in a row are a number of their own.
const EXTENSION_DIGITS_MAX: usize = 6;
/// Digits that a comment has at most.
const COMMENT_DIGITS_MAX: usize = 7;

/// A part of a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// A number as E.164.
    Number(String),
    /// An extension or a comment behind a number, as it was written.
    Extension(&'a str),
    /// What is no number, as it was written.
    Faulty(&'a str, PhoneFault),
}

impl Part<'_> {
    fn is_faulty(&self) -> bool {
        matches!(self, Part::Faulty(..))
    }
}

/// The numbers of a cell, each with what stands behind it. ` ::: `, `;`, ` / ` and line breaks always part numbers, `,`
/// and `/` where each part is one.
pub fn parts<'a>(text: &'a str, around: &Surroundings<'_>) -> Vec<Part<'a>> {
    let written = Written::read(text);
    let is_plain = written.as_ref().is_ok_and(|written| !written.lettered);
    if is_plain && let Ok(number) = read(text, around) {
        return vec![Part::Number(number)];
    }
    if written.is_err_and(|fault| fault == PhoneFault::Spreadsheet) {
        return vec![Part::Faulty(text, PhoneFault::Spreadsheet)];
    }
    let pieces = split_always(text);
    if pieces.len() < 2 {
        return pieces_of(pieces.first().copied().unwrap_or(text), around);
    }
    let mut parts: Vec<Part<'a>> = Vec::new();
    for piece in pieces {
        let is_behind = parts.last().is_some_and(|part| !part.is_faulty());
        let is_lost = Written::read(piece).is_err_and(|fault| fault == PhoneFault::Spreadsheet);
        let has_words = piece.contains(|c: char| c.is_alphabetic() || c == '#');
        match is_behind && has_words && !is_lost && is_comment(piece) {
            true => parts.push(Part::Extension(piece)),
            false => parts.extend(pieces_of(piece, around)),
        }
    }
    parts
}

/// What of a cell is to be read as numbers: for counting, before anything is known of the column.
pub fn numbers_in(text: &str) -> impl Iterator<Item = &str> {
    // Nearly every cell has nothing that could part numbers, or stand behind one.
    let is_one = text.bytes().all(|byte| byte.is_ascii_digit() || b"+ -().".contains(&byte));
    let (one, pieces) = if is_one { (Some(text.trim()), Vec::new()) } else { (None, split_always(text)) };
    let pieces = pieces.into_iter().map(|piece| cut(piece).map_or(piece, |(number, _)| number));
    one.into_iter().filter(|one| !one.is_empty()).chain(pieces)
}

/// One number, or several parted by signs that can be part of a number too.
fn pieces_of<'a>(text: &'a str, around: &Surroundings<'_>) -> Vec<Part<'a>> {
    let one = one(text, around);
    if one.first().is_some_and(Part::is_faulty) {
        let pieces = filled(text.split([',', '/']));
        let parts: Vec<Part<'a>> = pieces.iter().flat_map(|piece| self::one(piece, around)).collect();
        if pieces.len() > 1 && !parts.iter().any(Part::is_faulty) {
            return parts;
        }
    }
    one
}

/// One number, with what stands behind it.
fn one<'a>(text: &'a str, around: &Surroundings<'_>) -> Vec<Part<'a>> {
    let plain = |text: &str| Written::read(text).ok().filter(|written| !written.lettered);
    if let Some(written) = plain(text)
        && let Ok(number) = number_of(text, &written, around)
    {
        return vec![Part::Number(number.text())];
    }
    if let Some((head, tail)) = cut(text)
        && let Some(written) = plain(head)
        && let Ok(number) = number_of(head, &written, around)
    {
        return vec![Part::Number(number.text()), Part::Extension(tail)];
    }
    vec![read(text, around).map_or_else(|fault| Part::Faulty(text, fault), Part::Number)]
}

/// Parts at signs that are in no number. `;ext=` is an extension (RFC 3966).
fn split_always(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    for line in text.split(['\n', '\r']).flat_map(|line| line.split(":::")).flat_map(|line| line.split(" / ")) {
        let mut begun = 0;
        for (at, _) in line.match_indices(';') {
            let rest = line.get(at + 1..).unwrap_or_default();
            if !is_parameter(rest) {
                pieces.extend(line.get(begun..at));
                begun = at + 1;
            }
        }
        pieces.extend(line.get(begun..));
    }
    filled(pieces)
}

fn is_parameter(text: &str) -> bool {
    let name = text.trim_start_matches(|c: char| c.is_ascii_alphabetic() || c == '-');
    name.len() < text.len() && name.starts_with('=')
}

fn filled<'a>(pieces: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    pieces.into_iter().map(str::trim).filter(|piece| !piece.is_empty()).collect()
}

/// The number, and the extension or comment behind it: from the first letter, `#` or bracket with words on.
fn cut(text: &str) -> Option<(&str, &str)> {
    let mut digits = 0;
    for (at, c) in text.char_indices() {
        let rest = text.get(at + c.len_utf8()..)?.trim_start();
        let starts_word = |rest: &str| rest.starts_with(|c: char| c.is_alphabetic() || c == '#');
        let begins = match c {
            '(' | '[' | ';' => starts_word(rest),
            ',' => rest.starts_with(',') || starts_word(rest),
            '#' => true,
            _ => c.is_alphabetic(),
        };
        digits += usize::from(c.is_numeric());
        if begins && digits >= NUMBER_DIGITS_MIN {
            let (head, tail) = text.split_at_checked(at)?;
            let head = head.trim_end_matches(|c: char| c.is_whitespace() || "-–—.,:/".contains(c));
            let tail = tail.trim_start_matches(|c: char| c.is_whitespace() || ",;".contains(c)).trim_end();
            return is_comment(tail).then_some((head, tail));
        }
    }
    None
}

/// Whether there are too few digits for a number of its own.
fn is_comment(text: &str) -> bool {
    let longest = text.split(|c: char| !c.is_numeric()).map(|run| run.chars().count()).max().unwrap_or(0);
    let all = text.chars().filter(|c| c.is_numeric()).count();
    !text.is_empty()
        && longest <= EXTENSION_DIGITS_MAX
        && all <= COMMENT_DIGITS_MAX
        && text.chars().any(char::is_alphanumeric)
}
