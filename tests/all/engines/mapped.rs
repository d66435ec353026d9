//! `ferry singer tap --map` and `ferry airbyte source --map`: what is sent, what the catalog says of it, and whose state
//! holds. Also whose the files are that a tap leaves.

use super::stream::{feed, record, scene, schema, singer, singer_record};
use crate::support::{Scene, ferry_in_shell, files_below, json_lines, run, run_folders};
use serde_json::{Value, json};

const MAPPING: &str = "version: 1
columns:
  Code: id
  Name: \"{{ contact.first_name | upper }}\"
  Phones: phones
  Since: created_at
write: { encoding: utf-16le, bom: true }
";

/// An account with so many contacts, and a mapping.
fn account(people: usize) -> Scene {
    let scene = scene();
    assert_eq!(feed(&scene, "singer target --to mercately", &singer(0..people, people)).exit, 0);
    scene.write("columns.yaml", MAPPING);
    scene.write("tap.json", r#"{"connection": "mercately", "map": "columns.yaml"}"#);
    scene
}

fn records(lines: &[Value]) -> Vec<&Value> {
    lines.iter().filter(|line| line["type"] == "RECORD").map(|line| &line["record"]).collect()
}

fn names(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn a_tap_sends_the_columns_of_a_mapping_and_says_so() {
    let scene = account(3);
    let sent = scene.run("singer tap --config tap.json");
    assert_eq!(sent.exit, 0, "{sent:?}");
    let lines = json_lines(&sent.out);
    let columns = ["Code", "Name", "Phones", "Since"];
    assert_eq!(
        (names(&lines[0]["schema"]["properties"]), &lines[0]["key_properties"]),
        (columns.to_vec(), &json!(["Code"]))
    );
    assert_eq!(lines[0]["schema"]["properties"]["Phones"]["type"], json!(["null", "array"]));
    let all = records(&lines);
    assert!(all.len() == 3 && all.iter().all(|record| names(record) == columns), "{sent:?}");
    assert!(all.iter().any(|record| record["Name"] == "ANA0" && record["Phones"] == json!(["+593996000000"])));

    let found = scene.run("singer tap --from mercately --map columns.yaml --discover");
    let mut catalog: Value = serde_json::from_str(&found.out).unwrap();
    assert_eq!(catalog["streams"][0]["schema"], lines[0]["schema"], "{found:?}");
    for entry in catalog["streams"][0]["metadata"].as_array_mut().unwrap() {
        if [json!(["properties", "Code"]), json!(["properties", "Since"])].contains(&entry["breadcrumb"]) {
            entry["metadata"]["selected"] = json!(false);
        }
    }
    scene.write("catalog.json", &catalog.to_string());
    let less = json_lines(&scene.run("singer tap --config tap.json --catalog catalog.json").out);
    assert_eq!(names(&less[0]["schema"]["properties"]), columns[..3], "what identifies a record is sent");
    assert!(records(&less).iter().all(|record| names(record) == columns[..3]));

    // A target understands the columns by their names.
    let received = feed(&scene, "singer target --to atom", &sent.out);
    assert_eq!((received.exit, scene.contacts("atom").len()), (0, 3), "{received:?}");
}

#[test]
fn a_source_of_airbyte_has_the_same_mapping() {
    let scene = account(2);
    let found = json_lines(&scene.run("airbyte source discover --config tap.json").out);
    let stream = &found[0]["catalog"]["streams"][0];
    assert_eq!(stream["source_defined_primary_key"], json!([["Code"]]));
    let sent = json_lines(&scene.run("airbyte source read --config tap.json").out);
    let data: Vec<&Value> =
        sent.iter().filter(|line| line["type"] == "RECORD").map(|line| &line["record"]["data"]).collect();
    assert!(data.len() == 2 && data.iter().all(|data| names(data) == names(&stream["json_schema"]["properties"])));
}

#[test]
fn what_a_mapping_cannot_make_is_a_reject_and_a_wrong_mapping_sends_nothing() {
    let scene = account(2);
    let odd = singer_record(&json!({"id": 9, "first_name": "Eva", "last_name": "Odd", "phone": "+593996000009"}));
    assert_eq!(feed(&scene, "singer target --to mercately", &format!("{}\n{odd}", schema("id"))).exit, 0);
    scene.write("strict.yaml", "version: 1\ncolumns: { id: id, Mail: { from: email, required: true } }\n");
    let sent = scene.run("singer tap --from mercately --map strict.yaml");
    assert_eq!((sent.exit, records(&json_lines(&sent.out)).len()), (0, 2), "{sent:?}");
    let last = json_lines(&sent.out).pop().unwrap();
    let place = &last["value"]["bookmarks"]["contacts"];
    assert_eq!((&place["records"], &place["complete"]), (&json!(2), &json!(true)));
    let rejects: Vec<Value> = run_folders(&scene.path("state"))
        .iter()
        .filter(|run| run.to_str().unwrap().contains("-export-"))
        .flat_map(|run| json_lines(&std::fs::read_to_string(run.join("rejects.jsonl")).unwrap()))
        .collect();
    assert!(rejects.len() == 1 && rejects[0]["record"]["phone"] == "+593996000009", "{rejects:?}");

    let requests = scene.requests();
    scene.write("wrong.yaml", "version: 1\ncolumns: { id: idd, Name: full_nam }\n");
    let refused = scene.run("singer tap --from nowhere --map wrong.yaml");
    let told = ["`idd`", "`full_nam`", "`nowhere`"].iter().all(|word| refused.err.contains(word));
    assert!(refused.exit == 2 && refused.out.is_empty() && told, "{refused:?}");
    assert_eq!(scene.requests(), requests);
}

#[test]
fn the_state_of_another_mapping_or_account_starts_over() {
    let scene = account(30);
    let sent = json_lines(&scene.run("singer tap --config tap.json").out);
    let mut place = sent.last().unwrap()["value"].clone();
    place["bookmarks"]["contacts"]["records"] = json!(20);
    place["bookmarks"]["contacts"]["complete"] = json!(false);
    scene.write("state.json", &place.to_string());
    let tap = |config: &str| {
        let ended = scene.run(&format!("singer tap --config {config} --state state.json"));
        assert_eq!(ended.exit, 0, "{ended:?}");
        (records(&json_lines(&ended.out)).len(), ended.err)
    };
    assert_eq!(tap("tap.json").0, 10, "the rest of the same");
    let note = "the state is of another account or another mapping, so all contacts are sent";
    scene.write("whole.json", r#"{"connection": "mercately"}"#);
    let (sent, said) = tap("whole.json");
    assert!(sent == 30 && said.contains(note), "{said}");
    scene.write("columns.yaml", &MAPPING.replace("upper", "lower"));
    let (sent, said) = tap("tap.json");
    assert!(sent == 30 && said.contains(note), "{said}");
    // A state of another tap.
    scene.write("state.json", r#"{"bookmarks": {"contacts": {"updated_at": "2026-01-01"}}}"#);
    let (sent, said) = tap("tap.json");
    assert!(sent == 30 && said.contains("the state is none that Ferry has sent"), "{said}");
    scene.write("state.json", "{}");
    assert!(!tap("tap.json").1.contains("the state"));
}

#[test]
fn no_other_user_can_read_what_a_tap_and_a_target_leave() {
    use std::os::unix::fs::PermissionsExt;
    let scene = account(3);
    let bad = json!({"id": 9, "first_name": "Eva", "phone": "12"});
    scene.write("stream", &format!("{}\n{}\n{}\n", schema("id"), singer_record(&record(7)), singer_record(&bad)));
    let of_scene = scene.command("");
    for words in ["singer tap --config tap.json > sent", "singer target --to mercately < stream > states"] {
        let mut command = ferry_in_shell(scene.folder(), "umask 022", words);
        command.envs(of_scene.get_envs().filter_map(|(name, value)| Some((name, value?))));
        assert_eq!(run(command).exit, 0, "{words}");
    }
    let mut open: Vec<String> = Vec::new();
    let files = files_below(&scene.path("state"));
    assert!(files.iter().any(|(path, _)| path.to_str().unwrap().contains("engines/from-")), "a tap leaves a file");
    for (path, _) in files {
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        if mode & 0o077 != 0 {
            open.push(format!("{mode:o} {}", path.display()));
        }
    }
    assert!(open.is_empty(), "{open:#?}");
}
