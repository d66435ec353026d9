//! Contacts in files: CSV, TSV, JSON and JSON Lines, as they are or packed with gzip or zstd.
//!
//! [`open`] finds out what a file is and gives its records one after the other; [`Output`] and [`RowWriter`] write
//! one that appears whole or not at all; [`RejectsWriter`] keeps the records that stay behind in the dialect they
//! came in. Nothing here knows what a column means, and nothing is ever held whole in memory.

pub mod csv;
mod dialect;
mod encoding;
mod found;
pub mod json;
mod known;
mod known_rejects;
mod ledger;
mod open;
mod output;
mod packed;
mod rejects;
mod rows;
mod shown;
mod sniff;
mod spool;
mod temporary;
mod unflat;
mod window;

pub use dialect::{Dialect, LineEnd};
pub use found::Found;
pub use known::KnownNames;
pub use known_rejects::is_rejects_file;
pub use ledger::{About, Fingerprint, Ledger, Written};
pub use open::{Opened, ReadFault, ReadOptions, Source, open};
pub use output::{Output, folder_of, resolve};
pub use rejects::{RecordKey, RejectsWriter, record_key};
pub use rows::{RowShape, RowWriter, json_row};
pub use temporary::{PrivateCopy, PrivateFolder, sweep, sweep_state, unnamed_in, write_whole};

use std::path::Path;

/// The longest record, in bytes after decompression and decoding: enough for a contact with a long history of
/// notes, little enough that one broken record does not fill the memory.
pub const RECORD_LEN_MAX: usize = 16 << 20;

/// The most columns of a table: four times what the widest exports have.
pub const COLUMNS_MAX: usize = 4096;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Cells set apart by a comma, semicolon, tab or pipe (RFC 4180 and what spreadsheets make of it).
    Csv,
    /// The same, set apart by tabs.
    Tsv,
    /// One array of objects, also inside an object.
    Json,
    /// One object a line.
    Jsonl,
}

/// What is known of a format beside how to read it.
#[derive(Clone, Copy, Debug)]
pub struct FormatFacts {
    /// The format.
    pub format: Format,
    /// How the command line calls it.
    pub name: &'static str,
    /// The endings of file names that mean it, in lower case.
    pub endings: &'static [&'static str],
}

/// Every format there is.
pub const FORMATS: [FormatFacts; 4] = [
    FormatFacts { format: Format::Csv, name: "csv", endings: &["csv", "txt"] },
    FormatFacts { format: Format::Tsv, name: "tsv", endings: &["tsv", "tab"] },
    FormatFacts { format: Format::Json, name: "json", endings: &["json"] },
    FormatFacts { format: Format::Jsonl, name: "jsonl", endings: &["jsonl", "ndjson"] },
];

impl Format {
    /// The format of this name, as on the command line.
    pub fn named(name: &str) -> Option<Format> {
        FORMATS.into_iter().find(|facts| facts.name.eq_ignore_ascii_case(name)).map(|facts| facts.format)
    }

    /// The format that a file's name promises, `.gz` and `.zst` set aside.
    pub fn of_path(path: &Path) -> Option<Format> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        let bare = Packing::of_name(&name).map_or(name.as_str(), |(_, bare)| bare);
        let (_, ending) = bare.rsplit_once('.')?;
        FORMATS.into_iter().find(|facts| facts.endings.contains(&ending)).map(|facts| facts.format)
    }

    /// How the command line calls it.
    pub fn name(self) -> &'static str {
        FORMATS.into_iter().find(|facts| facts.format == self).map_or("", |facts| facts.name)
    }

    /// Whether it is a table: columns, and a row a record.
    pub fn is_table(self) -> bool {
        matches!(self, Format::Csv | Format::Tsv)
    }
}

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// gzip (RFC 1952), members one after the other included.
    Gzip,
    /// Zstandard (RFC 8878).
    Zstd,
}

impl Packing {
    /// The packing that a file's name (in lower case) asks for, and the name without it.
    pub fn of_name(name: &str) -> Option<(Packing, &str)> {
        if let Some(bare) = name.strip_suffix(".gz") {
            return Some((Packing::Gzip, bare));
        }
        name.strip_suffix(".zst").map(|bare| (Packing::Zstd, bare))
    }

    /// The packing that a file's first bytes show.
    pub fn of_content(first: &[u8]) -> Option<Packing> {
        if first.starts_with(&[0x1F, 0x8B]) {
            return Some(Packing::Gzip);
        }
        first.starts_with(&[0x28, 0xB5, 0x2F, 0xFD]).then_some(Packing::Zstd)
    }

    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Packing::Gzip => "gzip",
            Packing::Zstd => "zstd",
        }
    }
}
