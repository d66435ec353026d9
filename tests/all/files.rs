//! Contacts in files: every layout reads alike, what is broken is reported with its line, and what is written reads back.

use ferry::files::{Opened, ReadFault, ReadOptions, open};
use ferry::outcome::{Exit, Failure};
use ferry::record::{Fields, Header, Origin, Record};
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

mod batches;
mod cards;
mod properties;
mod rows;
mod vcard;
mod workbooks;
mod writing;
mod xlsx;

/// A folder with one file in it.
fn file(name: &str, content: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    (folder, path)
}

fn open_as(name: &str, content: &[u8], options: &ReadOptions) -> Result<Opened, Failure> {
    let (_folder, path) = file(name, content);
    open(&path, name, options)
}

fn opened(name: &str, content: &[u8]) -> Opened {
    open_as(name, content, &ReadOptions::default()).unwrap_or_else(|failure| panic!("{failure}"))
}

fn refused(name: &str, content: &[u8]) -> Failure {
    open_as(name, content, &ReadOptions::default()).expect_err("it should have been refused")
}

/// One thing that came out of a source, in a form that can be compared at a glance.
fn told(item: &Result<Record, ReadFault>) -> String {
    match item {
        Ok(Record { origin, fields: Fields::Row(row), .. }) => {
            format!("{}@{} {}", origin.ordinal, origin.line, row.iter().collect::<Vec<_>>().join("¦"))
        }
        Ok(Record { origin, fields: Fields::Json(value), .. }) => {
            format!("{}@{} {value}", origin.ordinal, origin.line)
        }
        Ok(_) => unreachable!(),
        Err(ReadFault::Reject(reject)) => {
            let codes: Vec<&str> = reject.problems.iter().map(|problem| problem.code.as_ref()).collect();
            let Origin { ordinal, line } = reject.origin;
            format!("{ordinal}@{line} {}: {}", codes.join("+"), reject.problems[0].message)
        }
        Err(ReadFault::Blank(Origin { ordinal, line })) => format!("{ordinal}@{line} blank"),
        Err(ReadFault::Fatal(failure)) => format!("{:?}: {failure}", failure.exit),
    }
}

fn all(name: &str, content: &[u8]) -> Vec<String> {
    opened(name, content).source.map(|item| told(&item)).collect()
}

fn columns(opened: &Opened) -> Vec<String> {
    match &opened.header {
        Header::Columns(names) => names.clone(),
        other => panic!("no columns but {other:?}"),
    }
}

fn encoded(text: &str, encoding: &str) -> Vec<u8> {
    let utf16 = |unit: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(unit).collect::<Vec<u8>>();
    match encoding {
        "utf-16le" => utf16(u16::to_le_bytes),
        "utf-16be" => utf16(u16::to_be_bytes),
        "utf-16le with mark" => [vec![0xFF, 0xFE], utf16(u16::to_le_bytes)].concat(),
        "utf-16be with mark" => [vec![0xFE, 0xFF], utf16(u16::to_be_bytes)].concat(),
        "utf-8 with mark" => [b"\xEF\xBB\xBF", text.as_bytes()].concat(),
        label => encoding_rs::Encoding::for_label(label.as_bytes()).unwrap().encode(text).0.into_owned(),
    }
}

fn packed(content: &[u8], packing: &str) -> Vec<u8> {
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    match packing {
        "" => content.to_vec(),
        "gzip" => gzip(content),
        "two gzip members" => {
            let (one, two) = content.split_at(content.len() / 2);
            [gzip(one), gzip(two)].concat()
        }
        "zstd" => zstd::encode_all(content, 1).unwrap(),
        other => panic!("{other}"),
    }
}

const PACKINGS: [&str; 4] = ["", "gzip", "two gzip members", "zstd"];

#[test]
fn every_dialect_gives_the_same_records() {
    let latin = ["utf-8", "utf-8 with mark", "windows-1252"];
    let any = ["utf-8", "utf-16le", "utf-16be", "utf-16le with mark", "utf-16be with mark"];
    let spanish = (
        "Nombre,Ciudad,Nota\nJosé,A Coruña,\"uno, dos\"\nBegoña,León,\"línea uno\nlínea «dos» \"\"x\"\"\"\n",
        ["0@2 José¦A Coruña¦uno, dos", "1@3 Begoña¦León¦línea uno\nlínea «dos» \"x\""],
        &latin[..],
    );
    let russian = (
        "Имя,Город,Заметка\nАнна Иванова,Москва,\"раз, два\"\nСергей,Тверь,\"строка один\nстрока два \"\"x\"\"\"\n",
        ["0@2 Анна Иванова¦Москва¦раз, два", "1@3 Сергей¦Тверь¦строка один\nстрока два \"x\""],
        &["windows-1251"][..],
    );
    let mut packings = PACKINGS.into_iter().cycle();
    for (text, rows, encodings) in [spanish, russian] {
        for encoding in encodings.iter().chain(&any) {
            for delimiter in [",", ";", "\t", "|"] {
                for line_end in ["\n", "\r\n", "\r"] {
                    let packing = packings.next().unwrap();
                    let said = format!("{encoding} {delimiter:?} {line_end:?} {packing}");
                    // The commas and line ends within cells turn too, which keeps the case hard.
                    let turned = |text: &str| text.replace(',', delimiter).replace('\n', line_end);
                    let opened = opened("contacts.csv", &packed(&encoded(&turned(text), encoding), packing));
                    assert_eq!(opened.layout.table.as_ref().unwrap().delimiter, delimiter.as_bytes()[0], "{said}");
                    let found: Vec<String> = opened.source.map(|item| told(&item)).collect();
                    assert_eq!(found, rows.map(turned), "{said}");
                }
            }
        }
    }
}

#[test]
fn signs_with_a_zero_in_them_do_not_hide_that_a_file_is_utf_16() {
    for encoding in ["utf-16le", "utf-16be"] {
        let text = encoded("Nombre;Nota\nAna;😀 Ā\nBo;sí\n", encoding);
        let rows: Vec<String> = opened("contacts.csv", &text).source.map(|item| told(&item)).collect();
        assert_eq!(rows, ["0@2 Ana¦😀 Ā", "1@3 Bo¦sí"], "{encoding}");
    }
}

#[test]
fn a_row_that_cannot_be_stored_is_reported_with_its_line_and_the_others_are_stored() {
    let cases: [(&str, &[u8], &[&str]); 10] = [
        (
            "ragged",
            b"a,b\n1,2\n3\n4,5,6\n7,8\n",
            &[
                "0@2 1¦2",
                "1@3 row.ragged: the row has 1 cell where the header has 2",
                "2@4 row.ragged: the row has 3 cells where the header has 2",
                "3@5 7¦8",
            ],
        ),
        (
            "text behind a closing quote",
            b"a,b\n\"abc\"def,2\n3,4\n",
            &["0@2 row.quote: the quote opened in line 2 is not closed where its cell ends: `\"abc\"def,2`", "1@3 3¦4"],
        ),
        (
            "a quote that is never closed",
            b"a,b\n1,\"x\ny\"\n2,\"open\n3,4\n5,6",
            &[
                "0@2 1¦x\ny",
                "1@4 row.quote: the quote opened in line 4 is not closed where its cell ends: `\"open`",
                "2@5 3¦4",
                "3@6 5¦6",
            ],
        ),
        (
            "a quote that is closed by the next one's opening",
            b"a,b\n1,\"open\n3,\"four\"\n5,6\n",
            &[
                "0@2 row.quote: the quote opened in line 2 is not closed where its cell ends: `\"open`",
                "1@3 3¦four",
                "2@4 5¦6",
            ],
        ),
        (
            "a quote after which every other one turns its meaning",
            b"a,b\n1,\"x\nx\",\"z\nx\",\"z\n3,4\n",
            &[
                "0@2 row.quote: the quote opened in line 2 is not closed where its cell ends: `\"x`",
                "1@3 row.quote: the quote opened in line 3 is not closed where its cell ends: `\"z`",
                "2@4 row.quote: the quote opened in line 4 is not closed where its cell ends: `\"z`",
                "3@5 3¦4",
            ],
        ),
        (
            "a quote that opens in the second line of its record",
            b"a,b,c\n\"1\r\n2\",\"x\"y,3\r\n4,5,6\r\n",
            &["0@2 row.quote: the quote opened in line 3 is not closed where its cell ends: `\"x\"y,3`", "1@4 4¦5¦6"],
        ),
        (
            "bytes that are no text",
            "a,b\nJosé,Núñez\nx,Mu\u{0}oz\nÁngel,é\n".as_bytes(),
            &[
                "0@2 José¦Núñez",
                "1@3 row.encoding: the cell has a zero byte (`\\0`) in it, which is not text",
                "2@4 Ángel¦é",
            ],
        ),
        ("quotes within a cell are characters", b"a,b\n5\" pipe,it \"is\"\n", &["0@2 5\" pipe¦it \"is\""]),
        (
            "blank lines are no records",
            b"\n\na,b\n\n1,2\r\n\r\n   \n3,4\n\n",
            &["0@4 blank", "1@5 1¦2", "2@6 blank", "3@7 blank", "4@8 3¦4"],
        ),
        ("only a header", b"a,b\n", &[]),
    ];
    for (said, content, expected) in cases {
        assert_eq!(all("x.csv", content), expected, "{said}");
    }
}

#[test]
fn bytes_that_are_no_text_reject_their_row_alone() {
    let utf8 = b"name,city\nJos\xC3\xA9,Le\xC3\xB3n\nAna,M\xE9rida\nBego\xC3\xB1a,\xC3\x81vila\n";
    let expected = ["0@2 José¦León", "1@3 row.encoding: the bytes `\\xE9` are not UTF-8", "2@4 Begoña¦Ávila"];
    assert_eq!(all("x.csv", utf8), expected);

    // A rejects file says of itself that the bytes are bad, and not of another encoding.
    let rejects = b"name,ferry_code\nM\xE9rida,row.encoding\n";
    assert_eq!(all("x.csv", rejects), ["0@2 row.encoding: the bytes `\\xE9` are not UTF-8"]);

    let mut utf16 = encoded("name,city\nAna,x", "utf-16le with mark");
    utf16.extend([0x00, 0xD8]);
    utf16.extend(encoded("y\nEva,z\n", "utf-16le"));
    let expected = ["0@2 row.encoding: the bytes `\\x00` are not UTF-16LE", "1@3 Eva¦z"];
    assert_eq!(all("x.csv", &utf16), expected);
}

#[test]
fn a_record_beyond_the_limit_is_rejected_and_the_rest_goes_on() {
    let long = "x".repeat((16 << 20) + 5);
    let endless = format!("\"{}\n", "y,\n".repeat(6 << 20));
    let cases = [
        (format!("a,b\n1,{long}\n3,4\n"), vec!["0@2 row.too_large", "1@3 3¦4"]),
        (format!("a,b\n1,{endless}3,4\n"), vec!["0@2 row.quote", "1@3 y¦"]),
        (format!("a,b\r1,{long}{long}\r3,4\r"), vec!["0@2 row.too_large", "1@3 3¦4"]),
    ];
    for (content, expected) in cases {
        let rows: Vec<String> = opened("x.csv", content.as_bytes()).source.take(2).map(|item| told(&item)).collect();
        let begins: Vec<&str> = rows.iter().map(|row| row.split(':').next().unwrap()).collect();
        assert_eq!(begins, expected);
    }
}

#[test]
fn a_json_record_beyond_the_limit_is_rejected_and_the_rest_goes_on() {
    let long = "x".repeat((16 << 20) + 5);
    let json = format!("[{{\"a\":\"{long}{long}\"}},\n{{\"a\":1}}]");
    let rows: Vec<String> = opened("x.json", json.as_bytes()).source.map(|item| told(&item)).collect();
    assert_eq!(rows, ["0@1 row.too_large: the record that begins in line 1 is longer than 16 MiB", "1@2 {\"a\":1}"]);
}

#[test]
fn columns_have_names_of_their_own() {
    let opened = opened("x.csv", b"Name,Name,,Name#2, ,Name\n1,2,3,4,5,6\n");
    assert_eq!(columns(&opened), ["Name", "Name#3", "column 3", "Name#2", "column 5", "Name#4"]);
    assert_eq!(opened.layout.table.as_ref().unwrap().columns, ["Name", "Name", "", "Name#2", " ", "Name"]);
    assert_eq!(opened.layout.table.as_ref().unwrap().header_raw, b"Name,Name,,Name#2, ,Name");
}

#[test]
fn a_sep_line_names_the_delimiter() {
    let opened = opened("x.csv", b"sep=^\r\na,b^c\r\n1^2\r\n");
    assert_eq!(columns(&opened), ["a,b", "c"]);
    assert_eq!(opened.source.map(|item| told(&item)).collect::<Vec<_>>(), ["0@3 1¦2"]);
}

#[test]
fn a_file_that_is_no_list_is_refused_with_what_to_do() {
    let cases: [(&str, &[u8], &str); 11] = [
        ("x.csv", b"", "`x.csv` is empty: it has no header"),
        ("x.csv", b" \r\n\n", "`x.csv` is empty: it has no header"),
        ("x.json", b"", "`x.json` is empty: it has no header"),
        ("x.csv", b"<!DOCTYPE html><html>", "`x.csv` is a web page, not a list"),
        ("x.csv", b"\xEF\xBB\xBF\n <html lang=en>", "`x.csv` is a web page, not a list"),
        (
            "x.csv",
            b"\xD0\xCF\x11\xE0....",
            "`x.csv` is an old Excel workbook (`.xls`), or one with a password, not a text file",
        ),
        ("x.csv", b"%PDF-1.7", "`x.csv` is a PDF document, not a text file"),
        ("x.json", b"name,phone\n", "`x.json` is not JSON: it begins with `name,phone`"),
        ("x.json", b"{\"error\":\"denied\"}", "there is no list of records in `x.json`: it is one object with `error`"),
        ("x.json", b"{\"a\":[{\"x\":1}],\"b\":{\"c\":[{\"x\":1}]}}", "there are several lists in `x.json`: `a`, `b.c`"),
        (
            "x.csv",
            b"\"a\"b,c\n1,2\n",
            "the header of `x.csv` cannot be read: the quote opened in line 1 is not closed \
                                       where its cell ends: `\"a\"b,c`",
        ),
    ];
    for (name, content, message) in cases {
        let failure = refused(name, content);
        assert_eq!(failure.to_string(), message);
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.hint.is_some(), "{message} has no hint");
    }
    assert_eq!(open(Path::new("/nowhere/x.csv"), "x.csv", &ReadOptions::default()).unwrap_err().exit, Exit::Usage);
}

#[test]
fn a_second_list_behind_a_long_one_is_not_passed_over() {
    let rows =
        vec![r#"{"x":"a long line of text, so that the list is longer than a look at the file"}"#; 20_000].join(",");
    let file = |behind: &str| format!(r#"{{"meta":{{"tags":["a",["b"]]}},"all":[{rows}],"next":null{behind}}}"#);
    for (behind, is_refused) in [
        ("", false),
        (r#","tags":["[{","b"],"page":{"of":[1,2,[{"y":1}]]}"#, false),
        (r#","old":[ {"x":1}]"#, true),
        (r#","page":{"old":[{"x":1}]}"#, true),
    ] {
        let last = opened("x.json", file(behind).as_bytes()).source.last();
        let is_failure = matches!(&last, Some(Err(ReadFault::Fatal(failure))) if failure.exit == Exit::Usage
            && failure.message == "there are several lists in `x.json`, and one of them was read");
        assert_eq!(is_failure, is_refused, "{behind}: {last:?}");
        let told = ReadOptions { root: Some("all".to_owned()), ..ReadOptions::default() };
        let mut told = open_as("x.json", file(behind).as_bytes(), &told).unwrap().source;
        assert!(told.all(|read| read.is_ok()), "{behind}");
    }
}

#[test]
fn more_columns_than_the_limit_are_refused() {
    for cell in ["a", "\"a\""] {
        let header = vec![cell; 4097].join(",");
        assert_eq!(
            refused("x.csv", format!("{header}\n").as_bytes()).message,
            "the header of `x.csv` has 4097 columns; 4096 is the most"
        );
        let row = format!("a,b\n{header}\n1,2\n");
        let expected = ["0@2 row.ragged: the row has 4097 cells where the header has 2", "1@3 1¦2"];
        assert_eq!(all("x.csv", row.as_bytes()), expected);
        let widest = vec![cell; 4096].join(",");
        let row = widest.replace('a', "b");
        assert_eq!(all("x.csv", format!("{widest}\n{row}\n").as_bytes()).len(), 1);
    }
}

#[test]
fn a_delimiter_that_cannot_be_one_is_refused() {
    for delimiter in [b'"', b'\n', 0xE9] {
        let options = ReadOptions { delimiter: Some(delimiter), ..ReadOptions::default() };
        assert_eq!(open_as("x.csv", b"a,b\n", &options).unwrap_err().exit, Exit::Usage);
    }
}

#[test]
fn where_two_encodings_fit_equally_well_the_user_is_asked() {
    let failure = refused("x.csv", b"name,city\n\xC0\xC1,x\n");
    assert_eq!(failure.message, "the encoding of `x.csv` cannot be determined");
    assert_eq!(failure.causes, ["line 2 in `windows-1251`: `АБ,x`", "line 2 in `windows-1252`: `ÀÁ,x`"]);
    assert_eq!(
        failure.hint.as_deref(),
        Some("say which one reads right: `--encoding windows-1251` or `--encoding windows-1252`")
    );
    let options = ReadOptions { encoding: Some("cp1251".into()), ..ReadOptions::default() };
    let said = open_as("x.csv", b"name,city\n\xC0\xC1,x\n", &options).unwrap();
    assert_eq!(said.source.map(|item| told(&item)).collect::<Vec<_>>(), ["0@2 АБ¦x"]);
}

#[test]
fn encodings_are_recognised_by_their_letters() {
    let cases = [
        ("Name,City\nJos\u{e9},Quito\n", "windows-1252"),
        ("Name,City\nMuñoz,Quito\n", "windows-1252"),
        ("Name,City\nFrançois,Orléans\nJürgen,Köln\n", "windows-1252"),
        ("Name,City\nJoão,São Paulo\n", "windows-1252"),
        ("Name,City\nGarcía,Bogotá\nPeña,Mérida\nNúñez,Cancún\n", "windows-1252"),
        ("Name;City\nÁngel;México\n", "windows-1252"),
        ("Name,City\nAnna,“Quito”\n", "windows-1252"),
        ("Имя,Город\nАнна,Москва\n", "windows-1251"),
        ("name,city\nИванов,Москва\n", "windows-1251"),
        ("name,phone\nОксана Шевченко,+380501234567\n", "windows-1251"),
        ("name,phone\nИП Петров,+79001234567\n", "windows-1251"),
    ];
    for (text, encoding) in cases {
        let opened = opened("x.csv", &encoded(text, encoding));
        assert_eq!(opened.layout.encoding.name().to_lowercase(), encoding, "{text}");
        assert_eq!(opened.notes.len(), usize::from(!text.is_ascii()), "{text}");
    }
}

#[test]
fn json_is_read_from_arrays_objects_and_lines() {
    let two = ["0@1 {\"a\":1.50}", "1@2 {\"a\":\"é\"}"];
    let cases: [(&str, &str, Option<&str>); 9] = [
        ("x.json", "[{\"a\":1.50},\n{\"a\":\"é\"}]", None),
        ("x.json", "\u{FEFF}[ {\"a\" : 1.50} ,\r\n {\"a\":\"\\u00e9\"}\r\n]\r\n", None),
        ("x.json", "{\"data\":{\"n\":2,\"items\":[{\"a\":1.50},\n{\"a\":\"é\"}],\"x\":[[]]},\"tags\":[\"t\"]}", None),
        ("x.json", "{\"b\":[{\"no\":[1,2]}],\"d\":{\"é\":[{\"a\":1.50},\n{\"a\":\"é\"}]}}", Some("d.é")),
        ("x.json", "{\"a\":1.50}\n{\"a\":\"é\"}\n", None),
        ("x.jsonl", "{\"a\":1.50}\n{\"a\":\"é\"}", None),
        ("-", "{\"a\":1.50}\r\n{\"a\":\"é\"}\r\n", None),
        ("x.csv", "[{\"a\":1.50},\n{\"a\":\"é\"}]", None),
        (
            "x.jsonl",
            "{\"record\":{\"a\":1.50},\"ferry\":{\"code\":\"x.y\"}}\n{\"raw\":\"{\\\"a\\\":\\\"é\\\"}\",\"ferry\":{\"code\":\"x.y\"}}",
            Some("data"),
        ),
    ];
    for (name, text, root) in cases {
        let options = ReadOptions { root: root.map(str::to_owned), ..ReadOptions::default() };
        for packing in PACKINGS {
            let opened = open_as(name, &packed(text.as_bytes(), packing), &options).unwrap();
            assert_eq!(opened.header, Header::Open);
            assert_eq!(opened.source.map(|item| told(&item)).collect::<Vec<_>>(), two, "{name} {text} {packing}");
        }
    }
    assert!(all("x.json", b"[]").is_empty());
    assert!(all("x.json", b"{\"data\":[]}").is_empty());
}

#[test]
fn a_malformed_json_record_is_rejected_and_the_rest_goes_on() {
    let cases: [(&str, &[u8], &[&str]); 7] = [
        (
            "x.json",
            b"[{\"a\":1},\n{\"a\":},\n5,\n{\"a\":\"open},\n{\"a\":2}]",
            &[
                "0@1 {\"a\":1}",
                "1@2 row.json: the record is not JSON: expected value, in `{\"a\":}`",
                "2@3 row.json: the record is a number, not an object: `5`",
                "3@4 row.json: the record is not JSON: EOF while parsing a string, in `{\"a\":\"open},`",
                "4@5 {\"a\":2}",
            ],
        ),
        (
            "x.json",
            b"[{\"a\":[1},{\"b\":2}]",
            &["0@1 row.json: the record is not JSON: expected `,` or `]`, in `{\"a\":[1}`", "1@1 {\"b\":2}"],
        ),
        ("x.json", b"[{\"a\":1},]", &["0@1 {\"a\":1}", "1@1 row.json: there is no record between two commas"]),
        (
            "x.json",
            b"[{\"a\":1}]\n[{\"a\":2}]",
            &["0@1 {\"a\":1}", "Failed: `x.json` continues after its list, at line 2: `[{\"a\":2}]`"],
        ),
        (
            "x.jsonl",
            b"{\"a\":1}\n{\"a\":\n\n{\"a\":2}\n{\"a\":",
            &[
                "0@1 {\"a\":1}",
                "1@2 row.json: the record is not JSON: EOF while parsing a value, in `{\"a\":`",
                "2@4 {\"a\":2}",
                "Failed: `x.jsonl` ends in the middle: line 5 is its last, and it is not a whole record",
            ],
        ),
        (
            "x.jsonl",
            b"{\"a\":\"\xC3\xA9\xC3\xA9\"}\n{\"a\":\"\xE9\"}\n{\"a\":2}\n",
            &["0@1 {\"a\":\"éé\"}", "1@2 row.encoding: the bytes `\\xE9` are not UTF-8", "2@3 {\"a\":2}"],
        ),
        (
            "x.json",
            b"{\"data\":[{\"a\":1}],\"more\":[",
            &[
                "0@1 {\"a\":1}",
                "Failed: `x.json` ends in the middle: line 1 is its last, and its brackets are not closed",
            ],
        ),
    ];
    for (name, content, expected) in cases {
        assert_eq!(all(name, content), expected, "{}", String::from_utf8_lossy(content));
    }
}

/// What a source gave until it ended, and how it ended.
fn read_out(content: &[u8], name: &str) -> Result<Vec<String>, Failure> {
    let mut told_all = Vec::new();
    for item in open_as(name, content, &ReadOptions::default())?.source {
        match item {
            Err(ReadFault::Fatal(failure)) => {
                assert_eq!(failure.exit, Exit::Failed);
                return Err(failure);
            }
            item => told_all.push(told(&item)),
        }
    }
    Ok(told_all)
}

#[test]
fn a_cut_file_never_ends_quietly() {
    let csv: String = (0..14).map(|i| format!("name{i},\"city {}\"\n", i * 7919 % 1000)).collect();
    let csv = format!("name,city\n{csv}");
    let json: Vec<Value> = (0..6).map(|i| json!({"name": format!("n\"{i}"), "list": [i, {"x": "]}"}]})).collect();
    let array = Value::from(json.clone()).to_string();
    let inside = json!({"meta": {"count": 6}, "data": json}).to_string();
    let cases = [
        ("x.csv.gz", packed(csv.as_bytes(), "gzip")),
        ("x.csv.gz", packed(csv.as_bytes(), "two gzip members")),
        ("x.csv.zst", packed(csv.as_bytes(), "zstd")),
        ("x.json", array.into_bytes()),
        ("x.json", inside.into_bytes()),
    ];
    for (name, content) in cases {
        let whole = read_out(&content, name).unwrap();
        assert!(whole.len() >= 6, "{whole:?}");
        let member = packed(&csv.as_bytes()[..csv.len() / 2], "gzip").len();
        for len in 0..content.len() {
            // Where the first of two members ends, a file is whole: nothing in it shows the second.
            if name == "x.csv.gz" && len == member && content[len..].starts_with(&[0x1F, 0x8B]) {
                continue;
            }
            let cut = read_out(&content[..len], name);
            assert!(cut.is_err(), "{name} cut at {len} of {} gave {cut:?}", content.len());
        }
    }
}

#[test]
fn what_is_whole_comes_before_the_failure_of_a_cut_file() {
    let rows: String = (0..20_000).map(|i| format!("{i},{}\n", i * 7919 % 100_003)).collect();
    let content = packed(format!("a,b\n{rows}").as_bytes(), "gzip");
    let items: Vec<String> = opened("x.csv.gz", &content[..content.len() / 2]).source.map(|item| told(&item)).collect();
    let (last, sound) = items.split_last().unwrap();
    assert!(sound.len() > 1000);
    assert!(sound.iter().enumerate().all(|(i, row)| *row == format!("{i}@{} {i}¦{}", i + 2, i * 7919 % 100_003)));
    let line = sound.len() + 2;
    assert!(
        last.starts_with(&format!(
            "Failed: `x.csv.gz` ends in the middle: its compressed data is cut off at line {line}"
        ))
    );
}

#[test]
fn a_file_that_unpacks_to_a_thousand_times_its_size_is_stopped() {
    for packing in ["gzip", "zstd"] {
        let content = packed(&vec![b'\n'; 4 << 20], packing);
        let failure = read_out(&content, "x.csv.gz").unwrap_err();
        assert!(failure.message.contains("unpacks to more than 1000 times its size"), "{failure}");
    }
}
