//! The formats and compressions that a file can have, and the limits on what is read. What is known of each format stands
//! in the table of `formats`.

use serde::{Deserialize, Serialize};

/// The longest record, in bytes after decompression and decoding: enough for a contact with a long history of
/// notes, small enough that one broken record does not fill the memory.
pub const RECORD_LEN_MAX: usize = 16 << 20;

/// The most columns of a table: four times what the widest exports have.
pub const COLUMNS_MAX: usize = 4096;

/// How the name of a workbook ends.
pub(super) const SHEET_ENDING: &str = "xlsx";

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Format {
    /// Cells separated by a comma, semicolon, tab or pipe (RFC 4180 and what spreadsheets make of it).
    Csv,
    /// The same, separated by tabs.
    Tsv,
    /// One array of objects, also inside an object.
    Json,
    /// One object a line.
    Jsonl,
    /// A sheet of an Excel workbook (ECMA-376).
    Xlsx,
    /// Cards of phones and address books (vCard 2.1, RFC 2426, RFC 6350).
    Vcf,
}

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// gzip (RFC 1952), including several members one after the other.
    Gzip,
    /// Zstandard (RFC 8878).
    Zstd,
}

impl Packing {
    /// The compression that a file's name (in lower case) asks for, and the name without it.
    pub fn of_name(name: &str) -> Option<(Packing, &str)> {
        if let Some(bare) = name.strip_suffix(".gz") {
            return Some((Packing::Gzip, bare));
        }
        name.strip_suffix(".zst").map(|bare| (Packing::Zstd, bare))
    }

    /// The compression that a file's first bytes show.
    pub fn of_content(first: &[u8]) -> Option<Packing> {
        if first.starts_with(&[0x1F, 0x8B]) {
            return Some(Packing::Gzip);
        }
        first.starts_with(&[0x28, 0xB5, 0x2F, 0xFD]).then_some(Packing::Zstd)
    }

    /// Its usual name.
    pub fn name(self) -> &'static str {
        match self {
            Packing::Gzip => "gzip",
            Packing::Zstd => "zstd",
        }
    }
}
