//! A mapping tried on records: how many would be contacts, what is wrong with the others, and the first ones before and
//! after. Nothing is sent and nothing is written; `map check` prints it, and the editor shows it.

use crate::contact::{Contact, FIELDS, LeftBlank};
use crate::outcome::{Problem, Reject, Skip};
use crate::profile::Cells;
use crate::record::RecordRef;
use crate::run::bind::singular;
use crate::run::item::{Candidate, Item};
use crate::shown::escape;
use std::collections::BTreeMap;

/// More names than this are counted together: such names are data.
const NAMES_MAX: usize = 10_000;
/// So much of a record that was rejected is kept, in bytes.
const RAW_LEN_MAX: usize = 180;

/// A name with its value.
pub type Named = (String, String);

/// A record before and after its mapping.
#[derive(Clone, Debug, Default)]
pub struct Example {
    /// Where the record begins.
    pub line: u64,
    /// Its values that are not blank; of a reject, which has none, see `raw`.
    pub before: Vec<Named>,
    /// The beginning of a reject, as it stands in the source.
    pub raw: String,
    /// The values of the contact.
    pub after: Vec<Named>,
    /// Why it is rejected.
    pub problems: Vec<Problem>,
    /// Values that it is sent without.
    pub left_blank: Vec<LeftBlank>,
    /// Names of values that the target has no field for.
    pub not_carried: Vec<String>,
}

impl Example {
    fn of_candidate(candidate: &Candidate, names: &[String]) -> Example {
        Example {
            line: candidate.record.origin.line,
            before: values_before(&candidate.record, names),
            after: values_after(&candidate.wanted.contact),
            left_blank: candidate.wanted.left_blank.clone(),
            not_carried: candidate.not_carried.clone(),
            ..Example::default()
        }
    }

    fn of_reject(reject: &Reject) -> Example {
        let raw = reject.raw.get(..RAW_LEN_MAX).unwrap_or(&reject.raw);
        Example {
            line: reject.origin.line,
            raw: String::from_utf8_lossy(raw).into_owned(),
            problems: reject.problems.clone(),
            ..Example::default()
        }
    }
}

/// What a mapping makes of the records of a source.
#[derive(Clone, Debug, Default)]
pub struct Tried {
    /// Records, blank rows not counted.
    pub read: u64,
    /// Those that `only_if` leaves out.
    pub filtered: u64,
    /// Contacts on a suppression list.
    pub suppressed: u64,
    /// By the code of the first problem.
    pub rejected: BTreeMap<String, u64>,
    /// For how many records, by field.
    pub not_carried: BTreeMap<String, u64>,
    /// The first records that are not left out.
    pub first: Vec<Example>,
    /// The first of them that are rejected or are sent without a value.
    pub troubled: Vec<Example>,
    names: Vec<String>,
    first_max: usize,
    troubled_max: usize,
}

impl Tried {
    /// Of no records yet. `names` are those of the source's values.
    pub fn new(names: Vec<String>, first_max: usize, troubled_max: usize) -> Tried {
        Tried { names, first_max, troubled_max, ..Tried::default() }
    }

    /// Adds what a record has become.
    pub fn add(&mut self, item: Item) {
        self.read += 1;
        match item {
            Item::Skipped(_, Skip::Blank) => self.read -= 1,
            Item::Skipped(..) => self.filtered += 1,
            Item::Rejected(reject) => {
                let code = reject.problems.first().map_or(String::new(), |problem| problem.code.to_string());
                self.keep(true, || Example::of_reject(&reject));
                add_name(&mut self.rejected, code);
            }
            Item::Candidate(candidate) if candidate.is_suppressed => self.suppressed += 1,
            Item::Candidate(candidate) => {
                let names = std::mem::take(&mut self.names);
                let is_troubled = !candidate.wanted.left_blank.is_empty();
                self.keep(is_troubled, || Example::of_candidate(&candidate, &names));
                self.names = names;
                candidate.not_carried.into_iter().for_each(|name| add_name(&mut self.not_carried, name));
            }
        }
    }

    fn keep(&mut self, is_troubled: bool, example: impl FnOnce() -> Example) {
        let is_first = self.first.len() < self.first_max;
        let is_troubled = is_troubled && self.troubled.len() < self.troubled_max;
        if !is_first && !is_troubled {
            return;
        }
        let example = example();
        self.troubled.extend(is_troubled.then(|| example.clone()));
        self.first.extend(is_first.then_some(example));
    }

    /// Records that are rejected.
    pub fn rejects(&self) -> u64 {
        self.rejected.values().sum()
    }

    /// Records that become contacts.
    pub fn contacts(&self) -> u64 {
        self.read.saturating_sub(self.filtered + self.suppressed + self.rejects())
    }
}

fn add_name(counts: &mut BTreeMap<String, u64>, name: String) {
    let name = if counts.len() < NAMES_MAX || counts.contains_key(&name) { name } else { "…".to_owned() };
    *counts.entry(name).or_default() += 1;
}

/// The values of a record that are not blank, with their names.
pub fn values_before<'r>(record: impl Into<RecordRef<'r>>, names: &'r [String]) -> Vec<Named> {
    let cells = Cells::of(record, names);
    let values = names.iter().enumerate().map(|(at, name)| (name.clone(), cells.get(at).into_owned()));
    values.filter(|(_, value)| !value.trim().is_empty()).collect()
}

/// What a contact has, in the order of the fields, attributes last.
fn values_after(contact: &Contact) -> Vec<Named> {
    let mut values = Vec::new();
    for (field, name) in FIELDS {
        match contact.text(field) {
            Some(text) => values.push((name.to_owned(), text.to_owned())),
            None => match contact.list(field) {
                [] => {}
                [only] => values.push((singular(field).to_owned(), only.clone())),
                several => values.push((name.to_owned(), several.join("; "))),
            },
        }
    }
    let attributes = contact.attributes.iter().filter(|attribute| !attribute.value.is_empty());
    values.extend(attributes.map(|one| (format!("attributes.{}", escape(&one.name)), one.value.to_string())));
    values
}
