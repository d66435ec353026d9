//! A whole name beside its parts, where only column names say what each is: the parts are used, and no word of the whole
//! name is lost.

use super::draft::{Draft, Hidden};
use crate::contact::{ContactView, Field};
use std::sync::Arc;

/// Settles the whole name. It stays if there are no parts, completes a part, is removed if it says the same as both, and
/// becomes the attribute `name` if it says something else.
pub(super) fn settle_whole_name(draft: &mut Draft<'_>, name: &Arc<str>, line: u64) {
    let Some(whole) = draft.contact.text(Field::FullName).map(squeezed) else { return };
    // A default is not a part that the source has.
    let part = |field: Field| draft.contact.text(field).filter(|_| !draft.marks.fill.has(field)).map(squeezed);
    match (part(Field::FirstName), part(Field::LastName)) {
        (None, None) => return,
        (Some(first), Some(last)) => {
            let forms = [format!("{first} {last}"), format!("{last} {first}"), format!("{last}, {first}")];
            if !forms.contains(&whole) {
                keep(draft, name, whole, line);
            }
        }
        (Some(first), None) => match rest(whole.strip_prefix(&first)) {
            Some(last) => complete(draft, Field::LastName, last),
            None => keep(draft, name, whole, line),
        },
        (None, Some(last)) => match rest(whole.strip_suffix(&last)) {
            Some(first) => complete(draft, Field::FirstName, first),
            None => keep(draft, name, whole, line),
        },
    }
    draft.contact.remove(Field::FullName);
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

fn complete(draft: &mut Draft<'_>, field: Field, text: String) {
    if !text.is_empty() {
        draft.contact.set_text(field, text.into());
        draft.marks.fill.remove(field);
        draft.marks.defaults.remove(field);
    }
}

fn keep(draft: &mut Draft<'_>, name: &Arc<str>, whole: String, line: u64) {
    match draft.contact.attribute(name) {
        None => draft.contact.set_attribute(Arc::clone(name), whole.into()),
        Some(have) if have == whole => {}
        Some(_) => Hidden { line, column: name, name: format!("attributes.{name}"), value: whole }.list(draft),
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
            let mut draft = Draft::default();
            for (field, text) in [(Field::FirstName, first), (Field::LastName, last), (Field::FullName, whole)] {
                draft.contact.set_text(field, text.into());
            }
            if last == "-" {
                draft.marks.fill.insert(Field::LastName);
            }
            settle_whole_name(&mut draft, &"Name".into(), 2);
            let text = |field| draft.contact.text(field).unwrap_or_default();
            let attribute = draft.contact.attribute("Name").unwrap_or_default();
            let found = [text(Field::FirstName), text(Field::LastName), text(Field::FullName), attribute];
            assert_eq!(found, expected, "{first}/{last}/{whole}");
            assert_eq!(draft.marks.fill.has(Field::LastName), text(Field::LastName) == "-");
        }
    }
}
