//! Contacts that a snapshot shows as they should be are decided ahead of their turn: with the same outcomes as contacts
//! that are looked up one at a time.

use super::support::{Ended, Scene, scene};
use std::fmt::Write;

const MAPPING: &str = "version: 1
phone_region: EC
contact:
  first_name: First
  last_name: Last
  phone: Phone
  email: Email
";

const COLUMNS: &str = "version: 1
columns:
  first: first_name
  last: last_name
  phone: phone
  email: email
";

const IMPORT: &str = "import people.csv --map mapping.yaml --to mercately --rejects rejects.csv";

fn stage(find: &str) -> Scene {
    let mut scene = scene(|_| {});
    scene.set_for_all("find", find);
    scene.set_for_all("settle", "0s");
    scene.write("mapping.yaml", MAPPING);
    scene.write("columns.yaml", COLUMNS);
    scene
}

/// Imports these rows.
fn import(scene: &Scene, rows: &str) -> Ended {
    scene.write("people.csv", &format!("First,Last,Phone,Email\n{rows}"));
    scene.run_json(IMPORT)
}

/// Contacts of which every third has another last name.
fn people(len: usize, last: &str) -> String {
    let mut rows = String::new();
    for nth in 0..len {
        let last = if nth % 3 == 0 { last } else { "Vera" };
        writeln!(rows, "Ana{nth},{last},+593991{nth:06},ana{nth}@example.com").unwrap();
    }
    rows
}

/// What the scene's rejects file says, and the contacts that the platform holds.
fn after(scene: &Scene, ended: &Ended) -> (Vec<u64>, String, String) {
    let counts = ["created", "updated", "unchanged", "skipped", "rejected", "unknown"];
    let counts = counts.into_iter().map(|name| ended.count(name)).collect();
    let rejects = std::fs::read_to_string(scene.path("rejects.csv")).unwrap_or_default();
    // The messages name ids, which depend on the order in which requests arrived.
    let codes = rejects.lines().map(|line| line.split(',').skip(4).take(3).collect::<Vec<_>>().join(","));
    let rejects = codes.collect::<Vec<_>>().join("\n");
    let exported = scene.run("export --from mercately --out held.csv --format csv --map columns.yaml");
    assert_eq!(exported.exit, 0, "{exported:?}");
    let held = std::fs::read_to_string(scene.path("held.csv")).unwrap();
    let mut held: Vec<&str> = held.lines().collect();
    held.sort_unstable();
    (counts, rejects, held.join("\n"))
}

#[test]
fn a_list_leads_to_the_outcomes_that_lookups_lead_to() {
    let len = 700;
    // After the unchanged contacts: records that reach one of them by a value of another record, or by both.
    let reaching = "\
        Eva,Sol,+593987000001,ana1@example.com\n\
        Eva,Paz,+593991000002,ana4@example.com\n\
        Ana5,Vera,+593991000005,\n\
        New,One,+593987000009,new@example.com\n";
    let both = ["snapshot", "each"].map(|find| {
        let scene = stage(find);
        assert_eq!(import(&scene, &people(len, "Vera")).count("created"), len as u64);
        let rows = people(len, "Luna").replace("Ana5,Vera,+593991000005,ana5@example.com\n", "") + reaching;
        let ended = import(&scene, &rows);
        after(&scene, &ended)
    });
    let [list, each] = both;
    assert_eq!(list, each);
    let (counts, rejects, _) = list;
    // 234 of 700 have another name. Line 702 is the same contact as one before, by its phone, and changes it; line 701
    // reaches the contact of another record, by its e-mail.
    assert_eq!(counts, [1, 235, 465, 1, 1, 0], "{rejects}");
    assert_eq!(rejects, "ferry_line,ferry_column,ferry_code\n701,email,identity.ambiguous");
}

#[test]
fn a_contact_belongs_to_one_record_whether_it_is_looked_up_or_in_the_list() {
    for find in ["snapshot", "each"] {
        let scene = stage(find);
        assert_eq!(import(&scene, &people(10, "Vera")).count("created"), 10);
        // One record would change the contact, the other has it as it is. Which one reaches it first is not known.
        let ended = import(&scene, "Ana1,Luna,,ana1@example.com\nAna1,Vera,+593991000001,\n");
        let counts = ["updated", "unchanged", "rejected"].map(|name| ended.count(name));
        assert!([[1, 0, 1], [0, 1, 1]].contains(&counts), "{find}: {ended:?}");
        let last = if counts[0] == 1 { "Luna" } else { "Vera" };
        let held = after(&scene, &ended).2;
        assert!(held.contains(&format!("Ana1,{last},+593991000001")), "{find}: {held}");
    }
}

#[test]
fn a_run_that_changes_nothing_asks_for_the_pages_of_the_list_alone() {
    let scene = stage("snapshot");
    let len = 600;
    assert_eq!(import(&scene, &people(len, "Vera")).count("created"), len as u64);
    let before = scene.requests();
    let ended = import(&scene, &people(len, "Vera"));
    assert_eq!(ended.count("unchanged"), len as u64, "{ended:?}");
    let history = scene.sandbox().history().split_off(before);
    assert!(history.iter().all(|request| format!("{request:?}").contains("GET")), "{history:#?}");
}
