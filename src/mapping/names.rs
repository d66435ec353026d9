//! The names that people and programs give to columns, in seven languages (contract 3.8), and the nearest name to a
//! mistyped one.
//!
//! ```text
//!  name ─ sense ─▶ Meaning ─┐
//!  name ─ sense ─▶ Meaning ─┼─ assign ─▶ what each column is for
//!  name ─ sense ─▶ Meaning ─┘
//! ```
//!
//! It knows names, not values: what stands under a name is not looked at. A name that would be a guess (`Number`,
//! `Department`, `Middle Name`) is not known, so its column becomes an attribute and nothing is lost.

mod assign;
mod sense;
mod words;

pub(super) use assign::{Because, Decisions, Layout, Reason, Use, assign};

use crate::contact::Field;
use sense::{Meaning, Sense, meaning};
use unicode_normalization::UnicodeNormalization;
use words::Head;

/// What a column with a known name holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// A contact field, by its name in contract 3.1 (`phone`, `address.city`).
    Field(&'static str),
    /// The country that the record's phones belong to, as a code.
    Region,
    /// Of which type its neighbour is.
    Label,
    /// An id that only the exporting system knows.
    OwnId,
    /// The number of the row.
    Counter,
}

/// What a column of this name holds, where the name is known; case, accents, blanks and punctuation do not count.
pub fn known_column(name: &str) -> Option<Known> {
    match meaning(name) {
        Meaning::Value(sense) => Some(held(sense)),
        Meaning::Label(_) => Some(Known::Label),
        Meaning::OwnId => Some(Known::OwnId),
        Meaning::Counter => Some(Known::Counter),
        Meaning::Company | Meaning::Unknown => None,
    }
}

/// What the columns of a header hold. Where [`known_column`] cannot tell from one name, the others do: `Nombre` beside
/// `Apellido` is the first name, alone it is the whole name.
pub fn known_columns<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<Option<Known>> {
    let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
    let known = |used: &Use| match *used {
        Use::Field(field) | Use::Attribute(Because::Second(field, _)) => Some(Known::Field(first_name_of(field))),
        Use::Spare => Some(Known::Field(Field::FullName.name())),
        Use::Attribute(_) => None,
        Use::LeftOut(Reason::Label) => Some(Known::Label),
        Use::LeftOut(Reason::OwnId) => Some(Known::OwnId),
        Use::LeftOut(Reason::Counter) => Some(Known::Counter),
    };
    assign(Layout { names: &names, filled: &[] }).uses.iter().map(known).collect()
}

fn held(sense: Sense) -> Known {
    let field = match sense.head {
        Head::First | Head::MaybeFirst | Head::Bare(words::Bare::Given) => Field::FirstName,
        Head::Last | Head::MaybeLast => Field::LastName,
        Head::Full | Head::Person | Head::Bare(_) => Field::FullName,
        Head::Phone => Field::Phones,
        Head::Email => Field::Emails,
        Head::Handles => Field::Handles,
        Head::Tags => Field::Tags,
        Head::Street | Head::MaybeStreet | Head::Address => Field::Street,
        Head::City => Field::City,
        Head::State | Head::MaybeState => Field::State,
        Head::Zip | Head::MaybeZip => Field::Zip,
        Head::Country => Field::Country,
        Head::Other(field) => field,
        Head::CountryCode | Head::Website => return Known::Region,
    };
    Known::Field(first_name_of(field))
}

/// The field as the plan calls it: of phones and e-mails the first.
pub(super) fn first_name_of(field: Field) -> &'static str {
    match field {
        Field::Phones => "phone",
        Field::Emails => "email",
        other => other.name(),
    }
}

/// The name without what does not count: case, accents, blanks, punctuation.
fn fold(name: &str) -> String {
    let letters = name.nfkd().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect::<String>().replace('ß', "ss")
}

/// Names longer than this are not measured: nobody mistypes a paragraph, and measuring costs the square of it.
const NEAREST_LEN_MAX: usize = 100;
/// How much of the beginning must agree for a name to be near by its beginning.
const PREFIX_LEN_MIN: usize = 3;

/// The name that was probably meant: the fewest letters added, left out, changed or swapped with their neighbour, at
/// most one in three; failing that, one that begins with what is wanted or the other way round. The first of equals.
///
/// Case, accents, blanks and punctuation do not count.
pub fn nearest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted: Vec<char> = fold(wanted).chars().collect();
    if wanted.is_empty() || wanted.len() > NEAREST_LEN_MAX {
        return None;
    }
    let ranked = names.into_iter().filter_map(|name| Some((rank(&wanted, name)?, name)));
    ranked.min_by_key(|(rank, _)| *rank).map(|(_, name)| name)
}

/// How far a name is off, smaller is nearer: by its letters, then by its beginning.
fn rank(wanted: &[char], name: &str) -> Option<(bool, usize)> {
    let name: Vec<char> = fold(name).chars().collect();
    let (shorter, longer) = (wanted.len().min(name.len()), wanted.len().max(name.len()));
    if shorter == 0 || longer > NEAREST_LEN_MAX {
        return None;
    }
    let limit = (longer / 3).max(1);
    if longer - shorter <= limit && shorter > 1 {
        let distance = distance(wanted, &name);
        if distance <= limit {
            return Some((false, distance));
        }
    }
    let begins = shorter >= PREFIX_LEN_MIN && wanted.iter().zip(&name).take(shorter).all(|(a, b)| a == b);
    begins.then_some((true, longer - shorter))
}

/// Damerau-Levenshtein distance, where no letter is touched twice (optimal string alignment).
fn distance(one: &[char], other: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut row = Vec::with_capacity(last.len());
        row.push(i + 1);
        for (j, b) in other.iter().enumerate() {
            let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX / 2);
            let changed = at(&last, j) + usize::from(a != b);
            let mut least = changed.min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && one.get(i - 1) == Some(b) && other.get(j - 1) == Some(a);
            if swapped {
                least = least.min(at(&before, j - 1) + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(0)
}
