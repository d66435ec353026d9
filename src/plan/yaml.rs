//! A YAML page as a tree that knows where everything stands.
//!
//! It knows nothing of what the page is about. Aliases, anchors, tags, several documents, keys that are not text and
//! keys that stand twice are mistakes: a page that people edit by hand says each thing once, where it belongs.

use super::diagnostic::Diagnostic;
use serde_saphyr::granit_parser::{Event, Options, Parser, ScalarStyle, ScanError};
use std::fmt;
use std::ops::Range;

/// No page that a person writes comes near it; what is longer is a data file under a wrong name.
pub const PAGE_LEN_MAX: usize = 1 << 20;
/// Values on one page: bounds the work that a page can cause.
const NODES_MAX: usize = 20_000;
/// Maps and lists within one another.
const DEPTH_MAX: usize = 32;
/// What to do about a text that YAML takes for something else.
const QUOTE: &str = "where it is a text, put it between quotes; otherwise write the value out";

/// A place on the page, in bytes.
pub type Span = Range<usize>;

/// A value on the page.
#[derive(Clone, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Where it stands.
    pub span: Span,
}

/// What a value is.
#[derive(Clone, PartialEq, Eq)]
pub enum Kind {
    /// Nothing, `~` or `null`.
    Null,
    /// Text, a number or `true`, as it is spelled.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of the page; no key twice, unless that is among the mistakes.
    Map(Vec<(Key, Node)>),
}

/// A key of a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// As it is spelled.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

impl Node {
    /// What it is, for messages.
    pub fn kind_name(&self) -> &'static str {
        match self.kind {
            Kind::Null => "nothing",
            Kind::Text(_) => "a text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
        }
    }
}

impl fmt::Debug for Node {
    /// Never the text: it may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {:?}", self.kind_name(), self.span)
    }
}

/// Reads a page. `None` when it is empty or cannot be read to its end; what is wrong is added to `mistakes`. `what` is
/// what the page is, for messages: `the configuration`.
pub fn read(page: &str, what: &str, mistakes: &mut Vec<Diagnostic>) -> Option<Node> {
    if page.len() > PAGE_LEN_MAX {
        mistakes.push(Diagnostic::new(0..0, format!("{what} is longer than 1 MiB")));
        return None;
    }
    let mut builder = Builder { open: Vec::new(), root: None, nodes: 0, what, mistakes };
    for event in Parser::new_from_str_with_options(page, options()) {
        match event {
            Ok((event, span)) => builder.take(event, span.byte_range().unwrap_or(0..0))?,
            Err(error) => {
                builder.mistakes.push(broken(page, &error));
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

fn broken(page: &str, error: &ScanError) -> Diagnostic {
    let from = error.marker().byte_offset().unwrap_or_default().min(page.len());
    let before = page.get(..from).unwrap_or_default();
    let line = page.get(before.rfind('\n').map_or(0, |at| at + 1)..).unwrap_or_default();
    let line = line.lines().next().unwrap_or_default();
    let mistake = Diagnostic::new(from..from + 1, format!("this is not YAML: {}", error.info()));
    if line.trim_start_matches(' ').starts_with('\t') {
        return mistake.hint("indent with blanks, not with tabs");
    }
    if line.contains("${") && line.contains('{') {
        return mistake.hint("within `{ }`, put `\"${NAME}\"` between quotes");
    }
    if error.info().contains("unclosed") {
        return mistake.hint("close it, or put a text that begins so between quotes");
    }
    mistake
}

/// Something begun and not ended.
enum Open {
    List(Vec<Node>, usize),
    Map { entries: Vec<(Key, Node)>, key: Option<Key>, from: usize },
}

struct Builder<'m> {
    open: Vec<Open>,
    root: Option<Node>,
    nodes: usize,
    what: &'m str,
    mistakes: &'m mut Vec<Diagnostic>,
}

impl Builder<'_> {
    /// Takes one event; `None` ends the reading.
    fn take(&mut self, event: Event<'_>, span: Span) -> Option<()> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.no_extras(anchor != 0, tag.is_some(), &span);
                let plain = style == ScalarStyle::Plain;
                let null = plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL") && !self.wants_key();
                self.put(Node { kind: if null { Kind::Null } else { Kind::Text(text.into_owned()) }, span })
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.no_extras(anchor != 0, tag.is_some(), &span);
                self.begin(Open::List(Vec::new(), span.start), &span)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.no_extras(anchor != 0, tag.is_some(), &span);
                self.begin(Open::Map { entries: Vec::new(), key: None, from: span.start }, &span)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let node = match self.open.pop()? {
                    Open::List(items, from) => Node { kind: Kind::List(items), span: from..span.end },
                    Open::Map { entries, from, .. } => Node { kind: Kind::Map(entries), span: from..span.end },
                };
                self.put(node)
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.mistake(&span, "aliases (`*name`) have no place here", QUOTE);
                self.put(Node { kind: Kind::Null, span })
            }
            _ => Some(()),
        }
    }

    fn wants_key(&self) -> bool {
        matches!(self.open.last(), Some(Open::Map { key: None, .. }))
    }

    fn no_extras(&mut self, anchor: bool, tag: bool, span: &Span) {
        if anchor {
            self.mistake(span, "anchors (`&name`) have no place here", QUOTE);
        }
        if tag {
            self.mistake(span, "tags (`!name`) have no place here", QUOTE);
        }
    }

    fn begin(&mut self, open: Open, span: &Span) -> Option<()> {
        if self.wants_key() {
            self.mistake(span, "a key must be a text", "put it between quotes");
            return None;
        }
        if self.open.len() >= DEPTH_MAX {
            self.mistakes.push(Diagnostic::new(span.clone(), format!("nested more than {DEPTH_MAX} deep")));
            return None;
        }
        self.open.push(open);
        Some(())
    }

    fn put(&mut self, node: Node) -> Option<()> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            let message = format!("{} has more than {NODES_MAX} values", self.what);
            self.mistakes.push(Diagnostic::new(node.span, message));
            return None;
        }
        match self.open.last_mut() {
            None if self.root.is_some() => {
                let message = format!("{} is one document", self.what);
                self.mistake(&node.span, &message, "take out what follows `---`");
                return None;
            }
            None => self.root = Some(node),
            Some(Open::List(items, _)) => items.push(node),
            Some(Open::Map { key, .. }) => match (key.take(), node.kind) {
                (Some(name), kind) => self.entry(name, Node { kind, span: node.span }),
                (None, Kind::Text(text)) => *key = Some(Key { text, span: node.span }),
                (None, _) => {
                    self.mistake(&node.span, "a key must be a text", "put it between quotes");
                    return None;
                }
            },
        }
        Some(())
    }

    fn entry(&mut self, key: Key, value: Node) {
        let Some(Open::Map { entries, .. }) = self.open.last_mut() else { return };
        if entries.iter().any(|(known, _)| known.text == key.text) {
            let message = format!("`{}` stands here a second time", key.text);
            self.mistakes.push(Diagnostic::new(key.span.clone(), message).hint("keep one of them"));
        }
        entries.push((key, value));
    }

    fn mistake(&mut self, span: &Span, message: &str, hint: &str) {
        self.mistakes.push(Diagnostic::new(span.clone(), message).hint(hint));
    }
}
