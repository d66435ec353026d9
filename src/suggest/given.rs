//! Given names that are common where the seven languages are spoken: a column of them without a name of its own is one of
//! names. From general knowledge; a name that is missing costs nothing.

use crate::yaml::fold;
use std::collections::HashSet;
use std::sync::LazyLock;

static NAMES: LazyLock<HashSet<String>> =
    LazyLock::new(|| include_str!("words/given.txt").split_whitespace().map(fold).collect());

/// Whether a word is a given name.
pub(super) fn is_given(word: &str) -> bool {
    NAMES.contains(&fold(word))
}
