//! A snapshot finds what one reading of the target found, by id and by identity.

use super::folder;
use ferry::contact::Field;
use ferry::identity::IdentityValue;
use ferry::scratch::snapshot::{Kept, Snapshot, SnapshotPage};
use std::fs;

fn phone(number: u64) -> IdentityValue {
    IdentityValue { field: Field::Phones, value: format!("5939912{number:05}") }
}

fn page(contacts: &[(&str, &str, &[IdentityValue])]) -> SnapshotPage {
    let mut page = SnapshotPage::default();
    contacts.iter().for_each(|(id, json, identities)| page.add(id, json, identities));
    page
}

#[test]
fn a_snapshot_finds_by_id_and_by_identity() {
    let folder = folder();
    let mut filling = Snapshot::create(&folder.path().join("run")).unwrap();
    let first = [("a", "{\"n\":1}", &[phone(1), phone(2)][..]), ("b", "{\"n\":2}", &[phone(2)]), ("c", "{}", &[])];
    assert_eq!(filling.add(1, &page(&first)).unwrap(), 3);
    let again = [("a", "{\"n\":3}", &[phone(1), phone(1)][..]), ("d", "{\"n\":4}", &[phone(2)])];
    assert_eq!(filling.add(1, &page(&again)).unwrap(), 1);
    let snapshot = filling.done().unwrap();
    assert_eq!((snapshot.len(), snapshot.is_empty()), (4, false));
    let found = |id: &str, contact: &str| Kept { id: id.to_owned(), json: contact.to_owned() };
    let by = |number| snapshot.by_identity(&phone(number)).unwrap();
    assert_eq!(by(1), [found("a", "{\"n\":3}")]);
    assert_eq!(by(2), [found("b", "{\"n\":2}"), found("d", "{\"n\":4}")]);
    assert_eq!(by(3), []);
    assert_eq!(snapshot.by_id("a").unwrap().as_deref(), Some("{\"n\":3}"));
    assert_eq!(snapshot.by_id("z").unwrap(), None);
    drop(snapshot);
    assert_eq!(fs::read_dir(folder.path().join("run")).unwrap().count(), 0);
}

#[test]
fn each_pass_counts_the_contacts_that_it_has_not_met() {
    let folder = folder();
    let mut filling = Snapshot::create(folder.path()).unwrap();
    let contacts = |from: u64, to: u64| {
        let mut page = SnapshotPage::default();
        (from..to).for_each(|number| page.add(&format!("c{number}"), &format!("{{\"n\":{number}}}"), &[phone(number)]));
        page
    };
    // More than stay in memory, so that some are looked for on the disk.
    let (len, more) = (300_000, 300_100);
    assert_eq!(filling.add(1, &contacts(0, len)).unwrap(), len);
    assert_eq!(filling.add(1, &contacts(0, 100)).unwrap(), 0);
    assert_eq!(filling.add(2, &contacts(0, 200)).unwrap(), 200);
    assert_eq!(filling.add(2, &contacts(100, 300)).unwrap(), 100);
    assert_eq!(filling.add(2, &contacts(len, more)).unwrap(), 100);
    assert_eq!(filling.len(), more);
    let snapshot = filling.done().unwrap();
    for number in [0, 150, 299, 100_000, len - 1, len, more - 1] {
        let json = format!("{{\"n\":{number}}}");
        assert_eq!(snapshot.by_id(&format!("c{number}")).unwrap().as_ref(), Some(&json));
        assert_eq!(snapshot.by_identity(&phone(number)).unwrap(), [Kept { id: format!("c{number}"), json }]);
    }
    assert_eq!(snapshot.by_id(&format!("c{more}")).unwrap(), None);
}

#[test]
fn a_contact_of_any_length_is_read_whole() {
    let folder = folder();
    let mut filling = Snapshot::create(folder.path()).unwrap();
    let texts: Vec<String> = (0..4).map(|nth| "é".repeat(400 * nth * nth * nth)).collect();
    let mut page = SnapshotPage::default();
    texts.iter().enumerate().for_each(|(nth, text)| page.add(&nth.to_string(), text, &[]));
    filling.add(1, &page).unwrap();
    let snapshot = filling.done().unwrap();
    for (nth, text) in texts.iter().enumerate() {
        assert_eq!(snapshot.by_id(&nth.to_string()).unwrap().as_ref(), Some(text));
    }
}

#[test]
fn a_snapshot_of_an_empty_target_is_empty() {
    let folder = folder();
    let snapshot = Snapshot::create(folder.path()).unwrap().done().unwrap();
    assert!(snapshot.is_empty());
    assert_eq!(snapshot.by_identity(&phone(1)).unwrap(), []);
}
