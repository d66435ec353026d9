//! Mercately: what is sent, and what is made of its answers.

use super::Answer::{InDoubt, Json, NotSent, Text};
use super::{Answer, Exchange, contact, delta, json_of, message, ok, run, scene, steps, there, told, wanted};
use ferry::change::StepKind;
use ferry::contact::{Field, FieldSet, Overwrite, TagMode, Wanted};
use ferry::platforms::{Address, Agent, Lookup, Needs, Reading, Ready, Step, StepResult};
use serde_json::{Value, json};

const PAGE_1: &str = "GET /retailers/api/v1/customers?page=1";

/// The customer of the recorded list.
fn pablo() -> Value {
    json!({
        "id": "4880vesdc3873",
        "first_name": "Pablo",
        "last_name": "Domínguez",
        "email": "slyvia@thompson.net",
        "phone": "+593667 357 821",
        "meli_customer_id": null,
        "meli_nickname": null,
        "id_type": "ruc",
        "id_number": "293-07-3863",
        "address": "Muelle Cristobal s/n.",
        "city": "Quito",
        "state": "Pichincha",
        "zip_code": "170207",
        "country_id": "EC",
        "notes": null,
        "whatsapp_opt_in": false,
        "whatsapp_name": null,
        "tags": [{"tag": "Test tag", "web_id": "4880epqur256"}],
        "custom_fields": [{"field_name": "ullam", "field_content:": "Test Field"}]
    })
}

fn found_customer(customer: &Value) -> Answer {
    ok(json!({ "message": "Customer found successfully", "customer": customer }))
}

fn absent() -> Answer {
    message(404, "Customer not found")
}

fn lookup(field: Field, value: &str) -> Lookup {
    Lookup { field, value: value.to_owned() }
}

#[test]
fn the_recorded_list_is_read_into_contacts() {
    let scene = scene(
        "mercately",
        &[],
        &[
            (PAGE_1, ok(json!({ "results": 1, "total_pages": 1, "customers": [pablo()] }))),
            ("GET /retailers/api/v1/customers?page=2", ok(json!({ "results": 1, "total_pages": 1, "customers": [] }))),
        ],
    );
    let page = run(scene.connector.page(&scene.http, None)).unwrap();
    assert_eq!((page.total, page.next.as_deref(), page.found[0].id.as_str()), (Some(1), Some("2"), "4880vesdc3873"));
    assert_eq!(
        Value::Object(page.found[0].contact.to_json()),
        json!({
            "id": "4880vesdc3873",
            "first_name": "Pablo",
            "last_name": "Domínguez",
            "phone": "+593667357821",
            "phones": ["+593667357821"],
            "email": "slyvia@thompson.net",
            "emails": ["slyvia@thompson.net"],
            "tags": ["Test tag"],
            "address": {
                "street": "Muelle Cristobal s/n.", "city": "Quito", "state": "Pichincha", "zip": "170207",
                "country": "EC"
            },
            "document": {"type": "ruc", "number": "293-07-3863"},
            "attributes": {"ullam": "Test Field"},
            "native": {"whatsapp_opt_in": false}
        })
    );
    let last = run(scene.connector.page(&scene.http, page.next.as_ref())).unwrap();
    assert_eq!((last.found, last.next), (vec![], None), "only an empty page is the end: `total_pages` may be one off");
}

#[test]
fn other_forms_of_a_customer_are_read_too() {
    for (customer, expected) in [
        (json!({"custom_fields": [{"field_name": "a", "field_content": "1"}]}), json!({"attributes": {"a": "1"}})),
        (
            json!({"custom_fields": [{"field_name": "a", "field_content:": null, "field_content": 2}, {}]}),
            json!({"attributes": {"a": "2"}}),
        ),
        (
            json!({"tags": [{"name": "a", "value": true}, {"name": "b", "value": false}, "c"]}),
            json!({"tags": ["a", "c"]}),
        ),
        (json!({"country_id": 63}), json!({"native": {"country_id": 63}})),
        (json!({"country_id": "ec"}), json!({"address": {"country": "EC"}})),
        (json!({"agent_id": 2758}), json!({"owner": {"id": "2758"}})),
        (json!({"agent": 2758}), json!({"owner": {"id": "2758"}})),
        (
            json!({"agent": {"id": 2763, "first_name": "Agent", "last_name": "Example", "email": "agent@example.com"}}),
            json!({"owner": {"id": "2763", "name": "Agent Example", "email": "agent@example.com"}}),
        ),
        (json!({"agent": null, "agent_id": null}), json!({})),
        (json!({"creation_date": "2021-03-30T23:17:42.014Z"}), json!({"created_at": "2021-03-30T23:17:42.014Z"})),
        (
            json!({"customer_addresses": [{"city": "Quito"}]}),
            json!({"native": {"customer_addresses": [{"city": "Quito"}]}}),
        ),
        (json!({"tags": 0, "custom_fields": null}), json!({})),
    ] {
        let (mut customer, mut expected) = (customer, expected);
        customer["id"] = json!("1");
        expected["id"] = json!("1");
        let scene = scene("mercately", &[], &[("GET /retailers/api/v1/customers/1", found_customer(&customer))]);
        let found = run(scene.connector.read(&scene.http, "1", None)).map(Reading::there).unwrap().unwrap();
        assert_eq!(Value::Object(found.contact.to_json()), expected, "{customer}");
    }
}

#[test]
fn a_check_is_one_request_and_knows_how_many_there_are() {
    let script: &[Exchange] = &[(PAGE_1, ok(json!({ "results": 250, "total_pages": 3, "customers": [pablo()] })))];
    let scene = scene("mercately", &[], script);
    let checked = run(scene.connector.check(&scene.http)).unwrap();
    assert_eq!((checked.contacts, checked.sample.len()), (Some(250), 1));
}

#[test]
fn the_slug_goes_along_only_where_there_is_one() {
    let page = ok(json!({ "results": 0, "total_pages": 1, "customers": [] }));
    let with = scene("mercately", &[("slug", "test-connection")], &[(PAGE_1, page.clone())]);
    run(with.connector.check(&with.http)).unwrap();
    assert_eq!(*with.headers.lock().unwrap(), [("slug".to_owned(), "test-connection".to_owned())]);
    let without = scene("mercately", &[], &[(PAGE_1, page)]);
    run(without.connector.check(&without.http)).unwrap();
    assert_eq!(*without.headers.lock().unwrap(), []);
}

#[test]
fn the_prefix_of_the_paths_is_a_setting() {
    let page = ok(json!({ "results": 0, "total_pages": 1, "customers": [] }));
    let scene = scene("mercately", &[("path_prefix", "/api/v2/")], &[("GET /api/v2/customers?page=1", page)]);
    run(scene.connector.check(&scene.http)).unwrap();
}

#[test]
fn each_response_is_sorted_by_what_it_means() {
    let refuses = |status: u16, names: &str| {
        format!("fatal 5 Mercately refuses connection `my-shop` (HTTP {status}) | correct {names} in the environment")
    };
    let key = "`api_key` of connection `my-shop` in `ferry.yaml`, or `FERRY_MY_SHOP_API_KEY`";
    let slug = "`slug` or `api_key` of connection `my-shop` in `ferry.yaml`, or `FERRY_MY_SHOP_SLUG` or \
                `FERRY_MY_SHOP_API_KEY`";
    let agent = "`api_key` or `user_agent` of connection `my-shop` in `ferry.yaml`, or `FERRY_MY_SHOP_API_KEY` or \
                 `FERRY_MY_SHOP_USER_AGENT`";
    let address = "correct `base_url` or `path_prefix` of connection `my-shop` in `ferry.yaml`, or \
                   `FERRY_MY_SHOP_BASE_URL` or `FERRY_MY_SHOP_PATH_PREFIX` in the environment";
    let wrong = |status: u16, sample: &str| {
        format!(
            "fatal 5 the address of connection `my-shop` is wrong: Mercately does not respond there (HTTP \
             {status}){sample} | {address}"
        )
    };
    let unauthorized = |status| Json(status, json!({"message": "Unauthorized", "info": {"data": {}}}));
    let cases: Vec<(Answer, String)> = vec![
        (unauthorized(401), refuses(401, key)),
        (unauthorized(400), refuses(400, key)),
        (unauthorized(404), refuses(404, key)),
        (Json(403, json!({})), refuses(403, key)),
        (Text(403, "<html>blocked</html>"), refuses(403, agent)),
        (Json(404, json!({"message": "Resource not found", "info": {"data": {}}})), refuses(404, slug)),
        (Text(404, "<html>not here</html>"), wrong(404, ": not here")),
        (Json(404, json!({"status": 404, "error": "Not Found"})), wrong(404, ": Not Found")),
        (Text(301, ""), wrong(301, "")),
        (
            Text(200, "<!DOCTYPE html><title>Log in</title>"),
            "fatal 5 Mercately answered connection `my-shop` with a web page instead of JSON (HTTP 200): Log in \
             | correct `base_url` of connection `my-shop` in `ferry.yaml`, or \
             `FERRY_MY_SHOP_BASE_URL` in the environment"
                .to_owned(),
        ),
        (
            ok(json!({"customers": 0})),
            "fatal 6 Mercately answered connection `my-shop` with something else instead of `{\"customers\": […]}` \
             (HTTP 200): {\"customers\":0} | try again later; if it persists, the platform has changed"
                .to_owned(),
        ),
        (
            message(500, "undefined method"),
            "fatal 6 Mercately failed for connection `my-shop` (HTTP 500): undefined method | \
             try again later"
                .to_owned(),
        ),
        (InDoubt, "fatal 6 no answer within 30 s".to_owned()),
        (NotSent, "fatal 6 connection refused".to_owned()),
    ];
    for (answer, expected) in cases {
        let scene = scene("mercately", &[], &[(PAGE_1, answer)]);
        assert_eq!(run(scene.connector.page(&scene.http, None)).map_err(told).err(), Some(expected));
    }
}

#[test]
fn what_a_platform_says_is_shown_on_one_short_line() {
    let long: &'static str = Box::leak(format!("{{not json\n\u{1b}[31m{}", "x".repeat(1_000)).into_boxed_str());
    let scene = scene("mercately", &[], &[(PAGE_1, Text(500, long))]);
    let shown = run(scene.connector.page(&scene.http, None)).map_err(told).err().unwrap();
    let words = format!("{{not json [31m{}", "x".repeat(200 - "{not json [31m".len()));
    assert_eq!(
        shown,
        format!("fatal 6 Mercately failed for connection `my-shop` (HTTP 500): {words} | try again later")
    );
}

#[test]
fn a_contact_is_looked_up_by_phone_with_plus_and_then_without() {
    let by = lookup(Field::Phones, "+593667357821");
    let plus = "GET /retailers/api/v1/customers/%2B593667357821";
    let bare = "GET /retailers/api/v1/customers/593667357821";
    let mut other = pablo();
    other["phone"] = json!("+593000000000");
    let cases: Vec<(&[(&str, &str)], Vec<Exchange>, usize)> = vec![
        (&[], vec![(plus, found_customer(&pablo()))], 1),
        (&[], vec![(plus, absent()), (bare, found_customer(&pablo()))], 1),
        (&[], vec![(plus, absent()), (bare, absent())], 0),
        (&[], vec![(plus, found_customer(&other)), (bare, absent())], 0),
        (&[("phone_in_path", "plus")], vec![(plus, absent())], 0),
        (&[("phone_in_path", "digits")], vec![(bare, found_customer(&pablo()))], 1),
    ];
    for (settings, script, expected) in cases {
        let scene = scene("mercately", settings, &script);
        assert_eq!(run(scene.connector.find(&scene.http, &by)).unwrap().len(), expected, "{settings:?}");
    }
}

#[test]
fn every_form_of_a_phone_is_looked_up_and_no_contact_is_found_twice() {
    let customer = |id: &str, phone: &str| found_customer(&json!({"id": id, "phone": phone}));
    let script: &[Exchange] = &[
        ("GET /retailers/api/v1/customers/%2B5215512345678", customer("a", "+525512345678")),
        ("GET /retailers/api/v1/customers/%2B525512345678", absent()),
        ("GET /retailers/api/v1/customers/525512345678", customer("a", "+525512345678")),
    ];
    let scene = scene("mercately", &[], script);
    let found = run(scene.connector.find(&scene.http, &lookup(Field::Phones, "+5215512345678"))).unwrap();
    assert_eq!(found.iter().map(|found| found.id.as_str()).collect::<Vec<_>>(), ["a"]);
}

#[test]
fn a_contact_is_looked_up_by_email_unless_its_dot_misleads() {
    let ask = "GET /retailers/api/v1/customers/Slyvia%40thompson.net";
    let mut other = pablo();
    other["email"] = json!("other@example.ec");
    for (answer, expected) in [
        (found_customer(&pablo()), 1),
        (found_customer(&other), 0),
        (absent(), 0),
        (Text(404, "<html>no route</html>"), 0),
        (Text(406, ""), 0),
    ] {
        let scene = scene("mercately", &[], &[(ask, answer)]);
        let found = run(scene.connector.find(&scene.http, &lookup(Field::Emails, "Slyvia@thompson.net"))).unwrap();
        assert_eq!(found.len(), expected);
    }
}

#[test]
fn a_contact_is_read_by_exactly_its_id() {
    let ask = "GET /retailers/api/v1/customers/4880vesdc3873";
    for (answer, expected) in [(found_customer(&pablo()), true), (ok(pablo()), true), (absent(), false)] {
        let scene = scene("mercately", &[], &[(ask, answer)]);
        let found = run(scene.connector.find(&scene.http, &lookup(Field::TargetId, "4880vesdc3873"))).unwrap();
        assert_eq!(found.len(), usize::from(expected));
    }
    let by_phone = scene("mercately", &[], &[("GET /retailers/api/v1/customers/593", found_customer(&pablo()))]);
    assert_eq!(run(by_phone.connector.read(&by_phone.http, "593", None)).map(Reading::there).unwrap(), None);
    let nowhere = scene("mercately", &[], &[]);
    assert_eq!(run(nowhere.connector.read(&nowhere.http, "..", None)).map(Reading::there).unwrap(), None);
    let unrouted = scene("mercately", &[], &[(ask, Text(404, "<html></html>"))]);
    assert!(
        run(unrouted.connector.read(&unrouted.http, "4880vesdc3873", None))
            .map(Reading::there)
            .map_err(told)
            .unwrap_err()
            .starts_with("fatal 5")
    );
    for said in ["Resource not found", "Unauthorized"] {
        let refused = scene("mercately", &[], &[(ask, message(404, said))]);
        let told = run(refused.connector.read(&refused.http, "4880vesdc3873", None))
            .map(Reading::there)
            .map_err(told)
            .unwrap_err();
        assert!(
            told.starts_with("fatal 5 Mercately refuses connection"),
            "an account that is refused has nobody absent"
        );
    }
    let failing = scene("mercately", &[], &[(ask, message(500, "x"))]);
    assert_eq!(
        run(failing.connector.read(&failing.http, "4880vesdc3873", None)).map(Reading::there).map_err(told),
        Err("in doubt 6 Mercately failed for connection `my-shop` (HTTP 500): x | try again later".to_owned())
    );
    let silly = scene("mercately", &[], &[]);
    let found = run(silly.connector.find(&silly.http, &lookup(Field::City, "Quito")));
    assert_eq!(found.map_err(told).err().unwrap(), "fatal 1 Mercately has no lookup by `address.city`");
}

/// The recorded creation.
fn juan() -> Wanted {
    wanted(json!({
        "first_name": "Juan", "last_name": "Campos", "emails": ["juan@email.com"], "phones": ["+12036534789"],
        "notes": "New notes", "tags": ["Test tag"],
        "address": {"street": "Calle 5", "city": "Fort Worth", "state": "TX", "zip": "76106"}
    }))
}

fn juan_body() -> Value {
    json!({
        "first_name": "Juan", "last_name": "Campos", "email": "juan@email.com", "phone": "+12036534789",
        "notes": "New notes", "address": "Calle 5", "city": "Fort Worth", "state": "TX", "zip_code": "76106",
        "tags": [{"name": "Test tag", "value": true}]
    })
}

#[test]
fn the_recorded_creation_is_what_is_sent_and_what_is_read() {
    let body = json!({ "customer": juan_body() });
    let step = Step { kind: StepKind::Create, body: steps("mercately", &[], &juan(), None).unwrap().remove(0).into() };
    assert_eq!(step.body.to_string(), body.to_string());
    assert_eq!(steps("mercately", &[("write_body", "flat")], &juan(), None), Ok(vec![juan_body()]));
    let mut answer = juan_body();
    answer["id"] = json!("4882chfxj3875");
    answer["tags"] = json!([{"tag": "Test tag", "web_id": "4882yeopc257"}]);
    let ask: &'static str = Box::leak(format!("POST /retailers/api/v1/customers {body}").into_boxed_str());
    let answer = ok(json!({ "message": "Customer created successfully", "customer": answer }));
    let scene = scene("mercately", &[], &[(ask, answer)]);
    let taken = run(scene.connector.send_step(&scene.http, &step, &Address::New)).unwrap();
    let StepResult::Done { id, after: Some(after) } = taken else { panic!("{taken:?}") };
    assert_eq!(id, "4882chfxj3875");
    let found = there(&id, Value::Object(after.to_json()));
    assert_eq!(steps("mercately", &[], &juan(), Some(&found)), Ok(vec![]), "what was made is as it should be");
}

#[test]
fn a_change_sends_only_what_changes() {
    let have = json!({
        "first_name": "Juan", "last_name": "Campos", "emails": ["juan@email.com"], "phones": ["+12036534789"],
        "notes": "New notes", "tags": ["Test tag", "old"], "address": {"city": "Fort Worth"},
        "attributes": {"Plan": "b", "VIP": "1"}
    });
    type Mend = fn(&mut Wanted);
    let cases: &[(Value, Mend, Value)] = &[
        (json!({ "notes": "Newer" }), |_| {}, json!({ "notes": "Newer" })),
        (
            json!({ "address": {"zip": "76106", "street": "Calle 5"} }),
            |_| {},
            json!({ "address": "Calle 5", "zip_code": "76106" }),
        ),
        (json!({ "document": {"type": "ruc", "number": "1"} }), |_| {}, json!({ "id_type": "ruc", "id_number": "1" })),
        (json!({ "tags": ["Test tag", "Test Tag"] }), |_| {}, json!({ "tags": [{"name": "Test Tag", "value": true}] })),
        (
            json!({ "tags": ["Test tag"] }),
            |wanted| wanted.tag_mode = TagMode::Replace,
            json!({ "tags": [{"name": "old", "value": false}] }),
        ),
        (
            json!({ "attributes": {"Plan": "p", "VIP": "1"} }),
            |_| {},
            json!({ "custom_fields": [{"field_name": "Plan", "field_content": "p"}] }),
        ),
        (
            json!({ "attributes": {"Plan": ""} }),
            |wanted| wanted.attribute_overwrite.push(("Plan".into(), Overwrite::Clear)),
            json!({ "custom_fields": [{"field_name": "Plan", "field_content": ""}] }),
        ),
        (json!({}), |wanted| wanted.clear = FieldSet::of(&[Field::Notes]), json!({ "notes": null })),
        (
            json!({ "phones": ["+593667357821"] }),
            |wanted| wanted.force = FieldSet::of(&[Field::Phones]),
            json!({ "phone": "+593667357821" }),
        ),
        (json!({ "owner": {"id": "2758"} }), |_| {}, json!({ "agent_id": 2758 })),
    ];
    for (want, mend, expected) in cases {
        let mut wanted = wanted(want.clone());
        mend(&mut wanted);
        let found = there("1", have.clone());
        assert_eq!(steps("mercately", &[], &wanted, Some(&found)), Ok(vec![json!({ "customer": expected })]), "{want}");
        assert_eq!(steps("mercately", &[("write_body", "flat")], &wanted, Some(&found)), Ok(vec![expected.clone()]));
    }
}

#[test]
fn a_phone_is_always_sent_with_plus() {
    let want = wanted(json!({ "first_name": "Ana", "last_name": "López", "phones": ["593667357821"] }));
    assert_eq!(steps("mercately", &[], &want, None).unwrap()[0]["customer"]["phone"], json!("+593667357821"));
}

#[test]
fn all_that_a_customer_lacks_is_reported_at_once() {
    let codes = |codes: &[&str]| Err(codes.iter().map(|&code| code.to_owned()).collect::<Vec<_>>());
    assert_eq!(
        steps("mercately", &[], &wanted(json!({ "document": {"type": "carnet"} })), None),
        codes(&["first_name.missing", "last_name.missing", "phone.missing", "document_type.invalid"])
    );
    let by_email = wanted(json!({ "first_name": "Ana", "last_name": "López", "emails": ["a@b.ec"] }));
    assert!(steps("mercately", &[], &by_email, None).is_ok(), "an e-mail is enough");
    let found = there("1", json!({ "first_name": "Ana" }));
    assert_eq!(
        steps("mercately", &[], &wanted(json!({ "notes": "x" })), Some(&found)),
        Ok(vec![json!({ "customer": { "notes": "x" } })]),
        "who is there already is not asked for more"
    );
    let connector = super::connect("mercately", &[]).unwrap();
    let carnet = wanted(json!({ "document": {"type": "carnet"} }));
    let problem = connector
        .steps(&Ready::default(), &delta("mercately", &carnet, Some(&found)), Some(&found))
        .unwrap_err()
        .remove(0);
    assert_eq!(
        (problem.column.as_deref(), problem.message.as_str(), problem.hint.as_deref()),
        (
            Some("document.type"),
            "`carnet` is not a kind of document that Mercately knows",
            Some("use a `lookup` that gives one of `cedula`, `pasaporte`, `ruc`, `rut`, `otro`")
        )
    );
}

fn agents() -> Ready {
    let agent =
        |id: &str, name: &str, email: &str| Agent { id: id.to_owned(), name: name.to_owned(), email: email.to_owned() };
    Ready {
        agents: vec![
            agent("2763", "Agent Example", "agent@example.com"),
            agent("2", "Eva", "eva@x.ec"),
            agent("3", "Eva", "eva@y.ec"),
        ],
        ..Ready::default()
    }
}

#[test]
fn the_recorded_agents_are_asked_for_only_when_owners_are_written() {
    let recorded = json!({"agents": [{
        "id": 2763, "first_name": "Agent", "last_name": "Example", "email": "agent@example.com", "admin": true
    }]});
    let asked = scene("mercately", &[], &[("GET /retailers/api/v1/agents", ok(recorded))]);
    let needs = Needs { owners: true, ..Needs::default() };
    assert_eq!(run(asked.connector.prepare(&asked.http, &needs)).unwrap().agents, agents().agents[..1]);
    let silent = scene("mercately", &[], &[]);
    assert!(run(silent.connector.prepare(&silent.http, &Needs::default())).unwrap().agents.is_empty());
    let odd = scene("mercately", &[], &[("GET /retailers/api/v1/agents", ok(json!({"agents": 0})))]);
    assert!(run(odd.connector.prepare(&odd.http, &needs)).map_err(told).unwrap_err().starts_with("fatal 6"));
}

#[test]
fn owners_become_the_ids_that_this_account_knows() {
    let connector = super::connect("mercately", &[]).unwrap();
    for (owner, expected_id, not_carried) in [
        (json!({"email": "Agent@Example.com"}), Some("2763"), &[][..]),
        (json!({"name": "agent example"}), Some("2763"), &[]),
        (json!({"id": "2763"}), Some("2763"), &[]),
        (json!({"email": "gone@x.ec", "name": "Agent Example", "id": "2"}), Some("2763"), &["owner.email"]),
        (json!({"email": "agent@example.com", "name": "Eva"}), Some("2763"), &["owner.name"]),
        (json!({"name": "Eva"}), None, &["owner.name"]),
        (json!({"email": "gone@x.ec", "id": "2"}), None, &["owner.email", "owner.id"]),
        (json!({"id": "9"}), None, &["owner.id"]),
        (json!({"id": "x"}), None, &["owner.id"]),
    ] as [(Value, Option<&str>, &[&str]); 9]
    {
        let mut want = wanted(json!({ "owner": owner }));
        assert_eq!(connector.resolve(&agents(), &mut want), not_carried, "{owner}");
        let expected = expected_id.map_or_else(|| json!({}), |id| json!({ "owner": {"id": id} }));
        assert_eq!(want.contact, contact(expected), "{owner}");
    }
}

#[test]
fn the_rules_of_an_owner_go_with_it() {
    let connector = super::connect("mercately", &[]).unwrap();
    let mut fills = wanted(json!({ "owner": {"name": "Agent Example"} }));
    fills.fill.insert(Field::OwnerName);
    connector.resolve(&agents(), &mut fills);
    assert_eq!(fills.fill, FieldSet::of(&[Field::OwnerId]));
    let mut clears = Wanted { clear: FieldSet::of(&[Field::OwnerName]), ..Wanted::default() };
    connector.resolve(&agents(), &mut clears);
    assert_eq!(clears.clear, FieldSet::of(&[Field::OwnerId]));
    let owned = there("1", json!({ "owner": {"id": "2763"} }));
    assert_eq!(steps("mercately", &[], &clears, Some(&owned)), Ok(vec![json!({"customer": {"agent_id": null}})]));
}

#[test]
fn an_owner_is_sent_as_a_number_and_only_when_it_is_another() {
    let connector = super::connect("mercately", &[]).unwrap();
    let want = wanted(json!({ "owner": {"name": "Agent Example"} }));
    for (have, expected) in [
        (json!({}), vec![json!({"customer": {"agent_id": 2763}})]),
        (json!({ "owner": {"id": "2", "name": "Eva"} }), vec![json!({"customer": {"agent_id": 2763}})]),
        (json!({ "owner": {"id": "2763"} }), vec![]),
    ] {
        let found = there("1", have.clone());
        let taken = connector.steps(&agents(), &delta("mercately", &want, Some(&found)), Some(&found)).unwrap();
        assert_eq!(taken.into_iter().map(|step| json_of(&step.body)).collect::<Vec<_>>(), expected, "{have}");
    }
    let nobody = wanted(json!({ "owner": {"name": "Nobody"} }));
    let found = there("1", json!({}));
    assert_eq!(steps("mercately", &[], &nobody, Some(&found)), Ok(vec![]), "an owner that is no agent is not sent");
}

#[test]
fn a_document_of_another_spelling_is_given_the_platforms() {
    let connector = super::connect("mercately", &[]).unwrap();
    let mut want = wanted(json!({ "document": {"type": "Cédula"} }));
    assert!(connector.resolve(&Ready::default(), &mut want).is_empty());
    assert_eq!(want.contact.text(Field::DocumentType), Some("cedula"));
}

#[test]
fn a_step_has_one_of_three_fates() {
    let (post, put) = ("POST /retailers/api/v1/customers {}", "PUT /retailers/api/v1/customers/a1 {}");
    let (create, change) = (StepKind::Create, StepKind::Change);
    let errors = |status: u16, errors: Value| Json(status, json!({ "errors": errors }));
    let done = || Ok(StepResult::Done { id: "a1".to_owned(), after: None });
    let refused =
        |status: u16, words: &str| Err(format!("refused target.refused Mercately refused it (HTTP {status}): {words}"));
    let failed = |status: u16, words: &str, fate: &str| {
        format!("{fate} 6 Mercately failed for connection `my-shop` (HTTP {status}){words} | try again later")
    };
    let doubt = |status: u16, words: &str| Err(failed(status, words, "in doubt"));
    let already = |words: &str| Ok(StepResult::AlreadyExists(words.to_owned()));
    let taken = "Ya tienes un cliente registrado con este número de teléfono.";
    let neither = "Numero o email deben estar presentes.";
    let key = "fatal 5 Mercately refuses connection `my-shop` (HTTP 401) | correct `api_key` of connection `my-shop` in \
               `ferry.yaml`, or `FERRY_MY_SHOP_API_KEY` in the environment";
    let cases: Vec<(StepKind, Answer, Result<StepResult, String>)> = vec![
        (change, message(200, "Customer updated successfully"), done()),
        (change, Text(204, ""), done()),
        (change, absent(), Ok(StepResult::Gone)),
        (create, errors(302, json!([taken])), already(taken)),
        (create, errors(422, json!(["Email ya está en uso"])), already("Email ya está en uso")),
        (create, errors(400, json!({"email": ["has already been taken"]})), already("email: has already been taken")),
        (create, ok(json!({"errors": ["Email ya existe"]})), already("Email ya existe")),
        (create, errors(422, json!(["El agente no está registrado"])), refused(422, "El agente no está registrado")),
        (change, errors(302, json!([taken])), refused(302, taken)),
        (create, errors(302, json!([neither, "Sin nombre"])), refused(302, &format!("{neither}; Sin nombre"))),
        (create, message(400, "Error: bad\nphone"), refused(400, "Error: bad phone")),
        (change, message(422, "no"), refused(422, "no")),
        (create, Json(413, json!({})), refused(413, "{}")),
        (create, message(500, "crash"), doubt(500, ": crash")),
        (create, Text(502, ""), doubt(502, "")),
        (create, Text(408, ""), doubt(408, "")),
        (create, Text(429, ""), Err(failed(429, "", "fatal"))),
        (create, InDoubt, Err("in doubt 6 no answer within 30 s".to_owned())),
        (create, NotSent, Err("fatal 6 connection refused".to_owned())),
        (change, Json(401, json!({"message": "Unauthorized"})), Err(key.to_owned())),
        (
            create,
            Text(200, "<html>Log in</html>"),
            Err("in doubt 5 Mercately answered connection `my-shop` with a web page instead of JSON (HTTP 200): \
                 Log in | correct `base_url` of connection `my-shop` in `ferry.yaml`, or \
                 `FERRY_MY_SHOP_BASE_URL` in the environment"
                .to_owned()),
        ),
        (
            create,
            ok(json!({"message": "Customer created successfully"})),
            Err("in doubt 6 Mercately answered connection `my-shop` with something else instead of the new customer \
                 (HTTP 200): \
                 Customer created successfully | try again later; if it persists, the platform has changed"
                .to_owned()),
        ),
    ];
    for (kind, answer, expected) in cases {
        let (ask, address) = if kind == create { (post, Address::New) } else { (put, Address::Id("a1".to_owned())) };
        let scene = scene("mercately", &[], &[(ask, answer)]);
        let step = Step { kind, body: json!({}).into() };
        assert_eq!(run(scene.connector.send_step(&scene.http, &step, &address)).map_err(told), expected);
    }
}

#[test]
fn a_change_without_a_contact_is_a_bug() {
    let scene = scene("mercately", &[], &[]);
    let step = Step { kind: StepKind::Change, body: json!({}).into() };
    let taken = run(scene.connector.send_step(&scene.http, &step, &Address::New)).map_err(told);
    assert_eq!(taken, Err("fatal 1 a change has no contact to be written to".to_owned()));
}
