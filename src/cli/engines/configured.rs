//! The configuration that an orchestrator hands over, a JSON object: options of the command, and settings of the
//! connection. It is added to what was typed, which wins.

use super::json_of;
use crate::cli::args::Args;
use crate::cli::context::Context;
use crate::cli::usage;
use crate::outcome::{Exit, Failure};
use crate::plan::variable;
use crate::platforms::settings::COMMON;
use crate::yaml::nearest;
use clap::{ArgAction, CommandFactory};
use serde_json::{Map, Value};
use std::any::TypeId;
use std::ffi::OsString;
use std::path::Path;

/// The key of the connection, whatever the option is called.
pub(super) const CONNECTION: &str = "connection";

/// Options that a configuration does not set, because the protocol does.
const OF_PROTOCOL: [&str; 6] = ["config", "catalog", "state", "discover", "about", "format"];

/// Settings that an orchestrator hands over as variables of the environment too.
const OF_ENVIRONMENT: [&str; 2] = ["ferry_config", "ferry_state"];

/// A setting of a connection: its name and its value.
type Setting = (String, String);

/// Which command is configured.
#[derive(Clone, Copy)]
pub(crate) struct Configured {
    /// The words that name it.
    pub words: [&'static str; 2],
    /// Its option for the connection.
    pub option: &'static str,
    /// The connection that it is given.
    pub connection: fn(&Args) -> Option<&str>,
}

/// An option as a key of a configuration.
pub(super) struct Described {
    pub key: String,
    pub help: String,
    /// Its type in JSON Schema.
    pub kind: &'static str,
}

impl Configured {
    /// The arguments and the context, with what the configuration says.
    ///
    /// # Errors
    /// Exit 2 with all that is wrong with it.
    pub(crate) fn load(self, typed: &Args, context: &Context, file: Option<&Path>) -> Result<(Args, Context), Failure> {
        let mut context = context.in_state(context.state.clone());
        let Some(file) = file else { return Ok((typed.clone(), context)) };
        let Value::Object(object) = json_of("--config", file)? else {
            return Err(Failure::usage(format!("`--config {}` is not a JSON object", file.display())));
        };
        let (words, settings) = self.split(object, file)?;
        let args = self.understand(&words, &context)?;
        if let Some(connection) = (self.connection)(&args) {
            put_settings(connection, settings, &mut context)?;
        }
        Ok((args, context))
    }

    /// The words of options, and the rest.
    fn split(self, object: Map<String, Value>, file: &Path) -> Result<(Vec<String>, Vec<Setting>), Failure> {
        let (mut words, mut settings) = (Vec::new(), Vec::new());
        for (key, value) in object.into_iter().filter(|(_, value)| !value.is_null()) {
            let Some(option) = self.option(&key) else {
                settings.push((key.clone(), text_of(&key, &value, file)?));
                continue;
            };
            let name = format!("--{}", option.get_long().unwrap_or_default());
            match (option.get_action(), &value) {
                (ArgAction::SetTrue, Value::Bool(true)) => words.push(name),
                (ArgAction::SetTrue, Value::Bool(false)) => {}
                (ArgAction::SetTrue, _) => {
                    return Err(Failure::usage(format!("`{key}` in `{}` is neither true nor false", file.display())));
                }
                _ => words.push(format!("{name}={}", text_of(&key, &value, file)?)),
            }
        }
        Ok((words, settings))
    }

    /// Its options, as keys of a configuration.
    pub(super) fn options(self) -> Vec<Described> {
        let command = self.command();
        let options = command.iter().flat_map(clap::Command::get_arguments);
        let described = options.filter_map(|option| {
            let long = option.get_long()?;
            let is_own = !OF_PROTOCOL.contains(&long) && long != self.option && !["help", "version"].contains(&long);
            let help = option.get_help().map(ToString::to_string).unwrap_or_default();
            let is_number = option.get_value_parser().type_id() == TypeId::of::<u64>();
            let kind = match option.get_action() {
                ArgAction::SetTrue => "boolean",
                _ if is_number => "integer",
                _ => "string",
            };
            is_own.then(|| Described { key: long.replace('-', "_"), help, kind })
        });
        described.collect()
    }

    fn command(self) -> Option<clap::Command> {
        let root = Args::command();
        let [first, second] = self.words;
        root.find_subcommand(first)?.find_subcommand(second).cloned()
    }

    /// The option that a key names.
    fn option(self, key: &str) -> Option<clap::Arg> {
        let long = if key == CONNECTION { self.option.to_owned() } else { key.replace('_', "-") };
        let command = self.command()?;
        let is_own = |option: &&clap::Arg| !option.is_global_set() && !OF_PROTOCOL.contains(&long.as_str());
        command.get_arguments().filter(is_own).find(|option| option.get_long() == Some(long.as_str())).cloned()
    }

    /// What was typed, with these words before its options, so that what was typed wins.
    fn understand(self, words: &[String], context: &Context) -> Result<Args, Failure> {
        let [first, second] = self.words;
        let at = context.words.iter().position(|word| word == first).and_then(|at| {
            let behind = context.words.iter().skip(at).position(|word| word == second)?;
            Some(at + behind + 1)
        });
        let (before, after) = context.words.split_at(at.unwrap_or(context.words.len()));
        let all: Vec<OsString> = std::iter::once("ferry")
            .chain(before.iter().chain(words).chain(after).map(String::as_str))
            .map(OsString::from)
            .collect();
        Args::understand(&all).map_err(|error| {
            let failure = usage::failure_of(&error, &all);
            let mut failure = failure.unwrap_or_else(|| Failure::usage("the settings cannot be understood"));
            failure.message = format!("in the configuration: {}", failure.message);
            failure
        })
    }
}

/// What stopped the command; where that is a setting of the connection, it says that the configuration comes first.
pub(crate) fn with_place(failure: Failure, file: Option<&Path>) -> Failure {
    let is_setting = matches!(failure.exit, Exit::Refused | Exit::Usage);
    match failure.hint.clone().filter(|hint| is_setting && file.is_some() && hint.contains(" in the environment")) {
        Some(hint) => failure.hint(format!("{hint}; what the file of `--config` says comes before both")),
        None => failure,
    }
}

/// Gives the connection its settings, as its environment variables would. Others are named.
fn put_settings(connection: &str, settings: Vec<Setting>, context: &mut Context) -> Result<(), Failure> {
    let config = context.configuration()?;
    // A connection that does not exist is reported where it is used.
    let Ok(found) = config.find(connection) else { return Ok(()) };
    let facts = found.facts();
    let known: Vec<&str> = COMMON.iter().chain(&*facts.settings).map(|setting| &*setting.name).collect();
    for (key, value) in settings.into_iter().filter(|(key, _)| !OF_ENVIRONMENT.contains(&key.as_str())) {
        if known.contains(&key.as_str()) {
            context.env = context.env.clone().with(&variable(&found.name, &key), &value);
            continue;
        }
        let near = nearest(&key, known.iter().copied()).map(|near| format!("; did you mean `{near}`?"));
        let text = format!("the setting `{key}` is not known, and is ignored{}", near.unwrap_or_default());
        context.console.note(&text);
    }
    Ok(())
}

fn text_of(key: &str, value: &Value, file: &Path) -> Result<String, Failure> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(_) | Value::Bool(_) => Ok(value.to_string()),
        _ => Err(Failure::usage(format!("`{key}` in `{}` is not a text", file.display()))
            .hint("write one value; lists and objects have no meaning there")),
    }
}
