//! `ferry apply`: a saved plan is done exactly, and nothing to a contact that has changed since.

use super::support::{creating_platforms, ferry as command, folder_with, run};
use ferry::contact::{Contact, Field, Overwrite, TagMode, Wanted};
use ferry::identity::IdentityValue;
use ferry::reconcile::goal::planned::PlannedWrite;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const MAPPING: &str = "contact: { first_name: First, last_name: Last, phone: Phone, email: Email, tags: Tag }\n\
                       phone_region: EC\nidentity: [phone, email]\n";

const BEFORE: &str = "First,Last,Phone,Email,Tag\nAna,Paz,0987625587,ana@example.com,VIP\n\
                      Eva,Sol,0987625588,eva@example.com,\nLeo,Mar,0987625589,leo@example.com,\n";

/// Ana and Eva get another name, Leo stays, Mia is new, and one row is invalid.
const AFTER: &str = "First,Last,Phone,Email,Tag\nAnita,Paz,0987625587,ana@example.com,VIP; unknown here\n\
                     Evita,Sol,0987625588,eva@example.com,unknown here\nLeo,Mar,0987625589,leo@example.com,\n\
                     Mia,Rey,0987625590,mia@example.com,unknown here\nBad,Row,12,bad@example.com,\n";

fn folder(files: &[(&str, &str)]) -> TempDir {
    folder_with(&[&[("map.yaml", MAPPING)], files].concat())
}

fn ferry(folder: &Path, line: &str) -> (i32, String, String) {
    run(command(folder, line)).parts()
}

fn summary(folder: &Path, line: &str) -> Value {
    run(command(folder, &format!("{line} --output json"))).summary()
}

/// Read, created, updated, unchanged, skipped, rejected.
fn books(folder: &Path, line: &str) -> [u64; 6] {
    let summary = summary(folder, line);
    ["read", "created", "updated", "unchanged", "skipped", "rejected"]
        .map(|name| summary["records"][name].as_u64().unwrap())
}

fn import(file: &str, to: &str) -> String {
    format!("import {file} --map map.yaml --to {to} --sandbox --rate none")
}

#[test]
fn a_plan_is_done_as_it_says_and_once() {
    for (platform, updated) in creating_platforms().into_iter().zip(std::iter::repeat(2)) {
        let folder = folder(&[("before.csv", BEFORE), ("after.csv", AFTER)]);
        let folder = folder.path();
        assert_eq!(books(folder, &import("before.csv", platform)), [3, 3, 0, 0, 0, 0]);
        let plan = format!("{} --dry-run --plan plan.jsonl", import("after.csv", platform));
        assert_eq!(books(folder, &plan), [5, 1, updated, 3 - updated, 0, 1], "{platform}");
        let text = fs::read_to_string(folder.join("plan.jsonl")).unwrap();
        let first: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        let head = &first["plan"];
        assert_eq!((&head["ferry_plan"], &head["connection"]), (&json!(1), &json!(platform)));
        // One line for each record: those by which nothing is to be written are left out.
        assert_eq!(books(folder, "apply plan.jsonl --rate none"), [5, 1, updated, 0, 4 - updated, 0], "{platform}");
        assert_eq!(books(folder, "apply plan.jsonl --rate none"), [5, 0, 0, 1 + updated, 4 - updated, 0], "{platform}");
        assert_eq!(books(folder, &import("after.csv", platform)), [5, 0, 0, 4, 0, 1], "{platform}");
    }
}

#[test]
fn a_contact_that_was_changed_since_the_plan_is_not_touched_and_is_reported() {
    let between =
        "First,Last,Phone,Email,Tag\nEvelyn,Sol,0987625588,eva@example.com,\nMia,King,0987625590,mia@example.com,\n";
    let folder = folder(&[("before.csv", BEFORE), ("after.csv", AFTER), ("between.csv", between)]);
    let folder = folder.path();
    books(folder, &import("before.csv", "mercately"));
    books(folder, &format!("{} --dry-run --plan plan.jsonl", import("after.csv", "mercately")));
    assert_eq!(books(folder, &import("between.csv", "mercately")), [2, 1, 1, 0, 0, 0]);
    assert_eq!(books(folder, "apply plan.jsonl --rate none --rejects left.jsonl"), [5, 0, 1, 0, 2, 2]);
    let left = fs::read_to_string(folder.join("left.jsonl")).unwrap();
    assert_eq!(left.matches("plan.changed").count(), 2, "{left}");
    assert!(left.contains("`first_name` was `Eva` when the plan was made, and is `Evelyn` now"), "{left}");
    assert!(left.contains("no contact was there when the plan was made, and `"), "{left}");
    // Only Ana was written.
    assert_eq!(books(folder, &format!("{} -n", import("between.csv", "mercately"))), [2, 0, 0, 2, 0, 0]);
}

#[test]
fn a_contact_that_was_changed_in_a_field_outside_the_plan_is_not_touched_either() {
    for platform in ["atom", "mercately"] {
        let files = [("before.csv", "Rui,Sal,0987625591,,\n"), ("after.csv", "Ruy,Sal,0987625591,,\n")];
        let folder = folder(
            &files
                .map(|(name, line)| (name, format!("First,Last,Phone,Email,Tag\n{line}")))
                .each_ref()
                .map(|(name, text)| (*name, text.as_str())),
        );
        let folder = folder.path();
        fs::write(folder.join("email.csv"), "Phone,Email\n0987625591,rui@example.com\n").unwrap();
        fs::write(folder.join("email.yaml"), "contact: { phone: Phone, email: Email }\nphone_region: EC\n").unwrap();
        books(folder, &import("before.csv", platform));
        let plan = format!("{} --dry-run --plan plan.jsonl", import("after.csv", platform));
        assert_eq!(books(folder, &plan), [1, 0, 1, 0, 0, 0], "{platform}");
        let between =
            format!("import email.csv --map email.yaml --to {platform} --sandbox --rate none --only-existing");
        assert_eq!(books(folder, &between), [1, 0, 1, 0, 0, 0], "{platform}");
        assert_eq!(books(folder, "apply plan.jsonl --rejects left.jsonl"), [1, 0, 0, 0, 0, 1], "{platform}");
        let left = fs::read_to_string(folder.join("left.jsonl")).unwrap();
        let expected = "was blank when the plan was made, and is `rui@example.com` now";
        assert!(left.contains(expected), "{platform} {left}");
        // Another plan sees it as it is now.
        assert_eq!(books(folder, &plan), [1, 0, 1, 0, 0, 0], "{platform}");
        assert_eq!(books(folder, "apply plan.jsonl"), [1, 0, 1, 0, 0, 0], "{platform}");
    }
}

#[test]
fn a_run_of_a_plan_that_was_stopped_is_resumed() {
    let folder = folder(&[("before.csv", BEFORE), ("after.csv", AFTER)]);
    let folder = folder.path();
    books(folder, &import("before.csv", "atom"));
    books(folder, &format!("{} --dry-run --plan plan.jsonl", import("after.csv", "atom")));
    assert_eq!(books(folder, "apply plan.jsonl --rate none --limit 1"), [1, 0, 1, 0, 0, 0]);
    assert_eq!(books(folder, "resume"), [5, 1, 2, 0, 2, 0]);
}

#[test]
fn what_a_plan_and_a_repair_wrote_is_undone() {
    let folder = folder(&[("before.csv", BEFORE), ("after.csv", AFTER)]);
    let folder = folder.path();
    let run = |line: &str| summary(folder, line);
    run(&format!("{} --dry-run --plan plan.jsonl", import("before.csv", "eadesk")));
    let dry = run("runs")[0]["run"].as_str().unwrap().to_owned();
    let (code, _, err) = ferry(folder, &format!("undo {dry}"));
    assert!(code == 2 && err.contains("was a dry run, which wrote nothing: there is nothing to undo"), "{err}");
    let applied = run("apply plan.jsonl --rate none")["run"].as_str().unwrap().to_owned();
    // The plan need not be there any more.
    fs::remove_file(folder.join("plan.jsonl")).unwrap();
    assert_eq!(run(&format!("undo {applied}"))["records"]["deleted"], 3);
    let imported = run(&import("before.csv", "eadesk"))["run"].as_str().unwrap().to_owned();
    run(&format!("undo {imported}"));
    let repaired = run(&format!("verify {imported} --repair"))["repair"].clone();
    assert_eq!(repaired["records"]["created"], 3, "{repaired}");
    let undone = run(&format!("undo {}", repaired["run"].as_str().unwrap()));
    assert_eq!((&undone["records"]["deleted"], &undone["status"]), (&json!(3), &json!("done")));
}

#[test]
fn a_run_of_a_plan_is_undone_like_any_other() {
    let folder = folder(&[("before.csv", BEFORE), ("after.csv", AFTER)]);
    let folder = folder.path();
    books(folder, &import("before.csv", "eadesk"));
    books(folder, &format!("{} --on-existing update --dry-run --plan plan.jsonl", import("after.csv", "eadesk")));
    let applied = summary(folder, "apply plan.jsonl --rate none");
    assert_eq!(applied["records"]["created"], 1, "{applied}");
    let (code, out, err) = ferry(folder, &format!("undo {} --output json", applied["run"].as_str().unwrap()));
    let undone: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}\n{err}"));
    assert_eq!((code, &undone["records"]["deleted"]), (0, &json!(1)), "{undone}");
    // As it was: the plan can be done again.
    assert_eq!(books(folder, "apply plan.jsonl --rate none --fresh")[1], 1);
}

#[test]
fn what_a_plan_wrote_is_verified_and_undone_also_when_the_plan_is_gone() {
    let folder = folder(&[("after.csv", AFTER)]);
    let folder = folder.path();
    ferry(folder, &format!("{} --dry-run --plan plan.jsonl", import("after.csv", "eadesk")));
    assert_eq!(books(folder, "apply plan.jsonl --rate none"), [5, 4, 0, 0, 1, 0]);
    let (code, out, err) = ferry(folder, "verify --output json");
    let told: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}\n{err}"));
    assert_eq!((code, &told["same"], &told["differ"], &told["missing"]), (0, &json!(4), &json!(0), &json!(0)));
    let run = told["run"].as_str().unwrap().to_owned();
    fs::remove_file(folder.join("plan.jsonl")).unwrap();
    let (code, out, err) = ferry(folder, &format!("undo {run} --rate none"));
    assert!(code == 0 && out.contains("  deleted   4\n"), "{code} {out}\n{err}");
}

#[test]
fn no_file_that_is_asked_for_is_written_over_the_source() {
    let folder = folder(&[("after.csv", AFTER)]);
    let folder = folder.path();
    let cases = [
        (format!("{} --dry-run --plan after.csv", import("after.csv", "atom")), "--plan", "after.csv"),
        (format!("{} --dry-run --plan ./after.csv", import("after.csv", "atom")), "--plan", "after.csv"),
        ("apply after.csv --results after.csv".to_owned(), "--results", "after.csv"),
    ];
    for (line, option, source) in cases {
        let (code, out, err) = ferry(folder, &line);
        let told = format!("error: `{option}` would overwrite the source `{source}`\nhint: name another file\n");
        assert!(code == 2 && out.is_empty() && err.starts_with(&told), "{line}: {code} {out}{err}");
    }
    assert_eq!(fs::read_to_string(folder.join("after.csv")).unwrap(), AFTER);
}

#[test]
fn a_dry_run_is_not_resumed_verified_corrected_or_undone() {
    let folder = folder(&[("after.csv", AFTER)]);
    let folder = folder.path();
    let line = import("after.csv", "atom");
    let told = summary(folder, &format!("{line} --dry-run"));
    let run = told["run"].as_str().unwrap();
    let of_correct = format!("{line} --correct {run}");
    let cases = [
        (format!("resume {run}"), format!("`{run}` was a dry run: there is nothing to resume")),
        (format!("verify {run}"), format!("`{run}` was a dry run, which wrote nothing")),
        (format!("undo {run}"), format!("`{run}` was a dry run, which wrote nothing: there is nothing to undo")),
        (of_correct, format!("`--correct`: `{run}` was a dry run, which wrote nothing")),
    ];
    for (line, told) in cases {
        let (code, _, err) = ferry(folder, &line);
        assert!(code == 2 && err.starts_with(&format!("error: {told}\nhint: ")), "{line}: {code} {err}");
    }
}

#[test]
fn a_file_that_is_no_plan_for_this_account_is_refused_with_a_hint() {
    let folder = folder(&[("before.csv", BEFORE), ("other.jsonl", "{\"a\": 1}\n")]);
    let folder = folder.path();
    for file in ["plan.csv", "plan.jsonl"] {
        assert_eq!(ferry(folder, &format!("{} -n --plan {file}", import("before.csv", "atom"))).0, 0);
    }
    let text = fs::read_to_string(folder.join("plan.jsonl")).unwrap();
    fs::write(folder.join("moved.jsonl"), text.replace("\"platform\":\"atom\"", "\"platform\":\"twin\"")).unwrap();
    fs::write(folder.join("newer.jsonl"), text.replace("\"ferry_plan\":1", "\"ferry_plan\":2")).unwrap();
    for (file, expected) in [
        (
            "plan.csv",
            "error: `plan.csv` is a table, which is for reading\n\
             hint: a plan that can be applied is JSON Lines: `--dry-run --plan plan.jsonl`\n",
        ),
        (
            "other.jsonl",
            "error: `other.jsonl` is not a plan that can be applied\n\
             hint: create one: run the import or migration with `--dry-run --plan plan.jsonl`\n",
        ),
        (
            "moved.jsonl",
            "error: `moved.jsonl` was created for twin at `sandbox`, and `atom` is atom at `sandbox` now\n\
             hint: create another plan for the connection as it is now\n",
        ),
        (
            "newer.jsonl",
            "error: `newer.jsonl` is a plan of version 2\n\
             hint: it was written by a newer version of Ferry: create it again with this one\n",
        ),
    ] {
        let (code, _, err) = ferry(folder, &format!("apply {file}"));
        assert_eq!((code, err.as_str()), (2, expected), "{file}");
    }
}

#[test]
fn what_a_plan_stores_of_a_contact_is_read_as_it_was_written() {
    let mut contact = Contact::default();
    contact.set_text(Field::FirstName, "Ana");
    contact.set_text(Field::City, "Quito");
    contact.list_mut(Field::Phones).extend(["+593987625587".to_owned(), "+593987625588".to_owned()]);
    contact.set_attribute("Plan", "Gold");
    contact.set_attribute("Old", "");
    let mut wanted = Wanted { contact, tag_mode: TagMode::Replace, ..Wanted::default() };
    wanted.fill.insert(Field::City);
    wanted.clear.insert(Field::Notes);
    wanted.force.insert(Field::Emails);
    wanted.attribute_overwrite = vec![("Plan".into(), Overwrite::Fill), ("Old".into(), Overwrite::Clear)];
    let identities = vec![IdentityValue { field: Field::Phones, value: "593987625587".to_owned() }];
    let seen = json!({ "full_name": "Ana", "tags": ["a", "b"] }).as_object().unwrap().clone();
    let parcel = PlannedWrite { wanted, identities, not_carried: vec!["handles".to_owned()], seen: Some(seen) };
    let mut read = PlannedWrite::from_json(&parcel.to_json()).unwrap();
    let sort = |parcel: &mut PlannedWrite| {
        parcel.wanted.contact.attributes.sort_by(|one, other| one.name.cmp(&other.name));
        parcel.wanted.attribute_overwrite.sort_by(|one, other| one.0.cmp(&other.0));
    };
    let mut expected = parcel.clone();
    sort(&mut expected);
    sort(&mut read);
    assert_eq!(read, expected);
    assert_eq!(PlannedWrite::from_json(&json!({ "contact": {} })), None);
}
