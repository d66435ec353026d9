//! vCards as phones, address books and mail programs write them, and as they are broken.

use super::super::support::{Ended, ferry as command, folder_with, run};
use super::{open_as, told};
use ferry::files::{Opened, ReadOptions, open};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// The notes, what was read, and what was found at the end; or the error and its hint.
fn read_named(name: &str, content: &[u8], options: &ReadOptions) -> Vec<String> {
    let Opened { notes, source, found, .. } = match open_as(name, content, options) {
        Ok(opened) => opened,
        Err(failure) => {
            return [Some(format!("{:?}: {}", failure.exit, failure.message)), failure.hint]
                .into_iter()
                .flatten()
                .collect();
        }
    };
    let mut lines = notes;
    lines.extend(source.map(|item| told(&item)));
    lines.extend(found.notes(name));
    lines
}

fn read(content: &[u8]) -> Vec<String> {
    read_named("x.vcf", content, &ReadOptions::default())
}

/// A card of these lines.
fn card(version: &str, lines: &str) -> String {
    format!("BEGIN:VCARD\r\nVERSION:{version}\r\n{}\r\nEND:VCARD\r\n", lines.trim().replace('\n', "\r\n"))
}

/// The contact of a card of these lines.
fn contact(version: &str, lines: &str) -> Value {
    let read = read(card(version, lines).as_bytes());
    let text = read.first().and_then(|line| line.strip_prefix("0@1 ")).unwrap_or_else(|| panic!("{read:?}"));
    serde_json::from_str(text).unwrap()
}

#[test]
fn cards_of_an_android_phone_are_read() {
    let found = contact(
        "2.1",
        "N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=52=75=69=7A;=41=6E=61;=4D=\n=61=72=C3=\n=AD=61;;\n\
         FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=41=6E=61=20=4D=61=72=C3=AD=61=20=52=75=69=7A\n\
         TEL;WORK:02-234-5678\nTEL;CELL;PREF:+593 99 123 4561\nTEL;X-Custom(CHARSET=UTF-8,ENCODING=QUOTED-PRINTABLE,=46=61):5\n\
         TEL;HOME;FAX:02-234-5679\nEMAIL;HOME:ana@example.com\nADR;HOME:;;Calle 10;Quito;;170150;Ecuador\n\
         ORG:Ferretería Sol;Ventas\nBDAY:1988-03-14\n\
         X-ANDROID-CUSTOM:vnd.android.cursor.item/nickname;Anita;1;;;;;;;;;;;;;\n\
         PHOTO;ENCODING=BASE64;JPEG:/9j/4AAQSkZJRgABAQAAAQABAAD\n AAAAAAAA\n",
    );
    assert_eq!(
        found,
        json!({
            "first_name": "Ana María", "last_name": "Ruiz", "full_name": "Ana María Ruiz", "phones": ["+593 99 123 4561", "02-234-5678", "5"], "emails": ["ana@example.com"],
            "address": {"street": "Calle 10", "city": "Quito", "zip": "170150", "country": "Ecuador"},
            "attributes": {
                "Fax": "02-234-5679", "Company": "Ferretería Sol", "Department": "Ventas", "Birthday": "1988-03-14",
                "Nickname": "Anita",
            },
        })
    );
}

#[test]
fn cards_of_an_iphone_are_read() {
    let found = contact(
        "3.0",
        "PRODID:-//Apple Inc.//iPhone OS 17.0//EN\nN:Ruiz;Ana;;Dra.;\nFN:Dra. Ana Ruiz\n\
         item1.EMAIL;type=INTERNET;type=pref:ana@example.com\nitem1.X-ABLabel:_$!<Other>!$_\n\
         TEL;type=WORK;type=VOICE:+593 2 234 5678\nTEL;type=IPHONE;type=CELL;type=VOICE;type=pref:0991234561\n\
         item2.TEL:0991234562\nitem2.X-ABLabel:WhatsApp\n\
         item3.ADR;type=HOME;type=pref:;;Calle 10\\nPiso 2;Quito;;;Ecuador\nitem3.X-ABADR:ec\n\
         BDAY;X-APPLE-OMIT-YEAR=1604:1604-03-14\nitem4.X-ABDATE;type=pref:2015-06-01\n\
         item4.X-ABLabel:_$!<Anniversary>!$_\nitem5.X-ABRELATEDNAMES:Luis Paz\nitem5.X-ABLabel:_$!<Spouse>!$_\n\
         NOTE:First line\\nsecond\\, with a comma\nX-SOCIALPROFILE;type=twitter;x-user=anar:http://twitter.com/anar\n\
         IMPP;X-SERVICE-TYPE=Skype;type=HOME:skype:ana.ruiz\nURL;type=pref:https://example.com\nUID:A1-B2",
    );
    assert_eq!(
        found,
        json!({
            "id": "A1-B2", "first_name": "Ana", "last_name": "Ruiz", "full_name": "Ana Ruiz", "phones": ["0991234562", "0991234561", "+593 2 234 5678"], "emails": ["ana@example.com"],
            "handles": ["twitter:anar", "skype:ana.ruiz"],
            "address": {"street": "Calle 10, Piso 2", "city": "Quito", "country": "Ecuador"},
            "notes": "First line\nsecond, with a comma",
            "attributes": {
                "Birthday": "--03-14", "Anniversary": "2015-06-01", "Spouse": "Luis Paz", "URL": "https://example.com",
                "Name Prefix": "Dra.",
            },
        })
    );
}

#[test]
fn cards_of_google_outlook_and_nextcloud_are_read() {
    let google = "N:Paz;Luis;;;\nFN:Luis Paz\nEMAIL;TYPE=INTERNET;TYPE=WORK:luis@example.com\nitem1.TEL:0991234563\n\
                  item1.X-ABLabel:Consultorio\nitem2.X-PHONETIC-ORG:ferre\nCATEGORIES:myContacts,Clientes\\, Quito,starred\n\
                  item3.URL:https\\://example.com\nitem3.X-ABLabel:PROFILE\nX-PHONETIC-FIRST-NAME:luis";
    assert_eq!(
        contact("3.0", google),
        json!({
            "first_name": "Luis", "last_name": "Paz", "full_name": "Luis Paz", "phones": ["0991234563"], "emails": ["luis@example.com"],
            "tags": ["Clientes, Quito"],
            "attributes": {"X-PHONETIC-ORG": "ferre", "URL": "https://example.com", "Phonetic First Name": "luis"},
        })
    );
    let outlook = "X-MS-SIGNATURE:YES\nN;LANGUAGE=es;CHARSET=windows-1252:Muñoz;José;A.;Sr.\nFN;CHARSET=windows-1252:Sr. José A. \
                   Muñoz\nORG:ACME\nTITLE:Gerente\nNOTE:uno\nTEL;WORK;VOICE:(02) 234-5678\nTEL;CELL;VOICE:099 123 4564\n\
                   ADR;WORK;PREF;ENCODING=QUOTED-PRINTABLE:;Of. 3;Av. Amazonas=0D=0AEdificio 1;Quito;Pichincha;170150;Ecuador\n\
                   LABEL;WORK;PREF;ENCODING=QUOTED-PRINTABLE:Of. 3=0D=0AAv. Amazonas\nX-MS-OL-DEFAULT-POSTAL-ADDRESS:2\n\
                   URL;WORK:http://example.com\nEMAIL;PREF;INTERNET:jose@example.com\n\
                   X-MS-CARDPICTURE;TYPE=JPEG;ENCODING=BASE64:\n /9j/4AAQ\n\nX-MS-OL-DESIGN;CHARSET=utf-8:<card/>\nREV:20261130T081500Z";
    let text = card("2.1", outlook);
    let (content, ..) = encoding_rs::WINDOWS_1252.encode(&text);
    let lines = read(&content);
    assert_eq!(
        lines[0],
        "0@1 {\"first_name\":\"José A.\",\"last_name\":\"Muñoz\",\"full_name\":\"José A. Muñoz\",\
         \"phones\":[\"099 123 4564\",\"(02) 234-5678\"],\
         \"emails\":[\"jose@example.com\"],\
         \"address\":{\"street\":\"Av. Amazonas, Edificio 1, Of. 3\",\"city\":\"Quito\",\"state\":\"Pichincha\",\
         \"zip\":\"170150\",\"country\":\"Ecuador\"},\"notes\":\"uno\",\"attributes\":{\"X-MS-SIGNATURE\":\"YES\",\
         \"Company\":\"ACME\",\"Title\":\"Gerente\",\"Address Label\":\"Of. 3, Av. Amazonas\",\"URL\":\"http://example.com\",\
         \"Name Prefix\":\"Sr.\"}}"
    );
    assert_eq!(lines[1], "pictures and other media of `x.vcf` are left out (1, 1 KiB)");
    let nextcloud = "PRODID:-//Sabre//Sabre VObject 4.5.4//EN\nUID:urn:uuid:4fbe8971\nFN;PREF=2:Anita\nFN;PREF=1:Ana Ruiz\n\
                     N;SORT-AS=\"Ruiz,Ana\":Ruiz;Ana;;;\nTEL;VALUE=uri;PREF=1;TYPE=\"work,voice\":tel:+593-2-234-5678;ext=102\n\
                     TEL;TYPE=cell;VALUE=uri:tel:+593991234565\nEMAIL;PREF=50:b@example.com\nEMAIL;PREF=1:a@example.com\n\
                     EMAIL:c@example.com\nADR;TYPE=work;LABEL=\"Av. 1, Loja\":;;Av. 1;Loja;;;EC\nBDAY:--0314\nLANG:es\n\
                     IMPP:xmpp:ana@example.com\nCATEGORIES:VIP,Norte\nPHOTO:data:image/jpeg;base64\\,/9j/4AAQ\nREV:1\nTZ:-05:00";
    assert_eq!(
        contact("4.0", nextcloud),
        json!({
            "id": "urn:uuid:4fbe8971", "first_name": "Ana", "last_name": "Ruiz", "full_name": "Ana Ruiz", "phones": ["+593991234565", "+593-2-234-5678 x102"], "emails": ["a@example.com", "b@example.com", "c@example.com"],
            "handles": ["xmpp:ana@example.com"], "tags": ["VIP", "Norte"],
            "address": {"street": "Av. 1", "city": "Loja", "country": "EC"},
            "attributes": {"Birthday": "--03-14", "Language": "es", "Time Zone": "-05:00", "Other Name": "Anita"},
        })
    );
}

#[test]
fn single_properties_become_what_they_mean() {
    for (version, lines, expected) in [
        ("3.0", "FN:Ana Ruiz", json!({"full_name": "Ana Ruiz"})),
        ("3.0", "N:;;;;\nFN:\nORG:ACME", json!({"full_name": "ACME", "attributes": {"Company": "ACME"}})),
        ("3.0", "N:Ruiz;;;;\nFN:Doctora", json!({"last_name": "Ruiz", "full_name": "Doctora"})),
        (
            "4.0",
            "N:de la Cruz,Paz;Ana;;;\nFN:x",
            json!({"first_name": "Ana", "last_name": "de la Cruz Paz", "full_name": "x"}),
        ),
        ("3.0", "TEL:\nEMAIL:\nNOTE: \nFN:a", json!({"full_name": "a"})),
        ("3.0", "FN:a\nTEL:1\nTEL;TYPE=home:1", json!({"full_name": "a", "phones": ["1"]})),
        ("3.0", "FN:a\nTEL;TYPE=pager:1", json!({"full_name": "a", "attributes": {"Pager": "1"}})),
        ("3.0", "FN:a\nTEL:sip:a@example.com", json!({"full_name": "a", "handles": ["sip:a@example.com"]})),
        ("3.0", "FN:a\nNOTE:b\nNOTE:c", json!({"full_name": "a", "notes": "b\nc"})),
        (
            "3.0",
            "FN:a\nTITLE:b\nTITLE:c\nTITLE:b",
            json!({"full_name": "a", "attributes": {"Title": "b", "Title 2": "c"}}),
        ),
        ("3.0", "FN:a\nitem1.X-ABLabel:alone", json!({"full_name": "a"})),
        (
            "3.0",
            "FN:a\nitem1.X-COLOR:red\nitem1.X-ABLABEL:Color",
            json!({"full_name": "a", "attributes": {"Color": "red"}}),
        ),
        (
            "3.0",
            "FN:a\nADR;TYPE=work:;;b;;;;\nADR;TYPE=home:;;c;;;;",
            json!({"full_name": "a", "address": {"street": "c"}, "attributes": {"Other Address": "b"}}),
        ),
        (
            "2.1",
            "N:a\nADR;HOME:;;b\\\nc\\\nd;Quito;;;",
            json!({
                "last_name": "a", "full_name": "a", "address": {"street": "b, c, d", "city": "Quito"},
            }),
        ),
        ("2.1", "N:A\\;B;C", json!({"first_name": "C", "last_name": "A;B", "full_name": "C A;B"})),
        ("3.0", "fn:a\nTel;Type=Cell:1", json!({"full_name": "a", "phones": ["1"]})),
    ] {
        assert_eq!(contact(version, lines), expected, "{lines}");
    }
}

#[test]
fn cards_are_told_apart_whatever_is_between_them() {
    let ana = "0@1 {\"full_name\":\"Ana\"}";
    let one = |end: &str| format!("BEGIN:VCARD{end}VERSION:3.0{end}FN:Ana{end}END:VCARD");
    for (content, expected) in [
        (one("\n"), vec![ana]),
        (one("\r"), vec![ana]),
        (one("\r\n") + "\r\n\r\n\r\n" + &one("\r\n"), vec![ana, "1@7 {\"full_name\":\"Ana\"}"]),
        (format!("\u{feff}{}\n\u{feff}{}\n", one("\n"), one("\n")), vec![ana, "1@5 {\"full_name\":\"Ana\"}"]),
        (format!("\n\n {}", one("\n")), vec!["0@3 {\"full_name\":\"Ana\"}"]),
        (one("\n") + "\nBEGIN:VCARD\nEND:VCARD\n", vec![ana, "1@5 {}"]),
        (
            format!("BEGIN:VCARD\nFN:Eva\n{}\n", one("\n")),
            vec!["0@1 row.card: the card that begins in line 1 has no `END:VCARD`", "1@3 {\"full_name\":\"Ana\"}"],
        ),
        (
            format!("{}\nFN:Eva\nEND:VCARD\n{}\nTEL:1\n", one("\n"), one("\n")),
            vec![
                ana,
                "1@5 row.card: the text is in no card: `FN:Eva`",
                "2@7 {\"full_name\":\"Ana\"}",
                "3@11 row.card: the text is in no card: `TEL:1`",
            ],
        ),
        (
            one("\n") + "\nBEGIN:VCARD\nFN:Eva\nTEL:09",
            vec![ana, "1@5 row.card: the card that begins in line 5 has no `END:VCARD`"],
        ),
        (
            format!("BEGIN:VCARD\nFN:Ana\nAGENT:\n{}\nEND:VCARD\n", one("\n")),
            vec![ana, "pictures and other media of `x.vcf` are left out (1, 0 KiB)"],
        ),
        (
            "BEGIN:VCARD\nVERSION:4.0\nKIND:group\nFN:Friends\nMEMBER:urn:uuid:1\nEND:VCARD\n".to_owned(),
            vec!["0@1 row.group: the card is a group of contacts, not a contact"],
        ),
    ] {
        assert_eq!(read(content.as_bytes()), expected, "{content:?}");
    }
    let bad = b"BEGIN:VCARD\nFN:Ana\nNOTE:\xE9\nEND:VCARD\nBEGIN:VCARD\nFN:Ana \xC3\xB1\xC3\xA9\nEND:VCARD\n";
    assert_eq!(
        read(bad),
        ["0@1 row.encoding: the bytes `\\xE9` in line 3 are not UTF-8", "1@5 {\"full_name\":\"Ana ñé\"}"]
    );
    let many = format!("BEGIN:VCARD\nFN:Ana\n{}END:VCARD\n", "TEL:1\n".repeat(10_001));
    assert_eq!(read(many.as_bytes()), ["0@1 row.card: the card has more than 10000 properties"]);
}

#[test]
fn a_card_without_end_and_limit_is_rejected_and_reading_goes_on() {
    let ana = "BEGIN:VCARD\nFN:Ana\nEND:VCARD\n";
    let long = format!("BEGIN:VCARD\nNOTE:{}\n FN:b\nEND:VCARD\n{ana}", "a".repeat(17 << 20));
    let lines = read(long.as_bytes());
    let told = "0@1 row.too_large: the card that begins in line 1 is longer than 16 MiB";
    assert_eq!(lines, [told, "1@5 {\"full_name\":\"Ana\"}"]);
    let endless = format!("BEGIN:VCARD\n{}{ana}", "NOTE:a\n".repeat(3 << 20));
    let lines = read(endless.as_bytes());
    assert_eq!(lines, [told.to_owned(), format!("1@{} {{\"full_name\":\"Ana\"}}", (3 << 20) + 2)]);
}

#[test]
fn content_decides_whether_a_file_holds_cards() {
    let ana = "BEGIN:VCARD\nFN:Ana\nEND:VCARD\n";
    let all = |name: &str, content: &[u8]| read_named(name, content, &ReadOptions::default());
    assert_eq!(all("x.csv", ana.as_bytes()), ["0@1 {\"full_name\":\"Ana\"}"]);
    let utf16: Vec<u8> = format!("\u{feff}{ana}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(all("x.vcf", &utf16), ["0@1 {\"full_name\":\"Ana\"}"]);
    assert_eq!(
        all("x.vcf", b"a,b\n1,2\n"),
        [
            "Usage: there is no vCard in `x.vcf`: it begins with `a,b`",
            "a card begins with the line `BEGIN:VCARD`; `--format csv` reads the file as a table",
        ]
    );
    assert_eq!(all("x.vcf", b" \n"), [""; 0]);
}

/// Cyrillic and Latin letters in 8 bits, each named by its property.
#[test]
fn properties_have_character_sets_of_their_own() {
    let mut content = b"BEGIN:VCARD\nVERSION:2.1\nFN;CHARSET=windows-1251:".to_vec();
    content.extend_from_slice(b"\xC0\xED\xF2\xEE\xED\nNOTE;CHARSET=windows-1252:caf\xE9\nEND:VCARD\n");
    assert_eq!(read(&content), ["0@1 {\"full_name\":\"Антон\",\"notes\":\"café\"}"]);
}

proptest! {
    /// No bytes bring the reader down; every byte of a text without blank lines is in a record or a reject.
    #[test]
    fn any_text_is_read(lines in proptest::collection::vec(
        prop_oneof![
            Just("BEGIN:VCARD".to_owned()), Just("END:VCARD".to_owned()), Just("AGENT:".to_owned()), Just("FN:Ana".to_owned()),
            Just("NOTE;QUOTED-PRINTABLE:a=".to_owned()), Just("PHOTO;ENCODING=b:AAAA".to_owned()), Just(" folded".to_owned()),
            "[ -~ñЖ]{1,20}",
        ],
        1..40,
    ), end in prop_oneof![Just("\n"), Just("\r\n"), Just("\r")]) {
        let content = format!("BEGIN:VCARD{end}{}", lines.join(end));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.vcf");
        fs::write(&path, &content).unwrap();
        let items: Vec<_> = open(&path, "x.vcf", &ReadOptions::default()).unwrap().source.collect();
        let raw = |item: &Result<ferry::record::Record, ferry::files::ReadFault>| match item {
            Ok(record) => record.raw.to_vec(),
            Err(ferry::files::ReadFault::Reject(reject)) => reject.raw.to_vec(),
            Err(other) => panic!("{other:?}"),
        };
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let kept: String = items.iter().map(|item| text(raw(item))).collect();
        let squeezed = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        prop_assert_eq!(squeezed(&kept), squeezed(&content));
        // A line that the record names is where its text begins.
        let all: Vec<&str> = content.split(end).collect();
        for item in &items {
            let line = match item {
                Ok(record) => record.origin.line,
                Err(ferry::files::ReadFault::Reject(reject)) => reject.origin.line,
                Err(_) => continue,
            };
            let begins = text(raw(item));
            let first = begins.split(['\r', '\n']).next().unwrap();
            prop_assert!(all[line as usize - 1].ends_with(first), "{} {}", line, first);
        }
    }
}

fn ferry(folder: &Path, line: &str) -> Ended {
    run(command(folder, &format!("{line} --state state")))
}

#[test]
fn cards_arrive_without_a_mapping_and_rejects_are_cards() {
    let cards = card(
        "3.0",
        "N:Ruiz;Ana;;;\nFN:Ana Ruiz\nTEL;TYPE=CELL:+593 99 123 4561\nTEL;TYPE=FAX:022345678\n\
                             CATEGORIES:VIP\nORG:ACME\nBDAY:1988-03-14\nPHOTO;ENCODING=b:AAAA",
    ) + &card("3.0", "N:Gil;Eva;;;\nFN:Eva Gil\nTEL;TYPE=CELL:12")
        + "BEGIN:VCARD\r\nFN:Luis\r\n";
    let folder = folder_with(&[("contacts.vcf", &cards)]);
    let to = "--to mercately --sandbox --rate none --region EC";
    let ended = ferry(folder.path(), &format!("import contacts.vcf {to} --rejects rejects.vcf -v"));
    assert_eq!(ended.exit, 3, "{}", ended.err);
    assert!(ended.out.contains("created   1") && ended.out.contains("rejected  2"), "{}{}", ended.out, ended.err);
    assert!(ended.err.contains("pictures and other media of `contacts.vcf` are left out (1, 1 KiB)"), "{}", ended.err);
    let rejects = fs::read_to_string(folder.path().join("rejects.vcf")).unwrap();
    let expected = "BEGIN:VCARD\r\nVERSION:3.0\r\nN:Gil;Eva;;;\r\nFN:Eva Gil\r\nTEL;TYPE=CELL:12\r\nX-FERRY-LINE:12\r\n\
                    X-FERRY-COLUMN:phones\r\nX-FERRY-CODE:phone.invalid\r\nX-FERRY-MESSAGE:";
    assert!(rejects.starts_with(expected), "{rejects}");
    let rest = "BEGIN:VCARD\r\nFN:Luis\r\nX-FERRY-LINE:18\r\nX-FERRY-CODE:row.card\r\n";
    assert!(rejects.contains(rest), "{rejects}");
    let again = ferry(folder.path(), &format!("import rejects.vcf {to} --rejects again.vcf"));
    assert_eq!(again.exit, 3, "{}", again.err);
    let twice = fs::read_to_string(folder.path().join("again.vcf")).unwrap();
    assert_eq!(twice.matches("X-FERRY-CODE").count(), 2, "{twice}");
    let fixed = rejects
        .replace("CELL:12", "CELL:0991234562")
        .replace("FN:Luis\r\n", "FN:Luis\r\nTEL:0991234563\r\nEND:VCARD\r\n");
    let fixed = fixed.split("X-FERRY-LINE:18").next().unwrap().to_owned();
    fs::write(folder.path().join("fixed.vcf"), fixed).unwrap();
    let done = ferry(folder.path(), &format!("import fixed.vcf {to}"));
    assert_eq!((done.exit, done.out.contains("created   2")), (0, true), "{}{}", done.out, done.err);
    let table = ferry(folder.path(), "convert contacts.vcf --region EC --out out.csv");
    let csv = fs::read_to_string(folder.path().join("out.csv")).unwrap();
    assert_eq!(
        csv,
        "first_name,last_name,full_name,phone,tags,Fax,Company,Birthday\n\
         Ana,Ruiz,Ana Ruiz,+593991234561,VIP,022345678,ACME,1988-03-14\n",
        "{}",
        table.err
    );
}
