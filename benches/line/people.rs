//! The data of the benches: a CSV file of invented people, of about 185 bytes a row.

/// Invented people: the same for the same number.
pub fn contacts(rows: usize) -> String {
    let countries = [("ES", "6", 8), ("EC", "09", 8), ("CO", "31", 8), ("MX", "55", 8), ("US", "212", 7)];
    let mut text =
        "id,First Name,Last Name,Phone,Email,City,State,Country,Zip,Tags,Notes,Plan,Lead Score,Account Manager\n"
            .to_owned();
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
        text.push_str(&format!(
            "c{row:07},Zoë{row},  García Peña,{phone},Zoe.{row}@Example.com,\"Winston, NC\",NC,{country},170207,vip;lead,\"Said \"\"maybe\"\"\nnext month\",pro,{}.50,\n",
            chance % 100
        ));
    }
    text
}
