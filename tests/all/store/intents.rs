//! Open intents in a database: in blocks, in rows of their own, and as earlier versions left them.

use super::{account_at, damaged_text, folder, images, intent, key, new_run, phone, settled};
use ferry::outcome::{Exit, Outcome, Totals};
use ferry::store::{Checkpoint, OpenIntent, RunNo};
use std::path::Path;

fn open_ordinals(checkpoint: &Checkpoint) -> Vec<u64> {
    let (mut ordinals, mut page) = (Vec::new(), checkpoint.open_intents(None).unwrap());
    while !page.is_empty() {
        ordinals.extend(page.iter().map(|open| open.intent.origin.ordinal));
        page = checkpoint.open_intents(page.last()).unwrap();
    }
    ordinals.sort_unstable();
    ordinals
}

fn open(path: &Path) -> Checkpoint {
    Checkpoint::open_on_caller(&account_at(path)).unwrap()
}

fn begun(path: &Path) -> (Checkpoint, RunNo) {
    let checkpoint = open(path);
    let run = checkpoint.begin(&new_run("one", "work")).unwrap();
    checkpoint.begin_pass(run).unwrap();
    (checkpoint, run)
}

/// A database of version 3, with these statements executed on it.
fn earlier(path: &Path, then: &str) {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.execute_batch(include_str!("version_3.sql")).unwrap();
    connection.execute_batch(&format!("{then}; PRAGMA journal_mode = WAL;")).unwrap();
}

#[tokio::test]
async fn a_database_of_an_earlier_version_is_continued_where_it_was() {
    // What version 3 had added to version 2, and version 2 to version 1.
    let second = "DROP TABLE image_block; PRAGMA user_version = 2";
    let first =
        "DROP TABLE image_block; DROP TABLE earlier; DROP TABLE turn; DROP TABLE counter; PRAGMA user_version = 1";
    for (version, then) in [(3, ""), (2, second), (1, first)] {
        let folder = folder();
        let path = folder.path().join("shop.db");
        earlier(&path, then);
        let looked = Checkpoint::look(&account_at(&path)).unwrap().unwrap();
        assert_eq!(open_ordinals(&looked), [2, 3, 4, 5], "version {version}, for reading");
        drop(looked);

        let (checkpoint, run) = (open(&path), RunNo(1));
        let expected = |number: u64| OpenIntent {
            run,
            key: key(number),
            sent_by_ms: intent(number).at_ms,
            intent: intent(number),
        };
        let mut found = checkpoint.open_intents(None).unwrap();
        found.sort_by_key(|open| open.intent.origin.ordinal);
        assert_eq!(found, [2, 3, 4, 5].map(expected), "version {version}");
        assert_eq!(checkpoint.link(&phone(0)).unwrap().as_deref(), Some("c-0"));
        assert_eq!(checkpoint.link(&phone(1)).unwrap(), None, "it was removed");
        assert_eq!(images(&checkpoint, run).len(), if version == 3 { 6 } else { 0 });
        // One that was unknown is not counted twice; one is announced again, one withdrawn with its image, one is new.
        checkpoint.settle(run, key(2), settled(2, Outcome::Created)).await.unwrap();
        checkpoint.intend(run, key(3), intent(3)).await.unwrap();
        checkpoint.withdraw(run, key(4)).await.unwrap();
        checkpoint.intend(run, key(6), intent(6)).await.unwrap();
        drop(checkpoint);

        let checkpoint = open(&path);
        assert_eq!(open_ordinals(&checkpoint), [3, 5, 6]);
        assert_eq!(images(&checkpoint, run).len(), if version == 3 { 5 } else { 0 });
        for number in [3, 5, 6] {
            checkpoint.settle(run, key(number), settled(number, Outcome::Created)).await.unwrap();
        }
        assert!(open_ordinals(&checkpoint).is_empty());
        assert_eq!(checkpoint.tally(run, 1).unwrap().totals, Totals { created: 6, ..Totals::default() });
    }
}

#[tokio::test]
async fn intents_that_stay_open_while_many_others_come_are_found_and_settled() {
    let folder = folder();
    let path = folder.path().join("shop.db");
    let (checkpoint, run) = begun(&path);
    // Each is a group of its own. More groups than there may be blocks; every fourth is settled at once, some are repeated.
    for number in 0..800 {
        checkpoint.intend(run, key(number), intent(number)).await.unwrap();
        if number % 4 == 3 {
            checkpoint.settle(run, key(number), settled(number, Outcome::Created)).await.unwrap();
        }
    }
    let again = |number: u64| ferry::store::Intent { attempt: 2, ..intent(number) };
    for number in [0, 1, 700] {
        checkpoint.intend(run, key(number), again(number)).await.unwrap();
    }
    checkpoint.settle(run, key(2), settled(2, Outcome::Unknown)).await.unwrap();
    checkpoint.settle(run, key(702), settled(702, Outcome::Unknown)).await.unwrap();
    checkpoint.withdraw(run, key(4)).await.unwrap();
    let expected: Vec<u64> = (0..800).filter(|number| number % 4 != 3 && *number != 4).collect();
    assert_eq!(open_ordinals(&checkpoint), expected);
    drop(checkpoint);

    let checkpoint = open(&path);
    assert_eq!(open_ordinals(&checkpoint), expected);
    let connection = rusqlite::Connection::open(&path).unwrap();
    let count = |table: &str| {
        let sql = format!("SELECT count(*) FROM {table}");
        connection.query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert!(count("intent") > 50 && count("intent_block") > 400, "{} {}", count("intent"), count("intent_block"));
    let page = checkpoint.open_intents(None).unwrap();
    let attempt = |number: u64| page.iter().find(|open| open.key == key(number)).unwrap().intent.attempt;
    assert_eq!([0, 1, 5, 700, 701].map(attempt), [2, 2, 1, 2, 1]);
    for number in expected {
        checkpoint.settle(run, key(number), settled(number, Outcome::Updated)).await.unwrap();
    }
    assert!(open_ordinals(&checkpoint).is_empty());
    let totals = Totals { created: 200, updated: 599, ..Totals::default() };
    assert_eq!(checkpoint.tally(run, 1).unwrap().totals, totals);
    assert_eq!((count("intent"), count("intent_block")), (0, 0));
}

#[tokio::test]
async fn intents_of_which_a_part_is_lost_are_refused() {
    let damages = [
        "DELETE FROM intent_block WHERE no = 1",
        "DELETE FROM intent_open",
        "UPDATE intent_open SET data = x''",
        "UPDATE intent_block SET no = 9 WHERE no = 1",
        "UPDATE intent_block SET data = CAST(substr(data, 1, length(data) - 1) AS BLOB)",
        "UPDATE intent_open SET data = CAST(substr(data, 1, length(data) - 1) AS BLOB)",
        "UPDATE intent_block SET data = 'text'",
    ];
    for damage in damages {
        let folder = folder();
        let path = folder.path().join("shop.db");
        let (checkpoint, run) = begun(&path);
        checkpoint.intend(run, key(0), intent(0)).await.unwrap();
        checkpoint.intend(run, key(1), intent(1)).await.unwrap();
        drop(checkpoint);
        rusqlite::Connection::open(&path).unwrap().execute_batch(damage).unwrap();
        let checkpoint = open(&path);
        let failure = checkpoint.open_intents(None).unwrap_err();
        assert_eq!((failure.exit, failure.message), (Exit::Failed, damaged_text(&path)), "{damage}");
        let failure = checkpoint.settle(run, key(0), settled(0, Outcome::Created)).await.unwrap_err();
        assert_eq!(failure.message, damaged_text(&path), "{damage}");
    }
}

#[tokio::test]
async fn what_ends_in_the_group_that_announced_it_leaves_nothing() {
    let folder = folder();
    let path = folder.path().join("shop.db");
    let run = begun(&path).1;
    let checkpoint = Checkpoint::open(&account_at(&path)).unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..40 {
        let checkpoint = checkpoint.clone();
        tasks.spawn(async move {
            checkpoint.hold_back(run, key(number), intent(number)).await.unwrap();
            checkpoint.settle(run, key(number), settled(number, Outcome::Created)).await.unwrap();
        });
    }
    tasks.join_all().await;
    assert!(open_ordinals(&checkpoint).is_empty());
    assert_eq!(checkpoint.tally(run, 1).unwrap().totals, Totals { created: 40, ..Totals::default() });
    checkpoint.close().unwrap();
    let connection = rusqlite::Connection::open(&path).unwrap();
    let blocks: i64 = connection.query_row("SELECT count(*) FROM intent_block", [], |row| row.get(0)).unwrap();
    assert_eq!(blocks, 0);
}
