//! What is wrong with a mapping: all of it at once, each with its place.

use super::node::Place;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet, renderer::DecorStyle};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// More mistakes than this help nobody.
const MISTAKES_MAX: usize = 100;

/// The page that a mapping was read from.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub path: PathBuf,
    pub text: String,
}

impl Page {
    pub fn new(path: &Path, text: &str) -> Arc<Page> {
        Arc::new(Page { path: path.to_owned(), text: text.to_owned() })
    }
}

/// One thing that is wrong with a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    at: Place,
    message: String,
    help: Option<String>,
}

impl Mistake {
    /// What is wrong, literals between back-ticks.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&str> {
        self.help.as_deref()
    }

    pub(super) fn help(&mut self, help: impl Into<String>) {
        self.help = Some(help.into());
    }

    /// `did you mean …`, when something is near.
    pub(super) fn nearest<'a>(&mut self, wanted: &str, names: impl Iterator<Item = &'a str>) {
        if let Some(name) = super::names::nearest(wanted, names) {
            self.help = Some(format!("did you mean `{name}`?"));
        }
    }
}

/// Mistakes as they are found.
#[derive(Debug, Default)]
pub(super) struct Mistakes(Vec<Mistake>);

impl Mistakes {
    /// Notes a mistake; the answer is for adding what to do about it.
    pub fn add(&mut self, at: &Place, message: impl Into<String>) -> &mut Mistake {
        let mistake = Mistake { at: at.clone(), message: message.into(), help: None };
        let known = self.0.iter().position(|known| known.at == mistake.at && known.message == mistake.message);
        let index = match known {
            Some(index) => index,
            None => {
                if self.0.len() >= MISTAKES_MAX {
                    self.0.pop();
                }
                self.0.push(mistake);
                self.0.len() - 1
            }
        };
        // The index was found or made two lines above.
        #[allow(clippy::indexing_slicing)]
        &mut self.0[index]
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value, when there is no mistake.
    pub fn end<T>(self, page: &Arc<Page>, value: T) -> Result<T, MappingErrors> {
        match self.0.is_empty() {
            true => Ok(value),
            false => Err(self.errors(page)),
        }
    }

    pub fn errors(mut self, page: &Arc<Page>) -> MappingErrors {
        self.0.sort_by_key(|mistake| mistake.at.start);
        MappingErrors { page: Arc::clone(page), mistakes: self.0 }
    }
}

/// Everything that is wrong with a mapping, in the order of the page.
///
/// `Display` gives the text as it is printed without colours: message, place, the line with a caret, what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingErrors {
    page: Arc<Page>,
    mistakes: Vec<Mistake>,
}

impl MappingErrors {
    /// The mistakes.
    pub fn mistakes(&self) -> &[Mistake] {
        &self.mistakes
    }

    /// The text as it is printed.
    pub fn render(&self, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let renderer = renderer.decor_style(DecorStyle::Ascii);
        let path = self.page.path.display().to_string();
        let mut out = String::new();
        for mistake in &self.mistakes {
            if !out.is_empty() {
                out.push_str("\n\n");
            }
            out.push_str(&renderer.render(&[self.group(mistake, &path)]));
        }
        if let count @ 2.. = self.mistakes.len() {
            out.push_str(&format!("\n\n{count} mistakes in `{path}`"));
        }
        out
    }

    fn group<'a>(&'a self, mistake: &'a Mistake, path: &'a str) -> Group<'a> {
        let mut group = Group::with_title(Level::ERROR.primary_title(mistake.message.as_str()));
        if self.page.text.is_empty() {
            group = group.element(Origin::path(path));
        } else {
            let at = on_one_line(&self.page.text, &mistake.at);
            let snippet = Snippet::source(self.page.text.as_str()).path(path);
            group = group.element(snippet.annotation(AnnotationKind::Primary.span(at)));
        }
        if let Some(help) = &mistake.help {
            group = group.element(Level::HELP.with_name("hint").message(help.as_str()));
        }
        group
    }
}

/// The part of a place that lies on its first line, on characters' borders.
fn on_one_line(page: &str, at: &Place) -> Place {
    let mut from = at.start.min(page.len());
    while !page.is_char_boundary(from) {
        from -= 1;
    }
    let line = page.get(from..).unwrap_or_default();
    let line_len = line.find(['\n', '\r']).unwrap_or(line.len());
    let mut to = at.end.clamp(from, from + line_len);
    while !page.is_char_boundary(to) {
        to += 1;
    }
    let trimmed = page.get(from..to).unwrap_or_default().trim_end().len();
    from..from + trimmed
}

impl fmt::Display for MappingErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for MappingErrors {}
