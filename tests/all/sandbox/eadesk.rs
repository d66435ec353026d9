//! Every quirk of the modelled Eadesk.

use super::{Reply, faulty, plain, send};
use ferry::sandbox::{FaultKind, Sandbox, SandboxOptions, start};
use serde_json::{Value, json};
use std::time::Duration;

const TOKEN: &str = "token=sandbox-eadesk-token";
const NOT_FOUND: &str = r#"{"err":"ENOT_FOUND"}"#;
const DONE: &str = r#"{"result":true}"#;

/// A request with the token; what is asked for stands behind a `?` already, or does not.
async fn ask(sandbox: &Sandbox, method: &str, path: &str, body: &str) -> Reply {
    let mark = if path.contains('?') { '&' } else { '?' };
    send(sandbox.address(), method, &format!("/api/clients/person/{path}{mark}{TOKEN}"), "", body).await
}

async fn post(sandbox: &Sandbox, path: &str, body: Value) -> Value {
    let reply = ask(sandbox, "POST", path, &body.to_string()).await;
    assert_eq!(reply.status, 200, "{path} {body}: {}", reply.body);
    reply.json()
}

/// A new person with items of these values; gives the id.
async fn person(sandbox: &Sandbox, name: &str, values: &[&str]) -> String {
    let id = post(sandbox, "create", json!({ "name": name })).await["_id"].as_str().unwrap().to_owned();
    for value in values {
        item(sandbox, &id, value).await;
    }
    id
}

/// A new item; gives the id.
async fn item(sandbox: &Sandbox, person: &str, value: &str) -> String {
    let kind = if value.contains('@') { "mail" } else { "phone" };
    let body = json!({ "value": value, "type": kind, "service": kind });
    let answer = post(sandbox, &format!("contacts/create/{person}"), body).await;
    answer["result"]["id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// The names of the contacts that a query of the list shows.
async fn names(sandbox: &Sandbox, query: &str) -> Vec<String> {
    let list = ask(sandbox, "GET", &format!("read?{query}"), "").await.json();
    let people = list.as_array().unwrap_or_else(|| panic!("{query}: {list}"));
    people.iter().map(|person| person["name"].as_str().unwrap().to_owned()).collect()
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// An answer of three, each in a shape of its own.
#[tokio::test]
async fn eadesk_answers_in_three_shapes() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = plain(folder.path()).await;
    let card = json!({"name": "Ева", "description": "Новая", "segments": ["5f1"], "contacts": [{"value": "no"}]});
    let created = post(&sandbox, "create", card).await;
    let id = created["_id"].as_str().unwrap();
    assert!(id.len() == 24 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    let (account, color) = (created["accountId"].clone(), created["avatarBgColor"].clone());
    assert!(color.as_str().is_some_and(|color| color.len() == 7 && color.starts_with('#')), "{color}");
    assert!(account.is_string() && created["createdAt"].is_string(), "{created}");
    let bare = json!({
        "_id": id, "accountId": account, "name": "Ева", "description": "Новая", "contacts": [],
        "createdAt": created["createdAt"], "avatarBgColor": color,
    });
    assert_eq!(created, bare);
    let wanted = json!({"value": "+593990001111", "type": "phone", "service": "whatsapp", "origin": "no"});
    let item = post(&sandbox, &format!("contacts/create/{id}"), wanted).await;
    let item_id = item["result"]["id"].as_str().unwrap();
    let shown = json!({
        "id": item_id, "value": "+593990001111", "type": "phone", "service": "whatsapp", "origin": "manual",
    });
    assert_eq!(item, json!({ "result": shown }));
    let person = |card: Value, items: Value| {
        json!({
            "_id": id, "accountId": account, "name": card["name"], "description": card["description"],
            "segments": card["segments"], "contacts": items, "createdAt": created["createdAt"],
            "avatarBgColor": color, "agent": null,
        })
    };
    let full = person(json!({"name": "Ева", "description": "Новая", "segments": ["5f1"]}), json!([shown]));
    assert_eq!(ask(&sandbox, "GET", &format!("read?id={id}"), "").await.json(), json!([full]));
    assert_eq!(ask(&sandbox, "GET", "read", "").await.json(), json!([full]));
    assert_eq!(sandbox.contacts("eadesk"), std::slice::from_ref(&full));
    let mut alone = shown.clone();
    alone["contact_id"] = json!(id);
    assert_eq!(ask(&sandbox, "GET", "contacts/read", "").await.json(), json!({ "result": [alone] }));

    let renamed = post(&sandbox, &format!("update/{id}"), json!({"name": "Ева"})).await;
    let blank = person(json!({"name": "Ева", "description": "", "segments": []}), json!([shown]));
    assert_eq!(renamed, json!({ "result": blank }), "what is not sent is blanked");
    let moved = json!({"value": "+593990002222", "type": "phone", "service": "phone"});
    let moved = post(&sandbox, &format!("contacts/update/{item_id}"), moved).await;
    let after = json!({
        "id": item_id, "value": "+593990002222", "type": "phone", "service": "phone", "origin": "manual",
    });
    assert_eq!(moved, json!({ "result": after }));
    sandbox.stop().await;
}

#[tokio::test]
async fn eadesk_refuses_as_its_reference_says() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = plain(folder.path()).await;
    let id = person(&sandbox, "Ana", &[]).await;
    let item_id = item(&sandbox, &id, "ana@example.com").await;
    let (bad, good) = ("Bad Request", r#"{"value":"a","type":"id","service":"vk"}"#);
    let with = |field: &str, value: Value| {
        let mut body: Value = serde_json::from_str(good).unwrap();
        body[field] = value;
        body.to_string()
    };
    let (create, update) = (format!("contacts/create/{id}"), format!("contacts/update/{item_id}"));
    let cases = [
        ("POST", "create", "[]".to_owned(), 400, bad),
        ("POST", "create", "{".to_owned(), 400, bad),
        ("POST", "create", r#"{"name":7}"#.to_owned(), 400, bad),
        ("POST", "create", r#"{"segments":null}"#.to_owned(), 400, bad),
        ("POST", "create", r#"{"segments":[1]}"#.to_owned(), 400, bad),
        ("POST", "update/nobody", "{}".to_owned(), 200, NOT_FOUND),
        // As the vendor prints the path; then the sign is a part of the id.
        ("POST", &format!("update/{id}="), "{}".to_owned(), 200, NOT_FOUND),
        ("POST", "delete/nobody", String::new(), 200, NOT_FOUND),
        ("POST", "contacts/create/nobody", good.to_owned(), 200, NOT_FOUND),
        ("POST", "contacts/update/nobody", good.to_owned(), 200, NOT_FOUND),
        ("POST", &format!("contacts/update/{id}"), good.to_owned(), 200, NOT_FOUND),
        ("POST", "contacts/delete/nobody", String::new(), 200, NOT_FOUND),
        ("POST", &create, r#"{"value":"a","type":"id"}"#.to_owned(), 400, bad),
        ("POST", &create, r#"{"type":"id","service":"vk"}"#.to_owned(), 400, bad),
        ("POST", &create, with("value", json!("")), 400, bad),
        ("POST", &create, with("value", json!(7)), 400, bad),
        ("POST", &create, with("type", json!("email")), 400, bad),
        ("POST", &create, with("service", json!("whats")), 400, bad),
        ("POST", &update, r#"{"value":"a"}"#.to_owned(), 400, bad),
        ("GET", "read?id=nobody", String::new(), 200, "[]"),
        ("GET", "read?search=Nobody", String::new(), 200, "[]"),
        ("GET", "read?search=%2B593", String::new(), 200, r#"{"err":"EINVALID"}"#),
        ("GET", "read?search=%28", String::new(), 200, r#"{"err":"EINVALID"}"#),
        ("GET", "contacts/read?search=%5B", String::new(), 200, r#"{"err":"EINVALID"}"#),
        ("GET", "contacts/read?contact_id=nobody", String::new(), 200, NOT_FOUND),
        ("GET", "contacts/read?id=nobody", String::new(), 200, NOT_FOUND),
        ("GET", "contacts/read?value=nothing", String::new(), 200, NOT_FOUND),
        ("GET", &format!("contacts/read?contact_id={id}&type=phone"), String::new(), 200, r#"{"result":[]}"#),
    ];
    for (method, path, body, status, expected) in cases {
        let reply = ask(&sandbox, method, path, &body).await;
        assert_eq!((reply.status, reply.body.as_str()), (status, expected), "{method} {path} {body}");
    }
    let read = "/api/clients/person/read";
    for (path, header) in
        [(read, ""), (&format!("{read}?token=x"), ""), (read, "Authorization: Bearer sandbox-eadesk-token")]
    {
        let reply = send(sandbox.address(), "GET", path, header, "").await;
        assert_eq!((reply.status, reply.body.as_str()), (401, "Unauthorized"), "{path} {header}");
    }
    for (method, path) in
        [("GET", "create"), ("DELETE", "read"), ("GET", "list"), ("POST", "contacts/read"), ("GET", "")]
    {
        let reply = ask(&sandbox, method, path, "").await;
        assert_eq!((reply.status, reply.header("content-type")), (404, Some("text/html; charset=utf-8")), "{path}");
        assert!(reply.body.contains(&format!("Cannot {method} /api/clients/person/{path}")), "{}", reply.body);
    }
    assert_eq!(sandbox.contacts("eadesk").len(), 1);
    sandbox.stop().await;
}

#[tokio::test]
async fn eadesk_creates_the_same_person_and_item_as_often_as_it_is_asked_to() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = plain(folder.path()).await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        ids.push(person(&sandbox, "Ana", &["ana@example.com", "ana@example.com"]).await);
    }
    assert_ne!(ids[0], ids[1]);
    let items = ask(&sandbox, "GET", "contacts/read?value=ana%40example.com", "").await.json();
    let found: Vec<&str> =
        items["result"].as_array().unwrap().iter().map(|item| item["contact_id"].as_str().unwrap()).collect();
    assert_eq!(found, [&ids[0], &ids[0], &ids[1], &ids[1]]);
    let empty = ask(&sandbox, "POST", "create", "").await.json();
    assert_eq!((&empty["name"], &empty["contacts"]), (&json!(""), &json!([])));
    sandbox.stop().await;
}

#[tokio::test]
async fn eadesk_never_really_deletes() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = plain(folder.path()).await;
    let gone = person(&sandbox, "Gone", &["gone@example.com"]).await;
    let stays = person(&sandbox, "Stays", &["stays@example.com"]).await;
    let old = item(&sandbox, &stays, "old@example.com").await;
    let item_body = r#"{"value":"a","type":"id","service":"vk"}"#;
    for (path, body, expected) in [
        (format!("delete/{gone}"), "", DONE),
        (format!("delete/{gone}"), "", NOT_FOUND),
        (format!("update/{gone}"), r#"{"name":"Back"}"#, NOT_FOUND),
        (format!("contacts/create/{gone}"), item_body, NOT_FOUND),
        (format!("contacts/delete/{old}"), "", DONE),
        (format!("contacts/delete/{old}"), "", NOT_FOUND),
        (format!("contacts/update/{old}"), item_body, NOT_FOUND),
    ] {
        assert_eq!(ask(&sandbox, "POST", &path, body).await.body, expected, "{path}");
    }
    // Who is deleted is shown, unless the parameter is there, whatever it says; deleted items always are.
    for (query, expected) in [
        ("", &["Gone", "Stays"][..]),
        ("search=Gone", &["Gone"]),
        ("search=gone%40", &["Gone"]),
        ("search=old%40", &["Stays"]),
        ("needExistingRecords=true", &["Stays"]),
        ("needExistingRecords=false", &["Stays"]),
        ("needExistingRecords", &["Stays"]),
        (&format!("id={gone}"), &["Gone"]),
        (&format!("id={gone}&needExistingRecords=1"), &[]),
    ] {
        assert_eq!(names(&sandbox, query).await, expected, "{query}");
    }
    let read = ask(&sandbox, "GET", "read?needExistingRecords=1", "").await.json();
    let items = read[0]["contacts"].as_array().unwrap();
    let status = |item: &Value| (item["value"].clone(), item.get("status").cloned());
    let left = [(json!("stays@example.com"), None), (json!("old@example.com"), Some(json!("deleted")))];
    assert_eq!(items.iter().map(status).collect::<Vec<_>>(), left);
    let all = ask(&sandbox, "GET", "read", "").await.json();
    assert_eq!((&all[0]["status"], all[1].get("status")), (&json!("deleted"), None));
    for query in [format!("contact_id={stays}"), format!("contact_id={stays}&not_deleted=true")] {
        let items = ask(&sandbox, "GET", &format!("contacts/read?{query}"), "").await.json();
        assert_eq!(items["result"].as_array().unwrap().len(), 2, "{query}");
    }
    let live = |contacts: Vec<Value>| {
        let values = |person: &Value| {
            person["contacts"].as_array().unwrap().iter().map(|item| item["value"].clone()).collect::<Vec<_>>()
        };
        contacts.iter().map(|person| (person["name"].clone(), values(person))).collect::<Vec<_>>()
    };
    assert_eq!(live(sandbox.contacts("eadesk")), [(json!("Stays"), vec![json!("stays@example.com")])]);
    sandbox.stop().await;

    let sandbox = plain(folder.path()).await;
    assert_eq!(live(sandbox.contacts("eadesk")), [(json!("Stays"), vec![json!("stays@example.com")])]);
    assert_eq!(ask(&sandbox, "GET", "read", "").await.json(), all);
    sandbox.stop().await;
}

#[tokio::test]
async fn eadesk_searches_by_a_regular_expression() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = plain(folder.path()).await;
    person(&sandbox, "plus", &["+593990001111"]).await;
    person(&sandbox, "apart", &["+593 (99) 000-1111"]).await;
    person(&sandbox, "longer", &["+5939900011112"]).await;
    person(&sandbox, "mail", &["Ana@Example.com", "0990001111"]).await;
    person(&sandbox, "twice", &["ana@example.com", "ana@example.com"]).await;
    person(&sandbox, "a.b", &[]).await;
    person(&sandbox, "axb", &[]).await;
    person(&sandbox, "Ева 7", &[]).await;
    // The index finds the first of these; for the others every contact is compared.
    for (expression, expected) in [
        (r"^\+593990001111$", &["plus"][..]),
        (r"^\+?5\D*9\D*3\D*9\D*9\D*0\D*0\D*0\D*1\D*1\D*1\D*1$", &["plus", "apart"]),
        (r"^[^\d]*5[^0-9]*9[ ()-]?3[\s()\-]*99\D*000\D*?1111$", &["plus", "apart"]),
        (r"^(?:\+593990001111|0990001111)$", &["plus", "mail"]),
        (r"^(ana@example\.com|Ana@Example\.com)$", &["mail", "twice"]),
        (r"^ana@example\.com$", &["twice"]),
        (r"^a\.b$", &["a.b"]),
        (r"^\D*7$", &["Ева 7"]),
        (r"^Ева 7$", &["Ева 7"]),
        (r"^\+5939900011{3}$", &["plus"]),
        (r"^\+59399000[1]+$", &["plus"]),
        (r"^a.b$", &["a.b", "axb"]),
        (r"^\+593990001111", &["plus", "longer"]),
        (r"93990001111$", &["plus"]),
        (r"5\D*9\D*3\D*9\D*9\D*0\D*0\D*0\D*1\D*1\D*1\D*1", &["plus", "apart", "longer"]),
        (r"^ana@|xb", &["twice", "axb"]),
        (r"(?i)^ANA@EXAMPLE\.COM$", &["mail", "twice"]),
        (r"^9?\+?59399000111[12]?1?$", &["plus"]),
        (r"^axb\$", &[]),
        (r"^a[.0-9]b$", &["a.b"]),
        (r"^\d+$", &["mail"]),
        (r"^$", &[]),
    ] {
        let search = encoded(expression);
        assert_eq!(names(&sandbox, &format!("search={search}")).await, expected, "{expression}");
    }
    let values = async |query: &str| {
        let items = ask(&sandbox, "GET", &format!("contacts/read?{query}"), "").await.json();
        let items = items["result"].as_array().cloned().unwrap_or_default();
        items.iter().map(|item| item["value"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(values(&format!("search={}", encoded(r"^Ana@Example\.com$"))).await, ["Ana@Example.com"]);
    assert_eq!(values("search=ana&service=mail").await, ["ana@example.com", "ana@example.com"]);
    assert_eq!(values("value=ana%40example.com&type=phone").await, Vec::<String>::new());
    assert_eq!(values("value=0990001111&type=mail,phone").await, ["0990001111"]);
    // A name is no item.
    assert_eq!(values("search=plus").await, Vec::<String>::new());
    assert_eq!(names(&sandbox, "type=mail").await, ["mail", "twice"]);
    assert_eq!(names(&sandbox, "service=vk,mail&search=000").await, ["mail"]);
    sandbox.stop().await;
}

#[tokio::test]
async fn eadesk_finds_a_person_by_what_was_changed_and_no_longer_by_what_was() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = plain(folder.path()).await;
    let id = person(&sandbox, "Ana", &[]).await;
    let item_id = item(&sandbox, &id, "+593990001111").await;
    let found = async || {
        let mut found = Vec::new();
        for expression in ["^Ana$", "^Eva$", r"^\+593990001111$", r"^593\D*99\D*000\D*2222$"] {
            found.push(names(&sandbox, &format!("search={}", encoded(expression))).await.len());
        }
        found
    };
    assert_eq!(found().await, [1, 0, 1, 0]);
    post(&sandbox, &format!("update/{id}"), json!({"name": "Eva"})).await;
    let moved = json!({"value": "593 99 000 2222", "type": "phone", "service": "phone"});
    post(&sandbox, &format!("contacts/update/{item_id}"), moved).await;
    assert_eq!(found().await, [0, 1, 0, 1]);
    let kept = json!({"type": "phone", "service": "whatsapp"});
    post(&sandbox, &format!("contacts/update/{item_id}"), kept).await;
    assert_eq!(found().await, [0, 1, 0, 1]);
    let changes = sandbox.history().iter().filter(|exchange| exchange.acted).count();
    post(&sandbox, &format!("update/{id}"), json!({"name": "Eva"})).await;
    assert_eq!(sandbox.history().iter().filter(|exchange| exchange.acted).count(), changes, "nothing was changed");
    sandbox.stop().await;
}

#[tokio::test]
async fn eadesk_pages_by_fifty_and_cuts_a_limit_over_a_thousand() {
    let folder = tempfile::tempdir().unwrap();
    // A thousand requests are slow; what a journal says is as good.
    let line = |number: usize| {
        let status = if number.is_multiple_of(2) { json!("deleted") } else { Value::Null };
        json!({
            "_id": format!("00000000000000ff{number:08x}"), "name": number.to_string(), "createdAt": "T", "contacts": [],
            "status": status,
        })
    };
    let lines: String = (0..1200).map(|number| format!("{}\n", line(number))).collect();
    std::fs::write(folder.path().join("eadesk.jsonl"), lines).unwrap();
    let sandbox = plain(folder.path()).await;
    // Query; how many, the first one's name and the last one's.
    for (query, len, first, last) in [
        ("", 50, "0", "49"),
        ("limit=5000", 1000, "0", "999"),
        ("limit=5000&offset=1000", 200, "1000", "1199"),
        ("limit=0&offset=1190", 10, "1190", "1199"),
        ("limit=x&offset=-1", 50, "0", "49"),
        ("limit=2&offset=3", 2, "3", "4"),
        ("needExistingRecords=1&limit=1000&offset=599", 1, "1199", "1199"),
        ("search=%5E1&limit=2&offset=1", 2, "10", "11"),
        ("offset=1200", 0, "", ""),
    ] {
        let seen = names(&sandbox, query).await;
        let name = |name: Option<&String>| name.cloned().unwrap_or_default();
        assert_eq!(
            (seen.len(), name(seen.first()), name(seen.last())),
            (len, first.to_owned(), last.to_owned()),
            "{query}"
        );
    }
    assert_eq!(sandbox.contacts("eadesk").len(), 600);
    sandbox.stop().await;
}

#[tokio::test(start_paused = true)]
async fn eadesk_finds_what_lags_by_its_id_alone() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = faulty(folder.path(), FaultKind::Lag, 1.0).await;
    let late = Duration::from_millis(320);
    let id = person(&sandbox, "Ana", &[]).await;
    let search = format!("search={}", encoded(r"^\+593990001111$"));
    let counts = async || {
        let (list, by_search) = (names(&sandbox, "").await.len(), names(&sandbox, &search).await.len());
        let by_id = names(&sandbox, &format!("id={id}")).await.len();
        let items = ask(&sandbox, "GET", &format!("contacts/read?{search}"), "").await.json();
        let by_person = ask(&sandbox, "GET", &format!("contacts/read?contact_id={id}"), "").await.json();
        let len = |items: &Value| items["result"].as_array().map_or(0, Vec::len);
        (list, by_search, by_id, len(&items), len(&by_person))
    };
    assert_eq!(counts().await, (0, 0, 1, 0, 0));
    tokio::time::sleep(late).await;
    assert_eq!(counts().await, (1, 0, 1, 0, 0));
    let item_id = item(&sandbox, &id, "+593990001111").await;
    let one = ask(&sandbox, "GET", &format!("contacts/read?id={item_id}"), "").await.json();
    assert_eq!((one["result"].as_array().map(Vec::len), counts().await), (Some(1), (1, 0, 1, 0, 1)));
    assert_eq!(sandbox.contacts("eadesk").len(), 1, "the account itself knows");
    tokio::time::sleep(late).await;
    assert_eq!(counts().await, (1, 1, 1, 1, 1));
    sandbox.stop().await;
}

#[tokio::test]
async fn eadesk_says_500_in_bare_text_and_gives_the_same_ids_for_the_same_seed() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = faulty(folder.path(), FaultKind::Error500, 1.0).await;
    let reply = ask(&sandbox, "POST", "create", "").await;
    assert_eq!((reply.status, reply.body.as_str()), (500, "Internal Server Error"));
    sandbox.stop().await;
    let mut ids = Vec::new();
    for seed in [7, 7, 8] {
        let folder = tempfile::tempdir().unwrap();
        let sandbox = start(SandboxOptions { seed, ..SandboxOptions::new(folder.path()) }).await.unwrap();
        let person = person(&sandbox, "Ana", &[]).await;
        ids.push((item(&sandbox, &person, "1").await, person));
        sandbox.stop().await;
    }
    assert_eq!(ids[0], ids[1]);
    assert!(ids[0].0 != ids[2].0 && ids[0].1 != ids[2].1, "{ids:?}");
}

#[tokio::test]
async fn the_page_shows_persons_and_clients_too() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = plain(folder.path()).await;
    let id = person(&sandbox, "Ana", &["ana@example.com", "+593990001111"]).await;
    let body = json!({"value": "anita", "type": "id", "service": "telegram"});
    post(&sandbox, &format!("contacts/create/{id}"), body).await;
    let page = send(sandbox.address(), "GET", "/", "", "").await.body;
    for shown in [
        "<h2>TWIN <span class=\"count\">12 contacts</span>",
        "<td>Bruno Mena</td>\n<td class=\"code\">+593995000001</td>",
        "<span class=\"dim\">City</span> Cuenca<br>",
        "<td class=\"code\">7a1e0000-0000-4000-8000-000000000012</td>",
        "<h2>Eadesk <span class=\"count\">1 contact</span>",
        "<td>Ana</td>\n<td class=\"code\">+593990001111</td>\n<td>ana@example.com</td>",
        "<span class=\"dim\">telegram</span> anita<br>",
        &format!("<td class=\"code\">{id}</td>"),
    ] {
        assert!(page.contains(shown), "{shown} is not in\n{page}");
    }
    sandbox.stop().await;
}
