//! Guards: a run that is about to do far more than was expected is stopped before it does, and goes on when it is meant.

use super::dry::scene;
use super::support::{Scene, run};
use ferry::reconcile::guards::Allowed;

const MAPPING: &str = "version: 1\nphone_region: EC\ncontact:\n  first_name: First\n  last_name: { from: Last, default: \"-\" }\n  phone: Phone\n  attributes:\n    City: { from: City, clear: true }\n";

/// A sheet of so many people; the city is blank where `blank` says so.
fn sheet(people: usize, blank: impl Fn(usize) -> bool) -> String {
    let mut text = "First,Last,Phone,City\n".to_owned();
    for n in 0..people {
        let city = if blank(n) { "" } else { "Quito" };
        text.push_str(&format!("Ana{n},Vera,09960{n:05},{city}\n"));
    }
    text
}

fn stage(people: usize) -> Scene {
    let scene = scene(|_| {});
    scene.write("mapping.yaml", MAPPING);
    scene.write("sheet.csv", &sheet(people, |_| false));
    scene
}

const IMPORT: &str = "import sheet.csv --map mapping.yaml --to mercately";

#[test]
fn a_limit_is_a_number_or_a_percentage() {
    let cases = [
        ("0", Ok(Allowed::Number(0))),
        ("10", Ok(Allowed::Number(10))),
        ("5%", Ok(Allowed::Percent(5.0))),
        ("0.5 %", Ok(Allowed::Percent(0.5))),
        ("250%", Ok(Allowed::Percent(250.0))),
        ("-1", Err(())),
        ("-1%", Err(())),
        ("NaN%", Err(())),
        ("ten", Err(())),
        ("%", Err(())),
        ("", Err(())),
    ];
    for (text, expected) in cases {
        let read = Allowed::parse(text).map_err(|words| {
            assert_eq!(words, "expected a number, such as `10`, or a percentage, such as `5%`");
        });
        assert_eq!(read, expected, "`{text}`");
    }
}

#[test]
fn a_half_loaded_sheet_is_stopped_before_it_wipes_anything() {
    let scene = stage(120);
    let first = scene.run_json(IMPORT);
    assert_eq!((first.exit, first.count("created")), (0, 120), "{first:?}");
    // A third of the column is missing: 20 % of 120 records are 24 values.
    scene.write("sheet.csv", &sheet(120, |n| n % 3 == 1));
    let acted = scene.writes();
    let stopped = scene.run_json(IMPORT);
    assert!(
        stopped
            .err
            .contains("40 records would lose values, and `--max-clears` allows 24 (20 % of 120 records, at least one)"),
        "{}",
        stopped.err
    );
    assert!(stopped.err.contains("`attributes.City` from `Quito` to blank"), "{}", stopped.err);
    assert!(stopped.err.contains("run the same command with `--max-clears 40`"), "{}", stopped.err);
    assert_eq!((stopped.exit, stopped.count("read"), stopped.count("pending")), (8, 120, 120), "{stopped:?}");
    assert_eq!(scene.writes(), acted, "nothing was sent");
    // A dry run reports the same, and counts it all.
    let dry = scene.run_json(&format!("{IMPORT} --dry-run"));
    assert_eq!((dry.exit, dry.summary()["cleared"].as_u64(), dry.count("updated")), (8, Some(40), 40), "{dry:?}");
    assert!(dry.err.contains("40 records would lose values, and `--max-clears` allows 24"), "{}", dry.err);
    assert_eq!(scene.writes(), acted, "nothing was sent");
    // It is meant: the run that was stopped goes on.
    let meant = scene.run_json(&format!("{IMPORT} --max-clears 40"));
    assert_eq!(
        (meant.exit, meant.count("updated"), meant.summary()["cleared"].as_u64()),
        (0, 40, Some(40)),
        "{meant:?}"
    );
    assert_eq!(meant.summary()["run"], stopped.summary()["run"]);
}

#[test]
fn however_small_the_file_a_run_that_erases_much_is_stopped() {
    // How many of how many records lose their city, and what is asked for; whether it stops, and what it needs.
    let cases = [
        (4, 4, "", Some("--max-clears 4")),
        (4, 2, "", Some("--max-clears 2")),
        (4, 1, "", None),
        (10, 2, "", None),
        (10, 3, "", Some("--max-clears 3")),
        (99, 99, "", Some("--max-clears 99")),
        (4, 1, "--max-clears 20%", Some("--max-clears 1")),
        (4, 2, "--max-clears 50%", None),
        (4, 4, "--max-clears 3", Some("--max-clears 4")),
        (4, 4, "--max-clears=4", None),
        (4, 4, "--max-clears 100%", None),
    ];
    for (people, blank, option, needed) in cases {
        let scene = stage(people);
        assert_eq!(scene.run_json(IMPORT).exit, 0);
        scene.write("sheet.csv", &sheet(people, |n| n < blank));
        let acted = scene.writes();
        let words = format!("{IMPORT} {option}").trim_end().to_owned();
        let human = scene.run_json(&words);
        let Some(needed) = needed else {
            assert_eq!((human.exit, scene.writes() - acted), (0, blank), "{blank} of {people} {option}: {human:?}");
            continue;
        };
        assert_eq!((human.exit, scene.writes()), (8, acted), "{blank} of {people} {option}: {human:?}");
        assert!(human.err.contains(&format!("run the same command with `{needed}`")), "{}", human.err);
        // What the last line says does not stop there again.
        let next = last_command(&scene, &words);
        assert!(next.ends_with(needed) && next.matches("--max-clears").count() == 1, "{next}");
        let meant = scene.run_json(&next);
        assert_eq!((meant.exit, meant.count("updated")), (0, blank as u64), "{next}: {meant:?}");
        assert_eq!(meant.summary()["cleared"].as_u64(), Some(blank as u64));
    }
}

#[test]
fn a_number_limits_values_and_a_percentage_limits_records() {
    let mapping = MAPPING.to_owned() + "    Plan: { from: Plan, clear: true }\n";
    let with_plan = |text: &str, plan: &str| {
        let lines = text.lines().enumerate();
        lines.map(|(n, line)| format!("{line},{}\n", if n == 0 { "Plan" } else { plan })).collect::<String>()
    };
    let scene = stage(10);
    scene.write("mapping.yaml", &mapping);
    scene.write("sheet.csv", &with_plan(&sheet(10, |_| false), "gold"));
    assert_eq!(scene.run_json(IMPORT).exit, 0);
    // Three of ten records lose two values each, the others one.
    scene.write("sheet.csv", &with_plan(&sheet(10, |n| n < 3), ""));
    let stopped = scene.run_json(&format!("{IMPORT} --max-clears 12"));
    assert!(stopped.err.contains("13 values would be erased, and `--max-clears` allows 12"), "{}", stopped.err);
    let stopped = scene.run_json(&format!("{IMPORT} --max-clears 90%"));
    assert!(stopped.err.contains("10 records would lose values, and `--max-clears` allows 9"), "{}", stopped.err);
    assert!(stopped.err.contains("with `--max-clears 13`"), "{}", stopped.err);
    let meant = scene.run_json(&format!("{IMPORT} --max-clears 13"));
    assert_eq!((meant.exit, meant.summary()["cleared"].as_u64()), (0, Some(13)), "{meant:?}");
}

/// The command in the last line of what these words print.
fn last_command(scene: &Scene, words: &str) -> String {
    let text = scene.run(words).out;
    let last = text.trim_end().lines().last().unwrap_or_default();
    last.split_once("run: ferry ").unwrap_or_else(|| panic!("{text}")).1.to_owned()
}

#[test]
fn with_a_lookup_per_record_the_write_beyond_the_limit_is_not_sent() {
    let cases = [
        ("--max-creates 7", "more than 7 contacts would be created, and `--max-creates` allows 7"),
        ("--max-creates 0", "more than 0 contacts would be created, and `--max-creates` allows 0"),
    ];
    for (option, message) in cases {
        let scene = stage(30);
        let most: usize = option.rsplit(' ').next().unwrap().parse().unwrap();
        let import = |more: &str| {
            let words = format!("{IMPORT} --output json {more}");
            run(scene.command(&words).env("FERRY_MERCATELY_FIND", "each"))
        };
        for _ in 0..2 {
            let stopped = import(option);
            assert!(stopped.err.contains(message), "{}", stopped.err);
            // Those that were meant to go and had not gone when it was stopped are held back.
            assert!(stopped.exit == 8 && scene.contacts("mercately").len() <= most, "{stopped:?}");
            assert!(stopped.err.contains("with `--max-creates 100%`"), "{}", stopped.err);
        }
        let more = import("--max-creates 12");
        assert!(more.exit == 8 && scene.contacts("mercately").len() <= 12, "{more:?}");
        let all = import("");
        assert_eq!((all.exit, all.count("created")), (0, 30), "{all:?}");
    }
}

#[test]
fn a_partially_created_contact_counts_when_the_run_is_resumed() {
    let scene = stage(60);
    let import = |words: &str| {
        let words = format!("import sheet.csv --map mapping.yaml --to eadesk --concurrency 8 --output json {words}");
        run(scene.command(&words).env("FERRY_EADESK_FIND", "each"))
    };
    // A person and a phone are two requests: a run that is stopped leaves people between the two.
    for _ in 0..12 {
        let stopped = import("--max-creates 20");
        assert!(stopped.exit == 8 && scene.contacts("eadesk").len() <= 20, "{stopped:?}");
    }
    // Nobody is counted twice: all of them are just as many as that.
    let all = import("--max-creates 60");
    assert_eq!((all.exit, all.count("created"), scene.contacts("eadesk").len()), (0, 60, 60), "{all:?}");
}

#[test]
fn too_many_rejects_stop_a_run_before_the_target_is_asked() {
    let scene = stage(20);
    let bad = "Bea,Paz,12,Quito\nEva,Paz,34,Quito\nIda,Paz,56,Quito\n";
    scene.write("sheet.csv", &(sheet(20, |_| false) + bad));
    let asked = scene.requests();
    let stopped = scene.run_json(&format!("{IMPORT} --max-rejects 2"));
    assert!(stopped.err.contains("3 records would be rejected, and `--max-rejects` allows 2"), "{}", stopped.err);
    assert!(stopped.err.contains("line 22: phone.invalid"), "{}", stopped.err);
    assert_eq!((stopped.exit, scene.requests()), (8, asked), "{stopped:?}");
    let dry = scene.run_json(&format!("{IMPORT} --max-rejects 2 --dry-run"));
    assert_eq!((dry.exit, dry.count("rejected"), dry.count("created")), (8, 3, 20), "{dry:?}");
    let asked = scene.requests();
    // 23 records: 12 % are two of them, 14 % are three.
    let stopped = scene.run_json(&format!("{IMPORT} --max-rejects 12%"));
    assert!(stopped.err.contains("`--max-rejects` allows 2 (12 % of 23 records)"), "{}", stopped.err);
    assert_eq!((stopped.exit, scene.requests()), (8, asked), "{stopped:?}");
    let done = scene.run_json(&format!("{IMPORT} --max-rejects 14%"));
    assert_eq!((done.exit, done.count("rejected"), done.count("created")), (3, 3, 20), "{done:?}");
}

#[test]
fn a_read_target_stops_too_many_changes_and_creations_before_the_first() {
    let scene = stage(30);
    assert_eq!(scene.run_json(IMPORT).exit, 0);
    let changed = sheet(30, |_| false).replace("Vera", "Paz");
    scene.write("sheet.csv", &format!("{changed}New,Paz,0998000001,Quito\nNewer,Paz,0998000002,Quito\n"));
    let acted = scene.writes();
    let import = |more: &str| {
        let words = format!("{IMPORT} --output json {more}");
        run(scene.command(&words).env("FERRY_MERCATELY_FIND", "snapshot"))
    };
    let stopped = import("--max-updates 29 --max-creates 1");
    assert!(stopped.err.contains("2 contacts would be created, and `--max-creates` allows 1"), "{}", stopped.err);
    assert!(stopped.err.contains("30 contacts would be changed, and `--max-updates` allows 29"), "{}", stopped.err);
    assert_eq!((stopped.exit, scene.writes()), (8, acted), "{stopped:?}");
    let done = import("--max-updates 30 --max-creates 2");
    assert_eq!((done.exit, done.count("updated"), done.count("created")), (0, 30, 2), "{done:?}");
}

#[test]
fn under_a_limit_only_the_rejects_of_the_records_tried_count() {
    let scene = stage(0);
    let text = format!("{}Eva,Paz,099,Quito\nIda,Paz,0996011111,Quito\n", sheet(3, |_| false));
    scene.write("sheet.csv", &text);
    let dry = scene.run_json(&format!("{IMPORT} --limit 3 --max-rejects 0 --dry-run"));
    assert_eq!((dry.exit, dry.count("created"), dry.count("rejected")), (0, 3, 0), "{dry:?}");
    let part = scene.run_json(&format!("{IMPORT} --limit 3 --max-rejects 0"));
    assert_eq!((part.exit, part.count("created"), part.count("rejected")), (0, 3, 0), "{part:?}");
    assert!(part.err.contains("to resume, run: ferry import sheet.csv"), "{}", part.err);
    // The fourth record is the reject: a canary that reaches it stops, before it counts it.
    for dry in ["", " --dry-run"] {
        let stopped = scene.run_json(&format!("{IMPORT} --limit 4 --max-rejects 0{dry}"));
        assert_eq!(stopped.exit, 8, "{stopped:?}");
        assert!(stopped.err.contains("1 record would be rejected, and `--max-rejects` allows 0"), "{}", stopped.err);
    }
    let whole = scene.run_json(&format!("{IMPORT} --max-rejects 1"));
    assert_eq!((whole.exit, whole.count("created"), whole.count("rejected")), (3, 4, 1), "{whole:?}");
}

#[test]
fn a_canary_goes_first_and_the_full_run_sends_no_record_twice() {
    let scene = stage(40);
    let canary = scene.run_json(&format!("{IMPORT} --limit 10 --max-creates 10"));
    assert_eq!((canary.exit, canary.count("created"), scene.writes()), (0, 10, 10), "{canary:?}");
    let all = scene.run_json(&format!("{IMPORT} --max-creates 40"));
    assert_eq!((all.exit, all.count("created"), scene.writes()), (0, 40, 40), "{all:?}");
    assert_eq!(all.summary()["run"], canary.summary()["run"]);
}

#[test]
fn a_job_has_guards() {
    let scene = stage(20);
    scene.write(
        "ferry.yaml",
        "connections:\n  mercately: { platform: mercately }\njobs:\n  nightly:\n    import: { file: sheet.csv, map: mapping.yaml, to: mercately, max_creates: 3, max_clears: 50% }\n",
    );
    let stopped = scene.run_json("run nightly");
    assert!(stopped.err.contains("`--max-creates` allows 3"), "{stopped:?}");
    assert_eq!(stopped.exit, 8);
    // The command that it gives is not stopped by what the job says.
    let next = last_command(&scene, "run nightly");
    let done = scene.run_json(&next);
    assert_eq!((done.exit, done.count("created")), (0, 20), "{next}: {done:?}");
}

#[test]
fn a_migration_has_guards() {
    let scene = stage(30);
    assert_eq!(scene.run_json(IMPORT).exit, 0);
    let stopped = scene.run_json("migrate --from mercately --to eadesk --max-creates 12");
    assert!(stopped.err.contains("`--max-creates` allows 12"), "{stopped:?}");
    assert_eq!(stopped.exit, 8);
    assert!(scene.contacts("eadesk").len() <= 12);
    let done = scene.run_json("migrate --from mercately --to eadesk --max-creates 30");
    assert_eq!((done.exit, done.count("created")), (0, 30), "{done:?}");
}

#[test]
fn a_guarded_correction_reads_every_contact_once() {
    let scene = stage(30);
    let wrong = scene.run_json(IMPORT);
    scene.write("mapping.yaml", &MAPPING.replace("first_name: First", "first_name: City"));
    let asked = scene.requests();
    let run = wrong.run();
    let corrected = scene.run_json(&format!("{IMPORT} --correct {run} --max-updates 40"));
    assert_eq!((corrected.exit, corrected.count("updated")), (0, 30), "{corrected:?}");
    let asked = scene.requests() - asked;
    assert!(asked < 2 * 30 + 15, "{asked} requests: a list, and a look and a change for each");
}
