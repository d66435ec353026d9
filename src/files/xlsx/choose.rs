//! Which sheet of a workbook is read: the one that was named, or the only one that can be meant.

use super::book::Sheet;
use super::sheet::SheetRow;
use crate::files::known::KnownNames;
use crate::files::shown::excerpt;
use crate::outcome::Failure;

/// Rows of a sheet that are examined; the header is among them.
pub(super) const ROWS_LOOKED_AT: usize = 25;

/// Names of columns that a row must have for its sheet to be a list of contacts.
const KNOWN_MIN: usize = 2;

/// Sheets named in a message.
const SHOWN_MAX: usize = 12;

/// What a sheet begins with.
#[derive(Clone, Debug, Default)]
pub(super) struct Beginning {
    /// Whether it has any content.
    pub is_filled: bool,
    /// The most names in one of its first rows that the mapping uses, or that mean something.
    pub known: usize,
    /// Whether it is a sheet of rejects.
    pub are_rejects: bool,
}

impl Beginning {
    /// Takes note of another row.
    pub fn add(&mut self, row: &SheetRow, names: &KnownNames) {
        self.is_filled |= !row.is_blank();
        self.known = self.known.max(row.cells().filter(|cell| names.is_known(cell)).count());
        self.are_rejects |= row.cells().any(|cell| cell == crate::files::reject_columns::CODE);
    }
}

/// The sheet that was named, by its name or its number.
pub(super) fn named<'a>(sheets: &'a [Sheet], asked: &str, shown: &str) -> Result<&'a Sheet, Failure> {
    let folded = asked.trim().to_lowercase();
    let by_name = || {
        let exact = sheets.iter().find(|sheet| sheet.name == asked);
        exact.or_else(|| sheets.iter().find(|sheet| sheet.name.trim().to_lowercase() == folded))
    };
    let by_number = || sheets.get(asked.trim().parse::<usize>().ok()?.checked_sub(1)?);
    by_name().or_else(by_number).ok_or_else(|| {
        let failure = Failure::usage(format!("there is no sheet `{}` in `{shown}`", excerpt(asked.as_bytes())));
        match crate::yaml::nearest(asked, sheets.iter().map(|sheet| sheet.name.as_str())) {
            Some(name) => failure.hint(format!("did you mean `{name}`?")),
            None => failure.hint(format!("its sheets are {}", list(sheets.iter()))),
        }
    })
}

/// The sheet that is meant if none was named, among those that are not hidden.
pub(super) fn meant<'a>(sheets: &[(&'a Sheet, Beginning)], shown: &str) -> Result<&'a Sheet, Failure> {
    let filled: Vec<&(&Sheet, Beginning)> = sheets.iter().filter(|(_, beginning)| beginning.is_filled).collect();
    let known: Vec<&&(&Sheet, Beginning)> =
        filled.iter().filter(|(_, beginning)| beginning.known >= KNOWN_MIN).collect();
    match (filled.as_slice(), known.as_slice()) {
        ([(sheet, _)], _) | (_, [(sheet, _)]) => Ok(sheet),
        ([], _) => match sheets {
            [(sheet, _), ..] => Ok(sheet),
            [] => Err(Failure::usage(format!("`{shown}` has no sheet with cells that is not hidden"))
                .hint("name a hidden sheet with `--sheet`, or show it in the spreadsheet program")),
        },
        (several, _) => {
            let names = list(several.iter().map(|(sheet, _)| *sheet));
            let first = several.first().map_or("", |(sheet, _)| sheet.name.as_str());
            Err(Failure::usage(format!("several sheets of `{shown}` have content: {names}")).hint(format!(
                "name the one to read: `--sheet \"{first}\"`, or `read: {{ sheet: {first} }}` in the mapping"
            )))
        }
    }
}

/// What is said about the sheets that are not read.
pub(super) fn note(sheets: &[Sheet], read: &Sheet, shown: &str) -> Option<String> {
    let others = |is_hidden: bool| {
        let mut others = sheets.iter().filter(move |sheet| *sheet != read && sheet.is_hidden == is_hidden).peekable();
        others.peek().is_some().then(|| list(others))
    };
    let parts: Vec<String> = [
        others(false).map(|names| format!("not {names}")),
        others(true).map(|names| format!("nor the hidden {names}")),
    ]
    .into_iter()
    .flatten()
    .collect();
    let rest = match parts.as_slice() {
        [] => return None,
        [one] if one.starts_with("nor") => one.replacen("nor", "not", 1),
        parts => parts.join(", "),
    };
    Some(format!("the sheet `{}` of `{shown}` is read, {rest}", excerpt(read.name.as_bytes())))
}

fn list<'a>(sheets: impl Iterator<Item = &'a Sheet>) -> String {
    let names: Vec<String> = sheets.map(|sheet| format!("`{}`", excerpt(sheet.name.as_bytes()))).collect();
    match names.len().checked_sub(SHOWN_MAX) {
        Some(more @ 1..) => format!("{} and {more} more", names.get(..SHOWN_MAX).unwrap_or_default().join(", ")),
        _ => names.join(", "),
    }
}
