//! A failure as error, cause and hint. It does not print it.

use super::escape::{escape, escape_lines};
use super::paint::Paint;
use crate::outcome::{Failure, Page};

/// A failure as text, with a line feed at its end:
///
/// ```text
/// error: …
///   cause: …
/// hint: …
/// ```
///
/// Failures that were found at the same time follow after an empty line. Everything that a failure quotes is escaped (see
/// [`escape`]), because it may come from any source.
pub fn render_failure(failure: &Failure, color: bool) -> String {
    let mut out = render_one(failure, color);
    for other in &failure.also {
        out.push('\n');
        out.push_str(&render_failure(other, color));
    }
    out
}

fn render_one(failure: &Failure, color: bool) -> String {
    if let Some(Page { colored, .. }) = failure.page.as_deref() {
        let page: &str = if color { colored } else { &failure.message };
        return format!("{}\n", page.trim_end());
    }
    let paint = Paint { color };
    let mut out = format!("{} {}\n", paint.red("error:"), escape(&failure.message));
    for cause in &failure.causes {
        out.push_str(&format!("  {} {}\n", paint.red("cause:"), escape(cause)));
    }
    if let Some(hint) = &failure.hint {
        let hint = escape_lines(hint.trim_end()).replace('\n', "\n      ");
        out.push_str(&format!("{} {hint}\n", paint.cyan("hint:")));
    }
    out
}
