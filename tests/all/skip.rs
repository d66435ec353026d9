//! Suppression lists: who is on one is not sent, and a list that would suppress no contact by mistake stops the run.

use super::dry::scene;
use super::support::{Ended, Scene};
use serde_json::{Value, json};
use std::fs;

const SOURCE: &str = "First,Last,Mobile,Phone,Email
Ana,Vera,0991234567,,ana@example.com
Bea,Paz,0991234568,,bea@example.com
Caro,Ruiz,0991234569,022345678,caro@example.com
Dora,Sol,0991234570,,Dora@Example.com
Eva,Luz,+5215512345678,,eva@example.com
";
const MAPPING: &str = "version: 1\nphone_region: EC\ncontact:\n  first_name: First\n  last_name: Last\n  phones: { all: [Mobile, Phone] }\n  email: Email\n";

fn with_source() -> Scene {
    let scene = scene(|_| {});
    scene.write("people.csv", SOURCE);
    scene.write("m.yaml", MAPPING);
    scene
}

fn import(scene: &Scene, options: &str) -> Ended {
    scene.run_json(&format!("import people.csv --map m.yaml --to mercately {options}"))
}

fn names(scene: &Scene) -> Vec<String> {
    let name = |contact: &Value| contact["first_name"].as_str().unwrap().to_owned();
    let mut names: Vec<String> = scene.contacts("mercately").iter().map(name).collect();
    names.sort();
    names
}

#[test]
fn contacts_on_a_list_are_skipped_by_phone_and_email_in_any_form() {
    // A mobile without its country code, a further phone, an e-mail in other letters, the short form of Mexico.
    let lists = [
        ("list.csv", "Phone\n0991234568\n02 234 5678\n"),
        ("more.csv", "Name;E-mail;Teléfono\nDora;dora@EXAMPLE.com;\nEva;;+52 55 1234 5678\n"),
    ];
    let scene = with_source();
    lists.iter().for_each(|(name, text)| scene.write(name, text));
    let options = "--skip list.csv --skip more.csv";
    for dry in ["--dry-run", "--results out.csv"] {
        let ended = import(&scene, &format!("{options} {dry}"));
        assert_eq!(ended.exit, 0, "{ended:?}");
        assert_eq!(ended.totals(), json!({ "read": 5, "created": 1, "skipped": 4 }), "{ended:?}");
        assert_eq!(ended.summary()["skipped"], json!({ "suppressed": 4 }));
    }
    assert_eq!(names(&scene), ["Ana"]);
    assert_eq!(scene.read("out.csv").matches("suppressed").count(), 4, "{}", scene.read("out.csv"));
    let converted = scene.run_json(&format!("convert people.csv --map m.yaml --out c.jsonl {options}"));
    assert_eq!(converted.totals(), json!({ "read": 5, "created": 1, "skipped": 4 }), "{converted:?}");
    assert_eq!(scene.read("c.jsonl").lines().count(), 1);
    // The same where every value is that of one column, so that a row could be written without its contact.
    scene.write("plain.yaml", &MAPPING.replace("phones: { all: [Mobile, Phone] }", "phone: Mobile"));
    let plain = scene.run_json(&format!("convert people.csv --map plain.yaml --out plain.jsonl {options}"));
    assert_eq!(plain.totals(), json!({ "read": 5, "created": 2, "skipped": 3 }), "{plain:?}");
    // Without the lists, the others are new; then they are taken out of a migration.
    assert_eq!(import(&scene, "").count("created"), 4);
    let moved = scene.run_json(&format!("migrate --from mercately --to atom --region EC {options}"));
    // Mercately holds one phone, so the further one is not there any more.
    assert_eq!(moved.summary()["skipped"], json!({ "suppressed": 3 }), "{moved:?}");
    assert_eq!(scene.contacts("atom").len(), 2);
}

#[test]
fn a_contact_of_several_records_is_skipped_by_the_values_of_any_of_them() {
    for identity in ["", "identity: [phone]\n"] {
        let scene = with_source();
        scene.write("people.csv", "First,Last,Mobile,Phone,Email\nAna,Vera,0991234567,,\nAna,Vera,0991234567,,ana@example.com\nBea,Paz,0991234568,,\n");
        scene.write("m.yaml", &format!("{MAPPING}{identity}"));
        scene.write("list.csv", "email\nANA@example.com\n");
        let ended = import(&scene, "--skip list.csv");
        assert_eq!(ended.totals(), json!({ "read": 3, "created": 1, "skipped": 2 }), "{ended:?}");
        assert_eq!(
            (names(&scene), ended.summary()["skipped"].clone()),
            (vec!["Bea".to_owned()], json!({ "suppressed": 2 }))
        );
        let converted = scene.run_json("convert people.csv --map m.yaml --out c.jsonl --skip list.csv");
        // Without an identity, each record is a row of its own.
        let expected = if identity.is_empty() { (2, 1) } else { (1, 2) };
        assert_eq!((converted.count("created"), converted.count("skipped")), expected, "{converted:?}");
    }
}

#[test]
fn a_list_that_cannot_be_used_stops_the_run_before_anything_is_sent() {
    let scene = with_source();
    for (text, why) in [
        (None, "No such file"),
        (Some("Name,City\nAna,Quito\nBea,Loja\n"), "no column of phones or e-mails"),
        (Some("Plan,Score\nb,1\nc,2\n"), "recognised"),
        (Some("Phone\nunknown\nnone\n"), "no record of it has a valid phone or e-mail"),
        (Some(""), "empty"),
    ] {
        let _absent = fs::remove_file(scene.path("list.csv"));
        text.iter().for_each(|text| scene.write("list.csv", text));
        for words in [
            "import people.csv --map m.yaml --to mercately",
            "import people.csv --map m.yaml --to mercately --dry-run",
            "convert people.csv --map m.yaml --out c.jsonl",
            "migrate --from mercately --to atom",
        ] {
            let ended = scene.run(&format!("{words} --skip list.csv"));
            assert_eq!(ended.exit, 2, "{words} {text:?}: {ended:?}");
            assert!(ended.err.contains("`skip`: the list `list.csv` cannot be used"), "{ended:?}");
            assert!(ended.err.contains(why), "{why}: {}", ended.err);
        }
    }
    let ended = scene.run("import people.csv --map m.yaml --to mercately --skip -");
    assert!(ended.exit == 2 && ended.err.contains("a list cannot be standard input"), "{ended:?}");
    assert_eq!((scene.writes(), scene.path("c.jsonl").exists()), (0, false));
    assert!(scene.run_json("runs").summary().as_array().unwrap().is_empty());
}

#[test]
fn what_a_list_does_not_say_is_told() {
    let scene = with_source();
    scene.write("list.csv", "Name,Phone\nBea,0991234568\nX,12\nY,\n");
    let ended = import(&scene, "--skip list.csv");
    assert_eq!((ended.exit, ended.count("skipped")), (0, 1), "{ended:?}");
    assert!(
        ended.err.contains("2 of 3 records in `list.csv` lack a valid phone or e-mail (lines 3, 4)"),
        "{}",
        ended.err
    );
    scene.write("none.csv", "Phone,Email\n");
    let ended = import(&scene, "--skip none.csv");
    assert!(ended.exit == 0 && ended.err.contains("`none.csv` has no records"), "{ended:?}");
}

#[test]
fn lists_are_found_beside_the_mapping_and_beside_the_configuration() {
    let scene = with_source();
    fs::create_dir_all(scene.path("maps")).unwrap();
    // One column, without a header.
    scene.write("maps/stop.txt", "bea@example.com\nother@example.com\n");
    scene.write("maps/m.yaml", &format!("{MAPPING}skip: stop.txt\n"));
    let ended = scene.run_json("import people.csv --map maps/m.yaml --to mercately");
    assert_eq!((ended.exit, ended.count("skipped")), (0, 1), "{ended:?}");
    fs::create_dir_all(scene.path("conf/lists")).unwrap();
    scene.write("conf/lists/a.csv", "phone\n+593991234567\n");
    let job = "import: { file: ../people.csv, map: ../maps/m.yaml, to: mercately, skip: [lists/a.csv] }";
    scene.write("conf/ferry.yaml", &format!("jobs:\n  nightly:\n    {job}\n"));
    let ended = scene.run("run nightly --config conf/ferry.yaml --output json");
    let job = &ended.summary()["jobs"][0];
    assert_eq!(job["skipped"], json!({ "suppressed": 2 }), "{ended:?}");
}

#[test]
fn a_run_with_a_list_is_verified_with_it() {
    let scene = with_source();
    scene.write("list.csv", "Phone\n0991234568\n");
    assert_eq!(import(&scene, "--skip list.csv").count("created"), 4);
    let verified = scene.run_json("verify");
    assert_eq!((verified.exit, verified.compared()), (0, [4, 0, 0, 0, 1]), "{verified:?}");
}
