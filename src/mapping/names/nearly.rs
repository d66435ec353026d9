//! Names that are nearly understood: with a slip of the pen, with one word too many, or as a question of a form. They are
//! evidence that values have to confirm.

use super::sense::{Meaning, meaning, pieces};
use super::words::{FORBIDDING, Head, ID_WORDS, QUESTIONS, WORDS};
use crate::contact::Field;

/// The fewest letters of a word in which one may be wrong.
const LETTERS_MIN: usize = 5;
/// A higher number is not the number of a column.
const NUMBER_MAX: u32 = 99;
/// Longer names are not tried without each of their words.
const WORDS_MAX: usize = 6;

/// How a name is understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nearness {
    /// As a question that a form asks.
    Question,
    /// With one letter changed, added or removed.
    Slip,
    /// Without one of its words.
    Word,
}

/// What a name says that is not understood as it is; `None` where it is about something else than the contact.
pub(crate) fn nearly(name: &str) -> Option<(Meaning, Nearness)> {
    let (words, numbers) = pieces(name);
    if words.is_empty() || words.iter().any(|word| is_forbidding(word)) {
        return None;
    }
    // A calling code among the words (`Tel. (+593)`) is not the number of a column.
    let suffix: String =
        numbers.iter().filter(|number| **number <= NUMBER_MAX).map(|number| format!(" {number}")).collect();
    let understood = |words: &[&str]| -> Option<Meaning> {
        let found = meaning(&format!("{}{suffix}", words.join(" ")));
        let is_stamp = |head| matches!(head, Head::Other(Field::CreatedAt | Field::UpdatedAt));
        matches!(found, Meaning::Value(sense) if !is_stamp(sense.head)).then_some(found)
    };
    if numbers.iter().any(|number| *number > NUMBER_MAX) {
        let all: Vec<&str> = words.iter().map(String::as_str).collect();
        let found = understood(&all);
        if found.is_some() {
            return found.map(|found| (found, Nearness::Question));
        }
    }
    let plain: Vec<&str> = words.iter().map(String::as_str).filter(|word| !QUESTIONS.contains(*word)).collect();
    if plain.len() < words.len()
        && !plain.is_empty()
        && let Some(found) = understood(&plain)
    {
        return Some((found, Nearness::Question));
    }
    slipped(&words, &understood).or_else(|| without_one(&plain, &understood))
}

/// Whether a word of the name says that the column is about another party, or about another thing than the value.
pub(crate) fn is_about_others(name: &str) -> bool {
    pieces(name).0.iter().any(|word| is_forbidding(word))
}

/// Also as a genitive, without its apostrophe: `Assistant's`.
fn is_forbidding(word: &str) -> bool {
    FORBIDDING.contains(word) || word.strip_suffix('s').is_some_and(|word| FORBIDDING.contains(word))
}

fn slipped(words: &[String], understood: &impl Fn(&[&str]) -> Option<Meaning>) -> Option<(Meaning, Nearness)> {
    for (at, word) in words.iter().enumerate() {
        let is_known = WORDS.contains_key(word) || ID_WORDS.contains(word);
        if is_known || word.chars().count() < LETTERS_MIN {
            continue;
        }
        for known in WORDS.keys().filter(|known| is_one_edit(word, known)) {
            let corrected: Vec<&str> =
                words.iter().enumerate().map(|(i, other)| if i == at { known } else { other.as_str() }).collect();
            if let Some(found) = understood(&corrected) {
                return Some((found, Nearness::Slip));
            }
        }
    }
    None
}

fn without_one(words: &[&str], understood: &impl Fn(&[&str]) -> Option<Meaning>) -> Option<(Meaning, Nearness)> {
    if !(2..=WORDS_MAX).contains(&words.len()) {
        return None;
    }
    (0..words.len()).rev().find_map(|left_out| {
        let is_known = words.get(left_out).is_some_and(|word| WORDS.contains_key(*word));
        let rest: Vec<&str> =
            words.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, word)| *word).collect();
        let found = if is_known { None } else { understood(&rest) };
        found.map(|found| (found, Nearness::Word))
    })
}

/// Whether two words differ in one letter.
fn is_one_edit(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    if one.len().abs_diff(other.len()) > 1 || one.len().min(other.len()) < LETTERS_MIN - 1 {
        return false;
    }
    let same = one.iter().zip(&other).take_while(|(a, b)| a == b).count();
    let rest = |word: &[char], from: usize| word.get(from..).unwrap_or_default().to_vec();
    match one.len().cmp(&other.len()) {
        std::cmp::Ordering::Equal => {
            let swapped = one.len() >= same + 2
                && one.get(same) == other.get(same + 1)
                && one.get(same + 1) == other.get(same)
                && rest(&one, same + 2) == rest(&other, same + 2);
            one != other && (rest(&one, same + 1) == rest(&other, same + 1) || swapped)
        }
        std::cmp::Ordering::Less => rest(&one, same) == rest(&other, same + 1),
        std::cmp::Ordering::Greater => rest(&one, same + 1) == rest(&other, same),
    }
}

#[cfg(test)]
mod tests {
    use super::super::known_column;
    use super::*;

    #[test]
    fn names_are_nearly_understood() {
        for (name, head, nearness) in [
            ("Telefnoo", Head::Phone, Nearness::Slip),
            ("Courriell", Head::Email, Nearness::Slip),
            ("¿Cuál es tu correo electrónico?", Head::Email, Nearness::Question),
            ("Wie lautet Ihre Telefonnummer?", Head::Phone, Nearness::Question),
            ("Teléfono actualizado", Head::Phone, Nearness::Word),
            ("Telefon neu", Head::Phone, Nearness::Word),
        ] {
            assert_eq!(known_column(name), None, "{name}");
            match nearly(name) {
                Some((Meaning::Value(sense), found)) => assert_eq!((sense.head, found), (head, nearness), "{name}"),
                other => panic!("{name}: {other:?}"),
            }
        }
        for name in [
            "Assistant's Phone",
            "Email Status",
            "Teléfono de emergencia",
            "Zapatos",
            "Email opt out",
            "Phone verified",
        ] {
            assert_eq!(nearly(name), None, "{name}");
        }
    }
}
