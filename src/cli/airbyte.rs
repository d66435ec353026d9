//! `ferry airbyte`: a source and a destination.

use super::args::{
    Airbyte, AirbyteCommand, AirbyteDestination, AirbyteSource, Args, Command, DestinationCall, DestinationWrite,
    SourceCall, SourceRead, Wanted,
};
use super::check::line_of;
use super::context::Context;
use super::engines::configured::{Configured, with_place};
use super::engines::receive::{Receiving, receive};
use super::engines::send::{Sent, Source, discovered, send};
use super::engines::{json_of, print};
use crate::engines::{Airbyte as Protocol, Kept, Selection, airbyte_catalog, configured, status, trace};
use crate::outcome::{Exit, Failure};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;

const SOURCE: Configured = Configured { words: ["airbyte", "source"], option: "from", connection: from };
const DESTINATION: Configured = Configured { words: ["airbyte", "destination"], option: "to", connection: to };

fn source_of(args: &Args) -> Option<&AirbyteSource> {
    match &args.command {
        Command::Airbyte(Airbyte { command: AirbyteCommand::Source(source) }) => Some(source),
        _ => None,
    }
}

fn destination_of(args: &Args) -> Option<&AirbyteDestination> {
    match &args.command {
        Command::Airbyte(Airbyte { command: AirbyteCommand::Destination(destination) }) => Some(destination),
        _ => None,
    }
}

fn from(args: &Args) -> Option<&str> {
    source_of(args)?.source.from.as_deref()
}

fn to(args: &Args) -> Option<&str> {
    destination_of(args)?.target.to.as_deref()
}

/// Does what Airbyte asks for. What stops it is also a message of the protocol.
pub(super) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let (done, file) = match (source_of(args), destination_of(args)) {
        (Some(typed), _) => (source(args, &typed.call, context), typed.call.config()),
        (_, Some(typed)) => (destination(args, &typed.call, context), typed.call.config()),
        (None, None) => (Err(Failure::failed("neither a source nor a destination: this is a bug in Ferry")), None),
    };
    let done = done.map_err(|failure| with_place(failure, file));
    if let Err(failure) = &done {
        // Where it cannot be written, the exit code says so still.
        let _ = print(&trace(failure));
    }
    done
}

fn source(args: &Args, call: &SourceCall, context: &Context) -> Result<Exit, Failure> {
    let file = call.config();
    let (args, context) = match call {
        SourceCall::Spec => return print(&spec(SOURCE, context)),
        SourceCall::Check(_) => return check(SOURCE.load(args, context, file), from, file),
        SourceCall::Discover(_) | SourceCall::Read(_) => SOURCE.load(args, context, file)?,
    };
    let Some(AirbyteSource { source: asked, call }) = source_of(&args) else { return Ok(Exit::Usage) };
    let SourceCall::Read(SourceRead { wanted: Wanted { catalog, state }, .. }) = call else {
        let (shape, is_incremental) = discovered(asked, &context)?;
        return print(&airbyte_catalog(&shape, is_incremental));
    };
    let catalog = catalog.as_deref().map(|path| json_of("--catalog", path)).transpose()?;
    let state = state.as_deref().map(|path| json_of("--state", path)).transpose()?;
    let source = Source::of(asked, &context)?;
    let selection = catalog.as_ref().map_or_else(Selection::default, Selection::of_airbyte);
    let kept = state.as_ref().map_or(Kept::Nothing, Kept::of_airbyte);
    send(&Sent { source, protocol: Arc::new(Protocol), selection, kept }, &context)
}

fn destination(args: &Args, call: &DestinationCall, context: &Context) -> Result<Exit, Failure> {
    let file = call.config();
    match call {
        DestinationCall::Spec => print(&spec(DESTINATION, context)),
        DestinationCall::Check(_) => check(DESTINATION.load(args, context, file), to, file),
        DestinationCall::Write(DestinationWrite { catalog, .. }) => {
            let (args, context) = DESTINATION.load(args, context, file)?;
            let Some(AirbyteDestination { target, .. }) = destination_of(&args) else { return Ok(Exit::Usage) };
            let announced = configured(&json_of("--catalog", Path::new(catalog))?)?;
            receive(&Receiving { target: target.clone(), protocol: Arc::new(Protocol), announced }, &context)
        }
    }
}

/// Tests a connection: what does not work is an answer, and no failure.
fn check(
    loaded: Result<(Args, Context), Failure>,
    connection: fn(&Args) -> Option<&str>,
    file: Option<&Path>,
) -> Result<Exit, Failure> {
    let checked = loaded.and_then(|(args, context)| {
        let name = connection(&args)
            .ok_or_else(|| Failure::usage("no connection is named").hint("name it as `connection` in the settings"))?;
        let is_sandbox = source_of(&args).map(|typed| typed.source.sandbox);
        let is_sandbox = is_sandbox.or(destination_of(&args).map(|typed| typed.target.sandbox)).unwrap_or_default();
        line_of(name, is_sandbox, &context)
    });
    print(&status(&checked.map_err(|failure| with_place(failure, file))))
}

fn spec(configured: Configured, context: &Context) -> String {
    let schema = configured.schema(&context.platforms, "airbyte_secret");
    let spec = json!({
        "connectionSpecification": schema, "supportsIncremental": true, "supported_destination_sync_modes": ["append_dedup", "append"],
    });
    json!({"type": "SPEC", "spec": spec}).to_string()
}
