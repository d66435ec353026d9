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

/// Of so many seeds a world leaves something open is no reason to compare less in the others: in hundredths.
const CHECKED_PERCENT: usize = 66;

/// Simulates these seeds, several at once, and tells those that fail. One that is named is the only one.
pub fn simulate_all(name: &str, seeds: Range<u64>, simulate: impl Fn(u64) + Sync) {
    simulate_most(name, seeds, |seed| {
        simulate(seed);
        true
    });
}

/// The same where `simulate` says whether everything was compared, as it must be with most seeds.
fn simulate_most(name: &str, seeds: Range<u64>, simulate: impl Fn(u64) -> bool + Sync) {
    if let Some(seed) = number("FERRY_SEED") {
        simulate(seed);
        return;
    }
    let seeds: Vec<u64> = seeds.collect();
    let next = AtomicUsize::new(0);
    let failed: Mutex<Vec<u64>> = Mutex::default();
    let checked = AtomicUsize::new(0);
    let sent = Mutex::new(requests::Sent::default());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(&seed) = seeds.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let simulated = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| simulate(seed)));
                    *sent.lock().unwrap() += requests::take();
                    match simulated {
                        Ok(is_checked) => drop(checked.fetch_add(usize::from(is_checked), Ordering::SeqCst)),
                        Err(_) => {
                            eprintln!("seed {seed} failed: replay it with `FERRY_SEED={seed} cargo test {name}`");
                            failed.lock().unwrap().push(seed);
                        }
                    }
                }
            });
        }
    });
    assert_eq!(*failed.lock().unwrap(), Vec::<u64>::new(), "seeds that failed");
    let (checked, all, sent) = (checked.into_inner(), seeds.len(), sent.into_inner().unwrap());
    println!("{name}: {all} seeds, {checked} compared whole, requests: {} calm, {} rough", sent.calm, sent.rough);
    assert!(checked * 100 >= all * CHECKED_PERCENT, "only {checked} of {all} seeds compared everything");
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

#[test]
fn whatever_fails_in_between_a_run_is_foretold_verified_and_taken_back() {
    simulate_most("a_run_is_foretold", 0..24, trusting::simulate);
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

#[test]
#[ignore = "takes minutes: `FERRY_SEEDS=500 cargo test simulation -- --ignored`"]
fn the_same_for_what_is_trusted_of_many_seeds() {
    simulate_most("a_run_is_foretold", many(), trusting::simulate);
}
