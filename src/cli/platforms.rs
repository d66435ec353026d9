//! `ferry platforms`: the facts, as tables.

use super::args::Platforms;
use super::context::Context;
use crate::contact::{FIELDS, Field};
use crate::outcome::{Exit, Failure};
use crate::platforms::settings::{COMMON, Setting, environment_name};
use crate::platforms::{LISTS, PlatformFacts, Registry};
use crate::report::words::wrap;
use crate::run::bind::singular;
use crate::yaml::nearest;
use serde_json::{Value, json};

pub(super) fn run(typed: &Platforms, context: &Context) -> Result<Exit, Failure> {
    let chosen: Vec<&PlatformFacts> = match &typed.name {
        None => context.platforms.facts().collect(),
        Some(name) => {
            vec![context.platforms.named(name).ok_or_else(|| unknown(name, &context.platforms))?.facts()]
        }
    };
    let text = if context.is_json() {
        Value::Array(chosen.iter().map(|platform| object_of(platform)).collect()).to_string()
    } else {
        match (&typed.name, &chosen[..]) {
            (Some(_), [platform]) => whole(platform),
            _ => all(&chosen),
        }
    };
    context.console.result_line(&text);
    Ok(Exit::Done)
}

fn unknown(name: &str, platforms: &Registry) -> Failure {
    let names = || platforms.facts().map(|platform| &*platform.name);
    let known = names().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let failure = Failure::usage(format!("there is no platform `{name}`"));
    match nearest(name, names()) {
        Some(near) => failure.hint(format!("did you mean `{near}`? the platforms are {known}")),
        None => failure.hint(format!("the platforms are {known}")),
    }
}

/// How wide the names of settings are at least, the blanks behind them counted.
const NAME_WIDTH: usize = 16;

fn held(platform: &PlatformFacts, field: Field) -> &'static str {
    match (platform.holds.contains(&field), platform.single.contains(&field), platform.reads.contains(&field)) {
        (true, true, _) => "first",
        (true, false, _) => "yes",
        (false, _, true) => "read only",
        _ => "no",
    }
}

/// Whether a contact cannot be created without a field, or without this one of several.
fn needed(platform: &PlatformFacts, field: Field) -> &'static str {
    match platform.needs.iter().find(|fields| fields.contains(&field)).map(|fields| &**fields) {
        Some([_]) => "yes",
        Some(_) => "or another",
        None => "",
    }
}

fn attributes(platform: &PlatformFacts) -> &'static str {
    match (platform.attributes, platform.defines_attributes) {
        (true, true) => "if defined",
        (true, false) => "yes",
        (false, _) => "no",
    }
}

fn names(fields: &[Field], between: &str) -> String {
    fields.iter().map(|field| singular(*field)).collect::<Vec<_>>().join(between)
}

fn needs(platform: &PlatformFacts) -> String {
    if platform.needs.is_empty() {
        return "nothing".to_owned();
    }
    platform.needs.iter().map(|fields| names(fields, " or ")).collect::<Vec<_>>().join(", ")
}

fn lists(platform: &PlatformFacts) -> Vec<&'static str> {
    LISTS.iter().filter(|(list, _)| platform.lists.contains(list)).map(|(_, name)| *name).collect()
}

/// All platforms beside each other, and what is to be said of each in a sentence.
fn all(platforms: &[&PlatformFacts]) -> String {
    let mut rows = vec![vec!["FIELD".to_owned()]];
    rows.extend(FIELDS.iter().map(|(_, name)| vec![(*name).to_owned()]));
    rows.push(vec!["attributes.NAME".to_owned()]);
    for platform in platforms {
        let fields = FIELDS.iter().map(|(field, _)| cell(platform, *field));
        let column = [platform.name.to_uppercase()].into_iter().chain(fields).chain([attributes(platform).to_owned()]);
        rows.iter_mut().zip(column).for_each(|(row, cell)| row.push(cell));
    }
    let legend = "* finds contacts   + required   | one of the fields marked so is required";
    let described = platforms.iter().map(|platform| short(platform)).collect::<Vec<_>>().join("\n\n");
    format!("{}\n\n{legend}\n\n{described}\n\n`ferry platforms NAME` says all about one", table(&rows))
}

fn cell(platform: &PlatformFacts, field: Field) -> String {
    let finds = if platform.finds_by.contains(&field) { "*" } else { "" };
    let needed = match needed(platform, field) {
        "" => "",
        "yes" => "+",
        _ => "|",
    };
    format!("{} {finds}{needed}", held(platform, field)).trim_end().to_owned()
}

/// Cells under one another, without blanks at the ends of lines.
fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn short(platform: &PlatformFacts) -> String {
    let aliases = platform.aliases.iter().map(|alias| format!(", also `{alias}`")).collect::<String>();
    let creates = if platform.creates { "" } else { "; contacts can be changed, not created" };
    let lists = match lists(platform)[..] {
        [] => "contacts".to_owned(),
        ref others => format!("contacts, {}", others.join(", ")),
    };
    let concurrency = platform.concurrency;
    let rate = format!("auto, from {}/s, {concurrency} requests in flight", platform.rate_start_per_s);
    let needs = format!("{}{creates}", needs(platform));
    let facts = [
        ("needs", if needs.is_empty() { "nothing" } else { needs.trim_start_matches("; ") }),
        ("finds by", &names(&platform.finds_by, ", then ")),
        ("undoes", &platform.undoes),
        ("lists", &lists),
        ("rate", &rate),
    ];
    let facts = facts.iter().map(|(name, text)| format!("  {name:<12}{}", wrap(text, 14)));
    let head = format!("{} ({}{aliases})", platform.name, platform.title);
    std::iter::once(head).chain(facts).collect::<Vec<_>>().join("\n")
}

fn whole(platform: &PlatformFacts) -> String {
    let mut rows = vec![["FIELD", "HELD", "NEEDED", "FOUND BY"].map(str::to_owned).to_vec()];
    for (field, name) in FIELDS {
        let place = platform.finds_by.iter().position(|known| *known == field);
        let found = match place {
            Some(0) => "first",
            Some(_) => "then",
            None => "",
        };
        rows.push([name, held(platform, field), needed(platform, field), found].map(str::to_owned).to_vec());
    }
    rows.push(["attributes.NAME", attributes(platform)].map(str::to_owned).to_vec());
    let all = || COMMON.iter().chain(&*platform.settings);
    let width = all().map(|setting| setting.name.len() + 2).fold(NAME_WIDTH, usize::max);
    let settings = all().map(|setting| about(platform, setting, width));
    let settings = settings.collect::<Vec<_>>().join("\n");
    let head = "its settings in `ferry.yaml`, each with its environment variable and default";
    format!("{}\n\n{}\n\n{head}\n{settings}", short(platform), table(&rows))
}

fn about(platform: &PlatformFacts, setting: &Setting, width: usize) -> String {
    let variable = environment_name(&platform.name, &setting.name);
    let default = match (default_of(platform, setting), setting.required) {
        (Some(default), _) => format!("  [{default}]"),
        (None, true) => "  (needed)".to_owned(),
        (None, false) if !setting.instead.is_empty() => format!("  (needed, or {})", setting.instead.join(" and ")),
        (None, false) => String::new(),
    };
    let choices = if setting.choices.is_empty() { String::new() } else { format!(" ({})", setting.choices.join(", ")) };
    let help = wrap(&format!("{}{choices}", setting.help), 6);
    format!("  {:<width$}{variable}{default}\n      {help}", setting.name)
}

fn default_of(platform: &PlatformFacts, setting: &Setting) -> Option<String> {
    match (&*setting.name, &setting.default) {
        ("base_url", _) => Some(platform.base_url.to_string()),
        ("concurrency", _) => Some(platform.concurrency.to_string()),
        (_, default) => default.as_ref().map(ToString::to_string),
    }
}

fn object_of(platform: &PlatformFacts) -> Value {
    let fields: serde_json::Map<String, Value> =
        FIELDS.iter().map(|(field, name)| ((*name).to_owned(), json!(held(platform, *field)))).collect();
    let settings = COMMON.iter().chain(&*platform.settings).map(|setting| {
        json!({
            "name": setting.name, "environment": environment_name(&platform.name, &setting.name),
            "default": default_of(platform, setting), "required": setting.required, "secret": setting.secret,
            "choices": setting.choices, "help": setting.help,
        })
    });
    let settings: Vec<Value> = settings.collect();
    let needs: Vec<Vec<&str>> =
        platform.needs.iter().map(|fields| fields.iter().map(|field| singular(*field)).collect()).collect();
    json!({
        "name": platform.name, "aliases": platform.aliases, "title": platform.title, "fields": fields,
        "attributes": platform.attributes, "defines_attributes": platform.defines_attributes,
        "creates": platform.creates, "needs": needs,
        "finds_by": platform.finds_by.iter().map(|field| singular(*field)).collect::<Vec<_>>(),
        "undoes": platform.undoes, "lists": lists(platform), "rate_start_per_s": platform.rate_start_per_s,
        "concurrency": platform.concurrency, "base_url": platform.base_url, "settings": settings,
    })
}
