//! What the name of a value within a list or an object says: `phoneNumbers.value` is a phone, `phoneNumbers.type` its
//! label, `names.givenName` a first name, `tags.name` a tag.

use super::sense::{Meaning, Sense, meaning};
use super::words::Head;
use crate::contact::Field;
use crate::yaml::fold;

/// Parts that hold what their group is called after.
const VALUES: [&str; 21] = [
    "value",
    "values",
    "valor",
    "number",
    "numero",
    "nummer",
    "address",
    "e164",
    "normalized",
    "normalizednumber",
    "canonicalform",
    "formatted",
    "formattedvalue",
    "raw",
    "data",
    "text",
    "full",
    "display",
    "displayname",
    "content",
    "unstructuredname",
];
/// Parts that say of which type it is.
const LABELS: [&str; 9] = ["type", "label", "kind", "valuetype", "typeid", "formattedtype", "rel", "tipo", "category"];
/// Parts that say yes or no of it.
const FLAGS: [&str; 13] = [
    "primary",
    "isprimary",
    "main",
    "ismain",
    "default",
    "isdefault",
    "preferred",
    "ispreferred",
    "pref",
    "verified",
    "isverified",
    "valid",
    "confirmed",
];
/// What a tag is called by.
const TAGS: [&str; 4] = ["name", "title", "label", "slug"];

/// What a nested name says by its group; `None` where the group is nothing that a contact has several of.
pub(crate) fn nested(name: &str) -> Option<Meaning> {
    let (path, part) = name.rsplit_once('.')?;
    let group = group(path)?;
    let folded = fold(part);
    let part = folded.as_str();
    if FLAGS.contains(&part) {
        return Some(Meaning::Unknown);
    }
    let of_group = || Some(Meaning::Value(group));
    let of_part = |is_fit: fn(&Sense) -> bool| match meaning(part_of(name)) {
        Meaning::Value(sense) if is_fit(&sense) => Some(Meaning::Value(sense)),
        Meaning::Value(Sense { head: Head::Other(Field::Id), .. }) | Meaning::OwnId => Some(Meaning::OwnId),
        Meaning::Value(_) => Some(Meaning::Unknown),
        _ => None,
    };
    match group.head {
        Head::Tags if TAGS.contains(&part) || VALUES.contains(&part) => of_group(),
        Head::Tags => of_part(|_| false),
        Head::Phone | Head::Email if LABELS.contains(&part) => Some(Meaning::Label(group)),
        Head::Phone | Head::Email if VALUES.contains(&part) => of_group(),
        Head::Phone => of_part(|sense| sense.head == Head::Phone),
        Head::Email => of_part(|sense| sense.head == Head::Email),
        Head::Address if LABELS.contains(&part) => Some(Meaning::Label(group)),
        Head::Address if VALUES.contains(&part) => of_group(),
        Head::Address => of_part(Sense::is_address),
        _ if VALUES.contains(&part) => of_group(),
        _ => match part {
            "given" | "first" => Some(Meaning::Value(Sense { head: Head::First, ..group })),
            "family" | "last" => Some(Meaning::Value(Sense { head: Head::Last, ..group })),
            _ => of_part(|sense| is_name(sense.head)),
        },
    }
}

/// Whether a list of this name holds what a contact has, so that its elements have names.
pub(crate) fn is_list_of_contact(name: &str) -> bool {
    group(name).is_some() || is_of_company(part_of(name))
}

/// Whether a value lies within such a list, or within an object of that name.
pub(crate) fn is_in_list_of_contact(name: &str) -> bool {
    name.match_indices('.').any(|(at, _)| name.get(..at).is_some_and(is_list_of_contact))
}

/// Whether a list or an object of this name is about companies.
pub(crate) fn is_of_company(name: &str) -> bool {
    of_one_or_several(name) == Meaning::Company
}

/// Whether a contact has one value only of what a nested name holds.
pub(crate) fn is_single(name: &str) -> bool {
    matches!(nested(name), Some(Meaning::Value(sense)) if !matches!(sense.head, Head::Phone | Head::Email | Head::Tags))
}

/// What the last group of a path is about.
fn group(path: &str) -> Option<Sense> {
    let name = path.rsplit('.').find(|part| part.parse::<usize>().is_err())?;
    match of_one_or_several(name) {
        Meaning::Value(sense)
            if matches!(sense.head, Head::Phone | Head::Email | Head::Tags | Head::Address) || is_name(sense.head) =>
        {
            Some(sense)
        }
        _ => None,
    }
}

/// What a name says, or its singular: `addresses`, `companies`, `names`.
fn of_one_or_several(name: &str) -> Meaning {
    let singular = |end: &str, one: &str| name.strip_suffix(end).map(|begin| format!("{begin}{one}"));
    let names = [Some(name.to_owned()), singular("ies", "y"), singular("es", ""), singular("s", "")];
    let known = |meaning: &Meaning| *meaning != Meaning::Unknown;
    names.into_iter().flatten().map(|name| meaning(&name)).find(known).unwrap_or(Meaning::Unknown)
}

fn part_of(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(_, part)| part)
}

fn is_name(head: Head) -> bool {
    matches!(head, Head::First | Head::Last | Head::Full | Head::MaybeFirst | Head::MaybeLast | Head::Bare(_))
}
