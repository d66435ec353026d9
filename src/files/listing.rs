//! A list that a run writes for its user (outcomes, changes, differences): a table, JSON, JSON Lines or plain text,
//! according to the name of its file. It does not know what an entry means.

use super::format::{Format, Packing};
use super::ledger::{About, Ledger};
use super::output::Output;
use super::rows::{Framing, RowEncoder, RowFormat, RowLayout, RowWriter, json_row};
use crate::outcome::Failure;
use serde::Serialize;
use std::path::Path;

/// Plain text, a line for each entry.
const TEXT: RowFormat = RowFormat {
    framing: Framing { begin: "", between: "", behind: "\n", end: ["", ""] },
    encoder: RowEncoder::Objects,
};

/// In which form the entries of a list are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One row of cells or several, through [`Listing::cells`].
    Cells,
    /// An object, through [`Listing::object`].
    Object,
    /// A line of text, through [`Listing::text`].
    Text,
}

/// A list being written.
pub struct Listing {
    rows: RowWriter,
    form: Form,
    row: Vec<u8>,
}

impl Listing {
    /// Begins a list. Its format is the one that the name says, else `otherwise`; the columns are those of a table.
    /// `noted`: where it is noted that Ferry wrote it.
    ///
    /// # Errors
    /// As [`Output::create`]; exit 2 when the format cannot be written.
    pub fn create(
        path: &Path,
        otherwise: Format,
        columns: &[&str],
        noted: Option<(Ledger, About)>,
    ) -> Result<Listing, Failure> {
        let format = Format::of_path(path).filter(|format| format.is_of_lists()).unwrap_or(otherwise);
        let layout = format.row_layout()?;
        let out = match noted {
            Some((ledger, about)) => Output::create(path)?.noted(ledger, about),
            None => Output::create(path)?,
        };
        let form = if layout.rows.encoder.is_table() { Form::Cells } else { Form::Object };
        Ok(Listing { rows: RowWriter::begin(out, layout, columns.iter().copied())?, form, row: Vec::new() })
    }

    /// Begins a list that is plain text where its name ends in `.txt` (compressed or not).
    ///
    /// # Errors
    /// As [`Listing::create`].
    pub fn create_or_text(path: &Path, otherwise: Format, columns: &[&str]) -> Result<Listing, Failure> {
        let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
        if !Packing::of_name(&name).map_or(name.as_str(), |(_, bare)| bare).ends_with(".txt") {
            return Listing::create(path, otherwise, columns, None);
        }
        let rows = RowWriter::begin(Output::create(path)?, RowLayout::utf8(TEXT), [])?;
        Ok(Listing { rows, form: Form::Text, row: Vec::new() })
    }

    /// In which form an entry is to be given.
    pub fn form(&self) -> Form {
        self.form
    }

    /// Adds a row of cells.
    ///
    /// # Errors
    /// Exit 1 when it cannot be written; as the next ones.
    pub fn cells<'a>(&mut self, cells: impl IntoIterator<Item = &'a str>) -> Result<(), Failure> {
        let Some(csv) = self.rows.layout().table() else { return Ok(()) };
        self.row.clear();
        csv.row(cells, &mut self.row);
        self.rows.row(&self.row)
    }

    /// Adds an entry as an object.
    pub fn object(&mut self, entry: &impl Serialize) -> Result<(), Failure> {
        self.row.clear();
        json_row(entry, &mut self.row)?;
        self.rows.row(&self.row)
    }

    /// Adds an entry as a line of text.
    pub fn text(&mut self, line: &str) -> Result<(), Failure> {
        self.rows.row(line.as_bytes())
    }

    /// Ends the file and puts it in place.
    pub fn commit(self) -> Result<(), Failure> {
        self.rows.commit().map(|_| ())
    }
}
