//! A suggestion as a mapping: YAML with a comment on each decision, which says how sure it is, why, and what else it could
//! be. What is not sure enough is a comment, not a rule.

use super::asked::{Attributes, RULE_MIN};
use super::suggestion::Suggestion;
use crate::contact::Field;
use crate::mapping::names::{Reason, Use};
use crate::mapping::phone::Region;
use crate::mapping::{FLAGS_SPLIT, FamilyFirst, flags_template};
use crate::profile::{Column, Separator, dates};
use crate::yaml::{fold, nearest, quoted, text};
use std::fmt::Write;

/// What a last name is where the target needs one and the record has none.
const LAST_NAME_BLANK: &str = "-";
/// Comments begin here, where the rule leaves room.
const COMMENT_AT: usize = 56;
/// Of a column's values, so many are named in a comment.
const VALUES_SHOWN: usize = 4;
/// The longest comment behind a rule.
const COMMENT_LEN_MAX: usize = 110;
/// Countries are named in which so many of a hundred numbers are valid.
const PERCENT_SHOWN: u64 = 50;
/// More columns are not named one by one.
const LEFT_OUT_MAX: usize = 60;

/// What the mapping is written for.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// The file, as typed.
    pub file: String,
    /// The connection, as typed.
    pub to: Option<String>,
    /// Where the mapping will stand, if that is known.
    pub out: Option<String>,
    /// How the file has to be read, as lines below `read:`.
    pub read: Vec<String>,
    /// The country of phones that was given for the run, which the mapping has to repeat.
    pub region: Option<Region>,
    /// Whether it has to do what a run without a mapping does, invalid values included.
    pub is_of_run: bool,
}

/// The mapping.
pub fn yaml(suggestion: &Suggestion, about: &About) -> String {
    let mut page = Page { suggestion, about, text: String::new() };
    page.head();
    page.region();
    page.contact();
    page.rest();
    page.text
}

/// A line of an attribute, and the comment behind it.
type Attribute = (String, String);

struct Page<'a> {
    suggestion: &'a Suggestion,
    about: &'a About,
    text: String,
}

impl Page<'_> {
    fn line(&mut self, indent: usize, rule: &str, comment: &str) {
        let rule = format!("{}{rule}", " ".repeat(indent));
        let comment = cut(&one_line(comment));
        let _ = match comment.is_empty() {
            true => writeln!(self.text, "{rule}"),
            false => writeln!(self.text, "{rule:<COMMENT_AT$}  # {comment}"),
        };
    }

    fn comment(&mut self, indent: usize, comment: &str) {
        let _ = writeln!(self.text, "{}# {}", " ".repeat(indent), one_line(comment));
    }

    fn name(&self, column: usize) -> &str {
        self.suggestion.names.get(column).map_or("", String::as_str)
    }

    fn column(&self, column: usize) -> Option<&Column> {
        self.suggestion.profile.columns.get(column)
    }

    fn head(&mut self) {
        let (file, records) = (&self.about.file, self.suggestion.profile.records);
        let out = self.about.out.as_deref().unwrap_or("MAPPING.yaml");
        let to = self.about.to.as_ref().map(|to| format!(" --to {to}")).unwrap_or_default();
        let layout = self.suggestion.vendor.map(|vendor| format!(", a file of {}", vendor.name)).unwrap_or_default();
        let records = if records == 1 { "1 record".to_owned() } else { format!("{records} records") };
        let text = format!("suggested from {records} of {file}{layout}. Check it: ferry map check {out} {file}{to}");
        self.comment(0, &text);
        self.line(0, "version: 1", "");
        if !self.about.read.is_empty() {
            self.line(0, "read:", "");
            for rule in self.about.read.clone() {
                self.line(2, &rule, "");
            }
        }
    }

    fn region(&mut self) {
        let suggestion = self.suggestion;
        let region = &suggestion.region;
        let names: Vec<String> = suggestion.decisions.regions.iter().map(|column| quoted(self.name(*column))).collect();
        let has_phones = !suggestion.decisions.phones.is_empty();
        let default = region.default_region().or(self.about.region);
        let found = region.found.as_ref().filter(|_| region.default_region().is_some());
        let why = found.map(|(found, sure, why)| format!("{} %: {}, because {why}", percent(*sure), found.name()));
        let why = why.or(self.about.region.map(|_| "as it was given".to_owned()));
        if has_phones && !names.is_empty() {
            let from = if names.len() == 1 { names.concat() } else { format!("[{}]", names.join(", ")) };
            let (default, why) = match (default, why) {
                (Some(region), Some(why)) => {
                    (format!(", default: {}", region.code()), format!("{why}, where it is blank"))
                }
                _ => (String::new(), String::new()),
            };
            self.line(0, &format!("phone_region: {{ from: {from}{default} }}"), &why);
        } else if let (true, Some(region), Some(why)) = (has_phones, default, why) {
            self.line(0, &format!("phone_region: {}", region.code()), &why);
        }
        if has_phones && region.is_needed && default.is_none() && region.given.is_none() {
            self.region_wanted();
        }
    }

    /// Phones need a country, and the file does not show which.
    fn region_wanted(&mut self) {
        let region = &self.suggestion.region;
        let valid = |(region, percent): &(Region, u64)| {
            format!("{} ({}), in which {percent} % are valid", region.name(), region.code())
        };
        let candidates: Vec<String> =
            region.candidates.iter().filter(|(_, percent)| *percent >= PERCENT_SHOWN).map(valid).collect();
        let perhaps = match candidates.is_empty() {
            true => String::new(),
            false => format!("; perhaps {}", candidates.join(", or ")),
        };
        let text = match region.likely() {
            Some((found, why)) => {
                format!(
                    "phones without a country code need a country; the file looks like {}, because {why}",
                    found.name()
                )
            }
            None => format!("phones without a country code need a country, which the file does not show{perhaps}"),
        };
        let candidate = region.candidates.first().filter(|(_, percent)| *percent >= PERCENT_SHOWN);
        let likely = region.likely().map(|(found, _)| found).or(candidate.map(|(region, _)| *region));
        let code = likely.map_or("EC", |region| region.code());
        self.comment(0, &text);
        self.comment(0, &format!("phone_region: {code}"));
    }

    fn contact(&mut self) {
        self.line(0, "contact:", "");
        let length = self.text.len();
        self.person();
        self.phones();
        self.list(Field::Emails, "email");
        self.list(Field::Handles, "handles");
        self.list(Field::Tags, "tags");
        self.flags();
        self.group("address", &[Field::Street, Field::City, Field::State, Field::Zip, Field::Country]);
        self.group("document", &[Field::DocumentType, Field::DocumentNumber]);
        self.group("owner", &[Field::OwnerId, Field::OwnerName, Field::OwnerEmail]);
        for field in [Field::Notes, Field::Id, Field::TargetId, Field::CreatedAt, Field::UpdatedAt] {
            self.single(2, field, field.name());
        }
        self.attributes();
        if self.text.len() == length {
            self.line(2, "attributes: {}", "no column was understood; name the columns here");
        }
    }

    fn of(&self, wanted: Use) -> Option<usize> {
        self.suggestion.decisions.uses.iter().position(|used| *used == wanted)
    }

    /// A column of whole names that begin with the family name.
    fn family_first(&mut self, found: FamilyFirst, needs_last: bool) {
        let name = quoted(self.name(found.column));
        for (field, default) in
            [(Field::FirstName, ""), (Field::LastName, if needs_last { LAST_NAME_BLANK } else { "" })]
        {
            let (pattern, with) = found.pattern(field);
            let default = if default.is_empty() { String::new() } else { format!(", default: \"{default}\"") };
            let (pattern, with) = (text(&pattern), text(with));
            let rule = format!("{}: {{ from: {name}, match: {pattern}, with: {with}{default} }}", field.name());
            self.line(2, &rule, &format!("{}, the family name first", self.why(found.column)));
        }
    }

    fn person(&mut self) {
        let needs_last = self.suggestion.names_target().is_some_and(|target| target.needs_last_name);
        if let Some(found) = self.suggestion.family_first {
            return self.family_first(found, needs_last);
        }
        self.single(2, Field::FirstName, "first_name");
        let last = self.of(Use::Field(Field::LastName));
        match (last, needs_last) {
            (Some(column), true) => {
                let rule =
                    format!("last_name: {{ from: {}, default: \"{LAST_NAME_BLANK}\" }}", quoted(self.name(column)));
                self.line(2, &rule, &self.why(column));
            }
            (None, true) => {
                let title = self.suggestion.names_target().map(|target| target.title.to_owned()).unwrap_or_default();
                let rule = format!("last_name: {{ default: \"{LAST_NAME_BLANK}\" }}");
                self.line(2, &rule, &format!("{title} needs one; it fills what a name of one word leaves blank"));
            }
            (_, false) => self.single(2, Field::LastName, "last_name"),
        }
        self.single(2, Field::FullName, "full_name");
        let Some(whole) = self.of(Use::Spare) else { return };
        let parts: Vec<String> = [Field::FirstName, Field::LastName]
            .into_iter()
            .filter_map(|field| self.of(Use::Field(field)))
            .map(|column| format!("not {}", in_template(self.name(column))))
            .collect();
        let value = match parts.is_empty() {
            true => format!("{{{{ {} }}}}", in_template(self.name(whole))),
            false => {
                let whole = in_template(self.name(whole));
                format!("{{% if {} %}}{{{{ {whole} }}}}{{% endif %}}", parts.join(" and "))
            }
        };
        let rule = format!("full_name: {{ value: {} }}", text(&value));
        self.line(2, &rule, "used where first and last name are blank");
    }

    fn single(&mut self, indent: usize, field: Field, key: &str) {
        if let Some(column) = self.of(Use::Field(field)) {
            self.line(indent, &format!("{key}: {}", quoted(self.name(column))), &self.why(column));
        }
    }

    fn phones(&mut self) {
        let decisions = &self.suggestion.decisions;
        let phones: Vec<(usize, Option<usize>)> = decisions.phones.clone();
        let is_own = phones.iter().any(|(column, _)| self.name(*column) == "phones");
        let named = if is_own { phones.len() } else { decisions.phones_first.min(phones.len()) };
        let (first, others) = phones.split_at_checked(named).unwrap_or((&phones, &[]));
        if !first.is_empty() {
            self.phone_rule("phone", first, false);
        }
        if !others.is_empty() {
            let holds_several = |column: &Column| column.separated.iter().any(|n| *n > 0);
            let is_ordered =
                others.len() > 1 || others.iter().any(|(column, _)| self.column(*column).is_some_and(holds_several));
            self.phone_rule(if first.is_empty() { "phone" } else { "phones" }, others, is_ordered);
        }
    }

    fn phone_rule(&mut self, key: &str, columns: &[(usize, Option<usize>)], is_ordered: bool) {
        let names: Vec<String> = columns.iter().map(|(column, _)| quoted(self.name(*column))).collect();
        let types: Vec<String> = columns
            .iter()
            .filter_map(|(column, label)| {
                Some(format!("{}: {}", quoted(self.name(*column)), quoted(self.name((*label)?))))
            })
            .collect();
        let mut verbs = vec![match names.as_slice() {
            [name] => format!("from: {name}"),
            names => format!("all: [{}]", names.join(", ")),
        }];
        if is_ordered {
            verbs.push("mobile_first: true".to_owned());
        }
        if !types.is_empty() {
            verbs.push(format!("types: {{ {} }}", types.join(", ")));
        }
        self.checked_rule(key, verbs, columns.iter().map(|(column, _)| *column).collect());
    }

    /// A rule of phones or e-mails. Where a person suggested it, an invalid value does not cost the contact.
    fn checked_rule(&mut self, key: &str, mut verbs: Vec<String>, columns: Vec<usize>) {
        if !self.about.is_of_run {
            verbs.push("otherwise: blank".to_owned());
        }
        let why: Vec<String> = columns.iter().map(|column| self.why(*column)).collect();
        let why = match columns.as_slice() {
            [column] => self.why(*column),
            several => {
                let named = several.iter().zip(&why).map(|(column, why)| format!("{} {why}", self.name(*column)));
                named.take(2).collect::<Vec<_>>().join("; ")
            }
        };
        let only = match verbs.as_slice() {
            [only] => only.strip_prefix("from: "),
            _ => None,
        };
        let rule = match only {
            Some(name) => format!("{key}: {name}"),
            None => format!("{key}: {{ {} }}", verbs.join(", ")),
        };
        self.line(2, &rule, &why);
    }

    /// Columns that are each a tag.
    fn flags(&mut self) {
        let flags = self.suggestion.flags();
        if flags.is_empty() {
            return;
        }
        let value = flags_template(&flags);
        let rule = format!("tags: {{ value: {}, split: \"{FLAGS_SPLIT}\" }}", text(&value));
        self.line(2, &rule, "each of these columns is a tag, which a contact has where the cell is not blank or 0");
    }

    fn list(&mut self, field: Field, key: &str) {
        let columns: Vec<usize> = self.suggestion.decisions.of_field(field).collect();
        if columns.is_empty() {
            return;
        }
        let names: Vec<String> = columns.iter().map(|column| quoted(self.name(*column))).collect();
        let mut verbs = vec![match names.as_slice() {
            [name] => format!("from: {name}"),
            names => format!("all: [{}]", names.join(", ")),
        }];
        match field {
            Field::Emails => return self.checked_rule(key, verbs, columns),
            Field::Handles => verbs.push("split: \";\"".to_owned()),
            _ => verbs.push(match self.suggestion.tags_split() {
                Some(split) => format!("split: \"{split}\""),
                None => "list: true".to_owned(),
            }),
        }
        let values: Vec<String> = columns.iter().filter_map(|column| self.values(*column)).collect();
        let why = columns.first().map(|column| self.why(*column)).unwrap_or_default();
        let why = if values.is_empty() { why } else { format!("{why}: {}", values.join("; ")) };
        self.line(2, &format!("{key}: {{ {} }}", verbs.join(", ")), &why);
    }

    /// The commonest values, where there are few.
    fn values(&self, column: usize) -> Option<String> {
        let mut values: Vec<(&String, &u64)> = self.column(column)?.values.as_ref()?.iter().collect();
        values.sort_by(|one, other| other.1.cmp(one.1).then(one.0.cmp(other.0)));
        let shown = values.iter().take(VALUES_SHOWN).map(|(value, n)| format!("{value} {n}"));
        Some(shown.collect::<Vec<_>>().join(", "))
    }

    fn group(&mut self, group: &str, fields: &[Field]) {
        if fields.iter().all(|field| self.of(Use::Field(*field)).is_none()) {
            return;
        }
        self.line(2, &format!("{group}:"), "");
        for field in fields {
            let key = field.name().rsplit('.').next().unwrap_or_default();
            self.single(4, *field, key);
        }
    }

    fn attributes(&mut self) {
        let columns: Vec<usize> = self
            .suggestion
            .decisions
            .uses
            .iter()
            .enumerate()
            .filter(|(at, used)| matches!(used, Use::Attribute(_)) && !self.name(*at).trim().is_empty())
            .filter(|(at, _)| !self.suggestion.flag_columns.iter().any(|(column, _)| column == at))
            .map(|(at, _)| at)
            .collect();
        let (mut rules, mut wanted) = (Vec::<Attribute>::new(), Vec::<Attribute>::new());
        for column in columns {
            if self.column(column).is_none_or(|column| column.filled == 0) {
                wanted.push((String::new(), format!("{}: blank in the records that were read", self.name(column))));
                continue;
            }
            let (is_rule, key, note) = self.attribute_of(column);
            let rule = format!("{}: {}", quoted(&key), self.attribute_value(column));
            let note =
                [self.perhaps(column), note].into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join("; ");
            if is_rule { &mut rules } else { &mut wanted }.push((rule, note));
        }
        if !rules.is_empty() {
            self.line(2, "attributes:", "");
        } else if wanted.iter().any(|(rule, _)| !rule.is_empty()) {
            self.comment(2, "attributes:");
        }
        for (rule, note) in &rules {
            self.line(4, rule, note);
        }
        for (rule, note) in &wanted {
            let both = if rule.is_empty() { note.clone() } else { format!("{rule:<48}  # {note}") };
            self.comment(4, &both);
        }
    }

    /// Whether a column becomes an attribute, its name there, and what there is to say.
    fn attribute_of(&self, column: usize) -> (bool, String, String) {
        let name = self.name(column).trim();
        let name = name.strip_prefix("attributes.").unwrap_or(name).to_owned();
        let Some(target) = &self.suggestion.target else { return (true, name, String::new()) };
        match &target.attributes {
            Attributes::Any => (true, name, String::new()),
            Attributes::None => (false, name, format!("{} has no custom attributes", target.title)),
            Attributes::Defined(known) => {
                let same = known.iter().find(|known| fold(known) == fold(&name));
                let found = same.map(String::as_str).or_else(|| nearest(&name, known.iter().map(String::as_str)));
                match found.filter(|found| same.is_some() || found.chars().count() > 5) {
                    Some(found) => (true, found.to_owned(), "an attribute of the account".to_owned()),
                    None => {
                        (false, name, format!("{} has no such attribute; `--create-attributes` makes it", target.title))
                    }
                }
            }
        }
    }

    fn attribute_value(&self, column: usize) -> String {
        let name = quoted(self.name(column));
        match self.suggestion.dates.get(column).copied().flatten() {
            Some((format, true)) => {
                format!("{{ from: {name}, date: \"{}\", otherwise: keep }}", dates::format(format))
            }
            _ => name,
        }
    }

    /// What else a column could be.
    fn perhaps(&self, column: usize) -> String {
        let reasons = self.suggestion.why(column).1.join(", ");
        let dates = match self.suggestion.dates.get(column).copied().flatten() {
            Some((format, false)) => {
                let other = dates::other_order(format).map_or("", dates::format);
                format!("dates as {} or {other}: no value tells which", dates::format(format))
            }
            _ => String::new(),
        };
        let field = match self.suggestion.perhaps(column) {
            Some((field, sure)) if sure < RULE_MIN => format!("perhaps {field}, {} %", percent(sure)),
            _ => String::new(),
        };
        let parts = [field, reasons, dates].into_iter().filter(|part| !part.is_empty());
        parts.collect::<Vec<_>>().join(": ")
    }

    fn why(&self, column: usize) -> String {
        let (sure, reasons) = self.suggestion.why(column);
        let holds = self.column(column).map(separated).unwrap_or_default();
        format!("{} %: {}{holds}", percent(sure), reasons.join(", "))
    }

    fn rest(&mut self) {
        let reason = |used: &Use| match used {
            Use::LeftOut(Reason::Label) => Some("the type of its neighbour"),
            Use::LeftOut(Reason::OwnId) => Some("an id of the exporting system"),
            Use::LeftOut(Reason::Counter) => Some("the number of the row"),
            Use::LeftOut(Reason::System) => Some("kept by the exporting system for itself"),
            _ => None,
        };
        let uses = self.suggestion.decisions.uses.iter().enumerate();
        let left: Vec<String> =
            uses.filter_map(|(at, used)| Some(format!("{}: {}", self.name(at), reason(used)?))).collect();
        if !left.is_empty() {
            self.comment(0, "left out:");
            left.iter().take(LEFT_OUT_MAX).for_each(|left| self.comment(2, left));
        }
        for consent in self.suggestion.consents() {
            self.comment(0, &consent.said);
            self.comment(0, &format!("only_if: {}", text(&consent.only_if)));
        }
        for needs in self.suggestion.missing() {
            let names: Vec<&str> = needs.iter().map(|field| field.name()).collect();
            let title = self.suggestion.names_target().map(|target| target.title.to_owned()).unwrap_or_default();
            self.comment(0, &format!("{title} needs {}, and no column of the file gives it", names.join(" or ")));
        }
        self.line(0, "unmapped: ignore", "");
    }
}

/// What parts the items of a column's cells.
fn separated(column: &Column) -> String {
    let signs = column.separated.iter().zip(Separator::ALL).filter(|(n, _)| **n * 20 >= column.filled && **n > 0);
    let signs: Vec<String> = signs.map(|(_, (_, sign))| format!("`{}`", sign.escape_debug())).collect();
    if signs.is_empty() || column.several == 0 { String::new() } else { format!(", several at {}", signs.join(" ")) }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(COMMENT_LEN_MAX) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default().trim_end()),
        None => text.to_owned(),
    }
}

fn percent(sure: f64) -> u64 {
    (sure * 100.0).floor() as u64
}

fn one_line(text: &str) -> String {
    text.split(['\n', '\r']).collect::<Vec<_>>().join(" ").chars().filter(|c| !c.is_control()).collect()
}

/// A name of the source within a template.
fn in_template(name: &str) -> String {
    format!("row[{}]", serde_json::Value::from(name))
}
