//! Every quirk of the modelled TWIN.

use super::{Reply, faulty, plain, send};
use ferry::sandbox::{FaultKind, Sandbox, SandboxOptions, start};
use serde_json::{Value, json};
use std::time::Duration;

const LOGIN: &str = r#"{"email":"sandbox@example.com","password":"sandbox-twin-password","ttl":86400}"#;
const NAME: &str = "7a1e0000-0000-4000-a000-000000000001";
const PHONE: &str = "7a1e0000-0000-4000-a000-000000000002";
const CITY: &str = "7a1e0000-0000-4000-a000-000000000003";
const PLAN: &str = "7a1e0000-0000-4000-a000-000000000004";

/// The id of a client that the account begins with.
fn client(number: u32) -> String {
    format!("7a1e0000-0000-4000-8000-{number:012}")
}

/// Somebody who has logged in.
struct Account<'a> {
    sandbox: &'a Sandbox,
    bearer: String,
}

async fn logged_in(sandbox: &Sandbox) -> Account<'_> {
    let token = login(sandbox, LOGIN).await.json()["token"].as_str().unwrap().to_owned();
    Account { sandbox, bearer: format!("Authorization: Bearer {token}") }
}

async fn login(sandbox: &Sandbox, body: &str) -> Reply {
    send(sandbox.address(), "POST", "/api/v1/auth/login", "", body).await
}

impl Account<'_> {
    async fn ask(&self, method: &str, path: &str, body: &str) -> Reply {
        send(self.sandbox.address(), method, &format!("/api/v1{path}"), &self.bearer, body).await
    }

    async fn hold(&self, steps: &[(&str, &str, &str, u16, &str)]) {
        for &(method, path, body, status, expected) in steps {
            let reply = self.ask(method, path, body).await;
            assert_eq!((reply.status, reply.body), (status, expected.to_owned()), "{method} {path} {body}");
        }
    }

    /// A client's values, by name.
    async fn values(&self, number: u32) -> Vec<(String, String)> {
        let list = self.ask("GET", &format!("/clients/{}/attributes", client(number)), "").await.json();
        let items = list["items"].as_array().unwrap();
        assert_eq!(list["count"], json!(items.len()));
        let text = |item: &Value, name: &str| item[name].as_str().unwrap().to_owned();
        items.iter().map(|item| (text(item, "name"), text(item, "value"))).collect()
    }
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[tokio::test]
async fn twin_accepts_every_login_that_is_right() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = plain(folder.path()).await;
    let wrong = r#"{"email":"sandbox@example.com","password":"?"}"#;
    let no_body = r#"{"error":"The body is not a JSON object."}"#;
    let required = r#"{"error":"The fields email and password are required."}"#;
    for (body, status, expected) in [
        (wrong, 401, r#"{"error":"Wrong email or password."}"#),
        (r#"{"email":"sandbox@example.com"}"#, 422, required),
        ("[]", 400, no_body),
        ("", 400, no_body),
    ] {
        let reply = login(&sandbox, body).await;
        assert_eq!((reply.status, reply.body.as_str()), (status, expected), "{body}");
    }
    let given = login(&sandbox, LOGIN).await.json();
    let token = given["token"].as_str().unwrap();
    assert_eq!(token.split('.').count(), 3, "{token}");
    assert!(given["refreshToken"].as_str().is_some_and(|text| text.len() > 30), "{given}");
    let stranger = r#"{"error":"Unauthorized."}"#;
    let bare = format!("Authorization: {token}");
    let forged = format!("Authorization: Bearer {token}x");
    for header in ["", "Authorization: Bearer sandbox", &bare, &forged] {
        let reply = send(sandbox.address(), "GET", "/api/v1/clients/attributes", header, "").await;
        assert_eq!((reply.status, reply.body.as_str()), (401, stranger), "{header}");
    }
    let reply = send(sandbox.address(), "GET", "/api/v1/sessions", &format!("Authorization: Bearer {token}"), "").await;
    assert_eq!(reply.status, 200);
    sandbox.stop().await;
}

#[tokio::test]
async fn twin_writes_when_a_token_expires_into_it() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = plain(folder.path()).await;
    // What is asked for, and what is given: the sandbox's hour at most.
    for (ttl, seconds) in [("86400", 3600), ("60", 60), ("0", 3600), ("null", 3600)] {
        let body = LOGIN.replace("86400", ttl);
        let given = login(&sandbox, &body).await.json();
        let token = given["token"].as_str().unwrap();
        let claims = decoded(token.split('.').nth(1).unwrap());
        assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), seconds, "{ttl}");
        assert_eq!(decoded(token.split('.').next().unwrap()), json!({"alg": "HS256", "typ": "JWT"}));
    }
    sandbox.stop().await;
}

/// A part of a token, which is base64url without padding.
fn decoded(part: &str) -> Value {
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0_u32, 0);
    for letter in part.chars() {
        held = held << 6 | letters.find(letter).unwrap() as u32;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    serde_json::from_slice(&bytes).unwrap()
}

#[tokio::test(start_paused = true)]
async fn twin_takes_a_bare_token_and_its_refresh_token_once() {
    let folder = tempfile::tempdir().unwrap();
    let options = SandboxOptions::new(folder.path()).with("twin", "token_ttl", 5);
    let sandbox = start(options).await.unwrap();
    let given = login(&sandbox, LOGIN).await.json();
    let (token, refresh) = (given["token"].as_str().unwrap(), given["refreshToken"].as_str().unwrap());
    let (bare, bearer) = (format!("Authorization: {token}"), format!("Authorization: Bearer {token}"));
    let list = async |header: &str| send(sandbox.address(), "GET", "/api/v1/sessions", header, "").await;
    let renew = async |header: &str, refresh: &str| {
        let body = json!({ "refreshToken": refresh, "ttl": 86400 }).to_string();
        send(sandbox.address(), "POST", "/api/v1/auth/refresh", header, &body).await
    };
    assert_eq!(list(&bearer).await.status, 200);
    tokio::time::sleep(Duration::from_secs(5)).await;
    let expired = list(&bearer).await;
    assert_eq!((expired.status, expired.body.as_str()), (401, r#"{"error":"Token is expired."}"#));

    let stranger = r#"{"error":"Unauthorized."}"#;
    let no_longer = r#"{"error":"Refresh token is not valid."}"#;
    for (header, text, expected) in
        [(bearer.as_str(), refresh, stranger), ("", refresh, stranger), (&bare, "other", no_longer)]
    {
        let reply = renew(header, text).await;
        assert_eq!((reply.status, reply.body.as_str()), (401, expected), "{header} {text}");
    }
    let renewed = renew(&bare, refresh).await;
    assert_eq!(renewed.status, 200, "{}", renewed.body);
    let renewed = renewed.json();
    assert_eq!(list(&format!("Authorization: Bearer {}", renewed["token"].as_str().unwrap())).await.status, 200);
    let again = renew(&bare, refresh).await;
    assert_eq!((again.status, again.body.as_str()), (401, no_longer));
    sandbox.stop().await;
}

#[tokio::test]
async fn twin_lets_a_token_expire_after_so_many_requests() {
    let folder = tempfile::tempdir().unwrap();
    let options = || SandboxOptions::new(folder.path()).with("twin", "token_requests", 2);
    let sandbox = start(options()).await.unwrap();
    let mut statuses = Vec::new();
    for _ in 0..2 {
        let account = logged_in(&sandbox).await;
        for _ in 0..3 {
            statuses.push(account.ask("GET", "/sessions", "").await.status);
        }
    }
    assert_eq!(statuses, [200, 200, 401, 200, 200, 401]);
    let before = logged_in(&sandbox).await.bearer;
    sandbox.stop().await;
    let sandbox = start(options()).await.unwrap();
    let reply = send(sandbox.address(), "GET", "/api/v1/sessions", &before, "").await;
    assert_eq!((reply.status, reply.body.as_str()), (401, r#"{"error":"Token is expired."}"#));
    sandbox.stop().await;
}

#[tokio::test]
async fn twin_faults_strike_a_login_too() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = faulty(folder.path(), FaultKind::Error500, 1.0).await;
    let reply = login(&sandbox, LOGIN).await;
    assert_eq!((reply.status, reply.body.as_str()), (500, r#"{"error":"Internal server error."}"#));
    sandbox.stop().await;
}

#[tokio::test]
async fn twin_lists_its_users_a_page_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let options = SandboxOptions::new(folder.path()).with("twin", "clients", 240);
    let sandbox = start(options).await.unwrap();
    let account = logged_in(&sandbox).await;
    // Query; count, items, the first item's client and the last one's.
    let cases = [
        ("", 320, 20, 1, 20),
        ("?limit=1000", 320, 100, 1, 100),
        ("?limit=3&offset=239", 320, 3, 240, 6),
        ("?limit=100&offset=300", 320, 20, 183, 240),
        ("?groupByClientId=1&limit=100&offset=200", 240, 40, 201, 240),
        ("?groupByClientId=false&limit=1", 320, 1, 1, 1),
        ("?chatId=7a1e0000-0000-4000-8c00-000000000001&limit=1", 320, 1, 1, 1),
    ];
    for (query, count, len, first, last) in cases {
        let list = account.ask("GET", &format!("/sessions{query}"), "").await.json();
        let items = list["items"].as_array().unwrap();
        let of = |item: Option<&Value>| item.unwrap()["clientId"].as_str().unwrap().to_owned();
        let seen = (list["count"].as_u64().unwrap(), items.len(), of(items.first()), of(items.last()));
        assert_eq!(seen, (count, len, client(first), client(last)), "{query}");
    }
    let nobody = r#"{"count":0,"items":[]}"#;
    let beyond = r#"{"count":320,"items":[]}"#;
    account
        .hold(&[("GET", "/sessions?chatId=1", "", 200, nobody), ("GET", "/sessions?offset=320", "", 200, beyond)])
        .await;
    let one = json!({
        "id": "7a1e0000-0000-4000-b000-000000000002", "chatId": "7a1e0000-0000-4000-8c00-000000000001", "name": null,
        "markedAsSpam": false, "ttl": 86400, "operatorId": null, "status": "finished",
        "startedAt": "2026-01-05T09:01:00.000Z", "clientId": client(2), "clientBanned": false,
    });
    let page = json!({"count": 320, "items": [one]}).to_string();
    account.hold(&[("GET", "/sessions?limit=1&offset=1", "", 200, &page)]).await;
    assert_eq!(sandbox.contacts("twin"), Vec::<Value>::new());
    sandbox.stop().await;
}

#[tokio::test]
async fn twin_knows_something_of_some_clients() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = plain(folder.path()).await;
    let account = logged_in(&sandbox).await;
    let all = [("Name", "Bruno Mena"), ("Phone", "+593995000001"), ("City", "Cuenca"), ("Plan", "Pro")];
    assert_eq!(account.values(1).await, pairs(&all));
    assert_eq!(account.values(3).await, pairs(&[("Name", "Diego Salas"), ("Phone", "+593995000003")]));
    assert_eq!(account.values(4).await, []);
    let item = |id: &str, name: &str, value: &str| json!({"id": id, "clientId": client(3), "companyId": 4880, "name": name, "value": value});
    let list = json!({"count": 2, "items": [item(NAME, "Name", "Diego Salas"), item(PHONE, "Phone", "+593995000003")]});
    let path = format!("/clients/{}/attributes", client(3));
    account.hold(&[("GET", &path, "", 200, &list.to_string())]).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn twin_sets_and_deletes_a_value_and_says_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = plain(folder.path()).await;
    let account = logged_in(&sandbox).await;
    let one = format!("/clients/{}/attributes", client(4));
    let (name, city) = (format!("{one}/{NAME}"), format!("{one}/{CITY}"));
    let no_client = r#"{"error":"Client not found."}"#;
    let no_attribute = r#"{"error":"Attribute not found."}"#;
    let blank = r#"{"error":"The field value must be a string and not empty."}"#;
    let value = |text: &str| json!({ "value": text }).to_string();
    let beyond = format!("/clients/{}/attributes", client(13));
    let (of_nobody, unknown) = (format!("{beyond}/{NAME}"), format!("{one}/{PLAN}x"));
    account
        .hold(&[
            ("POST", &city, &value("Loja"), 200, ""),
            ("POST", &city, &value("Quito"), 200, ""),
            ("POST", &name, &value(" Ева "), 200, ""),
            ("POST", &city, &value(""), 422, blank),
            ("POST", &city, r#"{"value":7}"#, 422, blank),
            ("POST", &city, "{}", 422, blank),
            ("POST", &city, "", 400, r#"{"error":"The body is not a JSON object."}"#),
            ("POST", &of_nobody, &value("Ana"), 404, no_client),
            ("POST", &unknown, &value("Ana"), 404, no_attribute),
            ("GET", &beyond, "", 404, no_client),
            ("GET", "/clients/1/attributes", "", 404, no_client),
            ("GET", &format!("/clients/{}/attributes", client(0)), "", 404, no_client),
            ("DELETE", &of_nobody, "", 404, no_client),
            ("GET", &format!("/clients/{}/messages", client(4)), "", 200, r#"{"count":0,"items":[]}"#),
        ])
        .await;
    assert_eq!(account.values(4).await, pairs(&[("Name", " Ева "), ("City", "Quito")]));
    let held = json!({"id": client(4), "attributes": {"Name": " Ева ", "City": "Quito"}});
    assert_eq!(sandbox.contacts("twin"), [held]);

    let changes = || sandbox.history().iter().filter(|exchange| exchange.acted).count();
    let before = changes();
    account.hold(&[("POST", &city, &value("Quito"), 200, ""), ("DELETE", &format!("{one}/{PLAN}"), "", 200, "")]).await;
    assert_eq!(changes(), before, "nothing was changed");
    account.hold(&[("DELETE", &city, "", 200, ""), ("DELETE", &city, "", 200, "")]).await;
    assert_eq!(account.values(4).await, pairs(&[("Name", " Ева ")]));
    sandbox.stop().await;
}

#[tokio::test]
async fn twin_defines_an_attribute_as_often_as_it_is_asked_to() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = plain(folder.path()).await;
    let account = logged_in(&sandbox).await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let created = account.ask("POST", "/clients/attributes", r#"{"name":"Score"}"#).await;
        assert_eq!(created.status, 201);
        ids.push(created.json()["id"].as_str().unwrap().to_owned());
        assert_eq!(created.json(), json!({"id": ids.last()}));
    }
    assert_ne!(ids[0], ids[1]);
    let item = |id: &str, name: &str| json!({"id": id, "companyId": 4880, "name": name});
    let first = [item(NAME, "Name"), item(PHONE, "Phone"), item(CITY, "City")];
    let listed = |others: &[Value]| {
        let items = [&first[..], others].concat();
        json!({"count": items.len(), "items": items}).to_string()
    };
    let all = listed(&[item(PLAN, "Plan"), item(&ids[0], "Score"), item(&ids[1], "Score")]);
    let left = listed(&[item(&ids[0], "Grade"), item(&ids[1], "Score")]);
    let blank = r#"{"error":"The field name must be a string and not empty."}"#;
    let no_attribute = r#"{"error":"Attribute not found."}"#;
    let one = format!("/clients/attributes/{}", ids[0]);
    let plan = format!("/clients/attributes/{PLAN}");
    account
        .hold(&[
            ("GET", "/clients/attributes", "", 200, &all),
            ("GET", "/clients/attributes?limit=1&offset=2", "", 200, &all),
            ("POST", "/clients/attributes", r#"{"name":""}"#, 422, blank),
            ("PATCH", &one, r#"{"name":"Grade"}"#, 200, ""),
            ("PATCH", &one, r#"{"name":""}"#, 422, blank),
            ("PATCH", "/clients/attributes/1", r#"{"name":"Grade"}"#, 404, no_attribute),
            ("DELETE", &plan, "", 200, ""),
            ("DELETE", &plan, "", 404, no_attribute),
            ("POST", &format!("/clients/{}/attributes/{PLAN}", client(1)), r#"{"value":"Pro"}"#, 404, no_attribute),
            ("GET", "/clients/attributes", "", 200, &left),
        ])
        .await;
    let others = [("Name", "Bruno Mena"), ("Phone", "+593995000001"), ("City", "Cuenca")];
    assert_eq!(account.values(1).await, pairs(&others), "a deleted attribute takes its values with it");
    sandbox.stop().await;
}

#[tokio::test(start_paused = true)]
async fn twin_lists_an_attribute_that_lags_only_later() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = faulty(folder.path(), FaultKind::Lag, 1.0).await;
    let account = logged_in(&sandbox).await;
    let count = async || account.ask("GET", "/clients/attributes", "").await.json()["count"].as_u64();
    let id = account.ask("POST", "/clients/attributes", r#"{"name":"Score"}"#).await.json()["id"].clone();
    let path = format!("/clients/{}/attributes/{}", client(1), id.as_str().unwrap());
    assert_eq!((count().await, account.ask("POST", &path, r#"{"value":"9"}"#).await.status), (Some(4), 200));
    tokio::time::sleep(Duration::from_millis(320)).await;
    assert_eq!(count().await, Some(5));
    sandbox.stop().await;
}

#[tokio::test]
async fn twin_creates_a_client_for_each_chat_that_is_started_and_remembers_it() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = plain(folder.path()).await;
    let account = logged_in(&sandbox).await;
    let path = "/chats/7a1e0000-0000-4000-8c00-000000000001/sessions";
    let body = r#"{"clientPhone":"+593990001111"}"#;
    let mut made = Vec::new();
    for _ in 0..2 {
        let started = account.ask("POST", path, body).await;
        assert_eq!(started.status, 201);
        let keys: Vec<String> = started.json().as_object().unwrap().keys().cloned().collect();
        assert_eq!(keys, ["id", "clientId", "startedAt", "ttl", "messages"]);
        made.push(started.json()["clientId"].as_str().unwrap().to_owned());
    }
    assert_eq!(made, [1, 2].map(|number| format!("7a1e0000-0000-4000-9000-{number:012}")));
    let again = json!({ "clientId": client(1) }).to_string();
    assert_eq!(account.ask("PUT", path, &again).await.status, 200);
    assert_eq!(account.ask("PUT", path, r#"{"clientId":"?"}"#).await.status, 404);
    let written = format!("/clients/{}/attributes/{NAME}", made[1]);
    account.hold(&[("POST", &written, r#"{"value":"Eva"}"#, 200, "")]).await;
    let counts = async |account: &Account<'_>| {
        let count = async |query| account.ask("GET", &format!("/sessions{query}"), "").await.json()["count"].as_u64();
        (count("").await.unwrap(), count("?groupByClientId=true").await.unwrap())
    };
    let held = [json!({"id": made[0], "attributes": {}}), json!({"id": made[1], "attributes": {"Name": "Eva"}})];
    assert_eq!((sandbox.chats_started("twin"), sandbox.contacts("twin")), (3, held.to_vec()));
    assert_eq!(counts(&account).await, (19, 15));
    sandbox.stop().await;

    let sandbox = plain(folder.path()).await;
    assert_eq!((sandbox.chats_started("twin"), sandbox.contacts("twin")), (3, held.to_vec()));
    let account = logged_in(&sandbox).await;
    assert_eq!((counts(&account).await, account.values(1).await.len()), ((19, 15), 4));
    sandbox.stop().await;
}

#[tokio::test]
async fn twin_remembers_attributes_and_values_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let with_seed = |seed| SandboxOptions { seed, ..SandboxOptions::new(folder.path()) };
    let sandbox = start(with_seed(7)).await.unwrap();
    let account = logged_in(&sandbox).await;
    let id = account.ask("POST", "/clients/attributes", r#"{"name":"Score"}"#).await.json()["id"].clone();
    let id = id.as_str().unwrap();
    let of = |number: u32, attribute: &str| format!("/clients/{}/attributes/{attribute}", client(number));
    account
        .hold(&[
            ("POST", &of(1, id), r#"{"value":"9"}"#, 200, ""),
            ("DELETE", &of(1, NAME), "", 200, ""),
            ("PATCH", &format!("/clients/attributes/{CITY}"), r#"{"name":"Town"}"#, 200, ""),
            ("DELETE", &format!("/clients/attributes/{PLAN}"), "", 200, ""),
        ])
        .await;
    let list = account.ask("GET", "/clients/attributes", "").await.body;
    let values = account.values(1).await;
    assert_eq!(values, pairs(&[("Phone", "+593995000001"), ("Town", "Cuenca"), ("Score", "9")]));
    let before = sandbox.contacts("twin");
    sandbox.stop().await;

    let sandbox = start(with_seed(8)).await.unwrap();
    let account = logged_in(&sandbox).await;
    assert_eq!((sandbox.contacts("twin"), account.values(1).await), (before, values));
    account.hold(&[("GET", "/clients/attributes", "", 200, &list)]).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn twin_and_atom_have_paths_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = plain(folder.path()).await;
    let account = logged_in(&sandbox).await;
    let lost = r#"{"error":"Not found."}"#;
    account
        .hold(&[
            ("GET", "/clients", "", 404, lost),
            ("POST", "/clients", "{}", 404, lost),
            ("GET", "/auth/refresh", "", 404, lost),
            ("PUT", "/clients/attributes", "{}", 404, lost),
        ])
        .await;
    let reply = send(sandbox.address(), "GET", "/clients/attributes", &account.bearer, "").await;
    assert_eq!(reply.status, 400, "that is Atom's: {}", reply.body);
    sandbox.stop().await;
}
