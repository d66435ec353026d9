//! Eadesk: who is searched for, and how the expressions are written.

use super::*;
use ferry::clock::Clock;
use ferry::http::{Http, HttpOptions, Rate, Sent};
use ferry::platforms::Connector;
use regex::Regex;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn lookup(field: Field, value: &str) -> Lookup {
    Lookup { field, value: value.to_owned() }
}

fn searching(pattern: &str, offset: u64, kind: &str) -> &'static str {
    kept(format!("GET {BASE}/read?search={pattern}&offset={offset}&limit=1000&needExistingRecords=true&type={kind}"))
}

/// The expression of a phone.
fn phone(digits: &str) -> String {
    let (home, rest) = match digits.strip_prefix('7').filter(|rest| rest.len() == 10) {
        Some(rest) => ("[78]?[^0-9]*", rest),
        None => ("", digits),
    };
    let rest: String = rest.chars().map(|digit| format!("{digit}[^0-9]*")).collect();
    format!("^[^0-9]*{home}{rest}$")
}

fn find(settings: &[(&str, &str)], by: &Lookup, script: &[Exchange]) -> Result<Vec<String>, String> {
    let scene = eadesk(settings, script);
    let found = run(scene.connector.find(&scene.http, by)).map_err(told)?;
    Ok(found.into_iter().map(|found| found.id).collect())
}

/// Searches with a response without contacts, and returns what was searched for.
fn pattern_of(by: &Lookup) -> Vec<String> {
    struct Asks(Arc<Mutex<Vec<String>>>);
    #[async_trait::async_trait]
    impl ferry::http::Transport for Asks {
        async fn exchange(&self, request: &ferry::http::Request) -> Sent {
            let search = request.query.iter().find(|(name, _)| name == "search").unwrap();
            self.0.lock().unwrap().push(search.1.clone());
            super::super::answered(200, b"[]".to_vec())
        }
    }
    let asked = Arc::<Mutex<Vec<String>>>::default();
    let connector: Arc<dyn Connector> = connect("eadesk", &[]).unwrap();
    run(connector.find(&Http::over(Box::new(Asks(Arc::clone(&asked)))), by)).unwrap();
    let asked = asked.lock().unwrap();
    asked.clone()
}

#[test]
fn a_phone_is_found_however_it_is_written() {
    let by = lookup(Field::Phones, "+79876543210");
    assert_eq!(pattern_of(&by), [phone("79876543210")]);
    let regex = Regex::new(&phone("79876543210")).unwrap();
    for (stored, expected) in [
        ("+79876543210", true),
        ("7 (987) 654-32-10", true),
        ("тел. +7 987 654 32 10 (моб.)", true),
        ("8 (987) 654-32-10", true),
        ("(987) 654-32-10", true),
        ("+798765432100", false),
        ("+19876543210", false),
        ("987654321", false),
    ] {
        assert_eq!(regex.is_match(stored), expected, "{stored}");
    }
    let ask = searching(&phone("79876543210"), 0, "phone");
    for (answer, expected) in [
        (json!([with_phone("b", "+7 (987) 654-32-10")]), Ok(vec!["b"])),
        (json!([with_phone("b", "79876543210"), with_phone("c", "+79876543210")]), Ok(vec!["b", "c"])),
        (json!([with_phone("b", "79876543210"), with_phone("b", "79876543210")]), Ok(vec!["b"])),
        (json!([with_phone("b", "8 (987) 654-32-10"), with_phone("c", "89876543210")]), Ok(vec!["b", "c"])),
        (json!([with_phone("b", "(987) 654-32-10"), with_phone("c", "+89876543210")]), Ok(vec!["b"])),
        (json!([with_phone("b", "79876543210"), with_phone("c", "+1 203 653 4789")]), Ok(vec!["b"])),
        (json!([]), Ok(vec![])),
    ] {
        let expected: Result<Vec<String>, String> = expected.map(|ids| ids.into_iter().map(str::to_owned).collect());
        assert_eq!(find(&[], &by, &[(ask, ok(answer))]), expected);
    }
}

#[test]
fn a_deleted_contact_or_value_is_not_a_hit_and_neither_is_a_value_elsewhere() {
    let by = lookup(Field::Phones, "+79876543210");
    let ask = searching(&phone("79876543210"), 0, "phone");
    let mut deleted_item = with_phone("c", "+79876543210");
    deleted_item["contacts"][0]["status"] = json!("deleted");
    let mut deleted = with_phone("b", "+79876543210");
    deleted["status"] = json!("deleted");
    let whatsapp = json!({ "contacts": [item("i1", "+79876543210", "phone", "whatsapp", "manual")] });
    let nobody =
        json!([deleted, deleted_item, person("d", json!({ "name": "+7 987 6543210" })), person("e", whatsapp)]);
    assert_eq!(find(&[], &by, &[(ask, ok(nobody))]), Ok(vec![]));
    for none in [gone(), Text(200, "")] {
        assert_eq!(find(&[], &by, &[(ask, none)]), Ok(vec![]), "an empty answer has three forms");
    }
}

#[test]
fn a_look_up_that_brings_only_others_proves_nothing() {
    let by = lookup(Field::Phones, "+79876543210");
    let ask = searching(&phone("79876543210"), 0, "phone");
    let others = ok(json!([with_phone("b", "+1 203 653 4789"), with_phone("c", "+1 203 653 4780")]));
    assert_eq!(
        find(&[], &by, &[(ask, others)]),
        Err("in doubt 6 Eadesk answered a lookup by `phones` with 2 other persons | set `find: snapshot` for \
             connection `my-shop`"
            .to_owned())
    );
    assert_eq!(
        find(&[], &by, &[(ask, ok(json!({ "err": "EREGEX" })))]),
        Err("refused target.refused Eadesk refused it (HTTP 200): EREGEX".to_owned())
    );
    assert_eq!(
        find(&[], &by, &[(ask, Text(500, ""))]),
        Err("in doubt 6 Eadesk failed for connection `my-shop` (HTTP 500) | try again later".to_owned())
    );
    let by_city = find(&[], &lookup(Field::City, "Псков"), &[]);
    assert_eq!(by_city, Err("fatal 1 Eadesk has no lookup by `address.city`".to_owned()));
}

#[test]
fn every_form_that_whatsapp_knows_is_tried() {
    let by = lookup(Field::Phones, "+5215512345678");
    let script = [
        (searching(&phone("5215512345678"), 0, "phone"), ok(json!([]))),
        (searching(&phone("525512345678"), 0, "phone"), ok(json!([with_phone("b", "52 55 1234 5678")]))),
    ];
    assert_eq!(find(&[], &by, &script), Ok(vec!["b".to_owned()]));
    let whatsapp = |id: &str, service: &str, value: &str| {
        person(id, json!({ "contacts": [item("i1", value, "phone", service, "manual")] }))
    };
    let by = lookup(Field::Handles, "whatsapp:+5215512345678");
    let script = [
        (script[0].0, ok(json!([whatsapp("a", "phone", "+5215512345678")]))),
        (script[1].0, ok(json!([whatsapp("b", "whatsapp", "525512345678")]))),
    ];
    assert_eq!(find(&[], &by, &script), Ok(vec!["b".to_owned()]), "the service is compared here");
}

#[test]
fn an_email_is_found_in_any_case() {
    let by = lookup(Field::Emails, "Anna+1@почта.ru");
    let pattern = r"^[aA][nN][nN][aA]\+1@[пП][оО][чЧ][тТ][аА]\.[rR][uU]$";
    assert_eq!(pattern_of(&by), [pattern]);
    assert!(Regex::new(pattern).unwrap().is_match("ANNA+1@Почта.RU"));
    let with = |id: &str, mail: &str| person(id, json!({ "contacts": [item("i", mail, "mail", "mail", "manual")] }));
    let answer = ok(json!([with("b", "anna+1@ПОЧТА.ru"), with("c", "Anna+1@почта.ru.example")]));
    let ask = searching(pattern, 0, "mail");
    assert_eq!(find(&[], &by, &[(ask, answer)]), Ok(vec!["b".to_owned()]));
}

#[test]
fn a_handle_is_found_by_its_exact_value_and_service() {
    let with = |id: &str, service: &str, value: &str| {
        person(id, json!({ "contacts": [item("i", value, "id", service, "manual")] }))
    };
    let ask = searching(r"^anna\.l$", 0, "id");
    let answer = ok(json!([with("b", "skype", "anna.l"), with("c", "telegram", "anna.l")]));
    assert_eq!(find(&[], &lookup(Field::Handles, "Telegram:anna.l"), &[(ask, answer)]), Ok(vec!["c".to_owned()]));
    for unknown in ["viber:anna", "anna", "telegram:", ":anna", "mail:a@b.ru"] {
        assert_eq!(find(&[], &lookup(Field::Handles, unknown), &[]), Ok(vec![]), "{unknown}: nobody can have it");
    }
    for (field, blank) in [(Field::Phones, "нет"), (Field::Emails, " ")] {
        assert_eq!(find(&[], &lookup(field, blank), &[]), Ok(vec![]));
    }
}

#[test]
fn what_means_something_in_an_expression_is_escaped() {
    let value = r"a+(b).[c]*?^$|{d}\e-@_/%&=# é";
    let pattern = r"^a\+\(b\)\.\[c\]\*\?\^\$\|\{d\}\\e-@_/%&=# é$";
    assert_eq!(pattern_of(&lookup(Field::Handles, &format!("vk:{value}"))), [pattern]);
    let regex = Regex::new(pattern).unwrap();
    assert!(regex.is_match(value) && !regex.is_match("aab") && !regex.is_match(&format!("{value}x")));
    let email = "a.b+(c)[d]*?^$|{e}\\@x.ru";
    let regex = Regex::new(&pattern_of(&lookup(Field::Emails, email))[0]).unwrap();
    assert!(regex.is_match(email) && regex.is_match(&email.to_uppercase()) && !regex.is_match("aXb"));
}

#[test]
fn a_full_answer_is_read_on_and_a_short_one_is_the_last() {
    let by = lookup(Field::Phones, "+79876543210");
    let many = |from: usize, to: usize| {
        ok(Value::Array((from..to).map(|id| with_phone(&id.to_string(), "79876543210")).collect()))
    };
    let at = |offset| searching(&phone("79876543210"), offset, "phone");
    let found = find(&[], &by, &[(at(0), many(0, 50)), (at(50), many(50, 57))]).unwrap();
    assert_eq!(found.len(), 57, "an answer may be cut to the 50 that it has when nobody says");
    let found = find(&[], &by, &[(at(0), many(0, 50)), (at(50), many(0, 50))]).unwrap();
    assert_eq!(found.len(), 50, "the same answer again is the end");
}

#[test]
fn how_a_search_is_asked_is_a_setting() {
    let settings = [("search_by_type", "false"), ("need_existing_records", "false"), ("page_size", "10")];
    let ask = kept(format!("GET {BASE}/read?search={}&offset=0&limit=10", phone("79876543210")));
    let deleted = person("b", json!({ "status": "deleted", "contacts": [item("i", "1", "phone", "phone", "x")] }));
    let answer = ok(json!([deleted, with_phone("c", "79876543210")]));
    assert_eq!(find(&settings, &lookup(Field::Phones, "+79876543210"), &[(ask, answer)]), Ok(vec!["c".to_owned()]));
}

/// Half-made persons.
const MADE_MS: u64 = 1_617_146_262_014;

fn half_made(settings: &[(&str, &str)], made: &Value, script: &[Exchange]) -> Result<Vec<String>, String> {
    let scene = eadesk(settings, script);
    let creates = scene.connector.capabilities().partial_creates.unwrap();
    let found = run(creates.find_partial(&scene.http, &json!({ "person": made }), MADE_MS)).map_err(told)?;
    Ok(found.into_iter().map(|found| found.id).collect())
}

#[test]
fn a_contact_that_a_lost_response_may_have_created_is_found() {
    let made = json!({ "name": "Анна (новая)", "description": "чай", "segments": ["s2", "s9"] });
    let like = |id: &str, more: Value| {
        let mut one = person(id, made.clone());
        for (name, value) in more.as_object().unwrap() {
            one[name] = value.clone();
        }
        one
    };
    let phone = item("i1", "+79876543210", "phone", "phone", "manual");
    let mut deleted_phone = phone.clone();
    deleted_phone["status"] = json!("deleted");
    let cases = [
        (like("same", json!({})), true),
        (like("deleted", json!({ "status": "deleted" })), false),
        (like("named otherwise", json!({ "name": "анна (новая)" })), false),
        (like("described otherwise", json!({ "description": "" })), false),
        (like("more segments", json!({ "segments": ["s1", "s2", "s9"] })), false),
        (like("segments in another order", json!({ "segments": ["s9", "s2"] })), true),
        (like("has an item", json!({ "contacts": [phone] })), false),
        (like("had an item", json!({ "contacts": [deleted_phone] })), true),
        (like("made then", json!({ "createdAt": "2021-03-30T23:17:42.014Z" })), true),
        (like("made by a clock that is slow", json!({ "createdAt": "2021-03-30T23:12:42.014Z" })), true),
        (like("made before", json!({ "createdAt": "2021-03-30T23:12:42.013Z" })), false),
        (like("made nobody knows when", json!({ "createdAt": "вчера" })), true),
    ];
    let persons: Vec<Value> = cases.iter().map(|(person, _)| person.clone()).collect();
    let expected: Vec<&str> =
        cases.iter().filter(|(_, is_it)| *is_it).map(|(person, _)| person["_id"].as_str().unwrap()).collect();
    let at = |offset: usize| {
        kept(format!(r"GET {BASE}/read?search=^Анна \(новая\)$&offset={offset}&limit=1000&needExistingRecords=true"))
    };
    let script = [(at(0), ok(json!(persons))), (at(cases.len()), ok(json!([])))];
    assert_eq!(half_made(&[SEGMENTS], &made, &script).unwrap(), expected);
    let fault = half_made(&[], &made, &[(at(0), Text(500, ""))]).unwrap_err();
    assert!(fault.starts_with("in doubt 6"), "{fault}");
}

#[test]
fn without_a_name_every_page_is_searched() {
    let made = json!({ "segments": [] });
    let at = |offset| kept(format!("GET {BASE}/read?offset={offset}&limit=1000&needExistingRecords=true"));
    let script = [
        (at(0), ok(json!([anna(), person("b", json!({})), person("c", json!({ "name": "Яна" }))]))),
        (at(3), ok(json!([person("b", json!({})), person("d", json!({ "name": "", "description": null }))]))),
        (at(5), Text(200, "")),
    ];
    assert_eq!(half_made(&[], &made, &script), Ok(vec!["b".to_owned(), "d".to_owned()]));
    let circle = ok(json!([person("b", json!({}))]));
    assert_eq!(half_made(&[], &made, &[(at(0), circle.clone()), (at(1), circle)]), Ok(vec!["b".to_owned()]));
}

/// The token goes with the address, so that it has to be taken out of all that is shown; and a search arrives as meant.
#[tokio::test]
async fn the_token_is_sent_in_the_address_and_never_shown() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut heard = vec![0; 4096];
        let len = stream.read(&mut heard).await.unwrap();
        let line = String::from_utf8_lossy(&heard[..len]).lines().next().unwrap().to_owned();
        let said = format!("no route {line}");
        let answer = format!("HTTP/1.1 400 Bad\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{said}", said.len());
        stream.write_all(answer.as_bytes()).await.unwrap();
        line
    });
    let mut settings = ferry::platforms::settings::Settings::new("my-shop");
    settings.set_secret("token", secrecy::SecretString::from("t0ken+secret"));
    let driver = driver("eadesk");
    let http = Http::connect(HttpOptions {
        base_url: ferry::http::check_base_url(&address, false).unwrap(),
        credentials: driver.credentials(&settings),
        login: None,
        user_agent: "ferry/test".to_owned(),
        timeout: Duration::from_secs(5),
        rate: Rate::parse("none").unwrap(),
        rate_start_per_s: 2.0,
        concurrency: 1,
        wait: Duration::ZERO,
        clock: Clock::start(),
        seed: 17,
    })
    .unwrap();
    let connector = driver.connect(&settings).unwrap_or_else(|failures| panic!("{failures:?}"));
    let fault = connector.find(&http, &lookup(Field::Handles, "vk:a+б")).await.map_err(told).unwrap_err();
    assert_eq!(
        server.await.unwrap(),
        "GET /api/clients/person/read?search=%5Ea%5C%2B%D0%B1%24&offset=0&limit=1000&needExistingRecords=true&type=id\
         &token=t0ken%2Bsecret HTTP/1.1"
    );
    assert!(fault.starts_with("refused target.refused Eadesk refused it (HTTP 400): no route GET"), "{fault}");
    assert!(fault.contains("token=***") && !fault.contains("t0ken"), "{fault}");
}
