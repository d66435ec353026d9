//! `ferry map`.

use super::Context;
use super::args::{Map, MapCheck, MapCommand};
use crate::contact::FIELDS;
use crate::files::{self, Opened, ReadFault};
use crate::mapping::Bound;
use crate::outcome::{Exit, Failure};
use crate::plan::{self, Mistakes, SourceAsked, SourcePlan};
use crate::platforms::Platform;
use crate::record::Header;
use crate::run::import::{bind, singular};

pub(super) fn run(typed: &Map, context: &Context) -> Result<Exit, Failure> {
    match &typed.command {
        MapCommand::Check(check) => self::check(check, context),
    }
}

fn check(typed: &MapCheck, context: &Context) -> Result<Exit, Failure> {
    let mut mistakes = Mistakes::default();
    let platform = typed.to.as_deref().and_then(|to| mistakes.take(platform_of(to, context)));
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
    let (bound, ..) = bind(&source, &opened.header, None, Vec::new(), &context.console)?;
    let bound = bound.for_rejects(opened.are_rejects);
    if opened.header == Header::Open {
        find_names(&bound, opened)?;
    }
    if let Some(platform) = platform {
        tell_what_is_not_held(platform, &bound, context);
    }
    context.console.result_line(&format!("`{shown}` is a good mapping for `{}`", source.shown));
    Ok(Exit::Done)
}

/// The platform of a connection; what else the connection lacks does not matter here.
fn platform_of(to: &str, context: &Context) -> Result<&'static Platform, Failure> {
    Ok(context.configuration()?.find(to)?.platform)
}

/// Names that no record has are known only when all records have been seen: nothing but they says which there are.
fn find_names(bound: &Bound, opened: Opened) -> Result<(), Failure> {
    for record in opened.source {
        match record {
            Ok(record) => drop(bound.apply(&record)),
            Err(ReadFault::Reject(_)) => {}
            Err(ReadFault::Fatal(failure)) => return Err(failure),
        }
    }
    bound.unmet_names().map_or(Ok(()), |mistakes| Err(mistakes.into()))
}

fn tell_what_is_not_held(platform: &Platform, bound: &Bound, context: &Context) {
    let writes = bound.writes();
    for (field, _) in FIELDS {
        if writes.fields.has(field) && !platform.holds.contains(&field) && !platform.reads.contains(&field) {
            let name = singular(field);
            context.console.note(&format!("{} has no field for `{name}`: it will be `not_carried`", platform.title));
        }
    }
}
