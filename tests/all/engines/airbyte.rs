//! `ferry airbyte`, as Airbyte would drive it.

use super::stream::{feed, phones, phones_of, record, scene};
use crate::support::{Scene, json_lines};
use serde_json::{Value, json};

const WRITE: &str = "airbyte destination write --config config.json --catalog catalog.json";

/// A record, as a source sends it.
fn sent(record: &Value) -> Value {
    json!({"type": "RECORD", "record": {"namespace": null, "stream": "people", "data": record, "emitted_at": 1}, "trace": null})
}

fn state(n: usize) -> Value {
    json!({"type": "STATE", "state": {"type": "STREAM", "id": n, "data": null,
        "stream": {"stream_descriptor": {"name": "people", "namespace": null}, "stream_state": {"at": n}}}})
}

fn lines(all: &[Value]) -> String {
    all.iter().map(|line| format!("{line}\n")).collect()
}

fn configure(scene: &Scene, mode: &str) {
    scene.write("config.json", r#"{"connection": "mercately"}"#);
    let stream = json!({"name": "people", "json_schema": {}, "source_defined_primary_key": [["id"]]});
    let one = json!({"stream": stream, "sync_mode": "full_refresh", "destination_sync_mode": mode});
    scene.write("catalog.json", &json!({"streams": [one]}).to_string());
}

#[test]
fn each_state_is_handed_back_unchanged_with_its_count_and_rejects_do_not_fail() {
    let scene = scene();
    configure(&scene, "append_dedup");
    let bad = json!({"id": 9, "first_name": "Eva", "phone": "12"});
    let all = [
        json!({"type": "TRACE", "trace": {"type": "STREAM_STATUS"}}),
        sent(&record(0)),
        sent(&bad),
        state(1),
        sent(&record(1)),
        json!({"type": "LOG", "log": {"level": "INFO", "message": "x"}}),
        state(2),
        state(3),
    ];
    let ended = feed(&scene, WRITE, &lines(&all));
    assert_eq!(ended.exit, 0, "{ended:?}");
    let handed_back: Vec<Value> = [(state(1), 2.0), (state(2), 1.0), (state(3), 0.0)]
        .into_iter()
        .map(|(mut state, records)| {
            state["state"]["destinationStats"] = json!({"recordCount": records});
            state
        })
        .collect();
    assert_eq!(json_lines(&ended.out), handed_back);
    assert_eq!(phones(&scene, "mercately"), phones_of(0..2));
}

#[test]
fn what_cannot_be_done_is_a_trace_and_an_exit_code() {
    let scene = scene();
    configure(&scene, "overwrite");
    let ended = feed(&scene, WRITE, "");
    let trace = &json_lines(&ended.out)[0]["trace"];
    assert_eq!((ended.exit, &trace["error"]["failure_type"]), (2, &json!("config_error")), "{ended:?}");
    let message = trace["error"]["message"].as_str().unwrap();
    assert!(message.contains("`people` has the mode `overwrite`") && message.contains("(choose `append_dedup`"));
    configure(&scene, "append");
    let ended = feed(&scene, WRITE, &format!("{}{}nonsense\n", sent(&record(0)), "\n"));
    let told = json_lines(&ended.out);
    assert_eq!((ended.exit, &told[0]["trace"]["error"]["failure_type"]), (1, &json!("system_error")), "{ended:?}");
    assert_eq!(scene.contacts("mercately").len(), 1, "what came before is kept");
    let unannounced = feed(&scene, WRITE, r#"{"type":"RECORD","record":{"stream":"x","data":{},"emitted_at":1}}"#);
    assert_eq!(unannounced.exit, 1);
    assert!(unannounced.err.contains("record of `x`, which was not announced"));
}

#[test]
fn a_connector_answers_spec_check_and_discover() {
    let scene = scene();
    scene.write("config.json", r#"{"connection": "atom"}"#);
    for side in ["source", "destination"] {
        let ended = scene.run(&format!("airbyte {side} spec"));
        let spec = &json_lines(&ended.out)[0]["spec"];
        let properties = &spec["connectionSpecification"]["properties"];
        assert_eq!((ended.exit, &properties["api_key"]["airbyte_secret"]), (0, &json!(true)), "{ended:?}");
        assert_eq!(properties["concurrency"]["type"], "integer");
        let checked = scene.run(&format!("airbyte {side} check --config config.json"));
        let status = &json_lines(&checked.out)[0]["connectionStatus"];
        assert_eq!((checked.exit, &status["status"]), (0, &json!("SUCCEEDED")), "{checked:?}");
        scene.write("wrong.json", r#"{"connection": "atom", "token": "wrong"}"#);
        let checked = scene.run(&format!("airbyte {side} check --config wrong.json"));
        let status = &json_lines(&checked.out)[0]["connectionStatus"];
        assert_eq!((checked.exit, &status["status"]), (0, &json!("FAILED")), "{checked:?}");
    }
    let discovered = scene.run("airbyte source discover --config config.json");
    let stream = &json_lines(&discovered.out)[0]["catalog"]["streams"][0];
    assert_eq!(
        (&stream["name"], &stream["supported_sync_modes"]),
        (&json!("contacts"), &json!(["full_refresh", "incremental"]))
    );
}

#[test]
fn a_source_sends_contacts_and_the_rest_of_them_after_a_state() {
    let scene = scene();
    configure(&scene, "append");
    let all: Vec<Value> = (0..1_100).map(|n| sent(&record(n))).collect();
    assert_eq!(feed(&scene, WRITE, &lines(&all)).exit, 0);
    scene.write("state.json", "[]");
    let words = "airbyte source read --config config.json --state state.json";
    let ended = scene.run(words);
    assert_eq!(ended.exit, 0, "{ended:?}");
    let told = json_lines(&ended.out);
    let status = |line: &Value| line["trace"]["stream_status"]["status"].as_str().map(str::to_owned);
    assert_eq!(told.iter().filter_map(status).collect::<Vec<_>>(), ["STARTED", "RUNNING", "COMPLETE"]);
    let of = |told: &[Value], kind: &str| told.iter().filter(|line| line["type"] == kind).cloned().collect::<Vec<_>>();
    let counts: Vec<Value> =
        of(&told, "STATE").iter().map(|line| line["state"]["sourceStats"]["recordCount"].clone()).collect();
    assert_eq!(counts, [json!(0.0), json!(1_000.0), json!(100.0)]);
    assert_eq!(of(&told, "RECORD").len(), 1_100);
    scene.write("state.json", &json!([of(&told, "STATE")[1]["state"]]).to_string());
    let rest = scene.run(words);
    assert_eq!(of(&json_lines(&rest.out), "RECORD").len(), 100, "{rest:?}");
}
