//! What a column holds, in a few words and as data.

use super::Suggestion;
use crate::contact::Field;
use crate::mapping::phone::Region;
use crate::profile::{Column, Look, Profile, Separator, dates};
use std::collections::BTreeMap;

/// Countries that are named one by one.
const COUNTRIES_SHOWN: usize = 3;

/// What a column holds: its type, of so many values, and a detail.
pub struct Holding {
    /// `phone`, `date`, `text`.
    pub kind: &'static str,
    /// So many of its values.
    pub n: u64,
    /// Countries, formats, separators; blank where there is none.
    pub detail: String,
}

/// What the column at this place holds, by what was decided about it and what was counted of it.
pub fn holding(suggestion: &Suggestion, profile: &Profile, at: usize) -> Holding {
    let Some(column) = profile.columns.get(at) else {
        return Holding { kind: "blank", n: 0, detail: String::new() };
    };
    let field = suggestion.field_of(at);
    let format = suggestion.dates.get(at).copied().flatten();
    let valid = column.filled.saturating_sub(column.invalid.n);
    let holding = |kind: &'static str, n: u64, detail: String| Holding { kind, n, detail };
    match field {
        _ if column.filled == 0 => holding("blank", 0, String::new()),
        Some(Field::Phones) => holding("phone", valid, phones(column)),
        Some(Field::Emails) => holding("e-mail", valid, String::new()),
        Some(Field::FirstName) => holding("first name", column.filled, String::new()),
        Some(Field::LastName) => holding("last name", column.filled, String::new()),
        Some(Field::FullName) => holding("full name", column.filled, String::new()),
        Some(Field::Tags) => holding("tags", column.filled, separators(column)),
        Some(Field::Country) => holding("country", column.filled, countries(column)),
        Some(field @ (Field::Street | Field::City | Field::State | Field::Zip | Field::Notes)) => {
            holding(field.name().rsplit('.').next().unwrap_or_default(), column.filled, String::new())
        }
        _ => match format {
            Some((format, true)) => holding("date", valid, dates::format(format).to_owned()),
            Some((format, false)) => {
                let other = dates::other_order(format).map_or("", dates::format);
                holding("date", valid, format!("{} or {other}", dates::format(format)))
            }
            None => by_look(column),
        },
    }
}

fn by_look(column: &Column) -> Holding {
    const LOOKS: [(Look, &str); 9] = [
        (Look::Email, "e-mail"),
        (Look::Phone, "phone-like"),
        (Look::Date, "date"),
        (Look::Number, "number"),
        (Look::YesNo, "yes or no"),
        (Look::Url, "web address"),
        (Look::Hash, "id"),
        (Look::Broken, "error"),
        (Look::Text, "text"),
    ];
    let most = LOOKS.into_iter().max_by_key(|(look, _)| column.look(*look));
    let (look, kind) = most.unwrap_or((Look::Text, "text"));
    let n = column.look(look);
    let (different, _) = column.distinct.count();
    let detail = match look {
        _ if different == 1 && column.filled > 1 => "always the same".to_owned(),
        Look::Number if column.rises * 100 >= column.filled * 95 && column.filled > 4 => "counts up".to_owned(),
        _ => String::new(),
    };
    Holding { kind, n, detail }
}

fn phones(column: &Column) -> String {
    let mut countries: Vec<(&str, u64)> = column.phones.by_country.iter().map(|(code, n)| (*code, *n)).collect();
    countries.sort_by(|one, other| other.1.cmp(&one.1).then(one.0.cmp(other.0)));
    let more = countries.len().saturating_sub(COUNTRIES_SHOWN);
    let mut parts: Vec<String> =
        countries.iter().take(COUNTRIES_SHOWN).map(|(code, n)| format!("{code} {n}")).collect();
    if more > 0 {
        parts.push(format!("{more} more"));
    }
    let [mobile, _, fixed] = column.phones.by_type;
    let types = [(mobile, "mobile"), (fixed, "fixed")].into_iter().filter(|(n, _)| *n > 0);
    let types: Vec<String> = types.map(|(n, name)| format!("{n} {name}")).collect();
    let separator = if types.is_empty() || parts.is_empty() { "" } else { "; " };
    format!("{}{separator}{}", parts.join(", "), types.join(", "))
}

fn separators(column: &Column) -> String {
    let signs = column.separated.iter().zip(Separator::ALL).filter(|(n, _)| **n > 0);
    let signs: Vec<String> = signs.map(|(_, (_, sign))| format!("`{}`", sign.trim().escape_debug())).collect();
    if signs.is_empty() { String::new() } else { format!("split at {}", signs.join(" ")) }
}

fn countries(column: &Column) -> String {
    let Some(values) = &column.values else { return String::new() };
    let mut countries: BTreeMap<&str, u64> = BTreeMap::new();
    for (value, n) in values {
        *countries.entry(Region::named(value).map_or("unknown", Region::code)).or_default() += n;
    }
    let mut countries: Vec<(&str, u64)> = countries.into_iter().collect();
    countries.sort_by(|one, other| other.1.cmp(&one.1).then(one.0.cmp(other.0)));
    let shown: Vec<String> = countries.iter().take(COUNTRIES_SHOWN).map(|(code, n)| format!("{code} {n}")).collect();
    shown.join(", ")
}
