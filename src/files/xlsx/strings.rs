//! The shared strings of a workbook, by number. The first ones are in memory; the rest is in a file without a name.

use super::unescape::unescaped;
use super::xml::{Node, Xml};
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};

/// Bytes of strings that are kept in memory.
const MEMORY_LEN_MAX: usize = 64 << 20;

/// Strings from disk that are kept in memory for the next cell with the same one.
const RECENT_COUNT: usize = 4096;

/// The longest string; a spreadsheet's cell has 32,767 characters.
const STRING_LEN_MAX: usize = 1 << 20;

/// Strings by number.
#[derive(Default)]
pub(super) struct Strings {
    text: String,
    /// Where each ends in `text`.
    ends: Vec<usize>,
    beyond: Option<Beyond>,
}

/// Those that are on disk: their bytes, and where each ends.
struct Beyond {
    bytes: File,
    ends: File,
    count: usize,
    /// Each at its number modulo their count.
    recent: Vec<Option<(usize, String)>>,
}

/// The same while they are written.
struct Filling {
    bytes: BufWriter<File>,
    ends: BufWriter<File>,
    len: u64,
    count: usize,
}

impl Strings {
    /// Reads them.
    pub fn read(xml: Xml) -> io::Result<Strings> {
        Strings::within(xml, MEMORY_LEN_MAX)
    }

    /// The same with so many bytes in memory.
    fn within(mut xml: Xml, memory_len_max: usize) -> io::Result<Strings> {
        let (mut strings, mut filling) = (Strings::default(), None);
        let mut raw = String::new();
        while next_string(&mut xml, &mut raw)? {
            let string = unescaped(&raw);
            let in_memory = strings.text.len() + strings.ends.len() * size_of::<usize>();
            if filling.is_none() && in_memory + string.len() <= memory_len_max {
                strings.text.push_str(&string);
                strings.ends.push(strings.text.len());
                continue;
            }
            let filling = match &mut filling {
                Some(filling) => filling,
                none => none.insert(Filling::begin()?),
            };
            filling.push(&string)?;
        }
        strings.beyond = filling.map(Filling::end).transpose()?;
        Ok(strings)
    }

    /// Gives the string of this number to `take`.
    pub fn with<T>(&mut self, number: usize, take: impl FnOnce(&str) -> T) -> io::Result<T> {
        if let Some(end) = self.ends.get(number) {
            let from = number.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or_default();
            return Ok(take(self.text.get(from..*end).unwrap_or_default()));
        }
        let beyond = self.beyond.as_mut().zip(number.checked_sub(self.ends.len()));
        match beyond.filter(|(beyond, number)| *number < beyond.count) {
            Some((beyond, number)) => beyond.get(number).map(take),
            None => Err(io::Error::other(format!("a cell refers to string {number}, and there is none"))),
        }
    }
}

impl Filling {
    fn begin() -> io::Result<Filling> {
        let file = || tempfile::tempfile().map(BufWriter::new);
        Ok(Filling { bytes: file()?, ends: file()?, len: 0, count: 0 })
    }

    fn push(&mut self, string: &str) -> io::Result<()> {
        self.bytes.write_all(string.as_bytes())?;
        self.len += string.len() as u64;
        self.count += 1;
        self.ends.write_all(&self.len.to_le_bytes())
    }

    fn end(self) -> io::Result<Beyond> {
        let file = |out: BufWriter<File>| out.into_inner().map_err(io::IntoInnerError::into_error);
        let recent = (0..RECENT_COUNT).map(|_| None).collect();
        Ok(Beyond { bytes: file(self.bytes)?, ends: file(self.ends)?, count: self.count, recent })
    }
}

impl Beyond {
    fn get(&mut self, number: usize) -> io::Result<&str> {
        let at = number % RECENT_COUNT;
        let is_recent = matches!(self.recent.get(at), Some(Some((known, _))) if *known == number);
        if !is_recent {
            let string = self.load(number)?;
            if let Some(slot) = self.recent.get_mut(at) {
                *slot = Some((number, string));
            }
        }
        Ok(self.recent.get(at).and_then(Option::as_ref).map_or("", |(_, string)| string.as_str()))
    }

    fn load(&mut self, number: usize) -> io::Result<String> {
        let end = self.end_of(number)?;
        let from = number.checked_sub(1).map_or(Ok(0), |before| self.end_of(before))?;
        self.bytes.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        (&self.bytes).take(end.saturating_sub(from)).read_to_end(&mut bytes)?;
        String::from_utf8(bytes).map_err(io::Error::other)
    }

    fn end_of(&mut self, number: usize) -> io::Result<u64> {
        let mut end = [0; 8];
        self.ends.seek(SeekFrom::Start(number as u64 * 8))?;
        self.ends.read_exact(&mut end)?;
        Ok(u64::from_le_bytes(end))
    }
}

/// The next string, its runs joined, without the readings that stand beside East Asian words; false at the end.
fn next_string(xml: &mut Xml, string: &mut String) -> io::Result<bool> {
    string.clear();
    let mut runs = Runs::default();
    let mut is_inside = false;
    loop {
        match xml.next()? {
            Node::Eof => return Ok(false),
            Node::Begin(element) if is_inside => runs.begin(element.name()),
            Node::Begin(element) => is_inside = element.name() == "si",
            Node::End if is_inside && runs.is_closed() => return Ok(true),
            Node::End => runs.end(),
            Node::Text(text) if is_inside => runs.text(&text, string)?,
            Node::Text(_) => {}
        }
    }
}

/// Follows the elements within a string, which is one text or several runs.
#[derive(Debug, Default)]
pub(super) struct Runs {
    depth: u32,
    /// How deep the text is whose characters count.
    text: Option<u32>,
    /// How deep the reading is whose texts do not.
    reading: Option<u32>,
}

impl Runs {
    /// An element begins.
    pub fn begin(&mut self, name: &str) {
        self.depth += 1;
        match name {
            "rPh" if self.reading.is_none() => self.reading = Some(self.depth),
            "t" if self.text.is_none() && self.reading.is_none() => self.text = Some(self.depth),
            _ => {}
        }
    }

    /// An element ends.
    pub fn end(&mut self) {
        self.text = self.text.filter(|depth| *depth < self.depth);
        self.reading = self.reading.filter(|depth| *depth < self.depth);
        self.depth = self.depth.saturating_sub(1);
    }

    /// Whether every element within is closed.
    pub fn is_closed(&self) -> bool {
        self.depth == 0
    }

    /// Takes a piece of text where it counts.
    pub fn text(&self, piece: &str, string: &mut String) -> io::Result<()> {
        if self.text.is_none() {
            return Ok(());
        }
        string.push_str(piece);
        if string.len() > STRING_LEN_MAX {
            return Err(io::Error::other("a text is longer than a cell can be"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn strings_beyond_the_memory_are_on_disk() -> io::Result<()> {
        let texts: Vec<String> = (0..9000).map(|number| format!("no. {number} ñ")).collect();
        let items: String = texts.iter().map(|text| format!("<si><t>{text}</t></si>")).collect();
        let xml = || Xml::new(Cursor::new(format!("<sst uniqueCount=\"9999999999999\">{items}</sst>")));
        for memory_len_max in [0, 1000, 1 << 20] {
            let mut strings = Strings::within(xml(), memory_len_max)?;
            for number in [0, 1, 4095, 4096, 8192, 8999, 0, 4096] {
                assert_eq!(
                    Some(&strings.with(number, str::to_owned)?),
                    texts.get(number),
                    "{number} in {memory_len_max}"
                );
            }
            assert!(strings.with(9000, |_| ()).is_err());
        }
        Ok(())
    }

    #[test]
    fn runs_are_joined_and_readings_left_out() -> io::Result<()> {
        let xml = "<x:sst xmlns:x='s'><x:si><x:r><x:t>Ana &amp; </x:t></x:r><x:r><x:rPr><x:b/></x:rPr>\
                   <x:t>Luis&#10;_x000D_</x:t></x:r><x:rPh sb='0'><x:t>no</x:t></x:rPh></x:si><x:si/>\
                   <x:si><x:t/></x:si></x:sst>";
        let mut strings = Strings::read(Xml::new(Cursor::new(xml)))?;
        let all: Vec<String> = (0..3).map(|number| strings.with(number, str::to_owned)).collect::<io::Result<_>>()?;
        assert_eq!(all, ["Ana & Luis\n\r", "", ""]);
        Ok(())
    }
}
