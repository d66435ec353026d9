//! The edges of a run, the whole program against the sandbox: contacts that were created only in part, values that two
//! contacts share, plans over another party's changes, answers that are cut, and a checkpoint that lost its log.

use super::settle::scene;
use super::support::{Act, Ended, Scene, ask, creating_platforms, files_below};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;

const HEAD: &str = "first,last,phone,email\n";

/// The run is stopped right after the person was created: the next request is refused for good.
fn stop_after_create(scene: &Scene, words: &str) {
    scene.rule(|request| match request.contains("/contacts/create/") {
        true => Act::Answer(401),
        false => Act::Pass,
    });
    let stopped = scene.run(words);
    assert_eq!(stopped.exit, 5, "{stopped:?}");
    scene.rule(|_| Act::Pass);
}

fn names(scene: &Scene, platform: &str) -> Vec<String> {
    let contacts = scene.contacts(platform);
    let name = |contact: &Value| {
        ["name", "firstName", "first_name"].iter().find_map(|key| contact[*key].as_str().map(str::to_owned))
    };
    contacts.iter().filter_map(name).collect()
}

/// A request of another party, past the connection that fails.
fn meddle(scene: &Scene, method: &str, path: &str, body: &Value) -> String {
    let header = "Authorization: Bearer sandbox-atom-token\r\napi-key: sandbox-mercately-key";
    let answer = ask(scene.sandbox().address(), &format!("{method} {path}"), header, &body.to_string());
    let (status, body) = answer.unwrap();
    assert_eq!(status, 200, "{body}");
    body
}

const IMPORT: &str = "import all.csv --map map.yaml --to eadesk --output json";

#[test]
fn a_partially_created_contact_whose_record_is_gone_is_deleted() {
    for (second, expected) in [
        ("Bea,Sol,+593996000002,bea@example.com\n", vec!["Bea Sol", "Zoe Mar"]),
        // The same person with another phone: created once, and the bare one is gone.
        ("Ana,Vera,+593996000009,other@example.com\n", vec!["Ana Vera", "Zoe Mar"]),
    ] {
        let scene = scene();
        scene.write("all.csv", &format!("{HEAD}Ana,Vera,+593996000001,ana@example.com\n"));
        stop_after_create(&scene, IMPORT);
        assert_eq!(names(&scene, "eadesk"), ["Ana Vera"]);
        let zoe = "Zoe,Mar,+593996000088,zoe@example.com\n";
        scene.write("all.csv", &format!("{HEAD}{second}{zoe}"));
        // Never under a limit.
        let limited = scene.run(&format!("{IMPORT} --limit 1"));
        assert_eq!((limited.exit, scene.contacts("eadesk").len()), (0, 2), "{limited:?}");
        let resumed = scene.run(IMPORT);
        assert_eq!(resumed.exit, 0, "{resumed:?}");
        assert_eq!(resumed.summary().get("left_behind"), None, "{resumed:?}");
        if !resumed.err.contains("deleted 1 partially created contact whose") {
            panic!("{resumed:?}");
        }
        assert_eq!(names(&scene, "eadesk"), expected);
    }
}

#[test]
fn a_partially_created_contact_that_another_party_has_changed_is_named() {
    let scene = scene();
    scene.write("all.csv", &format!("{HEAD}Ana,Vera,+593996000001,ana@example.com\n"));
    stop_after_create(&scene, IMPORT);
    let id = scene.contacts("eadesk")[0]["_id"].as_str().unwrap().to_owned();
    let body = json!({ "name": "Ana Vera", "description": "called", "segments": [] });
    meddle(&scene, "POST", &format!("/api/clients/person/update/{id}?token=sandbox-eadesk-token"), &body);
    scene.write("all.csv", &format!("{HEAD}Bea,Sol,+593996000002,bea@example.com\n"));
    let resumed = scene.run(IMPORT);
    assert_eq!(resumed.exit, 3, "{resumed:?}");
    assert_eq!(resumed.summary()["left_behind"], json!([id]), "{resumed:?}");
    assert_eq!(names(&scene, "eadesk"), ["Ana Vera", "Bea Sol"]);
}

/// A limit that takes in the whole source ends the run, and deletes nothing.
#[test]
fn under_a_limit_it_is_named_and_not_deleted() {
    let scene = scene();
    scene.write("all.csv", &format!("{HEAD}Ana,Vera,+593996000001,ana@example.com\n"));
    stop_after_create(&scene, IMPORT);
    let id = scene.contacts("eadesk")[0]["_id"].clone();
    scene.write("all.csv", &format!("{HEAD}Bea,Sol,+593996000002,bea@example.com\n"));
    let ended = scene.run(&format!("{IMPORT} --limit 1"));
    assert_eq!((ended.exit, &ended.summary()["left_behind"]), (3, &json!([id])), "{ended:?}");
    assert_eq!(scene.contacts("eadesk").len(), 2);
}

#[test]
fn one_whose_record_is_still_there_is_completed() {
    let scene = scene();
    scene.write("all.csv", &format!("{HEAD}Ana,Vera,+593996000001,ana@example.com\n"));
    stop_after_create(&scene, IMPORT);
    // Another name, the same phone.
    scene.write("all.csv", &format!("{HEAD}Anna,Vera,+593996000001,ana@example.com\n"));
    let resumed = scene.run(IMPORT);
    assert_eq!(resumed.exit, 0, "{resumed:?}");
    assert_eq!(names(&scene, "eadesk"), ["Anna Vera"]);
}

#[test]
fn an_undo_deletes_what_was_created_only_in_part() {
    for is_changed in [false, true] {
        let scene = scene();
        scene.write("all.csv", &format!("{HEAD}Ana,Vera,+593996000001,ana@example.com\n"));
        stop_after_create(&scene, IMPORT);
        let id = scene.contacts("eadesk")[0]["_id"].as_str().unwrap().to_owned();
        if is_changed {
            let body = json!({ "name": "Ana Vera", "description": "called", "segments": [] });
            meddle(&scene, "POST", &format!("/api/clients/person/update/{id}?token=sandbox-eadesk-token"), &body);
        }
        let runs = scene.run("runs --output json");
        let run: Value = serde_json::from_str(&runs.out).unwrap();
        let run = run.pointer("/0/run").or_else(|| run.pointer("/runs/0/run")).unwrap().as_str().unwrap().to_owned();
        let undone = scene.run(&format!("undo {run} --output json"));
        let left = usize::from(is_changed);
        let expected = if is_changed { json!({"read": 1, "skipped": 1}) } else { json!({"read": 1, "deleted": 1}) };
        assert_eq!((undone.exit, undone.totals()), (if is_changed { 3 } else { 0 }, expected), "{undone:?}");
        assert_eq!(undone.summary()["changed_since"].as_object().map_or(0, |it| it.len()), left, "{undone:?}");
        assert_eq!(scene.contacts("eadesk").len(), left);
    }
}

/// Contacts that share a second e-mail or phone, however they are found and however many are in flight.
#[test]
fn a_value_that_two_contacts_share_identifies_neither() {
    let map = "contact:\n  full_name: name\n  phones: { from: phones, split: \" \" }\n  emails: { from: emails, split: \" \" }\n";
    // Rows; how many are created and rejected the first time and the second time.
    let scenes = [
        // Two rows of one contact, and another contact with the e-mail of the second.
        (
            "Ana,+593996000001,b@example.com\nAna,+593996000001,a@example.com\nBea,+593996000002,a@example.com\n",
            (1, 1),
            (0, 1),
        ),
        // The second e-mail of one is the first of the other.
        ("Ana,+593996000001,a@example.com b@example.com\nBea,+593996000002,B@example.com\n", (1, 1), (0, 1)),
        ("Bea,+593996000002,b@example.com\nAna,+593996000001,a@example.com b@example.com\n", (1, 1), (0, 1)),
        ("Ana,+593996000001 +593996000003,a@example.com\nBea,+593996000003,b@example.com\n", (1, 1), (0, 1)),
        // The third phone of both.
        (
            "Ana,+593996000001 +593996000004 +593996000003,\nBea,+593996000002 +593996000005 +593996000003,\n",
            (1, 1),
            (0, 1),
        ),
    ];
    let run = |rows: &str, find: &str, concurrency: u32| {
        let mut scene = scene();
        scene.set("FERRY_EADESK_FIND", find);
        scene.set("FERRY_EADESK_CONCURRENCY", &concurrency.to_string());
        scene.write("map.yaml", map);
        scene.write("base.csv", "name,phones,emails\nZoe,+593996000099,z@example.com\n");
        assert_eq!(scene.run("import base.csv --map map.yaml --to eadesk").exit, 0);
        scene.write("all.csv", &format!("name,phones,emails\n{rows}"));
        let told = |told: Ended| {
            let json = told.summary();
            assert!(json["rejects"].as_object().unwrap().keys().all(|code| code == "identity.ambiguous"), "{told:?}");
            let count = |name: &str| json["records"][name].as_u64().unwrap();
            (count("created"), count("rejected"))
        };
        let import = "import all.csv --map map.yaml --to eadesk --output json";
        let nights = (told(scene.run(import)), told(scene.run(import)));
        (nights, names(&scene, "eadesk"))
    };
    for (rows, first, second) in scenes {
        let cases = ["auto", "snapshot", "each"].into_iter().flat_map(|find| [(find, 1), (find, 64)]);
        let ended: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = cases.map(|(find, n)| scope.spawn(move || (run(rows, find, n), find, n))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for ((nights, held), find, concurrency) in &ended {
            assert_eq!(*nights, (first, second), "{rows} {find} {concurrency}");
            assert_eq!(*held, ended[0].0.1, "{rows} {find} {concurrency}");
        }
    }
}

/// The second phone of a record finds the contact, also where the platform holds only one.
#[test]
fn every_value_of_a_list_finds_a_contact() {
    let map = "contact:\n  full_name: name\n  phones: { from: phones, split: \" \" }\n  emails: { from: emails, split: \" \" }\n";
    for platform in creating_platforms() {
        let scene = scene();
        scene.write("map.yaml", map);
        scene.write(
            "base.csv",
            "name,phones,emails\nAna Vera,+593996000003,a@example.com\nBea Sol,+593996000004,b@example.com\n",
        );
        assert_eq!(scene.run(&format!("import base.csv --map map.yaml --to {platform}")).exit, 0, "{platform}");
        scene.write("all.csv", "name,phones,emails\nAna Vera,+593996000001 +593996000002 +593996000003,\n");
        let told = scene.run(&format!("import all.csv --map map.yaml --to {platform} --output json"));
        assert_eq!((told.exit, told.summary()["records"]["created"].as_u64()), (0, Some(0)), "{platform} {told:?}");
        assert_eq!(scene.contacts(platform).len(), 2, "{platform}");
    }
}

/// The plan creates a contact; its answer is lost, the process is stopped, and another party renames the contact.
#[test]
fn a_plan_leaves_a_contact_alone_that_it_created_and_another_party_has_changed() {
    for platform in creating_platforms() {
        for is_changed in [true, false] {
            let scene = scene();
            scene.write("all.csv", &format!("{HEAD}Ana,Vera,+593996000001,ana@example.com\n"));
            let plan = format!("import all.csv --map map.yaml --to {platform} --dry-run --plan plan.jsonl");
            assert_eq!(scene.run(&plan).exit, 0);
            let mut is_sent = false;
            scene.rule(move |request| match (is_sent, request.starts_with("GET ")) {
                // The person was created; the run is stopped before it adds the phone.
                _ if platform == "eadesk" && !request.contains("/contacts/create/") => Act::Pass,
                _ if platform == "eadesk" => Act::Answer(401),
                (true, _) => Act::Answer(401),
                (false, true) => Act::Pass,
                (false, false) => {
                    is_sent = true;
                    Act::LoseAnswer
                }
            });
            let stopped = scene.run("apply plan.jsonl --output json");
            assert_eq!(stopped.exit, 5, "{platform} {stopped:?}");
            scene.rule(|_| Act::Pass);
            assert_eq!(scene.contacts(platform).len(), 1, "{platform}");
            let held = scene.contacts(platform).remove(0);
            if is_changed {
                match platform {
                    "atom" => {
                        let body = json!({ "firstName": "Hers", "lastName": "Vera", "phone": "593996000001",
                            "email": "ana@example.com", "optionals": {}, "tags": [] });
                        meddle(&scene, "POST", &below(&scene, ""), &body);
                    }
                    "mercately" => {
                        let id = held["id"].as_str().unwrap();
                        let body = json!({ "customer": { "first_name": "Hers" } });
                        meddle(&scene, "PUT", &below(&scene, &format!("/{id}")), &body);
                    }
                    _ => {
                        let id = held["_id"].as_str().unwrap();
                        let path = format!("/api/clients/person/update/{id}?token=sandbox-eadesk-token");
                        meddle(&scene, "POST", &path, &json!({ "name": "Hers", "description": "", "segments": [] }));
                    }
                }
            }
            let resumed = scene.run("apply plan.jsonl --output json");
            let told = format!("{platform} {is_changed} {resumed:?}");
            let (exit, books, name) = match (is_changed, platform) {
                (true, _) => (3, json!({"read": 1, "rejected": 1}), "Hers"),
                (false, "eadesk") => (0, json!({"read": 1, "created": 1}), "Ana Vera"),
                (false, _) => (0, json!({"read": 1, "created": 1}), "Ana"),
            };
            assert_eq!((resumed.exit, resumed.totals()), (exit, books), "{told}");
            assert_eq!(names(&scene, platform), [name], "{told}");
            let code = resumed.summary()["rejects"].as_object().unwrap().keys().next().cloned();
            assert_eq!(code.as_deref(), is_changed.then_some("plan.changed"), "{told}");
        }
    }
}

/// The path to which the contact was sent, before a query, and what comes behind it.
fn below(scene: &Scene, path: &str) -> String {
    let history = scene.sandbox().history();
    let sent = history.iter().find(|exchange| exchange.method == "POST" && exchange.acted).unwrap();
    format!("{}{path}", sent.path.split('?').next().unwrap())
}

/// A checkpoint whose log was removed while it held intents is refused, and resumed when the user says so.
#[cfg(unix)]
#[test]
fn a_removed_log_is_noticed() {
    let mut scene = scene();
    scene.set("FERRY_EADESK_CONCURRENCY", "8");
    let rows: String = (0..400).map(|n| format!("Ana{n},Vera,+593996{n:06},a{n}@example.com\n")).collect();
    scene.write("all.csv", &format!("{HEAD}{rows}"));
    let process = scene.begin(IMPORT);
    scene.wait_until("20 contacts", |scene| scene.contacts("eadesk").len() >= 20);
    process.kill();
    let is_log =
        |path: &&PathBuf| path.to_string_lossy().ends_with(".db-wal") && !path.to_string_lossy().contains("runs");
    let state = files_below(&scene.path(".ferry"));
    let logs: Vec<&PathBuf> = state.keys().filter(is_log).collect();
    logs.iter().for_each(|log| fs::remove_file(log).unwrap());
    assert_eq!(logs.len(), 1);
    let refused = scene.run(IMPORT);
    assert_eq!(refused.exit, 1, "{refused:?}");
    assert!(refused.err.contains("has lost its last entries"), "{refused:?}");
    let mark = refused.err.split('`').find(|part| part.ends_with(".mark")).unwrap().to_owned();
    fs::remove_file(scene.path(&mark)).unwrap();
    let resumed = scene.run(IMPORT);
    assert_eq!(resumed.exit, 0, "{resumed:?}");
}

/// A read whose JSON is cut although the status is 200 is sent again; requests are counted though the target never
/// answered.
#[test]
fn a_cut_answer_is_read_again() {
    for platform in creating_platforms() {
        let scene = scene();
        scene.write("all.csv", &format!("{HEAD}Ana,Vera,+593996000001,ana@example.com\n"));
        let mut cuts = 0;
        scene.rule(move |request| match request.starts_with("GET ") && cuts < 2 {
            true => {
                cuts += 1;
                Act::Cut
            }
            false => Act::Pass,
        });
        let told = scene.run(&format!("import all.csv --map map.yaml --to {platform} --output json"));
        assert_eq!((told.exit, told.summary()["requests"]["retried"].as_u64() >= Some(2)), (0, true), "{told:?}");
        scene.rule(|request| if request.starts_with("GET ") { Act::Cut } else { Act::Pass });
        let told = scene.run(&format!("export --from {platform} --out x.csv --output json"));
        assert_eq!((told.exit, told.summary()["requests"]["sent"].as_u64()), (6, Some(5)), "{told:?}");
        assert!(!scene.path("x.csv").exists());
    }
}

/// An undo restores the other values when one of them cannot be emptied.
#[test]
fn an_undo_restores_what_it_can_when_one_value_cannot_be_emptied() {
    let scene = scene();
    scene.write("base.csv", "first,last,phone,email\nAna,Vera,+593996000001,\n");
    scene.write("all.csv", "first,last,phone,email\nAnna,Vera Paz,+593996000001,ana@example.com\n");
    assert_eq!(scene.run("import base.csv --map map.yaml --to atom").exit, 0);
    let import = scene.run("import all.csv --map map.yaml --to atom --output json");
    let run = import.run();
    scene.rule(|request| if request.contains(r#""email":null"#) { Act::Answer(400) } else { Act::Pass });
    let undone = scene.run(&format!("undo {run} --output json"));
    assert_eq!((undone.exit, undone.totals()), (3, json!({"read": 1, "restored": 1})), "{undone:?}");
    assert_eq!(undone.summary()["not_taken_back"], json!({"email": 1}), "{undone:?}");
    let held = scene.contacts("atom").remove(0);
    assert_eq!((held["firstName"].as_str(), held["lastName"].as_str()), (Some("Ana"), Some("Vera")), "{held}");
    assert_eq!(held["email"], "ana@example.com");
    // Undone before: said, and nothing else is sent.
    let again = scene.run(&format!("undo {run} --output json"));
    assert_eq!(again.exit, 3, "{again:?}");
    assert!(again.err.contains("was undone before"), "{again:?}");
}

/// A list without contacts can be read again, whatever format it has.
#[test]
fn what_is_written_without_contacts_can_be_imported() {
    let scene = scene();
    for (name, content) in [
        ("none.csv", "id,first_name,last_name,phone,email\n"),
        ("none.tsv", "id\tfirst_name\tlast_name\tphone\temail\n"),
        ("none.json", "[\n]\n"),
        ("none.jsonl", ""),
        ("none.vcf", ""),
    ] {
        let exported = scene.run(&format!("export --from eadesk --out {name}"));
        assert_eq!((exported.exit, scene.read(name).as_str()), (0, content), "{exported:?}");
        let refused = scene.run(&format!("import {name} --to eadesk"));
        assert_eq!(refused.exit, 2, "{refused:?}");
        assert!(refused.err.contains("`--at-least 0` allows it"), "{refused:?}");
        let imported = scene.run(&format!("import {name} --to eadesk --at-least 0"));
        assert_eq!(imported.exit, 0, "{imported:?}");
    }
    scene.write("bad.csv", "Name,Phone,Plan\nAna,099,b\n");
    scene.write("map.yaml", "contact: { full_name: Name, phone: Phone, attributes: { Plan: Plan } }\n");
    for (map, header) in [("", "full_name,phone,Plan\n"), (" --map map.yaml", "full_name,phone,Plan\n")] {
        let converted = scene.run(&format!("convert bad.csv --out out.csv --region EC{map}"));
        assert_eq!((converted.exit, scene.read("out.csv").as_str()), (3, header), "{converted:?}");
    }
}

/// A workbook is read by its content, except under the name of a CSV file: another program would not read it.
#[test]
fn a_workbook_with_the_name_of_a_csv_file_is_refused() {
    let scene = scene();
    let rows = "Name,Phone\nAna,+593998123401\n";
    scene.write("a.csv", rows);
    assert_eq!(scene.run("convert a.csv --out book.xlsx").exit, 0);
    for name in ["b.csv", "b.tsv", "b.data"] {
        fs::copy(scene.path("book.xlsx"), scene.path(name)).unwrap();
    }
    for words in ["convert b.csv --out out.csv", "convert b.tsv --out out.csv", "inspect b.csv", "map suggest b.csv"] {
        let refused = scene.run(words);
        assert_eq!(refused.exit, 2, "{refused:?}");
        assert!(refused.err.contains("has the name of a CSV file, and its content is `xlsx`"), "{refused:?}");
    }
    for words in ["convert b.csv --out out.csv --format xlsx", "convert b.data --out out.csv"] {
        let converted = scene.run(words);
        assert_eq!(converted.exit, 0, "{converted:?}");
    }
}

/// A file that a user has edited is kept, and told apart from one of another program.
#[test]
fn older_files_that_stay_are_told_with_the_reason() {
    let scene = scene();
    assert_eq!(scene.run("export --from eadesk --out s-2020-01-01.csv").exit, 0);
    scene.write("s-2020-01-01.csv", "edited\n");
    scene.write("s-2020-01-02.csv", "of another program\n");
    let exported = scene.run("export --from eadesk --out s-{date}.csv --retain 30d");
    assert_eq!(exported.exit, 0, "{exported:?}");
    for (name, why) in
        [("s-2020-01-01.csv", "it was changed since Ferry wrote it"), ("s-2020-01-02.csv", "Ferry did not write it")]
    {
        let note = format!("`{name}` is older than `--retain` says, but {why}, so it stays");
        assert!(exported.err.contains(&note), "{exported:?}");
    }
}
