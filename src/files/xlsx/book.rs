//! The list of a workbook's sheets, where their parts are, and what says how its dates count.

use super::package::Package;
use super::xml::{Node, Xml};
use std::collections::HashMap;
use std::io;

/// Where programs put the workbook, if nothing says it.
const WORKBOOK: &str = "xl/workbook.xml";

/// What a workbook says about itself.
#[derive(Debug, Default)]
pub(super) struct Book {
    /// Its sheets of cells, in the order of their tabs.
    pub sheets: Vec<Sheet>,
    /// Whether its dates count from 1904.
    pub is_1904: bool,
    /// The part with the shared strings.
    pub strings: Option<String>,
    /// The part with the styles.
    pub styles: Option<String>,
}

/// One sheet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sheet {
    pub name: String,
    pub is_hidden: bool,
    pub part: String,
}

/// What a part refers to by an id.
struct Relation {
    kind: String,
    part: String,
}

impl Book {
    /// Reads it.
    pub fn read(package: &mut Package) -> io::Result<Book> {
        let workbook = workbook_of(package)?;
        let relations = relations(package, &workbook)?;
        let part_of = |kind: &str| {
            relations.values().find(|relation| relation.kind == kind).map(|relation| relation.part.clone())
        };
        // A book without texts may name a part for them that is not there; a cell that needs it is an error.
        let strings = part_of("sharedStrings").filter(|part| package.has(part));
        let styles = part_of("styles");
        let mut book = Book { strings, styles, ..Book::default() };
        let mut xml = Xml::new(package.part(&workbook)?.reader);
        loop {
            match xml.next()? {
                Node::Eof => return Ok(book),
                Node::End | Node::Text(_) => {}
                Node::Begin(element) => match element.name() {
                    "workbookPr" => book.is_1904 = element.is("date1904"),
                    "sheet" => {
                        let relation = element.value("id").and_then(|id| relations.get(&id));
                        let Some(relation) = relation.filter(|relation| relation.kind == "worksheet") else { continue };
                        let state = element.value("state").unwrap_or_default();
                        book.sheets.push(Sheet {
                            name: element.value("name").unwrap_or_default(),
                            is_hidden: matches!(state.as_str(), "hidden" | "veryHidden"),
                            part: relation.part.clone(),
                        });
                    }
                    _ => {}
                },
            }
        }
    }
}

/// Whether an archive holds a workbook.
pub(super) fn is_workbook(package: &mut Package) -> bool {
    workbook_of(package).is_ok_and(|part| package.has(&part) && !part.ends_with(".bin"))
}

/// The part of the workbook: the archive's main document.
fn workbook_of(package: &mut Package) -> io::Result<String> {
    let relations = relations(package, "")?;
    let main = relations.into_values().find(|relation| relation.kind == "officeDocument");
    let part = main.map_or_else(|| WORKBOOK.to_owned(), |relation| relation.part);
    let is_of_sheets = part.to_lowercase().contains("workbook") || part == WORKBOOK;
    is_of_sheets.then_some(part).ok_or_else(|| io::Error::other("it holds no workbook"))
}

/// What a part refers to, by id; of the archive itself where `part` is blank.
fn relations(package: &mut Package, part: &str) -> io::Result<HashMap<String, Relation>> {
    let (folder, file) = part.rsplit_once('/').unwrap_or(("", part));
    let place = format!("{folder}/_rels/{file}.rels");
    let mut relations = HashMap::new();
    if !package.has(&place) {
        return Ok(relations);
    }
    let mut xml = Xml::new(package.part(&place)?.reader);
    loop {
        match xml.next()? {
            Node::Eof => return Ok(relations),
            Node::Begin(element) if element.name() == "Relationship" => {
                let value = |name: &str| element.value(name).unwrap_or_default();
                // The types of the two editions of the standard end alike.
                let kind = value("Type").rsplit('/').next().unwrap_or_default().to_owned();
                relations.insert(value("Id"), Relation { kind, part: resolved(folder, &value("Target")) });
            }
            _ => {}
        }
    }
}

/// The part that `target` names, seen from a folder.
fn resolved(folder: &str, target: &str) -> String {
    let target = target.replace('\\', "/");
    if let Some(whole) = target.strip_prefix('/') {
        return whole.to_owned();
    }
    let mut steps: Vec<&str> = folder.split('/').filter(|step| !step.is_empty()).collect();
    for step in target.split('/') {
        match step {
            "" | "." => {}
            ".." => drop(steps.pop()),
            step => steps.push(step),
        }
    }
    steps.join("/")
}

#[cfg(test)]
mod tests {
    use super::resolved;

    #[test]
    fn targets_are_seen_from_their_folder() {
        for (folder, target, expected) in [
            ("xl", "worksheets/sheet1.xml", "xl/worksheets/sheet1.xml"),
            ("xl", "/xl/worksheets/sheet1.xml", "xl/worksheets/sheet1.xml"),
            ("xl", "../other/a.xml", "other/a.xml"),
            ("", "xl\\workbook.xml", "xl/workbook.xml"),
            ("xl", "../../../a.xml", "a.xml"),
        ] {
            assert_eq!(resolved(folder, target), expected, "{folder} {target}");
        }
    }
}
