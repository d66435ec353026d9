//! vCards (2.1, RFC 2426, RFC 6350), one or many in a file, as phones, address books and mail programs write them.
//!
//! A card becomes an object with the names of a contact's fields, so that it can be imported without a mapping. Cards are
//! framed here, and one that is malformed does not end the file. Photos and other media are left out and counted; what
//! a phone number or a country is, is a mapping's business.

mod address;
mod card;
mod decode;
mod facts;
mod frame;
mod handles;
mod lines;
mod phones;
mod property;
mod read;
mod rejects;
mod take;
mod text;
mod write;

pub(super) use facts::VCF;
pub(super) use facts::charset_of;
pub(super) use rejects::card_with;
pub(super) use take::Cards;
pub use write::put_card;
