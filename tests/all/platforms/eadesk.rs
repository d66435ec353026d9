//! Eadesk: what is sent, and what is made of its answers.

use super::Answer::{InDoubt, Json, NotSent, Text};
use super::{
    Answer, Exchange, Scripted, connect, contact, delta, driver, facts, message, ok, run, scene, there, told, wanted,
};
use ferry::change::StepKind;
use ferry::contact::{Field, FieldSet, TagMode, Wanted};
use ferry::identity::canonical;
use ferry::mapping::Overflow;
use ferry::platforms::diff::{OnExisting, diff};
use ferry::platforms::project;
use ferry::platforms::{Address, Found, Lookup, Reading, Ready, Step, StepResult};
use serde_json::{Value, json};

mod search;

const BASE: &str = "/api/clients/person";
const PAGE_1: &str = "GET /api/clients/person/read?offset=0&limit=1000&needExistingRecords=true";
const ANNA: &str = "GET /api/clients/person/read?id=a1";
const SEGMENTS: (&str, &str) = ("segments", "VIP=s1, Новые клиенты=s2");

/// A person of a list, as the documents and those who met the service describe them.
fn anna() -> Value {
    json!({
        "_id": "a1",
        "name": "Анна Ларина",
        "description": "любит чай",
        "segments": ["s1", "s9"],
        "contacts": [
            item("i1", "+7 (987) 654-32-10", "phone", "phone", "manual"),
            item("i2", "Anna@Example.RU", "mail", "mail", "chatra"),
            item("i3", "anna", "id", "telegram", "manual"),
            item("i4", "7 987 654 32 11", "phone", "whatsapp", "pbx"),
            {"id": "i5", "value": "+79000000000", "type": "phone", "service": "phone", "status": "deleted"},
        ],
        "accountId": "acc",
        "createdAt": "2021-03-30T23:17:42.014Z",
        "avatarBgColor": "#aabbcc",
        "agent": null,
    })
}

fn item(id: &str, value: &str, kind: &str, service: &str, origin: &str) -> Value {
    json!({ "id": id, "value": value, "type": kind, "service": service, "origin": origin })
}

/// A person with these things.
fn person(id: &str, more: Value) -> Value {
    let mut person = json!({ "_id": id, "segments": [], "contacts": [] });
    for (name, value) in more.as_object().unwrap() {
        person[name] = value.clone();
    }
    person
}

fn with_phone(id: &str, phone: &str) -> Value {
    person(id, json!({ "contacts": [item("i1", phone, "phone", "phone", "manual")] }))
}

fn gone() -> Answer {
    ok(json!({ "err": "ENOT_FOUND" }))
}

fn ids(found: &[Found]) -> Vec<&str> {
    found.iter().map(|found| found.id.as_str()).collect()
}

/// A text that lives as long as a script wants.
fn kept(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

fn eadesk(settings: &[(&str, &str)], script: &[Exchange]) -> Scripted {
    scene("eadesk", settings, script)
}

fn read(settings: &[(&str, &str)], answer: Answer) -> Result<Reading, String> {
    let scene = eadesk(settings, &[(ANNA, answer)]);
    run(scene.connector.read(&scene.http, "a1", None)).map_err(told)
}

/// Reading.
#[test]
fn a_person_is_read_into_a_contact_without_what_is_deleted() {
    let Ok(Reading::There(found)) = read(&[SEGMENTS], ok(json!([anna()]))) else { panic!("Анна is there") };
    assert_eq!(found.id, "a1");
    assert_eq!(
        Value::Object(found.contact.to_json()),
        json!({
            "id": "a1",
            "full_name": "Анна Ларина",
            "phone": "+79876543210",
            "phones": ["+79876543210"],
            "email": "Anna@example.ru",
            "emails": ["Anna@example.ru"],
            "handles": ["telegram:anna", "whatsapp:+79876543211"],
            "tags": ["VIP", "s9"],
            "notes": "любит чай",
            "created_at": "2021-03-30T23:17:42.014Z",
            "native": {
                "accountId": "acc",
                "avatarBgColor": "#aabbcc",
                "items": [
                    item("i1", "+7 (987) 654-32-10", "phone", "phone", "manual"),
                    item("i2", "Anna@Example.RU", "mail", "mail", "chatra"),
                    item("i3", "anna", "id", "telegram", "manual"),
                    item("i4", "7 987 654 32 11", "phone", "whatsapp", "pbx"),
                ],
            },
        })
    );
}

#[test]
fn items_of_every_kind_find_their_field() {
    for (item, expected) in [
        (json!({"value": "+79876543210", "type": "phone"}), json!({"phones": ["+79876543210"]})),
        (json!({"value": "+79876543210", "service": "phone"}), json!({"phones": ["+79876543210"]})),
        (json!({"value": "доб. 12", "type": "phone", "service": "phone"}), json!({"phones": ["доб. 12"]})),
        (json!({"value": "a@B.ru", "type": "mail"}), json!({"emails": ["a@b.ru"]})),
        (json!({"value": "a@b.ru", "service": "mail"}), json!({"emails": ["a@b.ru"]})),
        (json!({"value": "id1", "type": "id", "service": "vk"}), json!({"handles": ["vk:id1"]})),
        (json!({"value": "id1", "type": "id", "origin": "VK"}), json!({"handles": ["vk:id1"]})),
        (json!({"value": "id1", "type": "id", "origin": "manual"}), json!({"handles": ["id:id1"]})),
        (json!({"value": "x", "type": "id", "service": "Viber"}), json!({"handles": ["viber:x"]})),
        (json!({"value": 42, "type": "id", "service": "chatra"}), json!({"handles": ["chatra:42"]})),
        (json!({"value": " ", "type": "id", "service": "vk"}), json!({})),
        (json!({"type": "id", "service": "vk"}), json!({})),
        (json!({"value": "x", "type": "id", "service": "vk", "status": "DELETED"}), json!({})),
        (json!("x"), json!({})),
    ] {
        let answer = ok(json!([person("a1", json!({ "contacts": [item] }))]));
        let found = read(&[], answer).unwrap().there().unwrap();
        let mut read = found.contact;
        read.native.clear();
        let mut expected = contact(expected);
        expected.set_text(Field::Id, "a1");
        assert_eq!(read, expected, "{item}");
    }
}

#[test]
fn a_value_that_stands_there_twice_is_read_once_and_both_items_are_known() {
    let twice = json!([
        item("i1", "+5511987654321", "phone", "phone", "manual"),
        item("i2", "+55 11 8765-4321", "phone", "phone", "pbx"),
        item("i3", "a@b.ru", "mail", "mail", "chatra"),
        item("i4", "A@b.ru", "mail", "mail", "manual"),
        item("i5", "+5215512345678", "phone", "whatsapp", "manual"),
        item("i6", "525512345678", "phone", "whatsapp", "manual"),
    ]);
    let found = read(&[], ok(json!([person("a1", json!({ "contacts": twice }))]))).unwrap().there().unwrap();
    let lists = [Field::Phones, Field::Emails, Field::Handles].map(|field| found.contact.list(field).to_vec());
    assert_eq!(lists, [["+5511987654321"], ["a@b.ru"], ["whatsapp:+5215512345678"]]);
    assert_eq!(found.contact.native["items"], twice);
}

#[test]
fn a_person_is_read_by_id_from_an_array_of_one() {
    let deleted = person("a1", json!({ "status": "deleted" }));
    let other = "in doubt 6 Eadesk answered `id=a1` with 1 other persons";
    for (answer, expected) in [
        (ok(json!([anna()])), Ok(true)),
        (ok(json!([person("b2", json!({})), anna()])), Ok(true)),
        (ok(json!([])), Ok(false)),
        (ok(json!([deleted])), Ok(false)),
        (gone(), Ok(false)),
        (Text(200, ""), Ok(false)),
        (ok(json!([person("b2", json!({}))])), Err(other.to_owned())),
        (
            ok(json!({ "err": "ETOO_BAD" })),
            Err("refused target.refused Eadesk refused it (HTTP 200): ETOO_BAD".to_owned()),
        ),
    ] {
        let reading = read(&[], answer);
        assert_eq!(reading.map(|reading| reading.there().is_some()), expected);
    }
    let nobody = eadesk(&[], &[]);
    assert_eq!(run(nobody.connector.read(&nobody.http, " ", None)).unwrap(), Reading::Gone);
    let asked = eadesk(&[], &[("GET /api/clients/person/read?id=../x", ok(json!([])))]);
    assert_eq!(run(asked.connector.read(&asked.http, "../x", None)).unwrap(), Reading::Gone);
    let found = eadesk(&[], &[(ANNA, ok(json!([anna()])))]);
    let by = Lookup { field: Field::TargetId, value: "a1".to_owned() };
    assert_eq!(ids(&run(found.connector.find(&found.http, &by)).unwrap()), ["a1"]);
}

/// Pages.
#[test]
fn only_an_empty_page_is_the_last() {
    let next = "GET /api/clients/person/read?offset=1&limit=1000&needExistingRecords=true";
    for end in [ok(json!([])), Text(200, ""), Text(200, " \n"), gone()] {
        let scene = eadesk(&[], &[(PAGE_1, ok(json!([anna()]))), (next, end)]);
        let page = run(scene.connector.page(&scene.http, None)).unwrap();
        assert_eq!((ids(&page.found), page.total, page.next.as_deref()), (vec!["a1"], None, Some("1")));
        let last = run(scene.connector.page(&scene.http, page.next.as_ref())).unwrap();
        assert_eq!((last.found, last.next), (vec![], None));
    }
}

#[test]
fn the_next_page_begins_behind_what_was_received_not_behind_what_was_asked_for() {
    let script: &[Exchange] = &[(
        "GET /api/clients/person/read?offset=70&limit=100&needExistingRecords=true",
        ok(json!([anna(), person("b2", json!({ "status": "deleted" })), person("c3", json!({}))])),
    )];
    let scene = eadesk(&[("page_size", "100")], script);
    let page = run(scene.connector.page(&scene.http, Some(&"70".to_owned()))).unwrap();
    assert_eq!((ids(&page.found), page.next.as_deref()), (vec!["a1", "c3"], Some("73")));
    let odd = eadesk(&[], &[]);
    let fault = run(odd.connector.page(&odd.http, Some(&"x".to_owned()))).map_err(told).unwrap_err();
    assert_eq!(fault, "fatal 1 `x` is not a place in the list");
}

#[test]
fn a_page_of_deleted_persons_is_passed_over_and_never_for_ever() {
    let deleted = |id: &str| person(id, json!({ "status": "deleted" }));
    let off = [("need_existing_records", "false")];
    let first = "GET /api/clients/person/read?offset=0&limit=1000";
    let second = "GET /api/clients/person/read?offset=2&limit=1000";
    let two = ok(json!([deleted("x"), deleted("y")]));
    let passes = eadesk(&off, &[(first, two.clone()), (second, ok(json!([anna()])))]);
    let page = run(passes.connector.page(&passes.http, None)).unwrap();
    assert_eq!((ids(&page.found), page.next.as_deref()), (vec!["a1"], Some("3")));
    let turns_in_circles = eadesk(&off, &[(first, two.clone()), (second, two)]);
    let page = run(turns_in_circles.connector.page(&turns_in_circles.http, None)).unwrap();
    assert_eq!((page.found, page.next), (vec![], None));
}

#[test]
fn a_check_is_one_short_request() {
    let ask = "GET /api/clients/person/read?offset=0&limit=50&needExistingRecords=true";
    for (persons, contacts, sample) in [(json!([anna()]), None, 1), (json!([]), Some(0), 0)] {
        let scene = eadesk(&[], &[(ask, ok(persons))]);
        let checked = run(scene.connector.check(&scene.http)).unwrap();
        assert_eq!((checked.contacts, checked.sample.len()), (contacts, sample));
    }
}

#[test]
fn each_response_is_sorted_by_what_it_means() {
    let of = |settings: [&str; 2]| {
        let [one, other] = settings;
        let variable = |name: &str| format!("`FERRY_MY_SHOP_{}`", name.to_uppercase());
        format!(
            "correct `{one}` or `{other}` of connection `my-shop` in `ferry.yaml`, or {} or {} in the environment",
            variable(one),
            variable(other)
        )
    };
    let refuses = |status: u16| {
        let mend = of(["token", "auth"]);
        format!("fatal 5 Eadesk refuses connection `my-shop` (HTTP {status}) | {mend}")
    };
    let wrong = |status: u16, sample: &str| {
        let mend = of(["base_url", "path_prefix"]);
        format!(
            "fatal 5 the address of connection `my-shop` is wrong: Eadesk does not respond there (HTTP {status}){sample} | {mend}"
        )
    };
    let odd = |words: &str| {
        format!(
            "fatal 6 Eadesk answered connection `my-shop` with something else instead of {words} | try again later; \
             if it persists, the platform has changed"
        )
    };
    let asked = |status: u16, words: &str| {
        format!("fatal 5 Eadesk refuses the request for connection `my-shop` (HTTP {status}): {words}")
    };
    let cases: Vec<(Answer, String)> = vec![
        (Json(401, json!({})), refuses(401)),
        (Text(403, "no"), refuses(403)),
        (Text(404, "Not Found"), wrong(404, ": Not Found")),
        (Text(302, ""), wrong(302, "")),
        (ok(json!({ "err": "EACCESS" })), asked(200, "EACCESS")),
        (Text(400, "bad limit"), asked(400, "bad limit")),
        (Text(200, "[{"), odd("JSON (HTTP 200): [{")),
        (ok(json!({ "result": [] })), odd("an array of persons (HTTP 200): {\"result\":[]}")),
        (ok(json!([{ "id": "a1" }])), odd("an array of persons (HTTP 200): [{\"id\":\"a1\"}]")),
        (
            Text(200, "<html>Вход</html>"),
            "fatal 5 Eadesk answered connection `my-shop` with a web page instead of JSON (HTTP 200): \
             Вход | correct `base_url` of connection `my-shop` in `ferry.yaml`, or \
             `FERRY_MY_SHOP_BASE_URL` in the environment"
                .to_owned(),
        ),
        (
            message(500, "internal error"),
            "fatal 6 Eadesk failed for connection `my-shop` (HTTP 500): internal error | try again later".to_owned(),
        ),
        (InDoubt, "fatal 6 no answer within 30 s".to_owned()),
        (NotSent, "fatal 6 connection refused".to_owned()),
    ];
    for (answer, expected) in cases {
        let scene = eadesk(&[], &[(PAGE_1, answer)]);
        assert_eq!(run(scene.connector.page(&scene.http, None)).map_err(told).err(), Some(expected));
    }
    let missing = read(&[], Text(404, "Not Found")).unwrap_err();
    assert_eq!(missing, wrong(404, ": Not Found"), "404 is a wrong path, never a person who is missing");
}

/// Settings.
#[test]
fn invalid_settings_are_reported_at_once() {
    let given =
        [("path_prefix", "api"), ("page_size", "0"), ("segments", "VIP"), ("services", "vk=handle"), ("auth", "basic")];
    let told: Vec<String> = connect("eadesk", &given).err().unwrap().iter().map(ToString::to_string).collect();
    let of = "of connection `my-shop` is";
    assert_eq!(
        told,
        [
            format!("`auth` {of} `basic`; expected `query` or `bearer`"),
            format!("`path_prefix` {of} `api`; expected a path that begins with `/`"),
            format!("`page_size` {of} `0`; expected a whole number from 1 to 10000"),
            format!("`segments` {of} `VIP`; expected `name=id`, several joined by `,`"),
            format!(
                "`services` {of} `vk=handle`; expected `service=type`, several joined by `,`, the type one of `id`, \
                 `mail`, `phone`"
            ),
        ]
    );
}

#[test]
fn the_token_can_go_into_a_header_where_the_server_wants_it_there() {
    use secrecy::ExposeSecret;
    let mut settings = ferry::platforms::settings::Settings::new("my-shop");
    settings.set("auth", "bearer");
    settings.set_secret("token", secrecy::SecretString::from("Bearer abc\n"));
    let credentials = driver("eadesk").credentials(&settings);
    let headers = credentials.headers.iter().map(|(name, value)| (*name, value.expose_secret()));
    assert_eq!(headers.collect::<Vec<_>>(), [("Authorization", "Bearer abc")]);
    assert!(credentials.query.is_empty());
}

#[test]
fn segments_are_a_table_or_one_line() {
    let mut settings = ferry::platforms::settings::Settings::new("my-shop");
    settings.set_secret("token", secrecy::SecretString::from("s3cret"));
    settings.set_table("segments", vec![(" VIP=gold ".into(), " s1 ".into())]);
    let connector = driver("eadesk").connect(&settings).unwrap_or_else(|failures| panic!("{failures:?}"));
    let mut want = wanted(json!({ "tags": ["VIP=gold"] }));
    assert!(connector.resolve(&Ready::default(), &mut want).is_empty());
    settings.set_table("segments", vec![("VIP".into(), " ".into())]);
    let failures = driver("eadesk").connect(&settings).err().unwrap();
    assert_eq!(
        failures[0].to_string(),
        "`segments` of connection `my-shop` is `VIP:  `; expected a name and its id, both not blank"
    );
}

/// What a person of the account can hold.
#[test]
fn tags_and_handles_that_the_account_does_not_know_are_named_and_left_out() {
    let connector = connect("eadesk", &[SEGMENTS]).unwrap();
    let given = json!({
        "tags": ["VIP", "s2", "Должники"],
        "handles": ["Telegram:anna", "viber:+79876543210", "viber:x", "anna", "whatsapp:79876543210", "mail:a@b.ru"],
    });
    let mut want = wanted(given.clone());
    let not_carried = connector.resolve(&Ready::default(), &mut want);
    assert_eq!(not_carried, ["handles.viber", "handles", "handles.mail", "tags.Должники"]);
    let fits = json!({ "tags": ["VIP", "Новые клиенты"], "handles": ["telegram:anna", "whatsapp:79876543210"] });
    assert_eq!(want.contact, contact(fits));
    let mut removes = Wanted { tag_mode: TagMode::Remove, ..wanted(json!({ "tags": ["s9"] })) };
    assert!(connector.resolve(&Ready::default(), &mut removes).is_empty(), "what goes need not be known");
    assert_eq!(removes.contact.list(Field::Tags), ["s9"]);
    let knows_viber = connect("eadesk", &[("services", "Viber = phone")]).unwrap();
    let mut want = wanted(given);
    assert_eq!(
        knows_viber.resolve(&Ready::default(), &mut want)[..2],
        ["handles.telegram", "handles"],
        "the messengers are a setting"
    );
}

#[test]
fn what_has_no_place_is_named_and_names_become_one() {
    let want = wanted(json!({
        "first_name": "Анна", "last_name": "Ларина", "address": {"city": "Псков"}, "attributes": {"Plan": "b"}
    }));
    let fit = project(facts("eadesk"), want, Overflow::Attributes);
    assert_eq!(fit.not_carried, ["address.city", "attributes.Plan"]);
    assert_eq!(fit.wanted.contact, contact(json!({ "full_name": "Анна Ларина" })));
    let found = there("a1", json!({ "full_name": "Анна  Ларина" }));
    assert!(delta("eadesk", &fit.wanted, Some(&found)).is_empty());
}

/// Steps, each as `Kind body`.
fn steps(settings: &[(&str, &str)], wanted: &Wanted, found: Option<&Found>) -> Vec<String> {
    let delta = diff(facts("eadesk"), wanted, found, Some(Field::Phones), OnExisting::Update);
    let steps = connect("eadesk", settings).unwrap().steps(&Ready::default(), &delta, found).unwrap();
    steps.into_iter().map(|step| format!("{:?} {}", step.kind, step.body)).collect()
}

#[test]
fn a_new_person_is_created_first_and_given_one_item_after_the_other() {
    let want = wanted(json!({
        "full_name": "Анна", "notes": "любит чай", "tags": ["VIP"], "phones": ["79876543210", "+7 987 654-32-11"],
        "emails": ["a@b.ru"], "handles": ["telegram:anna", "whatsapp:79876543210", "vk:id:1"],
    }));
    assert_eq!(
        steps(&[SEGMENTS], &want, None),
        [
            r#"Create {"person":{"name":"Анна","description":"любит чай","segments":["s1"]}}"#,
            r#"Add {"item":{"value":"+79876543210","type":"phone","service":"phone"}}"#,
            r#"Add {"item":{"value":"+79876543211","type":"phone","service":"phone"}}"#,
            r#"Add {"item":{"value":"a@b.ru","type":"mail","service":"mail"}}"#,
            r#"Add {"item":{"value":"anna","type":"id","service":"telegram"}}"#,
            r#"Add {"item":{"value":"+79876543210","type":"phone","service":"whatsapp"}}"#,
            r#"Add {"item":{"value":"id:1","type":"id","service":"vk"}}"#,
        ]
    );
    let nameless = wanted(json!({ "emails": ["a@b.ru"] }));
    let made = r#"Create {"person":{"segments":[]}}"#;
    assert_eq!(steps(&[], &nameless, None)[0], made, "segments are never left out, nor null");
    let by_id = ("services", "whatsapp=id");
    let whatsapp = wanted(json!({ "handles": ["whatsapp:79876543210"] }));
    let added = r#"Add {"item":{"value":"79876543210","type":"id","service":"whatsapp"}}"#;
    assert_eq!(steps(&[by_id], &whatsapp, None), [made, added], "the types are a setting");
}

#[test]
fn an_update_sends_all_that_it_would_otherwise_empty() {
    let found = there("a1", json!({ "full_name": "Анна", "notes": "чай", "tags": ["VIP", "s9"], "phones": ["+7 1"] }));
    let merge = [SEGMENTS, ("on_update", "merge")];
    type Mend = fn(&mut Wanted);
    let cases: &[(Value, Mend, &str, &str)] = &[
        (
            json!({ "notes": "кофе" }),
            |_| {},
            r#"{"name":"Анна","description":"кофе","segments":["s1","s9"]}"#,
            r#"{"description":"кофе"}"#,
        ),
        (
            json!({ "full_name": "Анна Л." }),
            |_| {},
            r#"{"name":"Анна Л.","description":"чай","segments":["s1","s9"]}"#,
            r#"{"name":"Анна Л."}"#,
        ),
        (
            json!({ "tags": ["Новые клиенты"] }),
            |_| {},
            r#"{"name":"Анна","description":"чай","segments":["s1","s9","s2"]}"#,
            r#"{"segments":["s1","s9","s2"]}"#,
        ),
        (
            json!({ "tags": ["VIP"] }),
            |wanted| wanted.tag_mode = TagMode::Remove,
            r#"{"name":"Анна","description":"чай","segments":["s9"]}"#,
            r#"{"segments":["s9"]}"#,
        ),
        (
            json!({}),
            |wanted| wanted.clear = FieldSet::of(&[Field::Notes, Field::Tags]),
            r#"{"name":"Анна","description":"","segments":[]}"#,
            r#"{"description":"","segments":[]}"#,
        ),
    ];
    for (want, mend, replaced, merged) in cases {
        let mut want = wanted(want.clone());
        mend(&mut want);
        assert_eq!(steps(&[SEGMENTS], &want, Some(&found)), [format!(r#"Change {{"person":{replaced}}}"#)]);
        assert_eq!(steps(&merge, &want, Some(&found)), [format!(r#"Change {{"person":{merged}}}"#)]);
    }
    let same = wanted(json!({ "full_name": "Анна", "tags": ["VIP"] }));
    assert_eq!(steps(&[SEGMENTS], &same, Some(&found)), [] as [String; 0]);
}

#[test]
fn only_items_that_are_not_there_are_added() {
    let found = read(&[SEGMENTS], ok(json!([anna()]))).unwrap().there().unwrap();
    let want = wanted(json!({
        "phones": ["+79876543210", "+79000000000"],
        "emails": ["ANNA@example.ru", "b@c.ru"],
        "handles": ["Telegram:anna", "whatsapp:+7 (987) 654-32-11", "vk:anna"],
    }));
    assert_eq!(
        steps(&[SEGMENTS], &want, Some(&found)),
        [
            r#"Add {"item":{"value":"+79000000000","type":"phone","service":"phone"}}"#,
            r#"Add {"item":{"value":"b@c.ru","type":"mail","service":"mail"}}"#,
            r#"Add {"item":{"value":"anna","type":"id","service":"vk"}}"#,
        ],
        "an item that was deleted is not there"
    );
    let mexican = there("a1", json!({ "phones": ["+5215512345678"], "handles": ["whatsapp:+5511987654321"] }));
    let other_forms = wanted(json!({ "phones": ["+525512345678"], "handles": ["whatsapp:551187654321"] }));
    assert_eq!(steps(&[], &other_forms, Some(&mexican)), [] as [String; 0]);
}

#[test]
fn wiped_lists_are_deleted_item_by_item() {
    let mut person = anna();
    person["contacts"][0]["service"] = json!("whatsapp");
    let found = read(&[SEGMENTS], ok(json!([person]))).unwrap().there().unwrap();
    let clear = FieldSet::of(&[Field::Emails, Field::Handles]);
    let wiped = Wanted { clear, ..wanted(json!({ "notes": "x", "phones": ["+79000000001"] })) };
    assert_eq!(
        steps(&[SEGMENTS], &wiped, Some(&found)),
        [
            r#"Change {"person":{"name":"Анна Ларина","description":"x","segments":["s1","s9"]}}"#,
            r#"Change {"delete":"i1"}"#,
            r#"Change {"delete":"i2"}"#,
            r#"Change {"delete":"i3"}"#,
            r#"Change {"delete":"i4"}"#,
            r#"Add {"item":{"value":"+79000000001","type":"phone","service":"phone"}}"#,
        ]
    );
    assert!(
        ["replace", "merge"].iter().all(|update| { connect("eadesk", &[("on_update", update)]).unwrap().replaces() }),
        "what is added or deleted is compared with what was read just before"
    );
}

/// Taking steps.
fn take(settings: &[(&str, &str)], step: (StepKind, Value), script: &[Exchange]) -> Result<StepResult, String> {
    let scene = eadesk(settings, script);
    let address = if step.0 == StepKind::Create { Address::New } else { Address::Id("a1".to_owned()) };
    run(scene.connector.send_step(&scene.http, &Step { kind: step.0, body: step.1.into() }, &address)).map_err(told)
}

fn done() -> Result<StepResult, String> {
    Ok(StepResult::Done { id: "a1".to_owned(), after: None })
}

fn post(path: &str, body: Value) -> &'static str {
    kept(format!("POST {BASE}/{path} {body}"))
}

#[test]
fn each_step_is_a_call_of_its_own_and_each_answer_has_its_own_shape() {
    let person = json!({ "name": "Анна", "segments": [] });
    let item = json!({ "value": "+79876543210", "type": "phone", "service": "phone" });
    let bare = ok(json!({ "_id": "a1", "name": "Анна", "accountId": "acc", "contacts": [] }));
    let create = (StepKind::Create, json!({ "person": person }));
    assert_eq!(take(&[], create, &[(post("create", person.clone()), bare)]), done());
    let change = (StepKind::Change, json!({ "person": person }));
    let changed = ok(json!({ "result": anna() }));
    assert_eq!(take(&[], change.clone(), &[(post("update/a1", person.clone()), changed.clone())]), done());
    let add = (StepKind::Add, json!({ "item": item }));
    let added = ok(json!({ "result": {"id": "i1", "value": "+79876543210"} }));
    assert_eq!(take(&[], add.clone(), &[(post("contacts/create/a1", item.clone()), added.clone())]), done());
    let delete = |item: &str| (StepKind::Change, json!({ "delete": item }));
    let deleted = ok(json!({ "result": true }));
    assert_eq!(take(&[], delete("i1"), &[(post("contacts/delete/i1", json!({})), deleted.clone())]), done());
    let script = [(post("contacts/delete/i%2F2", json!({})), gone())];
    assert_eq!(take(&[], delete("i/2"), &script), done(), "an item that is gone is deleted");

    // Some of the documents' paths end in `=`, and some do not.
    let equals = [("path_equals", "true")];
    assert_eq!(take(&equals, change, &[(post("update/a1=", person), changed)]), done());
    assert_eq!(take(&equals, add, &[(post("contacts/create/a1", item), added)]), done());
    assert_eq!(take(&equals, delete("i1"), &[(post("contacts/delete/i1=", json!({})), deleted)]), done());
    let moved = [("path_prefix", "/v2/people/")];
    let create = (StepKind::Create, json!({ "person": {} }));
    let ask = "POST /v2/people/create {}";
    assert_eq!(take(&moved, create, &[(ask, ok(json!({ "_id": "a1" })))]), done());
}

#[test]
fn a_step_has_one_of_three_fates() {
    let (create, change, add, delete) = (
        (StepKind::Create, json!({ "person": {} }), "create"),
        (StepKind::Change, json!({ "person": {} }), "update/a1"),
        (StepKind::Add, json!({ "item": {} }), "contacts/create/a1"),
        (StepKind::Change, json!({ "delete": "i1" }), "contacts/delete/i1"),
    );
    let refused =
        |status: u16, words: &str| Err(format!("refused target.refused Eadesk refused it (HTTP {status}): {words}"));
    let doubt = |status: u16, words: &str| {
        Err(format!("in doubt 6 Eadesk failed for connection `my-shop` (HTTP {status}){words} | try again later"))
    };
    let odd = |promised: &str, words: &str| {
        Err(format!(
            "in doubt 6 Eadesk answered connection `my-shop` with something else instead of {promised} (HTTP 200)\
             {words} | try again later; if it persists, the platform has changed"
        ))
    };
    let deleted = json!({ "result": {"_id": "a1", "status": "deleted"} });
    let cases: Vec<(&(StepKind, Value, &str), Answer, Result<StepResult, String>)> = vec![
        (&change, gone(), Ok(StepResult::Gone)),
        (&change, ok(json!({ "err": "enot_found" })), Ok(StepResult::Gone)),
        (&change, ok(deleted), Ok(StepResult::Gone)),
        (&add, gone(), Ok(StepResult::Gone)),
        (&delete, gone(), done()),
        (&create, gone(), refused(200, "ENOT_FOUND")),
        (&create, ok(json!({ "err": "EVALIDATION", "_id": "a1" })), refused(200, "EVALIDATION")),
        (&add, ok(json!({ "err": "EVALIDATION" })), refused(200, "EVALIDATION")),
        (&change, ok(json!({ "err": null, "result": {} })), done()),
        (&add, Text(400, "bad\nrequest"), refused(400, "bad request")),
        (&create, ok(json!({ "name": "x" })), odd("the new person", ": {\"name\":\"x\"}")),
        (&create, Text(200, ""), odd("the new person", "")),
        (&add, ok(json!({})), odd("`{\"result\": …}`", ": {}")),
        (&change, ok(json!({ "result": null })), odd("`{\"result\": …}`", ": {\"result\":null}")),
        (&delete, ok(json!({ "result": false })), odd("`{\"result\": true}`", ": {\"result\":false}")),
        (&change, Text(200, "[{"), odd("JSON", ": [{")),
        (&create, message(500, "crash"), doubt(500, ": crash")),
        (&add, Text(502, ""), doubt(502, "")),
        (&create, InDoubt, Err("in doubt 6 no answer within 30 s".to_owned())),
        (&create, NotSent, Err("fatal 6 connection refused".to_owned())),
    ];
    for (step, answer, expected) in cases {
        let (kind, body, path) = step.clone();
        let sent = body.get("person").or(body.get("item")).cloned().unwrap_or(json!({}));
        assert_eq!(take(&[], (kind, body), &[(post(path, sent), answer)]), expected, "{path}");
    }
    let lost =
        take(&[], (StepKind::Add, json!({ "item": {} })), &[(post("contacts/create/a1", json!({})), Text(404, ""))]);
    assert!(lost.unwrap_err().starts_with("fatal 5 the address of connection `my-shop` is wrong"));
    let nobody = eadesk(&[], &[]);
    let step = Step { kind: StepKind::Add, body: json!({ "item": {} }).into() };
    let taken = run(nobody.connector.send_step(&nobody.http, &step, &Address::New)).map_err(told);
    assert_eq!(taken, Err("fatal 1 a change has no contact to be written to".to_owned()));
}

#[test]
fn a_created_contact_is_found_as_it_should_be_and_nothing_remains() {
    let want = wanted(json!({
        "full_name": "Анна Ларина", "notes": "любит чай", "phones": ["+79876543210"], "emails": ["anna@example.ru"],
        "handles": ["telegram:anna", "whatsapp:+79876543211"], "tags": ["VIP"],
    }));
    let found = read(&[SEGMENTS], ok(json!([anna()]))).unwrap().there().unwrap();
    assert_eq!(steps(&[SEGMENTS], &want, Some(&found)), [] as [String; 0]);
    for handle in found.contact.list(Field::Handles) {
        assert!(
            want.contact
                .list(Field::Handles)
                .iter()
                .any(|one| { canonical(Field::Handles, one) == canonical(Field::Handles, handle) })
        );
    }
}
