//! The editor of mappings: a page on loopback that shows the columns of a file, the fields of a contact, the mapping, and the
//! first contacts as they would arrive.
//!
//! ```text
//!  browser ── server (who may ask, which path) ──▶ Editor ── change ──▶ text ── preview ──▶ form, errors, contacts
//!                                                    │
//!                                                    └── save: given by the command, which knows what may be replaced
//! ```
//!
//! The page holds no rule of the language: a change of its form comes back as a text, and a text as a form. Contacts are
//! made by the code that an import uses, of the first records of the file. Nothing is sent anywhere, and no key of a
//! platform reaches the page.

mod change;
mod columns;
mod duplicates;
mod editor;
mod fields;
mod form;
mod preview;
mod server;
mod token;

pub use change::{Change, changed};
pub use editor::{About, Editor, Save};
pub use fields::{FieldFacts, all_fields};
pub use form::{FieldForm, Form, Take, form};
pub use preview::Reading;
pub use server::{Served, serve};
