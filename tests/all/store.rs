//! The store: one suite for every store, the face over it, and what it does on a disk that fails.

use ferry::change::{StepKind, Written, WrittenValues};
use ferry::contact::{Field, FieldSet};
use ferry::identity::IdentityValue;
use ferry::ids::{CommandKind, RunStatus};
use ferry::outcome::{Exit, Failure, Outcome, Problem, Skip, Totals};
use ferry::record::Origin;
use ferry::store::{
    AccountAddress, AccountKey, Checkpoint, Image, Intent, Key, NewRun, OpenIntent, OutcomeRow, RunNo, Settled,
    SourceOutcome, StoreAddress, Tally,
};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

mod conformance;
mod damage;
mod intents;
mod postgres;
mod random;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// The account whose database has this path.
pub fn account_at(path: &Path) -> AccountAddress {
    let key = AccountKey::from(path.to_str().unwrap().to_owned());
    StoreAddress::Folder(path.parent().unwrap().to_owned()).account(key)
}

fn new_run(name: &str, work: &str) -> NewRun {
    NewRun { name: name.into(), work: work.into(), command: CommandKind::Import, info: json!({"source": "people.csv"}) }
}

fn origin(ordinal: u64) -> Origin {
    Origin { ordinal, line: ordinal + 2 }
}

fn key(number: u64) -> Key {
    Key::nth(b"a record", number)
}

fn phone(number: u64) -> IdentityValue {
    IdentityValue { field: Field::Phones, value: format!("5939912{number:05}") }
}

fn intent(ordinal: u64) -> Intent {
    Intent {
        kind: StepKind::Create,
        identities: vec![phone(ordinal)],
        origin: origin(ordinal),
        at_ms: 1_795_000_000_000,
        attempt: 1,
        target_id: None,
        before: None,
        after: WrittenValues::default(),
        made: (ordinal % 2 == 1).then(|| r#"{"name":"Ana"}"#.to_owned()),
        begun: FieldSet::of(if ordinal.is_multiple_of(3) { &[Field::Phones, Field::Handles] } else { &[] }),
    }
}

fn settled(ordinal: u64, outcome: Outcome) -> Settled {
    Settled {
        outcome,
        origin: origin(ordinal),
        pass: 1,
        target_id: None,
        not_carried: Vec::new(),
        cleared: 0,
        problems: Vec::new(),
        links: Vec::new(),
    }
}

fn note(ordinal: u64, outcome: Outcome) -> SourceOutcome {
    SourceOutcome { origin: origin(ordinal), outcome, duplicate_of: None, problems: Vec::new() }
}

fn outcomes(checkpoint: &Checkpoint, run: RunNo, pass: u32) -> Result<Vec<OutcomeRow>, Failure> {
    let mut rows = Vec::new();
    checkpoint.for_each_outcome(run, pass, |row| {
        rows.push(row);
        Ok(())
    })?;
    Ok(rows)
}

fn images(checkpoint: &Checkpoint, run: RunNo) -> Vec<Image> {
    let mut images = Vec::new();
    let keep = |image| {
        images.push(image);
        Ok(())
    };
    checkpoint.images(run, keep).unwrap();
    images
}

/// A checkpoint with a run in its first pass.
fn begun(folder: &TempDir) -> (Checkpoint, RunNo) {
    let checkpoint = Checkpoint::open(&account_at(&folder.path().join("shop.db"))).unwrap();
    let run = checkpoint.begin(&new_run("20261122-0305-import-shop-7f3a", "work")).unwrap();
    assert_eq!(checkpoint.begin_pass(run).unwrap(), 1);
    (checkpoint, run)
}

fn counts(pairs: &[(&str, u64)]) -> BTreeMap<String, u64> {
    pairs.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

#[tokio::test]
async fn the_tally_counts_every_outcome_under_its_name() {
    let folder = folder();
    let (checkpoint, run) = begun(&folder);
    let reject =
        |code: &'static str| vec![Problem::new(code, "`12` is no phone"), Problem::new("email.invalid", "`x`")];
    let entries = [
        settled(0, Outcome::Created),
        Settled { not_carried: vec!["address.country".into(), "tags.Moroso".into()], ..settled(1, Outcome::Created) },
        Settled { cleared: 2, not_carried: vec!["address.country".into()], ..settled(2, Outcome::Updated) },
        settled(3, Outcome::Unchanged),
        settled(4, Outcome::Skipped(Skip::Existing)),
        settled(5, Outcome::Skipped(Skip::Absent)),
        Settled { problems: reject("target.refused"), ..settled(6, Outcome::Rejected) },
        settled(7, Outcome::Unknown),
    ];
    for (number, entry) in (0..).zip(entries) {
        checkpoint.settle(run, key(number), entry).await.unwrap();
    }
    let notes = [
        note(8, Outcome::Skipped(Skip::Filtered)),
        SourceOutcome { duplicate_of: Some(2), ..note(9, Outcome::Skipped(Skip::Duplicate)) },
        SourceOutcome { problems: reject("phone.invalid"), ..note(10, Outcome::Rejected) },
        SourceOutcome { problems: reject("phone.invalid"), ..note(11, Outcome::Rejected) },
    ];
    for pure in notes {
        checkpoint.note(run, 1, pure).await.unwrap();
    }
    let totals = Totals {
        read: 0,
        created: 2,
        updated: 1,
        unchanged: 1,
        skipped: 4,
        rejected: 3,
        unknown: 1,
        ..Totals::default()
    };
    let expected = Tally {
        totals,
        skipped: counts(&[("filtered", 1), ("duplicate", 1), ("existing", 1), ("absent", 1)]),
        rejects: counts(&[("target.refused", 1), ("phone.invalid", 2)]),
        not_carried: counts(&[("address.country", 2), ("tags.Moroso", 1)]),
        cleared: 2,
    };
    assert_eq!(checkpoint.tally(run, 1).unwrap(), expected);
    assert_eq!(checkpoint.tally(run, 2).unwrap(), Tally::default());
}

#[tokio::test]
async fn outcomes_come_in_the_order_of_the_source() {
    let folder = folder();
    let (checkpoint, run) = begun(&folder);
    let problems = vec![Problem::new("phone.invalid", "`12` is no phone").at("Mobile").hint("look at it")];
    checkpoint.settle(run, key(3), settled(3, Outcome::Updated)).await.unwrap();
    let duplicate = SourceOutcome { duplicate_of: Some(5), ..note(4, Outcome::Skipped(Skip::Duplicate)) };
    checkpoint.note(run, 1, duplicate).await.unwrap();
    checkpoint.note(run, 1, SourceOutcome { problems: problems.clone(), ..note(0, Outcome::Rejected) }).await.unwrap();
    let created = Settled { target_id: Some("c-1".into()), ..settled(1, Outcome::Created) };
    checkpoint.settle(run, key(1), created).await.unwrap();
    let row = |ordinal, outcome| OutcomeRow {
        origin: origin(ordinal),
        outcome,
        target_id: None,
        duplicate_of: None,
        problems: Vec::new(),
        key: None,
    };
    let expected = [
        OutcomeRow { problems, ..row(0, Outcome::Rejected) },
        OutcomeRow { target_id: Some("c-1".into()), key: Some(key(1)), ..row(1, Outcome::Created) },
        OutcomeRow { key: Some(key(3)), ..row(3, Outcome::Updated) },
        OutcomeRow { duplicate_of: Some(5), ..row(4, Outcome::Skipped(Skip::Duplicate)) },
    ];
    assert_eq!(outcomes(&checkpoint, run, 1).unwrap(), expected);
    let stopped = checkpoint.for_each_outcome(run, 1, |_| Err(Failure::usage("enough")));
    assert_eq!(stopped, Err(Failure::usage("enough")));
}

#[tokio::test]
async fn a_resumed_pass_supersedes_what_it_does_not_meet() {
    let folder = folder();
    let (checkpoint, run) = begun(&folder);
    assert!(!checkpoint.has_entries(run).unwrap());
    for number in 0..3 {
        let created = Settled { target_id: Some(format!("c-{number}")), ..settled(number, Outcome::Created) };
        checkpoint.settle(run, key(number), created).await.unwrap();
    }
    checkpoint.note(run, 1, note(3, Outcome::Rejected)).await.unwrap();
    checkpoint.close().unwrap();

    let checkpoint = Checkpoint::open(&account_at(&folder.path().join("shop.db"))).unwrap();
    let row = checkpoint.unfinished("work").unwrap().unwrap();
    assert_eq!((row.no, row.pass, row.status), (run, 1, RunStatus::Unfinished));
    let pass = checkpoint.begin_pass(run).unwrap();
    assert_eq!(pass, 2);
    assert!(checkpoint.has_entries(run).unwrap());
    assert_eq!(checkpoint.tally(run, pass).unwrap(), Tally::default());

    // Record 0 is where it was, record 1 is gone from the file, record 2 moved and is settled again, record 9 is new.
    let entry = checkpoint.entry(run, &key(0)).unwrap().unwrap();
    assert_eq!((entry.outcome, entry.target_id.as_deref()), (Outcome::Created, Some("c-0")));
    checkpoint.carry_over(run, key(0), pass, origin(0)).await.unwrap();
    let moved = Settled { pass, target_id: Some("c-2".into()), ..settled(1, Outcome::Unchanged) };
    checkpoint.settle(run, key(2), moved).await.unwrap();
    assert_eq!(checkpoint.entry(run, &key(9)).unwrap(), None);
    checkpoint.settle(run, key(9), Settled { pass, ..settled(2, Outcome::Updated) }).await.unwrap();

    let totals = checkpoint.tally(run, pass).unwrap().totals;
    assert_eq!(totals, Totals { created: 1, unchanged: 1, updated: 1, ..Totals::default() });
    let superseded = checkpoint.entry(run, &key(1)).unwrap().unwrap();
    assert_eq!((superseded.pass, superseded.target_id.as_deref()), (1, Some("c-1")));
    let lines: Vec<_> = outcomes(&checkpoint, run, pass).unwrap().iter().map(|row| row.origin.line).collect();
    assert_eq!(lines, [2, 3, 4]);

    assert_eq!(checkpoint.begin_pass(run).unwrap(), 3);
    checkpoint.carry_over(run, key(9), 3, origin(0)).await.unwrap();
    assert_eq!(checkpoint.tally(run, 3).unwrap().totals, Totals { updated: 1, ..Totals::default() });
    checkpoint.finish(run, RunStatus::Done, json!({"seconds": 3})).unwrap();
    assert_eq!(checkpoint.entry(run, &key(9)).unwrap().map(|entry| entry.pass), Some(3));
    assert_eq!(checkpoint.unfinished("work").unwrap(), None);
}

#[tokio::test]
async fn runs_are_distinguished_by_their_work() {
    let folder = folder();
    let (checkpoint, first) = begun(&folder);
    let second = checkpoint.begin(&new_run("second", "other work")).unwrap();
    let third = checkpoint.begin(&new_run("third", "work")).unwrap();
    let number = |work| checkpoint.unfinished(work).unwrap().map(|run| run.no);
    assert_eq!((number("work"), number("other work"), number("none")), (Some(third), Some(second), None));
    let others: Vec<_> = checkpoint.other_unfinished("other work").unwrap().iter().map(|run| run.no).collect();
    assert_eq!(others, [third, first]);
    checkpoint.finish(third, RunStatus::Done, json!({})).unwrap();
    assert_eq!(checkpoint.unfinished("work").unwrap().map(|run| run.no), Some(first));
    checkpoint.forget_run(first).unwrap();
    let names: Vec<_> = checkpoint.runs().unwrap().into_iter().map(|run| run.name).collect();
    assert_eq!(names, ["third", "second"]);
}

#[tokio::test]
async fn an_intent_is_found_until_it_has_an_outcome() {
    let folder = folder();
    let (checkpoint, run) = begun(&folder);
    for number in 0..4 {
        checkpoint.intend(run, key(number), intent(number)).await.unwrap();
    }
    checkpoint.settle(run, key(0), settled(0, Outcome::Created)).await.unwrap();
    checkpoint.withdraw(run, key(1)).await.unwrap();
    checkpoint.settle(run, key(2), settled(2, Outcome::Unknown)).await.unwrap();
    checkpoint.close().unwrap();

    let checkpoint = Checkpoint::open(&account_at(&folder.path().join("shop.db"))).unwrap();
    let mut expected = [2, 3].map(|number| OpenIntent {
        run,
        key: key(number),
        sent_by_ms: intent(number).at_ms,
        intent: intent(number),
    });
    expected.sort_by_key(|intent| intent.key);
    let open = checkpoint.open_intents(None).unwrap();
    assert_eq!(open, expected);
    assert_eq!(checkpoint.open_intents(open.last()).unwrap(), []);

    // Found out in the next run of the program, before any pass: the unknown one is not counted twice.
    checkpoint.settle(run, key(2), settled(2, Outcome::Created)).await.unwrap();
    checkpoint.settle(run, key(3), settled(3, Outcome::Created)).await.unwrap();
    assert_eq!(checkpoint.open_intents(None).unwrap(), []);
    assert_eq!(checkpoint.tally(run, 1).unwrap().totals, Totals { created: 3, ..Totals::default() });
}

#[tokio::test]
async fn open_intents_come_in_pages() {
    let folder = folder();
    let (checkpoint, run) = begun(&folder);
    let tasks: Vec<_> = (0..1500)
        .map(|number| {
            let checkpoint = checkpoint.clone();
            tokio::spawn(async move { checkpoint.intend(run, key(number), intent(number)).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let first = checkpoint.open_intents(None).unwrap();
    let second = checkpoint.open_intents(first.last()).unwrap();
    assert_eq!((first.len(), second.len()), (1000, 500));
    assert!(first.iter().chain(&second).is_sorted_by(|one, next| one.key < next.key));
    assert!(checkpoint.groups() < 100, "{} groups", checkpoint.groups());
}

#[tokio::test]
async fn the_contact_as_it_was_before_is_kept_with_the_run() {
    let folder = folder();
    let (checkpoint, run) = begun(&folder);
    let change = |number: u64, attempt, before: &str| Intent {
        kind: StepKind::Change,
        attempt,
        target_id: Some(format!("c-{number}")),
        before: Some(before.to_owned()),
        after: WrittenValues::default(),
        made: None,
        begun: FieldSet::default(),
        ..intent(number)
    };
    checkpoint.intend(run, key(0), change(0, 1, r#"{"first_name":"Ana"}"#)).await.unwrap();
    checkpoint.intend(run, key(0), change(0, 2, r#"{"first_name":"Anita"}"#)).await.unwrap();
    checkpoint.settle(run, key(0), settled(0, Outcome::Updated)).await.unwrap();
    checkpoint.intend(run, key(1), change(1, 1, "{}")).await.unwrap();
    checkpoint.withdraw(run, key(1)).await.unwrap();
    let image = |before: &str| Image {
        key: key(0),
        target_id: Some("c-0".into()),
        at_ms: 1_795_000_000_000,
        before: Some(before.to_owned()),
        after: Vec::new(),
    };
    let expected = [image(r#"{"first_name":"Ana"}"#), image(r#"{"first_name":"Anita"}"#)];
    assert_eq!(images(&checkpoint, run), expected);
}

#[tokio::test]
async fn links_are_seen_at_once_and_outlive_runs() {
    let folder = folder();
    let (checkpoint, run) = begun(&folder);
    assert!(!checkpoint.has_links());
    let linked = |number: u64, to: &str| Settled {
        target_id: Some(to.to_owned()),
        links: vec![phone(number)],
        ..settled(number, Outcome::Created)
    };
    for number in 0..3 {
        checkpoint.settle(run, key(number), linked(number, "c-1")).await.unwrap();
        assert_eq!(checkpoint.link(&phone(number)).unwrap().as_deref(), Some("c-1"));
    }
    checkpoint.settle(run, key(3), linked(0, "c-2")).await.unwrap();
    checkpoint.unlink(&phone(1)).await.unwrap();
    let expected = [Some("c-2"), None, Some("c-1"), None];
    let links = |checkpoint: &Checkpoint| [0, 1, 2, 3].map(|number| checkpoint.link(&phone(number)).unwrap());
    assert_eq!(links(&checkpoint).each_ref().map(Option::as_deref), expected);
    checkpoint.close().unwrap();
    let checkpoint = Checkpoint::open(&account_at(&folder.path().join("shop.db"))).unwrap();
    assert!(checkpoint.has_links());
    assert_eq!(links(&checkpoint).each_ref().map(Option::as_deref), expected);
    checkpoint.forget_run(run).unwrap();
    checkpoint.unlink(&phone(2)).await.unwrap();
    assert_eq!(links(&checkpoint).each_ref().map(Option::as_deref), [Some("c-2"), None, None, None]);
}

#[tokio::test]
async fn links_moved_into_the_table_are_the_latest() {
    let folder = folder();
    let (checkpoint, run) = begun(&folder);
    for number in 0..18_000_u64 {
        let contact = number % 17_000;
        let entry = Settled {
            target_id: Some(format!("c-{number}")),
            links: vec![phone(contact)],
            ..settled(number, Outcome::Created)
        };
        checkpoint.settle(run, key(number), entry).await.unwrap();
    }
    for number in 1_000..18_000_u64 {
        let found = checkpoint.link(&phone(number % 17_000)).unwrap();
        assert_eq!(found, Some(format!("c-{number}")));
    }
}

#[test]
fn values_are_remembered_by_name() {
    let folder = folder();
    let checkpoint = Checkpoint::open(&account_at(&folder.path().join("shop.db"))).unwrap();
    for (name, value) in [("rate", "10/s"), ("dropped.tag.B", "1"), ("dropped.tag.A", "1"), ("rate", "12/s")] {
        checkpoint.remember(name, value).unwrap();
    }
    assert_eq!(checkpoint.recall("rate").unwrap().as_deref(), Some("12/s"));
    let pair = |name: &str| (name.to_owned(), "1".to_owned());
    assert_eq!(checkpoint.recall_all("dropped.").unwrap(), [pair("dropped.tag.A"), pair("dropped.tag.B")]);
    checkpoint.forget("rate").unwrap();
    assert_eq!(checkpoint.recall("rate").unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_intents_are_few_groups() {
    let folder = folder();
    let (checkpoint, run) = begun(&folder);
    let before = checkpoint.groups();
    let tasks: Vec<_> = (0..1000)
        .map(|number| {
            let checkpoint = checkpoint.clone();
            tokio::spawn(async move { checkpoint.intend(run, key(number), intent(number)).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let groups = checkpoint.groups() - before;
    assert!(groups <= 50, "{groups} groups");
}

#[tokio::test]
async fn an_operation_written_by_its_caller_is_there_when_it_returns() {
    let folder = folder();
    let path = folder.path().join("shop.db");
    let checkpoint = Checkpoint::open_on_caller(&account_at(&path)).unwrap();
    let run = checkpoint.begin(&new_run("one", "work")).unwrap();
    checkpoint.begin_pass(run).unwrap();
    checkpoint.intend(run, key(0), intent(0)).await.unwrap();
    checkpoint.settle(run, key(0), settled(0, Outcome::Created)).await.unwrap();
    let looking = Checkpoint::look(&account_at(&path)).unwrap().unwrap();
    assert_eq!(looking.tally(run, 1).unwrap().totals.created, 1);
    let failure = looking.flush().await.unwrap_err();
    assert_eq!(failure.message, format!("the checkpoint `{}` is open for reading only", path.display()));
    assert!(Checkpoint::look(&account_at(&folder.path().join("none.db"))).unwrap().is_none());
}

#[test]
fn a_second_writer_is_refused_and_the_first_one_is_named() {
    let folder = folder();
    let path = folder.path().join("shop.db");
    let first = Checkpoint::open(&account_at(&path)).unwrap();
    let refused = Checkpoint::open(&account_at(&path)).unwrap_err();
    let message = format!("another process (`{}`) is writing to this connection", std::process::id());
    assert_eq!((refused.exit, refused.message), (Exit::Busy, message));
    assert!(Checkpoint::look(&account_at(&path)).unwrap().is_some());
    drop(first);
    Checkpoint::open(&account_at(&path)).unwrap().close().unwrap();
}

#[tokio::test]
async fn a_closed_checkpoint_does_nothing_more() {
    let folder = folder();
    let (checkpoint, run) = begun(&folder);
    let clone = checkpoint.clone();
    checkpoint.settle(run, key(0), settled(0, Outcome::Created)).await.unwrap();
    checkpoint.close().unwrap();
    let closed = format!("the checkpoint `{}` is closed", clone.shown());
    assert_eq!(clone.flush().await.unwrap_err().message, closed);
    assert_eq!(clone.recall("rate").unwrap_err().message, closed);
    assert_eq!(clone.begin_pass(run).unwrap_err().message, closed);
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(names.len(), 3, "the database, its lock and its mark: {names:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn only_its_user_can_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let inner = folder.path().join("state");
    let path = inner.join("shop.db");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let open = || Checkpoint::open(&account_at(&path)).unwrap();
    drop(open());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let checkpoint = open();
    checkpoint.remember("rate", "1/s").unwrap();
    let mut files: Vec<_> = fs::read_dir(&inner).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let modes: Vec<_> =
        files.iter().map(|file| (file.strip_prefix(&inner).unwrap().to_str().unwrap(), mode(file))).collect();
    let names = ["shop.db", "shop.db-shm", "shop.db-wal", "shop.db.lock", "shop.db.mark"];
    let expected = names.map(|name| (name, 0o600));
    assert_eq!(modes, expected);
    assert_eq!(mode(&inner), 0o700);
}

#[test]
fn what_is_no_checkpoint_is_refused() {
    let folder = folder();
    let other = folder.path().join("other.db");
    let connection = rusqlite::Connection::open(&other).unwrap();
    connection.execute_batch("CREATE TABLE song (title); PRAGMA journal_mode = WAL").unwrap();
    drop(connection);
    let later = folder.path().join("later.db");
    drop(Checkpoint::open(&account_at(&later)).unwrap());
    let connection = rusqlite::Connection::open(&later).unwrap();
    connection.execute_batch("PRAGMA user_version = 99").unwrap();
    drop(connection);
    let written = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let log_only = folder.path().join("log-only.db");
    fs::write(folder.path().join("log-only.db-wal"), [0; 64]).unwrap();
    type Message = fn(&Path) -> String;
    let cases: [(PathBuf, Message, &str); 6] = [
        (other, damaged_text, "it is a database, but not a checkpoint"),
        (
            later,
            |path| format!("the checkpoint `{}` was written by a later version of Ferry", path.display()),
            "its tables are of version 99, and this program knows them up to 4",
        ),
        (written("empty.db", b""), damaged_text, "it has 0 bytes, and cannot have fewer than 4096"),
        (written("text.db", &[b'x'; 8192]), damaged_text, "file is not a database"),
        (log_only, damaged_text, "its log is there, but the database itself is not"),
        (written("short.db", b"SQLite format 3\0"), damaged_text, "it has 16 bytes, and cannot have fewer than 4096"),
    ];
    for (path, message, cause) in cases {
        let failure = Checkpoint::open(&account_at(&path)).unwrap_err();
        assert_eq!((failure.exit, failure.message), (Exit::Failed, message(&path)));
        assert_eq!(failure.causes, [cause]);
        assert!(failure.hint.is_some());
    }
}

fn damaged_text(path: &Path) -> String {
    format!("the checkpoint `{}` is damaged", path.display())
}

#[test]
fn a_destination_that_cannot_be_written_is_reported_at_the_start() {
    let folder = folder();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let failure = Checkpoint::open(&account_at(&file.join("shop.db"))).unwrap_err();
    let path = file.join("shop.db");
    assert_eq!(failure.message, format!("the checkpoint `{}` cannot be written", path.display()));
    assert_eq!(failure.exit, Exit::Failed);
}

/// What a create writes: eight values of a contact.
fn created(ordinal: u64) -> Vec<Written> {
    let one =
        |field: &str, new: String| Written { field: field.to_owned().into(), new: Some(new), ..Written::default() };
    vec![
        one("first_name", "María Fernanda".into()),
        one("last_name", format!("Vera {ordinal}")),
        one("phone", format!("+5939912{ordinal:05}")),
        one("email", format!("maria.vera{ordinal}@example.com")),
        Written { field: "tags".into(), added: vec!["lead".into(), "vip".into()], ..Written::default() },
        one("attributes.plan", "básico".into()),
        one("attributes.lead_score", format!("{}.{}", ordinal % 97, ordinal % 10)),
        one("attributes.account_manager", "Zoë Lund".into()),
    ]
}

#[tokio::test]
async fn a_created_contact_takes_at_most_250_bytes_also_where_it_is_alone_in_its_group() {
    for (at_once, contacts) in [(32, 3000), (1, 300)] {
        let folder = folder();
        let (checkpoint, run) = begun(&folder);
        let mut tasks = tokio::task::JoinSet::new();
        for first in 0..at_once {
            let checkpoint = checkpoint.clone();
            tasks.spawn(async move {
                for ordinal in (first..contacts).step_by(at_once as usize) {
                    let intent =
                        Intent { after: WrittenValues::from(&created(ordinal)[..]), made: None, ..intent(ordinal) };
                    checkpoint.intend(run, key(ordinal), intent).await.unwrap();
                    let (target_id, links) = (Some(format!("V2EON8A6SPwC2Vud{ordinal:04}")), vec![phone(ordinal)]);
                    let settled = Settled { target_id, links, ..settled(ordinal, Outcome::Created) };
                    checkpoint.settle(run, key(ordinal), settled).await.unwrap();
                }
            });
        }
        tasks.join_all().await;
        let all = images(&checkpoint, run);
        assert_eq!(all.len() as u64, contacts);
        assert!(all.iter().all(|image| image.after.len() == 8 && image.before.is_none()));
        checkpoint.close().unwrap();
        let len = fs::metadata(folder.path().join("shop.db")).unwrap().len();
        // What an empty account takes: a page for each table and index.
        let empty = 20 * 4096;
        assert!(len - empty <= 250 * contacts, "{} bytes a contact, {at_once} at once", (len - empty) / contacts);
    }
}
