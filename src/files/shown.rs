//! Text from outside as a message shows it: short, and nothing that a terminal would act on.

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

/// Whether a terminal acts on a character or does not show it: controls (C0, C1), line and paragraph separators, and
/// Unicode's format characters (general category Cf): marks of direction, zero-width characters, tags.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{0600}'..='\u{0605}' | '\u{061C}' | '\u{06DD}' | '\u{070F}' | '\u{0890}' | '\u{0891}'
            | '\u{08E2}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2064}'
            | '\u{2066}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{110BD}' | '\u{110CD}'
            | '\u{13430}'..='\u{1343F}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0001}'
            | '\u{E0020}'..='\u{E007F}')
}
