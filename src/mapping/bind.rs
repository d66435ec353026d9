//! Binding: every name of a mapping is resolved once, against the names that a source has.

use super::columns::Columns;
use super::phone::{Evidence, Region};
use super::resolve::Binder;
use super::rule::{Rule, Target};
use super::source::{ContactName, Slot};
use super::surplus::Dotted;
use super::{Mapping, Unmapped};
use crate::contact::{Field, FieldSet};
use crate::record::Header;
use crate::template::Part;
use crate::yaml::{Document, Errors, FileErrors, Place};
use minijinja::Environment;
use std::collections::{BTreeSet, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Names of a JSON source that are kept for "did you mean".
const SEEN_NAMES_MAX: usize = 200;
/// Records of a JSON source whose names are looked at for that.
pub(super) const SEEN_RECORDS_MAX: u64 = 100;

/// What `--region` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegionChoice {
    /// A country, for phones whose record does not say where they are from.
    Region(Region),
    /// `none`: phones without a country code are meant to be refused.
    Nowhere,
}

/// What a mapping is bound with besides the header.
#[derive(Clone, Debug, Default)]
pub struct BindOptions {
    /// `--region`, which wins over the mapping's. What a record says of its own country wins over both.
    pub region: Option<RegionChoice>,
    /// The connection's `phone_region`, for when nobody else says.
    pub fallback_region: Option<Region>,
    /// By what the target finds somebody, for a mapping without `identity`. Empty: no identity is asked for.
    pub identity_default: Vec<Field>,
}

/// What may be written, for preparing the target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Writes {
    /// Custom attributes, in order. More can come when the source is open (see [`Bound::attribute_columns`]).
    pub attributes: Vec<String>,
    /// Whether owners are written.
    pub owners: bool,
    /// Tags that the mapping itself names.
    pub tags_static: Vec<String>,
    /// Fields of the contact that a rule writes.
    pub fields: FieldSet,
    /// Whether whatever else the source's contact has is written too.
    pub carries: bool,
    /// Whether anything can be wiped.
    pub clears: bool,
}

/// A mapping that knows where each name is found in a record.
pub struct Bound {
    pub(super) page: Arc<Document>,
    pub(super) env: Arc<Environment<'static>>,
    pub(super) blanks: Vec<String>,
    pub(super) rules: Vec<BoundRule>,
    pub(super) filter: Option<BoundTemplate>,
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
    writes: Writes,
    attributes_open: bool,
    are_rejects: bool,
}

/// Where the region of a record's phones comes from.
pub(super) struct RegionSource {
    pub slots: Vec<Slot>,
    pub default: Option<Region>,
    /// The given region and the connection's: numbers of theirs are understood without `+`.
    pub homes: Vec<Region>,
    /// Whether the columns are only known by their names, so that no mapping gives a region.
    pub is_by_name: bool,
    /// Whether `--region none` says that there is none.
    pub is_none_meant: bool,
}

/// What becomes of what no rule uses.
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
    wanted: Vec<(String, Place)>,
    names: Mutex<BTreeSet<String>>,
    surplus: Mutex<BTreeSet<String>>,
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

/// A rule that knows where its values are.
pub(super) struct BoundRule {
    pub rule: Arc<Rule>,
    pub source: BoundSource,
    /// Whether the value is only copied.
    pub is_plain: bool,
    /// Whether it keeps a column that the mapping does not use: it gives way to the mapping's own rules.
    pub is_surplus: bool,
    /// For each slot of phones the one that says of which type its number is.
    pub labels: Vec<Option<Slot>>,
    /// The first name it uses, for problems.
    pub column: Option<Arc<str>>,
}

/// Where the value of a bound rule comes from.
pub(super) enum BoundSource {
    Nothing,
    Slots(Vec<Slot>),
    Template(BoundTemplate),
}

/// A template that knows where its names are.
pub(super) struct BoundTemplate {
    pub name: String,
    /// Every name it speaks of, for finding failed formulas.
    pub slots: Vec<Slot>,
    /// When it only puts values side by side; a value is the slot of that number.
    pub parts: Option<Vec<Part>>,
}

impl Bound {
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

    /// For records that stayed behind: a name that none of them has is no error, for others may have had it.
    pub fn for_rejects(self, are_rejects: bool) -> Bound {
        Bound { are_rejects, ..self }
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

    /// By which fields the same person is found.
    pub fn identity(&self) -> &[Field] {
        &self.identity
    }
}

/// Binds a mapping.
pub(super) fn bind(mapping: &Mapping, header: &Header, options: &BindOptions) -> Result<Bound, FileErrors> {
    let mut binder = Binder::new(header);
    let named = (mapping.contact.is_none() && *header != Header::Contact).then(|| Mapping::by_names(header).mapping);
    let contact = named.as_ref().and_then(|named| named.contact.as_ref()).or(mapping.contact.as_ref());
    let (rules, left_out) = match contact {
        Some(contact) => (contact.rules.as_slice(), contact.left_out.as_slice()),
        None => (&[][..], &[][..]),
    };
    let mut bound: Vec<BoundRule> = rules.iter().map(|rule| binder.rule(rule, false)).collect();
    contact.iter().flat_map(|contact| &contact.passed_over).for_each(|name| binder.pass_over(name));
    binder.can_be_optional = false;
    let consumed = binder.consumed();
    let of_region = named.as_ref().filter(|_| mapping.region.is_none()).unwrap_or(mapping);
    let region = binder.region(of_region, options);
    let filter = mapping.only_if.as_ref().map(|template| binder.template(template, false));
    binder.can_be_optional = true;
    let columns = mapping.columns.as_ref().map(|columns| {
        let rules = columns.iter().map(|rule| binder.rule(rule, true)).collect();
        Columns::new(rules, Arc::clone(&mapping.env))
    });
    binder.tell_missing();
    let unmapped = mapping.unmapped_for(header);
    let surplus = binder.surplus(mapping, unmapped, consumed, &mut bound, left_out);
    let is_carried = matches!(unmapped, Unmapped::Carry);
    if let Some(wanted) = mapping.identity.as_ref().filter(|_| !is_carried && !bound.is_empty()) {
        binder.check_identity(wanted, &bound, &mapping.identity_at);
    }
    let dotted = Dotted::of(&bound);
    let mut writes = writes(&bound);
    let spare_name = contact.and_then(|contact| contact.spare_name.clone());
    writes.attributes.extend(spare_name.iter().map(ToString::to_string));
    let identity = mapping.identity.clone().unwrap_or_else(|| by_default(options, &writes));
    if is_carried {
        (writes.carries, writes.owners) = (true, true);
    }
    let attributes_open = match (&surplus, header) {
        (Surplus::Ignore | Surplus::Error(_) | Surplus::CarryError(_), _) => false,
        (Surplus::Attributes(_) | Surplus::Carry(_) | Surplus::CarryAttributes(_), _) => true,
    };
    let tag_mode = bound.iter().find_map(|rule| rule.rule.verbs.mode).unwrap_or_default();
    let Binder { errors, row_names, wanted, .. } = binder;
    let met = wanted.iter().map(|_| AtomicBool::new(false)).collect();
    let is_open = !matches!(header, Header::Columns(_));
    let seen = Seen { met, wanted, is_open, ..Seen::default() };
    let columns = columns.map(|columns| columns.with(&row_names, &mapping.read.blanks));
    errors.end(
        &mapping.page,
        Bound {
            page: Arc::clone(&mapping.page),
            env: Arc::clone(&mapping.env),
            blanks: mapping.read.blanks.clone(),
            rules: bound,
            filter,
            row_names,
            region,
            evidence: OnceLock::new(),
            identity,
            surplus,
            dotted,
            columns,
            seen,
            tag_mode,
            spare_name,
            phones_seen: AtomicU64::new(0),
            phones_bare: AtomicU64::new(0),
            writes,
            attributes_open,
            are_rejects: false,
        },
    )
}

/// By what the target finds somebody; first of all by their id there, where a rule gives it.
fn by_default(options: &BindOptions, writes: &Writes) -> Vec<Field> {
    let mut identity = options.identity_default.clone();
    if !identity.is_empty() && writes.fields.has(Field::TargetId) && !identity.contains(&Field::TargetId) {
        identity.insert(0, Field::TargetId);
    }
    identity
}

fn writes(rules: &[BoundRule]) -> Writes {
    let mut writes = Writes::default();
    for BoundRule { rule, .. } in rules {
        writes.clears |= rule.verbs.clear == Some(true);
        match &rule.target {
            Target::Field(field) => {
                writes.fields.insert(*field);
                writes.owners |= matches!(field, Field::OwnerId | Field::OwnerName | Field::OwnerEmail);
                if *field == Field::Tags {
                    writes.tags_static.extend(rule.verbs.add.iter().chain(&rule.verbs.default).cloned());
                }
            }
            Target::Attribute(name) if writes.attributes.iter().any(|known| **known == **name) => {}
            Target::Attribute(name) => writes.attributes.push(name.to_string()),
            Target::Column(_) => {}
        }
    }
    writes
}
