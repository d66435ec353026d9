//! The shared strings of a workbook, by number. The first ones are in memory; the rest is in a file without a name.

use super::unescape::unescaped;
use super::xml::{Node, Xml};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};

/// Bytes of strings that are kept in memory.
const MEMORY_LEN_MAX: usize = 16 << 20;

/// Strings on disk are in blocks of so many, or of so many bytes, which are read as a whole: cells that follow one another
/// mostly refer to strings that do so too.
const BLOCK_COUNT: usize = 256;
const BLOCK_LEN: usize = 32 << 10;

/// Blocks from disk that are kept in memory.
const BLOCKS_KEPT: usize = 32;

/// The longest string; a spreadsheet's cell has 32,767 characters.
const STRING_LEN_MAX: usize = 1 << 20;

/// Strings by number.
#[derive(Default)]
pub(super) struct Strings {
    first: Texts,
    beyond: Option<Beyond>,
}

/// Some strings in memory.
#[derive(Default)]
struct Texts {
    text: String,
    /// Where each ends in `text`.
    ends: Vec<u32>,
}

/// Those that are on disk.
struct Beyond {
    file: File,
    blocks: Vec<Block>,
    count: usize,
    /// The blocks that were read last, the last one in front.
    kept: VecDeque<(usize, Texts)>,
}

/// Where a block is, and how many strings stand on disk before it.
struct Block {
    first: usize,
    from: u64,
    len: usize,
}

/// The same while they are written.
struct Filling {
    file: BufWriter<File>,
    blocks: Vec<Block>,
    len: u64,
    count: usize,
    next: Texts,
}

impl Texts {
    /// With room for so many bytes, because growing would take as much again while they are moved. Pages are taken when they
    /// are written.
    fn with_room(len: usize) -> Texts {
        Texts { text: String::with_capacity(len), ends: Vec::with_capacity(len / size_of::<u32>()) }
    }

    fn len(&self) -> usize {
        self.text.len() + self.ends.len() * size_of::<u32>()
    }

    fn push(&mut self, string: &str) {
        self.text.push_str(string);
        self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
    }

    fn get(&self, number: usize) -> Option<&str> {
        let end = self.ends.get(number)?;
        let from = number.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or_default();
        self.text.get(from as usize..*end as usize)
    }
}

impl Strings {
    /// Reads them.
    pub fn read(xml: Xml) -> io::Result<Strings> {
        Strings::within(xml, MEMORY_LEN_MAX)
    }

    /// The same with so many bytes in memory.
    fn within(mut xml: Xml, memory_len_max: usize) -> io::Result<Strings> {
        let (mut strings, mut filling) = (Strings { first: Texts::with_room(memory_len_max), beyond: None }, None);
        let mut raw = String::new();
        while next_string(&mut xml, &mut raw)? {
            let string = unescaped(&raw);
            if filling.is_none() && strings.first.len() + string.len() <= memory_len_max {
                strings.first.push(&string);
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
        if let Some(string) = self.first.get(number) {
            return Ok(take(string));
        }
        let beyond = self.beyond.as_mut().zip(number.checked_sub(self.first.ends.len()));
        match beyond.filter(|(beyond, number)| *number < beyond.count) {
            Some((beyond, number)) => beyond.get(number).map(take),
            None => Err(io::Error::other(format!("a cell refers to string {number}, and there is none"))),
        }
    }
}

impl Filling {
    fn begin() -> io::Result<Filling> {
        let file = BufWriter::new(tempfile::tempfile()?);
        Ok(Filling { file, blocks: Vec::new(), len: 0, count: 0, next: Texts::default() })
    }

    fn push(&mut self, string: &str) -> io::Result<()> {
        self.next.push(string);
        self.count += 1;
        let is_full = self.next.ends.len() == BLOCK_COUNT || self.next.text.len() >= BLOCK_LEN;
        if is_full { self.write_block() } else { Ok(()) }
    }

    /// Writes where its strings end, and their text.
    fn write_block(&mut self) -> io::Result<()> {
        let Texts { text, ends } = &mut self.next;
        if ends.is_empty() {
            return Ok(());
        }
        let len = ends.len() * size_of::<u32>() + text.len();
        self.blocks.push(Block { first: self.count - ends.len(), from: self.len, len });
        self.len += len as u64;
        ends.iter().try_for_each(|end| self.file.write_all(&end.to_le_bytes()))?;
        self.file.write_all(text.as_bytes())?;
        text.clear();
        ends.clear();
        Ok(())
    }

    fn end(mut self) -> io::Result<Beyond> {
        self.write_block()?;
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Beyond { file, blocks: self.blocks, count: self.count, kept: VecDeque::with_capacity(BLOCKS_KEPT) })
    }
}

impl Beyond {
    fn get(&mut self, number: usize) -> io::Result<&str> {
        let at = self.blocks.partition_point(|block| block.first <= number).saturating_sub(1);
        match self.kept.iter().position(|(known, _)| *known == at) {
            Some(0) => {}
            Some(place) => {
                let block = self.kept.remove(place);
                block.into_iter().for_each(|block| self.kept.push_front(block));
            }
            None => {
                let block = self.load(at)?;
                self.kept.truncate(BLOCKS_KEPT - 1);
                self.kept.push_front((at, block));
            }
        }
        let first = self.blocks.get(at).map_or(0, |block| block.first);
        Ok(self.kept.front().and_then(|(_, block)| block.get(number - first)).unwrap_or_default())
    }

    fn load(&mut self, at: usize) -> io::Result<Texts> {
        let Some(block) = self.blocks.get(at) else { return Ok(Texts::default()) };
        let next = self.blocks.get(at + 1).map_or(self.count, |next| next.first);
        self.file.seek(SeekFrom::Start(block.from))?;
        let mut ends = vec![0; (next - block.first) * size_of::<u32>()];
        self.file.read_exact(&mut ends)?;
        let mut text = vec![0; block.len - ends.len()];
        self.file.read_exact(&mut text)?;
        let ends = ends.as_chunks().0.iter().map(|end| u32::from_le_bytes(*end)).collect();
        Ok(Texts { text: String::from_utf8(text).map_err(io::Error::other)?, ends })
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
            for number in [0, 1, 255, 256, 4095, 4096, 8192, 8999, 0, 4096].into_iter().chain(0..9000) {
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
