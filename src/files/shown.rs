//! Text from outside as a message shows it: short, and nothing that a terminal would act on.

use crate::shown::is_hidden;

/// The most characters of a value that a message shows.
const SHOWN_MAX: usize = 40;

/// The bytes of `text` as a message shows them: at most [`SHOWN_MAX`] characters, what a terminal would act on, or would
/// not show, escaped.
pub(super) fn excerpt(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text.get(..SHOWN_MAX * 5).unwrap_or(text));
    let mut shown = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == SHOWN_MAX {
            shown.push('…');
            break;
        }
        if is_hidden(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}
