//! What a rule does that works on one column and does little: data only. It is decided and done in `quick`.

use crate::contact::Field;

/// What a rule does with one column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Quick {
    /// The column.
    pub column: usize,
    pub op: Op,
}

/// What is done to a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Op {
    /// Copies the cell into a text.
    Text(Field),
    /// Copies it, and a country as its two letters.
    Country,
    /// Copies it into an attribute that no other rule has.
    Attribute,
    /// Takes tags apart that are written in one of the usual ways.
    Tags,
    /// Splits it into a list.
    Split(Field, String),
    /// Reads one phone.
    Phone,
    /// Reads one e-mail address.
    Email { is_lowered: bool },
}
