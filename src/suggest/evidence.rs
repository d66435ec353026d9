//! The evidence for one column, combined once: its name (exact, nearly, or in a vendor's layout), its values, and which
//! other columns there are.
//!
//! With `n` for the name, `v` for the values and their power `p`, a column is right with the probability
//! `(n + (1 − n) · p · max(v, 0)) · (1 − 0.9 · max(−v, 0))`.

use super::asked::RULE_MIN;
use super::values::{Says, Values};
use super::vendors::Vendor;
use crate::contact::Field;
use crate::mapping::names::{
    Bare, Head, Meaning, Nearness, Role, Sense, bare_role, held_by, is_about_others, is_of_company, meaning, nearly,
    nested, without_zone,
};
use crate::profile::{Head as FirstRecords, Profile};
use crate::yaml::fold;

/// Evidence of a name that is understood.
const NAME: f64 = 0.95;
/// Of one in a vendor's layout.
const LAYOUT: f64 = 0.97;
/// Of one that is understood without the name of its group.
const PART: f64 = 0.9;
/// Of one that is understood without one of its words.
const WORD: f64 = 0.65;
/// So many columns that begin with the same word are a group.
const GROUP_MIN: usize = 3;
/// Of a name that may be that of a person, or of anything else about one.
const PERSON: f64 = 0.6;
/// Of a name that says only of which group a phone is.
const GROUP: f64 = 0.45;
/// Of a name that says only that it is a number, or a contact.
const VAGUE: f64 = 0.35;
/// Of a column of persons, at least so many have a given name.
const GIVEN_MIN: f64 = 0.6;
/// Below this, a guess is not worth a comment.
const PERHAPS_MIN: f64 = 0.5;

/// What was decided about one column.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    pub meaning: Meaning,
    pub probability: f64,
    pub reasons: Vec<String>,
    /// What it might be, where that is not sure enough.
    pub perhaps: Option<(&'static str, f64)>,
}

/// What a name says, and how much that is worth.
#[derive(Clone, Debug)]
struct Named {
    meaning: Meaning,
    n: f64,
    how: String,
}

/// Judges every column.
pub(super) fn judge(head: &FirstRecords, profile: &Profile, vendor: Option<&'static Vendor>) -> Vec<Judged> {
    let prefix = common_prefix(&head.names);
    let named: Vec<Named> = head.names.iter().map(|name| named(name, prefix.as_deref(), vendor)).collect();
    let named = without_second_names(named);
    let values: Vec<Values<'_>> =
        profile.columns.iter().enumerate().map(|(at, column)| Values::of(head, at, column)).collect();
    let judging = Judging { names: &head.names, named: &named, values: &values };
    let mut judged: Vec<Judged> = (0..head.names.len()).map(|at| judging.one(at)).collect();
    judging.companies(&mut judged);
    judging.businesses(&mut judged);
    judging.family_names(&mut judged);
    judged
}

fn named(name: &str, prefix: Option<&str>, vendor: Option<&'static Vendor>) -> Named {
    if let Some((vendor, meaning)) = vendor.and_then(|vendor| Some((vendor, vendor.meaning_of(without_zone(name))?))) {
        return Named { meaning, n: LAYOUT, how: format!("a column of {}", vendor.name) };
    }
    let by_name = |meaning, n, how: &str| Named { meaning, n, how: how.to_owned() };
    match nested(name).unwrap_or_else(|| meaning(name)) {
        _ if is_own_attribute(name) => by_name(Meaning::Unknown, 0.0, ""),
        Meaning::Unknown => {
            let (meaning, n, how) = by_a_part(name, prefix);
            by_name(meaning, n, how)
        }
        Meaning::Value(sense) if sense.head == Head::Person => by_name(Meaning::Value(sense), PERSON, "its name"),
        Meaning::Company => by_name(Meaning::Company, NAME, "about a company"),
        known => by_name(known, NAME, "its name"),
    }
}

/// What a name says that is not understood as a whole.
fn by_a_part(name: &str, prefix: Option<&str>) -> (Meaning, f64, &'static str) {
    if let Some(meaning) = without_path(name).or_else(|| without_prefix(name, prefix)) {
        return (meaning, PART, "its name behind that of its group");
    }
    if let Some(sense) = bare_role(name) {
        return (Meaning::Value(sense), GROUP, "the name of a group");
    }
    match nearly(name) {
        Some((meaning, Nearness::Question)) => (meaning, 0.8, "the question of a form"),
        Some((meaning, Nearness::Slip)) => (meaning, 0.7, "its name but for a letter"),
        Some((meaning, Nearness::Word)) => (meaning, WORD, "its name but for a word"),
        None => (Meaning::Unknown, 0.0, ""),
    }
}

/// Whether an export of Ferry says by this name that the column is a custom attribute, or a value of the platform's own.
fn is_own_attribute(name: &str) -> bool {
    name.starts_with("attributes.") || name.starts_with("native.")
}

/// What a nested name of JSON says by its last part: `profile.last_name`.
fn without_path(name: &str) -> Option<Meaning> {
    let (path, last) = name.rsplit_once('.')?;
    let is_plain = !path.contains(' ') && !is_about_others(path);
    let is_value = |meaning: &Meaning| matches!(meaning, Meaning::Value(sense) if !matches!(sense.head, Head::Person));
    (is_plain && !is_of_company(path)).then(|| meaning(last)).filter(is_value)
}

/// What a name says without the word that the names of the file begin with: `CUST_LAST_NAME`.
fn without_prefix(name: &str, prefix: Option<&str>) -> Option<Meaning> {
    let rest = name.get(prefix?.len()..).filter(|_| prefix.is_some_and(|prefix| name.starts_with(prefix)))?;
    Some(meaning(rest)).filter(|meaning| matches!(meaning, Meaning::Value(_)))
}

/// The word, with the sign behind it, that at least half of the names begin with, where it says nothing by itself.
fn common_prefix(names: &[String]) -> Option<String> {
    let prefix = |name: &str| {
        let end = name.find(['_', ' ', '-', ':', '.', '/'])?;
        name.get(..=end).map(str::to_owned)
    };
    let first = names.iter().find_map(|name| {
        prefix(name)
            .filter(|prefix| names.iter().filter(|name| name.starts_with(prefix.as_str())).count() * 2 >= names.len())
    })?;
    let same = names.iter().filter(|name| name.starts_with(&first)).count();
    let says = meaning(&first) != Meaning::Unknown || is_about_others(&first);
    (same >= GROUP_MIN && !says).then_some(first)
}

/// A name that is nearly that of a person, a phone or an e-mail is another thing where the file has one that is exactly that:
/// `Teléfono mamá` beside `Teléfono` is another person's.
fn without_second_names(mut named: Vec<Named>) -> Vec<Named> {
    let is_name = |named: &Named| {
        matches!(named.meaning, Meaning::Value(sense)
            if matches!(sense.head, Head::First | Head::Last | Head::Full | Head::Bare(_)))
    };
    if named.iter().any(|named| named.n >= NAME && is_name(named)) {
        for named in named.iter_mut().filter(|named| is_name(named) && named.n <= WORD) {
            (named.meaning, named.n) = (Meaning::Unknown, 0.0);
        }
    }
    for head in [Head::Phone, Head::Email] {
        let is_so = |named: &Named| matches!(named.meaning, Meaning::Value(sense) if sense.head == head);
        if named.iter().any(|named| named.n >= NAME && is_so(named)) {
            for named in named.iter_mut().filter(|named| is_so(named) && named.n == WORD) {
                (named.meaning, named.n) = (Meaning::Unknown, 0.0);
            }
        }
    }
    named
}

struct Judging<'a> {
    names: &'a [String],
    named: &'a [Named],
    values: &'a [Values<'a>],
}

impl Judging<'_> {
    fn one(&self, at: usize) -> Judged {
        let (Some(named), Some(values)) = (self.named.get(at), self.values.get(at)) else {
            return unknown(None);
        };
        if self.names.get(at).is_some_and(|name| is_own_attribute(name)) {
            return unknown(None);
        }
        let Meaning::Value(sense) = named.meaning else {
            return match named.meaning {
                Meaning::Unknown => self.by_values(at, 0.0),
                meaning => Judged { meaning, probability: named.n, reasons: vec![named.how.clone()], perhaps: None },
            };
        };
        let says = values.about(sense.head);
        let probability = combined(named.n, &says);
        if probability >= RULE_MIN {
            let reasons = [named.how.clone(), says.words].into_iter().filter(|words| !words.is_empty()).collect();
            return Judged { meaning: named.meaning, probability, reasons, perhaps: None };
        }
        // `Contacto` may hold whatever reaches one; another name says what its column holds.
        let other = self.by_values(at, if sense.head == Head::Person { VAGUE } else { 0.0 });
        if other.meaning != Meaning::Unknown {
            return other;
        }
        let called = held_by(sense);
        let is_id = sense.head == Head::Other(Field::Id);
        let is_perhaps = probability >= PERHAPS_MIN && !is_id;
        let mut judged = unknown(is_perhaps.then_some((called, probability)));
        judged.reasons = match says.v < 0.0 {
            true if named.n > WORD => vec![format!("called like `{called}`, but {}", says.words)],
            false if is_perhaps => vec![format!("{}, which is not enough for `{called}`", named.how)],
            _ => Vec::new(),
        };
        judged
    }

    /// What the values alone tell. Where a column of another name is the field already, a name that is not understood is
    /// about something else.
    fn by_values(&self, at: usize, n: f64) -> Judged {
        let (Some(name), Some(values)) = (self.names.get(at), self.values.get(at)) else { return unknown(None) };
        let is_nameless = is_nameless(name);
        let n = if is_vague(name) { VAGUE } else { n };
        for (head, sure, words) in values.alone(is_nameless || n > 0.0) {
            let probability = n + (1.0 - n) * sure;
            let is_free = is_nameless || n > 0.0 || !self.is_named(head);
            let sense = Sense { head, role: Role::Plain, number: 1, is_code: false };
            let is_other = !is_nameless && n == 0.0 && is_about_others(name);
            if !is_free || is_other {
                continue;
            }
            if probability >= RULE_MIN {
                let meaning = Meaning::Value(sense);
                return Judged { meaning, probability, reasons: vec![words], perhaps: None };
            }
            if probability >= PERHAPS_MIN {
                let mut judged = unknown(Some((held_by(sense), probability)));
                judged.reasons = vec![words];
                return judged;
            }
        }
        unknown(None)
    }

    fn is_named(&self, head: Head) -> bool {
        self.named.iter().any(|named| matches!(named.meaning, Meaning::Value(sense) if sense.head == head))
    }

    /// A `Name` whose values are companies, beside another column of names, is not the contact's.
    fn companies(&self, judged: &mut [Judged]) {
        let is_company = |at: usize| {
            self.values.get(at).is_some_and(|values| values.column.companies * 3 >= values.column.filled.max(1))
        };
        let is_whole = |judged: &Judged| matches!(judged.meaning, Meaning::Value(sense) if matches!(sense.head, Head::Full | Head::Person | Head::Bare(_)));
        let is_person = |judged: &Judged| {
            let is_part =
                matches!(judged.meaning, Meaning::Value(sense) if matches!(sense.head, Head::First | Head::Last));
            is_part || is_whole(judged)
        };
        let has_person = judged.iter().enumerate().any(|(at, judged)| is_person(judged) && !is_company(at));
        for (at, judged) in judged.iter_mut().enumerate() {
            if has_person && is_whole(judged) && is_company(at) {
                judged.meaning = Meaning::Company;
                judged.reasons = vec!["its values are names of companies".to_owned()];
            }
        }
    }

    /// Of two columns that may be the contact, the one with fewer given names is the business of the other: `Cliente`,
    /// `Contacto`.
    fn businesses(&self, judged: &mut [Judged]) {
        let is_person = |judged: &Judged| matches!(judged.meaning, Meaning::Value(sense) if sense.head == Head::Person);
        let given = |at: usize| self.values.get(at).map_or(0.0, |values| values.given);
        let persons: Vec<usize> = judged.iter().enumerate().filter(|(_, it)| is_person(it)).map(|(at, _)| at).collect();
        let most = persons.iter().map(|at| given(*at)).fold(0.0, f64::max);
        for at in persons.into_iter().filter(|at| most >= GIVEN_MIN && given(*at) * 2.0 <= most) {
            if let Some(judged) = judged.get_mut(at) {
                judged.meaning = Meaning::Company;
                judged.reasons = vec!["another column has the names of persons".to_owned()];
            }
        }
    }

    /// The column of single words beside nameless given names is the family name.
    fn family_names(&self, judged: &mut [Judged]) {
        let is_first = |judged: &Judged| matches!(judged.meaning, Meaning::Value(sense) if sense.head == Head::First);
        let has_last = judged
            .iter()
            .any(|judged| matches!(judged.meaning, Meaning::Value(sense) if matches!(sense.head, Head::Last | Head::Bare(Bare::Family))));
        let Some(first) = judged.iter().position(is_first) else { return };
        let is_bare = |at: usize| self.names.get(at).is_some_and(|name| is_nameless(name));
        if has_last || !is_bare(first) {
            return;
        }
        for at in [first + 1, first.wrapping_sub(1)] {
            let Some(values) = self.values.get(at).filter(|_| is_bare(at)) else { continue };
            let column = values.column;
            let (different, _) = column.distinct.count();
            let fits = column.filled > 1
                && column.lettered * 10 >= column.filled * 9
                && column.words.first().is_some_and(|one| one * 10 >= column.filled * 8)
                && different * 2 >= column.filled
                && column.countries * 2 < column.filled
                && values.cities < 0.3;
            let Some(judged) = judged.get_mut(at).filter(|judged| fits && judged.meaning == Meaning::Unknown) else {
                continue;
            };
            let sense = Sense { head: Head::Last, role: Role::Plain, number: 1, is_code: false };
            *judged = Judged {
                meaning: Meaning::Value(sense),
                probability: 0.86,
                reasons: vec!["single words beside given names".to_owned()],
                perhaps: None,
            };
            return;
        }
    }
}

fn unknown(perhaps: Option<(&'static str, f64)>) -> Judged {
    Judged { meaning: Meaning::Unknown, probability: 0.0, reasons: Vec::new(), perhaps }
}

fn combined(n: f64, says: &Says) -> f64 {
    (n + (1.0 - n) * says.power * says.v.max(0.0)) * (1.0 - 0.9 * (-says.v).max(0.0))
}

/// A column that a program has numbered, or that has no name at all.
pub(super) fn is_nameless(name: &str) -> bool {
    let name = fold(name);
    let word = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let is_letter = word.len() == name.len() && name.len() <= 2 && name.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_counted = matches!(
        word,
        "" | "column"
            | "col"
            | "columna"
            | "coluna"
            | "field"
            | "campo"
            | "unnamed"
            | "spalte"
            | "feld"
            | "colonne"
            | "colonna"
            | "champ"
            | "столбец"
            | "поле"
            | "email"
            | "phone"
            | "date"
            | "untitled"
            | "var"
            | "f"
            | "c"
            | "x"
    );
    is_letter || is_counted && !matches!(name.as_str(), "email" | "phone" | "date")
}

/// A name that says only that it is a number, or about the contact.
fn is_vague(name: &str) -> bool {
    const NAMES: [&str; 22] = [
        "number",
        "numero",
        "nro",
        "num",
        "nummer",
        "номер",
        "contact",
        "contacto",
        "contatto",
        "contato",
        "kontakt",
        "контакт",
        "contactinfo",
        "contactdetails",
        "linea",
        "datosdecontacto",
        "contactos",
        "numeros",
        "numbers",
        "address",
        "account",
        "recipient",
    ];
    NAMES.contains(&fold(name).as_str())
}
