//! Atom: what is sent, and what is made of its answers.

use super::Answer::{InDoubt, Json, NotSent, Text};
use super::{Answer, Exchange, contact, delta, facts, json_of, message, ok, run, scene, steps, there, told, wanted};
use ferry::change::StepKind;
use ferry::contact::{Field, TagMode, Wanted};
use ferry::platforms::diff::{OnExisting, diff};
use ferry::platforms::{Address, Lookup, Needs, Reading, Ready, Step, StepResult};
use serde_json::{Value, json};

const PAGE_1: &str = "GET /clients?page=1&size=100&sort=asc";
const PAGE_2: &str = "GET /clients?page=2&size=100&sort=asc";
const LIST_500: &str = "Something went wrong while the operation was being performed";

fn by_phone(phone: &str) -> Lookup {
    Lookup { field: Field::Phones, value: phone.to_owned() }
}

fn wrong_token() -> Answer {
    Json(
        400,
        json!({
            "context": {"key": "Authorization", "label": "headers.authorization", "value": "Bearer s3cret"},
            "message": "Cannot find a channel associated with the public token Bearer s3cret",
            "path": ["headers.authorization"],
            "type": "Bad format"
        }),
    )
}

/// The example of the vendor's article.
fn example() -> Value {
    json!({
        "id": "V2EON8A6SPwC2VudgFbp",
        "firstName": "Silvio Nicole",
        "lastName": "Carballo",
        "email": null,
        "optionals": {
            "texto 3": "Excelente", "texto 1": "¡Excelente!", "texto 8": "1", "dos": "¡Excelente! 🤩 ", "Monto": "21"
        },
        "phone": "50755667788",
        "tags": ["tag 1", "tag2"],
        "user": {"id": "u1", "name": "Agent Example"},
        "updatedAt": {"_seconds": 1_617_146_262, "_nanoseconds": 14_000_000},
        "createdAt": 1_617_146_262_014_i64
    })
}

#[test]
fn a_client_is_read_into_the_fields_of_a_contact() {
    let scene = scene(
        "atom",
        &[],
        &[
            (PAGE_1, ok(json!({ "page": 1, "length": 1, "items": [example()] }))),
            (PAGE_2, ok(json!({ "page": 2, "length": 1, "items": [] }))),
        ],
    );
    let page = run(scene.connector.page(&scene.http, None)).unwrap();
    assert_eq!((page.total, page.next.as_deref()), (None, Some("2")), "`length` is no total");
    assert_eq!(page.found.len(), 1);
    assert_eq!(page.found[0].id, "V2EON8A6SPwC2VudgFbp");
    assert_eq!(
        Value::Object(page.found[0].contact.to_json()),
        json!({
            "id": "V2EON8A6SPwC2VudgFbp",
            "first_name": "Silvio Nicole",
            "last_name": "Carballo",
            "phone": "+50755667788",
            "phones": ["+50755667788"],
            "tags": ["tag 1", "tag2"],
            "owner": {"id": "u1", "name": "Agent Example"},
            "created_at": "2021-03-30T23:17:42.014Z",
            "updated_at": "2021-03-30T23:17:42.014Z",
            "attributes": {
                "texto 3": "Excelente", "texto 1": "¡Excelente!", "texto 8": "1", "dos": "¡Excelente! 🤩", "Monto": "21"
            }
        })
    );
    let last = run(scene.connector.page(&scene.http, page.next.as_ref())).unwrap();
    assert_eq!((last.found, last.next), (vec![], None), "the list ends with an empty page, not with a short one");
}

#[test]
fn other_forms_of_a_client_are_read_too() {
    for (client, expected) in [
        (json!({"optionals": [{"a": "1"}, {"b": 2}]}), json!({"attributes": {"a": "1", "b": "2"}})),
        (json!({"optionals": [{"key": "a", "value": "1"}]}), json!({"attributes": {"a": "1"}})),
        (
            json!({"optionals": {"n": 21, "b": true, "o": {"x": 1}, "nothing": null, "blank": " "}}),
            json!({"attributes": {"n": "21", "b": "true", "o": "{\"x\":1}"}}),
        ),
        (json!({"optionals": null, "tags": null, "user": null}), json!({})),
        (json!({"optionals": "odd"}), json!({"native": {"optionals": "odd"}})),
        (json!({"tags": "a, b"}), json!({"tags": ["a", "b"]})),
        (json!({"tags": [{"name": "a"}, " ", 7]}), json!({"tags": ["a", "7"]})),
        (json!({"user": {"id": 7, "role": "x"}}), json!({"owner": {"id": "7"}, "native": {"user": {"role": "x"}}})),
        (json!({"user": "u1"}), json!({"owner": {"id": "u1"}})),
        (json!({"phone": 50755667788_u64}), json!({"phone": "+50755667788", "phones": ["+50755667788"]})),
        (json!({"phone": "unknown"}), json!({"phone": "unknown", "phones": ["unknown"]})),
        (json!({"name": "Ana López"}), json!({"first_name": "Ana", "last_name": "López", "full_name": "Ana López"})),
        (json!({"name": "x", "firstName": "Ana"}), json!({"first_name": "Ana", "native": {"name": "x"}})),
        (json!({"email": "Ana@Example.EC"}), json!({"email": "Ana@example.ec", "emails": ["Ana@example.ec"]})),
        (json!({"createdAt": "soon"}), json!({"native": {"createdAt": "soon"}})),
        (json!({"company": "X", "empty": null}), json!({"native": {"company": "X"}})),
        (json!({"firstName": "Cafe\u{301} "}), json!({"first_name": "Café"})),
    ] {
        let mut client = client;
        client["id"] = json!("1");
        let mut expected = expected;
        expected["id"] = json!("1");
        let scene = scene("atom", &[], &[(PAGE_1, ok(json!({ "items": [client.clone()] })))]);
        let page = run(scene.connector.page(&scene.http, None)).unwrap();
        let mut contact = page.found[0].contact.clone();
        // What is no text is kept as it came, too, to be given back so.
        if client["optionals"].is_object() || client["optionals"].is_array() {
            contact.native.shift_remove("optionals");
        }
        assert_eq!(Value::Object(contact.to_json()), expected, "{client}");
    }
}

#[test]
fn the_list_ends_at_its_own_500_where_that_is_said() {
    let cases: &[(&[(&str, &str)], u16, &str, Result<usize, &str>)] = &[
        (&[], 500, LIST_500, Ok(0)),
        (
            &[("list_500_is_end", "false")],
            500,
            LIST_500,
            Err(
                "fatal 6 Atom failed for connection `my-shop` (HTTP 500): Something went wrong while the operation was \
                 being performed | try again later",
            ),
        ),
        (
            &[],
            500,
            "out of memory",
            Err("fatal 6 Atom failed for connection `my-shop` (HTTP 500): out of memory | try again later"),
        ),
        (
            &[],
            503,
            LIST_500,
            Err("fatal 6 Atom failed for connection `my-shop` (HTTP 503): Something went wrong while the operation \
             was being performed | try again later"),
        ),
    ];
    for (settings, status, said, expected) in cases {
        let scene = scene("atom", settings, &[(PAGE_2, message(*status, said))]);
        let page = run(scene.connector.page(&scene.http, Some(&"2".to_owned())));
        let got = page.map(|page| page.found.len() + usize::from(page.next.is_some())).map_err(told);
        assert_eq!(got, expected.map_err(str::to_owned), "{settings:?} {status} {said}");
    }
}

#[test]
fn a_check_is_one_request_and_an_empty_account_is_none_to_blame() {
    let full = scene(
        "atom",
        &[("page_size", "5")],
        &[("GET /clients?page=1&size=5&sort=asc", ok(json!({ "page": 1, "length": 1, "items": [example()] })))],
    );
    let checked = run(full.connector.check(&full.http)).unwrap();
    assert_eq!((checked.contacts, checked.sample.len()), (None, 1));
    for answer in [message(500, LIST_500), ok(json!({ "page": 1, "length": 0, "items": [] }))] {
        let empty = scene("atom", &[], &[(PAGE_1, answer)]);
        let checked = run(empty.connector.check(&empty.http)).unwrap();
        assert_eq!((checked.contacts, checked.sample.len()), (Some(0), 0));
    }
}

#[test]
fn each_response_is_sorted_by_what_it_means() {
    let refused = "fatal 5 Atom refuses connection `my-shop` (HTTP 400) | correct `token` of connection `my-shop` in \
                   `ferry.yaml`, or `FERRY_MY_SHOP_TOKEN` in the environment";
    let address = "correct `base_url` or `path_clients` of connection `my-shop` in `ferry.yaml`, or \
                   `FERRY_MY_SHOP_BASE_URL` or `FERRY_MY_SHOP_PATH_CLIENTS` in the environment";
    let mend_url =
        "correct `base_url` of connection `my-shop` in `ferry.yaml`, or `FERRY_MY_SHOP_BASE_URL` in the environment";
    let cases: Vec<(Answer, String)> = vec![
        (wrong_token(), refused.to_owned()),
        (Text(401, "No authorization token found."), refused.replace("400", "401")),
        (Json(403, json!({})), refused.replace("400", "403")),
        (
            Text(404, "<!DOCTYPE html><pre>Cannot GET /clients</pre>"),
            format!(
                "fatal 5 the address of connection `my-shop` is wrong: Atom does not respond there (HTTP 404): \
                     Cannot GET /clients | {address}"
            ),
        ),
        (
            Text(302, ""),
            format!(
                "fatal 5 the address of connection `my-shop` is wrong: Atom does not respond there (HTTP 302) | {mend_url}"
            ),
        ),
        (
            Text(200, "<html>\u{7}Please\n log in \u{202e}</html>"),
            format!(
                "fatal 5 Atom answered connection `my-shop` with a web page instead of `{{\"items\": […]}}` \
                     (HTTP 200): \
                     Please log in | {mend_url}"
            ),
        ),
        (
            ok(json!({"items": [{"firstName": "nobody"}]})),
            "fatal 6 Atom answered connection `my-shop` with something else instead of `{\"items\": […]}` (HTTP 200): \
             {\"items\":[{\"firstName\":\"nobody\"}]} | try again later; if it persists, the platform has changed"
                .to_owned(),
        ),
        (
            Json(400, json!({"message": "bad page", "path": ["page"]})),
            "fatal 5 Atom refuses the request for connection `my-shop` (HTTP 400): bad page".to_owned(),
        ),
        (Text(429, ""), "fatal 6 Atom failed for connection `my-shop` (HTTP 429) | try again later".to_owned()),
        (InDoubt, "fatal 6 no answer within 30 s".to_owned()),
        (NotSent, "fatal 6 connection refused".to_owned()),
    ];
    for (answer, expected) in cases {
        let scene = scene("atom", &[], &[(PAGE_1, answer)]);
        assert_eq!(run(scene.connector.page(&scene.http, None)).map_err(told).err(), Some(expected));
    }
}

#[test]
fn a_client_is_read_by_id_in_whatever_form_it_comes() {
    let client = json!({"id": "a1", "phone": "50755667788"});
    for (answer, expected) in [
        (ok(client.clone()), true),
        (ok(json!({"items": [client]})), true),
        (ok(json!({"clients": [client]})), true),
        (ok(json!([{"id": "other", "phone": "1"}, client])), true),
        (ok(json!({"phone": "50755667788", "firstName": "Ana"})), true),
        (ok(json!([])), false),
        (ok(json!({"items": []})), false),
        (ok(json!(null)), false),
        (ok(json!({})), false),
        (ok(json!({"id": "other", "phone": "50755667788"})), false),
        (message(404, "not found"), false),
    ] {
        let scene = scene("atom", &[], &[("GET /clients/a1", answer)]);
        let found = run(scene.connector.read(&scene.http, "a1", None)).map(Reading::there).unwrap();
        assert_eq!(found.map(|found| found.id), expected.then(|| "a1".to_owned()));
    }
}

#[test]
fn an_id_from_a_file_never_leads_to_another_path() {
    for (id, script) in [
        ("", &[][..]),
        ("..", &[]),
        ("../templates?x", &[("GET /clients/..%2Ftemplates%3Fx", message(404, "not found"))]),
    ] as [(&str, &[Exchange]); 3]
    {
        let scene = scene("atom", &[], script);
        assert_eq!(run(scene.connector.read(&scene.http, id, None)).map(Reading::there).unwrap(), None);
    }
}

#[test]
fn an_unrouted_path_does_not_prove_that_a_contact_is_absent() {
    let scene = scene("atom", &[], &[("GET /clients/a1", Text(404, "Cannot GET /clients/a1"))]);
    assert_eq!(
        run(scene.connector.read(&scene.http, "a1", None)).map(Reading::there).map_err(told),
        Err("fatal 5 the address of connection `my-shop` is wrong: Atom does not respond there (HTTP 404): \
             Cannot GET /clients/a1 | correct `base_url` or `path_by_id` of connection `my-shop` in `ferry.yaml`, or \
             `FERRY_MY_SHOP_BASE_URL` or \
             `FERRY_MY_SHOP_PATH_BY_ID` in the environment"
            .to_owned())
    );
}

#[test]
fn a_contact_is_found_by_digits_alone_in_every_form_of_the_phone() {
    let mexican = json!({"id": "a1", "phone": "525512345678"});
    let scene = scene(
        "atom",
        &[],
        &[
            ("GET /clients?phone=5215512345678", ok(json!({"items": []}))),
            ("GET /clients?phone=525512345678", ok(json!({"items": [mexican, mexican]}))),
        ],
    );
    let found = run(scene.connector.find(&scene.http, &by_phone("+5215512345678"))).unwrap();
    assert_eq!(found.iter().map(|found| found.id.as_str()).collect::<Vec<_>>(), ["a1"]);
}

#[test]
fn a_look_up_that_answers_with_others_only_proves_nothing() {
    let other = json!({"id": "b", "phone": "50755660000"});
    let same = json!({"id": "a", "phone": "507 5566 7788"});
    let ask = "GET /clients?phone=50755667788";
    let with_match = scene("atom", &[], &[(ask, ok(json!([other, same])))]);
    let found = run(with_match.connector.find(&with_match.http, &by_phone("+50755667788"))).unwrap();
    assert_eq!(found.iter().map(|found| found.id.as_str()).collect::<Vec<_>>(), ["a"]);
    let others_only = scene("atom", &[], &[(ask, ok(json!([other])))]);
    assert_eq!(
        run(others_only.connector.find(&others_only.http, &by_phone("+50755667788"))).map_err(told),
        Err("in doubt 6 Atom answered a lookup by phone with 1 other clients | set `find: snapshot` for connection \
             `my-shop`, or correct `path_by_phone`"
            .to_owned())
    );
}

#[test]
fn a_look_up_without_an_answer_is_a_doubt_and_a_refused_one_the_records() {
    let ask = "GET /clients?phone=50755667788";
    for (answer, expected) in [
        (InDoubt, "in doubt 6 no answer within 30 s"),
        (message(500, "x"), "in doubt 6 Atom failed for connection `my-shop` (HTTP 500): x | try again later"),
        (
            Json(400, json!({"message": "bad phone", "path": ["phone"]})),
            "refused target.refused Atom refused it (HTTP 400): bad phone",
        ),
        (NotSent, "fatal 6 connection refused"),
    ] {
        let scene = scene("atom", &[], &[(ask, answer)]);
        let got = run(scene.connector.find(&scene.http, &by_phone("+50755667788"))).map_err(told);
        assert_eq!(got, Err(expected.to_owned()));
    }
}

#[test]
fn paths_and_slashes_follow_the_settings() {
    let settings: &[(&str, &str)] = &[
        ("path_clients", "/v2/people"),
        ("path_by_id", "/v2/people/by-id/{id}/"),
        ("path_by_phone", "/v2/find?tel={phone}&exact=1"),
        ("trailing_slash", "true"),
        ("sort", "desc"),
    ];
    let scene = scene(
        "atom",
        settings,
        &[
            ("GET /v2/people/?page=3&size=100&sort=desc", ok(json!({"items": []}))),
            ("GET /v2/people/by-id/a1/", ok(json!({}))),
            ("GET /v2/find/?tel=50755667788&exact=1", ok(json!([]))),
            ("POST /v2/people/ {}", ok(json!({"client": "a1"}))),
        ],
    );
    let (connector, http) = (&scene.connector, &scene.http);
    assert_eq!(run(connector.page(http, Some(&"3".to_owned()))).unwrap().next, None);
    assert_eq!(run(connector.read(http, "a1", None)).map(Reading::there).unwrap(), None);
    assert_eq!(run(connector.find(http, &by_phone("+50755667788"))).unwrap(), []);
    let step = Step { kind: StepKind::Create, body: json!({}).into() };
    assert_eq!(
        run(connector.send_step(http, &step, &Address::New)).unwrap(),
        StepResult::Done { id: "a1".to_owned(), after: None }
    );
    assert!(scene.headers.lock().unwrap().contains(&("charset".to_owned(), "utf-8".to_owned())));
}

#[test]
fn an_invalid_cursor_or_field_is_a_bug() {
    let scene = scene("atom", &[], &[]);
    let page = run(scene.connector.page(&scene.http, Some(&"x".to_owned())));
    assert_eq!(page.map_err(told).err().unwrap(), "fatal 1 `x` is not a page of the list");
    let by = Lookup { field: Field::Emails, value: "a@b.ec".to_owned() };
    let found = run(scene.connector.find(&scene.http, &by));
    assert_eq!(found.map_err(told).err().unwrap(), "fatal 1 Atom has no lookup by `emails`");
    assert!(run(scene.connector.prepare(&scene.http, &Needs::default())).unwrap().agents.is_empty());
}

/// A whole person, as wanted.
fn ana() -> Wanted {
    wanted(json!({ "first_name": "Ana", "last_name": "López", "phones": ["+50755667788"] }))
}

#[test]
fn a_new_client_is_written_whole() {
    let settings: &[(&str, &str)] = &[];
    assert_eq!(
        steps("atom", settings, &ana(), None),
        Ok(vec![json!({"firstName": "Ana", "lastName": "López", "phone": "50755667788", "optionals": {}})])
    );
    let mut full = ana();
    full.contact.list_mut(Field::Emails).push("ana@example.ec".to_owned());
    full.contact.list_mut(Field::Tags).extend(["a".to_owned(), "b".to_owned()]);
    full.contact.set_attribute("Monto", "21");
    let body = json!({"firstName": "Ana", "lastName": "López", "phone": "50755667788", "email": "ana@example.ec",
        "optionals": {"Monto": "21"}, "tags": ["a", "b"]});
    assert_eq!(steps("atom", settings, &full, None).unwrap()[0].to_string(), body.to_string());
    let as_text = steps("atom", &[("tags_as_array", "false")], &full, None).unwrap();
    assert_eq!(as_text[0]["tags"], json!("a,b"));
    let legacy = steps("atom", &[("legacy_name", "true")], &ana(), None).unwrap();
    assert_eq!(legacy, [json!({"name": "Ana López", "phone": "50755667788", "optionals": {}})]);
}

#[test]
fn all_that_a_client_lacks_is_reported_at_once() {
    let codes = |codes: &[&str]| Err(codes.iter().map(|&code| code.to_owned()).collect::<Vec<_>>());
    assert_eq!(
        steps("atom", &[], &Wanted::default(), None),
        codes(&["first_name.missing", "last_name.missing", "phone.missing"])
    );
    assert_eq!(
        steps("atom", &[("legacy_name", "true")], &Wanted::default(), None),
        codes(&["first_name.missing", "phone.missing"])
    );
    let connector = super::connect("atom", &[]).unwrap();
    let lone = wanted(json!({ "first_name": "Ana", "phones": ["+50755667788"] }));
    let problems = connector.steps(&Ready::default(), &delta("atom", &lone, None), None).unwrap_err();
    assert_eq!(
        problems.iter().map(|p| (p.column.as_deref(), p.message.as_str(), p.hint.as_deref())).collect::<Vec<_>>(),
        [(
            Some("last_name"),
            "Atom needs a last name, and there is none",
            Some("give it one in the mapping: `last_name: { from: …, default: \"-\" }`")
        )]
    );
}

#[test]
fn what_is_as_it_should_be_takes_no_step() {
    let found = there("a1", json!({ "first_name": "Ana", "last_name": "López", "phones": ["+50755667788"] }));
    assert_eq!(steps("atom", &[], &ana(), Some(&found)), Ok(vec![]));
}

#[test]
fn a_change_sends_the_merged_client_with_the_phone_that_it_has_there() {
    let found = there(
        "a1",
        json!({
            "first_name": "Ana", "last_name": "Ruiz", "phones": ["+525512345678"], "emails": ["ana@example.ec"],
            "tags": ["a"], "attributes": {"Monto": "21"}, "native": {"company": "X"}
        }),
    );
    let mut want = wanted(json!({
        "last_name": "López", "phones": ["+5215512345678"], "tags": ["b"], "attributes": {"Plan": "p"}
    }));
    let body = json!({"firstName": "Ana", "lastName": "López", "phone": "525512345678", "email": "ana@example.ec",
        "optionals": {"Monto": "21", "Plan": "p"}, "tags": ["a", "b"]});
    assert_eq!(steps("atom", &[], &want, Some(&found)), Ok(vec![body]));
    want.tag_mode = TagMode::Remove;
    want.contact.list_mut(Field::Tags).clear();
    want.contact.list_mut(Field::Tags).push("a".to_owned());
    want.clear.insert(Field::Emails);
    want.contact.set_attribute("Monto", "");
    want.attribute_overwrite.push(("Monto".into(), ferry::contact::Overwrite::Clear));
    let body = json!({"firstName": "Ana", "lastName": "López", "phone": "525512345678", "email": null,
        "optionals": {"Plan": "p"}, "tags": []});
    assert_eq!(steps("atom", &[], &want, Some(&found)), Ok(vec![body]));
    let merged = steps("atom", &[("on_update", "merge")], &want, Some(&found)).unwrap();
    assert_eq!(merged[0]["optionals"], json!({"Monto": "", "Plan": "p"}), "a server that merges has to be told");
    let only_name = wanted(json!({ "last_name": "López", "attributes": {"Plan": "p"} }));
    let body = json!({"firstName": "Ana", "lastName": "López", "phone": "525512345678", "optionals": {"Plan": "p"}});
    assert_eq!(steps("atom", &[("on_update", "merge")], &only_name, Some(&found)), Ok(vec![body]));
}

#[test]
fn a_client_without_a_phone_or_with_another_is_not_written() {
    let without = there("a1", json!({ "first_name": "Ana", "last_name": "Ruiz" }));
    assert_eq!(steps("atom", &[], &ana(), Some(&without)), Err(vec!["phone.missing".to_owned()]));
    let odd = there("a1", json!({ "first_name": "Ana", "last_name": "Ruiz", "phones": ["call me"] }));
    assert_eq!(steps("atom", &[], &ana(), Some(&odd)), Err(vec!["phone.missing".to_owned()]));
    let other = there("a1", json!({ "first_name": "Ana", "last_name": "López", "phones": ["+50700000000"] }));
    let mut forced = ana();
    forced.force.insert(Field::Phones);
    assert_eq!(steps("atom", &[], &forced, Some(&other)), Err(vec!["phone.unchangeable".to_owned()]));
}

#[test]
fn a_step_has_one_of_three_fates() {
    let write = "POST /clients {\"phone\":\"1\"}";
    let done = |id: &str| Ok(StepResult::Done { id: id.to_owned(), after: None });
    let doubt = |words: &str| {
        Err(format!("in doubt 6 Atom failed for connection `my-shop` (HTTP 500): {words} | try again later"))
    };
    let nobody = Address::New;
    let a1 = Address::Id("a1".to_owned());
    let cases: Vec<(&Address, Answer, Result<StepResult, String>)> = vec![
        (&nobody, ok(json!({"client": "a1"})), done("a1")),
        (&nobody, Json(201, json!({"client": 17})), done("17")),
        (&a1, ok(json!({"client": "a1"})), done("a1")),
        (&a1, ok(json!({"client": "b2"})), Err("in doubt 6 Atom wrote client `b2` in place of `a1`".to_owned())),
        (
            &nobody,
            message(500, "Cannot perform the creation of the client at Tue Mar 30 2021"),
            doubt("Cannot perform the creation of the client at Tue Mar 30 2021"),
        ),
        (
            &a1,
            message(500, "Cannot perform the update of the client"),
            doubt("Cannot perform the update of the client"),
        ),
        (&nobody, message(500, LIST_500), doubt(LIST_500)),
        (&nobody, InDoubt, Err("in doubt 6 no answer within 30 s".to_owned())),
        (&nobody, NotSent, Err("fatal 6 connection refused".to_owned())),
        (
            &nobody,
            Json(
                400,
                json!({"context": {"key": "phone"}, "message": "phone must not begin with +", "path": ["phone"]}),
            ),
            Err("refused target.refused Atom refused it (HTTP 400): phone must not begin with +".to_owned()),
        ),
        (
            &nobody,
            wrong_token(),
            Err("fatal 5 Atom refuses connection `my-shop` (HTTP 400) | correct `token` of connection `my-shop` in \
                 `ferry.yaml`, or `FERRY_MY_SHOP_TOKEN` in the environment"
                .to_owned()),
        ),
        (
            &nobody,
            ok(json!({"message": "hello"})),
            Err("in doubt 6 Atom answered connection `my-shop` with something else instead of `{\"client\": \"<id>\"}` \
                 (HTTP 200): hello | try again later; if it persists, the platform has changed"
                .to_owned()),
        ),
    ];
    for (address, answer, expected) in cases {
        let scene = scene("atom", &[], &[(write, answer)]);
        let kind = if *address == Address::New { StepKind::Create } else { StepKind::Change };
        let step = Step { kind, body: json!({"phone": "1"}).into() };
        assert_eq!(run(scene.connector.send_step(&scene.http, &step, address)).map_err(told), expected);
    }
}

#[test]
fn what_is_written_and_read_again_is_the_same() {
    let mut want = ana();
    want.contact.list_mut(Field::Tags).push("a".to_owned());
    want.contact.set_attribute("Plan", "p");
    let mut client = steps("atom", &[], &want, None).unwrap().remove(0);
    client["id"] = json!("a1");
    let scene = scene("atom", &[], &[("GET /clients/a1", ok(client))]);
    let found = run(scene.connector.read(&scene.http, "a1", None)).map(Reading::there).unwrap().unwrap();
    assert_eq!(steps("atom", &[], &want, Some(&found)), Ok(vec![]));
    assert_eq!(found.contact.attribute("Plan"), contact(json!({"attributes": {"Plan": "p"}})).attribute("Plan"));
}

#[test]
fn where_a_server_reads_no_contact_by_id_it_is_read_by_phone() {
    let nowhere = Text(404, "<pre>Cannot GET /clients/a1</pre>");
    let a1 = || json!({"id": "a1", "phone": "50755667788"});
    for (answer, is_there) in [
        (ok(a1()), true),
        (ok(json!({"items": [{"id": "b2", "phone": "50755667789"}, a1()]})), true),
        (ok(json!({"items": [{"id": "b2", "phone": "50755667789"}]})), false),
        (ok(json!(null)), false),
        (message(404, "not found"), false),
        (Text(404, "<pre>Cannot GET /clients</pre>"), false),
        (message(400, "phone is not allowed"), false),
        (message(500, LIST_500), false),
    ] {
        let script = [("GET /clients/a1", nowhere.clone()), ("GET /clients?phone=50755667788", answer)];
        let scene = scene("atom", &[], &script);
        let reading = run(scene.connector.read(&scene.http, "a1", Some(&by_phone("+50755667788")))).unwrap();
        match is_there {
            true => assert_eq!(reading.there().map(|found| found.id).as_deref(), Some("a1")),
            false => assert_eq!(reading, Reading::Unreadable),
        }
    }
}

#[test]
fn a_path_that_leads_nowhere_is_asked_once() {
    let a1 = ok(json!({"id": "a1", "phone": "50755667788"}));
    let script = [
        ("GET /clients/a1", Text(404, "<pre>Cannot GET /clients/a1</pre>")),
        ("GET /clients?phone=50755667788", a1.clone()),
        ("GET /clients?phone=50755667788", a1),
    ];
    let scene = scene("atom", &[], &script);
    for _ in 0..2 {
        let reading = run(scene.connector.read(&scene.http, "a1", Some(&by_phone("+50755667788")))).unwrap();
        assert!(matches!(reading, Reading::There(_)));
    }
}

#[test]
fn the_lists_own_500_that_lasts_is_its_end() {
    for (message_500, switch, expected) in
        [(LIST_500, "true", true), ("crash", "true", false), (LIST_500, "false", false)]
    {
        let scene = scene("atom", &[("list_500_is_end", switch)], &[(PAGE_1, message(500, message_500))]);
        assert_eq!(run(scene.connector.page(&scene.http, None)).is_ok(), expected);
        // It is no answer at once: the HTTP client confirms it, because a passing failure looks the same.
        assert_eq!(*scene.taken.lock().unwrap(), [false]);
        assert_eq!(*scene.ends.lock().unwrap(), [expected]);
    }
}

#[test]
fn a_custom_field_that_is_no_text_is_given_back_as_it_came() {
    let client = json!({"id": "7", "phone": "593991234567", "firstName": "Ana", "lastName": "Paz",
        "optionals": {"age": 30, "address": {"street": "x"}, "Plan": "b"}});
    let scene = scene("atom", &[], &[(PAGE_1, ok(json!({ "items": [client] })))]);
    let found = run(scene.connector.page(&scene.http, None)).unwrap().found.remove(0);
    let wants = wanted(json!({ "attributes": { "Color": "red", "age": "31" } }));
    let delta = diff(facts("atom"), &wants, Some(&found), None, OnExisting::Update);
    let steps = scene.connector.steps(&Ready::default(), &delta, Some(&found)).unwrap();
    let optionals = &json_of(&steps[0].body)["optionals"];
    assert_eq!(*optionals, json!({"age": "31", "address": {"street": "x"}, "Plan": "b", "Color": "red"}));
}
