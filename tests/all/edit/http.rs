//! Who may ask, and what: tokens, hosts, origins, kinds and lengths of requests.

use super::{CONTACTS, Editing, edit, scene_with};
use crate::support::ask;
use std::io::{Read, Write};
use std::net::TcpStream;

/// The status of a request that is given as it is.
fn status(editing: &Editing, head: &str, body: &str) -> u16 {
    let mut stream = TcpStream::connect(editing.address).unwrap();
    let request = format!("{head}Connection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    let _closed_or_reset = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes);
    text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

#[test]
fn the_token_is_needed_and_an_older_one_is_of_no_use() {
    let scene = scene_with(&[("people.csv", CONTACTS)]);
    let editing = edit(&scene, "people.csv");
    assert_eq!(editing.token.len(), 32);
    let wrong: String = editing.token.chars().rev().collect();
    for path in ["/api/open", "/api/preview", "/api/save", "/api/close"] {
        let body = r#"{"seq":1,"yaml":"contact: {}"}"#;
        for header in
            ["X: y".to_owned(), format!("Authorization: Bearer {wrong}"), format!("Authorization: {}", editing.token)]
        {
            let (status, _) = ask(editing.address, &format!("POST {path}"), &header, body).unwrap();
            assert_eq!(status, 401, "{path} {header}");
        }
        let get =
            format!("GET {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n", editing.address, editing.token);
        assert_eq!(status(&editing, &get, ""), 405, "{path}");
    }
    assert!(!scene.path("people.yaml").exists());
    let another = edit(&scene, "people.csv");
    assert_ne!(another.token, editing.token);
    assert_eq!(editing.close().0, 0);
}

#[test]
fn a_foreign_host_or_origin_is_refused_whatever_its_token() {
    let scene = scene_with(&[("people.csv", CONTACTS)]);
    let editing = edit(&scene, "people.csv");
    let (own, port) = (editing.address.to_string(), editing.address.port());
    let cases = [
        (200, format!("Host: {own}\r\n")),
        (200, format!("Host: localhost:{port}\r\n")),
        (200, format!("Host: {own}\r\nOrigin: http://{own}\r\nSec-Fetch-Site: same-origin\r\n")),
        (421, "Host: evil.example.com\r\n".to_owned()),
        (421, format!("Host: evil.example.com:{port}\r\n")),
        (421, format!("Host: {own}\r\nHost: evil.example.com\r\n")),
        (403, format!("Host: {own}\r\nOrigin: http://evil.example.com\r\n")),
        (403, format!("Host: {own}\r\nOrigin: null\r\n")),
        (403, format!("Host: {own}\r\nSec-Fetch-Site: cross-site\r\n")),
        (403, format!("Host: {own}\r\nSec-Fetch-Site: same-site\r\n")),
    ];
    for (expected, headers) in &cases {
        let token = format!("Authorization: Bearer {}\r\nContent-Type: application/json\r\n", editing.token);
        for line in ["GET / HTTP/1.1", "GET /page.js HTTP/1.1", "POST /api/open HTTP/1.1"] {
            assert_eq!(status(&editing, &format!("{line}\r\n{headers}{token}"), "{}"), *expected, "{line} {headers}");
        }
    }
}

#[test]
fn a_request_is_json_of_at_most_a_mebibyte() {
    let scene = scene_with(&[("people.csv", CONTACTS)]);
    let editing = edit(&scene, "people.csv");
    let head = |kind: &str| {
        format!(
            "POST /api/preview HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: {kind}\r\n",
            editing.address, editing.token
        )
    };
    let body = |len: usize| format!(r#"{{"page":1,"seq":1,"yaml":"{}"}}"#, "#".repeat(len));
    assert_eq!(status(&editing, &head("application/json"), &body(10)), 200);
    assert_eq!(status(&editing, &head("text/plain"), &body(10)), 415);
    assert_eq!(status(&editing, &head("application/json"), "{"), 400);
    assert_eq!(status(&editing, &head("application/json"), r#"{"page":1,"seq":1,"yaml":"","path":"x"}"#), 400);
    assert_eq!(status(&editing, &head("application/json"), &body((1 << 20) - 30)), 200);
    assert_eq!(status(&editing, &head("application/json"), &body(1 << 20)), 413);
}

#[test]
fn the_files_of_the_page_hold_no_data_and_load_nothing_foreign() {
    let scene = scene_with(&[("people.csv", CONTACTS)]);
    let editing = edit(&scene, "people.csv");
    for path in ["/", "/page.css", "/page.js", "/icon.svg"] {
        let mut stream = TcpStream::connect(editing.address).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", editing.address);
        stream.write_all(request.as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let head = head.to_lowercase();
        for header in [
            "content-security-policy: default-src 'none'; script-src 'self'",
            "cache-control: no-store",
            "referrer-policy: no-referrer",
            "x-content-type-options: nosniff",
        ] {
            assert!(head.contains(header), "{path}: {head}");
        }
        for data in ["María", "people.csv", &editing.token] {
            assert!(!body.contains(data), "{path} holds `{data}`");
        }
        let foreign = body.match_indices("http").map(|(at, _)| &body[at..(at + 26).min(body.len())]);
        let foreign: Vec<&str> = foreign.filter(|text| text.contains("://") && !text.contains("www.w3.org")).collect();
        assert_eq!(foreign, Vec::<&str>::new(), "{path}");
    }
    let (status, _) = ask(editing.address, "GET /page.html", "X: y", "").unwrap();
    assert_eq!(status, 404);
}
