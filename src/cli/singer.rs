//! `ferry singer`: a tap and a target.

use super::args::{Args, Command, EngineSource, EngineTarget, Singer, SingerCommand, SingerTap, SingerTarget};
use super::context::Context;
use super::engines::configured::Configured;
use super::engines::receive::{Receiving, receive};
use super::engines::send::{Sent, from_of, send, tells_changes};
use super::engines::{json_of, print};
use crate::engines::{Bookmark, Selection, Singer as Protocol, singer_catalog};
use crate::outcome::{Exit, Failure};
use serde_json::{Value, json};
use std::sync::Arc;

const TAP: Configured = Configured { words: ["singer", "tap"], option: "from", connection: from };
const TARGET: Configured = Configured { words: ["singer", "target"], option: "to", connection: to };

fn tap_of(args: &Args) -> Option<&SingerTap> {
    match &args.command {
        Command::Singer(Singer { command: SingerCommand::Tap(tap) }) => Some(tap),
        _ => None,
    }
}

fn target_of(args: &Args) -> Option<&SingerTarget> {
    match &args.command {
        Command::Singer(Singer { command: SingerCommand::Target(target) }) => Some(target),
        _ => None,
    }
}

fn from(args: &Args) -> Option<&str> {
    tap_of(args)?.source.from.as_deref()
}

fn to(args: &Args) -> Option<&str> {
    target_of(args)?.target.to.as_deref()
}

/// Runs a tap or a target.
pub(super) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    match (tap_of(args), target_of(args)) {
        (Some(typed), _) if typed.about.about => about(TAP, context),
        (_, Some(typed)) if typed.about.about => about(TARGET, context),
        (Some(typed), _) => {
            let (args, context) = TAP.load(args, context, typed.config.as_deref())?;
            tap(typed, tap_of(&args).map_or(&typed.source, |tap| &tap.source), &context)
        }
        (_, Some(typed)) => {
            let (args, context) = TARGET.load(args, context, typed.config.as_deref())?;
            target(target_of(&args).map_or(&typed.target, |target| &target.target), &context)
        }
        (None, None) => Err(Failure::failed("neither a tap nor a target: this is a bug in Ferry")),
    }
}

fn tap(typed: &SingerTap, source: &EngineSource, context: &Context) -> Result<Exit, Failure> {
    if typed.discover {
        let config = context.configuration()?;
        let found = config.find(from_of(source)?).map_err(Failure::from)?;
        return print(&format!("{:#}", singer_catalog(tells_changes(found.facts()))));
    }
    let catalog = typed.catalog.as_deref().map(|path| json_of("--catalog", path)).transpose()?;
    let state = typed.state.as_deref().map(|path| json_of("--state", path)).transpose()?;
    let sent = Sent {
        source: source.clone(),
        protocol: Arc::new(Protocol),
        selection: catalog.as_ref().map_or_else(Selection::default, Selection::of_singer),
        place: state.as_ref().and_then(Bookmark::of_singer),
    };
    send(&sent, context)
}

fn target(target: &EngineTarget, context: &Context) -> Result<Exit, Failure> {
    receive(&Receiving { target: target.clone(), protocol: Arc::new(Protocol), announced: Vec::new() }, context)
}

/// What a tap or a target can do, and its settings.
fn about(configured: Configured, context: &Context) -> Result<Exit, Failure> {
    let is_tap = configured.words == TAP.words;
    let capabilities: &[&str] = if is_tap { &["catalog", "discover", "state", "about"] } else { &["about"] };
    let about: Value = json!({
        "name": if is_tap { "tap-ferry" } else { "target-ferry" },
        "description": "Contacts of customer platforms, through Ferry",
        "version": env!("CARGO_PKG_VERSION"),
        "capabilities": capabilities,
        "settings": configured.schema(&context.platforms, "secret"),
    });
    print(&format!("{about:#}"))
}
