//! `ferry airbyte`: a source and a destination.

use super::args::{
    Airbyte, AirbyteCommand, AirbyteDestination, AirbyteSource, Args, Command, DestinationCall, DestinationWrite,
    SourceCall, SourceRead, Wanted,
};
use super::check::line_of;
use super::context::Context;
use super::engines::configured::Configured;
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
    let done = match (source_of(args), destination_of(args)) {
        (Some(typed), _) => source(args, &typed.call, context),
        (_, Some(typed)) => destination(args, &typed.call, context),
        (None, None) => Err(Failure::failed("neither a source nor a destination: this is a bug in Ferry")),
    };
    if let Err(failure) = &done {
        // Where it cannot be written, the exit code says so still.
        let _ = print(&trace(failure));
    }
    done
}

fn source(args: &Args, call: &SourceCall, context: &Context) -> Result<Exit, Failure> {
    let file = match call {
        SourceCall::Spec => return print(&spec(SOURCE, context)),
        SourceCall::Check(settings) | SourceCall::Discover(settings) => &settings.config,
        SourceCall::Read(read) => &read.settings.config,
    };
    let loaded = SOURCE.load(args, context, file.as_deref());
    if matches!(call, SourceCall::Check(_)) {
        return check(loaded, from);
    }
    let (args, context) = loaded?;
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
    match call {
        DestinationCall::Spec => print(&spec(DESTINATION, context)),
        DestinationCall::Check(settings) => check(DESTINATION.load(args, context, settings.config.as_deref()), to),
        DestinationCall::Write(DestinationWrite { settings, catalog }) => {
            let (args, context) = DESTINATION.load(args, context, settings.config.as_deref())?;
            let Some(AirbyteDestination { target, .. }) = destination_of(&args) else { return Ok(Exit::Usage) };
            let announced = configured(&json_of("--catalog", Path::new(catalog))?)?;
            receive(&Receiving { target: target.clone(), protocol: Arc::new(Protocol), announced }, &context)
        }
    }
}

/// Tests a connection: what does not work is an answer, and no failure.
fn check(loaded: Result<(Args, Context), Failure>, connection: fn(&Args) -> Option<&str>) -> Result<Exit, Failure> {
    let checked = loaded.and_then(|(args, context)| {
        let name = connection(&args)
            .ok_or_else(|| Failure::usage("no connection is named").hint("name it as `connection` in the settings"))?;
        let is_sandbox = source_of(&args).map(|typed| typed.source.sandbox);
        let is_sandbox = is_sandbox.or(destination_of(&args).map(|typed| typed.target.sandbox)).unwrap_or_default();
        line_of(name, is_sandbox, &context)
    });
    print(&status(&checked))
}

fn spec(configured: Configured, context: &Context) -> String {
    let schema = configured.schema(&context.platforms, "airbyte_secret");
    let spec = json!({
        "connectionSpecification": schema, "supportsIncremental": true, "supported_destination_sync_modes": ["append_dedup", "append"],
    });
    json!({"type": "SPEC", "spec": spec}).to_string()
}
