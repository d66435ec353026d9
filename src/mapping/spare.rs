//! A whole name beside its parts, where column names alone say what is what: the parts are used, and of the whole no word
//! is lost.

use super::surplus::Hidden;
use crate::contact::{Field, Wanted};
use std::sync::Arc;

/// Decides what becomes of the whole name: it stays where there are no parts, completes a part, goes where it says the
/// same as both, and becomes the attribute `name` where it says something else.
pub(super) fn settle_whole_name(wanted: &mut Wanted, name: &Arc<str>, line: u64) {
    let Some(whole) = wanted.contact.text(Field::FullName).map(squeezed) else { return };
    // A default is no part that the source has.
    let part = |field: Field| wanted.contact.text(field).filter(|_| !wanted.fill.has(field)).map(squeezed);
    match (part(Field::FirstName), part(Field::LastName)) {
        (None, None) => return,
        (Some(first), Some(last)) => {
            let forms = [format!("{first} {last}"), format!("{last} {first}"), format!("{last}, {first}")];
            if !forms.contains(&whole) {
                keep(wanted, name, whole, line);
            }
        }
        (Some(first), None) => match rest(whole.strip_prefix(&first)) {
            Some(last) => complete(wanted, Field::LastName, last),
            None => keep(wanted, name, whole, line),
        },
        (None, Some(last)) => match rest(whole.strip_suffix(&last)) {
            Some(first) => complete(wanted, Field::FirstName, first),
            None => keep(wanted, name, whole, line),
        },
    }
    wanted.contact.remove(Field::FullName);
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What is left of the whole name beside a part; blank where the part is all of it, `None` where it is no word of it.
fn rest(rest: Option<&str>) -> Option<String> {
    let rest = rest?;
    let is_apart = rest.is_empty() || rest.starts_with(' ') || rest.ends_with(' ');
    is_apart.then(|| rest.trim().to_owned())
}

fn complete(wanted: &mut Wanted, field: Field, text: String) {
    if !text.is_empty() {
        wanted.contact.set_text(field, text);
        wanted.fill.remove(field);
        wanted.defaults.remove(field);
    }
}

fn keep(wanted: &mut Wanted, name: &Arc<str>, whole: String, line: u64) {
    match wanted.contact.attribute(name) {
        None => wanted.contact.set_attribute(Arc::clone(name), whole),
        Some(have) if have == whole => {}
        Some(_) => Hidden { line, column: name, name: format!("attributes.{name}"), value: whole }.tell(wanted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_of_a_whole_name_is_lost() {
        for (first, last, whole, expected) in [
            ("", "", "Ana Ruiz", ["", "", "Ana Ruiz", ""]),
            ("Ana", "Ruiz", "Ana  Ruiz", ["Ana", "Ruiz", "", ""]),
            ("Ana", "Ruiz", "Ruiz Ana", ["Ana", "Ruiz", "", ""]),
            ("Ana", "Ruiz", "Ruiz, Ana", ["Ana", "Ruiz", "", ""]),
            ("Ana", "Ruiz", "Dr. Ana Ruiz", ["Ana", "Ruiz", "", "Dr. Ana Ruiz"]),
            ("Ana", "", "Ana Ruiz Mora", ["Ana", "Ruiz Mora", "", ""]),
            ("Ana", "-", "Ana Ruiz", ["Ana", "Ruiz", "", ""]),
            ("Ana", "-", "Ana", ["Ana", "-", "", ""]),
            ("An", "", "Ana Ruiz", ["An", "", "", "Ana Ruiz"]),
            ("", "Ruiz", "Ana Ruiz", ["Ana", "Ruiz", "", ""]),
            ("", "Ruiz", "Anita", ["", "Ruiz", "", "Anita"]),
            ("Ana", "Ruiz", "", ["Ana", "Ruiz", "", ""]),
        ] {
            let mut wanted = Wanted::default();
            for (field, text) in [(Field::FirstName, first), (Field::LastName, last), (Field::FullName, whole)] {
                wanted.contact.set_text(field, text);
            }
            if last == "-" {
                wanted.fill.insert(Field::LastName);
            }
            settle_whole_name(&mut wanted, &"Name".into(), 2);
            let text = |field| wanted.contact.text(field).unwrap_or_default();
            let attribute = wanted.contact.attribute("Name").unwrap_or_default();
            let found = [text(Field::FirstName), text(Field::LastName), text(Field::FullName), attribute];
            assert_eq!(found, expected, "{first}/{last}/{whole}");
            assert_eq!(wanted.fill.has(Field::LastName), text(Field::LastName) == "-");
        }
    }
}
