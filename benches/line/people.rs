//! The data of the benches: a CSV file of invented people, of about 145 bytes a row.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// Writes invented people: the same for the same number. `last_name` is that of all of them.
pub fn write_contacts(path: &Path, rows: usize, last_name: &str) {
    let countries = [("ES", "6", 8), ("EC", "09", 8), ("CO", "31", 8), ("MX", "55", 8), ("US", "212", 7)];
    let mut out = BufWriter::new(File::create(path).unwrap());
    out.write_all(
        b"id,First Name,Last Name,Phone,Email,City,State,Country,Zip,Tags,Notes,Plan,Lead Score,Account Manager\n",
    )
    .unwrap();
    let mut seed = 20_260_101u64;
    for row in 0..rows {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let chance = seed >> 33;
        let (country, prefix, digits) = countries[chance as usize % countries.len()];
        let number = 10u64.pow(digits) + (chance.wrapping_mul(31) + row as u64) % 10u64.pow(digits);
        let national = &number.to_string()[1..];
        let phone = if prefix == "212" {
            format!("(212) {}{}", 2 + chance % 8, &national[1..])
        } else {
            format!("{prefix}{national}")
        };
        writeln!(
            out,
            "c{row:07},Zoë{row},{last_name},{phone},Zoe.{row}@Example.com,\"Winston, NC\",NC,{country},170207,vip;lead,\"Said \"\"maybe\"\"\nnext month\",pro,{}.50,",
            chance % 100
        )
        .unwrap();
    }
    out.flush().unwrap();
}
