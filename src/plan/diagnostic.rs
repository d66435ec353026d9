//! What is wrong with a page: all of it at once, each with its place, the line, a caret and what to do.

use super::yaml::Span;
use crate::outcome::Failure;
use crate::report::{escape, render_failure};
use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use std::fmt;

/// More mistakes than this help nobody.
const SHOWN_MAX: usize = 50;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong, literals between back-ticks.
    pub message: String,
    /// Where, in bytes of the page; `None` when it is not on the page.
    pub span: Option<Span>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// Something wrong at a place.
    pub fn new(span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic { message: message.into(), span: Some(span), hint: None }
    }

    /// Something wrong that is not on the page.
    pub fn elsewhere(message: impl Into<String>) -> Diagnostic {
        Diagnostic { message: message.into(), span: None, hint: None }
    }

    /// The same, with what to do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Diagnostic {
        self.hint = Some(hint.into());
        self
    }

    fn without_place(&self, color: bool) -> String {
        let failure = Failure { hint: self.hint.clone(), ..Failure::usage(&self.message) };
        render_failure(&failure, color).trim_end().to_owned()
    }
}

/// All that is wrong with a page, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics {
    path: String,
    page: String,
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// The mistakes of a page. `page` is shown line by line: secrets are masked in it already, byte by byte (see
    /// [`mask`]). Without a page, no lines are shown.
    pub fn new(path: impl Into<String>, page: impl Into<String>, mut list: Vec<Diagnostic>) -> Diagnostics {
        list.sort_by_key(|one| one.span.as_ref().map_or(usize::MAX, |span| span.start));
        Diagnostics { path: path.into(), page: page.into(), list }
    }

    /// One by one.
    pub fn list(&self) -> &[Diagnostic] {
        &self.list
    }

    /// As text; a line feed at its end.
    pub fn render(&self, color: bool) -> String {
        let shown = self.list.iter().take(SHOWN_MAX);
        let mut parts: Vec<String> = shown.map(|one| self.render_one(one, color)).collect();
        if let n @ 2.. = self.list.len()
            && !self.page.is_empty()
        {
            parts.push(format!("{n} mistakes in `{}`", escape(&self.path)));
        }
        parts.join("\n\n") + "\n"
    }

    fn render_one(&self, one: &Diagnostic, color: bool) -> String {
        let Some(span) = one.span.as_ref().filter(|_| !self.page.is_empty()) else {
            return one.without_place(color);
        };
        let renderer = if color { Renderer::styled() } else { Renderer::plain() }.decor_style(DecorStyle::Ascii);
        let snippet = Snippet::source(self.page.as_str()).path(self.path.as_str());
        let snippet = snippet.annotation(AnnotationKind::Primary.span(first_line(&self.page, span)));
        let mut group = Group::with_title(Level::ERROR.primary_title(escape(&one.message))).element(snippet);
        if let Some(hint) = &one.hint {
            group = group.element(Level::HELP.with_name("hint").message(escape(hint)));
        }
        renderer.render(&[group])
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.render(false).trim_end())
    }
}

impl std::error::Error for Diagnostics {}

/// The part of a place that lies on its first line, between whole characters.
fn first_line(page: &str, span: &Span) -> Span {
    let start = floor(page, span.start);
    let rest = page.get(start..).unwrap_or_default();
    let line_len = rest.find(['\n', '\r']).unwrap_or(rest.len());
    let end = ceil(page, span.end.clamp(start, start + line_len));
    let text = page.get(start..end).unwrap_or_default();
    start..start + text.trim_end().len()
}

fn floor(page: &str, at: usize) -> usize {
    (0..=at.min(page.len())).rev().find(|&at| page.is_char_boundary(at)).unwrap_or_default()
}

fn ceil(page: &str, at: usize) -> usize {
    (at..page.len()).find(|&at| page.is_char_boundary(at)).unwrap_or(page.len())
}

/// The page with the bytes of these places as `*`; line feeds stay, and so do all places.
pub fn mask(page: &str, secrets: &[Span]) -> String {
    let mut bytes = page.as_bytes().to_vec();
    for span in secrets {
        let start = floor(page, span.start);
        let end = ceil(page, span.end);
        for byte in bytes.get_mut(start..end).unwrap_or_default() {
            if !matches!(byte, b'\n' | b'\r') {
                *byte = b'*';
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_default()
}

/// Of the names the one most like `word`, if one is like it at all: within a third of its length, and two at least.
pub fn nearest<'n>(word: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let allowed = (word.chars().count() / 3).max(2);
    let near = names.into_iter().map(|name| (distance(word, name), name));
    near.filter(|(steps, name)| *steps <= allowed && *steps < name.chars().count())
        .min_by_key(|(steps, _)| *steps)
        .map(|(_, name)| name)
}

/// How many letters must be changed, added, dropped or swapped with their neighbour; letter case does not count.
fn distance(a: &str, b: &str) -> usize {
    let letters = |text: &str| text.chars().take(64).flat_map(char::to_lowercase).collect::<Vec<_>>();
    let (a, b) = (letters(a), letters(b));
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX / 2);
            let mut steps = (at(&last, j) + usize::from(x != y)).min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            if swapped {
                steps = steps.min(at(&before, j - 1) + 1);
            }
            row.push(steps);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or_default()
}
