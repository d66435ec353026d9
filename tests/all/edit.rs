//! `ferry map edit`: changes of the form, who may ask, what is saved, and the page in a browser.

mod browser;
mod changes;
mod chromium;
mod http;

use crate::support::{PATIENCE, Running, Scene, ask};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::sync::mpsc;

/// A small file from an address book, with one of everything that the page shows.
const CONTACTS: &str = "\
Nombre;Apellido;Celular;Correo;Etiquetas;Nacimiento;Plan
María;Peña;+593991234567;maria@example.com;VIP,Cliente;03.05.1990;b
José;Núñez;+593987654321;jose@example.com;Cliente;24.12.1985;p
Ana;Ruiz;+593991112233;ana@example.com;;17.01.2000;b
";

/// The editor, as it runs.
struct Editing {
    running: Running,
    address: SocketAddr,
    token: String,
    /// What it prints on standard error after its address.
    err: mpsc::Receiver<String>,
}

/// Starts the editor; it has printed its address when this returns.
fn edit(scene: &Scene, words: &str) -> Editing {
    let mut running = scene.begin(&format!("map edit {words} --no-open"));
    let stderr = running.child().stderr.take().unwrap();
    let (sender, err) = mpsc::channel();
    std::thread::spawn(move || {
        let mut lines = BufReader::new(stderr);
        let mut line = String::new();
        while lines.read_line(&mut line).is_ok_and(|len| len > 0) {
            let _gone = sender.send(std::mem::take(&mut line));
        }
    });
    let mut printed = String::new();
    let url = loop {
        let line = err.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no address: {printed}"));
        if let Some((_, rest)) = line.split_once("the editor is at http://") {
            break rest.split(' ').next().unwrap().to_owned();
        }
        printed.push_str(&line);
    };
    let (address, token) = url.split_once("/#").unwrap();
    Editing { running, address: address.parse().unwrap(), token: token.to_owned(), err }
}

impl Editing {
    fn url(&self) -> String {
        format!("http://{}/#{}", self.address, self.token)
    }

    /// One request of the page.
    fn ask(&self, path: &str, body: &Value) -> (u16, Value) {
        let header = format!("Authorization: Bearer {}", self.token);
        let (status, body) = ask(self.address, &format!("POST {path}"), &header, &body.to_string()).unwrap();
        (status, serde_json::from_str(&body).unwrap_or(Value::String(body)))
    }

    /// What the page gets for a mapping after a change.
    fn preview(&self, seq: u64, yaml: &str, change: &Value) -> Value {
        let (status, body) =
            self.ask("/api/preview", &json!({ "page": 1, "seq": seq, "yaml": yaml, "change": change }));
        assert_eq!(status, 200, "{body}");
        body
    }

    /// Ends it from the page: exit code, standard output, standard error.
    fn close(mut self) -> (i32, String, String) {
        assert_eq!(self.ask("/api/close", &json!({})).0, 200);
        let mut out = self.running.child().stdout.take().unwrap();
        let ended = self.running.finish();
        let mut text = String::new();
        out.read_to_string(&mut text).unwrap();
        (ended.exit, text, self.err.iter().collect())
    }
}

fn scene_with(files: &[(&str, &str)]) -> Scene {
    let mut scene = Scene::without_sandbox();
    scene.set("MERCATELY_API_KEY", "none");
    files.iter().for_each(|(name, text)| scene.write(name, text));
    scene
}

#[test]
fn it_opens_with_the_suggestion_and_previews_as_an_import_would() {
    let scene = scene_with(&[("people.csv", CONTACTS)]);
    let suggested = scene.run("map suggest people.csv --to mercately --out other.yaml");
    assert_eq!(suggested.exit, 0, "{suggested:?}");
    let editing = edit(&scene, "people.csv --to mercately");
    let (_, opened) = editing.ask("/api/open", &json!({}));
    assert_eq!(opened["yaml"].as_str().unwrap().replace("people.yaml", "other.yaml"), scene.read("other.yaml"));
    assert_eq!((&opened["out"], &opened["platform"]), (&json!("people.yaml"), &json!("Mercately")));
    let column = &opened["columns"][2];
    assert_eq!(
        (&column["name"], &column["percent"], &column["field"]),
        (&json!("Celular"), &json!(100), &json!("phones"))
    );
    // A whole name is split, and of several phones the first is held.
    let held = |key: &str| {
        opened["fields"].as_array().unwrap().iter().find(|field| field["key"] == key).unwrap()["is_held"].clone()
    };
    assert_eq!(
        ["full_name", "phone", "phones", "address.country"].map(held),
        [true, true, false, false].map(Value::from)
    );
    let preview = editing.preview(1, opened["yaml"].as_str().unwrap(), &Value::Null);
    let tried = &preview["tried"];
    assert_eq!((&tried["ready"], &tried["rejects"], &preview["errors"]), (&json!(3), &json!(0), &json!([])));
    let first = &tried["first"][0];
    assert_eq!(first["line"], 2);
    let after: Vec<String> = first["after"].as_array().unwrap().iter().map(|one| one.to_string()).collect();
    assert!(after.contains(&r#"["phone","+593991234567"]"#.to_owned()), "{after:?}");
    assert!(first["before"].to_string().contains(r#"["Celular","+593991234567"]"#), "{first}");
    assert_eq!(editing.close(), (0, String::new(), "note: the mapping was not saved\n".to_owned()));
}

#[test]
fn an_error_keeps_its_field_and_its_place() {
    let scene = scene_with(&[("people.csv", CONTACTS)]);
    let editing = edit(&scene, "people.csv");
    let yaml = "phone_region: EC\ncontact:\n  first_name: Nombrre\n  phone: { from: Celular, spilt: \";\" }\n";
    let preview = editing.preview(1, yaml, &Value::Null);
    assert_eq!(preview["tried"], Value::Null);
    let error = &preview["errors"][0];
    assert_eq!((&error["line"], &error["column"], &error["field"]), (&json!(4), &json!(27), &json!("phone")));
    assert_eq!(error["hint"], "did you mean `split`?");
    // The form is there all the same; and a column that the file lacks is an error of its field.
    assert_eq!(preview["form"]["fields"][0]["columns"], json!(["Nombrre"]));
    let preview = editing.preview(2, "contact:\n  first_name: Nombrre\n  phone: Celular\n", &Value::Null);
    let error = &preview["errors"][0];
    assert_eq!((&error["field"], &error["hint"]), (&json!("first_name"), &json!("did you mean `Nombre`?")));
    assert_eq!(yaml_between(&preview), "Nombrre");
    // Text that is no YAML has no form, and the change of a form is refused.
    let preview = editing.preview(3, "contact: {", &json!({ "do": "remove", "field": "phone" }));
    assert_eq!((&preview["form"], &preview["yaml"]), (&Value::Null, &json!("contact: {")));
    assert_eq!(preview["refused"], "the mapping cannot be read; correct the YAML first");
}

/// What the place of the first error marks.
fn yaml_between(preview: &Value) -> String {
    let yaml: Vec<u16> = preview["yaml"].as_str().unwrap().encode_utf16().collect();
    let at = |name: &str| preview["errors"][0][name].as_u64().unwrap() as usize;
    String::from_utf16(&yaml[at("from")..at("to")]).unwrap()
}

#[test]
fn problems_duplicates_and_needs_are_told() {
    let rows = "Nombre,Apellido,Celular\nAna,Sol,0991234567\nEva,Sol,12\nAna,Sol,+593991234567\n";
    let scene = scene_with(&[("people.csv", rows)]);
    let editing = edit(&scene, "people.csv --to mercately");
    let yaml = "phone_region: EC\ncontact:\n  first_name: Nombre\n  phone: Celular\n";
    let tried = editing.preview(1, yaml, &Value::Null)["tried"].clone();
    assert_eq!((&tried["ready"], &tried["duplicates"]), (&json!(1), &json!(1)));
    assert_eq!(tried["rejected"], json!({ "phone.invalid": 1 }));
    assert_eq!(tried["first"][2]["duplicate_of"], 2);
    let rejected = &tried["first"][1];
    assert_eq!(
        (&rejected["problems"][0]["code"], &rejected["before"][2]),
        (&json!("phone.invalid"), &json!(["Celular", "12"]))
    );
    assert_eq!(tried["troubled"].as_array().unwrap().len(), 1);
    assert_eq!(tried["notices"], json!(["Mercately needs `last_name`, and no rule gives it"]));
    assert_eq!(tried["used"], json!(["Nombre", "Celular"]));
}

#[test]
fn the_mapping_says_how_the_file_is_read() {
    let scene = scene_with(&[("people.csv", "Our customers;;\nName;Mobile;Town\nAna Sol;+593991234567;Quito\n")]);
    let editing = edit(&scene, "people.csv");
    let preview =
        editing.preview(1, "read: { header_row: 2 }\ncontact: { full_name: Name, phone: Mobile }\n", &Value::Null);
    assert_eq!(preview["tried"]["first"][0]["after"], json!([["full_name", "Ana Sol"], ["phone", "+593991234567"]]));
    let yaml = "read: { columns: [a, b, c] }\ncontact: { full_name: a, phone: b }\n";
    let preview = editing.preview(2, yaml, &Value::Null);
    assert_eq!(preview["tried"]["records"], 3, "{preview}");
    let preview = editing.preview(3, "read: { sheet: Other }\ncontact: { full_name: Name }\n", &Value::Null);
    assert!(preview["tried"]["records"] == 1 || preview["errors"][0]["message"].is_string(), "{preview}");
}

#[test]
fn only_a_file_that_ferry_wrote_is_replaced() {
    let scene = scene_with(&[("people.csv", CONTACTS), ("own.yaml", "contact: { phone: Celular }\n")]);
    let refused = scene.run("map edit people.csv --out own.yaml --no-open");
    assert_eq!(refused.exit, 2);
    assert!(refused.err.contains("`own.yaml` exists, and Ferry did not write it"), "{refused:?}");
    assert_eq!(scene.run("map edit people.csv --out people.csv --no-open").exit, 2);
    assert_eq!(scene.run("map edit people.csv --map none.yaml --no-open").exit, 2);
    let editing = edit(&scene, "people.csv --map own.yaml --out new.yaml");
    let (_, opened) = editing.ask("/api/open", &json!({}));
    assert_eq!((&opened["yaml"], &opened["is_saved"]), (&json!("contact: { phone: Celular }\n"), &json!(false)));
    let save = |text: &str| editing.ask("/api/save", &json!({ "yaml": text })).1;
    assert_eq!(save("contact: { email: Correo }\n")["saved"], "new.yaml");
    assert_eq!(save("contact: { phone: Celular }\n")["next"], "ferry map check new.yaml people.csv");
    assert_eq!(scene.read("new.yaml"), "contact: { phone: Celular }\n");
    // Another program has changed it.
    scene.write("new.yaml", "contact: { tags: Etiquetas }\n");
    let error = &save("contact: {}\n")["error"];
    assert_eq!(error["message"], "`map edit --out`: `new.yaml` was changed since Ferry wrote it");
    assert_eq!(scene.read("new.yaml"), "contact: { tags: Etiquetas }\n");
    let (exit, out, _) = editing.close();
    assert_eq!((exit, out.as_str()), (0, "new.yaml is saved; use it with: ferry map check new.yaml people.csv\n"));
    // What Ferry wrote is opened and saved in place.
    let suggested = scene.run("map suggest people.csv --out again.yaml");
    assert_eq!(suggested.exit, 0, "{suggested:?}");
    let editing = edit(&scene, "people.csv --map again.yaml");
    let (_, opened) = editing.ask("/api/open", &json!({}));
    assert_eq!((&opened["out"], &opened["is_saved"]), (&json!("again.yaml"), &json!(true)));
    let (_, saved) = editing.ask("/api/save", &json!({ "yaml": "contact: { phone: Celular }\n" }));
    assert_eq!(saved["saved"], "again.yaml");
}

#[test]
fn a_page_that_is_opened_again_gets_its_answers_and_what_was_saved() {
    let scene = scene_with(&[("people.csv", CONTACTS)]);
    let editing = edit(&scene, "people.csv");
    let ask = |page: u64, seq: u64| {
        let body = json!({ "page": page, "seq": seq, "yaml": "contact: { email: Correo }" });
        editing.ask("/api/preview", &body)
    };
    assert_eq!(ask(7, 9).1["tried"]["records"], 3);
    // The page has asked for a newer one already.
    assert_eq!(ask(7, 8), (204, json!("")));
    assert_eq!(ask(8, 1).1["tried"]["records"], 3);
    assert_eq!(ask(7, 10).1["tried"]["records"], 3);
    editing.ask("/api/save", &json!({ "yaml": "contact: { email: Correo }" }));
    let (_, opened) = editing.ask("/api/open", &json!({}));
    assert_eq!((&opened["yaml"], &opened["is_saved"]), (&json!("contact: { email: Correo }"), &json!(true)));
}

#[test]
fn a_signal_is_its_normal_end() {
    let scene = scene_with(&[("people.csv", CONTACTS)]);
    let editing = edit(&scene, "people.csv");
    editing.running.signal("INT");
    assert_eq!(editing.running.finish().exit, 0);
}
