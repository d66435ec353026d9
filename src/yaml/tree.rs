//! The text of a YAML file as a tree in which every value has its place.
//!
//! It does not interpret values. Aliases, anchors, tags, several documents, keys that are not text and keys that occur
//! twice are errors, because a file that users edit by hand should say each thing once, where it belongs.

use super::errors::{Errors, Place};
use serde_saphyr::granit_parser::{Event, Options, Parser, ScalarStyle, ScanError, Span};
use std::fmt;

/// The longest file, in bytes. A longer one is a data file under a wrong name.
pub const FILE_LEN_MAX: usize = 1 << 20;
/// Values in one file: bounds the work that a file can cause.
const NODES_MAX: usize = 20_000;
/// Maps and lists inside one another; a mapping needs six.
const DEPTH_MAX: usize = 32;
/// The hint for a text that YAML takes for something else.
const QUOTE: &str = "where it is a text, put it between quotes; otherwise write the value out";

/// A text and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// As it is spelled.
    pub text: String,
    /// Where it is.
    pub at: Place,
}

/// A value of the file.
#[derive(Clone, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Where it is.
    pub at: Place,
}

/// What a value is.
#[derive(Clone, PartialEq, Eq)]
pub enum Kind {
    /// Nothing, `~` or `null`.
    Null,
    /// Text, a number or `true`.
    Text {
        /// As it is spelled.
        text: String,
        /// Whether it is without quotes.
        is_plain: bool,
    },
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of the file. A key that occurs twice is an error, and both entries are kept, so that the
    /// values of both can be masked.
    Map(Vec<(Text, Node)>),
}

impl Node {
    /// What it is, for messages.
    pub fn kind_name(&self) -> &'static str {
        match &self.kind {
            Kind::Null => "nothing",
            Kind::Text { .. } => "a text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
        }
    }

    /// Adds its content to a hash. Two files that say the same have the same hash, however they are written.
    pub fn hash_into(&self, hasher: &mut blake3::Hasher) {
        let mut text = |mark: u8, text: &str| {
            hasher.update(&[mark]);
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        };
        match &self.kind {
            Kind::Null => text(0, ""),
            Kind::Text { text: value, .. } => text(1, value),
            Kind::List(items) => {
                text(2, &items.len().to_string());
                items.iter().for_each(|item| item.hash_into(hasher));
            }
            Kind::Map(entries) => {
                text(3, &entries.len().to_string());
                for (key, value) in entries {
                    hasher.update(&(key.text.len() as u64).to_le_bytes());
                    hasher.update(key.text.as_bytes());
                    value.hash_into(hasher);
                }
            }
        }
    }
}

impl fmt::Debug for Node {
    /// Leaves the text out, because it may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {:?}", self.kind_name(), self.at)
    }
}

/// Reads the text of a file. `None` when it is empty or cannot be read to its end; what is wrong is added to `errors`.
/// `what` names the file in messages: `the configuration`.
pub fn read(text: &str, what: &str, errors: &mut Errors) -> Option<Node> {
    if text.len() > FILE_LEN_MAX {
        errors.add(&(0..0), format!("{what} is longer than 1 MiB")).set_hint("check that this is the right file");
        return None;
    }
    let mut builder = Builder { open: Vec::new(), root: None, nodes: 0, what, errors };
    for event in Parser::new_from_str_with_options(text, options()) {
        match event {
            Ok((event, span)) => builder.take(event, &place(&span))?,
            Err(error) => {
                builder.broken(text, &error);
                return None;
            }
        }
    }
    builder.root
}

fn options() -> Options {
    let mut options = Options::default();
    options.emit_comments = false;
    options.emit_unresolved_aliases = true;
    options.disallow_directives = true;
    options.flow_nesting_limit = DEPTH_MAX + 1;
    options.block_nesting_limit = DEPTH_MAX + 1;
    options
}

fn place(span: &Span) -> Place {
    span.byte_range().unwrap_or(0..0)
}

/// A list or a map whose end has not been read yet.
enum Open {
    List(Vec<Node>, usize),
    Map { entries: Vec<(Text, Node)>, key: Option<Text>, from: usize },
}

struct Builder<'e> {
    open: Vec<Open>,
    root: Option<Node>,
    nodes: usize,
    what: &'e str,
    errors: &'e mut Errors,
}

impl Builder<'_> {
    /// Takes one event; `None` ends the reading.
    fn take(&mut self, event: Event<'_>, at: &Place) -> Option<()> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_extras(anchor != 0, tag.is_some(), at);
                let is_plain = style == ScalarStyle::Plain;
                let is_null = is_plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL") && !self.wants_key();
                let kind = if is_null { Kind::Null } else { Kind::Text { text: text.into_owned(), is_plain } };
                self.put(Node { kind, at: at.clone() })
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.refuse_extras(anchor != 0, tag.is_some(), at);
                self.begin(Open::List(Vec::new(), at.start), at)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.refuse_extras(anchor != 0, tag.is_some(), at);
                self.begin(Open::Map { entries: Vec::new(), key: None, from: at.start }, at)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let node = match self.open.pop()? {
                    Open::List(items, from) => Node { kind: Kind::List(items), at: from..at.end },
                    Open::Map { entries, from, .. } => Node { kind: Kind::Map(entries), at: from..at.end },
                };
                self.put(node)
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.errors.add(at, "aliases (`*name`) have no place here").set_hint(QUOTE);
                self.put(Node { kind: Kind::Null, at: at.clone() })
            }
            _ => Some(()),
        }
    }

    fn wants_key(&self) -> bool {
        matches!(self.open.last(), Some(Open::Map { key: None, .. }))
    }

    fn refuse_extras(&mut self, has_anchor: bool, has_tag: bool, at: &Place) {
        if has_anchor {
            self.errors.add(at, "anchors (`&name`) have no place here").set_hint(QUOTE);
        }
        if has_tag {
            self.errors.add(at, "tags (`!name`) have no place here").set_hint(QUOTE);
        }
    }

    fn begin(&mut self, open: Open, at: &Place) -> Option<()> {
        if self.wants_key() {
            self.errors.add(at, "a key must be a text").set_hint("put it between quotes");
            return None;
        }
        if self.open.len() >= DEPTH_MAX {
            self.errors.add(at, format!("{} is nested more than {DEPTH_MAX} deep", self.what));
            return None;
        }
        self.open.push(open);
        Some(())
    }

    fn put(&mut self, node: Node) -> Option<()> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            self.errors.add(&node.at, format!("{} has more than {NODES_MAX} values", self.what));
            return None;
        }
        match self.open.last_mut() {
            None if self.root.is_some() => {
                let message = format!("{} must be one document", self.what);
                self.errors.add(&node.at, message).set_hint("remove what follows `---`");
                return None;
            }
            None => self.root = Some(node),
            Some(Open::List(items, _)) => items.push(node),
            Some(Open::Map { entries, key, .. }) => match (key.take(), node.kind) {
                (Some(name), kind) => {
                    if entries.iter().any(|(known, _)| known.text == name.text) {
                        let message = format!("`{}` stands here a second time", name.text);
                        self.errors.add(&name.at, message).set_hint("keep one of them");
                    }
                    entries.push((name, Node { kind, at: node.at }));
                }
                (None, Kind::Text { text, .. }) => *key = Some(Text { text, at: node.at }),
                (None, _) => {
                    self.errors.add(&node.at, "a key must be a text").set_hint("put it between quotes");
                    return None;
                }
            },
        }
        Some(())
    }

    fn broken(&mut self, text: &str, error: &ScanError) {
        let from = error.marker().byte_offset().unwrap_or_default().min(text.len());
        let found = error.info();
        let error = self.errors.add(&(from..from + 1), format!("this is not YAML: {found}"));
        let before = text.get(..from).unwrap_or_default();
        let line = text.get(before.rfind('\n').map_or(0, |at| at + 1)..).unwrap_or_default();
        let line = line.lines().next().unwrap_or_default();
        if line.trim_start_matches(' ').starts_with('\t') {
            error.set_hint("indent with blanks, not with tabs");
        } else if line.contains("${") && line.contains('{') {
            error.set_hint("within `{ }`, put `\"${NAME}\"` between quotes");
        } else if found.contains("unclosed") {
            error.set_hint("close it, or put a text that begins so between quotes");
        }
    }
}
