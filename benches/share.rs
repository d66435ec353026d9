//! What a store that machines share costs an import: `cargo bench --bench share [-- CONTACTS]`.
//!
//! It imports at 1,000 requests a second to a server that answers at once, with the state in a folder (SQLite) and in PostgreSQL
//! behind a proxy that delays what it carries, in turn. The share of the store is the time that PostgreSQL adds, in percent of its
//! time. Machines are noisy: compare within one run. It needs the programs of PostgreSQL, and says so where they are missing.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a bench stops at once")]

#[path = "share/delay.rs"]
mod delay;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../tests/all/support/postgres.rs"]
mod postgres;
#[path = "line/sink.rs"]
mod sink;

use postgres::{Server, address};
use sink::Sink;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// Rounds of each measurement; the median is printed.
const ROUNDS: usize = 5;

/// Requests a second.
const RATE: usize = 1_000;

/// A round trip to the database, beside what the machine takes itself.
const ROUND_TRIP: Duration = Duration::from_millis(1);

/// The most that the store may take of the time, in percent.
const SHARE_MAX: f64 = 20.0;

const MAPPING: &str = "version: 1
contact: { first_name: First, last_name: Last, phone: Phone }
";

fn main() {
    let contacts: usize = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(10_000);
    let Some(server) = Server::start() else {
        left_out("PostgreSQL is not installed, so the share of the store was not measured");
        std::process::exit(1);
    };
    let (folder, sink) = (tempfile::tempdir().unwrap(), Sink::start());
    let row = |number: usize| format!("Ana{number},Vera,+59399{number:07}\n");
    let rows: String = (0..contacts).map(row).collect();
    std::fs::write(folder.path().join("contacts.csv"), format!("First,Last,Phone\n{rows}")).unwrap();
    std::fs::write(folder.path().join("map.yaml"), MAPPING).unwrap();
    let ideal = contacts as f64 / RATE as f64;
    let trip = round_trip(&behind_delay(&server.database()));
    println!(
        "{contacts} contacts at {RATE}/s, at best {ideal:.1} s; {:.2} ms a round trip to PostgreSQL; {ROUNDS} rounds in turn\n",
        trip.as_secs_f64() * 1e3
    );
    let (mut near, mut far) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        near.push(import(
            folder.path(),
            sink.port,
            &folder.path().join(format!("state-{round}")).display().to_string(),
        ));
        far.push(import(folder.path(), sink.port, &behind_delay(&server.database())));
    }
    let mut shares: Vec<f64> =
        near.iter().zip(&far).map(|(near, far)| (1.0 - near.time_s / far.time_s) * 100.0).collect();
    shares.sort_by(f64::total_cmp);
    printed("SQLite in a folder", near);
    printed("PostgreSQL", far);
    let sent = sink.requests.load(Relaxed);
    assert!(sent >= 2 * (ROUNDS * contacts) as u64, "not every contact was sent: {sent} requests");
    let share = shares[shares.len() / 2];
    let verdict = if share < SHARE_MAX { "below" } else { "NOT below" };
    println!(
        "the store's share              {share:6.1} %   ({:.1} to {:.1} %), {verdict} {SHARE_MAX:.0} %",
        shares[0],
        shares[shares.len() - 1]
    );
}

/// What is said where a part is missing; `postgres` calls it, too.
fn left_out(why: &str) {
    eprintln!("SKIPPED: {why}");
}

/// The address of the same database behind a proxy that delays.
fn behind_delay(database: &str) -> String {
    let (_, at) = database.split_once('@').unwrap();
    let (server, name) = at.split_once('/').unwrap();
    let port = delay::start(server.parse().unwrap(), ROUND_TRIP / 2);
    format!("postgres://ferry@127.0.0.1:{port}/{name}")
}

/// How long the shortest question takes, as the store asks: the median.
fn round_trip(database: &str) -> Duration {
    let database = address(database).database().unwrap();
    let ask = || {
        let begun = Instant::now();
        let asked = database.ask(|client| async move { Ok(client.simple_query("").await.map(drop)?) });
        asked.unwrap();
        begun.elapsed()
    };
    let mut trips: Vec<Duration> = (0..101).map(|_| ask()).collect();
    trips.sort();
    trips[50]
}

/// What one import took.
#[derive(Clone, Copy)]
struct Took {
    time_s: f64,
    cpu_s: f64,
}

fn import(folder: &Path, port: u16, state: &str) -> Took {
    let (begun, before) = (Instant::now(), cpu_of_children());
    let output = Command::new(env!("CARGO_BIN_EXE_ferry"))
        .args([
            "import",
            "contacts.csv",
            "--to",
            "atom",
            "--map",
            "map.yaml",
            "--output",
            "json",
            "--progress",
            "never",
        ])
        .args(["--concurrency", "100", "--rate", &format!("{RATE}/s")])
        .current_dir(folder)
        .env("FERRY_STATE", state)
        .env("FERRY_SCRATCH", folder.join("scratch"))
        .env("FERRY_ATOM_BASE_URL", format!("http://127.0.0.1:{port}"))
        .env("FERRY_ATOM_TOKEN", "bench-token")
        .output()
        .unwrap();
    let took = Took { time_s: begun.elapsed().as_secs_f64(), cpu_s: cpu_of_children() - before };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    took
}

/// User and system time of the processes that have ended (proc(5): in hundredths of a second).
fn cpu_of_children() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(13).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn printed(what: &str, mut rounds: Vec<Took>) {
    rounds.sort_by(|one, other| one.time_s.total_cmp(&other.time_s));
    let (middle, last) = (rounds[rounds.len() / 2], rounds[rounds.len() - 1]);
    let Took { time_s, cpu_s } = middle;
    println!(
        "{what:<30} {time_s:6.2} s   ({:.2} to {:.2} s), {cpu_s:.2} s of processor time",
        rounds[0].time_s, last.time_s
    );
}
