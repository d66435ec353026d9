//! Workbooks that are written: what is read back is what was written, and what a sheet cannot hold is an error.

use super::super::support::{Ended, Workbook, ferry as command, folder_with, run, texts};
use ferry::files::{Format, Output, ReadOptions, RowWriter, open};
use ferry::record::{Fields, Header};
use proptest::prelude::*;
use std::fs;
use std::io::{Read, Seek};
use std::path::Path;

fn ferry(folder: &Path, line: &str) -> Ended {
    run(command(folder, &format!("{line} --state state")))
}

/// The header and the rows of a workbook.
fn rows_of(path: &Path) -> Vec<Vec<String>> {
    let opened = open(path, "x.xlsx", &ReadOptions::default()).unwrap_or_else(|failure| panic!("{failure}"));
    let Header::Columns(names) = opened.header else { panic!("a sheet is a table") };
    let mut rows = vec![names];
    rows.extend(opened.source.filter_map(|item| match item.ok()?.fields {
        Fields::Row(row) => Some(row.iter().map(str::to_owned).collect()),
        _ => None,
    }));
    rows
}

/// The text of a part.
fn part(path: &Path, name: &str) -> String {
    let mut file = fs::File::open(path).unwrap();
    file.rewind().unwrap();
    let mut text = String::new();
    zip::ZipArchive::new(file).unwrap().by_name(name).unwrap().read_to_string(&mut text).unwrap();
    text
}

#[test]
fn every_cell_is_text() {
    let csv = "First Name,Last Name,Phone,Email,Formula,Code,Lines,Odd\n\
               Ana,Ruiz,+593991234561,ana@example.com,'=1+1,00501,\"a\nb, \"\"c\"\"\",\" <&> _x000D_ \"\n\
               Eva,Gil,+593991234562,,\"'@SUM(A1)\",1E5,,\n";
    let map = "contact: { first_name: First Name, last_name: Last Name, phone: Phone, email: Email, attributes: { Formula: \
               Formula, Code: Code, Lines: Lines, Odd: { from: Odd, trim: false } } }\n";
    let folder = folder_with(&[("in.csv", csv), ("map.yaml", map)]);
    let ended = ferry(folder.path(), "convert in.csv --map map.yaml --out out.xlsx --results results.xlsx");
    assert_eq!(ended.exit, 0, "{}", ended.err);
    let path = folder.path().join("out.xlsx");
    let rows = rows_of(&path);
    assert_eq!(rows[0], ["first_name", "last_name", "phone", "email", "Formula", "Code", "Lines", "Odd"]);
    let first = ["Ana", "Ruiz", "+593991234561", "ana@example.com", "=1+1", "00501", "a\nb, \"c\"", " <&> _x000D_ "];
    assert_eq!(rows[1], first);
    assert_eq!(rows[2], ["Eva", "Gil", "+593991234562", "", "@SUM(A1)", "1E5", "", ""]);
    let inspected = ferry(folder.path(), "inspect out.xlsx");
    assert!(inspected.out.starts_with("out.xlsx · xlsx · UTF-8\n"), "{}{}", inspected.out, inspected.err);
    let sheet = part(&path, "xl/worksheets/sheet1.xml");
    assert!(!sheet.contains("<f>") && !sheet.contains("<v>"), "{sheet}");
    assert!(sheet.contains("<c r=\"A1\" s=\"2\" t=\"inlineStr\"><is><t>first_name</t></is></c>"), "{sheet}");
    assert!(sheet.contains("<c r=\"C2\" s=\"1\" t=\"inlineStr\"><is><t>+593991234561</t></is></c>"), "{sheet}");
    let results = rows_of(&folder.path().join("results.xlsx"));
    assert_eq!(results[0], ["line", "outcome", "reason", "target_id", "code", "message"]);
    assert_eq!(results[1][..2], ["2", "created"]);
    // The same bytes again, and a workbook is a source like any other.
    let once = fs::read(&path).unwrap();
    ferry(folder.path(), "convert in.csv --map map.yaml --out out.xlsx --fresh");
    assert_eq!(fs::read(&path).unwrap(), once);
    let back = ferry(folder.path(), "convert out.xlsx --out back.csv --raw-cells");
    assert_eq!(back.exit, 0, "{}", back.err);
    let text = fs::read_to_string(folder.path().join("back.csv")).unwrap();
    assert!(text.contains("+593991234561,ana@example.com,=1+1,00501,"), "{text}");
}

#[test]
fn what_a_sheet_cannot_hold_is_an_error_and_the_earlier_file_stays() {
    let long = format!("First Name,Phone,Note\nAna,+593991234561,{}\n", "a".repeat(32_768));
    let folder = folder_with(&[
        ("long.csv", &long),
        ("ok.csv", "First Name,Phone\nAna,+593991234561\n"),
        ("out.xlsx", "earlier"),
    ]);
    let ended = ferry(folder.path(), "convert long.csv --out out.xlsx");
    let told = "the cell C2 would have 32768 characters; a cell of a workbook has at most 32767";
    assert_eq!((ended.exit, ended.err.contains(told)), (1, true), "{}", ended.err);
    assert_eq!(fs::read_to_string(folder.path().join("out.xlsx")).unwrap(), "earlier");
    for (line, told) in [
        ("convert ok.csv --out out.xlsx.gz", "`out.xlsx.gz`: a workbook is compressed as it is"),
        (
            "export --from mercately --sandbox --out - --format xlsx",
            "`--format xlsx`: `-` is not the name of a workbook",
        ),
        ("convert ok.csv --out out.xlsm", "the name of `out.xlsm` does not name a format"),
    ] {
        let ended = ferry(folder.path(), line);
        assert_eq!((ended.exit, ended.err.contains(told)), (2, true), "{line}: {}", ended.err);
    }
}

#[test]
fn an_export_is_a_workbook_and_so_are_the_rejects_of_one() {
    let rows = texts(&[
        &["Nombre", "Apellido", "Celular", "Ciudad"],
        &["Ana", "Ruiz", "+593991234561", "Quito"],
        &["Eva", "Gil", "12"],
        &["Luis", "Paz", "+593991234562", "#N/A"],
    ]);
    let folder = folder_with(&[]);
    fs::write(folder.path().join("in.xlsx"), Workbook::of(&rows).bytes()).unwrap();
    let to = "--to mercately --sandbox --rate none --region none";
    let ended = ferry(folder.path(), &format!("import in.xlsx {to} --rejects left.xlsx"));
    assert_eq!(ended.exit, 3, "{}", ended.err);
    let left = rows_of(&folder.path().join("left.xlsx"));
    // Without the columns that a rejects file adds: these are known again.
    assert_eq!(
        left,
        [
            ["Nombre", "Apellido", "Celular", "Ciudad"],
            ["Eva", "Gil", "12", ""],
            ["Luis", "Paz", "+593991234562", "#N/A"]
        ]
    );
    let sheet = part(&folder.path().join("left.xlsx"), "xl/worksheets/sheet1.xml");
    for told in ["ferry_line", "phone.invalid", "value.error_cell", "<t>3</t>"] {
        assert!(sheet.contains(told), "{told}: {sheet}");
    }
    // A sheet that the mapping names is that of the source.
    fs::write(
        folder.path().join("map.yaml"),
        "read: { sheet: Clientes }\ncontact: { first_name: Nombre, last_name: Apellido, phone: Celular }\n",
    )
    .unwrap();
    let again = ferry(folder.path(), &format!("import left.xlsx --map map.yaml {to} --rejects rest.xlsx"));
    assert_eq!(again.exit, 3, "{}", again.err);
    assert!(again.out.contains("created   1") && again.out.contains("rejected  1"), "{}{}", again.out, again.err);
    assert_eq!(rows_of(&folder.path().join("rest.xlsx"))[1..], [["Eva", "Gil", "12", ""]]);

    let export =
        ferry(folder.path(), "export --from mercately --sandbox --rate none --out all.xlsx --changes changes.xlsx");
    assert_eq!(export.exit, 0, "{}", export.err);
    let all = rows_of(&folder.path().join("all.xlsx"));
    let phone = all[0].iter().position(|name| name == "phone").unwrap();
    assert_eq!(all[1..].iter().map(|row| row[phone].as_str()).collect::<Vec<_>>(), ["+593991234561", "+593991234562"]);
    assert_eq!(rows_of(&folder.path().join("changes.xlsx"))[0][..2], ["change", "id"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Every text comes back, whatever is in it.
    #[test]
    fn what_is_written_is_read(rows in proptest::collection::vec(
        proptest::collection::vec(prop_oneof![
            "\\PC{0,12}", "[=+@'\"<&>_x0-9A-F \t\r\n-]{0,12}", "[\u{1}-\u{8}\u{b}\u{e}-\u{1f}]{0,3}", Just(String::new()),
        ], 3),
        1..12,
    )) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.xlsx");
        let layout = Format::Xlsx.row_layout().unwrap();
        let csv = layout.table().unwrap();
        let mut writer = RowWriter::begin(Output::create(&path).unwrap(), layout, ["Name", "Phone", "Email"]).unwrap();
        for row in &rows {
            let mut out = Vec::new();
            csv.row(["Ana"].into_iter().chain(row.iter().skip(1).map(String::as_str)), &mut out);
            writer.row(&out).unwrap();
        }
        writer.commit().unwrap();
        let read = rows_of(&path);
        let expected: Vec<Vec<String>> = rows.iter().map(|row| {
            let mut row = row.clone();
            row[0] = "Ana".to_owned();
            row
        }).collect();
        prop_assert_eq!(&read[1..], &expected[..]);
    }
}

#[test]
fn rejects_are_not_put_into_a_file_with_the_name_of_another_format() {
    let csv = "First Name,Phone\nAna,+593991234561\nEva,12\n";
    let folder = folder_with(&[("in.csv", csv), ("in.json", "[{\"first_name\": \"Eva\", \"phone\": \"12\"}]")]);
    for (source, name, is_right) in [
        ("in.csv", "left.xlsx", false),
        ("in.csv", "left.jsonl", false),
        ("in.csv", "left.vcf", false),
        ("in.csv", "left.tsv", true),
        ("in.csv", "left.txt", true),
        ("in.json", "left.vcf", false),
        ("in.json", "left.jsonl", true),
        ("in.json", "left.csv", true),
    ] {
        for command in ["convert {} --out out.csv", "import {} --to mercately --sandbox --dry-run"] {
            let words = command.replace("{}", source);
            let ended = ferry(folder.path(), &format!("{words} --region EC --rejects {name}"));
            assert_eq!(ended.exit == 2, !is_right, "{words} {name}: {}", ended.err);
            assert!(is_right || ended.err.contains("has the name of another format"), "{}", ended.err);
            let _absent = fs::remove_file(folder.path().join(name));
        }
    }
}

#[test]
fn a_table_of_no_contact_has_the_columns_that_it_could_have() {
    let folder = folder_with(&[
        ("in.csv", "First Name,Phone,Plan\nAna,12,b\nEva,13,p\n"),
        ("map.yaml", "contact: { first_name: First Name, phone: Phone, attributes: { Plan: Plan } }\n"),
    ]);
    for (name, map) in [("out.csv", "--map map.yaml"), ("out.xlsx", "--map map.yaml"), ("plain.csv", "")] {
        let ended = ferry(folder.path(), &format!("convert in.csv --out {name} {map} --region EC"));
        assert_eq!(ended.exit, 3, "{}", ended.err);
        let path = folder.path().join(name);
        if name.ends_with("csv") {
            assert_eq!(fs::read_to_string(path).unwrap(), "first_name,phone,Plan\n", "{name}");
        } else {
            assert_eq!(rows_of(&path), [["first_name", "phone", "Plan"]], "{name}");
        }
    }
}

#[test]
fn a_suggestion_says_which_sheet_and_which_line_were_found() {
    let folder =
        folder_with(&[("in.csv", "Report of contacts,\n,\nFirst Name,Phone\nAna,+593991234561\nEva,+593991234562\n")]);
    let ended = ferry(folder.path(), "map suggest in.csv");
    assert!(ended.exit == 0 && ended.out.contains("read:\n  header_row: 3\n"), "{ended:?}");
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/clientes.xlsx");
    let ended = ferry(folder.path(), &format!("map suggest {} --out m.yaml", sample.display()));
    assert_eq!(ended.exit, 0, "{ended:?}");
    let mapping = fs::read_to_string(folder.path().join("m.yaml")).unwrap();
    assert!(mapping.contains("read:\n  sheet: \"Clientes\"\n  header_row: 4\n"), "{mapping}");
    let checked = ferry(folder.path(), &format!("map check m.yaml {}", sample.display()));
    assert_eq!(checked.exit, 0, "{checked:?}");
}
