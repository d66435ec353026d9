//! The sandbox against a raw HTTP client of this file's own: every quirk as a request and its whole answer.

mod atom;
mod eadesk;
mod mercately;
mod twin;
mod web;

use ferry::outcome::{Exit, Failure};
use ferry::sandbox::{Exchange, FAULTS, FaultKind, Sandbox, SandboxOptions, start};
use serde_json::{Value, json};
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

const ATOM: &str = "Authorization: Bearer sandbox-atom-token";
const MERCATELY: &str = "Api-Key: sandbox-mercately-key";
const CUSTOMERS: &str = "/retailers/api/v1/customers";

/// What came back: status 0 and nothing else when the connection was closed without an answer.
#[derive(Clone, Debug, Default, PartialEq)]
struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Reply {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().filter_map(|line| line.split_once(": ")).find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

async fn send(address: SocketAddr, method: &str, path: &str, header: &str, body: &str) -> Reply {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let header = if header.is_empty() { "X-None: 1" } else { header };
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n{header}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let _closed_or_reset = stream.read_to_end(&mut bytes).await;
    let text = String::from_utf8(bytes).unwrap();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return Reply::default() };
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Reply { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
}

async fn atom(sandbox: &Sandbox, method: &str, path: &str, body: &str) -> Reply {
    send(sandbox.address(), method, path, ATOM, body).await
}

async fn mercately(sandbox: &Sandbox, method: &str, path: &str, body: &str) -> Reply {
    send(sandbox.address(), method, &format!("/retailers/api/v1{path}"), MERCATELY, body).await
}

fn ana(phone: &str) -> String {
    json!({"firstName": "Ana", "lastName": "Vera", "phone": phone, "optionals": {}}).to_string()
}

fn rosa(phone: &str) -> String {
    json!({"customer": {"first_name": "Rosa", "last_name": "Mena", "phone": phone}}).to_string()
}

async fn plain(folder: &Path) -> Sandbox {
    start(SandboxOptions::new(folder)).await.unwrap()
}

async fn refused(options: SandboxOptions) -> Failure {
    start(options).await.err().expect("it started")
}

/// The answer with its times taken out, as those are never the same.
fn timeless(body: &str) -> String {
    let Ok(mut value) = serde_json::from_str(body) else { return body.to_owned() };
    strip(&mut value);
    value.to_string()
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match name.as_str() {
                    "createdAt" | "updatedAt" | "creation_date" | "last_interaction" => *value = json!("T"),
                    _ => strip(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

/// A step of a conversation: method, path, header, body; the status, and the whole body with its times taken out.
type Step<'a> = (&'a str, &'a str, &'a str, &'a str, u16, &'a str);

async fn hold(sandbox: &Sandbox, steps: &[Step<'_>]) {
    for &(method, path, header, body, status, expected) in steps {
        let reply = send(sandbox.address(), method, path, header, body).await;
        let context = format!("{method} {path} {body}");
        assert_eq!((reply.status, timeless(&reply.body)), (status, expected.to_owned()), "{context}");
    }
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_restart_and_a_torn_line_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = plain(folder.path()).await;
    atom(&sandbox, "POST", "/clients", &ana("593990001111")).await;
    atom(&sandbox, "POST", "/clients", &ana("593990002222")).await;
    mercately(&sandbox, "POST", "/customers", &rosa("+593990001111")).await;
    let moved = json!({"phone": "+593990003333"}).to_string();
    mercately(&sandbox, "PUT", "/customers/593990001111", &moved).await;
    let before = (sandbox.contacts("atom"), sandbox.contacts("mercately"));
    assert_eq!((before.0.len(), before.1.len()), (2, 1));
    sandbox.stop().await;

    let journal = folder.path().join("atom.jsonl");
    let whole = std::fs::read(&journal).unwrap();
    let mut torn = std::fs::OpenOptions::new().append(true).open(&journal).unwrap();
    torn.write_all(br#"{"id":"torn","phone":"593990009999"}"#).unwrap();

    let sandbox = plain(folder.path()).await;
    assert_eq!((sandbox.contacts("atom"), sandbox.contacts("mercately")), before);
    assert_eq!(std::fs::read(&journal).unwrap(), whole);
    assert_eq!(mercately(&sandbox, "GET", "/customers/593990001111", "").await.status, 404);
    assert_eq!(mercately(&sandbox, "GET", "/customers/593990003333", "").await.status, 200);
    atom(&sandbox, "POST", "/clients", &ana("593990004444")).await;
    assert_eq!(sandbox.contacts("atom").len(), 3);
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledged_contact_is_in_the_journal_already() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = plain(folder.path()).await;
    let journal = folder.path().join("atom.jsonl");
    let senders = (0..4).map(|sender| {
        let (address, journal) = (sandbox.address(), journal.clone());
        tokio::spawn(async move {
            for number in 0..40 {
                let body = ana(&format!("5939900{sender}{number:04}"));
                let answer = send(address, "POST", "/clients", ATOM, &body).await;
                let length = std::fs::metadata(&journal).unwrap().len();
                let id = answer.json()["client"].as_str().unwrap().to_owned();
                let lines = std::fs::read_to_string(&journal).unwrap();
                let at = lines.find(&id).unwrap_or_else(|| panic!("{id} is not there"));
                assert!((at as u64) < length, "{id} came late");
            }
        })
    });
    for sender in senders.collect::<Vec<_>>() {
        sender.await.unwrap();
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn a_sandbox_that_cannot_start_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    let sandbox = plain(folder.path()).await;
    let port = sandbox.address();
    let damaged = tempfile::tempdir().unwrap();
    let journal = damaged.path().join("mercately.jsonl");
    std::fs::write(&journal, "{\"id\":\"1\"}\n?\n{\"id\":\"2\"}\n").unwrap();

    let at = |folder: &Path| SandboxOptions::new(folder);
    let fault = |kind, probability| SandboxOptions { faults: vec![(kind, probability)], ..at(other.path()) };
    let cases = [
        (
            at(folder.path()),
            Exit::Busy,
            format!(
                "another process (`{}`) is using the sandbox in `{here}`: it holds `{here}/sandbox.lock`",
                std::process::id(),
                here = folder.path().display()
            ),
        ),
        (
            SandboxOptions { listen: port, ..at(other.path()) },
            Exit::Failed,
            format!("the sandbox cannot listen at `{port}`: the port is taken"),
        ),
        (
            SandboxOptions { listen: "0.0.0.0:0".parse().unwrap(), ..at(other.path()) },
            Exit::Usage,
            "the sandbox cannot listen at `0.0.0.0:0`: expected a loopback address".to_owned(),
        ),
        (
            fault(FaultKind::Slow, 1.5),
            Exit::Usage,
            "the fault `slow` cannot have probability `1.5`: expected 0 to 1".to_owned(),
        ),
        (
            fault(FaultKind::Lag, f64::NAN),
            Exit::Usage,
            "the fault `lag` cannot have probability `NaN`: expected 0 to 1".to_owned(),
        ),
        (
            SandboxOptions { rate: Some((0, Duration::from_secs(1))), ..at(other.path()) },
            Exit::Usage,
            "the sandbox cannot serve at a rate of nothing".to_owned(),
        ),
        (
            at(other.path()).with("nowhere", "clients", 3),
            Exit::Usage,
            "the sandbox has no platform `nowhere`".to_owned(),
        ),
        (
            at(other.path()).with("twin", "contacts", 3),
            Exit::Usage,
            "the sandbox has no option `twin.contacts`".to_owned(),
        ),
        (
            at(other.path()).with("twin", "clients", "many"),
            Exit::Usage,
            "the sandbox option `twin.clients` cannot be `many`: expected a whole number".to_owned(),
        ),
        (
            at(damaged.path()),
            Exit::Failed,
            format!(
                "line 2 of the sandbox's file `{}` is damaged: expected value at line 1 column 1",
                journal.display()
            ),
        ),
    ];
    for (options, exit, message) in cases {
        let failure = refused(options).await;
        assert_eq!((failure.exit, failure.to_string()), (exit, message));
    }
    sandbox.stop().await;
    plain(folder.path()).await.stop().await;
}

#[tokio::test]
async fn the_environment_leads_a_client_in() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = plain(folder.path()).await;
    let here = format!("http://{}", sandbox.address());
    assert_eq!(
        sandbox.credentials(),
        [
            ("FERRY_ATOM_BASE_URL", here.clone()),
            ("FERRY_ATOM_TOKEN", "sandbox-atom-token".to_owned()),
            ("FERRY_MERCATELY_BASE_URL", here.clone()),
            ("FERRY_MERCATELY_API_KEY", "sandbox-mercately-key".to_owned()),
            ("FERRY_TWIN_BASE_URL", format!("{here}/api/v1")),
            ("FERRY_TWIN_IAM_URL", format!("{here}/api/v1")),
            ("FERRY_TWIN_EMAIL", "sandbox@example.com".to_owned()),
            ("FERRY_TWIN_PASSWORD", "sandbox-twin-password".to_owned()),
            ("FERRY_EADESK_BASE_URL", here),
            ("FERRY_EADESK_TOKEN", "sandbox-eadesk-token".to_owned()),
        ]
    );
    sandbox.stop().await;
}

/// A sandbox where one fault strikes with this probability, and waits are short.
async fn faulty(folder: &Path, kind: FaultKind, probability: f64) -> Sandbox {
    let options = SandboxOptions {
        faults: vec![(kind, probability)],
        slow: Duration::from_millis(300),
        lag: Duration::from_millis(300),
        ..SandboxOptions::new(folder)
    };
    start(options).await.unwrap()
}

#[tokio::test]
async fn each_fault_acts_or_not_and_answers_as_it_says() {
    const GATEWAY: &str = "<html>\n<head><title>502 Bad Gateway</title></head>\n<body>\n\
                           <center><h1>502 Bad Gateway</h1></center>\n<hr><center>nginx</center>\n</body>\n</html>\n";
    // Kind; status and body that arrive; status in the history; whether it acted.
    let cases = [
        (FaultKind::DropBefore, 0, "", 0, false),
        (FaultKind::DropAfter, 0, "", 0, true),
        (FaultKind::Error500, 500, r#"{"message":"Internal server error","info":{"data":{}}}"#, 500, false),
        (FaultKind::Error502After, 502, GATEWAY, 502, true),
    ];
    for (kind, status, body, logged, acted) in cases {
        let folder = tempfile::tempdir().unwrap();
        let sandbox = faulty(folder.path(), kind, 1.0).await;
        let reply = mercately(&sandbox, "POST", "/customers", &rosa("+593990001111")).await;
        assert_eq!((reply.status, reply.body.as_str()), (status, body), "{kind:?}");
        let exchange = Exchange { method: "POST".to_owned(), path: CUSTOMERS.to_owned(), status: logged, acted };
        assert_eq!(sandbox.history(), [exchange], "{kind:?}");
        assert_eq!(sandbox.contacts("mercately").len(), usize::from(acted), "{kind:?}");
        assert_eq!(send(sandbox.address(), "GET", "/", "", "").await.status, 200, "{kind:?}");
        sandbox.stop().await;
        let sandbox = plain(folder.path()).await;
        assert_eq!(sandbox.contacts("mercately").len(), usize::from(acted), "{kind:?}");
        sandbox.stop().await;
    }
}

#[tokio::test]
async fn atom_says_500_in_its_own_words() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = faulty(folder.path(), FaultKind::Error500, 1.0).await;
    let list = atom(&sandbox, "GET", "/clients", "").await;
    let words = r#"{"message":"Something went wrong while the operation was being performed"}"#;
    assert_eq!((list.status, list.body.as_str()), (500, words));
    let write = atom(&sandbox, "POST", "/clients", &ana("593990001111")).await.json();
    let message = write["message"].as_str().unwrap();
    assert!(message.starts_with("Cannot perform the creation of the client at 2"), "{message}");
    assert!(message.ends_with('Z'), "{message}");
    sandbox.stop().await;
}

#[tokio::test]
async fn a_cut_answer_is_shorter_than_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = faulty(folder.path(), FaultKind::Truncate, 1.0).await;
    let reply = atom(&sandbox, "POST", "/clients", &ana("593990001111")).await;
    let id = sandbox.contacts("atom")[0]["id"].as_str().unwrap().to_owned();
    let whole = format!(r#"{{"client":"{id}"}}"#);
    assert_eq!(reply.header("content-length"), Some(whole.len().to_string().as_str()));
    assert_eq!((reply.status, reply.body.as_str()), (200, &whole[..whole.len() / 2]));
    sandbox.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_comes_late_for_what_was_done_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = faulty(folder.path(), FaultKind::Slow, 1.0).await;
    let (address, began) = (sandbox.address(), Instant::now());
    let waiting = tokio::spawn(async move { send(address, "POST", "/clients", ATOM, &ana("593990001111")).await });
    while sandbox.contacts("atom").is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(waiting.await.unwrap().status, 200);
    assert!(began.elapsed() >= Duration::from_millis(300));
    sandbox.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_contact_that_lags_is_found_only_later() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = faulty(folder.path(), FaultKind::Lag, 1.0).await;
    let created = mercately(&sandbox, "POST", "/customers", &rosa("+593990001111")).await.json();
    let id = created["customer"]["id"].as_str().unwrap();
    atom(&sandbox, "POST", "/clients", &ana("593990001111")).await;
    let counts = async || {
        let list = mercately(&sandbox, "GET", "/customers", "").await.json()["results"].as_u64();
        let phone = mercately(&sandbox, "GET", "/customers/593990001111", "").await.status;
        let id = mercately(&sandbox, "GET", &format!("/customers/{id}"), "").await.status;
        let items =
            atom(&sandbox, "GET", "/clients?phone=593990001111", "").await.json()["items"].as_array().map(Vec::len);
        (list, phone, id, items)
    };
    assert_eq!(counts().await, (Some(0), 404, 200, Some(0)));
    // The account itself knows: a second create is refused, an upsert finds the first.
    assert_eq!(mercately(&sandbox, "POST", "/customers", &rosa("+593990001111")).await.status, 302);
    atom(&sandbox, "POST", "/clients", &ana("593990001111")).await;
    assert_eq!(sandbox.contacts("atom").len(), 1);
    tokio::time::sleep(Duration::from_millis(320)).await;
    assert_eq!(counts().await, (Some(1), 200, 200, Some(1)));
    sandbox.stop().await;
}

#[tokio::test]
async fn the_same_seed_draws_the_same_faults() {
    let mut seen = Vec::new();
    for seed in [7, 7, 8] {
        let folder = tempfile::tempdir().unwrap();
        let faults = vec![(FaultKind::Error500, 0.2), (FaultKind::DropAfter, 0.2)];
        let sandbox = start(SandboxOptions { faults, seed, ..SandboxOptions::new(folder.path()) }).await.unwrap();
        for _ in 0..100 {
            mercately(&sandbox, "GET", "/customers", "").await;
        }
        seen.push(sandbox.history().iter().map(|exchange| exchange.status).collect::<Vec<_>>());
        sandbox.stop().await;
    }
    assert_eq!(seen[0], seen[1]);
    assert_ne!(seen[0], seen[2]);
    let count = |status| seen[0].iter().filter(|&&other| other == status).count();
    let (failed, dropped) = (count(500), count(0));
    assert!((8..=34).contains(&failed) && (5..=30).contains(&dropped), "{failed} {dropped}");
}

#[test]
fn a_fault_is_known_by_its_name() {
    for fault in FAULTS {
        assert_eq!(FaultKind::named(fault.name), Some(fault.kind));
    }
    let names: Vec<&str> = FAULTS.iter().map(|fault| fault.name).collect();
    let contract = ["drop-before", "drop-after", "error-500", "error-502-after", "truncate", "slow", "lag"];
    assert_eq!(names, contract);
    assert_eq!(FaultKind::named("Lag"), None);
}

#[tokio::test]
async fn requests_above_the_rate_are_asked_to_wait() {
    let folder = tempfile::tempdir().unwrap();
    let rate = Some((3, Duration::from_secs(30)));
    let sandbox = start(SandboxOptions { rate, ..SandboxOptions::new(folder.path()) }).await.unwrap();
    let mut replies = Vec::new();
    for _ in 0..4 {
        replies.push(atom(&sandbox, "POST", "/clients", &ana("593990001111")).await);
    }
    assert_eq!(replies.iter().map(|reply| reply.status).collect::<Vec<_>>(), [200, 200, 200, 429]);
    assert_eq!(
        (replies[3].header("retry-after"), replies[3].body.as_str()),
        (Some("10"), r#"{"message":"Too Many Requests"}"#)
    );
    // Each platform has its own limit, and the page has none.
    assert_eq!(mercately(&sandbox, "GET", "/agents", "").await.status, 200);
    assert_eq!(send(sandbox.address(), "GET", "/", "", "").await.status, 200);
    assert_eq!(sandbox.history().iter().filter(|exchange| exchange.acted).count(), 3);
    assert_eq!(sandbox.max_per_window(Duration::from_secs(30)), 5);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_body_without_end_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = plain(folder.path()).await;
    let reply = atom(&sandbox, "POST", "/clients", &" ".repeat(2 << 20)).await;
    assert!([0, 413].contains(&reply.status), "{}", reply.status);
    assert_eq!(atom(&sandbox, "POST", "/clients", &ana("593990001111")).await.status, 200);
    sandbox.stop().await;
}

#[tokio::test]
async fn idle_connections_do_not_keep_it_from_stopping() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = plain(folder.path()).await;
    let address = sandbox.address();
    let _silent = TcpStream::connect(address).await.unwrap();
    let mut kept = TcpStream::connect(address).await.unwrap();
    kept.write_all(format!("GET /clients HTTP/1.1\r\nHost: {address}\r\n\r\n").as_bytes()).await.unwrap();
    assert_eq!(kept.read(&mut [0; 12]).await.unwrap(), 12);
    let began = Instant::now();
    sandbox.stop().await;
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    // A program that another test is just starting has a copy of the listener until it runs, and another test's sandbox
    // may be given the port: the port is free in the end.
    while TcpStream::connect(address).await.is_ok() {
        assert!(began.elapsed() < Duration::from_secs(30), "there is still a listener");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
