//! A snapshot finds what one reading of the target found, by id and by identity.

use super::folder;
use ferry::contact::Field;
use ferry::identity::IdentityValue;
use ferry::scratch::snapshot::Snapshot;
use std::fs;

fn phone(number: u64) -> IdentityValue {
    IdentityValue { field: Field::Phones, value: format!("5939912{number:05}") }
}

#[test]
fn a_snapshot_finds_by_id_and_by_identity() {
    let folder = folder();
    let mut filling = Snapshot::create(&folder.path().join("run")).unwrap();
    filling
        .add(1, &[("a", "{\"n\":1}", &[phone(1), phone(2)][..]), ("b", "{\"n\":2}", &[phone(2)]), ("c", "{}", &[])])
        .unwrap();
    filling.add(1, &[("a", "{\"n\":3}", &[phone(1), phone(1)][..]), ("d", "{\"n\":4}", &[phone(2)])]).unwrap();
    let snapshot = filling.done().unwrap();
    assert_eq!((snapshot.len(), snapshot.is_empty()), (4, false));
    let found = |id: &str, contact: &str| (id.to_owned(), contact.to_owned());
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
fn a_snapshot_of_an_empty_target_is_empty() {
    let folder = folder();
    let snapshot = Snapshot::create(folder.path()).unwrap().done().unwrap();
    assert!(snapshot.is_empty());
    assert_eq!(snapshot.by_identity(&phone(1)).unwrap(), []);
}
