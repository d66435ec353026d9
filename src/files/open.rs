//! Opening a file: decompress, decode, detect the format, and let the format read it.

use super::detect;
use super::encoding::Decoding;
use super::facts::{FormatFacts, Match, Opened, Reads, SeekInput, TextHead, TextInput};
use super::format::Format;
use super::formats::FORMATS;
use super::layout::{Layout, LineEnd};
use super::options::ReadOptions;
use super::packed::{Unpacked, open_packed, read_failure};
use super::vcard::charset_of;
use super::window::Window;
use crate::outcome::Failure;
use encoding_rs::{Encoding, UTF_8};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// How much is examined to detect how a file is written.
const HEAD_LEN: usize = 1 << 20;

/// Opens the file at `path`, which messages call `shown` (`-` for standard input that was kept at `path`).
///
/// # Errors
/// Exit 2 when it cannot be opened, is empty, is no list of records, or cannot be read without more options: the
/// hint says which. Exit 1 when it is cut off or damaged before its first record.
pub fn open(path: &Path, shown: &str, options: &ReadOptions) -> Result<Opened, Failure> {
    open_as(&FORMATS, path, shown, options)
}

/// The same with these formats.
fn open_as(
    formats: &'static [FormatFacts],
    path: &Path,
    shown: &str,
    options: &ReadOptions,
) -> Result<Opened, Failure> {
    let unpacked = open_packed(path, shown)?;
    let (bytes_read, bytes_total) = (unpacked.bytes_read.clone(), unpacked.bytes_total);
    let (content, is_packed) = (unpacked.content.clone(), unpacked.is_packed);
    let replay = Replay::over(unpacked);
    let named = Format::of_path(Path::new(shown)).or_else(|| Format::of_path(path));
    let opened = match seekable(formats, &replay.head, options.format) {
        Some(_) if is_packed => {
            return Err(Failure::usage(format!("`{shown}` is compressed, and its format cannot be read so"))
                .hint("decompress the file first"));
        }
        Some((facts, open)) => {
            let file = File::open(path).map_err(|error| read_failure(shown, &error, 1))?;
            let opened = open(SeekInput { file, shown: shown.to_owned() }, options)?;
            let is_misnamed = options.format.is_none() && matches!(named, Some(Format::Csv | Format::Tsv));
            return if is_misnamed { Err(misnamed(facts, shown)) } else { Ok(opened) };
        }
        None => open_text(formats, replay, (shown, named), options)?,
    };
    Ok(Opened { bytes_read, bytes_total, content, ..opened })
}

/// A file with the name of another format: most likely the wrong one was handed on.
fn misnamed(facts: &FormatFacts, shown: &str) -> Failure {
    let name = facts.name;
    let ending = facts.endings.first().copied().unwrap_or(name);
    let message = format!("`{shown}` has the name of a CSV file, and its content is `{name}`");
    Failure::usage(message).hint(format!(
        "rename it so that it ends with `.{ending}`; an import or a conversion also takes `--format {name}`"
    ))
}

type OpenSeek = fn(SeekInput, &ReadOptions) -> Result<Opened, Failure>;
type OpenText = fn(TextInput, &ReadOptions) -> Result<Opened, Failure>;

/// The format among those that need a file that can seek: the one that was asked for, else the one that the first bytes
/// show.
fn seekable<'a>(formats: &'a [FormatFacts], head: &[u8], asked: Option<Format>) -> Option<(&'a FormatFacts, OpenSeek)> {
    formats.iter().find_map(|facts| match facts.reads {
        Reads::Seek { detect, open } => {
            let is_it = asked.map_or_else(|| detect(head), |asked| asked == facts.format);
            is_it.then_some((facts, open))
        }
        Reads::Text { .. } => None,
    })
}

fn open_text(
    formats: &'static [FormatFacts],
    replay: Replay,
    (shown, named): (&str, Option<Format>),
    options: &ReadOptions,
) -> Result<Opened, Failure> {
    detect::refuse_other_kinds(&replay.head, shown)?;
    if let (true, Some(error)) = (replay.head.is_empty(), &replay.fault) {
        return Err(read_failure(shown, error, 1));
    }
    let said = options.encoding.clone().or_else(|| charset_of(&replay.head));
    let found = detect::encoding(&replay.head, said.as_deref(), shown)?;
    let window = decoded(replay, found.encoding, found.bom_len);
    check_delimiter(options)?;
    let text = window.data().trim_ascii_start();
    let (format, open) = text_format(formats, &TextHead { text, named, options })?;
    let line_end = LineEnd::first_in(window.data());
    let layout = Layout { format, encoding: found.encoding, bom: found.bom_len > 0, line_end, table: None };
    let format_names = formats.iter().map(|facts| facts.name).collect();
    let input = TextInput { window, layout, shown: shown.to_owned(), named, format_names };
    let mut opened = open(input, options)?;
    opened.notes.splice(..0, found.notes);
    Ok(opened)
}

/// The format that was asked for; else the one that the text looks like, the one that the file's name says, or the one
/// as which any text can be read.
fn text_format(formats: &[FormatFacts], head: &TextHead<'_>) -> Result<(Format, OpenText), Failure> {
    let texts = || {
        formats.iter().filter_map(|facts| match facts.reads {
            Reads::Text { detect, open } => Some((facts.format, detect, open)),
            Reads::Seek { .. } => None,
        })
    };
    let mut best: Option<(Match, (Format, OpenText))> = None;
    for (format, detect, open) in texts() {
        if head.options.format == Some(format) {
            return Ok((format, open));
        }
        let fit = detect(head);
        if best.is_none_or(|(known, _)| fit > known) {
            best = Some((fit, (format, open)));
        }
    }
    let is_guess = best.is_none_or(|(fit, _)| fit < Match::Likely);
    let named = texts().find(|(format, ..)| is_guess && head.named == Some(*format));
    let named = named.map(|(format, _, open)| (format, open));
    named
        .or(best.map(|(_, format)| format))
        .ok_or_else(|| Failure::failed("there is no format for texts: a bug in Ferry"))
}

fn check_delimiter(options: &ReadOptions) -> Result<(), Failure> {
    let Some(delimiter) = options.delimiter.filter(|byte| !byte.is_ascii() || b"\"\r\n\0".contains(byte)) else {
        return Ok(());
    };
    let message = format!("`{}` cannot stand between two cells", delimiter.escape_ascii());
    Err(Failure::usage(message).hint("A delimiter is one ASCII character: `,`, `;`, `|` or a tab"))
}

fn decoded(mut replay: Replay, encoding: &'static Encoding, bom_len: usize) -> Window {
    let mut window = if encoding == UTF_8 {
        let head = std::mem::take(&mut replay.head);
        Window::behind(head, bom_len, Box::new(replay))
    } else {
        replay.at = bom_len;
        Window::new(Box::new(Decoding::new(Box::new(replay), encoding)))
    };
    while window.data().len() < HEAD_LEN && window.more() {}
    window
}

/// A stream whose beginning was examined, from the beginning.
struct Replay {
    head: Vec<u8>,
    at: usize,
    fault: Option<io::Error>,
    rest: Box<dyn Read + Send>,
}

impl Replay {
    fn over(unpacked: Unpacked) -> Replay {
        let mut reader = unpacked.reader;
        // Grown step by step, it would leave memory of each size behind.
        let mut head = Vec::with_capacity(HEAD_LEN);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::csv::CSV;
    use crate::files::reader::{ReadFault, Source};
    use crate::record::{Header, Record};
    use std::io::{Seek, SeekFrom, Write};

    /// A format whose header stands at the end of the file, as in a zip archive.
    const BACKWARDS: FormatFacts = FormatFacts {
        format: Format::Json,
        name: "backwards",
        about: "Header at the end",
        endings: &["back"],
        reads: Reads::Seek { detect: |head| head.starts_with(b"BACK"), open: open_backwards },
        rejects_as: Format::Csv,
        rejects_file: "rejects.csv",
        write: None,
    };

    static FORMATS: [FormatFacts; 2] = [BACKWARDS, CSV];

    struct NoRecords;

    impl Iterator for NoRecords {
        type Item = Result<Record, ReadFault>;

        fn next(&mut self) -> Option<Self::Item> {
            None
        }
    }

    impl Source for NoRecords {}

    fn open_backwards(mut input: SeekInput, _options: &ReadOptions) -> Result<Opened, Failure> {
        let mut name = String::new();
        let read = input.file.seek(SeekFrom::End(-4)).and_then(|_| input.file.read_to_string(&mut name));
        read.map_err(|error| read_failure(&input.shown, &error, 1))?;
        Ok(Opened::new(Header::Columns(vec![name]), Layout::plain(Format::Json), Box::new(NoRecords)))
    }

    #[test]
    fn a_row_of_the_table_is_all_that_a_format_needs() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let header_of = |name: &str, content: &[u8], options: &ReadOptions| -> io::Result<Result<Header, String>> {
            let path = folder.path().join(name);
            std::fs::write(&path, content)?;
            let opened = open_as(&FORMATS, &path, name, options);
            Ok(opened.map(|opened| opened.header).map_err(|failure| failure.message))
        };
        let (plain, asked) =
            (ReadOptions::default(), ReadOptions { format: Some(Format::Json), ..ReadOptions::default() });
        let columns = |name: &str| Ok(Header::Columns(vec![name.to_owned()]));
        assert_eq!(header_of("a", b"BACK....Name", &plain)?, columns("Name"));
        assert_eq!(header_of("b", b"....City", &asked)?, columns("City"));
        assert_eq!(header_of("c", b"City\nQuito\n", &plain)?, columns("City"));
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        packed.write_all(b"BACK....Name")?;
        let refused = "`d` is compressed, and its format cannot be read so".to_owned();
        assert_eq!(header_of("d", &packed.finish()?, &plain)?, Err(refused));
        Ok(())
    }
}
