//! Why a text is not a phone. It does not say it in words: `mapping/checked.rs` does.

/// Why a text is not a phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PhoneFault {
    /// No number of any plan that it could belong to. Several numbers in one cell and a number with an extension are
    /// this too: [`super::parts`] takes them apart.
    Invalid,
    /// A spreadsheet has truncated it (`5.93988E+11`): its digits are lost.
    Spreadsheet,
    /// It has no country code, and no region was given to take it from.
    NoRegion,
    /// It has no country code, and the record's value for the country is not one.
    UnknownRegion,
}
