//! Cases that lost a value without a word once, each with where its values are now.

use super::{file_text, finished, scene};
use serde_json::{Value, json};

/// Converts one file; gives what was written (JSON Lines as an array, a table as text), `not_carried` and the values of
/// `left_blank.csv`.
fn converted(name: &str, text: &str, map: Option<&str>, out: &str) -> (Value, Value, Vec<String>) {
    let scene = scene();
    scene.write(name, text);
    scene.write("map.yaml", map.unwrap_or("version: 1\n"));
    let map = map.map_or("", |_| "--map map.yaml");
    let summary = finished(&scene, &format!("convert {name} --out {out} {map}"));
    let written = file_text(&scene, out);
    let written = match out.ends_with(".jsonl") {
        true => written.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect(),
        false => Value::from(written),
    };
    let run = summary["run"].as_str().unwrap();
    let left = file_text(&scene, &format!("st/runs/{run}/left_blank.csv"));
    let left = left.lines().skip(1).map(str::to_owned).collect();
    (written, summary["not_carried"].clone(), left)
}

const KEEP: &str = "contact: { first_name: name, phone: phone }\nunmapped: attributes\n";

#[test]
fn a_value_that_another_one_hides_is_named() {
    let of = |more: &str| format!("{{\"name\":\"Ana\",\"phone\":\"+593995017733\",{more}}}\n");
    for (more, attributes, not_carried, left) in [
        (
            r#""Plan":"top","attributes":{"Plan":"inner"}"#,
            json!({"Plan": "top"}),
            json!({"attributes.Plan": 1}),
            &["1,attributes.Plan,value.hidden,inner"][..],
        ),
        (r#""Plan":"same","attributes":{"Plan":"same"}"#, json!({"Plan": "same"}), json!({}), &[]),
        (
            r#""a.b":"flat","a":{"b":"nested","c":1}"#,
            json!({"a.b": "flat", "a.c": "1"}),
            json!({"attributes.a.b": 1}),
            &["1,a.b,value.hidden,nested"],
        ),
        (r#""native":"speaker","ferry_code":"X1""#, json!({"native": "speaker", "ferry_code": "X1"}), json!({}), &[]),
        (r#""native":{"lang":"es"},"x":1"#, json!({"native.lang": "es", "x": "1"}), json!({}), &[]),
    ] {
        let (written, named, values) = converted("in.jsonl", &of(more), Some(KEEP), "out.jsonl");
        assert_eq!(written[0]["attributes"], attributes, "{more}");
        assert_eq!((named, values), (not_carried, left.iter().map(|value| (*value).to_owned()).collect()), "{more}");
    }
}

#[test]
fn a_key_that_hides_the_path_that_a_rule_could_mean_is_named() {
    let text = "{\"name\":\"Ana\",\"a.b\":\"flat\",\"a\":{\"b\":\"nested\"}}\n";
    for (unmapped, attributes, not_carried) in [
        ("ignore", json!({"X": "flat"}), json!({"a.b": 1})),
        ("attributes", json!({"X": "flat", "a.b": "nested"}), json!({})),
    ] {
        let map = format!("contact: {{ first_name: name, attributes: {{ X: a.b }} }}\nunmapped: {unmapped}\n");
        let (written, named, _) = converted("in.jsonl", text, Some(&map), "out.jsonl");
        assert_eq!((&written[0]["attributes"], named), (&attributes, not_carried), "{unmapped}");
    }
}

#[test]
fn the_rest_of_a_list_that_a_rule_uses_in_part_becomes_attributes() {
    let text = r#"{"name":"Ana","phones":[{"number":"+593995017733","type":"home"},{"number":"+593995017734","type":"work"},"odd"],"orders":[{"n":1,"x":"a"},{"n":2,"x":"b"}]}"#;
    let map = "contact: { first_name: name, phones: phones.number, attributes: { First: orders.0.n } }\nunmapped: attributes\n";
    let (written, named, _) = converted("in.jsonl", text, Some(map), "out.jsonl");
    assert_eq!(written[0]["phones"], json!(["+593995017733", "+593995017734"]));
    let expected =
        json!({"First": "1", "phones.type": "home; work", "phones": "odd", "orders.x": "a; b", "orders.n": "2"});
    assert_eq!((&written[0]["attributes"], named), (&expected, json!({})));
}

#[test]
fn columns_of_one_attribute_each_arrive_or_are_named() {
    let text = "name,Plan,attributes.Plan, Plan ,ferry_code,native.lang,\nAna,a,b,c,d,e,f\nEva,,b,b,,,\n";
    let (written, named, values) =
        converted("in.csv", text, Some("contact: { first_name: name }\nunmapped: attributes\n"), "out.jsonl");
    let first = json!({"Plan": "a", "ferry_code": "d", "native.lang": "e", "column 7": "f"});
    assert_eq!((&written[0]["attributes"], &written[1]["attributes"]), (&first, &json!({"Plan": "b"})));
    assert_eq!(named, json!({"attributes.Plan": 1}));
    assert_eq!(values, ["2,attributes.Plan,value.hidden,b", "2, Plan ,value.hidden,c"]);
    // The mapping's own rule comes first; where it gives nothing, the column does.
    let map = "contact: { first_name: name, attributes: { Plan: Tier } }\nunmapped: attributes\n";
    let (written, named, _) = converted("in.csv", "name,Plan,Tier\nAna,a,t\nEva,b,\n", Some(map), "out.jsonl");
    assert_eq!((&written[0]["attributes"], &written[1]["attributes"]), (&json!({"Plan": "t"}), &json!({"Plan": "b"})));
    assert_eq!(named, json!({"attributes.Plan": 1}));
}

#[test]
fn attributes_that_are_called_as_fields_have_columns_of_their_own_and_come_back() {
    let text = r#"{"first_name":"Ana","notes":"field","created_at":"2026-01-01T00:00:00Z","attributes":{"notes":"n","created_at":"c","attributes.notes":"an","ferry_code":"f","Plan":"p"}}"#;
    let scene = scene();
    scene.write("in.jsonl", text);
    scene.write(
        "map.yaml",
        "contact: { first_name: first_name, notes: notes, created_at: created_at }\nunmapped: attributes\n",
    );
    let summary = finished(&scene, "convert in.jsonl --map map.yaml --out out.csv");
    assert_eq!(summary["not_carried"], json!({}));
    let summary = finished(&scene, "convert out.csv --map map.yaml --out back.jsonl");
    assert_eq!(summary["not_carried"], json!({}));
    let back: Value = serde_json::from_str(&file_text(&scene, "back.jsonl")).unwrap();
    assert_eq!(back, serde_json::from_str::<Value>(text).unwrap(), "{}", file_text(&scene, "out.csv"));
}

#[test]
fn what_the_source_platform_had_beside_a_contact_stays_in_an_export_and_is_named_elsewhere() {
    let text = "{\"id\":\"7\",\"first_name\":\"Ana\",\"last_name\":\"Paz\",\"phone\":\"+593995017733\",\"native\":{\"lang\":\"es\"}}\n";
    let (written, named, _) = converted("in.jsonl", text, None, "out.jsonl");
    assert_eq!((&written[0]["native"], named), (&json!({"lang": "es"}), json!({})));
    let (_, named, _) = converted("in.jsonl", text, None, "out.csv");
    assert_eq!(named, json!({"native": 1}));
    let scene = scene();
    scene.write("in.jsonl", text);
    let summary = finished(&scene, "import in.jsonl --to mercately");
    assert_eq!(summary["not_carried"], json!({"id": 1, "native": 1}));
}

#[test]
fn unused_columns_are_an_error_whatever_they_are_called() {
    let scene = scene();
    scene.write("map.yaml", "contact: { first_name: name }\nunmapped: error\n");
    scene.write("in.jsonl", "{\"name\":\"Ana\",\"native\":\"speaker\",\"ferry_code\":\"X1\"}\n");
    scene.write("in.csv", "name,ferry_code,native.lang\nAna,X1,es\n");
    for (file, names) in [("in.jsonl", "`ferry_code`, `native`"), ("in.csv", "`ferry_code`, `native.lang`")] {
        let ended = scene.run(&format!("convert {file} --map map.yaml --out out.jsonl --state st"));
        assert!(ended.exit == 2 && ended.err.contains(names), "{file}: {ended:?}");
    }
}

#[test]
fn a_rejects_file_has_its_columns_once_whatever_the_source_had() {
    let scene = scene();
    scene.write("map.yaml", "contact: { first_name: name, phone: phone }\nunmapped: attributes\nphone_region: EC\n");
    scene.write("in.csv", "name,phone,ferry_code\nAna,12,mine\n");
    finished(&scene, "convert in.csv --map map.yaml --out out.jsonl --rejects r.csv");
    let rejects = file_text(&scene, "r.csv");
    scene.write("fixed.csv", &rejects.replace("Ana,12,", "Ana,+593995017733,"));
    finished(&scene, "convert fixed.csv --map map.yaml --out fixed.jsonl");
    let fixed: Value = serde_json::from_str(&file_text(&scene, "fixed.jsonl")).unwrap();
    assert_eq!(fixed["attributes"], json!({"ferry_code": "mine"}), "{rejects}");
}

#[test]
fn a_value_that_no_target_can_take_is_named() {
    for (to, map, not_carried) in [
        (
            "mercately",
            "first_name: F, last_name: L, phone: P, id: Id, created_at: Since, full_name: Whole",
            json!({"id": 1, "created_at": 1, "full_name": 1}),
        ),
        ("atom", "first_name: F, last_name: L, phone: P, full_name: Same, updated_at: Since", json!({"updated_at": 1})),
        ("eadesk", "first_name: Other, last_name: L, full_name: Same, phone: P", json!({"first_name": 1})),
        ("eadesk", "first_name: F, last_name: L, full_name: Same, phone: P, id: Id", json!({"id": 1})),
        (
            "eadesk",
            "first_name: F, last_name: L, full_name: { from: Whole, on_existing: fill }, phone: P",
            json!({"full_name": 1}),
        ),
        ("eadesk", "first_name: F, last_name: L, full_name: { from: None, default: Client }, phone: P", json!({})),
        ("eadesk", "full_name: Whole, last_name: { from: None, default: Client }, phone: P", json!({})),
        (
            "mercately",
            "first_name: { from: Other, on_existing: fill }, full_name: Whole, phone: P",
            json!({"first_name": 1}),
        ),
    ] {
        let scene = scene();
        scene.write("in.csv", "F,L,P,Id,Since,Whole,Same,Other,None\nZoe,Paz,+593991119999,777001,2026-01-01T00:00:00Z,Completely Different,\"Paz, Zoe\",Pia,\n");
        scene.write("map.yaml", &format!("contact: {{ {map} }}\n"));
        let summary = finished(&scene, &format!("import in.csv --map map.yaml --to {to}"));
        assert_eq!(summary["not_carried"], not_carried, "{to} {map}");
    }
}

#[test]
fn a_value_that_no_target_can_take_can_become_an_attribute_or_reject_the_record() {
    for (overflow, attributes, rejects) in [
        ("attributes", json!(["777001", "Completely Different"]), json!({})),
        ("reject", json!([]), json!({"value.not_held": 1})),
    ] {
        let scene = scene();
        scene.write("in.csv", "F,L,P,Id,Whole\nZoe,Paz,+593991119999,777001,Completely Different\n");
        let map = "contact: { first_name: F, last_name: L, phone: P, id: Id, full_name: Whole }";
        scene.write("map.yaml", &format!("{map}\noverflow: {overflow}\n"));
        let summary = finished(&scene, "import in.csv --map map.yaml --to mercately");
        assert_eq!((&summary["not_carried"], &summary["rejects"]), (&json!({}), &rejects), "{overflow}");
        let held = Value::from(scene.contacts("mercately")).to_string();
        let is_there = |value: &Value| held.contains(value.as_str().unwrap());
        assert!(attributes.as_array().unwrap().iter().all(is_there), "{overflow}: {held}");
    }
}

#[test]
fn what_otherwise_leaves_blank_is_listed() {
    let text = "name,plan,born,tags\nAna,x,31.12.2026,a;q;b\nEva,b,soon,a\n";
    let map = "contact:\n  first_name: name\n  tags: { from: tags, split: \";\", lookup: { a: A, b: B }, otherwise: blank }\n  attributes:\n    Plan: { from: plan, lookup: { b: Basic }, otherwise: blank }\n    Born: { from: born, date: \"%d.%m.%Y\", otherwise: blank }\n    Raw: { from: born, date: \"%d.%m.%Y\", otherwise: keep }\n";
    let (written, named, values) = converted("in.csv", text, Some(map), "out.jsonl");
    assert_eq!(named, json!({}));
    assert_eq!(written[0]["tags"], json!(["A", "B"]));
    assert_eq!(written[0]["attributes"], json!({"Born": "2026-12-31", "Raw": "2026-12-31"}));
    assert_eq!(written[1]["attributes"], json!({"Plan": "Basic", "Raw": "soon"}));
    assert_eq!(values, ["2,tags,value.lookup,q", "2,plan,value.lookup,x", "3,born,value.date,soon"]);
}

#[test]
fn a_value_that_only_fills_is_listed_where_a_further_record_replaces_it() {
    let text = "name,phone,zip,plan,city\nAna,+593995017733,z1,p1,\nAna,+593995017733,z2,p2,Quito\n";
    let fill = "on_existing: fill";
    let map = format!(
        "contact:\n  first_name: name\n  phone: phone\n  address: {{ zip: {{ from: zip, {fill} }}, city: {{ from: city, default: Loja }} }}\n  \
         attributes: {{ Plan: {{ from: plan, {fill} }} }}\nidentity: [phone]\n"
    );
    let (written, _, values) = converted("in.csv", text, Some(&map), "out.jsonl");
    assert_eq!(written[0]["address"], json!({"zip": "z2", "city": "Quito"}));
    assert_eq!(values, ["2,address.zip,duplicate.replaced,z1", "2,attributes.Plan,duplicate.replaced,p1"]);
}

#[test]
fn a_default_of_a_further_record_replaces_no_value() {
    let text = "name,phone,zip,plan\nAna,+593995017733,z1,p1\nAna,+593995017733,,\n";
    let rule = |column: &str| format!("{{ from: {column}, default: none, on_existing: fill }}");
    let map = format!(
        "contact:\n  first_name: name\n  phone: phone\n  address: {{ zip: {} }}\n  attributes: {{ Plan: {} }}\n\
         identity: [phone]\n",
        rule("zip"),
        rule("plan")
    );
    let lines: Vec<&str> = text.lines().collect();
    for (rows, listed) in [([1, 2], "z1 before"), ([2, 1], "z1 behind")] {
        let text = format!("{}\n{}\n{}\n", lines[0], lines[rows[0]], lines[rows[1]]);
        let (written, _, values) = converted("in.csv", &text, Some(&map), "out.jsonl");
        assert_eq!(written[0]["address"], json!({"zip": "z1"}), "{listed}");
        assert_eq!(written[0]["attributes"], json!({"Plan": "p1"}), "{listed}");
        assert!(values.is_empty(), "{listed}: {values:?}");
    }
}
