//! The whole program on real work, beside the limits of the same moment: `cargo bench --bench line [-- ROWS]`.
//!
//! It times processes, not functions: reading, mapping with every phone validated, and writing (`convert`), beside the
//! parser alone and a naive program of the same mapping on one thread (`line/naive.rs`); reading, mapping, reconciling with
//! the checkpoint on disk, and sending (`import`) to a server in this process that costs next to nothing. Machines are
//! noisy: compare the ratios of one run, not the figures of two, and CPU time where others are busy.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice, reason = "a bench stops at once")]

#[path = "line/naive.rs"]
mod naive;
#[path = "line/people.rs"]
mod people;
#[path = "line/sink.rs"]
mod sink;

use sink::Sink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// Rounds of each measurement; the median is printed.
const ROUNDS: usize = 3;

const MAPPING: &str = "version: 1
phone_region: { from: Country }
contact:
  id: id
  first_name: First Name
  last_name: Last Name
  phone: { from: Phone, otherwise: blank }
  email: { from: Email, lower: true }
  tags: { from: Tags, split: \";\" }
  address: { city: City, state: State, zip: Zip, country: Country }
  notes: Notes
  attributes: { plan: Plan, lead_score: Lead Score, account_manager: Account Manager }
columns:
  id: id
  first_name: first_name
  last_name: last_name
  phone: phone
  email: email
  city: address.city
  tags: tags
  notes: notes
  optionals: attributes
";

fn main() {
    let rows = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(100_000);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("contacts.csv");
    std::fs::write(&file, people::contacts(rows)).unwrap();
    std::fs::write(folder.path().join("map.yaml"), MAPPING).unwrap();
    let columns = MAPPING.find("columns:").unwrap();
    let import_map = MAPPING[..columns].replace(", otherwise: blank", "").replace("  id: id\n", "");
    std::fs::write(folder.path().join("import.yaml"), import_map).unwrap();
    println!("{rows} rows, medians of {ROUNDS}; ratio to the parser alone in the same round, CPU and peak memory\n");
    let (mut parse, mut naive, mut convert) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        parse.push(here(|| parse_only(&file, rows)));
        naive.push(here(|| assert_eq!(naive::convert(&file, &folder.path().join("naive.jsonl")), rows)));
        convert.push(ferry(folder.path(), &["convert", "contacts.csv", "--out", "o.jsonl", "--map", "map.yaml"], 0));
    }
    let parse = printed("csv crate, parse only, one thread", rows, parse, None);
    printed("naive program, one thread", rows, naive, Some(parse));
    printed("ferry convert, every phone validated", rows, convert, Some(parse));
    let sink = Sink::start();
    let mut free = Vec::new();
    for _ in 0..ROUNDS {
        let args = [
            "import",
            "contacts.csv",
            "--to",
            "atom",
            "--map",
            "import.yaml",
            "--rate",
            "none",
            "--concurrency",
            "64",
            "--fresh",
        ];
        free.push(ferry(folder.path(), &args, sink.port));
    }
    printed("ferry import, no limit, checkpoint on disk", rows, free, Some(parse));
    let (limit, seconds) = (1000u64, 5);
    let before = sink.requests.load(Relaxed);
    let paced = (limit * seconds).to_string();
    let args = [
        "import",
        "contacts.csv",
        "--to",
        "atom",
        "--map",
        "import.yaml",
        "--rate",
        "1000/s",
        "--fresh",
        "--concurrency",
        "32",
        "--limit",
        &paced,
    ];
    let time = ferry(folder.path(), &args, sink.port).time;
    let sent = sink.requests.load(Relaxed) - before;
    let share = sent as f64 / time.as_secs_f64() / limit as f64;
    println!(
        "ferry import, limit 1000/s                     {sent} requests in {:.1} s: {:.0} % of the allowance",
        time.as_secs_f64(),
        share * 100.0
    );
}

/// What one round took.
#[derive(Clone, Copy, Default)]
struct Took {
    time: Duration,
    cpu_s: f64,
    /// Of the process, in MiB; 0 where it is not known.
    peak: f64,
}

/// Work in this thread.
fn here(work: impl FnOnce()) -> Took {
    // The time on a CPU, in ns, comes first.
    let cpu_s = || {
        let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        stat.split(' ').next().and_then(|ns| ns.parse::<f64>().ok()).unwrap_or_default() / 1e9
    };
    let (start, before) = (Instant::now(), cpu_s());
    work();
    Took { time: start.elapsed(), cpu_s: cpu_s() - before, peak: 0.0 }
}

fn printed(what: &str, rows: usize, mut rounds: Vec<Took>, limit: Option<f64>) -> f64 {
    let cpu_us = median(&mut rounds, |took| took.cpu_s) * 1e6 / rows as f64;
    let peak = median(&mut rounds, |took| took.peak);
    let per_s = rows as f64 / median(&mut rounds, |took| took.time.as_secs_f64());
    let ratio = limit.map_or(String::new(), |limit| format!("{:.2}", per_s / limit));
    let peak = if peak > 0.0 { format!("{peak:6.1} MiB") } else { String::new() };
    println!("{what:<46} {per_s:>10.0} rows/s  {ratio:>4}  {cpu_us:>7.2} us/row  {peak}");
    per_s
}

fn median(rounds: &mut [Took], of: impl Fn(&Took) -> f64) -> f64 {
    rounds.sort_by(|one, other| of(one).total_cmp(&of(other)));
    of(&rounds[rounds.len() / 2])
}

fn parse_only(file: &Path, rows: usize) {
    let mut reader = csv::Reader::from_path(file).unwrap();
    let (mut record, mut records) = (csv::ByteRecord::new(), 0);
    while reader.read_byte_record(&mut record).unwrap() {
        records += 1;
    }
    assert_eq!(records, rows);
}

/// Runs the program; its allocator says at the end what the process took.
fn ferry(folder: &Path, args: &[&str], port: u16) -> Took {
    let start = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_ferry"))
        .args(args)
        .args(["--progress", "never"])
        .current_dir(folder)
        .env("FERRY_STATE", folder.join("state"))
        .env("FERRY_ATOM_BASE_URL", format!("http://127.0.0.1:{port}"))
        .env("FERRY_ATOM_TOKEN", "bench-token")
        .env("MIMALLOC_SHOW_STATS", "1")
        .stdout(Stdio::null())
        .output()
        .unwrap();
    let time = start.elapsed();
    assert!(matches!(output.status.code(), Some(0 | 3)), "{}", output.status);
    let told = String::from_utf8_lossy(&output.stderr);
    let process = told.lines().rfind(|line| line.trim_start().starts_with("process") && line.contains("user:"));
    let number = |name: &str| {
        let behind = process?.split_once(name)?.1.trim_start();
        behind.split(' ').next()?.parse::<f64>().ok()
    };
    let cpu_s = number("user:").unwrap_or_default() + number("system:").unwrap_or_default();
    Took { time, cpu_s, peak: number("peak rss:").unwrap_or_default() }
}
