//! `ferry map suggest`: the decisions about a file's columns as a mapping. It reads the first records of the file and, of an
//! account, only the names of its attributes.

use super::object;
use crate::cli::args;
use crate::cli::context::{Context, until_stopped, with_sandbox};
use crate::cli::looked::{look_at, region_of, save_mapping};
use crate::contact::Field;
use crate::outcome::{Exit, Failure};
use crate::plan::{self, Connection, TargetAsked};
use crate::report::words::shell;
use crate::run::bind::singular;
use crate::run::survey::asked_of;
use crate::run::target::{Beforehand, Target, stops};
use crate::suggest::{About, Asked, Suggestion, suggest, yaml};
use std::path::Path;
use std::time::Duration;

pub(super) fn run(typed: &args::MapSuggest, context: &Context) -> Result<Exit, Failure> {
    let connection = typed.to.as_deref().map(|to| connection(to, context)).transpose()?;
    let looked = look_at(&typed.file, &typed.reading, context)?;
    looked.opened.notes.iter().for_each(|note| context.console.note(note));
    let region = connection.as_ref().map_or(Ok(None), region_of)?;
    let platform = connection.as_ref().map(Connection::facts);
    let known = match &connection {
        Some(connection) if platform.is_some_and(|facts| facts.defines_attributes) => {
            attributes_of(&connection.name, typed.sandbox, context)
        }
        _ => None,
    };
    let asked = Asked { typed: looked.region(), ..asked_of(platform, region, known) };
    let suggestion = suggest(&looked.head, &asked);
    let path = |path: &Path| shell(&path.display().to_string());
    let about = About {
        file: path(&typed.file),
        to: typed.to.clone(),
        out: typed.out.as_deref().map(path),
        read: looked.read,
        region: None,
        is_of_run: false,
    };
    let text = yaml(&suggestion, &about);
    if let Some(out) = &typed.out {
        save_mapping("--out", out, &text, context)?;
    }
    context.console.result_line(&match &typed.out {
        _ if context.is_json() => object::of_suggestion(&suggestion, &about, &text).to_string(),
        Some(_) => told(&suggestion, &about),
        None => text.trim_end().to_owned(),
    });
    Ok(ended(&suggestion, context))
}

/// What the file lacks is said, and ends with 3.
fn ended(suggestion: &Suggestion, context: &Context) -> Exit {
    if !suggestion.is_recognised() {
        context.console.note("no column is recognised as a name, a phone or an e-mail: name them in the mapping");
    }
    let missing = suggestion.missing();
    let title = suggestion.names_target().map(|target| target.title.to_owned()).unwrap_or_default();
    for needs in &missing {
        let names: Vec<String> = needs.iter().map(|field| format!("`{}`", singular(*field))).collect();
        context.console.note(&format!("{title} needs {}, and no column gives it", names.join(" or ")));
    }
    if missing.is_empty() { Exit::Done } else { Exit::Rejects }
}

/// The connection; what else it lacks does not matter here.
pub(super) fn connection(to: &str, context: &Context) -> Result<Connection, Failure> {
    Ok(context.configuration()?.find(to)?.clone())
}

/// The attributes that the account defines; where it cannot be asked, the suggestion goes without.
pub(super) fn attributes_of(to: &str, sandbox: bool, context: &Context) -> Option<Vec<String>> {
    match defined(to, sandbox, context) {
        Ok(names) => Some(names),
        Err(failure) => {
            context.console.note(&format!("the attributes of `{to}` are not known: {}", failure.message));
            None
        }
    }
}

fn defined(to: &str, sandbox: bool, context: &Context) -> Result<Vec<String>, Failure> {
    let asked = TargetAsked { to: to.to_owned(), sandbox, ..TargetAsked::default() };
    let mut connection = plan::connection(&context.configuration()?, &asked)?;
    if sandbox {
        context.make_state(true)?;
    }
    context.block_on(|clock, stop| async move {
        let sandbox = if sandbox { Some(with_sandbox(context, &mut connection).await?) } else { None };
        let names = async {
            let target = Target::open(&connection, clock, Duration::ZERO, Beforehand::default()).await?;
            let capabilities = target.connector.capabilities();
            let Some(account) = capabilities.attributes else { return Ok(Vec::new()) };
            let defined = account.attributes(&target.http).await.map_err(stops)?;
            Ok(defined.into_iter().map(|definition| definition.name).collect::<Vec<String>>())
        };
        let names = until_stopped(&stop, names).await;
        if let Some(sandbox) = sandbox {
            sandbox.stop().await;
        }
        names
    })
}

/// What was decided, in four lines at most.
fn told(suggestion: &Suggestion, about: &About) -> String {
    let fields: Vec<Option<Field>> = (0..suggestion.names.len()).map(|column| suggestion.field_of(column)).collect();
    let taken = fields.iter().flatten().count();
    let unsure = (0..suggestion.names.len()).filter(|column| suggestion.perhaps(*column).is_some()).count();
    let out = about.out.clone().unwrap_or_default();
    let to = about.to.as_ref().map(|to| format!(" --to {to}")).unwrap_or_default();
    let mut lines = vec![format!("{out}: {taken} of {} columns are fields of a contact", fields.len())];
    if unsure > 0 {
        lines.push(format!("{unsure} unsure, as comments"));
    }
    lines.push(format!("check it with: ferry map check {out} {}{to}", about.file));
    lines.join("\n")
}
