//! How long and how deeply nested a template may be, and how long a value. Templates are checked by their tokens, because
//! the engine's parser and compiler recurse. It does not measure values.

use minijinja::machinery::{Token, tokenize};
use minijinja::syntax::SyntaxConfig;
use std::ops::Range;

/// The longest value, in bytes: no field of a contact needs more.
pub const VALUE_LEN_MAX: usize = 64 * 1024;
/// Words, signs and literals of one template or expression: several times what a sensible one has.
const TOKENS_MAX: usize = 1_000;
/// Brackets inside of brackets.
const DEPTH_MAX: usize = 50;
/// `not` and `-` in a row.
const SIGNS_MAX: usize = 20;

/// A limit that a template exceeds.
#[derive(Debug, PartialEq)]
pub(super) struct Exceeded {
    pub what: String,
    pub help: &'static str,
    pub at: Range<usize>,
}

/// The first limit that a text exceeds; a text that has no tokens is left to the parser to refuse.
pub(super) fn exceeded(source: &str, is_expression: bool) -> Option<Exceeded> {
    let (mut count, mut depth, mut signs) = (0_usize, 0_usize, 0_usize);
    for token in tokenize(source, is_expression, SyntaxConfig::default()) {
        let (token, span) = token.ok()?;
        let at = span.start_offset as usize..span.end_offset as usize;
        match token {
            Token::TemplateData(_) => continue,
            Token::BracketOpen | Token::ParenOpen | Token::BraceOpen => depth += 1,
            Token::BracketClose | Token::ParenClose | Token::BraceClose => depth = depth.saturating_sub(1),
            _ => {}
        }
        signs = if matches!(token, Token::Ident("not") | Token::Minus) { signs + 1 } else { 0 };
        count += 1;
        if depth > DEPTH_MAX {
            let what = format!("its brackets are nested more than {DEPTH_MAX} deep");
            return Some(Exceeded { what, help: "take a part of it out into a variable with `{% set … %}`", at });
        }
        if signs > SIGNS_MAX {
            let what = format!("it has more than {SIGNS_MAX} `not` or `-` in a row");
            return Some(Exceeded { what, help: "remove them in pairs", at });
        }
        if count > TOKENS_MAX {
            let what = format!("it has more than {TOKENS_MAX} words and signs");
            return Some(Exceeded { what, help: "use `lookup` for a long list of values", at });
        }
    }
    None
}
