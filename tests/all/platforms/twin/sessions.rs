//! TWIN: the clients of an account, read from its sessions.

use super::*;

/// Sessions of these clients, each with an id of its own.
fn sessions(clients: &[&str]) -> Vec<Value> {
    clients.iter().enumerate().map(|(no, id)| json!({"id": format!("s{no}"), "clientId": id})).collect()
}

/// The clients of each page, to the end of the list.
fn pages(settings: &[(&str, &str)], script: Vec<(String, Answer)>) -> Result<Vec<Vec<String>>, String> {
    let script = script.into_iter().map(|(ask, answer)| (&*Box::leak(ask.into_boxed_str()), answer));
    let script: Vec<Exchange> = script.collect();
    let settings: Vec<(&str, &str)> = settings.iter().copied().chain([("page_size", "2")]).collect();
    let scene = scene("twin", &settings, &script);
    let (mut after, mut pages) = (None, Vec::new());
    loop {
        let page = run(scene.connector.page(&scene.http, after.as_ref())).map_err(told)?;
        assert_eq!((page.found, page.total), (vec![], None), "a session tells nothing but the id, and is no client");
        pages.push(page.unread);
        after = page.next;
        if after.is_none() {
            return Ok(pages);
        }
    }
}

fn at(place: &str) -> String {
    format!("GET /sessions?limit=2&{place}")
}

fn grouped(place: &str) -> String {
    format!("GET /sessions?limit=2&{place}&groupByClientId=true")
}

#[test]
fn clients_are_those_of_the_sessions_each_once_a_page() {
    let script = vec![
        (grouped("offset=0"), list(5, &sessions(&["c1", "c1"]))),
        (grouped("offset=2"), list(5, &sessions(&["c2", "c1"]))),
        (grouped("offset=4"), list(5, &[json!({"id": "s"})])),
        (grouped("offset=5"), list(5, &[])),
    ];
    assert_eq!(pages(&[], script).unwrap(), [vec!["c1"], vec!["c2", "c1"], vec![], vec![]]);
}

#[test]
fn sessions_end_with_an_empty_page_whatever_their_number() {
    let without_count = |clients: &[&str]| ok(json!({ "items": sessions(clients) }));
    for (name, settings, script, expected) in [
        ("no client", &[][..], vec![(grouped("offset=0"), list(0, &[]))], vec![vec![]]),
        (
            "the number of a page, and pages that are cut",
            &[],
            vec![
                (grouped("offset=0"), list(1, &sessions(&["c1"]))),
                (grouped("offset=1"), list(1, &sessions(&["c2"]))),
                (grouped("offset=2"), list(0, &[])),
            ],
            vec![vec!["c1"], vec!["c2"], vec![]],
        ),
        (
            "no number",
            &[("group_by_client", "false")],
            vec![
                (at("offset=0"), without_count(&["c1", "c2"])),
                (at("offset=2"), without_count(&["c3"])),
                (at("offset=3"), without_count(&[])),
            ],
            vec![vec!["c1", "c2"], vec!["c3"], vec![]],
        ),
        (
            "by page",
            &[("paging", "page")],
            vec![
                (grouped("page=1"), list(3, &sessions(&["c1", "c2"]))),
                (grouped("page=2"), list(3, &sessions(&["c3"]))),
                (grouped("page=3"), list(3, &[])),
            ],
            vec![vec!["c1", "c2"], vec!["c3"], vec![]],
        ),
    ] {
        assert_eq!(pages(settings, script).unwrap(), expected, "{name}");
    }
}

#[test]
fn a_server_that_knows_another_paging_is_asked_in_its_own() {
    let first = || list(3, &sessions(&["c1", "c2"]));
    for (name, settings, script) in [
        (
            "by page",
            &[][..],
            vec![
                (grouped("offset=0"), first()),
                (grouped("offset=2"), first()),
                (grouped("page=2"), list(3, &sessions(&["c3"]))),
                (grouped("page=3"), list(3, &[])),
            ],
        ),
        (
            "by offset",
            &[("paging", "page")],
            vec![
                (grouped("page=1"), first()),
                (grouped("page=2"), first()),
                (grouped("offset=2"), list(3, &sessions(&["c3"]))),
                (grouped("offset=3"), list(3, &[])),
            ],
        ),
    ] {
        assert_eq!(pages(settings, script).unwrap(), [vec!["c1", "c2"], vec![], vec!["c3"], vec![]], "{name}");
    }
}

#[test]
fn sessions_that_are_counted_and_not_given_are_no_end() {
    let too_few = "fatal 6 TWIN returned 2 of the 9 sessions that it counts for connection `my-shop` | try again \
                   later; if it persists, list the ids of the clients in a file (`client_ids`)";
    let first = || list(9, &sessions(&["c1", "c2"]));
    let always_the_first =
        vec![(grouped("offset=0"), first()), (grouped("offset=2"), first()), (grouped("page=2"), first())];
    assert_eq!(pages(&[], always_the_first).unwrap_err(), too_few);
    let cut = vec![(at("offset=0"), first()), (at("offset=2"), list(9, &[]))];
    assert_eq!(pages(&[("group_by_client", "false")], cut).unwrap_err(), too_few);
}

#[test]
fn where_the_number_is_that_of_all_sessions_they_are_read_one_by_one() {
    let script = vec![
        (grouped("offset=0"), list(3, &sessions(&["c1", "c2"]))),
        (grouped("offset=2"), list(3, &[])),
        (at("offset=0"), list(3, &sessions(&["c1", "c1"]))),
        (at("offset=2"), list(3, &sessions(&["c2"]))),
        (at("offset=3"), list(3, &[])),
    ];
    let expected = [vec!["c1", "c2"], vec![], vec!["c1"], vec!["c2"], vec![]];
    assert_eq!(pages(&[], script).unwrap(), expected);
}

#[test]
fn an_invalid_place_is_reported() {
    for silly in ["x", "2,3", "2,3,1,5", "2,3,000,5,6"] {
        let scene = scene("twin", &[], &[]);
        let page = run(scene.connector.page(&scene.http, Some(&silly.to_owned())));
        let told = page.map_err(told).err().unwrap();
        assert_eq!(told, format!("fatal 1 `{silly}` is not a page of the list"));
    }
}
