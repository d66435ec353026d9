//! The rows of a sheet, one after the other: each cell as text.

use super::number::text_of;
use super::strings::{Runs, Strings};
use super::styles::Styles;
use super::unescape::unescaped;
use super::xml::{Element, Node, Xml};
use crate::files::format::RECORD_LEN_MAX;
use crate::files::found::Found;
use std::io;
use std::sync::Arc;

/// The rows and columns that a sheet can have.
pub(super) const ROWS_MAX: u32 = 1 << 20;
const COLUMNS_MAX: u32 = 1 << 14;

/// What all sheets of a workbook share.
pub(super) struct Shared {
    pub strings: Strings,
    pub styles: Styles,
    pub is_1904: bool,
}

/// A row that has cells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SheetRow {
    /// Its number in the sheet, from 1.
    pub number: u32,
    text: String,
    /// Its filled cells: the column of each, from 0, and where it ends in `text`.
    cells: Vec<(u32, usize)>,
}

impl SheetRow {
    /// Whether nothing is in it.
    pub fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// Its cells up to the last one that is filled, the blank ones between them too.
    pub fn cells(&self) -> impl Iterator<Item = &str> {
        let (mut next, mut from, mut column) = (0, 0, 0);
        std::iter::from_fn(move || {
            let (at, end) = self.cells.get(next).copied()?;
            let is_filled = at == column;
            column += 1;
            if !is_filled {
                return Some("");
            }
            let text = self.text.get(from..end).unwrap_or_default();
            (next, from) = (next + 1, end);
            Some(text)
        })
    }

    fn begin(&mut self, number: u32) {
        self.number = number;
        self.text.clear();
        self.cells.clear();
    }

    /// Ends a cell whose text was added; a blank one is none.
    fn end_cell(&mut self, column: u32) {
        let from = self.cells.last().map_or(0, |(_, end)| *end);
        if self.text.len() > from {
            self.cells.push((column, self.text.len()));
        }
    }
}

/// The rows of a sheet.
pub(super) struct Rows {
    xml: Xml,
    reading: Reading,
    is_ended: bool,
}

/// How far the reading is, and what it needs.
struct Reading {
    shared: Shared,
    found: Arc<Found>,
    /// The number of the latest row.
    number: u32,
    cell: Cell,
}

/// The cell that is being read.
#[derive(Debug, Default)]
struct Cell {
    /// Its column, from 0; of the next one, before it begins.
    column: u32,
    kind: Kind,
    style: usize,
    place: Place,
    runs: Runs,
    has_formula: bool,
    has_value: bool,
    raw: String,
}

/// What a cell holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Number,
    Shared,
    Text,
    Bool,
    /// An error, or a date as text.
    AsIs,
}

/// Where the reader stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Outside,
    Row,
    Cell,
    Value,
    Formula,
    Inline,
}

impl Rows {
    /// The rows of a sheet; what is odd about them is noted in `found`.
    pub fn new(xml: Xml, shared: Shared, found: Arc<Found>) -> Rows {
        Rows { xml, reading: Reading { shared, found, number: 0, cell: Cell::default() }, is_ended: false }
    }

    /// What it shares with the other sheets.
    pub fn into_shared(self) -> Shared {
        self.reading.shared
    }

    /// Reads the next row into `row`; false at the end.
    pub fn next(&mut self, row: &mut SheetRow) -> io::Result<bool> {
        while !self.is_ended {
            match self.xml.next()? {
                Node::Eof => self.is_ended = true,
                Node::Text(text) => self.reading.cell.text(&text)?,
                Node::Begin(element) => self.reading.begin(&element, row)?,
                Node::End => {
                    if self.reading.end(row)? {
                        return Ok(true);
                    }
                }
            }
        }
        Ok(false)
    }
}

impl Reading {
    fn begin(&mut self, element: &Element<'_>, row: &mut SheetRow) -> io::Result<()> {
        let cell = &mut self.cell;
        let name = element.name();
        if !cell.runs.is_closed() {
            cell.runs.begin(name);
            return Ok(());
        }
        match (cell.place, name) {
            (Place::Outside, "row") => {
                self.number = row_number(element, self.number)?;
                if element.is("hidden") {
                    self.found.hidden_row(u64::from(self.number));
                }
                row.begin(self.number);
                (cell.place, cell.column) = (Place::Row, 0);
            }
            (Place::Outside, "mergeCell") => {
                if let Some(line) = element.value("ref").as_deref().and_then(first_of_several) {
                    self.found.merged(u64::from(line));
                }
            }
            (Place::Outside, _) => {}
            (Place::Row, "c") => cell.begin(element, row.cells.last().map(|(column, _)| *column))?,
            (Place::Cell, "v") => (cell.place, cell.has_value) = (Place::Value, true),
            (Place::Cell, "f") => (cell.place, cell.has_formula) = (Place::Formula, true),
            (Place::Cell, "is") => (cell.place, cell.has_value) = (Place::Inline, true),
            (_, name) => cell.runs.begin(name),
        }
        Ok(())
    }

    /// An element ends; whether that is a row.
    fn end(&mut self, row: &mut SheetRow) -> io::Result<bool> {
        let cell = &mut self.cell;
        if !cell.runs.is_closed() {
            cell.runs.end();
            return Ok(false);
        }
        match cell.place {
            Place::Value | Place::Formula | Place::Inline => cell.place = Place::Cell,
            Place::Cell => {
                cell.place = Place::Row;
                self.end_cell(row)?;
            }
            Place::Row => {
                cell.place = Place::Outside;
                return Ok(true);
            }
            Place::Outside => {}
        }
        Ok(false)
    }

    /// Puts the text of the cell that ends into its row.
    fn end_cell(&mut self, row: &mut SheetRow) -> io::Result<()> {
        let cell = &mut self.cell;
        if cell.has_formula && !cell.has_value {
            self.found.formula_without_value(u64::from(row.number));
        }
        let out = &mut row.text;
        match cell.kind {
            Kind::Shared => match cell.raw.trim() {
                "" => {}
                raw => {
                    let number =
                        raw.parse().map_err(|_| io::Error::other(format!("a cell refers to string `{raw}`")))?;
                    self.shared.strings.with(number, |string| out.push_str(string))?;
                }
            },
            Kind::Text => out.push_str(&unescaped(&cell.raw)),
            Kind::Bool => out.push_str(match cell.raw.trim() {
                "1" => "true",
                "0" => "false",
                other => other,
            }),
            Kind::AsIs => out.push_str(&cell.raw),
            Kind::Number => {
                let style = self.shared.styles.of(cell.style);
                let text = text_of(&cell.raw, style, self.shared.is_1904);
                out.push_str(text.as_deref().unwrap_or(&cell.raw));
            }
        }
        if out.len() > RECORD_LEN_MAX {
            let limit = RECORD_LEN_MAX >> 20;
            return Err(io::Error::other(format!("its row {} is longer than {limit} MiB", row.number)));
        }
        row.end_cell(cell.column);
        cell.column += 1;
        Ok(())
    }
}

impl Kind {
    fn of(name: &str) -> Kind {
        match name {
            "s" => Kind::Shared,
            "str" | "inlineStr" => Kind::Text,
            "b" => Kind::Bool,
            "e" | "d" => Kind::AsIs,
            _ => Kind::Number,
        }
    }
}

impl Cell {
    fn begin(&mut self, element: &Element<'_>, last_filled: Option<u32>) -> io::Result<()> {
        let mut column = None;
        (self.style, self.kind) = (0, Kind::Number);
        element.each(|name, value| match name {
            "r" => column = column_of(value),
            "s" => self.style = value.parse().unwrap_or_default(),
            "t" => self.kind = Kind::of(value),
            _ => {}
        });
        self.column = column.unwrap_or(self.column);
        if self.column >= COLUMNS_MAX || last_filled.is_some_and(|last| self.column <= last) {
            return Err(io::Error::other("its cells are not in order, or beyond the last column"));
        }
        (self.place, self.has_formula, self.has_value) = (Place::Cell, false, false);
        self.raw.clear();
        Ok(())
    }

    fn text(&mut self, text: &str) -> io::Result<()> {
        match self.place {
            Place::Value if self.runs.is_closed() => self.raw.push_str(text),
            Place::Inline => return self.runs.text(text, &mut self.raw),
            _ => {}
        }
        Ok(())
    }
}

/// The number of a row; without one it is the next.
fn row_number(element: &Element<'_>, before: u32) -> io::Result<u32> {
    let number = element.value("r").and_then(|number| number.parse().ok()).unwrap_or(before + 1);
    if number <= before || number > ROWS_MAX {
        return Err(io::Error::other(format!("row {number} follows row {before}, and {ROWS_MAX} is the last")));
    }
    Ok(number)
}

/// The column of a cell called so (`AB12`), from 0.
fn column_of(name: &str) -> Option<u32> {
    let letters = name.bytes().take_while(u8::is_ascii_alphabetic);
    let number =
        letters.take(4).fold(0, |number: u32, letter| number * 26 + u32::from(letter.to_ascii_uppercase() - b'A') + 1);
    number.checked_sub(1)
}

/// The first row of an area called so (`A5:C9`), if it has several.
fn first_of_several(area: &str) -> Option<u32> {
    let row = |name: &str| name.trim_start_matches(|c: char| !c.is_ascii_digit()).parse::<u32>().ok();
    let (first, last) = area.split_once(':')?;
    let (first, last) = (row(first)?, row(last)?);
    (first < last).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_and_areas_are_understood() {
        for (name, column) in
            [("A1", Some(0)), ("z9", Some(25)), ("AA1", Some(26)), ("XFD1048576", Some(16383)), ("1", None)]
        {
            assert_eq!(column_of(name), column, "{name}");
        }
        assert_eq!(first_of_several("A5:C9"), Some(5));
        assert_eq!(first_of_several("$A$5:$A$6"), Some(5));
        for area in ["A1:C1", "A1", "", "A9:A5"] {
            assert_eq!(first_of_several(area), None, "{area}");
        }
    }
}
