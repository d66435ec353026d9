//! The mapping language, by example: a page, a source, what comes of it.

use ferry::contact::Field;
use ferry::mapping::phone::Region;
use ferry::mapping::{BindOptions, FirstRecords, Mapped, Mapping, Program, RegionChoice};
use ferry::record::{Fields, Header, Origin, Record, Row};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::path::Path;

fn page(text: &str) -> Mapping {
    match Mapping::parse(text, Path::new("contacts.yaml")) {
        Ok(mapping) => mapping,
        Err(errors) => panic!("{errors}"),
    }
}

fn errors(text: &str) -> String {
    Mapping::parse(text, Path::new("contacts.yaml")).expect_err("the page has mistakes").to_string()
}

fn columns(names: &[&str]) -> Header {
    Header::Columns(names.iter().map(|name| (*name).to_owned()).collect())
}

fn record(fields: Fields) -> Record {
    Record { origin: Origin { ordinal: 0, line: 2 }, fields, raw: Box::default() }
}

fn row(cells: &[&str]) -> Record {
    record(Fields::Row(Row::from_cells(cells)))
}

fn object(value: Value) -> Record {
    record(Fields::Json(value))
}

fn contact(value: Value) -> Record {
    let contact = ferry::contact::Contact::from_json(value.as_object().expect("an object"));
    record(Fields::Contact(Box::new(contact)))
}

fn bound(mapping: &Mapping, header: &Header) -> Program {
    match mapping.bind(header, &BindOptions::default()) {
        Ok(bound) => bound,
        Err(errors) => panic!("{errors}"),
    }
}

/// What came of a record, as JSON: the contact, with what may not simply overwrite under `fill`, `clear`, `force` and
/// `tag_mode`; or `"filtered"`; or the problems.
fn shown(mapped: Mapped) -> Value {
    let wanted = match mapped {
        Mapped::Filtered => return json!("filtered"),
        Mapped::Rejected(problems) => {
            let problem = |p: ferry::outcome::Problem| json!([p.code, p.column, p.message]);
            return Value::Array(problems.into_iter().map(problem).collect());
        }
        Mapped::Contact(wanted) => wanted,
    };
    let mut shown = wanted.contact.to_json();
    for (name, set) in [("fill", wanted.fill), ("clear", wanted.clear), ("force", wanted.force)] {
        let names: Vec<&str> = ferry::contact::FIELDS.iter().filter(|(f, _)| set.has(*f)).map(|(_, n)| *n).collect();
        if !names.is_empty() {
            shown.insert(name.to_owned(), json!(names));
        }
    }
    for (name, overwrite) in &wanted.attribute_overwrite {
        shown.insert(format!("attributes.{name}"), json!(format!("{overwrite:?}").to_lowercase()));
    }
    let is_checked =
        |left: &&ferry::contact::LeftBlank| ["phone.", "email."].iter().any(|of| left.code.starts_with(of));
    let left = wanted.left_blank.iter().filter(is_checked);
    let left: Vec<Value> = left.map(|left| json!([left.line, left.column, left.code, left.value])).collect();
    if !left.is_empty() {
        shown.insert("left_blank".to_owned(), Value::Array(left));
    }
    if wanted.tag_mode != ferry::contact::TagMode::Add {
        shown.insert("tag_mode".to_owned(), json!(format!("{:?}", wanted.tag_mode).to_lowercase()));
    }
    Value::Object(shown)
}

fn mapped(mapping: &str, header: &Header, record: &Record) -> Value {
    shown(bound(&page(mapping), header).apply(record))
}

#[test]
fn each_verb_does_what_the_contract_says() {
    let header = columns(&["Name", "Mobile", "Phone", "Email", "Tags", "Plan", "Born"]);
    let cells = [" Ana  ", "n/a", "+593 98 812 3456", "Ana@Example.COM", "vip; new;;vip", "b", "31.12.1990"];
    for (rule, expected) in [
        ("first_name: Name", json!({"first_name": "Ana"})),
        ("first_name: name", json!({"first_name": "Ana"})),
        ("first_name: { from: Name, trim: false, replace: { ' ': '_' } }", json!({"first_name": "_Ana__"})),
        ("tags: { all: [Plan, Tags], split: ';' }", json!({"tags": ["b", "vip", "new"]})),
        ("phone: { all: [Phone] }", json!({"phone": "+593988123456", "phones": ["+593988123456"]})),
        ("phone: [Mobile, Phone]", json!({"phone": "+593988123456", "phones": ["+593988123456"]})),
        ("email: Email", json!({"email": "Ana@example.com", "emails": ["Ana@example.com"]})),
        ("tags: { from: Tags, split: ';' }", json!({"tags": ["vip", "new"]})),
        ("tags: { from: Tags, split: ';', add: [moved] }", json!({"tags": ["vip", "new", "moved"]})),
        ("tags: { add: moved }", json!({"tags": ["moved"]})),
        (
            "tags: { from: Tags, split: ';', upper: true, mode: replace }",
            json!({"tags": ["VIP", "NEW"], "tag_mode": "replace"}),
        ),
        ("notes: { from: Tags, split: ';', join: ', ' }", json!({"notes": "vip, new, vip"})),
        ("notes: { from: Email, lower: true }", json!({"notes": "ana@example.com"})),
        ("notes: { from: Email, match: '^(.*)@.*$', with: '$1!' }", json!({"notes": "Ana!"})),
        ("notes: { from: Plan, lookup: { b: Basic } }", json!({"notes": "Basic"})),
        ("notes: { from: Plan, lookup: { p: Pro }, otherwise: keep }", json!({"notes": "b"})),
        ("notes: { from: Plan, lookup: { p: Pro }, otherwise: blank }", json!({})),
        ("notes: { from: Plan, lookup: { p: Pro }, otherwise: Other }", json!({"notes": "Other"})),
        (
            "notes: { from: Plan, lookup: { p: Pro } }",
            json!([["value.lookup", "Plan", "`b` is not in the mapping's `lookup`"]]),
        ),
        (
            "notes: { from: Plan, lookup: { p: Pro }, otherwise: blank, default: none }",
            json!({"notes": "none", "fill": ["notes"]}),
        ),
        ("attributes: { Born: { from: Born, date: '%d.%m.%Y' } }", json!({"attributes": {"Born": "1990-12-31"}})),
        (
            "attributes: { Born: { from: Born, date: ['%Y-%m-%d', '%d.%m.%Y'] } }",
            json!({"attributes": {"Born": "1990-12-31"}}),
        ),
        (
            "attributes.Born: { from: Born, date: '%Y-%m-%d' }",
            json!([["value.date", "Born", "`31.12.1990` is not a date as `%Y-%m-%d`"]]),
        ),
        ("attributes.Plan: { from: Plan, number: true }", json!([["value.number", "Plan", "`b` is not a number"]])),
        ("attributes.Plan: { from: Plan, bool: true }", json!([["value.bool", "Plan", "`b` is neither yes nor no"]])),
        ("attributes.Plan: { from: Plan, default: Basic }", json!({"attributes": {"Plan": "b"}})),
        ("attributes.VIP: { from: vip, optional: true }", json!({})),
        (
            "attributes.VIP: { from: vip, optional: true, required: true }",
            json!([["attributes.VIP.missing", "vip", "`attributes.VIP` is required, and there is none"]]),
        ),
        (
            "attributes: { Label: { value: \"{{ row.Name }} from {{ row['Plan'] | upper }}\" } }",
            json!({"attributes": {"Label": "Ana from B"}}),
        ),
        (
            "attributes: { Label: { value: \"{{ row.Name }} ({{ row['Plan'] }})\" } }",
            json!({"attributes": {"Label": "Ana (b)"}}),
        ),
        ("first_name: { from: Name, on_existing: fill }", json!({"first_name": "Ana", "fill": ["first_name"]})),
        ("first_name: { from: Name, on_existing: update }", json!({"first_name": "Ana", "force": ["first_name"]})),
        (
            "attributes.A: { from: Name, on_existing: fill }",
            json!({"attributes": {"A": "Ana"}, "attributes.A": "fill"}),
        ),
        ("first_name: null", json!({})),
        ("address: { country: { value: ec }, city: Name }", json!({"address": {"city": "Ana", "country": "EC"}})),
        ("address.country: { value: Ecuador }", json!({"address": {"country": "EC"}})),
        ("address.country: { value: Estados Unidos }", json!({"address": {"country": "US"}})),
        ("address.country: { value: DEU }", json!({"address": {"country": "DE"}})),
        ("address.country: { value: Narnia }", json!({"address": {"country": "Narnia"}})),
        ("address.country: { value: '+1' }", json!({"address": {"country": "+1"}})),
    ] {
        let mapping = format!("read: {{ blanks: [n/a] }}\ncontact:\n  {rule}\n");
        assert_eq!(mapped(&mapping, &header, &row(&cells)), expected, "{rule}");
    }
}

#[test]
fn blanks_overwrite_nothing_unless_the_mapping_says_clear() {
    let header = columns(&["City", "Notes"]);
    for (rule, cells, expected) in [
        ("address.city: City", ["", ""], json!({})),
        ("address.city: City", ["\u{a0}", ""], json!({})),
        ("address.city: { from: City, clear: true }", [" ", ""], json!({"clear": ["address.city"]})),
        ("address.city: { from: City, clear: true }", ["Quito", ""], json!({"address": {"city": "Quito"}})),
        ("address.city: { from: Town, clear: true, optional: true }", ["", ""], json!({})),
        (
            "address.city: { from: City, clear: true }",
            ["#N/A", ""],
            json!([["value.error_cell", "City", "`#N/A` is what a spreadsheet leaves where a formula failed"]]),
        ),
        (
            "attributes.City: { from: City, clear: true }",
            ["", ""],
            json!({"attributes": {"City": ""}, "attributes.City": "clear"}),
        ),
        (
            "address.city: { from: City, default: Quito }",
            ["", ""],
            json!({"address": {"city": "Quito"}, "fill": ["address.city"]}),
        ),
        (
            "address.city: { value: '{{ row.City }}' }",
            ["#REF!", ""],
            json!([["value.error_cell", "City", "`#REF!` is what a spreadsheet leaves where a formula failed"]]),
        ),
        ("notes: Notes", ["#REF!", "a\u{301}"], json!({"notes": "á"})),
    ] {
        let mapping = format!("contact:\n  {rule}\n");
        assert_eq!(mapped(&mapping, &header, &row(&cells)), expected, "{rule} {cells:?}");
    }
}

#[test]
fn phones_are_read_in_the_region_that_is_nearest() {
    let header = columns(&["Phone", "Country"]);
    let phone = |phone: &str| json!({"phone": phone, "phones": [phone]});
    let (ec, mx) = (Region::named("EC"), Region::named("MX"));
    for (region, given, fallback, cells, expected) in [
        ("EC", None, None, ["0988123456", "MX"], phone("+593988123456")),
        ("EC", mx.map(RegionChoice::Region), None, ["5512345678", ""], phone("+525512345678")),
        ("{ from: Country, default: EC }", None, None, ["5512345678", "mx"], phone("+525512345678")),
        ("{ from: Country, default: EC }", None, mx, ["0988123456", ""], phone("+593988123456")),
        ("{ from: Country }", None, mx, ["5512345678", ""], phone("+525512345678")),
        (
            "{ from: Country, default: EC }",
            mx.map(RegionChoice::Region),
            None,
            ["987654321", "Perú"],
            phone("+51987654321"),
        ),
        (
            "{ from: Country, default: EC }",
            mx.map(RegionChoice::Region),
            None,
            ["5512345678", ""],
            phone("+525512345678"),
        ),
        ("{ from: Country, default: EC }", None, None, ["+593988123456", "Narnia"], phone("+593988123456")),
        (
            "{ from: Country, default: EC }",
            mx.map(RegionChoice::Region),
            mx,
            ["0988123456", "Narnia"],
            json!([[
                "phone.region",
                "Phone",
                "`0988123456` has no country code, and `Narnia` in `Country` is not a known country"
            ]]),
        ),
        ("null", None, ec, ["0988123456", ""], phone("+593988123456")),
        (
            "EC",
            Some(RegionChoice::Nowhere),
            ec,
            ["0988123456", ""],
            json!([["phone.invalid", "Phone", "`0988123456` has no country code"]]),
        ),
        ("EC", None, None, ["call me", ""], json!([["phone.invalid", "Phone", "`call me` is not a phone number"]])),
        (
            "EC",
            None,
            None,
            ["5.93988E+11", ""],
            json!([[
                "phone.spreadsheet",
                "Phone",
                "`5.93988E+11` was truncated by a spreadsheet, so its last digits are lost"
            ]]),
        ),
    ] {
        let mapping = page(&format!("phone_region: {region}\ncontact: {{ phone: Phone }}"));
        let options = BindOptions { region: given, fallback_region: fallback, ..BindOptions::default() };
        let bound = mapping.bind(&header, &options).unwrap_or_else(|errors| panic!("{errors}"));
        assert_eq!(shown(bound.apply(&row(&cells))), expected, "{region} {cells:?}");
    }
}

#[test]
fn invalid_phones_and_emails_can_be_kept_or_left_out() {
    let header = columns(&["Phone", "Email"]);
    for (rule, cells, expected) in [
        (
            "phone: { from: Phone, otherwise: keep }",
            ["call me", ""],
            json!({"phone": "call me", "phones": ["call me"]}),
        ),
        (
            "phone: { from: Phone, otherwise: blank }",
            ["call me", ""],
            json!({"left_blank": [[2, "Phone", "phone.invalid", "call me"]]}),
        ),
        (
            "phone: { from: Phone, otherwise: blank, required: true }",
            ["call me", ""],
            json!([["phone.missing", "Phone", "`phone` is required, and there is none"]]),
        ),
        (
            "phone: { from: Phone, otherwise: keep }",
            ["5.9E+11", ""],
            json!([[
                "phone.spreadsheet",
                "Phone",
                "`5.9E+11` was truncated by a spreadsheet, so its last digits are lost"
            ]]),
        ),
        (
            "email: { from: Email, otherwise: blank }",
            ["", "ana"],
            json!({"left_blank": [[2, "Email", "email.invalid", "ana"]]}),
        ),
        (
            "phones: { from: Phone, split: '/' }",
            ["+593988123456 / 12 / x", ""],
            json!({
                "phone": "+593988123456",
                "phones": ["+593988123456"],
                "left_blank": [[2, "Phone", "phone.invalid", "12"], [2, "Phone", "phone.invalid", "x"]],
            }),
        ),
    ] {
        let mapping = format!("phone_region: EC\ncontact:\n  {rule}\n");
        assert_eq!(mapped(&mapping, &header, &row(&cells)), expected, "{rule} {cells:?}");
    }
}

#[test]
fn all_problems_of_a_record_are_reported_at_once() {
    let mapping =
        "phone_region: EC\ncontact:\n  first_name: { from: Name, required: true }\n  phone: Phone\n  email: Email\n";
    let header = columns(&["Name", "Phone", "Email"]);
    let mut found = mapped(mapping, &header, &row(&["", "x", "y"]));
    let email = found[2][2].take();
    assert_eq!(
        found,
        json!([
            ["first_name.missing", "Name", "`first_name` is required, and there is none"],
            ["phone.invalid", "Phone", "`x` is not a phone number"],
            ["email.invalid", "Email", null],
        ])
    );
    assert!(email.as_str().is_some_and(|text| text.starts_with("`y` is not an e-mail address: ")), "{email}");
}

#[test]
fn a_record_that_could_not_be_found_again_is_rejected() {
    let mapping = page("contact: { phone: Phone, email: Email, first_name: Name }\nidentity: [phone, email]");
    let header = columns(&["Name", "Phone", "Email"]);
    let bound_here = bound(&mapping, &header);
    let missing = json!([["identity.missing", null, "there is no `phone` or `email`, so the contact cannot be found"]]);
    assert_eq!(shown(bound_here.apply(&row(&["Ana", "", ""]))), missing);
    assert_eq!(bound_here.identity(), [Field::Phones, Field::Emails]);
    let by_target = BindOptions { identity_default: vec![Field::TargetId], ..BindOptions::default() };
    let mapping = page("contact: { first_name: Name }");
    let bound = mapping.bind(&header, &by_target).unwrap_or_else(|errors| panic!("{errors}"));
    let missing = json!([["identity.missing", null, "there is no `target_id`, so the contact cannot be found"]]);
    assert_eq!(shown(bound.apply(&row(&["Ana", "", ""]))), missing);
}

#[test]
fn only_if_lets_records_through_that_it_is_true_for() {
    let header = columns(&["Status", "Age"]);
    let other = json!([["value.template", null, "`only_if` gave `8`; it must give true, false or nothing"]]);
    let whole = json!({"notes": "spam"});
    for (condition, status, expected) in [
        ("row.Status != 'spam'", "spam", json!("filtered")),
        ("row.Status == 'spam'", "spam", whole.clone()),
        ("row['Status'] in ['spam', 'ham']", " spam ", whole.clone()),
        ("none", "spam", json!("filtered")),
        ("row.Age | int > 30", "spam", whole.clone()),
        ("row.Age and true", "spam", whole),
        ("8", "spam", other),
        ("row.Status == '#N/A'", "ham", json!("filtered")),
    ] {
        let mapping = format!("contact: {{ notes: Status }}\nonly_if: \"{condition}\"");
        assert_eq!(mapped(&mapping, &header, &row(&[status, "31"])), expected, "{condition}");
    }
}

#[test]
fn json_names_are_exact_keys_else_dotted_paths() {
    let value = json!({"name": "Ana", "a.b": "exact", "a": {"b": "path"}, "address": {"city": "Quito"}, "id": 1.50,
        "big": 12345678901234567890123_u128 as f64, "tags": ["x", "y"], "items": [{"no": "1"}, {"no": "2"}], "nil": null, "on": true});
    for (rule, expected) in [
        ("first_name: name", json!({"first_name": "Ana"})),
        ("notes: a.b", json!({"notes": "exact"})),
        ("address.city: address.city", json!({"address": {"city": "Quito"}})),
        ("tags: tags", json!({"tags": ["x", "y"]})),
        ("notes: tags", json!({"notes": "x; y"})),
        ("notes: items.1.no", json!({"notes": "2"})),
        ("tags: items.no", json!({"tags": ["1", "2"]})),
        ("notes: { from: nil, clear: true }", json!({"clear": ["notes"]})),
        ("notes: { from: gone, clear: true }", json!({})),
        ("notes: on", json!({"notes": "true"})),
        (
            "notes: { value: '{{ row.address.city | upper }}/{{ row.gone }}/{{ row.a.b }}/{{ row.tags | length }}' }",
            json!({"notes": "QUITO//path/2"}),
        ),
        ("notes: { value: '{{ row.tags }} {{ row.address.city }}' }", json!({"notes": "x; y Quito"})),
    ] {
        let mapping = format!("contact:\n  {rule}\n");
        assert_eq!(mapped(&mapping, &Header::Open, &object(value.clone())), expected, "{rule}");
    }
    let number: Value = serde_json::from_str(r#"{"n": 0012e0, "x": 1}"#).unwrap_or(json!({"n": 1}));
    assert_eq!(mapped("contact: { notes: n }", &Header::Open, &object(number)), json!({"notes": "1"}));
    let number: Value = serde_json::from_str(r#"{"n": 593988123456789012345.10}"#).expect("JSON");
    assert_eq!(
        mapped("contact: { notes: n }", &Header::Open, &object(number)),
        json!({"notes": "593988123456789012345.10"})
    );
}

#[test]
fn names_that_no_json_record_had_are_reported_after_the_first_pass() {
    let mapping = page(
        "contact:\n  first_name: nam\n  notes: { from: vip, optional: true }\n  tags: { value: '{{ row.lists }}' }\n",
    );
    let bound = bound(&mapping, &Header::Open);
    assert_eq!(bound.unmet_names(), None);
    bound.apply(&object(json!({"name": "Ana", "list": "x"})));
    let errors = bound.unmet_names().expect("unmet names").to_string();
    assert_eq!(
        errors,
        "\
error: no record has `nam`
 --> contacts.yaml:2:15
  |
2 |   first_name: nam
  |               ^^^
  |
  = hint: did you mean `name`?

error: no record has `lists`
 --> contacts.yaml:4:22
  |
4 |   tags: { value: '{{ row.lists }}' }
  |                      ^^^^^^^^^
  |
  = hint: did you mean `list`?

2 errors in `contacts.yaml`"
    );
}

#[test]
fn what_no_rule_uses_becomes_what_unmapped_says() {
    let header = columns(&["Name", "City", "Plan", "ferry_line", "attributes.Old"]);
    let cells = row(&["Ana", "Quito", "", "7", "x"]);
    for (unmapped, expected) in [
        ("ignore", json!({"first_name": "Ana"})),
        ("attributes", json!({"first_name": "Ana", "attributes": {"City": "Quito", "ferry_line": "7", "Old": "x"}})),
    ] {
        let mapping = format!("contact: {{ first_name: Name }}\nunmapped: {unmapped}");
        assert_eq!(mapped(&mapping, &header, &cells), expected, "{unmapped}");
    }
    let value = json!({"name": "Ana", "plan": {"id": 7, "name": null}, "old": ["a", "b"], "ferry": 1, "ferry_line": 3});
    let expected =
        json!({"first_name": "Ana", "attributes": {"plan.id": "7", "old": "a; b", "ferry": "1", "ferry_line": "3"}});
    assert_eq!(mapped("contact: { first_name: name }\nunmapped: attributes", &Header::Open, &object(value)), expected);
}

#[test]
fn from_a_platform_everything_that_no_rule_uses_is_carried() {
    let value = json!({"id": "7", "first_name": "Ana", "phones": ["+593988123456"], "tags": ["a"], "address": {"city": "Quito"},
        "attributes": {"Plan": "b", "City": "Loja"}, "native": {"score": 7}});
    for (mapping, expected) in [
        ("version: 1", value.clone()),
        (
            "contact: { address: { city: attributes.City }, attributes: { Plan: null }, tags: { add: [moved] } }",
            json!({"id": "7", "first_name": "Ana", "phones": ["+593988123456"], "tags": ["a", "moved"],
                "address": {"city": "Loja"}, "native": {"score": 7}}),
        ),
        (
            "contact: { notes: { value: '{{ row.first_name }} {{ row.native.score }}' } }",
            json!({"id": "7", "phones": ["+593988123456"], "tags": ["a"], "address": {"city": "Quito"}, "notes": "Ana 7",
                "attributes": {"Plan": "b", "City": "Loja"}}),
        ),
        (
            "contact: { phone: attributes.City, first_name: null }",
            json!({"id": "7", "phones": ["+593988123456"], "tags": ["a"], "address": {"city": "Quito"},
                "attributes": {"Plan": "b"}, "native": {"score": 7},
                "left_blank": [[2, "attributes.City", "phone.invalid", "Loja"]]}),
        ),
        (
            "contact: { phones: attributes.City, first_name: null }",
            json!([["phone.invalid", "attributes.City", "`Loja` is not a phone number"]]),
        ),
        (
            "contact: { phone: { value: '+593988123457' } }\nunmapped: carry",
            json!({"id": "7", "first_name": "Ana", "phones": ["+593988123457", "+593988123456"], "tags": ["a"],
                "address": {"city": "Quito"}, "attributes": {"Plan": "b", "City": "Loja"}, "native": {"score": 7}}),
        ),
        ("contact: { first_name: first_name }\nunmapped: ignore", json!({"first_name": "Ana"})),
        (
            "contact: { first_name: first_name, id: id }\nunmapped: attributes",
            json!({"id": "7", "first_name": "Ana", "attributes": {"Plan": "b", "City": "Loja",
                "phones": "+593988123456", "tags": "a", "address.city": "Quito"}}),
        ),
        ("only_if: \"'a' in row.tags and row.attributes.Plan == 'p'\"", json!("filtered")),
    ] {
        let mut shown = mapped(mapping, &Header::Contact, &contact(value.clone()));
        if let Some(object) = shown.as_object_mut() {
            object.remove("phone");
        }
        let mut expected = expected;
        if let Some(object) = expected.as_object_mut() {
            object.remove("phone");
        }
        assert_eq!(shown, expected, "{mapping}");
    }
}

#[test]
fn without_a_mapping_the_column_names_are_the_plan() {
    let header = columns(&["First Name", "Mobile", "Phone", "Tags", "Shoe size"]);
    let by_names = Mapping::by_names(&header);
    assert_eq!(
        by_names.plan.every_column(),
        [
            "First Name → first_name",
            "Mobile → phone",
            "Phone → phone",
            "Tags → tags",
            "Shoe size → attributes.Shoe size",
        ]
    );
    let cells = row(&["Ana", "+593988123456", "+593988123457", "vip", "38", "x"]);
    assert_eq!(
        shown(bound(&by_names.mapping, &header).apply(&cells)),
        json!({
            "first_name": "Ana", "phone": "+593988123456", "phones": ["+593988123456", "+593988123457"], "tags": ["vip"],
            "attributes": {"Shoe size": "38"},
        })
    );
    for (names, plan) in [
        (["Nombre", "Apellido"], ["Nombre → first_name", "Apellido → last_name"]),
        (["Nombre", "Ciudad"], ["Nombre → full_name", "Ciudad → address.city"]),
    ] {
        assert_eq!(Mapping::by_names(&columns(&names)).plan.every_column(), plan);
    }
    let whole = json!({"first_name": "Ana", "phone": "+593988123456", "phones": ["+593988123456", "+593988123457"],
        "tags": ["a"], "address": {"city": "Quito"}, "attributes": {"Plan": "b"}});
    let by_names = Mapping::by_names(&Header::Open);
    assert_eq!(shown(bound(&by_names.mapping, &Header::Open).apply(&object(whole.clone()))), whole);
    // An export has an id, and what the platform had beside the contact; other people call their columns `native`, too.
    for (own, attribute) in [(true, None), (false, Some("1"))] {
        let mut record = whole.clone();
        record["native"] = json!({"x": 1});
        let mut expected = whole.clone();
        if own {
            record["id"] = json!("7");
            expected = record.clone();
        } else {
            expected["attributes"]["native.x"] = json!(attribute);
        }
        assert_eq!(shown(bound(&by_names.mapping, &Header::Open).apply(&object(record))), expected, "{own}");
    }
    let first = FirstRecords { names: vec!["Mobile".to_owned(), "shoe".to_owned()], filled: vec![1, 1] };
    let seen = Mapping::by_names_of(&Header::Open, &first, None);
    assert_eq!(seen.plan.every_column(), ["Mobile → phone", "shoe → attributes.shoe"]);
    assert_eq!(
        shown(bound(&seen.mapping, &Header::Open).apply(&object(json!({"Mobile": "+593988123456", "shoe": 1})))),
        json!({"phone": "+593988123456", "phones": ["+593988123456"], "attributes": {"shoe": "1"}})
    );
}

/// The mistakes without their snippets: place, message, help.
fn brief(errors: &str) -> Vec<String> {
    let mut brief: Vec<String> = Vec::new();
    for line in errors.lines() {
        if let Some(message) = line.strip_prefix("error: ") {
            brief.push(message.to_owned());
        } else if let (Some((_, place)), Some(last)) = (line.split_once("--> contacts.yaml:"), brief.last_mut()) {
            *last = format!("{place} {last}");
        } else if let (Some((_, help)), Some(last)) = (line.split_once("= hint: "), brief.last_mut()) {
            *last = format!("{last} ({help})");
        }
    }
    brief
}

#[test]
fn a_mapping_with_many_errors_shows_them_all() {
    let text = include_str!("mapping/mistakes.yaml");
    let found = Mapping::parse(text, Path::new("contacts.yaml")).expect_err("the page has mistakes");
    assert_eq!(found.to_string(), include_str!("mapping/mistakes.txt").trim_end());
    assert!(found.render(true).contains("\u{1b}["), "colours when they are asked for");
}

#[test]
fn each_error_of_a_mapping_has_its_place_and_its_hint() {
    for (text, expected) in [
        ("", &["the mapping is empty (it begins with `contact:`, and the fields below it)"] as &[&str]),
        (
            "contact: [Name",
            &["1:10 this is not YAML: unclosed bracket '[' (close it, or put a text that begins so between quotes)"],
        ),
        (
            "contact:\n\tfirst_name: Name",
            &[
                "2:2 this is not YAML: tabs disallowed within this context (block indentation) (indent with blanks, not with tabs)",
            ],
        ),
        (
            "contact: &a { notes: *a }",
            &[
                "1:13 anchors (`&name`) have no place here (where it is a text, put it between quotes; otherwise write the value out)",
                "1:22 aliases (`*name`) have no place here (where it is a text, put it between quotes; otherwise write the value out)",
            ],
        ),
        (
            "contact: !map { notes: x }",
            &[
                "1:15 tags (`!name`) have no place here (where it is a text, put it between quotes; otherwise write the value out)",
            ],
        ),
        ("contact: {}\n---\ncontact: {}", &["3:1 the mapping must be one document (remove what follows `---`)"]),
        ("? [a]\n: b", &["1:3 a key must be a text (put it between quotes)"]),
        ("contact: { notes: a, notes: b }", &["1:22 `notes` stands here a second time (keep one of them)"]),
        ("contact: { address: { city: a }, address.city: b }", &["1:34 `address.city` stands here a second time"]),
        (
            "contact: { address: { town: a } }",
            &["1:23 `address` has no field `town` (it has street, city, state, zip, country)"],
        ),
        (
            "contact: { zapatos: a }",
            &["1:12 a contact has no field `zapatos` (for a field of your own, put it under `attributes`: `zapatos`)"],
        ),
        ("contact: { notes: { from: a, value: b } }", &["1:37 only one of `from`, `all` and `value` can be given"]),
        (
            "contact: { notes: { from: a, upper: true, lower: true } }",
            &["1:50 only one of `lower`, `upper` and `title` can hold"],
        ),
        ("contact: { notes: { from: a, with: b } }", &["1:30 `with` needs `match`: what it takes the place of"]),
        (
            "contact: { notes: { from: a, match: b, with: c, replace: { a: b } } }",
            &["1:30 only one of `replace` and `match` can hold"],
        ),
        (
            "contact: { notes: { from: a, add: b, mode: add, otherwise: keep } }",
            &[
                "1:30 `add` is for lists: `phones`, `emails`, `handles`, `tags`",
                "1:38 `mode` is for `tags`",
                "1:49 `otherwise` needs `lookup` or `date` here",
            ],
        ),
        ("contact: { notes: { from: a, default: [b, c] } }", &["1:30 `default` must be one text here"]),
        (
            "contact: { notes: { from: a, default: b, clear: true } }",
            &["1:42 only one of `default` and `clear` can hold"],
        ),
        (
            "contact: { notes: { from: a, clear: true, required: true } }",
            &["1:30 only one of `required` and `clear` can hold"],
        ),
        (
            "contact: { notes: { upper: true } }",
            &["1:12 `notes` has neither `from` nor `value` (say where the value comes from, as in `{ from: Column }`)"],
        ),
        (
            "contact: { notes: { all: [a, b] }, tags: { all: [], from: c } }",
            &[
                "1:21 `all` is for lists: `phones`, `emails`, `handles`, `tags`",
                "1:49 `all` is an empty list",
                "1:59 only one of `from`, `all` and `value` can be given",
            ],
        ),
        ("contact: { notes: { from: [] } }", &["1:27 `from` is an empty list"]),
        ("contact: { notes: { from: { a: b } } }", &["1:27 `from` must be a text or a list of texts, not a map"]),
        (
            "contact: { notes: { from: a, on_existing: overwrite } }",
            &["1:43 `on_existing` must be `update` or `fill`, not `overwrite`"],
        ),
        (
            "contact: { notes: { from: a, date: '%d.%m' } }",
            &[
                "1:36 `%d.%m` is not a date format: it does not hold a whole date (`%d.%m.%Y` reads `31.12.2026`, `%Y-%m-%d` reads `2026-12-31`)",
            ],
        ),
        (
            "contact: { notes: { from: a, date: [dd/mm/yyyy, 'AAAA-M-D', dd-yyyy] } }",
            &[
                "1:37 `dd/mm/yyyy` is not a date format: it does not hold a whole date (write `%d/%m/%Y`)",
                "1:49 `AAAA-M-D` is not a date format: it does not hold a whole date (write `%Y-%m-%d`)",
                "1:61 `dd-yyyy` is not a date format: it does not hold a whole date (`%d.%m.%Y` reads `31.12.2026`, `%Y-%m-%d` reads `2026-12-31`)",
            ],
        ),
        (
            "contact: { notes: { value: '{{ row.City' } }",
            &[
                "1:36 this is not a template: unexpected end of input, expected end of variable block (a value is written `{{ row['Column'] }}`)",
            ],
        ),
        (
            "contact: { notes: { value: '{{ contact.notes }}' } }",
            &["1:32 a template has no value `contact` (`contact` is known under `columns` only; here it is `row`)"],
        ),
        ("contact: { notes: { value: '{{ row.a is nice }}' } }", &["1:41 there is no test `nice`"]),
        (
            "contact: { niño: { from: ñandú, upper: 'true' } }",
            &["1:12 a contact has no field `niño` (for a field of your own, put it under `attributes`: `niño`)"],
        ),
        ("columns: { Name: { from: notes, clear: true } }", &["1:33 `clear` is for contacts, not for columns"]),
        (
            "phone_region: { default: EC }",
            &["1:15 `phone_region` has no `from` (one country for all is written `phone_region: EC`)"],
        ),
        (
            "phone_region: { from: Country, default: Mars }",
            &["1:41 `Mars` is not a known country (use its code (`EC`), its calling code (`593`) or its name)"],
        ),
        (
            "write: { delimiter: ab, excel: yes }",
            &[
                "1:21 `delimiter` must be one sign such as `;`, not `ab` (a tab is written `tab`)",
                "1:32 `excel` must be `true` or `false`, not `yes`",
            ],
        ),
        ("identity: [phone, phone]", &["1:19 `phone` stands here a second time"]),
    ] {
        assert_eq!(brief(&errors(text)), expected, "{text}");
    }
}

#[test]
fn each_error_of_a_mapping_for_a_source_has_its_place_and_its_hint() {
    let file = columns(&["First Name", "Mobile", "City", "city ", "CITY", "ferry_line"]);
    for (header, text, expected) in [
        (
            &file,
            "contact: { first_name: Frist Name, notes: Zoo }",
            &[
                "1:24 the file has no column `Frist Name` (did you mean `First Name`?)",
                "1:43 the file has no column `Zoo` (its columns are `First Name`, `Mobile`, `City`, `city `, `CITY`, `ferry_line`; if it may be absent, say `optional: true`)",
            ] as &[&str],
        ),
        (
            &file,
            "contact: { notes: cITy }",
            &["1:19 several columns are called `cITy`, but none in exactly these letters"],
        ),
        (
            &file,
            "contact: { notes: { value: \"{{ row['Mobil'] }} {{ row.Zoo | upper }}\" } }",
            &[
                "1:32 the file has no column `Mobil` (did you mean `Mobile`?)",
                "1:51 the file has no column `Zoo` (its columns are `First Name`, `Mobile`, `City`, `city `, `CITY`, `ferry_line`; if it may be absent, say `optional: true`)",
            ],
        ),
        (
            &file,
            "contact: { notes: City }\nonly_if: row.Stat == 1\nphone_region: { from: Land }",
            &[
                "2:10 the file has no column `Stat` (its columns are `First Name`, `Mobile`, `City`, `city `, `CITY`, `ferry_line`)",
                "3:23 the file has no column `Land` (its columns are `First Name`, `Mobile`, `City`, `city `, `CITY`, `ferry_line`)",
            ],
        ),
        (
            &file,
            "contact: { notes: City }\nunmapped: error",
            &[
                "2:11 no rule uses the columns `First Name`, `Mobile`, `city `, `CITY`, `ferry_line` (`unmapped: ignore` leaves columns aside, `attributes` keeps them)",
            ],
        ),
        (
            &file,
            "contact: { notes: City }\nunmapped: error\nonly_if: row.Mobile\nphone_region: { from: First Name }\ncolumns: { A: '{{ row.CITY }}' }",
            &[
                "2:11 no rule uses the columns `city `, `ferry_line` (`unmapped: ignore` leaves columns aside, `attributes` keeps them)",
            ],
        ),
        (
            &file,
            "contact: { notes: City }\nunmapped: carry",
            &[
                "2:11 `carry` is for sources that are platforms (the other columns of a file are kept by `unmapped: attributes`)",
            ],
        ),
        (
            &file,
            "contact: { notes: City }\nidentity: [phone]",
            &["2:11 no rule of `contact` fills a field of `identity`: every record would be rejected"],
        ),
        (
            &file,
            "columns: { Name: fist_name, Zoo: Zoo, T: '{{ contact.adress.city }} {{ row.Zoo }}' }",
            &[
                "1:18 a contact has no field `fist_name` (did you mean `first_name`?)",
                "1:34 a contact has no field `Zoo` (a custom field is written `attributes.Zoo`)",
                "1:46 a contact has no field `adress.city` (did you mean `address.city`?)",
                "1:72 the file has no column `Zoo` (its columns are `First Name`, `Mobile`, `City`, `city `, `CITY`, `ferry_line`; if it may be absent, say `optional: true`)",
            ],
        ),
        (
            &Header::Contact,
            "contact: { notes: Plan, tags: adress.city }",
            &[
                "1:19 a contact has no field `Plan` (a custom field is written `attributes.Plan`)",
                "1:31 a contact has no field `adress.city` (did you mean `address.city`?)",
            ],
        ),
        (
            &Header::Open,
            "contact: { notes: { value: '{{ row | length }}' } }",
            &[
                "1:28 `row` as a whole cannot be used with JSON, whose names are not known beforehand (name the value, as in `row.City`)",
            ],
        ),
    ] {
        let found = page(text).bind(header, &BindOptions::default()).map(|_| ()).expect_err("mistakes");
        assert_eq!(brief(&found.to_string()), expected, "{text}");
    }
}

#[test]
fn columns_are_made_of_contacts() {
    let mapping = page(
        r#"
contact: { first_name: Name, tags: { from: Tags, split: ";" } }
columns:
  Name: "{{ contact.first_name }} {{ contact.last_name }}"
  Loud: "{{ contact.first_name | upper }} {{ row.Name | length }} {{ contact.address.city }}{{ contact.tags | length }}"
  Phone: phone
  Phones: phones
  Tags: { from: tags, join: "," }
  All: tags
  Plan: { from: attributes.Plan, default: none }
  City: [attributes.City, address.city]
  Address: address
  Attributes: attributes
  Source: "{{ row.Name }}"
  Score: native.score
write: { excel: true }
"#,
    );
    let header = columns(&["Name", "Tags"]);
    let bound = bound(&mapping, &header);
    let made = bound.columns().expect("columns");
    let whole = json!({"first_name": "Ana", "phones": ["+1", "+2"], "tags": ["a", "b"], "address": {"city": "Quito"},
        "attributes": {"Zoo": "x"}, "native": {"score": 7.50}});
    let whole = ferry::contact::Contact::from_json(whole.as_object().expect("an object"));
    let source = row(&[" Anna ", ""]);
    let texts =
        |cells: Vec<ferry::mapping::Cell>| cells.iter().map(|cell| cell.text().into_owned()).collect::<Vec<_>>();
    let cells = made.cells(&whole, (&source).into()).expect("cells");
    assert_eq!(
        made.names(),
        ["Name", "Loud", "Phone", "Phones", "Tags", "All", "Plan", "City", "Address", "Attributes", "Source", "Score"]
    );
    assert_eq!(
        texts(cells),
        [
            "Ana",
            "ANA 4 Quito2",
            "+1",
            "+1; +2",
            "a,b",
            "a; b",
            "none",
            "Quito",
            r#"{"city":"Quito"}"#,
            r#"{"Zoo":"x"}"#,
            "Anna",
            "7.5"
        ]
    );
    let mut out = b"[".to_vec();
    made.write_json(&whole, (&source).into(), &mut out).expect("a row");
    assert_eq!(
        String::from_utf8_lossy(&out),
        r#"[{"Name":"Ana","Loud":"ANA 4 Quito2","Phone":"+1","Phones":["+1","+2"],"Tags":"a,b","All":["a","b"],"Plan":"none","City":"Quito","Address":{"city":"Quito"},"Attributes":{"Zoo":"x"},"Source":"Anna","Score":7.5}"#
    );
    let mut out = Vec::new();
    made.write_json(&ferry::contact::Contact::default(), (&source).into(), &mut out).expect("a row");
    assert_eq!(
        String::from_utf8_lossy(&out),
        r#"{"Name":null,"Loud":"4 0","Phone":null,"Phones":[],"Tags":null,"All":[],"Plan":"none","City":null,"Address":null,"Attributes":null,"Source":"Anna","Score":null}"#
    );
    let hints = mapping.write_hints();
    assert_eq!((hints.delimiter, hints.encoding.as_deref(), hints.bom), (Some(b';'), Some("utf-8"), Some(true)));
}

#[test]
fn the_verbs_stand_in_the_order_in_which_they_are_applied() {
    let names: Vec<&str> = ferry::mapping::VERBS.iter().map(|verb| verb.name).collect();
    assert_eq!(
        names.join(" "),
        "from all value split list mobile_first types join trim lower upper title replace match with lookup otherwise date number \
        bool default add required optional clear on_existing mode"
    );
}

#[test]
fn two_pages_that_say_the_same_have_one_fingerprint() {
    let of = |text: &str| page(text).fingerprint();
    let one = of("contact:\n  notes: Notes   # a comment\n");
    assert_eq!(one, of("contact: { 'notes': \"Notes\" }"));
    assert_ne!(one, of("contact: { notes: Note }"));
    assert_eq!(one.len(), 64);
}

#[test]
fn what_a_mapping_may_write_is_known_beforehand() {
    let mapping = page(
        "contact: { owner: { name: Agent }, tags: { from: T, add: [x] }, attributes: { A: A, B: { from: B, clear: true } } }",
    );
    let bound = bound(&mapping, &columns(&["Agent", "T", "A", "B", "C"]));
    let writes = bound.writes();
    assert_eq!(writes.attributes, ["A", "B"]);
    assert_eq!(bound.attribute_columns(), Some(&["A".to_owned(), "B".to_owned()][..]));
    assert_eq!((writes.owners, writes.clears, &writes.tags_static), (true, true, &vec!["x".to_owned()]));
    assert!(writes.fields.has(Field::OwnerName) && writes.fields.has(Field::Tags) && !writes.fields.has(Field::Phones));
}

#[test]
fn phones_without_a_country_code_are_counted() {
    let mapping = page("contact: { phone: { from: Phone, otherwise: blank } }");
    let bound = bound(&mapping, &columns(&["Phone"]));
    for phone in ["0988123456", "+593988123456", "", "593988123456", "0988123456 / 0988123457"] {
        bound.apply(&row(&[phone]));
    }
    assert_eq!(bound.phones_without_code(), (4, 5));
    let meant = BindOptions { region: Some(RegionChoice::Nowhere), ..BindOptions::default() };
    let bound = mapping.bind(&columns(&["Phone"]), &meant).unwrap();
    bound.apply(&row(&["0988123456"]));
    assert_eq!(bound.phones_without_code(), (0, 1));
}

#[test]
fn a_template_cannot_run_away() {
    for template in [
        "{% for a in range(9999) %}{% for b in range(9999) %}{{ a }}{% endfor %}{% endfor %}",
        "{% set x = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' * 4096 %}{{ x }}{{ x }}",
        "{{ row.a.b.c | int / 0 }}",
    ] {
        let mapping = page(&format!("contact: {{ notes: {{ value: \"{template}\" }} }}"));
        let mapped = bound(&mapping, &columns(&["a"])).apply(&row(&["x"]));
        let Mapped::Rejected(problems) = mapped else { panic!("{template}: {mapped:?}") };
        assert_eq!(problems.first().map(|problem| &*problem.code), Some("value.template"), "{template}");
    }
}

const EVERYTHING: &str = r#"
phone_region: { from: c, default: EC }
contact:
  first_name: { from: a, title: true }
  last_name: { value: "{{ row.b }} {{ row['a'] | upper }}" }
  phones: { from: [a, b], split: ";" }
  email: { from: b, otherwise: keep }
  tags: { from: c, split: ",", add: [x], mode: remove }
  address: { country: a, city: { from: b, match: "^(.)", with: "$1$1" } }
  attributes:
    date: { from: d, date: ["%d.%m.%Y", "%Y-%m-%d %H:%M"] }
    number: { from: d, number: true, default: "0" }
    bool: { from: d, bool: true, clear: true }
    lookup: { from: d, lookup: { a: b }, otherwise: blank }
only_if: "row.a != row.b or row.c"
unmapped: attributes
"#;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_cells_whatever_make_it_panic(rows in prop::collection::vec(prop::collection::vec("\\PC{0,12}|[0-9+ .,;#/-]{0,14}", 0..6), 1..8)) {
        let bound = bound(&page(EVERYTHING), &columns(&["a", "b", "c", "d", "e"]));
        for cells in &rows {
            let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
            bound.apply(&row(&cells));
        }
    }

    #[test]
    fn a_record_becomes_the_same_whatever_was_read_before(one in prop::collection::vec("[a-c0-9+;. ]{0,9}", 5), other in prop::collection::vec("[a-c0-9+;. ]{0,9}", 5)) {
        let cells = |cells: &[String]| row(&cells.iter().map(String::as_str).collect::<Vec<_>>());
        let (first, second) = (bound(&page(EVERYTHING), &columns(&["a", "b", "c", "d", "e"])), bound(&page(EVERYTHING), &columns(&["a", "b", "c", "d", "e"])));
        let forwards = [first.apply(&cells(&one)), first.apply(&cells(&other))];
        let [second_other, second_one] = [second.apply(&cells(&other)), second.apply(&cells(&one))];
        prop_assert_eq!(forwards, [second_one, second_other]);
    }

    #[test]
    fn no_page_whatever_makes_it_panic(text in "(contact|columns|read|only_if|phone|tags|from|value|split|[\\[\\]{}:,'\"&*!|>%~\\-\n ]|\\PC){0,30}") {
        let _ = Mapping::parse(&text, Path::new("x.yaml")).map_err(|errors| errors.render(true));
    }
}

#[test]
fn a_list_that_is_too_long_rejects_its_record() {
    let header = columns(&["Tags", "Phones"]);
    let mapping = "contact: { tags: { from: Tags, split: ';' }, phones: Phones }";
    let bound = bound(&page(mapping), &header);
    let code = |tags: &str, phones: &str| match bound.apply(&row(&[tags, phones])) {
        Mapped::Rejected(problems) => {
            problems.iter().map(|problem| format!("{} {:?}", problem.code, problem.column)).collect()
        }
        _ => Vec::new(),
    };
    let (short, long) = ("ab;".repeat(20_000), "ab;".repeat(30_000));
    assert_eq!(code(&short, "+593987625587"), Vec::<String>::new());
    assert_eq!(code(&long, "+593987625587"), ["row.too_large Some(\"Tags\")"]);
    assert_eq!(code("x", &"+593987625587;".repeat(5_000)), ["row.too_large Some(\"Phones\")"]);
    let many: Vec<String> = (0..5_000).map(|n| n.to_string()).collect();
    let open = Header::Open;
    let shown = mapped("contact: { tags: t }", &open, &object(json!({ "t": many })));
    assert_eq!(shown[0][0], "row.too_large", "{shown}");
}
