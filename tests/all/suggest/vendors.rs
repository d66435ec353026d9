//! A sample of each vendor's file, invented after the vendor's documents: suggested, checked and imported without an edit.
//! `vendors.txt` holds the samples; behind `=` stand the fields, the contacts as they arrive, and the end of the import.

use super::{Case, contacts, suggested};
use crate::support::ferry;
use ferry::contact::Field;
use ferry::mapping::Mapping;
use ferry::suggest::{About, VENDORS, yaml};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

const SAMPLES: &str = include_str!("vendors.txt");

/// Imports that run beside each other.
const WORKERS: usize = 4;

pub(super) fn cases() -> Vec<Case> {
    super::cases(SAMPLES)
}

#[test]
fn every_layout_can_be_read_and_has_a_sample() {
    let samples: Vec<String> = cases().into_iter().map(|case| case.title).collect();
    for vendor in VENDORS.iter() {
        assert!(vendor.faults().is_empty(), "{}: {:?}", vendor.file, vendor.faults());
        assert!(vendor.link.starts_with("https://") && !vendor.name.is_empty(), "{}", vendor.file);
        assert!(samples.contains(&vendor.file.to_owned()), "{} has no sample", vendor.file);
    }
    assert!(VENDORS.len() >= 32);
    for case in cases() {
        let (_, _, suggestion) = suggested(&case);
        // Cards have no columns by which a vendor could be told.
        let expected = Some(case.title.as_str()).filter(|_| !case.name.ends_with(".vcf"));
        assert_eq!(suggestion.vendor.map(|vendor| vendor.file), expected);
    }
}

/// What becomes of a sample.
fn outcome(case: &Case) -> Vec<String> {
    let (header, head, suggestion) = suggested(case);
    let mut lines: Vec<String> = Vec::new();
    for (at, name) in suggestion.names.iter().enumerate() {
        lines.extend(suggestion.field_of(at).map(|field: Field| format!("{name} → {}", field.name())));
    }
    let text = yaml(&suggestion, &About { file: case.name.clone(), ..About::default() });
    let mapping = Mapping::parse(&text, Path::new("m.yaml")).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
    lines.extend(contacts(&mapping, &header, &head));
    lines.push(imported(case));
    lines
}

/// The two commands, in a folder of their own.
fn imported(case: &Case) -> String {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(&case.name), &case.content).unwrap();
    let name = &case.name;
    let run = |line: &str| {
        let mut command = ferry(folder.path(), "");
        let output = command.args(line.split(' ')).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, _, errors) = run(&format!("map suggest {name} --to mercately --sandbox --out m.yaml"));
    assert_eq!(code, Some(0), "{}: {errors}", case.title);
    let (code, _, errors) = run(&format!("map check m.yaml {name} --to mercately"));
    assert_eq!(code, Some(0), "{}: {errors}", case.title);
    let (code, out, errors) = run(&format!("import {name} --map m.yaml --to mercately --sandbox --rate none"));
    let totals = out.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let (what, n) = (words.next()?, words.next()?);
        ["read", "created", "rejected"].contains(&what).then(|| format!("{what} {n}"))
    });
    let totals: Vec<String> = totals.collect();
    assert!(!totals.is_empty(), "{}: {errors}", case.title);
    format!("import: exit {}, {}", code.unwrap(), totals.join(", "))
}

#[test]
fn every_sample_arrives_without_an_edit() {
    let cases = cases();
    let (left, found) = (Mutex::new(0..cases.len()), Mutex::new(vec![Vec::new(); cases.len()]));
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let Some(at) = left.lock().unwrap().next() else { break };
                    let lines = outcome(&cases[at]);
                    found.lock().unwrap()[at] = lines;
                }
            });
        }
    });
    let found = found.into_inner().unwrap();
    if std::env::var_os("FERRY_TEST_WRITE").is_some() {
        return write(&found);
    }
    for ((case, block), lines) in cases.iter().zip(SAMPLES.split("== ").skip(1)).zip(&found) {
        let expected: Vec<&str> = block.lines().filter_map(|line| line.strip_prefix("= ")).collect();
        assert_eq!(lines, &expected, "{}", case.title);
    }
}

fn write(found: &[Vec<String>]) {
    let mut text = String::new();
    for (block, lines) in SAMPLES.split("== ").skip(1).zip(found) {
        let sample: Vec<&str> = block.trim_end().lines().filter(|line| !line.starts_with("= ")).collect();
        let outcome: Vec<String> = lines.iter().map(|line| format!("= {line}")).collect();
        text.push_str(&format!("== {}\n{}\n\n", sample.join("\n"), outcome.join("\n")));
    }
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/all/suggest/vendors.txt");
    std::fs::write(path, text.trim_end().to_owned() + "\n").unwrap();
}
