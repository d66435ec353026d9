//! Which number of which country a phone is: the columns as evidence, cells that hold more than a number.

use ferry::mapping::phone::{Evidence, Part, Region, Surroundings, numbers_in, parts, read};
use std::collections::BTreeMap;

const COLUMN: &str = "Phone";

fn region(code: &str) -> Option<Region> {
    (code != "--").then(|| Region::named(code).expect("a known region"))
}

/// What a column of these numbers says.
fn evidence(numbers: &[&str], region: Option<Region>) -> Evidence {
    let mut evidence = Evidence::default();
    let column = evidence.columns.entry(COLUMN.to_owned()).or_default();
    numbers.iter().flat_map(|cell| numbers_in(cell)).for_each(|number| column.add(number, region));
    evidence
}

/// What each number of a column is, with its region given.
fn column(code: &str, numbers: &[&str]) -> Vec<Option<String>> {
    let evidence = evidence(numbers, region(code));
    let around =
        Surroundings { region: region(code), column: COLUMN, evidence: Some(&evidence), ..Surroundings::default() };
    numbers.iter().map(|number| read(number, &around).ok()).collect()
}

/// The number among `others`, so often each that they are the column.
fn among(code: &str, number: &str, others: &[(&str, usize)]) -> Option<String> {
    let mut numbers: Vec<&str> = others.iter().flat_map(|(other, count)| std::iter::repeat_n(*other, *count)).collect();
    numbers.push(number);
    column(code, &numbers).pop().flatten()
}

#[test]
fn national_numbers_never_become_those_of_another_country() {
    for number in [
        "(626) 440-0700",
        "517-266-4755",
        "437.615.2878",
        "(458)257-1535",
        "8 499 555 01 03",
        "8 (499) 555-01-03",
        "84995550103",
        "(593) 987654321",
        "138-1234-5678",
    ] {
        for code in ["--", "US", "EC", "UA", "DE", "IN"] {
            let alone = among(code, number, &[]);
            let often = among(code, number, &[(number, 99)]);
            for found in [alone, often].into_iter().flatten() {
                let own = match code {
                    "US" => "+1",
                    "DE" => "+49",
                    "EC" => "+593",
                    "UA" => "+380",
                    "IN" => "+91",
                    _ => "none",
                };
                assert!(found.starts_with(own), "`{number}` in {code} is {found}");
            }
        }
    }
}

#[test]
fn digits_are_international_where_the_column_says_so() {
    let table: [(&str, &str, &[(&str, usize)], Option<&str>); 27] = [
        // By the numbers with `+`: one in ten has its calling code.
        ("US", "5511999999999", &[("+55 11 98888-7777", 1), ("+1 626 440 0700", 9)], Some("+5511999999999")),
        ("US", "5511999999999", &[("+55 11 98888-7777", 1), ("+1 626 440 0700", 10)], None),
        ("US", "5511999999999", &[("005511988887777", 1)], Some("+5511999999999")),
        ("--", "886-2-25474189", &[("+886 2 2547 4188", 3)], Some("+886225474189")),
        ("US", "886-2-25474189", &[("+886 2 2547 4188", 3), ("(626) 440-0700", 60)], Some("+886225474189")),
        // Without any `+`: nine in ten of those that are long enough.
        ("--", "593987654321", &[("593987654320", 8), ("573101234567", 1)], Some("+593987654321")),
        ("--", "593987654321", &[("593987654320", 8), ("573101234567", 2)], None),
        ("CO", "593987654321", &[("593987654320", 9), ("3101234567", 50)], Some("+593987654321")),
        ("US", "593987654321", &[("593987654320", 9), ("59398765", 1)], Some("+593987654321")),
        ("US", "593987654321", &[("593987654320", 9), ("+1 626 440 0700", 1)], None),
        // A single number among national ones is no evidence for itself.
        ("US", "33123456789", &[("(626) 440-0700", 99)], None),
        ("US", "33123456789", &[("(626) 440-0700", 9)], None),
        ("US", "33123456789", &[("(626) 440-0700", 1)], None),
        ("US", "33123456789", &[("33123456788", 1), ("(626) 440-0700", 9)], Some("+33123456789")),
        ("US", "33123456789", &[], Some("+33123456789")),
        // The region's own need none.
        ("EC", "593987654321", &[("0987654321", 50)], Some("+593987654321")),
        ("EC", "593 98 765 4321", &[("+1 626 440 0700", 50)], Some("+593987654321")),
        // Written as a national number.
        ("US", "(593) 987654321", &[("+593987654321", 50)], None),
        ("US", "5939-8765-4321", &[("+593987654321", 50)], None),
        ("US", "593 98-765-4321", &[("+593987654321", 50)], Some("+593987654321")),
        // Too short, or not valid.
        ("US", "4533445566", &[("+45 33 44 55 67", 50)], None),
        ("US", "593187654321", &[("+593987654321", 50)], None),
        // A valid number of the region, or the trunk form of one nearby.
        ("DE", "34612345678", &[("+34612345678", 50)], Some("+4934612345678")),
        ("RU", "84951234567", &[("+84912345678", 50)], Some("+74951234567")),
        ("UA", "84951234567", &[("+84912345678", 50)], None),
        ("US", "84912345678", &[("+84912345678", 50)], Some("+84912345678")),
        ("--", "84951234567", &[("84951234568", 50)], None),
    ];
    for (code, number, others, expected) in table {
        assert_eq!(among(code, number, others).as_deref(), expected, "`{number}` in {code} among {others:?}");
    }
}

#[test]
fn the_given_region_and_the_connections_are_understood_without_plus() {
    let homes = [region("EC").expect("a region")];
    for (code, text, expected) in [
        ("CO", "593987654321", Some("+593987654321")),
        ("CO", "(593) 987654321", None),
        ("CO", "3101234567", Some("+573101234567")),
        ("--", "593987654321", Some("+593987654321")),
    ] {
        let around = Surroundings { region: region(code), homes: &homes, ..Surroundings::default() };
        assert_eq!(read(text, &around).ok().as_deref(), expected, "`{text}` in {code}");
    }
}

#[test]
fn evidence_is_the_same_in_whatever_order_it_is_found_and_outlives_the_process() {
    let mut numbers = vec!["+593987654321", "0987654321", "593987654321", "0034612345678", "5.9E+11", "n/a", "x"];
    let forward = evidence(&numbers, region("EC"));
    numbers.reverse();
    assert_eq!(forward, evidence(&numbers, region("EC")));
    let column = &forward.columns[COLUMN];
    assert_eq!((column.numbers, column.with_plus, column.long), (4, 2, 1));
    let kept = serde_json::to_string(&forward).expect("text");
    assert_eq!(serde_json::from_str::<Evidence>(&kept).expect("evidence"), forward);
}

/// Numbers that are the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % limit as u64).expect("a small number")
    }

    fn digit(&mut self) -> u8 {
        b'0' + u8::try_from(self.below(10)).expect("a digit")
    }
}

/// A country, its trunk prefix, and how its numbers begin, with how many digits they have.
const COUNTRIES: [(&str, &str, &str, &[(&str, usize)]); 16] = [
    ("US", "1", "1", &[("212", 10), ("305", 10), ("415", 10), ("626", 10), ("917", 10)]),
    ("RU", "7", "8", &[("495", 10), ("499", 10), ("812", 10), ("903", 10), ("916", 10), ("985", 10)]),
    ("MX", "52", "", &[("55", 10), ("33", 10), ("81", 10), ("222", 10), ("998", 10)]),
    ("CO", "57", "", &[("300", 10), ("310", 10), ("320", 10), ("601", 10), ("604", 10)]),
    ("ES", "34", "", &[("6", 9), ("71", 9), ("91", 9), ("93", 9)]),
    ("KZ", "7", "8", &[("701", 10), ("705", 10), ("777", 10), ("727", 10)]),
    ("EC", "593", "0", &[("98", 9), ("99", 9), ("22", 8), ("42", 8)]),
    ("BR", "55", "0", &[("119", 11), ("219", 11), ("319", 11), ("559", 11), ("919", 11), ("113", 10)]),
    ("DE", "49", "0", &[("151", 11), ("171", 10), ("30", 9), ("89", 10), ("221", 10)]),
    ("AR", "54", "0", &[("11", 10), ("351", 10), ("341", 10), ("9114", 11)]),
    ("PE", "51", "0", &[("9", 9), ("14", 8)]),
    ("IT", "39", "", &[("33", 10), ("34", 10), ("06", 10), ("02", 10)]),
    ("CL", "56", "", &[("9", 9), ("22", 9)]),
    ("UA", "380", "0", &[("50", 9), ("67", 9), ("44", 9)]),
    ("GB", "44", "0", &[("7400", 10), ("20", 10), ("121", 10)]),
    ("FR", "33", "0", &[("6", 9), ("7", 9), ("1", 9)]),
];

fn national(dice: &mut Dice, kinds: &[(&str, usize)]) -> Vec<u8> {
    let (begin, len) = kinds[dice.below(kinds.len())];
    let mut number = begin.as_bytes().to_vec();
    while number.len() < len {
        number.push(dice.digit());
    }
    number
}

/// One slip: a digit wrong, missing, doubled or in its neighbour's place.
fn mistype(dice: &mut Dice, number: &mut Vec<u8>) {
    let at = dice.below(number.len());
    match dice.below(5) {
        0 => drop(number.remove(at)),
        1 => number.insert(at, dice.digit()),
        2 if at > 0 => number.swap(at, at - 1),
        _ => number[at] = dice.digit(),
    }
}

/// As people write them: digits alone, or with signs between.
fn written(dice: &mut Dice, number: &[u8]) -> String {
    let text = String::from_utf8_lossy(number).into_owned();
    let (start, rest) = text.split_at(3.min(text.len()));
    let (middle, end) = rest.split_at(3.min(rest.len()));
    match dice.below(4) {
        0 => format!("({start}) {middle}-{end}"),
        1 => format!("{start} {middle} {end}"),
        _ => text,
    }
}

#[test]
fn a_mistyped_national_number_is_not_one_of_another_country() {
    let mut foreign: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (code, calling, trunk, kinds) in COUNTRIES {
        for seed in [1, 2] {
            let mut dice = Dice(seed * 7_919 + u64::from(code.as_bytes()[0]) * 31 + u64::from(code.as_bytes()[1]));
            let numbers: Vec<String> = (0..1_000)
                .map(|_| {
                    let mut number = national(&mut dice, kinds);
                    if dice.below(3) == 0 {
                        number.splice(0..0, trunk.bytes());
                    }
                    mistype(&mut dice, &mut number);
                    written(&mut dice, &number)
                })
                .collect();
            let texts: Vec<&str> = numbers.iter().map(String::as_str).collect();
            let found = column(code, &texts);
            let is_foreign = |number: &String| !number.strip_prefix('+').is_some_and(|n| n.starts_with(calling));
            let wrong = texts.iter().zip(found).filter_map(|(text, found)| Some((text, found.filter(is_foreign)?)));
            let wrong: Vec<String> = wrong.map(|(text, found)| format!("{text} → {found}")).collect();
            if wrong.len() > 1 {
                foreign.entry(code).or_default().extend(wrong);
            }
        }
    }
    assert!(foreign.is_empty(), "{foreign:#?}");
}

#[test]
fn a_cell_is_taken_apart_into_numbers_and_what_stands_behind_them() {
    let table: [(&str, &str, &[&str]); 38] = [
        ("EC", "0991234567", &["+593991234567"]),
        ("EC", "0991234567 ::: 0987654321", &["+593991234567", "+593987654321"]),
        ("EC", "0991234567; 0987654321;", &["+593991234567", "+593987654321"]),
        ("EC", "0991234567 / 0987654321", &["+593991234567", "+593987654321"]),
        ("EC", "0991234567/0987654321", &["+593991234567", "+593987654321"]),
        ("EC", "0991234567\n0987654321\r\n022345678", &["+593991234567", "+593987654321", "+59322345678"]),
        ("EC", "0991234567, 0987654321", &["+593991234567", "+593987654321"]),
        ("EC", "+593991234567,+593987654321", &["+593991234567", "+593987654321"]),
        ("EC", "0991234567, casa", &["+593991234567", "ext casa"]),
        ("EC", "0991234567, 12345", &["bad 0991234567, 12345"]),
        ("EC", "0991234567; 12345", &["+593991234567", "bad 12345"]),
        ("EC", "0991234567; casa", &["+593991234567", "ext casa"]),
        ("DE", "030 / 1234567", &["+49301234567"]),
        ("DE", "0711/1234567", &["+497111234567"]),
        ("DE", "0711 123456 (privat)", &["+49711123456", "ext (privat)"]),
        ("US", "212 555 0123 x752", &["+12125550123", "ext x752"]),
        ("US", "212 555 0123x752", &["+12125550123", "ext x752"]),
        ("US", "212-555-0123 ext. 12", &["+12125550123", "ext ext. 12"]),
        ("US", "(212) 555-0123 Ext 43023", &["+12125550123", "ext Ext 43023"]),
        ("US", "+1 212 555 0123;ext=5", &["+12125550123", "ext ext=5"]),
        ("US", "212 555 0123 #5", &["+12125550123", "ext #5"]),
        ("US", "212 555 0123,,5", &["+12125550123", "ext 5"]),
        ("US", "(530) 583-6985 x302/x2303", &["+15305836985", "ext x302/x2303"]),
        ("US", "212 555 0123 x1 / 212 555 0124 x2", &["+12125550123", "ext x1", "+12125550124", "ext x2"]),
        ("US", "1-800-FLOWERS", &["+18003569377"]),
        ("EC", "0991234567 (casa)", &["+593991234567", "ext (casa)"]),
        ("EC", "0991234567 [oficina]", &["+593991234567", "ext [oficina]"]),
        ("EC", "0991234567 int. 5", &["+593991234567", "ext int. 5"]),
        ("EC", "0991234567 anexo 105", &["+593991234567", "ext anexo 105"]),
        (
            "EC",
            "0991234567 (casa) / 022345678 (oficina)",
            &["+593991234567", "ext (casa)", "+59322345678", "ext (oficina)"],
        ),
        ("RU", "8 916 123-45-67 доб. 12", &["+79161234567", "ext доб. 12"]),
        ("EC", "tel: 0991234567", &["+593991234567"]),
        // What may be a second number is not cut off.
        ("EC", "0991234567 o 0987654321", &["bad 0991234567 o 0987654321"]),
        ("EC", "+593991234567 +593987654321", &["bad +593991234567 +593987654321"]),
        // Where there is no number, nothing is cut.
        ("EC", "12345 ext 6", &["bad 12345 ext 6"]),
        ("EC", "casa 12", &["bad casa 12"]),
        ("EC", "5.9E+11", &["lost 5.9E+11"]),
        ("EC", "0991234567; 5.9E+11", &["+593991234567", "lost 5.9E+11"]),
    ];
    for (code, text, expected) in table {
        let shown = |part: Part<'_>| match part {
            Part::Number(number) => number,
            Part::Extension(behind) => format!("ext {behind}"),
            Part::Faulty(text, ferry::mapping::phone::PhoneFault::Spreadsheet) => format!("lost {text}"),
            Part::Faulty(text, _) => format!("bad {text}"),
        };
        let around = Surroundings::of_region(region(code));
        let found: Vec<String> = parts(text, &around).into_iter().map(shown).collect();
        assert_eq!(found, expected, "`{text}`");
    }
}
