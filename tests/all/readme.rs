//! What the README says, tried: every command of its `console` blocks, in order, in one folder.
//!
//! A block runs as a shell runs it, with `ferry` being the program that was built; pages (`yaml` and `sh` blocks whose
//! first line is `# NAME`) are written where the commands find them. The lines that it shows must be printed; numbers and
//! names of runs may differ.

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

/// The words of each line of an output. Names of runs and numbers are one and the same; so are blanks, since columns go by
/// widths. How fast it was is nobody's promise.
fn words_of(text: &str) -> Vec<Vec<String>> {
    let word = |word: &str| {
        let run = run_at(word);
        if let Some(at) = run {
            let start = word[..at].rfind(|c: char| !c.is_ascii_digit() && c != '-').map_or(0, |at| at + 1);
            let end = word[at..].find(['/', ':']).map_or(word.len(), |end| at + end);
            return format!("{}RUN{}", &word[..start], &word[end..]);
        }
        let is_number = |c: char| c.is_ascii_digit() || ".,-:".contains(c);
        word.split(is_number).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("#")
    };
    let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.contains(" records in "));
    lines.map(|line| line.split_whitespace().map(word).collect()).collect()
}

/// Whether every line that is shown was printed. The README may leave lines out, and a list that is ordered by numbers
/// may come in another order.
fn is_as_shown(shown: &str, printed: &str) -> bool {
    let printed = words_of(printed);
    words_of(shown).iter().all(|line| printed.contains(line))
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
fn outputs_are_compared_by_their_words() {
    let shown = "import 20261122-0549-import-shop-dedd: done\n read  222\n skipped 4  (2 duplicate)\n";
    let same = "import 20270101-1200-import-shop-0001: done\n read  9\n skipped  1,004 (12 duplicate)\n\nmore\n";
    let other = "import 20270101-1200-import-shop-0001: unfinished\n read  9\n";
    assert!(is_as_shown(shown, same));
    assert!(!is_as_shown(shown, other));
    assert!(!is_as_shown(shown, &same.replace("duplicate", "filtered")));
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
            if done.status.code() != Some(expected) || !is_as_shown(&output, &format!("{out}{err}")) {
                let code = done.status;
                wrong.push(format!("line {}: $ {command}\n{code}, not {expected}\n{out}{err}", block.line));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 15, "only {count} commands were found");
}
