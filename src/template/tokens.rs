//! The words and signs between the braces of a template, with their places. It does not parse expressions.

use std::ops::Range;

/// A word, a quoted text or a sign inside of a template's braces.
#[derive(Debug, PartialEq)]
pub(super) enum Token {
    Word(String),
    Text(String),
    Sign(char),
}

/// The content of one pair of braces.
pub(super) struct Block {
    /// With the braces.
    pub range: Range<usize>,
    pub tokens: Vec<(Token, Range<usize>)>,
    /// Whether it is `{{ … }}` without whitespace control.
    pub is_value: bool,
}

/// Cuts a template into its blocks. Comments have no tokens.
pub(super) fn blocks(source: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut at = 0;
    while let Some(from) = source.get(at..).and_then(|rest| rest.find('{')).map(|found| at + found) {
        let rest = source.get(from..).unwrap_or_default();
        if rest.starts_with("{#") {
            at = rest.find("#}").map_or(source.len(), |end| from + end + 2);
            blocks.push(Block { range: from..at, tokens: Vec::new(), is_value: false });
        } else if rest.starts_with("{{") || rest.starts_with("{%") {
            let is_value = rest.starts_with("{{");
            let end = block_end(source, from + 2, if is_value { "}}" } else { "%}" });
            let inner = tokens(source, from + 2, end);
            let is_dashed = |token: Option<&(Token, Range<usize>)>| matches!(token, Some((Token::Sign('-' | '+'), _)));
            let is_plain = is_value && !is_dashed(inner.first()) && !is_dashed(inner.last());
            at = (end + 2).min(source.len());
            blocks.push(Block { range: from..at, tokens: inner, is_value: is_plain });
        } else {
            at = from + 1;
        }
    }
    blocks
}

/// Where a block's closing braces begin; quoted texts are skipped.
fn block_end(source: &str, from: usize, close: &str) -> usize {
    let mut quote = None;
    let mut escaped = false;
    for (index, c) in source.get(from..).unwrap_or_default().char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '"' || c == '\'' => quote = Some(c),
            None if source.get(from + index..).is_some_and(|rest| rest.starts_with(close)) => return from + index,
            None => {}
        }
    }
    source.len()
}

pub(super) fn tokens(source: &str, from: usize, to: usize) -> Vec<(Token, Range<usize>)> {
    let mut tokens = Vec::new();
    let mut chars = source.get(from..to).unwrap_or_default().char_indices().peekable();
    while let Some((index, c)) = chars.next() {
        let begin = from + index;
        if c.is_whitespace() {
            continue;
        }
        if c == '"' || c == '\'' {
            let mut text = String::new();
            let mut end = begin + 1;
            while let Some((index, inner)) = chars.next() {
                end = from + index + inner.len_utf8();
                match inner {
                    _ if inner == c => break,
                    '\\' => text.extend(chars.next().map(|(_, escaped)| escaped)),
                    _ => text.push(inner),
                }
            }
            tokens.push((Token::Text(text), begin..end));
        } else if c.is_alphanumeric() || c == '_' {
            let mut word = String::from(c);
            while let Some((_, next)) = chars.next_if(|(_, next)| next.is_alphanumeric() || *next == '_') {
                word.push(next);
            }
            let end = begin + word.len();
            tokens.push((Token::Word(word), begin..end));
        } else {
            tokens.push((Token::Sign(c), begin..begin + c.len_utf8()));
        }
    }
    tokens
}
