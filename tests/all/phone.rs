//! Phones, e-mail addresses and column names.

use ferry::mapping::email;
use ferry::mapping::phone::{PhoneFault, Region, has_country_code, normalise};
use ferry::yaml::nearest;
use proptest::prelude::*;
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat};

use PhoneFault::{Invalid, NoRegion, Spreadsheet};

/// `--` is no region.
fn region(code: &str) -> Option<Region> {
    (code != "--").then(|| Region::named(code).expect("a known region"))
}

#[test]
fn a_phone_is_kept_as_e164_or_refused_with_its_fault() {
    let cases: &[(&str, &str, Result<&str, PhoneFault>)] = &[
        // International forms, whatever the region.
        ("--", "+593991234567", Ok("+593991234567")),
        ("EC", "+593 99 123 4567", Ok("+593991234567")),
        ("US", "+34 (612) 34-56-78", Ok("+34612345678")),
        ("--", "(+34) 612 345 678", Ok("+34612345678")),
        ("--", "+44 (0)7400 123456", Ok("+447400123456")),
        ("--", "++34 612345678", Ok("+34612345678")),
        ("ES", "+0034612345678", Ok("+34612345678")),
        ("--", "+0034612345678", Err(Invalid)),
        ("--", "\u{FF0B}34612345678", Ok("+34612345678")),
        ("--", "+39 06 698 12345", Ok("+390669812345")),
        ("--", "+800 1234 5678", Ok("+80012345678")),
        // `00` is international everywhere.
        ("--", "00593991234567", Ok("+593991234567")),
        ("ES", "0049 1512 3456789", Ok("+4915123456789")),
        ("US", "00593 99 123 4567", Ok("+593991234567")),
        ("RU", "0034612345678", Ok("+34612345678")),
        ("US", "011 593 99 123 4567", Ok("+593991234567")),
        // National forms.
        ("EC", "099 123 4567", Ok("+593991234567")),
        ("EC", "991234567", Ok("+593991234567")),
        ("ec", "0991234567", Ok("+593991234567")),
        ("UA", "(050) 123-45-67", Ok("+380501234567")),
        ("RU", "8 916 123-45-67", Ok("+79161234567")),
        ("RU", "8-800-555-35-35", Ok("+78005553535")),
        ("KZ", "8 701 123 4567", Ok("+77011234567")),
        ("UK", "07400 123456", Ok("+447400123456")),
        ("US", "(212) 555-0123", Ok("+12125550123")),
        ("CA", "1 416 555 0123", Ok("+14165550123")),
        ("DE", "030/1234567", Ok("+49301234567")),
        ("BR", "(0xx11) 96123-4567", Ok("+5511961234567")),
        // Two digits behind a plus are no number, so what follows is no extension.
        ("EC", "+39x066981234*", Ok("+39066981234")),
        ("BR", "0 15 11 96123-4567", Ok("+5511961234567")),
        ("AR", "011 15-2345-6789", Ok("+5491123456789")),
        ("MX", "55 1234 5678", Ok("+525512345678")),
        ("US", "1-800-FLOWERS", Ok("+18003569377")),
        // Forms that only WhatsApp still uses, kept as they are written.
        ("--", "+5215512345678", Ok("+5215512345678")),
        ("EC", "+52 1 55 1234 5678", Ok("+5215512345678")),
        ("MX", "5215512345678", Ok("+5215512345678")),
        ("--", "5215512345678", Err(NoRegion)),
        ("--", "+55 11 8765-4321", Ok("+551187654321")),
        ("--", "+52 1 00 1234 5678", Err(Invalid)),
        // The plus was removed: the region's own numbers are understood, those of others need evidence.
        ("EC", "593991234567", Ok("+593991234567")),
        ("EC", "593 99 123 4567", Ok("+593991234567")),
        ("RU", "79161234567", Ok("+79161234567")),
        ("EC", "12125550123", Err(Invalid)),
        ("MX", "34612345678", Err(Invalid)),
        ("--", "593991234567", Err(NoRegion)),
        ("--", "79161234567", Err(NoRegion)),
        // Spreadsheets.
        ("EC", "5.93988E+11", Err(Spreadsheet)),
        ("EC", "5,93988E+11", Err(Spreadsheet)),
        ("EC", "5.93988e11", Err(Spreadsheet)),
        ("--", "  5.93988E+11 ", Err(Spreadsheet)),
        ("--", "=\"5.93988E+11\"", Err(Spreadsheet)),
        ("--", "6E+11", Err(Spreadsheet)),
        ("EC", "5.93991234567E+11", Err(Spreadsheet)),
        ("EC", "593991234567.0", Ok("+593991234567")),
        ("EC", "991234567,00", Ok("+593991234567")),
        ("--", "=\"+593991234567\"", Ok("+593991234567")),
        ("--", "'+593991234567", Ok("+593991234567")),
        // Writing.
        ("EC", "\u{A0}099\u{A0}123\u{A0}4567\u{A0}", Ok("+593991234567")),
        ("EC", "099\u{2011}123\u{2013}4567", Ok("+593991234567")),
        ("EC", "099\u{202F}123\u{2009}4567", Ok("+593991234567")),
        ("--", "\u{202A}+593 99 123 4567\u{202C}", Ok("+593991234567")),
        ("--", "+593\u{200B}991234567", Ok("+593991234567")),
        ("EC", "0991234567", Ok("+593991234567")),
        ("EC", "٠٩٩١٢٣٤٥٦٧", Ok("+593991234567")),
        ("EC", "۰۹۹۱۲۳۴۵۶۷", Ok("+593991234567")),
        ("--", "tel:+593991234567", Ok("+593991234567")),
        ("EC", "tel: 099 123 4567", Ok("+593991234567")),
        ("EC", "Móvil: 0991234567.", Ok("+593991234567")),
        ("EC", "☎ 0991234567 ✓", Ok("+593991234567")),
        ("EC", "0991234567 WA", Ok("+593991234567")),
        // No region to take the country from.
        ("--", "0991234567", Err(NoRegion)),
        ("--", "(212) 555-0123", Err(NoRegion)),
        ("--", "8 916 123-45-67", Err(NoRegion)),
        // What would lose something.
        ("EC", "0991234567 / 0987654321", Err(Invalid)),
        ("--", "0991234567 / 0987654321", Err(Invalid)),
        ("DE", "030 123456 / 0301234", Err(Invalid)),
        ("EC", "0991234567, 0987654321", Err(Invalid)),
        ("EC", "0991234567; 0987654321", Err(Invalid)),
        ("EC", "+593991234567 +593987654321", Err(Invalid)),
        ("EC", "0991234567\n0987654321", Err(Invalid)),
        ("US", "212 555 0123 ext 5", Err(Invalid)),
        ("US", "212 555 0123 x5", Err(Invalid)),
        ("US", "212 555 0123 #5", Err(Invalid)),
        ("US", "212 555 0123,,5", Err(Invalid)),
        ("US", "212 555 0123;ext=5", Err(Invalid)),
        ("RU", "8 916 123-45-67 доб. 5", Err(Invalid)),
        ("US", "(530) 583-6985 x302/x2303", Err(Invalid)),
        ("US", "(530) 583-6985 /x2303123", Err(Invalid)),
        ("US", "tel:2125550123;isub=12345", Err(Invalid)),
        // No numbers.
        ("EC", "", Err(Invalid)),
        ("EC", "n/a", Err(Invalid)),
        ("EC", "-", Err(Invalid)),
        ("EC", "+", Err(Invalid)),
        ("--", "unknown", Err(Invalid)),
        ("--", "sin teléfono", Err(Invalid)),
        ("EC", "12345", Err(Invalid)),
        ("US", "911", Err(Invalid)),
        ("ES", "112", Err(Invalid)),
        ("--", "+112", Err(Invalid)),
        ("EC", "099123456", Err(Invalid)),
        ("EC", "+593 000 000 000", Err(Invalid)),
        ("EC", "1234567890123456789012345678901234567890123", Err(Invalid)),
        ("--", "+999123456789", Err(Invalid)),
        ("US", "555-CASA-DE-ANA-MARIA", Err(Invalid)),
    ];
    for (code, text, expected) in cases {
        let found = normalise(text, region(code));
        let found = found.as_deref().map_err(|fault| *fault);
        assert_eq!(found, *expected, "`{text}` in {code}");
    }
}

#[test]
fn a_region_is_named_by_its_codes_or_by_its_name() {
    for (code, expected) in [
        ("EC", Some("EC")),
        ("ec", Some("EC")),
        ("Uk", Some("GB")),
        ("ZZ", None),
        ("AQ", None),
        ("E", None),
        ("", None),
        ("001", None),
        ("é", None),
        ("XK", Some("XK")),
        // Three letters.
        ("ECU", Some("EC")),
        ("usa", Some("US")),
        ("GBR", Some("GB")),
        ("XKX", Some("XK")),
        ("QQQ", None),
        // Calling codes.
        ("593", Some("EC")),
        ("+593", Some("EC")),
        ("(+593)", Some("EC")),
        ("+ 1", Some("US")),
        ("7", Some("RU")),
        ("1-809", Some("DO")),
        ("0034", Some("ES")),
        ("999", None),
        ("800", None),
        ("593991234567", None),
        // Names in seven languages, with and without accents, in any case.
        ("Perú", Some("PE")),
        ("Peru", Some("PE")),
        ("PERU ", Some("PE")),
        ("Pérou", Some("PE")),
        ("Перу", Some("PE")),
        ("México", Some("MX")),
        ("mexico", Some("MX")),
        ("Messico", Some("MX")),
        ("Brasil", Some("BR")),
        ("Brésil", Some("BR")),
        ("Spain", Some("ES")),
        ("ESPAÑA", Some("ES")),
        ("Espana", Some("ES")),
        ("Испания", Some("ES")),
        ("Deutschland", Some("DE")),
        ("Alemanha", Some("DE")),
        ("Германия", Some("DE")),
        ("Österreich", Some("AT")),
        ("Россия", Some("RU")),
        ("Российская Федерация", Some("RU")),
        ("Russland", Some("RU")),
        ("Rußland", Some("RU")),
        ("Côte d'Ivoire", Some("CI")),
        ("Cote d’Ivoire", Some("CI")),
        ("Ivory Coast", Some("CI")),
        ("Trinidad and Tobago", Some("TT")),
        ("Bosnia & Herzegovina", Some("BA")),
        ("St. Lucia", Some("LC")),
        ("Saint Lucia", Some("LC")),
        ("Hong Kong", Some("HK")),
        ("Viet Nam", Some("VN")),
        ("Czech Republic", Some("CZ")),
        ("Turkey", Some("TR")),
        ("Türkiye", Some("TR")),
        ("Dominican Republic", Some("DO")),
        ("Rep. Dominicana", Some("DO")),
        ("República del Ecuador", Some("EC")),
        ("The Netherlands", Some("NL")),
        ("Holanda", Some("NL")),
        ("Bolivia, Plurinational State of", Some("BO")),
        ("Venezuela (Bolivarian Republic of)", Some("VE")),
        ("Korea, Republic of", Some("KR")),
        ("Ecuador (+593)", Some("EC")),
        ("EC - Ecuador", Some("EC")),
        // Everyday forms.
        ("U.S.A.", Some("US")),
        ("United States of America", Some("US")),
        ("EE.UU.", Some("US")),
        ("EE. UU.", Some("US")),
        ("EEUU", Some("US")),
        ("Estados Unidos", Some("US")),
        ("США", Some("US")),
        ("États-Unis", Some("US")),
        ("U.K.", Some("GB")),
        ("England", Some("GB")),
        ("Great Britain", Some("GB")),
        ("UAE", Some("AE")),
        // What explains a name does not make it another country's.
        ("Ecuador (EC)", Some("EC")),
        ("Moldova, Republic of", Some("MD")),
        ("Korea (South)", Some("KR")),
        ("Korea, North", None),
        ("Congo, Dem. Rep.", Some("CD")),
        ("Republic of China", Some("TW")),
        ("Georgia, USA", None),
        ("EC,PE", None),
        // No countries.
        ("Narnia", None),
        ("EU", None),
        ("Congo", Some("CG")),
        ("n/a", None),
        ("N.A.", None),
        ("U.S.", Some("US")),
        ("-", None),
        ("Quito", None),
    ] {
        assert_eq!(Region::named(code).map(Region::code), expected, "`{code}`");
    }
}

#[test]
fn a_phone_has_a_country_code_by_its_sign() {
    for (text, expected) in [
        ("+593991234567", true),
        ("+1", false),
        ("00 593 991234567", true),
        ("593991234567", false),
        ("tel:+34612345678", true),
        ("0991234567", false),
        ("991234567", false),
        ("n/a", false),
        ("", false),
        ("5.93988E+11", false),
        ("(212) 555-0123", false),
    ] {
        assert_eq!(has_country_code(text), expected, "`{text}`");
    }
}

/// The number that the numbering library reads.
fn parsed(text: &str, code: Option<&str>) -> Option<String> {
    let region = code.map(|code| rlibphonenumber::Region::from_code(code).expect("a region"));
    let number = PHONE_NUMBER_UTIL.parse(text, region).ok()?;
    let whole = number.extension.is_none() && PHONE_NUMBER_UTIL.is_valid_number(&number);
    whole.then(|| PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::E164).into_owned())
}

/// What the numbering library makes of it, by the rules of this project.
fn by_the_library(text: &str, code: Option<&str>) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let zeros = || parsed(&format!("+{}", digits.strip_prefix("00")?), None);
    parsed(text, code).or_else(|| if text.starts_with('+') { None } else { zeros() })
}

/// A number of a plan whose last digits are letters, or that has a mark among its first digits.
fn lettered() -> impl Strategy<Value = (String, Option<&'static str>)> {
    let before = prop::sample::select(vec!["", "", "Tel: ", "(", "=\""]);
    let prefix = prop::sample::select(vec!["", "", "0", "1", "1-", "+", "+1 ", "015", "0xx", "0 xx ", "0XX"]);
    let mark = prop::sample::select(vec!["x", "xx", " x ", "~", "*", " * ", "-", " ", ""]);
    let word = prop::sample::select(vec![
        "FLOWERS",
        "flowers",
        "GOFEDEX",
        "CALLNOW",
        "Home-Run",
        "ABC",
        "ab",
        "x",
        "XYZ",
        " ask Ana",
        "*",
        "~",
        "; home",
        ";isub=abc",
        ", mobil",
        " &c",
    ]);
    (0..SEEDS.len(), 0..=SEEDS.len(), before, prefix, 0_usize..4, mark, 0_usize..8, word, any::<bool>()).prop_map(
        |(seed, other, before, prefix, place, mark, cut, word, calling)| {
            let (own, code, number) = SEEDS[seed];
            let number = &number[..number.len() - cut];
            let (first, last) = number.split_at(place.min(number.len()));
            let calling = if calling || prefix == "+" { code } else { "" };
            // A mark with few digits behind it is no part of a number: `clean` refuses it.
            let mark = if last.len() < 7 { "" } else { mark };
            let prefix = if number.len() < 7 { prefix.trim_end_matches([' ', 'x', 'X']) } else { prefix };
            let region = if seed % 2 == 0 { Some(own) } else { SEEDS.get(other).map(|(region, ..)| *region) };
            (format!("{before}{prefix}{calling}{first}{mark}{last}{word}"), region)
        },
    )
}

/// Numbers of a few plans that differ in everything: prefixes, transformations, shared calling codes, lengths.
const SEEDS: [(&str, &str, &str); 14] = [
    ("EC", "593", "991234567"),
    ("MX", "52", "5512345678"),
    ("BR", "55", "11961234567"),
    ("AR", "54", "91123456789"),
    ("US", "1", "2125550123"),
    ("BS", "1", "2423591234"),
    ("GB", "44", "7400123456"),
    ("JE", "44", "7797712345"),
    ("RU", "7", "9161234567"),
    ("KZ", "7", "7011234567"),
    ("DE", "49", "15123456789"),
    ("IT", "39", "0669812345"),
    ("CO", "57", "3101234567"),
    ("UA", "380", "501234567"),
];

/// A number of a plan with some digits wrong, with one of many prefixes, and separators anywhere.
fn phone() -> impl Strategy<Value = (String, Option<&'static str>)> {
    let digits = prop::collection::vec((0_usize..12, 0_u8..10), 0..3);
    let prefix = prop::sample::select(vec!["", "", "0", "1", "8", "00", "011", "810", "015", "+", "+", "+0", "+00"]);
    let separators = prop::collection::vec(prop::sample::select(vec!["", "", "", " ", "-", ".", ") ", "\u{A0}"]), 20);
    (0..SEEDS.len(), 0..=SEEDS.len(), digits, prefix, any::<bool>(), 0_usize..3, separators).prop_map(
        |(seed, other, changes, prefix, calling, cut, separators)| {
            let (own, code, number) = SEEDS[seed];
            let mut number: Vec<u8> = number.bytes().collect();
            for (place, digit) in changes {
                let place = place % number.len();
                number[place] = b'0' + digit;
            }
            number.truncate(number.len() - cut.saturating_sub(1));
            let mut text = prefix.to_owned() + if calling || prefix == "+" { code } else { "" };
            for (digit, separator) in number.into_iter().zip(separators) {
                text.push(char::from(digit));
                text.push_str(separator);
            }
            let region = if seed % 2 == 0 { Some(own) } else { SEEDS.get(other).map(|(region, ..)| *region) };
            (text, region)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 800, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_phone_is_what_the_numbering_library_makes_of_it((text, code) in phone()) {
        let found = normalise(&text, code.and_then(Region::named)).ok();
        let library = by_the_library(&text, code);
        // Forms that only WhatsApp still uses are ours.
        let is_old_form = found.as_deref().is_some_and(|n| n.starts_with("+521") || n.starts_with("+55"));
        prop_assume!(library.is_some() || !is_old_form);
        prop_assert_eq!(found, library, "`{}` in {:?}", text, code);
    }

    #[test]
    fn letters_are_what_the_numbering_library_makes_of_them((text, code) in lettered()) {
        let found = normalise(&text, code.and_then(Region::named)).ok();
        prop_assert_eq!(found, parsed(&text, code), "`{}` in {:?}", text, code);
    }

    #[test]
    fn any_text_is_a_phone_or_a_fault(text in "\\PC{0,40}", digits in "[+0-9x./;,# eE'=\"-]{0,24}") {
        for text in [text, digits] {
            for code in ["--", "BR"] {
                if let Ok(number) = normalise(&text, region(code)) {
                    prop_assert_eq!(normalise(&number, None), Ok(number));
                }
            }
        }
    }
}

#[test]
fn an_email_is_kept_with_its_domain_in_lower_case_or_refused_with_the_reason() {
    let long_local = format!("{}@example.com", "a".repeat(65));
    let long_label = format!("a@{}.com", "b".repeat(64));
    let long = format!("{}@{}.com", "a".repeat(64), vec!["b".repeat(60); 4].join("."));
    let cases: &[(&str, Result<&str, &str>)] = &[
        ("ada@example.com", Ok("ada@example.com")),
        ("  Ada.Lovelace@Example.COM ", Ok("Ada.Lovelace@example.com")),
        ("ada+list@mail.example.co", Ok("ada+list@mail.example.co")),
        ("o'brien_1@example-mail.org", Ok("o'brien_1@example-mail.org")),
        ("анна@пример.рф", Ok("анна@пример.рф")),
        ("jose@ESPAÑA.es", Ok("jose@españa.es")),
        ("a@xn--e1afmkfd.xn--p1ai", Ok("a@xn--e1afmkfd.xn--p1ai")),
        ("", Err("is empty")),
        ("ada", Err("has no `@`")),
        ("ada@", Err("has nothing after the `@`")),
        ("@example.com", Err("has nothing before the `@`")),
        ("ada@example", Err("has no full stop after the `@`")),
        ("ada@localhost", Err("has no full stop after the `@`")),
        ("ada@@example.com", Err("is not one address: it has more than one `@` or a `,` or `;` in it")),
        ("Ada <ada@example.com>", Ok("ada@example.com")),
        ("Nea Nord <NEA.NORD@GMAIL.COM>", Ok("NEA.NORD@gmail.com")),
        ("\"Lovelace, Ada\" <ada@example.com>", Ok("ada@example.com")),
        ("<ada@example.com>", Ok("ada@example.com")),
        ("Mailto:ada@example.com", Ok("ada@example.com")),
        ("<mailto:ada@example.com?subject=hi>", Ok("ada@example.com")),
        ("ada@example.com <ada@example.com>", Ok("ada@example.com")),
        ("bob@example.com <ada@example.com>", Err("has angle brackets that are not around an address")),
        ("Bo <bob@example.com>, Ada <ada@example.com>", Err("has angle brackets that are not around an address")),
        ("Ada <ada@example>", Err("has no full stop after the `@`")),
        ("Ada <ada@example.com", Err("has angle brackets that are not around an address")),
        ("mailto:", Err("is empty")),
        ("ada@example.com, bob@example.com", Err("is not one address: it has more than one `@` or a `,` or `;` in it")),
        ("ada@example.com;", Err("is not one address: it has more than one `@` or a `,` or `;` in it")),
        ("ada@example,com", Err("is not one address: it has more than one `@` or a `,` or `;` in it")),
        ("ada lovelace@example.com", Err("has a blank in it")),
        ("ada@exa mple.com", Err("has a blank in it")),
        ("\"ada\"@example.com", Err("has a character before the `@` that no address has there")),
        ("a\u{200B}da@example.com", Err("has a character before the `@` that no address has there")),
        (".ada@example.com", Err("has a full stop out of place before the `@`")),
        ("ada.@example.com", Err("has a full stop out of place before the `@`")),
        ("a..da@example.com", Err("has a full stop out of place before the `@`")),
        ("ada@example..com", Err("has a full stop out of place after the `@`")),
        ("ada@example.com.", Err("has a full stop out of place after the `@`")),
        ("ada@-bad.com", Err("has a part of its domain that begins or ends with `-`")),
        ("ada@bad-.com", Err("has a part of its domain that begins or ends with `-`")),
        ("ada@exa_mple.com", Err("has a character after the `@` that no domain has")),
        ("ada@[127.0.0.1]", Err("has a character after the `@` that no domain has")),
        ("ada@127.0.0.1", Err("has a number where the end of its domain should be")),
        ("ada@example.c", Err("has a domain that ends in a single letter")),
        (&long_local, Err("has more than 64 octets before the `@`")),
        (&long_label, Err("has more than 63 octets in a part of its domain")),
        (&long, Err("is longer than 254 octets")),
    ];
    for (text, expected) in cases {
        assert_eq!(email::normalise(text).as_deref().map_err(|reason| *reason), *expected, "`{text}`");
    }
}

#[test]
fn several_emails_of_one_text_are_all_taken() {
    let cases: [(&str, &[&str]); 5] = [
        ("a@example.com; b@example.com", &["a@example.com", "b@example.com"]),
        ("Bo <bob@example.com>, 'Ada' <ada@example.com>", &["Bo <bob@example.com>", "'Ada' <ada@example.com>"]),
        ("bob@example.com, Ada <ada@example.com>", &["bob@example.com", "Ada <ada@example.com>"]),
        ("\"Li, Bo\" <bob@example.com>, ada@example.com", &["\"Li, Bo\" <bob@example.com>", "ada@example.com"]),
        ("Lovelace, Ada <ada@example.com>", &["Lovelace, Ada <ada@example.com>"]),
    ];
    for (text, expected) in cases {
        assert_eq!(email::parts(text), expected, "`{text}`");
    }
}

#[test]
fn the_nearest_name_is_the_intended_one() {
    const NAMES: [&str; 9] =
        ["First Name", "Last Name", "Mobile", "Phone", "Email", "City", "Teléfono", "Correo electrónico", "Plan"];
    for (wanted, expected) in [
        ("Frist Name", Some("First Name")),
        ("first_name", Some("First Name")),
        ("lastname", Some("Last Name")),
        ("Phon", Some("Phone")),
        ("pohne", Some("Phone")),
        ("Emial", Some("Email")),
        ("E-Mail", Some("Email")),
        ("e-mail address", Some("Email")),
        ("telefono", Some("Teléfono")),
        ("Correo", Some("Correo electrónico")),
        ("Cty", Some("City")),
        ("plans", Some("Plan")),
        ("Birthday", None),
        ("x", None),
        ("", None),
        ("--", None),
    ] {
        assert_eq!(nearest(wanted, NAMES), expected, "`{wanted}`");
    }
    assert_eq!(nearest("Nane", ["Name", "Nate"]), Some("Name"), "the first of equals");
    assert_eq!(nearest(&"a".repeat(1000), ["a"]), None);
    assert_eq!(nearest("name", []), None);
}
