//! Tags in one cell, as address books and shops write them: `"VIP","Blog"`, `a ::: * myContacts`.

use super::text::trim;
use super::value::{LIST_JOIN, Val};
use std::borrow::Cow;

/// What Google Contacts puts between two labels; the others are single characters.
const COLONS: &str = ":::";
/// Labels that every contact of the exporting system has, behind its `* `.
const SYSTEM_LABELS: [&str; 3] = ["mycontacts", "starred", "othercontacts"];
const QUOTES: [(char, char); 4] = [('"', '"'), ('\'', '\''), ('“', '”'), ('«', '»')];

/// An item of a list as it stands in a cell: within quotes where it would be taken apart when the cell is read again. A
/// quote of its own cannot be kept so; such an item stands as it is.
pub(crate) fn in_cell(item: &str) -> Cow<'_, str> {
    let is_split = item.contains([';', ',', '|']) || item.contains(COLONS);
    let is_quoted = QUOTES.iter().any(|(open, _)| item.starts_with(*open));
    if (is_split || is_quoted) && !item.contains('"') { Cow::Owned(format!("\"{item}\"")) } else { Cow::Borrowed(item) }
}

/// A list as one cell, from which the same list is read again.
pub(crate) fn cell_of_list<'a>(items: impl Iterator<Item = &'a str>) -> String {
    let mut cell = String::new();
    for item in items {
        if !cell.is_empty() {
            cell.push_str(LIST_JOIN);
        }
        cell.push_str(&in_cell(item));
    }
    cell
}

/// The tags of a cell, or of a list, whose items are whole tags already.
pub(super) fn items(value: Val<'_>) -> Val<'_> {
    let items = match value {
        Val::One(cell) => split(&cell).iter().map(|item| unquoted(item).to_owned()).collect(),
        Val::Many(items) => items.into_iter().map(Cow::into_owned).collect::<Vec<String>>(),
    };
    Val::Many(items.into_iter().filter_map(tag).map(Cow::Owned).collect())
}

/// The tag without the mark of the exporting system; `None` for its own labels.
fn tag(item: String) -> Option<String> {
    let Some(label) = item.trim().strip_prefix("* ") else { return Some(item) };
    let folded: String = label.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    (!SYSTEM_LABELS.contains(&folded.as_str())).then(|| label.trim().to_owned())
}

/// Splits outside of double quotes that are around an item.
fn split(cell: &str) -> Vec<&str> {
    let (mut items, mut begin, mut quoted) = (Vec::new(), 0, false);
    for (at, c) in cell.char_indices() {
        let rest = cell.get(at..).unwrap_or_default();
        let is_blank = cell.get(begin..at).is_none_or(|item| trim(item).is_empty());
        let len = match c {
            '"' if !quoted && is_blank => {
                quoted = closes(rest);
                0
            }
            '"' if quoted => {
                quoted = false;
                0
            }
            _ if quoted || at < begin => 0,
            ';' | ',' | '|' => 1,
            ':' if rest.starts_with(COLONS) => COLONS.len(),
            _ => 0,
        };
        if len > 0 {
            items.push(cell.get(begin..at).unwrap_or_default());
            begin = at + len;
        }
    }
    items.push(cell.get(begin..).unwrap_or_default());
    items
}

/// Whether the quote that a text begins with is closed at the end of an item.
fn closes(text: &str) -> bool {
    let inner = text.get(1..).unwrap_or_default();
    inner.find('"').is_some_and(|end| {
        let behind = inner.get(end + 1..).unwrap_or_default().trim_start();
        behind.is_empty() || behind.starts_with([';', ',', '|']) || behind.starts_with(COLONS)
    })
}

fn unquoted(item: &str) -> &str {
    let item = trim(item);
    let inner = |(open, close): (char, char)| item.strip_prefix(open)?.strip_suffix(close);
    QUOTES.into_iter().find_map(inner).map_or(item, trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(cell: &str) -> Vec<String> {
        items(Val::One(cell.into()))
            .into_items()
            .into_iter()
            .map(Cow::into_owned)
            .filter(|tag| !tag.is_empty())
            .collect()
    }

    #[test]
    fn a_cell_of_tags_is_split_where_address_books_do() {
        for (cell, expected) in [
            ("vip", &["vip"] as &[&str]),
            ("vip, denver", &["vip", "denver"]),
            ("a;b | c,d", &["a", "b", "c", "d"]),
            ("Family ::: * myContacts", &["Family"]),
            ("* My Contacts ::: * Starred ::: * Friends", &["Friends"]),
            ("\"VIP\",\"Blog\"", &["VIP", "Blog"]),
            ("\"Quito, Norte\",'b'; “c”", &["Quito, Norte", "b", "c"]),
            ("5\" pipe, b", &["5\" pipe", "b"]),
            ("\"open, b", &["\"open", "b"]),
            ("12:30, a:b", &["12:30", "a:b"]),
            (" ; , ", &[]),
            ("'90s", &["'90s"]),
        ] {
            assert_eq!(tags(cell), expected, "{cell}");
        }
    }

    #[test]
    fn a_list_that_is_written_to_a_cell_is_read_from_it() {
        for list in [
            &["vip", "new"] as &[&str],
            &["Quito, Norte", "a;b", "c|d", "e ::: f"],
            &["'90s", "«x»", "5\" pipe"],
            &["only, one"],
        ] {
            let cell = cell_of_list(list.iter().copied());
            assert_eq!(tags(&cell), list, "{cell}");
        }
        assert_eq!(cell_of_list(["Quito, Norte", "vip"].into_iter()), "\"Quito, Norte\"; vip");
    }

    #[test]
    fn the_items_of_a_list_are_whole_tags() {
        let list = Val::Many(vec!["Quito, Norte".into(), "* myContacts".into()]);
        assert_eq!(items(list), Val::Many(vec!["Quito, Norte".into()]));
    }
}
