//! Rows that are written straight from the cells of their records. It can be done where every rule works on one column and
//! does little ([`super::op`]), and every value of the row is a value of the contact as it is. A record of which anything
//! has to be decided, such as one with an invalid phone, is left to `apply` and `columns`, which give the same.

use super::apply::Drafter;
use super::columns::Columns;
use super::compiled::CompiledRule;
use super::email::is_plain_lowered;
use super::evaluate::{Context, country, is_oversized_text};
use super::op::{Op, Quick};
use super::program::{Program, Surplus};
use super::quick::{lowered, pieces, tags_parted_by};
use super::rule::Target;
use super::source::ContactName;
use super::tags::in_cell;
use super::text::{is_error_cell, nfc, trim};
use super::value::LIST_JOIN;
use crate::contact::{FIELDS, Field, of_other_letters};
use crate::files::csv::{CsvEncoder, CsvRow};
use crate::json::{escaped_in, write_escaped, write_plain, write_text};
use crate::octets::have_any;
use crate::record::{FieldsRef, RecordRef, RowRef};
use std::borrow::Cow;

/// Items of a list: each is compared with those before it. A cell with more is left to the general way.
const ITEMS_MAX: usize = 16;

/// How the rows of a program are written without contacts.
pub struct Direct {
    layout: Layout,
    /// Rules whose values are not in the row, and may reject the record nevertheless.
    unseen: Vec<usize>,
}

/// What a row is.
enum Layout {
    /// A JSON object. `keeps_blanks`: a blank value is `null`, and not left out.
    Object { members: Vec<Member>, keeps_blanks: bool },
    /// The cells of a table.
    Cells { cells: Vec<Value>, csv: CsvEncoder },
}

/// A member of an object.
struct Member {
    /// A comma, the name and a colon.
    key: Vec<u8>,
    value: Value,
}

/// What is written in one place.
enum Value {
    /// Nothing: no rule has it.
    Blank,
    /// The same, as a list.
    EmptyList,
    /// The value of a rule.
    One(usize),
    /// The cell of a column.
    Copy(usize),
    /// The same, as a list.
    List(usize),
    /// The same as a list, and its first item before it under another name.
    FirstAndList(usize, Vec<u8>),
    /// An object whose blank members are left out; it is blank where all are.
    Group(Vec<Member>),
}

/// Whether a value was written; `None`: the record is left to the general way.
type Written = Option<bool>;

impl Direct {
    /// How the rows of a program are written; `None` where there is more to them. `csv`: as cells of a table.
    pub fn of(program: &Program, csv: Option<CsvEncoder>) -> Option<Direct> {
        let has_more = program.filter.is_some() || program.spare_name.is_some() || !program.identity.is_empty();
        let is_table = matches!(program.surplus, Surplus::Ignore) && !program.seen.is_open;
        if has_more || !is_table || program.rules.iter().any(|rule| rule.quick.is_none()) {
            return None;
        }
        let mut finder = Finder { rules: &program.rules, used: vec![false; program.rules.len()] };
        let layout = match (program.columns.as_ref(), csv) {
            (Some(columns), Some(csv)) => Layout::Cells { cells: finder.cells(columns)?, csv },
            (Some(columns), None) => Layout::Object { members: finder.columns(columns)?, keeps_blanks: true },
            (None, None) => Layout::Object { members: finder.contact()?, keeps_blanks: false },
            (None, Some(_)) => return None,
        };
        let unseen = finder.used.iter().enumerate().filter(|(_, is_used)| !**is_used).map(|(at, _)| at).collect();
        Some(Direct { layout, unseen })
    }
}

/// Finds the rules that give the values of a row, each of which gives one.
struct Finder<'p> {
    rules: &'p [CompiledRule],
    used: Vec<bool>,
}

impl Finder<'_> {
    /// The only rule of a target: its number. `Err` where there are several, or where its value is in the row already.
    fn rule(&mut self, is_it: impl Fn(&Target) -> bool) -> Result<Option<usize>, ()> {
        let mut found = self.rules.iter().enumerate().filter(|(_, rule)| is_it(&rule.rule.target));
        match (found.next(), found.next()) {
            (None, _) => Ok(None),
            (Some((at, _)), None) => {
                let was_used = self.used.get_mut(at).is_none_or(|is_used| std::mem::replace(is_used, true));
                if was_used { Err(()) } else { Ok(Some(at)) }
            }
            (Some(_), Some(_)) => Err(()),
        }
    }

    /// The value of a rule that is one text.
    fn one(&self, rule: usize) -> Value {
        match self.rules.get(rule).and_then(|rule| rule.quick.as_ref()) {
            Some(Quick { column, op: Op::Text(_) | Op::Attribute }) => Value::Copy(*column),
            _ => Value::One(rule),
        }
    }

    fn field(&mut self, field: Field) -> Result<Option<usize>, ()> {
        self.rule(|target| *target == Target::Field(field))
    }

    fn columns(&mut self, columns: &Columns) -> Option<Vec<Member>> {
        let held = columns.held().zip(columns.names());
        held.map(|(held, name)| Some(Member { key: key_of(name), value: self.value(held?)? })).collect()
    }

    fn cells(&mut self, columns: &Columns) -> Option<Vec<Value>> {
        let held = columns.held();
        held.map(|held| self.value(held?).filter(|value| !matches!(value, Value::Group(_)))).collect()
    }

    /// What a column has of the contact.
    fn value(&mut self, held: &ContactName) -> Option<Value> {
        Some(match held {
            ContactName::Text(field) => self.field(*field).ok()?.map_or(Value::Blank, |rule| self.one(rule)),
            ContactName::First(field) => self.field(*field).ok()?.map_or(Value::Blank, |rule| self.one(rule)),
            ContactName::List(field) => self.field(*field).ok()?.map_or(Value::EmptyList, Value::List),
            ContactName::Attribute(name) => {
                let is_it = |target: &Target| matches!(target, Target::Attribute(known) if **known == **name);
                self.rule(is_it).ok()?.map_or(Value::Blank, |rule| self.one(rule))
            }
            ContactName::Attributes => Value::Group(self.attributes()?),
            ContactName::Group(group) => Value::Group(self.group(group)?),
            ContactName::Native(_) | ContactName::AllNative => return None,
        })
    }

    /// Custom fields, in the order in which their rules put them into the contact.
    fn attributes(&mut self) -> Option<Vec<Member>> {
        let mut members = Vec::new();
        for rule in self.rules {
            let Target::Attribute(name) = &rule.rule.target else { continue };
            let is_it = |target: &Target| matches!(target, Target::Attribute(known) if known == name);
            let at = self.rule(is_it).ok()??;
            members.push(Member { key: key_of(name), value: self.one(at) });
        }
        Some(members)
    }

    fn group(&mut self, group: &str) -> Option<Vec<Member>> {
        let mut members = Vec::new();
        for (field, name) in FIELDS {
            let Some(inner) = name.strip_prefix(group).and_then(|rest| rest.strip_prefix('.')) else { continue };
            if let Some(at) = self.field(field).ok()? {
                members.push(Member { key: key_of(inner), value: self.one(at) });
            }
        }
        Some(members)
    }

    /// The whole contact, as [`crate::contact::Contact::to_json`] orders it.
    fn contact(&mut self) -> Option<Vec<Member>> {
        let (mut members, mut last_group) = (Vec::new(), "");
        for (field, name) in FIELDS {
            if let Some((group, _)) = name.split_once('.') {
                if group != last_group {
                    members.push(Member { key: key_of(group), value: Value::Group(self.group(group)?) });
                    last_group = group;
                }
                continue;
            }
            let Some(at) = self.field(field).ok()? else { continue };
            members.push(match field {
                Field::Phones => Member { key: key_of("phone"), value: Value::FirstAndList(at, key_of(name)) },
                Field::Emails => Member { key: key_of("email"), value: Value::FirstAndList(at, key_of(name)) },
                field if field.is_list() => Member { key: key_of(name), value: Value::List(at) },
                _ => Member { key: key_of(name), value: self.one(at) },
            });
        }
        members.push(Member { key: key_of("attributes"), value: Value::Group(self.attributes()?) });
        Some(members)
    }
}

fn key_of(name: &str) -> Vec<u8> {
    let mut key = vec![b','];
    write_text(name, &mut key);
    key.push(b':');
    key
}

impl Drafter<'_> {
    /// Writes the row of a record at the end of `out`; not where the record is to be drafted, and its draft encoded. What
    /// was written until that was clear stays in `out`.
    pub fn write(&self, direct: &Direct, record: RecordRef<'_>, out: &mut Vec<u8>) -> bool {
        let FieldsRef::Row(row) = record.fields else { return false };
        let context = self.context(record);
        let writer = RowOf { rules: self.rules(), row, context: &context };
        let written = writer.write(direct, out).is_some();
        if written {
            self.count(&context);
        }
        written
    }
}

/// One row.
struct RowOf<'r> {
    rules: &'r [CompiledRule],
    row: RowRef<'r>,
    context: &'r Context<'r>,
}

impl<'r> RowOf<'r> {
    fn write(&self, direct: &Direct, out: &mut Vec<u8>) -> Option<()> {
        for rule in &direct.unseen {
            self.text(*rule)?;
        }
        match &direct.layout {
            Layout::Object { members, keeps_blanks } => self.object(members, *keeps_blanks, out).map(drop),
            Layout::Cells { cells, csv } => {
                let mut row = csv.begin(out);
                cells.iter().try_for_each(|value| self.cell(value, &mut row))?;
                row.end();
                Some(())
            }
        }
    }

    fn object(&self, members: &[Member], keeps_blanks: bool, out: &mut Vec<u8>) -> Written {
        let begin = out.len();
        out.push(b'{');
        for Member { key, value } in members {
            let before = out.len();
            let key = if before > begin + 1 { Some(key.as_slice()) } else { key.get(1..) };
            out.extend_from_slice(key.unwrap_or_default());
            match (self.value(value, out)?, keeps_blanks) {
                (true, _) => {}
                (false, true) => out.extend_from_slice(blank(value)),
                (false, false) => out.truncate(before),
            }
        }
        let has_members = out.len() > begin + 1;
        out.push(b'}');
        Some(has_members)
    }

    fn value(&self, value: &Value, out: &mut Vec<u8>) -> Written {
        match value {
            Value::Blank | Value::EmptyList => Some(false),
            Value::Copy(column) => self.copy(*column, out),
            Value::One(rule) => self.one(*rule, out),
            Value::List(rule) => self.list(*rule, out),
            Value::FirstAndList(rule, key) => {
                let begin = out.len();
                if !self.one(*rule, out)? {
                    return Some(false);
                }
                let end = out.len();
                out.extend_from_slice(key);
                out.push(b'[');
                out.extend_from_within(begin..end);
                out.push(b']');
                Some(true)
            }
            Value::Group(members) => {
                let before = out.len();
                let has_members = self.object(members, false, out)?;
                if !has_members {
                    out.truncate(before);
                }
                Some(has_members)
            }
        }
    }

    /// A cell that is written as it stands, trimmed.
    #[inline]
    fn copy(&self, column: usize, out: &mut Vec<u8>) -> Written {
        let text = self.filled(column)?;
        if text.is_empty() {
            return Some(false);
        }
        let (is_escaped, has_other_letters) =
            have_any(text.as_bytes(), |word| (escaped_in(word), of_other_letters(word)));
        match (is_escaped, has_other_letters) {
            (_, true) => write_text(&nfc(Cow::Borrowed(text)), out),
            (true, false) => write_escaped(text, out),
            (false, false) => write_plain(text, out),
        }
        Some(true)
    }

    /// The value of a rule that gives one text.
    fn one(&self, rule: usize, out: &mut Vec<u8>) -> Written {
        let (Quick { column, op }, compiled) = self.quick(rule)?;
        let text = self.filled(*column)?;
        let checked = &self.context.checked;
        match op {
            _ if text.is_empty() => return Some(false),
            Op::Phone if !is_oversized_text(text) => {
                out.push(b'"');
                if !compiled.write_phone(text, checked, out) {
                    return None;
                }
                out.push(b'"');
            }
            Op::Email { is_lowered: true } if is_plain_lowered(text) => {
                let begin = out.len();
                write_plain(text, out);
                out.get_mut(begin..)?.make_ascii_lowercase();
                checked.found(Field::Emails);
            }
            _ => write_text(&self.text(rule)?, out),
        }
        Some(true)
    }

    fn list(&self, rule: usize, out: &mut Vec<u8>) -> Written {
        let begin = out.len();
        let (Quick { column, op }, _) = self.quick(rule)?;
        let text = self.filled(*column)?;
        let by = match op {
            Op::Split(_, by) => by,
            Op::Tags => tags_parted_by(text)?,
            _ => {
                out.push(b'[');
                let has_item = self.one(rule, out)?;
                if has_item {
                    out.push(b']')
                } else {
                    out.truncate(begin)
                }
                return Some(has_item);
            }
        };
        let count = for_each_item(text, by, |item| {
            out.push(if out.len() == begin { b'[' } else { b',' });
            write_text(item, out);
        })?;
        if count > 0 {
            out.push(b']');
        }
        Some(count > 0)
    }

    fn cell(&self, value: &Value, row: &mut CsvRow<'_>) -> Option<()> {
        match value {
            Value::Copy(column) => row.cell(&nfc(Cow::Borrowed(self.filled(*column)?))),
            Value::One(rule) | Value::List(rule) => row.cell(&self.text(*rule)?),
            Value::Blank | Value::EmptyList | Value::FirstAndList(..) | Value::Group(_) => row.cell(""),
        }
        Some(())
    }

    /// The value of a rule as one text; empty: it is blank.
    fn text(&self, rule: usize) -> Option<Cow<'r, str>> {
        let (Quick { column, op }, rule) = self.quick(rule)?;
        let text = self.filled(*column)?;
        let checked = &self.context.checked;
        match op {
            _ if text.is_empty() => Some(Cow::Borrowed("")),
            Op::Text(_) | Op::Attribute => Some(nfc(Cow::Borrowed(text))),
            Op::Country => Some(country(nfc(Cow::Borrowed(text)))),
            Op::Phone if is_oversized_text(text) => None,
            Op::Phone => rule.one_phone(text, checked).map(Cow::Owned),
            Op::Email { is_lowered: true } => rule.one_email(lowered(text)?, checked),
            Op::Email { is_lowered: false } => rule.one_email(Cow::Borrowed(text), checked),
            Op::Split(_, by) => joined(text, by),
            Op::Tags => joined(text, tags_parted_by(text)?),
        }
    }

    fn quick(&self, rule: usize) -> Option<(&'r Quick, &'r CompiledRule)> {
        let rule = self.rules.get(rule)?;
        Some((rule.quick.as_ref()?, rule))
    }

    /// The text of a cell, trimmed; empty: it is blank. `None` where there is more to it.
    #[inline]
    fn filled(&self, column: usize) -> Option<&'r str> {
        let text = trim(self.row.get(column).unwrap_or_default());
        match self.context.sight.is_blank(text) {
            true => Some(""),
            false if is_error_cell(text) => None,
            false => Some(text),
        }
    }
}

/// Visits the items of a list, each once; how many there were, and `None` where it is left to the general way.
fn for_each_item<'c>(text: &'c str, by: &str, mut visit: impl FnMut(&'c str)) -> Option<usize> {
    if is_oversized_text(text) || matches!(nfc(Cow::Borrowed(text)), Cow::Owned(_)) {
        return None;
    }
    let (mut items, mut count) = ([""; ITEMS_MAX], 0);
    for (at, item) in pieces(text, by).enumerate() {
        if at >= ITEMS_MAX {
            return None;
        }
        if !items.iter().take(count).any(|before| *before == item) {
            *items.get_mut(count)? = item;
            visit(item);
            count += 1;
        }
    }
    Some(count)
}

/// The items of a list as one text.
fn joined(text: &str, by: &str) -> Option<Cow<'static, str>> {
    let mut joined = String::new();
    for_each_item(text, by, |item| {
        joined.push_str(if joined.is_empty() { "" } else { LIST_JOIN });
        joined.push_str(&in_cell(item));
    })?;
    Some(Cow::Owned(joined))
}

/// A blank value.
fn blank(value: &Value) -> &'static [u8] {
    match value {
        Value::EmptyList | Value::List(_) => b"[]",
        _ => b"null",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contact::ContactView;
    use crate::mapping::Drafted;
    use crate::mapping::quick::tests::{CELLS, program};
    use crate::record::{Fields, Origin, Record, Row};

    /// Rules, and the columns that are written.
    const PAGES: [(&str, &str); 12] = [
        ("first_name: A, notes: R", "n: first_name, o: notes, b: last_name"),
        ("phone: A", "p: phone"),
        ("phone: A", "ps: phones, e: emails"),
        ("email: A", "e: email"),
        ("email: { from: A, lower: true }", "es: emails"),
        ("tags: { from: A, split: \";\" }", "t: tags"),
        ("handles: { from: A, split: \", \" }", "h: handles"),
        ("address: { country: A, city: R }", "c: address.country, a: address.city"),
        ("address: { country: A, city: R }", "a: address"),
        ("attributes: { Plan: A, 'a \"b\"': R, Zip: A }", "o: attributes"),
        ("attributes: { Plan: A }", "\"a,b\": attributes.Plan, o: attributes.None"),
        ("first_name: R, phone: A", "n: first_name"),
    ];

    /// The row of a record in the general way; `None` where it is rejected.
    fn general(program: &Program, csv: Option<CsvEncoder>, record: &Record) -> Option<String> {
        let Drafted::Contact(draft) = program.draft(record) else { return None };
        let contact: &dyn ContactView = &draft.contact;
        let mut out = Vec::new();
        match (program.columns(), csv) {
            (Some(columns), Some(csv)) => {
                let Ok(cells) = columns.cells(contact, record.into()) else { return None };
                csv.row(
                    cells.iter().map(|cell| cell.text().into_owned()).collect::<Vec<_>>().iter().map(|it| &**it),
                    &mut out,
                );
            }
            (Some(columns), None) => columns.write_json(contact, record.into(), &mut out).ok()?,
            _ => contact.write_json(&mut out),
        }
        Some(String::from_utf8_lossy(&out).into_owned())
    }

    /// How many rows were written directly, all of them as in the general way.
    fn compared(program: &Program, csv: Option<CsvEncoder>) -> usize {
        let Some(direct) = Direct::of(program, csv) else { return 0 };
        let long = "a;".repeat(40_000);
        let mut count = 0;
        for cell in CELLS.into_iter().chain([
            "say \"hi\", a\\b\n",
            "=1+1",
            "'0991234567",
            "x;1;2;3;4;5;6;7;8;9;a;b;c;d;e;f;g",
            &long,
        ]) {
            let fields = Fields::Row(Row::from_cells([cell, "EC"]));
            let record = Record { origin: Origin::default(), fields, raw: Box::default() };
            let mut out = Vec::new();
            if program.drafter().write(&direct, (&record).into(), &mut out) {
                assert_eq!(
                    Some(String::from_utf8_lossy(&out).into_owned()),
                    general(program, csv, &record),
                    "{cell:?}"
                );
                count += 1;
            }
        }
        count
    }

    #[test]
    fn a_row_that_is_written_directly_is_what_the_general_way_writes() {
        for (rules, columns) in PAGES {
            let head =
                format!("read: {{ blanks: [\"-\"] }}\nphone_region: EC\nunmapped: ignore\ncontact: {{ {rules} }}\n");
            let program_of_columns = program(&format!("{head}columns: {{ {columns} }}"));
            let in_json = compared(&program_of_columns, None);
            let whole = compared(&program(&head), None);
            assert!(in_json > 5 && whole == in_json, "{rules}: {in_json}, {whole}");
            let has_object = columns.ends_with("o: attributes") || columns.ends_with("a: address");
            let in_cells = compared(&program_of_columns, Some(CsvEncoder::new(b',')));
            assert_eq!(in_cells, if has_object { 0 } else { in_json }, "{rules}");
        }
    }

    #[test]
    fn a_mapping_that_does_more_is_left_to_the_general_way() {
        for page in [
            "contact: { first_name: A }\nonly_if: row.R == \"EC\"",
            "contact: { first_name: { from: A, default: x } }",
            "contact: { first_name: [A, R] }",
            "contact: { phone: A, phones: { all: [R] } }",
            "contact: { phone: A }\nidentity: phone",
            "contact: { first_name: A }\ncolumns: { n: first_name, m: first_name }",
            "contact: { first_name: A }\ncolumns: { n: \"{{ contact.first_name }}\" }",
        ] {
            assert!(Direct::of(&program(&format!("{page}\nunmapped: ignore")), None).is_none(), "{page}");
        }
    }
}
