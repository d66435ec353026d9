//! Mappings: how a source record becomes a contact, and how a contact becomes a row.
//!
//! ```text
//!  YAML ─ page, verb, rule ─▶ Mapping ─ compile ─▶ Program ─ apply ─▶ Draft ─▶ Wanted
//!          (all errors at once)      (one header)              └─ columns ─▶ cells
//! ```
//!
//! A mapping is read once, with all its errors and their places; compiled once for the names that a source has; and then
//! applied to each record, on all cores. It is pure: no clock, no disk, no network. It does not split or join whole
//! names and does not know what a platform can hold.

mod apply;
mod by_names;
mod checked;
mod columns;
mod compile;
mod compiled;
mod direct;
mod draft;
pub mod email;
mod evaluate;
mod fax;
pub mod names;
mod observe;
mod op;
mod options;
mod page;
pub mod phone;
mod program;
mod quick;
mod resolve;
mod rule;
pub mod schema;
mod sections;
mod shapes;
mod source;
mod spare;
mod surplus;
mod tags;
mod text;
mod transform;
mod value;
mod verb;

pub use apply::{Drafted, Drafter, Mapped};
pub use by_names::{ByNames, Decided, FirstRecords, NamesPlan, NamesTarget};
pub(crate) use by_names::{FLAGS_SPLIT, FamilyFirst, flags_template};
pub use columns::{Cell, Columns, Holds};
pub use direct::Direct;
pub use draft::{Draft, DraftContact, Marks};
pub use options::{BindOptions, RegionChoice};
pub use program::{Program, Writes};
pub(crate) use source::{Found, found_at};
pub(crate) use tags::{cell_of_list, in_cell};
pub use verb::{VERBS, Verb};

use crate::contact::Field;
use crate::files::CardVersion;
use crate::record::Header;
use crate::template::Template;
use crate::yaml::{Document, Place, Text};
use minijinja::Environment;
use phone::Region;
use rule::Rule;
use sections::ContactRules;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What is done with the fields of a source that no rule uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmapped {
    /// Nothing.
    Ignore,
    /// They become custom attributes under their names.
    Attributes,
    /// They are an error.
    Error,
    /// They are carried as they are (sources that are platforms).
    Carry,
}

/// What is done with a value that the target has no field for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// Left out, and counted.
    #[default]
    Report,
    /// Put into the custom attributes under the field's name, where the platform has such.
    Attributes,
    /// The record is rejected.
    Reject,
}

/// What is done with duplicates: records of the same contact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Duplicates {
    /// They are merged in file order.
    #[default]
    Merge,
    /// All but the first are skipped.
    First,
}

/// How a file is to be read; what is not said is detected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadHints {
    /// What stands between cells.
    pub delimiter: Option<u8>,
    /// A label that `encoding_rs` knows.
    pub encoding: Option<String>,
    /// JSON: where the records are (`data.items`).
    pub root: Option<String>,
    /// Cells that mean nothing.
    pub blanks: Vec<String>,
    /// `csv`, `tsv`, `json` or `jsonl`.
    pub format: Option<String>,
    /// XLSX: the sheet, by its name or its number.
    pub sheet: Option<String>,
    /// The line of a table's header.
    pub header_row: Option<u64>,
    /// The names of the columns of a table without a header.
    pub columns: Option<Vec<String>>,
}

/// How a file is to be written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteHints {
    /// What stands between cells.
    pub delimiter: Option<u8>,
    /// A label that `encoding_rs` knows.
    pub encoding: Option<String>,
    /// Whether a byte-order mark goes first.
    pub bom: Option<bool>,
    /// Whether the page said `excel: true`; the other hints are filled in already.
    pub excel: bool,
    /// The version of vCards.
    pub version: Option<CardVersion>,
}

/// `phone_region`: one country, or a column that says which.
#[derive(Clone, Debug, Default)]
struct PhoneRegion {
    names: Vec<Text>,
    default: Option<Region>,
    /// Whether the columns are only known by their names.
    is_by_name: bool,
}

/// A mapping, checked as far as it can be without a source.
#[derive(Clone)]
pub struct Mapping {
    /// The fields by which duplicates are recognised; `None`: those by which the target finds contacts.
    pub identity: Option<Vec<Field>>,
    /// What is done with duplicates.
    pub duplicates: Duplicates,
    /// What is done with a value that the target has no field for.
    pub overflow: Overflow,
    /// What is done with fields that no rule uses; `None`: see [`Mapping::unmapped_for`].
    pub unmapped: Option<Unmapped>,
    page: Arc<Document>,
    env: Arc<Environment<'static>>,
    read: ReadHints,
    /// Whether something is wrong with how the file is to be read, so that its names are not known.
    is_read_unsure: bool,
    write: WriteHints,
    region: Option<PhoneRegion>,
    contact: Option<ContactRules>,
    only_if: Option<Template>,
    columns: Option<Vec<Arc<Rule>>>,
    /// Suppression lists, as the page names them.
    skip: Vec<String>,
    identity_at: Place,
    unmapped_at: Place,
    fingerprint: String,
}

impl Mapping {
    /// How the file is to be read.
    pub fn read_hints(&self) -> &ReadHints {
        &self.read
    }

    /// The names of the source that it uses, as it writes them.
    pub fn source_names(&self) -> Vec<String> {
        let mut names: Vec<&str> = Vec::new();
        fn row_names(template: &Template) -> impl Iterator<Item = &str> {
            let of_row = template.references.iter().filter(|reference| reference.root == rule::ROW_NAME);
            of_row.filter_map(|reference| reference.path.first()).map(String::as_str)
        }
        for rule in self.contact.iter().flat_map(|contact| &contact.rules) {
            match &rule.source {
                rule::Source::Nothing => {}
                rule::Source::Names(of_rule) => names.extend(of_rule.iter().map(|name| name.text.as_str())),
                rule::Source::Template(template) => names.extend(row_names(template)),
            }
        }
        names.extend(self.region.iter().flat_map(|region| &region.names).map(|name| name.text.as_str()));
        names.extend(self.only_if.iter().flat_map(row_names));
        names.into_iter().map(str::to_owned).collect()
    }

    /// The suppression lists; their paths are relative to the folder of the mapping.
    pub fn skip_lists(&self) -> Vec<PathBuf> {
        let folder = self.page.path.parent().unwrap_or(Path::new(""));
        self.skip.iter().map(|list| folder.join(list)).collect()
    }

    /// The country of phones without a country code, where no column says it.
    pub fn region_default(&self) -> Option<Region> {
        self.region.as_ref().and_then(|region| region.default)
    }

    /// How the file is to be written.
    pub fn write_hints(&self) -> &WriteHints {
        &self.write
    }

    /// The same mapping, for a file that is written as its format is by default.
    pub fn without_write_hints(self) -> Mapping {
        Mapping { write: WriteHints::default(), ..self }
    }

    /// What the mapping says, as 64 hexadecimal digits; comments, order of spaces and quotes are no part of it.
    pub fn fingerprint(&self) -> String {
        self.fingerprint.clone()
    }

    /// Whether it says how a contact is made; if not, column names decide.
    pub fn has_contact(&self) -> bool {
        self.contact.is_some()
    }

    /// Whether it says which columns a written file has.
    pub fn has_columns(&self) -> bool {
        self.columns.is_some()
    }

    /// Whether it says nothing but what a written file is like.
    pub fn is_about_rows_only(&self) -> bool {
        self.contact.is_none() && self.only_if.is_none()
    }

    /// What is done with fields that no rule uses, for a source of this kind.
    pub fn unmapped_for(&self, header: &Header) -> Unmapped {
        self.unmapped.unwrap_or(match header {
            Header::Contact => Unmapped::Carry,
            _ if self.contact.is_none() => Unmapped::Attributes,
            _ => Unmapped::Ignore,
        })
    }

    fn empty(page: &Arc<Document>) -> Mapping {
        Mapping {
            identity: None,
            duplicates: Duplicates::default(),
            overflow: Overflow::default(),
            unmapped: None,
            page: Arc::clone(page),
            env: Arc::new(Environment::empty()),
            read: ReadHints::default(),
            is_read_unsure: false,
            write: WriteHints::default(),
            region: None,
            contact: None,
            only_if: None,
            columns: None,
            skip: Vec::new(),
            identity_at: 0..0,
            unmapped_at: 0..0,
            fingerprint: String::new(),
        }
    }
}

impl std::fmt::Debug for Mapping {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mapping")
            .field("path", &self.page.path)
            .field("fingerprint", &self.fingerprint)
            .finish_non_exhaustive()
    }
}
