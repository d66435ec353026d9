//! What can be typed, and what help says about it.

use clap::{CommandFactory, Parser};
use ferry::cli::args::{Args, Command, MapCommand, OnExisting};
use ferry::files::Format;
use ferry::report::{Choice, OutputKind};
use std::path::PathBuf;

fn typed(line: &str) -> Result<Args, clap::Error> {
    Args::understand(line.split(' '))
}

/// The help of a command, by its path.
fn help(path: &[&str]) -> String {
    let mut command = Args::command().term_width(100);
    command.build();
    let mut found = &mut command;
    for name in path {
        found = found.find_subcommand_mut(name).unwrap();
    }
    found.render_long_help().to_string()
}

const COMMANDS: &[(&[&str], &[&str])] = &[
    (&[], &["ferry export --from shop --out contacts.csv", "ferry import contacts.csv --to shop"]),
    (
        &["import"],
        &["ferry import contacts.csv --to shop --map contacts.yaml", "--sandbox --limit 100", "import - --to shop"],
    ),
    (
        &["export"],
        &["ferry export --from shop --out contacts.csv", "ferry export --from shop --what agents --format csv"],
    ),
    (
        &["migrate"],
        &["ferry migrate --from shop --to support --map shop-to-support.yaml --rate 5/s", "--sandbox --limit 100"],
    ),
    (&["convert"], &["ferry convert contacts.csv --out contacts.jsonl", "ferry convert - --out old.jsonl.zst"]),
    (&["run"], &["ferry run nightly", "ferry run nightly weekly --quiet", "ferry run --all --sandbox --limit 100"]),
    (&["resume"], &["ferry resume 7f3a"]),
    (&["apply"], &["ferry apply plan.jsonl"]),
    (&["verify"], &["ferry verify 7f3a --out verify.csv", "ferry verify 7f3a --repair"]),
    (&["undo"], &["ferry undo 7f3a --dry-run", "ferry undo 7f3a --only email"]),
    (&["runs"], &["ferry runs 7f3a --rejects > rejects.csv", "ferry runs --prune 90d"]),
    (&["check"], &["ferry check shop", "ferry check shop --sandbox"]),
    (&["attributes"], &["ferry attributes shop add Plan", "ferry attributes shop remove Tariff --yes"]),
    (&["sandbox"], &["ferry sandbox --fault drop-after=0.05 --fault error-500=0.01 --seed 7"]),
    (&["platforms"], &["ferry platforms NAME"]),
    (&["init"], &["ferry init"]),
    (&["inspect"], &["ferry inspect contacts.csv", "ferry inspect contacts.csv --samples none --json"]),
    (&["map"], &["ferry map suggest contacts.csv --to shop --out contacts.yaml"]),
    (&["map", "check"], &["ferry map check contacts.yaml contacts.csv --to shop"]),
    (&["map", "suggest"], &["ferry map suggest contacts.csv"]),
    (&["schema"], &["ferry schema mapping > mapping.schema.json"]),
    (&["jobs"], &["ferry jobs --failed", "ferry jobs --report"]),
    (&["worker"], &["ferry worker submit acme/nightly", "ferry worker drain"]),
    (&["singer"], &["ferry singer tap --from shop | ferry singer target --to support"]),
    (&["singer", "tap"], &["ferry singer tap --config tap.json --catalog catalog.json --state state.json"]),
    (&["singer", "target"], &["some-tap | ferry singer target --to shop --map contacts.yaml"]),
    (&["airbyte"], &["ferry airbyte source --from shop check --config config.json"]),
    (&["airbyte", "source"], &["ferry airbyte source spec"]),
    (
        &["airbyte", "destination"],
        &["some-source | ferry airbyte destination write --config config.json --catalog catalog.json"],
    ),
    (&["completions"], &["ferry completions bash > ~/.local/share/bash-completion/completions/ferry"]),
    (&["help"], &["ferry help import", "ferry help map check", "ferry help mapping"]),
];

#[test]
fn the_commands_are_sound_and_are_these() {
    Args::command().debug_assert();
    let names: Vec<_> = Args::command().get_subcommands().map(|command| command.get_name().to_owned()).collect();
    let listed: Vec<_> = COMMANDS.iter().filter(|(path, _)| path.len() == 1).map(|(path, _)| path[0]).collect();
    assert_eq!(names, listed);
}

#[test]
fn the_help_of_every_command_has_a_summary_a_paragraph_and_examples() {
    for (path, examples) in COMMANDS {
        let help = help(path);
        let parts: Vec<&str> = help.split("\n\n").collect();
        assert!(!parts[0].ends_with('.') && parts[1].ends_with('.'), "{path:?} has no paragraph:\n{help}");
        assert!(help.contains("Examples:\n"), "{path:?}:\n{help}");
        for example in *examples {
            assert!(help.contains(example), "{path:?} without `{example}`:\n{help}");
        }
    }
}

#[test]
fn every_option_says_what_it_does_and_examples_can_be_typed() {
    for (path, _) in COMMANDS {
        let text = help(path);
        for line in text.lines().filter(|line| line.starts_with("  ferry ")) {
            // A remark stands behind three blanks.
            let words = line.trim_start().split("   ").next().unwrap().split(['>', '|']).next().unwrap().trim();
            let typed = typed(words);
            assert!(typed.is_ok(), "`{words}`: {}", typed.unwrap_err());
        }
    }
}

#[test]
fn the_options_of_an_import_stand_in_groups() {
    let help = help(&["import"]);
    let heads =
        ["Options", "Existing contacts", "Reading", "Limits", "Speed and waiting", "Output files", "Global options"];
    let at = heads.map(|head| help.find(&format!("\n{head}:\n")).unwrap_or_else(|| panic!("no {head} in:\n{help}")));
    assert!(at.is_sorted(), "{help}");
    let first = ["--to <", "--map <", "--dry-run", "--plan <", "--sandbox", "--limit <", "--fresh"];
    let at = first.map(|option| help.find(option).unwrap_or_else(|| panic!("no {option} in:\n{help}")));
    assert!(at.is_sorted(), "{help}");
}

#[test]
fn an_import_takes_standard_input_and_all_its_options() {
    let line = "ferry import - --to shop -m people.yaml --results out.jsonl --sandbox --fresh --limit 10 \
        --on-existing fill --only-existing --rejects r.csv --region EC --encoding windows-1252 --delimiter tab \
        --format csv --rate 10/s,300/min --concurrency 4 --wait 2h --raw-cells --config c.yaml --state s \
        --output json -vv --color never --progress always";
    let args = typed(line).unwrap();
    let Command::Import(import) = args.command else { panic!("{:?}", args.command) };
    assert_eq!(import.source.file, PathBuf::from("-"));
    assert_eq!((import.target.to.as_str(), import.source.map), ("shop", Some(PathBuf::from("people.yaml"))));
    assert_eq!((import.source.delimiter, import.source.format), (Some('\t'), Some(Format::Csv)));
    assert_eq!(
        (import.target.writing.on_existing, import.target.writing.only_existing, import.target.sandbox),
        (OnExisting::Fill, true, true)
    );
    assert_eq!((import.work.limit, import.work.fresh, import.pace.concurrency), (Some(10), true, Some(4)));
    assert_eq!((import.pace.rate.as_deref(), import.pace.wait.as_deref()), (Some("10/s,300/min"), Some("2h")));
    assert_eq!((args.global.output, args.global.verbose), (OutputKind::Json, 2));
    assert_eq!((args.global.color, args.global.progress), (Choice::Never, Choice::Always));
}

#[test]
fn a_separator_is_typed_in_any_usual_way() {
    let cases = [(";", ';'), (",", ','), ("|", '|'), ("tab", '\t'), ("\\t", '\t'), ("\t", '\t')];
    for (text, expected) in cases {
        let args = Args::try_parse_from(["ferry", "import", "a.csv", "--to", "shop", "--delimiter", text]).unwrap();
        let Command::Import(import) = args.command else { panic!() };
        assert_eq!(import.source.delimiter, Some(expected), "{text:?}");
    }
    for text in ["", "ab", "x", ";;"] {
        let args = Args::try_parse_from(["ferry", "import", "a.csv", "--to", "shop", "--delimiter", text]);
        let error = args.unwrap_err().to_string();
        assert!(error.contains("expected `;` `,` `|` or `tab`"), "{text:?}: {error}");
    }
}

#[test]
fn a_wrong_command_line_is_wrong_usage() {
    let lines = [
        "ferry",
        "ferry import a.csv",
        "ferry import --to shop",
        "ferry import a.csv --to shop --limit 0",
        "ferry import a.csv --to shop --limit many",
        "ferry import a.csv --to shop --on-existing replace",
        "ferry import a.csv --to shop --quiet -v",
        "ferry import a.csv --to shop --plan plan.csv",
        "ferry convert a.csv",
        "ferry runs --rejects",
        "ferry runs 7f3a --prune 90d",
        "ferry sandbox --listen here",
        "ferry export --out x.csv",
        "ferry export --from shop --retain 30d",
        "ferry export --from shop --since 2026-11-01 --changes c.csv",
    ];
    for line in lines {
        let error = typed(line).expect_err(line);
        assert_eq!(error.exit_code(), 2, "{line}");
    }
}

#[test]
fn options_of_every_command_may_stand_before_and_after_it() {
    for line in ["ferry --quiet runs", "ferry runs --quiet", "ferry map check m.yaml -q"] {
        assert!(typed(line).unwrap().global.quiet, "{line}");
    }
}

#[test]
fn a_mapping_is_checked_with_or_without_a_file() {
    let Command::Map(map) = typed("ferry map check m.yaml contacts.csv --to shop").unwrap().command else { panic!() };
    let MapCommand::Check(check) = map.command else { panic!("it is a check") };
    assert_eq!((check.file, check.to.as_deref()), (Some(PathBuf::from("contacts.csv")), Some("shop")));
}

/// Every command with its path, `ferry` first.
fn all_commands() -> Vec<(Vec<String>, clap::Command)> {
    let mut command = Args::command().term_width(100);
    command.build();
    let (mut found, mut left) = (Vec::new(), vec![(Vec::new(), command)]);
    while let Some((path, command)) = left.pop() {
        for below in command.get_subcommands() {
            let path = [&path[..], &[below.get_name().to_owned()]].concat();
            left.push((path, below.clone()));
        }
        found.push((path, command));
    }
    found
}

#[test]
fn no_line_of_help_is_longer_than_a_hundred_columns() {
    for (path, mut command) in all_commands() {
        for text in [command.render_help().to_string(), command.render_long_help().to_string()] {
            let long = text.lines().find(|line| line.chars().count() > 100);
            assert_eq!(long, None, "{path:?}:\n{text}");
        }
    }
}

#[test]
fn the_help_of_an_option_is_a_phrase_without_a_full_stop() {
    for (path, command) in all_commands() {
        for option in command.get_arguments() {
            let help = option.get_help().map(ToString::to_string).unwrap_or_default();
            assert!(!help.is_empty() && !help.ends_with('.'), "{path:?} {}: {help:?}", option.get_id());
            let first = help.chars().next().unwrap();
            assert!(first.is_uppercase(), "{path:?} {}: {help:?}", option.get_id());
        }
    }
}

#[test]
fn the_short_help_fits_on_a_screen_and_the_long_one_has_every_command() {
    let short = Args::command().term_width(100).render_help().to_string();
    assert!(short.lines().count() <= 24, "{} lines:\n{short}", short.lines().count());
    assert!(short.lines().all(|line| line.chars().count() <= 80), "{short}");
    let long = help(&[]);
    for command in Args::command().get_subcommands() {
        let line = format!("\n  {:<12} {}\n", command.get_name(), command.get_about().unwrap());
        assert_eq!(long.matches(&line).count(), 1, "{line:?} in:\n{long}");
    }
    for option in Args::command().get_arguments() {
        let name = format!("--{}", option.get_long().unwrap());
        assert!(long.contains(&name), "{name} in:\n{long}");
    }
}
