//! Countries, phones and e-mails in whole commands: which number arrives, what is left out, and what a run remembers.

use super::support::{Ended, ferry as command, folder_with as folder, run, run_folders};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// The phones of the lines that were written.
fn phones(ended: &Ended) -> Vec<String> {
    let lines = ended.out.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON"));
    lines.map(|line| line["phone"].as_str().unwrap_or_default().to_owned()).collect()
}

fn ferry(folder: &Path, line: &str) -> Ended {
    run(command(folder, line))
}

/// The folder of the newest run.
fn newest(folder: &Path) -> PathBuf {
    run_folders(&folder.join(".ferry")).pop().unwrap()
}

fn kept(folder: &Path, name: &str) -> String {
    fs::read_to_string(newest(folder).join(name)).unwrap_or_default()
}

const BY_COUNTRY: &str = "phone_region: { from: País, default: EC }\ncontact: { first_name: Nombre, phone: Tel }\n";

#[test]
fn a_country_is_understood_by_its_name_and_one_that_is_not_rejects() {
    let people = "Nombre,Tel,País\nA,987654321,Perú\nB,987654321,peru\nC,987654321,PER\nD,987654321,+51\n\
                  E,3105551234,Colombia\nF,8 916 123-45-67,Россия\nG,(626) 440-0700,EE.UU.\nH,0987654321,\n\
                  I,+593987654321,Narnia\nJ,0987654321,Narnia\n";
    let folder = folder(&[("people.csv", people), ("map.yaml", BY_COUNTRY)]);
    for given in ["", " --region MX"] {
        let ended = ferry(folder.path(), &format!("convert people.csv --map map.yaml --out - --fresh{given}"));
        let mut expected = vec!["+51987654321"; 4];
        expected.extend(["+573105551234", "+79161234567", "+16264400700"]);
        // `--region` takes the place of the mapping's default, not of what a record says.
        expected.extend((given.is_empty()).then_some("+593987654321"));
        expected.push("+593987654321");
        assert_eq!(
            (phones(&ended), ended.exit),
            (expected.into_iter().map(str::to_owned).collect(), 3),
            "{}",
            ended.err
        );
        let rejects = kept(folder.path(), "rejects.csv");
        let reason = "J,0987654321,Narnia,11,Tel,phone.region,\"`0987654321` has no country code, and `Narnia` in `País` \
                      is not a known country\",\"write the country's name or code, or the number with `+` and its country \
                      code\"";
        assert!(rejects.contains(reason), "{rejects}");
    }
}

#[test]
fn a_region_is_spelled_the_same_everywhere() {
    let map = "contact: { first_name: N, last_name: { value: L }, phone: T }\n";
    for spelled in ["EC", "ECU", "593", "+593", "Ecuador", "Эквадор", "équateur"] {
        let with_map = format!("phone_region: {spelled}\n{map}");
        let config = format!("connections:\n  shop: {{ platform: mercately, phone_region: {spelled} }}\n");
        let files = [("p.csv", "N,T\nA,0987654321\n"), ("a.yaml", map), ("b.yaml", &with_map), ("ferry.yaml", &config)];
        let folder = folder(&files);
        let typed = ferry(folder.path(), &format!("convert p.csv --map a.yaml --out - --region {spelled}"));
        assert_eq!(phones(&typed), ["+593987654321"], "{spelled}: {}", typed.err);
        let mapped = ferry(folder.path(), "convert p.csv --map b.yaml --out -");
        assert_eq!(phones(&mapped), ["+593987654321"], "{spelled}: {}", mapped.err);
        let connected =
            ferry(folder.path(), "import p.csv --map a.yaml --to shop --sandbox --dry-run --plan plan.jsonl");
        let plan = fs::read_to_string(folder.path().join("plan.jsonl")).unwrap_or_default();
        assert!(plan.contains("+593987654321"), "{spelled}: {} {plan}", connected.err);
    }
}

#[test]
fn an_invalid_value_beside_a_valid_one_is_left_out_and_listed() {
    let map =
        "phone_region: EC\ncontact:\n  first_name: Name\n  phone: [Mobile, Phone]\n  phones: Other\n  email: Email\n";
    let people = "Name,Mobile,Phone,Other,Email\n\
                  A,12,0991234567 x752,,a@example.com\n\
                  B,0991234568,,none / 0991234569 (casa),B <b@example.com>\n\
                  C,12,34,,c@example.com\n\
                  D,0991234570,,5.9E+11,d@example.com\n\
                  E,0991234571,,,mailto:e@example.com; nobody; E2@example.com\n\
                  F,0991234572,,,nobody\n";
    let folder = folder(&[("people.csv", people), ("map.yaml", map)]);
    let ended = ferry(folder.path(), "convert people.csv --map map.yaml --out -");
    assert_eq!(phones(&ended), ["+593991234567", "+593991234568", "+593991234571"], "{}", ended.err);
    assert_eq!(
        kept(folder.path(), "left_blank.csv").replace("\r\n", "\n"),
        "line,column,code,value\n2,Phone,phone.extension,x752\n2,Mobile,phone.invalid,12\n3,Other,phone.extension,(casa)\n\
         3,Other,phone.invalid,none\n6,Email,email.invalid,nobody\n"
    );
    let rejects = kept(folder.path(), "rejects.csv");
    for reason in [
        "C,12,34,,c@example.com,4,Mobile | Phone,phone.invalid | phone.invalid,`12` is not a valid phone number of region \
         `EC` (Ecuador) | ",
        "D,0991234570,,5.9E+11,d@example.com,5,Other,phone.spreadsheet,",
        "F,0991234572,,,nobody,7,Email,email.invalid,`nobody` is not an e-mail address: has no `@`,\"correct the address, or \
         leave the cell blank\"",
    ] {
        assert!(rejects.contains(reason), "{reason}\n{rejects}");
    }
    let second = ended.out.lines().nth(1).map(|line| serde_json::from_str::<Value>(line).unwrap()).unwrap();
    assert_eq!(second["phones"], serde_json::json!(["+593991234568", "+593991234569"]));
    let third = ended.out.lines().nth(2).map(|line| serde_json::from_str::<Value>(line).unwrap()).unwrap();
    assert_eq!(third["emails"], serde_json::json!(["e@example.com", "E2@example.com"]));
}

#[test]
fn a_value_that_was_left_out_does_not_clear() {
    let map = "phone_region: EC\nidentity: [email]\ncontact:\n  first_name: Name\n  last_name: { value: L }\n  email: Email\n\
               \x20 phone: { from: Phone, otherwise: blank, clear: true }\n";
    let folder = folder(&[
        ("one.csv", "Name,Email,Phone\nA,a@example.com,0991234567\n"),
        ("two.csv", "Name,Email,Phone\nA,a@example.com,call me\n"),
        ("three.csv", "Name,Email,Phone\nA,A@EXAMPLE.com,\n"),
        ("map.yaml", map),
    ]);
    let import = |file: &str| {
        let line = format!("import {file} --map map.yaml --to mercately --sandbox --output json --max-clears 5");
        let ended = ferry(folder.path(), &line);
        let json = ended.summary();
        let records = &json["records"];
        let sums = ["created", "updated", "unchanged"].map(|name| records[name].as_u64().unwrap());
        (sums, json["cleared"].as_u64().unwrap(), json["left_blank"]["phone.invalid"].as_u64())
    };
    assert_eq!(import("one.csv"), ([1, 0, 0], 0, None));
    assert_eq!(import("two.csv"), ([0, 0, 1], 0, Some(1)));
    // The address is the same in any case, and a blank does clear.
    assert_eq!(import("three.csv"), ([0, 1, 0], 1, None));
}

#[test]
fn what_a_duplicate_replaces_is_listed_with_its_line() {
    let map = "phone_region: EC\nidentity: [phone]\ncontact:\n  first_name: Name\n  phone: Phone\n  emails: Email\n\
               \x20 attributes: { Plan: Plan }\n";
    let people = "Name,Phone,Email,Plan\nAna,0991234567,Ana@example.com,a\nBea,0991234568,,\n,0991234567,ana@EXAMPLE.com,b\n\
                  Anna,0991234567,second@example.com,b\nAnna,0991234567,,c\n";
    let folder = folder(&[("people.csv", people), ("map.yaml", map)]);
    let ended = ferry(folder.path(), "convert people.csv --map map.yaml --out -");
    let ana = ended.out.lines().find(|line| line.contains("+593991234567")).unwrap();
    let ana: Value = serde_json::from_str(ana).unwrap();
    assert_eq!(ana["emails"], serde_json::json!(["second@example.com", "ana@example.com"]), "{}", ended.err);
    assert_eq!((&ana["first_name"], &ana["attributes"]["Plan"]), (&Value::from("Anna"), &Value::from("c")));
    assert_eq!(
        kept(folder.path(), "left_blank.csv").replace("\r\n", "\n"),
        "line,column,code,value\n2,attributes.Plan,duplicate.replaced,a\n2,first_name,duplicate.replaced,Ana\n\
         4,attributes.Plan,duplicate.replaced,b\n"
    );
}

/// Two columns of numbers with `+` say that those of Brazil and Colombia are to be expected.
const MIXED: &str = "Name,Last,Phone\nA,A,+55 11 98888-7777\nB,B,+57 310 123 4560\nC,C,+1 626 440 0700\n\
                     D,,5511999999999\nE,,573101234567\n";
const NEEDS_LAST: &str = "contact:\n  first_name: Name\n  last_name: { from: Last, required: true }\n  phone: Phone\n";

#[test]
fn rejects_are_read_with_what_their_run_knew() {
    let folder = folder(&[("mixed.csv", MIXED), ("map.yaml", NEEDS_LAST)]);
    let read = |file: &str| ferry(folder.path(), &format!("convert {file} --map map.yaml --region US --out - --fresh"));
    let first = read("mixed.csv --rejects copy.csv");
    assert_eq!((phones(&first).len(), first.exit), (3, 3), "{}", first.err);
    let own = newest(folder.path()).join("rejects.csv");
    let fixed = fs::read_to_string(&own).unwrap().replace("D,,", "D,D,").replace("E,,", "E,E,");
    let both = ["+5511999999999", "+573101234567"];
    for place in [own.clone(), folder.path().join("copy.csv")] {
        fs::write(&place, &fixed).unwrap();
        let again = read(place.to_str().unwrap());
        assert_eq!(phones(&again), both, "{}", again.err);
    }
    // Elsewhere nothing is known of the columns, and no number is guessed.
    fs::write(folder.path().join("moved.csv"), &fixed).unwrap();
    let moved = read("moved.csv");
    assert_eq!((phones(&moved).len(), moved.exit), (0, 3));
    assert!(moved.err.contains("the run that wrote `moved.csv` is not known"), "{}", moved.err);
}

#[test]
fn a_run_is_resumed_with_what_it_knew_when_it_started() {
    let folder = folder(&[("mixed.csv", &MIXED.replace(",,", ",X,")), ("map.yaml", NEEDS_LAST)]);
    let line = "import mixed.csv --map map.yaml --region US --to mercately --sandbox";
    assert_eq!(ferry(folder.path(), &format!("{line} --limit 3")).exit, 0);
    let rest = "Name,Last,Phone\nD,X,5511999999999\nE,X,573101234567\n";
    fs::write(folder.path().join("mixed.csv"), rest).unwrap();
    let resumed = ferry(folder.path(), &format!("{line} --output json"));
    let json: Value = serde_json::from_str(&resumed.out).unwrap_or_else(|_| panic!("{}", resumed.err));
    assert_eq!((json["records"]["created"].as_u64(), json["rejects"].to_string()), (Some(2), "{}".to_owned()));
    let fresh = ferry(folder.path(), &format!("{line} --output json --dry-run --fresh"));
    let json: Value = serde_json::from_str(&fresh.out).unwrap_or_else(|_| panic!("{}", fresh.err));
    assert_eq!(json["rejects"]["phone.invalid"].as_u64(), Some(2), "a new run scans for itself");
}

#[test]
fn phones_without_a_country_are_reported_before_anything_is_sent() {
    let national = "Name,Phone\nA,(626) 440-0700\nB,517-266-4755\nC,437.615.2878\nD,8 499 555 01 03\n";
    let folder = folder(&[("us.csv", national), ("br.csv", "Name,Phone\nA,5511999999999\nB,5511999999998\n")]);
    let ended = ferry(folder.path(), "convert us.csv --out -");
    assert_eq!(ended.exit, 2);
    let end = "error: 4 of 4 phones in `us.csv` have no country code, and no region is given\nhint: use `--region EC`, or \
               `phone_region: EC` in the mapping, with their country; use `--region none` if this is intentional\n";
    assert!(ended.err.ends_with(end), "{}", ended.err);
    let none = ferry(folder.path(), "convert us.csv --out - --region none");
    assert_eq!((none.out.as_str(), none.exit), ("", 3));
    let international = ferry(folder.path(), "convert br.csv --out -");
    assert_eq!(phones(&international), ["+5511999999999", "+5511999999998"]);
}

#[test]
fn words_in_a_phone_column_are_no_phones_without_a_country() {
    let people = "Name,Mobile,Phone\nA,N/A,+593991234567\nB,-,+593991234568\nC,no,+593991234569\n";
    let folder = folder(&[("people.csv", people)]);
    let ended = ferry(folder.path(), "convert people.csv --out -");
    assert_eq!(ended.exit, 0, "{}", ended.err);
    assert_eq!(phones(&ended), ["+593991234567", "+593991234568", "+593991234569"]);
    let left =
        "line,column,code,value\n2,Mobile,phone.invalid,N/A\n3,Mobile,phone.invalid,'-\n4,Mobile,phone.invalid,no\n";
    assert_eq!(kept(folder.path(), "left_blank.csv"), left);
}
