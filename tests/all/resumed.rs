//! A run that was killed goes on in the pass that it had begun: what is settled is passed over, and everything that it
//! lists and counts is as if it had not been killed.

use super::support::{Ended, Scene, run_folders, scene, wait_until};
use std::fmt::Write;

const MAPPING: &str = "version: 1
phone_region: EC
contact:
  first_name: First
  last_name: Last
  phone: { from: Phone, otherwise: blank }
  email: Email
duplicates: merge
";

const RECORDS: usize = 1_500;

/// Records of which some are sent without their phones, some are rejected by their values or at the target, and some are
/// of an earlier contact.
fn file() -> String {
    let mut text = "First,Last,Phone,Email\n".to_owned();
    for number in 0..RECORDS {
        let (phone, email) = match number % 50 {
            // Another contact has the same e-mail, or it is the same contact.
            7 => (format!("09960{number:05}"), format!("p{}@example.com", number - 6)),
            28 => (format!("09960{:05}", number - 20), format!("q{number}@example.com")),
            5 | 45 => (format!("09960{number:05}"), "nonsense".to_owned()),
            3 | 13 | 23 | 33 | 43 => ("12".to_owned(), format!("p{number}@example.com")),
            _ => (format!("09960{number:05}"), format!("p{number}@example.com")),
        };
        writeln!(text, "Ana{number},Vera,{phone},{email}").unwrap();
    }
    text
}

fn scene_with(text: &str) -> Scene {
    let mut scene = scene(|_| {});
    scene.set("FERRY_STATE", "state");
    scene.set("FERRY_MERCATELY_SETTLE", "200ms");
    scene.write("mapping.yaml", MAPPING);
    scene.write("contacts.csv", text);
    scene
}

const QUIET: &str = "import contacts.csv --map mapping.yaml --to mercately";
const IMPORT: &str = "import contacts.csv --map mapping.yaml --to mercately --results results.csv --output json -vv";

/// Kills the import after so many requests of its own.
fn kill_after(scene: &Scene, requests: usize) {
    let mut process = scene.begin(QUIET);
    let enough = scene.requests() + requests;
    wait_until("requests before a kill", || scene.requests() >= enough || !process.is_running());
    assert!(process.is_running(), "it ended before it was killed: {:?}", process.finish());
    process.kill();
}

/// The number before these words in what the program has logged.
fn logged(ended: &Ended, words: &str) -> usize {
    let line = ended.err.lines().find_map(|line| Some(line.split_once(words)?.0));
    let number = line.and_then(|line| line.rsplit(' ').next()?.parse().ok());
    number.unwrap_or_else(|| panic!("no number before `{words}`: {ended:?}"))
}

fn rejects(scene: &Scene) -> String {
    let folder = run_folders(&scene.path("state")).pop().unwrap();
    std::fs::read_to_string(folder.join("rejects.csv")).unwrap()
}

/// What the run lists: rejects, values that were left blank, and the outcome of each record. Rejects of the target stand
/// where they came, and messages name its ids.
fn lists(scene: &Scene) -> [Vec<String>; 3] {
    let folder = run_folders(&scene.path("state")).pop().unwrap();
    let left_blank = std::fs::read_to_string(folder.join("left_blank.csv")).unwrap();
    let first = |line: &str, cells| line.split(',').take(cells).collect::<Vec<_>>().join(",");
    let mut rejected: Vec<String> = rejects(scene).lines().map(|line| first(line, 7)).collect();
    rejected.sort_unstable();
    let results = scene.read("results.csv").lines().map(|line| first(line, 2)).collect();
    [rejected, left_blank.lines().map(str::to_owned).collect(), results]
}

#[test]
fn a_killed_run_goes_on_where_it_was_and_lists_everything() {
    let calm = scene_with(&file());
    let whole = calm.run(IMPORT);
    assert_eq!(whole.exit, 3, "{whole:?}");
    let scene = scene_with(&file());
    kill_after(&scene, 400);
    kill_after(&scene, 300);
    let ended = scene.run(IMPORT);
    assert_eq!((ended.exit, ended.totals()), (3, whole.totals()), "{ended:?}");
    assert_eq!(lists(&scene), lists(&calm));
    // Each record was passed over or mapped: those without an outcome, and those that the lists are about.
    let (mapped, passed) = (logged(&ended, " records were mapped"), logged(&ended, " passed over"));
    assert!(ended.err.contains("pass 1 is continued"), "{ended:?}");
    assert_eq!(mapped + passed, RECORDS);
    assert!(passed > 400, "{passed} of {RECORDS}");
    // Once more, as a new run: every record is looked at.
    let again = scene.run(IMPORT);
    assert_eq!((again.exit, logged(&again, " passed over")), (3, 0), "{again:?}");
}

#[test]
fn a_changed_file_or_list_is_read_as_a_whole() {
    let scene = scene_with(&file());
    kill_after(&scene, 200);
    scene.write("skip.csv", "email\np1@example.com\n");
    let skipping = format!("{IMPORT} --skip skip.csv");
    let first = scene.run(&skipping);
    assert_eq!((first.exit, logged(&first, " passed over")), (3, 0), "{first:?}");
    assert_eq!(first.summary()["skipped"]["suppressed"], 2, "the contact has two records: {first:?}");

    let scene = scene_with(&file());
    kill_after(&scene, 200);
    scene.write("contacts.csv", &file().replace("Ana10,", "Eva10,"));
    let edited = scene.run(IMPORT);
    assert_eq!((edited.exit, logged(&edited, " passed over")), (3, 0), "{edited:?}");
    assert!(scene.contacts("mercately").iter().any(|contact| contact["first_name"] == "Eva10"), "{edited:?}");
}

#[test]
fn a_contact_that_an_earlier_process_reached_belongs_to_its_record() {
    let scene = scene_with("First,Last,Phone,Email\nOna,Sol,0999000001,ona@example.com\n");
    assert_eq!(scene.run(IMPORT).exit, 0);
    // The first record has the phone of the contact that is there, the last one its e-mail.
    let others: String = (0..600).map(|n| format!("Ana{n},Vera,09960{n:05},p{n}@example.com\n")).collect();
    let text = format!("First,Last,Phone,Email\nOna,Sola,0999000001,\n{others}Una,Sol,,ona@example.com\n");
    scene.write("contacts.csv", &text);
    kill_after(&scene, 200);
    let ended = scene.run(IMPORT);
    assert_eq!((ended.exit, ended.counts(["updated", "created", "rejected"])), (3, [1, 600, 1]), "{ended:?}");
    assert!(logged(&ended, " passed over") > 50, "{ended:?}");
    let rejects = rejects(&scene);
    assert!(rejects.contains("Una,Sol,,ona@example.com") && rejects.contains("line 2"), "{rejects}");
}

#[test]
fn what_is_passed_over_in_json_lines_is_not_parsed_and_the_rest_arrives() {
    let record = |n: usize| match n {
        5 | 599 => format!("{{\"First\":\"Ana{n}\",\"Last\":\"Vera\",\"Phone\":\"12\",\"Email\":\"nonsense\"}}\n"),
        77 => "{\"First\":\n".to_owned(),
        n => format!(
            "{{\"First\":\"Ana{n}\",\"Last\":\"Vera\",\"Phone\":\"09960{n:05}\",\"Email\":\"p{n}@example.com\"}}\n"
        ),
    };
    let scene = scene_with("");
    scene.write("contacts.jsonl", &(0..600).map(record).collect::<String>());
    let import = IMPORT.replace("contacts.csv", "contacts.jsonl");
    let mut process = scene.begin(&QUIET.replace("contacts.csv", "contacts.jsonl"));
    wait_until("requests before a kill", || scene.requests() >= 200 || !process.is_running());
    process.kill();
    let ended = scene.run(&import);
    assert_eq!((ended.exit, ended.counts(["read", "created", "rejected"])), (3, [600, 597, 3]), "{ended:?}");
    assert!(logged(&ended, " passed over") > 50, "{ended:?}");
    let folder = run_folders(&scene.path("state")).pop().unwrap();
    let rejects = std::fs::read_to_string(folder.join("rejects.jsonl")).unwrap();
    assert_eq!(rejects.lines().count(), 3, "{rejects}");
    assert!(rejects.contains("\"First\":\"Ana5\"") && rejects.contains("\"First\":\"Ana599\""), "{rejects}");
}
