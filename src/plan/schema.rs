//! The JSON Schema of `ferry.yaml`, for editors, made of what the file is read by: the settings of the platforms, the
//! arguments of the commands and the keys of jobs. What only a reading can tell (variables that are not set, connections
//! that do not exist, values that are out of range) it accepts.

use super::config::{PLATFORM, TOP_KEYS};
use super::connection::settings_of;
use super::job_keys::JOB_KEYS;
use super::jobs::{Argument, CommandWords, Takes};
use crate::platforms::settings::Setting;
use crate::platforms::{PlatformFacts, Registry};
use crate::yaml::shape::{DIALECT, Shape, described, map_of, or_blank, text};
use serde_json::{Map, Value, json};

/// The form of a name that a connection or a job can have.
const NAME: &str = "^[A-Za-z0-9][A-Za-z0-9_-]*$";
/// A value that comes from the environment.
const FROM_ENVIRONMENT: &str = "\\$\\{";

/// The JSON Schema of `ferry.yaml`. `commands`: those that can be a job.
pub fn schema(platforms: &Registry, commands: &[CommandWords]) -> Value {
    let of_key = |name: &str| match name {
        "env_file" => text(),
        "connections" => or_blank(connections(platforms)),
        "jobs" => or_blank(jobs(commands)),
        _ => json!({}),
    };
    let properties = TOP_KEYS.iter().map(|(name, does)| ((*name).to_owned(), described(of_key(name), does)));
    let mut schema = or_empty(map_of(properties.collect()));
    if let Value::Object(object) = &mut schema {
        object.insert("$schema".to_owned(), json!(DIALECT));
        object.insert("title".to_owned(), json!("The configuration of Ferry"));
    }
    schema
}

/// The same of a file that may also be empty.
fn or_empty(mut schema: Value) -> Value {
    if let Value::Object(object) = &mut schema {
        object.insert("type".to_owned(), json!(["object", "null"]));
    }
    schema
}

/// A connection is of the platform that it names, or that it is named after.
fn connections(platforms: &Registry) -> Value {
    let mut own = Map::new();
    let (mut names, mut cases): (Vec<String>, Vec<Value>) = (Vec::new(), Vec::new());
    for facts in platforms.facts() {
        let words: Vec<&str> = std::iter::once(&*facts.name).chain(facts.aliases.iter().map(|name| &**name)).collect();
        for word in &words {
            names.push((*word).to_owned());
            own.insert(
                (*word).to_owned(),
                or_empty(json!({ "anyOf": [
                { "required": [PLATFORM] },
                settings(facts, &words),
            ] })),
            );
        }
        let is_it = json!({ "required": [PLATFORM], "properties": { PLATFORM: { "enum": words } } });
        cases.push(json!({ "if": is_it, "then": settings(facts, &words) }));
    }
    let platform = described(json!({ "enum": names }), "the platform of the connection");
    let any = json!({ "type": "object", "required": [PLATFORM], "properties": { PLATFORM: platform }, "allOf": cases });
    json!({
        "type": "object",
        "propertyNames": { "pattern": NAME },
        "properties": own,
        "additionalProperties": any,
    })
}

/// A map with the settings of a platform.
fn settings(facts: &PlatformFacts, words: &[&str]) -> Value {
    let known = settings_of(facts).map(|setting| (setting.name.to_string(), setting_schema(facts, setting)));
    let platform = (PLATFORM.to_owned(), json!({ "enum": words }));
    map_of(std::iter::once(platform).chain(known).collect())
}

fn setting_schema(facts: &PlatformFacts, setting: &Setting) -> Value {
    let value = match setting.choices.is_empty() {
        true => text(),
        // `true` and `false` are words here, and YAML takes them for more.
        false => {
            let words = setting.choices.iter().map(|word| json!(word));
            let switches = setting.choices.iter().filter_map(|word| word.parse::<bool>().ok()).map(|word| json!(word));
            let words: Vec<Value> = words.chain(switches).collect();
            json!({ "anyOf": [{ "enum": words }, { "type": "string", "pattern": FROM_ENVIRONMENT }] })
        }
    };
    let value = match super::filling::takes_table(facts, setting) {
        true => json!({ "anyOf": [value, { "type": "object", "additionalProperties": text() }] }),
        false => value,
    };
    match &setting.default {
        Some(default) => described(value, &format!("{} (default: {default})", setting.help)),
        None => described(value, &setting.help),
    }
}

/// A job has one command, and what stands beside it.
fn jobs(commands: &[CommandWords]) -> Value {
    let mut properties = Map::new();
    for key in &JOB_KEYS {
        properties.insert(key.name.to_owned(), described(key.shape.schema(), key.does));
    }
    let one = |words: &CommandWords| json!({ "required": [words.name] });
    for words in commands {
        let arguments = words.arguments.iter().map(|argument| (argument.key.clone(), argument_schema(argument)));
        properties.insert(words.name.clone(), described(or_empty(map_of(arguments.collect())), &words.about));
    }
    let job = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
        "oneOf": commands.iter().map(one).collect::<Vec<_>>(),
    });
    json!({ "type": "object", "propertyNames": { "pattern": NAME }, "additionalProperties": job })
}

fn argument_schema(argument: &Argument) -> Value {
    let value = match argument.takes {
        Takes::Nothing => json!({ "anyOf": [
            { "type": "boolean" },
            { "enum": ["true", "false"] },
            { "type": "string", "pattern": FROM_ENVIRONMENT },
        ] }),
        Takes::Texts | Takes::Paths => Shape::Texts.schema(),
        Takes::Text | Takes::Path | Takes::Connection if argument.choices.is_empty() => text(),
        Takes::Text | Takes::Path | Takes::Connection => json!({ "anyOf": [
            { "enum": argument.choices },
            { "type": "string", "pattern": FROM_ENVIRONMENT },
        ] }),
    };
    described(value, &argument.about)
}
