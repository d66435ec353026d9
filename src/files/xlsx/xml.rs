//! XML as elements and texts, bounded: no entities but those of XML, no document type, no token or nesting without limit.
//!
//! Prefixes of names are left aside, because programs choose them freely.

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesRef, BytesStart, Event};
use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;

/// The longest token: a tag, or a text without tags in it.
const TOKEN_LEN_MAX: usize = 16 << 20;

/// How deep elements nest; a sheet has ten levels.
const DEPTH_MAX: u32 = 64;

/// Bytes decompressed at once.
const BUFFER_LEN: usize = 64 << 10;

/// An XML document that is read from its beginning to its end.
pub(super) struct Xml {
    reader: Reader<Metered>,
    buffer: Vec<u8>,
    depth: u32,
}

/// What comes next.
pub(super) enum Node<'a> {
    /// An element begins.
    Begin(Element<'a>),
    /// The element that began last ends.
    End,
    /// A piece of the text between tags.
    Text(Cow<'a, str>),
    /// The document ends.
    Eof,
}

/// The beginning of an element.
pub(super) struct Element<'a>(BytesStart<'a>);

impl Element<'_> {
    /// Its name without a prefix.
    pub fn name(&self) -> &str {
        local(self.0.name().into_inner())
    }

    /// The value of an attribute, by its name without a prefix.
    pub fn value(&self, name: &str) -> Option<String> {
        let mut attributes = self.0.attributes();
        let value = attributes.with_checks(false).flatten().find(|found| local(found.key.into_inner()) == name)?;
        value.normalized_value(XmlVersion::Implicit1_0).ok().map(|value| value.into_owned())
    }

    /// Gives each attribute's name, without a prefix, and its value as it is written.
    pub fn each(&self, mut take: impl FnMut(&str, &str)) {
        for attribute in self.0.attributes().with_checks(false).flatten() {
            take(local(attribute.key.into_inner()), &attribute.value);
        }
    }

    /// Whether an attribute says yes.
    pub fn is(&self, name: &str) -> bool {
        self.value(name).is_some_and(|value| matches!(value.as_str(), "1" | "true" | "on"))
    }
}

fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, name)| name)
}

impl Xml {
    /// The document that `reader` gives.
    pub fn new(reader: impl Read + Send + 'static) -> Xml {
        let inner: Box<dyn Read + Send> = Box::new(reader);
        let metered = Metered { inner: BufReader::with_capacity(BUFFER_LEN, inner), taken: 0 };
        let mut reader = Reader::from_reader(metered);
        reader.config_mut().expand_empty_elements = true;
        Xml { reader, buffer: Vec::new(), depth: 0 }
    }

    /// What comes next.
    pub fn next(&mut self) -> io::Result<Node<'_>> {
        self.buffer.clear();
        self.reader.get_mut().taken = 0;
        let event = self.reader.read_event_into(&mut self.buffer).map_err(fault)?;
        Ok(match event {
            Event::Start(element) | Event::Empty(element) => {
                self.depth += 1;
                if self.depth > DEPTH_MAX {
                    return Err(io::Error::other(format!("its XML nests more than {DEPTH_MAX} deep")));
                }
                Node::Begin(Element(element))
            }
            Event::End(_) => {
                self.depth = self.depth.saturating_sub(1);
                Node::End
            }
            Event::Text(text) => Node::Text(text.into_inner()),
            Event::CData(text) => Node::Text(text.into_inner()),
            Event::GeneralRef(reference) => Node::Text(Cow::Owned(referred(&reference)?)),
            Event::DocType(_) => return Err(io::Error::other("its XML has a document type, which no workbook has")),
            Event::Eof if self.depth > 0 => return Err(io::Error::other("its XML ends in the middle")),
            Event::Eof => Node::Eof,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => Node::Text(Cow::Borrowed("")),
        })
    }
}

/// The text of a reference: XML's own names and numbers of characters only, so that nothing expands.
fn referred(reference: &BytesRef<'_>) -> io::Result<String> {
    if let Some(c) = reference.resolve_char_ref().map_err(io::Error::other)? {
        return Ok(c.to_string());
    }
    let name: &str = reference;
    let text = quick_xml::escape::resolve_xml_entity(name);
    text.map(str::to_owned).ok_or_else(|| io::Error::other(format!("its XML has the unknown reference `&{name};`")))
}

/// What went wrong below is told as it is.
fn fault(error: quick_xml::Error) -> io::Error {
    match error {
        quick_xml::Error::Io(error) => {
            Arc::try_unwrap(error).unwrap_or_else(|error| io::Error::new(error.kind(), error.to_string()))
        }
        other => io::Error::other(other),
    }
}

/// Counts the bytes of one token.
struct Metered {
    inner: BufReader<Box<dyn Read + Send>>,
    taken: usize,
}

impl Read for Metered {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buf)
    }
}

impl BufRead for Metered {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.taken > TOKEN_LEN_MAX {
            return Err(io::Error::other(format!("its XML has a text of more than {} MiB", TOKEN_LEN_MAX >> 20)));
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.taken += amount;
        self.inner.consume(amount);
    }
}
