//! TWIN: what is sent, and what is made of its answers.

mod login;
mod sessions;

use super::Answer::{self, InDoubt, Json, NotSent, Text};
use super::{Exchange, Scripted, connect, contact, delta, driver, facts, ok, run, scene, steps, there, told, wanted};
use ferry::change::StepKind;
use ferry::contact::{Field, Overwrite, Wanted};
use ferry::http::{Login, Response, Token, message::Method};
use ferry::platforms::settings::Settings;
use ferry::platforms::{
    Address, Define, DefinesAttributes, Definition, Lookup, Needs, Reading, Ready, Step, StepResult,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

const DEFINED: &str = "GET /clients/attributes";
const CLIENT: &str = "35e45a67-9dc052045452";
const VALUES: &str = "GET /clients/35e45a67-9dc052045452/attributes";

/// The recorded list of an account's attributes, with ids that differ.
fn recorded() -> Value {
    json!({"count": 3, "items": [
        {"id": "a1", "companyId": 123, "name": "Имя клиента"},
        {"id": "a2", "companyId": 123, "name": "Возраст"},
        {"id": "a3", "companyId": 123, "name": "Тема обращения"}
    ]})
}

fn definition(id: &str, name: &str) -> Definition {
    Definition { id: id.to_owned(), name: name.to_owned() }
}

fn definitions() -> Vec<Definition> {
    vec![definition("a1", "Имя клиента"), definition("a2", "Возраст"), definition("a3", "Тема обращения")]
}

fn ready() -> Ready {
    Ready { attributes: definitions(), ..Ready::default() }
}

fn value(id: &str, name: &str, value: &str) -> Value {
    json!({"id": id, "clientId": CLIENT, "companyId": 123, "name": name, "value": value})
}

fn list(count: u64, items: &[Value]) -> Answer {
    ok(json!({ "count": count, "items": items }))
}

fn error(status: u16, error: &str) -> Answer {
    Json(status, json!({ "error": error }))
}

fn client(scene: &Scripted) -> Value {
    let reading = run(scene.connector.read(&scene.http, CLIENT, None)).map_err(told).unwrap();
    let found = reading.there().unwrap();
    assert_eq!(found.id, CLIENT);
    Value::Object(found.contact.to_json())
}

#[test]
fn a_check_is_one_request_and_says_nothing_of_a_number_of_clients() {
    let scene = scene("twin", &[], &[(DEFINED, ok(recorded()))]);
    let checked = run(scene.connector.check(&scene.http)).unwrap();
    assert_eq!((checked.contacts, checked.sample), (None, vec![]));
    assert_eq!(*scene.headers.lock().unwrap(), [("Accept".to_owned(), "application/json".to_owned())]);
}

#[test]
fn the_recorded_values_are_read_by_the_names_of_their_attributes() {
    let recorded = value("0c1f0-9dc052045452", "Имя клиента", "Иван");
    let scene = scene("twin", &[], &[(VALUES, list(1, &[recorded]))]);
    assert_eq!(
        client(&scene),
        json!({"id": CLIENT, "target_id": CLIENT, "attributes": {"Имя клиента": "Иван"}}),
        "the client's id is the one by which it is written to"
    );
}

#[test]
fn other_forms_of_a_value_are_read_too() {
    for (item, expected) in [
        (json!({"id": "a2", "name": "Возраст", "value": 41}), json!({"Возраст": "41"})),
        (json!({"id": "a2", "name": "Возраст", "value": "  41 "}), json!({"Возраст": "41"})),
        (json!({"id": "a2", "name": " Возраст", "value": "41"}), json!({" Возраст": "41"})),
        (json!({"id": "a2", "name": "Возраст", "value": null}), Value::Null),
        (json!({"id": "a2", "name": "Возраст", "value": " "}), Value::Null),
        (json!({"id": "a2", "value": "41"}), Value::Null),
        (json!({"name": "Возраст", "value": "41"}), json!({"Возраст": "41"})),
    ] {
        let scene = scene("twin", &[], &[(VALUES, list(1, std::slice::from_ref(&item)))]);
        assert_eq!(client(&scene).get("attributes").cloned().unwrap_or_default(), expected, "{item}");
    }
}

#[test]
fn a_value_belongs_to_the_attribute_of_its_id_and_failing_that_of_its_name() {
    let values =
        [value("a1", "Old name", "Иван"), value("x9", "Возраст", "41"), json!({"id": "a3", "value": "delivery"})];
    for (by, expected) in [
        ("id", json!({"Имя клиента": "Иван", "Возраст": "41", "Тема обращения": "delivery"})),
        ("name", json!({"Old name": "Иван", "Возраст": "41"})),
    ] {
        let script: &[Exchange] = &[(DEFINED, ok(recorded())), (VALUES, list(3, &values))];
        let scene = scene("twin", &[("match", by)], script);
        run(scene.connector.check(&scene.http)).unwrap();
        assert_eq!(client(&scene)["attributes"].to_string(), expected.to_string(), "{by}");
    }
}

#[test]
fn a_renamed_attribute_is_read_by_its_new_name_at_once() {
    let script: &[Exchange] = &[
        (DEFINED, ok(recorded())),
        (r#"PATCH /clients/attributes/a1 {"name":"Имя"}"#, Text(200, "")),
        ("DELETE /clients/attributes/a2", Text(200, "")),
        (VALUES, list(2, &[value("a1", "Имя клиента", "Иван"), value("a2", "old", "41")])),
    ];
    let scene = scene("twin", &[], script);
    run(scene.connector.check(&scene.http)).unwrap();
    let rename = Define::Rename { id: "a1".to_owned(), name: "Имя".to_owned() };
    run(defines(&scene).define(&scene.http, &rename)).unwrap();
    run(defines(&scene).define(&scene.http, &Define::Remove { id: "a2".to_owned() })).unwrap();
    assert_eq!(client(&scene)["attributes"], json!({"Имя": "Иван", "old": "41"}));
}

#[test]
fn two_values_of_one_name_are_both_kept() {
    let values = [value("a1", "Город", "Казань"), value("a2", "Город", "Омск"), value("a3", "Город", "Тула")];
    let scene = scene("twin", &[], &[(VALUES, list(3, &values))]);
    assert_eq!(client(&scene)["attributes"], json!({"Город": "Казань", "Город#2": "Омск", "Город#3": "Тула"}));
}

#[test]
fn a_list_that_is_shorter_than_it_says_is_asked_for_the_rest() {
    let item = |number: usize| json!({"id": format!("a{number}"), "name": format!("n{number}")});
    let items = |numbers: std::ops::Range<usize>| numbers.map(item).collect::<Vec<_>>();
    let (one, two) = ("GET /clients/attributes?offset=2", "GET /clients/attributes?offset=4");
    let cases: Vec<(&str, Vec<Exchange>, usize)> = vec![
        ("whole", vec![(DEFINED, list(2, &items(0..2)))], 2),
        (
            "in three pieces",
            vec![(DEFINED, list(5, &items(0..2))), (one, list(5, &items(2..4))), (two, list(5, &items(4..5)))],
            5,
        ),
        (
            "the other paging",
            vec![
                (DEFINED, list(3, &items(0..2))),
                (one, list(3, &items(0..2))),
                ("GET /clients/attributes?page=2", list(3, &items(2..3))),
            ],
            3,
        ),
        ("a page that overlaps", vec![(DEFINED, list(3, &items(0..2))), (one, list(3, &items(1..3)))], 3),
        ("more than it says", vec![(DEFINED, list(1, &items(0..2)))], 2),
        ("it does not say", vec![(DEFINED, ok(json!({"items": items(0..2)})))], 2),
        ("nothing", vec![(DEFINED, list(0, &[]))], 0),
    ];
    for (name, script, expected) in cases {
        let scene = scene("twin", &[], &script);
        let attributes = run(defines(&scene).attributes(&scene.http)).unwrap();
        assert_eq!(attributes.len(), expected, "{name}");
        assert_eq!(
            attributes,
            (0..expected).map(|n| definition(&format!("a{n}"), &format!("n{n}"))).collect::<Vec<_>>()
        );
    }
    let hint = "try again later; if it persists, the platform has changed";
    let cut = format!("fatal 6 TWIN returned 2 of the 5 attributes that it counts for connection `my-shop` | {hint}");
    let echo = || list(5, &items(0..2));
    for (name, script) in [
        ("an empty page", vec![(DEFINED, echo()), (one, list(5, &[]))]),
        ("the same page again", vec![(DEFINED, echo()), (one, echo()), ("GET /clients/attributes?page=2", echo())]),
    ] {
        let scene = scene("twin", &[], &script);
        let told = run(defines(&scene).attributes(&scene.http)).map_err(told).unwrap_err();
        assert_eq!(told, cut, "{name}: whoever believes it defines twice what is not shown");
    }
    let value = |id| value(id, "A", "1");
    let script =
        &[(VALUES, list(2, &[value("a")])), ("GET /clients/35e45a67-9dc052045452/attributes?offset=1", list(2, &[]))];
    let scene = scene("twin", &[], script);
    let cut = format!(
        "fatal 6 TWIN returned 1 of the 2 values of client `{CLIENT}` that it counts for connection `my-shop` | {hint}"
    );
    assert_eq!(run(scene.connector.read(&scene.http, CLIENT, None)).map_err(told).unwrap_err(), cut);
}

#[test]
fn what_the_check_has_listed_is_not_listed_again() {
    let later = || ok(json!({"count": 1, "items": [{"id": "b1", "name": "Later"}]}));
    let scene = scene("twin", &[], &[(DEFINED, ok(recorded())), (DEFINED, later())]);
    run(scene.connector.check(&scene.http)).unwrap();
    assert_eq!(run(defines(&scene).attributes(&scene.http)).unwrap(), definitions(), "of the check");
    let needs = Needs::default();
    assert_eq!(run(scene.connector.prepare(&scene.http, &needs)).unwrap().attributes, definitions(), "the same");
    let after = run(defines(&scene).attributes(&scene.http)).unwrap();
    assert_eq!(after, [definition("b1", "Later")], "whoever asks again is told what is there now");
}

#[test]
fn values_are_read_by_the_same_rule_as_definitions() {
    let more = "GET /clients/35e45a67-9dc052045452/attributes?page=2";
    let script: &[Exchange] = &[(VALUES, list(2, &[value("a", "A", "1")])), (more, list(2, &[value("b", "B", "2")]))];
    let scene = scene("twin", &[("paging", "page")], script);
    assert_eq!(client(&scene)["attributes"], json!({"A": "1", "B": "2"}), "values are read by the same rule");
}

#[test]
fn a_contact_that_does_not_exist_is_gone_and_a_web_page_is_another_server() {
    let address = "fatal 5 the address of connection `my-shop` is wrong: TWIN does not respond there (HTTP 404): no such \
                   page | correct `base_url` of connection `my-shop` in `ferry.yaml`, or `FERRY_MY_SHOP_BASE_URL` \
                   in the environment";
    for (answer, expected) in [
        (error(404, "Client not found"), Ok(Reading::Gone)),
        (Json(404, json!({"error": {"code": 7}, "details": null})), Ok(Reading::Gone)),
        (Text(404, ""), Ok(Reading::Gone)),
        (Text(404, "<html>no such page</html>"), Err(address.to_owned())),
        (error(422, "bad id"), Err("refused target.refused TWIN refused it (HTTP 422): bad id".to_owned())),
        (InDoubt, Err("in doubt 6 no answer within 30 s".to_owned())),
        (NotSent, Err("fatal 6 connection refused".to_owned())),
        (
            error(500, "x"),
            Err("in doubt 6 TWIN failed for connection `my-shop` (HTTP 500): x | try again later".to_owned()),
        ),
    ] {
        let scene = scene("twin", &[], &[(VALUES, answer)]);
        assert_eq!(run(scene.connector.read(&scene.http, CLIENT, None)).map_err(told), expected);
    }
    let nobody = scene("twin", &[], &[]);
    for id in ["", ".", ".."] {
        assert_eq!(run(nobody.connector.read(&nobody.http, id, None)).map_err(told), Ok(Reading::Gone));
    }
}

#[test]
fn a_contact_is_found_by_the_id_and_by_nothing_else() {
    for field in [Field::Id, Field::TargetId] {
        let scene = scene("twin", &[], &[(VALUES, list(0, &[]))]);
        let by = Lookup { field, value: CLIENT.to_owned() };
        let expected = there(CLIENT, json!({"id": CLIENT, "target_id": CLIENT}));
        assert_eq!(run(scene.connector.find(&scene.http, &by)).unwrap(), [expected], "without a value, too");
    }
    let scene = scene("twin", &[], &[]);
    let by = Lookup { field: Field::Phones, value: "+75555673245".to_owned() };
    assert_eq!(
        run(scene.connector.find(&scene.http, &by)).map_err(told),
        Err("fatal 1 TWIN has no lookup by `phones`".to_owned())
    );
}

#[test]
fn attributes_are_listed_before_anything_is_written() {
    let scene = scene("twin", &[], &[(DEFINED, ok(recorded()))]);
    assert_eq!(run(scene.connector.prepare(&scene.http, &Needs::default())).unwrap().attributes, definitions());
}

#[test]
fn a_name_that_two_attributes_have_is_refused_where_it_is_needed() {
    let twice = || {
        list(
            4,
            &[
                json!({"id": "a1", "name": "Город"}),
                json!({"id": "a2", "name": "город"}),
                json!({"id": "a3", "name": "Возраст"}),
                json!({"id": "a4", "name": "Возраст"}),
            ],
        )
    };
    for (needed, expected) in [
        ("Город", None),
        (
            "Возраст",
            Some(
                "fatal 2 connection `my-shop`: the account has two attributes `Возраст`: `a3` and `a4` | rename or \
                 remove one of them, so that the name is unique",
            ),
        ),
    ] {
        let scene = scene("twin", &[], &[(DEFINED, twice())]);
        let needs = Needs { attributes: vec![needed.to_owned()], ..Needs::default() };
        let prepared = run(scene.connector.prepare(&scene.http, &needs));
        assert_eq!(prepared.map_err(told).err().as_deref(), expected, "{needed}");
    }
}

#[test]
fn the_recorded_definitions_are_what_is_sent() {
    let add = || Define::Add { name: "Имя клиента".to_owned() };
    let rename = || Define::Rename { id: "bf1fee/1".to_owned(), name: "Ответ клиента".to_owned() };
    let remove = || Define::Remove { id: "bf1fee".to_owned() };
    let post = r#"POST /clients/attributes {"name":"Имя клиента"}"#;
    let patch = r#"PATCH /clients/attributes/bf1fee%2F1 {"name":"Ответ клиента"}"#;
    let delete = "DELETE /clients/attributes/bf1fee";
    let unknown = |id: &str| {
        Err(format!("fatal 5 TWIN has no attribute with the id `{id}` | list the attributes: it may have been removed"))
    };
    let cases: Vec<(Define, &'static str, Answer, Result<(), String>)> = vec![
        (add(), post, ok(json!({"id": "bf1fee"})), Ok(())),
        (add(), post, Text(201, ""), Ok(())),
        (rename(), patch, Text(200, ""), Ok(())),
        (remove(), delete, Text(200, ""), Ok(())),
        (rename(), patch, error(404, "not found"), unknown("bf1fee/1")),
        (remove(), delete, Text(404, ""), unknown("bf1fee")),
        (
            add(),
            post,
            Json(422, json!({"error": "Validation", "details": {"name": ["too long"]}})),
            Err(r#"refused target.refused TWIN refused it (HTTP 422): Validation: {"name":["too long"]}"#.to_owned()),
        ),
        (add(), post, InDoubt, Err("in doubt 6 no answer within 30 s".to_owned())),
    ];
    for (what, ask, answer, expected) in cases {
        let scene = scene("twin", &[], &[(ask, answer)]);
        assert_eq!(run(defines(&scene).define(&scene.http, &what)).map_err(told), expected, "{what:?}");
    }
    let scene = scene("twin", &[], &[]);
    let nowhere = Define::Remove { id: "..".to_owned() };
    assert_eq!(run(defines(&scene).define(&scene.http, &nowhere)).map_err(told), unknown(".."));
}

/// The steps from what is there to what is wanted.
fn steps_to(settings: &[(&str, &str)], wanted: &Wanted, have: Value) -> Result<Vec<Step>, Vec<String>> {
    let found = there(CLIENT, have);
    let connector = connect("twin", settings).unwrap();
    let steps = connector.steps(&ready(), &delta("twin", wanted, Some(&found)), Some(&found));
    let told = |problem: &ferry::outcome::Problem| {
        let column = problem.column.as_deref().unwrap_or_default();
        format!("{} {column}: {} | {}", problem.code, problem.message, problem.hint.as_deref().unwrap_or_default())
    };
    steps.map_err(|problems| problems.iter().map(told).collect())
}

#[test]
fn each_value_that_changes_is_a_step_and_a_wiped_one_is_deleted() {
    let mut want = wanted(json!({"attributes": {"Имя клиента": "Иван", "Возраст": "41", "Тема обращения": ""}}));
    want.attribute_overwrite.push(("Тема обращения".into(), Overwrite::Clear));
    let change = |body: Value| Step { kind: StepKind::Change, body: body.into() };
    let age = json!({"attribute": "a2", "name": "Возраст", "value": "41"});
    let topic = json!({"attribute": "a3", "name": "Тема обращения"});
    let have = json!({"attributes": {"Имя клиента": "Иван", "Возраст": "40", "Тема обращения": "delivery"}});
    assert_eq!(steps_to(&[], &want, have.clone()), Ok(vec![change(age.clone()), change(topic.clone())]));
    let mut emptied = topic;
    emptied["value"] = json!("");
    assert_eq!(steps_to(&[("clear_by", "empty")], &want, have), Ok(vec![change(age), change(emptied)]));
    let as_it_is = json!({"attributes": {"Имя клиента": "Иван", "Возраст": "41"}});
    assert_eq!(steps_to(&[], &want, as_it_is), Ok(vec![]), "what is not there is not deleted");
}

#[test]
fn attributes_that_the_account_does_not_define_are_all_named() {
    let want = wanted(json!({"attributes": {"Возрас": "41", "Возраст": "41", "возраст": "41", "Balance": "7"}}));
    let undefined = |name: &str, hint: &str| {
        format!("attribute.undefined attributes.{name}: the account defines no attribute `{name}` | {hint}")
    };
    assert_eq!(
        steps_to(&[], &want, json!({})),
        Err(vec![
            undefined("Возрас", "did you mean `Возраст`?"),
            undefined("возраст", "did you mean `Возраст`?"),
            undefined("Balance", "define it first, or leave it out of the mapping"),
        ])
    );
}

#[test]
fn a_value_of_an_ambiguous_attribute_is_not_written() {
    let ready =
        Ready { attributes: vec![definition("a1", "Город"), definition("a2", "Город")], ..Ready::default() };
    let found = there(CLIENT, json!({}));
    let want = wanted(json!({"attributes": {"Город": "Омск"}}));
    let connector = connect("twin", &[]).unwrap();
    let problems = connector.steps(&ready, &delta("twin", &want, Some(&found)), Some(&found)).unwrap_err();
    let told: Vec<String> = problems.iter().map(|problem| format!("{}: {}", problem.code, problem.message)).collect();
    assert_eq!(told, ["attribute.ambiguous: the account has two attributes `Город`: `a1` and `a2`"]);
}

#[test]
fn nobody_is_ever_made() {
    assert!(!facts("twin").creates);
    let want = wanted(json!({"target_id": "c1", "attributes": {"Возраст": "41"}}));
    assert_eq!(steps("twin", &[], &want, None), Err(vec!["target_id.missing".to_owned()]));
}

#[test]
fn what_it_cannot_hold_is_named() {
    use ferry::mapping::Overflow;
    use ferry::platforms::project;
    let want = || wanted(json!({"target_id": "c1", "first_name": "Иван", "phones": ["+75555673245"]}));
    assert_eq!(project(facts("twin"), want(), Overflow::Report).not_carried, ["first_name", "phones"]);
    let fitted = project(facts("twin"), want(), Overflow::Attributes);
    assert_eq!(fitted.not_carried, [""; 0]);
    assert_eq!(
        fitted.wanted.contact,
        contact(json!({"target_id": "c1", "attributes": {"first_name": "Иван", "phones": "+75555673245"}}))
    );
}

#[test]
fn a_step_has_one_of_three_fates() {
    let post = r#"POST /clients/35e45a67-9dc052045452/attributes/a%201 {"value":"Имя"}"#;
    let delete = "DELETE /clients/35e45a67-9dc052045452/attributes/a%201";
    let set = || json!({"attribute": "a 1", "name": "Имя клиента", "value": "Имя"});
    let wipe = || json!({"attribute": "a 1", "name": "Имя клиента"});
    let done = || Ok(StepResult::Done { id: CLIENT.to_owned(), after: None });
    let refused =
        |status: u16, words: &str| Err(format!("refused target.refused TWIN refused it (HTTP {status}): {words}"));
    let unknown = || Err(format!("refused target_id.not_found TWIN has no client `{CLIENT}`"));
    let there = |items: &[Value]| (VALUES, list(items.len() as u64, items));
    let held = value("a 1", "Имя клиента", "Иван");
    let token = "fatal 5 TWIN refuses connection `my-shop` (HTTP 401) | correct `token` of connection `my-shop` in \
                 `ferry.yaml`, or `FERRY_MY_SHOP_TOKEN` in the environment";
    let expired = "fatal 5 the token of connection `my-shop` has expired | get a new one, or set `email` and `password` \
                   in place of `token`, so that it is renewed as needed";
    let failed = "in doubt 6 TWIN failed for connection `my-shop` (HTTP 502) | try again later";
    let cases: Vec<(Value, Vec<Exchange>, Result<StepResult, String>)> = vec![
        (set(), vec![(post, Text(200, ""))], done()),
        (set(), vec![(post, Text(204, ""))], done()),
        (set(), vec![(post, ok(json!({"id": "x"})))], done()),
        (wipe(), vec![(delete, Text(200, ""))], done()),
        (set(), vec![(post, error(404, "Client not found"))], unknown()),
        (set(), vec![(post, Text(404, ""))], unknown()),
        (set(), vec![(post, error(404, "No such attribute"))], refused(404, "No such attribute")),
        (set(), vec![(post, error(404, "Атрибут не найден"))], refused(404, "Атрибут не найден")),
        (wipe(), vec![(delete, error(404, "x")), (VALUES, error(404, "Client not found"))], unknown()),
        (wipe(), vec![(delete, error(404, "x")), there(&[])], done()),
        (wipe(), vec![(delete, error(404, "attribute?")), there(&[held])], refused(404, "attribute?")),
        (set(), vec![(post, error(422, "too long"))], refused(422, "too long")),
        (set(), vec![(post, Json(400, json!({"error": {"value": "bad"}})))], refused(400, r#"{"value":"bad"}"#)),
        (set(), vec![(post, Text(400, "not\nso"))], refused(400, "not so")),
        (set(), vec![(post, error(401, "Token is wrong."))], Err(token.to_owned())),
        (set(), vec![(post, error(401, "token is expired"))], Err(expired.to_owned())),
        (set(), vec![(post, Text(502, ""))], Err(failed.to_owned())),
        (set(), vec![(post, InDoubt)], Err("in doubt 6 no answer within 30 s".to_owned())),
        (set(), vec![(post, NotSent)], Err("fatal 6 connection refused".to_owned())),
    ];
    for (body, script, expected) in cases {
        let scene = scene("twin", &[], &script);
        let step = Step { kind: StepKind::Change, body: body.into() };
        let taken = run(scene.connector.send_step(&scene.http, &step, &Address::Id(CLIENT.to_owned())));
        assert_eq!(taken.map_err(told), expected, "{:?}", script.iter().map(|(ask, _)| ask).collect::<Vec<_>>());
    }
}

#[test]
fn a_value_without_a_contact_is_a_bug() {
    let scene = scene("twin", &[], &[]);
    let step = Step { kind: StepKind::Change, body: json!({"attribute": "a1", "value": "x"}).into() };
    let taken = run(scene.connector.send_step(&scene.http, &step, &Address::New)).map_err(told);
    assert_eq!(taken, Err("fatal 1 a value has no client to be written to".to_owned()));
}

#[test]
fn a_response_of_another_form_is_reported() {
    for (answer, expected) in [
        (
            Text(200, "<html>Log in</html>"),
            "fatal 5 TWIN answered connection `my-shop` with a web page instead of `{\"count\": …, \"items\": […]}` \
             (HTTP 200): Log in | correct `base_url` of connection `my-shop` in `ferry.yaml`, or \
             `FERRY_MY_SHOP_BASE_URL` in the environment",
        ),
        (
            ok(json!({"items": 7})),
            "fatal 6 TWIN answered connection `my-shop` with something else instead of `{\"count\": …, \"items\": \
             […]}` (HTTP 200): {\"items\":7} | try again later; if it persists, the platform has changed",
        ),
    ] {
        let scene = scene("twin", &[], &[(DEFINED, answer)]);
        assert_eq!(run(scene.connector.check(&scene.http)).map_err(told).err().as_deref(), Some(expected));
    }
}

fn defines(scene: &Scripted) -> &dyn DefinesAttributes {
    scene.connector.capabilities().attributes.unwrap()
}
