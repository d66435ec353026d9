//! What one column's name says: `[whose] [group] what [part] [number]`, in any order. A name with a single word that is
//! not understood is not known, so that its column becomes an attribute and nothing is guessed.

use super::words::{COUNTER_NAMES, Head, ID_NAMES, ID_WORDS, NAMES, Role, WORDS, Word};
use crate::yaml::fold;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Longer names are sentences.
const NAME_LEN_MAX: usize = 100;
/// The most pieces of a name that are one phrase (`Dirección de correo electrónico`, and a capital within a word).
const PHRASE_LEN_MAX: usize = 6;
/// A higher number is not the number of a column.
const NUMBER_MAX: u32 = 99;

/// What a name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// A value of the contact.
    Value(Sense),
    /// Of which type its neighbour is.
    Label(Sense),
    /// An id that only the exporting system knows.
    OwnId,
    /// The number of the row.
    Counter,
    /// What the exporting system keeps for itself: no name says so, a vendor's layout does.
    System,
    /// Something about a company.
    Company,
    Unknown,
}

/// A value of the contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Sense {
    pub head: Head,
    pub role: Role,
    /// Which of several: `Phone 2`, `Address 1 - City`.
    pub number: u32,
    /// Whether it is a code for the value (`Province Code`), not the value itself.
    pub is_code: bool,
}

/// What the name of a column says.
pub(crate) fn meaning(name: &str) -> Meaning {
    let name = without_zone(name.trim());
    if name.len() > NAME_LEN_MAX || name.starts_with("attributes.") || name.starts_with("native.") {
        return Meaning::Unknown;
    }
    if name == "#" {
        return Meaning::Counter;
    }
    let (words, numbers) = pieces(name);
    let number = match numbers.as_slice() {
        [] => 1,
        [number] if (1..=NUMBER_MAX).contains(number) => *number,
        _ => return Meaning::Unknown,
    };
    let whole = words.concat();
    match NAMES.get(&whole) {
        Some(head) if number == 1 => {
            return Meaning::Value(Sense { head: *head, role: Role::Plain, number, is_code: false });
        }
        _ => {}
    }
    if is_own_id(&words, &whole) {
        return Meaning::OwnId;
    }
    if COUNTER_NAMES.contains(&whole) {
        return Meaning::Counter;
    }
    read(&words, number)
}

/// A name without the zone of its times behind it: `Signed up (-05)`, `Created (UTC)`.
pub(crate) fn without_zone(name: &str) -> &str {
    let Some((plain, zone)) = name.strip_suffix(')').and_then(|name| name.rsplit_once('(')) else { return name };
    let is_offset = zone.starts_with(['+', '-']) && zone.len() <= 6 && zone.contains(|c: char| c.is_ascii_digit());
    let is_zone = matches!(zone.get(..3).unwrap_or_default(), "UTC" | "GMT" | "utc" | "gmt");
    // `Tel. (+593)` names a calling code.
    let is_time = zone.bytes().filter(u8::is_ascii_digit).count() % 2 == 0;
    if (is_offset && is_time || is_zone) && !plain.trim().is_empty() { plain.trim_end() } else { name }
}

/// What stands before an apostrophe as a word of its own: `l'adresse`, `dell'indirizzo`.
const ELIDED: [&str; 7] = ["l", "d", "dell", "all", "nell", "sull", "qu"];

/// The folded words of a name, and its numbers. A name is parted at what is no letter, at capitals within a word, and
/// between letters and digits.
pub(super) fn pieces(name: &str) -> (Vec<String>, Vec<u32>) {
    let mut pieces: Vec<String> = Vec::new();
    let (mut piece, mut before) = (String::new(), ' ');
    let letters: Vec<char> = name.nfkd().filter(|c| !is_combining_mark(*c)).collect();
    for (at, c) in letters.iter().enumerate() {
        if matches!(c, '\'' | '’') && !ELIDED.contains(&piece.to_lowercase().as_str()) {
            continue;
        }
        let begins_word = c.is_uppercase()
            && (before.is_lowercase()
                || before.is_uppercase() && letters.get(at + 1).is_some_and(|next| next.is_lowercase()));
        if !c.is_alphanumeric() || c.is_numeric() != before.is_numeric() || begins_word {
            pieces.push(std::mem::take(&mut piece));
        }
        if c.is_alphanumeric() {
            piece.push(*c);
        }
        before = *c;
    }
    pieces.push(piece);
    let (numbers, words): (Vec<String>, Vec<String>) =
        pieces.into_iter().filter(|piece| !piece.is_empty()).partition(|piece| piece.chars().all(char::is_numeric));
    let numbers = numbers.iter().map(|digits| digits.parse().unwrap_or(u32::MAX)).collect();
    (words.iter().map(|word| fold(word)).collect(), numbers)
}

fn is_own_id(words: &[String], whole: &str) -> bool {
    let is_id = |word: &str| matches!(word, "id" | "ids");
    let ids = words.iter().filter(|word| is_id(word)).count();
    let only_owners = words.iter().all(|word| is_id(word) || ID_WORDS.contains(word));
    ID_NAMES.contains(whole) || (ids == 1 && words.len() > 1 && only_owners)
}

/// What was read of a name so far.
#[derive(Default)]
struct Reading {
    heads: Vec<Head>,
    roles: Vec<Role>,
    labels: usize,
    codes: usize,
    fillers: usize,
    numbers: usize,
    is_company: bool,
    is_understood: bool,
}

/// What a name says that holds nothing but a group, where its values are phones: `Work`, `Particular`, `Ufficio 2`.
pub(crate) fn bare_role(name: &str) -> Option<Sense> {
    let (words, numbers) = pieces(name);
    let number = match numbers.as_slice() {
        [] => 1,
        [number] if (1..=NUMBER_MAX).contains(number) => *number,
        _ => return None,
    };
    let reading = reading(&words);
    let is_bare = reading.is_understood && reading.heads.is_empty() && reading.labels + reading.codes == 0;
    let role = reading.role().filter(|role| is_bare && !reading.is_company && *role > Role::Plain)?;
    Some(Sense { head: Head::Phone, role, number, is_code: false }).filter(|sense| sense.goes_together())
}

/// What the words say together.
fn read(words: &[String], number: u32) -> Meaning {
    reading(words).meaning(number)
}

/// Reads the words as phrases, the longest first.
fn reading(words: &[String]) -> Reading {
    let mut reading = Reading { is_understood: true, ..Reading::default() };
    let mut left = words;
    while !left.is_empty() {
        let longest = left.len().min(PHRASE_LEN_MAX);
        let found = (1..=longest).rev().find_map(|len| Some((len, *WORDS.get(&left.get(..len)?.concat())?)));
        let (len, word) = found.map_or((1, None), |(len, word)| (len, Some(word)));
        match word {
            None => reading.is_understood = false,
            Some(Word::Head(head)) => reading.heads.push(head),
            Some(Word::Role(role)) => reading.roles.push(role),
            Some(Word::Label) => reading.labels += 1,
            Some(Word::Code) => reading.codes += 1,
            Some(Word::Company) => reading.is_company = true,
            Some(Word::Filler) => reading.fillers += 1,
            Some(Word::Number) => reading.numbers += 1,
        }
        left = left.get(len..).unwrap_or_default();
    }
    reading
}

impl Reading {
    fn meaning(&self, number: u32) -> Meaning {
        if self.is_company {
            return Meaning::Company;
        }
        let sense = match self.is_understood {
            true => self.sense(number),
            false => None,
        };
        match (sense, self.labels) {
            (Some(sense), 0) if sense.head != Head::Website && sense.goes_together() => Meaning::Value(sense),
            (Some(sense), 1) if sense.can_have_label() => Meaning::Label(sense),
            _ => Meaning::Unknown,
        }
    }

    fn sense(&self, number: u32) -> Option<Sense> {
        let role = self.role()?;
        let head = match self.heads.as_slice() {
            [] if role <= Role::Mobile => Head::Phone,
            heads => one_head(heads)?,
        };
        let from_code = head == Head::CountryCode && (self.heads.contains(&Head::Address) || role > Role::Main);
        let head = if from_code { Head::Country } else { head };
        // `Estado del cliente` is a status, and a `Street Number` no street.
        let is_other = is_unsure(head) && self.fillers > 0 || self.numbers > 0 && head != Head::Phone;
        let is_code = from_code || self.codes > 0;
        let can_be_code = matches!(head, Head::State | Head::MaybeState | Head::Country);
        (!is_other && (!is_code || can_be_code)).then_some(Sense { head, role, number, is_code })
    }

    /// The one group that the name speaks of. A phone for messages is one wherever it is: `Work Mobile`.
    fn role(&self) -> Option<Role> {
        let mut roles = self.roles.clone();
        roles.sort_unstable();
        roles.dedup();
        match roles.as_slice() {
            [] => Some(Role::Plain),
            [role] | [role @ (Role::WhatsApp | Role::Mobile), ..] | [Role::Main, role] => Some(*role),
            _ => None,
        }
    }
}

/// Whether the head is one only beside other parts of an address.
pub(super) fn is_unsure(head: Head) -> bool {
    matches!(head, Head::MaybeStreet | Head::MaybeState | Head::MaybeZip)
}

/// What a name with several heads is about.
fn one_head(heads: &[Head]) -> Option<Head> {
    let is_part = |head: Head| {
        use Head::{City, Country, CountryCode, Locality, State, Street, Zip};
        is_unsure(head) || matches!(head, Street | City | Locality | State | Zip | Country | CountryCode)
    };
    match heads {
        [head] => Some(*head),
        [head, again] if head == again => Some(*head),
        [Head::Email, Head::Address] => Some(Head::Email),
        [Head::Address, Head::Address, rest @ ..] | [Head::Address, rest @ ..] if rest.len() == 1 => {
            rest.first().copied().filter(|head| is_part(*head) || *head == Head::Phone)
        }
        [part, Head::Address] if is_part(*part) => Some(*part),
        [Head::Phone, Head::CountryCode] | [Head::CountryCode, Head::Phone] => Some(Head::CountryCode),
        _ => None,
    }
}

impl Sense {
    /// Whether it is a part of an address.
    pub fn is_address(&self) -> bool {
        use Head::{Address, City, Country, Locality, State, Street, Zip};
        is_unsure(self.head) || matches!(self.head, Street | Address | City | Locality | State | Zip | Country)
    }

    /// Whether such a group can have such a value: there is no `Work First Name`, and a parcel may go to
    /// another person.
    fn goes_together(&self) -> bool {
        match self.head {
            Head::First | Head::Last | Head::Full | Head::Bare(_) => {
                matches!(self.role, Role::Plain | Role::Billing) && self.number == 1
            }
            Head::Phone | Head::Email => self.role != Role::Shipping,
            Head::Tags => self.role == Role::Plain,
            Head::CountryCode => true,
            _ => self.role > Role::Mobile,
        }
    }

    fn can_have_label(&self) -> bool {
        matches!(self.head, Head::Phone | Head::Email | Head::Website) || self.is_address()
    }
}
