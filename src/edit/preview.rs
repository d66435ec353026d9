//! A mapping tried on the first records of the file: what is wrong with it, each error with its place and its field, or the
//! first contacts as they would arrive. It uses the code of an import; the file is read again only where the mapping says
//! another way to read it.

use super::duplicates::Seen;
use super::form::{Form, form};
use crate::contact::Field;
use crate::files::{self, Read};
use crate::mapping::{BindOptions, Mapping};
use crate::outcome::Failure;
use crate::plan::{SourceAsked, SourcePlan};
use crate::platforms::PlatformFacts;
use crate::profile::Head;
use crate::record::{Header, RecordCow, RecordRef};
use crate::report::Console;
use crate::run::bind::{Destined, mapper_to, singular};
use crate::run::evidence;
use crate::run::item::{Item, Mapper};
use crate::run::regions::check_regions;
use crate::run::tried::{Example, Tried, values_before};
use crate::store::StateDir;
use crate::yaml::{FileError, FileErrors};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::Path;

/// So many contacts are shown, and so many of those with problems.
const SHOWN_MAX: usize = 20;
/// Of a value, so many characters.
const VALUE_LEN_MAX: usize = 300;

/// What was read of the file.
pub struct Reading {
    /// The file and how it is read.
    pub source: SourcePlan,
    /// What was said about how to read it.
    pub asked: SourceAsked,
    /// The names of its values.
    pub header: Header,
    /// Whether it is a rejects file.
    pub are_rejects: bool,
    /// Its first records.
    pub head: Head,
    /// For what the reading has to say.
    pub console: Console,
    /// The names of the mapping by which the header was looked for and not found.
    pub lacked: Vec<String>,
}

/// What is known beside the mapping and the file.
pub(super) struct Shown<'a> {
    pub target: Option<&'a Destined>,
    /// The attributes that the account defines, where it has to.
    pub attributes: Option<&'a [String]>,
    /// The folder for runs.
    pub state: &'a StateDir,
    /// The mapping's path, for messages.
    pub out: &'a str,
}

/// What the page gets.
#[derive(Default)]
pub(super) struct Preview {
    /// None where the text cannot be read.
    pub form: Option<Form>,
    pub errors: Vec<Value>,
    /// None where there are errors.
    pub tried: Option<Value>,
}

/// Why a mapping cannot be tried.
enum Wrong {
    InMapping(FileErrors),
    Elsewhere(Failure),
}

impl From<FileErrors> for Wrong {
    fn from(errors: FileErrors) -> Wrong {
        Wrong::InMapping(errors)
    }
}

impl From<Failure> for Wrong {
    fn from(failure: Failure) -> Wrong {
        Wrong::Elsewhere(failure)
    }
}

impl Reading {
    /// Tries a mapping.
    pub(super) fn preview(&mut self, yaml: &str, shown: &Shown<'_>) -> Preview {
        let form = form(yaml);
        match self.try_mapping(yaml, shown) {
            Ok(tried) => Preview { form, errors: Vec::new(), tried: Some(tried) },
            Err(Wrong::InMapping(errors)) => {
                let errors = errors.list().iter().map(|error| placed(error, yaml, form.as_ref())).collect();
                Preview { form, errors, tried: None }
            }
            Err(Wrong::Elsewhere(failure)) => {
                let all = std::iter::once(&failure).chain(&failure.also);
                let errors = all.map(|one| json!({ "message": one.to_string(), "hint": one.hint })).collect();
                Preview { form, errors, tried: None }
            }
        }
    }

    fn try_mapping(&mut self, yaml: &str, shown: &Shown<'_>) -> Result<Value, Wrong> {
        let mapping = Mapping::parse(yaml, Path::new(shown.out))?;
        self.read_by(&mapping, shown)?;
        let facts = shown.target.map(|target| target.platform.facts());
        let options = BindOptions {
            region: self.source.region,
            fallback_region: shown.target.and_then(|target| target.region),
            identity_default: facts.map_or_else(Vec::new, |facts| facts.finds_by.to_vec()),
        };
        mapping.bind(&self.header, &options)?;
        let mapper = mapper_to(&self.source, shown.target, &self.header, self.are_rejects, &self.console)?;
        if self.are_rejects {
            evidence::look(&mapper.bound, shown.state, &self.source, &self.console)?;
        } else {
            mapper.bound.set_evidence(evidence::of_batches(&mapper.bound, &self.head.batches));
        }
        let (tried, duplicates) = self.try_records(&mapper);
        if let (true, true, Some(errors)) = (self.head.is_whole, self.head.is_open, mapper.bound.unmet_names()) {
            return Err(errors.into());
        }
        let notices = notices(&mapper, facts, shown.attributes, &self.source.shown);
        Ok(self.shown(&mapping, &tried, &duplicates, notices))
    }

    /// Reads the file again, where the mapping says another way to read it, or names columns that its header lacks: they may
    /// stand in another line.
    fn read_by(&mut self, mapping: &Mapping, shown: &Shown<'_>) -> Result<(), Failure> {
        let before = self.source.options.clone();
        self.source.set_mapping(&self.asked, (mapping.clone(), shown.out.to_owned()), shown.state)?;
        let lacked = self.lacked_by(mapping);
        let mut same = self.source.options.clone();
        same.names = before.names.clone();
        same.names_by_values = before.names_by_values;
        if same == before && lacked.iter().all(|name| self.lacked.contains(name)) {
            return Ok(());
        }
        let opened = files::open(&self.source.path, &self.source.shown, &self.source.options);
        let mut opened = match opened {
            Ok(opened) => opened,
            Err(failure) => {
                // The next mapping is compared with the way in which the records at hand were read.
                self.source.options = before;
                return Err(failure);
            }
        };
        self.head = Head::read(&opened.header, &mut *opened.source);
        (self.header, self.are_rejects) = (opened.header, opened.are_rejects);
        self.lacked = self.lacked_by(mapping);
        Ok(())
    }

    /// The names of a mapping that the columns lack.
    fn lacked_by(&self, mapping: &Mapping) -> Vec<String> {
        let Header::Columns(names) = &self.header else { return Vec::new() };
        mapping.source_names().into_iter().filter(|name| !names.iter().any(|known| is_named(known, name))).collect()
    }

    fn try_records(&self, mapper: &Mapper) -> (Tried, HashMap<u64, u64>) {
        let mut tried = Tried::new(self.head.names.clone(), SHOWN_MAX, SHOWN_MAX);
        let (mut seen, mut duplicates) = (Seen::default(), HashMap::new());
        let mut try_record = |record: RecordRef<'_>| {
            let item = mapper.item(Read::Record(RecordCow::Borrowed(record)));
            if let Item::Candidate(candidate) = &item
                && !candidate.is_suppressed
                && let Some(first) = seen.add(record.origin.line, &candidate.merges_by)
            {
                duplicates.insert(record.origin.line, first);
            }
            let known = (tried.first.len(), tried.troubled.len());
            tried.add(item);
            let new = tried.first.iter_mut().skip(known.0).chain(tried.troubled.iter_mut().skip(known.1));
            new.filter(|example| example.before.is_empty())
                .for_each(|example| example.before = values_before(record, &self.head.names));
        };
        self.head.batches.iter().for_each(|batch| batch.for_each_record(&mut try_record));
        (tried, duplicates)
    }

    fn shown(&self, mapping: &Mapping, tried: &Tried, duplicates: &HashMap<u64, u64>, notices: Vec<String>) -> Value {
        let names = mapping.source_names();
        let used: Vec<&String> =
            self.head.names.iter().filter(|name| names.iter().any(|used| is_named(name, used))).collect();
        let examples = |list: &[Example]| list.iter().map(|one| example(one, duplicates)).collect::<Vec<_>>();
        json!({
            "records": tried.read,
            "is_whole": self.head.is_whole,
            "ready": tried.contacts().saturating_sub(duplicates.len() as u64),
            "duplicates": duplicates.len(),
            "rejected": tried.rejected,
            "rejects": tried.rejects(),
            "filtered": tried.filtered,
            "suppressed": tried.suppressed,
            "unreadable": self.head.malformed.n,
            "not_carried": tried.not_carried,
            "first": examples(&tried.first),
            "troubled": examples(&tried.troubled),
            "notices": notices,
            "used": used,
        })
    }
}

/// Whether a column is the one that a mapping names.
fn is_named(column: &str, name: &str) -> bool {
    let same = |text: &str| text.trim_start_matches('\u{feff}').trim().to_lowercase();
    column == name || same(column) == same(name)
}

/// An error with its place, and the field whose rule stands there.
fn placed(error: &FileError, yaml: &str, form: Option<&Form>) -> Value {
    let Some(place) = &error.place else { return json!({ "message": error.message, "hint": error.hint }) };
    let before = |at: usize| yaml.get(..at.min(yaml.len())).unwrap_or(yaml);
    let utf16 = |at: usize| before(at).encode_utf16().count();
    let line_start = before(place.start).rfind('\n').map_or(0, |at| at + 1);
    json!({
        "line": before(place.start).matches('\n').count() + 1,
        "column": before(place.start).get(line_start..).unwrap_or_default().chars().count() + 1,
        "from": utf16(place.start),
        "to": utf16(place.end.max(place.start)),
        "field": form.and_then(|form| form.field_at(place)),
        "message": error.message,
        "hint": error.hint,
    })
}

/// What is not wrong with the mapping, and stops an import or surprises its user.
fn notices(mapper: &Mapper, facts: Option<&PlatformFacts>, attributes: Option<&[String]>, file: &str) -> Vec<String> {
    let mut notices = Vec::new();
    if let Err(failure) = check_regions(&mapper.bound, file) {
        notices.push(format!("{}: choose the country of phones", failure.message));
    }
    let Some(facts) = facts else { return notices };
    let writes = mapper.bound.writes();
    let gives = |field: &Field| match field {
        Field::FirstName | Field::LastName => writes.fields.has(*field) || writes.fields.has(Field::FullName),
        field => writes.fields.has(*field),
    };
    for needs in facts.needs.iter().filter(|needs| !needs.iter().any(gives)) {
        let names: Vec<String> = needs.iter().map(|field| format!("`{}`", singular(*field))).collect();
        notices.push(format!("{} needs {}, and no rule gives it", facts.title, names.join(" or ")));
    }
    let is_undefined = |name: &&String| attributes.is_some_and(|known| !known.contains(name));
    for name in writes.attributes.iter().filter(is_undefined) {
        notices.push(format!("{} has no attribute `{name}`; `--create-attributes` makes it", facts.title));
    }
    notices
}

fn example(example: &Example, duplicates: &HashMap<u64, u64>) -> Value {
    let values =
        |values: &[(String, String)]| values.iter().map(|(name, value)| json!([name, cut(value)])).collect::<Vec<_>>();
    let problems = example.problems.iter().map(|problem| {
        json!({ "code": problem.code, "column": problem.column, "message": cut(&problem.message), "hint": problem.hint })
    });
    let left = example
        .left_blank
        .iter()
        .map(|left| json!({ "code": left.code, "column": left.column, "value": cut(&left.value) }));
    json!({
        "line": example.line,
        "before": values(&example.before),
        "after": values(&example.after),
        "problems": problems.collect::<Vec<_>>(),
        "left_blank": left.collect::<Vec<_>>(),
        "not_carried": example.not_carried,
        "duplicate_of": duplicates.get(&example.line),
    })
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(VALUE_LEN_MAX) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}
