//! Checks templates as they are read from a document, and hands them to the engine. It renders nothing.

use super::references::{Reference, References, Roots, Template, parts, place_of, within};
use super::render::write_value;
use super::rewrite::{self, Refusal};
use super::tokens::{Block, Token, blocks, tokens};
use super::{limits, measure};
use crate::yaml::{Document, Errors, Place};
use minijinja::{Environment, ErrorKind};
use std::ops::Range;
use std::sync::Arc;

/// Filters that users often want, for "did you mean"; the engine has more.
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

/// The text of a template or expression, its place in the document, and what it may refer to.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// As it is written.
    pub text: &'a str,
    /// Where it is.
    pub at: &'a Place,
    /// What it may refer to.
    pub roots: &'static Roots,
}

/// What a text is, for messages.
#[derive(Clone, Copy)]
struct Form {
    name: &'static str,
    named: &'static str,
    hint: &'static str,
    is_expression: bool,
}

const TEMPLATE: Form = Form {
    name: "template",
    named: "a template",
    hint: "a value is written `{{ row['Column'] }}`",
    is_expression: false,
};
const EXPRESSION: Form = Form {
    name: "expression",
    named: "an expression",
    hint: "it is written as in `row.Status != 'spam'`",
    is_expression: true,
};

/// The templates of a document.
pub struct Templates {
    env: Environment<'static>,
    document: Arc<Document>,
    count: usize,
}

impl Templates {
    /// None yet.
    pub fn new(document: &Arc<Document>) -> Templates {
        let mut env = measure::environment();
        env.set_formatter(write_value);
        Templates { env, document: Arc::clone(document), count: 0 }
    }

    /// The engine with all templates, for [`super::render()`].
    pub fn into_env(self) -> Arc<Environment<'static>> {
        Arc::new(self.env)
    }

    /// Checks and keeps a template; `None` with an error if the engine cannot use it.
    pub fn add(&mut self, source: Source<'_>, errors: &mut Errors) -> Option<Template> {
        if !self.check_limits(source, TEMPLATE, errors) {
            return None;
        }
        match rewrite::template(source.text) {
            Ok(measured) => self.keep(source, measured, &blocks(source.text), errors),
            Err(refusal) => {
                self.refuse(source, refusal, TEMPLATE, errors);
                None
            }
        }
    }

    /// Checks and keeps an expression that must give true, false or nothing; the template gives `t`, `f` or `?` and the
    /// value that is none of these.
    pub fn add_condition(&mut self, source: Source<'_>, errors: &mut Errors) -> Option<Template> {
        if !self.check_limits(source, EXPRESSION, errors) {
            return None;
        }
        let measured = match rewrite::expression(source.text) {
            Ok(measured) => measured,
            Err(refusal) => {
                self.refuse(source, refusal, EXPRESSION, errors);
                return None;
            }
        };
        let wrapped = format!(
            "{{%- set ferry = ({measured}) -%}}{{%- if ferry is true -%}}t{{%- elif ferry is false or ferry is none or \
             ferry is undefined or ferry == '' -%}}f{{%- else -%}}?{{{{ ferry }}}}{{%- endif -%}}"
        );
        let len = source.text.len();
        let block = Block { range: 0..len, tokens: tokens(source.text, 0, len), is_value: false };
        let mut template = self.keep(source, wrapped, &[block], errors)?;
        template.parts = None;
        Some(template)
    }

    fn keep(
        &mut self,
        source: Source<'_>,
        measured: String,
        blocks: &[Block],
        errors: &mut Errors,
    ) -> Option<Template> {
        let name = format!("template {}", self.count);
        self.count += 1;
        if let Err(error) = self.env.add_template_owned(name.clone(), measured) {
            let what = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
            let message = format!("this template cannot be used: {what}");
            errors.add(source.at, message).set_hint("write it in a simpler way");
            return None;
        }
        let found = References::of(blocks, source.roots);
        let references = found.list.into_iter();
        let references =
            references.map(|(root, path, range)| Reference { root, path, at: self.place(source, &range) }).collect();
        self.check_words(source, blocks, errors);
        self.check_roots(&name, source, blocks, errors);
        let parts = found.is_simple.then(|| parts(source.text, blocks));
        Some(Template { name, references, parts, whole: found.whole, at: source.at.clone() })
    }

    fn place(&self, source: Source<'_>, range: &Range<usize>) -> Place {
        within(&self.document.text, source.at, source.text, range)
    }

    /// Whether a text is short and flat enough to be parsed.
    fn check_limits(&self, source: Source<'_>, form: Form, errors: &mut Errors) -> bool {
        let Some(limit) = limits::exceeded(source.text, form.is_expression) else { return true };
        let message = format!("the {} is too large: {}", form.name, limit.what);
        errors.add(&self.place(source, &limit.at), message).set_hint(limit.help);
        false
    }

    fn refuse(&self, source: Source<'_>, refusal: Refusal, form: Form, errors: &mut Errors) {
        match refusal {
            Refusal::Syntax(error) => {
                let place = error.range().map_or_else(|| source.at.clone(), |range| self.place(source, &range));
                let what = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
                errors.add(&place, format!("this is not {}: {what}", form.named)).set_hint(form.hint);
            }
            Refusal::NotOffered { what, help, at } => {
                errors.add(&self.place(source, &at), what).set_hint(help);
            }
        }
    }

    /// Filters and tests that the engine does not have.
    fn check_words(&self, source: Source<'_>, blocks: &[Block], errors: &mut Errors) {
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
                let error = errors.add(&self.place(source, range), format!("there is no {what} `{word}`"));
                error.did_you_mean(word, FILTERS.into_iter().filter(|_| what == "filter"));
            }
        }
    }

    /// Names that a template of this kind may not refer to.
    fn check_roots(&self, name: &str, source: Source<'_>, blocks: &[Block], errors: &mut Errors) {
        let Ok(template) = self.env.get_template(name) else { return };
        let mut unknown: Vec<String> = template.undeclared_variables(false).into_iter().collect();
        unknown.sort();
        for variable in unknown {
            let is_root = source.roots.names.contains(&variable.as_str());
            if is_root || self.env.globals().any(|(global, _)| global == variable) {
                continue;
            }
            let range = place_of(&variable, blocks).unwrap_or(0..source.text.len());
            let error = errors.add(&self.place(source, &range), format!("a template has no value `{variable}`"));
            error.set_hint((source.roots.hint)(&variable));
        }
    }
}
