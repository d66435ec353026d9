//! The table of formats. A format is a file (or folder) with its facts, and a row here; everything else that depends on
//! the format is derived from this table.

use super::csv::{CSV, TSV};
use super::facts::FormatFacts;
use super::format::{Format, Packing};
use super::json::{JSON, JSONL};
use super::rows::{RowEncoder, RowLayout};
use super::vcard::VCF;
use super::xlsx::XLSX;
use crate::outcome::Failure;
use std::path::Path;

/// Every format there is.
pub static FORMATS: [FormatFacts; 6] = [CSV, TSV, JSON, JSONL, XLSX, VCF];

impl Format {
    /// What is known of it.
    pub fn facts(self) -> Option<&'static FormatFacts> {
        FORMATS.iter().find(|facts| facts.format == self)
    }

    /// The format of this name, as on the command line.
    pub fn named(name: &str) -> Option<Format> {
        FORMATS.iter().find(|facts| facts.name.eq_ignore_ascii_case(name)).map(|facts| facts.format)
    }

    /// The format that a file's name says, `.gz` and `.zst` left aside.
    pub fn of_path(path: &Path) -> Option<Format> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        let bare = Packing::of_name(&name).map_or(name.as_str(), |(_, bare)| bare);
        let (_, ending) = bare.rsplit_once('.')?;
        FORMATS.iter().find(|facts| facts.endings.contains(&ending)).map(|facts| facts.format)
    }

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        self.facts().map_or("", |facts| facts.name)
    }

    /// Whether it is written as a table: a row of cells for each record.
    pub fn is_table(self) -> bool {
        self.facts().and_then(|facts| facts.write).is_some_and(|write| write.encoder.is_table())
    }

    /// Whether lists other than of contacts can be written so.
    pub fn is_of_lists(self) -> bool {
        let write = self.facts().and_then(|facts| facts.write);
        write.is_some_and(|write| !matches!(write.encoder, RowEncoder::Cards(_)))
    }

    /// How such a file is written, in UTF-8.
    ///
    /// # Errors
    /// Exit 2 when the format is only read.
    pub fn row_layout(self) -> Result<RowLayout, Failure> {
        let rows = self.facts().and_then(|facts| facts.write);
        rows.map(RowLayout::utf8).ok_or_else(|| {
            let names: Vec<&str> =
                FORMATS.iter().filter(|facts| facts.write.is_some()).map(|facts| facts.name).collect();
            Failure::usage(format!("the format `{}` can only be read", self.name()))
                .hint(format!("write one of {}", names.join(", ")))
        })
    }

    /// The format of the rejects of such a file.
    pub fn rejects_as(self) -> Format {
        self.facts().map_or(Format::Jsonl, |facts| facts.rejects_as)
    }

    /// The name of rejects of this format in the folder of a run.
    pub fn rejects_file(self) -> &'static str {
        self.facts().map_or("rejects.jsonl", |facts| facts.rejects_file)
    }
}
