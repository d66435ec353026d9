//! The program itself, killed, stopped and let down by its target: the same command goes on, everybody is there once,
//! and nobody is blamed for what was not their fault.

use ferry::sandbox::{FaultKind, Sandbox, SandboxOptions, start};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

/// Longer than a run of any of these tests takes; whoever needs longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

const MAPPING: &str = "version: 1\nphone_region: EC\ncontact:\n  first_name: First\n  last_name: { from: Last, default: \"-\" }\n  phone: Phone\n  email: Email\n";

/// A folder with a file of so many people, and a sandbox.
struct Scene {
    folder: TempDir,
    runtime: Runtime,
    sandbox: Option<Sandbox>,
    address: SocketAddr,
}

fn scene(people: usize, change: impl FnOnce(&mut SandboxOptions)) -> Scene {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mapping.yaml"), MAPPING).unwrap();
    let mut text = "First,Last,Phone,Email\n".to_owned();
    for number in 0..people {
        text.push_str(&format!("Ana{number},Vera,09960{number:05},p{number}@example.com\n"));
    }
    std::fs::write(folder.path().join("contacts.csv"), text).unwrap();
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut options = SandboxOptions::new(folder.path().join("sandbox"));
    change(&mut options);
    let sandbox = runtime.block_on(start(options)).unwrap();
    let address = sandbox.address();
    Scene { folder, runtime, sandbox: Some(sandbox), address }
}

impl Scene {
    fn sandbox(&self) -> &Sandbox {
        self.sandbox.as_ref().unwrap()
    }

    fn stop_sandbox(&mut self) {
        if let Some(sandbox) = self.sandbox.take() {
            self.runtime.block_on(sandbox.stop());
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ferry"));
        command
            .args(["import", "contacts.csv", "--map", "mapping.yaml", "--to", "mercately", "--output", "json"])
            .current_dir(self.folder.path())
            .env_clear()
            .env("FERRY_STATE", "state")
            .env("FERRY_MERCATELY_BASE_URL", format!("http://{}", self.address))
            .env("FERRY_MERCATELY_API_KEY", "sandbox-mercately-key")
            .env("FERRY_MERCATELY_SETTLE", "500ms")
            .env("FERRY_MERCATELY_RATE", "none")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn begin(&self) -> Child {
        self.command().spawn().unwrap()
    }

    /// Runs the command to its end.
    fn run(&self) -> Told {
        told(self.begin())
    }

    /// How many contacts the target holds.
    fn len(&self) -> usize {
        self.sandbox().contacts("mercately").len()
    }

    /// Everybody is there once, with every value.
    fn assert_all_there(&self, people: usize) {
        let mut there: BTreeMap<String, usize> = BTreeMap::new();
        for contact in self.sandbox().contacts("mercately") {
            let text = |name: &str| contact[name].as_str().unwrap_or_default().to_owned();
            let whole = ["first_name", "last_name", "phone", "email"].map(text).join(",");
            *there.entry(whole).or_default() += 1;
        }
        let expected: BTreeMap<String, usize> = (0..people)
            .map(|number| (format!("Ana{number},Vera,+5939960{number:05},p{number}@example.com"), 1))
            .collect();
        assert_eq!(there, expected);
    }

    fn rejects(&self) -> Vec<String> {
        let runs = std::fs::read_dir(self.folder.path().join("state/runs")).into_iter().flatten().flatten();
        runs.filter_map(|run| std::fs::read_to_string(run.path().join("rejects.csv")).ok()).collect()
    }
}

/// How a process ended, and what it said.
#[derive(Debug)]
struct Told {
    exit: Option<i32>,
    summary: Value,
    err: String,
    took: Duration,
}

impl Told {
    fn count(&self, name: &str) -> u64 {
        self.summary["records"][name].as_u64().unwrap_or_else(|| panic!("{self:?}"))
    }
}

fn told(mut child: Child) -> Told {
    let begun = Instant::now();
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let errors = std::thread::spawn(move || {
        let mut text = String::new();
        err.read_to_string(&mut text).unwrap();
        text
    });
    let results = std::thread::spawn(move || {
        let mut text = String::new();
        out.read_to_string(&mut text).unwrap();
        text
    });
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if begun.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("it hangs: {}", errors.join().unwrap());
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let summary = serde_json::from_str(&results.join().unwrap()).unwrap_or_default();
    Told { exit: status.code(), summary, err: errors.join().unwrap(), took: begun.elapsed() }
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

fn wait_until(mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "it never came to that");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn killed_again_and_again_it_brings_everybody_once() {
    let mut scene = scene(120, |options| {
        options.faults = vec![(FaultKind::DropAfter, 0.06), (FaultKind::Error502After, 0.04), (FaultKind::Lag, 0.3)];
        options.lag = Duration::from_millis(150);
        options.rate = Some((150, Duration::from_secs(1)));
        options.seed = 7;
    });
    let mut waits = [30_u64, 250, 400, 90, 600, 150].into_iter();
    let mut ended = None;
    for _ in 0..30 {
        let mut child = scene.begin();
        if let Some(wait) = waits.next() {
            std::thread::sleep(Duration::from_millis(wait));
            child.kill().unwrap();
            child.wait_with_output().unwrap();
            continue;
        }
        let told = told(child);
        if matches!(told.exit, Some(0 | 3)) {
            ended = Some(told);
            break;
        }
        assert!(matches!(told.exit, Some(4 | 6)), "{told:?}");
    }
    let ended = ended.expect("it never ended");
    assert_eq!((ended.exit, ended.count("read"), ended.count("pending")), (Some(0), 120, 0), "{ended:?}");
    scene.assert_all_there(120);
    scene.stop_sandbox();
}

#[test]
fn a_file_that_has_arrived_is_read_again_and_nothing_is_sent() {
    let scene = scene(40, |_| {});
    let first = scene.run();
    assert_eq!((first.exit, first.count("created")), (Some(0), 40), "{first:?}");
    let acted = || scene.sandbox().history().iter().filter(|exchange| exchange.acted).count();
    let before = acted();
    let second = scene.run();
    assert_eq!((second.exit, second.count("unchanged")), (Some(0), 40), "{second:?}");
    assert_eq!(acted(), before);
    scene.assert_all_there(40);
}

#[test]
fn a_signal_ends_it_in_order_and_the_same_command_goes_on() {
    for (name, exit) in [("INT", 130), ("TERM", 143)] {
        let scene = scene(80, |options| {
            options.faults = vec![(FaultKind::Slow, 1.0)];
            options.slow = Duration::from_millis(40);
        });
        let child = scene.begin();
        wait_until(|| scene.len() >= 5);
        signal(&child, name);
        let told = told(child);
        assert_eq!(told.exit, Some(exit), "{told:?}");
        let (read, pending) = (told.count("read"), told.count("pending"));
        assert_eq!(told.summary["status"], "unfinished");
        assert!(pending > 0 && told.count("created") + pending == read, "{told:?}");
        let again = scene.run();
        assert_eq!((again.exit, again.count("created"), again.count("read")), (Some(0), 80, 80), "{again:?}");
        scene.assert_all_there(80);
    }
}

#[test]
fn the_last_line_of_a_stopped_run_is_the_command_that_goes_on() {
    let scene = scene(80, |options| {
        options.faults = vec![(FaultKind::Slow, 1.0)];
        options.slow = Duration::from_millis(40);
    });
    let mut command = scene.command();
    command.args(["--output", "human"]);
    let mut words = Command::new(env!("CARGO_BIN_EXE_ferry"));
    words.args(command.get_args().filter(|word| *word != "json" && *word != "--output" && *word != "human"));
    words.current_dir(scene.folder.path()).env_clear().stdout(Stdio::piped()).stderr(Stdio::piped());
    for (name, value) in command.get_envs() {
        words.env(name, value.unwrap());
    }
    let child = words.spawn().unwrap();
    wait_until(|| scene.len() >= 5);
    signal(&child, "INT");
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    assert_eq!(status.code(), Some(130));
    let (out, err) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
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
        options.slow = Duration::from_secs(5);
    });
    let child = scene.begin();
    wait_until(|| scene.sandbox().history().len() >= 2 || scene.len() >= 1);
    let begun = Instant::now();
    signal(&child, "INT");
    std::thread::sleep(Duration::from_millis(200));
    signal(&child, "INT");
    let told = told(child);
    assert_eq!(told.exit, Some(130), "{told:?}");
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

#[test]
fn two_processes_do_not_write_to_one_connection() {
    let scene = scene(60, |options| {
        options.faults = vec![(FaultKind::Slow, 1.0)];
        options.slow = Duration::from_millis(50);
    });
    let first = scene.begin();
    wait_until(|| scene.len() >= 1);
    let second = scene.run();
    assert_eq!(second.exit, Some(7), "{second:?}");
    assert!(second.err.contains("another process"), "{second:?}");
    let first = told(first);
    assert_eq!((first.exit, first.count("created")), (Some(0), 60), "{first:?}");
    scene.assert_all_there(60);
}

/// Answers every request by a function of method and path, one connection a request.
struct Fake {
    address: SocketAddr,
    seen: Arc<AtomicU64>,
}

fn fake(answer: impl Fn(&str, &str) -> String + Send + 'static) -> Fake {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&seen);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let _ = serve(stream, &answer);
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    Fake { address, seen }
}

/// A request as it came, its body included; none where the connection ended before.
pub(super) fn request(stream: &mut std::net::TcpStream) -> std::io::Result<Option<String>> {
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    let (head, length) = loop {
        let n = stream.read(&mut buffer)?;
        bytes.extend(&buffer[..n]);
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        if let Some(end) = text.find("\r\n\r\n") {
            let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
            break (end + 4, length.unwrap_or(0_usize));
        }
        if n == 0 {
            return Ok(None);
        }
    };
    while bytes.len() < head + length {
        let n = stream.read(&mut buffer)?;
        bytes.extend(&buffer[..n]);
    }
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

fn serve(mut stream: std::net::TcpStream, answer: &impl Fn(&str, &str) -> String) -> std::io::Result<()> {
    let Some(text) = request(&mut stream)? else { return Ok(()) };
    let mut words = text.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    // Whom a writing request is about stands in its body.
    let about = if body.is_empty() { path.to_owned() } else { format!("{path} {body}") };
    stream.write_all(answer(method, &about).as_bytes())
}

fn response(status: &str, kind: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

const EMPTY: &str = r#"{"results":0,"total_pages":1,"customers":[]}"#;

#[test]
fn a_dead_target_is_told_quickly_and_nobody_is_blamed() {
    let mut scene = scene(30, |_| {});
    scene.stop_sandbox();
    let told = scene.run();
    assert_eq!(told.exit, Some(6), "{told:?}");
    assert!(told.took < Duration::from_secs(15), "{:?}", told.took);
    assert_eq!(scene.rejects(), Vec::<String>::new());
}

#[test]
fn a_wrong_token_is_nobodys_fault() {
    let scene = scene(30, |_| {});
    let mut command = scene.command();
    let told = told(command.env("FERRY_MERCATELY_API_KEY", "wrong").spawn().unwrap());
    assert_eq!(told.exit, Some(5), "{told:?}");
    assert!(told.err.contains("FERRY_MERCATELY_API_KEY"), "{told:?}");
    assert_eq!((scene.rejects(), scene.len()), (Vec::<String>::new(), 0));
}

#[test]
fn a_token_that_is_revoked_in_the_middle_is_nobodys_fault() {
    let mut scene = scene(30, |_| {});
    let writes = Mutex::new(0);
    let fake = fake(move |method, path| match method {
        "POST" => {
            let mut writes = writes.lock().unwrap();
            *writes += 1;
            let body = format!(r#"{{"message":"ok","customer":{{"id":"4880abcde{writes}"}}}}"#);
            match *writes {
                0..5 => response("200 OK", "application/json", &body),
                _ => response("401 Unauthorized", "application/json", r#"{"message":"Unauthorized"}"#),
            }
        }
        _ if path.ends_with("/customers") || path.contains("/customers?") => {
            response("200 OK", "application/json", EMPTY)
        }
        _ => response("404 Not Found", "application/json", r#"{"message":"Customer not found"}"#),
    });
    scene.address = fake.address;
    let told = scene.run();
    assert_eq!((told.exit, told.count("created"), told.count("rejected")), (Some(5), 4, 0), "{told:?}");
    assert_eq!(scene.rejects(), Vec::<String>::new());
}

#[test]
fn a_wrong_address_is_nobodys_fault() {
    let mut scene = scene(30, |_| {});
    let fake = fake(|_, _| response("404 Not Found", "text/html", "<html><title>404 Not Found</title></html>"));
    scene.address = fake.address;
    let told = scene.run();
    assert_eq!(told.exit, Some(5), "{told:?}");
    assert_eq!(scene.rejects(), Vec::<String>::new());
}

#[test]
fn a_target_that_fails_at_everything_stops_the_run_and_nobody_is_blamed() {
    let mut scene = scene(60, |_| {});
    let fake = fake(|method, path| match method {
        "GET" if path.contains("/customers?") || path.ends_with("/customers") => {
            response("200 OK", "application/json", EMPTY)
        }
        "GET" => response("404 Not Found", "application/json", r#"{"message":"Customer not found"}"#),
        _ => response("500 Internal Server Error", "application/json", r#"{"message":"Internal server error"}"#),
    });
    scene.address = fake.address;
    let mut command = scene.command();
    let told = told(command.env("FERRY_MERCATELY_SETTLE", "30s").spawn().unwrap());
    assert_eq!((told.exit, told.count("rejected"), told.count("unknown")), (Some(6), 0, 0), "{told:?}");
    assert!(told.err.contains("20 contacts in a row"), "{told:?}");
    assert_eq!(scene.rejects(), Vec::<String>::new());
    assert!(fake.seen.load(Ordering::SeqCst) >= 20);
}

#[test]
fn a_target_that_answers_500_from_the_start_ends_it() {
    let mut scene = scene(10, |_| {});
    let fake = fake(|_, _| response("500 Internal Server Error", "application/json", r#"{"message":"no"}"#));
    scene.address = fake.address;
    let told = scene.run();
    assert_eq!(told.exit, Some(6), "{told:?}");
    assert_eq!(scene.rejects(), Vec::<String>::new());
}

#[test]
fn a_target_that_dies_and_comes_back_gets_everybody_by_the_same_command() {
    let mut scene = scene(80, |options| {
        options.faults = vec![(FaultKind::Slow, 1.0)];
        options.slow = Duration::from_millis(30);
    });
    let folder = scene.folder.path().join("sandbox");
    let mut command = scene.command();
    let child = command.env("FERRY_MERCATELY_TIMEOUT", "2s").args(["--wait", "2s"]).spawn().unwrap();
    wait_until(|| scene.len() >= 5);
    // Gone at once, with whatever is in flight.
    drop(scene.sandbox.take());
    let told = told(child);
    assert_eq!(told.exit, Some(6), "{told:?}");
    assert_eq!(scene.rejects(), Vec::<String>::new());
    let sandbox = again(&scene.runtime, &folder);
    scene.address = sandbox.address();
    scene.sandbox = Some(sandbox);
    let told = scene.run();
    assert_eq!((told.exit, told.count("read"), told.count("rejected")), (Some(0), 80, 0), "{told:?}");
    scene.assert_all_there(80);
}

/// The same sandbox once more, as soon as the old one has let go of its folder.
fn again(runtime: &Runtime, folder: &Path) -> Sandbox {
    let begun = Instant::now();
    loop {
        match runtime.block_on(start(SandboxOptions::new(folder))) {
            Ok(sandbox) => return sandbox,
            Err(failure) => assert!(begun.elapsed() < PATIENCE, "{failure}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_limit_leaves_the_run_unfinished_and_the_same_command_without_it_goes_on() {
    let scene = scene(30, |_| {});
    let path = scene.folder.path().join("contacts.csv");
    // The first person has another record, the last of the file.
    let mut text = std::fs::read_to_string(&path).unwrap();
    text.push_str("Ana0,Vera,+593 99 60 00000,p0@example.com\n");
    std::fs::write(&path, text).unwrap();
    let mut command = scene.command();
    let told_limited = told(command.args(["--limit", "10"]).spawn().unwrap());
    assert_eq!(told_limited.exit, Some(0), "{told_limited:?}");
    let counts = ["read", "created", "pending"].map(|name| told_limited.count(name));
    assert_eq!((counts, &told_limited.summary["status"]), ([10, 9, 1], &"unfinished".into()), "{told_limited:?}");
    let told = scene.run();
    assert_eq!((told.exit, told.count("created"), told.count("skipped")), (Some(0), 30, 1), "{told:?}");
    scene.assert_all_there(30);
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

/// What the list and the look-ups show when the target holds that person, under this name, or nobody.
fn shown(path: &str, name: Option<&str>) -> String {
    match (is_list(path), name) {
        (true, Some(name)) => ok(&format!(r#"{{"results":1,"total_pages":1,"customers":[{}]}}"#, customer(name))),
        (true, None) => ok(EMPTY),
        (false, Some(name)) => ok(&ana(name)),
        (false, None) => absent(),
    }
}

fn ok(body: &str) -> String {
    response("200 OK", "application/json", body)
}

fn absent() -> String {
    response("404 Not Found", "application/json", ABSENT)
}

fn is_list(path: &str) -> bool {
    path.contains("/customers?") || path.ends_with("/customers")
}

#[test]
fn who_turns_out_to_be_there_is_left_alone_where_that_was_asked_for() {
    let mut scene = scene(1, |_| {});
    let (creates, changes) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (created, changed) = (Arc::clone(&creates), Arc::clone(&changes));
    let fake = fake(move |method, path| match method {
        "POST" => {
            created.fetch_add(1, Ordering::SeqCst);
            let errors = r#"{"errors":["Ya tienes un cliente registrado con este email."]}"#;
            response("422 Unprocessable Entity", "application/json", errors)
        }
        "PUT" => {
            changed.fetch_add(1, Ordering::SeqCst);
            ok(r#"{"message":"ok"}"#)
        }
        _ => shown(path, (created.load(Ordering::SeqCst) > 0).then_some("Somebody")),
    });
    scene.address = fake.address;
    let mut command = scene.command();
    let told = told(command.args(["--on-existing", "skip"]).spawn().unwrap());
    assert_eq!((told.exit, told.count("skipped")), (Some(0), 1), "{told:?}");
    assert_eq!((creates.load(Ordering::SeqCst), changes.load(Ordering::SeqCst)), (1, 0));
}

#[test]
fn who_was_deleted_since_the_snapshot_is_created_again() {
    let mut scene = scene(1, |_| {});
    let creates = Arc::new(AtomicU64::new(0));
    let created = Arc::clone(&creates);
    let changes = AtomicU64::new(0);
    let fake = fake(move |method, path| match method {
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
    scene.address = fake.address;
    let mut command = scene.command();
    let told = told(command.env("FERRY_MERCATELY_FIND", "snapshot").spawn().unwrap());
    assert_eq!((told.exit, told.count("created")), (Some(0), 1), "{told:?}");
    assert_eq!(creates.load(Ordering::SeqCst), 1);
}

#[test]
fn a_create_whose_answer_stopped_the_run_is_looked_for_before_it_is_sent_again() {
    let mut scene = scene(1, |_| {});
    let creates = Arc::new(AtomicU64::new(0));
    let created = Arc::clone(&creates);
    let found_from = Mutex::new(None);
    let fake = fake(move |method, path| match method {
        "POST" => {
            created.fetch_add(1, Ordering::SeqCst);
            found_from.lock().unwrap().get_or_insert(Instant::now() + Duration::from_millis(800));
            response("401 Unauthorized", "application/json", r#"{"message":"Unauthorized","info":{"data":{}}}"#)
        }
        _ => {
            let is_found = found_from.lock().unwrap().is_some_and(|from| Instant::now() > from);
            shown(path, is_found.then_some("Ana0"))
        }
    });
    scene.address = fake.address;
    let run = || {
        let mut command = scene.command();
        told(command.env("FERRY_MERCATELY_SETTLE", "2s").env("FERRY_MERCATELY_FIND", "each").spawn().unwrap())
    };
    let first = run();
    assert_eq!((first.exit, first.count("rejected")), (Some(5), 0), "{first:?}");
    let second = run();
    assert_eq!((second.exit, second.count("created")), (Some(0), 1), "{second:?}");
    assert_eq!(creates.load(Ordering::SeqCst), 1);
}

#[test]
fn a_contact_that_always_fails_is_blamed_only_where_others_arrive() {
    // Alone it may be the platform that fails; among others that arrive it is this contact.
    for (people, exit, rejected) in [(1, Some(6), 0), (3, Some(3), 1)] {
        let mut scene = scene(people, |_| {});
        let fake = fake(move |method, path| match method {
            "POST" if !path.contains("Ana0") => ok(&ana("Ana1")),
            "POST" => response("500 Internal Server Error", "application/json", r#"{"message":"oops"}"#),
            _ => shown(path, None),
        });
        scene.address = fake.address;
        let mut command = scene.command();
        command.env("FERRY_MERCATELY_SETTLE", "200ms").env("FERRY_MERCATELY_CONCURRENCY", "1");
        let told = told(command.spawn().unwrap());
        assert_eq!((told.exit, told.count("rejected")), (exit, rejected), "{told:?}");
    }
}

#[test]
fn two_people_who_share_an_email_are_not_made_one() {
    let scene = scene(0, |_| {});
    let people = "First,Last,Phone,Email\nAna,Uno,0996000001,casa@example.com\nBeto,Dos,0996000002,casa@example.com\n";
    std::fs::write(scene.folder.path().join("contacts.csv"), people).unwrap();
    for created in [1, 0] {
        let told = told(scene.command().spawn().unwrap());
        assert_eq!((told.exit, told.count("created"), told.count("rejected")), (Some(3), created, 1), "{told:?}");
        assert_eq!(told.summary["rejects"], serde_json::json!({"identity.ambiguous": 1}));
        let held = scene.sandbox().contacts("mercately");
        assert_eq!((held.len(), held[0]["first_name"].as_str()), (1, Some("Ana")));
    }
}

#[test]
fn nor_when_the_first_of_them_is_merged_and_comes_last() {
    let scene = scene(0, |_| {});
    let people = "First,Last,Phone,Email\nAna,Uno,0996000001,casa@example.com\nBeto,Dos,0996000002,casa@example.com\n\
        Ana,Tres,,casa@example.com\n";
    std::fs::write(scene.folder.path().join("contacts.csv"), people).unwrap();
    for created in [1, 0] {
        let told = told(scene.command().spawn().unwrap());
        assert_eq!((told.exit, told.count("created"), told.count("rejected")), (Some(3), created, 2), "{told:?}");
        assert_eq!(told.count("updated"), 0, "{told:?}");
    }
}

#[test]
fn a_card_that_is_somebody_elses_by_now_is_left_alone() {
    let mut scene = scene(1, |_| {});
    let first = told(scene.command().spawn().unwrap());
    assert_eq!(first.count("created"), 1, "{first:?}");
    let id = scene.sandbox().contacts("mercately")[0]["id"].as_str().unwrap().to_owned();
    // The same address, and nobody there but a stranger under the id that was linked.
    let stranger = customer("Stranger").replace("9960", "9970").replace("@example", "@elsewhere");
    let changes = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&changes);
    let fake = fake(move |method, path| match method {
        "POST" => ok(&ana("Ana0")),
        "PUT" => {
            counted.fetch_add(1, Ordering::SeqCst);
            ok("{}")
        }
        _ if path.contains(&id) => ok(&format!(r#"{{"message":"ok","customer":{stranger}}}"#)),
        _ => shown(path, None),
    });
    scene.stop_sandbox();
    scene.address = fake.address;
    let second = told(scene.command().arg("--fresh").spawn().unwrap());
    assert_eq!((second.count("created"), changes.load(Ordering::SeqCst)), (1, 0), "{second:?}");
}
