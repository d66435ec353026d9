//! Whole runs against the sandbox with faults, kills and restarts: they end where a faultless run ends.
//!
//! Everything is drawn from a seed; a failing one is printed, and `FERRY_SEED=… cargo test NAME` replays it.
//! `FERRY_SEEDS=500 cargo test simulation -- --ignored` goes on for longer.

mod atom;
mod carried;
pub mod dice;
mod eadesk;
mod exporting;
mod half_made;
mod importing;
mod mercately;
mod migrating;
mod requests;
mod site;
mod trusting;
mod twin;
mod view;
mod world;

pub use view::client;

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Most of the time is waiting.
const AT_ONCE: usize = 12;

/// A world may leave something open, so that less is compared; of the seeds of a test at least so many percent are compared
/// in full.
const CHECKED_PERCENT: usize = 66;

/// Simulates these seeds, several at once, and names those that fail.
pub fn simulate_all(name: &str, seeds: Range<u64>, simulate: impl Fn(u64) + Sync) {
    simulate_most(name, seeds, |seed| {
        simulate(seed);
        true
    });
}

/// The same where `simulate` says whether everything was compared, as it must be with most seeds.
fn simulate_most(name: &str, seeds: Range<u64>, simulate: impl Fn(u64) -> bool + Sync) {
    let simulated = each_seed(name, seeds, |seed| {
        let simulated = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| simulate(seed)));
        if simulated.is_err() {
            eprintln!("seed {seed} failed: replay it with `FERRY_SEED={seed} cargo test {name}`");
        }
        (seed, simulated.ok())
    });
    let failed: Vec<u64> = simulated.iter().filter(|(_, checked)| checked.is_none()).map(|(seed, _)| *seed).collect();
    assert_eq!(failed, Vec::<u64>::new(), "seeds that failed");
    assert_most(simulated.iter().filter(|(_, checked)| *checked == Some(true)).count(), simulated.len());
}

/// Simulates these seeds, several at once, or the one of `FERRY_SEED` alone; prints how many requests were sent.
fn each_seed<T: Send>(name: &str, seeds: Range<u64>, simulate: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let seeds: Vec<u64> = number("FERRY_SEED").map_or(seeds.collect(), |seed| vec![seed]);
    let next = AtomicUsize::new(0);
    let all = Mutex::new((Vec::new(), requests::Sent::default()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(seeds.len()) {
            scope.spawn(|| {
                while let Some(&seed) = seeds.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let simulated = simulate(seed);
                    let mut all = all.lock().unwrap();
                    all.0.push(simulated);
                    all.1 += requests::take();
                }
            });
        }
    });
    let (simulated, sent) = all.into_inner().unwrap();
    println!("{name}: {} seeds, requests: {} calm, {} rough", simulated.len(), sent.calm, sent.rough);
    simulated
}

/// Fails where too few seeds compared everything; one that is replayed may be any.
fn assert_most(checked: usize, all: usize) {
    let is_most = all == 1 || checked * 100 >= all * CHECKED_PERCENT;
    assert!(is_most, "only {checked} of {all} seeds compared everything");
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn whatever_fails_in_between_an_import_ends_where_a_faultless_one_ends() {
    simulate_most("an_import_ends", 0..40, importing::simulate);
}

#[test]
fn whatever_fails_in_between_a_migration_ends_where_a_faultless_one_ends() {
    simulate_all("a_migration_ends", 0..24, migrating::simulate);
}

#[test]
fn whatever_fails_in_between_an_export_is_whole_or_leaves_the_older_file() {
    simulate_all("an_export_is_whole", 0..24, exporting::simulate);
}

/// Seeds of the ignored tests.
pub fn many() -> Range<u64> {
    let begin = number("FERRY_SEED_BEGIN").unwrap_or(1000);
    begin..begin + number("FERRY_SEEDS").unwrap_or(200)
}

#[test]
#[ignore = "takes minutes: `FERRY_SEEDS=500 cargo test simulation -- --ignored`"]
fn the_same_for_imports_of_many_seeds() {
    simulate_most("an_import_ends", many(), importing::simulate);
}

#[test]
#[ignore = "takes minutes: `FERRY_SEEDS=500 cargo test simulation -- --ignored`"]
fn the_same_for_migrations_of_many_seeds() {
    simulate_all("a_migration_ends", many(), migrating::simulate);
}

#[test]
#[ignore = "takes minutes: `FERRY_SEEDS=500 cargo test simulation -- --ignored`"]
fn the_same_for_exports_of_many_seeds() {
    simulate_all("an_export_is_whole", many(), exporting::simulate);
}

/// How many seeds are simulated on PostgreSQL; `FERRY_SEEDS` names another number.
const SEEDS_ON_DATABASES: u64 = 4;

#[test]
fn imports_with_their_state_in_a_database_end_where_a_faultless_run_ends() {
    if crate::support::postgres::database().is_some() {
        let seeds = 0..number("FERRY_SEEDS").unwrap_or(SEEDS_ON_DATABASES);
        let name = "imports_with_their_state_in_a_database";
        simulate_all(name, seeds, |seed| {
            site::on_databases(|| importing::simulate(seed));
        });
    }
}

#[test]
fn migrations_with_their_state_in_a_database_end_where_a_faultless_run_ends() {
    if crate::support::postgres::database().is_some() {
        let seeds = 0..number("FERRY_SEEDS").unwrap_or(SEEDS_ON_DATABASES);
        let name = "migrations_with_their_state_in_a_database";
        simulate_all(name, seeds, |seed| site::on_databases(|| migrating::simulate(seed)));
    }
}

#[test]
fn exports_with_their_state_in_a_database_are_whole_or_leave_the_older_file() {
    if crate::support::postgres::database().is_some() {
        let seeds = 0..number("FERRY_SEEDS").unwrap_or(SEEDS_ON_DATABASES);
        let name = "exports_with_their_state_in_a_database";
        simulate_all(name, seeds, |seed| site::on_databases(|| exporting::simulate(seed)));
    }
}
