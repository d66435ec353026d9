//! Changing one value of a YAML file and leaving every other byte as it is: comments, order and spelling stay.
//!
//! A change is made in the text and then proven: the text is read again and must say what was wanted, and nothing else must
//! have changed. Where that is not so, the file is left alone. It knows no key of any file, and writes none.

use super::errors::Errors;
use super::tree::{Kind, Node, Text, read};
use serde_json::{Map, Value};
use std::ops::Range;

/// Keys inside a map are indented by so much where nothing shows another way.
const INDENT: usize = 2;

/// The file is written in a way in which this value cannot be changed alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unpatchable;

/// Where a new key stands among the others of its map, by the path of the map: behind the last one with no greater number.
pub type Rank<'r> = &'r dyn Fn(&[&str], &str) -> usize;

/// The same within one map.
type Place<'r> = &'r dyn Fn(&str) -> usize;

/// The text of a file, with its tree.
pub struct Patch<'t> {
    text: &'t str,
    root: Node,
}

/// The content of a value without places: text for every scalar.
pub fn plain(node: &Node) -> Value {
    match &node.kind {
        Kind::Null => Value::Null,
        Kind::Text { text, .. } => Value::from(text.as_str()),
        Kind::List(items) => items.iter().map(plain).collect(),
        Kind::Map(entries) => {
            Value::Object(entries.iter().map(|(key, value)| (key.text.clone(), plain(value))).collect())
        }
    }
}

/// Reads a text of YAML; none if it has errors or says nothing.
fn tree_of(text: &str) -> Option<Node> {
    let mut errors = Errors::default();
    let root = read(text, "the text", &mut errors)?;
    errors.is_empty().then_some(root)
}

impl<'t> Patch<'t> {
    /// A text without errors whose root is a map.
    pub fn of(text: &'t str) -> Option<Patch<'t>> {
        let root = tree_of(text)?;
        matches!(root.kind, Kind::Map(_)).then_some(Patch { text, root })
    }

    /// The value at a path of keys.
    pub fn get(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(&self.root, |node, key| entry(node, key).map(|(_, value)| value))
    }

    /// The text of a value, as it is written.
    pub fn source(&self, node: &Node) -> Option<&'t str> {
        self.text.get(node.at.start..self.end(node, node.at.start)?)
    }

    /// From the beginning of a key to the end of its value.
    pub fn span(&self, path: &[&str]) -> Option<Range<usize>> {
        let (last, parents) = path.split_last()?;
        let (key, value) = entry(self.get(parents)?, last)?;
        Some(key.at.start..self.end(value, key.at.end)?)
    }

    /// The comment behind a value, on the line where it ends.
    pub fn comment(&self, path: &[&str]) -> Option<&'t str> {
        let end = self.span(path)?.end;
        let rest = self.text.get(end..self.line_end(end))?;
        rest.trim_start().strip_prefix('#').map(str::trim)
    }

    /// The text with another value (in one line of YAML) at a path; missing maps and the key are made.
    ///
    /// # Errors
    /// Where the file is written in another way than it knows.
    pub fn set(&self, path: &[&str], value: &str, rank: Rank<'_>) -> Result<String, Unpatchable> {
        let wanted = tree_of(value).map(|node| plain(&node)).ok_or(Unpatchable)?;
        let mut expected = plain(&self.root);
        set_in(&mut expected, path, wanted).ok_or(Unpatchable)?;
        let text = match self.get(path) {
            Some(node) => self.replaced(path, node, value),
            None => self.inserted(path, value, rank),
        };
        proven(text, &expected)
    }

    /// The text without a key and its value. A map that has no other key goes with it, except at the top.
    ///
    /// # Errors
    /// As [`Patch::set`].
    pub fn remove(&self, path: &[&str]) -> Result<String, Unpatchable> {
        let (last, parents) = path.split_last().ok_or(Unpatchable)?;
        let parent = self.get(parents).ok_or(Unpatchable)?;
        let Kind::Map(entries) = &parent.kind else { return Err(Unpatchable) };
        if entries.len() == 1 && !parents.is_empty() {
            return match parents.len() {
                1 => self.set(parents, "{}", &|_, _| 0),
                _ => self.remove(parents),
            };
        }
        let mut expected = plain(&self.root);
        let object = object_at(&mut expected, parents).ok_or(Unpatchable)?;
        object.shift_remove(*last).ok_or(Unpatchable)?;
        proven(self.cut(parents, last), &expected)
    }

    /// The text with another name for a key.
    ///
    /// # Errors
    /// As [`Patch::set`], and where the name is taken.
    pub fn rename(&self, path: &[&str], name: &str, written: &str) -> Result<String, Unpatchable> {
        let (last, parents) = path.split_last().ok_or(Unpatchable)?;
        let (key, _) = self.get(parents).and_then(|parent| entry(parent, last)).ok_or(Unpatchable)?;
        let mut expected = plain(&self.root);
        let object = object_at(&mut expected, parents).ok_or(Unpatchable)?;
        let value = object.shift_remove(*last).ok_or(Unpatchable)?;
        if object.insert(name.to_owned(), value).is_some() {
            return Err(Unpatchable);
        }
        proven(self.in_line(key.at.clone(), written, path), &expected)
    }

    /// The text without the comment behind a value.
    ///
    /// # Errors
    /// As [`Patch::set`].
    pub fn without_comment(&self, path: &[&str]) -> Result<String, Unpatchable> {
        let end = self.span(path).ok_or(Unpatchable)?.end;
        self.comment(path).ok_or(Unpatchable)?;
        proven(self.splice(end..self.line_end(end), ""), &plain(&self.root))
    }

    fn splice(&self, at: Range<usize>, new: &str) -> Option<String> {
        Some([self.text.get(..at.start)?, new, self.text.get(at.end..)?].concat())
    }

    fn line_start(&self, at: usize) -> usize {
        self.text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1)
    }

    /// Where the line ends, its line feed not counted.
    fn line_end(&self, at: usize) -> usize {
        self.text.get(at..).and_then(|after| after.find('\n')).map_or(self.text.len(), |len| at + len)
    }

    /// Where the line after this place begins.
    fn next_line(&self, at: usize) -> usize {
        (self.line_end(at) + 1).min(self.text.len())
    }

    fn is_flow(&self, node: &Node) -> bool {
        let is_collection = matches!(node.kind, Kind::List(_) | Kind::Map(_));
        is_collection && self.text.get(node.at.start..).is_some_and(|rest| rest.starts_with(['{', '[']))
    }

    /// Where a value ends; `key_end` is where its key does, for a value that is not written at all.
    fn end(&self, node: &Node, key_end: usize) -> Option<usize> {
        let written = self.text.get(node.at.clone())?.trim_end();
        let end = node.at.start + written.len();
        match &node.kind {
            Kind::List(_) | Kind::Map(_) if self.is_flow(node) => written.ends_with(['}', ']']).then_some(end),
            Kind::Null if written.is_empty() => Some(key_end + self.text.get(key_end..)?.find(':')? + 1),
            Kind::Null | Kind::Text { .. } => Some(end),
            Kind::List(items) => self.end(items.last()?, node.at.start),
            Kind::Map(entries) => entries.last().and_then(|(key, value)| self.end(value, key.at.end)),
        }
    }

    /// The text with another value in place of one that is there.
    fn replaced(&self, path: &[&str], node: &Node, value: &str) -> Option<String> {
        let (last, parents) = path.split_last()?;
        let (key, _) = entry(self.get(parents)?, last)?;
        let end = self.end(node, key.at.end)?;
        let colon = key.at.end + self.text.get(key.at.end..)?.find(':')? + 1;
        let is_written =
            self.text.get(node.at.start..end).is_some_and(|text| !text.is_empty()) && node.at.start >= colon;
        let is_inline = is_written && !self.text.get(colon..node.at.start)?.contains('\n');
        let is_block = self.text.get(node.at.start..).is_some_and(|rest| rest.starts_with(['|', '>']));
        match is_inline && !is_block {
            true => self.in_line(node.at.start..end, value, path),
            false => self.in_line(colon..end.max(colon), &format!(" {value}"), path),
        }
    }

    /// Puts a text in place of another one within the value at a path; the comment behind the value stays in its column where
    /// there is room.
    fn in_line(&self, at: Range<usize>, new: &str, path: &[&str]) -> Option<String> {
        let line_end = self.line_end(at.end);
        let ends = (1..=path.len()).filter_map(|len| Some(self.span(path.get(..len)?)?.end));
        let end = ends.filter(|end| *end >= at.end && *end <= line_end).max().unwrap_or(at.end);
        let rest = self.text.get(end..line_end)?;
        let comment = rest.trim_start();
        if !comment.starts_with('#') || !rest.starts_with([' ', '\t']) {
            return self.splice(at, new);
        }
        let width = |text: &str| text.chars().count();
        let between = self.text.get(at.end..end)?;
        let before = self.text.get(self.line_start(at.start)..at.start)?;
        let column = width(self.text.get(self.line_start(end)..line_end)?) - width(comment);
        let blanks = column.saturating_sub(width(before) + width(new) + width(between)).max(INDENT);
        self.splice(at.start..line_end, &format!("{new}{between}{}{comment}", " ".repeat(blanks)))
    }

    /// The text with a key that is not there yet.
    fn inserted(&self, path: &[&str], value: &str, rank: Rank<'_>) -> Option<String> {
        let known = (0..path.len()).rev().find(|len| path.get(..*len).is_some_and(|path| self.get(path).is_some()))?;
        let (parents, missing) = path.split_at_checked(known)?;
        let parent = self.get(parents)?;
        let (key, inner) = missing.split_first()?;
        let place = |key: &str| rank(parents, key);
        match &parent.kind {
            Kind::Map(entries) if !self.is_flow(parent) && !entries.is_empty() => {
                let indent = self.indent_of(entries)?;
                let line = block(key, inner, value, indent);
                self.insert_line(entries, key, &line, &place)
            }
            Kind::Map(_) if self.is_flow(parent) => {
                self.insert_flow(parents, &flow(key, inner, value), place(key), &place)
            }
            Kind::Null => self.replaced(parents, parent, &format!("{{ {} }}", flow(key, inner, value))),
            _ => None,
        }
    }

    fn indent_of(&self, entries: &[(Text, Node)]) -> Option<usize> {
        let (first, _) = entries.first()?;
        let line = self.text.get(self.line_start(first.at.start)..first.at.start)?;
        line.chars().all(|c| c == ' ').then_some(line.len())
    }

    /// A line for a new key of a block. If a comment has the same key at the same place, as a suggestion writes it, the line
    /// takes its place.
    fn insert_line(&self, entries: &[(Text, Node)], key: &str, line: &str, place: Place<'_>) -> Option<String> {
        if let Some(at) = self.commented(entries, key) {
            return self.splice(at, line);
        }
        let before = entries.iter().rev().find(|(known, _)| place(&known.text) <= place(key));
        let at = match before {
            Some((known, value)) => self.next_line(self.end(value, known.at.end)?),
            None => self.line_start(entries.first()?.0.at.start),
        };
        let needs_end = at == self.text.len() && !self.text.is_empty() && !self.text.ends_with('\n');
        self.splice(at..at, &format!("{}{line}", if needs_end { "\n" } else { "" }))
    }

    /// The line of a comment that has this key as one of the block's.
    fn commented(&self, entries: &[(Text, Node)], key: &str) -> Option<Range<usize>> {
        let indent = " ".repeat(self.indent_of(entries)?);
        let (last, value) = entries.last()?;
        let wanted = [format!("{indent}# {key}: "), format!("{indent}# {}: ", super::write::quoted(key))];
        let mut at = self.line_start(entries.first()?.0.at.start);
        let end = self.end(value, last.at.end)?;
        while at < self.text.len() {
            let next = self.next_line(at);
            let line = self.text.get(at..next)?;
            if wanted.iter().any(|wanted| line.starts_with(wanted.as_str())) {
                return Some(at..next);
            }
            let is_over = at > end && !line.trim().is_empty() && !line.trim_start().starts_with('#');
            if is_over || next <= at {
                return None;
            }
            at = next;
        }
        None
    }

    fn insert_flow(&self, path: &[&str], new: &str, own: usize, place: Place<'_>) -> Option<String> {
        let parent = self.get(path)?;
        let Kind::Map(entries) = &parent.kind else { return None };
        let end = self.end(parent, parent.at.start)?;
        let Some((first, _)) = entries.first() else {
            return self.in_line(parent.at.start..end, &format!("{{ {new} }}"), path);
        };
        match entries.iter().rev().find(|(known, _)| place(&known.text) <= own) {
            Some((known, value)) => {
                let at = self.end(value, known.at.end)?;
                self.in_line(at..at, &format!(", {new}"), path)
            }
            None => self.in_line(first.at.start..first.at.start, &format!("{new}, "), path),
        }
    }

    /// The text without one of several entries of the map at a path.
    fn cut(&self, path: &[&str], key: &str) -> Option<String> {
        let parent = self.get(path)?;
        let Kind::Map(entries) = &parent.kind else { return None };
        let place = entries.iter().position(|(known, _)| known.text == key)?;
        let (known, value) = entries.get(place)?;
        let end = self.end(value, known.at.end)?;
        if !self.is_flow(parent) {
            let start = self.line_start(known.at.start);
            let is_alone = self.text.get(start..known.at.start)?.trim().is_empty();
            return if is_alone { self.splice(start..self.next_line(end), "") } else { None };
        }
        match (place.checked_sub(1).and_then(|before| entries.get(before)), entries.get(place + 1)) {
            (Some((before, value)), _) => self.in_line(self.end(value, before.at.end)?..end, "", path),
            (None, Some((next, _))) => self.in_line(known.at.start..next.at.start, "", path),
            (None, None) => None,
        }
    }
}

fn entry<'n>(node: &'n Node, key: &str) -> Option<&'n (Text, Node)> {
    match &node.kind {
        Kind::Map(entries) => entries.iter().find(|(known, _)| known.text == key),
        _ => None,
    }
}

/// Lines of a block: a key, and keys inside of it.
fn block(key: &str, inner: &[&str], value: &str, indent: usize) -> String {
    let mut lines = String::new();
    let keys: Vec<&str> = std::iter::once(key).chain(inner.iter().copied()).collect();
    for (depth, key) in keys.iter().enumerate() {
        let value = if depth + 1 == keys.len() { format!(" {value}") } else { String::new() };
        lines.push_str(&format!("{}{}:{value}\n", " ".repeat(indent + INDENT * depth), super::write::quoted(key)));
    }
    lines
}

/// The same in one line.
fn flow(key: &str, inner: &[&str], value: &str) -> String {
    let value = match inner.split_first() {
        Some((key, inner)) => format!("{{ {} }}", flow(key, inner, value)),
        None => value.to_owned(),
    };
    format!("{}: {value}", super::write::quoted(key))
}

/// The map at a path, in a value without places.
fn object_at<'v>(root: &'v mut Value, path: &[&str]) -> Option<&'v mut Map<String, Value>> {
    path.iter().try_fold(root, |value, key| value.get_mut(*key))?.as_object_mut()
}

/// Sets a value; missing maps are made.
fn set_in(root: &mut Value, path: &[&str], wanted: Value) -> Option<()> {
    let (last, parents) = path.split_last()?;
    let mut at = root;
    for key in parents {
        at = at.as_object_mut()?.entry(*key).or_insert(Value::Null);
        if at.is_null() {
            *at = Value::Object(Map::new());
        }
    }
    at.as_object_mut()?.insert((*last).to_owned(), wanted);
    Some(())
}

/// The text, if it says what is expected.
fn proven(text: Option<String>, expected: &Value) -> Result<String, Unpatchable> {
    let text = text.ok_or(Unpatchable)?;
    let says = tree_of(&text).map(|root| plain(&root));
    if says.as_ref() == Some(expected) { Ok(text) } else { Err(Unpatchable) }
}
