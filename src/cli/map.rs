//! `ferry map`.

mod beside;
mod edit;
mod object;
mod suggest;

use super::args::{Map, MapCheck, MapCommand, MapEdit};
use super::context::Context;
use super::looked::region_of;
use crate::files::{self, Opened};
use crate::outcome::{Exit, Failure};
use crate::plan::{self, Mistakes, SourceAsked, SourcePlan};
use crate::platforms::PlatformFacts;
use crate::profile::Head;
use crate::record::Header;
use crate::report::words::{count, number};
use crate::run::bind::{Destined, mapper_to};
use crate::run::evidence;
use crate::run::item::Mapper;
use crate::run::ordered::in_order;
use crate::run::regions::check_regions;
use crate::run::tried::Tried;
use beside::Pair;
use std::sync::Arc;

/// So many records are shown, before and after.
const SHOWN_MAX: usize = 10;

/// So many fields that the platform cannot hold are named, the most frequent first.
const NAMED_MAX: usize = 20;

pub(super) fn run(typed: &Map, context: &Context) -> Result<Exit, Failure> {
    match &typed.command {
        MapCommand::Check(check) => self::check(check, context),
        MapCommand::Suggest(typed) => suggest::run(typed, context),
        MapCommand::Edit(typed) => edit::run(typed, context),
    }
}

/// The editor, for a file that was to be imported.
pub(super) fn edit(typed: &MapEdit, context: &Context) -> Result<Exit, Failure> {
    edit::run(typed, context)
}

/// With JSON, what is wrong is an object, too.
fn check(typed: &MapCheck, context: &Context) -> Result<Exit, Failure> {
    let shown = typed.mapping.display().to_string();
    let checked = checked(typed, context);
    match &checked {
        Err(failure) if context.is_json() => {
            context.console.result_line(&object::of_failure(&shown, failure).to_string());
        }
        _ => {}
    }
    checked
}

fn checked(typed: &MapCheck, context: &Context) -> Result<Exit, Failure> {
    let mut mistakes = Mistakes::default();
    let target = typed.to.as_deref().and_then(|to| mistakes.take(destined(to, context)));
    let shown = typed.mapping.display().to_string();
    let Some(file) = &typed.file else {
        let mapping = mistakes.take(plan::load_mapping(&typed.mapping));
        mistakes.end(mapping)?;
        context.console.result_line(&match context.is_json() {
            true => object::of_check(&shown, None).to_string(),
            false => format!("`{shown}` is a good mapping; give it a file to check the columns too"),
        });
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
    let mapper = Arc::new(mapper_to(&source, target.as_ref(), &opened.header, opened.are_rejects, &context.console)?);
    let is_open = opened.header == Header::Open;
    evidence::look(&mapper.bound, &context.state, &source, &context.console)?;
    let head = names_of_source(&source, &opened.header);
    let tried = try_all(&mapper, opened, head)?;
    // Names that no record has are known only when all records have been seen.
    if let (true, Some(mistakes)) = (is_open, mapper.bound.unmet_names()) {
        return Err(mistakes.into());
    }
    if let Err(failure) = check_regions(&mapper.bound, &source.shown) {
        context.console.note(&format!("{}; {}", failure.message, failure.hint.unwrap_or_default()));
    }
    if let Some(target) = &target {
        tell_not_carried(&tried, target.platform.facts(), context);
    }
    context.console.result_line(&match context.is_json() {
        true => object::of_check(&shown, Some((&source.shown, &tried))).to_string(),
        false => format!("`{shown}` is a good mapping for `{}`\n{}", source.shown, in_words(&tried)),
    });
    Ok(Exit::Done)
}

/// The platform of a connection, and the country of its phones; what else the connection lacks does not matter here.
fn destined(to: &str, context: &Context) -> Result<Destined, Failure> {
    let config = context.configuration()?;
    let connection = config.find(to)?;
    Ok(Destined { platform: Arc::clone(&connection.driver), region: region_of(&connection)? })
}

/// Tries the mapping on every record.
fn try_all(mapper: &Arc<Mapper>, opened: Opened, names: Vec<String>) -> Result<Tried, Failure> {
    let mut tried = Tried::new(names, SHOWN_MAX, 0);
    let mapper = Arc::clone(mapper);
    for batch in in_order(opened.source, None, move |read| mapper.item(read)) {
        batch?.into_iter().for_each(|item| tried.add(item));
    }
    Ok(tried)
}

fn tell_not_carried(tried: &Tried, platform: &PlatformFacts, context: &Context) {
    let mut names: Vec<(&String, &u64)> = tried.not_carried.iter().collect();
    names.sort_by(|one, other| other.1.cmp(one.1).then_with(|| one.0.cmp(other.0)));
    for (name, n) in names.iter().take(NAMED_MAX) {
        let records = count(tried.read, "record", "records");
        let message = format!(
            "{} has no field for `{name}`: it is `not_carried` in {} of {records}",
            platform.title,
            number(**n)
        );
        context.console.note(&message);
    }
    let more = names.len().saturating_sub(NAMED_MAX) as u64;
    if more > 0 {
        let more = count(more, "more name", "more names");
        context.console.note(&format!("{} has no field for {more} either", platform.title));
    }
}

fn in_words(tried: &Tried) -> String {
    let mut parts = vec![count(tried.contacts(), "contact", "contacts")];
    if tried.rejects() > 0 {
        let codes: Vec<String> = tried.rejected.iter().map(|(code, n)| format!("{code} {}", number(*n))).collect();
        parts.push(format!("{} rejected ({})", number(tried.rejects()), codes.join(", ")));
    }
    if tried.filtered > 0 {
        parts.push(format!("{} left out by `only_if`", number(tried.filtered)));
    }
    if tried.suppressed > 0 {
        parts.push(format!("{} left out by `skip`", number(tried.suppressed)));
    }
    let mut lines = vec![format!("{}: {}", count(tried.read, "record", "records"), parts.join(", "))];
    if !tried.first.is_empty() {
        lines.extend([String::new(), "the first records, before and after".to_owned()]);
    }
    tried.first.iter().for_each(|example| lines.extend(Pair::of(example).lines()));
    lines.join("\n")
}

/// The names of a table's columns; of a JSON source, those of its first records.
fn names_of_source(source: &SourcePlan, header: &Header) -> Vec<String> {
    match header {
        Header::Columns(names) => names.clone(),
        Header::Open | Header::Contact => match files::open(&source.path, &source.shown, &source.options) {
            Ok(mut opened) => Head::read(&opened.header, &mut *opened.source).names,
            Err(_) => Vec::new(),
        },
    }
}
