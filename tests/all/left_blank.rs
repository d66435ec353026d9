//! The list of values that a run leaves blank: kept in any order, given back by line, and replaced by each pass.

use ferry::contact::LeftBlank;
use ferry::scratch::left_blank::LeftBlankValues;

fn left(line: u64, column: Option<&str>, value: &str) -> LeftBlank {
    LeftBlank { line, column: column.map(str::to_owned), code: "phone.invalid".into(), value: value.to_owned() }
}

#[test]
fn values_come_back_in_the_order_of_the_source() {
    let folder = tempfile::tempdir().unwrap();
    let values = LeftBlankValues::create(folder.path()).unwrap();
    let added = [left(7, Some("Tel"), "x"), left(2, None, "b\n\"c\""), left(7, Some("Cell"), "y"), left(3, None, "")];
    for value in &added {
        values.add(value).unwrap();
    }
    let mut read = Vec::new();
    values
        .for_each(|value| {
            read.push(value);
            Ok(())
        })
        .unwrap();
    let [seven, two, seven_too, three] = added;
    assert_eq!(read, [two, three, seven, seven_too]);
}
