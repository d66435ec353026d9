//! Lists of objects in JSON: each value arrives as what it is, and what a label says of it counts.

use crate::support::{ferry, folder_with, json_lines, run};
use serde_json::json;
use std::fs;

const RECORD: &str = r#"{"names":[{"given":"Eva","family":"Stone"},{"given":"Evi","family":"Steen"}],
    "phones":[{"type":"home fax","number":"+1 415 555 0177"},{"type":"work","number":"+1 415 555 0178"},{"type":"mobile","number":"+1 415 555 0179"}],
    "emails":[{"email":"eva@example.com","primary":true},{"email":"e2@example.com","primary":false}],
    "addresses":[{"city":"Reno","country":"US"},{"city":"Lima","country":"PE"}],
    "tags":[{"id":1,"name":"vip"},{"id":2,"name":"new"}],"orders":[{"id":7}]}"#;

#[test]
fn each_value_of_a_list_arrives_with_and_without_a_mapping() {
    let folder = folder_with(&[("book.json", &format!("[{RECORD}]"))]);
    let suggested = run(ferry(folder.path(), "map suggest book.json --out map.yaml"));
    assert_eq!(suggested.exit, 0, "{suggested:?}");
    for words in ["", "--map map.yaml"] {
        let ended = run(ferry(folder.path(), &format!("convert book.json --out out.jsonl --state st {words}")));
        assert_eq!(ended.exit, 0, "{ended:?}");
        let contact = &json_lines(&fs::read_to_string(folder.path().join("out.jsonl")).unwrap())[0];
        assert_eq!((&contact["first_name"], &contact["last_name"]), (&json!("Eva"), &json!("Stone")), "{contact}");
        assert_eq!(contact["phones"], json!(["+14155550178", "+14155550179"]));
        assert_eq!(contact["emails"], json!(["eva@example.com", "e2@example.com"]));
        assert_eq!(contact["tags"], json!(["vip", "new"]));
        assert_eq!(contact["address"], json!({"city": "Reno", "country": "US"}));
        // What is left of the lists is kept too.
        let attributes = contact["attributes"].to_string();
        for value in ["Steen", "Evi", "Lima", "PE", "7"] {
            assert!(attributes.contains(value), "{words} {value}: {contact}");
        }
        assert!(ended.printed().contains("phone.fax  1"), "{ended:?}");
    }
}
