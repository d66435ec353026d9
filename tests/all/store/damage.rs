//! The checkpoint on a disk that loses ends and turns bits: nothing is found that was not written.

use super::{account_at, folder, intent, key, new_run, outcomes, phone, settled};
use ferry::outcome::{Exit, Failure, Outcome};
use ferry::store::{Checkpoint, OpenIntent, OutcomeRow, RunNo, Settled};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// A database and its log as a killed process leaves them: three times, four contacts are intended and then settled, the
/// last four intended only. The files are copied while the process lives.
struct Killed {
    database: Vec<u8>,
    log: Vec<u8>,
    /// Length of the log after each group that was synced, and what was settled and what was open then.
    groups: Vec<(usize, Held)>,
    run: RunNo,
}

/// Ordinals that are settled, and ordinals whose intent is open.
type Held = (Vec<u64>, Vec<u64>);

async fn killed() -> Killed {
    let folder = quick_folder();
    let path = folder.path().join("shop.db");
    let log_path = folder.path().join("shop.db-wal");
    let (checkpoint, run) = begun_on_caller(&folder);
    let (mut groups, mut held): (Vec<(usize, Held)>, Held) = Default::default();
    let mut written = |held: &Held| groups.push((fs::metadata(&log_path).unwrap().len() as usize, held.clone()));
    written(&held);
    for contacts in [0..4, 4..8, 8..12] {
        for number in contacts.clone() {
            checkpoint.intend(run, key(number), intent(number)).await.unwrap();
            held.1.push(number);
            written(&held);
        }
        for number in contacts.filter(|number| *number < 8) {
            checkpoint.settle(run, key(number), created(number)).await.unwrap();
            held.0.push(number);
            held.1.remove(0);
            written(&held);
        }
    }
    Killed { database: fs::read(&path).unwrap(), log: fs::read(&log_path).unwrap(), groups, run }
}

fn created(number: u64) -> Settled {
    let target_id = Some(format!("c-{number}"));
    Settled { target_id, links: vec![phone(number)], ..settled(number, Outcome::Created) }
}

fn begun_on_caller(folder: &TempDir) -> (Checkpoint, RunNo) {
    let checkpoint = Checkpoint::open_on_caller(&account_at(&folder.path().join("shop.db"))).unwrap();
    let run = checkpoint.begin(&new_run("20261122-0305-import-shop-7f3a", "work")).unwrap();
    checkpoint.begin_pass(run).unwrap();
    (checkpoint, run)
}

/// What a checkpoint holds after it was opened: settled ordinals and open ones.
fn held(checkpoint: &Checkpoint, run: RunNo) -> Result<Held, Failure> {
    let mut settled = Vec::new();
    for row in outcomes(checkpoint, run, 1)? {
        let expected = OutcomeRow {
            origin: row.origin,
            outcome: Outcome::Created,
            target_id: Some(format!("c-{}", row.origin.ordinal)),
            duplicate_of: None,
            problems: Vec::new(),
            key: Some(key(row.origin.ordinal)),
        };
        assert_eq!(row, expected, "an outcome that was not written");
        settled.push(row.origin.ordinal);
    }
    let mut open = Vec::new();
    for found in checkpoint.open_intents(None)? {
        let ordinal = found.intent.origin.ordinal;
        assert_eq!(
            found,
            OpenIntent { run, key: key(ordinal), sent_by_ms: intent(ordinal).at_ms, intent: intent(ordinal) },
            "an intent that was not written"
        );
        open.push(ordinal);
    }
    open.sort_unstable();
    Ok((settled, open))
}

/// Opens what is left of a killed process's files; a refusal must be exit 1.
fn reopen(folder: &Path, database: &[u8], log: &[u8], run: RunNo) -> Option<Held> {
    let path = folder.join("shop.db");
    let _ = fs::remove_file(folder.join("shop.db-shm"));
    fs::write(&path, database).unwrap();
    fs::write(folder.join("shop.db-wal"), log).unwrap();
    let opened = Checkpoint::open_on_caller(&account_at(&path)).and_then(|checkpoint| held(&checkpoint, run));
    match opened {
        Ok(held) => Some(held),
        Err(failure) => {
            assert_eq!(failure.exit, Exit::Failed, "{failure}");
            assert!(failure.hint.is_some(), "{failure}");
            None
        }
    }
}

/// A folder in memory, where there is one: these tests write and sync thousands of times.
fn quick_folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { folder() }
}

/// The bytes at which a log is worth cutting: around every border of its parts (a head of 32 bytes, then frames of 24
/// and a page), and some between.
fn cuts(len: usize) -> impl Iterator<Item = usize> {
    let borders = (0..).map(|frame| 32 + frame * 4120).take_while(move |at| *at <= len);
    let around = borders.flat_map(|at| [at - 1, at, at + 1, at + 23, at + 24, at + 25]);
    [0, 1, 16, 24].into_iter().chain(around).chain((0..len).step_by(2777)).filter(move |at| *at <= len)
}

/// Cuts the log there: what is found must be what the last whole group left.
fn cut_log(killed: &Killed, folder: &Path, at: usize) {
    let Some(found) = reopen(folder, &killed.database, &killed.log[..at], killed.run) else {
        panic!("the log cut at {at} is a valid prefix, and was refused");
    };
    let latest = killed.groups.iter().rev().find(|(len, _)| *len <= at);
    let expected = latest.map(|(_, held)| held.clone()).unwrap_or_default();
    assert_eq!(found, expected, "cut at {at}");
}

#[tokio::test]
async fn a_log_cut_anywhere_gives_its_last_whole_group() {
    let (killed, folder) = (killed().await, quick_folder());
    cuts(killed.log.len()).for_each(|at| cut_log(&killed, folder.path(), at));
}

#[tokio::test]
#[ignore = "takes minutes: every byte"]
async fn a_log_cut_at_every_byte_gives_its_last_whole_group() {
    let (killed, folder) = (killed().await, quick_folder());
    (0..=killed.log.len()).for_each(|at| cut_log(&killed, folder.path(), at));
}

fn flip_log(killed: &Killed, folder: &Path, flips: usize) {
    let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
    for _ in 0..flips {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (at, bit) = ((seed >> 33) as usize % killed.log.len(), (seed >> 20) % 8);
        let mut log = killed.log.clone();
        log[at] ^= 1 << bit;
        if let Some(found) = reopen(folder, &killed.database, &log, killed.run) {
            let left = killed.groups.iter().any(|(_, held)| *held == found);
            assert!(left || found == Held::default(), "bit {bit} of byte {at}: {found:?}");
        }
    }
}

#[tokio::test]
async fn a_log_with_a_flipped_bit_gives_a_whole_group_or_is_refused() {
    let (killed, folder) = (killed().await, quick_folder());
    flip_log(&killed, folder.path(), 150);
}

#[tokio::test]
#[ignore = "takes minutes: ten thousand flips"]
async fn a_log_with_any_of_ten_thousand_flipped_bits_gives_a_whole_group_or_is_refused() {
    let (killed, folder) = (killed().await, quick_folder());
    flip_log(&killed, folder.path(), 10_000);
}

/// A database that was closed in order, without a log.
async fn at_rest() -> (Vec<u8>, RunNo) {
    let folder = quick_folder();
    let (checkpoint, run) = begun_on_caller(&folder);
    for number in 0..150 {
        checkpoint.intend(run, key(number), intent(number)).await.unwrap();
        if number < 120 {
            checkpoint.settle(run, key(number), created(number)).await.unwrap();
        }
    }
    checkpoint.close().unwrap();
    (fs::read(folder.path().join("shop.db")).unwrap(), run)
}

#[tokio::test]
async fn a_database_cut_anywhere_is_refused() {
    let ((database, run), folder) = (at_rest().await, quick_folder());
    let pages = (0..database.len()).step_by(4096);
    for at in pages.flat_map(|at| [at, at + 1, at + 4095]).filter(|at| *at < database.len()) {
        let found = reopen(folder.path(), &database[..at], b"", run);
        assert_eq!(found, None, "cut at {at} of {}", database.len());
    }
}

#[tokio::test]
async fn a_database_with_a_flipped_bit_gives_no_outcome_that_was_not_written() {
    let ((database, run), folder) = (at_rest().await, quick_folder());
    let mut seed = 7_u64;
    for _ in 0..150 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (at, bit) = ((seed >> 33) as usize % database.len(), (seed >> 20) % 8);
        let mut flipped = database.clone();
        flipped[at] ^= 1 << bit;
        // `held` looks at every outcome and every intent.
        reopen(folder.path(), &flipped, b"", run);
    }
}

#[tokio::test]
async fn a_page_lost_in_a_crash_is_noticed_on_opening_whatever_it_held() {
    const PAGE: usize = 4096;
    let (database, _) = at_rest().await;
    let folder = quick_folder();
    let path = folder.path().join("shop.db");
    fs::write(&path, &database).unwrap();
    let checkpoint = Checkpoint::open_on_caller(&account_at(&path)).unwrap();
    checkpoint.remember("rate", "1/s").unwrap();
    let log = fs::read(folder.path().join("shop.db-wal")).unwrap();
    drop(checkpoint);
    // Each frame of the log begins with the number of its page, from 1; the first page says how many are free.
    let number = |bytes: &[u8]| u32::from_be_bytes(*bytes.first_chunk().unwrap()) as usize;
    let frames = || log[32..].chunks_exact(24 + PAGE);
    let in_log: Vec<_> = frames().map(number).collect();
    let head = frames().rfind(|frame| number(frame) == 1).map_or(&*database, |frame| &frame[24..]);
    let free = number(&head[36..]);
    let mut unnoticed = Vec::new();
    for page in (1..=database.len() / PAGE).filter(|page| !in_log.contains(page)) {
        let mut torn = database.clone();
        torn[(page - 1) * PAGE..page * PAGE].fill(0);
        fs::write(&path, &torn).unwrap();
        fs::write(folder.path().join("shop.db-wal"), &log).unwrap();
        match Checkpoint::open_on_caller(&account_at(&path)) {
            Ok(_) => unnoticed.push(page),
            Err(failure) => assert_eq!(failure.message, super::damaged_text(&path)),
        }
    }
    assert!(unnoticed.len() <= free, "{unnoticed:?}, and {free} are free");
    assert!(free < 3, "{free}");
}
