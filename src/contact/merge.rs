//! Merging the records of one contact (contract 3.4): in file order, and every value that is replaced is listed.

use super::{Contact, FIELDS, Field, LeftBlank, Overwrite, Wanted, is_among};

/// The code of a value that a later record of its contact has replaced.
const REPLACED: &str = "duplicate.replaced";

/// A contact that several records make.
///
/// ```
/// use ferry::contact::{Field, Merged, Wanted};
///
/// let of = |name: &str| {
///     let mut wanted = Wanted::default();
///     wanted.contact.set_text(Field::FirstName, name);
///     wanted
/// };
/// let mut merged = Merged::new(of("Ana"), 2);
/// merged.add(of("Anna"), 5);
/// let wanted = merged.into_wanted();
/// assert_eq!(wanted.contact.text(Field::FirstName), Some("Anna"));
/// assert_eq!((wanted.left_blank[0].line, wanted.left_blank[0].value.as_str()), (2, "Ana"));
/// ```
#[derive(Clone, Debug)]
pub struct Merged {
    wanted: Wanted,
    /// The line of the first record.
    line: u64,
    /// The lines of values that later records brought, by their fields.
    lines: Vec<(String, u64)>,
}

impl Merged {
    /// The first record, and its line.
    pub fn new(wanted: Wanted, line: u64) -> Merged {
        Merged { wanted, line, lines: Vec::new() }
    }

    /// A later record, and its line.
    pub fn add(&mut self, later: Wanted, line: u64) {
        let before = Wanted { left_blank: Vec::new(), ..self.wanted.clone() };
        self.wanted.merge(later);
        let mut replaced = Vec::new();
        for (field, old, is_default) in values(&before) {
            let new = value(&self.wanted.contact, &field);
            if !is_default && new.is_some_and(|new| new.trim() != old.trim()) {
                let line = self.line_of(&field);
                replaced.push(LeftBlank { line, column: Some(field), code: REPLACED.into(), value: old.to_owned() });
            }
        }
        let is_news = |(field, new, _): &(String, &str, bool)| value(&before.contact, field) != Some(*new);
        let news: Vec<String> = values(&self.wanted).filter(is_news).map(|(field, ..)| field).collect();
        self.lines.retain(|(known, _)| !news.contains(known));
        self.lines.extend(news.into_iter().map(|field| (field, line)));
        self.wanted.left_blank.append(&mut replaced);
    }

    /// The contact as all its records make it.
    pub fn into_wanted(self) -> Wanted {
        self.wanted
    }

    fn line_of(&self, field: &str) -> u64 {
        self.lines.iter().find(|(known, _)| known == field).map_or(self.line, |(_, line)| *line)
    }
}

/// The single values of a contact, by their fields, and whether each is a default. Lists are joined, so that nothing
/// of them is replaced.
fn values(wanted: &Wanted) -> impl Iterator<Item = (String, &str, bool)> {
    let texts = FIELDS.into_iter().filter_map(|(field, name)| {
        let text = wanted.contact.text(field)?;
        Some((name.to_owned(), text, wanted.defaults.has(field)))
    });
    let attributes = wanted.contact.attributes.iter().filter(|attribute| !attribute.value.is_empty());
    texts.chain(attributes.map(|attribute| {
        let is_default = wanted.default_attributes.contains(&attribute.name);
        (format!("attributes.{}", attribute.name), attribute.value.as_str(), is_default)
    }))
}

fn value<'a>(contact: &'a Contact, field: &str) -> Option<&'a str> {
    match field.strip_prefix("attributes.") {
        Some(name) => contact.attribute(name),
        None => contact.text(Field::named(field)?),
    }
}

impl Wanted {
    /// Merges a later record into this one: a later value that is not blank wins, lists are joined.
    /// A value that only fills gives way to one that does not, and a default to any that a source has.
    fn merge(&mut self, mut later: Wanted) {
        self.left_blank.append(&mut later.left_blank);
        std::mem::take(&mut later.not_carried).into_iter().for_each(|name| self.left_out(name));
        for (field, _) in FIELDS {
            self.merge_field(field, &later);
        }
        self.force.0 |= later.force.0;
        for attribute in later.contact.attributes.iter() {
            let name = &attribute.name;
            let (mine, theirs) = (self.attribute_overwrite(name), later.attribute_overwrite(name));
            let have = self.contact.attribute(name).is_some_and(|value| !value.is_empty());
            if have && theirs != Overwrite::Update && mine == Overwrite::Update {
                continue;
            }
            if have && theirs == Overwrite::Clear {
                continue;
            }
            let is_default = later.default_attributes.contains(name);
            if have && is_default && !self.default_attributes.contains(name) {
                continue;
            }
            self.default_attributes.retain(|known| known != name);
            self.default_attributes.extend(is_default.then(|| name.clone()));
            self.contact.set_attribute(name.clone(), attribute.value.as_str());
            let is_forced = self.is_attribute_forced(name) || later.is_attribute_forced(name);
            self.attribute_overwrite.retain(|(known, _)| known != name);
            if theirs != Overwrite::Update || is_forced {
                self.attribute_overwrite.push((name.clone(), theirs));
            }
        }
    }

    fn merge_field(&mut self, field: Field, later: &Wanted) {
        if !later.contact.has(field) {
            if later.clear.has(field) && !self.contact.has(field) && !self.has_left_out(field) {
                self.clear.insert(field);
            }
            return;
        }
        let had = self.contact.has(field);
        let (mine_fills, theirs_fills) = (self.fill.has(field), later.fill.has(field));
        let is_default = later.defaults.has(field);
        if had && is_default && !self.defaults.has(field) {
            return;
        }
        if field.is_list() {
            let later = later.contact.list(field);
            let list = self.contact.list_mut(field);
            if had && theirs_fills && !mine_fills {
                return;
            }
            if had && mine_fills && !theirs_fills {
                // A default gives way to what a source has.
                list.clear();
            }
            if matches!(field, Field::Phones | Field::Emails) && !theirs_fills {
                // The first of them is `phone` and `email`: of those, too, a later one wins.
                list.retain(|item| !is_among(field, item, later));
                list.splice(0..0, later.iter().cloned());
            } else {
                let news: Vec<String> = later.iter().filter(|item| !is_among(field, item, list)).cloned().collect();
                list.extend(news);
            }
        } else if let Some(text) = later.contact.text(field) {
            if had && theirs_fills && !mine_fills {
                return;
            }
            self.contact.set_text(field, text);
        }
        self.clear.remove(field);
        match is_default {
            true if !had => self.defaults.insert(field),
            true => {}
            false => self.defaults.remove(field),
        }
        if !theirs_fills {
            self.fill.remove(field);
        } else if !had {
            self.fill.insert(field);
        }
    }

    /// Whether a value of this field was left out because it is invalid: it never clears.
    fn has_left_out(&self, field: Field) -> bool {
        let codes = match field {
            Field::Phones => ["phone.invalid", "phone.region"],
            Field::Emails => ["email.invalid", ""],
            _ => return false,
        };
        self.left_blank.iter().any(|left| codes.contains(&&*left.code))
    }
}
