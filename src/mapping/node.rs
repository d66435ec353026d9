//! The YAML page as a tree that knows where everything stands.
//!
//! It knows nothing of mappings. Aliases, anchors, tags, several documents and keys that are not text are mistakes; so
//! are keys that stand twice.

use super::mistake::Mistakes;
use serde_saphyr::granit_parser::{Event, Options, Parser, ScalarStyle, ScanError, Span};
use std::ops::Range;

/// No mapping that a person writes comes near; a page beyond it is a data file under a wrong name.
pub(super) const PAGE_LEN_MAX: usize = 1 << 20;
/// Texts, lists and maps of one page: bounds the work that a page can cause.
const NODES_MAX: usize = 20_000;
/// A mapping needs six.
const DEPTH_MAX: usize = 32;

/// A place in the page, in bytes.
pub(super) type Place = Range<usize>;

/// A text and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text {
    pub text: String,
    pub at: Place,
}

/// A value of the page.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub kind: Kind,
    pub at: Place,
}

/// What a value is.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    Null,
    /// `plain`: without quotes.
    Text {
        text: String,
        plain: bool,
    },
    List(Vec<Node>),
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

    /// Its content, however it is written: what two pages that say the same have in common.
    pub fn hash(&self, hasher: &mut blake3::Hasher) {
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
                items.iter().for_each(|item| item.hash(hasher));
            }
            Kind::Map(entries) => {
                text(3, &entries.len().to_string());
                for (key, value) in entries {
                    hasher.update(&(key.text.len() as u64).to_le_bytes());
                    hasher.update(key.text.as_bytes());
                    value.hash(hasher);
                }
            }
        }
    }
}

/// Something begun and not ended.
enum Open {
    List(Vec<Node>, usize),
    Map { entries: Vec<(Text, Node)>, key: Option<Text>, from: usize },
}

/// Reads a page. `None` when it cannot be read as a whole; what is wrong stands in `mistakes`.
pub(super) fn read(page: &str, mistakes: &mut Mistakes) -> Option<Node> {
    if page.len() > PAGE_LEN_MAX {
        mistakes.add(&(0..0), "the mapping is longer than 1 MiB").help("is this the file with the contacts?");
        return None;
    }
    let mut builder = Builder { open: Vec::new(), root: None, nodes: 0, mistakes };
    for event in Parser::new_from_str_with_options(page, options()) {
        match event {
            Ok((event, span)) => builder.take(event, &span)?,
            Err(error) => {
                builder.broken(page, &error);
                return None;
            }
        }
    }
    let root = builder.root;
    if root.is_none() {
        mistakes.add(&(0..0), "the mapping is empty").help("it begins with `contact:`, and the fields below it");
    }
    root
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

struct Builder<'m> {
    open: Vec<Open>,
    root: Option<Node>,
    nodes: usize,
    mistakes: &'m mut Mistakes,
}

impl Builder<'_> {
    /// Takes one event; `None` ends the reading.
    fn take(&mut self, event: Event<'_>, span: &Span) -> Option<()> {
        let at = place(span);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_extras(anchor, tag.is_some(), &at);
                let plain = style == ScalarStyle::Plain;
                let is_null = plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
                let is_key = matches!(self.open.last(), Some(Open::Map { key: None, .. }));
                let kind = match is_null && !is_key {
                    true => Kind::Null,
                    false => Kind::Text { text: text.into_owned(), plain },
                };
                self.put(Node { kind, at })
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.refuse_extras(anchor, tag.is_some(), &at);
                self.begin(Open::List(Vec::new(), at.start), &at)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.refuse_extras(anchor, tag.is_some(), &at);
                self.begin(Open::Map { entries: Vec::new(), key: None, from: at.start }, &at)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let node = match self.open.pop()? {
                    Open::List(items, from) => Node { kind: Kind::List(items), at: from..at.end },
                    Open::Map { entries, from, .. } => Node { kind: Kind::Map(entries), at: from..at.end },
                };
                self.put(node)
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.mistakes.add(&at, "aliases (`*name`) have no place in a mapping").help("write the value out");
                self.put(Node { kind: Kind::Null, at })
            }
            _ => Some(()),
        }
    }

    fn refuse_extras(&mut self, anchor: usize, has_tag: bool, at: &Place) {
        if anchor != 0 {
            self.mistakes.add(at, "anchors (`&name`) have no place in a mapping").help("write the value out");
        }
        if has_tag {
            self.mistakes.add(at, "tags (`!name`) have no place in a mapping").help("put the text between quotes");
        }
    }

    fn begin(&mut self, open: Open, at: &Place) -> Option<()> {
        if let Some(Open::Map { key: None, .. }) = self.open.last() {
            self.mistakes.add(at, "a key must be a text").help("put it between quotes");
            return None;
        }
        if self.open.len() >= DEPTH_MAX {
            self.mistakes.add(at, format!("the mapping is nested more than {DEPTH_MAX} deep"));
            return None;
        }
        self.open.push(open);
        Some(())
    }

    fn put(&mut self, node: Node) -> Option<()> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            self.mistakes.add(&node.at, format!("the mapping has more than {NODES_MAX} values"));
            return None;
        }
        match self.open.last_mut() {
            None if self.root.is_some() => {
                self.mistakes.add(&node.at, "a mapping is one document").help("take out what follows `---`");
                return None;
            }
            None => self.root = Some(node),
            Some(Open::List(items, _)) => items.push(node),
            Some(Open::Map { entries, key, .. }) => match (key.take(), node.kind) {
                (Some(name), kind) => {
                    if entries.iter().any(|(known, _)| known.text == name.text) {
                        self.mistakes.add(&name.at, format!("`{}` stands here a second time", name.text));
                    } else {
                        entries.push((name, Node { kind, at: node.at }));
                    }
                }
                (None, Kind::Text { text, .. }) => *key = Some(Text { text, at: node.at }),
                (None, _) => {
                    self.mistakes.add(&node.at, "a key must be a text").help("put it between quotes");
                    return None;
                }
            },
        }
        Some(())
    }

    fn broken(&mut self, page: &str, error: &ScanError) {
        let from = error.marker().byte_offset().unwrap_or(0).min(page.len());
        let found = error.info();
        let is_tab = |at: usize| page.as_bytes().get(at) == Some(&b'\t');
        let about_tab = is_tab(from) || from.checked_sub(1).is_some_and(is_tab);
        let mistake = self.mistakes.add(&(from..from + 1), format!("this is not YAML: {found}"));
        if about_tab {
            mistake.help("indent with blanks, not with tabs");
        }
    }
}

fn place(span: &Span) -> Place {
    span.byte_range().unwrap_or(0..0)
}
