//! Contacts in files: CSV, TSV, JSON and JSON Lines, uncompressed or compressed with gzip or zstd, XLSX, and vCards.
//!
//! [`open`] detects how a file is written and gives its records one after the other; [`Output`] and [`RowWriter`] write
//! a file that appears complete or not at all; [`Listing`] writes the lists of a run; [`RejectsWriter`] keeps rejected
//! records in the layout they came in. `FORMATS` is the only list of formats. Nothing here knows what a column means, and
//! no file is held in memory as a whole.

mod ahead;
mod batch;
pub mod csv;
mod detect;
mod encoding;
mod facts;
mod fingerprint;
mod format;
mod formats;
mod found;
pub mod json;
mod known;
mod known_rejects;
mod layout;
mod ledger;
mod listing;
mod open;
mod options;
mod output;
mod packed;
mod reader;
mod reject_columns;
mod rejects;
mod rows;
mod shown;
mod spool;
mod syncing;
mod temporary;
mod unflat;
mod vcard;
mod window;
mod xlsx;

pub use ahead::ReadAhead;
pub use batch::{Batch, End, Read, Room};
pub use facts::{FormatFacts, Match, Opened, Reads, SeekInput, TextHead, TextInput};
pub use fingerprint::{Fingerprint, FingerprintSoFar};
pub use format::{COLUMNS_MAX, Format, Packing, RECORD_LEN_MAX};
pub use formats::FORMATS;
pub use found::Found;
pub use known::KnownNames;
pub use known_rejects::is_rejects_file;
pub use layout::{Layout, LineEnd, TableLayout};
pub use ledger::{About, Ledger, SharedLines, Written};
pub use listing::{Form, Listing};
pub use open::open;
pub use options::ReadOptions;
pub use output::{Output, resolve};
pub use reader::{ReadFault, Source};
pub use rejects::{RecordKey, RejectsWriter, record_key};
pub use rows::{CARD_VERSIONS, CardVersion, Framing, RowBuffer, RowEncoder, RowFormat, RowLayout, RowWriter, json_row};
pub use temporary::{PrivateCopy, PrivateFolder, folder_of, sweep, sweep_state, unnamed_in, write_whole};
pub use vcard::put_card;
