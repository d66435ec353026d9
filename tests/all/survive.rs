//! The program itself, killed, stopped and let down by its target: the same command resumes, every contact is there
//! once, and no record is rejected for a failure of the target.

use super::support::{Act, Ended, Fake, Scene, begin, response, response_of, run, run_folders, wait_until};
use ferry::sandbox::{FaultKind, SandboxOptions};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const MAPPING: &str = "version: 1\nphone_region: EC\ncontact:\n  first_name: First\n  last_name: { from: Last, default: \"-\" }\n  phone: Phone\n  email: Email\n";

const IMPORT: &str = "import contacts.csv --map mapping.yaml --to mercately --output json";

/// A sandbox, and a file of so many contacts.
fn scene(people: usize, change: impl FnOnce(&mut SandboxOptions)) -> Scene {
    let mut scene = super::support::scene(change);
    scene.set("FERRY_STATE", "state");
    scene.set("FERRY_MERCATELY_SETTLE", "500ms");
    scene.write("mapping.yaml", MAPPING);
    let row = |number: usize| format!("Ana{number},Vera,09960{number:05},p{number}@example.com\n");
    scene.write("contacts.csv", &format!("First,Last,Phone,Email\n{}", (0..people).map(row).collect::<String>()));
    scene
}

/// How many contacts the target holds.
fn len(scene: &Scene) -> usize {
    scene.contacts("mercately").len()
}

/// Every contact is there once, with every value.
fn assert_all_there(scene: &Scene, people: usize) {
    let mut there: BTreeMap<String, usize> = BTreeMap::new();
    for contact in scene.contacts("mercately") {
        let text = |name: &str| contact[name].as_str().unwrap_or_default().to_owned();
        let whole = ["first_name", "last_name", "phone", "email"].map(text).join(",");
        *there.entry(whole).or_default() += 1;
    }
    let expected: BTreeMap<String, usize> =
        (0..people).map(|number| (format!("Ana{number},Vera,+5939960{number:05},p{number}@example.com"), 1)).collect();
    assert_eq!(there, expected);
}

fn rejects(scene: &Scene) -> Vec<String> {
    let runs = run_folders(&scene.path("state"));
    runs.iter().filter_map(|run| std::fs::read_to_string(run.join("rejects.csv")).ok()).collect()
}

#[test]
fn killed_again_and_again_it_creates_every_contact_once() {
    let mut scene = scene(120, |options| {
        options.faults = vec![(FaultKind::DropAfter, 0.06), (FaultKind::Error502After, 0.04), (FaultKind::Lag, 0.3)];
        options.lag = Duration::from_millis(150);
        options.rate = Some((150, Duration::from_secs(1)));
        options.seed = 7;
    });
    // Killed after so many requests of its own, as long as there are some to be sent.
    let mut kills = [1, 10, 60, 4, 90, 25].into_iter();
    let mut ended = None;
    for _ in 0..30 {
        let mut process = scene.begin(IMPORT);
        if let Some(requests) = kills.next() {
            let enough = scene.requests() + requests;
            wait_until("requests before a kill", || scene.requests() >= enough || !process.is_running());
            process.kill();
            continue;
        }
        let told = process.finish();
        if matches!(told.exit, 0 | 3) {
            ended = Some(told);
            break;
        }
        assert!(matches!(told.exit, 4 | 6), "{told:?}");
    }
    let ended = ended.expect("it never ended");
    assert_eq!((ended.exit, ended.count("read"), ended.count("pending")), (0, 120, 0), "{ended:?}");
    assert_all_there(&scene, 120);
    scene.stop();
}

#[test]
fn a_file_that_has_arrived_is_read_again_and_nothing_is_sent() {
    let scene = scene(40, |_| {});
    let first = scene.run(IMPORT);
    assert_eq!((first.exit, first.count("created")), (0, 40), "{first:?}");
    let before = scene.writes();
    let second = scene.run(IMPORT);
    assert_eq!((second.exit, second.count("unchanged")), (0, 40), "{second:?}");
    assert_eq!(scene.writes(), before);
    assert_all_there(&scene, 40);
}

#[test]
fn a_signal_ends_it_in_order_and_the_same_command_goes_on() {
    for (name, exit) in [("INT", 130), ("TERM", 143)] {
        let scene = scene(80, |options| {
            options.faults = vec![(FaultKind::Slow, 1.0)];
            options.slow = Duration::from_millis(40);
        });
        let process = scene.begin(IMPORT);
        wait_until("five contacts", || len(&scene) >= 5);
        process.signal(name);
        let told = process.finish();
        assert_eq!(told.exit, exit, "{told:?}");
        let (read, pending) = (told.count("read"), told.count("pending"));
        assert_eq!(told.summary()["status"], "unfinished");
        assert!(pending > 0 && told.count("created") + pending == read, "{told:?}");
        let again = scene.run(IMPORT);
        assert_eq!((again.exit, again.count("created"), again.count("read")), (0, 80, 80), "{again:?}");
        assert_all_there(&scene, 80);
    }
}

#[test]
fn what_waited_for_the_rate_when_it_was_stopped_is_sent_at_once_by_the_next_process() {
    let mut scene = scene(40, |_| {});
    // Eadesk creates a person by several requests, so that many are half created at any time.
    scene.set("FERRY_EADESK_RATE", "60/s");
    scene.set("FERRY_EADESK_SETTLE", "10m");
    let import = IMPORT.replace("mercately", "eadesk");
    let process = scene.begin(&import);
    scene.wait_until("contacts", |scene| scene.contacts("eadesk").len() >= 30);
    process.signal("TERM");
    let told = process.finish();
    assert_eq!(told.exit, 143, "{told:?}");
    let has_all = |person: &Value| person["contacts"].as_array().is_some_and(|items| items.len() == 2);
    let halves = scene.contacts("eadesk").iter().filter(|person| !has_all(person)).count();
    assert!(halves > 0, "no person was half created: {told:?}");
    let again = scene.run(&import);
    assert_eq!((again.exit, again.count("created")), (0, 40), "{again:?}");
    assert!(!again.err.contains("checking the outcome"), "{again:?}");
    let people = scene.contacts("eadesk");
    assert_eq!((people.len(), people.iter().filter(|person| has_all(person)).count()), (40, 40), "{people:?}");
}

#[test]
fn the_last_line_of_a_stopped_run_is_the_command_that_goes_on() {
    let scene = scene(80, |options| {
        options.faults = vec![(FaultKind::Slow, 1.0)];
        options.slow = Duration::from_millis(40);
    });
    let process = scene.begin(IMPORT.trim_end_matches(" --output json"));
    wait_until("five contacts", || len(&scene) >= 5);
    process.signal("INT");
    let Ended { exit, out, err, .. } = process.finish();
    assert_eq!(exit, 130);
    let last = out.lines().next_back().unwrap_or_default();
    assert!(
        last.ends_with("ferry import contacts.csv --map mapping.yaml --to mercately"),
        "the last line: `{last}`\n{out}\n{err}"
    );
}

#[test]
fn the_second_signal_ends_it_at_once() {
    let scene = scene(40, |options| {
        options.faults = vec![(FaultKind::Slow, 1.0)];
        options.slow = Duration::from_secs(60);
    });
    let mut process = scene.begin(IMPORT);
    wait_until("a request", || scene.requests() >= 1);
    let begun = Instant::now();
    // Two signals that come together can be seen as one.
    while process.is_running() {
        process.signal("INT");
        std::thread::sleep(Duration::from_millis(50));
    }
    let told = process.finish();
    assert_eq!(told.exit, 130, "{told:?}");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn two_processes_do_not_write_to_one_connection() {
    let scene = scene(60, |options| {
        options.faults = vec![(FaultKind::Slow, 1.0)];
        options.slow = Duration::from_millis(50);
    });
    let first = scene.begin(IMPORT);
    wait_until("a contact", || len(&scene) >= 1);
    let second = scene.run(IMPORT);
    assert_eq!(second.exit, 7, "{second:?}");
    assert!(second.err.contains("another process"), "{second:?}");
    let first = first.finish();
    assert_eq!((first.exit, first.count("created")), (0, 60), "{first:?}");
    assert_all_there(&scene, 60);
}

/// Puts a server in the place of the sandbox. It answers by a function of the method and of the path with the body.
fn fake(scene: &mut Scene, answer: impl Fn(&str, &str) -> String + Send + 'static) -> Fake {
    let fake = Fake::new(move |request| {
        let mut words = request.split(' ');
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let body = request.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let about = if body.is_empty() { path.to_owned() } else { format!("{path} {body}") };
        answer(method, &about)
    });
    scene.set("FERRY_MERCATELY_BASE_URL", &format!("http://{}", fake.address));
    fake
}

const EMPTY: &str = r#"{"results":0,"total_pages":1,"customers":[]}"#;

#[test]
fn an_unreachable_target_is_reported_quickly_and_rejects_no_record() {
    let mut scene = scene(30, |_| {});
    scene.stop();
    let told = scene.run(IMPORT);
    assert_eq!(told.exit, 6, "{told:?}");
    assert!(told.took < Duration::from_secs(60), "{:?}", told.took);
    assert_eq!(rejects(&scene), Vec::<String>::new());
}

#[test]
fn a_wrong_token_rejects_no_record() {
    let scene = scene(30, |_| {});
    let mut command = scene.command(IMPORT);
    let told = run(command.env("FERRY_MERCATELY_API_KEY", "wrong"));
    assert_eq!(told.exit, 5, "{told:?}");
    assert!(told.err.contains("FERRY_MERCATELY_API_KEY"), "{told:?}");
    assert_eq!((rejects(&scene), len(&scene)), (Vec::<String>::new(), 0));
}

#[test]
fn a_token_that_is_revoked_in_the_middle_rejects_no_record() {
    let mut scene = scene(30, |_| {});
    let writes = Mutex::new(0);
    fake(&mut scene, move |method, path| match method {
        "POST" => {
            let mut writes = writes.lock().unwrap();
            *writes += 1;
            let body = format!(r#"{{"message":"ok","customer":{{"id":"4880abcde{writes}"}}}}"#);
            match *writes {
                0..5 => response("200 OK", &body),
                _ => response("401 Unauthorized", r#"{"message":"Unauthorized"}"#),
            }
        }
        _ if path.ends_with("/customers") || path.contains("/customers?") => response("200 OK", EMPTY),
        _ => response("404 Not Found", r#"{"message":"Customer not found"}"#),
    });
    let told = scene.run(IMPORT);
    assert_eq!((told.exit, told.count("created"), told.count("rejected")), (5, 4, 0), "{told:?}");
    assert_eq!(rejects(&scene), Vec::<String>::new());
}

#[test]
fn a_wrong_address_rejects_no_record() {
    let mut scene = scene(30, |_| {});
    let _fake =
        fake(&mut scene, |_, _| response_of("404 Not Found", "text/html", "<html><title>404 Not Found</title></html>"));
    let told = scene.run(IMPORT);
    assert_eq!(told.exit, 5, "{told:?}");
    assert_eq!(rejects(&scene), Vec::<String>::new());
}

#[test]
fn a_target_that_fails_at_everything_stops_the_run_and_no_record_is_rejected() {
    let mut scene = scene(60, |_| {});
    let server = fake(&mut scene, |method, path| match method {
        "GET" if path.contains("/customers?") || path.ends_with("/customers") => response("200 OK", EMPTY),
        "GET" => response("404 Not Found", r#"{"message":"Customer not found"}"#),
        _ => response("500 Internal Server Error", r#"{"message":"Internal server error"}"#),
    });
    let mut command = scene.command(IMPORT);
    let told = run(command.env("FERRY_MERCATELY_SETTLE", "30s"));
    assert_eq!((told.exit, told.count("rejected"), told.count("unknown")), (6, 0, 0), "{told:?}");
    assert!(told.err.contains("20 contacts in a row"), "{told:?}");
    assert_eq!(rejects(&scene), Vec::<String>::new());
    assert!(server.seen() >= 20);
}

/// An outage that lasts longer than the attempts of a contact is waited for, and no contact is given up.
#[test]
fn an_outage_in_the_middle_is_waited_for() {
    for status in [500, 503] {
        let mut scene = scene(60, |_| {});
        scene.connect_by_line();
        let (mut seen, mut begun) = (0, None::<Instant>);
        scene.rule(move |_| {
            seen += 1;
            let is_out = seen > 30 && begun.get_or_insert_with(Instant::now).elapsed() < Duration::from_secs(9);
            if is_out { Act::Answer(status) } else { Act::Pass }
        });
        let told = scene.run(&format!("{IMPORT} --rate none"));
        assert_eq!((told.exit, told.count("created")), (0, 60), "{status}: {told:?}");
        assert_eq!(rejects(&scene), Vec::<String>::new());
        assert_all_there(&scene, 60);
        // With a shorter patience it ends, and blames no record.
        let (mut seen, asked) = (0, format!("{IMPORT} --rate none --fresh --wait 3s"));
        scene.write("contacts.csv", &scene.read("contacts.csv").replace("Vera", "Paz"));
        scene.rule(move |_| {
            seen += 1;
            if seen > 20 { Act::Answer(status) } else { Act::Pass }
        });
        let told = scene.run(&asked);
        assert_eq!((told.exit, told.count("rejected")), (6, 0), "{status}: {told:?}");
    }
}

#[test]
fn a_target_that_answers_500_from_the_start_ends_it() {
    let mut scene = scene(10, |_| {});
    fake(&mut scene, |_, _| response("500 Internal Server Error", r#"{"message":"no"}"#));
    let told = scene.run(IMPORT);
    assert_eq!(told.exit, 6, "{told:?}");
    assert_eq!(rejects(&scene), Vec::<String>::new());
}

#[test]
fn a_target_that_dies_and_comes_back_gets_every_contact_by_the_same_command() {
    let mut scene = scene(80, |options| {
        options.faults = vec![(FaultKind::Slow, 1.0)];
        options.slow = Duration::from_millis(30);
    });
    let mut command = scene.command(IMPORT);
    let process = begin(command.env("FERRY_MERCATELY_TIMEOUT", "2s").args(["--wait", "2s"]));
    wait_until("five contacts", || len(&scene) >= 5);
    // Gone at once, with whatever is in flight.
    scene.cut_off();
    let told = process.finish();
    assert_eq!(told.exit, 6, "{told:?}");
    assert_eq!(rejects(&scene), Vec::<String>::new());
    scene.restart(|_| {});
    let told = scene.run(IMPORT);
    assert_eq!((told.exit, told.count("read"), told.count("rejected")), (0, 80, 0), "{told:?}");
    assert_all_there(&scene, 80);
}

#[test]
fn a_limit_leaves_the_run_unfinished_and_the_same_command_without_it_goes_on() {
    let scene = scene(30, |_| {});
    // The first person has another record, the last of the file.
    let mut text = scene.read("contacts.csv");
    text.push_str("Ana0,Vera,+593 99 60 00000,p0@example.com\n");
    scene.write("contacts.csv", &text);
    let mut command = scene.command(IMPORT);
    let told_limited = run(command.args(["--limit", "10"]));
    assert_eq!(told_limited.exit, 0, "{told_limited:?}");
    let counts = ["read", "created", "pending"].map(|name| told_limited.count(name));
    assert_eq!((counts, &told_limited.summary()["status"]), ([10, 9, 1], &"unfinished".into()), "{told_limited:?}");
    let told = scene.run(IMPORT);
    assert_eq!((told.exit, told.count("created"), told.count("skipped")), (0, 30, 1), "{told:?}");
    assert_all_there(&scene, 30);
}

const ABSENT: &str = r#"{"message":"Customer not found"}"#;

/// The only person of a file of one, as the target holds them.
fn customer(name: &str) -> String {
    format!(
        r#"{{"id":"4880abcde1","first_name":"{name}","last_name":"Vera","phone":"+593996000000","email":"p0@example.com"}}"#
    )
}

/// The same as the answer to a request for them.
fn ana(name: &str) -> String {
    format!(r#"{{"message":"ok","customer":{}}}"#, customer(name))
}

/// What the list and the lookups show when the target holds that person, under this name, or no contact.
fn shown(path: &str, name: Option<&str>) -> String {
    match (is_list(path), name) {
        (true, Some(name)) => ok(&format!(r#"{{"results":1,"total_pages":1,"customers":[{}]}}"#, customer(name))),
        (true, None) => ok(EMPTY),
        (false, Some(name)) => ok(&ana(name)),
        (false, None) => absent(),
    }
}

fn ok(body: &str) -> String {
    response("200 OK", body)
}

fn absent() -> String {
    response("404 Not Found", ABSENT)
}

fn is_list(path: &str) -> bool {
    path.contains("/customers?") || path.ends_with("/customers")
}

#[test]
fn a_contact_that_turns_out_to_exist_is_left_alone_under_skip() {
    let mut scene = scene(1, |_| {});
    let (creates, changes) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (created, changed) = (Arc::clone(&creates), Arc::clone(&changes));
    fake(&mut scene, move |method, path| match method {
        "POST" => {
            created.fetch_add(1, Ordering::SeqCst);
            let errors = r#"{"errors":["Ya tienes un cliente registrado con este email."]}"#;
            response("422 Unprocessable Entity", errors)
        }
        "PUT" => {
            changed.fetch_add(1, Ordering::SeqCst);
            ok(r#"{"message":"ok"}"#)
        }
        _ => shown(path, (created.load(Ordering::SeqCst) > 0).then_some("Somebody")),
    });
    let mut command = scene.command(IMPORT);
    let told = run(command.args(["--on-existing", "skip"]));
    assert_eq!((told.exit, told.count("skipped")), (0, 1), "{told:?}");
    assert_eq!((creates.load(Ordering::SeqCst), changes.load(Ordering::SeqCst)), (1, 0));
}

#[test]
fn a_contact_that_was_deleted_since_the_snapshot_is_created_again() {
    let mut scene = scene(1, |_| {});
    let creates = Arc::new(AtomicU64::new(0));
    let created = Arc::clone(&creates);
    let changes = AtomicU64::new(0);
    fake(&mut scene, move |method, path| match method {
        "POST" => {
            created.fetch_add(1, Ordering::SeqCst);
            ok(&ana("Ana0"))
        }
        "PUT" => {
            changes.fetch_add(1, Ordering::SeqCst);
            absent()
        }
        _ => shown(path, (is_list(path) && changes.load(Ordering::SeqCst) == 0).then_some("Old")),
    });
    let mut command = scene.command(IMPORT);
    let told = run(command.env("FERRY_MERCATELY_FIND", "snapshot"));
    assert_eq!((told.exit, told.count("created")), (0, 1), "{told:?}");
    assert_eq!(creates.load(Ordering::SeqCst), 1);
}

#[test]
fn a_create_whose_answer_stopped_the_run_is_looked_for_before_it_is_sent_again() {
    let mut scene = scene(1, |_| {});
    let creates = Arc::new(AtomicU64::new(0));
    let created = Arc::clone(&creates);
    let found_from = Mutex::new(None);
    fake(&mut scene, move |method, path| match method {
        "POST" => {
            created.fetch_add(1, Ordering::SeqCst);
            found_from.lock().unwrap().get_or_insert(Instant::now() + Duration::from_millis(800));
            response("401 Unauthorized", r#"{"message":"Unauthorized","info":{"data":{}}}"#)
        }
        _ => {
            let is_found = found_from.lock().unwrap().is_some_and(|from| Instant::now() > from);
            shown(path, is_found.then_some("Ana0"))
        }
    });
    let run = || {
        let mut command = scene.command(IMPORT);
        run(command.env("FERRY_MERCATELY_SETTLE", "2s").env("FERRY_MERCATELY_FIND", "each"))
    };
    let first = run();
    assert_eq!((first.exit, first.count("rejected")), (5, 0), "{first:?}");
    let second = run();
    assert_eq!((second.exit, second.count("created")), (0, 1), "{second:?}");
    assert_eq!(creates.load(Ordering::SeqCst), 1);
}

#[test]
fn a_contact_that_always_fails_is_blamed_only_where_others_arrive() {
    // Alone it may be the platform that fails; among others that arrive it is this contact.
    for (people, exit, rejected) in [(1, 6, 0), (3, 3, 1)] {
        let mut scene = scene(people, |_| {});
        fake(&mut scene, move |method, path| match method {
            "POST" if !path.contains("Ana0") => ok(&ana("Ana1")),
            "POST" => response("500 Internal Server Error", r#"{"message":"oops"}"#),
            _ => shown(path, None),
        });
        let mut command = scene.command(IMPORT);
        command.env("FERRY_MERCATELY_SETTLE", "200ms").env("FERRY_MERCATELY_CONCURRENCY", "1");
        let told = run(command);
        assert_eq!((told.exit, told.count("rejected")), (exit, rejected), "{told:?}");
    }
}

#[test]
fn two_people_who_share_an_email_are_not_merged() {
    let scene = scene(0, |_| {});
    let people = "First,Last,Phone,Email\nAna,Uno,0996000001,casa@example.com\nBeto,Dos,0996000002,casa@example.com\n";
    scene.write("contacts.csv", people);
    for created in [1, 0] {
        let told = run(scene.command(IMPORT));
        assert_eq!((told.exit, told.count("created"), told.count("rejected")), (3, created, 1), "{told:?}");
        assert_eq!(told.summary()["rejects"], serde_json::json!({"identity.ambiguous": 1}));
        let held = scene.contacts("mercately");
        assert_eq!((held.len(), held[0]["first_name"].as_str()), (1, Some("Ana")));
    }
}

#[test]
fn two_people_who_share_an_email_are_not_merged_when_the_first_one_has_a_later_record() {
    let scene = scene(0, |_| {});
    let people = "First,Last,Phone,Email\nAna,Uno,0996000001,casa@example.com\nBeto,Dos,0996000002,casa@example.com\n\
        Ana,Tres,,casa@example.com\n";
    scene.write("contacts.csv", people);
    for created in [1, 0] {
        let told = run(scene.command(IMPORT));
        assert_eq!((told.exit, told.count("created"), told.count("rejected")), (3, created, 2), "{told:?}");
        assert_eq!(told.count("updated"), 0, "{told:?}");
    }
}

#[test]
fn a_linked_contact_that_belongs_to_another_person_now_is_left_alone() {
    let mut scene = scene(1, |_| {});
    let first = run(scene.command(IMPORT));
    assert_eq!(first.count("created"), 1, "{first:?}");
    let id = scene.contacts("mercately")[0]["id"].as_str().unwrap().to_owned();
    // The same address, with no contact but a stranger under the id that was linked.
    let stranger = customer("Stranger").replace("9960", "9970").replace("@example", "@elsewhere");
    let changes = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&changes);
    fake(&mut scene, move |method, path| match method {
        "POST" => ok(&ana("Ana0")),
        "PUT" => {
            counted.fetch_add(1, Ordering::SeqCst);
            ok("{}")
        }
        _ if path.contains(&id) => ok(&format!(r#"{{"message":"ok","customer":{stranger}}}"#)),
        _ => shown(path, None),
    });
    scene.stop();
    let second = run(scene.command(IMPORT).arg("--fresh"));
    assert_eq!((second.count("created"), changes.load(Ordering::SeqCst)), (1, 0), "{second:?}");
}
