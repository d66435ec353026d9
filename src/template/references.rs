//! Which values a template refers to, and the parts of one that only puts values side by side. Pure.

use super::tokens::{Block, Token};
use crate::yaml::Place;
use std::ops::Range;

/// The values that a template may refer to by name.
#[derive(Debug)]
pub struct Roots {
    /// `row`, `contact`.
    pub names: &'static [&'static str],
    /// The hint for a name that is not among them.
    pub hint: fn(&str) -> String,
}

/// A value in a template: `row.City`, `row['First Name']`, `contact.address.city`.
#[derive(Clone, Debug)]
pub struct Reference {
    /// One of the [`Roots`].
    pub root: &'static str,
    /// The names behind it, at least one.
    pub path: Vec<String>,
    /// Where it is.
    pub at: Place,
}

/// A part of a template that only puts values side by side.
#[derive(Clone, Debug)]
pub enum Part {
    /// Text that stays as it is.
    Literal(String),
    /// The value of the reference with this index.
    Value(usize),
}

/// A checked template.
#[derive(Clone, Debug)]
pub struct Template {
    /// Its name in the engine.
    pub name: String,
    /// The values that it refers to.
    pub references: Vec<Reference>,
    /// Its parts, if it only puts values side by side.
    pub parts: Option<Vec<Part>>,
    /// The roots that it uses as a whole, so that all their values must be given.
    pub whole: Vec<&'static str>,
    /// Where it is.
    pub at: Place,
}

/// The references in the blocks of a template.
pub(super) struct References {
    pub list: Vec<(&'static str, Vec<String>, Range<usize>)>,
    pub is_simple: bool,
    pub whole: Vec<&'static str>,
}

impl References {
    pub fn of(blocks: &[Block], roots: &Roots) -> References {
        let mut found = References { list: Vec::new(), is_simple: true, whole: Vec::new() };
        for block in blocks {
            let mut index = 0;
            let before = found.list.len();
            let mut covered = 0;
            while index < block.tokens.len() {
                match root_at(&block.tokens, index, roots) {
                    Some(root) => {
                        let taken = found.chain(root, &block.tokens, index);
                        covered += taken;
                        index += taken;
                    }
                    None => index += 1,
                }
            }
            let is_one_value = found.list.len() == before + 1 && covered == block.tokens.len();
            found.is_simple &= block.is_value && is_one_value;
        }
        found
    }

    /// Adds `row.a['b']` and returns how many tokens it has.
    fn chain(&mut self, root: &'static str, tokens: &[(Token, Range<usize>)], from: usize) -> usize {
        let mut path = Vec::new();
        let mut at = from + 1;
        loop {
            match (tokens.get(at), tokens.get(at + 1), tokens.get(at + 2)) {
                (Some((Token::Sign('.'), _)), Some((Token::Word(word), _)), next) => {
                    if matches!(next, Some((Token::Sign('('), _))) {
                        break;
                    }
                    path.push(word.clone());
                    at += 2;
                }
                (Some((Token::Sign('['), _)), Some((Token::Text(text), _)), Some((Token::Sign(']'), _))) => {
                    path.push(text.clone());
                    at += 3;
                }
                _ => break,
            }
        }
        if path.is_empty() {
            self.is_simple = false;
            self.whole.push(root);
        } else if let (Some((_, begin)), Some((_, end))) = (tokens.get(from), tokens.get(at - 1)) {
            self.list.push((root, path, begin.start..end.end));
        }
        at - from
    }
}

fn root_at(tokens: &[(Token, Range<usize>)], index: usize, roots: &Roots) -> Option<&'static str> {
    let Some((Token::Word(word), _)) = tokens.get(index) else { return None };
    let root = roots.names.iter().find(|name| *name == word)?;
    let sign = |index: Option<usize>| match index.and_then(|index| tokens.get(index)) {
        Some((Token::Sign(sign), _)) => Some(*sign),
        _ => None,
    };
    let is_member = sign(index.checked_sub(1)) == Some('.');
    let is_argument = sign(Some(index + 1)) == Some('=') && sign(Some(index + 2)) != Some('=');
    (!is_member && !is_argument).then_some(*root)
}

/// The parts of a template whose blocks are all plain values.
pub(super) fn parts(source: &str, blocks: &[Block]) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut at = 0;
    for (number, block) in blocks.iter().enumerate() {
        let literal = source.get(at..block.range.start).unwrap_or_default();
        if !literal.is_empty() {
            parts.push(Part::Literal(literal.to_owned()));
        }
        parts.push(Part::Value(number));
        at = block.range.end;
    }
    let literal = source.get(at..).unwrap_or_default();
    if !literal.is_empty() {
        parts.push(Part::Literal(literal.to_owned()));
    }
    parts
}

/// Where a variable is used first.
pub(super) fn place_of(variable: &str, blocks: &[Block]) -> Option<Range<usize>> {
    blocks.iter().find_map(|block| {
        let mut after_dot = false;
        block.tokens.iter().find_map(|(token, range)| {
            let is_it = matches!(token, Token::Word(word) if word == variable) && !after_dot;
            after_dot = *token == Token::Sign('.');
            is_it.then(|| range.clone())
        })
    })
}

/// Where a part of a text is in the document, as near as its quotes and escapes allow.
pub(super) fn within(document: &str, at: &Place, source: &str, range: &Range<usize>) -> Place {
    let (Some(written), Some(part)) = (document.get(at.clone()), source.get(range.clone())) else { return at.clone() };
    if part.is_empty() {
        return at.clone();
    }
    let before = source.get(..range.start).unwrap_or_default().matches(part).count();
    match written.match_indices(part).nth(before) {
        Some((offset, _)) => at.start + offset..at.start + offset + part.len(),
        None => at.clone(),
    }
}
