//! The help of `ferry` itself: what to type first, and the commands in groups. The help of each command is beside its
//! options.

use super::command::Command;
use super::global::Global;
use clap::{Args as _, Subcommand as _};

/// The order of the parts; everything below the usage line is made here.
pub(super) const TEMPLATE: &str = "{about-with-newline}\n{usage-heading} {usage}{after-help}";

/// What a new user can type at once.
const FIRST: &str = "\
Start here:
  ferry platforms                              list the platforms
  ferry import FILE --to PLATFORM --sandbox    try an import on this machine
  ferry import FILE --to PLATFORM --dry-run    show what an import would change
";

const MORE: &str = "\
More help:
  ferry help              all commands, global options, examples and exit codes
  ferry help COMMAND      one command with its options and examples
  ferry help mapping      how a mapping turns records into contacts";

const EXAMPLES: &str = "\
Examples:
  ferry import contacts.csv --to shop --sandbox    rehearse on this machine
  ferry import contacts.csv --to shop --dry-run    show what would change, field by field
  ferry import contacts.csv --to shop              import a file into a platform
  ferry verify                                     check that everything arrived
  ferry undo 7f3a                                  undo the run whose name ends in 7f3a
  ferry export --from shop --out contacts.csv      export a platform to a file
  ferry migrate --from shop --to support           copy one platform to another
  ferry run --all --quiet                          run the jobs of ferry.yaml, from cron

Exit codes:
  0 done   1 failed on this side   2 wrong usage   3 some rejected   4 some unknown   5 refused
  6 unavailable   7 busy   8 stopped by a guard   130, 143 interrupted";

/// The commands that most people need.
const MAIN: [&str; 8] = ["import", "export", "migrate", "convert", "run", "resume", "verify", "undo"];

/// All commands.
const GROUPS: [(&str, &[&str]); 5] = [
    ("Move contacts", &["import", "export", "migrate", "convert", "run"]),
    ("Jobs", &["jobs", "worker"]),
    ("Runs", &["resume", "verify", "undo", "apply", "runs"]),
    ("For orchestrators", &["singer", "airbyte"]),
    (
        "Set up",
        &["init", "platforms", "check", "inspect", "map", "attributes", "sandbox", "schema", "completions", "help"],
    ),
];

/// What `ferry` and `ferry -h` print below the usage line: at most 24 lines with it.
pub(super) fn short() -> String {
    let commands = commands();
    format!("{FIRST}\n{}\n{MORE}", group("Commands", &MAIN, &commands))
}

/// What `ferry help` and `ferry --help` print.
pub(super) fn long() -> String {
    let commands = commands();
    let groups: String = GROUPS.iter().map(|(head, names)| group(head, names, &commands) + "\n").collect();
    format!("{FIRST}\n{groups}{}\n{MORE}\n\n{EXAMPLES}", options())
}

/// The names of all commands, each with its one-line description.
fn commands() -> Vec<(String, String)> {
    let root = Command::augment_subcommands(clap::Command::new("ferry"));
    let about = |command: &clap::Command| command.get_about().map(ToString::to_string).unwrap_or_default();
    root.get_subcommands().map(|command| (command.get_name().to_owned(), about(command))).collect()
}

fn group(head: &str, names: &[&str], commands: &[(String, String)]) -> String {
    let known = names.iter().filter_map(|name| commands.iter().find(|(known, _)| known == name));
    known.fold(format!("{head}:\n"), |text, (name, about)| text + &format!("  {name:<12} {about}\n"))
}

/// The global options with the first line of their help.
fn options() -> String {
    let known = Global::augment_args(clap::Command::new("ferry"));
    known.get_arguments().fold("Global options:\n".to_owned(), |text, option| {
        let help = option.get_help().map(ToString::to_string).unwrap_or_default();
        text + &format!("  {}\n          {help}\n", shown(option))
    })
}

/// `-q, --quiet`, `    --config <PATH>`.
fn shown(option: &clap::Arg) -> String {
    let short = option.get_short().map_or("    ".to_owned(), |short| format!("-{short}, "));
    let takes = option.get_action().takes_values();
    let value = option.get_value_names().and_then(|names| names.first()).filter(|_| takes);
    let value = value.map(|name| format!(" <{name}>")).unwrap_or_default();
    format!("{short}--{}{value}", option.get_long().unwrap_or_default())
}
