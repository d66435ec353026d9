//! `ferry singer`: a tap and a target.

use super::args::{Args, Command, EngineSource, EngineTarget, Singer, SingerCommand, SingerTap, SingerTarget};
use super::context::Context;
use super::engines::configured::{Configured, with_place};
use super::engines::receive::{Receiving, receive};
use super::engines::send::{Sent, Source, discovered, send};
use super::engines::{json_of, print};
use crate::engines::{Kept, Selection, Singer as Protocol, singer_catalog};
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
            let file = typed.settings.config.as_deref();
            let (args, context) = TAP.load(args, context, file)?;
            let asked = tap_of(&args).map_or(&typed.source, |tap| &tap.source);
            tap(typed, asked, &context).map_err(|failure| with_place(failure, file))
        }
        (_, Some(typed)) => {
            let file = typed.settings.config.as_deref();
            let (args, context) = TARGET.load(args, context, file)?;
            let asked = target_of(&args).map_or(&typed.target, |target| &target.target);
            target(asked, &context).map_err(|failure| with_place(failure, file))
        }
        (None, None) => Err(Failure::failed("neither a tap nor a target: this is a bug in Ferry")),
    }
}

fn tap(typed: &SingerTap, asked: &EngineSource, context: &Context) -> Result<Exit, Failure> {
    if typed.discover {
        let (shape, is_incremental) = discovered(asked, context)?;
        return print(&format!("{:#}", singer_catalog(&shape, is_incremental)));
    }
    let catalog = typed.wanted.catalog.as_deref().map(|path| json_of("--catalog", path)).transpose()?;
    let state = typed.wanted.state.as_deref().map(|path| json_of("--state", path)).transpose()?;
    let source = Source::of(asked, context)?;
    let selection = catalog.map_or_else(Selection::default, |catalog| Selection::of_singer(&catalog, &source.shape));
    let kept = state.as_ref().map_or(Kept::Nothing, Kept::of_singer);
    send(&Sent { source, protocol: Arc::new(Protocol), selection, kept }, context)
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
