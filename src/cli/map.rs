//! `ferry map`.

mod beside;
mod suggest;

use super::args::{Map, MapCheck, MapCommand};
use super::context::Context;
use crate::contact::{Contact, FIELDS};
use crate::files::{self, Opened};
use crate::mapping::phone::Region;
use crate::outcome::{Exit, Failure, Skip};
use crate::plan::{self, Mistakes, SourceAsked, SourcePlan};
use crate::platforms::{Driver, PlatformFacts};
use crate::record::Header;
use crate::report::words::{count, number};
use crate::run::bind::{Between, bind, mapper_between, singular, suppressed};
use crate::run::evidence;
use crate::run::item::{Item, Mapper};
use crate::run::ordered::in_order;
use crate::run::regions::check_regions;
use crate::shown::escape;
use beside::Pair;
use std::collections::BTreeMap;
use std::sync::Arc;

/// So many records are shown, before and after.
const SHOWN_MAX: usize = 10;

/// So many fields that the platform cannot hold are named, the most frequent first.
const NAMED_MAX: usize = 20;

/// More names than this are counted together: such names are data.
const NAMES_MAX: usize = 10_000;

pub(super) fn run(typed: &Map, context: &Context) -> Result<Exit, Failure> {
    match &typed.command {
        MapCommand::Check(check) => self::check(check, context),
        MapCommand::Suggest(typed) => suggest::run(typed, context),
    }
}

fn check(typed: &MapCheck, context: &Context) -> Result<Exit, Failure> {
    let mut mistakes = Mistakes::default();
    let target = typed.to.as_deref().and_then(|to| mistakes.take(target_of(to, context)));
    let shown = typed.mapping.display();
    let Some(file) = &typed.file else {
        let mapping = mistakes.take(plan::load_mapping(&typed.mapping));
        mistakes.end(mapping)?;
        let more = format!("`{shown}` is a good mapping; give it a file to check the columns too");
        context.console.result_line(&more);
        return Ok(Exit::Done);
    };
    if mistakes.is_empty() {
        context.make_state(true)?;
    }
    let asked = SourceAsked { file: file.clone(), map: Some(typed.mapping.clone()), ..SourceAsked::default() };
    let source = SourcePlan::gather(&asked, &context.state, &mut mistakes);
    let source = mistakes.end(source)?;
    let opened = files::open(&source.path, &source.shown, &source.options)?;
    opened.notes.iter().for_each(|note| context.console.note(note));
    let mapper = Arc::new(mapper(&source, target.as_ref(), &opened, context)?);
    let is_open = opened.header == Header::Open;
    evidence::look(&mapper.bound, &context.state, &source, &context.console)?;
    let head = names_of_source(&source, &opened.header);
    let looked = Looked::through(Arc::clone(&mapper), opened, head)?;
    // Names that no record has are known only when all records have been seen.
    if let (true, Some(mistakes)) = (is_open, mapper.bound.unmet_names()) {
        return Err(mistakes.into());
    }
    if let Err(failure) = check_regions(&mapper.bound, &source.shown) {
        context.console.note(&format!("{}; {}", failure.message, failure.hint.unwrap_or_default()));
    }
    if let Some((driver, _)) = &target {
        looked.tell_not_carried(driver.facts(), context);
    }
    context.console.result_line(&format!("`{shown}` is a good mapping for `{}`", source.shown));
    context.console.result_line(&looked.in_words());
    Ok(Exit::Done)
}

/// The platform of a connection, and the country of its phones; what else the connection lacks does not matter here.
fn target_of(to: &str, context: &Context) -> Result<(Arc<dyn Driver>, Option<Region>), Failure> {
    let config = context.configuration()?;
    let connection = config.find(to)?;
    let region = connection.settings.get("phone_region").map(plan::region_named).transpose()?;
    Ok((Arc::clone(&connection.driver), region))
}

/// What maps the records, as an import into the target would; without a target only the mapping.
fn mapper(
    source: &SourcePlan,
    target: Option<&(Arc<dyn Driver>, Option<Region>)>,
    opened: &Opened,
    context: &Context,
) -> Result<Mapper, Failure> {
    if let Some((platform, region)) = target {
        let between = Between { source, from: None, platform, region: *region };
        return mapper_between(&between, &opened.header, opened.are_rejects, &context.console);
    }
    let (bound, overflow, _) = bind(source, &opened.header, None, None, &context.console)?;
    let bound = Arc::new(bound.for_rejects(opened.are_rejects));
    let identity = bound.identity().to_vec();
    let suppressed = suppressed(source, None, &context.console)?;
    Ok(Mapper { bound, platform: None, identity, finds_by: Vec::new(), overflow, is_plan: false, suppressed })
}

/// The outcome of a check: counts, and the first contacts.
#[derive(Default)]
struct Looked {
    read: u64,
    filtered: u64,
    /// Contacts on a suppression list.
    suppressed: u64,
    /// By the code of the first problem.
    rejected: BTreeMap<String, u64>,
    /// For how many records, by field.
    not_carried: BTreeMap<String, u64>,
    /// The names of the source's values.
    names: Vec<String>,
    /// The first records.
    first: Vec<Pair>,
}

impl Looked {
    fn through(mapper: Arc<Mapper>, opened: Opened, names: Vec<String>) -> Result<Looked, Failure> {
        let mut looked = Looked { names, ..Looked::default() };
        for batch in in_order(opened.source, None, move |read| mapper.item(read)) {
            batch?.into_iter().for_each(|item| looked.add(item));
        }
        Ok(looked)
    }

    fn add(&mut self, item: Item) {
        self.read += 1;
        match item {
            Item::Skipped(_, Skip::Blank) => self.read -= 1,
            Item::Skipped(..) => self.filtered += 1,
            Item::Rejected(reject) => {
                let code = reject.problems.first().map_or(String::new(), |problem| problem.code.to_string());
                if self.first.len() < SHOWN_MAX {
                    self.first.push(Pair::of_reject(&reject));
                }
                add_name(&mut self.rejected, code);
            }
            Item::Candidate(candidate) if candidate.is_suppressed => self.suppressed += 1,
            Item::Candidate(candidate) => {
                for name in candidate.not_carried {
                    add_name(&mut self.not_carried, name);
                }
                if self.first.len() < SHOWN_MAX {
                    let after = values_of(&candidate.wanted.contact);
                    self.first.push(Pair::of_record(&candidate.record, &self.names, after));
                }
            }
        }
    }

    fn tell_not_carried(&self, platform: &PlatformFacts, context: &Context) {
        let mut names: Vec<(&String, &u64)> = self.not_carried.iter().collect();
        names.sort_by(|one, other| other.1.cmp(one.1).then_with(|| one.0.cmp(other.0)));
        for (name, n) in names.iter().take(NAMED_MAX) {
            let records = count(self.read, "record", "records");
            let message = format!(
                "{} has no field for `{name}`: it is `not_carried` in {} of {records}",
                platform.title,
                number(**n)
            );
            context.console.note(&message);
        }
        let more = names.len().saturating_sub(NAMED_MAX) as u64;
        if more > 0 {
            context.console.note(&format!(
                "{} has no field for {} either",
                platform.title,
                count(more, "more name", "more names")
            ));
        }
    }

    fn in_words(&self) -> String {
        let rejected: u64 = self.rejected.values().sum();
        let contacts = self.read.saturating_sub(self.filtered + self.suppressed + rejected);
        let mut parts = vec![count(contacts, "contact", "contacts")];
        if rejected > 0 {
            let codes: Vec<String> = self.rejected.iter().map(|(code, n)| format!("{code} {}", number(*n))).collect();
            parts.push(format!("{} rejected ({})", number(rejected), codes.join(", ")));
        }
        if self.filtered > 0 {
            parts.push(format!("{} left out by `only_if`", number(self.filtered)));
        }
        if self.suppressed > 0 {
            parts.push(format!("{} left out by `skip`", number(self.suppressed)));
        }
        let mut lines = vec![format!("{}: {}", count(self.read, "record", "records"), parts.join(", "))];
        if !self.first.is_empty() {
            lines.extend([String::new(), "the first records, before and after".to_owned()]);
        }
        self.first.iter().for_each(|pair| lines.extend(pair.lines()));
        lines.join("\n")
    }
}

/// The names of a table's columns; of a JSON source, those of its first records.
fn names_of_source(source: &SourcePlan, header: &Header) -> Vec<String> {
    match header {
        Header::Columns(names) => names.clone(),
        Header::Open | Header::Contact => source.first_records().names,
    }
}

fn add_name(counts: &mut BTreeMap<String, u64>, name: String) {
    let name = if counts.len() < NAMES_MAX || counts.contains_key(&name) { name } else { "…".to_owned() };
    *counts.entry(name).or_default() += 1;
}

/// What a contact has, in the order of the fields, attributes last.
fn values_of(contact: &Contact) -> Vec<(String, String)> {
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
