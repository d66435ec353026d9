//! `ferry undo`, the whole program against the sandbox: contacts get back their earlier values, what another party
//! has changed since stays, and an undo is a run like any other.

use super::support::{Ended, Scene, can_delete, creating_platforms, json_lines};
use ferry::sandbox::FaultKind;
use serde_json::{Value, json};
use std::fs;
use std::time::Duration;

const MAPPING: &str = "contact:
  first_name: first
  last_name: last
  phone: phone
  email: { from: email, on_existing: update }
  tags: { from: tags, split: \";\" }
  notes: notes
  attributes:
    Plan: plan
";

/// First names, and the ends of phones, for many people.
const BASE: &str = "first,last,phone,email,tags,notes,plan
Ana,Vera,+593996000001,ana@example.com,Cliente,early,Basic
Bruno,Mena,+593996000002,bruno@example.com,,,
Carla,Ruiz,+593996000003,,VIP,old,Pro
";

/// Every kind of change: another value, a value for a blank, one more tag, a new contact; and no change at all.
const NEXT: &str = "first,last,phone,email,tags,notes,plan
Ana,Vera,+593996000001,ana.vera@example.com,VIP,late,Pro
Bruno,Mena Paz,+593996000002,bruno@example.com,Cliente,new,Basic
Carla,Ruiz,+593996000003,,VIP,old,Pro
Diego,Salas,+593996000004,diego@example.com,VIP,,
";

const CLIENTS: &str = "id,name,plan\n7a1e0000-0000-4000-8000-000000000001,Anna,Gold\n\
                       7a1e0000-0000-4000-8000-000000000004,Dora,Gold\n";
const CLIENT_MAPPING: &str = "contact:\n  target_id: id\n  attributes:\n    Name: name\n    Plan: plan\n";

fn scene() -> Scene {
    let mut scene = super::support::scene(|_| {});
    for (name, text) in [
        ("map.yaml", MAPPING),
        ("base.csv", BASE),
        ("next.csv", NEXT),
        ("clients.csv", CLIENTS),
        ("clients.yaml", CLIENT_MAPPING),
    ] {
        scene.write(name, text);
    }
    scene.set_for_all("settle", "1s");
    scene.set("FERRY_EADESK_SEGMENTS", "Cliente=s1,VIP=s2");
    scene
}

/// A command that must end well, its summary as JSON. An undo that left something says so in its exit code.
fn done(scene: &Scene, words: &str) -> Ended {
    let ended = scene.run_json(words);
    let is_left = |name: &str| ended.summary().get(name).is_some();
    let left = words.starts_with("undo") && ["changed_since", "not_taken_back", "left_file"].into_iter().any(is_left);
    assert_eq!(ended.exit, if left { 3 } else { 0 }, "{words}\n{ended:?}");
    ended
}

/// What a platform holds, in the order of names, without its own clock; a custom field that is blank is none.
fn held(scene: &Scene, platform: &str) -> Vec<Value> {
    let mut contacts = scene.contacts(platform);
    for contact in contacts.iter_mut().filter_map(Value::as_object_mut) {
        contact.remove("updatedAt");
        if let Some(items) = contact.get_mut("optionals").and_then(Value::as_object_mut) {
            items.sort_keys();
        }
        if let Some(fields) = contact.get_mut("custom_fields").and_then(Value::as_array_mut) {
            fields.retain(|field| field["field_content:"] != "");
        }
    }
    let name = |contact: &Value| {
        let names = ["firstName", "first_name", "name"].map(|key| contact.get(key).cloned());
        names.into_iter().flatten().find_map(|name| name.as_str().map(str::to_owned))
    };
    contacts.sort_by_key(name);
    contacts
}

fn import(scene: &Scene, platform: &str, file: &str) -> Ended {
    let map = if file == "clients.csv" { "clients.yaml" } else { "map.yaml" };
    done(scene, &format!("import {file} --map {map} --to {platform} --fresh --concurrency 1"))
}

/// The list of what a run left.
fn left(scene: &Scene, run: &str) -> String {
    fs::read_to_string(scene.path(&format!(".ferry/runs/{run}/left.csv"))).unwrap_or_else(|_| "none".to_owned())
}

#[test]
fn values_that_a_run_changed_go_back_and_the_undo_can_be_undone() {
    for platform in creating_platforms() {
        let scene = scene();
        import(&scene, platform, "base.csv");
        let before = held(&scene, platform);
        let run = import(&scene, platform, "next.csv").run();
        let after = held(&scene, platform);
        assert_ne!(before[..3], after[..3], "{platform}");

        let undone = done(&scene, &format!("undo {run}"));
        let deletes = can_delete(platform);
        let expected = if deletes {
            json!({ "read": 3, "restored": 2, "deleted": 1 })
        } else {
            json!({ "read": 3, "restored": 2, "skipped": 1 })
        };
        assert_eq!(undone.totals(), expected, "{platform}\n{}", undone.out);
        assert_eq!(held(&scene, platform)[..3], before[..3], "{platform}");
        let left = left(&scene, &undone.run());
        assert_eq!(left.contains("no call to delete it"), !deletes, "{platform}\n{left}");

        // Once more, there is nothing left to do.
        let again = done(&scene, &format!("undo {run}"));
        let (expected, books) = match deletes {
            true => ("{}", json!({ "read": 3, "unchanged": 3 })),
            false => ("{\"kept\":1}", json!({ "read": 3, "unchanged": 2, "skipped": 1 })),
        };
        assert_eq!(again.totals(), books, "{platform}");
        assert!(again.err.contains(&format!("`{run}` was undone before, by `{}`", undone.run())), "{}", again.err);
        assert_eq!(again.summary()["skipped"].to_string(), expected, "{platform}");

        // Back again, but for who was deleted.
        let redone = done(&scene, &format!("undo {}", undone.run()));
        let skipped = if deletes {
            json!({ "read": 3, "restored": 2, "skipped": 1 })
        } else {
            json!({ "read": 2, "restored": 2 })
        };
        assert_eq!(redone.totals(), skipped, "{platform}\n{}", redone.out);
        assert_eq!(without_item_ids(&held(&scene, platform)[..3]), without_item_ids(&after[..3]), "{platform}");
    }
}

/// An item that is made again is another one.
fn without_item_ids(contacts: &[Value]) -> Vec<Value> {
    let mut contacts = contacts.to_vec();
    for contact in &mut contacts {
        if let Some(items) = contact.get_mut("contacts").and_then(Value::as_array_mut) {
            items.iter_mut().for_each(|item| item["id"] = Value::Null);
        }
    }
    contacts
}

#[test]
fn values_of_clients_that_cannot_be_created_are_restored_or_deleted() {
    let scene = scene();
    let export = || {
        scene.write("ids.txt", "7a1e0000-0000-4000-8000-000000000001\n7a1e0000-0000-4000-8000-000000000004\n");
        done(&scene, "export --from twin --out out.jsonl --limit 40");
        scene.read("out.jsonl")
    };
    let before = export();
    let run = import(&scene, "twin", "clients.csv").run();
    assert_ne!(export(), before);
    let undone = done(&scene, &format!("undo {run}"));
    assert_eq!(undone.totals(), json!({ "read": 2, "restored": 2 }), "{}", undone.out);
    assert_eq!(export(), before);
    let redone = done(&scene, &format!("undo {}", undone.run()));
    assert_eq!(redone.totals(), json!({ "read": 2, "restored": 2 }), "{}", redone.out);
    assert_ne!(export(), before);
}

#[test]
fn what_another_party_has_changed_since_is_left_alone_and_listed_with_the_three_values() {
    for platform in creating_platforms() {
        let scene = scene();
        import(&scene, platform, "base.csv");
        let before = held(&scene, platform);
        let run = import(&scene, platform, "next.csv").run();
        // Notes are held by two of them, an attribute by two of them.
        scene.write("later.csv", "first,last,phone,email,tags,notes,plan\nAna,Vera,+593996000001,,,theirs,Theirs\n");
        import(&scene, platform, "later.csv");
        let undone = done(&scene, &format!("undo {run}"));
        let now = held(&scene, platform);
        let summary = undone.summary();
        let fields: Vec<&str> = summary["changed_since"].as_object().unwrap().keys().map(String::as_str).collect();
        let left = left(&scene, &undone.run());
        let was = |field: &str, now: &str, written: &str, before: &str| {
            format!("`{field}` is `{now}` now; it was written as `{written}`, and was `{before}` before")
        };
        if platform != "atom" {
            assert!(fields.contains(&"notes"), "{platform} {fields:?}");
            assert!(left.contains(&was("notes", "theirs", "late", "early")), "{platform}\n{left}");
        }
        if platform != "eadesk" {
            assert!(fields.contains(&"attributes.Plan"), "{platform} {fields:?}");
            assert!(left.contains(&was("attributes.Plan", "Theirs", "Pro", "Basic")), "{platform}\n{left}");
        }
        // The others are back all the same, of this contact too.
        assert_eq!(now[1..3], before[1..3], "{platform}");
        assert!(!now[0].to_string().contains("ana.vera@example.com"), "{platform} {}", now[0]);
    }
}

#[test]
fn a_created_contact_that_was_changed_since_is_not_deleted() {
    let scene = scene();
    let run = import(&scene, "eadesk", "base.csv").run();
    scene.write("later.csv", "first,last,phone,email,tags,notes,plan\nBruno,Mena,+593996000002,,,theirs,\n");
    import(&scene, "eadesk", "later.csv");
    let undone = done(&scene, &format!("undo {run}"));
    assert_eq!(undone.totals(), json!({ "read": 3, "deleted": 2, "skipped": 1 }), "{}", undone.out);
    let held = held(&scene, "eadesk");
    assert_eq!((held.len(), held[0]["name"].as_str()), (1, Some("Bruno Mena")));
    assert!(left(&scene, &undone.run()).contains("`notes` is `theirs` now, and was created as blank"));
}

#[test]
fn one_field_alone_goes_back() {
    for platform in creating_platforms() {
        let scene = scene();
        import(&scene, platform, "base.csv");
        let run = import(&scene, platform, "next.csv").run();
        let undone = done(&scene, &format!("undo {run} --only email"));
        let text = serde_json::to_string(&held(&scene, platform)).unwrap();
        assert!(text.contains("ana@example.com") && !text.contains("ana.vera@example.com"), "{platform} {text}");
        // That of the created contact, too; no contact is deleted.
        assert!(!text.contains("diego@example.com") && text.contains("Diego"), "{platform} {text}");
        assert!(text.contains("VIP") || text.contains("s2"), "{platform} {text}");
        assert_eq!(undone.totals(), json!({ "read": 2, "restored": 2 }), "{platform}\n{}", undone.out);
    }
}

#[test]
fn a_dry_run_says_what_would_be_done_and_writes_nothing() {
    let scene = scene();
    import(&scene, "eadesk", "base.csv");
    let run = import(&scene, "eadesk", "next.csv").run();
    let before = (held(&scene, "eadesk"), scene.writes());
    let looked = done(&scene, &format!("undo {run} --dry-run --plan plan.jsonl"));
    assert_eq!((held(&scene, "eadesk"), scene.writes()), before);
    assert_eq!(looked.summary()["status"], "dry-run");
    assert_eq!(looked.totals(), json!({ "read": 3, "restored": 2, "deleted": 1 }));
    let plan = scene.read("plan.jsonl");
    let lines = json_lines(&plan);
    let of = |line: u64| lines.iter().find(|row| row["line"] == line).unwrap();
    let outcomes = [2, 3, 5].map(|line| of(line)["outcome"].as_str().unwrap());
    assert_eq!(outcomes, ["updated", "updated", "deleted"]);
    let notes = json!({ "field": "notes", "now": "late", "back_to": "early" });
    assert!(of(2)["changes"].as_array().unwrap().contains(&notes), "{plan}");
}

#[test]
fn a_dry_run_foretells_the_requests_of_the_undo_and_the_receipt_names_the_run() {
    let scene = scene();
    // Nothing is cleared, which would be read back.
    let run = import(&scene, "eadesk", "base.csv").run();
    let looked = done(&scene, &format!("undo {run} --dry-run"));
    assert!(looked.summary().get("receipt").is_none(), "{}", looked.out);
    let undone = done(&scene, &format!("undo {run}"));
    assert_eq!(looked.summary()["forecast"]["requests"], undone.summary()["requests"]["sent"], "{}", undone.out);
    let receipt = scene.read(&format!(".ferry/runs/{}/receipt.json", undone.run()));
    let receipt: Value = serde_json::from_str(&receipt).unwrap();
    let named = (&receipt["command"], &receipt["source"], &receipt["records"]["deleted"]);
    assert_eq!(named, (&json!("undo"), &json!({ "run": run }), &json!(3)), "{receipt}");
}

#[test]
fn an_undo_that_was_killed_is_resumed() {
    let mut scene = scene();
    let people: String = (0..300).map(|n| format!("Ana{n},Vera,+59399700{n:04},a{n}@example.com,,,\n")).collect();
    scene.write("many.csv", &format!("first,last,phone,email,tags,notes,plan\n{people}"));
    let run = done(&scene, "import many.csv --map map.yaml --to eadesk").run();
    scene.restart(|options| {
        options.faults = vec![(FaultKind::Slow, 1.0)];
        options.slow = Duration::from_millis(40);
    });
    let writes = scene.writes();
    let process = scene.begin(&format!("undo {run}"));
    scene.wait_until("40 requests", |scene| scene.writes() >= writes + 40);
    process.kill();
    let rest = held(&scene, "eadesk").len();
    assert!(0 < rest && rest < 300, "{rest}");
    scene.restart(|_| {});
    let name = run.rsplit('-').next().unwrap();
    let again = done(&scene, &format!("undo {name}"));
    assert_eq!(held(&scene, "eadesk").len(), 0);
    let books = again.totals();
    assert_eq!((&books["read"], books["pending"].as_u64()), (&json!(300), None), "{books}");
    assert_eq!(books["deleted"], json!(300), "{books}\n{}", again.err);
    assert!(again.err.contains("resuming `"), "{}", again.err);
}

#[test]
fn an_undo_of_a_run_that_changed_nothing_says_so() {
    let scene = scene();
    import(&scene, "mercately", "base.csv");
    let again = import(&scene, "mercately", "base.csv").run();
    let writes = scene.writes();
    for words in [format!("undo {again} --dry-run"), format!("undo {again}")] {
        let undone = done(&scene, &words);
        assert_eq!((undone.totals(), scene.writes()), (json!({}), writes), "{}", undone.out);
        let told = format!("note: `{again}` changed nothing, so there is nothing to undo\n");
        assert!(undone.err.contains(&told), "{}", undone.err);
    }
}

#[test]
fn what_cannot_be_undone_is_reported_before_anything_is_sent() {
    let scene = scene();
    done(&scene, "convert base.csv --out out.jsonl");
    let convert = done(&scene, "runs").summary()[0]["run"].as_str().unwrap().to_owned();
    for (words, expected) in [
        ("undo".to_owned(), "there is no RUN, and without a terminal Ferry cannot ask for one"),
        ("undo nothing".to_owned(), "there is no run `nothing`"),
        (format!("undo {convert}"), "wrote to no platform: there is nothing to undo"),
    ] {
        let printed = scene.run(&words);
        assert_eq!(printed.exit, 2, "{words}\n{}", printed.err);
        assert!(printed.err.contains(expected), "{words}\n{}", printed.err);
    }
    let run = import(&scene, "mercately", "base.csv").run();
    let printed = scene.run(&format!("undo {run} --only emial"));
    assert!(printed.exit == 2 && printed.err.contains("did you mean `email`?"), "{}", printed.err);
}

/// The wrong column is mapped to the notes, and one to an attribute that is to be none.
const WRONG: &str = "contact:
  first_name: first
  last_name: last
  phone: phone
  email: { from: email, on_existing: update }
  tags: { from: last, split: \";\" }
  notes: plan
  attributes:
    Plan: notes
";

#[test]
fn a_corrected_mapping_changes_only_what_is_still_as_the_run_wrote_it() {
    for platform in creating_platforms() {
        let scene = scene();
        import(&scene, platform, "base.csv");
        scene.write("wrong.yaml", WRONG);
        let wrong = done(&scene, &format!("import next.csv --map wrong.yaml --to {platform}"));
        scene.write("later.csv", "first,last,phone,email,tags,notes,plan\nBruno,Mena,+593996000002,,,theirs,Theirs\n");
        import(&scene, platform, "later.csv");
        let right = done(&scene, &format!("import next.csv --map map.yaml --to {platform} --correct {}", wrong.run()));
        let held = held(&scene, platform);
        let is = |place: usize, value: &str| held[place].to_string().contains(value);
        // Ana: the right values; the tags of before and the right one, and none of the wrong ones.
        let (first, second) = if platform == "eadesk" { ("s1", "s2") } else { ("Cliente", "VIP") };
        assert!(is(0, first) && is(0, second), "{platform} {}", held[0]);
        assert!(!held[0]["tags"].to_string().contains("Vera"), "{platform} {}", held[0]);
        if platform != "atom" {
            assert_eq!(held[0].get("notes").or(held[0].get("description")), Some(&json!("late")), "{platform}");
            assert!(is(1, "theirs"), "{platform} {}", held[1]);
            assert_eq!(right.summary()["changed_since"]["notes"], 1, "{platform} {}", right.out);
        }
        if platform != "eadesk" {
            assert!(is(0, "\"Pro\""), "{platform} {}", held[0]);
            assert!(is(1, "Theirs"), "{platform} {}", held[1]);
        }
        assert_eq!(right.summary()["records"]["created"], 0, "{platform}");
        // Once more, there is nothing left to correct.
        let writes = scene.writes();
        done(&scene, &format!("import next.csv --map map.yaml --to {platform} --fresh --correct {}", wrong.run()));
        assert_eq!(scene.writes(), writes, "{platform}");
        // And the correction can be undone.
        let undone = done(&scene, &format!("undo {}", right.run()));
        assert_eq!(undone.summary()["records"]["restored"], right.summary()["records"]["updated"], "{platform}");
    }
}

#[test]
fn where_the_right_value_is_blank_the_one_from_before_comes_back() {
    let scene = scene();
    import(&scene, "mercately", "base.csv");
    scene.write("wrong.yaml", WRONG);
    // The notes of Carla were `old`; the wrong column says `Pro`, and the right one is blank.
    scene.write("one.csv", "first,last,phone,email,tags,notes,plan\nCarla,Ruiz,+593996000003,,,,Gold\n");
    let wrong = done(&scene, "import one.csv --map wrong.yaml --to mercately").run();
    assert_eq!(held(&scene, "mercately")[2]["notes"], "Gold");
    let right = done(&scene, &format!("import one.csv --map map.yaml --to mercately --correct {wrong}"));
    assert_eq!(right.totals(), json!({ "read": 1, "updated": 1 }), "{}", right.out);
    assert_eq!(held(&scene, "mercately")[2]["notes"], "old");
}

#[test]
fn a_contact_created_under_a_wrong_phone_is_known_by_its_line() {
    let scene = scene();
    scene.write("phones.csv", "first,last,work,mobile\nAna,Vera,+593996000011,+593996000021\n");
    scene.write("wrong.yaml", "contact:\n  first_name: first\n  last_name: last\n  phone: work\n");
    scene.write("right.yaml", "contact:\n  first_name: first\n  last_name: last\n  phone: mobile\n");
    let wrong = done(&scene, "import phones.csv --map wrong.yaml --to mercately").run();
    let right = done(&scene, &format!("import phones.csv --map right.yaml --to mercately --correct {wrong}"));
    assert_eq!(right.totals(), json!({ "read": 1, "updated": 1 }), "{}", right.out);
    let held = held(&scene, "mercately");
    assert_eq!((held.len(), held[0]["phone"].as_str()), (1, Some("+593996000021")));
}

#[test]
fn what_the_mapping_takes_away_is_not_brought_back_by_a_correction() {
    for mode in ["remove", "replace"] {
        let mut scene = scene();
        scene.restart(|_| {});
        import(&scene, "atom", "base.csv");
        let mapping = "contact:\n  first_name: first\n  last_name: last\n  phone: phone\n  \
                       email: { from: email, clear: true }\n  tags: { from: tags, split: \";\", mode: MODE }\n";
        scene.write("take.yaml", &mapping.replace("MODE", mode));
        let tags = if mode == "remove" { "Cliente" } else { "VIP" };
        scene.write("take.csv", &format!("first,last,phone,email,tags\nAna,Vera,+593996000001,,{tags}\n"));
        let take = "import take.csv --map take.yaml --to atom --max-clears 5";
        let taken = done(&scene, take);
        assert_eq!(taken.totals(), json!({"read": 1, "updated": 1}), "{mode}");
        let before = held(&scene, "atom");
        let corrected = done(&scene, &format!("{take} --correct {}", taken.run()));
        assert_eq!(corrected.totals(), json!({"read": 1, "unchanged": 1}), "{mode}\n{}", corrected.out);
        assert_eq!(held(&scene, "atom"), before, "{mode}");
    }
}

#[test]
fn what_ferry_has_undone_itself_is_not_the_change_of_another_party() {
    let scene = scene();
    import(&scene, "eadesk", "base.csv");
    let before = held(&scene, "eadesk");
    let run = import(&scene, "eadesk", "next.csv").run();
    let first = done(&scene, &format!("undo {run} --only email"));
    assert_eq!(first.totals(), json!({ "read": 2, "restored": 2 }), "{}", first.out);
    let rest = done(&scene, &format!("undo {run}"));
    assert_eq!(rest.totals(), json!({ "read": 3, "restored": 2, "deleted": 1 }), "{}", rest.out);
    assert_eq!(without_item_ids(&held(&scene, "eadesk")), without_item_ids(&before));
    let nothing = done(&scene, &format!("undo {run} --only handles"));
    assert_eq!(nothing.totals(), json!({}), "{}", nothing.out);
    assert!(nothing.err.contains("wrote no `handles`, so there is nothing to undo"), "{}", nothing.err);
}

#[test]
fn a_name_that_the_platform_needs_stays_and_the_dry_run_knows_it() {
    let scene = scene();
    let run = import(&scene, "mercately", "base.csv").run();
    let looked = done(&scene, &format!("undo {run} --only first_name --dry-run"));
    assert_eq!(looked.totals(), json!({ "read": 3, "skipped": 3 }), "{}", looked.out);
    let undone = done(&scene, &format!("undo {run} --only first_name"));
    assert_eq!((undone.totals(), undone.summary()["skipped"].clone()), (looked.totals(), json!({ "kept": 3 })));
}
