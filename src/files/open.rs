//! Opening a file: unpack, decode, find out the format, and give its records.

use super::csv::{Begin, CsvOptions, begin};
use super::encoding::Decoding;
use super::found::Found;
use super::json::{self, JsonSource};
use super::known::KnownNames;
use super::packed::{Unpacked, open_packed, read_failure};
use super::sniff::{self, Shape};
use super::unflat::{Made, Unflat};
use super::window::Window;
use super::{Dialect, Format, LineEnd};
use crate::outcome::{Failure, Reject};
use crate::record::{Header, Origin, Record};
use encoding_rs::{Encoding, UTF_8};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// What is looked at to find out how a file is written.
const HEAD_LEN: usize = 1 << 20;

/// What the user says about a file; what is not said is found out from its content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// The format.
    pub format: Option<Format>,
    /// The encoding, by its WHATWG label: `utf-8`, `windows-1251`, `koi8-r`, ….
    pub encoding: Option<String>,
    /// What stands between two cells (an ASCII character).
    pub delimiter: Option<u8>,
    /// Where in a JSON file the records are, as a dotted path.
    pub root: Option<String>,
    /// Whether formula guards stay on.
    pub raw_cells: bool,
    /// The line of a table's header.
    pub header_row: Option<u64>,
    /// The names of the columns of a table without a header.
    pub columns: Option<Vec<String>>,
    /// What is known of the names of columns, for finding the header.
    pub names: KnownNames,
}

/// Why there is no record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadFault {
    /// This one cannot be taken; the next may be.
    Reject(Reject),
    /// A row without content: it is counted, and no record.
    Blank(Origin),
    /// The file cannot be read on; nothing comes after it.
    Fatal(Failure),
}

/// Records one after the other, in the order of the file. After [`ReadFault::Fatal`] it ends.
pub trait Source: Iterator<Item = Result<Record, ReadFault>> + Send {}

/// A file ready to be read.
pub struct Opened {
    /// The names of its values.
    pub header: Header,
    /// How it is written.
    pub dialect: Dialect,
    /// Whether it is a rejects file: what only other records of its source had is not in it.
    pub are_rejects: bool,
    /// Its records.
    pub source: Box<dyn Source>,
    /// What was found out or made up, for the user.
    pub notes: Vec<String>,
    /// What is found while `source` is read, for the user.
    pub found: Arc<Found>,
    /// How many bytes of the file as stored have been read, for progress; moves on while `source` is read.
    pub bytes_read: Arc<AtomicU64>,
    /// How many bytes the file has as stored.
    pub bytes_total: u64,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened").field("header", &self.header).field("dialect", &self.dialect).finish_non_exhaustive()
    }
}

/// Opens the file at `path`, which messages call `shown` (`-` for standard input that was kept at `path`).
///
/// # Errors
/// Exit 2 when it cannot be opened, is empty, is no list of records, or cannot be read without being told more: the
/// hint says what. Exit 1 when it is cut off or damaged before its first record.
pub fn open(path: &Path, shown: &str, options: &ReadOptions) -> Result<Opened, Failure> {
    let Unpacked { reader, bytes_read, bytes_total } = open_packed(path, shown)?;
    let replay = Replay::over(reader);
    sniff::refuse_other_kinds(&replay.head, shown)?;
    if let (true, Some(error)) = (replay.head.is_empty(), &replay.fault) {
        return Err(read_failure(shown, error, 1));
    }
    let named = Format::of_path(Path::new(shown)).or_else(|| Format::of_path(path));
    let found = sniff::encoding(&replay.head, options.encoding.as_deref(), shown)?;
    let (window, bom, mut notes) = (decoded(replay, found.encoding, found.bom_len), found.bom_len > 0, found.notes);
    let mut plain = Dialect::plain(Format::Csv);
    (plain.encoding, plain.bom, plain.line_end) = (found.encoding, bom, LineEnd::first_in(window.data()));
    let mut opened = match sniff::shape(window.data(), options, named, shown, window.whole())? {
        Shape::Table { delimiter, sep_len } => open_table(window, plain, delimiter, sep_len, options, shown)?,
        Shape::Array { root } => open_array(window, plain, root, options.root.is_some(), shown)?,
        Shape::Lines => open_lines(window, plain, shown),
    };
    notes.append(&mut opened.notes);
    (opened.notes, opened.bytes_read, opened.bytes_total) = (notes, bytes_read, bytes_total);
    Ok(opened)
}

fn decoded(mut replay: Replay, encoding: &'static Encoding, bom_len: usize) -> Window {
    replay.at = bom_len;
    let mut window = Window::new(match encoding == UTF_8 {
        true => Box::new(replay),
        false => Box::new(Decoding::new(Box::new(replay), encoding)),
    });
    while window.data().len() < HEAD_LEN && window.more() {}
    window
}

fn opened(header: Header, dialect: Dialect, source: Box<dyn Source>, notes: Vec<String>) -> Opened {
    Opened {
        header,
        dialect,
        are_rejects: false,
        source,
        notes,
        found: Arc::default(),
        bytes_read: Arc::default(),
        bytes_total: 0,
    }
}

fn open_table(
    mut window: Window,
    mut dialect: Dialect,
    delimiter: u8,
    sep_len: usize,
    options: &ReadOptions,
    shown: &str,
) -> Result<Opened, Failure> {
    window.consume(sep_len);
    let line = if sep_len > 0 { 2 } else { 1 };
    let csv = CsvOptions { delimiter, raw_cells: options.raw_cells };
    let headed = begin(window, &Begin { line, csv, shown, encoding: encoding_name(dialect.encoding), options })
        .map_err(|failure| about_encoding(failure, options))?;
    refuse_guess_without_rows(&dialect, headed.has_rows, options, shown)?;
    dialect.format = if delimiter == b'\t' { Format::Tsv } else { Format::Csv };
    (dialect.delimiter, dialect.sep_line) = (delimiter, sep_len > 0);
    (dialect.columns, dialect.header_raw) = (headed.cells, headed.raw);
    let found = Arc::clone(&headed.source.found);
    let Some(made) = headed.made else {
        let opened = opened(Header::Columns(headed.names), dialect, Box::new(headed.source), headed.notes);
        return Ok(Opened { are_rejects: headed.are_rejects, found, ..opened });
    };
    let source = Unflat { names: headed.names, made, rows: headed.source };
    let header = if made == Made::Contacts { Header::Contact } else { Header::Open };
    Ok(Opened { are_rejects: true, found, ..opened(header, dialect, Box::new(source), headed.notes) })
}

/// A guess that finds a header and no rows is most likely a wrong one: zeros in text look like UTF-16.
fn refuse_guess_without_rows(
    dialect: &Dialect,
    has_rows: bool,
    options: &ReadOptions,
    shown: &str,
) -> Result<(), Failure> {
    let is_guessed = sniff::is_utf16(dialect.encoding) && !dialect.bom && options.encoding.is_none();
    if has_rows || !is_guessed {
        return Ok(());
    }
    let name = dialect.encoding.name();
    let message = format!("`{shown}` looks like `{name}`, and has no records when it is read so");
    Err(Failure::usage(message).hint(format!("name its encoding: `--encoding utf-8` or `--encoding {name}`")))
}

/// A header that cannot be read in the encoding that was asked for is most likely in another.
fn about_encoding(failure: Failure, options: &ReadOptions) -> Failure {
    match &options.encoding {
        Some(label) if !failure.causes.is_empty() => {
            failure.hint(format!("it is read as `{label}`, as was asked for; without that, its bytes say what it is"))
        }
        _ => failure,
    }
}

fn open_array(
    window: Window,
    mut dialect: Dialect,
    root: Option<String>,
    is_told: bool,
    shown: &str,
) -> Result<Opened, Failure> {
    let mut notes = Vec::new();
    if let Some(root) = &root {
        notes.push(format!("the records are read from `{root}`"));
    }
    dialect.format = Format::Json;
    let source = JsonSource::array(window, root.as_deref(), shown, encoding_name(dialect.encoding))?.told(is_told);
    dialect.root = root;
    Ok(opened(Header::Open, dialect, Box::new(source), notes))
}

fn open_lines(window: Window, mut dialect: Dialect, shown: &str) -> Opened {
    dialect.format = Format::Jsonl;
    let (are_rejects, are_contacts) = json::are_rejects(window.data());
    let source = json::JsonSource::lines(window, shown, encoding_name(dialect.encoding)).of_contacts(are_contacts);
    let header = if are_contacts { Header::Contact } else { Header::Open };
    Opened { are_rejects, ..opened(header, dialect, Box::new(source), Vec::new()) }
}

fn encoding_name(encoding: &'static Encoding) -> &'static str {
    encoding.name()
}

/// A stream whose beginning was looked at, from the beginning.
struct Replay {
    head: Vec<u8>,
    at: usize,
    fault: Option<io::Error>,
    rest: Box<dyn Read + Send>,
}

impl Replay {
    fn over(mut reader: Box<dyn Read + Send>) -> Replay {
        let mut head = Vec::new();
        let fault = reader.by_ref().take(HEAD_LEN as u64).read_to_end(&mut head).err();
        Replay { head, at: 0, fault, rest: reader }
    }
}

impl Read for Replay {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let head = self.head.get(self.at..).unwrap_or_default();
        if head.is_empty() {
            return match self.fault.take() {
                Some(error) => Err(error),
                None => self.rest.read(buf),
            };
        }
        let n = head.len().min(buf.len());
        for (slot, byte) in buf.iter_mut().zip(head) {
            *slot = *byte;
        }
        self.at += n;
        if self.at >= self.head.len() {
            self.head = Vec::new();
            self.at = 0;
        }
        Ok(n)
    }
}
