//! The most memory that each command takes, at a tenth of a size and at the size: `cargo bench --bench memory [-- ROWS] [WORD]`.
//!
//! Each command runs as a process of its own, against a sandbox on this machine. Between the sizes, the growth is shown as
//! bytes for each further record: memory does not grow with the source, so it is near zero. Only commands with WORD in their
//! names are measured, and those that they need. `FERRY` names another program to measure than the one of this build.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice, reason = "a bench stops at once")]

#[path = "line/people.rs"]
mod people;
#[path = "line/process.rs"]
mod process;

use process::{Took, program};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// What a command needs of those before it.
#[derive(Clone, Copy, PartialEq)]
enum Needs {
    /// Only the file of contacts.
    Nothing,
    /// The files of the conversions.
    Files,
    /// All that were done before.
    All,
}

/// The commands, in an order in which each finds what the ones before it left.
const COMMANDS: [(&str, &str, Needs); 25] = [
    ("convert CSV to JSON Lines", "convert contacts.csv --map map.yaml --out c.jsonl", Needs::Nothing),
    ("convert CSV to JSON", "convert contacts.csv --map map.yaml --out c.json", Needs::Nothing),
    ("convert CSV to vCard", "convert contacts.csv --map map.yaml --out c.vcf", Needs::Nothing),
    ("convert CSV to XLSX", "convert contacts.csv --map map.yaml --out c.xlsx", Needs::Nothing),
    ("convert JSON Lines to CSV", "convert c.jsonl --out o.csv", Needs::Files),
    ("convert JSON to CSV", "convert c.json --out o.csv", Needs::Files),
    ("convert vCard to CSV", "convert c.vcf --out o.csv", Needs::Files),
    ("convert XLSX to CSV", "convert c.xlsx --out o.csv", Needs::Files),
    ("convert, duplicates merged", "convert contacts.csv --map merge.yaml --out m.jsonl", Needs::Nothing),
    ("inspect CSV", "inspect contacts.csv", Needs::Nothing),
    ("inspect JSON Lines", "inspect c.jsonl", Needs::Files),
    ("inspect JSON", "inspect c.json", Needs::Files),
    ("inspect vCard", "inspect c.vcf", Needs::Files),
    ("inspect XLSX", "inspect c.xlsx", Needs::Files),
    ("map suggest", "map suggest c.jsonl", Needs::Files),
    ("map check", "map check map.yaml contacts.csv", Needs::Nothing),
    ("import, dry run", "import contacts.csv --map map.yaml --to mercately --dry-run", Needs::All),
    ("import", "import contacts.csv --map map.yaml --to mercately", Needs::All),
    ("import again, unchanged", "import contacts.csv --map map.yaml --to mercately --fresh", Needs::All),
    (
        "import again, --only-changed",
        "import contacts.csv --map map.yaml --to mercately --only-changed --fresh",
        Needs::All,
    ),
    ("import, changed", "import changed.csv --map map.yaml --to mercately", Needs::All),
    ("verify", "verify", Needs::All),
    ("undo", "undo RUN", Needs::All),
    ("export", "export --from mercately --out e.jsonl", Needs::All),
    ("migrate", "migrate --from mercately --to atom", Needs::All),
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
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let rows = words.iter().find_map(|word| word.parse().ok()).unwrap_or(100_000);
    let word = words.iter().find(|word| word.parse::<usize>().is_err()).map_or("", String::as_str);
    let few = (rows / 10).max(1);
    let (of_few, of_all) = (format!("{few}, MiB"), format!("{rows}, MiB"));
    println!("{:<32}{of_few:>14}{of_all:>14}{:>12}{:>10}{:>10}", "", "B/record", "s", "CPU s");
    let (small, large) = (measure(few, word), measure(rows, word));
    for ((name, ..), (small, large)) in COMMANDS.iter().zip(small.iter().zip(&large)) {
        let (Some(small), Some(large)) = (small, large) else { continue };
        let (few_peak, peak) = (small.peak.unwrap_or_default(), large.peak.unwrap_or_default());
        let growth = (peak - few_peak) * 1024.0 * 1024.0 / (rows - few).max(1) as f64;
        let (seconds, cpu_s) = (large.time.as_secs_f64(), large.cpu_s);
        println!("{name:<32}{few_peak:>14.1}{peak:>14.1}{growth:>12.1}{seconds:>10.1}{cpu_s:>10.1}");
    }
}

/// Which commands are run: those that are asked for, and what they need.
fn are_run(word: &str) -> Vec<bool> {
    let is_asked = |name: &str| name.contains(word);
    let needs = |needed: Needs| COMMANDS.iter().any(|(name, _, needs)| *needs == needed && is_asked(name));
    let (needs_files, needs_all) = (needs(Needs::Files), needs(Needs::All));
    let makes_files = |command: &str| command.contains("--out c.");
    let is_run = |(name, command, needs): &(&str, &str, Needs)| {
        is_asked(name) || needs_files && makes_files(command) || needs_all && *needs == Needs::All
    };
    COMMANDS.iter().map(is_run).collect()
}

/// All commands, one after the other, with so many records.
fn measure(rows: usize, word: &str) -> Vec<Option<Took>> {
    let folder = tempfile::tempdir().unwrap();
    people::write_contacts(&folder.path().join("contacts.csv"), rows, "  García Peña");
    people::write_contacts(&folder.path().join("changed.csv"), rows, "García");
    std::fs::write(folder.path().join("map.yaml"), MAPPING).unwrap();
    std::fs::write(folder.path().join("merge.yaml"), format!("{MAPPING}identity: [phone]\n")).unwrap();
    let sandbox = Sandbox::start(folder.path());
    let commands = COMMANDS.iter().zip(are_run(word));
    commands.map(|((name, command, _), is_run)| is_run.then(|| run(&sandbox, folder.path(), (name, command)))).collect()
}

/// Runs a command.
fn run(sandbox: &Sandbox, folder: &Path, (name, command): (&str, &str)) -> Took {
    let words = command.split(' ').filter(|word| *word != "RUN").map(str::to_owned);
    let run = command.ends_with("RUN").then(|| sandbox.latest_run(folder));
    let (output, took) = process::run(sandbox.command(folder).args(words).args(run));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 3 | 4)), "{name}: {}\n{told}", output.status);
    took
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
        let run = runs.as_array().unwrap().iter().find(|run| run["command"] == "import").unwrap();
        run["run"].as_str().unwrap().to_owned()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _gone = self.process.kill().and_then(|()| self.process.wait());
    }
}
