//! `ferry platforms`: the facts, as tables.

use super::Context;
use super::args::Platforms;
use crate::contact::{FIELDS, Field};
use crate::outcome::{Exit, Failure};
use crate::plan::diagnostic::nearest;
use crate::platforms::settings::{COMMON, Setting, environment_name};
use crate::platforms::{PLATFORMS, Platform, platform_named};
use crate::run::import::singular;
use serde_json::{Value, json};

pub(super) fn run(typed: &Platforms, context: &Context) -> Result<Exit, Failure> {
    let chosen: Vec<&Platform> = match &typed.name {
        None => PLATFORMS.to_vec(),
        Some(name) => {
            vec![platform_named(name).ok_or_else(|| unknown(name))?]
        }
    };
    let text = if context.is_json() {
        Value::Array(chosen.iter().map(|platform| object_of(platform)).collect()).to_string()
    } else {
        let page = if typed.name.is_some() { whole } else { short };
        chosen.iter().map(|platform| page(platform)).collect::<Vec<_>>().join("\n\n")
    };
    context.console.result_line(&text);
    Ok(Exit::Done)
}

fn unknown(name: &str) -> Failure {
    let names = || PLATFORMS.iter().map(|platform| platform.name);
    let known = names().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let failure = Failure::usage(format!("there is no platform `{name}`"));
    match nearest(name, names()) {
        Some(near) => failure.hint(format!("did you mean `{near}`? there are {known}")),
        None => failure.hint(format!("there are {known}")),
    }
}

fn held(platform: &Platform, field: Field) -> &'static str {
    match (platform.holds.contains(&field), platform.single.contains(&field), platform.reads.contains(&field)) {
        (true, true, _) => "the first",
        (true, false, _) => "yes",
        (false, _, true) => "read only",
        _ => "no",
    }
}

fn needs(platform: &Platform) -> String {
    let one_of = |fields: &&[Field]| fields.iter().map(|field| singular(*field)).collect::<Vec<_>>().join(" or ");
    match platform.needs {
        [] => "nothing".to_owned(),
        needs => needs.iter().map(one_of).collect::<Vec<_>>().join(", "),
    }
}

fn finds_by(platform: &Platform) -> String {
    platform.finds_by.iter().map(|field| singular(*field)).collect::<Vec<_>>().join(", ")
}

fn short(platform: &Platform) -> String {
    let holds: Vec<&str> = platform.holds.iter().map(|field| singular(*field)).collect();
    let attributes = if platform.attributes { ", custom attributes" } else { "" };
    [
        format!("{} ({})", platform.name, platform.title),
        format!("  holds       {}{attributes}", holds.join(", ")),
        format!("  needs       {}", needs(platform)),
        format!("  finds by    {}", finds_by(platform)),
        format!("  takes back  {}", platform.takes_back),
        format!("  rate        auto, from {}/s", platform.rate_start_per_s),
    ]
    .join("\n")
}

fn whole(platform: &Platform) -> String {
    let mut lines = vec![short(platform), String::new(), format!("  {:<20} held", "field")];
    lines.extend(FIELDS.iter().map(|(field, name)| format!("  {name:<20} {}", held(platform, *field))));
    lines.push(format!("  {:<20} {}", "attributes.NAME", if platform.attributes { "yes" } else { "no" }));
    lines.push(String::new());
    lines.push("  settings, each also as an environment variable".to_owned());
    for setting in COMMON.iter().chain(platform.settings) {
        let default = default_of(platform, setting);
        lines.push(format!("  {}  [{}]{default}", setting.name, environment_name(platform.name, setting.name)));
        let choices =
            if setting.choices.is_empty() { String::new() } else { format!(" ({})", setting.choices.join(", ")) };
        lines.push(format!("      {}{choices}", setting.help));
    }
    lines.join("\n")
}

fn default_of(platform: &Platform, setting: &Setting) -> String {
    match (setting.name, setting.default) {
        ("base_url", _) => format!(" = {}", platform.base_url),
        ("concurrency", _) => format!(" = {}", platform.concurrency),
        (_, Some(default)) => format!(" = {default}"),
        (_, None) if setting.required => " (needed)".to_owned(),
        (_, None) if !setting.instead.is_empty() => format!(" (needed, or {})", setting.instead.join(" and ")),
        (_, None) => String::new(),
    }
}

fn object_of(platform: &Platform) -> Value {
    let fields: serde_json::Map<String, Value> =
        FIELDS.iter().map(|(field, name)| ((*name).to_owned(), json!(held(platform, *field)))).collect();
    let settings: Vec<Value> = COMMON
        .iter()
        .chain(platform.settings)
        .map(|s| json!({"name": s.name, "environment": environment_name(platform.name, s.name), "default": s.default, "required": s.required, "help": s.help}))
        .collect();
    json!({
        "name": platform.name, "title": platform.title, "fields": fields, "attributes": platform.attributes,
        "needs": needs(platform), "finds_by": platform.finds_by.iter().map(|field| singular(*field)).collect::<Vec<_>>(),
        "takes_back": platform.takes_back, "rate_start_per_s": platform.rate_start_per_s,
        "base_url": platform.base_url, "settings": settings,
    })
}
