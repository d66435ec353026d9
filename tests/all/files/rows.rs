//! The right rows: where the header is, what is no record, and which rows are complete.

use super::{columns, encoded, open_as, packed, told};
use ferry::files::{KnownNames, Opened, ReadFault, ReadOptions};
use ferry::mapping::names::known_column;
use ferry::record::Fields;
use proptest::prelude::*;

fn known(name: &str) -> bool {
    known_column(name).is_some()
}

/// Options with the names that a mapping uses.
fn mapped(names: &[&str]) -> ReadOptions {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    ReadOptions { names: KnownNames::new(&names, known), ..ReadOptions::default() }
}

/// The columns, the notes and what was read.
fn read(content: &[u8], options: &ReadOptions) -> (String, Vec<String>) {
    let Opened { header, notes, found, source, .. } = match open_as("x.csv", content, options) {
        Ok(opened) => opened,
        Err(failure) => return (format!("{failure} | {}", failure.hint.clone().unwrap_or_default()), Vec::new()),
    };
    let mut lines: Vec<String> = notes;
    lines.extend(source.map(|item| told(&item)));
    lines.extend(found.notes("x.csv"));
    let columns = match header {
        ferry::record::Header::Columns(names) => names.join("¦"),
        other => format!("{other:?}"),
    };
    (columns, lines)
}

/// A file, the columns it is read with, and the notes and rows.
type Case<'a> = (&'a str, &'a str, &'a [&'a str]);

fn check(cases: &[Case<'_>], options: &ReadOptions) {
    for (content, expected_columns, expected) in cases {
        let (columns, lines) = read(content.as_bytes(), options);
        assert_eq!(columns, *expected_columns, "{content}");
        assert_eq!(lines, *expected, "{content}");
    }
}

#[test]
fn titles_above_the_header_are_skipped_and_reported() {
    check(
        &[
            (
                "Client report - made on 12/03/2026\n\nFirst Name,Phone,City\nAna,+593991234561,Quito\n",
                "First Name¦Phone¦City",
                &[
                    "the header is in line 3 of `x.csv`; skipped above it: `Client report - made on 12/03/2026`",
                    "0@4 Ana¦+593991234561¦Quito",
                ],
            ),
            (
                "Report,,\n,,\nColor,Size,Amount\nred,L,10\nblue,M,20\n",
                "Color¦Size¦Amount",
                &["the header is in line 3 of `x.csv`; skipped above it: `Report`", "0@4 red¦L¦10", "1@5 blue¦M¦20"],
            ),
            (
                "Notes:\n\"Some of the addresses, as you may notice, are missing. They are shown only where \"\"allowed\"\".\"\n\nFirst Name,Last Name,URL\nAna,Ruiz,x\n",
                "First Name¦Last Name¦URL",
                &[
                    "the header is in line 4 of `x.csv`; skipped above it: `Notes:`, `Some of the addresses, as you may notice…`",
                    "0@5 Ana¦Ruiz¦x",
                ],
            ),
            (
                "sep=;\r\nClients\r\n\r\nFirst Name;Phone\r\nAna;+593991234561\r\n",
                "First Name¦Phone",
                &["the header is in line 4 of `x.csv`; skipped above it: `Clients`", "0@5 Ana¦+593991234561"],
            ),
            (
                "Exported by;Ana;;;;\nOn;12/03/2026;;;;\nFirst Name;Last Name;Phone;City;Zip;Note\nBo;Li;+593991234561;Quito;1;x\n",
                "First Name¦Last Name¦Phone¦City¦Zip¦Note",
                &[
                    "the header is in line 3 of `x.csv`; skipped above it: `Exported by, Ana`, `On, 12/03/2026`",
                    "0@4 Bo¦Li¦+593991234561¦Quito¦1¦x",
                ],
            ),
            ("\n\n;;\nFirst Name;Phone;City\nAna;1;x\n", "First Name¦Phone¦City", &["0@5 Ana¦1¦x"]),
        ],
        &mapped(&[]),
    );
}

#[test]
fn a_header_in_the_first_row_stays_the_header() {
    check(
        &[
            ("Name,\nAna,x\nBo,y\n", "Name¦column 2", &["0@2 Ana¦x", "1@3 Bo¦y"]),
            ("color,size\nred,L\nFirst Name,Phone\n", "color¦size", &["0@2 red¦L", "1@3 First Name¦Phone"]),
            ("Cliente VIP\n\"Perez, Juan\"\n", "Cliente VIP", &["0@2 Perez, Juan"]),
            (
                "a,b\n1,2,3\n4,5,6\n",
                "a¦b",
                &[
                    "0@2 row.ragged: the row has 3 cells where the header has 2",
                    "1@3 row.ragged: the row has 3 cells where the header has 2",
                ],
            ),
            ("Name,Phone,01/02/2026\nAna,1,x\n", "Name¦Phone¦01/02/2026", &["0@2 Ana¦1¦x"]),
            ("2024,2025\n1,2\n", "2024¦2025", &["0@2 1¦2"]),
            // A time sheet.
            ("Name,Phone,01/02/2026,02/02/2026\nAna,1,8,7\n", "Name¦Phone¦01/02/2026¦02/02/2026", &["0@2 Ana¦1¦8¦7"]),
        ],
        &mapped(&[]),
    );
}

#[test]
fn a_first_row_that_is_a_record_is_an_error_with_a_line_for_the_mapping() {
    let hint = |columns: &str, line: u64| {
        format!(
            "name the columns in the mapping: `read: {{ columns: [{columns}] }}`; if it is the header after all, write `read: {{ header_row: {line} }}`"
        )
    };
    let cases = [
        (
            "Ana,+593991234561,ana@example.com\nBo,,bo@example.com\n",
            1,
            "Ana, +593991234561, ana@example.com",
            "column 1, phone, email",
        ),
        ("+593991234561\n+593991234562\n", 1, "+593991234561", "phone"),
        ("Ana;12/03/1990;x\nBo;13/04/1991;y\n", 1, "Ana, 12/03/1990, x", "column 1, date, column 3"),
        (
            "List of 2026\n\nAna;Ruiz;ana@example.com\nBo;Li;bo@example.com\n",
            3,
            "Ana, Ruiz, ana@example.com",
            "column 1, column 2, email",
        ),
        ("ana@example.com\n", 1, "ana@example.com", "email"),
    ];
    for (content, line, shown, columns) in cases {
        let (said, _) = read(content.as_bytes(), &mapped(&[]));
        let expected = format!("line {line} of `x.csv` is a record, not a header: `{shown}` | {}", hint(columns, line));
        assert_eq!(said, expected);
    }
    let (said, _) = read(b"Ana,+593991234561\nBo,+593991234562\nFirst Name,Phone\nCy,+593991234563\n", &mapped(&[]));
    assert!(
        said.starts_with("line 3 of `x.csv` looks like the header, and line 1 above it like a record: `Ana, +59"),
        "{said}"
    );
    assert!(said.contains("write `read: { header_row: 3 }` in the mapping"), "{said}");
}

#[test]
fn the_mappings_own_names_say_where_the_header_is() {
    let wide = "Warehouse,Region,Week\nA,B,C\nKunde,Ruf,Ort\nAna,x,Quito\n";
    let (said, _) = read(wide.as_bytes(), &mapped(&["Kunde", "Ruf"]));
    assert!(said.starts_with("line 3 of `x.csv` looks like the header, and line 1 above it like a record"), "{said}");
    let narrow = "Warehouse,Region,\nWeek,9,\nKunde,Ruf,Ort\nAna,x,Quito\n";
    assert_eq!(read(narrow.as_bytes(), &mapped(&["kunde", "RUF"])).0, "Kunde¦Ruf¦Ort");
    let plain = "Kunde,Ruf,Ort\nAna,x,Quito\n";
    assert_eq!(read(plain.as_bytes(), &mapped(&["Ort", "Kunde"])).0, "Kunde¦Ruf¦Ort");
}

#[test]
fn header_row_and_columns_override_what_is_found() {
    let content = b"Ana,+593991234561\nx,y\nFirst Name,Phone\nBo,+593991234562\n";
    let at = |line| ReadOptions { header_row: Some(line), ..mapped(&[]) };
    let bo = "0@4 Bo¦+593991234562".to_owned();
    assert_eq!(read(content, &at(3)), ("First Name¦Phone".to_owned(), vec![bo]));
    let (columns, lines) = read(content, &at(1));
    assert_eq!((columns.as_str(), lines.len()), ("Ana¦+593991234561", 3));
    assert!(read(content, &at(9)).0.starts_with("`read.header_row` is 9, and no row begins in line 9 of `x.csv`"));
    let with_names = ReadOptions { header_row: Some(2), ..mapped(&["First Name", "Phone"]) };
    let (said, _) = read(content, &with_names);
    assert_eq!(
        said,
        "none of the columns that the mapping names is in line 2 of `x.csv`; they are in line 3 | write `header_row: 3`, \
         or leave it out"
    );

    let named = |names: &[&str]| ReadOptions {
        columns: Some(names.iter().map(|name| (*name).to_owned()).collect()),
        ..mapped(&[])
    };
    let (columns, lines) = read(b"Ana,+593991234561\n\nBo,\n", &named(&["who", "tel"]));
    assert_eq!(
        (columns.as_str(), &lines[..]),
        ("who¦tel", &["0@1 Ana¦+593991234561", "1@2 blank", "2@3 Bo¦"].map(str::to_owned)[..])
    );
    let (said, _) = read(b"Ana,+593991234561,x\n", &named(&["who", "tel"]));
    assert!(said.starts_with("`read.columns` names 2 columns, and line 1 of `x.csv` has 3 cells"), "{said}");

    // A rejects file has a header of its own, whatever the source had.
    let rejects = b"who,tel,ferry_line,ferry_code\nAna,1,7,phone.invalid\n";
    for options in [named(&["a", "b"]), at(2)] {
        let (columns, lines) = read(rejects, &options);
        assert_eq!((columns.as_str(), lines.last().map(String::as_str)), ("who¦tel", Some("0@2 Ana¦1")));
    }
}

#[test]
fn blank_rows_and_the_header_once_more_are_no_records() {
    check(
        &[
            (
                "Name,Phone\nAna,1\n,\n\n  ,\t\nBo,2\nNAME , phone\nCy,3\n,\n\n\n",
                "Name¦Phone",
                &[
                    "0@2 Ana¦1",
                    "1@3 blank",
                    "2@4 blank",
                    "3@5 blank",
                    "4@6 Bo¦2",
                    "5@8 Cy¦3",
                    "6@9 blank",
                    "line 7 of `x.csv` repeats the header and is not a record",
                ],
            ),
            ("Name\n\"\"\nAna\n", "Name", &["0@2 blank", "1@3 Ana"]),
        ],
        &mapped(&[]),
    );
}

#[test]
fn rows_that_lack_or_exceed_by_blanks_are_complete() {
    let rows = |short: usize, long: usize| {
        let short = "Ana,Ruiz\n".repeat(short);
        format!("First,Last,City\n{short}{}", "Bo,Li,Quito\n".repeat(long))
    };
    let ragged = |content: &str| {
        let (_, lines) = read(content.as_bytes(), &mapped(&[]));
        let note = lines.iter().find(|line| line.contains("end before")).cloned().unwrap_or_default();
        (lines.iter().filter(|line| line.contains("row.ragged")).count(), note)
    };
    assert_eq!(ragged(&rows(2, 10)), (2, String::new()));
    assert_eq!(ragged(&rows(3, 58)), (3, String::new()));
    let note = "3 of 60 rows end before the last column; what they lack is taken as blank";
    assert_eq!(ragged(&rows(3, 57)), (0, note.to_owned()));
    // What lacks a cell in its middle is out of place, however many do.
    let shifted = format!("Name,Code,Phone,Note\nAna,1,+593991234561,x\n{}", "Bo,+593991234562,y\n".repeat(5));
    assert_eq!(ragged(&shifted), (5, String::new()));
    check(
        &[
            (
                "A,B\n1,2,\n3,4, ,\n5,6,x\n",
                "A¦B",
                &["0@2 1¦2", "1@3 3¦4", "2@4 row.ragged: the row has 3 cells where the header has 2"],
            ),
            ("A,B,\n1,2\n3,\n", "A¦B¦column 3", &["0@2 1¦2¦", "1@3 3¦¦"]),
        ],
        &mapped(&[]),
    );
}

#[test]
fn totals_and_second_tables_are_rejected() {
    check(
        &[
            (
                "Name,Phone,Paid\nAna,+593991234561,2\n\nTOTAL,,12\n,,\n\n",
                "Name¦Phone¦Paid",
                &[
                    "0@2 Ana¦+593991234561¦2",
                    "1@3 blank",
                    "2@4 row.total: the last row looks like a total: `TOTAL`",
                    "3@5 blank",
                ],
            ),
            (
                "Name,Phone,Paid,Due\nAna,+593991234561,2,1\nBo,+593991234562,3,1\n,,5,2\n",
                "Name¦Phone¦Paid¦Due",
                &[
                    "0@2 Ana¦+593991234561¦2¦1",
                    "1@3 Bo¦+593991234562¦3¦1",
                    "2@4 row.total: the last row looks like a total: `5`",
                ],
            ),
            (
                "Name,Phone\nTotal,\nAna,+593991234561\nTotal,+593991234562\n",
                "Name¦Phone",
                &["0@2 Total¦", "1@3 Ana¦+593991234561", "2@4 Total¦+593991234562"],
            ),
            (
                "Name,Phone,City\nAna,+593991234561,Quito\n\nProduct,Price\nMilk,1.20\nBread,0.50\nName,Phone,City\nBo,+593991234562,Loja\n",
                "Name¦Phone¦City",
                &[
                    "0@2 Ana¦+593991234561¦Quito",
                    "1@3 blank",
                    "2@4 row.table: the row belongs to a second table in the file",
                    "3@5 row.table: the row belongs to a second table in the file",
                    "4@6 row.table: the row belongs to a second table in the file",
                    "5@8 Bo¦+593991234562¦Loja",
                    "line 7 of `x.csv` repeats the header and is not a record",
                    "a second table begins in line 4 of `x.csv`; its rows are rejected (`row.table`)",
                ],
            ),
            (
                "Name;Phone;City\nAna;+593991234561;Quito\n;;\nProducts;;\nProduct;Price;\nMilk;1,20;\nBread;0,50;\n",
                "Name¦Phone¦City",
                &[
                    "0@2 Ana¦+593991234561¦Quito",
                    "1@3 blank",
                    "2@4 row.table: the row belongs to a second table in the file",
                    "3@5 row.table: the row belongs to a second table in the file",
                    "4@6 row.table: the row belongs to a second table in the file",
                    "5@7 row.table: the row belongs to a second table in the file",
                    "a second table begins in line 4 of `x.csv`; its rows are rejected (`row.table`)",
                ],
            ),
            (
                "Name,City,Note\nAna,Quito,x\n\nBo,Loja,\nCy,Ambato,\n",
                "Name¦City¦Note",
                &["0@2 Ana¦Quito¦x", "1@3 blank", "2@4 Bo¦Loja¦", "3@5 Cy¦Ambato¦"],
            ),
        ],
        &mapped(&[]),
    );
}

#[test]
fn rejected_totals_and_tables_stay_rejected_until_they_are_fixed() {
    let table = "2@4 row.table: the row belongs to a second table, says its `ferry_code`";
    check(
        &[(
            "Name,Phone,ferry_code,ferry_surplus\nTOTAL,9,row.total,\n,12,row.total,\nMilk,1,row.table,\nTOTAL,+593991234561,row.total,\nMilk,1,,\nAna,1,row.ragged,x\nAna,1,row.ragged,\n",
            "Name¦Phone",
            &[
                "the columns `ferry_*` of a rejects file are left out",
                "0@2 row.total: the last row looks like a total: `TOTAL`",
                "1@3 row.total: the last row looks like a total: `12`",
                table,
                "3@5 TOTAL¦+593991234561",
                "4@6 Milk¦1",
                "5@7 row.ragged: `ferry_surplus` still holds cells that belong to no column",
                "6@8 Ana¦1",
            ],
        )],
        &mapped(&[]),
    );
}

#[test]
fn zeros_are_no_text_and_no_sign_of_utf_16() {
    let rows: Vec<String> = read(b"a,b\nx\0,\0y\0\0\n1,2\n\0\0\0\0,\0\0\n", &mapped(&[])).1;
    let bad = "row.encoding: the cell has a zero byte (`\\0`) in it, which is not text";
    assert_eq!(rows, [format!("0@2 {bad}"), "1@3 1¦2".to_owned(), format!("2@4 {bad}")]);
    let (said, _) = read(&encoded("Name;Phone;City and country", "utf-16le"), &mapped(&[]));
    assert!(said.starts_with("`x.csv` looks like `UTF-16LE`, and has no records when read that way"), "{said}");
    // A letter with the byte of a line end hides nothing.
    let rows = read(
        &encoded("Name;City\nЊегош;Niš\nAna;Quito\nBo;Loja\nCy;Loja\nDi;Loja\nEd;Loja\nFe;Loja\nGi;Loja\n", "utf-16le"),
        &mapped(&[]),
    )
    .1;
    assert_eq!(rows.get(1).map(String::as_str), Some("0@2 Његош¦Niš"));
}

#[test]
fn mixed_scripts_within_a_word_settle_the_encoding() {
    for (text, encoding) in [
        ("Name,City\nÖzdemir,Ankara\n", "windows-1252"),
        ("Name,City\nJosé Núñez,Quito\n", "windows-1252"),
        ("Имя,Город\nАнна,Москва\n", "windows-1251"),
    ] {
        let opened = open_as("x.csv", &encoded(text, encoding), &mapped(&[])).unwrap();
        assert_eq!(opened.layout.encoding.name().to_lowercase(), encoding);
        assert_eq!(columns(&opened).join(","), text.lines().next().unwrap());
    }
    // `é` of a Macintosh, and Shift-JIS: refused as before.
    for bytes in [&b"Name,City\nJos\x8e,Le\x97n\n"[..], b"Name,City\n\x8d\x82\x8b\xb4,\x93\x8c\x8b\x9e\n"] {
        assert!(read(bytes, &mapped(&[])).0.contains("cannot be determined"), "{bytes:?}");
    }
}

#[test]
fn the_delimiter_is_that_of_the_table_not_of_the_title() {
    for title in ["Clients, by city, 2026", "a|b|c|d", "\"x;y\""] {
        let content = format!("{title}\n\nFirst Name;Phone;City\nAna;+593991234561;Quito, EC\nBo;+593991234562;Loja\n");
        let opened = open_as("x.csv", content.as_bytes(), &mapped(&[])).unwrap();
        assert_eq!(opened.layout.table.as_ref().unwrap().delimiter, b';', "{title}");
        assert_eq!(columns(&opened), ["First Name", "Phone", "City"], "{title}");
    }
}

/// The cells of each record of a file.
fn records(content: &[u8]) -> Vec<Vec<String>> {
    let opened = open_as("x.csv", content, &mapped(&[])).unwrap_or_else(|failure| panic!("{failure}"));
    let rows = opened.source.filter_map(|item| match item {
        Ok(record) => match record.fields {
            Fields::Row(row) => Some(row.iter().map(str::to_owned).collect()),
            _ => unreachable!(),
        },
        Err(ReadFault::Blank(_)) => None,
        Err(fault) => panic!("{fault:?}"),
    });
    rows.collect()
}

fn row() -> impl Strategy<Value = Vec<String>> {
    let note = prop::sample::select(&["", "x", "Loja", "una nota; larga", "12", "ana@example.com"][..]);
    (0u32..90, prop::bool::ANY, note).prop_map(|(number, has_phone, note)| {
        let phone = if has_phone { format!("+5939912345{:02}", number + 10) } else { String::new() };
        vec![format!("Ana{number}"), phone, "Quito".to_owned(), note.to_owned()]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn titles_blank_rows_and_trailing_blanks_change_no_record(
        rows in prop::collection::vec((row(), 0usize..3, 0usize..3), 1..12),
        titles in prop::collection::vec(prop::sample::select(&["Report", "Made on 12/03/2026", "\"Lines\nof, a title\"", ""][..]), 0..4),
        is_padded in any::<bool>(),
        line_end in prop::sample::select(&["\n", "\r\n", "\r"][..]),
        utf16 in any::<bool>(),
        packing in prop::sample::select(&["", "gzip"][..]),
    ) {
        let mut text = String::new();
        for title in &titles {
            text.push_str(title);
            text.push_str(if is_padded { ",,,\n" } else { "\n" });
        }
        text.push_str("First Name,Phone,City,Note\n");
        for (row, blanks, trailing) in &rows {
            text.push_str(&row.join(","));
            text.push_str(&",".repeat(*trailing));
            text.push('\n');
            text.push_str(&if is_padded { ",,,\n" } else { "\n" }.repeat(*blanks));
        }
        let text = text.replace('\n', line_end);
        let content = if utf16 { encoded(&text, "utf-16le with mark") } else { text.into_bytes() };
        let expected: Vec<Vec<String>> = rows.into_iter().map(|(row, ..)| row).collect();
        prop_assert_eq!(records(&packed(&content, packing)), expected);
    }
}
