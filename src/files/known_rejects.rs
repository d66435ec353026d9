//! Whether a file is a rejects file, by what it begins with: the `ferry_*` columns of a table, `ferry` beside the record of
//! a line of JSON, the `X-FERRY-…` lines of a card. Of a workbook the header of its sheet is read.

use super::open::open;
use super::options::ReadOptions;
use super::packed::open_packed;
use serde_json::Value;
use std::io::Read;
use std::path::Path;

/// How much of a file is examined, decompressed: longer than any header.
const HEAD_LEN: u64 = 1 << 20;

/// The column that every rejects table has.
const COLUMN: &str = "ferry_code";

/// How the lines begin that rejects of cards have.
const CARD_LINE: &str = "X-FERRY-CODE";

/// Whether the file at `path` holds rejects, packed or not, in any encoding whose ASCII letters are ASCII.
pub fn is_rejects_file(path: &Path) -> bool {
    let mut head = Vec::new();
    let Ok(unpacked) = open_packed(path, &path.display().to_string()) else { return false };
    // The beginning decides, whatever is cut or damaged after it.
    let _ = unpacked.reader.take(HEAD_LEN).read_to_end(&mut head);
    if head.starts_with(b"PK\x03\x04") {
        return open(path, "", &ReadOptions::default()).is_ok_and(|opened| opened.are_rejects);
    }
    // UTF-16 has a zero beside each ASCII letter.
    head.retain(|byte| *byte != 0);
    is_rejects(&String::from_utf8_lossy(&head))
}

fn is_rejects(head: &str) -> bool {
    let text = head.trim_start_matches(|c: char| c == '\u{feff}' || c == '\u{fffd}' || c.is_whitespace());
    if text.starts_with('{') {
        let line = text.lines().next().and_then(|line| serde_json::from_str::<Value>(line).ok());
        return line.is_some_and(|line| line.get("ferry").is_some_and(|ferry| ferry.get("code").is_some()));
    }
    if text.get(..11).is_some_and(|begin| begin.eq_ignore_ascii_case("BEGIN:VCARD")) {
        return text.lines().any(|line| line.starts_with(CARD_LINE));
    }
    let header = match text.split_once(['\n', '\r']) {
        Some((first, rest)) if first.starts_with("sep=") => rest.trim_start(),
        _ => text,
    };
    cells(header).any(|cell| cell == COLUMN)
}

/// The cells of the first row, whatever sets them apart; line breaks between quotes do not end it.
fn cells(text: &str) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut end) = (false, text.len());
    for (at, c) in text.char_indices() {
        match c {
            '"' => is_quoted = !is_quoted,
            '\n' | '\r' if !is_quoted => {
                end = at;
                break;
            }
            _ => {}
        }
    }
    let row = text.get(..end).unwrap_or_default();
    row.split([',', ';', '\t', '|']).map(|cell| cell.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejects_file_is_known_by_its_beginning() {
        let cases = [
            ("Name,ferry_line,ferry_column,ferry_code,ferry_message,ferry_hint\n", true),
            ("sep=;\r\nName;ferry_line;ferry_code\r\n", true),
            ("\u{feff}\"a\nb\"\t\"ferry_code\"\n", true),
            ("{\"record\":{},\"ferry\":{\"line\":1,\"code\":\"x\"}}\n{\"a\":1}\n", true),
            ("BEGIN:VCARD\nFN:Ana\nX-FERRY-CODE:phone.invalid\nEND:VCARD\n", true),
            ("", false),
            ("thesis about ferry_code, and more\n", false),
            ("Name,Phone\nferry_code,1\n", false),
            ("{\"ferry\":true}\n", false),
            ("{\"record\":{\"ferry_code\":1}}\n", false),
            ("BEGIN:VCARD\nFN:Ana\nEND:VCARD\n", false),
        ];
        for (text, expected) in cases {
            assert_eq!(is_rejects(text), expected, "{text}");
        }
    }
}
