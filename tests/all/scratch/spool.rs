//! The spool: what was read of a source, each once, found again after any end.

use super::folder;
use ferry::contact::Field;
use ferry::files::ReadFault;
use ferry::outcome::Failure;
use ferry::record::{Fields, Origin};
use ferry::scratch::spool::{Batch, Completeness, Kind, Pass, Reading, Row, Spool, Sums};
use ferry::scratch::texts::Texts;
use std::fs;
use std::path::Path;

fn batch(read: &[(&str, &str)], known: &[&str], missing: &[&str]) -> Batch {
    let owned = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
    let read = read.iter().copied().collect();
    Batch { read, known: owned(known), missing: owned(missing) }
}

fn at(after: &str) -> Reading {
    Reading { pass: 1, after: Some(after.to_owned()), total: Some(9), ..Reading::default() }
}

fn ids(spool: &Spool) -> Vec<String> {
    spool.rows(0).unwrap().into_iter().map(|row| row.id).collect()
}

fn missing(spool: &Spool) -> Vec<String> {
    let mut ids = Vec::new();
    let tell = |id: &str| {
        ids.push(id.to_owned());
        Ok(())
    };
    spool.for_each_missing(tell).unwrap();
    ids
}

#[test]
fn a_spool_resumes_with_its_last_page() {
    let folder = folder();
    let path = folder.path().join("run/source.db");
    let mut spool = Spool::open(&path, Kind::Contacts).unwrap();
    assert_eq!((spool.is_empty(), spool.reading().unwrap()), (true, Reading::default()));
    spool.add(1, &batch(&[("a", "{}"), ("b", "{}")], &[], &["x"]), |_| at("2")).unwrap();
    spool.add(1, &batch(&[("c", "{}")], &[], &[]), |_| at("3")).unwrap();
    spool.commit().unwrap();
    spool.add(1, &batch(&[("d", "{}")], &[], &[]), |_| at("4")).unwrap();
    assert_eq!(
        (spool.len(), spool.reading().unwrap()),
        (4, at("4")),
        "what is not committed is seen by its own process"
    );
    drop(spool);
    let spool = Spool::open(&path, Kind::Contacts).unwrap();
    assert_eq!((spool.len(), spool.reading().unwrap()), (3, at("3")));
    assert_eq!((ids(&spool), missing(&spool)), (vec!["a".into(), "b".into(), "c".into()], vec!["x".to_owned()]));
}

#[test]
fn a_killed_process_loses_few_batches_that_nobody_committed() {
    let folder = folder();
    let path = folder.path().join("source.db");
    let mut spool = Spool::open(&path, Kind::Contacts).unwrap();
    for no in 0..100 {
        spool.add(1, &batch(&[(&format!("p{no}"), "{}")], &[], &[]), |_| at(&no.to_string())).unwrap();
    }
    drop(spool);
    let spool = Spool::open(&path, Kind::Contacts).unwrap();
    let after: u64 = spool.reading().unwrap().after.unwrap().parse().unwrap();
    assert_eq!(spool.len(), after + 1, "the contacts and how far the reading is are committed together");
    assert!(spool.len() > 100 - 32, "{} of 100", spool.len());
}

#[test]
fn a_later_version_takes_the_place_of_the_earlier_one() {
    let folder = folder();
    let path = folder.path().join("source.db");
    let mut spool = Spool::open(&path, Kind::Contacts).unwrap();
    spool.add(1, &batch(&[("a", r#"{"notes":"1"}"#), ("b", "{}")], &[], &[]), |_| at("2")).unwrap();
    spool.add(2, &batch(&[("c", "{}"), ("a", r#"{"notes":"2"}"#)], &[], &[]), |_| at("3")).unwrap();
    assert_eq!(
        spool.rows(0).unwrap().into_iter().map(|Row { ordinal, id, json }| (ordinal, id, json)).collect::<Vec<_>>(),
        [
            (0, "a".to_owned(), r#"{"notes":"2"}"#.to_owned()),
            (1, "b".to_owned(), "{}".to_owned()),
            (2, "c".to_owned(), "{}".to_owned())
        ]
    );
    assert_eq!(spool.json_of("a").unwrap().as_deref(), Some(r#"{"notes":"2"}"#));
}

#[test]
fn the_totals_count_records_that_a_pass_has_not_reached() {
    let folder = folder();
    let mut spool = Spool::open(&folder.path().join("source.db"), Kind::Contacts).unwrap();
    let cases = [
        (1, batch(&[("a", "{}"), ("a", "{}"), ("b", "{}")], &[], &["x"]), (3, 2, 1)),
        (1, batch(&[("a", "{}")], &["b", "x", "nobody"], &["x"]), (0, 2, 1)),
        (2, batch(&[("a", "{}")], &["b", "x"], &[]), (3, 2, 1)),
        (2, batch(&[("x", "{}")], &[], &[]), (1, 3, 0)),
    ];
    for (pass, batch, (news, held, missing)) in cases {
        let mut seen = Sums::default();
        let then = |sums: &Sums| {
            seen = *sums;
            at("2")
        };
        spool.add(pass, &batch, then).unwrap();
        assert_eq!(seen, Sums { news, held, missing }, "{batch:?}");
        assert_eq!(spool.sums(), seen);
    }
    assert!(spool.knows("x").unwrap() && spool.has("x").unwrap() && !spool.knows("nobody").unwrap());
}

#[test]
fn its_records_are_contacts_or_objects_in_the_order_of_first_meeting() {
    let folder = folder();
    let json = r#"{"id":"a","first_name":"Ana","native":{"stage":"new"}}"#;
    let contacts = folder.path().join("contacts.db");
    let mut spool = Spool::open(&contacts, Kind::Contacts).unwrap();
    let many: Texts = (0..600).map(|no| (format!("p{no}"), json.to_owned())).collect();
    spool.add(1, &Batch { read: many, ..Batch::default() }, |_| at("2")).unwrap();
    spool.commit().unwrap();
    let records: Vec<_> = spool.source().unwrap().map(Result::unwrap).collect();
    assert_eq!(records.len(), 600);
    for (no, record) in records.iter().enumerate() {
        assert_eq!(record.origin, Origin { ordinal: no as u64, line: no as u64 + 1 });
        assert_eq!(&*record.raw, json.as_bytes());
        let Fields::Contact(contact) = &record.fields else { panic!("no contact") };
        assert_eq!(contact.text(Field::FirstName), Some("Ana"));
        assert_eq!(contact.native.get("stage").unwrap(), "new");
    }
    let mut spool = Spool::open(&folder.path().join("objects.db"), Kind::Objects).unwrap();
    spool.add(1, &batch(&[("a", r#"{"b":1,"a":2}"#)], &[], &[]), |_| at("2")).unwrap();
    spool.commit().unwrap();
    let record = spool.source().unwrap().next().unwrap().unwrap();
    let Fields::Json(object) = record.fields else { panic!("no object") };
    assert_eq!(object.to_string(), r#"{"b":1,"a":2}"#);
}

#[test]
fn a_damaged_spool_is_an_error_with_a_hint() {
    let folder = folder();
    let shown = |failure: &Failure, path: &Path| {
        format!("{} {} | {}", failure.exit.code(), failure.message, failure.hint.clone().unwrap())
            .replace(&path.display().to_string(), "PATH")
    };
    let expected = "1 `PATH`, which keeps what was read, is damaged | delete `PATH`, and everything is read again";

    let text = folder.path().join("text.db");
    fs::write(&text, "this is no database, however long it is, and it is long enough to be one".repeat(40)).unwrap();
    assert_eq!(shown(&Spool::open(&text, Kind::Contacts).err().unwrap(), &text), expected);

    let rows = folder.path().join("rows.db");
    let mut spool = Spool::open(&rows, Kind::Contacts).unwrap();
    spool.add(1, &batch(&[("a", "{}"), ("b", "[1]"), ("c", "{}")], &[], &[]), |_| at("2")).unwrap();
    spool.commit().unwrap();
    let mut source = spool.source().unwrap();
    assert!(source.next().unwrap().is_ok());
    let Some(Err(ReadFault::Fatal(failure))) = source.next() else { panic!("a row that is no object was read") };
    assert_eq!(shown(&failure, &rows), expected);
    assert!(source.next().is_none(), "nothing comes after it");

    let cut = folder.path().join("cut.db");
    let mut spool = Spool::open(&cut, Kind::Contacts).unwrap();
    let many: Texts = (0..2_000).map(|no| (format!("p{no}"), format!(r#"{{"id":"p{no}"}}"#))).collect();
    spool.add(1, &Batch { read: many, ..Batch::default() }, |_| at("2")).unwrap();
    spool.commit().unwrap();
    drop(spool);
    // The log of the last writes goes into the file.
    rusqlite::Connection::open(&cut).unwrap().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let bytes = fs::read(&cut).unwrap();
    fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    let failure = match Spool::open(&cut, Kind::Contacts) {
        Err(failure) => failure,
        Ok(spool) => match spool.source().unwrap().find_map(Result::err) {
            Some(ReadFault::Fatal(failure)) => failure,
            other => panic!("half of it passed for all: {other:?}"),
        },
    };
    assert_eq!(shown(&failure, &cut), expected);
}

#[test]
fn how_a_reading_is_known_to_be_whole_has_stable_names() {
    for (completeness, expected) in [
        (Completeness::Counted, "\"counted\""),
        (Completeness::Repeated, "\"repeated\""),
        (Completeness::Unproven, "\"unproven\""),
    ] {
        assert_eq!(serde_json::to_string(&completeness).unwrap(), expected);
    }
}

#[test]
fn what_a_pass_met_on_pages_that_were_the_same_is_not_new_to_it() {
    let folder = folder();
    let mut spool = Spool::open(&folder.path().join("source.db"), Kind::Contacts).unwrap();
    spool.add(1, &batch(&[("a", "{}"), ("b", "{}"), ("c", "{}")], &[], &[]), |_| at("2")).unwrap();
    let pass = Pass { number: 2, met_as_before: 2 };
    spool.add(pass, &batch(&[("a", "{}"), ("c", "{}")], &["b"], &[]), |_| at("3")).unwrap();
    assert_eq!(spool.sums().news, 1, "only `c`");
}
