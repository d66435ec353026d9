//! `ferry singer`, as any program that speaks Singer would drive it.

use super::stream::{feed, phones, phones_of, record, scene, schema, singer, singer_record, singer_state};
use crate::support::{Act, Scene, begin, json_lines, run_folders, wait_until};
use serde_json::{Value, json};
use std::fs::File;
use std::io::Write;
use std::process::Stdio;

const TARGET: &str = "singer target --to mercately";

fn rejects(scene: &Scene) -> Vec<Value> {
    let runs = run_folders(&scene.path("state"));
    runs.iter()
        .filter_map(|run| std::fs::read_to_string(run.join("rejects.jsonl")).ok())
        .flat_map(|text| json_lines(&text))
        .collect()
}

#[test]
fn a_state_is_printed_when_everything_before_it_has_arrived_and_rejects_do_not_fail() {
    let scene = scene();
    let mut lines = vec![singer_state(0), schema("id")];
    lines.extend((0..5).map(|n| singer_record(&record(n))));
    lines.push(singer_record(&json!({"id": 6, "first_name": "Eva", "phone": "12"})));
    lines.push(json!({"type": "ACTIVATE_VERSION", "stream": "people", "version": 1}).to_string());
    lines.push(json!({"type": "ACTIVATE_VERSION", "stream": "people", "version": 2}).to_string());
    lines.push(r#"{"type":"SOMETHING_NEW"}"#.to_owned());
    lines.extend(["".to_owned(), singer_state(5), singer_state(6)]);
    let ended = feed(&scene, TARGET, &lines.join("\n"));
    // The one before all records may have been printed at once.
    let out = ended.out.strip_prefix("{\"at\":0}\n").unwrap_or(&ended.out);
    assert_eq!((ended.exit, out), (0, "{\"at\":6}\n"), "{ended:?}");
    assert_eq!(phones(&scene, "mercately"), phones_of(0..5));
    let rejects = rejects(&scene);
    assert_eq!(rejects.len(), 1);
    assert_eq!(rejects[0]["ferry"]["code"], "phone.invalid");
    assert_eq!(rejects[0]["record"], json!({"id": 6, "first_name": "Eva", "phone": "12"}));
    assert_eq!(ended.err.matches("ACTIVATE_VERSION").count(), 1, "one warning: {}", ended.err);
    // Nothing is kept of what has arrived but what a run keeps.
    let left = std::fs::read_dir(scene.path("state/engines")).unwrap().map(|file| file.unwrap().file_name());
    assert!(left.into_iter().all(|name| name.to_str().unwrap().ends_with(".lock")));
}

#[test]
fn the_name_of_the_program_stands_for_its_words_where_an_engine_knows_a_path_alone() {
    let scene = scene();
    scene.write("tap.json", r#"{"connection": "mercately"}"#);
    for (name, words) in [("tap-ferry", "--config tap.json --discover"), ("source-ferry", "discover --config tap.json")]
    {
        let link = scene.path(name);
        std::os::unix::fs::symlink(scene.command("").get_program(), &link).unwrap();
        let mut command = std::process::Command::new(&link);
        let of_scene = scene.command("");
        command.envs(of_scene.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.current_dir(scene.folder()).args(words.split(' ')).stdout(Stdio::piped()).stderr(Stdio::piped());
        let ended = crate::support::run(command);
        assert!(ended.exit == 0 && ended.out.contains("\"contacts\""), "{name}: {ended:?}");
    }
}

#[test]
fn too_many_rejects_are_a_failure_and_limits_hold_for_the_whole_stream() {
    let scene = scene();
    let bad = |n: usize| singer_record(&json!({"id": n, "first_name": "Eva", "phone": "12"}));
    // Two portions, with two rejects each.
    let mut lines = vec![schema("id"), bad(1), bad(2)];
    lines.extend((0..1_000).map(|n| singer_record(&record(n))));
    lines.extend([singer_state(1), bad(3), bad(4), singer_record(&record(2_000)), singer_state(2)]);
    let text = lines.join("\n");
    let ended = feed(&scene, &format!("{TARGET} --max-rejects 3"), &text);
    assert_eq!((ended.exit, ended.out.as_str()), (8, "{\"at\":1}\n"), "{ended:?}");
    assert_eq!(scene.contacts("mercately").len(), 1_000);
    let ended = feed(&scene, &format!("{TARGET} --max-rejects 4 --on-existing fill"), &text);
    assert_eq!((ended.exit, ended.out.as_str()), (0, "{\"at\":1}\n{\"at\":2}\n"), "{ended:?}");
    assert_eq!(scene.contacts("mercately").len(), 1_001);
    // Both files of rejects are named, and the command that imports the last one when it is fixed.
    assert!(ended.err.contains("note: rejects of earlier portions are in `"), "{}", ended.err);
    let line = ended.err.lines().find_map(|line| line.strip_prefix("fix them there, then run: ferry ")).unwrap();
    let file = line.split(' ').nth(1).unwrap();
    scene.write(file, &scene.read(file).replace("\"12\"", "\"+593996000012\""));
    let fixed = scene.run(line);
    assert_eq!(fixed.exit, 0, "{line}: {fixed:?}");
    assert!(line.contains(" --to mercately --on-existing fill --state /"), "{line}");
}

#[test]
fn a_line_that_is_no_message_is_an_error_with_its_line_and_what_came_before_is_kept() {
    for (broken, said) in [
        ("{\"type\":\"RECORD\"\n", "line 5 of the stream is no message of Singer"),
        ("{\"type\":\"STA", "the stream ends in the middle of line 5"),
        ("{\"type\":\"RECORD\",\"stream\":\"orders\",\"record\":{}}\n", "line 5 of the stream is a record of `orders`"),
    ] {
        let scene = scene();
        let text = format!("{}{broken}{}", singer(0..2, 2), singer_state(9));
        let ended = feed(
            &scene,
            TARGET,
            if broken.ends_with('\n') { &text } else { text.split(&singer_state(9)).next().unwrap() },
        );
        assert_eq!((ended.exit, ended.out.as_str()), (1, "{\"at\":2}\n"), "{ended:?}");
        assert!(ended.err.contains(said), "{}", ended.err);
        assert_eq!(scene.contacts("mercately").len(), 2);
    }
    let scene = scene();
    let batch = json!({"type": "BATCH", "stream": "people", "encoding": {}, "manifest": ["file:///x"]});
    let ended = feed(&scene, TARGET, &format!("{}{batch}\n", singer(0..1, 1)));
    assert_eq!((ended.exit, ended.out.as_str()), (2, ""), "{ended:?}");
    assert_eq!(scene.contacts("mercately").len(), 0);
    assert!(ended.err.contains("line 4 of the stream is a BATCH"), "{}", ended.err);
}

#[test]
fn phones_without_a_country_stop_a_stream_only_where_they_are_many() {
    let scene = scene();
    let local = |n: usize| singer_record(&json!({"id": n, "first_name": "Eva", "phone": format!("09960{n:05}")}));
    let few: Vec<String> = std::iter::once(schema("id")).chain((0..3).map(local)).collect();
    assert_eq!(feed(&scene, TARGET, &few.join("\n")).exit, 0);
    assert_eq!(rejects(&scene).len(), 3);
    let many: Vec<String> = std::iter::once(schema("id")).chain((0..200).map(local)).collect();
    let ended = feed(&scene, TARGET, &many.join("\n"));
    assert_eq!(ended.exit, 2, "{ended:?}");
    assert!(ended.err.contains("200 of 200 phones in `singer:people` have no country code"), "{}", ended.err);
    assert_eq!(feed(&scene, &format!("{TARGET} --region EC"), &many.join("\n")).exit, 0);
    assert_eq!(scene.contacts("mercately").len(), 200);
}

#[test]
fn of_several_streams_one_is_named() {
    let scene = scene();
    let orders = [
        json!({"type": "SCHEMA", "stream": "orders", "schema": {"properties": {}}, "key_properties": []}),
        json!({"type": "RECORD", "stream": "orders", "record": {"sum": 1}}),
    ];
    let text = format!("{}\n{}\n{}", orders[0], orders[1], singer(0..2, 1));
    let ended = feed(&scene, TARGET, &text);
    assert_eq!(ended.exit, 2, "{ended:?}");
    assert!(ended.err.contains("`--stream orders`"), "{}", ended.err);
    assert_eq!(scene.requests(), 0, "records that may be no contacts are not imported");
    let ended = feed(&scene, &format!("{TARGET} --stream people"), &text);
    assert_eq!((ended.exit, ended.out.as_str()), (0, "{\"at\":2}\n"), "{ended:?}");
    assert!(ended.err.contains("1 record of `orders` was left out"), "{}", ended.err);
    assert_eq!(scene.contacts("mercately").len(), 2);
    let ended = feed(&scene, &format!("{TARGET} --stream clients"), &text);
    assert_eq!(ended.exit, 2, "{ended:?}");
    assert!(ended.err.contains("there was no stream `clients`") && ended.err.contains("`orders`, `people`"));
}

#[test]
fn the_key_of_a_stream_is_the_identity_where_the_target_finds_by_it() {
    let scene = scene();
    let person = |email: &str, phone: &str| singer_record(&json!({"name": "Ana Vera", "email": email, "phone": phone}));
    let text = |key: &str| [schema(key), person("a@example.com", "+593996000001")].join("\n");
    assert_eq!(feed(&scene, TARGET, &text("email")).exit, 0);
    // The phone is another contact's by now; the key says who it is.
    let moved = [schema("email"), person("a@example.com", "+593996000002")].join("\n");
    let ended = feed(&scene, TARGET, &moved);
    assert_eq!(ended.exit, 0, "{ended:?}");
    assert!(ended.err.contains("contacts are found by `email`, the key of the stream"), "{}", ended.err);
    assert_eq!(scene.contacts("mercately").len(), 1);
    // The id of the source is no identity at the target.
    let ended = feed(&scene, TARGET, &text("id"));
    assert!(!ended.err.contains("the key of the stream"), "{}", ended.err);
}

#[test]
fn the_configuration_names_the_connection_its_settings_and_options() {
    let mut scene = scene();
    let key =
        scene.sandbox().credentials().into_iter().find(|(name, _)| name.ends_with("MERCATELY_API_KEY")).unwrap().1;
    scene.set("FERRY_MERCATELY_API_KEY", "wrong");
    let config = |key: &str| json!({"connection": "mercately", "api_key": key, "max_rejects": 0, "only_existing": false, "x_key": null, "aip_key": "x", "ferry_state": "x"});
    scene.write("config.json", &config("wrong too").to_string());
    let ended = feed(&scene, "singer target --config config.json", &singer(0..2, 2));
    assert_eq!((ended.exit, ended.out.as_str()), (5, ""), "{ended:?}");
    assert!(ended.err.contains("; what the file of `--config` says comes before both"), "{}", ended.err);
    scene.write("config.json", &config(&key).to_string());
    let ended = feed(&scene, "singer target --config config.json", &singer(0..2, 2));
    assert_eq!((ended.exit, ended.out.as_str()), (0, "{\"at\":2}\n"), "{ended:?}");
    assert!(ended.err.contains("the setting `aip_key` is not known, and is ignored; did you mean `api_key`?"));
    assert!(!ended.err.contains(&key) && !ended.err.contains("ferry_state"));
    let bad = [schema("id"), singer_record(&json!({"first_name": "Eva", "phone": "1"}))].join("\n");
    assert_eq!(feed(&scene, "singer target --config config.json", &bad).exit, 8);
    assert_eq!(feed(&scene, "singer target --config config.json --max-rejects 5", &bad).exit, 0, "what is typed wins");
    scene.write("config.json", r#"{"connection": "mercately", "max_rejects": "many"}"#);
    let ended = feed(&scene, "singer target --config config.json", "");
    assert_eq!(ended.exit, 2);
    assert!(ended.err.contains("in the configuration: invalid value `many` for `--max-rejects"), "{}", ended.err);
}

#[test]
fn killed_in_the_middle_it_continues_at_the_last_state_and_creates_every_contact_once() {
    let scene = scene();
    let people = 2_600;
    let mut command = scene.command(TARGET);
    command.stdin(Stdio::piped()).stdout(File::create(scene.path("states")).unwrap());
    let mut process = begin(command);
    let mut input = process.child().stdin.take().unwrap();
    let text = singer(0..people, 100);
    std::thread::spawn(move || input.write_all(text.as_bytes()));
    let states = || scene.read("states");
    // A state has been printed, and the next portion is on its way.
    wait_until("a state and more contacts", || {
        !states().is_empty() && scene.contacts("mercately").len() > 1_100 || !process.is_running()
    });
    process.kill();
    let last: Value = serde_json::from_str(states().lines().last().unwrap()).unwrap();
    let from = usize::try_from(last["at"].as_u64().unwrap()).unwrap();
    let there = phones(&scene, "mercately");
    assert!((1_000..people).contains(&from), "{from}");
    assert_eq!(there.iter().filter(|phone| phones_of(0..from).contains(phone)).count(), from, "a state is never ahead");
    let ended = feed(&scene, TARGET, &singer(from..people, 100));
    assert_eq!(ended.exit, 0, "{ended:?}");
    assert!(ended.out.ends_with("{\"at\":2600}\n"), "{}", ended.out);
    assert_eq!(phones(&scene, "mercately"), phones_of(0..people));
    assert!(ended.err.contains("resuming `"), "the portion is the same as before the kill: {}", ended.err);
}

#[test]
fn no_state_is_printed_where_an_outcome_is_unknown() {
    let mut scene = scene();
    scene.set("FERRY_MERCATELY_TIMEOUT", "2s");
    scene.connect_by_line();
    assert_eq!(feed(&scene, TARGET, &singer(0..1, 1)).exit, 0);
    let mut is_struck = false;
    scene.rule(move |request| match is_struck {
        // The response to a create is lost, and after that no contact can be looked for.
        true => Act::Answer(500),
        false if request.starts_with("POST") => {
            is_struck = true;
            Act::LoseAnswer
        }
        false => Act::Pass,
    });
    let ended = feed(&scene, TARGET, &singer(0..2, 1));
    assert_eq!((ended.exit, ended.out.as_str()), (4, ""), "{ended:?}");
    assert!(ended.err.contains("the outcomes of 1 record are unknown"), "{}", ended.err);
    scene.rule(|_| Act::Pass);
    let ended = feed(&scene, TARGET, &singer(0..2, 1));
    assert_eq!((ended.exit, ended.out.as_str()), (0, "{\"at\":2}\n"), "{ended:?}");
    assert_eq!(phones(&scene, "mercately"), phones_of(0..2));
}

#[test]
fn a_tap_sends_what_the_account_holds_and_a_target_finds_it_unchanged() {
    let scene = scene();
    assert_eq!(feed(&scene, TARGET, &singer(0..1_200, 100)).exit, 0);
    let sent = scene.run("singer tap --from mercately");
    assert_eq!(sent.exit, 0, "{sent:?}");
    let lines = json_lines(&sent.out);
    assert_eq!(lines[0]["type"], "SCHEMA");
    assert_eq!(lines[0]["key_properties"], json!(["id"]));
    let of = |kind: &str| lines.iter().filter(|line| line["type"] == kind).collect::<Vec<_>>();
    assert_eq!(of("RECORD").len(), 1_200);
    assert!(of("RECORD").iter().all(|line| line["stream"] == "contacts" && line["time_extracted"].is_string()));
    let places: Vec<_> =
        of("STATE").iter().map(|line| line["value"]["bookmarks"]["contacts"]["records"].clone()).collect();
    assert_eq!(places, [0, 1_000, 1_200]);
    let writes = scene.writes();
    let received = feed(&scene, "singer target --to mercately --output json", &sent.out);
    let summary: Value =
        serde_json::from_str(received.err.split_once("\n{").map(|(_, json)| format!("{{{json}")).as_deref().unwrap())
            .unwrap();
    assert_eq!((received.exit, &summary["records"]["unchanged"]), (0, &json!(1_200)), "{}", received.err);
    assert_eq!(scene.writes(), writes);
}

#[test]
fn a_tap_sends_the_rest_of_a_reading_and_leaves_out_what_is_not_selected() {
    let scene = scene();
    assert_eq!(feed(&scene, TARGET, &singer(0..30, 10)).exit, 0);
    let discovered = scene.run("singer tap --from mercately --discover");
    assert_eq!(discovered.exit, 0, "{discovered:?}");
    let mut catalog: Value = serde_json::from_str(&discovered.out).unwrap();
    let metadata = catalog["streams"][0]["metadata"].as_array_mut().unwrap();
    for entry in metadata.iter_mut().filter(|entry| entry["breadcrumb"] == json!(["properties", "email"])) {
        entry["metadata"]["selected"] = json!(false);
    }
    scene.write("catalog.json", &catalog.to_string());
    scene.write("config.json", r#"{"connection": "mercately"}"#);
    let sent = scene.run("singer tap --config config.json --catalog catalog.json");
    let lines = json_lines(&sent.out);
    assert_eq!(lines[0]["schema"]["properties"].get("email"), None);
    let records: Vec<&Value> = lines.iter().filter(|line| line["type"] == "RECORD").collect();
    assert!(records.len() == 30 && records.iter().all(|line| line["record"].get("email").is_none()));
    // The receiver has kept an earlier place than the last: the rest comes from what was read, without a request.
    let requests = scene.requests();
    let mut place = lines[1]["value"].clone();
    place["bookmarks"]["contacts"]["records"] = json!(20);
    scene.write("state.json", &place.to_string());
    let rest = scene.run("singer tap --config config.json --state state.json");
    let ids = |text: &str| -> Vec<Value> {
        json_lines(text)
            .iter()
            .filter(|line| line["type"] == "RECORD")
            .map(|line| line["record"]["id"].clone())
            .collect()
    };
    assert_eq!(ids(&rest.out), ids(&sent.out)[20..]);
    assert_eq!(scene.requests(), requests);
    // After a complete one it starts over.
    scene.write("state.json", &json_lines(&rest.out).last().unwrap()["value"].to_string());
    let again = scene.run("singer tap --config config.json --state state.json");
    assert_eq!((again.exit, ids(&again.out).len()), (0, 30), "{again:?}");
    assert!(scene.requests() > requests);
    let kept = std::fs::read_dir(scene.path("state/engines")).unwrap();
    let kept = kept.filter(|file| file.as_ref().unwrap().file_name().to_str().unwrap().ends_with(".jsonl")).count();
    assert_eq!(kept, 1, "an earlier reading is removed");
}

#[test]
fn a_tap_that_was_killed_while_it_read_resumes_the_reading() {
    let mut scene = scene();
    assert_eq!(feed(&scene, TARGET, &singer(0..1_000, 500)).exit, 0);
    scene.restart(|options| options.rate = Some((10, std::time::Duration::from_secs(1))));
    scene.set("FERRY_MERCATELY_RATE", "8/s");
    let mut command = scene.command("singer tap --from mercately");
    command.stdout(File::create(scene.path("sent")).unwrap());
    let mut process = begin(command);
    wait_until("some pages", || scene.requests() >= 5 || !process.is_running());
    process.kill();
    let place = json_lines(&scene.read("sent")).last().unwrap()["value"].clone();
    assert_eq!(place["bookmarks"]["contacts"]["complete"], json!(false));
    scene.write("state.json", &place.to_string());
    let requests = scene.requests();
    scene.restart(|_| {});
    scene.set("FERRY_MERCATELY_RATE", "none");
    let sent = scene.run("singer tap --from mercately --state state.json");
    assert_eq!(sent.exit, 0, "{sent:?}");
    assert_eq!(json_lines(&sent.out).iter().filter(|line| line["type"] == "RECORD").count(), 1_000);
    // Ten pages and the check of the connection, by both processes, but for the page that was on its way.
    assert!(requests + scene.requests() <= 14, "{requests} and {}: {}", scene.requests(), sent.err);
    let exports = std::fs::read_dir(scene.path("state/runs")).unwrap().map(|run| run.unwrap().file_name());
    assert_eq!(exports.filter(|run| run.to_str().unwrap().contains("-export-")).count(), 1, "it is the same run");
}

#[test]
fn a_tap_of_a_platform_that_tells_changes_sends_what_changed() {
    let scene = scene();
    assert_eq!(feed(&scene, "singer target --to atom", &singer(0..20, 10)).exit, 0);
    let config = |method: &str| {
        let metadata = json!([{"breadcrumb": [], "metadata": {"selected": true, "replication-method": method}}]);
        scene.write(
            "catalog.json",
            &json!({"streams": [{"tap_stream_id": "contacts", "metadata": metadata}]}).to_string(),
        );
    };
    config("INCREMENTAL");
    let first = scene.run("singer tap --from atom --catalog catalog.json");
    let mut place = json_lines(&first.out).last().unwrap()["value"].clone();
    assert_eq!(place["bookmarks"]["contacts"]["records"], 20, "{first:?}");
    let reading: jiff::Timestamp = place["bookmarks"]["contacts"]["reading"].as_str().unwrap().parse().unwrap();
    let mut pass = |minutes: i64| {
        let then = reading + jiff::SignedDuration::from_mins(minutes);
        place["bookmarks"]["contacts"]["reading"] = json!(then.to_string());
        scene.write("state.json", &place.to_string());
    };
    let words = "singer tap --from atom --catalog catalog.json --state state.json";
    let records = |text: &str| json_lines(text).iter().filter(|line| line["type"] == "RECORD").count();
    // What was changed a little before the last reading is sent again: the list may have lagged.
    pass(10);
    assert_eq!(records(&scene.run(words).out), 20);
    // As if an hour had passed: no contact was changed since.
    pass(60);
    let second = scene.run(words);
    assert_eq!((second.exit, records(&second.out)), (0, 0), "{second:?}");
    config("FULL_TABLE");
    assert_eq!(records(&scene.run(words).out), 20);
}

#[test]
fn a_stream_that_stops_is_resumed_by_both_sides_and_its_reading_by_no_other_command() {
    let scene = scene();
    let bad = singer_record(&json!({"id": 1, "first_name": "Eva", "phone": "1"}));
    let text = format!("{}\n{bad}\n{}\n", schema("id"), singer_record(&record(1)));
    let received = feed(&scene, &format!("{TARGET} --max-rejects 0"), &text);
    let sent = scene.run("singer tap --from mercately --at-least 9");
    for (ended, exit) in [(&received, 8), (&sent, 6)] {
        assert_eq!(ended.exit, exit, "{ended:?}");
        let note = "note: to resume, start both sides of the stream again with the last state";
        assert!(ended.err.contains(note) && !ended.err.contains("to resume, run:"), "{}", ended.err);
    }
    let name = |command: &str| {
        let runs = run_folders(&scene.path("state"));
        let run = runs.iter().find(|run| run.to_str().unwrap().contains(command)).unwrap();
        run.file_name().unwrap().to_str().unwrap().to_owned()
    };
    let reading = name("-export-");
    let refused = scene.run(&format!("resume {reading}"));
    let told = "hint: run `ferry singer tap --from mercately --at-least 9` again with the last state";
    assert!(refused.exit == 2 && refused.err.contains(told), "{refused:?}");
    let shown = scene.run(&format!("runs {reading}"));
    assert!(
        shown.out.contains("to resume, run: ferry singer tap --from mercately --at-least 9 --state …"),
        "{shown:?}"
    );
}

#[test]
fn a_second_target_of_one_account_waits_for_no_portion() {
    let scene = scene();
    let mut command = scene.command(TARGET);
    command.stdin(Stdio::piped());
    let mut first = begin(command);
    wait_until("the first holds its lock", || {
        std::fs::read_dir(scene.path("state/engines")).into_iter().flatten().count() > 1 || !first.is_running()
    });
    let second = feed(&scene, TARGET, &singer(0..1, 1));
    assert_eq!((second.exit, second.out.as_str()), (7, ""), "{second:?}");
    // Told to stop while it waits for records, it stops. Its input stays open until then.
    let input = first.child().stdin.take();
    first.signal("TERM");
    assert_eq!(first.finish().exit, 143);
    drop(input);
}

#[test]
fn a_tap_and_a_target_say_what_they_are() {
    let scene = scene();
    for (words, name) in [("singer tap --about --format=json", "tap-ferry"), ("singer target --about", "target-ferry")]
    {
        let ended = scene.run(words);
        let about: Value = serde_json::from_str(&ended.out).unwrap();
        assert_eq!((ended.exit, &about["name"]), (0, &json!(name)));
        assert_eq!(about["settings"]["properties"]["api_key"]["secret"], json!(true));
        assert_eq!(about["settings"]["properties"].get("config"), None);
    }
    let ended = scene.run("singer target");
    assert_eq!(ended.exit, 2);
    assert!(ended.err.contains("name it with `--to`, or as `connection` in the settings"), "{}", ended.err);
}
