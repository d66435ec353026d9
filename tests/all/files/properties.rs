//! What holds for every text: written and read it is the same, and JSON is framed as `serde_json` reads it.

use super::{encoded, open_as, packed};
use ferry::files::csv::{CsvEncoder, guard, unguard};
use ferry::files::{Format, ReadFault, ReadOptions, RowEncoder, RowLayout, RowWriter, json_row};
use ferry::record::Fields;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Texts as people and attackers have them: plain ones, and ones made of what means something to a table.
fn cell() -> impl Strategy<Value = String> {
    prop_oneof!["\\PC{0,12}", "[-=+@'\t\r\n\",;|0-9a. é\u{FEFF}я]{0,8}", "'{0,3}[-=+@]?[0-9.,]{0,6}",]
}

fn rows() -> impl Strategy<Value = Vec<Vec<String>>> {
    (1usize..5).prop_flat_map(|columns| prop::collection::vec(prop::collection::vec(cell(), columns), 0..8))
}

/// The cells that a file gives back.
fn cells_of(content: &[u8], options: &ReadOptions) -> Vec<Vec<String>> {
    let opened = open_as("x.csv", content, options).unwrap();
    opened
        .source
        .filter_map(|item| match item {
            Ok(record) => match record.fields {
                Fields::Row(row) => Some(row.iter().map(str::to_owned).collect()),
                _ => unreachable!(),
            },
            Err(ReadFault::Blank(_)) => None,
            Err(fault) => panic!("{fault:?}"),
        })
        .collect()
}

/// The rows that have content.
fn filled(rows: Vec<Vec<String>>) -> Vec<Vec<String>> {
    rows.into_iter().filter(|row| row.iter().any(|cell| !cell.trim().is_empty())).collect()
}

/// A table of these rows under the header `c0`, `c1`, ….
fn table(rows: &[Vec<String>], encoder: CsvEncoder, encoding: &'static encoding_rs::Encoding, bom: bool) -> Vec<u8> {
    let columns = rows.first().map_or(1, Vec::len);
    let names: Vec<String> = (0..columns).map(|i| format!("c{i}")).collect();
    let mut layout = RowLayout { encoding, bom, ..Format::Csv.row_layout().unwrap() };
    layout.rows.encoder = RowEncoder::Cells(encoder);
    let mut writer = RowWriter::begin_in(Vec::new(), layout, names.iter().map(String::as_str), "x.csv").unwrap();
    for row in rows {
        let mut out = Vec::new();
        encoder.row(row.iter().map(String::as_str), &mut out);
        writer.row(&out).unwrap();
    }
    writer.end().unwrap().0
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_is_written_is_read_back(
        rows in rows(),
        delimiter in prop::sample::select(&b",;\t|"[..]),
        raw_cells in any::<bool>(),
        utf16 in any::<bool>(),
    ) {
        let encoding = if utf16 { encoding_rs::UTF_16LE } else { encoding_rs::UTF_8 };
        let content = table(&rows, CsvEncoder { delimiter, raw_cells }, encoding, utf16);
        let options = ReadOptions { delimiter: Some(delimiter), raw_cells, ..ReadOptions::default() };
        prop_assert_eq!(cells_of(&content, &options), filled(rows));
    }

    #[test]
    fn a_guard_comes_off_as_it_went_on(text in cell()) {
        let guarded = guard(&text);
        prop_assert_eq!(unguard(&guarded), &text);
        let begins = guarded.chars().next();
        let number = text.parse::<f64>().is_ok() || text.contains(',');
        prop_assert!(number || !matches!(begins, Some('=' | '+' | '-' | '@' | '\t' | '\r')), "{}", guarded);
    }

    #[test]
    fn rows_read_as_the_csv_crate_reads_them(rows in rows()) {
        let content = table(&rows, CsvEncoder { delimiter: b',', raw_cells: true }, encoding_rs::UTF_8, false);
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(content.as_slice());
        let theirs: Vec<Vec<String>> =
            reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect();
        let options = ReadOptions { delimiter: Some(b','), raw_cells: true, ..ReadOptions::default() };
        prop_assert_eq!(cells_of(&content, &options), filled(theirs));
    }

    #[test]
    fn json_is_framed_as_serde_json_reads_it(
        values in prop::collection::vec((cell(), any::<i64>(), prop::collection::vec(cell(), 0..3)), 0..6),
        pretty in any::<bool>(),
        hurt in prop::option::of((any::<prop::sample::Index>(), any::<u8>())),
    ) {
        let values: Vec<Value> =
            values.into_iter().map(|(text, number, list)| json!({"t": text, "n": number, "l": {"x": list}})).collect();
        let whole = Value::from(values);
        let mut content = if pretty { serde_json::to_vec_pretty(&whole) } else { serde_json::to_vec(&whole) }.unwrap();
        if let Some((at, byte)) = hurt {
            let at = at.index(content.len());
            content[at] = byte;
        }
        let theirs: Option<Vec<Value>> = serde_json::from_slice(&content).ok();
        let options = ReadOptions { format: Some(Format::Json), encoding: Some("utf-8".into()), ..ReadOptions::default() };
        let ours: Option<Vec<Value>> = open_as("x.json", &content, &options).ok().and_then(|opened| {
            opened
                .source
                .map(|item| match item {
                    Ok(record) => match record.fields {
                        Fields::Json(value) => Some(value),
                        _ => None,
                    },
                    // A record that is JSON but no object is for `serde_json` one like the others.
                    Err(ReadFault::Reject(reject)) => serde_json::from_slice(&reject.raw).ok(),
                    Err(ReadFault::Fatal(_) | ReadFault::Blank(_)) => None,
                })
                .collect()
        });
        prop_assert_eq!(ours, theirs);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic_and_to_an_end(
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(&b"\"\",;\t\n\r{}[]:\\'ferry_ab1"[..])], 0..200),
        name in prop::sample::select(&["x.csv", "x.tsv", "x.json", "x.jsonl", "-"][..]),
        label in prop::option::of(prop::sample::select(&["utf-8", "windows-1251", "utf-16le", "shift_jis", "gb18030"][..])),
        packing in prop::sample::select(&["", "gzip"][..]),
    ) {
        let options = ReadOptions { encoding: label.map(str::to_owned), ..ReadOptions::default() };
        if let Ok(opened) = open_as(name, &packed(&bytes, packing), &options) {
            let count = opened.source.take(bytes.len() + 2).count();
            prop_assert!(count <= bytes.len() + 1);
        }
    }
}

#[test]
fn the_formula_guard_stands_before_formulas_only() {
    let cases = [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-x", "'-x"),
        ("+x", "'+x"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        // In full width, as East Asian keyboards write them.
        ("＝1", "'＝1"),
        ("＋x", "'＋x"),
        ("－x", "'－x"),
        ("＠x", "'＠x"),
        ("'=1", "''=1"),
        ("''", "'''"),
        ("+593987654321", "+593987654321"),
        ("-12.50", "-12.50"),
        ("+1,5", "+1,5"),
        ("+593 98 765", "'+593 98 765"),
        ("-1-2", "'-1-2"),
        ("'t Hooft", "'t Hooft"),
        ("'", "'"),
        ("-", "'-"),
        ("", ""),
        ("a=b", "a=b"),
    ];
    for (text, written) in cases {
        assert_eq!(guard(text), written, "{text:?}");
        assert_eq!(unguard(written), text, "{written:?}");
    }
    assert_eq!(unguard("'+593987654321"), "+593987654321");
}

#[test]
fn json_rows_make_a_whole_file() {
    for (format, expected) in
        [(Format::Json, "[\n{\"a\":1.50},\n{\"a\":\"é\"}\n]\n"), (Format::Jsonl, "{\"a\":1.50}\n{\"a\":\"é\"}\n")]
    {
        let mut writer = RowWriter::begin_in(Vec::new(), format.row_layout().unwrap(), [], "x").unwrap();
        for value in ["{\"a\":1.50}", "{\"a\":\"é\"}"] {
            let mut row = Vec::new();
            json_row(&serde_json::from_str::<Value>(value).unwrap(), &mut row).unwrap();
            writer.row(&row).unwrap();
        }
        assert_eq!(String::from_utf8(writer.end().unwrap().0).unwrap(), expected);
    }
    let empty = RowWriter::begin_in(Vec::new(), Format::Json.row_layout().unwrap(), [], "x").unwrap();
    assert_eq!(empty.end().unwrap().0, b"[\n]\n");
}

#[test]
fn a_character_that_the_encoding_lacks_is_an_error_that_names_it() {
    let layout = RowLayout { encoding: encoding_rs::WINDOWS_1252, ..Format::Csv.row_layout().unwrap() };
    let mut writer = RowWriter::begin_in(Vec::new(), layout, ["a"], "x.csv").unwrap();
    writer.row("José\n".as_bytes()).unwrap();
    let failure = writer.row("Анна\n".as_bytes()).unwrap_err();
    assert_eq!(failure.message, "`x.csv` is written in `windows-1252`, which has no `А` (in row 2)");
    let (content, _) = writer.end().unwrap();
    assert_eq!(content, encoded("a\nJosé\n", "windows-1252"));
}
