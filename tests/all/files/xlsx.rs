//! Workbooks: which sheet is read, what each kind of cell becomes, and what is hostile or another kind of file.

use super::super::support::{Ended, Workbook, ferry as command, folder_with, run, texts, zipped};
use super::{open_as, told};
use ferry::files::{KnownNames, ReadOptions};
use ferry::mapping::names::known_column;
use ferry::record::Header;
use std::fs;
use std::path::Path;

fn known(name: &str) -> bool {
    known_column(name).is_some()
}

fn options() -> ReadOptions {
    ReadOptions { names: KnownNames::new(&[], known), ..ReadOptions::default() }
}

/// The columns, then the notes, what was read, and what was found at the end; or the error and its hint.
fn read_as(content: &[u8], options: &ReadOptions) -> Vec<String> {
    let opened = match open_as("x.xlsx", content, options) {
        Ok(opened) => opened,
        Err(failure) => {
            let causes = failure.causes.iter().map(|cause| format!("cause: {cause}"));
            let mut lines: Vec<String> = vec![format!("{:?}: {}", failure.exit, failure.message)];
            lines.extend(causes);
            lines.extend(failure.hint.map(|hint| format!("hint: {hint}")));
            return lines;
        }
    };
    let Header::Columns(names) = opened.header else { panic!("a sheet is a table") };
    let mut lines = vec![names.join("¦")];
    lines.extend(opened.notes);
    lines.extend(opened.source.map(|item| told(&item)));
    lines.extend(opened.found.notes("x.xlsx"));
    lines
}

fn read(workbook: &Workbook) -> Vec<String> {
    read_as(&workbook.bytes(), &options())
}

/// What a cell becomes that stands under `Value`, beside a name.
fn cell(xml: &str, workbook: Workbook) -> String {
    let header = texts(&[&["Name", "Value"]]);
    let row = format!("<row r=\"2\"><c t=\"inlineStr\"><is><t>Ana</t></is></c>{xml}</row>");
    let workbook = Workbook { sheets: vec![("S".to_owned(), "", header + &row)], ..workbook };
    read(&workbook).get(1).cloned().unwrap_or_default().replace("0@2 Ana¦", "")
}

#[test]
fn each_kind_of_cell_is_read_as_the_spreadsheet_shows_it() {
    for (xml, expected) in [
        ("<c><v>593991234567</v></c>", "593991234567"),
        ("<c><v>5.93991234567E+11</v></c>", "593991234567"),
        ("<c t=\"n\"><v>12.50</v></c>", "12.5"),
        ("<c s=\"3\"><v>991234567</v></c>", "0991234567"),
        ("<c s=\"8\"><v>593991234567</v></c>", "+593991234567"),
        ("<c s=\"4\"><v>12</v></c>", "12"),
        ("<c s=\"1\"><v>32216</v></c>", "1988-03-14"),
        ("<c s=\"6\"><v>32216</v></c>", "1988-03-14"),
        ("<c s=\"2\"><v>32216.5</v></c>", "1988-03-14T12:00:00"),
        ("<c s=\"5\"><v>0.34375</v></c>", "08:15:00"),
        ("<c s=\"7\"><v>1.25</v></c>", "30:00:00"),
        ("<c s=\"999\"><v>7</v></c>", "7"),
        ("<c t=\"d\"><v>1988-03-14</v></c>", "1988-03-14"),
        ("<c t=\"b\"><v>1</v></c>", "true"),
        ("<c t=\"b\"><v>0</v></c>", "false"),
        ("<c t=\"e\"><v>#SPILL!</v></c>", "#SPILL!"),
        ("<c t=\"s\"><v>1</v></c>", "Quito & Loja"),
        ("<c t=\"s\"/>", ""),
        ("<c t=\"str\"><f>A2&amp;\"!\"</f><v>Ana!</v></c>", "Ana!"),
        ("<c><f>1+1</f><v>2</v></c>", "2"),
        ("<c t=\"str\"><f>\"\"</f><v></v></c>", ""),
        ("<c t=\"inlineStr\"><is><r><t>a</t></r><r><rPr><b/></rPr><t>b</t></r><rPh><t>c</t></rPh></is></c>", "ab"),
        ("<c t=\"inlineStr\"><is><t>a_x000D_&#10;b, \"c\"</t></is></c>", "a\r\nb, \"c\""),
        ("<c t=\"inlineStr\"><is><t>'0991</t></is></c>", "'0991"),
        ("<c t=\"inlineStr\"><is><t><![CDATA[a<b]]></t></is></c>", "a<b"),
        ("<c><v>12</v><extLst><ext><v>9</v></ext></extLst></c>", "12"),
    ] {
        let strings = "<si><t>unused</t></si><si><t>Quito &amp; Loja</t></si>".to_owned();
        assert_eq!(cell(xml, Workbook { strings, ..Workbook::default() }), expected, "{xml}");
    }
    let since_1904 = Workbook { is_1904: true, ..Workbook::default() };
    assert_eq!(cell("<c s=\"1\"><v>30754</v></c>", since_1904), "1988-03-14");
}

#[test]
fn lines_are_the_rows_of_the_sheet() {
    // A title over three columns, a blank row, a header in column B, a cell with a line break, a gap, a blank row at the
    // end, a hidden row, and cells that are merged below one another.
    let text = |at: &str, text: &str| format!("<c r=\"{at}\" t=\"inlineStr\"><is><t>{text}</t></is></c>");
    let rows = [
        format!("<row r=\"1\">{}</row><row r=\"2\"><c r=\"B2\" s=\"1\"/></row>", text("B1", "Clients&#10;of 2026")),
        format!("<row r=\"3\">{}{}{}</row>", text("B3", "Nombre"), text("C3", "Celular"), text("E3", "Ciudad")),
        format!("<row r=\"4\">{}{}</row>", text("B4", "Ana&#10;Ruiz"), text("C4", "+593991234561")),
        format!("<row r=\"7\" hidden=\"1\">{}{}</row>", text("B7", "Eva"), text("E7", "Loja")),
        format!("<row r=\"8\">{}{}</row><row r=\"900\"/>", text("B8", "Luis"), text("G8", "beyond")),
    ];
    let behind = "<mergeCells count=\"2\"><mergeCell ref=\"B1:E1\"/><mergeCell ref=\"B7:B8\"/></mergeCells>".to_owned();
    let workbook = Workbook { behind, ..Workbook::of(&rows.concat()) };
    assert_eq!(
        read(&workbook),
        [
            "column 1¦Nombre¦Celular¦column 4¦Ciudad",
            "the header is in line 3 of `x.xlsx`; skipped above it: `Clients\\nof 2026`",
            "0@4 ¦Ana\nRuiz¦+593991234561¦¦",
            "1@5 blank",
            "2@6 blank",
            "3@7 ¦Eva¦¦¦Loja",
            "4@8 row.ragged: the row has 7 cells where the header has 5",
            "hidden rows of `x.xlsx` are read like the others (1, the first in line 7)",
            "of cells of `x.xlsx` that are merged over several rows only the first row has the value (1, the first in \
             line 7)",
        ]
    );
}

#[test]
fn a_formula_without_a_value_is_blank_and_told() {
    let rows = texts(&[&["Name", "Phone"]]) + "<row><c t=\"str\"><v>Ana</v></c><c><f>B9</f></c></row>";
    let note = "formulas of `x.xlsx` without a stored value are read as blank (1, the first in line 2); open the file in \
                the spreadsheet program and save it";
    assert_eq!(read(&Workbook::of(&rows)), ["Name¦Phone", "0@2 Ana¦", note]);
}

#[test]
fn the_sheet_is_the_named_one_or_the_only_one_that_can_be_meant() {
    let contacts = texts(&[&["Nombre", "Celular"], &["Ana", "+593991234561"]]);
    let colors = texts(&[&["Color", "Size"], &["red", "L"]]);
    let book = |sheets: &[(&str, &'static str, &str)]| {
        sheets.iter().fold(Workbook::default(), |book, (name, state, rows)| book.sheet(name, state, rows)).bytes()
    };
    let first = |content: &[u8], sheet: Option<&str>| {
        read_as(content, &ReadOptions { sheet: sheet.map(str::to_owned), ..options() })[..2].join(" | ")
    };
    let one =
        book(&[("Hoja2", "", ""), ("Colors", "", &colors), ("Clientes", "", &contacts), ("Old", "hidden", &contacts)]);
    let read = "Nombre¦Celular | the sheet `Clientes` of `x.xlsx` is read, not `Hoja2`, `Colors`, nor the hidden `Old`";
    assert_eq!(first(&one, None), read);
    assert_eq!(first(&one, Some("clientes ")), read);
    assert_eq!(first(&one, Some("3")), read);
    let colored = "Color¦Size | the sheet `Colors` of `x.xlsx` is read, not `Hoja2`, `Clientes`, nor the hidden `Old`";
    assert_eq!(first(&one, Some("Colors")), colored);
    let hidden = "Nombre¦Celular | the sheet `Old` of `x.xlsx` is read, not `Hoja2`, `Colors`, `Clientes`";
    assert_eq!(first(&one, Some("Old")), hidden);
    assert_eq!(
        first(&one, Some("Cliente")),
        "Usage: there is no sheet `Cliente` in `x.xlsx` | hint: did you mean `Clientes`?"
    );
    let two = book(&[("A", "", &contacts), ("B", "", &contacts)]);
    assert_eq!(
        first(&two, None),
        "Usage: several sheets of `x.xlsx` have content: `A`, `B` | hint: name the one to read: `--sheet \"A\"`, or \
         `read: { sheet: A }` in the mapping"
    );
    let only_hidden = book(&[("A", "veryHidden", &contacts)]);
    assert_eq!(
        first(&only_hidden, None),
        "Usage: `x.xlsx` has no sheet with cells that is not hidden | hint: name a hidden sheet with `--sheet`, or show it \
         in the spreadsheet program"
    );
    let empty = book(&[("A", "", ""), ("B", "", "")]);
    assert!(first(&empty, None).starts_with("Usage: `x.xlsx` is empty: it has no header"));
}

#[test]
fn other_kinds_of_files_are_refused_with_what_to_do() {
    let archive = |part: &str| zipped(&[(part.to_owned(), "<x/>".to_owned())]);
    let save = "hint: open it in the spreadsheet program, and save it as an Excel workbook (`.xlsx`)";
    for (content, expected) in [
        (
            archive("xl/workbook.bin"),
            ["Usage: `x.xlsx` is a binary Excel workbook (`.xlsb`), which cannot be read", save],
        ),
        (archive("content.xml"), ["Usage: `x.xlsx` is an OpenDocument file (`.ods`), which cannot be read", save]),
        (
            archive("list.csv"),
            [
                "Usage: `x.xlsx` is a zip archive without an Excel workbook in it, which cannot be read",
                "hint: unpack it first, and name the list in it",
            ],
        ),
        (
            b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".to_vec(),
            [
                "Usage: `x.xlsx` is an old Excel workbook (`.xls`), or one with a password, not a text file",
                "hint: open it in the spreadsheet program, and save it as `.xlsx` without a password",
            ],
        ),
    ] {
        assert_eq!(read_as(&content, &options()), expected);
    }
}

#[test]
fn damaged_and_hostile_workbooks_end_with_an_error() {
    let rows = |rows: &str| Workbook::of(&(texts(&[&["Name", "Phone"]]) + rows));
    let deep = format!("<row><c><is>{}</is></c></row>", "<r>".repeat(80));
    let rest = format!("<row><c t=\"inlineStr\"><is><t>{}</t></is></c></row>", "a".repeat(17 << 20));
    for (workbook, cause) in [
        (rows("<row r=\"2000000\"/>"), "row 2000000 follows row 1, and 1048576 is the last"),
        (rows("<row r=\"1\"/>"), "row 1 follows row 1, and 1048576 is the last"),
        (rows("<row><c r=\"XFE2\"><v>1</v></c></row>"), "its cells are not in order, or beyond the last column"),
        (rows("<row><c r=\"C2\"><v>1</v></c><c r=\"C2\"><v>1</v></c></row>"), "its cells are not in order"),
        (rows("<row><c t=\"s\"><v>7</v></c></row>"), "a cell refers to string 7, and there is none"),
        (rows("<row><c t=\"str\"><v>&lol;</v></c></row>"), "its XML has the unknown reference `&lol;`"),
        (rows("<!DOCTYPE a [<!ENTITY b 'c'>]>"), "its XML has a document type, which no workbook has"),
        (rows(&deep), "its XML nests more than 64 deep"),
        (rows(&rest), "its XML has a text of more than 16 MiB"),
        (rows("<row><c></row>"), "ill-formed document: expected `</c>`, but `</row>` was found"),
    ] {
        let lines = read(&workbook);
        let is_told = lines.iter().any(|line| line.contains(cause));
        assert!(is_told, "{cause}: {:.600}", lines.join("\n"));
        let (failed, fatal) = ("Failed: the workbook `x.xlsx` cannot be read", "`x.xlsx` cannot be read on at line");
        assert!(lines.iter().any(|line| line.starts_with(failed) || line.contains(fatal)), "{lines:?}");
    }
}

#[test]
fn a_bomb_is_stopped_by_its_ratio() {
    let blanks = format!("<!--{}-->", " ".repeat(1 << 20)).repeat(80);
    let lines = read(&Workbook::of(&(texts(&[&["Name", "Phone"]]) + &blanks)));
    assert!(lines.iter().any(|line| line.contains("unpacks to more than 1000 times its size")), "{lines:?}");
}

#[test]
fn no_byte_that_is_cut_or_changed_brings_it_down() {
    let workbook = Workbook { strings: "<si><t>Quito</t></si>".to_owned(), ..Workbook::default() };
    let row = "<row><c t=\"str\"><v>Eva</v></c><c t=\"s\"><v>0</v></c><c s=\"1\"><v>32216</v></c></row>".repeat(40);
    let whole = workbook.sheet("S", "", &(texts(&[&["Name", "City", "Born"]]) + &row)).bytes();
    let expected = read_as(&whole, &options());
    assert_eq!(expected.len(), 41);
    // A generator with a fixed seed, so that a failure can be repeated.
    let mut state = 0x2545_F491_4F6C_DD1Du64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let mut refused = 0;
    for _ in 0..400 {
        let mut content = whole.clone();
        match random(3) {
            0 => content.truncate(random(whole.len())),
            _ => {
                for _ in 0..=random(3) {
                    let at = random(content.len());
                    content[at] = random(256) as u8;
                }
            }
        }
        if content.len() < 4 || !content.starts_with(b"PK\x03\x04") {
            continue;
        }
        let lines = read_as(&content, &options());
        let is_refused = lines.iter().any(|line| line.starts_with("Failed") || line.starts_with("Usage"));
        // A checksum stands over every part that is read: what is not refused is as it was, but for what no part holds.
        assert!(is_refused || lines == expected, "{lines:?}");
        refused += usize::from(is_refused);
    }
    assert!(refused > 100, "{refused}");
}

fn ferry(folder: &Path, line: &str) -> Ended {
    run(command(folder, &format!("{line} --state state")))
}

#[test]
fn a_messy_workbook_arrives_and_its_rejects_can_be_imported_again() {
    let folder = folder_with(&[]);
    let rows = texts(&[&["Client report"], &[], &["Nombre", "Apellido", "Celular", "Ciudad", "Nacimiento"]])
        + "<row><c t=\"str\"><v>Ana</v></c><c t=\"str\"><v>Ruiz</v></c><c><v>593991234561</v></c><c t=\"str\"><v>Quito</v></c>\
           <c s=\"6\"><v>32216</v></c></row>"
        + &texts(&[&["Eva", "Gil", "12", "Loja"], &["Luis", "Paz", "+593991234562", "#N/A"]]);
    let book = Workbook::default().sheet("Clientes", "", &rows).sheet("Notas", "", &texts(&[&["call back"]]));
    fs::write(folder.path().join("clientes.xlsx"), book.bytes()).unwrap();

    let to = "--to mercately --sandbox --rate none --region EC";
    let ended = ferry(folder.path(), &format!("import clientes.xlsx {to} --rejects rejects.csv"));
    assert_eq!(ended.exit, 3, "{}", ended.err);
    for told in [
        "the sheet `Clientes` of `clientes.xlsx` is read, not `Notas`",
        "the header is in line 3 of `clientes.xlsx`; skipped above it: `Client report`",
        "created   1",
        "rejected  2",
    ] {
        assert!(ended.err.contains(told) || ended.out.contains(told), "{told}: {}{}", ended.err, ended.out);
    }
    let rejects = fs::read_to_string(folder.path().join("rejects.csv")).unwrap();
    let lines: Vec<&str> = rejects.lines().collect();
    assert!(lines[0].starts_with("Nombre,Apellido,Celular,Ciudad,Nacimiento,ferry_line,"), "{rejects}");
    assert!(lines[1].starts_with("Eva,Gil,12,Loja,,5,Celular,phone.invalid,"), "{rejects}");
    assert!(lines[2].starts_with("Luis,Paz,+593991234562,#N/A,,6,Ciudad,value.error_cell,"), "{rejects}");
    let fixed = rejects.replace(",12,", ",0991234563,").replace("#N/A", "Cuenca");
    fs::write(folder.path().join("fixed.csv"), fixed).unwrap();
    let again = ferry(folder.path(), &format!("import fixed.csv {to}"));
    assert_eq!(again.exit, 0, "{}", again.err);
}
