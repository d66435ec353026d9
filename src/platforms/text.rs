//! Texts and lists that may be owned: a built-in platform borrows them from its tables, a described one owns them.

use std::borrow::Cow;

/// A text that may be owned.
pub type Text = Cow<'static, str>;
/// A list that may be owned.
pub type Slice<T> = Cow<'static, [T]>;

/// Borrowed texts, for the tables of a built-in platform.
macro_rules! texts {
    ($($text:expr),* $(,)?) => { &[$(::std::borrow::Cow::Borrowed($text)),*] };
}
pub(super) use texts;
