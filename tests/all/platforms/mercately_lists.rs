//! Mercately's other lists: agents, conversations of both channels, templates.

use super::Answer::Text;
use super::{Answer, Exchange, message, ok, run, scene, told};
use ferry::platforms::{List, ListPage};
use serde_json::{Value, json};

const AGENTS: &str = "GET /retailers/api/v1/agents";
const TEMPLATES: &str = "GET /retailers/api/v1/whatsapp_templates";

/// All pages of a list, each as its items, total and cursor.
fn pages(list: List, script: &[Exchange]) -> Vec<(Vec<(String, Value)>, Option<u64>, Option<String>)> {
    let scene = scene("mercately", &[], script);
    let (mut pages, mut after) = (Vec::new(), None);
    loop {
        let ListPage { items, total, next } =
            run(scene.connector.capabilities().lists.unwrap().list(&scene.http, list, after.as_ref())).unwrap();
        let items = items.into_iter().map(|(id, item)| (id, Value::Object(item))).collect();
        pages.push((items, total, next.clone()));
        if next.is_none() {
            return pages;
        }
        after = next;
    }
}

fn raquel() -> Value {
    json!({
        "id": null, "customer_id": 3887, "message_count": 1, "last_interaction": "2021-03-30T23:17:42.560Z",
        "first_name": "Raquel", "last_name": "Pérez", "email": "benedictstreich@von.name", "phone": "+593789 584 759",
        "agent_id": 2764
    })
}

fn isabela() -> Value {
    json!({
        "id": null, "customer_id": 3887, "message_count": 1, "last_interaction": "2021-03-30T23:17:42.014Z",
        "first_name": "Isabela", "last_name": "Olivo", "email": "kriy@considinekub.info", "agent_id": 2761
    })
}

fn with(mut item: Value, more: Value) -> Value {
    item.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    item
}

fn ask(channel: &str, page: u64) -> &'static str {
    let line = format!("GET /retailers/api/v1/{channel}_conversations?page={page}&results_per_page=100");
    Box::leak(line.into_boxed_str())
}

fn answer(channel: &str, results: Value, pages: Value, items: Value) -> Answer {
    let mut answer = json!({ "results": results, "total_pages": pages });
    answer[format!("{channel}_conversations")] = items;
    ok(answer)
}

#[test]
fn agents_and_templates_come_whole_and_as_they_are_sent() {
    let agent = json!({"id": 2758, "first_name": "Ana", "last_name": "Ruiz", "email": "ana@example.ec", "admin": true});
    let template = json!({
        "text": "Hi *. Welcome to our WhatsApp.", "status": "active", "template_type": "text",
        "internal_id": "997dd550-c8d8-4bf7-ad98-a5ac4844a1ed"
    });
    let all = pages(List::Agents, &[(AGENTS, ok(json!({"agents": [agent]})))]);
    assert_eq!(all, [(vec![("2758".to_owned(), agent)], None, None)]);
    let all = pages(List::Templates, &[(TEMPLATES, ok(json!({"templates": [template]})))]);
    assert_eq!(all, [(vec![("997dd550-c8d8-4bf7-ad98-a5ac4844a1ed".to_owned(), template)], None, None)]);
}

#[test]
fn the_conversations_of_both_channels_are_one_list() {
    let second = with(raquel(), json!({"id": 7, "customer_id": 3888, "phone": null}));
    let script = [
        (ask("whatsapp", 1), answer("whatsapp", json!(2), json!(2), json!([raquel()]))),
        (ask("whatsapp", 2), answer("whatsapp", json!(2), json!(2), json!([second]))),
        (ask("whatsapp", 3), answer("whatsapp", json!(2), json!(2), json!([]))),
        (ask("messenger", 1), answer("messenger", json!(1), json!(1), json!([isabela()]))),
        (ask("messenger", 2), answer("messenger", json!(1), json!(1), json!([]))),
    ];
    let told = with(raquel(), json!({"channel": "whatsapp", "contact_phone": "+593789584759"}));
    assert_eq!(
        pages(List::Conversations, &script),
        [
            (vec![("whatsapp/customer/3887".to_owned(), told)], None, Some("whatsapp:2:0".to_owned())),
            (
                vec![("whatsapp/7".to_owned(), with(second, json!({"channel": "whatsapp"})))],
                None,
                Some("whatsapp:3:0".to_owned())
            ),
            (vec![], None, Some("messenger:1:2".to_owned())),
            (
                vec![("messenger/customer/3887".to_owned(), with(isabela(), json!({"channel": "messenger"})))],
                Some(3),
                Some("messenger:2:2".to_owned())
            ),
            (vec![], Some(3), None),
        ],
        "the total is told where it is known: on the pages of the last channel"
    );
}

#[test]
fn a_channel_ends_where_its_pages_do() {
    let none = |channel| (ask(channel, 1), answer(channel, json!(0), json!(1), json!([])));
    let cases: Vec<(&str, Vec<Exchange>, usize, Option<u64>)> = vec![
        ("nobody ever wrote", vec![none("whatsapp"), none("messenger")], 0, Some(0)),
        (
            "no page is linked to the account",
            vec![none("whatsapp"), (ask("messenger", 1), answer("messenger", json!(0), json!(1), json!(0)))],
            0,
            Some(0),
        ),
        (
            "a page past the end is the last one again",
            vec![
                (ask("whatsapp", 1), answer("whatsapp", json!(1), json!(1), json!([raquel()]))),
                (ask("whatsapp", 2), answer("whatsapp", json!(1), json!(1), json!([raquel()]))),
                none("messenger"),
            ],
            2,
            Some(1),
        ),
        (
            "one channel says no total",
            vec![
                (ask("whatsapp", 1), answer("whatsapp", json!(null), json!(null), json!([raquel()]))),
                (ask("whatsapp", 2), answer("whatsapp", json!(null), json!(null), json!([]))),
                none("messenger"),
            ],
            1,
            None,
        ),
    ];
    for (name, script, held, total) in cases {
        let pages = pages(List::Conversations, &script);
        let items: usize = pages.iter().map(|(items, ..)| items.len()).sum();
        assert_eq!((items, pages.last().unwrap().1), (held, total), "{name}");
    }
}

#[test]
fn a_response_without_a_list_is_reported_and_not_taken_for_an_empty_list() {
    let promised = |name: &str, sent: &str| {
        format!(
            "fatal 6 Mercately answered connection `my-shop` with something else instead of `{{\"{name}\": […]}}` (HTTP \
             200): {sent} | try again later; if it persists, the platform has changed"
        )
    };
    let conversations = "whatsapp_conversations";
    let cases: Vec<(List, &str, Answer, String)> = vec![
        (List::Agents, AGENTS, ok(json!({"agents": 0})), promised("agents", r#"{"agents":0}"#)),
        (
            List::Agents,
            AGENTS,
            ok(json!({"agents": [{"name": "x"}]})),
            promised("agents", r#"{"agents":[{"name":"x"}]}"#),
        ),
        (List::Templates, TEMPLATES, ok(json!({})), promised("templates", "{}")),
        (
            List::Conversations,
            ask("whatsapp", 1),
            ok(json!({conversations: [{"message_count": 1}]})),
            promised(conversations, r#"{"whatsapp_conversations":[{"message_count":1}]}"#),
        ),
        (
            List::Conversations,
            ask("whatsapp", 1),
            message(500, "undefined method"),
            "fatal 6 Mercately failed for connection `my-shop` (HTTP 500): undefined method | try again later"
                .to_owned(),
        ),
        (
            List::Agents,
            AGENTS,
            Text(404, "<html>not here</html>"),
            "fatal 5 the address of connection `my-shop` is wrong: Mercately does not respond there (HTTP 404): not \
             here | correct `base_url` or `path_prefix` of connection `my-shop` in `ferry.yaml`, or \
             `FERRY_MY_SHOP_BASE_URL` or `FERRY_MY_SHOP_PATH_PREFIX` in the environment"
                .to_owned(),
        ),
    ];
    for (list, asked, answer, expected) in cases {
        let scene = scene("mercately", &[], &[(asked, answer)]);
        assert_eq!(
            run(scene.connector.capabilities().lists.unwrap().list(&scene.http, list, None)).map_err(told).err(),
            Some(expected)
        );
    }
    let scene = scene("mercately", &[], &[]);
    for cursor in ["2", "telegram:1:0", "whatsapp:x:0", "whatsapp:1:x"] {
        let page = run(scene.connector.capabilities().lists.unwrap().list(
            &scene.http,
            List::Conversations,
            Some(&cursor.to_owned()),
        ));
        assert_eq!(page.map_err(told).err(), Some(format!("fatal 1 `{cursor}` is not a page of the list")));
    }
}
