//! What the columns of files are for: a development set of files with the mapping that a careful person would write, and
//! the layouts of vendors.
//!
//! A case is a heading, the lines of a file behind `|`, and what is expected behind `>`: `Column = field`; `Column ~ field`
//! where a careful person might do without; `Column date FORMAT` (`-`: none); `region = EC` (`-`: none).

mod nested;
mod saved;
mod vendors;

use ferry::files::{KnownNames, Opened, ReadOptions, open};
use ferry::mapping::names::known_column;
use ferry::mapping::{BindOptions, Mapped, Mapping};
use ferry::profile::{Head, dates};
use ferry::record::{Header, RecordRef};
use ferry::suggest::{About, Asked, Suggestion, suggest, yaml};
use std::collections::BTreeMap;
use std::path::Path;

const FILES: [&str; 4] = [
    include_str!("suggest/messy.txt"),
    include_str!("suggest/languages.txt"),
    include_str!("suggest/nested.txt"),
    include_str!("suggest/lists.txt"),
];

/// What the decisions score, a right one 1, a missed one -1, a wrong one -5. It may only rise.
const SCORE_MIN: i64 = 365;

/// A file with what is expected of it.
struct Case {
    title: String,
    name: String,
    content: String,
    expected: Vec<String>,
}

fn cases(text: &str) -> Vec<Case> {
    let of_block = |block: &str| {
        let mut lines = block.trim_end().lines();
        let title = lines.next().unwrap().to_owned();
        let mut case = Case { title, name: "case.csv".to_owned(), content: String::new(), expected: Vec::new() };
        for line in lines {
            if let Some(name) = line.strip_prefix("@ ") {
                case.name = name.to_owned();
            } else if let Some(line) = line.strip_prefix('|') {
                case.content.push_str(line.strip_prefix(' ').unwrap_or(line));
                case.content.push('\n');
            } else if let Some(expected) = line.strip_prefix("> ") {
                case.expected.push(expected.to_owned());
            }
        }
        case
    };
    text.split("== ").skip(1).map(of_block).collect()
}

/// The file, opened as `map suggest` opens it, with its first records.
fn opened(folder: &Path, case: &Case) -> (Opened, Head) {
    let path = folder.join(&case.name);
    std::fs::write(&path, &case.content).unwrap();
    let names = KnownNames::new(&[], |name| known_column(name).is_some());
    let options = ReadOptions { names, names_by_values: true, ..ReadOptions::default() };
    let mut opened = open(&path, &case.name, &options).unwrap_or_else(|failure| panic!("{}: {failure:?}", case.title));
    let head = Head::read(&opened.header, &mut *opened.source);
    (opened, head)
}

fn suggested(case: &Case) -> (Header, Head, Suggestion) {
    let folder = tempfile::tempdir().unwrap();
    let (opened, head) = opened(folder.path(), case);
    let suggestion = suggest(&head, &Asked::default());
    (opened.header, head, suggestion)
}

/// The fields as a mapping calls them, by column.
fn fields(suggestion: &Suggestion) -> BTreeMap<String, String> {
    let field = |(at, name): (usize, &String)| {
        let field = suggestion.field_of(at)?.name();
        let field = field.strip_suffix('s').filter(|field| ["phone", "email"].contains(field)).unwrap_or(field);
        Some((name.clone(), field.to_owned()))
    };
    suggestion.names.iter().enumerate().filter_map(field).collect()
}

#[derive(Default)]
struct Score {
    right: i64,
    faults: Vec<String>,
    missed: i64,
    wrong: i64,
}

impl Score {
    fn judge(&mut self, what: String, found: Option<&str>, expected: Option<&str>) {
        match (found, expected) {
            (None, None) => {}
            (Some(found), Some(expected)) if found == expected => self.right += 1,
            (None, Some(expected)) => {
                self.missed += 1;
                self.faults.push(format!("missed {what}: {expected}"));
            }
            (Some(found), expected) => {
                self.wrong += 1;
                self.faults.push(format!("WRONG {what}: {found}, not {expected:?}"));
            }
        }
    }

    fn total(&self) -> i64 {
        self.right - self.missed - 5 * self.wrong
    }
}

fn score(case: &Case, score: &mut Score) {
    let (_, _, suggestion) = suggested(case);
    let found = fields(&suggestion);
    let (mut sure, mut perhaps): (BTreeMap<&str, &str>, BTreeMap<&str, &str>) = (BTreeMap::new(), BTreeMap::new());
    for line in &case.expected {
        let what = |name: &str| format!("`{name}` of \"{}\"", case.title);
        if let Some(code) = line.strip_prefix("region = ") {
            let found = suggestion.region.default_region().map(|region| region.code());
            score.judge(what("region"), found, Some(code).filter(|code| *code != "-"));
        } else if let Some((column, field)) = line.split_once(" = ") {
            sure.insert(column, field);
        } else if let Some((column, field)) = line.split_once(" ~ ") {
            perhaps.insert(column, field);
        } else if let Some((column, format)) = line.split_once(" date ") {
            let at = suggestion.names.iter().position(|name| name == column).unwrap();
            let found = suggestion.dates[at].filter(|(_, is_sure)| *is_sure).map(|(format, _)| dates::format(format));
            score.judge(what(column), found, Some(format).filter(|format| *format != "-"));
        } else {
            panic!("{line}");
        }
    }
    for name in &suggestion.names {
        let found = found.get(name).map(String::as_str);
        if found.is_some() && perhaps.get(name.as_str()).copied() == found {
            continue;
        }
        let what = format!("`{name}` of \"{}\"", case.title);
        score.judge(what, found, sure.get(name.as_str()).copied());
    }
}

#[test]
fn columns_are_understood_as_a_careful_person_would() {
    let mut all = Score::default();
    let cases: Vec<Case> = FILES.iter().flat_map(|text| cases(text)).collect();
    assert!(cases.len() >= 60, "{}", cases.len());
    cases.iter().for_each(|case| score(case, &mut all));
    let faults = all.faults.join("\n");
    assert_eq!(all.wrong, 0, "{faults}");
    let total = all.total();
    assert!(total >= SCORE_MIN, "{total} is less than {SCORE_MIN}\n{faults}");
    assert!(total < SCORE_MIN + 3, "raise SCORE_MIN to {total}\n{faults}");
}

#[test]
fn the_order_of_columns_and_one_more_change_nothing() {
    for case in FILES.iter().flat_map(|text| cases(text)) {
        let (_, head, suggestion) = suggested(&case);
        if head.is_open {
            continue;
        }
        let rows = |turn: &dyn Fn(Vec<String>) -> Vec<String>| {
            let mut text = String::new();
            let line = |cells: Vec<String>| {
                let cells: Vec<String> =
                    turn(cells).iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
                cells.join(",") + "\n"
            };
            text.push_str(&line(head.names.clone()));
            for cells in head.rows() {
                text.push_str(&line((0..head.names.len()).map(|at| cells.get(at).into_owned()).collect()));
            }
            text
        };
        let more = |mut cells: Vec<String>| {
            cells.push(if cells == head.names { "Zapatos".to_owned() } else { "azul".to_owned() });
            cells
        };
        let content = rows(&more);
        let (_, _, with_more) = suggested(&Case { content, name: "more.csv".to_owned(), ..copy(&case) });
        assert_eq!(fields(&with_more), fields(&suggestion), "{}", case.title);
    }
}

fn copy(case: &Case) -> Case {
    Case {
        title: case.title.clone(),
        name: case.name.clone(),
        content: case.content.clone(),
        expected: case.expected.clone(),
    }
}

/// The contacts that a mapping makes of the first records, or why it makes none.
fn contacts(mapping: &Mapping, header: &Header, head: &Head) -> Vec<String> {
    let program = mapping.bind(header, &BindOptions::default()).unwrap_or_else(|errors| panic!("{errors}"));
    let contact = |record: RecordRef<'_>| match program.apply(record) {
        Mapped::Contact(wanted) => serde_json::Value::from(wanted.contact.to_json()).to_string(),
        other => format!("{other:?}"),
    };
    let mut contacts = Vec::new();
    head.batches.iter().for_each(|batch| batch.for_each_record(|record| contacts.push(contact(record))));
    contacts
}

#[test]
fn a_saved_mapping_does_what_the_run_without_one_does() {
    let samples = FILES.iter().flat_map(|text| cases(text)).chain(vendors::cases());
    for case in samples {
        let (header, head, suggestion) = suggested(&case);
        let about = About { file: case.name.clone(), is_of_run: true, ..About::default() };
        let text = yaml(&suggestion, &about);
        let saved = Mapping::parse(&text, Path::new("saved.yaml")).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
        let of_run = Mapping::of_decided(&suggestion.decided(), suggestion.names_target()).mapping;
        let (saved, of_run) = (contacts(&saved, &header, &head), contacts(&of_run, &header, &head));
        for (saved, of_run) in saved.iter().zip(&of_run) {
            assert_eq!(sorted(saved), sorted(of_run), "{}\n{text}", case.title);
        }
    }
}

/// The same contact, its attributes in any order.
fn sorted(contact: &str) -> serde_json::Value {
    let Ok(mut value) = serde_json::from_str::<serde_json::Value>(contact) else { return contact.into() };
    if let Some(attributes) = value.get_mut("attributes").and_then(|it| it.as_object_mut()) {
        attributes.sort_keys();
    }
    value
}

/// The suggestion for a file, as YAML, and its contacts.
fn suggested_yaml(content: &str) -> (String, Vec<String>) {
    let case = Case {
        title: "a list".to_owned(),
        name: "list.csv".to_owned(),
        content: content.to_owned(),
        expected: Vec::new(),
    };
    let (header, head, suggestion) = suggested(&case);
    let text = yaml(&suggestion, &About { file: case.name, ..About::default() });
    let mapping = Mapping::parse(&text, Path::new("m.yaml")).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
    let contacts = contacts(&mapping, &header, &head);
    (text, contacts)
}

#[test]
fn a_family_name_that_comes_first_is_split_off() {
    let (_, found) = suggested_yaml(
        "Apellidos y Nombres;Email\nZAMBRANO VERA MARIA JOSE;a@example.com\nLOOR PEDRO;b@example.com\nDE LA CRUZ MERA ANA;c@example.com\nMADONNA;d@example.com\n\"VELA, LUIS ALBERTO\";e@example.com\n",
    );
    let names = ["MARIA JOSE|ZAMBRANO VERA", "PEDRO|LOOR", "ANA|DE LA CRUZ MERA", "MADONNA|", "LUIS ALBERTO|VELA"];
    for (contact, names) in found.iter().zip(names) {
        let (first, last) = names.split_once('|').unwrap();
        let last = if last.is_empty() { String::new() } else { format!("\"last_name\":\"{last}\",") };
        assert!(contact.starts_with(&format!("{{\"first_name\":\"{first}\",{last}\"email\"")), "{contact}");
    }
    let (_, found) =
        suggested_yaml("Cognome e Nome;Email\nRossi Maria Laura;a@example.com\nDi Stefano Luca;b@example.com\n");
    assert!(found[0].contains(r#""first_name":"Maria Laura","last_name":"Rossi""#), "{found:?}");
    assert!(found[1].contains(r#""first_name":"Luca","last_name":"Di Stefano""#), "{found:?}");
}

#[test]
fn consent_is_a_comment_with_what_it_would_leave_out() {
    let (text, found) = suggested_yaml(
        "Nombre;Email;Acepta promos;Unsubscribed;VIP\nAna Ruiz;a@example.com;SI;false;SI\nLuis Paz;b@example.com;No;true;NO\nEva Sol;c@example.com;si;;NO\n",
    );
    assert_eq!(found.len(), 3);
    for line in [
        "# `Acepta promos` says of 1 of 3 contacts that they do not want messages; without the `#`, this leaves them out:",
        r#"# only_if: 'row["Acepta promos"] | lower not in ["no"]'"#,
        "# `Unsubscribed` says of 1 of 2 contacts that they do not want messages; without the `#`, this leaves them out:",
        r#"# only_if: 'row["Unsubscribed"] | lower not in ["true"]'"#,
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(!text.contains("`VIP` says"), "{text}");
    // What the comment proposes is a mapping, and does what it says.
    let with_rule = text.replacen("# only_if: ", "only_if: ", 1);
    let mapping = Mapping::parse(&with_rule, Path::new("m.yaml")).unwrap_or_else(|errors| panic!("{errors}"));
    let content = "Nombre;Email;Acepta promos;Unsubscribed;VIP\nAna;a@example.com;SI;;\nLuis;b@example.com;NO;;\nEva;c@example.com;;;\n";
    let case = Case { title: "b".into(), name: "b.csv".into(), content: content.into(), expected: Vec::new() };
    let (header, head, _) = suggested(&case);
    let kept = contacts(&mapping, &header, &head);
    assert_eq!(kept.iter().filter(|contact| contact.starts_with('{')).count(), 2, "{kept:?}");
}
