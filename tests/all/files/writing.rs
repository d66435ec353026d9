//! Files that are written, and the rejects.

use super::{PACKINGS, columns, encoded, file, open_as, packed, told};
use ferry::files::{Format, Layout, Output, ReadFault, ReadOptions, RejectsWriter, RowWriter, open};
use ferry::outcome::{Exit, Problem, Reject};
use ferry::record::{Header, Record};
use std::fs;
use std::io::Write;
use std::path::Path;

/// The names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_file_appears_whole_or_not_at_all() {
    let (folder, path) = file("x.csv", b"yesterday");
    let mut dropped = Output::create(&path).unwrap();
    dropped.write_all(b"half").unwrap();
    dropped.flush().unwrap();
    drop(dropped);
    assert_eq!(fs::read(&path).unwrap(), b"yesterday");
    assert_eq!(names(folder.path()), ["x.csv"]);

    let mut output = Output::create(&path).unwrap();
    output.write_all(b"today").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"yesterday");
    output.commit().unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"today");
    assert_eq!(names(folder.path()), ["x.csv"]);
}

#[cfg(unix)]
#[test]
fn a_new_file_has_the_permissions_of_any_new_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (folder.path().join("ours.csv"), folder.path().join("theirs.csv"));
    Output::create(&ours).unwrap().commit().unwrap();
    fs::write(&theirs, b"").unwrap();
    let mode = |path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&ours), mode(&theirs));
}

#[cfg(unix)]
#[test]
fn a_replaced_file_keeps_its_permissions() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, path) = file("x.csv", b"yesterday");
    for mode in [0o600, 0o640, 0o666] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        Output::create(&path).unwrap().commit().unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode, "{mode:o}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_is_followed_and_a_device_is_written_to() {
    let (folder, path) = file("real.csv", b"yesterday");
    let link = folder.path().join("link.csv");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let mut output = Output::create(&link).unwrap();
    output.write_all(b"today").unwrap();
    output.commit().unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read(&path).unwrap(), b"today");

    let mut null = Output::create(Path::new("/dev/null")).unwrap();
    null.write_all(b"gone").unwrap();
    null.commit().unwrap();
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
}

#[test]
fn a_destination_that_cannot_be_written_is_reported_before_anything_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Output::create(&folder.path().join("no/x.csv")).err().unwrap();
    assert_eq!(missing.exit, Exit::Usage);
    assert!(missing.message.contains("there is no folder"), "{missing}");
    let itself = Output::create(folder.path()).err().unwrap();
    assert!(itself.message.ends_with("is a folder"), "{itself}");
}

#[test]
fn a_name_packs_the_file() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["x.csv", "x.csv.gz", "x.CSV.ZST"] {
        let path = folder.path().join(name);
        let output = Output::create(&path).unwrap();
        let mut writer = RowWriter::begin(output, Format::Csv.row_layout().unwrap(), ["a", "b"]).unwrap();
        writer.row(b"1,2\n").unwrap();
        assert_eq!(writer.commit().unwrap(), 1);
        let opened = open(&path, name, &ReadOptions::default()).unwrap();
        assert_eq!(opened.source.map(|item| told(&item)).collect::<Vec<_>>(), ["0@2 1¦2"]);
        assert_eq!(fs::read(&path).unwrap().starts_with(b"a,b"), name == "x.csv");
    }
}

/// Rejects every record of a file, as it is opened with `options`; gives the rejects file.
fn rejects_of(name: &str, content: &[u8], options: &ReadOptions, to: &str) -> Vec<u8> {
    let opened = open_as(name, content, options).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(to);
    let mut writer = RejectsWriter::create(&path, &opened.layout, &opened.header);
    let mut count = 0;
    for item in opened.source {
        let reject = match item {
            Ok(Record { origin, raw, .. }) => {
                let first = Problem::new("phone.invalid", "`12` is no phone").at("Phone").hint("Mend it");
                Reject { origin, raw, problems: vec![first, Problem::new("email.invalid", "`x` is no e-mail")] }
            }
            Err(ReadFault::Reject(reject)) => reject,
            Err(fault) => panic!("{fault:?}"),
        };
        writer.write(&reject).unwrap();
        count += 1;
    }
    assert_eq!(writer.finish().unwrap().0, count);
    fs::read(&path).unwrap()
}

const FERRY: &str = "ferry_line,ferry_column,ferry_code,ferry_message,ferry_hint";

#[test]
fn rejects_keep_every_cell_as_it_stood() {
    let content = "Phone,\"Note \"\"x\"\"\",\n\"1,2\",' =1,\"a\nb\"\n 3 ,\"\", \n";
    let rejects = rejects_of("x.csv", content.as_bytes(), &ReadOptions::default(), "rejects.csv");
    let why = "Phone | ,phone.invalid | email.invalid,`12` is no phone | `x` is no e-mail,Mend it | ";
    let expected = format!("Phone,\"Note \"\"x\"\"\",,{FERRY}\n\"1,2\",' =1,\"a\nb\",2,{why}\n 3 ,\"\", ,4,{why}\n");
    assert_eq!(String::from_utf8(rejects).unwrap(), expected);
}

#[test]
fn rejects_of_a_dialect_are_written_in_it_and_read_back_alike() {
    let text = "Имя;Город\nАнна;\"Москва; \"\"центр\"\"\"\nСергей;Тверь\n";
    let options = ReadOptions::default();
    for (encoding, line_end) in [
        ("windows-1251", "\r\n"),
        ("utf-16le with mark", "\n"),
        ("utf-16be with mark", "\r"),
        ("utf-8 with mark", "\n"),
    ] {
        let content = encoded(&format!("sep=;\n{text}").replace('\n', line_end), encoding);
        for packing in PACKINGS {
            let first = rejects_of("x.csv", &packed(&content, packing), &options, "rejects.csv");
            let named = FERRY.replace(',', ";");
            let begins = encoded(&format!("sep=;\nИмя;Город;{named}\n").replace('\n', line_end), encoding);
            assert!(first.starts_with(&begins), "{encoding}");
            // Read and rejected again, they have one set of `ferry_*` columns, and the same cells.
            let again = open_as("rejects.csv", &first, &options).unwrap();
            assert_eq!(columns(&again), ["Имя", "Город"]);
            let rows: Vec<String> = again.source.map(|item| told(&item)).collect();
            assert_eq!(rows, ["0@3 Анна¦Москва; \"центр\"", "1@4 Сергей¦Тверь"]);
            let options = ReadOptions { encoding: Some(encoding.replace(" with mark", "")), ..ReadOptions::default() };
            let second = rejects_of("rejects.csv", &first, &options, "rejects.csv");
            assert_eq!(encoded_rows(&second, encoding), encoded_rows(&first, encoding), "{encoding}");
        }
    }
}

/// The rows of a rejects file without their lines, which differ between a file and its rejects.
fn encoded_rows(content: &[u8], encoding: &str) -> Vec<String> {
    let label = encoding.replace(" with mark", "");
    let (text, _, bad) = encoding_rs::Encoding::for_label(label.as_bytes()).unwrap().decode(content);
    assert!(!bad);
    text.split(['\r', '\n']).map(|line| line.replace(|c: char| c.is_ascii_digit(), "#")).collect()
}

#[test]
fn rejects_of_broken_rows_are_a_sound_table() {
    let content = b"a,b\n1\n2,3,\"x\"\"\",5\n\"q\"r,4\n6,\"open\n7,M\xE9\xC3\xA9\xC3\xA9\n8,9\n";
    let rejects = rejects_of("x.csv", content, &ReadOptions::default(), "rejects.csv");
    let mut reader = csv::ReaderBuilder::new().from_reader(rejects.as_slice());
    let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    assert_eq!(header.join(","), format!("a,b,{FERRY},ferry_surplus"));
    let rows: Vec<Vec<Vec<u8>>> =
        reader.byte_records().map(|row| row.unwrap().iter().map(<[u8]>::to_vec).collect()).collect();
    let own: Vec<[&[u8]; 5]> =
        rows.iter().map(|row| [&row[0], &row[1], &row[2], &row[4], &row[7]].map(Vec::as_slice)).collect();
    let expected: [[&[u8]; 5]; 6] = [
        [b"1", b"", b"2", b"row.ragged", b""],
        [b"2", b"3", b"3", b"row.ragged", b"\"x\"\"\",5"],
        [b"\"q\"r", b"4", b"4", b"row.quote", b""],
        [b"6", b"\"open", b"5", b"row.quote", b""],
        [b"7", b"M\xE9\xC3\xA9\xC3\xA9", b"6", b"row.encoding", b""],
        [b"8", b"9", b"7", b"phone.invalid | email.invalid", b""],
    ];
    assert_eq!(own, expected);
    // The bytes that are no text are reported again, and do not make the file look like another encoding.
    let again: Vec<String> =
        open_as("rejects.csv", &rejects, &ReadOptions::default()).unwrap().source.map(|item| told(&item)).collect();
    assert_eq!(again[4], "4@6 row.encoding: the bytes `\\xE9` are not UTF-8");
}

#[test]
fn undecodable_bytes_come_back_in_the_rejects() {
    let mut content = encoded("a,b\n1,x", "utf-16le with mark");
    content.extend([0x00, 0xD8]);
    content.extend(encoded("y\n", "utf-16le"));
    let rejects = rejects_of("x.csv", &content, &ReadOptions::default(), "rejects.csv");
    let header = encoded(&format!("a,b,{FERRY}\n"), "utf-16le with mark");
    let row = &content[encoded("a,b\n", "utf-16le with mark").len()..content.len() - 2];
    assert_eq!(&rejects[..header.len()], header);
    assert_eq!(&rejects[header.len()..header.len() + row.len()], row);
}

#[test]
fn rejects_of_json_are_lines_with_the_record_inside() {
    let content = "{\"data\":[{\"a\": 1.50,\n \"b\":{\"c\":[\"x\"]}},\n{\"a\":},\n7]}";
    let rejects = rejects_of("x.json", content.as_bytes(), &ReadOptions::default(), "rejects.jsonl");
    let expected = concat!(
        "{\"record\":{\"a\": 1.50,  \"b\":{\"c\":[\"x\"]}},\"ferry\":{\"line\":1,\"column\":\"Phone | \",\"code\":\"phone.invalid | ",
        "email.invalid\",\"message\":\"`12` is no phone | `x` is no e-mail\",\"hint\":\"Mend it | \"}}\n",
        "{\"raw\":\"{\\\"a\\\":}\",\"ferry\":{\"line\":3,\"column\":null,\"code\":\"row.json\",\"message\":\"the record is not ",
        "JSON: expected value, in `{\\\"a\\\":}`\",\"hint\":\"fix its brackets, commas and quotes\"}}\n",
        "{\"record\":7,\"ferry\":{\"line\":4,\"column\":null,\"code\":\"row.json\",\"message\":\"the record is a number, not an ",
        "object: `7`\",\"hint\":\"a record is an object with named values: `{\\\"phone\\\": \\\"+593…\\\"}`\"}}\n",
    );
    assert_eq!(String::from_utf8(rejects.clone()).unwrap(), expected);
    let options = ReadOptions { root: Some("data".into()), ..ReadOptions::default() };
    let again: Vec<String> =
        open_as("rejects.jsonl", &rejects, &options).unwrap().source.map(|item| told(&item)).collect();
    let expected = [
        "0@1 {\"a\":1.50,\"b\":{\"c\":[\"x\"]}}",
        "1@2 row.json: the record is not JSON: expected value, in `{\"a\":}`",
        "2@3 row.json: the record is a number, not an object: `7`",
    ];
    assert_eq!(again, expected);
    // Rejected again, nothing is wrapped twice.
    let twice = rejects_of("rejects.jsonl", &rejects, &options, "rejects.jsonl");
    assert_eq!(twice.iter().filter(|&&byte| byte == b'\n').count(), 3);
    assert!(!String::from_utf8(twice).unwrap().contains("\"record\":{\"record\""));
}

#[test]
fn rejects_of_json_are_a_table_when_their_name_says_so() {
    let content = b"{\"a\":\"=1\",\"b\":{\"c\":[\"x\"],\"d\":null}}\n{\"e\":true,\"a\":\"+593987654321\"}\n";
    let rejects = rejects_of("x.jsonl", content, &ReadOptions::default(), "rejects.csv");
    let why = "Phone | ,phone.invalid | email.invalid,`12` is no phone | `x` is no e-mail,Mend it | ";
    let expected =
        format!("a,b.c,b.d,e,{FERRY},ferry_object\n'=1,\"[\"\"x\"\"]\",,,1,{why},\n+593987654321,,,true,2,{why},\n");
    assert_eq!(String::from_utf8(rejects).unwrap(), expected);
}

#[test]
fn without_a_reject_there_is_no_file_and_an_old_one_goes() {
    let (folder, path) = file("rejects.csv", b"old");
    let writer = RejectsWriter::create(&path, &Layout::plain(Format::Jsonl), &Header::Contact);
    assert_eq!(writer.finish().unwrap().0, 0);
    assert!(names(folder.path()).is_empty());
    let unfinished = {
        let mut writer = RejectsWriter::create(&path, &Layout::plain(Format::Jsonl), &Header::Contact);
        writer.write(&Reject { origin: Default::default(), raw: Box::default(), problems: Vec::new() }).unwrap();
        names(folder.path())
    };
    assert!(unfinished.is_empty());
}
