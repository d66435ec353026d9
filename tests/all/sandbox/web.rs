//! The sandbox and the browser: its page, and who is let in.

use super::{ATOM, CUSTOMERS, MERCATELY, Reply, ana, atom, faulty, mercately, plain, rosa, send};
use crate::receipt::{base64, sha256};
use ferry::sandbox::{FaultKind, Keys, Sandbox, SandboxOptions, start};
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn page(sandbox: &Sandbox, path: &str) -> String {
    let reply = send(sandbox.address(), "GET", path, "", "").await;
    assert_eq!(reply.status, 200, "{path}");
    reply.body
}

/// Sends a head as it is, with this body.
async fn raw(sandbox: &Sandbox, head: &str, body: &str) -> Reply {
    let mut stream = TcpStream::connect(sandbox.address()).await.unwrap();
    let request = format!("{head}Connection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let _closed_or_reset = stream.read_to_end(&mut bytes).await;
    let text = String::from_utf8(bytes).unwrap();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return Reply::default() };
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Reply { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
}

#[tokio::test]
async fn only_this_machine_and_its_own_page_are_let_in() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = plain(folder.path()).await;
    let port = sandbox.address().port();
    let own = format!("127.0.0.1:{port}");
    let cases: Vec<(u16, String)> = vec![
        (200, format!("Host: {own}\r\n")),
        (200, format!("Host: localhost:{port}\r\n")),
        (200, format!("Host: LOCALHOST:{port}\r\n")),
        (200, format!("Host: [::1]:{port}\r\n")),
        (200, format!("Host: {own}\r\nOrigin: http://{own}\r\nSec-Fetch-Site: same-origin\r\n")),
        (200, format!("Host: {own}\r\nSec-Fetch-Site: none\r\n")),
        (421, "Host: evil.example.com\r\n".into()),
        (421, format!("Host: evil.example.com:{port}\r\n")),
        (421, format!("Host: api.localhost:{port}\r\n")),
        (421, format!("Host: localhost.evil.example.com:{port}\r\n")),
        (421, format!("Host: 127.0.0.1.evil.example.com:{port}\r\n")),
        (421, format!("Host: user@{own}\r\n")),
        (421, format!("Host: 192.0.2.1:{port}\r\n")),
        (421, format!("Host: 0.0.0.0:{port}\r\n")),
        (421, "Host: 127.0.0.1\r\n".into()),
        (421, "Host: 127.0.0.1:\r\n".into()),
        (421, "Host: 127.0.0.1:1\r\n".into()),
        (421, "Host: \r\n".into()),
        (421, format!("Host: {own}\r\nHost: evil.example.com\r\n")),
        (421, String::new()),
        (403, format!("Host: {own}\r\nOrigin: http://evil.example.com\r\n")),
        (403, format!("Host: {own}\r\nOrigin: http://localhost:{port}\r\n")),
        (403, format!("Host: {own}\r\nOrigin: http://127.0.0.1:1\r\n")),
        (403, format!("Host: {own}\r\nOrigin: https://{own}\r\n")),
        (403, format!("Host: {own}\r\nOrigin: null\r\n")),
        (403, format!("Host: {own}\r\nOrigin: http://{own}\r\nOrigin: http://evil.example.com\r\n")),
        (403, format!("Host: {own}\r\nSec-Fetch-Site: cross-site\r\n")),
        (403, format!("Host: {own}\r\nSec-Fetch-Site: same-site\r\n")),
    ];
    for (status, headers) in &cases {
        for (path, header) in [("/", "X: y"), (CUSTOMERS, MERCATELY), ("/clients", ATOM)] {
            let reply = raw(&sandbox, &format!("GET {path} HTTP/1.1\r\n{headers}{header}\r\n"), "").await;
            // An empty list of Atom is answered with 500, as documented.
            let status = if (*status, path) == (200, "/clients") { 500 } else { *status };
            assert_eq!(reply.status, status, "{path} {headers}");
        }
    }
    let absolute = format!("GET http://evil.example.com/ HTTP/1.1\r\nHost: {own}\r\n");
    assert_eq!(raw(&sandbox, &absolute, "").await.status, 421);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_body_is_json_by_the_essence_of_its_type_alone() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = plain(folder.path()).await;
    let own = sandbox.address();
    for (kind, count) in [
        ("text/plain;x=json", 0),
        ("text/json-not", 0),
        ("text/plain; charset=application/json", 0),
        ("application/json; charset=utf-8", 1),
        ("Application/JSON", 2),
        ("application/vnd.api+json", 3),
    ] {
        let head = format!("POST {CUSTOMERS} HTTP/1.1\r\nHost: {own}\r\n{MERCATELY}\r\nContent-Type: {kind}\r\n");
        raw(&sandbox, &head, &rosa(&format!("+59399000111{count}"))).await;
        assert_eq!(sandbox.contacts("mercately").len(), count, "{kind}");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn the_page_shows_what_is_held_and_runs_none_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = plain(folder.path()).await;
    let body = json!({
        "firstName": "<script>alert(1)</script>", "lastName": "Vera", "phone": "593990001111",
        "email": "a\"b@example.com",
        "optionals": {"<b>Plan": "A & B", "Since": "2026-11-30T10:20:30.123Z"}, "tags": ["<i>"],
    });
    atom(&sandbox, "POST", "/clients", &body.to_string()).await;
    let reply = send(sandbox.address(), "GET", "/", "", "").await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let style = reply.body.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
    let hash = base64(&sha256(style.as_bytes()));
    // The heads of this file are in small letters.
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    assert_eq!(
        reply.header("content-security-policy"),
        Some(policy.to_ascii_lowercase().as_str()),
        "the hash of the style in src/sandbox/page.rs should be {hash}"
    );
    for shown in [
        "<h2>Atom <span class=\"count\">1 contact</span>",
        "<h2>Mercately <span class=\"count\">0 contacts</span>",
        "<td>&lt;script&gt;alert(1)&lt;&#x2f;script&gt; Vera</td>",
        "<td>a&quot;b@example.com</td>",
        "<span class=\"tag\">&lt;i&gt;</span>",
        "<span class=\"dim\">&lt;b&gt;Plan</span> A &amp; B<br>",
        "<p>No contacts yet.</p>",
        "<td class=\"path\">POST &#x2f;clients</td>",
    ] {
        assert!(reply.body.contains(shown), "{shown} is not in\n{}", reply.body);
    }
    let moment = regex::Regex::new(r#"<span class="dim">Since</span> 2026-1[12]-\d\d \d\d:\d\d<br>"#).unwrap();
    assert!(moment.is_match(&reply.body), "{}", reply.body);
    for path in ["/", "/?q=%3Cscript%3E%22", "/?platform=%22%3E%3Cscript%3E", "/?live=1"] {
        let shown = page(&sandbox, path).await;
        assert!(!shown.contains("<script") && !shown.contains("style="), "{path}: {shown}");
        assert!(!shown.contains("http://") && !shown.contains("https://"), "{path}: {shown}");
        assert_eq!(shown.contains("http-equiv=\"refresh\""), path == "/?live=1", "{path}");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn the_page_has_a_search_and_pages() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = plain(folder.path()).await;
    for no in 0..120 {
        atom(&sandbox, "POST", "/clients", &ana(&format!("593990001{no:03}"))).await;
    }
    mercately(&sandbox, "POST", "/customers", &rosa("+593990001077")).await;
    let count = |page: &str| page.matches("<td class=\"code\">59399").count();
    let first = page(&sandbox, "/").await;
    assert_eq!(count(&first), 20);
    assert!(first.contains(">All 120</a>") && first.contains("593990001119") && !first.contains("593990001099"));
    let pages = ["/?platform=atom", "/?platform=atom&page=2", "/?platform=atom&q=&page=3", "/?platform=atom&page=9"];
    for (path, shown, links) in [
        (pages[0], 50, ["", "Older"]),
        (pages[1], 50, ["Newer", "Older"]),
        (pages[2], 20, ["Newer", ""]),
        (pages[3], 0, ["", ""]),
    ] {
        let page = page(&sandbox, path).await;
        assert_eq!(count(&page), shown, "{path}");
        assert!(!page.contains("<h2>Mercately"), "{path}");
        for (link, name) in links.iter().zip(["Newer", "Older"]) {
            assert_eq!(page.contains(&format!(">{name}</a>")), !link.is_empty(), "{path} {name}");
        }
    }
    let found = page(&sandbox, "/?q=0001077").await;
    assert!(found.contains("120 contacts, 1 found") && found.contains("1 contact, 1 found"), "{found}");
    assert!(found.contains("value=\"0001077\"") && found.contains("No contacts found."), "{found}");
    let all = page(&sandbox, "/?platform=atom&q=aNA&page=2").await;
    assert!(
        all.contains("120 contacts, 120 found") && all.contains("href=\"&#x2f;?platform=atom&amp;q=aNA&amp;page=3\""),
        "{all}"
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn the_page_shows_the_requests_and_the_faults_but_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let options = SandboxOptions {
        faults: vec![(FaultKind::Error500, 1.0), (FaultKind::Lag, 0.0)],
        rate: Some((5, Duration::from_secs(1))),
        ..SandboxOptions::new(folder.path())
    };
    let sandbox = start(options).await.unwrap();
    send(sandbox.address(), "GET", "/api/clients/person/read?token=sandbox-eadesk-token&limit=5", "", "").await;
    send(sandbox.address(), "GET", "/nowhere", MERCATELY, "").await;
    let shown = page(&sandbox, "/").await;
    for text in [
        "<strong>error-500</strong> 100 % (answer 500, nothing done);",
        "a rate limit of <strong>5 in 1 s</strong> for each platform",
        "?token=***&amp;limit=5</td>\n<td>500</td><td></td>",
        "<td class=\"path\">GET &#x2f;nowhere</td>\n<td>404</td>",
        "Requests <span class=\"count\">2</span>",
    ] {
        assert!(shown.contains(text), "{text} is not in\n{shown}");
    }
    assert!(!shown.contains("sandbox-eadesk-token") && !shown.contains("<strong>lag"), "{shown}");
    sandbox.stop().await;
    let folder = tempfile::tempdir().unwrap();
    let sandbox = faulty(folder.path(), FaultKind::DropAfter, 1.0).await;
    atom(&sandbox, "POST", "/clients", &ana("593990001111")).await;
    assert!(page(&sandbox, "/").await.contains("<td>none, closed</td><td>yes</td>"));
    sandbox.stop().await;
}

#[tokio::test]
async fn drawn_keys_are_others_each_time_and_the_fixed_ones_do_not_work() {
    let mut seen = Vec::new();
    for _ in 0..2 {
        let folder = tempfile::tempdir().unwrap();
        let options = SandboxOptions { keys: Keys::Drawn, ..SandboxOptions::new(folder.path()) };
        let sandbox = start(options).await.unwrap();
        let credentials = sandbox.credentials();
        let key = |name: &str| credentials.iter().find(|(known, _)| *known == name).unwrap().1.clone();
        let login = |password: &str| format!(r#"{{"email":"sandbox@example.com","password":"{password}","ttl":60}}"#);
        let drawn = format!("Api-Key: {}", key("FERRY_MERCATELY_API_KEY"));
        let atom_key = format!("Authorization: Bearer {}", key("FERRY_ATOM_TOKEN"));
        let eadesk = |token: &str| format!("/api/clients/person/read?token={token}");
        for (method, path, header, body, expected) in [
            ("GET", CUSTOMERS.to_owned(), drawn.as_str(), String::new(), true),
            ("GET", CUSTOMERS.to_owned(), MERCATELY, String::new(), false),
            ("GET", "/clients".to_owned(), &atom_key, String::new(), true),
            ("GET", "/clients".to_owned(), ATOM, String::new(), false),
            ("POST", "/api/v1/auth/login".to_owned(), "", login(&key("FERRY_TWIN_PASSWORD")), true),
            ("POST", "/api/v1/auth/login".to_owned(), "", login("sandbox-twin-password"), false),
            ("GET", eadesk(&key("FERRY_EADESK_TOKEN")), "", String::new(), true),
            ("GET", eadesk("sandbox-eadesk-token"), "", String::new(), false),
        ] {
            let reply = send(sandbox.address(), method, &path, header, &body).await;
            let is_in = ![400, 401, 403].contains(&reply.status);
            assert_eq!(is_in, expected, "{method} {path} {header} {body}: {} {}", reply.status, reply.body);
        }
        seen.push(credentials);
        sandbox.stop().await;
    }
    for name in ["FERRY_MERCATELY_API_KEY", "FERRY_ATOM_TOKEN", "FERRY_TWIN_PASSWORD", "FERRY_EADESK_TOKEN"] {
        let [one, other] = [0, 1].map(|at: usize| seen[at].iter().find(|(known, _)| *known == name).unwrap());
        assert_ne!(one, other);
    }
}

#[tokio::test]
async fn the_connection_that_is_idle_longest_makes_room_for_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = plain(folder.path()).await;
    let address = sandbox.address();
    let mut idle = Vec::new();
    for _ in 0..1_030 {
        match TcpStream::connect(address).await {
            Ok(stream) => idle.push(stream),
            Err(error) => {
                return crate::support::left_out(&format!("no more connections can be opened here: {error}"));
            }
        }
    }
    let asked = tokio::time::timeout(Duration::from_secs(20), send(address, "GET", "/", "", "")).await;
    assert_eq!(asked.expect("it is answered").status, 200);
    // The oldest was closed, the newest was not.
    let mut byte = [0; 1];
    let oldest = idle.first_mut().unwrap().read(&mut byte);
    assert_eq!(tokio::time::timeout(Duration::from_secs(5), oldest).await.expect("it is closed").unwrap_or(0), 0);
    let newest = idle.last_mut().unwrap().read(&mut byte);
    assert!(tokio::time::timeout(Duration::from_millis(300), newest).await.is_err());
    sandbox.stop().await;
}
