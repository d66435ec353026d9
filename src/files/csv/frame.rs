//! Where a record of a table ends, and whether its quotes are sound.
//!
//! A quoted cell opens right behind a delimiter (or at the start) and closes right before one (or at the end); a
//! quote inside of an unquoted cell is a character like any other. Parsers accept broken quotes silently, so quotes are
//! checked here first. Cells are taken apart in `split`.

use memchr::{memchr, memchr2, memchr3};

/// What some bytes begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framed {
    /// A record.
    Record {
        /// Its length without the line end.
        len: usize,
        /// Where the next one begins.
        next: usize,
        /// Whether a cell is quoted.
        quoted: bool,
    },
    /// The quote at this offset opens a cell and is closed in the middle of it.
    Broken {
        /// Where it opens.
        quote: usize,
    },
    /// A quote that opens in the record's first line makes it go on without an end, or for longer than allowed.
    Endless,
    /// More bytes are needed to decide.
    More,
}

/// Finds the end of the record that `data` begins with.
///
/// `whole` says that nothing comes after `data`; a record of several lines is at most `lines_len_max` bytes long.
pub(crate) fn frame(data: &[u8], delimiter: u8, whole: bool, lines_len_max: usize) -> Framed {
    let mut at = 0;
    let mut quoted = false;
    loop {
        let rest = data.get(at..).unwrap_or_default();
        let Some(step) = memchr3(b'"', b'\n', b'\r', rest) else {
            return match whole {
                true => Framed::Record { len: data.len(), next: data.len(), quoted },
                false => Framed::More,
            };
        };
        let here = at + step;
        if data.get(here) != Some(&b'"') {
            return line_end(data, here, whole, quoted);
        }
        if here > 0 && data.get(here - 1) != Some(&delimiter) {
            at = here + 1;
            continue;
        }
        quoted = true;
        let too_long = |end: usize| end > lines_len_max && has_line_end(data.get(..end));
        // Beyond the limit a close is looked for only where the record may still be one long line.
        let near = data.get(..lines_len_max.max(here + 1)).unwrap_or(data);
        if near.len() < data.len() && has_line_end(Some(near)) && !closes_in(near, here, delimiter) {
            return Framed::Endless;
        }
        match close(data, here, delimiter, whole) {
            Close::At(end) if too_long(end) => return Framed::Endless,
            Close::At(end) => at = end,
            Close::Inside => return Framed::Broken { quote: here },
            Close::Never if whole || too_long(data.len()) => return Framed::Endless,
            Close::Never => return Framed::More,
        }
    }
}

fn has_line_end(data: Option<&[u8]>) -> bool {
    data.is_some_and(|data| memchr2(b'\n', b'\r', data).is_some())
}

fn closes_in(data: &[u8], quote: usize, delimiter: u8) -> bool {
    !matches!(close(data, quote, delimiter, false), Close::Never)
}

fn line_end(data: &[u8], here: usize, whole: bool, quoted: bool) -> Framed {
    let next = match (data.get(here), data.get(here + 1)) {
        (Some(b'\r'), Some(b'\n')) => here + 2,
        (Some(b'\r'), None) if !whole => return Framed::More,
        _ => here + 1,
    };
    Framed::Record { len: here, next, quoted }
}

/// How a quoted cell ends.
enum Close {
    /// Soundly; the offset behind its closing quote.
    At(usize),
    /// With text behind its closing quote.
    Inside,
    /// Not in these bytes.
    Never,
}

fn close(data: &[u8], quote: usize, delimiter: u8, whole: bool) -> Close {
    let mut at = quote + 1;
    loop {
        let Some(step) = memchr(b'"', data.get(at..).unwrap_or_default()) else { return Close::Never };
        at += step + 1;
        match data.get(at) {
            Some(b'"') => at += 1,
            Some(b'\n' | b'\r') => return Close::At(at),
            Some(byte) if *byte == delimiter => return Close::At(at),
            Some(_) => return Close::Inside,
            None if whole => return Close::At(at),
            None => return Close::Never,
        }
    }
}

/// The offset of the first line end at or behind `from`, and where the next line begins.
pub(crate) fn line_end_from(data: &[u8], from: usize, whole: bool) -> Option<(usize, usize)> {
    let Some(step) = memchr2(b'\n', b'\r', data.get(from..).unwrap_or_default()) else {
        return whole.then_some((data.len(), data.len()));
    };
    match line_end(data, from + step, whole, false) {
        Framed::Record { len, next, .. } => Some((len, next)),
        _ => None,
    }
}

/// One cell as it stands in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RawCell<'a> {
    /// Its bytes, quotes included.
    pub bytes: &'a [u8],
    /// Whether it begins with a quote that is not closed soundly.
    pub broken: bool,
}

/// The cells of one record (without its line end) as they stand; a broken quote counts as a character.
pub(crate) fn raw_cells(record: &[u8], delimiter: u8) -> RawCells<'_> {
    RawCells { rest: Some(record), delimiter }
}

/// See [`raw_cells`].
pub(crate) struct RawCells<'a> {
    rest: Option<&'a [u8]>,
    delimiter: u8,
}

impl<'a> Iterator for RawCells<'a> {
    type Item = RawCell<'a>;

    fn next(&mut self) -> Option<RawCell<'a>> {
        let rest = self.rest?;
        let mut broken = false;
        let mut from = 0;
        if rest.first() == Some(&b'"') {
            match close(rest, 0, self.delimiter, true) {
                Close::At(end) => from = end,
                _ => broken = true,
            }
        }
        let step = memchr(self.delimiter, rest.get(from..).unwrap_or_default());
        let end = step.map_or(rest.len(), |step| from + step);
        self.rest = step.and_then(|_| rest.get(end + 1..));
        Some(RawCell { bytes: rest.get(..end).unwrap_or_default(), broken })
    }
}

/// Bytes as text. A zero byte is none, because what reads it further on would end there.
pub(crate) fn text_of(raw: &[u8]) -> Option<&str> {
    simdutf8::basic::from_utf8(raw).ok().filter(|_| !holds_zero(raw))
}

/// Whether a row has a zero byte.
pub(super) fn holds_zero(raw: &[u8]) -> bool {
    memchr(0, raw).is_some()
}
