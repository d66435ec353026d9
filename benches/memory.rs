//! The most memory that each command takes, at a tenth of a size and at the size: `cargo bench --bench memory [-- ROWS]`.
//!
//! Each command runs as a process of its own, against a sandbox on this machine. Between the sizes, the growth is shown as
//! bytes for each further record: memory does not grow with the source, so it is near zero. `FERRY` names another program
//! to measure than the one of this build.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice, reason = "a bench stops at once")]

#[path = "line/people.rs"]
mod people;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// The commands, in an order in which each finds what the ones before it left.
const COMMANDS: [(&str, &str); 12] = [
    ("inspect", "inspect contacts.csv"),
    ("convert", "convert contacts.csv --map map.yaml --out c.jsonl"),
    ("convert, duplicates merged", "convert contacts.csv --map merge.yaml --out m.jsonl"),
    ("import, dry run", "import contacts.csv --map map.yaml --to mercately --dry-run"),
    ("import", "import contacts.csv --map map.yaml --to mercately"),
    ("import again, unchanged", "import contacts.csv --map map.yaml --to mercately --fresh"),
    ("import again, --only-changed", "import contacts.csv --map map.yaml --to mercately --only-changed --fresh"),
    ("import, changed", "import changed.csv --map map.yaml --to mercately"),
    ("verify", "verify"),
    ("undo", "undo RUN"),
    ("export", "export --from mercately --out e.jsonl"),
    ("migrate", "migrate --from mercately --to atom"),
];

const MAPPING: &str = "version: 1
phone_region: { from: Country }
contact:
  first_name: First Name
  last_name: Last Name
  phone: Phone
  email: { from: Email, lower: true }
unmapped: ignore
";

fn main() {
    let rows = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(100_000);
    let few = (rows / 10).max(1);
    let (small, large) = (measure(few), measure(rows));
    println!("{:<32}{:>14}{:>14}{:>12}{:>10}", "", format!("{few}, MiB"), format!("{rows}, MiB"), "B/record", "s");
    for ((name, _), (small, large)) in COMMANDS.iter().zip(small.iter().zip(&large)) {
        let growth = (large.peak - small.peak) * 1024.0 * 1024.0 / (rows - few).max(1) as f64;
        println!("{name:<32}{:>14.1}{:>14.1}{growth:>12.1}{:>10.1}", small.peak, large.peak, large.seconds);
    }
}

/// What a command took.
struct Took {
    /// MiB.
    peak: f64,
    seconds: f64,
}

/// All commands, one after the other, with so many records.
fn measure(rows: usize) -> Vec<Took> {
    let folder = tempfile::tempdir().unwrap();
    let contacts = people::contacts(rows);
    std::fs::write(folder.path().join("changed.csv"), contacts.replace("  García Peña", "García")).unwrap();
    std::fs::write(folder.path().join("contacts.csv"), contacts).unwrap();
    std::fs::write(folder.path().join("map.yaml"), MAPPING).unwrap();
    std::fs::write(folder.path().join("merge.yaml"), format!("{MAPPING}identity: [phone]\n")).unwrap();
    let sandbox = Sandbox::start(folder.path());
    COMMANDS.iter().map(|(name, command)| run(&sandbox, folder.path(), (name, command))).collect()
}

fn program() -> PathBuf {
    std::env::var_os("FERRY").unwrap_or_else(|| env!("CARGO_BIN_EXE_ferry").into()).into()
}

/// Runs a command; its allocator says at the end what the process took.
fn run(sandbox: &Sandbox, folder: &Path, (name, command): (&str, &str)) -> Took {
    let start = Instant::now();
    let words = command.split(' ').filter(|word| *word != "RUN").map(str::to_owned);
    let run = command.ends_with("RUN").then(|| sandbox.latest_run(folder));
    let output = sandbox.command(folder).args(words).args(run).env("MIMALLOC_SHOW_STATS", "1").output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 3 | 4)), "{name}: {}\n{told}", output.status);
    let peak = told.lines().find_map(|line| line.split_once("peak rss:")).map(|(_, rest)| rest.trim_start());
    let mut peak = peak.unwrap_or_default().split(' ');
    let number: f64 = peak.next().and_then(|number| number.parse().ok()).unwrap_or_default();
    let unit = if peak.next().is_some_and(|unit| unit.starts_with('G')) { 1024.0 } else { 1.0 };
    Took { peak: number * unit, seconds: start.elapsed().as_secs_f64() }
}

/// A sandbox, until it is dropped.
struct Sandbox {
    process: Child,
    settings: Vec<(String, String)>,
}

impl Sandbox {
    fn start(folder: &Path) -> Sandbox {
        let mut sandbox = Command::new(program());
        let sandbox = sandbox.args(["sandbox", "--listen", "127.0.0.1:0"]).current_dir(folder);
        let mut process = sandbox.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut settings = Vec::new();
        // The last platform is the last that is printed.
        for line in BufReader::new(process.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            let Some((name, value)) = line.trim().trim_start_matches("export ").split_once('=') else { continue };
            settings.push((name.to_owned(), value.trim_matches('\'').to_owned()));
            if name == "FERRY_EADESK_TOKEN" {
                break;
            }
        }
        Sandbox { process, settings }
    }

    /// The program with the settings that lead here, as fast as it can be.
    fn command(&self, folder: &Path) -> Command {
        let mut command = Command::new(program());
        command.current_dir(folder).envs(self.settings.iter().map(|(name, value)| (name, value)));
        for platform in ["ATOM", "MERCATELY"] {
            command.env(format!("FERRY_{platform}_RATE"), "none").env(format!("FERRY_{platform}_CONCURRENCY"), "32");
        }
        command.args(["--progress", "never", "--state", "state"]);
        command
    }

    /// The name of the newest run that wrote.
    fn latest_run(&self, folder: &Path) -> String {
        let output = self.command(folder).args(["runs", "--output", "json"]).output().unwrap();
        let runs: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let runs = runs["runs"].as_array().unwrap();
        let run = runs.iter().find(|run| run["command"] == "import").unwrap();
        run["run"].as_str().unwrap().to_owned()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _gone = self.process.kill().and_then(|()| self.process.wait());
    }
}
