//! `--only-changed`: what arrived in an earlier run is passed over without a request, and what was written over since is
//! not.

use super::dry::scene;
use super::support::{Ended, Scene};

const MAPPING: &str =
    "version: 1\nphone_region: EC\ncontact:\n  first_name: First\n  last_name: Last\n  phone: Phone\n";

fn stage() -> Scene {
    let scene = scene(|_| {});
    scene.write("mapping.yaml", MAPPING);
    scene.write("other.yaml", &format!("{MAPPING}  email: {{ from: Email, optional: true }}\n"));
    scene
}

fn sheet(scene: &Scene, people: usize, last: &str) {
    let mut text = "First,Last,Phone\n".to_owned();
    (0..people).for_each(|n| text.push_str(&format!("Ana{n},{last},09960{n:05}\n")));
    scene.write("sheet.csv", &text);
}

const IMPORT: &str = "import sheet.csv --map mapping.yaml --to mercately";

fn counts(ended: &Ended) -> [u64; 4] {
    ended.counts(["created", "updated", "unchanged", "skipped"])
}

#[test]
fn a_growing_file_sends_only_what_is_new() {
    let scene = stage();
    let nightly = format!("{IMPORT} --only-changed");
    sheet(&scene, 40, "Vera");
    assert_eq!(counts(&scene.run_json(&nightly)), [40, 0, 0, 0]);
    sheet(&scene, 43, "Vera");
    let asked = scene.requests();
    let second = scene.run_json(&nightly);
    assert_eq!(counts(&second), [3, 0, 0, 40], "{second:?}");
    assert_eq!(second.summary()["skipped"]["received"], 40);
    assert!(scene.requests() - asked <= 12, "{:#?}", scene.sandbox().history().split_off(asked));
    let third = scene.run_json(&format!("{nightly} --dry-run"));
    assert_eq!(counts(&third), [0, 0, 0, 43], "{third:?}");
    let third = scene.run_json(&nightly);
    assert_eq!(counts(&third), [0, 0, 0, 43], "{third:?}");
    // Without the option every contact is looked at.
    assert_eq!(counts(&scene.run_json(IMPORT)), [0, 0, 43, 0]);
}

#[test]
fn what_was_written_over_since_is_sent_again() {
    let scene = stage();
    let nightly = format!("{IMPORT} --only-changed");
    sheet(&scene, 5, "Vera");
    assert_eq!(counts(&scene.run_json(&nightly)), [5, 0, 0, 0]);
    sheet(&scene, 5, "Paz");
    assert_eq!(counts(&scene.run_json(&nightly)), [0, 5, 0, 0]);
    sheet(&scene, 5, "Vera");
    assert_eq!(counts(&scene.run_json(&nightly)), [0, 5, 0, 0]);
    assert_eq!(counts(&scene.run_json(&nightly)), [0, 0, 0, 5]);
    // By a run of another mapping, and by one that was left unfinished.
    sheet(&scene, 5, "Sol");
    assert_eq!(counts(&scene.run_json(&nightly.replace("mapping.yaml", "other.yaml"))), [0, 5, 0, 0]);
    sheet(&scene, 5, "Vera");
    assert_eq!(counts(&scene.run_json(&nightly)), [0, 5, 0, 0]);
    sheet(&scene, 5, "Luna");
    assert_eq!(counts(&scene.run_json(&format!("{nightly} --limit 2"))), [0, 2, 0, 0]);
    sheet(&scene, 5, "Vera");
    let last = scene.run_json(&format!("{nightly} --fresh"));
    assert_eq!(counts(&last), [0, 2, 0, 3], "{last:?}");
}

#[test]
fn a_run_with_another_option_looks_at_every_record() {
    let scene = stage();
    sheet(&scene, 5, "Vera");
    assert_eq!(counts(&scene.run_json(&format!("{IMPORT} --on-existing fill"))), [5, 0, 0, 0]);
    assert_eq!(counts(&scene.run_json(&format!("{IMPORT} --only-changed"))), [0, 0, 5, 0]);
    assert_eq!(counts(&scene.run_json(&format!("{IMPORT} --only-changed"))), [0, 0, 0, 5]);
}

#[test]
fn a_record_whose_contact_an_undo_deleted_is_sent_again() {
    let scene = stage();
    sheet(&scene, 3, "Vera");
    let import = IMPORT.replace("mercately", "eadesk");
    let made = scene.run_json(&import);
    assert_eq!(counts(&made), [3, 0, 0, 0], "{made:?}");
    assert_eq!(counts(&scene.run_json(&import)), [0, 0, 3, 0]);
    let undo = scene.run_json(&format!("undo {}", made.run()));
    assert_eq!(undo.count("deleted"), 3, "{undo:?}");
    assert_eq!(counts(&scene.run_json(&format!("{import} --only-changed"))), [3, 0, 0, 0]);
}

#[test]
fn what_a_correction_left_as_another_party_wrote_it_does_not_count_as_received() {
    let scene = stage();
    scene.write("sheet.csv", "First,Last,Phone,Wrong\nAna,Vera,0996000000,Zoila\n");
    scene.write("wrong.yaml", &MAPPING.replace("First\n", "Wrong\n").replace("Last\n", "Wrong\n"));
    let wrong = scene.run_json(&IMPORT.replace("mapping.yaml", "wrong.yaml"));
    // A user fixes one of the two names by hand, in another way.
    scene.write("hand.csv", "First,Last,Phone\nZoila,Mano,0996000000\n");
    assert_eq!(counts(&scene.run_json(&IMPORT.replace("sheet.csv", "hand.csv"))), [0, 1, 0, 0]);
    let corrected = scene.run_json(&format!("{IMPORT} --correct {}", wrong.run()));
    assert_eq!(counts(&corrected), [0, 1, 0, 0], "{corrected:?}");
    assert_eq!(counts(&scene.run_json(&format!("{IMPORT} --only-changed"))), [0, 1, 0, 0]);
}

#[test]
fn what_was_undone_is_sent_again_and_then_passed_over() {
    let scene = scene(|_| {});
    scene.write("mapping.yaml", MAPPING);
    let import = IMPORT.replace("mercately", "eadesk");
    sheet(&scene, 5, "Vera");
    let first = scene.run_json(&import);
    assert_eq!(counts(&first), [5, 0, 0, 0]);
    // A second run that found every contact as it was meant to be knows nothing of the undo after it.
    assert_eq!(counts(&scene.run_json(&import)), [0, 0, 5, 0]);
    let run = first.run();
    assert_eq!(scene.run_json(&format!("undo {run}")).exit, 0);
    let nightly = format!("{import} --only-changed");
    assert_eq!(counts(&scene.run_json(&nightly)), [5, 0, 0, 0]);
    assert_eq!(counts(&scene.run_json(&nightly)), [0, 0, 0, 5]);
}

#[test]
fn the_contact_of_a_record_that_is_passed_over_stays_its_own() {
    let scene = stage();
    let mapping = format!("{MAPPING}  email: Email\nidentity: [phone, email]\n");
    scene.write("both.yaml", &mapping);
    scene.write("sheet.csv", "First,Last,Phone,Email\nAna,Vera,0996000001,ana@example.com\n");
    let import = "import sheet.csv --map both.yaml --to mercately --only-changed";
    assert_eq!(counts(&scene.run_json(import)), [1, 0, 0, 0]);
    // Somebody gives Ana the e-mail that Bruno has in the next sheet.
    scene.write("theirs.yaml", &mapping.replace("email: Email", "email: { from: Email, on_existing: update }"));
    scene.write("theirs.csv", "First,Last,Phone,Email\nAna,Vera,0996000001,bruno@example.com\n");
    let theirs = scene.run_json("import theirs.csv --map theirs.yaml --to mercately --state theirs");
    assert_eq!(counts(&theirs), [0, 1, 0, 0], "{theirs:?}");
    scene.write(
        "sheet.csv",
        "First,Last,Phone,Email\nAna,Vera,0996000001,ana@example.com\nBruno,Mena,0996000002,bruno@example.com\n",
    );
    let told = scene.run_json(import);
    assert_eq!((counts(&told), told.count("rejected")), ([0, 0, 0, 1], 1), "{told:?}");
    assert_eq!(scene.contacts("mercately")[0]["first_name"], "Ana");
}
