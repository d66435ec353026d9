//! `ferry help`: the help of a command, or the explanation of mappings.

use super::args::{Args, Help};
use crate::contact::FIELDS;
use crate::mapping::VERBS;
use crate::outcome::Failure;
use crate::report::words::wrap;
use crate::yaml::nearest;
use clap::CommandFactory;

/// The topic that is no command.
const MAPPING: &str = "mapping";

/// The explanation of mappings; `{fields}` and `{verbs}` stand for the tables that the reading of mappings uses.
const TEXT: &str = include_str!("mapping.txt");

/// What a topic is about.
pub(super) enum Topic {
    /// A command: the words whose help it is.
    Command(Vec<String>),
    /// Mappings: the whole text.
    Mapping(String),
}

/// Finds a topic.
///
/// # Errors
/// Exit 2 for a topic that does not exist.
pub(super) fn topic(typed: &Help) -> Result<Topic, Failure> {
    if matches!(&typed.topic[..], [topic] if topic == MAPPING) {
        return Ok(Topic::Mapping(mapping()));
    }
    let root = Args::command();
    let mut found = &root;
    for (index, name) in typed.topic.iter().enumerate() {
        found = found.find_subcommand(name).ok_or_else(|| unknown(name, index == 0, found))?;
    }
    let words = std::iter::once("ferry".to_owned()).chain(typed.topic.iter().cloned());
    Ok(Topic::Command(words.chain(["--help".to_owned()]).collect()))
}

fn unknown(name: &str, is_first: bool, among: &clap::Command) -> Failure {
    let known = among.get_subcommands().map(clap::Command::get_name);
    let known = known.chain(Some(MAPPING).filter(|_| is_first));
    let failure = Failure::usage(format!("there is no help for `{name}`"));
    match nearest(name, known) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure.hint("see `ferry help` for all commands"),
    }
}

/// The mapping language with its tables.
fn mapping() -> String {
    let fields: Vec<&str> = FIELDS.iter().map(|(_, name)| *name).collect();
    let fields = wrap(&fields.join(", "), 2);
    let verb = |verb: &crate::mapping::Verb| format!("  {:<12} {:<30} {}\n", verb.name, verb.argument, verb.does);
    let verbs: String = VERBS.iter().map(verb).collect();
    TEXT.replace("{fields}", &fields).replace("{verbs}", verbs.trim_end()).trim_end().to_owned()
}
