//! The names that users and programs give to columns, in seven languages.
//!
//! ```text
//!  name ─ sense ─▶ Meaning ─┐
//!  name ─ sense ─▶ Meaning ─┼─ assign ─▶ what each column is for
//!  name ─ sense ─▶ Meaning ─┘
//! ```
//!
//! It knows names, not values: it does not look at the values of a column. A name that would be a guess (`Number`,
//! `Department`, `Middle Name`) is not known, so its column becomes an attribute and nothing is lost.

mod assign;
mod nearly;
mod nested;
mod sense;
mod words;

pub(crate) use assign::{Because, Decisions, Layout, Reason, Use, assign};
pub(crate) use nearly::{Nearness, is_about_others, nearly};
pub(crate) use nested::{is_in_list_of_contact, is_list_of_contact, is_of_company, is_single, nested};
pub(crate) use sense::{Meaning, Sense, bare_role, meaning, without_zone};
pub(crate) use words::{Bare, Head, Role};

use crate::contact::Field;

/// What a column with a known name holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// A contact field, by its name in a mapping (`phone`, `address.city`).
    Field(&'static str),
    /// The country that the record's phones belong to, as a code.
    Region,
    /// Of which type its neighbour is.
    Label,
    /// An id that only the exporting system knows.
    OwnId,
    /// The number of the row.
    Counter,
}

/// The words of a name, folded.
pub(crate) fn name_words(name: &str) -> Vec<String> {
    sense::pieces(name).0
}

/// What a column of this name holds, where the name is known; case, accents, blanks and punctuation do not count.
pub fn known_column(name: &str) -> Option<Known> {
    match meaning(name) {
        Meaning::Value(sense) => Some(held(sense)),
        Meaning::Label(_) => Some(Known::Label),
        Meaning::OwnId => Some(Known::OwnId),
        Meaning::Counter => Some(Known::Counter),
        Meaning::System | Meaning::Company | Meaning::Unknown => None,
    }
}

/// What the columns of a header hold. Where [`known_column`] cannot tell from one name, the others do: `Nombre` beside
/// `Apellido` is the first name, alone it is the whole name.
pub fn known_columns<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<Option<Known>> {
    let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
    let known = |used: &Use| match *used {
        Use::Field(field) | Use::Attribute(Because::Second(field, _)) => Some(Known::Field(first_name_of(field))),
        Use::Spare => Some(Known::Field(Field::FullName.name())),
        Use::Attribute(_) => None,
        Use::LeftOut(Reason::Label) => Some(Known::Label),
        Use::LeftOut(Reason::OwnId | Reason::System) => Some(Known::OwnId),
        Use::LeftOut(Reason::Counter) => Some(Known::Counter),
    };
    assign(Layout { names: &names, ..Layout::default() }).uses.iter().map(known).collect()
}

/// What a column of this sense holds, as a mapping calls it.
pub(crate) fn held_by(sense: Sense) -> &'static str {
    match held(sense) {
        Known::Field(name) => name,
        Known::Region | Known::Label | Known::OwnId | Known::Counter => "phone_region",
    }
}

fn held(sense: Sense) -> Known {
    let field = match sense.head {
        Head::First | Head::MaybeFirst | Head::Bare(Bare::Given) => Field::FirstName,
        Head::Last | Head::MaybeLast => Field::LastName,
        Head::Full | Head::Person | Head::Bare(_) => Field::FullName,
        Head::Phone => Field::Phones,
        Head::Email => Field::Emails,
        Head::Handles => Field::Handles,
        Head::Tags => Field::Tags,
        Head::Street | Head::MaybeStreet | Head::Address => Field::Street,
        Head::City | Head::Locality => Field::City,
        Head::State | Head::MaybeState => Field::State,
        Head::Zip | Head::MaybeZip => Field::Zip,
        Head::Country => Field::Country,
        Head::Other(field) => field,
        Head::CountryCode | Head::Website => return Known::Region,
    };
    Known::Field(first_name_of(field))
}

/// The field as the plan calls it: of phones and e-mails the first.
pub(super) fn first_name_of(field: Field) -> &'static str {
    match field {
        Field::Phones => "phone",
        Field::Emails => "email",
        other => other.name(),
    }
}
