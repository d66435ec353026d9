//! What the README says, tried: every command of its `console` blocks, in order, in one folder.
//!
//! A block runs as a shell runs it, with `ferry` being the program that was built; pages (`yaml` and `sh` blocks whose
//! first line is `# NAME`) are written where the commands find them. The lines that it shows must be printed, in this order
//! and with these numbers; only times, rates, ids and names of runs may differ. A `text` block is not run, so each is
//! named here.

use regex::Regex;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A fenced block: what stands behind the fence, and the lines in it.
struct Block {
    line: usize,
    kind: String,
    text: String,
}

/// One command and what the README says it prints.
#[derive(Debug, PartialEq)]
struct Shown {
    command: String,
    output: String,
}

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn blocks(page: &str) -> Vec<Block> {
    let (mut blocks, mut open): (Vec<Block>, Option<Block>) = (Vec::new(), None);
    for (number, line) in page.lines().enumerate() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(kind), None) => {
                open = Some(Block { line: number + 1, kind: kind.to_owned(), text: String::new() });
            }
            (None, Some(block)) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

impl Block {
    /// The page that it is, by its first line.
    fn page(&self) -> Option<&str> {
        let is_page = ["yaml", "sh"].contains(&self.kind.as_str());
        self.text.lines().next()?.strip_prefix("# ").filter(|_| is_page)
    }

    /// The exit code of its commands; none when it holds no commands.
    fn exit(&self) -> Option<i32> {
        let rest = self.kind.strip_prefix("console")?;
        Some(rest.trim().strip_prefix("exit=").map_or(0, |code| code.parse().unwrap()))
    }

    fn shown(&self) -> Vec<Shown> {
        let mut all: Vec<Shown> = Vec::new();
        for line in self.text.lines() {
            match (line.strip_prefix("$ "), all.last_mut()) {
                (Some(command), _) => {
                    let command = command.replace("cargo run --release --", "ferry");
                    all.push(Shown { command, output: String::new() });
                }
                (None, Some(last)) => last.output.push_str(&format!("{line}\n")),
                (None, None) => panic!("line {}: a block begins with a command", self.line),
            }
        }
        all
    }
}

/// Where the command stands in a run's name, in a word that holds one.
fn run_at(word: &str) -> Option<usize> {
    let commands = ["import", "export", "migrate", "convert", "apply", "undo", "verify"];
    commands.iter().find_map(|command| word.find(&format!("-{command}-")))
}

/// The names of the runs in a text, each once.
fn runs_in(text: &str) -> Vec<String> {
    let mut runs = Vec::new();
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '-';
    for word in text.split(|c: char| !is_of_name(c)).filter(|word| word.starts_with(|c: char| c.is_ascii_digit())) {
        if run_at(word).is_some() && !runs.iter().any(|run| run == word) {
            runs.push(word.to_owned());
        }
    }
    runs
}

/// A command with the runs of this machine in place of those that the README names, by the ends of their names.
fn with_runs(command: &str, runs: &[(String, String)]) -> String {
    let end = |word: &str| runs.iter().rfind(|(shown, _)| shown.ends_with(&format!("-{word}")));
    let words = command.split(' ').map(|word| end(word).map_or(word, |(_, run)| run));
    words.collect::<Vec<_>>().join(" ")
}

/// The words of each line of an output, without what differs from time to time: names of runs, times, rates, the ids that
/// chance has made, and how much was sent how fast. Numbers are compared as they are. Columns go by widths, so blanks are one.
fn words_of(text: &str) -> Vec<String> {
    let masks = [
        (r"\d{8}-\d{4}-(import|export|migrate|convert|apply|undo|verify)-[0-9a-z-]+?-[0-9a-f]{4}\b", "RUN"),
        (r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d)?)?", "DATE"),
        (r"\b[\d.,]+ (ms|s|min|h|d)( \d+ (s|min|h))?\b", "TIME"),
        (r"\b[\d.,]+/(s|min)\b", "RATE"),
        (r"127\.0\.0\.1:\d+", "ADDRESS"),
        (r"\b[0-9a-f]{24}\b", "ID"),
        // A retry, or a rate that is too short to tell, is no difference.
        (r"( records? in TIME)(, RATE)?(; [\d,]+ requests? sent.*)?", "$1"),
    ];
    let masks = masks.map(|(pattern, mask)| (Regex::new(pattern).unwrap(), mask));
    let steady =
        |line: &str| masks.iter().fold(line.to_owned(), |line, (mask, to)| mask.replace_all(&line, *to).into_owned());
    let words = |line: &str| steady(line).split_whitespace().collect::<Vec<_>>().join(" ");
    text.lines().map(words).filter(|line| !line.is_empty()).collect()
}

/// The first line that is shown and was not printed after the lines before it. The README may leave lines out.
fn not_printed(shown: &str, printed: &str) -> Option<String> {
    let printed = words_of(printed);
    let mut printed = printed.iter();
    words_of(shown).into_iter().find(|line| !printed.any(|one| one == line))
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

/// A shell that knows `ferry`, and nothing of the connections of whoever runs the tests.
fn shell(folder: &Path) -> Command {
    let bin = PathBuf::from(env!("CARGO_BIN_EXE_ferry"));
    let mut path = bin.parent().unwrap().as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let mut shell = Command::new("sh");
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("FERRY_")) {
            shell.env_remove(name);
        }
    }
    // At the platforms' own rates the tour would take minutes.
    for connection in ["MERCATELY", "ATOM", "TWIN", "EADESK"] {
        shell.env(format!("FERRY_{connection}_RATE"), "none");
    }
    shell.env("PATH", path).env("NO_COLOR", "1").current_dir(folder);
    shell
}

#[test]
fn a_block_is_read_as_it_is_written() {
    let page =
        "x\n```console exit=3\n$ cargo run --release -- import a\nread 1\n$ ferry b\n```\n```yaml\n# a.yaml\nb\n```\n";
    let blocks = blocks(page);
    assert_eq!((blocks[0].exit(), blocks[0].page()), (Some(3), None));
    assert_eq!((blocks[1].exit(), blocks[1].page()), (None, Some("a.yaml")));
    let shown = |command: &str, output: &str| Shown { command: command.into(), output: output.into() };
    assert_eq!(blocks[0].shown(), [shown("ferry import a", "read 1\n"), shown("ferry b", "")]);
}

#[test]
fn outputs_are_compared_line_by_line_with_their_numbers() {
    let shown = "import 20261122-0549-import-shop-dedd: done\n read  222\n skipped 4  (2 duplicate)\n\n222 records in 10 s, 20/s; 9 requests sent\n";
    let same = "import 20270101-1200-import-shop-0001: done\n  read     222\nmore\n skipped  4 (2 duplicate)\n222 records in 0.4 s, 600/s; 9 requests sent\n";
    assert_eq!(not_printed(shown, same), None);
    for (other, line) in [
        (same.replace("done", "unfinished"), "import RUN: done"),
        (same.replace("read     222", "read 9"), "read 222"),
        (same.replace("duplicate", "filtered"), "skipped 4 (2 duplicate)"),
        (same.replace("222 records", "221 records"), "222 records in TIME"),
        (same.lines().rev().collect::<Vec<_>>().join("\n"), "read 222"),
    ] {
        assert_eq!(not_printed(shown, &other).as_deref(), Some(line), "{other}");
    }
}

#[test]
fn a_run_that_the_readme_names_is_the_one_that_was_made_here() {
    let shown = "undo 20261122-0549-undo-shop-dedd: done\n20261122-0549-apply-shop-7f3a → shop\n";
    assert_eq!(runs_in(shown), ["20261122-0549-undo-shop-dedd", "20261122-0549-apply-shop-7f3a"]);
    let runs = [("20261122-0549-apply-shop-7f3a".to_owned(), "20270101-1200-apply-shop-0001".to_owned())];
    assert_eq!(with_runs("ferry undo 7f3a --dry-run", &runs), "ferry undo 20270101-1200-apply-shop-0001 --dry-run");
    assert_eq!(with_runs("ferry undo dedd", &runs), "ferry undo dedd");
}

#[test]
fn the_commands_of_the_readme_do_what_it_says() {
    if cfg!(windows) {
        eprintln!("SKIPPED: the README's commands need a shell");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    copy(&top().join("samples"), &folder.path().join("samples"));
    copy(&top().join("mappings"), &folder.path().join("mappings"));
    let mut wrong = Vec::new();
    let (mut count, mut runs) = (0, Vec::new());
    for block in blocks(&fs::read_to_string(top().join("README.md")).unwrap()) {
        if let Some(name) = block.page() {
            fs::write(folder.path().join(name), &block.text).unwrap();
        }
        let Some(exit) = block.exit() else { continue };
        for Shown { command, output } in block.shown() {
            count += 1;
            let command = with_runs(&command, &runs);
            let done = shell(folder.path()).arg("-c").arg(&command).output().unwrap();
            let (out, err) = (String::from_utf8(done.stdout).unwrap(), String::from_utf8(done.stderr).unwrap());
            runs.extend(runs_in(&output).into_iter().zip(runs_in(&format!("{out}{err}"))));
            let expected = if command.starts_with("ferry") { exit } else { 0 };
            let missing = not_printed(&output, &format!("{err}{out}"));
            if done.status.code() != Some(expected) || missing.is_some() {
                let code = done.status;
                let missing = missing.map(|line| format!("not printed: {line}\n")).unwrap_or_default();
                wrong.push(format!(
                    "line {}: $ {command}\n{code}, expected {expected}\n{missing}{err}{out}",
                    block.line
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let page = fs::read_to_string(top().join("README.md")).unwrap();
    let commands = |text: &str| text.lines().filter(|line| line.starts_with("$ ")).count();
    let not_run: usize =
        blocks(&page).iter().filter(|block| block.kind == "text").map(|block| commands(&block.text)).sum();
    assert_eq!(count, commands(&page) - not_run, "a command stands outside of a block that is run");
}

/// How the blocks begin that are shown and not run, and why.
const NOT_RUN: [(&str, &str); 4] = [
    ("the real run: about 15 requests, 0.4 s, done at 2026-11-22 09:45 if begun now", "it holds a time of day"),
    ("$ ferry import samples/contacts.csv --map contacts --to mercately --limit 30", "a platform that fails is needed"),
    ("$ ferry import samples/leads.csv --map leads.yaml --to eadesk", "a process that is killed is needed"),
    ("MAILTO=ops@example.com", "it is a table for cron"),
];

#[test]
fn every_block_of_text_is_named_as_one_that_is_not_run() {
    let page = fs::read_to_string(top().join("README.md")).unwrap();
    let texts = blocks(&page).into_iter().filter(|block| block.kind == "text");
    let begins: Vec<String> = texts.filter_map(|block| block.text.lines().next().map(str::to_owned)).collect();
    assert_eq!(begins, NOT_RUN.map(|(begin, _)| begin));
}
