//! `ferry map edit`: the editor of mappings, on loopback until it is closed. It reads the first records of the file and, of
//! an account, only the names of its attributes; it writes one file, the mapping.

use super::suggest::{attributes_of, connection};
use crate::cli::args;
use crate::cli::args::SchemaOf;
use crate::cli::context::Context;
use crate::cli::looked::{look_with, may_replace, region_of, write_mapping};
use crate::cli::schema::line_for;
use crate::edit::{About, Editor, Reading, Served, serve};
use crate::mapping::{Mapping, RegionChoice};
use crate::outcome::{Exit, Failure};
use crate::plan::{self, Connection, Mistakes, SourceAsked};
use crate::report::words::shell;
use crate::report::{Console, Streams};
use crate::run::bind::Destined;
use crate::run::survey::asked_of;
use crate::suggest::{self, Asked, suggest, yaml};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

/// The option under which the mapping is checked and saved.
const OUT: &str = "map edit --out";
/// What the mapping of standard input is called where `--out` does not say.
const OF_STREAM: &str = "mapping.yaml";

pub(super) fn run(typed: &args::MapEdit, context: &Context) -> Result<Exit, Failure> {
    let out = out_of(typed);
    let mut mistakes = Mistakes::default();
    mistakes.take(may_replace(OUT, &out, Some(&typed.file), context));
    let text = typed.map.as_deref().and_then(|map| mistakes.take(plan::mapping_text(map)));
    let connection = typed.to.as_deref().and_then(|to| mistakes.take(connection(to, context)));
    mistakes.end(Some(()))?;
    let editor = Arc::new(editor(typed, &out, Given { text, connection }, context)?);
    let open = !typed.no_open && std::io::stderr().is_terminal();
    let tell = |served: &Served| {
        context.console.note(&format!("the editor is at {} (Ctrl-C ends it)", served.address));
        if open && !browser(context, &served.address_once) {
            context.console.note("no browser could be opened; open the address yourself");
        }
    };
    let serving = Arc::clone(&editor);
    context.block_on(|_, stop| async move { serve(serving, &stop, tell).await })?;
    match editor.has_saved() {
        true => context.console.result_line(&format!("{} is saved; use it with: {}", out.display(), editor.next())),
        false => context.console.note("the mapping was not saved"),
    }
    Ok(Exit::Done)
}

/// What was named on the command line and read.
struct Given {
    text: Option<String>,
    connection: Option<Connection>,
}

fn editor(typed: &args::MapEdit, out: &Path, given: Given, context: &Context) -> Result<Editor, Failure> {
    let Given { text, connection } = given;
    // A mapping with errors is opened too: here is where they are corrected.
    let parsed = text.as_deref().and_then(|text| Mapping::parse(text, out).ok());
    let by = parsed.as_ref().and(typed.map.as_deref());
    let looked = look_with(&typed.file, &typed.reading, by, context)?;
    let region = connection.as_ref().map_or(Ok(None), region_of)?;
    let platform = connection.as_ref().map(Connection::facts);
    let needs_definition = platform.is_some_and(|facts| facts.defines_attributes);
    let known = match typed.to.as_deref().filter(|_| needs_definition) {
        Some(to) => attributes_of(to, typed.sandbox, context),
        None => None,
    };
    let typed_region = looked.region();
    let is_region_unwanted = looked.source.region == Some(RegionChoice::Nowhere);
    let asked = asked_of(platform, region, known.clone());
    let suggestion = suggest(&looked.head, &Asked { typed: typed_region, is_region_unwanted, ..asked });
    let path = |path: &Path| shell(&path.display().to_string());
    let about = suggest::About {
        file: path(&typed.file),
        to: typed.to.clone(),
        out: Some(path(out)),
        read: looked.read,
        region: None,
        is_of_run: false,
    };
    let is_saved = text.is_some() && typed.map.as_deref() == Some(out);
    let about = About {
        file: path(&typed.file),
        to: typed.to.clone(),
        out: path(out),
        yaml: match text {
            Some(text) => text,
            None => format!("{}\n{}", line_for(SchemaOf::Mapping, out, context)?, yaml(&suggestion, &about)),
        },
        is_saved,
        notes: looked.opened.notes.clone(),
        attributes: known,
        state: context.state.clone(),
    };
    let reading = Reading {
        source: looked.source,
        asked: SourceAsked { map: None, ..looked.asked },
        header: looked.opened.header,
        are_rejects: looked.opened.are_rejects,
        head: looked.head,
        console: silent(context),
        lacked: Vec::new(),
    };
    let target = connection.map(|connection| Destined { platform: Arc::clone(&connection.driver), region });
    let (saving, out) = (context.in_state(context.state.clone()), out.to_owned());
    let source = typed.file.clone();
    let save = Box::new(move |text: &str| {
        may_replace(OUT, &out, Some(&source), &saving)?;
        write_mapping(&out, text, &saving)
    });
    Ok(Editor::new(about, suggestion, target, reading, save))
}

/// A console for what is tried again and again: the page shows what matters of it.
fn silent(context: &Context) -> Console {
    let streams = Streams { out: Box::new(std::io::sink()), err: Box::new(std::io::sink()), terminal: false };
    Console::over(context.console.look(), streams)
}

/// Where the mapping is saved: as it was typed, where it was opened, or beside nothing else under the name of the file.
fn out_of(typed: &args::MapEdit) -> PathBuf {
    if let Some(out) = &typed.out {
        return out.clone();
    }
    if let Some(map) = typed.map.as_deref().filter(|map| map.is_file()) {
        return map.to_owned();
    }
    let name = typed.file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let stem = name.trim_start_matches('.').split('.').next().unwrap_or_default();
    if stem.is_empty() || stem == "-" { PathBuf::from(OF_STREAM) } else { PathBuf::from(format!("{stem}.yaml")) }
}

/// Opens an address in the browser of the user; whether that could be begun.
fn browser(context: &Context, address: &str) -> bool {
    let has_screen = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| context.env.get(name).is_some());
    let (program, arguments): (&str, &[&str]) = match () {
        () if cfg!(target_os = "macos") => ("open", &[]),
        () if cfg!(windows) => ("rundll32", &["url.dll,FileProtocolHandler"]),
        () if has_screen => ("xdg-open", &[]),
        () => return false,
    };
    let silent = || Stdio::null();
    let mut command = Command::new(program);
    command.args(arguments).arg(address).stdin(silent()).stdout(silent()).stderr(silent());
    command.spawn().is_ok()
}
