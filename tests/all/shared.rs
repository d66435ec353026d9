//! The program with its state in PostgreSQL: every command on any machine, one process at a time on an account, and a process
//! that was stopped and wakes.

mod commands;
mod kept;

use super::support::postgres::{database, execute, value};
use super::support::{Act, Ended, Scene, run, wait_until};
use std::sync::mpsc;
use std::time::Duration;

const MAPPING: &str =
    "version: 1\nphone_region: EC\ncontact:\n  first_name: First\n  last_name: Last\n  phone: Phone\n";

const IMPORT: &str = "import contacts.csv --map mapping.yaml --to mercately --output json";

/// A sandbox, a file of so many contacts, and a database; none where there is no PostgreSQL.
fn scene(people: usize) -> Option<(Scene, String)> {
    let text = database()?;
    let mut scene = super::support::scene(|_| {});
    scene.set("FERRY_STATE", &text);
    scene.set("FERRY_MERCATELY_SETTLE", "500ms");
    scene.write("mapping.yaml", MAPPING);
    let row = |number: usize| format!("Ana{number},Vera,09960{number:05}\n");
    let rows: String = (0..people).map(row).collect();
    scene.write("contacts.csv", &format!("First,Last,Phone\n{rows}"));
    Some((scene, text))
}

/// Runs a command as on another machine: with an empty folder for scratch data.
fn elsewhere(scene: &Scene, nth: usize, words: &str) -> Ended {
    let mut command = scene.command(words);
    command.env("FERRY_SCRATCH", scene.path(&format!("machine-{nth}")));
    run(command)
}

/// The name of the run of a summary.
fn run_of(ended: &Ended) -> String {
    ended.summary()["run"].as_str().unwrap().to_owned()
}

fn names(scene: &Scene) -> Vec<String> {
    let name = |contact: &serde_json::Value| contact["first_name"].as_str().unwrap_or_default().to_owned();
    let mut names: Vec<String> = scene.contacts("mercately").iter().map(name).collect();
    names.sort();
    names
}

#[test]
fn every_machine_knows_a_run_with_its_rejects_and_can_verify_undo_and_remove_it() {
    let Some((scene, _)) = scene(5) else { return };
    scene.write("contacts.csv", &format!("{}Eva,Luna,12\n", scene.read("contacts.csv")));
    let imported = scene.run(IMPORT);
    assert_eq!((imported.exit, imported.count("created"), imported.count("rejected")), (3, 5, 1), "{imported:?}");
    let run = run_of(&imported);

    let listed = elsewhere(&scene, 1, "runs");
    assert!(listed.exit == 0 && listed.out.contains(&run), "{listed:?}");
    let rejects = elsewhere(&scene, 1, &format!("runs {run} --rejects"));
    assert!(rejects.exit == 0 && rejects.out.contains("Eva,Luna,12"), "{rejects:?}");
    let copied = elsewhere(&scene, 2, &format!("runs {run} --rejects fixed.csv"));
    assert!(copied.exit == 0 && copied.out.is_empty() && scene.read("fixed.csv") == rejects.out, "{copied:?}");
    let verified = elsewhere(&scene, 2, &format!("verify {run}"));
    assert_eq!(verified.exit, 0, "{verified:?}");

    // The same work again, on a third machine: nothing is sent twice.
    let again = elsewhere(&scene, 3, IMPORT);
    assert_eq!((again.exit, again.count("unchanged"), again.count("created")), (3, 5, 0), "{again:?}");
    assert_eq!(scene.contacts("mercately").len(), 5);

    // A machine keeps its copy for a week; then the store has the run all the same.
    let copy = scene.path("machine-1").join("runs").join(&run);
    let old = |days: u32| {
        let done = std::process::Command::new("touch").arg("-d").arg(format!("{days} days ago")).arg(&copy).status();
        assert!(done.unwrap().success() && elsewhere(&scene, 1, "export --from mercately --out all.csv").exit == 0);
        copy.exists()
    };
    assert!(old(6) && !old(8));
    assert_eq!(elsewhere(&scene, 1, &format!("runs {run} --rejects")).out, rejects.out);

    let undone = elsewhere(&scene, 4, &format!("undo {run} --dry-run --output json"));
    assert_eq!(undone.summary()["status"], "dry-run", "{undone:?}");
    let removed = elsewhere(&scene, 5, "runs --prune 0d");
    assert_eq!(removed.exit, 0, "{removed:?}");
    let gone = elsewhere(&scene, 1, &format!("verify {run}"));
    assert!(gone.exit == 2 && gone.err.contains("was removed by `ferry runs --prune`"), "{gone:?}");
}

#[test]
fn a_dry_run_leaves_no_row_and_takes_no_lease() {
    let Some((scene, text)) = scene(3) else { return };
    let rows = "SELECT (SELECT count(*) FROM ferry.account)::text || (SELECT count(*) FROM ferry.run_record)::text";
    let dry = scene.run(&format!("{IMPORT} --dry-run"));
    assert_eq!((dry.exit, dry.count("created")), (0, 3), "{dry:?}");
    assert_eq!(value(&text, rows), "00");
    assert_eq!(scene.run(IMPORT).exit, 0);
    execute(&text, "UPDATE ferry.account SET lease_until = clock_timestamp() + interval '1 hour'".into());
    let dry = scene.run(&format!("{IMPORT} --dry-run"));
    assert_eq!((dry.exit, dry.count("unchanged")), (0, 3), "{dry:?}");
    let busy = scene.run(IMPORT);
    assert!(busy.exit == 7 && busy.err.contains("is writing to this connection"), "{busy:?}");
}

#[test]
fn a_typed_password_is_refused() {
    let scene = Scene::without_sandbox();
    let refused = scene.run("runs --state postgres://ana:secret@localhost/crm");
    assert_eq!(refused.exit, 2, "{refused:?}");
    let told = ["FERRY_STATE", "PGPASSFILE"].iter().all(|name| refused.err.contains(name));
    assert!(told && !refused.err.contains("secret"), "{refused:?}");
}

#[test]
fn the_password_of_the_database_can_stand_elsewhere() {
    let mut scene = Scene::without_sandbox();
    scene.set("FERRY_STATE", "postgres://ana@127.0.0.1:1/crm");
    scene.set("FERRY_STATE_PASSWORD", "file:no-such-file");
    let refused = scene.run("runs");
    assert!(
        refused.exit == 2 && refused.err.contains("`FERRY_STATE_PASSWORD`: the file `no-such-file`"),
        "{refused:?}"
    );
    scene.write("password", "secret\n");
    for reference in ["file:password", "cmd:/bin/cat password"] {
        scene.set("FERRY_STATE_PASSWORD", reference);
        let away = scene.run("runs");
        assert!(away.exit == 1 && away.err.contains("cannot be reached") && !away.err.contains("secret"), "{away:?}");
    }
}

#[test]
fn a_database_that_asks_for_a_password_is_told_from_one_that_fails() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            use std::io::{Read, Write};
            // What the client begins with, and the answer that a password is wanted.
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(&[b'R', 0, 0, 0, 8, 0, 0, 0, 3]);
        }
    });
    let mut scene = Scene::without_sandbox();
    scene.set("FERRY_STATE", &format!("postgres://ana@127.0.0.1:{port}/crm"));
    scene.set("FERRY_STATE_PASSWORD", "");
    let refused = scene.run("runs");
    let expected = format!(
        "error: the store `postgres://ana@127.0.0.1:{port}/crm` asks for a password, and none was given\n\
         hint: put it into `FERRY_STATE_PASSWORD` (itself, `file:PATH` or `cmd:COMMAND`), or into a file that `PGPASSFILE` names\n"
    );
    assert_eq!((refused.exit, refused.err), (1, expected));
}

#[test]
fn a_process_that_was_stopped_and_wakes_writes_and_sends_nothing() {
    let Some((mut scene, text)) = scene(30) else { return };
    scene.set("FERRY_STATE", &format!("{text}?lease_ms=2000"));
    scene.connect_by_line();
    // The first create waits on its way until the process is stopped; then it arrives, and its response finds no reader.
    let (arrived, is_there) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let mut waits = Some((arrived, may_go_on));
    scene.rule(move |request| {
        if request.starts_with("POST")
            && let Some((arrived, may_go_on)) = waits.take()
        {
            arrived.send(()).unwrap();
            may_go_on.recv().unwrap();
        }
        Act::Pass
    });
    let first = scene.begin(IMPORT);
    is_there.recv_timeout(Duration::from_secs(120)).unwrap();
    first.signal("STOP");
    go_on.send(()).unwrap();
    wait_until("the end of the lease", || {
        value(&text, "SELECT (lease_until < clock_timestamp())::text FROM ferry.account") == "true"
    });

    let second = elsewhere(&scene, 2, IMPORT);
    assert_eq!((second.exit, second.count("read"), second.count("pending")), (0, 30, 0), "{second:?}");
    let state =
        "SELECT token::text || ' ' || group_no::text || ' ' || (SELECT string_agg(outcome::text, '' ORDER BY no)
                 FROM ferry.entry) FROM ferry.account";
    let (before, requests) = (value(&text, state), scene.requests());
    first.signal("CONT");
    let woken = first.finish();
    assert_eq!(woken.exit, 7, "{woken:?}");
    assert!(woken.err.contains("lease"), "{woken:?}");
    assert_eq!((value(&text, state), scene.requests()), (before, requests));
    let mut expected: Vec<String> = (0..30).map(|number| format!("Ana{number}")).collect();
    expected.sort();
    assert_eq!(names(&scene), expected);
    scene.stop();
}
