//! Records, a mapping and options, drawn from a seed. Every value is unlike all others, so that it can be found again.

use crate::simulation::dice::Dice;
use serde_json::{Map, Value, json};

/// The ends of a run that are drawn.
pub const TARGETS: [&str; 6] = ["atom", "mercately", "eadesk", "twin", "csv", "jsonl"];

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Word,
    Phone,
    Email,
    /// Several words with `;` between.
    Words,
    Handle,
}

/// A column of a table, or a path of keys in JSON records; a list of objects is met on the way to some.
#[derive(Clone, Debug)]
pub struct Column {
    pub keys: Vec<String>,
    pub kind: Kind,
    /// Whether the values are those of a list of objects.
    pub is_listed: bool,
}

impl Column {
    /// As a mapping calls it.
    pub fn name(&self) -> String {
        self.keys.join(".")
    }
}

/// A rule of the mapping.
#[derive(Clone, Debug)]
pub struct Rule {
    /// `notes`, `attributes.Plan`.
    pub target: String,
    /// Which columns it uses, by their names.
    pub from: Vec<String>,
    /// Whether all of them are taken.
    pub is_all: bool,
    /// Which value a `lookup` knows, and what it does with the others.
    pub lookup: Option<(String, &'static str)>,
    /// What stands in the mapping.
    pub text: String,
}

/// Everything of one run.
#[derive(Debug)]
pub struct Drawn {
    pub target: &'static str,
    pub is_json: bool,
    pub columns: Vec<Column>,
    /// For each record the values of each column, none where it is blank.
    pub records: Vec<Vec<Vec<String>>>,
    pub rules: Vec<Rule>,
    pub unmapped: &'static str,
    pub overflow: &'static str,
    pub on_existing: &'static str,
    /// Which records' contacts are at the target before.
    pub existing: Vec<usize>,
}

/// Columns that both kinds of files can have, and what they hold.
const WORDS: [&str; 14] = [
    "First",
    "Last",
    "Whole",
    "Note",
    "Plan",
    "attributes.Plan",
    "notes",
    "City",
    "ferry_code",
    "native.lang",
    "id",
    "Since",
    "Owner",
    "Zip",
];

pub fn drawn(seed: u64) -> Drawn {
    drawn_for(TARGETS[seed as usize % TARGETS.len()], seed)
}

/// The same for a target that is not drawn.
pub fn drawn_for(target: &'static str, seed: u64) -> Drawn {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9).wrapping_add(17));
    let is_json = dice.chance(50);
    let columns = columns(&mut dice, is_json);
    let mut next = seed as usize % 90 * 10_000;
    let count = 3 + dice.below(5);
    let records =
        (0..count).map(|record| columns.iter().map(|column| cell(&mut dice, column, record, &mut next)).collect());
    let mut records: Vec<Vec<Vec<String>>> = records.collect();
    share_phones(&mut dice, &columns, &mut records);
    let rules = rules(&mut dice, target, &columns, &records);
    let on_existing = dice.pick(&["update", "update", "fill", "skip"]);
    let existing = (0..count).filter(|_| dice.chance(40)).collect();
    Drawn {
        target,
        is_json,
        columns,
        records,
        rules,
        unmapped: dice.pick(&["attributes", "attributes", "ignore"]),
        overflow: dice.pick(&["report", "report", "attributes", "reject"]),
        on_existing,
        existing,
    }
}

fn columns(dice: &mut Dice, is_json: bool) -> Vec<Column> {
    let column = |keys: &[&str], kind| Column {
        keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        kind,
        is_listed: false,
    };
    let mut columns = vec![column(&["Client"], Kind::Word), column(&["Phone"], Kind::Phone)];
    for name in WORDS {
        let always = matches!(name, "First" | "Last");
        if always || dice.chance(60) {
            columns.push(column(&[name], Kind::Word));
        }
    }
    for (name, kind) in [
        ("Mobile", Kind::Phone),
        ("Mail", Kind::Email),
        ("Mail 2", Kind::Email),
        ("Tags", Kind::Words),
        ("Chat", Kind::Handle),
    ] {
        if dice.chance(60) {
            columns.push(column(&[name], kind));
        }
    }
    if is_json {
        for keys in [
            &["attributes", "Plan"][..],
            &["attributes", "Note"],
            &["a.b"],
            &["a", "b"],
            &["a", "c", "d"],
            &["native", "lang"],
        ] {
            if dice.chance(50) {
                columns.push(column(keys, Kind::Word));
            }
        }
        if dice.chance(50) {
            columns.push(Column { is_listed: true, ..column(&["orders", "number"], Kind::Word) });
            columns.push(Column { is_listed: true, ..column(&["orders", "color"], Kind::Word) });
        }
    } else {
        for name in [" Plan ", "attributes.Zip", "attributes.notes"] {
            if dice.chance(40) {
                columns.push(column(&[name], Kind::Word));
            }
        }
    }
    columns
}

/// Some records are further ones of the contact of an earlier record.
fn share_phones(dice: &mut Dice, columns: &[Column], records: &mut [Vec<Vec<String>>]) {
    let Some(phone) = columns.iter().position(|column| column.keys == ["Phone"]) else { return };
    for later in 1..records.len() {
        if dice.chance(12) {
            records[later][phone] = records[dice.below(later)][phone].clone();
        }
    }
}

/// The values of one column in one record.
fn cell(dice: &mut Dice, column: &Column, record: usize, next: &mut usize) -> Vec<String> {
    if column.keys == ["Client"] {
        return vec![crate::simulation::client(record)];
    }
    let is_needed = matches!(column.keys[0].as_str(), "Phone" | "First" | "Last");
    if dice.chance(if is_needed { 4 } else { 25 }) {
        return Vec::new();
    }
    let count = match column.kind {
        Kind::Words => 1 + dice.below(3),
        _ if column.is_listed => 2,
        _ => 1,
    };
    let value = |_| {
        *next += 1;
        let n = *next;
        match column.kind {
            Kind::Word | Kind::Words => format!("w{n:06}z"),
            // No country has a number of this length.
            Kind::Phone if dice.chance(8) => format!("12{n:06}"),
            Kind::Phone => format!("+5939{:08}", 80_000_000 + n),
            Kind::Email => format!("e{n:06}z@example.com"),
            Kind::Handle => format!("{}:h{n:06}z", ["telegram", "viber"][n % 2]),
        }
    };
    (0..count).map(value).collect()
}

/// Fields of a contact for words, and for the others.
const WORD_FIELDS: [&str; 14] = [
    "full_name",
    "notes",
    "address.street",
    "address.city",
    "address.country",
    "address.zip",
    "document.number",
    "owner.name",
    "id",
    "created_at",
    "attributes.Plan",
    "attributes.Tier",
    "attributes.notes",
    "attributes.a.b",
];

fn rules(dice: &mut Dice, target: &str, columns: &[Column], records: &[Vec<Vec<String>>]) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    let simple = |target: &str, from: &str| rule(target, &[from.to_owned()], false, "optional: true");
    if target == "twin" {
        rules.push(simple("target_id", "Client"));
    }
    rules.extend([simple("first_name", "First"), simple("last_name", "Last"), simple("phone", "Phone")]);
    let of_kind = |kind: Kind| -> Vec<&Column> {
        columns.iter().filter(|column| column.kind == kind && column.keys != ["Client"]).collect()
    };
    for field in WORD_FIELDS {
        if dice.chance(55) {
            continue;
        }
        let words = of_kind(Kind::Word);
        let one = dice.pick(&words).name();
        let other = dice.pick(&words).name();
        rules.push(match dice.below(7) {
            0 => rule(field, &[one, other], false, "optional: true"),
            1 if !is_odd(&one) && !is_odd(&other) => {
                let text = format!("value: \"{{{{ row['{one}'] }}}} / {{{{ row['{other}'] }}}}\", optional: true");
                Rule { is_all: true, text: format!("{{ {text} }}"), ..rule(field, &[one, other], true, "") }
            }
            2 => {
                let known = value_of(columns, records, &one).unwrap_or_else(|| "none".to_owned());
                let otherwise = dice.pick(&["keep", "blank", "reject", "Other"]);
                let verbs = format!("lookup: {{ {known}: Known }}, otherwise: {otherwise}, optional: true");
                Rule { lookup: Some((known, otherwise)), ..rule(field, &[one], false, &verbs) }
            }
            3 => rule(field, &[one], false, "upper: true, default: Dflt, optional: true"),
            4 => rule(field, &[one], false, "on_existing: update, optional: true"),
            5 => rule(field, &[one], false, "on_existing: fill, optional: true"),
            _ => rule(field, &[one], false, "optional: true"),
        });
    }
    for (field, kind) in
        [("phones", Kind::Phone), ("emails", Kind::Email), ("tags", Kind::Words), ("handles", Kind::Handle)]
    {
        let names: Vec<String> =
            of_kind(kind).iter().map(|column| column.name()).filter(|name| name != "Phone").collect();
        if names.is_empty() || dice.chance(40) {
            continue;
        }
        let split = if kind == Kind::Words { "split: \";\", optional: true" } else { "optional: true" };
        rules.push(match dice.chance(50) {
            true => Rule { is_all: true, ..all(field, &names, split) },
            false => rule(field, &names, false, split),
        });
    }
    rules
}

/// Whether a template would take a path for a name, or the other way round.
fn is_odd(name: &str) -> bool {
    name.contains('.') || name.trim() != name
}

fn value_of(columns: &[Column], records: &[Vec<Vec<String>>], name: &str) -> Option<String> {
    let at = columns.iter().position(|column| column.name() == name)?;
    records.first()?.get(at)?.first().cloned()
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| json!(name).to_string()).collect::<Vec<_>>().join(", ")
}

fn rule(target: &str, from: &[String], is_all: bool, verbs: &str) -> Rule {
    let text = format!("{{ from: [{}], {verbs} }}", quoted(from));
    Rule { target: target.to_owned(), from: from.to_vec(), is_all, lookup: None, text }
}

fn all(target: &str, from: &[String], verbs: &str) -> Rule {
    let text = format!("{{ all: [{}], {verbs} }}", quoted(from));
    Rule { text, ..rule(target, from, true, verbs) }
}

impl Drawn {
    pub fn mapping(&self) -> String {
        let mut text = "version: 1\nphone_region: EC\ncontact:\n".to_owned();
        for rule in &self.rules {
            text += &format!("  {}: {}\n", json!(rule.target), rule.text);
        }
        text + &format!("unmapped: {}\noverflow: {}\n", self.unmapped, self.overflow)
    }

    /// The file, and how its name ends.
    pub fn file(&self) -> (String, &'static str) {
        match self.is_json {
            true => (self.records.iter().map(|record| format!("{}\n", self.object(record))).collect(), "jsonl"),
            false => {
                let header: Vec<&str> = self.columns.iter().map(|column| column.keys[0].as_str()).collect();
                let rows = self
                    .records
                    .iter()
                    .map(|record| record.iter().map(|values| values.join(";")).collect::<Vec<_>>().join(","));
                (format!("{}\n{}\n", header.join(","), rows.collect::<Vec<_>>().join("\n")), "csv")
            }
        }
    }

    fn object(&self, record: &[Vec<String>]) -> Value {
        let mut object = Map::new();
        for (column, values) in self.columns.iter().zip(record).filter(|(_, values)| !values.is_empty()) {
            let (last, groups) = column.keys.split_last().unwrap();
            if column.is_listed {
                let list = object.entry(groups[0].clone()).or_insert_with(|| json!([{}, {}]));
                for (item, value) in list.as_array_mut().unwrap().iter_mut().zip(values) {
                    item[last] = value.clone().into();
                }
                continue;
            }
            let mut inner = &mut object;
            for group in groups {
                inner = inner.entry(group.clone()).or_insert_with(|| json!({})).as_object_mut().unwrap();
            }
            inner.insert(last.clone(), values.join(";").into());
        }
        Value::Object(object)
    }
}
