//! The encoding of a file, from its first bytes, and the kinds of files that are refused.
//!
//! Pure functions of the bytes. Where two encodings fit equally well, the error asks the user to choose. Formats are detected by the
//! functions in their own rows of the table.

use super::encoding::is_utf16;
use super::reject_columns;
use super::shown::excerpt;
use super::window::count_line_ends;
use crate::outcome::Failure;
use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1251, WINDOWS_1252};

/// Files that often have the wrong name: how they begin, what they are, and what to do.
const OTHER_KINDS: [(&[u8], &str, &str); 4] = [
    (b"PK\x03\x04", "an Excel workbook or a zip archive", "leave out `--format`: the content says what it is"),
    (
        b"\xD0\xCF\x11\xE0",
        "an old Excel workbook (`.xls`), or one with a password",
        "open it in the spreadsheet program, and save it as `.xlsx` without a password",
    ),
    (b"%PDF", "a PDF document", "ask for the list as CSV or JSON; a PDF holds pictures of tables"),
    (b"SQLite format 3\0", "an SQLite database", "export the table as CSV first"),
];

const SAVE_AS_XLSX: &str = "open it in the spreadsheet program, and save it as `.xlsx` or `CSV UTF-8`";

/// How a web page begins, in lower case.
const WEB_PAGES: [&[u8]; 3] = [b"<!doctype", b"<html", b"<head"];

/// Refuses what is no text file, by its first bytes.
pub(super) fn refuse_other_kinds(head: &[u8], shown: &str) -> Result<(), Failure> {
    for (begin, what, hint) in OTHER_KINDS {
        if head.starts_with(begin) {
            return Err(Failure::usage(format!("`{shown}` is {what}, not a text file")).hint(hint));
        }
    }
    let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
    let begin = text.get(..16).unwrap_or(text).to_ascii_lowercase();
    if WEB_PAGES.iter().any(|page| begin.starts_with(page)) {
        return Err(Failure::usage(format!("`{shown}` is a web page, not a list")).hint(
            "it is most likely a log-in or error page: open it in a browser to see, and download the list again",
        ));
    }
    if begin.starts_with(b"<?xml") {
        return Err(Failure::usage(format!("`{shown}` is XML, not a list")).hint(SAVE_AS_XLSX));
    }
    Ok(())
}

/// The encoding of a file.
#[derive(Debug)]
pub(super) struct FoundEncoding {
    pub encoding: &'static Encoding,
    /// How many bytes its byte-order mark takes.
    pub bom_len: usize,
    pub notes: Vec<String>,
}

/// Finds the encoding of a file that begins with `head`; what the user said, `label`, wins.
pub(super) fn encoding(head: &[u8], label: Option<&str>, shown: &str) -> Result<FoundEncoding, Failure> {
    let marked = Encoding::for_bom(head);
    if let Some(label) = label {
        let encoding = labelled(label)?;
        // `utf-16` is said for both byte orders; the mark knows better.
        return Ok(match marked {
            Some((mark, bom_len)) if mark == encoding || (is_utf16(mark) && is_utf16(encoding)) => {
                FoundEncoding { encoding: mark, bom_len, notes: Vec::new() }
            }
            _ => FoundEncoding { encoding, bom_len: 0, notes: Vec::new() },
        });
    }
    if let Some((encoding, bom_len)) = marked {
        return Ok(FoundEncoding { encoding, bom_len, notes: Vec::new() });
    }
    let (encoding, sure) = match unmarked_utf16(head) {
        Some(encoding) => (encoding, false),
        None if is_utf8(head) => (UTF_8, true),
        None => (single_byte(head, shown)?, false),
    };
    let said = format!("read as `{}`, as its bytes suggest; `--encoding` says otherwise", encoding.name());
    Ok(FoundEncoding { encoding, bom_len: 0, notes: if sure { Vec::new() } else { vec![said] } })
}

fn labelled(label: &str) -> Result<&'static Encoding, Failure> {
    let known = Encoding::for_label_no_replacement(label.as_bytes());
    known.filter(|encoding| *encoding != encoding_rs::X_USER_DEFINED).ok_or_else(|| {
        Failure::usage(format!("there is no encoding `{label}`")).hint(
            "encodings go by their names on the web: `utf-8`, `utf-16le`, `windows-1251`, `windows-1252`, `koi8-r`",
        )
    })
}

/// UTF-16 without a mark: every other byte of what is ASCII in it is zero, and text has few zeros elsewhere (in a sign
/// now and then, an emoji for one).
fn unmarked_utf16(head: &[u8]) -> Option<&'static Encoding> {
    /// Of the pairs, more than one in so many is ASCII (delimiters, digits, line ends) in any list.
    const ASCII_SHARE: usize = 12;
    /// Zeros on the other side are no more than one in so many.
    const OTHERS_SHARE: usize = 4;
    let pairs = head.get(..4096).unwrap_or(head).chunks_exact(2);
    let (mut count, mut first, mut second) = (0, 0, 0);
    for pair in pairs {
        count += 1;
        first += usize::from(pair.first() == Some(&0));
        second += usize::from(pair.last() == Some(&0));
    }
    let is_it =
        |zeros: usize, others: usize| zeros > 1 && zeros > count / ASCII_SHARE && others <= zeros / OTHERS_SHARE;
    match (first, second) {
        (others, zeros) if is_it(zeros, others) && ends_lines_with_zeros(head, 0) => Some(UTF_16LE),
        (zeros, others) if is_it(zeros, others) && ends_lines_with_zeros(head, 1) => Some(UTF_16BE),
        _ => None,
    }
}

/// Whether the line ends have the zero of a unit of two bytes, in which they stand at `place`; a letter now and then has
/// the byte of a line end.
fn ends_lines_with_zeros(head: &[u8], place: usize) -> bool {
    /// Of the line ends, one in so many may be half of a letter.
    const LETTERS_SHARE: usize = 8;
    let (mut whole, mut lone) = (0, 0);
    for at in memchr::memchr2_iter(b'\n', b'\r', head) {
        let zero = if place == 0 { at.checked_add(1) } else { at.checked_sub(1) };
        let is_whole = at % 2 == place && zero.and_then(|zero| head.get(zero)).is_none_or(|byte| *byte == 0);
        whole += usize::from(is_whole);
        lone += usize::from(!is_whole);
    }
    lone <= whole / LETTERS_SHARE
}

/// Whether it is UTF-8, a few bad rows allowed where other rows can be nothing else.
fn is_utf8(head: &[u8]) -> bool {
    if simdutf8::compat::from_utf8(head).map_or_else(|error| error.error_len().is_none(), |_| true) {
        return true;
    }
    let (mut sound, mut bad) = (0usize, 0usize);
    for chunk in head.utf8_chunks() {
        sound += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        bad += usize::from(!chunk.invalid().is_empty());
    }
    // The head may end within a character.
    let cut = head.utf8_chunks().last().is_some_and(|last| {
        let tail = last.invalid();
        !tail.is_empty() && std::str::from_utf8(tail).is_err_and(|error| error.error_len().is_none())
    });
    bad -= usize::from(cut);
    bad == 0 || sound >= bad.saturating_mul(2) || tells_of_bad_rows(head)
}

/// Whether it is a rejects file with rows whose bytes are no text: a single-byte encoding has no such bytes.
fn tells_of_bad_rows(head: &[u8]) -> bool {
    let line = head.split(|&byte| byte == b'\n' || byte == b'\r').next().unwrap_or_default();
    let contains = |text: &[u8], part: &str| memchr::memmem::find(text, part.as_bytes()).is_some();
    contains(line, reject_columns::PREFIX) && contains(head, "row.encoding")
}

/// Windows-1251 or Windows-1252, whichever the letters speak for.
///
/// The detector is asked as for a page from Russia and as for one from Spain. If the text decides, both answers agree; if it
/// does not, they differ.
fn single_byte(head: &[u8], shown: &str) -> Result<&'static Encoding, Failure> {
    let (cyrillic, _) = WINDOWS_1251.decode_without_bom_handling(head);
    let (latin, _) = WINDOWS_1252.decode_without_bom_handling(head);
    if cyrillic == latin {
        return Ok(WINDOWS_1252);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(head, true);
    let guess = |country: &[u8]| detector.guess(Some(country), Utf8Detection::Deny);
    let (east, west) = (guess(b"ru"), guess(b"es"));
    if east == west && (east == WINDOWS_1251 || east == WINDOWS_1252) {
        return Ok(east);
    }
    let other = if east == west && east != WINDOWS_1251 { Some(east) } else { None };
    if mixes_scripts(&cyrillic) && !has_controls_of_other_encodings(head) {
        return Ok(WINDOWS_1252);
    }
    Err(ambiguous(head, &[WINDOWS_1251, WINDOWS_1252], other, shown))
}

/// Whether text has words of Latin and Cyrillic letters (`Цzdemir`), and none of Cyrillic ones alone, as in no language.
fn mixes_scripts(text: &str) -> bool {
    let is_cyrillic = |c: char| matches!(c, '\u{400}'..='\u{4FF}');
    let mut mixed = 0;
    for word in text.split(|c: char| !c.is_alphabetic()).filter(|word| word.contains(is_cyrillic)) {
        match word.contains(|c: char| c.is_ascii_alphabetic()) {
            true => mixed += 1,
            false if word.chars().count() > 1 => return false,
            false => {}
        }
    }
    mixed > 0
}

/// Whether bytes stand there that are letters in encodings of other systems, and signs or nothing in Windows': the
/// others of its signs stand in texts all the time.
fn has_controls_of_other_encodings(head: &[u8]) -> bool {
    let is_letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphabetic);
    head.iter().enumerate().any(|(at, byte)| {
        let is_inside = is_letter(at.checked_sub(1).and_then(|at| head.get(at))) && is_letter(head.get(at + 1));
        matches!(byte, 0x81 | 0x8D | 0x8F | 0x90 | 0x9D) || (0x80..=0x9F).contains(byte) && *byte != 0x92 && is_inside
    })
}

fn ambiguous(head: &[u8], candidates: &[&'static Encoding], other: Option<&'static Encoding>, shown: &str) -> Failure {
    let (line, sample) = first_foreign_line(head);
    let mut failure = Failure::usage(format!("the encoding of `{shown}` cannot be determined"));
    for encoding in candidates.iter().copied().chain(other) {
        let (text, _) = encoding.decode_without_bom_handling(sample);
        let text = excerpt(text.as_bytes());
        failure = failure.cause(format!("line {line} in `{}`: `{text}`", label_of(encoding)));
    }
    let labels: Vec<String> = candidates
        .iter()
        .copied()
        .chain(other)
        .map(|encoding| format!("`--encoding {}`", label_of(encoding)))
        .collect();
    failure.hint(format!("say which one reads right: {}", labels.join(" or ")))
}

fn label_of(encoding: &'static Encoding) -> String {
    encoding.name().to_ascii_lowercase()
}

/// The first line with a byte beyond ASCII (from 1), from a little before that byte.
fn first_foreign_line(head: &[u8]) -> (u64, &[u8]) {
    const LEAD_LEN: usize = 20;
    let at = head.iter().position(|byte| !byte.is_ascii()).unwrap_or(0);
    let before = head.get(..at).unwrap_or_default();
    let line = count_line_ends(before) + 1;
    let begin = before.iter().rposition(|&byte| byte == b'\n' || byte == b'\r').map_or(0, |end| end + 1);
    let sample = head.get(begin.max(at.saturating_sub(LEAD_LEN))..).unwrap_or_default();
    (line, sample.split(|&byte| byte == b'\n' || byte == b'\r').next().unwrap_or_default())
}
