//! `ferry inspect`: what a file is and what its columns hold. It reads the whole file once and sends nothing.

mod found;
mod object;
mod page;
mod table;

use super::args::{self, Samples};
use super::context::Context;
use super::looked::{Looked, look_at};
use crate::files::Output;
use crate::outcome::{Exit, Failure};
use crate::plan;
use crate::run::survey::{Surveyed, asked_of, survey};
use crate::suggest::{Asked, suggest};
use found::Inspected;
use std::io::Write;

pub(super) fn run(typed: &args::Inspect, context: &Context) -> Result<Exit, Failure> {
    if let Some(html) = &typed.html {
        let mut mistakes = plan::Mistakes::default();
        let around = context.around(&[("source", Some(&typed.file))]);
        plan::check_files(&around, [("inspect --html", Some(html.clone()), false)], &mut mistakes);
        mistakes.end(Some(()))?;
    }
    let inspected = inspect(typed, context)?;
    if let Some(html) = &typed.html {
        context.make_state(false)?;
        let about = crate::files::About { option: "html", run: "inspect".to_owned(), ..Default::default() };
        let mut output = Output::create(html)?.noted(context.state.ledger(), about);
        let fault = |error| Failure::failed(format!("`{}` cannot be written", html.display())).cause(error);
        output.write_all(page::page(&inspected).as_bytes()).map_err(fault)?;
        output.commit()?;
    }
    match typed.json || context.is_json() {
        true => context.console.result_line(&object::object(&inspected).to_string()),
        false => {
            inspected.notes.iter().for_each(|note| context.console.note(note));
            context.console.result_line(&table::table(&inspected));
        }
    }
    Ok(Exit::Done)
}

fn inspect(typed: &args::Inspect, context: &Context) -> Result<Inspected, Failure> {
    let looked = look_at(&typed.file, &typed.reading, context)?;
    let asked = Asked { typed: looked.region(), ..asked_of(None, None, None) };
    let suggestion = suggest(&looked.head, &asked);
    let Looked { source, opened, head, .. } = looked;
    let (layout, found, mut notes) = (opened.layout, opened.found, opened.notes);
    let progress = context.console.progress(&format!("reading {}", source.shown), None);
    let surveyed = survey(head, opened.source, suggestion.expected(), context.state.folder());
    progress.finish();
    let Surveyed { profile, phones, emails } = surveyed?;
    notes.extend(found.notes(&source.shown));
    let has_samples = typed.samples == Samples::Some;
    Ok(Inspected { shown: source.shown.clone(), layout, notes, suggestion, profile, phones, emails, has_samples })
}
