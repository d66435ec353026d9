//! Tables: reading them record by record with the place of every error, and writing rows.
//!
//! What a cell means, and what a blank is, is a mapping's business; a cell's text is given as it stands, with only the
//! formula guard taken off.

mod begin;
mod delimiter;
mod facts;
pub(super) mod frame;
mod guard;
mod header;
mod heading;
mod heads;
mod kind;
mod look;
mod options;
mod ordinary;
mod read;
mod second;
mod short;
mod split;
mod take;
mod total;
mod write;

pub(super) use facts::{CSV, SHEET_DELIMITER, TSV, open_sheet};
pub(super) use frame::text_of;
pub use guard::{guard, unguard};
pub(super) use header::empty_file;
pub(super) use heads::Heads;
pub(super) use split::Splitter;
pub use write::{CsvEncoder, CsvRow};
