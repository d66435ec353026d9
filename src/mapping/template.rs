//! Templates: what they speak of is found on reading, so that a name nobody has is an error before anything is sent.
//!
//! Most templates only put values side by side. Those are cut into parts once and never meet the template engine.

mod limits;
mod measure;
mod rewrite;

use crate::yaml::{Document, Errors, Place};
use minijinja::value::{Value, ValueKind};
use minijinja::{Environment, ErrorKind, Output, State};
use rewrite::Fault;
use std::ops::Range;
use std::sync::Arc;

/// Bytes of one value: more is no field of a contact.
pub(super) const VALUE_LEN_MAX: usize = 64 * 1024;

/// Filters that people want, for "did you mean"; the engine has more.
const FILTERS: [&str; 20] = [
    "upper",
    "lower",
    "title",
    "capitalize",
    "trim",
    "replace",
    "default",
    "join",
    "split",
    "first",
    "last",
    "length",
    "int",
    "float",
    "round",
    "string",
    "list",
    "unique",
    "sort",
    "reverse",
];

/// What a template may speak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Roots {
    /// `row`: the source record.
    Row,
    /// `row`, and `contact`: the contact.
    RowAndContact,
}

/// One of the things a template may speak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Root {
    Row,
    Contact,
}

/// A name in a template: `row.City`, `row['First Name']`, `contact.address.city`.
#[derive(Clone, Debug)]
pub(super) struct Reference {
    pub root: Root,
    pub path: Vec<String>,
    pub at: Place,
}

/// A piece of a template that only puts values side by side.
#[derive(Clone, Debug)]
pub(super) enum Part {
    Literal(String),
    /// The reference of this number.
    Value(usize),
}

/// A checked template.
#[derive(Clone, Debug)]
pub(super) struct Template {
    /// Under which the engine knows it.
    pub name: String,
    pub references: Vec<Reference>,
    /// Its parts, when it only puts values side by side.
    pub parts: Option<Vec<Part>>,
    /// Whether it uses `row` as a whole, so that every name must be there.
    pub whole_row: bool,
    pub at: Place,
}

/// The templates of a mapping.
pub(super) struct Templates {
    env: Environment<'static>,
    page: Arc<Document>,
    count: usize,
}

impl Templates {
    pub fn new(page: &Arc<Document>) -> Templates {
        let mut env = measure::environment();
        env.set_formatter(write_value);
        Templates { env, page: Arc::clone(page), count: 0 }
    }

    /// The engine, when all templates are in it.
    pub fn into_env(self) -> Arc<Environment<'static>> {
        Arc::new(self.env)
    }

    /// Checks and keeps a template.
    pub fn add(&mut self, source: &str, at: &Place, roots: Roots, errors: &mut Errors) -> Option<Template> {
        let is_small = self.check_limits(source, false, at, errors);
        let measured = if is_small { rewrite::template(source) } else { return None };
        let blocks = blocks(source);
        match measured {
            Ok(measured) => self.keep(source, measured, &blocks, at, roots, errors),
            Err(fault) => {
                let help = ("a template", "a value is written `{{ row['Column'] }}`");
                self.refuse(source, fault, at, errors, help);
                None
            }
        }
    }

    /// Checks and keeps an expression that must give true, false or nothing; the template says `t`, `f` or `?` and what
    /// else it gave.
    pub fn add_condition(&mut self, source: &str, at: &Place, errors: &mut Errors) -> Option<Template> {
        if !self.check_limits(source, true, at, errors) {
            return None;
        }
        let measured = match rewrite::expression(source) {
            Ok(measured) => measured,
            Err(fault) => {
                let help = ("an expression", "it is written as in `row.Status != 'spam'`");
                self.refuse(source, fault, at, errors, help);
                return None;
            }
        };
        let wrapped = format!(
            "{{%- set ferry = ({measured}) -%}}{{%- if ferry is true -%}}t{{%- elif ferry is false or ferry is none or \
             ferry is undefined or ferry == '' -%}}f{{%- else -%}}?{{{{ ferry }}}}{{%- endif -%}}"
        );
        let block = Block { range: 0..source.len(), tokens: tokens(source, 0, source.len()), is_value: false };
        let mut template = self.keep(source, wrapped, &[block], at, Roots::Row, errors)?;
        template.parts = None;
        Some(template)
    }

    fn keep(
        &mut self,
        source: &str,
        measured: String,
        blocks: &[Block],
        at: &Place,
        roots: Roots,
        errors: &mut Errors,
    ) -> Option<Template> {
        let name = format!("template {}", self.count);
        self.count += 1;
        if let Err(error) = self.env.add_template_owned(name.clone(), measured) {
            let what = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
            errors.add(at, format!("this template cannot be used: {what}")).set_hint("write it in a simpler way");
            return None;
        }
        let found = References::of(blocks);
        let references: Vec<Reference> = found
            .list
            .into_iter()
            .map(|(root, path, range)| Reference { root, path, at: within(&self.page.text, at, source, &range) })
            .collect();
        self.check_words(source, blocks, at, errors);
        self.check_roots(&name, (source, blocks), at, roots, errors);
        let parts = found.is_simple.then(|| parts(source, blocks));
        Some(Template { name, references, parts, whole_row: found.whole_row, at: at.clone() })
    }

    /// Whether a text is short and flat enough to be parsed.
    fn check_limits(&self, source: &str, is_expression: bool, at: &Place, errors: &mut Errors) -> bool {
        let Some(limit) = limits::exceeded(source, is_expression) else { return true };
        let place = within(&self.page.text, at, source, &limit.at);
        let what = if is_expression { "expression" } else { "template" };
        errors.add(&place, format!("the {what} is too large: {}", limit.what)).set_hint(limit.help);
        false
    }

    fn refuse(&self, source: &str, fault: Fault, at: &Place, errors: &mut Errors, (what_it_is, help): (&str, &str)) {
        match fault {
            Fault::Syntax(error) => {
                let place =
                    error.range().map_or_else(|| at.clone(), |range| within(&self.page.text, at, source, &range));
                let what = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
                errors.add(&place, format!("this is not {what_it_is}: {what}")).set_hint(help);
            }
            Fault::Refused { what, help, at: range } => {
                errors.add(&within(&self.page.text, at, source, &range), what).set_hint(help);
            }
        }
    }

    /// Filters and tests that the engine does not have.
    fn check_words(&self, source: &str, blocks: &[Block], at: &Place, errors: &mut Errors) {
        for block in blocks {
            for (index, (token, range)) in block.tokens.iter().enumerate() {
                let Token::Word(word) = token else { continue };
                let before = |back: usize| index.checked_sub(back).and_then(|index| block.tokens.get(index));
                let is_before =
                    |back: usize, wanted: &str| matches!(before(back), Some((Token::Word(word), _)) if word == wanted);
                let probe = if matches!(before(1), Some((Token::Sign('|'), _))) {
                    format!("{{{{ ''|{word} }}}}")
                } else if (is_before(1, "is") && word != "not") || (is_before(2, "is") && is_before(1, "not")) {
                    format!("{{{{ '' is {word} }}}}")
                } else {
                    continue;
                };
                let kind = self.env.render_str(&probe, ()).err().map(|error| error.kind());
                let what = match kind {
                    Some(ErrorKind::UnknownFilter) => "filter",
                    Some(ErrorKind::UnknownTest) => "test",
                    _ => continue,
                };
                let error =
                    errors.add(&within(&self.page.text, at, source, range), format!("there is no {what} `{word}`"));
                error.did_you_mean(word, FILTERS.into_iter().filter(|_| what == "filter"));
            }
        }
    }

    /// Names that are neither `row` nor `contact`.
    fn check_roots(
        &self,
        name: &str,
        (source, blocks): (&str, &[Block]),
        at: &Place,
        roots: Roots,
        errors: &mut Errors,
    ) {
        let Ok(template) = self.env.get_template(name) else { return };
        let mut unknown: Vec<String> = template.undeclared_variables(false).into_iter().collect();
        unknown.sort();
        for variable in unknown {
            let is_known = match variable.as_str() {
                "row" => true,
                "contact" => roots == Roots::RowAndContact,
                other => self.env.globals().any(|(global, _)| global == other),
            };
            if is_known {
                continue;
            }
            let range = place_of(&variable, blocks).unwrap_or(0..source.len());
            let place = within(&self.page.text, at, source, &range);
            let error = errors.add(&place, format!("a template knows nothing called `{variable}`"));
            match variable.as_str() {
                "contact" => error.set_hint("`contact` is known under `columns` only; here it is `row`"),
                _ => error.set_hint(format!("a value of the record is `row.{variable}`")),
            }
        }
    }
}

/// Lists are written with `; ` between their items, nothing as nothing.
fn write_value(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), minijinja::Error> {
    if matches!(value.kind(), ValueKind::None | ValueKind::Undefined) {
        return Ok(());
    }
    measure::charge(state, value)?;
    if matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable) {
        let items: Vec<String> = value.try_iter()?.map(|item| item.to_string()).collect();
        return minijinja::escape_formatter(out, state, &Value::from(items.join("; ")));
    }
    minijinja::escape_formatter(out, state, value)
}

/// Renders a template; `Err` says why it could not.
pub(super) fn render(
    env: &Environment<'static>,
    name: &str,
    row: Value,
    contact: Option<Value>,
) -> Result<String, String> {
    let template = env.get_template(name).map_err(|error| error.to_string())?;
    let mut out = Capped(Vec::new());
    let context = Value::from_pairs([("row", row)].into_iter().chain(contact.map(|contact| ("contact", contact))));
    match template.render_captured_to(context, &mut out) {
        Ok(_) => String::from_utf8(out.0).map_err(|_| "it gave bytes that are no text".to_owned()),
        Err(_) if out.0.len() >= VALUE_LEN_MAX => Err("it gave more than 64 KiB".to_owned()),
        Err(error) if error.kind() == ErrorKind::OutOfFuel => Err("it takes too long".to_owned()),
        Err(error) => Err(error.detail().map_or_else(|| error.kind().to_string(), str::to_owned)),
    }
}

/// A buffer that refuses to grow beyond [`VALUE_LEN_MAX`].
struct Capped(Vec<u8>);

impl std::io::Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let room = VALUE_LEN_MAX.saturating_sub(self.0.len()).min(bytes.len());
        self.0.extend_from_slice(bytes.get(..room).unwrap_or_default());
        match room == bytes.len() {
            true => Ok(room),
            false => Err(std::io::ErrorKind::FileTooLarge.into()),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A word, a quoted text or a sign inside of a template's braces.
#[derive(Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Sign(char),
}

/// What stands between one pair of braces.
struct Block {
    /// With its braces.
    range: Range<usize>,
    tokens: Vec<(Token, Range<usize>)>,
    /// `{{ … }}` without blank control.
    is_value: bool,
}

/// Cuts a template into its blocks; comments are left out.
fn blocks(source: &str) -> Vec<Block> {
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

/// Where a block's closing braces begin; quoted texts are passed over.
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

fn tokens(source: &str, from: usize, to: usize) -> Vec<(Token, Range<usize>)> {
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

/// What the blocks of a template speak of.
struct References {
    list: Vec<(Root, Vec<String>, Range<usize>)>,
    is_simple: bool,
    whole_row: bool,
}

impl References {
    fn of(blocks: &[Block]) -> References {
        let mut found = References { list: Vec::new(), is_simple: true, whole_row: false };
        for block in blocks {
            let mut index = 0;
            let before = found.list.len();
            let mut covered = 0;
            while let Some((token, _)) = block.tokens.get(index) {
                match root_at(&block.tokens, index, token) {
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

    /// Takes `row.a['b']` from the tokens; how many it took.
    fn chain(&mut self, root: Root, tokens: &[(Token, Range<usize>)], from: usize) -> usize {
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
            self.whole_row |= root == Root::Row;
        } else if let (Some((_, begin)), Some((_, end))) = (tokens.get(from), tokens.get(at - 1)) {
            self.list.push((root, path, begin.start..end.end));
        }
        at - from
    }
}

fn root_at(tokens: &[(Token, Range<usize>)], index: usize, token: &Token) -> Option<Root> {
    let Token::Word(word) = token else { return None };
    let root = match word.as_str() {
        "row" => Root::Row,
        "contact" => Root::Contact,
        _ => return None,
    };
    let sign = |index: Option<usize>| match index.and_then(|index| tokens.get(index)) {
        Some((Token::Sign(sign), _)) => Some(*sign),
        _ => None,
    };
    let is_member = sign(index.checked_sub(1)) == Some('.');
    let is_argument = sign(Some(index + 1)) == Some('=') && sign(Some(index + 2)) != Some('=');
    (!is_member && !is_argument).then_some(root)
}

/// The parts of a template whose blocks are all plain values.
fn parts(source: &str, blocks: &[Block]) -> Vec<Part> {
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

/// Where a variable is first spoken of.
fn place_of(variable: &str, blocks: &[Block]) -> Option<Range<usize>> {
    blocks.iter().find_map(|block| {
        let mut after_dot = false;
        block.tokens.iter().find_map(|(token, range)| {
            let is_it = matches!(token, Token::Word(word) if word == variable) && !after_dot;
            after_dot = *token == Token::Sign('.');
            is_it.then(|| range.clone())
        })
    })
}

/// Where a part of a text stands in the page, as near as its quotes and escapes allow.
fn within(page: &str, at: &Place, source: &str, range: &Range<usize>) -> Place {
    let (Some(written), Some(part)) = (page.get(at.clone()), source.get(range.clone())) else { return at.clone() };
    if part.is_empty() {
        return at.clone();
    }
    let before = source.get(..range.start).unwrap_or_default().matches(part).count();
    match written.match_indices(part).nth(before) {
        Some((offset, _)) => at.start + offset..at.start + offset + part.len(),
        None => at.clone(),
    }
}
