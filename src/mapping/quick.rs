//! Rules that work on one column of a table and do little: what they do is decided once, and done without the general way of
//! `evaluate`, which gives the same. Where a cell needs more, such as an invalid phone, they leave it to that.

use super::compiled::{CompiledRule, RuleSource};
use super::draft::{Draft, DraftAttribute};
use super::evaluate::{Context, country, is_oversized_text};
use super::op::{Op, Quick};
use super::rule::{Case, Rule, Target, Verbs};
use super::source::Wherein;
use super::text::{is_error_cell, nfc, trim};
use super::value::Val;
use crate::contact::{Field, is_among};
use std::borrow::Cow;

impl Quick {
    /// What a rule does, where it is so simple; `is_first`: whether no rule before it has its target.
    pub fn of(compiled: &CompiledRule, is_first: bool) -> Option<Quick> {
        let rule: &Rule = &compiled.rule;
        let RuleSource::Slots(slots) = &compiled.source else { return None };
        // What one column gives is the same whether the values of all columns are gathered or the first is taken.
        let ([slot], true) = (slots.as_slice(), compiled.labels.iter().all(Option::is_none)) else { return None };
        let Wherein::Column(column) = slot.place else { return None };
        let op = if is_bare(&rule.verbs) { Op::of(rule, is_first) } else { None };
        Some(Quick { column, op: op? })
    }
}

/// Whether a rule has no verb that says what takes the place of a blank, or what may be overwritten.
fn is_bare(verbs: &Verbs) -> bool {
    let is_told = verbs.required == Some(true) || verbs.clear == Some(true) || verbs.on_existing.is_some();
    verbs.default.is_empty() && verbs.add.is_empty() && !is_told
}

impl Op {
    fn of(rule: &Rule, is_first: bool) -> Option<Op> {
        let verbs = &rule.verbs;
        let is_plain = !verbs.touch_text();
        match &rule.target {
            Target::Field(Field::Country) if is_plain => Some(Op::Country),
            Target::Field(Field::Phones) if is_plain => Some(Op::Phone),
            Target::Field(Field::Emails) if is_plain => Some(Op::Email { is_lowered: false }),
            Target::Field(Field::Emails) if only_lowers(verbs) => Some(Op::Email { is_lowered: true }),
            Target::Field(Field::Phones | Field::Emails) => None,
            Target::Field(Field::Tags) if only_takes_tags(verbs) => Some(Op::Tags),
            Target::Field(field) if field.is_list() => only_splits(verbs).map(|by| Op::Split(*field, by)),
            Target::Field(field) if is_plain => Some(Op::Text(*field)),
            Target::Attribute(_) if is_plain && is_first => Some(Op::Attribute),
            Target::Field(_) | Target::Attribute(_) | Target::Column(_) => None,
        }
    }
}

fn only_lowers(verbs: &Verbs) -> bool {
    let Some(Case::Lower) = verbs.case else { return false };
    !Verbs { case: None, ..verbs.clone() }.touch_text()
}

fn only_takes_tags(verbs: &Verbs) -> bool {
    verbs.tags && !Verbs { tags: false, ..verbs.clone() }.touch_text()
}

/// What parts the tags of a cell, where they are parted by one sign alone and none of them is written in a way of its own.
pub(super) fn tags_parted_by(text: &str) -> Option<&'static str> {
    let has_own_ways = text.contains(['"', '\'', '*', ':', '“', '«']);
    let mut signs = [";", ",", "|"].into_iter().filter(|sign| text.contains(sign));
    let sign = signs.next().unwrap_or(";");
    (!has_own_ways && signs.next().is_none()).then_some(sign)
}

fn only_splits(verbs: &Verbs) -> Option<String> {
    let by = verbs.split.clone()?;
    (!Verbs { split: None, ..verbs.clone() }.touch_text()).then_some(by)
}

impl CompiledRule {
    /// Puts the value of a cell into the contact; whether that was all that had to be done.
    #[inline]
    pub(super) fn put_quickly<'b>(
        &'b self,
        quick: &'b Quick,
        cell: &'b str,
        context: &Context<'b>,
        draft: &mut Draft<'b>,
    ) -> bool {
        let text = trim(cell);
        if context.sight.is_blank(text) {
            return true;
        }
        if is_error_cell(text) {
            return false;
        }
        match &quick.op {
            Op::Text(field) => draft.set_unmarked(*field, nfc(Cow::Borrowed(text))),
            Op::Country => draft.set_unmarked(Field::Country, country(nfc(Cow::Borrowed(text)))),
            Op::Attribute => {
                let Target::Attribute(name) = &self.rule.target else { return false };
                let value = nfc(Cow::Borrowed(text));
                draft.contact.attributes.push(DraftAttribute { name: Cow::Borrowed(name), value });
            }
            Op::Split(..) | Op::Tags | Op::Phone if is_oversized_text(text) => return false,
            Op::Split(field, by) => return split(text, by, *field, draft),
            Op::Tags => return tags_parted_by(text).is_some_and(|by| split(text, by, Field::Tags, draft)),
            Op::Phone => {
                let Some(number) = self.one_phone(text, &context.checked) else { return false };
                self.put_field(Field::Phones, Val::One(Cow::Owned(number)), false, draft);
            }
            Op::Email { is_lowered } => {
                let text = if *is_lowered { lowered(text) } else { Some(Cow::Borrowed(text)) };
                let Some(address) = text.and_then(|text| self.one_email(text, &context.checked)) else { return false };
                self.put_field(Field::Emails, Val::One(address), false, draft);
            }
        }
        true
    }
}

/// In lower case, where that is simple.
pub(super) fn lowered(text: &str) -> Option<Cow<'_, str>> {
    let has_upper = text.bytes().any(|byte| byte.is_ascii_uppercase());
    text.is_ascii().then(|| if has_upper { Cow::Owned(text.to_ascii_lowercase()) } else { Cow::Borrowed(text) })
}

fn split<'b>(text: &'b str, by: &str, field: Field, draft: &mut Draft<'b>) -> bool {
    let Some(list) = draft.contact.list_mut(field) else { return false };
    let mut has_items = false;
    for item in pieces(text, by) {
        let item = nfc(Cow::Borrowed(item));
        has_items = true;
        if !is_among(field, &item, list) {
            list.push(item);
        }
    }
    if has_items {
        draft.unmark(field);
    }
    true
}

/// The filled pieces of a text, trimmed. Nearly every separator is one byte.
pub(super) fn pieces<'c>(text: &'c str, by: &str) -> impl Iterator<Item = &'c str> {
    let mut rest = Some(text);
    let piece = move || {
        let text = rest?;
        let at = match by.as_bytes() {
            [byte] => memchr::memchr(*byte, text.as_bytes()),
            _ => text.find(by),
        };
        let (piece, behind) = match at {
            Some(at) => (text.get(..at)?, text.get(at + by.len()..)),
            None => (text, None),
        };
        rest = behind;
        Some(trim(piece))
    };
    std::iter::from_fn(piece).filter(|piece| !piece.is_empty())
}

#[cfg(test)]
pub(super) mod tests {
    use crate::contact::ContactView;
    use crate::mapping::{BindOptions, Drafted, Mapping, Program};
    use crate::record::{Fields, Header, Origin, Record, Row};
    use std::path::Path;

    const PAGE: &str = "read: { blanks: [\"-\"] }\nphone_region: { from: R }\ncontact: { first_name: A, notes: A, \
        phone: { from: A, otherwise: blank }, email: { from: A, lower: true, otherwise: blank }, emails: { from: A, otherwise: blank }, \
        tags: { from: A, split: \";\" }, handles: { from: A, split: \",\" }, address: { country: A }, attributes: { Plan: A } }";

    /// Cells of every kind.
    pub(in crate::mapping) const CELLS: [&str; 53] = [
        "Ana",
        " Ana\t",
        "",
        " \u{a0}",
        "-",
        " - ",
        "#N/A",
        "Loading...",
        "Jose\u{301} ",
        "\u{feff}И\u{306}",
        "0991234567",
        "+593 99 123 4567",
        "099 123 4567 ext 5",
        "0991234567; 0987654321",
        "12",
        "099-CALL",
        "Ana@Example.COM",
        "ana@example.com",
        "ANA@example.com, b@x.org",
        "ana@",
        "Ána@ejemplo.es",
        "a..b@x.com",
        "a@b.c",
        "a@1.22",
        "a@-b.co",
        "a@b-.co",
        ".a@b.co",
        "a@b.co.",
        "Ana <ana@example.com>",
        "a;b; a ;;Jose\u{301};José",
        ";",
        " ; - ",
        "a,b;a",
        "EC",
        "ec",
        "Ecuador",
        "593",
        "Эквадор",
        "Narnia",
        "e\u{301}",
        "tel: 099 123 4567",
        "tel:+593.99.123.4567",
        "\t02.255.5000\u{a0}",
        "099*1234567",
        "ANA_B+c@Mail.Example.COM",
        "Ana@Éxample.com",
        "a\\b\"\t\u{1}",
        "a\"\u{65}\u{301}",
        "a|b| a",
        "a, b,, a",
        "'a';\"b\"",
        "a ::: * myContacts",
        "«a»|b",
    ];

    pub(in crate::mapping) fn program(page: &str) -> Program {
        let Ok(mapping) = Mapping::parse(page, Path::new("m.yaml")) else { panic!("the mapping is sound") };
        let header = Header::Columns(vec!["A".to_owned(), "R".to_owned()]);
        let Ok(program) = mapping.bind(&header, &BindOptions::default()) else { panic!("the columns are there") };
        program
    }

    /// The contact, its marks and the problems, as text.
    fn told(program: &Program, cell: &str) -> String {
        let fields = Fields::Row(Row::from_cells([cell, "EC"]));
        let record = Record { origin: Origin::default(), fields, raw: Box::default() };
        match program.draft(&record) {
            Drafted::Contact(draft) => {
                let mut json = Vec::new();
                (&draft.contact as &dyn ContactView).write_json(&mut json);
                format!("{} {:?}", String::from_utf8_lossy(&json), draft.marks)
            }
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_rule_that_is_done_quickly_gives_what_the_general_way_gives() {
        let quick = program(PAGE);
        let mut general = program(PAGE);
        assert_eq!(quick.rules.iter().filter(|rule| rule.quick.is_some()).count(), 9);
        general.rules.iter_mut().for_each(|rule| rule.quick = None);
        for cell in CELLS {
            assert_eq!(told(&quick, cell), told(&general, cell), "{cell:?}");
        }
        let long = "a;".repeat(40_000);
        assert_eq!(told(&quick, &long), told(&general, &long));
    }

    #[test]
    fn rules_by_names_are_done_quickly_too() {
        for name in ["First Name", "Phone", "Email", "Tags", "Plan"] {
            let header = Header::Columns(vec![name.to_owned(), "Country".to_owned()]);
            let mapping = Mapping::by_names(&header).mapping;
            let bind = || mapping.bind(&header, &BindOptions::default()).unwrap_or_else(|_| panic!("{name}"));
            let (quick, mut general) = (bind(), bind());
            assert!(quick.rules.iter().all(|rule| rule.quick.is_some()), "{name}");
            general.rules.iter_mut().for_each(|rule| rule.quick = None);
            for cell in CELLS {
                assert_eq!(told(&quick, cell), told(&general, cell), "{name}: {cell:?}");
            }
        }
    }
}
