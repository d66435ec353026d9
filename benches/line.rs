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
#[path = "line/process.rs"]
mod process;
#[path = "line/sink.rs"]
mod sink;

use process::Took;
use sink::Sink;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

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

const CONVERT: &str = "convert contacts.csv --out o.jsonl --map map.yaml";
const IMPORT: &str = "import contacts.csv --to atom --map import.yaml --rate none --concurrency 64 --fresh";
/// Requests a second, and for how many seconds.
const LIMIT: (u64, u64) = (1000, 5);

fn main() {
    let rows = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(100_000);
    let folder = tempfile::tempdir().unwrap();
    let (folder, file) = (folder.path(), folder.path().join("contacts.csv"));
    people::write_contacts(&file, rows, "  García Peña");
    std::fs::write(folder.join("map.yaml"), MAPPING).unwrap();
    let columns = MAPPING.find("columns:").unwrap();
    let import_map = MAPPING[..columns].replace(", otherwise: blank", "").replace("  id: id\n", "");
    std::fs::write(folder.join("import.yaml"), import_map).unwrap();
    let bytes = std::fs::metadata(&file).unwrap().len() / rows as u64;
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    println!("{rows} rows of {bytes} bytes, {processors} processors, medians of {ROUNDS} rounds\n");
    println!("{:<44}{:>10}{:>10}{:>12}{:>10}", "", "rows/s", "x parser", "CPU us/row", "peak MiB");
    let (mut parse, mut naive, mut convert) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        parse.push(here(|| parse_only(&file, rows)));
        naive.push(here(|| assert_eq!(naive::convert(&file, &folder.join("naive.jsonl")), rows)));
        convert.push(ferry(folder, CONVERT, 0));
    }
    let parser = rows_per_s(rows, &mut parse);
    print_line("csv crate, parsing only, one thread", rows, parse, parser);
    print_line("naive program of the mapping, one thread", rows, naive, parser);
    print_line("ferry convert, every phone validated", rows, convert, parser);
    let sink = Sink::start();
    let free = (0..ROUNDS).map(|_| ferry(folder, IMPORT, sink.port)).collect();
    print_line("ferry import, no limit, checkpoint on disk", rows, free, parser);
    print_share(folder, rows as u64, &sink);
}

/// How much of an allowed rate is used.
fn print_share(folder: &Path, rows: u64, sink: &Sink) {
    let (limit, seconds) = LIMIT;
    let before = sink.requests.load(Relaxed);
    let words = IMPORT.replace("--rate none", &format!("--rate {limit}/s --limit {}", rows.min(limit * seconds)));
    let took = ferry(folder, &words, sink.port);
    let sent = sink.requests.load(Relaxed) - before;
    let share = sent as f64 / took.time.as_secs_f64() / limit as f64 * 100.0;
    let seconds = took.time.as_secs_f64();
    println!("\nferry import, {limit} requests/s allowed: {sent} in {seconds:.1} s, {share:.0} % of what is allowed");
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
    Took { time: start.elapsed(), cpu_s: cpu_s() - before, peak: None }
}

fn rows_per_s(rows: usize, rounds: &mut [Took]) -> f64 {
    rows as f64 / median(rounds, |took| took.time.as_secs_f64())
}

fn print_line(what: &str, rows: usize, mut rounds: Vec<Took>, parser: f64) {
    let per_s = rows_per_s(rows, &mut rounds);
    let cpu_us = median(&mut rounds, |took| took.cpu_s) * 1e6 / rows as f64;
    let peak = median(&mut rounds, |took| took.peak.unwrap_or_default());
    let peak = if peak > 0.0 { format!("{peak:.1}") } else { "-".to_owned() };
    println!("{what:<44}{per_s:>10.0}{:>10.2}{cpu_us:>12.2}{peak:>10}", per_s / parser);
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

/// Runs the program.
fn ferry(folder: &Path, words: &str, port: u16) -> Took {
    let mut command = Command::new(process::program());
    command.args(words.split(' ')).args(["--progress", "never"]).current_dir(folder);
    command.env("FERRY_STATE", folder.join("state"));
    command.env("FERRY_ATOM_BASE_URL", format!("http://127.0.0.1:{port}")).env("FERRY_ATOM_TOKEN", "bench-token");
    let (output, took) = process::run(&mut command);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 3)), "{}\n{told}", output.status);
    took
}
