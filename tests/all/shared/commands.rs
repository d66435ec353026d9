//! Every command with its state in PostgreSQL, each on another machine: a folder for scratch data that no other has.

use super::super::support::postgres::database;
use super::super::support::{Ended, Running, Scene, begin, run, wait_until};
use serde_json::{Value, json};
use std::process::Command;

const MAPPING: &str =
    "version: 1\nphone_region: EC\ncontact:\n  first_name: First\n  last_name: Last\n  phone: Phone\n  email: Mail\n";

const IMPORT: &str = "import contacts.csv --map mapping.yaml --to mercately";

/// A sandbox, a database, and machines.
struct Machines {
    scene: Scene,
    count: std::cell::Cell<u32>,
}

/// None where there is no PostgreSQL.
fn machines() -> Option<Machines> {
    let text = database()?;
    let mut scene = super::super::support::scene(|_| {});
    scene.set("FERRY_STATE", &text);
    scene.set_for_all("settle", "500ms");
    scene.write("mapping.yaml", MAPPING);
    Some(Machines { scene, count: 0.into() })
}

fn row(number: usize, name: &str) -> String {
    format!("{name}{number},Vera,09960{number:05},p{number}@example.com\n")
}

/// A file with these names for the people with these numbers.
fn list(numbers: std::ops::Range<usize>, name: &str) -> String {
    format!("First,Last,Phone,Mail\n{}", numbers.map(|number| row(number, name)).collect::<String>())
}

impl Machines {
    /// A command on a machine of its own.
    fn command(&self, words: &str) -> Command {
        self.count.set(self.count.get() + 1);
        let mut command = self.scene.command(words);
        command.env("FERRY_SCRATCH", self.scene.path(&format!("machine-{}", self.count.get())));
        command
    }

    fn begin(&self, words: &str) -> Running {
        begin(self.command(words))
    }

    /// Runs a command to its end, which has to be this.
    fn run(&self, words: &str, exit: i32) -> Ended {
        let ended = run(self.command(words));
        assert_eq!(ended.exit, exit, "{words}: {ended:?}");
        ended
    }

    /// The same, with its summary as JSON and these totals.
    fn totals(&self, words: &str, exit: i32, totals: Value) -> Ended {
        let ended = self.run(&format!("{words} --output json"), exit);
        assert_eq!(ended.totals(), totals, "{words}: {ended:?}");
        ended
    }

    /// The first names at a platform, each once and in order.
    fn names(&self, platform: &str, field: &str) -> Vec<String> {
        let name = |contact: &Value| contact[field].as_str().unwrap_or_default().to_owned();
        let mut names: Vec<String> = self.scene.contacts(platform).iter().map(name).collect();
        names.sort();
        names
    }
}

fn names(numbers: std::ops::Range<usize>, name: &str) -> Vec<String> {
    let mut names: Vec<String> = numbers.map(|number| format!("{name}{number}")).collect();
    names.sort();
    names
}

#[test]
fn a_run_that_is_killed_is_resumed_verified_repaired_and_undone_elsewhere() {
    let Some(machines) = machines() else { return };
    let scene = &machines.scene;
    scene.write("contacts.csv", &(list(0..60, "Ana") + "Eva,Luna,12,\n"));
    let mut import = machines.begin(&format!("{IMPORT} --rate 40/s"));
    wait_until("a part has arrived", || scene.contacts("mercately").len() >= 10 || !import.is_running());
    assert!(import.is_running());
    import.kill();
    let shown = machines.run("runs --output json", 0).summary();
    let run = shown[0]["run"].as_str().unwrap().to_owned();
    assert_eq!(shown[0]["status"], "unfinished", "{shown}");
    // Its lease ends by itself, because a killed process cannot give it back.
    let resume = || run_of(&machines, &format!("resume {run} --output json"));
    let mut resumed = resume();
    wait_until("the lease of the killed process is over", || {
        if resumed.exit == 7 {
            std::thread::sleep(std::time::Duration::from_millis(500));
            resumed = resume();
        }
        resumed.exit != 7
    });
    assert_eq!((resumed.exit, &resumed.totals()["read"], resumed.count("rejected")), (3, &json!(61), 1), "{resumed:?}");
    assert_eq!((resumed.run(), resumed.count("pending"), resumed.count("unknown")), (run.clone(), 0, 0), "{resumed:?}");
    assert_eq!(machines.names("mercately", "first_name"), names(0..60, "Ana"));

    // The same command once more: nothing is sent but what reads.
    let writes = scene.writes();
    machines.totals(IMPORT, 3, json!({"read": 61, "unchanged": 60, "rejected": 1}));
    assert_eq!(scene.writes(), writes);

    machines.run(&format!("verify {run}"), 0);
    let sandbox = scene.sandbox();
    let contact = sandbox.contacts("mercately")[3]["id"].clone();
    let id = contact.as_str().map_or_else(|| contact.to_string(), str::to_owned);
    rename(&machines, &id);
    let verified = machines.run(&format!("verify {run} --output json"), 3);
    assert_eq!(verified.compared(), [59, 1, 0, 0, 1], "{verified:?}");
    let repaired = machines.run(&format!("verify {run} --repair --output json"), 0);
    assert_eq!(repaired.compared()[..2], [59, 1], "{repaired:?}");
    assert_eq!(machines.names("mercately", "first_name"), names(0..60, "Ana"));
}

fn run_of(machines: &Machines, words: &str) -> Ended {
    run(machines.command(words))
}

/// Another party renames a contact.
fn rename(machines: &Machines, id: &str) {
    let body = json!({"customer": {"first_name": "Theirs"}}).to_string();
    let (address, key) = (machines.scene.sandbox().address(), "Api-Key: sandbox-mercately-key");
    let path = format!("PUT /retailers/api/v1/customers/{id}");
    let answer = super::super::support::ask(address, &path, key, &body);
    assert!(answer.as_ref().is_some_and(|(status, _)| *status == 200), "{answer:?}");
}

#[test]
fn changes_are_planned_applied_corrected_and_undone_elsewhere() {
    let Some(machines) = machines() else { return };
    let scene = &machines.scene;
    scene.write("contacts.csv", &list(0..12, "Ana"));
    machines.totals(IMPORT, 0, json!({"read": 12, "created": 12}));
    // A plan is made on one machine and applied on another, exactly.
    scene.write("contacts.csv", &list(0..14, "Eva"));
    machines.totals(
        &format!("{IMPORT} --dry-run --plan plan.jsonl"),
        0,
        json!({"read": 14, "created": 2, "updated": 12}),
    );
    assert_eq!(machines.names("mercately", "first_name"), names(0..12, "Ana"));
    let applied = machines.totals("apply plan.jsonl", 0, json!({"read": 14, "created": 2, "updated": 12}));
    assert_eq!(machines.names("mercately", "first_name"), names(0..14, "Eva"));
    machines.run(&format!("verify {}", applied.run()), 0);
    let shown = machines.run(&format!("undo {} --dry-run --output json", applied.run()), 3).summary();
    assert_eq!(shown["status"], "dry-run");
    // The platform has no call to delete: the two that were created stay, and are named.
    let undone = machines.run(&format!("undo {} --output json", applied.run()), 3);
    assert_eq!((undone.count("restored"), undone.count("skipped")), (12, 2), "{undone:?}");
    assert_eq!(machines.names("mercately", "first_name"), [names(0..12, "Ana"), names(12..14, "Eva")].concat());
    // The undo is undone.
    let again = machines.run(&format!("undo {} --output json", undone.run()), 0);
    assert_eq!(again.count("restored"), 12, "{again:?}");
    assert_eq!(machines.names("mercately", "first_name"), names(0..14, "Eva"));

    // An import with a wrong mapping is corrected by the right one.
    scene.write("wrong.yaml", &MAPPING.replace("Last", "First").replace("first_name: First", "first_name: Last"));
    let wrong = machines.run("import contacts.csv --map wrong.yaml --to mercately --output json", 0);
    assert_eq!(machines.names("mercately", "first_name"), vec!["Vera".to_owned(); 14]);
    let corrected = machines.run(&format!("{IMPORT} --correct {} --output json", wrong.run()), 0);
    assert_eq!(corrected.count("updated"), 14, "{corrected:?}");
    assert_eq!(machines.names("mercately", "first_name"), names(0..14, "Eva"));
    // What an earlier finished run has brought is skipped without a request that writes.
    let writes = scene.writes();
    let skipped = machines.run(&format!("{IMPORT} --only-changed --output json"), 0);
    assert_eq!((skipped.count("read"), scene.writes()), (14, writes), "{skipped:?}");
}

#[test]
fn contacts_are_exported_migrated_converted_and_listed_elsewhere() {
    let Some(machines) = machines() else { return };
    let scene = &machines.scene;
    scene.write("contacts.csv", &list(0..20, "Ana"));
    machines.run(IMPORT, 0);
    machines.run("check mercately", 0);
    let export = "export --from mercately --out all.csv --changes changes.csv";
    let exported = machines.totals(export, 0, json!({"read": 20, "written": 20, "created": 20}));
    assert_eq!(scene.read("all.csv").lines().count(), 21);
    scene.write("contacts.csv", &list(0..21, "Ana").replace("Ana4,", "Eva4,"));
    machines.totals(IMPORT, 0, json!({"read": 21, "created": 1, "updated": 1, "unchanged": 19}));
    // Another machine knows what the first one wrote: it may replace it, and says what has changed since.
    machines.totals(export, 0, json!({"read": 21, "written": 21, "created": 21}));
    assert!(scene.read("all.csv").lines().count() == 22 && scene.read("all.csv").contains("Eva4"));
    let changes = scene.read("changes.csv.1");
    assert!(changes.lines().count() == 3 && changes.contains("Eva4") && changes.contains("Ana20"), "{changes}");
    // It knows its dated files too, which go when they are old; one that a user has edited stays.
    let dated = "export --from mercately --out dated-{date}.csv --retain 30d";
    machines.run(dated, 0);
    let today = std::fs::read_dir(scene.folder()).unwrap().flatten();
    let today = today.map(|entry| entry.path()).find(|path| path.to_string_lossy().contains("dated-")).unwrap();
    let [old, edited] = ["dated-2020-01-01.csv", "dated-2020-01-02.csv"].map(|name| scene.path(name));
    std::fs::copy(&today, &old).unwrap();
    std::fs::write(&edited, "mine\n").unwrap();
    machines.run(dated, 0);
    assert!(!old.exists() && edited.exists());

    let migrate = "migrate --from mercately --to atom";
    let migrated = machines.totals(migrate, 0, json!({"read": 21, "created": 21}));
    machines.run(&format!("verify {}", migrated.run()), 0);
    machines.totals(migrate, 0, json!({"read": 21, "unchanged": 21}));
    machines.totals("convert contacts.csv --map mapping.yaml --out list.jsonl", 0, json!({"read": 21, "created": 21}));
    machines.run("attributes twin", 0);

    // A migration that is killed while it reads or writes is resumed where it was.
    let mut killed = machines.begin(&format!("{} --rate 30/s", migrate.replace("atom", "eadesk")));
    wait_until("a part has arrived", || scene.contacts("eadesk").len() >= 5 || !killed.is_running());
    assert!(killed.is_running());
    killed.kill();
    wait_until("it is resumed", || {
        let ended = run_of(&machines, "resume --output json");
        assert!([0, 7].contains(&ended.exit), "{ended:?}");
        ended.exit == 0
    });
    assert_eq!(scene.contacts("eadesk").len(), 21);

    let of = |options: &str| {
        let runs = machines.run(&format!("runs {options} --output json"), 0).summary();
        let command = |run: &Value| run["command"].as_str().unwrap().to_owned();
        runs.as_array().unwrap().iter().map(command).collect::<Vec<_>>().join(" ")
    };
    let all = of("");
    assert_eq!(all, "migrate convert migrate migrate export export export import export import", "{all}");
    assert_eq!(of("--command export --limit 1"), "export");
    assert_eq!(of("--connection eadesk"), "migrate");
    assert_eq!(of("--status unfinished"), "");
    assert_eq!(of("--since 1h --command import"), "import import");
    let shown = machines.run(&format!("runs {}", exported.run()), 0);
    assert!(shown.out.contains("all.csv") && shown.out.contains("20"), "{shown:?}");
    let pruned = machines.run("runs --prune 0d", 0);
    assert_eq!(of(""), "", "{pruned:?}");
    // Links stay, so that contacts are found again without being searched for.
    machines.totals(migrate, 0, json!({"read": 21, "unchanged": 21}));
}

#[test]
fn jobs_run_by_hand_are_listed_and_a_sandbox_of_the_run_is_rehearsed_with_the_state_in_a_database() {
    let Some(machines) = machines() else { return };
    let scene = &machines.scene;
    scene.write("contacts.csv", &list(0..5, "Ana"));
    scene.write(
        "ferry.yaml",
        "jobs:\n  send:\n    import: { file: contacts.csv, map: mapping.yaml, to: mercately }\n  \
         list:\n    export: { from: mercately, out: list.csv }\n",
    );
    let rehearsed = machines.run("run send --sandbox --output json", 0).summary();
    assert_eq!(rehearsed["jobs"][0]["records"]["created"], 5, "{rehearsed}");
    assert_eq!(scene.contacts("mercately").len(), 0);
    let both = machines.run("run --all --output json", 0).summary();
    assert_eq!((&both["jobs"][0]["records"]["created"], &both["jobs"][1]["records"]["read"]), (&json!(5), &json!(5)));
    let jobs = machines.run("runs --job list --output json", 0).summary();
    assert_eq!(jobs.as_array().unwrap().len(), 1, "{jobs}");
    machines.run("jobs", 0);
}
