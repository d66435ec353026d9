//! What is known of a format: a row of the table of formats. It holds facts and function pointers; the functions stand
//! in the folder of each format.

use super::fingerprint::Fingerprint;
use super::format::Format;
use super::found::Found;
use super::layout::Layout;
use super::options::ReadOptions;
use super::reader::Source;
use super::rows::RowFormat;
use super::window::Window;
use crate::outcome::Failure;
use crate::record::Header;
use std::fs::File;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};

/// What is known of a format.
#[derive(Clone, Copy, Debug)]
pub struct FormatFacts {
    /// The format.
    pub format: Format,
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is, for `--help`.
    pub about: &'static str,
    /// The endings of file names that mean it, in lower case.
    pub endings: &'static [&'static str],
    /// What it is read from, and how.
    pub reads: Reads,
    /// The format of the rejects of such a file.
    pub rejects_as: Format,
    /// The name of such rejects in the folder of a run.
    pub rejects_file: &'static str,
    /// How it is written; `None` if it is only read.
    pub write: Option<RowFormat>,
}

/// What a format needs as its input, how it is recognised, and how it is opened.
#[derive(Clone, Copy, Debug)]
pub enum Reads {
    /// Decompressed and decoded text, read from its beginning to its end.
    Text {
        /// How well the beginning of a text fits.
        detect: fn(&TextHead<'_>) -> Match,
        /// Reads the header and gives the records.
        open: fn(TextInput, &ReadOptions) -> Result<Opened, Failure>,
    },
    /// A file that can seek.
    Seek {
        /// Whether a file with these first bytes is one.
        detect: fn(&[u8]) -> bool,
        /// Reads the header and gives the records.
        open: fn(SeekInput, &ReadOptions) -> Result<Opened, Failure>,
    },
}

/// How well the beginning of a text fits a format; the best fit is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Match {
    /// It is not this format.
    No,
    /// Any text can be read so.
    Possible,
    /// It looks like this format.
    Likely,
    /// It can be no other.
    Certain,
}

/// The beginning of a text whose format is to be detected.
#[derive(Clone, Copy, Debug)]
pub struct TextHead<'a> {
    /// The text from its first character that is not white space.
    pub text: &'a [u8],
    /// The format that the file's name says.
    pub named: Option<Format>,
    /// What the user says about the file.
    pub options: &'a ReadOptions,
}

/// A text to be read.
pub struct TextInput {
    /// The text.
    pub(super) window: Window,
    /// How it is written, as far as every format has it.
    pub layout: Layout,
    /// The file's name in messages.
    pub shown: String,
    /// The format that the file's name says.
    pub named: Option<Format>,
    /// The names of all formats, for a hint.
    pub format_names: Vec<&'static str>,
}

/// A file that can seek, to be read.
pub struct SeekInput {
    /// The file, at its beginning.
    pub file: File,
    /// The file's name in messages.
    pub shown: String,
}

/// A file ready to be read.
pub struct Opened {
    /// The names of its values.
    pub header: Header,
    /// How it is written.
    pub layout: Layout,
    /// Whether it is a rejects file: it lacks the records of its source that were accepted.
    pub are_rejects: bool,
    /// Its records.
    pub source: Box<dyn Source>,
    /// The line of the header, where others stand above it.
    pub header_line: Option<u64>,
    /// The sheet of a workbook that has several.
    pub sheet: Option<String>,
    /// What was detected or assumed, for the user.
    pub notes: Vec<String>,
    /// What is found while `source` is read, for the user.
    pub found: Arc<Found>,
    /// How many bytes of the file as stored have been read, for progress; grows while `source` is read.
    pub bytes_read: Arc<AtomicU64>,
    /// How many bytes the file has as stored.
    pub bytes_total: u64,
    /// What the file holds as stored, once all of it was read; it stays unknown of a format that does not read all.
    pub content: Arc<OnceLock<Fingerprint>>,
}

impl Opened {
    /// An opened file of which nothing else is known.
    pub fn new(header: Header, layout: Layout, source: Box<dyn Source>) -> Opened {
        Opened {
            header,
            layout,
            are_rejects: false,
            source,
            header_line: None,
            sheet: None,
            notes: Vec::new(),
            found: Arc::default(),
            bytes_read: Arc::default(),
            bytes_total: 0,
            content: Arc::default(),
        }
    }
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened").field("header", &self.header).field("layout", &self.layout).finish_non_exhaustive()
    }
}
