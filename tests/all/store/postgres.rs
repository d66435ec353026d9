//! The database behind the store that machines share: its versions, and a server that restarts.

use crate::support::postgres::{Server, address, database, execute, value};
use ferry::ids::CommandKind;
use ferry::outcome::Exit;
use ferry::store::postgres::{DbError, PostgresStore, SharedRate};
use ferry::store::{Answer, NewRun, Op, RunNo, Store};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

#[test]
fn processes_that_start_at_once_make_the_tables_once() {
    let Some(text) = database() else { return };
    let opening: Vec<_> = (0..4).map(|_| address(&text)).map(|to| std::thread::spawn(move || to.database())).collect();
    opening.into_iter().for_each(|opened| drop(opened.join().unwrap().unwrap()));
    assert_eq!(value(&text, "SELECT (count(*) = max(version))::text FROM ferry.schema_version"), "true");
}

#[test]
fn tables_of_a_later_version_and_changed_ones_are_refused() {
    let Some(text) = database() else { return };
    execute(&text, "UPDATE ferry.schema_version SET checksum = 'other'".into());
    let changed = address(&text).database().err().unwrap();
    assert_eq!((changed.exit, changed.message.contains("tables that Ferry did not make")), (Exit::Failed, true));
    let Some(text) = database() else { return };
    execute(&text, "INSERT INTO ferry.schema_version (version, checksum) VALUES (9999, '')".into());
    let later = address(&text).database().err().unwrap();
    assert_eq!((later.exit, later.message.contains("later version of Ferry")), (Exit::Failed, true));
}

#[test]
fn a_server_that_does_not_keep_what_it_confirms_is_refused() {
    let Some(text) = database() else { return };
    execute(&text, format!("ALTER DATABASE {} SET synchronous_commit = off", text.rsplit('/').next().unwrap()));
    let refused = address(&text).database().err().unwrap();
    assert_eq!((refused.exit, refused.causes[0].contains("`synchronous_commit` is off")), (Exit::Failed, true));
}

#[test]
fn a_database_that_can_only_be_read_is_told_as_such() {
    let Some(text) = database() else { return };
    let name = text.rsplit('/').next().unwrap().to_owned();
    execute(&text, format!("DROP SCHEMA ferry CASCADE; ALTER DATABASE {name} SET default_transaction_read_only = on"));
    let refused = address(&text).database().err().unwrap();
    assert!(refused.exit == Exit::Failed && refused.message.ends_with("can only be read"), "{refused:?}");
}

#[test]
fn a_server_that_restarts_is_waited_for_and_one_that_is_not_there_is_named() {
    let Some(server) = Server::start() else { return };
    let text = server.database();
    let database = address(&text).database().unwrap();
    let one = |database: &ferry::store::postgres::Database| {
        database.ask(|client| async move { Ok::<i32, DbError>(client.query_one("SELECT 1", &[]).await?.try_get(0)?) })
    };
    assert_eq!(one(&database), Ok(1));
    server.restart();
    assert_eq!(one(&database), Ok(1));
    drop(server);
    let gone = address(&text).database().err().unwrap();
    assert!(gone.message.ends_with("cannot be reached"), "{gone:?}");
    assert_eq!((gone.exit, gone.message.contains("ferry@127.0.0.1")), (Exit::Failed, true));
}

/// An account that one more process has open, under leases of half a minute.
fn opened(text: &str) -> PostgresStore {
    let address = address(text);
    PostgresStore::open(address.database().unwrap(), "shop", address.lease()).unwrap()
}

#[test]
fn a_lease_that_holds_is_not_taken_and_one_that_has_ended_is_not_revived() {
    let Some(text) = database() else { return };
    let (mut one, mut other) = (opened(&text), opened(&text));
    let lease = one.acquire().unwrap();
    let busy = other.acquire().unwrap_err();
    assert_eq!((busy.exit, busy.message.contains("is writing to this connection")), (Exit::Busy, true), "{busy:?}");
    let write = [Op::Remember("rate".into(), "1/s".into())];
    one.apply(&lease, &write).unwrap();
    // No process has taken it yet, and it is over all the same.
    execute(&text, "UPDATE ferry.account SET lease_until = clock_timestamp()".into());
    assert_eq!(one.apply(&lease, &write).unwrap_err().exit, Exit::Busy);
    assert_eq!(one.renew(&lease).unwrap_err().exit, Exit::Busy);
    let next = other.acquire().unwrap();
    assert!(next.token > lease.token);
    assert_eq!(one.apply(&lease, &write).unwrap_err().exit, Exit::Busy);
    other.apply(&next, &write).unwrap();
    assert_eq!(value(&text, "SELECT group_no::text FROM ferry.account"), "2");
}

/// What another process, a fail-over or time can change about an account, each by itself.
const CHANGES: [(&str, &str); 4] = [
    ("token", "token = token + 1"),
    ("holder", "holder = gen_random_uuid()"),
    ("group", "group_no = group_no + 1"),
    ("end", "lease_until = clock_timestamp()"),
];

#[test]
fn each_part_of_a_lease_refuses_by_itself() {
    let mut allowed = Vec::new();
    for (what, change) in CHANGES {
        let Some(text) = database() else { return };
        let mut store = opened(&text);
        let lease = store.acquire().unwrap();
        let write = |value: &str| [Op::Remember("rate".into(), value.into())];
        store.apply(&lease, &write("1/s")).unwrap();
        execute(&text, format!("UPDATE ferry.account SET {change}"));
        // The number of the last group says nothing about who has the account.
        if what != "group" && store.renew(&lease).is_ok() {
            allowed.push(format!("renewal with another {what}"));
        }
        match store.apply(&lease, &write("2/s")) {
            Err(failure) => assert_eq!(failure.exit, Exit::Busy, "{what}: {failure:?}"),
            Ok(_) => allowed.push(format!("group with another {what}")),
        }
        let kept = "SELECT convert_from(value, 'UTF8') FROM ferry.memory";
        assert!(!allowed.is_empty() || value(&text, kept) == "1/s", "{what}");
    }
    assert_eq!(allowed, [""; 0]);
}

#[test]
fn a_run_with_many_rows_is_removed_in_groups_and_no_other_run_loses_one() {
    let Some(text) = database() else { return };
    let mut store = opened(&text);
    let lease = store.acquire().unwrap();
    let new =
        |name: &str| NewRun { name: name.into(), work: "w".into(), command: CommandKind::Import, info: true.into() };
    let begun = ["one", "other"].map(|name| store.apply(&lease, &[Op::BeginRun(new(name))]).unwrap().answers.remove(0));
    let [Answer::Run(one), Answer::Run(_)] = begun else { panic!("{begun:?}") };
    let rows = "INSERT INTO ferry.entry (account, run, no, key, ordinal, line, pass, outcome, seal, place_seal)
                SELECT 1, r, n, '', n, n, 1, 1, 0, 0 FROM generate_series(1, 12000) n, generate_series(1, 2) r;
                INSERT INTO ferry.image (account, run, no, data, seal)
                SELECT 1, r, n, '', 0 FROM generate_series(1, 7000) n, generate_series(1, 2) r;
                INSERT INTO ferry.note (account, run, pass, ordinal, line, outcome, seal)
                SELECT 1, r, 1, n, n, 1, 0 FROM generate_series(1, 10) n, generate_series(1, 2) r;";
    execute(&text, rows.to_owned());
    let left = "SELECT (SELECT string_agg(run::text || ' ' || n, ', ' ORDER BY run) FROM (
                    SELECT run, count(*) n FROM (SELECT run FROM ferry.entry UNION ALL SELECT run FROM ferry.image
                        UNION ALL SELECT run FROM ferry.note) all_rows GROUP BY run) counted)
                || '; ' || group_no || ' groups' FROM ferry.account";
    assert_eq!(value(&text, left), "1 19010, 2 19010; 2 groups");
    store.apply(&lease, &[Op::ForgetImages(one)]).unwrap();
    // One for five thousand images, one for the rest.
    assert_eq!(value(&text, left), "1 12000, 2 19010; 4 groups");
    store.apply(&lease, &[Op::ForgetRun(one)]).unwrap();
    assert_eq!(value(&text, left), "2 19010; 7 groups");
    // Under a lease that has ended, not a row goes.
    execute(&text, "UPDATE ferry.account SET lease_until = clock_timestamp()".into());
    assert_eq!(store.apply(&lease, &[Op::ForgetRun(RunNo(2))]).unwrap_err().exit, Exit::Busy);
    assert_eq!(value(&text, left), "2 19010; 7 groups");
}

/// The rate of the test, in requests a second.
const PER_S: f64 = 40.0;

/// Takes part in a rate so often, as one process does.
async fn take(rate: &SharedRate, times: usize, taken: &Mutex<Vec<Instant>>) {
    for _ in 0..times {
        rate.take(PER_S).await.unwrap();
        taken.lock().unwrap().push(Instant::now());
    }
}

#[tokio::test]
async fn processes_share_the_rate_of_an_account() {
    let Some(text) = database() else { return };
    let rate = || SharedRate::of(address(&text).database().unwrap(), "shop");
    let (one, other, taken) = (rate(), rate(), Mutex::new(Vec::new()));
    tokio::join!(take(&one, 70, &taken), take(&other, 70, &taken));
    let mut taken = taken.into_inner().unwrap();
    taken.sort();
    // Each alone would take half as long.
    assert!(taken[139] - taken[0] > Duration::from_millis(3300), "{:?}", taken[139] - taken[0]);
    assert_rate_kept(taken);
}

/// No second has more requests than the rate allows; a busy machine moves a few together.
fn assert_rate_kept(mut taken: Vec<Instant>) {
    taken.sort();
    let within =
        |from: &Instant| taken.iter().filter(|at| **at >= *from && **at - *from < Duration::from_secs(1)).count();
    let most = taken.iter().map(within).max().unwrap();
    assert!(most <= 48, "{most} in a second");
}

#[test]
fn a_process_that_was_stopped_does_not_use_the_instants_that_passed_meanwhile() {
    let Some(text) = database() else { return };
    let rate = || Arc::new(SharedRate::of(address(&text).database().unwrap(), "shop"));
    let (one, other, taken) = (rate(), rate(), Arc::new(Mutex::new(Vec::new())));
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let beside = std::thread::spawn({
        let taken = Arc::clone(&taken);
        move || runtime().block_on(take(&other, 160, &taken))
    });
    // Many requests wait for their instants when the process is stopped, here the only thread of its runtime.
    runtime().block_on(async {
        let mut waiting = tokio::task::JoinSet::new();
        for _ in 0..40 {
            let (one, taken) = (Arc::clone(&one), Arc::clone(&taken));
            waiting.spawn(async move { take(&one, 1, &taken).await });
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        std::thread::sleep(Duration::from_secs(3));
        waiting.join_all().await;
    });
    beside.join().unwrap();
    let taken = taken.lock().unwrap().clone();
    assert_eq!(taken.len(), 200);
    assert_rate_kept(taken);
}

#[tokio::test]
async fn a_pause_that_a_platform_asks_for_holds_for_all_processes() {
    let Some(text) = database() else { return };
    let rate = || SharedRate::of(address(&text).database().unwrap(), "shop");
    let (one, other, begun) = (rate(), rate(), Instant::now());
    one.pause(Duration::from_secs(2));
    let is_told = "SELECT count(*)::text FROM ferry.rate WHERE not_before > clock_timestamp()";
    while value(&text, is_told) == "0" {
        assert!(begun.elapsed() < Duration::from_secs(60), "it was not told");
    }
    other.take(PER_S).await.unwrap();
    assert!(begun.elapsed() > Duration::from_millis(1900), "{:?}", begun.elapsed());
}
