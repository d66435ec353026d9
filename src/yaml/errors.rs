//! The errors in a file: all at once, each with its place, the line, a caret and a hint. Errors of the environment, which
//! have no place in the file, are listed with them. It does not decide what an error is.

use super::nearest::nearest;
use crate::outcome::{Failure, Mistake, Page};
use crate::shown::{escape, render_failure};
use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The most errors of one file that are shown: more would not help the user to fix it.
const ERRORS_MAX: usize = 100;

/// A place in a file, in bytes.
pub type Place = Range<usize>;

/// The text of a file and its path, for messages. Secrets in the text are masked already.
#[derive(Debug, PartialEq, Eq)]
pub struct Document {
    /// The path as messages show it.
    pub path: PathBuf,
    /// The whole text; empty if the file has none to show.
    pub text: String,
}

impl Document {
    #[allow(missing_docs)]
    pub fn new(path: impl AsRef<Path>, text: impl Into<String>) -> Arc<Document> {
        Arc::new(Document { path: path.as_ref().to_owned(), text: text.into() })
    }
}

/// One problem in a file that the user can fix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileError {
    /// Where it is; `None` outside the file.
    pub place: Option<Place>,
    /// What is wrong, literals between back-ticks.
    pub message: String,
    /// How to fix it.
    pub hint: Option<String>,
}

impl FileError {
    /// An error at this place.
    pub fn at(place: &Place, message: impl Into<String>) -> FileError {
        FileError { place: Some(place.clone()), message: message.into(), hint: None }
    }

    /// An error outside the file, such as a variable of the environment.
    pub fn without_place(message: impl Into<String>) -> FileError {
        FileError { place: None, message: message.into(), hint: None }
    }

    /// The same with a hint.
    pub fn hint(mut self, hint: impl Into<String>) -> FileError {
        self.hint = Some(hint.into());
        self
    }

    /// Sets the hint.
    pub fn set_hint(&mut self, hint: impl Into<String>) {
        self.hint = Some(hint.into());
    }

    /// Sets the hint `did you mean …`, if one of the names is like `wanted`.
    pub fn did_you_mean<'a>(&mut self, wanted: &str, names: impl Iterator<Item = &'a str>) {
        if let Some(name) = nearest(wanted, names) {
            self.hint = Some(format!("did you mean `{name}`?"));
        }
    }
}

/// Errors as they are found, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Errors(Vec<FileError>);

impl Errors {
    /// Adds an error; the result is for adding a hint.
    pub fn add(&mut self, place: &Place, message: impl Into<String>) -> &mut FileError {
        self.push(FileError::at(place, message))
    }

    /// Adds an error, unless it is known. Beyond `ERRORS_MAX` it takes the place of the last one.
    pub fn push(&mut self, error: FileError) -> &mut FileError {
        let known = self.0.iter().position(|known| known.place == error.place && known.message == error.message);
        let index = match known {
            Some(index) => index,
            None => {
                if self.0.len() >= ERRORS_MAX {
                    self.0.pop();
                }
                self.0.push(error);
                self.0.len() - 1
            }
        };
        // The index was found or made two lines above.
        #[allow(clippy::indexing_slicing)]
        &mut self.0[index]
    }

    /// Whether there is one at this place.
    pub fn has_one_at(&self, place: &Place) -> bool {
        self.0.iter().any(|error| error.place.as_ref() == Some(place))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value, if there are no errors.
    ///
    /// # Errors
    /// Those of the file.
    pub fn end<T>(self, document: &Arc<Document>, value: T) -> Result<T, FileErrors> {
        match self.0.is_empty() {
            true => Ok(value),
            false => Err(FileErrors::new(document, self.0)),
        }
    }
}

impl Extend<FileError> for Errors {
    fn extend<I: IntoIterator<Item = FileError>>(&mut self, errors: I) {
        for error in errors {
            self.push(error);
        }
    }
}

impl IntoIterator for Errors {
    type Item = FileError;
    type IntoIter = std::vec::IntoIter<FileError>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// All errors of a file, in its order; at least one.
///
/// `Display` gives the text as it is printed without colours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileErrors {
    document: Arc<Document>,
    list: Vec<FileError>,
}

impl FileErrors {
    /// Sorts them by their places; errors outside the file come last.
    pub fn new(document: &Arc<Document>, errors: impl IntoIterator<Item = FileError>) -> FileErrors {
        let mut list: Vec<FileError> = errors.into_iter().collect();
        list.sort_by_key(|error| error.place.as_ref().map_or(usize::MAX, |place| place.start));
        FileErrors { document: Arc::clone(document), list }
    }

    /// One by one.
    pub fn list(&self) -> &[FileError] {
        &self.list
    }

    /// One by one, with their lines.
    pub fn mistakes(&self) -> Vec<Mistake> {
        let text = &self.document.text;
        let at = |place: &Place| (!text.is_empty()).then(|| line_and_column(text, place.start));
        let one = |error: &FileError| Mistake {
            at: error.place.as_ref().and_then(at),
            message: error.message.clone(),
            hint: error.hint.clone(),
        };
        self.list.iter().map(one).collect()
    }

    /// The text as it is printed, without a line feed at its end.
    pub fn render(&self, color: bool) -> String {
        let path = escape(&self.document.path.display().to_string()).into_owned();
        let shown = self.list.iter().take(ERRORS_MAX);
        let mut parts: Vec<String> = shown.map(|error| self.render_one(error, &path, color)).collect();
        let is_about_file = !self.document.text.is_empty() || self.list.iter().any(|error| error.place.is_some());
        if let count @ 2.. = self.list.len()
            && is_about_file
        {
            parts.push(format!("{count} errors in `{path}`"));
        }
        parts.join("\n\n")
    }

    fn render_one(&self, error: &FileError, path: &str, color: bool) -> String {
        let Some(place) = &error.place else {
            let failure = Failure { hint: error.hint.clone(), ..Failure::usage(&error.message) };
            return render_failure(&failure, color).trim_end().to_owned();
        };
        let mut group = Group::with_title(Level::ERROR.primary_title(escape(&error.message)));
        if self.document.text.is_empty() {
            group = group.element(Origin::path(path));
        } else {
            let at = on_one_line(&self.document.text, place);
            let snippet = Snippet::source(self.document.text.as_str()).path(path);
            group = group.element(snippet.annotation(AnnotationKind::Primary.span(at)));
        }
        if let Some(hint) = &error.hint {
            group = group.element(Level::HELP.with_name("hint").message(escape(hint)));
        }
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        renderer.decor_style(DecorStyle::Ascii).render(&[group])
    }
}

/// The line of a byte of a text and its column in characters, both from 1.
fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_at = before.rfind('\n').map_or(0, |end| end + 1);
    let column = before.get(line_at..).unwrap_or_default().chars().count();
    (before.matches('\n').count() + 1, column + 1)
}

/// The part of a place that is on its first line, between whole characters.
fn on_one_line(text: &str, place: &Place) -> Place {
    let mut from = place.start.min(text.len());
    while !text.is_char_boundary(from) {
        from -= 1;
    }
    let line = text.get(from..).unwrap_or_default();
    let line_len = line.find(['\n', '\r']).unwrap_or(line.len());
    let mut to = place.end.clamp(from, from + line_len);
    while !text.is_char_boundary(to) {
        to += 1;
    }
    let trimmed = text.get(from..to).unwrap_or_default().trim_end().len();
    from..from + trimmed
}

impl fmt::Display for FileErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for FileErrors {}

impl From<FileErrors> for Failure {
    fn from(errors: FileErrors) -> Failure {
        let page = Page { colored: errors.render(true), mistakes: errors.mistakes() };
        Failure::page(errors.render(false), page)
    }
}
