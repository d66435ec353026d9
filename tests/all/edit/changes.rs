//! Changes of the form, as changes of the mapping's text: a table of texts before and after, and what always holds.

use ferry::edit::{Change, Take, changed, form};
use ferry::yaml::{Patch, plain};
use proptest::prelude::*;
use serde_json::{Value, json};

/// A mapping as a suggestion writes it, with a comment on everything.
const SUGGESTED: &str = r##"# a head
version: 1
phone_region: EC                                        # 95 %: Ecuador
contact:
  # the name
  first_name: Nombre                                    # 97 %: its name
  last_name: { from: Apellido, default: "-" }           # Mercately needs one
  phone: { all: [Celular, Casa], otherwise: blank }     # 98 %: its name
  tags: { from: Etiquetas, split: "," }                 # 95 %: VIP 4
  address:
    city: Ciudad                                        # 95 %: its name
  # created_at: { from: Alta, date: "%d/%m/%Y" }        # perhaps
  attributes:
    Plan: Plan                                          # ours
    # Saldo: Saldo                                      # not at the target
unmapped: ignore
"##;

fn after(text: &str, change: Value) -> Result<String, String> {
    changed(text, &serde_json::from_value::<Change>(change).unwrap())
}

/// The lines that a change has made of others, `-` and `+`.
fn diff(text: &str, made: &str) -> Vec<String> {
    let (old, new): (Vec<&str>, Vec<&str>) = (text.lines().collect(), made.lines().collect());
    let begin = old.iter().zip(&new).take_while(|(one, other)| one == other).count();
    let rest = old[begin..].iter().rev().zip(new[begin..].iter().rev()).take_while(|(one, other)| one == other).count();
    let gone = old[begin..old.len() - rest].iter().map(|line| format!("-{line}"));
    gone.chain(new[begin..new.len() - rest].iter().map(|line| format!("+{line}"))).collect()
}

#[test]
fn a_change_of_the_form_changes_its_line_alone() {
    let columns = |field: &str, columns: &[&str], all: bool| json!({ "do": "columns", "field": field, "columns": columns, "all": all });
    let verb =
        |field: &str, verb: &str, value: Value| json!({ "do": "verb", "field": field, "verb": verb, "value": value });
    let setting = |key: &str, value: Value| json!({ "do": "setting", "key": key, "value": value });
    let cases: &[(Value, &[&str])] = &[
        // The reason for another column goes, a remark of the user stays in its place.
        (
            columns("first_name", &["Name 2"], false),
            &["-  first_name: Nombre                                    # 97 %: its name", "+  first_name: Name 2"],
        ),
        (
            columns("attributes.Plan", &["Tarifa"], false),
            &[
                "-    Plan: Plan                                          # ours",
                "+    Plan: Tarifa                                        # ours",
            ],
        ),
        (
            columns("first_name", &["A: b", "1"], false),
            &[
                "-  first_name: Nombre                                    # 97 %: its name",
                "+  first_name: [\"A: b\", \"1\"]",
            ],
        ),
        (
            columns("last_name", &["B"], false),
            &[
                "-  last_name: { from: Apellido, default: \"-\" }           # Mercately needs one",
                "+  last_name: { from: B, default: \"-\" }                  # Mercately needs one",
            ],
        ),
        (
            columns("last_name", &[], false),
            &[
                "-  last_name: { from: Apellido, default: \"-\" }           # Mercately needs one",
                "+  last_name: { default: \"-\" }                           # Mercately needs one",
            ],
        ),
        (
            columns("phone", &["Casa", "Celular"], false),
            &[
                "-  phone: { all: [Celular, Casa], otherwise: blank }     # 98 %: its name",
                "+  phone: { from: [Casa, Celular], otherwise: blank }",
            ],
        ),
        (
            columns("tags", &["Etiquetas", "Lista"], true),
            &[
                "-  tags: { from: Etiquetas, split: \",\" }                 # 95 %: VIP 4",
                "+  tags: { all: [Etiquetas, Lista], split: \",\" }",
            ],
        ),
        // A field goes where the contact has it; one that stands in a comment takes its place.
        (columns("email", &["Correo"], false), &["+  email: Correo"]),
        (columns("full_name", &["Todo"], false), &["+  full_name: Todo"]),
        (columns("address.street", &["Calle"], false), &["+    street: Calle"]),
        (columns("document.number", &["Cédula"], false), &["+  document:", "+    number: Cédula"]),
        (
            columns("created_at", &["Alta"], false),
            &["-  # created_at: { from: Alta, date: \"%d/%m/%Y\" }        # perhaps", "+  created_at: Alta"],
        ),
        (
            columns("attributes.Saldo", &["Saldo"], false),
            &["-    # Saldo: Saldo                                      # not at the target", "+    Saldo: Saldo"],
        ),
        (columns("attributes.Zona", &["Zona"], false), &["+    Zona: Zona"]),
        // Verbs.
        (
            verb("first_name", "upper", json!(true)),
            &[
                "-  first_name: Nombre                                    # 97 %: its name",
                "+  first_name: { from: Nombre, upper: true }             # 97 %: its name",
            ],
        ),
        (
            verb("tags", "list", json!(true)),
            &[
                "-  tags: { from: Etiquetas, split: \",\" }                 # 95 %: VIP 4",
                "+  tags: { from: Etiquetas, list: true }                 # 95 %: VIP 4",
            ],
        ),
        (
            verb("tags", "add", json!(["moved", "a, b"])),
            &[
                "-  tags: { from: Etiquetas, split: \",\" }                 # 95 %: VIP 4",
                "+  tags: { from: Etiquetas, split: \",\", add: [moved, \"a, b\"] }  # 95 %: VIP 4",
            ],
        ),
        (
            verb("tags", "split", Value::Null),
            &[
                "-  tags: { from: Etiquetas, split: \",\" }                 # 95 %: VIP 4",
                "+  tags: Etiquetas                                       # 95 %: VIP 4",
            ],
        ),
        (
            verb("attributes.Plan", "lookup", json!({ "b": "Basic", "no": "", "1": "true" })),
            &[
                "-    Plan: Plan                                          # ours",
                "+    Plan: { from: Plan, lookup: { b: Basic, \"no\": \"\", \"1\": \"true\" } }  # ours",
            ],
        ),
        (
            verb("attributes.Plan", "date", json!(["%d.%m.%Y"])),
            &[
                "-    Plan: Plan                                          # ours",
                "+    Plan: { from: Plan, date: \"%d.%m.%Y\" }              # ours",
            ],
        ),
        (verb("notes", "default", json!("none")), &["+  notes: { default: none }"]),
        (
            verb("phone", "otherwise", json!("reject")),
            &[
                "-  phone: { all: [Celular, Casa], otherwise: blank }     # 98 %: its name",
                "+  phone: { all: [Celular, Casa], otherwise: reject }    # 98 %: its name",
            ],
        ),
        // Attributes and rules as a whole.
        (
            json!({ "do": "rename", "field": "attributes.Plan", "name": "Tarifa: neu" }),
            &[
                "-    Plan: Plan                                          # ours",
                "+    \"Tarifa: neu\": Plan                                 # ours",
            ],
        ),
        (
            json!({ "do": "remove", "field": "tags" }),
            &["-  tags: { from: Etiquetas, split: \",\" }                 # 95 %: VIP 4"],
        ),
        (
            json!({ "do": "remove", "field": "address.city" }),
            &["-  address:", "-    city: Ciudad                                        # 95 %: its name"],
        ),
        (
            json!({ "do": "remove", "field": "attributes.Plan" }),
            &["-  attributes:", "-    Plan: Plan                                          # ours"],
        ),
        // Settings.
        (
            setting("phone_region", json!("PE")),
            &[
                "-phone_region: EC                                        # 95 %: Ecuador",
                "+phone_region: PE                                        # 95 %: Ecuador",
            ],
        ),
        (
            setting("phone_region", json!({ "from": "País", "default": "EC" })),
            &[
                "-phone_region: EC                                        # 95 %: Ecuador",
                "+phone_region: { from: País, default: EC }               # 95 %: Ecuador",
            ],
        ),
        (
            setting("phone_region", Value::Null),
            &["-phone_region: EC                                        # 95 %: Ecuador"],
        ),
        (setting("identity", json!(["phone", "email"])), &["+identity: [phone, email]"]),
        (setting("only_if", json!("row.Status != 'spam'")), &["+only_if: \"row.Status != 'spam'\""]),
        (setting("blanks", json!(["n/a", "-"])), &["+read:", "+  blanks: [n/a, \"-\"]"]),
    ];
    for (change, expected) in cases {
        let made = after(SUGGESTED, change.clone()).unwrap_or_else(|error| panic!("{change}: {error}"));
        assert_eq!(diff(SUGGESTED, &made), *expected, "{change}");
        assert!(Patch::of(&made).is_some(), "{made}");
    }
}

#[test]
fn other_ways_of_writing_keep_their_way() {
    let block = "contact:\n    phone:\n        # mobiles first\n        from:\n            - Celular\n            - Casa\n        otherwise: blank # kept\n    attributes.Plan: Plan\n";
    let flow = "{ contact: { first_name: 'A', address: { city: C }, attributes: {} } }\n";
    let empty = "contact:\nunmapped: ignore";
    let template = "contact: { full_name: { value: '{{ row.A }}', title: true }, phone: { from: [A, B], types: { A: T, B: U } } }\n";
    let columns = |field: &str, columns: &[&str]| json!({ "do": "columns", "field": field, "columns": columns });
    let cases: &[(&str, Value, &str)] = &[
        (
            block,
            columns("phone", &["Casa"]),
            "contact:\n    phone:\n        # mobiles first\n        from: Casa\n        otherwise: blank # kept\n    attributes.Plan: Plan\n",
        ),
        (
            block,
            json!({ "do": "verb", "field": "phone", "verb": "mobile_first", "value": true }),
            "contact:\n    phone:\n        # mobiles first\n        from:\n            - Celular\n            - Casa\n        mobile_first: true\n        otherwise: blank # kept\n    attributes.Plan: Plan\n",
        ),
        (
            block,
            json!({ "do": "rename", "field": "attributes.Plan", "name": "Rate" }),
            "contact:\n    phone:\n        # mobiles first\n        from:\n            - Celular\n            - Casa\n        otherwise: blank # kept\n    attributes.Rate: Plan\n",
        ),
        (
            flow,
            columns("first_name", &["B", "C"]),
            "{ contact: { first_name: [B, C], address: { city: C }, attributes: {} } }\n",
        ),
        (
            flow,
            columns("attributes.X", &["Z"]),
            "{ contact: { first_name: 'A', address: { city: C }, attributes: { X: Z } } }\n",
        ),
        (
            flow,
            columns("last_name", &["Z"]),
            "{ contact: { first_name: 'A', last_name: Z, address: { city: C }, attributes: {} } }\n",
        ),
        (
            flow,
            json!({ "do": "remove", "field": "address.city" }),
            "{ contact: { first_name: 'A', attributes: {} } }\n",
        ),
        (
            flow,
            json!({ "do": "remove", "field": "first_name" }),
            "{ contact: { address: { city: C }, attributes: {} } }\n",
        ),
        (empty, columns("address.city", &["Z"]), "contact: { address: { city: Z } }\nunmapped: ignore"),
        (
            empty,
            json!({ "do": "setting", "key": "duplicates", "value": "first" }),
            "contact:\nunmapped: ignore\nduplicates: first\n",
        ),
        (
            template,
            columns("full_name", &["M"]),
            "contact: { full_name: { from: M, title: true }, phone: { from: [A, B], types: { A: T, B: U } } }\n",
        ),
        (
            template,
            columns("phone", &["B"]),
            "contact: { full_name: { value: '{{ row.A }}', title: true }, phone: { from: B, types: { B: U } } }\n",
        ),
    ];
    for (text, change, expected) in cases {
        assert_eq!(after(text, change.clone()).as_deref(), Ok(*expected), "{text} {change}");
    }
    assert!(after(block, json!({ "do": "rename", "field": "phone", "name": "X" })).is_err());
    let two = "contact: { attributes: { A: a, B: b } }\n";
    assert_eq!(
        after(two, json!({ "do": "rename", "field": "attributes.A", "name": "B" })),
        Err("there is an attribute `B` already".to_owned())
    );
    assert!(after("contact: [", json!({ "do": "remove", "field": "phone" })).is_err());
}

#[test]
fn the_form_shows_what_it_can_and_names_the_rest() {
    let form = form("contact: { phone: { from: [A], replace: { a: b }, mobile_first: true }, full_name: { value: '{{ row.N }}' }, notes: null, attributes: { X: [P, Q] } } # all\nwrite: { bom: true }\n").unwrap();
    let shown: Vec<_> = form
        .fields
        .iter()
        .map(|rule| (rule.field.as_str(), rule.take, rule.columns.join("+"), rule.others.join("+")))
        .collect();
    let expected = [
        ("phone", Take::Columns, "A".to_owned(), "replace".to_owned()),
        ("full_name", Take::Template, String::new(), String::new()),
        ("notes", Take::LeftOut, String::new(), String::new()),
        ("attributes.X", Take::Columns, "P+Q".to_owned(), String::new()),
    ];
    assert_eq!(shown, expected);
    assert_eq!(form.others, ["write"]);
}

/// A change with names that YAML has a word for.
fn changes() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        "[a-z]{1,6}",
        "[ -~]{1,8}",
        Just("null".to_owned()),
        Just("# x".to_owned()),
        Just("é: [".to_owned()),
        "\\PC{1,6}"
    ];
    let field = prop_oneof![
        Just("phone".to_owned()),
        Just("first_name".to_owned()),
        Just("tags".to_owned()),
        Just("address.city".to_owned()),
        Just("notes".to_owned()),
        name.clone().prop_map(|name| format!("attributes.{name}")),
        Just("attributes.Plan".to_owned()),
    ];
    prop_oneof![
        (field.clone(), proptest::collection::vec(name.clone(), 0..3), any::<bool>()).prop_map(
            |(field, columns, all)| json!({ "do": "columns", "field": field, "columns": columns, "all": all })
        ),
        (field.clone(), name.clone())
            .prop_map(|(field, value)| json!({ "do": "verb", "field": field, "verb": "default", "value": value })),
        (field.clone(), name.clone(), name.clone()).prop_map(
            |(field, from, to)| json!({ "do": "verb", "field": field, "verb": "lookup", "value": { from: to } })
        ),
        (field.clone()).prop_map(|field| json!({ "do": "remove", "field": field })),
        (field, name.clone()).prop_map(|(field, name)| json!({ "do": "rename", "field": field, "name": name })),
        name.prop_map(|value| json!({ "do": "setting", "key": "only_if", "value": value })),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever is changed, what the change is not about says the same, every comment but reasons stays, and the text is
    /// a mapping still.
    #[test]
    fn nothing_but_its_own_value_is_touched(list in proptest::collection::vec(changes(), 1..6)) {
        let mut text = SUGGESTED.to_owned();
        for change in list {
            let Ok(made) = after(&text, change.clone()) else { continue };
            let (before, now) = (Patch::of(&text).unwrap(), Patch::of(&made));
            prop_assert!(now.is_some(), "{change}\n{made}");
            let now = now.unwrap();
            let field = change["field"].as_str().unwrap_or_default().to_owned();
            let kept = |patch: &Patch<'_>| {
                let form = form_of(patch);
                form.into_iter().filter(|(name, _)| *name != field && !name.starts_with("attributes.")).collect::<Vec<_>>()
            };
            prop_assert_eq!(kept(&before), kept(&now), "{}", change);
            prop_assert!(made.contains("# a head") && made.contains("# the name"));
            text = made;
        }
    }
}

/// Every rule of the contact that is no attribute, by its name.
fn form_of(patch: &Patch<'_>) -> Vec<(String, Value)> {
    let contact = plain(patch.get(&["contact"]).unwrap());
    let mut rules = Vec::new();
    for (key, value) in contact.as_object().unwrap() {
        match value.as_object().filter(|_| key == "address") {
            Some(inner) => rules.extend(inner.iter().map(|(name, value)| (format!("{key}.{name}"), value.clone()))),
            None if key == "attributes" => {}
            None => rules.push((key.clone(), value.clone())),
        }
    }
    rules.sort_by(|one, other| one.0.cmp(&other.0));
    rules
}
