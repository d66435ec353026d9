//! Records that are read together are those that are read one by one, whatever the file holds and however large a batch is.

use super::{open_as, told};
use ferry::files::{Batch, End, Read, ReadAhead, ReadFault, ReadOptions, Room, Source};
use ferry::record::Record;
use proptest::prelude::*;

/// Headers, also ones that a row may be taken for.
const HEADERS: [&str; 6] =
    ["Name,Phone,Note", "\"Na\"\"me\",b,c", "Имя,Телефон,Город", ",b,c", "id;x;y", "Total\tb\tc"];

/// Rows, and pieces of rows, that mean something to a table.
const PIECES: [&str; 30] = [
    "Ana,1,x",
    "Ana",
    "\"Ana, B\",\"1\"\"2\",",
    "\"a\nb\",2,3",
    "\"open,2,3",
    "\"a\"x,2,3",
    ",,",
    " , ,\u{a0}",
    "",
    "TOTAL,,9",
    "\"Total\",,9",
    "  Итого,,9",
    "Gesamt;;9",
    "name,PHONE,note",
    "Name\u{a0},Phone,Note",
    "\"Na\"\"me\",b,c",
    "имя,телефон,город",
    "'=1+1,'0123,'x",
    "+593991234567,x,y",
    "Ángel,é,я",
    "a\0b,2,3",
    "1,2,3,4",
    "1,2,,,",
    "x;y;z",
    "\"a;b\";\"c\"\"\";d",
    "Product,Price\nPen,2\nInk,3",
    "\u{feff}Name,Phone,Note",
    "id;x;y",
    "Sumner,1,2",
    "\"\",\"\",\"\"",
];

fn content() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        8 => prop::sample::select(&PIECES[..]).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => "[a-z\"',;é ]{0,12}".prop_map(String::into_bytes),
        1 => Just(b"caf\xE9,\xFF,3".to_vec()),
        1 => (1usize..400).prop_map(|len| [vec![b'a'; len], b",2,3".to_vec()].concat()),
    ];
    let end = prop::sample::select(&["\n", "\n", "\n", "\r\n", "\r", "\n\n"][..]);
    let lines = prop::collection::vec((line, end), 0..40);
    (prop::sample::select(&HEADERS[..]), lines).prop_map(|(header, lines)| {
        let rest = lines.into_iter().flat_map(|(line, end)| [line, end.as_bytes().to_vec()].concat());
        [header.as_bytes(), b"\n"].concat().into_iter().chain(rest).collect()
    })
}

fn owned(read: Read<'_>) -> Result<Record, ReadFault> {
    match read {
        Read::Record(record) => Ok(record.into_record()),
        Read::Blank(origin) => Err(ReadFault::Blank(origin)),
        Read::Reject(reject) => Err(ReadFault::Reject(reject)),
    }
}

/// What a source gives, batch by batch; of each record also its bytes.
fn by_batches(mut source: Box<dyn Source>, room: Room) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        let batch = source.next_batch(room);
        assert!(batch.len() <= room.records);
        let end = batch.end().clone();
        batch.for_each(|read| all.push(shown(&owned(read))));
        match end {
            End::Open => {}
            End::Whole => return all,
            End::Fault(failure) => {
                all.push(shown(&Err(ReadFault::Fatal(failure))));
                return all;
            }
        }
    }
}

fn shown(item: &Result<Record, ReadFault>) -> String {
    let raw = match item {
        Ok(record) => &record.raw[..],
        Err(ReadFault::Reject(reject)) => &reject.raw[..],
        Err(_) => &[],
    };
    format!("{} [{}]", told(item), raw.escape_ascii())
}

/// The same source after some of it was read ahead.
fn again(mut source: Box<dyn Source>, records: usize) -> Box<dyn Source> {
    let mut ahead = ReadAhead::default();
    let batch: Batch = source.next_batch(Room { records, bytes: 1 << 20 });
    ahead.keep(batch);
    ahead.in_front_of(source).expect("so little is kept")
}

fn same_in_batches(name: &str, content: &[u8], options: &ReadOptions) -> Result<(), TestCaseError> {
    let Ok(opened) = open_as(name, content, options) else { return Ok(()) };
    let one_by_one: Vec<String> = opened.source.map(|item| shown(&item)).collect();
    let source = || open_as(name, content, options).unwrap().source;
    for room in [(1, 1 << 18), (3, 1 << 18), (4096, 64), (4096, 1 << 18)] {
        let room = Room { records: room.0, bytes: room.1 };
        prop_assert_eq!(by_batches(source(), room), one_by_one.clone(), "{:?}", room);
        prop_assert_eq!(by_batches(again(source(), 7), room), one_by_one.clone(), "ahead, {:?}", room);
    }
    let after: Vec<String> = again(source(), 7).map(|item| shown(&item)).collect();
    prop_assert_eq!(after, one_by_one, "one by one, read ahead");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_table_in_batches_is_the_table_row_by_row(content in content(), raw_cells in any::<bool>()) {
        same_in_batches("x.csv", &content, &ReadOptions { raw_cells, ..ReadOptions::default() })?;
    }
}

#[test]
fn other_formats_and_cut_files_come_in_batches_too() {
    let lines = b"{\"a\":1}\n{\"a\":\n\n{\"a\":2}\n[]\n";
    let array = b"[{\"a\":1}, 7, {\"a\":2}]";
    let cut = b"[{\"a\":1},{\"a\":2";
    for (name, content) in [("x.jsonl", &lines[..]), ("x.json", array), ("x.json", cut)] {
        same_in_batches(name, content, &ReadOptions::default()).unwrap();
    }
    // More than is in view at once.
    let note = "n".repeat(300);
    let rows: String = (0..4_000).map(|row| format!("Ana {row},{row},\"a \"\"b\"\" {note}\"\n")).collect();
    let source =
        || open_as("x.csv", format!("Name,Phone,Note\n{rows}").as_bytes(), &ReadOptions::default()).unwrap().source;
    let one_by_one: Vec<String> = source().map(|item| shown(&item)).collect();
    let room = Room { records: 4096, bytes: 1 << 18 };
    assert_eq!(one_by_one.len(), 4_000);
    assert!(by_batches(again(source(), 7), room) == one_by_one);
}
