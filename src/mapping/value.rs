//! A value on its way from the record to the contact: one text, or several. What verbs do to it is in `transform`.

use std::borrow::Cow;

/// A value on its way from the record to the contact.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Val<'a> {
    /// One text.
    One(Cow<'a, str>),
    /// Several.
    Many(Vec<Cow<'a, str>>),
}

/// What stands between the items of a list that has to be one text.
pub(super) const LIST_JOIN: &str = "; ";

impl<'a> Val<'a> {
    /// As one text.
    pub fn into_text(self) -> Cow<'a, str> {
        match self {
            Val::One(text) => text,
            Val::Many(items) => Cow::Owned(items.join(LIST_JOIN)),
        }
    }

    /// As a list.
    pub fn into_items(self) -> Vec<Cow<'a, str>> {
        match self {
            Val::One(text) => vec![text],
            Val::Many(items) => items,
        }
    }

    /// `None` when nothing is left of it.
    pub fn filled(self) -> Option<Val<'a>> {
        match self {
            Val::One(text) => (!text.is_empty()).then_some(Val::One(text)),
            Val::Many(mut items) => {
                items.retain(|item| !item.is_empty());
                (!items.is_empty()).then_some(Val::Many(items))
            }
        }
    }
}
