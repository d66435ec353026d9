//! A program that does the mapping of the bench and nothing else, as it would be written by hand: one thread, the `csv`
//! crate, `rlibphonenumber`, JSON Lines. It reports no errors, knows no other layout, and is what a general tool has to beat.

use rlibphonenumber::{PhoneNumber, PhoneNumberFormat, Region};
use std::io::{BufWriter, Write};
use std::path::Path;

/// Converts `from` into `to`; the number of rows.
pub fn convert(from: &Path, to: &Path) -> usize {
    let mut reader = csv::ReaderBuilder::new().buffer_capacity(1 << 18).from_path(from).unwrap();
    let mut out = BufWriter::with_capacity(1 << 18, std::fs::File::create(to).unwrap());
    let (mut record, mut row, mut rows) = (csv::StringRecord::new(), Vec::with_capacity(4096), 0);
    while reader.read_record(&mut record).unwrap() {
        row.clear();
        write_row(&record, &mut row);
        out.write_all(&row).unwrap();
        rows += 1;
    }
    out.flush().unwrap();
    rows
}

/// The columns of the bench: id, first and last name, phone, e-mail, city, state, country, zip, tags, notes and three
/// attributes.
fn write_row(record: &csv::StringRecord, out: &mut Vec<u8>) {
    field(out, "{\"id\":", &record[0]);
    field(out, ",\"first_name\":", &record[1]);
    field(out, ",\"last_name\":", &record[2]);
    field(out, ",\"phone\":", &phone(&record[3], &record[7]).unwrap_or_default());
    field(out, ",\"email\":", &record[4].to_lowercase());
    field(out, ",\"city\":", &record[5]);
    out.extend_from_slice(b",\"tags\":[");
    for (index, tag) in record[9].split(';').map(str::trim).filter(|tag| !tag.is_empty()).enumerate() {
        if index > 0 {
            out.push(b',');
        }
        text(out, tag);
    }
    field(out, "],\"notes\":", &record[10]);
    field(out, ",\"optionals\":{\"plan\":", &record[11]);
    field(out, ",\"lead_score\":", &record[12]);
    field(out, ",\"account_manager\":", &record[13]);
    out.extend_from_slice(b"}}\n");
}

fn phone(text: &str, country: &str) -> Option<String> {
    let number = PhoneNumber::parse(text, Region::from_code(country).ok()).ok()?;
    number.is_valid().then(|| number.format_as(PhoneNumberFormat::E164).into_owned())
}

fn field(out: &mut Vec<u8>, key: &str, value: &str) {
    out.extend_from_slice(key.as_bytes());
    match value.trim() {
        "" => out.extend_from_slice(b"null"),
        value => text(out, value),
    }
}

fn text(out: &mut Vec<u8>, value: &str) {
    serde_json::to_writer(out, value).unwrap();
}
