//! Files as people have them, through whole commands: titles, blank rows, totals, no header, no record.

use super::support::{Ended, ferry as command, folder_with as folder, run};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// A spreadsheet, saved as it is.
const MESSY: &str = "Client report - made on 12/03/2026;;;\r\n;;;\r\nNombre;Celular;Ciudad;Saldo\r\n\
    Ana Ruiz;+593991234561;Quito;10,50\r\n;;;\r\nLuis Paz;+593991234562;Loja;2,50\r\nEva Gil;12;Cuenca;1,00\r\n;;;\r\n\
    TOTAL;;;14,00\r\n";

/// The counts of these names in the summary, `skipped/blank` for what is nested; 0 where there is none.
fn counts(ended: &Ended, names: &[&str]) -> Vec<u64> {
    let summary = ended.out.find('{').and_then(|at| serde_json::from_str::<Value>(&ended.out[at..]).ok());
    let summary = summary.unwrap_or_default();
    let count = |name: &&str| {
        let path = if name.contains('/') { (*name).to_owned() } else { format!("records/{name}") };
        summary.pointer(&format!("/{path}")).and_then(Value::as_u64).unwrap_or(0)
    };
    names.iter().map(count).collect()
}

/// Whether every record that was read has an outcome.
fn balances(ended: &Ended) -> bool {
    let names = ["read", "created", "updated", "unchanged", "skipped", "rejected", "unknown", "pending"];
    let counts = counts(ended, &names);
    counts[0] == counts[1..].iter().sum::<u64>()
}

fn ferry(folder: &Path, line: &str) -> Ended {
    run(command(folder, &format!("{line} --output json --state state")))
}

const TO: &str = "--to mercately --sandbox --rate none --region none";

#[test]
fn tags_with_a_separator_survive_a_table() {
    let people = "{\"first_name\":\"Ana\",\"email\":\"ana@example.com\",\"tags\":[\"Quito, Norte\",\"a;b\",\"vip\"]}\n\
        {\"first_name\":\"Luis\",\"email\":\"luis@example.com\",\"tags\":[\"only, one\"]}\n";
    let map = "contact: { first_name: first_name, email: email, tags: { from: tags, split: \"|\" } }\n";
    let folder = folder(&[
        ("people.jsonl", people),
        ("bars.yaml", map),
        ("bars.csv", "first_name,email,tags\nEva,eva@example.com,\"x, y|z\"\n"),
    ]);
    let tags = |name: &str| -> Vec<Value> {
        let text = fs::read_to_string(folder.path().join(name)).unwrap();
        text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["tags"].clone()).collect()
    };
    for line in [
        "people.jsonl --out table.csv",
        "table.csv --out back.jsonl",
        "people.jsonl --out book.xlsx",
        "book.xlsx --out book.jsonl",
    ] {
        let ended = ferry(folder.path(), &format!("convert {line}"));
        assert_eq!(ended.exit, 0, "{line}: {}", ended.err);
    }
    assert_eq!(tags("back.jsonl"), tags("people.jsonl"));
    assert_eq!(tags("book.jsonl"), tags("people.jsonl"));
    // The same where a table becomes a table.
    for line in ["bars.csv --map bars.yaml --out bars2.csv", "bars2.csv --out bars.jsonl"] {
        let ended = ferry(folder.path(), &format!("convert {line}"));
        assert_eq!(ended.exit, 0, "{line}: {}", ended.err);
    }
    assert_eq!(tags("bars.jsonl"), [serde_json::json!(["x, y", "z"])]);
}

#[test]
fn rejects_and_results_have_the_day_in_their_names() {
    let people = "First Name,Last Name,Phone\nAna,Ruiz,+593991234567\nEva,Sol,12\n";
    let folder = folder(&[("people.csv", people)]);
    let line = format!("import people.csv {TO} --rejects r-{{date}}.csv --results done-{{date}}.csv");
    let ended = ferry(folder.path(), &line);
    assert_eq!(ended.exit, 3, "{}", ended.err);
    let is_day = |name: &str, begin: &str| {
        let day = name.strip_prefix(begin).and_then(|rest| rest.strip_suffix(".csv")).unwrap_or_default();
        day.len() == 10 && day.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
    };
    let names: Vec<String> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    for begin in ["r-", "done-"] {
        assert_eq!(names.iter().filter(|name| is_day(name, begin)).count(), 1, "{begin} {names:?}");
    }
    assert!(!names.iter().any(|name| name.contains('{')), "{names:?}");
}

#[test]
fn a_spreadsheet_as_it_is_arrives_and_its_numbers_add_up() {
    let map =
        "contact: { full_name: Nombre, last_name: { default: \"-\" }, phone: Celular, address: { city: Ciudad } }\n";
    let folder = folder(&[("messy.csv", MESSY), ("map.yaml", map)]);
    let line = format!("import messy.csv --map map.yaml {TO}");
    let names =
        ["read", "created", "skipped", "skipped/blank", "rejected", "rejects/row.total", "rejects/phone.invalid"];

    let limited = ferry(folder.path(), &format!("{line} --limit 2"));
    assert_eq!(counts(&limited, &names), [2, 1, 1, 1, 0, 0, 0], "{}", limited.err);
    assert!(limited.err.contains("the header is in line 3 of `messy.csv`"), "{}", limited.err);

    let whole = ferry(folder.path(), &line);
    assert_eq!(whole.exit, 3, "{}", whole.err);
    assert_eq!(counts(&whole, &names), [6, 2, 2, 2, 2, 1, 1]);
    assert!(balances(&whole), "{whole:?}");

    let summary = whole.summary();
    let rejects = summary["rejects_file"].as_str().unwrap();
    let text = fs::read_to_string(folder.path().join(rejects)).unwrap();
    assert!(text.starts_with("Nombre;Celular;Ciudad;Saldo;ferry_line;"), "{text}");
    let again = ferry(folder.path(), &format!("import {rejects} --map map.yaml {TO}"));
    assert_eq!(counts(&again, &names), [2, 0, 0, 0, 2, 1, 1], "{}", again.err);

    let fixed = text.replace(";12;", ";+593991234563;").replace("TOTAL;;", "Total;+593991234564;");
    fs::write(folder.path().join("fixed.csv"), fixed).unwrap();
    let fixed = ferry(folder.path(), &format!("import fixed.csv --map map.yaml {TO}"));
    assert_eq!((fixed.exit, counts(&fixed, &names)), (0, vec![2, 2, 0, 0, 0, 0, 0]), "{}", fixed.err);
}

#[test]
fn a_file_without_a_header_is_read_with_the_columns_of_the_mapping() {
    let content = "Ana,+593991234561,ana@example.com\nBo,12,bo@example\n";
    let map = "read: { columns: [First Name, Phone, Email] }\ncontact: { first_name: First Name, last_name: { default: \"-\" }, phone: Phone, email: Email }\n";
    let folder = folder(&[("people.csv", content), ("map.yaml", map)]);
    let refused = ferry(folder.path(), &format!("import people.csv {TO}"));
    assert_eq!(refused.exit, 2);
    assert_eq!(
        refused.err,
        "error: line 1 of `people.csv` is a record, not a header: `Ana, +593991234561, ana@example.com`\nhint: name the \
         columns in the mapping: `read: { columns: [column 1, phone, email] }`; if it is the header after all, write \
         `read: { header_row: 1 }`\n"
    );
    let imported = ferry(folder.path(), &format!("import people.csv --map map.yaml {TO}"));
    assert_eq!(
        (imported.exit, counts(&imported, &["read", "created", "rejected"])),
        (3, vec![2, 1, 1]),
        "{}",
        imported.err
    );
    let summary = imported.summary();
    let rejects = summary["rejects_file"].as_str().unwrap();
    let text = fs::read_to_string(folder.path().join(rejects)).unwrap();
    assert!(text.starts_with("First Name,Phone,Email,ferry_line,"), "{text}");
    fs::write(folder.path().join("fixed.csv"), text.replace("bo@example,", "bo@example.com,").replace(",12,", ",,"))
        .unwrap();
    let fixed = ferry(folder.path(), &format!("import fixed.csv --map map.yaml {TO}"));
    assert_eq!((fixed.exit, counts(&fixed, &["read", "created"])), (0, vec![1, 1]), "{}", fixed.err);
}

#[test]
fn too_few_records_are_a_failure_and_change_nothing() {
    let files = [
        ("header.csv", "First Name,Phone\n"),
        ("blank.csv", "First Name,Phone\n,\n,\n"),
        ("list.json", "[]"),
        ("lines.jsonl", ""),
        ("empty.csv", ""),
        ("two.csv", "First Name,Last Name,Phone\nAna,Paz,+593991234561\nBo,Li,+593991234562\n"),
        (
            "ferry.yaml",
            "jobs:\n  few:\n    import: { file: two.csv, to: mercately, sandbox: true, rate: none }\n    at_least: 3\n",
        ),
    ];
    let folder = folder(&files);
    let cases = [
        ("import header.csv", 2, "`header.csv` has no records"),
        ("import header.csv --at-least 0", 0, ""),
        ("import header.csv --at-least 5", 2, "`header.csv` has no records"),
        ("import header.csv --dry-run", 2, "`header.csv` has no records"),
        ("import blank.csv", 2, "`blank.csv` has no records"),
        ("import list.json", 2, "`list.json` has no records"),
        ("import list.json --at-least 0", 0, ""),
        ("import lines.jsonl", 2, "`lines.jsonl` has no records"),
        ("import lines.jsonl --at-least 0", 0, ""),
        ("import empty.csv --at-least 0", 2, "`empty.csv` is empty: it has no header"),
        ("import two.csv --at-least 3", 6, "error: `two.csv` has 2 records, and `--at-least` is 3\n"),
        ("import two.csv --at-least 3 --dry-run", 6, "`two.csv` has 2 records, and `--at-least` is 3"),
    ];
    for (line, code, told) in cases {
        let ended = ferry(folder.path(), &format!("{line} {TO}"));
        assert_eq!(ended.exit, code, "{line}: {}", ended.err);
        assert!(ended.err.contains(told), "{line}: {}", ended.err);
        assert_eq!(counts(&ended, &["created"]), [0], "{line}");
    }
    let job = ferry(folder.path(), "run few");
    assert_eq!(job.exit, 6, "{}", job.err);
    for (line, code) in [("header.csv", 0), ("list.json", 0), ("lines.jsonl", 0), ("empty.csv", 2)] {
        assert_eq!(ferry(folder.path(), &format!("convert {line} --out out.csv")).exit, code, "convert {line}");
    }
    let whole = ferry(folder.path(), &format!("import two.csv --at-least 2 {TO}"));
    assert_eq!((whole.exit, counts(&whole, &["created"])), (0, vec![2]), "{}", whole.err);
}

#[test]
fn percentages_leave_blank_rows_out() {
    let mut content = "First Name,Last Name,Phone\n".to_owned();
    for number in 0..100 {
        let phone = if number < 30 { "12".to_owned() } else { format!("+5939912345{number:02}") };
        content.push_str(&format!("A{number},B,{phone}\n,,\n"));
    }
    let folder = folder(&[("half.csv", &content)]);
    let ended = ferry(folder.path(), &format!("import half.csv --max-rejects 20% {TO}"));
    assert_eq!(ended.exit, 8, "{}", ended.err);
    let ended = ferry(folder.path(), &format!("import half.csv --max-rejects 30% {TO}"));
    assert_eq!(
        (ended.exit, counts(&ended, &["read", "skipped/blank", "created"])),
        (3, vec![200, 100, 70]),
        "{}",
        ended.err
    );
    assert!(balances(&ended), "{ended:?}");
}

#[test]
fn columns_that_are_elsewhere_are_one_error() {
    let map = "contact: { first_name: Vorname, last_name: Nachname, phone: Handy, email: Mail }\n";
    let folder = folder(&[
        ("other.csv", "a,b\nx,y\n"),
        ("one.csv", "Vorname,Nachname,Handy\nAna,Paz,+593991234561\n"),
        ("map.yaml", map),
        ("row.yaml", &format!("read: {{ header_row: 1 }}\n{map}")),
        ("below.csv", "List\n\nVorname,Nachname,Handy,Mail\nAna,Paz,+593991234561,\n"),
    ]);
    let told = |line: &str| {
        let ended = ferry(folder.path(), line);
        assert_eq!(ended.exit, 2, "{}", ended.err);
        (ended.err.matches("error:").count(), ended.err)
    };
    let (count, text) = told("map check map.yaml other.csv");
    assert_eq!(
        (count, text.contains("the file has none of the 4 columns that the mapping names: no `Vorname`")),
        (1, true),
        "{text}"
    );
    let (count, text) = told("map check map.yaml one.csv");
    assert_eq!((count, text.contains("the file has no column `Mail`")), (1, true), "{text}");
    let (count, text) = told("map check row.yaml below.csv");
    assert_eq!((count, text.contains("is in line 1 of `below.csv`; they are in line 3")), (1, true), "{text}");
    assert_eq!(ferry(folder.path(), "map check map.yaml below.csv").exit, 0);
}

#[test]
fn the_read_keys_of_a_mapping_are_checked() {
    let read = |keys: &str| format!("read: {{ {keys} }}\n");
    let cases = [
        ("header_row: 3, sheet: Clients", None),
        ("sheet: 2", None),
        ("header_row: 0", Some("`header_row` must be the number of a line, not `0`")),
        ("header_row: first", Some("`header_row` must be the number of a line, not `first`")),
        ("columns: Name", Some("`columns` must be a list")),
        ("columns: [Name, Name]", Some("`columns` names `Name` twice")),
        ("columns: [Name], header_row: 2", Some("`read` has both `header_row` and `columns`")),
    ];
    for (keys, wrong) in cases {
        let folder = folder(&[("map.yaml", &read(keys))]);
        let ended = ferry(folder.path(), "map check map.yaml");
        assert_eq!(ended.exit, if wrong.is_some() { 2 } else { 0 }, "{keys}: {}", ended.err);
        assert!(ended.err.contains(wrong.unwrap_or_default()), "{keys}: {}", ended.err);
    }
}
