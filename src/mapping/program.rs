//! A compiled mapping: its operations over the columns of a source, and what it has met in the records so far. How it is
//! compiled stands in `compile`, how it is applied in `apply`.

use super::columns::Columns;
use super::compiled::{CompiledRule, CompiledTemplate, Dotted};
use super::phone::{Evidence, Region};
use super::source::{ContactName, Slot};
use crate::contact::{Field, FieldSet};
use crate::yaml::{Document, Errors, FileErrors, Place};
use minijinja::Environment;
use std::collections::{BTreeSet, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Names of a JSON source that are kept for "did you mean".
const SEEN_NAMES_MAX: usize = 200;
/// Records of a JSON source whose names are kept for that.
pub(super) const SEEN_RECORDS_MAX: u64 = 100;

/// What may be written, for preparing the target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Writes {
    /// Custom attributes, in order. More can come when the source is open (see [`Program::attribute_columns`]).
    pub attributes: Vec<String>,
    /// Whether owners are written.
    pub owners: bool,
    /// Tags that the mapping itself names.
    pub tags_static: Vec<String>,
    /// Fields of the contact that a rule writes.
    pub fields: FieldSet,
    /// Whether whatever else the source's contact has is written too.
    pub carries: bool,
    /// Whether any value can be cleared.
    pub clears: bool,
}

/// A compiled mapping, which knows where each name is found in a record.
pub struct Program {
    pub(super) page: Arc<Document>,
    pub(super) env: Arc<Environment<'static>>,
    pub(super) blanks: Vec<String>,
    pub(super) rules: Vec<CompiledRule>,
    pub(super) filter: Option<CompiledTemplate>,
    /// The slots that templates speak of by name: `row.City`.
    pub(super) row_names: Vec<(Arc<str>, Slot)>,
    pub(super) region: RegionSource,
    /// What the columns say about the countries of phones. It is fixed when a run starts.
    pub(super) evidence: OnceLock<Evidence>,
    pub(super) identity: Vec<Field>,
    pub(super) surplus: Surplus,
    /// Names with dots that rules use.
    pub(super) dotted: Vec<Dotted>,
    pub(super) columns: Option<Columns>,
    pub(super) seen: Seen,
    pub(super) tag_mode: crate::contact::TagMode,
    /// The attribute that a whole name becomes where it says something else than its parts.
    pub(super) spare_name: Option<Arc<str>>,
    pub(super) phones_seen: AtomicU64,
    pub(super) phones_bare: AtomicU64,
    pub(super) writes: Writes,
    pub(super) attributes_open: bool,
    pub(super) are_rejects: bool,
    /// The country that the source looks like, and why; nothing goes by it.
    pub(super) likely_region: Option<(Region, String)>,
}

/// Where the region of a record's phones comes from.
pub(super) struct RegionSource {
    pub slots: Vec<Slot>,
    pub default: Option<Region>,
    /// The given region and the connection's: numbers of theirs are understood without `+`.
    pub homes: Vec<Region>,
    /// Whether the columns are only known by their names, so that no mapping gives a region.
    pub is_by_name: bool,
    /// Whether `--region none` says that there is no region.
    pub is_none_meant: bool,
}

/// What is done with the fields that no rule uses.
pub(super) enum Surplus {
    Ignore,
    /// JSON: names that are used, and so left out of what becomes attributes.
    Attributes(HashSet<String>),
    /// JSON: names that are used; any other is an error.
    Error(HashSet<String>),
    /// A contact: what is taken out of it before the rules.
    Carry(Vec<ContactName>),
    /// A contact: what is left of it becomes attributes.
    CarryAttributes(Vec<ContactName>),
    /// A contact: what is left of it is an error.
    CarryError(Vec<ContactName>),
}

/// What was met in records, for names that only records can show.
#[derive(Default)]
pub(super) struct Seen {
    pub met: Vec<AtomicBool>,
    /// Whether records have names that the header does not tell.
    pub is_open: bool,
    pub records: AtomicU64,
    pub wanted: Vec<(String, Place)>,
    pub names: Mutex<BTreeSet<String>>,
    pub surplus: Mutex<BTreeSet<String>>,
}

impl Seen {
    pub fn name(&self, name: &str) {
        insert(&self.names, name);
    }

    pub fn surplus(&self, name: &str) {
        insert(&self.surplus, name);
    }
}

fn insert(set: &Mutex<BTreeSet<String>>, name: &str) {
    let mut set = set.lock().unwrap_or_else(PoisonError::into_inner);
    if set.len() < SEEN_NAMES_MAX && !set.contains(name) {
        set.insert(name.to_owned());
    }
}

impl Program {
    /// Names that no record had so far, once the source was read. For sources whose names are not known beforehand.
    pub fn unmet_names(&self) -> Option<FileErrors> {
        if self.seen.records.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let mut errors = Errors::default();
        let names = self.seen.names.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, at) in self.unmet() {
            let error = errors.add(at, format!("no record has `{name}`"));
            error.set_hint("if it may be absent everywhere, say `optional: true`");
            error.did_you_mean(name, names.iter().map(String::as_str));
        }
        let surplus = self.seen.surplus.lock().unwrap_or_else(PoisonError::into_inner);
        if !surplus.is_empty() {
            let listed: Vec<String> = surplus.iter().map(|name| format!("`{name}`")).collect();
            errors.add(&(0..0), format!("no rule uses {}, and `unmapped` says `error`", listed.join(", ")));
        }
        errors.end(&self.page, ()).err()
    }

    /// For rejects: a name that none of them has is not an error, because other records of the source may have had it.
    pub fn for_rejects(self, are_rejects: bool) -> Program {
        Program { are_rejects, ..self }
    }

    /// Whether the source is a rejects file.
    pub fn are_rejects(&self) -> bool {
        self.are_rejects
    }

    fn unmet(&self) -> impl Iterator<Item = &(String, Place)> {
        let pairs = self.seen.wanted.iter().zip(&self.seen.met);
        pairs
            .filter(|((name, _), met)| !self.are_rejects && !name.is_empty() && !met.load(Ordering::Relaxed))
            .map(|(wanted, _)| wanted)
    }

    /// How many phones had neither a country code nor a region, and how many phones there were (so far). None where a
    /// region is given in whatever way, or `--region none`.
    pub fn phones_without_code(&self) -> (u64, u64) {
        let seen = self.phones_seen.load(Ordering::Relaxed);
        let is_given = !self.region.slots.is_empty() && !self.region.is_by_name;
        if self.region.is_none_meant || is_given {
            return (0, seen);
        }
        (self.phones_bare.load(Ordering::Relaxed), seen)
    }

    /// The same, of which it is known what country the source looks like, and why.
    pub fn with_likely_region(self, likely_region: Option<(Region, &str)>) -> Program {
        Program { likely_region: likely_region.map(|(region, why)| (region, why.to_owned())), ..self }
    }

    /// What country the source looks like, and why, where that is not enough to read phones by it.
    pub fn likely_region(&self) -> Option<(Region, &str)> {
        self.likely_region.as_ref().map(|(region, why)| (*region, why.as_str()))
    }

    /// What may be written.
    pub fn writes(&self) -> &Writes {
        &self.writes
    }

    /// The columns of files that are written, when the mapping has `columns`.
    pub fn columns(&self) -> Option<&Columns> {
        self.columns.as_ref()
    }

    /// The attributes that can occur, in order; `None` when only the records can tell.
    pub fn attribute_columns(&self) -> Option<&[String]> {
        (!self.attributes_open).then_some(self.writes.attributes.as_slice())
    }

    /// Whether the contacts of a platform come out as they are: no rule, filter or column is theirs.
    pub fn carries_whole(&self) -> bool {
        let carries = matches!(&self.surplus, Surplus::Carry(taken) if taken.is_empty());
        let has_rules = !self.rules.is_empty() || self.spare_name.is_some() || !self.identity.is_empty();
        carries && !has_rules && self.filter.is_none() && self.columns.is_none()
    }

    /// Whether the id at the platform stays in its contacts.
    pub fn carries_id(&self) -> bool {
        matches!(&self.surplus, Surplus::Carry(taken) if !taken.contains(&ContactName::Text(Field::Id)))
    }

    /// The fields by which duplicates are recognised.
    pub fn identity(&self) -> &[Field] {
        &self.identity
    }
}
