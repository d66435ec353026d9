//! The delimiter of a table, from its first rows. Pure.

use super::frame::{Framed, frame, line_end_from, raw_cells};
use crate::files::format::{Format, RECORD_LEN_MAX};
use crate::files::options::ReadOptions;

/// Delimiters, the most likely first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// The number of rows that decide about the delimiter.
const ROWS_LOOKED_AT: usize = 100;

/// The delimiter of a table that begins with `text`, and the length of the `sep=` line before it. `named`: what the
/// file's name says.
pub(super) fn delimiter_of(text: &[u8], options: &ReadOptions, named: Option<Format>) -> (u8, usize) {
    let said = sep_line(text);
    let sep_len = said.map_or(0, |(_, len)| len);
    let rows = text.get(sep_len..).unwrap_or_default();
    let by_name = if options.format.or(named) == Some(Format::Tsv) { b'\t' } else { b',' };
    let delimiter = match (options.delimiter, options.format, said) {
        (Some(delimiter), ..) => delimiter,
        (None, Some(Format::Tsv), _) => b'\t',
        (None, _, Some((delimiter, _))) => delimiter,
        (None, _, None) => detect_delimiter(rows, by_name),
    };
    (delimiter, sep_len)
}

/// The delimiter that a spreadsheet's first line `sep=;` names, and the length of that line.
fn sep_line(text: &[u8]) -> Option<(u8, usize)> {
    let (len, next) = line_end_from(text, 0, true)?;
    let line = text.get(..len)?;
    let line = line.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(line);
    let (name, rest) = (line.get(..4)?, line.get(4..)?);
    match rest {
        [delimiter] if name.eq_ignore_ascii_case(b"sep=") && delimiter.is_ascii() => Some((*delimiter, next)),
        _ => None,
    }
}

/// The delimiter by which most of the first rows have as many cells as each other, and that is more than one. Titles
/// above the header and rows below the table may have other numbers of cells.
fn detect_delimiter(rows: &[u8], otherwise: u8) -> u8 {
    let mut best = (0, 0, otherwise);
    let named_first = std::iter::once(otherwise).chain(DELIMITERS);
    for delimiter in named_first {
        let (agreeing, columns) = fit(rows, delimiter);
        if (agreeing, columns) > (best.0, best.1) {
            best = (agreeing, columns, delimiter);
        }
    }
    best.2
}

/// By `delimiter`: in a thousand, how many of the first rows have the commonest number of cells above one, blank cells at
/// their ends or not; and that number.
fn fit(rows: &[u8], delimiter: u8) -> (usize, usize) {
    let mut widths: Vec<(usize, usize)> = Vec::new();
    let mut rest = rows;
    while widths.len() < ROWS_LOOKED_AT && !rest.is_empty() {
        let (len, next) = match frame(rest, delimiter, true, RECORD_LEN_MAX) {
            Framed::Record { len, next, .. } => (len, next),
            _ => match line_end_from(rest, 0, true) {
                Some(found) => found,
                None => break,
            },
        };
        let row = rest.get(..len).unwrap_or_default();
        rest = rest.get(next..).unwrap_or_default();
        if row.is_empty() {
            continue;
        }
        let (mut all, mut filled) = (0, 0);
        for cell in raw_cells(row, delimiter) {
            all += 1;
            filled = if cell.bytes.trim_ascii().is_empty() { filled } else { all };
        }
        widths.push((filled, all));
    }
    let agreeing = |width: usize| widths.iter().filter(|(filled, all)| (*filled..=*all).contains(&width)).count();
    let several = widths.iter().flat_map(|(filled, all)| [*filled, *all]).filter(|width| *width > 1);
    let commonest = several.map(|width| (agreeing(width), width)).max();
    commonest.map_or((0, 0), |(rows, width)| (rows * 1000 / widths.len().max(1), width))
}
