//! What a mapping by column names does, in words: a few lines, and one line for each column with `-v`.

use super::decided::Decided;
use crate::contact::Field;
use crate::mapping::names::{Because, Decisions, Reason, Use, first_name_of};

/// More columns of one kind than this are counted, not named: they are kept under their names anyway.
const KEPT_MAX: usize = 12;
/// The same for what is left out, which has to be named.
const LEFT_OUT_MAX: usize = 100;

/// Where the contacts go, as far as it matters for a mapping by names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamesTarget<'a> {
    /// What the platform is called.
    pub title: &'a str,
    /// Whether it refuses a contact without a last name.
    pub needs_last_name: bool,
}

/// The plan of a mapping by column names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamesPlan {
    brief: Vec<String>,
    every: Vec<String>,
    is_recognised: bool,
}

impl NamesPlan {
    pub(super) fn new(decided: &Decided<'_>, target: Option<NamesTarget<'_>>) -> NamesPlan {
        let writer = Writer { names: decided.names, decisions: decided.decisions, decided, target };
        NamesPlan { brief: writer.brief(), every: writer.every(), is_recognised: writer.is_recognised() }
    }

    /// A few lines: which columns are which field, which become attributes, what is left out and why.
    pub fn lines(&self) -> &[String] {
        &self.brief
    }

    /// A line a column: `First Name → first_name`.
    pub fn every_column(&self) -> &[String] {
        &self.every
    }

    /// Whether any column is a name, a phone, an e-mail or the id at the target.
    pub fn is_recognised(&self) -> bool {
        self.is_recognised
    }
}

struct Writer<'a> {
    names: &'a [String],
    decisions: &'a Decisions,
    decided: &'a Decided<'a>,
    target: Option<NamesTarget<'a>>,
}

impl Writer<'_> {
    fn columns(&self) -> impl Iterator<Item = (&str, Use)> + '_ {
        self.names.iter().map(String::as_str).zip(self.decisions.uses.iter().copied()).filter(|(name, _)| is_told(name))
    }

    fn name(&self, column: usize) -> &str {
        self.names.get(column).map_or("", String::as_str)
    }

    fn is_recognised(&self) -> bool {
        use Field::{Emails, FirstName, FullName, LastName, Phones, TargetId};
        let is_known = |used: &Use| match used {
            Use::Field(field) => matches!(field, FirstName | LastName | FullName | Phones | Emails | TargetId),
            Use::Spare => true,
            Use::Attribute(_) | Use::LeftOut(_) => false,
        };
        self.decisions.uses.iter().any(is_known)
    }

    fn brief(&self) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        lines.extend(self.taken());
        lines.extend(self.family_first());
        lines.extend(self.spare());
        lines.extend(self.kept());
        lines.extend(self.seconds());
        lines.extend(self.other_addresses());
        for (reason, why) in [
            (Reason::Label, "only say of which type their neighbours are"),
            (Reason::OwnId, "ids of the exporting system"),
            (Reason::Counter, "numbers of rows"),
            (Reason::System, "kept by the exporting system for itself"),
        ] {
            let columns: Vec<&str> = self.of(|used| used == Use::LeftOut(reason)).collect();
            lines.extend(listed(&columns, LEFT_OUT_MAX).map(|columns| format!("left out ({why}): {columns}")));
        }
        lines.extend(self.read_only());
        lines.extend(self.tags());
        lines.extend(self.dates());
        lines.extend(self.region());
        lines.extend(self.last_name());
        lines
    }

    fn of<'b>(&'b self, wanted: impl Fn(Use) -> bool + 'b) -> impl Iterator<Item = &'b str> + 'b {
        self.columns().filter(move |(_, used)| wanted(*used)).map(|(name, _)| name)
    }

    /// The fields, each with the columns that it is taken from.
    fn taken(&self) -> Option<String> {
        let mut fields: Vec<(Field, Vec<&str>)> = Vec::new();
        for (name, used) in self.columns() {
            let Use::Field(field) = used else { continue };
            match fields.iter_mut().find(|(known, _)| *known == field) {
                Some((_, columns)) => columns.push(name),
                None => fields.push((field, vec![name])),
            }
        }
        let shown = |(field, columns): (Field, Vec<&str>)| {
            let columns = match field {
                Field::Phones => self.decisions.phones.iter().map(|(column, _)| self.name(*column)).collect(),
                _ => columns,
            };
            let columns: Vec<String> = columns.into_iter().map(quoted).collect();
            format!("{} → {}", columns.join(" + "), first_name_of(field))
        };
        let fields: Vec<String> = fields.into_iter().map(shown).collect();
        (!fields.is_empty()).then(|| fields.join(", "))
    }

    fn family_first(&self) -> Option<String> {
        let name = quoted(self.name(self.decided.family_first?.column));
        Some(format!("{name} begins with the family name: it is split into last_name and first_name"))
    }

    fn spare(&self) -> Option<String> {
        let whole = self.of(|used| used == Use::Spare).next()?;
        let whole = quoted(whole);
        Some(format!(
            "{whole} is used where first and last name are blank; where it differs from them, it is an attribute"
        ))
    }

    fn kept(&self) -> Option<String> {
        let columns: Vec<&str> =
            self.of(|used| matches!(used, Use::Attribute(Because::Unknown | Because::Company))).collect();
        listed(&columns, KEPT_MAX).map(|columns| format!("attributes: {columns}"))
    }

    fn seconds(&self) -> Option<String> {
        let shown = self.columns().filter_map(|(name, used)| match used {
            Use::Attribute(Because::Second(field, first)) => {
                let (name, first) = (quoted(name), quoted(self.name(first)));
                Some(format!("{name} ({} comes from {first})", first_name_of(field)))
            }
            _ => None,
        });
        let shown: Vec<String> = shown.collect();
        (!shown.is_empty()).then(|| format!("attributes, because the field is taken: {}", shown.join(", ")))
    }

    fn other_addresses(&self) -> Option<String> {
        let first = self.columns().find_map(|(_, used)| match used {
            Use::Attribute(Because::OtherAddress(first)) => Some(first),
            _ => None,
        })?;
        let columns: Vec<&str> = self.of(|used| matches!(used, Use::Attribute(Because::OtherAddress(_)))).collect();
        let columns = listed(&columns, KEPT_MAX)?;
        Some(format!("attributes, because the address comes from the group of {}: {columns}", quoted(self.name(first))))
    }

    /// Fields that say where a contact comes from: a file keeps them, a platform does not take them.
    fn read_only(&self) -> Option<String> {
        let target = self.target?;
        let is_read_only = |used| matches!(used, Use::Field(Field::Id | Field::CreatedAt | Field::UpdatedAt));
        let columns: Vec<&str> = self.of(is_read_only).collect();
        let columns = listed(&columns, LEFT_OUT_MAX)?;
        Some(format!("left out ({} sets them itself): {columns}", target.title))
    }

    fn tags(&self) -> Option<String> {
        self.of(|used| used == Use::Field(Field::Tags)).next()?;
        Some(
            "tags are split at `;`, `,`, `|` and ` ::: `; labels of the exporting system (`* myContacts`) are left out"
                .to_owned(),
        )
    }

    fn dates(&self) -> Option<String> {
        let columns: Vec<&str> = self.decided.dates.iter().map(|(column, _)| self.name(*column)).collect();
        listed(&columns, KEPT_MAX).map(|columns| format!("dates are written as `YYYY-MM-DD`: {columns}"))
    }

    fn region(&self) -> Option<String> {
        let columns: Vec<String> = self.decisions.regions.iter().map(|column| quoted(self.name(*column))).collect();
        let has_phones = !self.decisions.phones.is_empty();
        let default = self.decided.region.map(|region| format!("{} ({})", region.name(), region.code()));
        match (columns.is_empty(), default) {
            (false, None) => Some(format!("the country of phones comes from {}", columns.join(", else "))),
            (false, Some(region)) => {
                Some(format!("the country of phones comes from {}, else it is {region}", columns.join(", else ")))
            }
            (true, Some(region)) => Some(format!("phones without a country code are taken as numbers of {region}")),
            (true, None) => None,
        }
        .filter(|_| has_phones)
    }

    fn last_name(&self) -> Option<String> {
        let target = self.target.filter(|target| target.needs_last_name)?;
        Some(format!("a contact without a last name gets `-`, because {} needs one", target.title))
    }

    fn every(&self) -> Vec<String> {
        let shown = |(name, used): (&str, Use)| {
            let attribute = name.trim();
            let attribute = attribute.strip_prefix("attributes.").unwrap_or(attribute);
            let becomes = match used {
                Use::Field(field) => first_name_of(field).to_owned(),
                Use::Spare => format!("{} where its parts are blank", Field::FullName.name()),
                Use::Attribute(_) => format!("attributes.{attribute}"),
                Use::LeftOut(Reason::Label) => "left out: the type of its neighbour".to_owned(),
                Use::LeftOut(Reason::OwnId) => "left out: an id of the exporting system".to_owned(),
                Use::LeftOut(Reason::Counter) => "left out: the number of the row".to_owned(),
                Use::LeftOut(Reason::System) => "left out: kept by the exporting system for itself".to_owned(),
            };
            format!("{name} → {becomes}")
        };
        self.columns().map(shown).collect()
    }
}

/// Columns without a name are no part of a plan.
fn is_told(name: &str) -> bool {
    !name.trim().is_empty()
}

fn quoted(name: &str) -> String {
    format!("`{name}`")
}

/// The columns, at most so many by name.
fn listed(columns: &[&str], names_max: usize) -> Option<String> {
    let shown: Vec<String> = columns.iter().take(names_max).map(|name| quoted(name)).collect();
    let more = match columns.len().saturating_sub(names_max) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (!columns.is_empty()).then(|| format!("{}{more}", shown.join(", ")))
}
