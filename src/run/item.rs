//! From what was read to what is wanted at the target: the pure part of a pass, done on all cores.

use crate::contact::{ContactView, FIELDS, Field, Overwrite, Wanted};
use crate::files::Read;
use crate::identity::{IdentityValue, identities_of, identity_of};
use crate::mapping::{Drafted, Mapped, Overflow, Program};
use crate::outcome::{Problem, Reject, Skip};
use crate::platforms::{Driver, PlatformFacts};
use crate::platforms::{project, project_bookkeeping};
use crate::reconcile::goal::exactly::Precondition;
use crate::reconcile::goal::planned::PlannedWrite;
use crate::record::{Fields, FieldsRef, Origin, Record, RecordRef, Row};
use crate::run::suppressed::Suppressed;
use crate::store::Key;
use serde_json::Value;
use std::sync::Arc;

/// Maps records, and cuts the contacts to what the target holds.
pub struct Mapper {
    /// The mapping, bound to the source's header.
    pub bound: Arc<Program>,
    /// The target's platform; none when files are written.
    pub platform: Option<Arc<dyn Driver>>,
    /// By what people are the same.
    pub identity: Vec<Field>,
    /// Those among them by which the target finds.
    pub finds_by: Vec<Field>,
    /// How values are handled that the target has no field for.
    pub overflow: Overflow,
    /// The source is a saved plan, whose lines are people already.
    pub is_plan: bool,
    /// Contacts that are left out.
    pub suppressed: Option<Arc<Suppressed>>,
}

/// A record before the target is asked.
pub enum Item {
    /// A contact to be sent.
    Candidate(Box<Candidate>),
    /// Left out on purpose, whatever the target says.
    Skipped(Origin, Skip),
    /// Rejected.
    Rejected(Reject),
}

/// A record and the contact that it makes.
pub struct Candidate {
    /// The record, for the rejects and for merging.
    pub record: Record,
    /// What should be at the target.
    pub wanted: Wanted,
    /// What the target has no field for.
    pub not_carried: Vec<String>,
    /// By what it is the same contact as an earlier record: the first value of each identity field.
    pub merges_by: Vec<IdentityValue>,
    /// By what it is found at the target: all values of the identity fields.
    pub identities: Vec<IdentityValue>,
    /// What a saved plan expects.
    pub precondition: Option<Arc<Precondition>>,
    /// Whether it is on a suppression list.
    pub is_suppressed: bool,
    /// The key of its entry, if it is known that it is made of this record alone.
    pub key: Option<Key>,
}

/// A contact that a record makes, cut to the target, without its record.
pub struct Fitted {
    /// As in [`Candidate`].
    pub wanted: Wanted,
    /// As in [`Candidate`].
    pub not_carried: Vec<String>,
    merges_by: Vec<IdentityValue>,
    /// As in [`Candidate`].
    pub identities: Vec<IdentityValue>,
    /// As in [`Candidate`].
    pub is_suppressed: bool,
}

/// What was read, before its record is copied.
pub enum Fit {
    /// A contact.
    Contact(Box<Fitted>),
    /// No contact is made of it.
    Item(Item),
}

impl Fitted {
    /// The contact with its record.
    pub fn of(self, record: Record, key: Option<Key>) -> Candidate {
        let Fitted { wanted, not_carried, merges_by, identities, is_suppressed } = self;
        Candidate { record, wanted, not_carried, merges_by, identities, precondition: None, is_suppressed, key }
    }
}

impl Mapper {
    /// The target's facts; none when files are written.
    pub fn facts(&self) -> Option<&PlatformFacts> {
        self.platform.as_ref().map(|platform| platform.facts())
    }

    /// Maps what was read.
    pub fn item(&self, read: Read) -> Item {
        let record = match read {
            Read::Record(record) => record,
            Read::Blank(origin) => return Item::Skipped(origin, Skip::Blank),
            Read::Reject(reject) => return Item::Rejected(reject),
        };
        if self.is_plan {
            return item_of_plan(record.into_record());
        }
        match self.fit(record.borrowed()) {
            Fit::Contact(fitted) => Item::Candidate(Box::new(fitted.of(record.into_record(), None))),
            Fit::Item(item) => item,
        }
    }

    /// Maps a record that is no line of a saved plan.
    pub fn fit(&self, record: RecordRef<'_>) -> Fit {
        match self.bound.apply(record) {
            Mapped::Filtered => Fit::Item(Item::Skipped(record.origin, Skip::Filtered)),
            Mapped::Rejected(problems) => Fit::Item(Item::Rejected(reject_of(record, problems))),
            Mapped::Contact(wanted) => match self.fitted(record, *wanted) {
                Ok(fitted) => Fit::Contact(Box::new(fitted)),
                Err(reject) => Fit::Item(Item::Rejected(reject)),
            },
        }
    }

    /// A mapped contact, cut to the target.
    pub fn candidate(&self, record: Record, wanted: Wanted) -> Item {
        match self.fitted((&record).into(), wanted) {
            Ok(fitted) => Item::Candidate(Box::new(fitted.of(record, None))),
            Err(reject) => Item::Rejected(reject),
        }
    }

    fn fitted(&self, record: RecordRef<'_>, mut wanted: Wanted) -> Result<Fitted, Reject> {
        if self.drops_target_id() {
            wanted.contact.remove(Field::TargetId);
        }
        let merges_by = identity_of(&wanted.contact, &self.identity);
        let identities = identities_of(&wanted.contact, &self.identity);
        // A target may have no field for the value that is on a list.
        let is_suppressed = self.is_suppressed(&wanted.contact);
        let mut not_carried = std::mem::take(&mut wanted.not_carried);
        let Some(platform) = self.facts() else {
            return Ok(Fitted { wanted, not_carried, merges_by, identities, is_suppressed });
        };
        let mut unheld = project_bookkeeping(platform, &mut wanted, self.bound.writes().fields, self.overflow);
        if !wanted.contact.native.is_empty() && !matches!(record.fields, FieldsRef::Contact(_)) {
            unheld.push("native".to_owned());
        }
        let fitted = project(platform, wanted, self.overflow);
        unheld.extend(fitted.not_carried);
        if self.overflow == Overflow::Reject && !unheld.is_empty() {
            let problem = |name: &String| {
                Problem::new("value.not_held", format!("{} has no field for `{name}`", platform.title))
                    .at(name.as_str())
                    .hint("leave the field out of the mapping, or use `overflow: report` or `overflow: attributes`")
            };
            return Err(reject_of(record, unheld.iter().map(problem).collect()));
        }
        not_carried.extend(unheld.into_iter().filter(|name| !not_carried.contains(name)).collect::<Vec<_>>());
        Ok(Fitted { wanted: fitted.wanted, not_carried, merges_by, identities, is_suppressed })
    }

    /// Whether a contact, as the mapping makes it, is on a suppression list.
    pub fn is_suppressed(&self, contact: &dyn ContactView) -> bool {
        self.suppressed.as_ref().is_some_and(|suppressed| suppressed.has(contact))
    }

    /// One hash for each identity field by which the candidate is merged, and those of its further values, by the place
    /// of their field.
    pub fn identity_hashes(&self, candidate: &Candidate) -> IdentityHashes {
        self.hashes(&candidate.merges_by, &candidate.identities, !candidate.wanted.left_blank.is_empty())
    }

    fn hashes(&self, merges_by: &[IdentityValue], identities: &[IdentityValue], leaves_blank: bool) -> IdentityHashes {
        let hash_of = |field: &Field| {
            let identity = merges_by.iter().find(|identity| identity.field == *field)?;
            Some(short_hash(identity.value.as_bytes()))
        };
        let firsts = self.identity.iter().map(hash_of).collect();
        let further = identities.iter().filter(|identity| !merges_by.contains(identity));
        let further = further.filter_map(|identity| self.hash_of(identity)).collect();
        IdentityHashes { firsts, further, leaves_blank }
    }

    /// Whether the mapping alone decides about a record: the target rejects nothing, and nothing has to be defined there.
    pub fn only_maps(&self) -> bool {
        let is_free = |platform: &PlatformFacts| self.overflow != Overflow::Reject && !platform.defines_attributes;
        !self.is_plan && self.facts().is_none_or(is_free)
    }

    /// What the mapping alone says about a record, without a copy of its values; see [`Mapper::only_maps`].
    pub fn look(&self, read: Read) -> Looked {
        let record = match read {
            Read::Record(record) => record,
            Read::Blank(_) => return Looked::Skipped(Skip::Blank),
            Read::Reject(reject) => return Looked::Rejected(reject.origin, reject.problems),
        };
        let origin = record.borrowed().origin;
        match self.bound.draft(record.borrowed()) {
            Drafted::Filtered => Looked::Skipped(Skip::Filtered),
            Drafted::Rejected(problems) => Looked::Rejected(origin, problems),
            Drafted::Contact(mut draft) => {
                if self.drops_target_id() {
                    draft.contact.remove(Field::TargetId);
                }
                let merges_by = identity_of(&draft.contact, &self.identity);
                let identities = identities_of(&draft.contact, &self.identity);
                Looked::Contact(origin, self.hashes(&merges_by, &identities, !draft.marks.left_blank.is_empty()))
            }
        }
    }

    /// Whether an id of the source is removed: it is none at the target, unless a rule says so.
    fn drops_target_id(&self) -> bool {
        self.bound.writes().carries && !self.bound.writes().fields.has(Field::TargetId) && self.platform.is_some()
    }

    /// The place of an identity value's field, and its hash; none when the field is no identity field here.
    pub fn hash_of(&self, identity: &IdentityValue) -> Option<(usize, [u8; 16])> {
        let place = self.identity.iter().position(|field| *field == identity.field)?;
        Some((place, short_hash(identity.value.as_bytes())))
    }
}

/// What the mapping alone says about a record.
pub enum Looked {
    /// A contact.
    Contact(Origin, IdentityHashes),
    /// Left out on purpose.
    Skipped(Skip),
    /// All that is wrong with it.
    Rejected(Origin, Vec<Problem>),
}

/// What the index of duplicates knows of a record.
pub struct IdentityHashes {
    /// For each identity field the first value, by which records are merged.
    pub firsts: Vec<Option<[u8; 16]>>,
    /// All further values.
    pub further: Vec<(usize, [u8; 16])>,
    /// Whether the contact is sent without one of the values of the record.
    pub leaves_blank: bool,
}

/// The reject that a record becomes.
pub fn reject_of<'b>(record: impl Into<RecordRef<'b>>, problems: Vec<Problem>) -> Reject {
    let RecordRef { origin, raw, .. } = record.into();
    Reject { origin, raw: raw.into(), problems }
}

/// Sixteen bytes of a hash.
fn short_hash(bytes: &[u8]) -> [u8; 16] {
    blake3::hash(bytes).as_bytes().first_chunk().copied().unwrap_or_default()
}

/// The entry of a person: the same whenever identity and content are.
pub fn key_of(identities: &[IdentityValue], wanted: &Wanted) -> Key {
    let mut content: Vec<u8> = Vec::with_capacity(256);
    let mut feed = |tag: u8, text: &str| {
        content.push(tag);
        content.extend((text.len() as u64).to_le_bytes());
        content.extend(text.as_bytes());
    };
    for (field, _) in FIELDS {
        let flags = [wanted.fill.has(field), wanted.clear.has(field), wanted.force.has(field)];
        if flags.contains(&true) {
            feed(100 + field as u8, &format!("{flags:?}"));
        }
        if let Some(text) = wanted.contact.text(field) {
            feed(50 + field as u8, text);
        }
        for item in wanted.contact.list(field) {
            feed(50 + field as u8, item);
        }
    }
    for attribute in &wanted.contact.attributes {
        let overwrite = match wanted.attribute_overwrite(&attribute.name) {
            Overwrite::Update if wanted.is_attribute_forced(&attribute.name) => 204,
            Overwrite::Update => 200,
            Overwrite::Fill => 201,
            Overwrite::Clear => 202,
        };
        feed(overwrite, &attribute.name);
        feed(203, &attribute.value);
    }
    feed(204 + wanted.tag_mode as u8, "");
    Key::of(identities, &content)
}

/// A record as bytes, for keeping it on disk until the last of its person comes by.
pub fn pack(record: &Record) -> Vec<u8> {
    let (kind, text) = match &record.fields {
        Fields::Row(row) => (0u8, serde_json::to_string(&row.iter().collect::<Vec<_>>())),
        Fields::Json(value) => (1, Ok(value.to_string())),
        Fields::Contact(contact) => (2, serde_json::to_string(&contact.to_json())),
    };
    let mut bytes = Vec::with_capacity(record.raw.len() * 2 + 32);
    bytes.extend(record.origin.ordinal.to_le_bytes());
    bytes.extend(record.origin.line.to_le_bytes());
    bytes.extend((record.raw.len() as u64).to_le_bytes());
    bytes.extend(&record.raw[..]);
    bytes.push(kind);
    bytes.extend(text.unwrap_or_default().as_bytes());
    bytes
}

/// The record that [`pack`] made bytes of; `None` when they are no such bytes.
pub fn unpack(bytes: &[u8]) -> Option<Record> {
    let number = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    let origin = Origin { ordinal: number(0)?, line: number(8)? };
    let raw_end = usize::try_from(number(16)?).ok()?.checked_add(24)?;
    let raw = bytes.get(24..raw_end)?.into();
    let text = bytes.get(raw_end + 1..)?;
    let fields = match bytes.get(raw_end)? {
        0 => Fields::Row(Row::from_cells(serde_json::from_slice::<Vec<String>>(text).ok()?)),
        1 => Fields::Json(serde_json::from_slice(text).ok()?),
        _ => Fields::Contact(Box::new(crate::contact::Contact::from_json(&serde_json::from_slice(text).ok()?))),
    };
    Some(Record { origin, fields, raw })
}

/// The item of a line of a saved plan; a line that writes nothing is left out.
fn item_of_plan(record: Record) -> Item {
    let Fields::Json(line) = &record.fields else { return unreadable(record) };
    let Some(send) = line.get("send") else {
        let is_line = line.get("outcome").is_some_and(Value::is_string);
        return if is_line { Item::Skipped(record.origin, Skip::Filtered) } else { unreadable(record) };
    };
    let changes = line.get("changes").cloned().and_then(|changes| serde_json::from_value(changes).ok());
    let (Some(PlannedWrite { wanted, identities, not_carried, seen }), Some(changes)) =
        (PlannedWrite::from_json(send), changes)
    else {
        return unreadable(record);
    };
    let text = |name: &str| line.get(name).and_then(Value::as_str).map(str::to_owned);
    let creates = text("outcome").as_deref() == Some("created");
    let precondition = Precondition { creates, target_id: text("target_id"), changes, seen };
    let precondition = Some(Arc::new(precondition));
    let mut merges_by = identities.clone();
    merges_by.dedup_by_key(|identity| identity.field);
    let (is_suppressed, key) = (false, None);
    let candidate = Candidate { record, wanted, not_carried, merges_by, identities, precondition, is_suppressed, key };
    Item::Candidate(Box::new(candidate))
}

fn unreadable(record: Record) -> Item {
    let problem = Problem::new("plan.unreadable", "this line is not as a dry run writes it")
        .hint("make another plan: the same command with `--dry-run --plan`");
    Item::Rejected(reject_of(&record, vec![problem]))
}
