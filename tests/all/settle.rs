//! Requests whose outcome is unknown, the whole program against the sandbox: the run names their records, and the next
//! run settles them.

use super::support::{Act, Scene, all_platforms};
use serde_json::{Value, json};

const MAPPING: &str = "contact:\n  first_name: first\n  last_name: last\n  phone: phone\n  email: email\n";

const CLIENT_MAPPING: &str = "contact:\n  target_id: id\n  attributes:\n    Name: name\n";

/// A sandbox behind a connection that can fail. One request at a time, so that a rule can count them.
pub fn scene() -> Scene {
    let mut scene = super::support::scene(|options| options.set("twin", "clients", 3));
    scene.write("map.yaml", MAPPING);
    scene.write("clients.yaml", CLIENT_MAPPING);
    scene.set_for_all("settle", "300ms");
    scene.set_for_all("concurrency", "1");
    scene.set("FERRY_MERCATELY_FIND", "each");
    scene.set("FERRY_EADESK_FIND", "each");
    scene.connect_by_line();
    scene
}

fn writes(request: &str) -> bool {
    !request.starts_with("GET ") && request.contains("Lostina")
}

/// How often a platform holds a contact of this name.
fn times(scene: &Scene, platform: &str, name: &str) -> usize {
    scene.contacts(platform).iter().filter(|contact| contact.to_string().contains(name)).count()
}

const HEAD: &str = "first,last,phone,email\n";
const ANA: &str = "Ana,Vera,+593996000001,p1@example.com\n";
const LOSTINA: &str = "Lostina,Paz,+593996000002,p2@example.com\n";

#[test]
fn every_platform_is_asked_for_the_outcome_of_a_lost_request() {
    let cases = all_platforms();
    let cases = cases.into_iter().flat_map(|name| [(name, Act::LoseAnswer), (name, Act::Lose)]);
    let run = |(platform, act): (&'static str, Act)| {
        let scene = scene();
        let (map, first) = match platform {
            "twin" => ("clients.yaml", "id,name\n7a1e0000-0000-4000-8000-000000000001,Anna\n".to_owned()),
            _ => ("map.yaml", format!("{HEAD}{ANA}")),
        };
        let second = match platform {
            "twin" => "7a1e0000-0000-4000-8000-000000000002,Lostina\n",
            _ => LOSTINA,
        };
        scene.write("first.csv", &first);
        scene.write("all.csv", &format!("{first}{second}"));
        let told = scene.run(&format!("import first.csv --map {map} --to {platform} --output json"));
        assert_eq!(told.exit, 0, "{platform}: {told:?}");
        let mut is_struck = false;
        scene.rule(move |request| match is_struck {
            true => Act::Answer(500),
            false if writes(request) => {
                is_struck = true;
                act
            }
            false => Act::Pass,
        });
        let before = scene.writes();
        let lost = scene.run(&format!("import all.csv --map {map} --to {platform}"));
        assert_eq!(lost.exit, 4, "{platform} {act:?}: {lost:?}");
        let known = if platform == "twin" { ", `7a1e0000-0000-4000-8000-000000000002` at the target" } else { "" };
        let expected = format!("the outcome of 1 record is still unknown:\n  line 3{known}\nrun `ferry resume ");
        assert!(lost.out.contains(&expected), "{platform}: {lost:?}");
        assert!(lost.out.trim_end().ends_with(&format!("import all.csv --map {map} --to {platform}")), "{lost:?}");
        scene.rule(|_| Act::Pass);
        let found = scene.run("resume --output json");
        let done = if platform == "twin" { "updated" } else { "created" };
        assert_eq!(found.exit, 0, "{platform} {act:?}: {found:?}");
        assert_eq!(found.totals(), json!({"read": 2, "unchanged": 1, done: 1}), "{platform} {act:?}: {found:?}");
        assert_eq!(times(&scene, platform, "Lostina"), 1, "{platform} {act:?}");
        (platform, act, scene.writes() - before)
    };
    let acted: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = cases.map(|case| scope.spawn(move || run(case))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for (platform, act, acted) in acted {
        // Eadesk takes a request for the person and one for each phone and e-mail.
        let expected = if platform == "eadesk" { 3 } else { 1 };
        assert_eq!(acted, expected, "{platform} {act:?}");
    }
}

#[test]
fn records_with_an_unknown_outcome_are_named_until_it_is_known() {
    let scene = scene();
    // Somebody arrives after each of them: it is not the platform that fails.
    let people = (0..23).map(|n| {
        format!("Lostina{n},Paz,+5939960010{n:02},l{n}@example.com\nBien{n},Sol,+5939970010{n:02},b{n}@example.com\n")
    });
    scene.write("first.csv", &format!("{HEAD}{ANA}"));
    scene.write("all.csv", &format!("{HEAD}{ANA}{}", people.collect::<String>()));
    let import = "import all.csv --map map.yaml --to mercately";
    assert_eq!(scene.run("import first.csv --map map.yaml --to mercately").exit, 0);
    // Every third of them never arrives, and their contacts cannot be looked up.
    let mut struck: Vec<String> = Vec::new();
    scene.rule(move |request| {
        let email = (0..23).map(|n| format!("l{n}@example.com")).find(|email| request.contains(email.as_str()));
        let phone = (0..23).map(|n| format!("9960010{n:02}")).find(|phone| request.contains(phone.as_str()));
        if writes(request) {
            struck.extend(email.into_iter().chain(phone));
            return if struck.len().is_multiple_of(6) { Act::Lose } else { Act::LoseAnswer };
        }
        match struck.iter().any(|it| request.contains(&it.replace('@', "%40")) || request.contains(it.as_str())) {
            true => Act::Answer(400),
            false => Act::Pass,
        }
    });
    let lost = scene.run(import);
    assert_eq!(lost.exit, 4, "{lost:?}");
    let lines: String = (3..43).step_by(2).map(|line| format!("  line {line}\n")).collect();
    let expected = format!(
        "the outcome of 23 records is still unknown:\n{lines}  and 3 more, all of them with `--results FILE`\nrun `ferry resume "
    );
    assert!(lost.out.contains(&expected), "{lost:?}");

    // Two of them are still not to be looked up.
    let hidden = ["996001004", "l4%40example.com", "l4@example.com", "996001005", "l5%40example.com", "l5@example.com"];
    scene.rule(move |request| match hidden.iter().any(|it| request.contains(it)) {
        true => Act::Answer(400),
        false => Act::Pass,
    });
    let half = scene.run(&format!("{import} --results results.csv --output json"));
    assert_eq!(half.exit, 4, "{half:?}");
    assert_eq!(half.totals(), json!({"read": 47, "created": 44, "unchanged": 1, "unknown": 2}), "{half:?}");
    assert_eq!(half.summary()["unknown_records"], json!([{"line": 11}, {"line": 13}]), "{half:?}");
    let results = scene.read("results.csv");
    let unknown: Vec<&str> = results.lines().filter(|line| line.contains(",unknown,")).collect();
    assert_eq!(unknown.len(), 2, "{results}");
    assert!(unknown[0].starts_with("11,unknown,,,target.unknown,"), "{results}");

    scene.rule(|_| Act::Pass);
    let found = scene.run("resume --output json");
    assert_eq!((found.exit, found.totals()), (0, json!({"read": 47, "created": 46, "unchanged": 1})), "{found:?}");
    assert!(found.err.contains("checking the outcome of 2 requests of this run"), "{found:?}");
    assert_eq!(scene.contacts("mercately").len(), 47);
}

#[test]
fn what_an_earlier_run_left_and_cannot_be_looked_up_is_named() {
    let scene = scene();
    // A page of other contacts, on which the lookups are verified.
    let others: String = (0..120).map(|n| format!("Bien{n},Sol,+593997001{n:03},b{n}@example.com\n")).collect();
    scene.write("first.csv", &format!("{HEAD}{others}"));
    assert_eq!(scene.run("import first.csv --map map.yaml --to mercately").exit, 0);
    scene.write("all.csv", &format!("{HEAD}{ANA}{LOSTINA}"));
    scene.write("other.csv", &format!("{HEAD}Bruno,Mena,+593996000003,p3@example.com\n"));
    let is_about = |request: &str| ["996000002", "p2%40example", "p2@example"].iter().any(|it| request.contains(it));
    let mut is_struck = false;
    scene.rule(move |request| match is_about(request) {
        true if is_struck => Act::Answer(400),
        true if writes(request) => {
            is_struck = true;
            Act::LoseAnswer
        }
        _ => Act::Pass,
    });
    let lost = scene.run("import all.csv --map map.yaml --to mercately --output json");
    assert_eq!(lost.exit, 4, "{lost:?}");
    let run = lost.run();
    let other = scene.run("import other.csv --map map.yaml --to mercately --output json");
    assert_eq!(other.exit, 0, "{other:?}");
    let note = format!("the outcome of 1 request is still unknown; the next run will check again: line 3 of `{run}`");
    assert!(other.err.contains(&note), "{other:?}");
    scene.rule(|_| Act::Pass);
    let found = scene.run(&format!("resume {run} --output json"));
    assert_eq!((found.exit, found.totals()), (0, json!({"read": 2, "created": 2})), "{found:?}");
    assert_eq!(times(&scene, "mercately", "Lostina"), 1);
}

#[test]
fn a_created_person_whose_items_fail_is_completed_later() {
    for on_existing in ["update", "fill", "skip"] {
        let scene = scene();
        scene.write("all.csv", &format!("{HEAD}{ANA}{LOSTINA}"));
        let is_mail = |request: &str| request.contains("/contacts/create/") && request.contains("p2@example.com");
        scene.rule(move |request| if is_mail(request) { Act::Answer(500) } else { Act::Pass });
        let import = format!("import all.csv --map map.yaml --to eadesk --on-existing {on_existing}");
        let lost = scene.run(&format!("{import} --results results.csv"));
        assert_eq!(lost.exit, 4, "{lost:?}");
        assert!(lost.out.contains("the outcome of 1 record is still unknown:\n  line 3, `"), "{lost:?}");
        let results = scene.read("results.csv");
        let expected = ",target.unknown,\"created at the target, but not completely in 3 tries: Eadesk";
        assert!(results.contains(expected), "{results}");
        scene.rule(|_| Act::Pass);
        let found = scene.run("resume --output json");
        assert_eq!((found.exit, found.totals()), (0, json!({"read": 2, "created": 2})), "{found:?}");
        let people = scene.contacts("eadesk");
        let items = |person: &Value| person["contacts"].as_array().unwrap().len();
        assert_eq!(people.iter().map(items).collect::<Vec<_>>(), [2, 2], "{people:?}");
    }
}

#[test]
fn an_item_that_the_platform_refuses_is_named_and_the_others_arrive() {
    let scene = scene();
    scene.write(
        "phones.yaml",
        &format!("{MAPPING}  phones: {{ from: phone, split: \"/\" }}\n").replace("  phone: phone\n", ""),
    );
    scene.write("all.csv", &format!("{HEAD}Ana,Vera,+593996000001/+593996000009,p1@example.com\n"));
    let is_first = |request: &str| request.contains("/contacts/create/") && request.contains("996000001");
    scene.rule(move |request| if is_first(request) { Act::Answer(400) } else { Act::Pass });
    let told = scene.run("import all.csv --map phones.yaml --to eadesk --output json");
    assert_eq!((told.exit, told.totals()), (0, json!({"read": 1, "created": 1})), "{told:?}");
    assert_eq!(told.summary()["not_carried"], json!({"phones": 1}), "{told:?}");
    let people = scene.contacts("eadesk");
    let values: Vec<&Value> = people[0]["contacts"].as_array().unwrap().iter().map(|item| &item["value"]).collect();
    assert_eq!((people.len(), values), (1, vec![&json!("+593996000009"), &json!("p1@example.com")]));
}

#[test]
fn a_tag_that_was_dropped_from_a_create_whose_answer_was_lost_is_named() {
    for on_existing in ["update", "fill", "skip"] {
        let scene = scene();
        scene.write("tags.yaml", &format!("{MAPPING}  tags: {{ from: tags, split: \";\" }}\n"));
        scene.write("all.csv", "first,last,phone,email,tags\nLostina,Paz,+593996000002,p2@example.com,VIP;Moroso\n");
        let mut is_struck = false;
        scene.rule(move |request| match writes(request) && !std::mem::replace(&mut is_struck, writes(request)) {
            true => Act::LoseAnswer,
            false => Act::Pass,
        });
        let import = format!("import all.csv --map tags.yaml --to mercately --on-existing {on_existing} --output json");
        let told = scene.run(&import);
        assert_eq!((told.exit, told.totals()), (0, json!({"read": 1, "created": 1})), "{told:?}");
        assert_eq!(told.summary()["not_carried"], json!({"tags.Moroso": 1}), "{on_existing}: {told:?}");
        assert_eq!(times(&scene, "mercately", "Lostina"), 1);
    }
}

/// A stop that leaves everything as it is: every request after `is_it` is refused for its token.
fn refused_from(is_it: impl Fn(&str) -> bool + Send + 'static, first: Act) -> impl FnMut(&str) -> Act + Send {
    let mut is_over = false;
    move |request| match (is_over, is_it(request)) {
        (true, _) => Act::Answer(401),
        (false, true) => {
            is_over = true;
            first
        }
        _ => Act::Pass,
    }
}

#[test]
fn a_contact_that_a_stopped_run_created_is_its_own_although_the_file_was_edited() {
    for (platform, on_existing) in
        [("mercately", "update"), ("eadesk", "update"), ("eadesk", "fill"), ("eadesk", "skip")]
    {
        let scene = scene();
        scene.write("all.csv", &format!("{HEAD}{LOSTINA}"));
        let import = format!("import all.csv --map map.yaml --to {platform} --on-existing {on_existing} --output json");
        let (is_it, first): (fn(&str) -> bool, _) = match platform {
            "eadesk" => (|request| request.contains("/contacts/create/"), Act::Answer(401)),
            _ => (writes, Act::LoseAnswer),
        };
        scene.rule(refused_from(is_it, first));
        let stopped = scene.run(&import);
        assert_eq!(stopped.exit, 5, "{platform}: {stopped:?}");
        scene.rule(|_| Act::Pass);
        scene.write("all.csv", &format!("{HEAD}{ANA}{LOSTINA}"));
        let found = scene.run(&import);
        assert_eq!(
            (found.exit, found.totals()),
            (0, json!({"read": 2, "created": 2})),
            "{platform} {on_existing}: {found:?}"
        );
        assert_eq!(scene.contacts(platform).len(), 2, "{platform}");
        if platform == "eadesk" {
            let people = scene.contacts(platform);
            let items = |person: &Value| person["contacts"].as_array().unwrap().len();
            assert_eq!(people.iter().map(items).collect::<Vec<_>>(), [2, 2], "{on_existing}: {people:?}");
            let run = found.run();
            let undone = scene.run(&format!("undo {run} --output json"));
            assert_eq!(undone.totals(), json!({"read": 2, "deleted": 2}), "{on_existing}: {undone:?}");
        }
    }
}

#[test]
fn a_list_that_was_being_filled_is_filled_to_its_end() {
    let scene = scene();
    let phones = MAPPING.replace("  phone: phone\n", "  phones: { from: phone, split: \"/\" }\n");
    scene.write("phones.yaml", &phones);
    scene.write("first.csv", &format!("{HEAD}Lostina,Paz,,p2@example.com\n"));
    let import = |file: &str| format!("import {file} --map phones.yaml --to eadesk --on-existing fill --output json");
    assert_eq!(scene.run(&import("first.csv")).exit, 0);
    scene.write("all.csv", &format!("{HEAD}Lostina,Paz,+593996000002/+593996000009,p2@example.com\n"));
    scene.rule(refused_from(
        |request| request.contains("/contacts/create/") && request.contains("0009"),
        Act::Answer(401),
    ));
    assert_eq!(scene.run(&import("all.csv")).exit, 5);
    scene.rule(|_| Act::Pass);
    let found = scene.run("resume --output json");
    assert_eq!((found.exit, found.totals()), (0, json!({"read": 1, "updated": 1})), "{found:?}");
    let people = scene.contacts("eadesk");
    assert_eq!(people[0]["contacts"].as_array().unwrap().len(), 3, "{people:?}");
}

#[test]
fn a_created_contact_that_cannot_be_read_is_unknown() {
    let scene = scene();
    scene.write("all.csv", &format!("{HEAD}{ANA}{LOSTINA}"));
    let mut is_struck = false;
    scene.rule(move |request| {
        if request.contains("/contacts/create/") && request.contains("0002") {
            is_struck = true;
            return Act::Answer(500);
        }
        if is_struck && request.contains("/read?id=") { Act::Answer(400) } else { Act::Pass }
    });
    let lost = scene.run("import all.csv --map map.yaml --to eadesk --output json");
    assert_eq!((lost.exit, lost.totals()), (4, json!({"read": 2, "created": 1, "unknown": 1})), "{lost:?}");
    scene.rule(|_| Act::Pass);
    let found = scene.run("resume --output json");
    assert_eq!((found.exit, found.totals()), (0, json!({"read": 2, "created": 2})), "{found:?}");
    assert_eq!(scene.contacts("eadesk").len(), 2);
}

#[test]
fn a_record_without_any_lookup_field_of_the_target_is_rejected() {
    let scene = scene();
    let mapping = "identity: [document.number, phone]\ncontact:\n  first_name: first\n  last_name: last\n  phone: phone\n  document: { number: doc }\n";
    scene.write("documents.yaml", mapping);
    scene.write("all.csv", "first,last,phone,doc\nAna,Vera,+593996000001,17\nLostina,Paz,,18\n");
    let told = scene.run("import all.csv --map documents.yaml --to mercately --output json");
    assert_eq!(told.summary()["rejects"], json!({"identity.missing": 1}), "{told:?}");
    assert_eq!((told.exit, scene.contacts("mercately").len()), (3, 1));
}

#[test]
fn a_partially_created_contact_is_completed_although_the_edited_file_has_another_name() {
    let scene = scene();
    scene.write("all.csv", &format!("{HEAD}{LOSTINA}"));
    let import = "import all.csv --map map.yaml --to eadesk --output json";
    scene.rule(refused_from(|request| request.contains("/contacts/create/"), Act::Answer(401)));
    assert_eq!(scene.run(import).exit, 5);
    scene.rule(|_| Act::Pass);
    scene.write("all.csv", &format!("{HEAD}{}", LOSTINA.replace("Lostina,Paz", "Lostina,Mena")));
    let found = scene.run(import);
    assert_eq!(found.exit, 0, "{found:?}");
    let people = scene.contacts("eadesk");
    assert_eq!((people.len(), people[0]["contacts"].as_array().unwrap().len()), (1, 2), "{people:?}");
}

#[test]
fn a_change_of_which_a_part_never_arrives_is_rejected_as_that() {
    let scene = scene();
    let phones = MAPPING.replace("  phone: phone\n", "  phones: { from: phone, split: \"/\" }\n");
    scene.write("phones.yaml", &phones);
    scene.write("first.csv", &format!("{HEAD}{ANA}Lostina,Paz,,p2@example.com\n"));
    let import = |file: &str| format!("import {file} --map phones.yaml --to eadesk --output json --rejects left.csv");
    assert_eq!(scene.run(&import("first.csv")).exit, 0);
    scene.write("all.csv", &format!("{HEAD}Lostina,Paz,+593996000002/+593996000009,p2@example.com\n"));
    let is_second = |request: &str| request.contains("/contacts/create/") && request.contains("0009");
    scene.rule(move |request| if is_second(request) { Act::Answer(500) } else { Act::Pass });
    let failed = scene.run(&import("all.csv"));
    assert_eq!((failed.exit, failed.totals()), (3, json!({"read": 1, "rejected": 1})), "{failed:?}");
    let left = scene.read("left.csv");
    assert!(
        left.contains("phones,target.failed,\"tried 3 times, and not all of it is at the target: Eadesk"),
        "{left}"
    );
    scene.rule(|_| Act::Pass);
    let mended = scene.run("import left.csv --map phones.yaml --to eadesk --output json");
    assert_eq!((mended.exit, mended.totals()), (0, json!({"read": 1, "updated": 1})), "{mended:?}");
}
