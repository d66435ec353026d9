//! The rules that hold the structure inside the modules: no circles of files, short signatures, names in one place.
//!
//! What breaks a rule today is listed in `exceptions.txt`. The list only gets shorter: what is on it without need fails too.

use super::functions::{Function, functions_of, p95};
use super::imports::Imports;
use super::{code_of, end_of_word, module_of, none, sources, top, without_tests};
use std::collections::BTreeSet;
use std::fs;
use std::sync::Mutex;

/// `self`, parameters, and the members of tuples.
const VALUES_MAX: usize = 5;

/// Lines of a file that does one thing for one command.
const COMMAND_LINES_MAX: usize = 120;

/// The lines that 95 in 100 functions of `run` do not exceed.
const RUN_P95_MAX: usize = 34;

/// The names of commands and of how runs end have types.
const NAMES: [&str; 12] = [
    "import",
    "migrate",
    "convert",
    "export",
    "apply",
    "verify",
    "undo",
    "resume",
    "done",
    "unfinished",
    "undone",
    "dry-run",
];

/// What breaks a rule, a line each: the rule, and the place. `FERRY_TEST_WRITE=1` takes off what holds by now.
const EXCEPTIONS: &str = "tests/all/tidy/exceptions.txt";

/// Tests run at once, and each may take lines off.
static WRITING: Mutex<()> = Mutex::new(());

/// Fails with what is found and not listed under this rule, and with what is listed and not found.
fn only(rule: &str, found: impl IntoIterator<Item = String>, why: &str) {
    let found: BTreeSet<String> = found.into_iter().map(|place| format!("{rule} {place}")).collect();
    let _writing = WRITING.lock();
    let text = fs::read_to_string(top().join(EXCEPTIONS)).unwrap();
    let listed = |line: &&str| line.split(' ').next() == Some(rule);
    let new: Vec<String> = found.iter().filter(|it| !text.lines().any(|line| line == *it)).cloned().collect();
    none(&new, why);
    let gone: Vec<String> =
        text.lines().filter(listed).filter(|line| !found.contains(*line)).map(str::to_owned).collect();
    if std::env::var_os("FERRY_TEST_WRITE").is_some() && !gone.is_empty() {
        let kept: String = text
            .lines()
            .filter(|line| !gone.iter().any(|it| it == line))
            .fold(String::new(), |text, it| text + it + "\n");
        fs::write(top().join(EXCEPTIONS), kept).unwrap();
        return;
    }
    none(&gone, &format!("{why}; these hold now: take them off {EXCEPTIONS} (FERRY_TEST_WRITE=1 does it)"));
}

fn all_functions() -> Vec<Function> {
    sources().iter().flat_map(functions_of).collect()
}

/// The code of each file, with its path.
fn codes() -> Vec<(String, String)> {
    sources().into_iter().map(|file| (file.path, without_tests(&code_of(&file.text)))).collect()
}

/// The texts between quotes.
fn texts_of(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let (mut at, mut texts) = (0, Vec::new());
    while at < chars.len() {
        let end = end_of_word(&chars, at);
        if chars[at] == '"' && end > at + 1 {
            texts.push(chars[at + 1..end - 1].iter().collect());
        }
        at = end.max(at + 1);
    }
    texts
}

/// A file up to its tests, which stand at its end.
fn without_test_texts(text: &str) -> String {
    text.split("#[cfg(test)]").next().unwrap_or_default().to_owned()
}

/// The files in whose code this stands.
fn files_with(needle: &str) -> Vec<String> {
    codes().into_iter().filter(|(_, code)| code.contains(needle)).map(|(path, _)| path).collect()
}

#[test]
fn no_files_use_one_another_in_a_circle() {
    let cycles = Imports::of(&sources()).cycles();
    only("cycle", cycles.into_iter().flatten(), "a file uses another one that uses it");
}

#[test]
fn a_signature_takes_at_most_five_values() {
    let long = all_functions().into_iter().filter(|function| function.values > VALUES_MAX);
    only("values", long.map(|function| function.name), "a signature takes at most five values");
    only("silenced", files_with("too_many_arguments"), "the lint of long signatures is never silenced");
}

#[test]
fn three_states_are_an_enum() {
    let nested = |code: &str| {
        let dense: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        dense.contains("Option<Option<")
    };
    let found = codes().into_iter().filter(|(_, code)| nested(code)).map(|(path, _)| path);
    only("options", found, "an option of an option has three states, which have names");
}

#[test]
fn the_folder_of_the_process_is_asked_for_once_and_never_changed() {
    only("folder", files_with("set_current_dir"), "the folder belongs to the whole process");
    let asked = files_with("current_dir()").into_iter().filter(|path| !path.starts_with("src/cli/"));
    only("asks", asked, "only the command line knows a folder");
}

#[test]
fn the_name_of_a_command_or_a_status_stands_in_one_file() {
    let has_one = |text: &str| texts_of(text).iter().any(|text| NAMES.contains(&text.as_str()));
    let may = |path: &str| path == "src/ids.rs" || path.starts_with("src/cli/args");
    let found = sources().into_iter().filter(|file| !may(&file.path) && has_one(&without_test_texts(&file.text)));
    only("name", found.map(|file| file.path), "the names of commands and statuses stand in `ids.rs`");
}

#[test]
fn one_place_knows_the_database_and_one_sends_steps() {
    let may = |path: &str| path.starts_with("src/store/sqlite/") || path.starts_with("src/scratch/");
    let sql = files_with("rusqlite").into_iter().filter(|path| !may(path));
    only("database", sql, "SQL stands behind the store, or in a database of one run");
    let senders = [".take(&self.http", ".send_step("].iter().flat_map(|call| files_with(call));
    only("sends", senders.filter(|path| path != "src/reconcile/execute/dispatch.rs"), "one place sends steps");
}

#[test]
fn a_command_is_short_and_so_are_the_functions_of_runs() {
    let commands = sources().into_iter().filter(|file| file.path.starts_with("src/run/commands/"));
    let long = commands.filter(|file| file.text.lines().count() > COMMAND_LINES_MAX);
    only("command", long.map(|file| file.path), "what one command does apart is short");
    let of_run = all_functions().into_iter().filter(|function| function.name.starts_with("src/run/"));
    let p95 = p95(of_run.filter_map(|function| function.lines).collect());
    assert!(p95 <= RUN_P95_MAX, "95 in 100 functions of `run` have at most {RUN_P95_MAX} lines, not {p95}");
}

#[test]
fn what_decides_about_a_contact_is_pure() {
    const PURE: [&str; 6] = ["goal", "doubt", "matching", "fate", "view", "attempt"];
    const EFFECTS: [&str; 6] = ["async", "await", "Http", "Checkpoint", "Clock", "Mutex"];
    let is_pure = |path: &str| {
        let name = path.strip_prefix("src/reconcile/").unwrap_or_default();
        PURE.iter().any(|pure| name.starts_with(&format!("{pure}/")) || name == format!("{pure}.rs"))
    };
    let mut found = BTreeSet::new();
    for (path, code) in codes().into_iter().filter(|(path, _)| is_pure(path)) {
        for line in code.lines() {
            let words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
            found.extend(words.filter(|it| EFFECTS.contains(it)).map(|it| format!("{path}: {it}")));
        }
    }
    only("effect", found, "a decision has no effects");
}

#[test]
#[ignore = "prints the figures of the structure: `cargo test figures -- --ignored --nocapture`"]
fn figures_of_the_structure() {
    let cycles = Imports::of(&sources()).cycles();
    let functions = all_functions();
    let modules: BTreeSet<String> =
        sources().iter().filter_map(|file| module_of(&file.path).map(str::to_owned)).collect();
    println!("module      files  lines  functions  p95  longest  over five  in cycles");
    for module in modules.iter().map(String::as_str).chain(["src"]) {
        let is_in = |path: &str| module == "src" || module_of(path) == Some(module);
        let of_module = || functions.iter().filter(|it| is_in(it.name.split(':').next().unwrap_or_default()));
        let lengths: Vec<usize> = of_module().filter_map(|it| it.lines).collect();
        let files = sources().into_iter().filter(|file| is_in(&file.path));
        let (files, lines) = files.fold((0, 0), |(files, lines), file| (files + 1, lines + file.text.lines().count()));
        let circled = cycles.iter().flatten().filter(|path| is_in(path)).count();
        let long = of_module().filter(|it| it.values > VALUES_MAX).count();
        let longest = lengths.iter().max().copied().unwrap_or_default();
        let (count, p95) = (lengths.len(), p95(lengths));
        println!("{module:<11} {files:>5} {lines:>6} {count:>10} {p95:>4} {longest:>8} {long:>10} {circled:>10}");
    }
    for cycle in cycles {
        println!("cycle of {}: {}", cycle.len(), cycle.join(", "));
    }
}
