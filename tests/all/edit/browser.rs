//! The page in a real browser: by keyboard alone from the suggestion to an import, without a message on the console or a
//! request to another place, and with a hostile file.

use super::chromium::Chromium;
use super::{CONTACTS, edit, scene_with};
use crate::support::{browser, left_out, scene};
use serde_json::{Value, json};

fn start() -> Option<Chromium> {
    let started = browser().and_then(|program| Chromium::start(&program));
    if started.is_none() {
        left_out("the editor was not opened in a browser: there is none, or it does not work here");
    }
    started
}

const SHOWN: &str = "document.querySelectorAll('.contact').length > 0 && !document.body.hasAttribute('aria-busy')";

/// The values of a contact that the page shows, `name: value`.
fn values(chromium: &mut Chromium, nth: usize) -> Vec<String> {
    let shown = chromium.value(&format!(
        "[...document.querySelectorAll('.contact')[{nth}].querySelector('dl.values').children].map((one) => one.textContent)"
    ));
    let texts: Vec<String> = shown.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect();
    texts.chunks(2).map(|pair| pair.join(": ")).collect()
}

/// Fails where something was printed on the console, or asked of another place than the editor.
fn check_quiet(chromium: &mut Chromium, origin: &str) {
    for event in &chromium.events {
        let method = event["method"].as_str().unwrap_or_default();
        let is_loud = ["Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"].contains(&method);
        assert!(!is_loud, "{event}");
        let url = event["params"]["request"]["url"].as_str().unwrap_or_default();
        let is_request = method == "Network.requestWillBeSent";
        assert!(!is_request || url.starts_with(origin), "asked for {url}");
    }
}

#[test]
fn a_mapping_is_edited_by_keyboard_alone_and_its_file_imports() {
    let Some(mut chromium) = start() else { return };
    let scene = scene(|_| ());
    scene.write("people.csv", CONTACTS);
    let editing = edit(&scene, "people.csv --to mercately");
    chromium.open(&editing.url());
    chromium.wait(SHOWN);
    assert!(values(&mut chromium, 0).contains(&"First name: María".to_owned()));
    let suggested = chromium.value("document.getElementById('yaml').value");

    // A field gets another column.
    chromium.press("F6", 117, false);
    chromium.press("F6", 117, false);
    chromium.tab_to("first_name/column/0");
    chromium.press("ArrowDown", 40, false);
    chromium.wait("document.querySelector('.contact dl').textContent.includes('First namePeña')");
    assert_eq!(chromium.value("document.activeElement.dataset.key"), "first_name/column/0");
    chromium.press("z", 90, true);
    chromium.wait("document.querySelector('.contact dl').textContent.includes('First nameMaría')");
    assert_eq!(chromium.value("document.getElementById('yaml').value"), suggested);

    // A verb, an invalid one first: the contacts of before stay, with the message beside the field.
    chromium.tab_to("attributes.Nacimiento/options");
    chromium.press("Enter", 13, false);
    chromium.tab_to("attributes.Nacimiento/verb/date");
    let before = values(&mut chromium, 0);
    chromium.value("document.activeElement.select()");
    chromium.write("%Q");
    chromium.press("Enter", 13, false);
    chromium.wait("document.querySelector('.rule.wrong .error')");
    assert!(chromium.value("document.querySelector('.rule.wrong').id") == json!("rule-attributes.Nacimiento"));
    assert_eq!(values(&mut chromium, 0), before);
    chromium.value("document.activeElement.select()");
    chromium.write("%d.%m.%Y");
    chromium.press("Enter", 13, false);
    chromium.wait("!document.querySelector('.error')");
    assert!(values(&mut chromium, 0).contains(&"Nacimiento: 1990-05-03".to_owned()));

    // Saved, it is what the page shows, and imports.
    chromium.press("s", 83, true);
    chromium.wait("document.getElementById('message').textContent.includes('Saved to people.yaml')");
    let shown = chromium.value("document.getElementById('yaml').value");
    assert_eq!(scene.read("people.yaml"), shown.as_str().unwrap());
    assert!(scene.read("people.yaml").contains("date: \"%d.%m.%Y\""));
    chromium.tab_to("done");
    chromium.press("Enter", 13, false);
    chromium.wait("document.body.textContent.includes('The editor has ended')");
    check_quiet(&mut chromium, &format!("http://{}/", editing.address));
    assert_eq!(editing.running.finish().exit, 0);
    let imported = scene.run("import people.csv --to mercately --map people.yaml");
    assert_eq!(imported.exit, 0, "{imported:?}");
    assert_eq!(scene.contacts("mercately").len(), 3);
}

#[test]
fn every_control_has_a_name_and_the_yaml_can_be_typed() {
    let Some(mut chromium) = start() else { return };
    let scene = scene_with(&[("people.csv", CONTACTS)]);
    let editing = edit(&scene, "people.csv");
    chromium.open(&editing.url());
    chromium.wait(SHOWN);
    chromium.value("document.querySelectorAll('details').forEach((one) => { one.open = true; })");
    let tree = chromium.call("Accessibility.getFullAXTree", &json!({}));
    let roles = ["button", "textbox", "combobox", "checkbox", "searchbox", "MenuListPopup", "disclosureTriangle"];
    let mut seen = 0;
    for node in tree["nodes"].as_array().unwrap() {
        let role = node["role"]["value"].as_str().unwrap_or_default();
        if roles[..5].contains(&role) && node["ignored"] != json!(true) {
            seen += 1;
            let name = node["name"]["value"].as_str().unwrap_or_default();
            assert!(!name.trim().is_empty(), "a {role} without a name: {node}");
        }
    }
    assert!(seen > 30, "only {seen} controls");
    // Typed into the mapping; a mistake is told with its place, and its line can be reached.
    let yaml = "phone_region: EC\ncontact:\n  frist_name: Nombre\n  phone: Celular\n";
    chromium.value("document.getElementById('yaml').focus(); document.getElementById('yaml').select()");
    chromium.write(yaml);
    chromium.wait("document.querySelector('#errors li')");
    assert_eq!(
        chromium.value("document.querySelector('#errors li').textContent").as_str().unwrap(),
        "line 3 a contact has no field frist_namedid you mean first_name?"
    );
    assert!(chromium.value("document.getElementById('counts').textContent").as_str().unwrap().starts_with("1 error"));
    chromium.value("document.querySelector('#errors button').click()");
    let marked = "(() => { const area = document.getElementById('yaml'); return area.value.slice(area.selectionStart, area.selectionEnd); })()";
    assert_eq!(chromium.value(marked), "frist_name");
    chromium.write("first_name");
    chromium.wait("!document.querySelector('#errors li') && document.querySelector('#rule-first_name')");
    assert_eq!(values(&mut chromium, 1), ["First name: José", "Phone: +593987654321"]);
    check_quiet(&mut chromium, &format!("http://{}/", editing.address));
}

#[test]
fn nothing_in_a_hostile_file_is_obeyed() {
    let Some(mut chromium) = start() else { return };
    let evil = "<script>window.ran = 1</script><img src=x onerror='window.ran = 1'>";
    let long = "x".repeat(100_000);
    let rows = format!(
        "Name,\"{evil}\",</textarea>,Phone,مدينة\n\"{evil}\",</textarea><b>x,{long},+593991234567,\u{202e}القاهرة\n</title>,${{x}},{{{{ 1 }}}},+593987654321,\"a\u{0}b\"\n"
    );
    let scene = scene_with(&[("evil.csv", &rows)]);
    let editing = edit(&scene, "evil.csv");
    chromium.open(&editing.url());
    chromium.wait(SHOWN);
    chromium.value("document.querySelectorAll('details').forEach((one) => { one.open = true; })");
    assert_eq!(chromium.value("typeof window.ran"), "undefined");
    assert_eq!(chromium.value("document.querySelectorAll('img, b, main script').length"), 0);
    assert_eq!(chromium.value("document.querySelectorAll('.column').length"), 5);
    let wide: Value = chromium.value("document.documentElement.scrollWidth <= document.documentElement.clientWidth");
    assert_eq!(wide, json!(true), "the page is wider than the window");
    check_quiet(&mut chromium, &format!("http://{}/", editing.address));
}
