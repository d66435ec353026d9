//! The facts of vCard, and how such a file is opened.

use super::frame::is_begin;
use super::lines::is_ferry_line;
use super::read::CardSource;
use super::take::Cards;
use crate::files::facts::{FormatFacts, Match, Opened, Reads, TextHead, TextInput};
use crate::files::format::Format;
use crate::files::options::ReadOptions;
use crate::files::rows::{CardVersion, Framing, RowEncoder, RowFormat};
use crate::files::shown::excerpt;
use crate::outcome::Failure;
use crate::record::Header;
use std::sync::Arc;

/// Cards of phones and address books.
pub(crate) const VCF: FormatFacts = FormatFacts {
    format: Format::Vcf,
    name: "vcf",
    about: "vCards of a phone or an address book",
    endings: &["vcf", "vcard"],
    reads: Reads::Text { detect, open },
    rejects_as: Format::Vcf,
    rejects_file: "rejects.vcf",
    write: Some(RowFormat {
        framing: Framing { begin: "", between: "", behind: "", end: ["", ""] },
        encoder: RowEncoder::Cards(CardVersion::V3),
    }),
};

/// Values whose encodings are looked at.
const LABELS_MAX: usize = 1_000;

/// How far a file is looked at for whether it holds rejects.
const HEAD_LEN: usize = 64 << 10;

/// The encoding that a card says of a value, where the file begins with one and is not in UTF-8.
pub(crate) fn charset_of(head: &[u8]) -> Option<String> {
    let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
    if !is_begin(first_line(text)) || std::str::from_utf8(head).is_ok() {
        return None;
    }
    let name = memchr::memmem::Finder::new("CHARSET=");
    let labels = name.find_iter(head).filter_map(|at| {
        let rest = head.get(at + "CHARSET=".len()..)?;
        let end = rest.iter().position(|byte| matches!(byte, b':' | b';' | b'\r' | b'\n'))?;
        encoding_rs::Encoding::for_label(rest.get(..end)?.trim_ascii())
    });
    labels.take(LABELS_MAX).find(|encoding| *encoding != encoding_rs::UTF_8).map(|encoding| encoding.name().to_owned())
}

fn first_line(text: &[u8]) -> &[u8] {
    text.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default()
}

fn detect(head: &TextHead<'_>) -> Match {
    if is_begin(first_line(head.text)) { Match::Certain } else { Match::No }
}

fn open(input: TextInput, options: &ReadOptions) -> Result<Opened, Failure> {
    let TextInput { window, mut layout, shown, .. } = input;
    layout.format = Format::Vcf;
    let text = window.data().trim_ascii_start();
    let has_card = text.split(|byte| matches!(byte, b'\n' | b'\r')).any(is_begin);
    // A list of no cards is an empty file: whether that is an error is for the command to say.
    if !has_card && !text.is_empty() && window.whole() {
        let begin = excerpt(first_line(text));
        let failure = Failure::usage(format!("there is no vCard in `{shown}`: it begins with `{begin}`"));
        return Err(failure.hint(match options.format {
            Some(_) => "leave out `--format`: the content says what it is",
            None => "a card begins with the line `BEGIN:VCARD`; `--format csv` reads the file as a table",
        }));
    }
    let head = text.get(..HEAD_LEN).unwrap_or(text);
    let are_rejects = head.split(|byte| matches!(byte, b'\n' | b'\r')).any(is_ferry_line);
    let found = Arc::default();
    let cards = Cards { encoding: layout.encoding, found: Arc::clone(&found) };
    let source = CardSource::new(window, &shown, cards);
    Ok(Opened { are_rejects, found, ..Opened::new(Header::Open, layout, Box::new(source)) })
}
