//! vCards that are written: what is read back is the contact that was written.

use super::super::support::{Ended, ferry as command, folder_with, run};
use super::told;
use ferry::contact::{Contact, Field};
use ferry::files::{CardVersion, ReadOptions, open, put_card};
use ferry::record::Fields;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

fn ferry(folder: &Path, line: &str) -> Ended {
    run(command(folder, &format!("{line} --state state")))
}

fn contact_of(value: &Value) -> Contact {
    Contact::from_json(value.as_object().unwrap())
}

fn card_of(contact: &Contact) -> String {
    let mut out = Vec::new();
    put_card(contact, CardVersion::V3, &mut out);
    String::from_utf8(out).unwrap()
}

/// The same of version 4.0.
fn newer_card_of(contact: &Contact) -> String {
    let mut out = Vec::new();
    put_card(contact, CardVersion::V4, &mut out);
    String::from_utf8(out).unwrap()
}

/// The contact that is read from a card.
fn read(card: &str) -> Contact {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.vcf");
    fs::write(&path, card).unwrap();
    let items: Vec<_> = open(&path, "x.vcf", &ReadOptions::default()).unwrap().source.collect();
    let [Ok(record)] = items.as_slice() else { panic!("{:?}\n{card}", items.iter().map(told).collect::<Vec<_>>()) };
    let Fields::Json(value) = &record.fields else { panic!("a card is an object") };
    contact_of(value)
}

#[test]
fn a_contact_is_written_as_phones_read_it() {
    let contact = contact_of(&json!({
        "id": "7", "first_name": "Ana María", "last_name": "Ruiz; Gil", "phones": ["+593991234561", "+59322345678"],
        "emails": ["ana@example.com"], "handles": ["skype:ana"], "tags": ["VIP", "Quito, Norte"],
        "address": {"street": "Calle 10", "city": "Quito", "country": "EC"}, "notes": "first\nsecond, \\ third",
        "document": {"number": "17"}, "owner": {"email": "eva@example.com"},
        "attributes": {"Company": "ACME", "Department": "Sales", "Birthday": "1988-03-14", "Saldo": "1,5",
            "Note 2": format!("{} ñ", "long ".repeat(20).trim())},
    }));
    assert_eq!(
        card_of(&contact),
        "BEGIN:VCARD\r\nVERSION:3.0\r\nN:Ruiz\\; Gil;Ana María;;;\r\nFN:Ana María Ruiz\\; Gil\r\n\
         TEL;TYPE=VOICE,PREF:+593991234561\r\nTEL;TYPE=VOICE:+59322345678\r\nEMAIL;TYPE=INTERNET:ana@example.com\r\n\
         ADR:;;Calle 10;Quito;;;EC\r\nIMPP:skype:ana\r\nCATEGORIES:VIP,Quito\\, Norte\r\nORG:ACME;Sales\r\n\
         BDAY:1988-03-14\r\nitem1.X-ATTRIBUTE:1\\,5\r\nitem1.X-ABLabel:Saldo\r\n\
         item2.X-ATTRIBUTE:long long long long long long long long long long long lo\r\n ng long long long long long \
         long long long ñ\r\nitem2.X-ABLabel:Note 2\r\n\
         NOTE:first\\nsecond\\, \\\\ third\r\nUID:7\r\nitem3.X-FIELD:17\r\nitem3.X-ABLabel:document.number\r\n\
         item4.X-FIELD:eva@example.com\r\nitem4.X-ABLabel:owner.email\r\nEND:VCARD\r\n"
    );
    assert_eq!(Value::Object(read(&card_of(&contact)).to_json())["document"], json!({"number": "17"}));
}

#[test]
fn names_are_written_in_both_forms() {
    for (contact, names) in [
        (json!({"full_name": "Ana María de la Cruz"}), "N:María de la Cruz;Ana;;;\r\nFN:Ana María de la Cruz\r\n"),
        (json!({"full_name": "Ana"}), "N:;Ana;;;\r\nFN:Ana\r\n"),
        (json!({"last_name": "Ruiz"}), "N:Ruiz;;;;\r\nFN:Ruiz\r\n"),
        (json!({"first_name": "Ana", "full_name": "La Doctora"}), "N:;Ana;;;\r\nFN:La Doctora\r\n"),
        (json!({"emails": ["a@b.c"]}), "N:;;;;\r\nFN:a@b.c\r\n"),
        (
            json!({"first_name": "Ana", "attributes": {"Name Prefix": "Dra.", "Name Suffix": "MSc"}}),
            "N:;Ana;;Dra.;MSc\r\nFN:Ana\r\n",
        ),
    ] {
        let card = card_of(&contact_of(&contact));
        assert!(card.contains(names), "{card}");
    }
}

#[test]
fn a_list_becomes_cards_and_cards_become_contacts_again() {
    let csv = "First Name,Last Name,Phone,Tags,Plan\nAna,Ruiz,+593991234561,VIP,Gold\nEva,Gil,12,,\n";
    let folder = folder_with(&[("in.csv", csv), ("rows.yaml", "columns: { Phone: phone }\n")]);
    let ended = ferry(folder.path(), "convert in.csv --region none --out out.vcf --results results.csv");
    assert_eq!(ended.exit, 3, "{}", ended.err);
    let card = fs::read_to_string(folder.path().join("out.vcf")).unwrap();
    assert_eq!(card.matches("BEGIN:VCARD").count(), 1, "{card}");
    let to = "--to mercately --sandbox --rate none --region none";
    let ended = ferry(folder.path(), &format!("import out.vcf {to}"));
    assert_eq!(ended.exit, 0, "{}", ended.err);
    let export = ferry(folder.path(), "export --from mercately --sandbox --rate none --out all.vcf.gz");
    assert_eq!(export.exit, 0, "{}", export.err);
    let ended = ferry(folder.path(), "convert all.vcf.gz --out back.jsonl");
    assert_eq!(ended.exit, 0, "{}", ended.err);
    let back: Value = serde_json::from_slice(&fs::read(folder.path().join("back.jsonl")).unwrap()).unwrap();
    for (at, expected) in [("first_name", "Ana"), ("last_name", "Ruiz"), ("phone", "+593991234561")] {
        assert_eq!(back[at], expected, "{back}");
    }
    assert_eq!((&back["tags"], &back["attributes"]["Plan"]), (&json!(["VIP"]), &json!("Gold")), "{back}");
    for (line, told) in [
        (
            "convert in.csv --map rows.yaml --out out.vcf",
            "the mapping has `columns`, and a vCard has the fields of a contact only",
        ),
        (
            "convert in.csv --out out.csv --results results.vcf",
            "`--results`: the name of `results.vcf` does not name a format",
        ),
        (
            "export --from mercately --sandbox --what agents --out out.vcf",
            "`--what agents` cannot be written as vCards, which hold contacts only",
        ),
    ] {
        let ended = ferry(folder.path(), line);
        assert_eq!((ended.exit, ended.err.contains(told)), (2, true), "{line}: {}", ended.err);
    }
}

/// A text that a contact can hold.
fn text() -> impl Strategy<Value = String> {
    "[ -~ñЖ👍]{1,90}".prop_filter_map("blank", |text| Some(text.trim().to_owned()).filter(|text| !text.is_empty()))
}

fn word() -> impl Strategy<Value = String> {
    "[A-Za-zñЖ;\\\\]{1,30}"
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    /// A contact that is written is the contact that is read.
    #[test]
    fn what_is_written_is_read(
        (first, last, notes) in (word(), word(), proptest::collection::vec(text(), 0..3)),
        tags in proptest::collection::hash_set(text(), 0..4),
        attributes in proptest::collection::btree_map("[A-Za-z ]{1,20}X", text(), 0..5),
        address in proptest::collection::vec(text(), 5),
        phones in proptest::collection::hash_set("\\+[1-9][0-9]{8,12}", 0..4),
    ) {
        let mut contact = Contact::default();
        contact.set_text(Field::FirstName, first);
        contact.set_text(Field::LastName, last);
        contact.set_text(Field::Notes, notes.join("\n"));
        for (field, text) in [Field::Street, Field::City, Field::State, Field::Zip, Field::Country].into_iter().zip(address) {
            contact.set_text(field, text);
        }
        let is_of_system = |tag: &String| tag.starts_with("* ") || tag.to_lowercase().contains("contacts") || tag == "starred";
        contact.list_mut(Field::Tags).extend(tags.into_iter().filter(|tag| !is_of_system(tag)));
        contact.list_mut(Field::Phones).extend(phones);
        for (name, value) in attributes {
            contact.set_attribute(name.trim(), value);
        }
        let card = card_of(&contact);
        prop_assert!(card.split("\r\n").all(|line| line.len() <= 75), "{}", card);
        let mut back = read(&card);
        prop_assert_eq!(back.whole_name(), contact.whole_name());
        back.remove(Field::FullName);
        prop_assert_eq!(Value::Object(back.to_json()), Value::Object(contact.to_json()), "{}", card);
    }
}

#[test]
fn cards_of_version_4_are_written_where_a_mapping_says_so() {
    let contact = contact_of(&json!({
        "first_name": "Ana", "last_name": "Ruiz", "phones": ["+593991234561", "+59322345678", "ext. 12 of the office"],
        "emails": ["ana@example.com", "a@example.org"], "handles": ["skype:ana"], "tags": ["VIP"],
        "attributes": {"Company": "ACME", "Birthday": "1988-03-14"},
    }));
    let card = newer_card_of(&contact);
    assert_eq!(
        card,
        "BEGIN:VCARD\r\nVERSION:4.0\r\nN:Ruiz;Ana;;;\r\nFN:Ana Ruiz\r\n\
         TEL;VALUE=uri;TYPE=voice;PREF=1:tel:+593991234561\r\nTEL;VALUE=uri;TYPE=voice:tel:+59322345678\r\n\
         TEL;VALUE=text;TYPE=voice:ext. 12 of the office\r\nEMAIL:ana@example.com\r\nEMAIL:a@example.org\r\n\
         IMPP:skype:ana\r\nCATEGORIES:VIP\r\nORG:ACME\r\nBDAY:19880314\r\nEND:VCARD\r\n"
    );
    // Both versions are read as the same contact.
    let [older, newer] = [card_of(&contact), card].map(|card| Value::Object(read(&card).to_json()));
    assert_eq!(older, newer);
    let folder = folder_with(&[
        ("in.csv", "First,Phone\nAna,+593991234561\n"),
        ("new.yaml", "contact: { first_name: First, phone: Phone }\nwrite: { version: 4.0 }\n"),
        ("old.yaml", "contact: { first_name: First, phone: Phone }\n"),
        ("bad.yaml", "contact: { first_name: First, phone: Phone }\nwrite: { version: 2.1 }\n"),
    ]);
    for (map, version) in [("new", "VERSION:4.0"), ("old", "VERSION:3.0")] {
        let ended = ferry(folder.path(), &format!("convert in.csv --map {map}.yaml --out {map}.vcf"));
        assert_eq!(ended.exit, 0, "{}", ended.err);
        let cards = fs::read_to_string(folder.path().join(format!("{map}.vcf"))).unwrap();
        assert!(cards.contains(version), "{cards}");
    }
    let ended = ferry(folder.path(), "convert in.csv --map bad.yaml --out bad.vcf");
    assert!(ended.exit == 2 && ended.err.contains("`version` must be `3.0` or `4.0`"), "{}", ended.err);
}
