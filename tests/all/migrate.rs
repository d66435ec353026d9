//! `ferry migrate`, the whole program against the sandbox: every platform to every other, there and back, the rejects of
//! a migration, and what an interrupted one leaves.

use super::support::{Ended, Scene, all_platforms, creating_platforms, peak_of, run};
use ferry::sandbox::{FaultKind, SandboxOptions};
use serde_json::{Map, Value, json};
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Three people with all that a platform can hold. The last phone of Eva is Mexico's in its short form.
const PEOPLE: &str = "\
first_name,last_name,phones,emails,handles,tags,address.street,address.city,address.state,address.zip,address.country,\
document.type,document.number,notes,Plan,client
Ana,Paz de la Torre,+593987625587;+593987625588,ana@example.com;ana2@example.com,telegram:anap,Cliente;Rare,Calle 1,\
Quito,Pichincha,170150,EC,cedula,1712345678,7a1e0000-0000-4000-8000-000000000001,Basic,\
7a1e0000-0000-4000-8000-000000000001
Eva María,Sol Ríos,+525512345678,eva@example.com,,Cliente,,,,,,,,7a1e0000-0000-4000-8000-000000000002,Pro,\
7a1e0000-0000-4000-8000-000000000002
Iván,Жуков,+5491123456789,,,,,Córdoba,,,,,,7a1e0000-0000-4000-8000-000000000003,,7a1e0000-0000-4000-8000-000000000003
";

/// How they are given to TWIN.
const PEOPLE_TWIN: &str = "contact:
  target_id: client
  attributes:
    Name: { value: \"{{ row.first_name }} {{ row.last_name }}\" }
    Phone: { from: phones, match: \"^([^;]*).*$\", with: $1 }
    City: address.city
    Plan: Plan
";

fn scene() -> Scene {
    scene_with(|_| {})
}

fn scene_with(change: impl FnOnce(&mut SandboxOptions)) -> Scene {
    let mut scene = super::support::scene(|options| {
        options.set("twin", "clients", 3);
        change(options);
    });
    scene.set_for_all("settle", "200ms");
    for name in ["twin-to-shop.yaml", "shop-to-twin.yaml"] {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("mappings").join(name);
        fs::copy(from, scene.path(name)).unwrap();
    }
    scene.write("people.csv", PEOPLE);
    scene.write("people-twin.yaml", PEOPLE_TWIN);
    let from_notes = "contact: { target_id: notes, attributes: { Name: full_name, Phone: phone } }\n";
    scene.write("desk-to-twin.yaml", from_notes);
    let to_notes = "contact: { full_name: attributes.Name, phone: attributes.Phone, notes: id }\n";
    scene.write("twin-to-desk.yaml", to_notes);
    scene
}

/// The exit code, the totals without their zeros, what was rejected and what was not carried, in one line.
fn told(ended: &Ended) -> String {
    let summary = ended.summary();
    let object = |name: &str| summary[name].as_object().cloned().unwrap_or_default();
    let records = object("records");
    let sum: u64 = records.iter().filter(|(name, _)| *name != "read").map(|(_, n)| n.as_u64().unwrap()).sum();
    assert_eq!(Some(sum), records["read"].as_u64(), "{}", ended.out);
    let listed = |map: Map<String, Value>| {
        let shown = map.iter().filter(|(_, n)| **n != json!(0)).map(|(name, n)| format!("{name} {n}"));
        shown.collect::<Vec<_>>().join(", ")
    };
    let mut told = format!("{}: {}", ended.exit, listed(records));
    for (name, title) in [("skipped", "skipped"), ("rejects", "rejects"), ("not_carried", "left")] {
        let map = object(name);
        if !map.is_empty() {
            write!(told, " | {title}: {}", listed(map)).unwrap();
        }
    }
    told
}

/// Imports the contacts of [`PEOPLE`] into a platform.
fn put(scene: &Scene, platform: &str) {
    let map = if platform == "twin" { " --map people-twin.yaml" } else { "" };
    let ended = scene.run(&format!("import people.csv --to {platform}{map}"));
    assert_eq!(ended.exit, 0, "{ended:?}");
}

/// What a platform holds, a line a contact, without what differs from run to run.
fn held(scene: &Scene, platform: &str) -> Vec<String> {
    let ended = scene.run(&format!("export --from {platform} --quiet"));
    assert_eq!(ended.exit, 0, "{}", ended.err);
    let mut lines: Vec<String> =
        ended.out.lines().map(|line| told_contact(&serde_json::from_str(line).unwrap())).collect();
    lines.sort();
    lines
}

/// `Ana Paz · phones=+593… · attributes.Plan=Basic`.
fn told_contact(contact: &Map<String, Value>) -> String {
    let text = |name: &str| contact.get(name).and_then(Value::as_str).unwrap_or_default();
    let whole = [text("full_name"), text("first_name"), text("last_name")].join(" ");
    let mut told = whole.split_whitespace().collect::<Vec<_>>().join(" ");
    let aside = ["id", "target_id", "full_name", "first_name", "last_name", "phone", "email", "created_at"];
    for (name, value) in contact.iter().filter(|(name, _)| !aside.contains(&name.as_str())) {
        match value {
            _ if name == "updated_at" || name == "native" => {}
            Value::Array(items) => {
                let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
                write!(told, " · {name}={}", items.join(",")).unwrap();
            }
            Value::Object(inner) => {
                let mut inner: Vec<String> =
                    inner.iter().map(|(key, value)| format!("{name}.{key}={}", value.as_str().unwrap())).collect();
                inner.sort();
                write!(told, " · {}", inner.join(" · ")).unwrap();
            }
            other => write!(told, " · {name}={}", other.as_str().unwrap()).unwrap(),
        }
    }
    told
}

/// The mapping for a pair.
fn map_of(from: &str, to: &str) -> &'static str {
    match (from, to) {
        ("twin", "eadesk") => " --map twin-to-desk.yaml",
        ("twin", _) => " --map twin-to-shop.yaml",
        ("eadesk", "twin") => " --map desk-to-twin.yaml",
        (_, "twin") => " --map shop-to-twin.yaml",
        _ => "",
    }
}

/// Compares with a page beside this file; `FERRY_TEST_WRITE=1` writes it again.
fn assert_page(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all/migrate").join(name);
    if std::env::var_os("FERRY_TEST_WRITE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, found).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == found, "{}: expected\n{expected}\nfound\n{found}", path.display());
}

/// From one platform to each other one, a second time, and back.
fn assert_pairs(from: &str) {
    let mut page = String::new();
    for to in all_platforms().into_iter().filter(|to| *to != from) {
        let scene = scene();
        put(&scene, from);
        let had = held(&scene, from);
        let there = format!("migrate --from {from} --to {to}{}", map_of(from, to));
        let back = format!("migrate --from {to} --to {from}{}", map_of(to, from));
        writeln!(page, "{from} → {to}\n  {}\n    {}", told(&scene.run_json(&there)), held(&scene, to).join("\n    "))
            .unwrap();
        let before = scene.writes();
        writeln!(page, "  again\n  {}", told(&scene.run_json(&there))).unwrap();
        assert_eq!(scene.writes(), before, "{from} → {to}: the second time it wrote");
        writeln!(page, "  back\n  {}", told(&scene.run_json(&back))).unwrap();
        let have = held(&scene, from);
        for line in have.iter().filter(|line| !had.contains(line)) {
            writeln!(page, "    {line}").unwrap();
        }
        assert_eq!(had.len(), have.len(), "{from} → {to} → {from}");
    }
    assert_page(&format!("{from}.txt"), &page);
}

#[test]
fn from_each_platform_all_that_both_hold_arrives_at_each_other_one_and_comes_back() {
    std::thread::scope(|scope| {
        for from in all_platforms() {
            scope.spawn(move || assert_pairs(from));
        }
    });
}

/// The command for the rejects, as the summary says it, without the program.
fn mended(printed: &Ended) -> String {
    let line = printed.out.lines().find_map(|line| line.split_once("then run: ferry "));
    line.unwrap_or_else(|| panic!("{}{}", printed.out, printed.err)).1.to_owned()
}

#[test]
fn the_rejects_of_a_migration_are_fixed_by_hand_and_imported_by_the_command_in_the_summary() {
    let people = "full_name,phone,email,tags,notes\nMadonna,+593987625587,m@example.com,,a note\nAna Paz,+593987625588,,,\n\
                  Nadie Sin,,n@example.com,,\n";
    for (rejects, map) in [
        ("", ""),
        ("--rejects r.jsonl", " --map m.yaml"),
        ("--rejects r.csv", ""),
        ("--rejects r.tsv", " --map m.yaml"),
    ] {
        let scene = scene();
        scene.write("in.csv", people);
        scene.write(
            "m.yaml",
            "contact: { attributes: { Note: notes, Deal: { from: attributes.Deal, optional: true } } }\n",
        );
        assert_eq!(scene.run("import in.csv --to eadesk").exit, 0);
        let printed = scene.run(&format!("migrate --from eadesk --to atom {rejects}{map}"));
        assert_eq!(printed.exit, 3, "{}{}", printed.out, printed.err);
        let command = mended(&printed);
        let path = command.split_whitespace().nth(1).unwrap().to_owned();
        let text = scene.read(&path);
        let is_lines = text.lines().all(|line| line.contains(r#""of":"contact""#));
        assert_eq!(is_lines, !path.ends_with("sv"), "{text}");
        // The name is fixed in place, and a record gets a phone.
        let text = text.replace("Madonna", "Madonna Cruz");
        let text = match path.rsplit_once('.').unwrap().1 {
            "jsonl" => {
                text.replace("\"full_name\":\"Nadie Sin\"", "\"full_name\":\"Nadie Sin\",\"phone\":\"+593987625589\"")
            }
            _ => with_cell(&text, "Nadie Sin", "phone", "+593987625589"),
        };
        scene.write(&path, &text);
        let again = told(&scene.run_json(&command));
        let held = held(&scene, "atom").join("\n");
        let note = if map.is_empty() { "" } else { " · attributes.Note=a note" };
        let left = if map.is_empty() { " | left: notes 1" } else { "" };
        assert_eq!(again, format!("0: read 2, created 2{left}"), "{command}\n{text}");
        let expected = format!(
            "Ana Paz · phones=+593987625588\nMadonna Cruz · phones=+593987625587 · emails=m@example.com{note}\nNadie Sin · \
             phones=+593987625589 · emails=n@example.com"
        );
        assert_eq!(held, expected);
    }
}

/// A table with another cell in the line that holds a word.
fn with_cell(table: &str, word: &str, column: &str, cell: &str) -> String {
    let delimiter = if table.contains('\t') { '\t' } else { ',' };
    let at = table.lines().next().unwrap().split(delimiter).position(|name| name == column).unwrap();
    let cells_of = |line: &str| {
        let mut is_quoted = false;
        let is_end = move |c: char| {
            is_quoted ^= c == '"';
            c == delimiter && !is_quoted
        };
        line.split(is_end).map(str::to_owned).collect::<Vec<_>>()
    };
    let line = |line: &str| match line.contains(word) {
        false => line.to_owned(),
        true => {
            let mut cells = cells_of(line);
            cells[at] = cell.to_owned();
            cells.join(&delimiter.to_string())
        }
    };
    table.lines().map(|one| line(one) + "\n").collect()
}

#[test]
fn the_rejects_of_a_source_that_needs_a_mapping_go_with_the_same_mapping_whatever_they_lack() {
    for rejects in ["r.jsonl", "r.csv"] {
        let scene = scene_with(|options| options.set("twin", "clients", 4));
        let words = format!("migrate --from twin --to mercately --map twin-to-shop.yaml --rejects {rejects}");
        let printed = scene.run(&words);
        assert_eq!(printed.exit, 3, "{}{}", printed.out, printed.err);
        let text = scene.read(rejects);
        let (id, phone) = ("7a1e0000-0000-4000-8000-000000000004", "0987625587");
        let text = match rejects {
            "r.jsonl" => text.replace(
                &format!("\"target_id\":\"{id}\""),
                &format!("\"attributes\":{{\"Name\":\"Nueva Voz\",\"Phone\":\"{phone}\"}}"),
            ),
            _ => {
                let text = text.replace("id,target_id,", "id,attributes.Name,attributes.Phone,");
                text.replace(&format!("{id},{id},"), &format!("{id},Nueva Voz,{phone},"))
            }
        };
        scene.write(rejects, &text);
        assert_eq!(told(&scene.run_json(&mended(&printed))), "0: read 1, created 1", "{text}");
        let held = held(&scene, "mercately").join("\n");
        assert!(held.contains(&format!("Nueva Voz · phones=+593987625587 · attributes.client={id}")), "{held}");
    }
}

#[test]
fn the_sample_for_a_platform_without_creation_names_the_one_id_that_is_nobodys() {
    let scene = scene_with(|options| options.set("twin", "clients", 12));
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in ["samples/twin.csv", "mappings/twin.yaml"] {
        scene.write(&file.replace('/', "-"), &fs::read_to_string(root.join(file)).unwrap());
    }
    let told = told(&scene.run_json("import samples-twin.csv --map mappings-twin.yaml --to twin"));
    assert_eq!(told, "3: read 4, updated 3, rejected 1 | rejects: target_id.not_found 1");
    let held = held(&scene, "twin");
    assert!(held[..].iter().any(|line| line.contains("attributes.Name=Íñigo Cedeño")), "{held:?}");
}

/// The summary line of an import, without what a file has as values and a migration as the contact's place at its source.
fn without_bookkeeping(told: &str) -> String {
    let Some((sums, left)) = told.split_once(" | left: ") else { return told.to_owned() };
    let is_value =
        |name: &&str| !["id ", "created_at ", "updated_at ", "native "].iter().any(|own| name.starts_with(own));
    let left: Vec<&str> = left.split(", ").filter(is_value).collect();
    if left.is_empty() { sums.to_owned() } else { format!("{sums} | left: {}", left.join(", ")) }
}

/// An export of a platform, imported without a mapping: into the same platform, and into another as `migrate` does it.
fn assert_export_comes_back(from: &str, to: Option<&str>) {
    for format in ["csv", "jsonl"] {
        let first = scene();
        put(&first, from);
        let file = format!("x.{format}");
        assert_eq!(first.run(&format!("export --from {from} --out {file}")).exit, 0);
        let text = first.read(&file);
        let other = scene();
        other.write(&file, &text);
        let printed = other.run(&format!("import {file} --to {from}"));
        assert_eq!(printed.exit, 0, "{from} {format}\n{}{}\n{text}", printed.out, printed.err);
        assert_eq!(held(&other, from), held(&first, from), "{from} {format}: {}\n{text}", printed.err);
        let Some(to) = to else { continue };
        let migrated = told(&first.run_json(&format!("migrate --from {from} --to {to}")));
        let imported = without_bookkeeping(&told(&other.run_json(&format!("import {file} --to {to}"))));
        assert_eq!(imported, migrated, "{from} {format} {to}\n{text}");
        assert_eq!(held(&other, to), held(&first, to), "{from} {format} {to}\n{text}");
    }
}

#[test]
fn an_export_of_each_platform_is_imported_without_a_mapping() {
    std::thread::scope(|scope| {
        let creating = creating_platforms();
        for from in all_platforms() {
            // From a platform that cannot create, contacts are migrated by a mapping only.
            let place = creating.iter().position(|name| *name == from);
            let to = place.map(|at| creating[(at + creating.len() - 1) % creating.len()]);
            scope.spawn(move || assert_export_comes_back(from, to));
        }
    });
}

/// Pairs, with a mapping.
const MAPPINGS: &[(&str, &str)] = &[
    ("mercately → atom", "contact: { first_name: last_name, last_name: first_name }"),
    (
        "mercately → atom",
        "contact: { attributes: { Note: notes, Doc: { value: \"{{ row.document.type }} {{ row.document.number }}\" } } }",
    ),
    ("mercately → atom", "contact: { tags: null, attributes: { Plan: null } }"),
    ("mercately → atom", "contact: { attributes: { Level: { value: \"{{ row.attributes.Plan }}!\" } } }"),
    ("mercately → atom", "only_if: \"row.attributes.Plan == 'Basic' and 'Cliente' in row.tags\""),
    ("mercately → atom", "overflow: attributes"),
    ("mercately → atom", "overflow: reject"),
    ("mercately → eadesk", "overflow: attributes\nidentity: [email]"),
    ("mercately → atom", "unmapped: ignore\ncontact: { first_name: first_name, last_name: last_name, phone: phone }"),
    (
        "eadesk → atom",
        "contact: { last_name: { from: last_name, default: \"-\" }, attributes: { Second: { from: phones, join: \", \" }, phone: null }, phone: phone }",
    ),
    ("eadesk → mercately", "contact: { tags: { add: [Cliente] }, attributes: { Handles: handles } }"),
    ("eadesk → mercately", "contact: { target_id: notes }"),
];

#[test]
fn a_mapping_sets_fields_of_a_contact_and_the_others_are_carried() {
    let mut page = String::new();
    for (pair, map) in MAPPINGS {
        let scene = scene();
        let (from, to) = pair.split_once(" → ").unwrap();
        put(&scene, from);
        scene.write("m.yaml", &format!("{map}\n"));
        let words = format!("migrate --from {from} --to {to} --map m.yaml");
        let told = told(&scene.run_json(&words));
        let shown = map.replace('\n', "\n  ");
        writeln!(page, "{pair}\n  {shown}\n    {told}\n    {}", held(&scene, to).join("\n    ")).unwrap();
    }
    assert_page("mappings.txt", &page);
}

#[test]
fn a_mapping_that_is_wrong_for_contacts_is_an_error_before_anything_is_sent() {
    let cases = [
        (
            "contact: { full_name: full_nme, attributes: { X: adress.city } }",
            "a contact has no field `full_nme`; did you mean `full_name`? | a contact has no field `adress.city`; did you \
             mean `address.city`?",
        ),
        (
            "contact: { attributes: { Y: { value: \"{{ row.ful_name }}\" } } }",
            "a contact has no field `ful_name`; did you mean `full_name`?",
        ),
        (
            "unmapped: error\ncontact: { full_name: full_name, phone: phones }",
            "no rule uses `emails`, `handles`, `notes`, and `unmapped` says `error`",
        ),
        (
            "contact: { attributes: { Plan: attributes.Plan } }",
            "no record has `attributes.Plan`; if it may be absent everywhere, say `optional: true`",
        ),
        (
            "identity: [email]",
            "`identity` names `email`, by which Atom finds no contacts; it finds contacts by `phone`",
        ),
    ];
    let scene = scene();
    put(&scene, "eadesk");
    let before = scene.writes();
    for (map, expected) in cases {
        scene.write("m.yaml", &format!("{map}\n"));
        let printed = scene.run("migrate --from eadesk --to atom --map m.yaml");
        let said = |part: &str| {
            let hint = part.lines().find_map(|line| line.split_once("hint: ")).map(|(_, hint)| format!("; {hint}"));
            part.lines().next().unwrap().to_owned() + &hint.unwrap_or_default()
        };
        let found: Vec<String> = printed.err.split("error: ").skip(1).map(said).collect();
        assert_eq!((printed.exit, found.join(" | ").as_str()), (2, expected), "{map}");
    }
    assert_eq!(scene.writes(), before);
}

#[test]
fn a_source_or_target_that_is_not_to_be_had_ends_it_before_the_other_has_work() {
    let nowhere = "http://127.0.0.1:9";
    let cases: &[(&str, &str, i32, &str)] = &[
        ("FERRY_MERCATELY_API_KEY", "wrong", 5, "Mercately"),
        ("FERRY_ATOM_TOKEN", "wrong", 5, "Atom"),
        ("FERRY_MERCATELY_BASE_URL", nowhere, 6, nowhere),
        ("FERRY_ATOM_BASE_URL", nowhere, 6, nowhere),
    ];
    for (name, value, code, who) in cases {
        let scene = scene();
        put(&scene, "mercately");
        let (writes, read) = (scene.writes(), scene.requests_to("/retailers"));
        let words = "migrate --from mercately --to atom --wait 100ms";
        let printed = run(scene.command(words).env(name, value));
        let rejected = printed.out.lines().find_map(|line| line.trim().strip_prefix("rejected"));
        let books = rejected.is_none_or(|count| count.trim() == "0");
        assert_eq!((printed.exit, books), (*code, true), "{name}\n{}{}", printed.out, printed.err);
        assert!(printed.err.contains(who), "{name}: {}", printed.err);
        assert_eq!(scene.writes(), writes, "{name}");
        if name.starts_with("FERRY_ATOM") {
            assert_eq!(
                scene.requests_to("/retailers"),
                read,
                "{name}: the source was read although the target is not there"
            );
        }
        let told = told(&scene.run_json("migrate --from mercately --to atom"));
        assert!(told.starts_with("0: read 3, created 3 |"), "{name}: {told}");
    }
}

#[test]
fn a_limit_reads_no_more_than_it_takes_and_the_same_command_without_it_goes_on() {
    let scene = scene_with(|options| options.set("twin", "clients", 150));
    let words = "migrate --from twin --to mercately --map twin-to-shop.yaml";
    let first = scene.run(&format!("{words} --limit 5 --output json"));
    assert_eq!((first.exit, first.summary()["status"].as_str()), (3, Some("unfinished")), "{}{}", first.out, first.err);
    assert!(told(&first).contains(": read 5, created 4, rejected 1 "), "{first:?}");
    let read = scene.requests_to("/api/v1/clients/");
    assert!(read < 20, "{read} clients were read for five");
    let rest = scene.run(&format!("{words} --output json"));
    assert_eq!(told(&rest), "3: read 150, created 113, rejected 37 | rejects: identity.missing 37");
    assert_eq!(rest.summary()["run"], first.summary()["run"]);
    assert_eq!(held(&scene, "mercately").len(), 113);
}

#[test]
fn an_existing_contact_is_updated_filled_or_skipped_and_none_is_created_under_only_existing() {
    let there = "first_name,last_name,phone,email,Plan\nAna,Other,+593987625587,old@example.com,\n";
    let mut page = String::new();
    for words in ["--on-existing update", "--on-existing fill", "--on-existing skip", "--only-existing"] {
        let scene = scene();
        put(&scene, "mercately");
        scene.write("there.csv", there);
        assert_eq!(scene.run("import there.csv --to atom").exit, 0);
        let told = told(&scene.run_json(&format!("migrate --from mercately --to atom {words}")));
        writeln!(page, "{words}\n  {told}\n    {}", held(&scene, "atom").join("\n    ")).unwrap();
    }
    assert_page("existing.txt", &page);
}

#[test]
fn interrupted_while_it_reads_or_sends_it_goes_on_and_asks_the_source_for_nothing_twice() {
    for by_resume in [false, true] {
        let scene = scene_with(|options| {
            options.set("twin", "clients", 60);
            options.slow = Duration::from_millis(60);
            options.faults = vec![(FaultKind::Slow, 1.0)];
        });
        let words = "migrate --from twin --to mercately --map twin-to-shop.yaml";
        let goes_on = if by_resume { "resume" } else { words };
        let process = scene.begin(&format!("{words} --output json"));
        scene.wait_until("ten clients", |scene| scene.requests_to("/api/v1/clients/") >= 10);
        process.signal("INT");
        let stopped = process.finish();
        assert_eq!(stopped.exit, 130, "{}{}", stopped.out, stopped.err);
        let read = scene.requests_to("/api/v1/clients/");
        assert!(read < 60, "it had read everybody before it was interrupted");
        let process = scene.begin(&format!("{goes_on} --output json"));
        scene.wait_until("three writes", |scene| scene.writes() >= 3);
        let all = scene.requests_to("/api/v1/clients/");
        // What was in flight when it was interrupted was not waited for.
        assert!(all <= 64, "after {read} of 60 it read {} more", all - read);
        process.signal("INT");
        let stopped = process.finish();
        assert_eq!(stopped.exit, 130, "{}{}", stopped.out, stopped.err);
        assert!(told(&stopped).contains("pending"), "{stopped:?}");
        let asked = scene.requests_to("/api/v1/");
        let done = scene.run(&format!("{goes_on} --output json"));
        assert_eq!(told(&done), "3: read 60, created 45, rejected 15 | rejects: identity.missing 15", "{}", done.err);
        assert_eq!(scene.requests_to("/api/v1/"), asked, "the source was asked again");
        assert_eq!(done.summary()["run"], stopped.summary()["run"]);
        let before = scene.writes();
        assert_eq!(
            told(&scene.run_json(words)),
            "3: read 60, unchanged 45, rejected 15 | rejects: identity.missing 15"
        );
        assert_eq!(scene.writes(), before);
    }
}

#[test]
fn what_was_left_when_a_platform_went_away_is_brought_when_it_is_back() {
    let mut scene = scene();
    let people: String = (0..150).map(|n| format!("P{n},Vera,+5939960{n:05}\n")).collect();
    scene.write("in.csv", &format!("first_name,last_name,phone\n{people}"));
    assert_eq!(scene.run("import in.csv --to mercately").exit, 0);
    scene.restart(|options| {
        options.slow = Duration::from_millis(30);
        options.faults = vec![(FaultKind::Slow, 1.0)];
    });
    let process = scene.begin("migrate --from mercately --to atom --wait 100ms --output json");
    scene.wait_until("five writes", |scene| scene.writes() >= 5);
    scene.stop();
    let left = process.finish();
    assert_eq!(left.exit, 6, "{}{}", left.out, left.err);
    assert!(told(&left).contains("pending"), "{}", left.out);
    scene.restart(|_| {});
    let done = scene.run("resume --output json");
    assert_eq!(told(&done), "0: read 150, created 150", "{}", done.err);
    assert_eq!(scene.requests_to("/retailers"), 0, "the source was read again");
}

/// The pairs that are measured: every platform as a source and as a target.
const MEASURED: [(&str, &str); 5] =
    [("atom", "mercately"), ("mercately", "eadesk"), ("eadesk", "atom"), ("twin", "mercately"), ("atom", "twin")];

/// What the memory may grow between the least and the most contacts: what an allocator keeps, and the caches of SQLite.
const GROWTH_MAX_MIB: u64 = 32;

#[test]
#[ignore = "takes minutes: `cargo test --release migrate::size -- --ignored --nocapture`"]
fn size_changes_the_time_that_a_migration_takes_and_not_its_memory() {
    let asked = std::env::var("FERRY_SIZES").unwrap_or_else(|_| "10000,100000".to_owned());
    let sizes: Vec<u32> = asked.split(',').map(|size| size.trim().parse().unwrap()).collect();
    for (from, to) in MEASURED {
        let mut peaks = Vec::new();
        for &size in &sizes {
            let scene = scene_with(|options| options.set("twin", "clients", size));
            let row = |n| {
                let id = format!("7a1e0000-0000-4000-8000-{:012}", n + 1);
                format!("Ana{n},Paz{},+59399{n:07},a{n}@example.com,Cliente,Quito,Basic,{id}\n", n % 977)
            };
            let rows: String = (0..size).map(row).collect();
            scene.write("in.csv", &format!("first_name,last_name,phone,email,tags,Town,Plan,client\n{rows}"));
            if from != "twin" {
                assert_eq!(scene.run(&format!("import in.csv --to {from}")).exit, 0);
            }
            let words = format!("migrate --from {from} --to {to}{} --output json", map_of(from, to));
            for again in ["", ", again"] {
                let begun = Instant::now();
                let (printed, peak) = peak_of(scene.begin(&words));
                let (seconds, told) = (begun.elapsed().as_secs_f64(), told(&printed));
                println!("{from} → {to}{again}: {size} contacts, {seconds:.1} s, {peak} MiB: {told}");
                assert!(printed.summary()["records"]["read"] == json!(size), "{told}");
                peaks.push(peak);
            }
        }
        let grown = |at: usize| peaks[peaks.len() - 2 + at].saturating_sub(peaks[at]);
        assert!(grown(0).max(grown(1)) <= GROWTH_MAX_MIB, "{from} → {to}: {peaks:?} MiB");
    }
}
