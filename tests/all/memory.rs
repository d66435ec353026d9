//! The most memory that a command takes, whatever the size of its file.
#![cfg(target_os = "linux")]

use crate::support::{Workbook, begin, ferry, folder_with, peak_of, run};
use std::fmt::Write;

/// What the memory may grow between the last two sizes, in MiB: the shared strings of a workbook that stay in memory, and what an
/// allocator keeps.
const GROWTH_MAX: u64 = 28;
/// What it may take beside what it takes for a few rows, in MiB: the pages of the program itself are as many as its build has.
const ABOVE_MAX: u64 = 52;

/// Rows of a tiny, of a small and of a large file, the large one of 26 MB.
const SIZES: [usize; 3] = [40, 4_000, 24_000];

/// The values of a contact: name, phone, e-mail, and a text that is different in each.
fn values(row: usize) -> [String; 4] {
    let note = format!("asks for the catalogue of season {row}, calls in the morning; ").repeat(18);
    [format!("Ana {row}"), format!("+59399{row:07}"), format!("ana.{row}@example.com"), note]
}

const NAMES: [&str; 4] = ["Name", "Phone", "Email", "Notes"];

fn csv(rows: usize) -> Vec<u8> {
    let mut text = NAMES.join(",") + "\n";
    (0..rows).for_each(|row| text += &(values(row).map(|value| format!("\"{value}\"")).join(",") + "\n"));
    text.into_bytes()
}

fn json_lines(rows: usize) -> Vec<u8> {
    let object = |row| {
        let [name, phone, email, notes] = values(row);
        serde_json::json!({ "full_name": name, "phones": [phone], "emails": [email], "notes": notes,
            "address": { "city": "Quito", "country": "EC" }, "attributes": { "plan": "Gold", "score": row } })
    };
    (0..rows).map(|row| format!("{}\n", object(row))).collect::<String>().into_bytes()
}

fn cards(rows: usize) -> Vec<u8> {
    let card = |row| {
        let [name, phone, email, notes] = values(row);
        format!(
            "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:{name}\r\nTEL:{phone}\r\nEMAIL:{email}\r\nNOTE:{notes}\r\nEND:VCARD\r\n"
        )
    };
    (0..rows).map(card).collect::<String>().into_bytes()
}

/// A workbook as spreadsheet programs write them: every text is a shared string.
fn workbook(rows: usize) -> Vec<u8> {
    let (mut cells, mut strings) = (String::new(), String::new());
    let header = NAMES.map(str::to_owned);
    for (at, row) in std::iter::once(header).chain((0..rows).map(values)).enumerate() {
        let number = |column: usize| at * NAMES.len() + column;
        let cell = |column| format!("<c t=\"s\"><v>{}</v></c>", number(column));
        let _ = write!(cells, "<row>{}</row>", (0..NAMES.len()).map(cell).collect::<String>());
        row.iter().for_each(|value| strings += &format!("<si><t>{value}</t></si>"));
    }
    Workbook { strings, ..Workbook::of(&cells) }.bytes()
}

/// The peak of a command on a file of each size, in MiB.
fn peaks(name: &str, file: fn(usize) -> Vec<u8>, words: &str) -> [u64; 3] {
    SIZES.map(|rows| {
        let folder = folder_with(&[]);
        std::fs::write(folder.path().join(name), file(rows)).unwrap();
        let words = format!("{words} --progress never --state state");
        let (ended, peak) = peak_of(begin(ferry(folder.path(), &words)));
        assert_eq!(ended.exit, 0, "{words}: {}", ended.err);
        peak
    })
}

#[test]
fn the_size_of_a_file_does_not_change_the_memory_that_it_takes() {
    let cases: [(&str, fn(usize) -> Vec<u8>, &str); 5] = [
        ("in.csv", csv, "inspect in.csv"),
        ("in.jsonl", json_lines, "inspect in.jsonl"),
        ("in.jsonl", json_lines, "convert in.jsonl --out out.csv"),
        ("in.vcf", cards, "convert in.vcf --out out.csv"),
        ("in.xlsx", workbook, "inspect in.xlsx"),
    ];
    let took = cases.map(|(name, file, words)| (words, peaks(name, file, words)));
    let is_too_much = |[tiny, small, large]: [u64; 3]| large > tiny + ABOVE_MAX || large > small + GROWTH_MAX;
    assert!(!took.iter().any(|(_, peaks)| is_too_much(*peaks)), "MiB at {SIZES:?} rows: {took:?}");
}

#[test]
fn what_sends_gives_freed_memory_back_at_once() {
    let told = |words: &str, asked: &[(&str, &str)]| {
        let folder = folder_with(&[]);
        let mut command = ferry(folder.path(), words);
        // The allocator prints what it was told, at each start of the program.
        let ended = run(command.env("MIMALLOC_VERBOSE", "1").envs(asked.iter().copied()));
        assert_eq!(ended.exit, 2, "{words}: {}", ended.err);
        let line = |line: &str| line.split_once("option 'purge_delay': ").map(|(_, delay)| delay.trim().to_owned());
        ended.err.lines().filter_map(line).collect::<Vec<_>>()
    };
    assert_eq!(told("import none.csv --to atom", &[]), ["10", "0"]);
    assert_eq!(told("--progress never import none.csv --to atom", &[]), ["10", "0"]);
    assert_eq!(told("import none.csv --to atom", &[("MIMALLOC_PURGE_DELAY", "7")]), ["7"]);
    assert_eq!(told("convert none.csv --out out.csv", &[]), ["10"]);
}
