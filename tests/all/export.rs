//! `ferry export`, the whole program against the sandbox: files that appear whole or not at all, what changed from night
//! to night, which old files go, and going on after a kill.

use super::support::{Scene, run_folders};
use ferry::sandbox::FaultKind;
use serde_json::Value;
use std::fs;
use std::time::Duration;

const MAPPING: &str = "only_if: \"row.last_name != 'Gone'\"\ncolumns:\n  Name: \"{{ contact.first_name }} {{ \
                       contact.last_name }}\"\n  Phone: phone\n";

fn scene() -> Scene {
    let scene = super::support::scene(|_| {});
    scene.write("rows.yaml", MAPPING);
    scene
}

/// Imports these contacts: first name, last name, the end of the phone.
fn put(scene: &Scene, people: &[(&str, &str, usize)]) {
    let line = |(first, last, phone): &(&str, &str, usize)| format!("{first},{last},+59399600{phone:04}\n");
    let text: String = people.iter().map(line).collect();
    scene.write("in.csv", &format!("first_name,last_name,phone\n{text}"));
    let ended = scene.run("import in.csv --to mercately --fresh --concurrency 1");
    assert_eq!(ended.exit, 0, "{}", ended.err);
}

fn file(scene: &Scene, name: &str) -> String {
    fs::read_to_string(scene.path(name)).unwrap_or_else(|_| "none".to_owned())
}

/// The names of the files that an export wrote.
fn files(scene: &Scene) -> Vec<String> {
    let names = fs::read_dir(scene.folder()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    names.retain(|name| !["sandbox", ".ferry", "in.csv", "rows.yaml"].contains(&name.as_str()));
    names.sort();
    names
}

/// The columns of a CSV without those that differ from time to time.
fn without_ids(text: &str, column: usize) -> String {
    let cut = |line: &str| {
        let cells: Vec<&str> = line.split(',').enumerate().filter(|(at, _)| *at != column).map(|(_, c)| c).collect();
        cells.join(",") + "\n"
    };
    text.lines().map(cut).collect()
}

/// The lines of a table, those after its header sorted, because their order is not fixed.
fn sorted(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    if let Some(rows) = lines.get_mut(1..) {
        rows.sort_unstable();
    }
    lines.join("\n") + "\n"
}

#[test]
fn a_failed_export_leaves_the_file_of_yesterday() {
    let mut scene = scene();
    put(&scene, &[("Ana", "Paz", 1), ("Eva", "=Sol", 2)]);
    let good = scene.run("export --from mercately --map rows.yaml --out a.csv --output json");
    assert_eq!((good.exit, good.summary()["completeness"].as_str()), (0, Some("counted")), "{}", good.err);
    let yesterday = "Name,Phone\nAna Paz,+593996000001\nEva =Sol,+593996000002\n";
    assert_eq!(sorted(&file(&scene, "a.csv")), yesterday);
    let few = scene.run("export --from mercately --map rows.yaml --out a.csv --at-least 3 --output json");
    let books = &few.summary()["records"];
    assert_eq!((few.exit, &books["read"], &books["created"], &books["pending"]), (6, &2.into(), &0.into(), &2.into()));
    assert_eq!(sorted(&file(&scene, "a.csv")), yesterday);
    scene.stop();
    let gone = scene.run("export --from mercately --map rows.yaml --out a.csv --wait 100ms");
    assert_eq!(gone.exit, 6, "{}", gone.err);
    assert!(gone.out.trim_end().lines().last().unwrap().starts_with("to resume, run: ferry resume "), "{}", gone.out);
    assert_eq!((sorted(&file(&scene, "a.csv")).as_str(), files(&scene)), (yesterday, vec!["a.csv".to_owned()]));
    scene.restart(|_| {});
    // The same export, finished, makes the stopped ones needless.
    let done = scene.run("export --from mercately --map rows.yaml --out a.csv --changes c.csv --output json");
    assert_eq!(done.exit, 0);
    assert_eq!(scene.run("resume").exit, 2);
    // How it is known to be whole can be asked later, too.
    let shown = scene.run(&format!("runs {}", done.run())).out;
    let told = "\nchanges: 2 added, 0 changed, 0 removed\ncomplete: as many as the platform reports\n";
    assert!(shown.contains(told), "{shown}");
}

#[test]
fn without_a_mapping_a_table_has_the_fields_that_occur_and_json_the_whole_contact() {
    let scene = scene();
    put(&scene, &[("Ana", "Paz", 1), ("Eva", "=Sol", 2)]);
    let steady = |text: &str| {
        let ids = regex::Regex::new(r"^[0-9a-z]+,|\d{4}-\d\d-\d\dT[^,\n]*").unwrap();
        sorted(&text.lines().map(|line| ids.replace_all(line, "").into_owned() + "\n").collect::<String>())
    };
    let guarded = "first_name,last_name,phone,created_at\nAna,Paz,+593996000001,\nEva,'=Sol,+593996000002,\n";
    for (options, expected) in [("", guarded.to_owned()), ("--raw-cells", guarded.replace('\'', ""))] {
        let printed = scene.run(&format!("export --from mercately --out a.csv --results r.csv {options}"));
        assert_eq!((printed.exit, steady(&file(&scene, "a.csv"))), (0, expected), "{}", printed.err);
    }
    let ids: Vec<String> =
        file(&scene, "a.csv").lines().skip(1).map(|line| line.split(',').next().unwrap().to_owned()).collect();
    let results =
        format!("line,outcome,reason,target_id,code,message\n1,created,,{},,\n2,created,,{},,\n", ids[0], ids[1]);
    assert_eq!(file(&scene, "r.csv"), results);
    let printed = scene.run("export --from mercately --format json");
    let all: Value = serde_json::from_str(&printed.out).unwrap_or_else(|_| panic!("{}", printed.err));
    let names: Vec<&str> = all[1].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["id", "first_name", "last_name", "phone", "phones", "created_at", "native"]);
    let later = scene.run("export --from mercately --since 2999-01-01 --output json --out s.csv");
    let summary = later.summary();
    assert_eq!((later.exit, summary["skipped"].to_string()), (0, r#"{"filtered":2}"#.to_owned()), "{}", later.err);
    assert_eq!(file(&scene, "s.csv"), "id,first_name,last_name,phone,email\n");
}

#[test]
fn what_was_added_changed_and_removed_is_reported_from_night_to_night() {
    let scene = scene();
    // All nights are of one day: the changes of none of them are lost.
    let night = |people: &[(&str, &str, usize)], name: &str| {
        put(&scene, people);
        let options = "--map rows.yaml --out a.csv --changes c.csv --output json";
        let told = scene.run(&format!("export --from mercately {options}"));
        assert_eq!(told.exit, 0, "{}", told.err);
        (told.summary()["changes"].to_string(), sorted(&without_ids(&file(&scene, name), 1)))
    };
    let expected = "change,Name,Phone\nadded,Ana Paz,+593996000001\nadded,Eva Sol,+593996000002\n";
    let first = night(&[("Ana", "Paz", 1), ("Eva", "Sol", 2)], "c.csv");
    assert_eq!(first, (r#"{"added":2,"changed":0,"removed":0}"#.to_owned(), expected.to_owned()));
    let second = night(&[("Ana", "Paz Mora", 1), ("Leo", "Rey", 3)], "c.csv.1").1;
    assert_eq!(second, "change,Name,Phone\nadded,Leo Rey,+593996000003\nchanged,Ana Paz Mora,+593996000001\n");
    let third = night(&[("Eva", "Gone", 2)], "c.csv.2").1;
    assert_eq!(third, "change,Name,Phone\nremoved,Eva Sol,+593996000002\n");
    assert_eq!(sorted(&without_ids(&file(&scene, "c.csv"), 1)), expected);
    // Another export knows nothing of it.
    let other = scene.run("export --from mercately --out b.jsonl --changes c.jsonl --output json");
    assert_eq!(other.summary()["changes"]["added"], 3);
    put(&scene, &[("Leo", "Rey Paz", 3)]);
    let other = scene.run("export --from mercately --out b.jsonl --changes c.jsonl");
    let change: Value = serde_json::from_str(&file(&scene, "c.jsonl.1")).unwrap_or_else(|_| panic!("{}", other.err));
    assert_eq!((&change["change"], change["fields"].to_string()), (&"changed".into(), r#"["last_name"]"#.to_owned()));
    assert_eq!((&change["before"]["last_name"], &change["contact"]["last_name"]), (&"Rey".into(), &"Rey Paz".into()));
}

#[test]
fn old_files_of_the_same_name_go_after_a_success_only() {
    let scene = scene();
    put(&scene, &[("Ana", "Paz", 1)]);
    // Only what Ferry wrote goes, under whatever name it wrote it.
    assert_eq!(scene.run("export --from mercately --map rows.yaml --out x.csv").exit, 0);
    fs::rename(scene.path("x.csv"), scene.path("s-2020-01-01.csv")).unwrap();
    for name in ["s-2019-01-01.csv", "s-2020-01-01.csv.old", "t-2020-01-01.csv"] {
        fs::write(scene.path(name), "old").unwrap();
    }
    let words = "export --from mercately --map rows.yaml --out s-{date}.csv --retain 30d";
    assert_eq!(scene.run(&format!("{words} --at-least 2")).exit, 6);
    assert_eq!(scene.run(&format!("{words} --limit 1")).exit, 0);
    assert_eq!(files(&scene).len(), 5);
    let told = scene.run(words);
    assert_eq!(told.exit, 0);
    let kept = "`s-2019-01-01.csv` is older than `--retain` says, but Ferry did not write it, so it stays";
    assert!(told.err.contains(kept), "{}", told.err);
    let left = files(&scene);
    let today = left.iter().find(|name| name.starts_with("s-202") && name.ends_with(".csv")).unwrap().clone();
    assert_eq!(left, ["s-2019-01-01.csv", "s-2020-01-01.csv.old", today.as_str(), "t-2020-01-01.csv"]);
    assert_eq!(file(&scene, &today), "Name,Phone\nAna Paz,+593996000001\n");
}

#[test]
fn an_export_that_was_stopped_or_killed_goes_on_with_its_next_page_and_a_second_one_waits_its_turn() {
    let mut scene = scene();
    let people: Vec<(String, usize)> = (0..250).map(|number| (format!("P{number}"), number)).collect();
    let people: Vec<(&str, &str, usize)> =
        people.iter().map(|(name, number)| (name.as_str(), "Vera", *number)).collect();
    put(&scene, &people);
    scene.restart(|options| {
        options.slow = Duration::from_millis(400);
        options.faults = vec![(FaultKind::Slow, 1.0)];
    });
    let words = "export --from mercately --map rows.yaml --out a.csv";
    let process = scene.begin(words);
    scene.wait_until("three pages", |scene| scene.requests() >= 3);
    let second = scene.run(words);
    assert_eq!(second.exit, 7, "{}{}", second.out, second.err);
    assert!(second.err.contains("is making this export"), "{}", second.err);
    process.signal("INT");
    let stopped = process.finish();
    let last = stopped.out;
    assert_eq!(stopped.exit, 130, "{last}");
    assert!(last.trim_end().lines().last().unwrap().starts_with("to resume, run: ferry resume "), "{last}");
    let before = scene.requests();
    let process = scene.begin("resume");
    scene.wait_until("two more pages", |scene| scene.requests() >= before + 2);
    process.kill();
    assert_eq!(file(&scene, "a.csv"), "none");
    scene.restart(|_| {});
    let resumed = scene.run("resume");
    assert_eq!(resumed.exit, 0, "{}", resumed.err);
    let resumed_pages = scene.requests();
    assert_eq!(file(&scene, "a.csv").lines().count(), 251);
    let before = scene.requests();
    assert_eq!(scene.run(words).exit, 0);
    assert!(resumed_pages < scene.requests() - before, "{resumed_pages} pages, and anew {}", scene.requests() - before);
    let runs = run_folders(&scene.path(".ferry"));
    assert!(runs.iter().all(|run| !run.join("source.db").exists()), "{runs:?}");
}

#[test]
fn each_conversation_names_the_contact_it_is_with() {
    let scene = scene();
    put(&scene, &[("Ana", "Vera", 1), ("Bruno", "Mena", 2), ("Carla", "Paz", 3)]);
    let printed = scene.run("export --from mercately --what conversations --out said.jsonl --output json");
    assert_eq!((printed.exit, printed.summary()["records"]["created"].as_u64()), (0, Some(3)), "{}", printed.err);
    let held = scene.contacts("mercately");
    let said = file(&scene, "said.jsonl");
    for line in said.lines() {
        let said: Value = serde_json::from_str(line).unwrap();
        let with = held.iter().find(|contact| contact["id"] == said["contact_id"]).unwrap_or_else(|| panic!("{said}"));
        assert_eq!(with["first_name"], said["first_name"], "{said}");
    }
    let printed = scene.run("export --from mercately --what conversations --out said.csv");
    let head = file(&scene, "said.csv").lines().next().unwrap_or_default().to_owned();
    assert!(printed.exit == 0 && head.ends_with(",contact_id"), "{head}");
    let left = run_folders(&scene.path(".ferry")).into_iter().filter(|run| run.join("contacts").exists());
    assert_eq!(left.count(), 0, "what was read of the contacts is gone");
}

#[test]
fn an_export_and_a_migration_say_of_an_account_of_many_pages_that_its_rate_is_not_known() {
    let mut scene = scene();
    let rows: String = (1..7).map(|number| format!("Ana,Vera,+59399600000{number}\n")).collect();
    scene.write("in.csv", &format!("first_name,last_name,phone\n{rows}"));
    assert_eq!(scene.run("import in.csv --to atom").exit, 0);
    let note = "note: the rate limit of `atom` is not known: the run starts at 2 requests/s and speeds up until one is \
                refused; set `rate` if you know the limit";
    for (rate, page_size, times) in [("auto", "1", 1), ("auto", "50", 0), ("500/s", "1", 0)] {
        scene.set("FERRY_ATOM_RATE", rate);
        scene.set("FERRY_ATOM_PAGE_SIZE", page_size);
        for command in ["export --from atom --out people.jsonl", "migrate --from atom --to mercately --fresh"] {
            let ended = scene.run(command);
            assert_eq!(ended.exit, 0, "{}", ended.err);
            assert_eq!(ended.err.matches(note).count(), times, "{command}, {rate}, {page_size} a page: {}", ended.err);
        }
    }
}

#[test]
fn the_mapping_for_spreadsheets_has_whole_names_and_no_mark_in_json() {
    let scene = scene();
    put(&scene, &[("Ana", "Vera", 1)]);
    let table = concat!(env!("CARGO_MANIFEST_DIR"), "/mappings/table.yaml");
    for name in ["t.csv", "t.json", "t.jsonl"] {
        let printed = scene.run(&format!("export --from mercately --map {table} --out {name}"));
        assert_eq!(printed.exit, 0, "{}", printed.err);
        let text = file(&scene, name);
        assert_eq!(text.starts_with('\u{feff}'), name == "t.csv", "{text}");
        assert!(text.contains("Ana Vera;") || text.contains(r#""Name":"Ana Vera","#), "{text}");
    }
    // The other lists have some of the fields too.
    let printed = scene.run(&format!("export --from mercately --what agents --map {table} --out agents.csv"));
    assert_eq!(printed.exit, 0, "{}", printed.err);
    let plain = scene.run("export --from mercately --what agents --format jsonl");
    let agent: Value = serde_json::from_str(plain.out.lines().next().unwrap()).unwrap();
    let (name, email) = (agent["first_name"].as_str().unwrap(), agent["email"].as_str().unwrap());
    let text = file(&scene, "agents.csv");
    assert!(text.contains(name) && text.contains(email), "{agent} {text}");
}
