//! `ferry verify`: what is at the target, compared with what a run meant to be there.

use super::support::{
    Ended, begin, creating_platforms, ferry as command, folder_with, json_lines, run, runtime, scene, serve,
};
use ferry::sandbox::{FaultKind, SandboxOptions};
use serde_json::Value;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const MAPPING: &str = "contact: { first_name: First, last_name: Last, phone: Phone, email: Email, tags: Tag }\n\
                       phone_region: EC\nidentity: [phone, email]\n";

const THREE: &str = "First,Last,Phone,Email,Tag\nAna,Paz,0987625587,ana@example.com,VIP\n\
                     Eva,Sol,0987625588,eva@example.com,nobody-knows-it\nBad,Row,12,bad@example.com,\n";

/// A folder with a mapping and files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    folder_with(&[&[("map.yaml", MAPPING)], files].concat())
}

fn ferry(folder: &Path, line: &str) -> Ended {
    run(command(folder, line))
}

fn ferry_at(folder: &Path, line: &str, vars: &[(&str, String)]) -> Ended {
    run(command(folder, line).envs(vars.iter().map(|(name, value)| (name, value))))
}

fn import(folder: &Path, file: &str, to: &str) -> String {
    let line = format!("import {file} --map map.yaml --to {to} --sandbox --rate none --output json");
    let ended = ferry(folder, &line);
    assert!([0, 3].contains(&ended.exit), "{}", ended.err);
    ended.run()
}

#[test]
fn what_a_run_wrote_is_the_same_and_what_it_rejected_is_not_compared() {
    for platform in creating_platforms() {
        let folder = folder(&[("three.csv", THREE)]);
        import(folder.path(), "three.csv", platform);
        let runs = fs::read_dir(folder.path().join(".ferry/runs")).unwrap().count();
        let verified = ferry(folder.path(), "verify --output json");
        assert_eq!((verified.compared(), verified.exit), ([2, 0, 0, 0, 1], 0), "{platform}: {}", verified.err);
        assert_eq!(fs::read_dir(folder.path().join(".ferry/runs")).unwrap().count(), runs, "it is a look, not a run");
    }
}

#[test]
fn differences_are_reported_field_by_field_and_repaired_and_nothing_else_is_sent() {
    let changed = "First,Last,Phone,Email,Tag\nAnita,Paz,0987625587,ana@example.com,VIP\n";
    let folder = folder(&[("three.csv", THREE), ("changed.csv", changed)]);
    let run = import(folder.path(), "three.csv", "mercately");
    import(folder.path(), "changed.csv", "mercately");
    let verify = format!("verify {run} --output json");
    let verified = ferry(folder.path(), &format!("{verify} --out found.jsonl"));
    assert_eq!((verified.compared(), verified.exit), ([1, 1, 0, 0, 1], 3), "{}", verified.err);
    let found = json_lines(&fs::read_to_string(folder.path().join("found.jsonl")).unwrap());
    let fields = serde_json::json!([{ "field": "first_name", "there": "Anita", "meant": "Ana" }]);
    assert_eq!(found.iter().map(|line| &line["sign"]).collect::<Vec<_>>(), ["~", "="]);
    assert_eq!((&found[0]["line"], &found[0]["fields"]), (&2.into(), &fields));

    let repaired = ferry(folder.path(), &format!("{verify} --repair"));
    let repair = repaired.summary()["repair"]["records"].clone();
    let expected = serde_json::json!({
        "read": 3, "created": 0, "updated": 1, "unchanged": 1, "skipped": 0, "rejected": 1, "unknown": 0, "pending": 0
    });
    assert_eq!((repair, repaired.exit), (expected, 0), "{}", repaired.err);
    let again = ferry(folder.path(), &verify);
    assert_eq!((again.compared(), again.exit), ([2, 0, 0, 0, 1], 0));
    let text = fs::read_to_string(folder.path().join(".ferry/runs").join(&run).join("verify.txt")).unwrap();
    assert_eq!(text.lines().map(|line| line.split(' ').take(2).collect()).collect::<Vec<String>>(), ["=2", "=3"]);
}

#[test]
fn an_email_that_another_party_changed_after_the_contact_was_created_is_reported() {
    let mapping =
        "contact: { phone: Phone, email: { from: Email, on_existing: update } }\nphone_region: EC\nidentity: [phone]\n";
    let changed = "Phone,Email\n0987625587,other@example.com\n";
    let folder = folder(&[("three.csv", THREE), ("changed.csv", changed), ("change.yaml", mapping)]);
    let run = import(folder.path(), "three.csv", "mercately");
    let line = "import changed.csv --map change.yaml --to mercately --sandbox --rate none";
    assert_eq!(ferry(folder.path(), line).exit, 0);
    let verified = ferry(folder.path(), &format!("verify {run} --output json --out found.jsonl"));
    assert_eq!((verified.compared(), verified.exit), ([1, 1, 0, 0, 1], 3), "{}", verified.err);
    let fields = serde_json::json!([{ "field": "email", "there": "other@example.com", "meant": "ana@example.com" }]);
    assert_eq!(json_lines(&fs::read_to_string(folder.path().join("found.jsonl")).unwrap())[0]["fields"], fields);
    assert_eq!(ferry(folder.path(), &format!("verify {run} --repair -q")).exit, 0);
    assert_eq!(ferry(folder.path(), &format!("verify {run} --output json")).compared(), [2, 0, 0, 0, 1]);
}

#[test]
fn a_contact_that_is_gone_is_missing_and_is_created_again_by_a_repair() {
    let one = "First,Last,Phone,Email,Tag\nEva,Sol,0987625588,eva@example.com,\n";
    let folder = folder(&[("three.csv", THREE), ("one.csv", one)]);
    let run = import(folder.path(), "three.csv", "eadesk");
    // The account as it is without Ana.
    fs::remove_dir_all(folder.path().join(".ferry/sandbox")).unwrap();
    import(folder.path(), "one.csv", "eadesk");
    let verified = ferry(folder.path(), &format!("verify {run} --output json --out found.csv"));
    let sums = verified.compared();
    assert_eq!((sums[2], sums[3], sums[4], verified.exit), (1, 0, 1, 3), "{}", verified.err);
    let text = fs::read_to_string(folder.path().join("found.csv")).unwrap();
    let missing = text.lines().nth(1).unwrap().strip_prefix("2,missing,").unwrap();
    assert_eq!((missing.len(), missing.ends_with(",,")), (26, true), "{text}");
    let repaired = ferry(folder.path(), &format!("verify {run} --repair --output json"));
    assert_eq!((repaired.summary()["repair"]["records"]["created"].as_u64(), repaired.exit), (Some(1), 0));
    assert_eq!(ferry(folder.path(), &format!("verify {run} --output json")).compared(), [2, 0, 0, 0, 1]);
}

#[test]
fn a_changed_source_or_mapping_is_reported_and_compared_only_on_request() {
    let folder = folder(&[("three.csv", THREE)]);
    let run = import(folder.path(), "three.csv", "atom");
    let more = format!("{THREE}Leo,Mar,0987625589,leo@example.com,\n");
    fs::write(folder.path().join("three.csv"), more).unwrap();
    let refused = ferry(folder.path(), "verify");
    let expected = format!(
        "error: `three.csv` has changed, so the values that `{run}` was to write are no longer known\n\
         hint: use `--anyway` to compare the records as they are now\n"
    );
    assert!(refused.exit == 2 && refused.err.ends_with(&expected), "{}", refused.err);
    assert_eq!(ferry(folder.path(), "verify --anyway --output json").compared(), [2, 0, 1, 0, 1]);
    fs::write(folder.path().join("map.yaml"), format!("{MAPPING}only_if: \"row.Tag == 'VIP'\"\n")).unwrap();
    let refused = ferry(folder.path(), "verify");
    let expected = "error: the mapping or the connection has changed, so";
    assert!(refused.exit == 2 && refused.err.contains(expected), "{}", refused.err);
    assert_eq!(ferry(folder.path(), "verify --anyway --output json").compared(), [1, 0, 0, 0, 3]);
}

#[test]
fn runs_that_cannot_be_verified_are_refused_with_a_hint() {
    let folder = folder(&[("three.csv", THREE)]);
    let nothing = ferry(folder.path(), "verify");
    assert_eq!(
        (nothing.exit, nothing.err.as_str()),
        (2, "error: there is no finished import, migration or applied plan\nhint: `ferry runs` lists all runs\n")
    );
    let line = "import three.csv --map map.yaml --to atom --sandbox --rate none --limit 1 --output json";
    let run = ferry(folder.path(), line).run();
    let refused = ferry(folder.path(), &format!("verify {run}"));
    let expected = format!("error: `{run}` is not finished\nhint: finish it first: `ferry resume {run}`\n");
    assert_eq!((refused.exit, refused.err), (2, expected));
    let line = "import three.csv --map map.yaml --to atom --sandbox --rate none --dry-run --output json";
    let run = ferry(folder.path(), line).run();
    assert_eq!(ferry(folder.path(), &format!("verify {run}")).exit, 2);
}

#[test]
fn a_migration_is_verified_by_reading_its_source_again() {
    let folder = folder(&[("three.csv", THREE)]);
    import(folder.path(), "three.csv", "mercately");
    let line = "migrate --from mercately --to eadesk --sandbox --rate none --output json";
    assert_eq!(ferry(folder.path(), line).exit, 0);
    let verified = ferry(folder.path(), "verify --output json");
    assert_eq!((verified.compared(), verified.exit), ([2, 0, 0, 0, 0], 0), "{}", verified.err);
}

#[test]
fn a_target_that_fails_now_and_then_makes_no_contact_missing() {
    let rows: String = (0..60).map(|n| format!("Ana,Number{n},09876{n:05},ana{n}@example.com,VIP\n")).collect();
    let folder = folder(&[("many.csv", &format!("First,Last,Phone,Email,Tag\n{rows}"))]);
    let faults = vec![(FaultKind::Error500, 0.15), (FaultKind::DropBefore, 0.1), (FaultKind::Truncate, 0.05)];
    let runtime = runtime(2);
    for (faults, line) in [
        (Vec::new(), "import many.csv --map map.yaml --to mercately --rate none --output json"),
        (faults, "verify --output json"),
    ] {
        let options = SandboxOptions { faults, seed: 7, ..SandboxOptions::new(folder.path().join("site")) };
        let sandbox = runtime.block_on(serve(options));
        let ended = ferry_at(folder.path(), line, &sandbox.credentials());
        runtime.block_on(sandbox.stop());
        assert_eq!(ended.exit, 0, "{}", ended.err);
        if line.starts_with("verify") {
            assert_eq!(ended.compared(), [60, 0, 0, 0, 0], "{}", ended.err);
        }
    }
}

#[test]
fn a_contact_whose_id_is_gone_is_missing() {
    let folder = TempDir::new().unwrap();
    let id = |n: u32| format!("7a1e0000-0000-4000-8000-{n:012}");
    fs::write(folder.path().join("two.csv"), format!("Client,Plan\n{},Pro\n{},Basic\n", id(1), id(2))).unwrap();
    fs::write(folder.path().join("twin.yaml"), "contact: { target_id: Client, attributes: { Plan: Plan } }\n").unwrap();
    let runtime = runtime(2);
    // The second of them is not there any more the second time.
    for (clients, line, expected) in
        [(2, "import two.csv --map twin.yaml --to twin --output json", 0), (1, "verify --output json", 3)]
    {
        let options = SandboxOptions::new(folder.path().join(line.len().to_string())).with("twin", "clients", clients);
        let sandbox = runtime.block_on(serve(options));
        let ended = ferry_at(folder.path(), line, &sandbox.credentials());
        runtime.block_on(sandbox.stop());
        assert_eq!(ended.exit, expected, "{}", ended.err);
        if clients == 1 {
            assert_eq!(ended.compared()[2..4], [1, 0], "{}", ended.out);
        }
    }
}

#[test]
fn a_repair_that_was_killed_is_resumed() {
    let rows = |name: &str| -> String {
        let rows = (0..60).map(|n| format!("{name},Number{n},09876{n:05},ana{n}@example.com,\n"));
        format!("First,Last,Phone,Email,Tag\n{}", rows.collect::<String>())
    };
    let scene = scene(|_| {});
    scene.write("map.yaml", MAPPING);
    scene.write("one.csv", &rows("Ana"));
    scene.write("other.csv", &rows("Eva"));
    let import = |file: &str| {
        let ended = scene.run_json(&format!("import {file} --map map.yaml --to mercately"));
        assert_eq!(ended.exit, 0, "{}", ended.err);
        ended.run()
    };
    let run = import("one.csv");
    import("other.csv");
    let writes = scene.writes();
    let repair = begin(scene.command(&format!("verify {run} --repair")).env("FERRY_MERCATELY_RATE", "10/s"));
    scene.wait_until("five repairs", |scene| scene.writes() >= writes + 5);
    repair.kill();
    assert!(scene.run_json("runs").out.contains("\"unfinished\""));
    let resumed = scene.run("resume");
    assert_eq!(resumed.exit, 0, "{}", resumed.err);
    assert_eq!(scene.run_json(&format!("verify {run}")).compared(), [60, 0, 0, 0, 0]);
    assert!(!scene.run_json("runs").out.contains("\"unfinished\""));
}

#[test]
fn what_another_party_changed_after_a_correction_is_reported() {
    let mapping = "contact: { first_name: NAME, last_name: last, phone: phone }\n";
    let folder = folder(&[
        ("wrong.yaml", &mapping.replace("NAME", "wrong")),
        ("right.yaml", &mapping.replace("NAME", "first")),
        ("ana.csv", "first,last,phone,wrong\nAna,Paz,+593987625587,Zoila\n"),
        ("hand.csv", "first,last,phone\nOtra,Paz,+593987625587\n"),
    ]);
    let folder = folder.path();
    let run = |line: &str| ferry(folder, line).run();
    let to = "--to mercately --sandbox --rate none --output json";
    let wrong = run(&format!("import ana.csv --map wrong.yaml {to}"));
    let corrected = run(&format!("import ana.csv --map right.yaml --correct {wrong} {to}"));
    let verify = format!("verify {corrected} --output json");
    assert_eq!(ferry(folder, &verify).compared(), [1, 0, 0, 0, 0]);
    run(&format!("import hand.csv --map right.yaml {to}"));
    let told = ferry(folder, &verify);
    assert_eq!((told.exit, told.compared()), (3, [0, 1, 0, 0, 0]));
    // The receipt of the run says it, too.
    let receipt = fs::read(folder.join(".ferry/runs").join(&corrected).join("receipt.json")).unwrap();
    let receipt: Value = serde_json::from_slice(&receipt).unwrap();
    assert_eq!((&receipt["verify"]["same"], &receipt["verify"]["differ"]), (&0.into(), &1.into()), "{receipt}");
}

#[test]
fn a_file_that_was_only_touched_is_what_it_was_and_is_not_written_over() {
    let folder = folder(&[("three.csv", THREE)]);
    let run = import(folder.path(), "three.csv", "atom");
    fs::write(folder.path().join("three.csv"), THREE).unwrap();
    let verified = ferry(folder.path(), &format!("verify {run} --output json"));
    assert_eq!((verified.compared(), verified.exit), ([2, 0, 0, 0, 1], 0), "{}", verified.err);
    for words in ["verify RUN --out three.csv", "undo RUN --results three.csv", "undo RUN -n --plan three.csv"] {
        let refused = ferry(folder.path(), &words.replace("RUN", &run));
        assert_eq!(refused.exit, 2, "{words}: {}", refused.err);
        assert!(refused.err.contains("would overwrite the source `three.csv` of `"), "{words}: {}", refused.err);
    }
    assert_eq!(fs::read_to_string(folder.path().join("three.csv")).unwrap(), THREE);
    // Atom has no call to delete, and that is said.
    assert_eq!(ferry(folder.path(), &format!("undo {run} --quiet")).exit, 3);
    let verified = ferry(folder.path(), &format!("verify {run}"));
    assert!(verified.err.contains("was to undo it, and has changed nothing"), "{}", verified.err);
    let run = import(folder.path(), "three.csv", "eadesk");
    assert_eq!(ferry(folder.path(), &format!("undo {run} --quiet")).exit, 0);
    let verified = ferry(folder.path(), &format!("verify {run}"));
    assert!(verified.err.contains("has undone some or all of what it wrote"), "{}", verified.err);
}

#[test]
fn two_records_that_come_to_one_contact_are_not_both_written() {
    let there = "First,Last,Phone,Email,Tag\nOld,One,0960005001,b@example.com,\n";
    let both = "First,Last,Phone,Email,Tag\nAna,Uno,0960005001,a@example.com,\nBob,Dos,0960005002,b@example.com,\n";
    for platform in ["mercately", "eadesk"] {
        let folder = folder(&[("there.csv", there), ("both.csv", both)]);
        import(folder.path(), "there.csv", platform);
        let words = format!("import both.csv --map map.yaml --to {platform} --sandbox --rate none --output json");
        let looked = ferry(folder.path(), &format!("{words} --dry-run")).summary();
        let told = ferry(folder.path(), &words);
        let run = told.run();
        assert_eq!((looked["records"].clone(), told.exit), (told.summary()["records"].clone(), 3), "{}", told.out);
        let expected = serde_json::json!([1, 1]);
        let records = &told.summary()["records"];
        assert_eq!(serde_json::json!([records["updated"], records["rejected"]]), expected, "{platform}: {}", told.out);
        let rejects =
            fs::read_to_string(told.summary()["rejects_file"].as_str().map(|p| folder.path().join(p)).unwrap());
        let rejects = rejects.unwrap();
        assert!(
            rejects.contains("identity.ambiguous") && rejects.contains("line 2 is this contact already"),
            "{rejects}"
        );
        let verified = ferry(folder.path(), &format!("verify {run} --output json"));
        assert_eq!((verified.compared(), verified.exit), ([1, 0, 0, 0, 1], 0), "{platform}: {}", verified.err);
        // Nor by the next one.
        let again = ferry(folder.path(), &words).summary();
        assert_eq!(again["records"]["unchanged"], 1, "{platform}: {again}");
    }
}
