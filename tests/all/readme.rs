//! The README and the documents in `docs`, tried: every command of their `console` blocks is run, and what the document
//! shows must be what is printed. Links between documents are followed.
//!
//! Each document has a folder of its own with the samples and the mappings, and a shell in which `ferry` is the program
//! that was built. Blocks of `yaml` and `sh` whose first line is `# NAME` are written to that file.
//!
//! - A document shows the whole output, line by line. A line with `…` stands for lines that are left out.
//! - Only what differs from run to run is not compared: times, rates, dates, names of runs, ids that the sandbox draws,
//!   addresses on this machine, and the number of requests of a run that had to retry some. All other numbers are.
//! - `console exit=3` says how the commands of `ferry` in the block end; without it they end with 0.
//! - `console background` is a server: it stays until the document ends, on a free port, which replaces the one shown.
//! - `FERRY_TEST_WRITE=1 cargo test readme` writes the outputs as they are now. Read the difference before keeping it.

use regex::Regex;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Every document with commands, and how many it has: a block that is not read any more must not go unnoticed.
const DOCUMENTS: [(&str, usize); 11] = [
    ("README.md", 1),
    ("docs/tour.md", 23),
    ("docs/mapping.md", 6),
    ("docs/trust.md", 26),
    ("docs/migrate.md", 3),
    ("docs/nightly.md", 7),
    ("docs/reference.md", 2),
    ("docs/engines.md", 4),
    ("docs/platforms.md", 2),
    ("docs/figures.md", 0),
    ("docs/scale.md", 0),
];

/// Documents without commands, in which links are followed.
const OTHERS: [&str; 3] = ["ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"];

/// Blocks of commands that are shown and not run: the document, how the block begins, and why.
const NOT_RUN: [(&str, &str, &str); 5] = [
    ("README.md", "cargo test", "it is this test"),
    ("README.md", "export MERCATELY_API_KEY=…", "an account is needed"),
    ("README.md", "cargo install --path .", "it changes the machine"),
    ("docs/nightly.md", "MAILTO=ops@example.com", "it is a table for cron"),
    ("docs/nightly.md", "systemctl enable --now ferry-nightly.timer", "it changes the machine"),
];

/// A line of a shown output that stands for lines that are left out.
const LEFT_OUT: &str = "…";

/// Longer than a server takes to start, on any machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that has printed its address has printed everything after this time.
const SERVER_QUIET: Duration = Duration::from_secs(5);

/// The address of the sandbox where a document does not show it.
const SERVER_DEFAULT: &str = "127.0.0.1:4010";

/// A fenced block: the number of its first line inside, what stands behind the fence, and its lines.
struct Block {
    line: usize,
    kind: String,
    lines: Vec<String>,
}

/// One command and the output that the document shows.
#[derive(Debug, PartialEq)]
struct Shown {
    command: String,
    output: Vec<String>,
}

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(document: &str) -> String {
    fs::read_to_string(top().join(document)).unwrap_or_else(|error| panic!("{document}: {error}"))
}

fn blocks(text: &str) -> Vec<Block> {
    let (mut blocks, mut open): (Vec<Block>, Option<Block>) = (Vec::new(), None);
    for (number, line) in text.lines().enumerate() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(kind), None) => {
                open = Some(Block { line: number + 2, kind: kind.to_owned(), lines: Vec::new() });
            }
            (None, Some(block)) => block.lines.push(line.to_owned()),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

impl Block {
    /// The file that the block is, by its first line.
    fn file(&self) -> Option<&str> {
        let is_file = ["yaml", "sh"].contains(&self.kind.as_str());
        self.lines.first()?.strip_prefix("# ").filter(|_| is_file)
    }

    /// What stands behind `console`; none when the block holds no commands.
    fn console(&self) -> Option<&str> {
        self.kind.strip_prefix("console").map(str::trim)
    }

    fn is_server(&self) -> bool {
        self.console() == Some("background")
    }

    /// The exit code of the commands of `ferry`.
    fn exit(&self) -> i32 {
        let code = self.console().and_then(|words| words.strip_prefix("exit="));
        code.map_or(0, |code| code.parse().unwrap())
    }

    fn shown(&self) -> Vec<Shown> {
        let mut all: Vec<Shown> = Vec::new();
        for line in &self.lines {
            match (line.strip_prefix("$ "), all.last_mut()) {
                (Some(command), _) => all.push(Shown { command: command.to_owned(), output: Vec::new() }),
                (None, Some(last)) => last.output.push(line.clone()),
                (None, None) => panic!("line {}: a block begins with a command", self.line),
            }
        }
        all
    }
}

const RUN: &str = r"\d{8}-\d{4}-(?:import|export|migrate|convert|apply|undo|verify)-[0-9a-z-]+?-[0-9a-f]{4}\b";

/// The names of the runs in an output, each once.
fn runs_in(lines: &[String]) -> Vec<String> {
    let mut runs: Vec<String> = Vec::new();
    let run = Regex::new(RUN).unwrap();
    for found in lines.iter().flat_map(|line| run.find_iter(line)) {
        if !runs.iter().any(|run| run == found.as_str()) {
            runs.push(found.as_str().to_owned());
        }
    }
    runs
}

/// The lines as they are compared: without what differs from run to run.
fn steady(lines: &[String]) -> Vec<String> {
    let masks = [
        (RUN, "RUN"),
        (r"\b20[2-9]\d-\d\d-\d\d([ T-]\d\d:?\d\d(:\d\d)?)?", "DATE"),
        (r"\b[\d.,]+ (ms|s|min|h|d)( \d+ (s|min|h))?\b", "TIME"),
        // A run can be too short for a rate.
        (r"TIME, [\d.,]+/(s|min)\b", "TIME"),
        (r"\b[\d.,]+/(s|min)\b", "RATE"),
        (r#"("seconds": )[\d.]+"#, "${1}TIME"),
        (r"127\.0\.0\.1:\d+", "ADDRESS"),
        (r"\b[0-9a-f]{24}\b", "ID"),
        (r"\d[\d,]* requests? sent \([\d,]+ retried\)", "REQUESTS sent"),
    ];
    let masks = masks.map(|(pattern, mask)| (Regex::new(pattern).unwrap(), mask));
    let steady = |line: &String| {
        let masked = |line: String, (mask, to): &(Regex, &str)| mask.replace_all(&line, *to).into_owned();
        masks.iter().fold(line.trim_end().to_owned(), masked)
    };
    lines.iter().map(steady).collect()
}

/// What a command has printed, line by line, without the lines of progress that a slow machine prints.
fn printed_lines(text: &str) -> Vec<String> {
    let progress = Regex::new(r"^.+: [\d,]+( of [\d,]+ \(| records?(,|$))").unwrap();
    let is_message = |line: &str| ["error: ", "warning: ", "note: "].iter().any(|begin| line.starts_with(begin));
    let is_output = |line: &&str| is_message(line) || !progress.is_match(line);
    let lines: Vec<&str> = text.lines().map(str::trim_end).filter(is_output).collect();
    let begin = lines.iter().position(|line| !line.is_empty()).unwrap_or(lines.len());
    let end = lines.iter().rposition(|line| !line.is_empty()).map_or(begin, |last| last + 1);
    lines[begin..end].iter().map(|line| (*line).to_owned()).collect()
}

/// The part of the shown lines that is not printed where it has to be; none when the output is the one that is shown.
fn not_printed(shown: &[String], printed: &[String]) -> Option<Vec<String>> {
    let (shown, printed) = (steady(shown), steady(printed));
    let parts: Vec<&[String]> = shown.split(|line| line.trim() == LEFT_OUT).collect();
    let (mut rest, last) = (printed.as_slice(), parts.len() - 1);
    for (number, part) in parts.into_iter().enumerate() {
        let at = match number {
            0 if last == 0 => (rest == part).then_some(0),
            0 => rest.starts_with(part).then_some(0),
            _ if number == last => rest.ends_with(part).then_some(rest.len() - part.len().min(rest.len())),
            _ => (0..=rest.len()).find(|at| rest[*at..].starts_with(part)),
        };
        let Some(at) = at else { return Some(part.to_vec()) };
        rest = &rest[at + part.len()..];
    }
    None
}

/// How alike two lines are: 1 when they are compared as equal, else the share of common words.
fn likeness(one: &str, other: &str) -> f64 {
    let steady = steady(&[one.to_owned(), other.to_owned()]);
    if steady[0] == steady[1] {
        return 2.0;
    }
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<BTreeSet<_>>();
    let (one, other) = (words(&steady[0]), words(&steady[1]));
    let all = one.union(&other).count();
    if all == 0 { 0.0 } else { one.intersection(&other).count() as f64 / all as f64 }
}

/// For each shown line the printed line that takes its place: the pairs, in order, that are most alike in sum.
fn pairs(shown: &[String], printed: &[String]) -> Vec<Option<usize>> {
    let (rows, columns) = (shown.len() + 1, printed.len() + 1);
    let mut best = vec![vec![0.0_f64; columns]; rows];
    let pair = |row: usize, column: usize| match shown[row].trim() {
        LEFT_OUT => 0.0,
        line => likeness(line, printed[column].trim()),
    };
    for row in (0..shown.len()).rev() {
        for column in (0..printed.len()).rev() {
            let skipped = best[row + 1][column].max(best[row][column + 1]);
            best[row][column] = skipped.max(pair(row, column) + best[row + 1][column + 1]);
        }
    }
    let (mut column, mut found) = (0, Vec::new());
    for row in 0..shown.len() {
        let at = (column..printed.len()).find(|at| {
            let alike = pair(row, *at);
            alike > 0.2 && (best[row][column] - alike - best[row + 1][at + 1]).abs() < 1e-9
        });
        let at = at.filter(|_| best[row][column] > best[row + 1][column] + 1e-9);
        found.push(at);
        column = at.map_or(column, |at| at + 1);
    }
    found
}

/// The shown lines as they have to be: printed lines in place of those that are like them, what is not compared as it was
/// shown, and nothing left out except where the document says so.
fn written_again(shown: &[String], printed: &[String]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let (mut next, mut may_skip) = (0, false);
    for (line, at) in shown.iter().zip(pairs(shown, printed)) {
        if line.trim() == LEFT_OUT {
            may_skip = true;
            lines.push(line.clone());
        } else if let Some(at) = at {
            if !may_skip {
                lines.extend_from_slice(&printed[next..at]);
            }
            let is_same = steady(std::slice::from_ref(line)) == steady(&printed[at..=at]);
            lines.push(if is_same { line.clone() } else { printed[at].clone() });
            (next, may_skip) = (at + 1, false);
        }
    }
    if !may_skip {
        lines.extend_from_slice(&printed[next..]);
    }
    lines
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

/// A server of a document; it ends with the document.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Where the commands of one document are run, and what is known from the commands before.
struct Scene {
    folder: tempfile::TempDir,
    /// Runs by the names that the document shows, and by those that they have here.
    runs: Vec<(String, String)>,
    /// The address of the server, as it is shown and as it is here.
    address: Option<(String, String)>,
    /// Lines of `export`, which hold for the commands after them.
    exports: String,
    servers: Vec<Server>,
}

impl Scene {
    fn new() -> Scene {
        let folder = tempfile::tempdir().unwrap();
        copy(&top().join("samples"), &folder.path().join("samples"));
        copy(&top().join("mappings"), &folder.path().join("mappings"));
        Scene { folder, runs: Vec::new(), address: None, exports: String::new(), servers: Vec::new() }
    }

    /// A shell that finds `ferry`, without the settings of the user who runs the tests.
    fn shell(&self, command: &str) -> Command {
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
        // At the platforms' own rates the documents would take minutes.
        let connections = ["MERCATELY", "ATOM", "TWIN", "EADESK", "SHOP", "CRM"];
        let count = if self.folder.path().join("ferry.yaml").exists() { 6 } else { 4 };
        for connection in &connections[..count] {
            shell.env(format!("FERRY_{connection}_RATE"), "none");
        }
        shell.env("PATH", path).env("NO_COLOR", "1").current_dir(self.folder.path());
        shell.arg("-c").arg(format!("exec 2>&1\n{}{command}", self.exports));
        shell
    }

    /// The command with the runs and the address of this machine in place of those that the document names.
    fn here(&self, command: &str) -> String {
        let command = command.replace("cargo run --", "ferry");
        let command = match &self.address {
            Some((shown, here)) => command.replace(shown, here),
            None => command,
        };
        let end =
            |word: &str| self.runs.iter().rfind(|(shown, _)| shown == word || shown.ends_with(&format!("-{word}")));
        let words = command.split(' ').map(|word| match end(word) {
            Some((_, run)) => run.clone(),
            None => self.runs.iter().fold(word.to_owned(), |word, (shown, here)| word.replace(shown, here)),
        });
        words.collect::<Vec<_>>().join(" ")
    }

    /// The printed lines as the document would show them.
    fn as_shown(&self, printed: &[String]) -> Vec<String> {
        let named =
            |line: &String| self.runs.iter().fold(line.clone(), |line, (shown, here)| line.replace(here, shown));
        printed.iter().map(named).collect()
    }

    fn run(&mut self, command: &str) -> (Option<i32>, Vec<String>) {
        let command = self.here(command);
        let done = self.shell(&command).stdin(Stdio::null()).output().unwrap();
        if command.starts_with("export ") {
            self.exports.push_str(&format!("{command}\n"));
        }
        (done.status.code(), printed_lines(&String::from_utf8(done.stdout).unwrap()))
    }

    /// Starts a server and waits for what it has to print.
    fn serve(&mut self, shown: &Shown) -> Vec<String> {
        let log = self.folder.path().join("server.log");
        let file = fs::File::create(&log).unwrap();
        let command = format!("exec {} --listen 127.0.0.1:0", self.here(&shown.command));
        self.servers.push(Server(self.shell(&command).stdin(Stdio::null()).stdout(file).spawn().unwrap()));
        let begun = Instant::now();
        let loopback = Regex::new(r"127\.0\.0\.1:\d+").unwrap();
        loop {
            let printed = printed_lines(&fs::read_to_string(&log).unwrap());
            let address = |lines: &[String]| {
                lines.iter().find_map(|line| loopback.find(line).map(|found| found.as_str().to_owned()))
            };
            let here = address(&printed);
            let is_whole = not_printed(&shown.output, &printed).is_none() || begun.elapsed() > SERVER_QUIET;
            if (here.is_some() && is_whole) || begun.elapsed() > PATIENCE {
                self.address = Some(address(&shown.output).unwrap_or(SERVER_DEFAULT.into())).zip(here);
                return printed;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Runs a command; what is wrong with it, and its output as the document should show it.
    fn try_one(&mut self, block: &Block, shown: &Shown) -> (Option<String>, Vec<String>) {
        let (code, printed) = match block.is_server() {
            true => (Some(0), self.serve(shown)),
            false => self.run(&shown.command),
        };
        self.runs.extend(runs_in(&shown.output).into_iter().zip(runs_in(&printed)));
        let command = shown.command.replace("cargo run --", "ferry");
        let is_ferry = command.starts_with("ferry ") || command.contains(" ferry ");
        let expected = if is_ferry { block.exit() } else { 0 };
        let printed = self.as_shown(&printed);
        let missing = not_printed(&shown.output, &printed);
        if code == Some(expected) && missing.is_none() {
            return (None, shown.output.clone());
        }
        let missing = missing.map(|lines| format!("not printed here:\n{}\n", lines.join("\n"))).unwrap_or_default();
        let code = code.map_or("killed".to_owned(), |code| format!("exit {code}"));
        let wrong = format!("$ {command}\n{code}, expected {expected}\n{missing}printed:\n{}\n", printed.join("\n"));
        (Some(wrong), written_again(&shown.output, &printed))
    }
}

/// The document with the lines of its blocks replaced.
fn with_blocks(text: &str, mut again: Vec<(Block, Vec<String>)>) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    again.sort_by_key(|(block, _)| std::cmp::Reverse(block.line));
    for (block, new) in again {
        let begin = block.line - 1;
        lines.splice(begin..begin + block.lines.len(), new);
    }
    lines.join("\n") + "\n"
}

/// Runs the commands of a document in order.
fn try_document(document: &str) {
    if cfg!(windows) {
        return crate::support::left_out(&format!("the commands of {document} need a shell"));
    }
    let text = read(document);
    let (mut scene, mut wrong, mut count, mut again) = (Scene::new(), Vec::new(), 0, Vec::new());
    for block in blocks(&text) {
        if let Some(name) = block.file() {
            fs::write(scene.folder.path().join(name), block.lines.join("\n") + "\n").unwrap();
        }
        if block.console().is_none() {
            continue;
        }
        let mut new = Vec::new();
        for shown in block.shown() {
            count += 1;
            let (problem, output) = scene.try_one(&block, &shown);
            wrong.extend(problem.map(|problem| format!("{document}:{}: {problem}", block.line)));
            new.push(format!("$ {}", shown.command));
            new.extend(output);
        }
        again.push((block, new));
    }
    if std::env::var_os("FERRY_TEST_WRITE").is_some() {
        fs::write(top().join(document), with_blocks(&text, again)).unwrap();
        wrong.retain(|problem| !problem.contains("not printed here"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let expected = DOCUMENTS.iter().find(|(name, _)| *name == document).unwrap().1;
    assert_eq!(count, expected, "{document} has another number of commands than `DOCUMENTS` says");
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_block_is_read_as_it_is_written() {
    let text = "x\n```console exit=3\n$ ferry import a\nread 1\n$ ferry b\n```\n```yaml\n# a.yaml\nb\n```\n";
    let blocks = blocks(text);
    assert_eq!((blocks[0].console(), blocks[0].exit(), blocks[0].file()), (Some("exit=3"), 3, None));
    assert_eq!((blocks[1].console(), blocks[1].file(), blocks[1].line), (None, Some("a.yaml"), 8));
    let shown = |command: &str, output: &str| Shown { command: command.into(), output: lines(output) };
    assert_eq!(blocks[0].shown(), [shown("ferry import a", "read 1"), shown("ferry b", "")]);
}

#[test]
fn outputs_are_compared_line_by_line_with_their_numbers() {
    let shown = "import 20261122-0549-import-shop-dedd: done\n  read     222\n  skipped    4  (2 duplicate)\n\n222 records in 10 s, 20/s; 9 requests sent";
    let same = "import 20270101-1200-import-shop-0001: done\n  read     222\n  skipped    4  (2 duplicate)\n\n222 records in 0.4 s; 9 requests sent";
    let differs = |shown: &str, printed: &str| not_printed(&lines(shown), &lines(printed)).is_some();
    assert!(!differs(shown, same));
    for (old, new) in [
        ("done", "unfinished"),
        ("read     222", "read     223"),
        ("read     222", "read 222"),
        ("duplicate", "filtered"),
        ("222 records", "221 records"),
        ("9 requests", "10 requests"),
        ("\n\n", "\n\nmore\n"),
        ("\n\n", "\n"),
    ] {
        assert!(differs(shown, &same.replace(old, new)), "{old} and {new} are compared as equal");
    }
}

#[test]
fn lines_are_left_out_only_where_the_document_says_so() {
    let printed = lines("a 1\nb 2\nc 3\nd 4");
    let missing = |shown: &str| not_printed(&lines(shown), &printed).map(|part| part.join("\n"));
    for whole in ["a 1\nb 2\nc 3\nd 4", "…", "a 1\n…", "…\nd 4", "a 1\n…\nc 3\n…", "…\nb 2\nc 3\n…\nd 4"]
    {
        assert_eq!(missing(whole), None, "{whole}");
    }
    for (shown, part) in [
        ("", ""),
        ("a 1\nb 2", "a 1\nb 2"),
        ("b 2\n…", "b 2"),
        ("…\nc 3", "c 3"),
        ("a 1\n…\nb 2\nd 4\n…", "b 2\nd 4"),
        ("…\nc 3\n…\nb 2\n…", "b 2"),
    ] {
        assert_eq!(missing(shown).as_deref(), Some(part), "{shown}");
    }
}

#[test]
fn outputs_are_written_again_with_the_same_lines_left_out() {
    let again = |shown: &str, printed: &str| written_again(&lines(shown), &lines(printed)).join("\n");
    let printed =
        "import 20270101-1200-import-shop-0001: done\n  read  9\n  made  8\n\n9 records in 2 s; 3 requests sent";
    let shown = "import 20261122-0549-import-shop-dedd: done\n  read  7\n…\n9 records in 1 s; 3 requests sent";
    assert_eq!(again(shown, printed), shown.replace('7', "9"));
    assert_eq!(again("", printed), printed);
    assert_eq!(again("…", printed), "…");
    assert_eq!(
        again("  read  7\n  left  1\n  made  8", "  read  7\n  more  2\n  made  8"),
        "  read  7\n  more  2\n  made  8"
    );
}

#[test]
fn a_run_that_a_document_names_is_the_one_that_was_made_here() {
    let shown = lines("undo 20261122-0549-undo-shop-dedd: done\n20261122-0549-apply-shop-7f3a → shop");
    assert_eq!(runs_in(&shown), ["20261122-0549-undo-shop-dedd", "20261122-0549-apply-shop-7f3a"]);
    let mut scene = Scene::new();
    let (there, here) = ("20261122-0549-apply-shop-7f3a", "20270101-1200-apply-shop-0001");
    scene.runs = vec![(there.to_owned(), here.to_owned())];
    assert_eq!(scene.here("ferry undo 7f3a --dry-run"), format!("ferry undo {here} --dry-run"));
    assert_eq!(
        scene.here(&format!("cat .ferry/runs/{there}/receipt.json")),
        format!("cat .ferry/runs/{here}/receipt.json")
    );
    assert_eq!(scene.here("ferry undo dedd"), "ferry undo dedd");
    assert_eq!(scene.as_shown(&[format!("{here} → shop")]), [format!("{there} → shop")]);
}

/// A test for each document, so that they are tried side by side.
macro_rules! tried {
    ($($name:ident: $document:literal,)*) => {
        $(#[test]
        fn $name() {
            try_document($document);
        })*

        #[test]
        fn every_document_is_tried() {
            let tried = [$($document),*];
            assert_eq!(tried.as_slice(), DOCUMENTS.map(|(document, _)| document));
            let folder = fs::read_dir(top().join("docs")).unwrap();
            for entry in folder.map(|entry| entry.unwrap().file_name().into_string().unwrap()) {
                assert!(tried.contains(&format!("docs/{entry}").as_str()), "docs/{entry} is not tried");
            }
        }
    };
}

tried! {
    the_commands_of_the_readme_do_what_it_says: "README.md",
    the_commands_of_the_tour_do_what_it_says: "docs/tour.md",
    the_commands_on_mappings_do_what_is_said: "docs/mapping.md",
    the_commands_on_trust_do_what_is_said: "docs/trust.md",
    the_commands_on_migration_do_what_is_said: "docs/migrate.md",
    the_commands_on_nightly_work_do_what_is_said: "docs/nightly.md",
    the_commands_of_the_reference_do_what_it_says: "docs/reference.md",
    the_commands_on_engines_do_what_is_said: "docs/engines.md",
    the_commands_on_platforms_do_what_is_said: "docs/platforms.md",
    the_commands_on_figures_do_what_is_said: "docs/figures.md",
    the_commands_beyond_one_machine_do_what_is_said: "docs/scale.md",
}

#[test]
fn every_block_of_commands_is_run_or_named_as_one_that_is_not() {
    let mut found = Vec::new();
    for (document, _) in DOCUMENTS {
        for block in blocks(&read(document)) {
            let is_command = ["text", "sh", ""].contains(&block.kind.as_str()) && block.file().is_none();
            assert!(
                !block.lines.iter().any(|line| line.starts_with("$ ")) || block.console().is_some(),
                "{document}:{}",
                block.line
            );
            if is_command {
                found.push((document, block.lines.first().cloned().unwrap_or_default()));
            }
        }
    }
    let named: Vec<_> = NOT_RUN.iter().map(|(document, begin, _)| (*document, (*begin).to_owned())).collect();
    assert_eq!(found, named);
}

/// The names of the headings, as a link writes them.
fn anchors(text: &str) -> BTreeSet<String> {
    let (mut anchors, mut is_in_block) = (BTreeSet::new(), false);
    for line in text.lines() {
        is_in_block ^= line.starts_with("```");
        let title = line.trim_start_matches('#');
        if is_in_block || title.len() == line.len() || !title.starts_with(' ') {
            continue;
        }
        let kept = title.trim().to_lowercase();
        let kept = kept.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
        anchors.insert(kept.map(|c| if c == ' ' { '-' } else { c }).collect());
    }
    anchors
}

#[test]
fn links_between_documents_lead_somewhere() {
    let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let (mut wrong, mut reached) = (Vec::new(), BTreeSet::new());
    for document in DOCUMENTS.iter().map(|(document, _)| *document).chain(OTHERS) {
        let text = read(document);
        let folder = top().join(document).parent().unwrap().to_owned();
        for (_, [target]) in link.captures_iter(&text).map(|found| found.extract()) {
            if target.starts_with("https://") {
                continue;
            }
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let file = if path.is_empty() { top().join(document) } else { folder.join(path) };
            if !file.exists() {
                wrong.push(format!("{document}: there is no `{target}`"));
            } else if !anchor.is_empty() && !anchors(&fs::read_to_string(&file).unwrap()).contains(anchor) {
                wrong.push(format!("{document}: no heading `{target}`"));
            } else if document == "README.md" {
                reached.insert(path.to_owned());
            }
        }
    }
    let all = DOCUMENTS.iter().map(|(document, _)| *document).chain(OTHERS).filter(|name| *name != "README.md");
    wrong.extend(all.filter(|name| !reached.contains(*name)).map(|name| format!("README.md: no link to {name}")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
