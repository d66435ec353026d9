//! The colours of failures. It does not decide whether there is colour.

/// Paints a word, or leaves it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint {
    /// Whether there is colour.
    pub color: bool,
}

impl Paint {
    pub fn red(self, text: &str) -> String {
        self.wrap("1;31", text)
    }

    pub fn cyan(self, text: &str) -> String {
        self.wrap("1;36", text)
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}
