//! The country of phones that have no country code: from the record, from what was said, or from what the file shows. A
//! wrong country makes valid numbers of strangers, so it takes more than nine chances in ten.

use super::asked::Asked;
use super::places::{country_of_city, country_of_states};
use super::tongue::Tongue;
use crate::contact::Field;
use crate::mapping::names::{Decisions, Use};
use crate::mapping::phone::Region;
use crate::profile::{Head, Phones, Profile};
use crate::yaml::fold;
use std::collections::BTreeMap;

/// A country is taken from here on.
const SURE: f64 = 0.9;
/// Of a hundred numbers without a country code, so many have to be valid in a country that something else speaks for; and
/// in one that only the language speaks for.
const PERCENT_MIN: u64 = 80;
const PERCENT_ALONE: u64 = 95;
/// And where a run goes by it at once, in the country of the numbers that have a code.
const PERCENT_OF_CODE: u64 = 95;
/// In every other country of the language at most so many.
const PERCENT_OTHERS: u64 = 50;
/// Signs that agree are never surer than this, and so many are named.
const SURE_MAX: f64 = 0.95;
const SIGNS_SHOWN: usize = 2;
/// Countries that are asked about.
const CANDIDATES_MAX: usize = 2;
const WRITTEN: &str = "the numbers are written as they are there";
/// The fewest numbers that tell anything.
const NUMBERS_MIN: usize = 3;

/// The fewest numbers with a country code by which a run goes; they are at least a tenth of all, too.
const WITH_CODE_MIN: u64 = 10;

/// Where the country comes from.
#[derive(Clone, Debug, Default)]
pub struct RegionFound {
    /// Whether phones without a country code need one at all, where no column says it.
    pub is_needed: bool,
    /// It was said, and no mapping has to repeat it.
    pub given: Option<Region>,
    /// What the file shows, how sure that is, and why.
    pub found: Option<(Region, f64, String)>,
    /// Whether it may be taken without a user who has read it.
    is_taken: bool,
    /// The countries in which most numbers are valid, with a percentage.
    pub candidates: Vec<(Region, u64)>,
}

impl RegionFound {
    /// The country that phones are read with.
    pub fn region(&self) -> Option<Region> {
        self.given.or_else(|| self.default_region())
    }

    /// The one that a mapping says.
    pub fn default_region(&self) -> Option<Region> {
        let found = self.found.as_ref().filter(|(_, sure, _)| *sure >= SURE && self.is_needed && self.is_taken);
        found.map(|(region, ..)| *region)
    }

    /// The one that the file looks like, with the reason, where that is not enough to go by.
    pub fn likely(&self) -> Option<(Region, &str)> {
        let is_open = self.is_needed && self.region().is_none();
        self.found.as_ref().filter(|_| is_open).map(|(region, _, why)| (*region, why.as_str()))
    }
}

/// What speaks for a country: its code, how sure that is, and why.
type Sign = (String, f64, String);

/// What is known when the country is looked for.
pub(super) struct Known<'a> {
    pub head: &'a Head,
    pub profile: &'a Profile,
    pub decisions: &'a Decisions,
    pub tongue: Option<Tongue>,
    pub asked: &'a Asked,
}

/// Looks for the country.
pub(super) fn find(known: &Known<'_>) -> RegionFound {
    let mut phones = Phones::default();
    for (column, _) in &known.decisions.phones {
        if let Some(column) = known.profile.columns.get(*column) {
            phones.add(&column.phones);
        }
    }
    let is_needed = phones.bare_count > 0 && known.lacks_country();
    let given = known.asked.region;
    if known.asked.is_region_unwanted {
        return RegionFound::default();
    }
    if let Some(typed) = known.asked.typed {
        let found = Some((typed, 1.0, "it was given".to_owned()));
        return RegionFound { is_needed: true, found, is_taken: true, ..RegionFound::default() };
    }
    if phones.bare.len() < NUMBERS_MIN.min(phones.bare_count.max(1) as usize) || phones.bare.is_empty() {
        return RegionFound { is_needed, given, ..RegionFound::default() };
    }
    let speaking = known.speaking(&phones);
    let found = match together(&speaking) {
        None if speaking.is_empty() => by_language(known.tongue, &phones),
        found => found,
    };
    let candidates = candidates(known.tongue, &phones, &speaking);
    let is_taken = !known.asked.is_run || found.as_ref().is_some_and(|(region, ..)| is_written(*region, &phones));
    RegionFound { is_needed, given, found, is_taken, candidates }
}

/// What all signs together say: each that stands alone may be chance, several that agree are not. Where two disagree, none
/// counts.
fn together(speaking: &[Sign]) -> Option<(Region, f64, String)> {
    let (code, sure, why) = speaking.iter().max_by(|one, other| one.1.total_cmp(&other.1))?;
    if speaking.iter().any(|(other, ..)| other != code) {
        return None;
    }
    let wrong: f64 = speaking.iter().map(|(_, sure, _)| 1.0 - sure).product();
    let whys: Vec<&str> = speaking.iter().map(|(.., why)| why.as_str()).take(SIGNS_SHOWN).collect();
    let (sure, why) =
        if *sure >= SURE { (*sure, why.clone()) } else { ((1.0 - wrong).min(SURE_MAX), whys.join(" and ")) };
    Region::named(code).map(|region| (region, sure, why))
}

/// The countries to ask about: those that a sign speaks for, then those of the header's language, then those in which most
/// numbers are valid.
fn candidates(tongue: Option<Tongue>, phones: &Phones, speaking: &[Sign]) -> Vec<(Region, u64)> {
    let is_spoken = |codes: &str, region: Region| codes.split(' ').any(|code| code == region.code());
    let of_tongue = COUNTRIES.iter().find(|(known, _)| Some(*known) == tongue).map_or("", |(_, codes)| codes);
    let signs = speaking.iter().filter_map(|(code, ..)| Region::named(code));
    let written = phones.by_country.keys().filter_map(|code| Region::named(code));
    let all = COUNTRIES.iter().flat_map(|(_, codes)| codes.split(' ')).filter_map(Region::named);
    let mut found: Vec<(bool, bool, u64, Region)> = Vec::new();
    for region in signs.chain(written).chain(all) {
        if found.iter().all(|(.., known)| *known != region) {
            let is_sign = speaking.iter().any(|(code, ..)| code == region.code());
            let is_written = phones.by_country.contains_key(region.code());
            found.push((is_sign || is_written, is_spoken(of_tongue, region), phones.percent_valid(region), region));
        }
    }
    found.retain(|(.., percent, _)| *percent >= PERCENT_OTHERS);
    found.sort_by_key(|(is_sign, is_spoken, percent, _)| std::cmp::Reverse((*is_sign, *is_spoken, *percent)));
    found.into_iter().take(CANDIDATES_MAX).map(|(.., percent, region)| (region, percent)).collect()
}

impl Known<'_> {
    /// Whether some record with a phone names no country.
    fn lacks_country(&self) -> bool {
        let filled = |cell: &str| !cell.trim().is_empty();
        self.head.rows().any(|cells| {
            let has_phone = self.decisions.phones.iter().any(|(column, _)| filled(&cells.get(*column)));
            let has_country = self.decisions.regions.iter().any(|column| filled(&cells.get(*column)));
            has_phone && !has_country
        })
    }

    /// What speaks for a country in which the numbers are valid: its code, how sure, and why.
    fn speaking(&self, phones: &Phones) -> Vec<Sign> {
        let mut found: Vec<Sign> = Vec::new();
        found.extend(with_code(phones));
        found.extend(self.by_countries());
        found.extend(self.by_writing(phones));
        found.extend(self.written_out());
        found.extend(self.by_cities());
        found.extend(self.by_domains());
        found.extend(self.by_zip());
        found.extend(self.by_documents());
        found.extend(self.by_check_digits());
        let is_valid =
            |code: &str| Region::named(code).is_some_and(|region| phones.percent_valid(region) >= PERCENT_MIN);
        found.retain(|(code, ..)| is_valid(code));
        found
    }

    /// Digits without `+` that begin with the calling code of one country, in one column.
    fn written_out(&self) -> Option<Sign> {
        let columns = self.decisions.phones.iter().filter_map(|(column, _)| self.profile.columns.get(*column));
        columns.filter_map(|column| calling_code_of(&column.phones.bare)).max_by_key(|(_, n)| *n).map(|(code, n)| {
            let sure = if n >= 2 { 0.95 } else { 0.75 };
            (code.to_owned(), sure, "the numbers begin with its calling code".to_owned())
        })
    }

    fn values(&self, field: Field) -> impl Iterator<Item = String> + '_ {
        let columns: Vec<usize> = self
            .decisions
            .uses
            .iter()
            .enumerate()
            .filter(|(_, used)| **used == Use::Field(field))
            .map(|(column, _)| column)
            .collect();
        self.head
            .rows()
            .flat_map(move |cells| columns.clone().into_iter().map(move |column| cells.get(column).trim().to_owned()))
            .filter(|cell| !cell.is_empty())
    }

    /// The one country that the records name, where those without a name are of the same.
    fn by_countries(&self) -> Option<Sign> {
        let mut countries: BTreeMap<&'static str, u64> = BTreeMap::new();
        for cells in self.head.rows() {
            let named =
                self.decisions.regions.iter().map(|column| cells.get(*column)).find(|cell| !cell.trim().is_empty());
            if let Some(region) = named.and_then(|name| Region::named(name.trim())) {
                *countries.entry(region.code()).or_default() += 1;
            }
        }
        let (country, n) = most(&countries)?;
        let all: u64 = countries.values().sum();
        let sure = if n >= 5 {
            0.95
        } else if n >= 2 {
            0.85
        } else {
            0.75
        };
        (n * 100 >= all * 95).then(|| ((*country).to_owned(), sure, "it is the country of all others".to_owned()))
    }

    /// Numbers written as they are in one country only: `(11) 98765-4321` in Brazil, `(312) 555-0142` where the calling code
    /// is 1, which is the same for all countries that have it.
    fn by_writing(&self, phones: &Phones) -> Option<Sign> {
        let groups = |number: &str| -> Vec<usize> {
            let parts = number.split(|c: char| !c.is_ascii_digit()).map(str::len);
            parts.filter(|len| *len > 0).collect()
        };
        let share = |is_so: &dyn Fn(&str) -> bool| {
            let written = phones.bare.iter().filter(|number| is_so(number.trim())).count();
            written >= 2 && written * 10 >= phones.bare.len() * 6
        };
        let in_brackets =
            |number: &str, forms: &[&[usize]]| number.starts_with('(') && forms.contains(&groups(number).as_slice());
        let is_brazilian = |number: &str| in_brackets(number, &[&[2, 5, 4], &[2, 4, 4]]) && number.contains('-');
        let is_american = |number: &str| in_brackets(number, &[&[3, 3, 4]]);
        match self.tongue {
            Some(Tongue::Portuguese) if share(&is_brazilian) => Some(("BR".to_owned(), 0.95, WRITTEN.to_owned())),
            Some(Tongue::English) if share(&is_american) => Some(("US".to_owned(), 0.93, WRITTEN.to_owned())),
            _ => None,
        }
    }

    fn by_cities(&self) -> Option<Sign> {
        let states: Vec<String> = self.values(Field::State).collect();
        if states.len() >= 3
            && let Some(country) = country_of_states(states.iter().map(String::as_str))
        {
            return Some((country.to_owned(), 0.95, "its states are named".to_owned()));
        }
        let mut cities: BTreeMap<&'static str, u64> = BTreeMap::new();
        for city in self.values(Field::City) {
            if let Some(country) = country_of_city(&city) {
                *cities.entry(country).or_default() += 1;
            }
        }
        let (country, n) = most(&cities)?;
        let all: u64 = cities.values().sum();
        let sure = if n >= 2 { 0.95 } else { 0.7 };
        (n * 10 >= all * 9).then(|| ((*country).to_owned(), sure, "its cities are named".to_owned()))
    }

    fn by_domains(&self) -> Option<Sign> {
        let mut domains: BTreeMap<String, u64> = BTreeMap::new();
        for email in self.values(Field::Emails) {
            let end = email.rsplit('.').next().unwrap_or_default().to_ascii_uppercase();
            let end = if end == "UK" { "GB".to_owned() } else { end };
            // These are sold to everyone.
            if end.len() == 2
                && !["CO", "IO", "ME", "TV", "AI", "EU", "CC", "WS", "LY", "GG", "SO"].contains(&end.as_str())
            {
                *domains.entry(end).or_default() += 1;
            }
        }
        let (country, n) = most(&domains)?;
        let all: u64 = domains.values().sum();
        (n >= 3 && n * 10 >= all * 9).then(|| (country.clone(), 0.92, "the e-mail addresses end so".to_owned()))
    }

    fn by_zip(&self) -> Option<Sign> {
        let zips: Vec<String> = self.values(Field::Zip).collect();
        let digits = |zip: &str, pattern: &[usize]| {
            let parts: Vec<&str> = zip.split('-').collect();
            parts.iter().map(|part| part.len()).eq(pattern.iter().copied())
                && parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let are = |pattern: &[usize]| {
            zips.len() >= 3 && zips.iter().filter(|zip| digits(zip, pattern)).count() * 10 >= zips.len() * 9
        };
        let country = match self.tongue {
            _ if are(&[5, 3]) => "BR",
            _ if are(&[4, 3]) => "PT",
            Some(Tongue::German) if are(&[5]) => "DE",
            Some(Tongue::French) if are(&[5]) => "FR",
            Some(Tongue::Italian) if are(&[5]) => "IT",
            Some(Tongue::Russian) if are(&[6]) => "RU",
            _ => return None,
        };
        Some((country.to_owned(), 0.93, "its postal codes have this form".to_owned()))
    }

    fn by_check_digits(&self) -> Option<Sign> {
        const COUNTRIES: [(&str, &str); 3] = [("CPF", "BR"), ("cédula", "EC"), ("RUT", "CL")];
        let kinds = self.profile.columns.iter().filter_map(|column| super::document::kind_of(&column.phones.bare));
        let (kind, country) =
            kinds.filter_map(|kind| COUNTRIES.into_iter().find(|(known, _)| *known == kind)).next()?;
        Some((country.to_owned(), 0.94, format!("a column has the check digits of a {kind}")))
    }

    fn by_documents(&self) -> Option<Sign> {
        const NAMES: [(&str, &str); 10] = [
            ("cpf", "BR"),
            ("cnpj", "BR"),
            ("cep", "BR"),
            ("curp", "MX"),
            ("rfc", "MX"),
            ("rut", "CL"),
            ("инн", "RU"),
            ("снилс", "RU"),
            ("codicefiscale", "IT"),
            ("siret", "FR"),
        ];
        let names: Vec<String> = self.head.names.iter().map(|name| fold(name)).collect();
        let (name, country) = NAMES.iter().find(|(name, _)| names.iter().any(|known| known == name))?;
        Some(((*country).to_owned(), 0.93, format!("a column is called {}", name.to_uppercase())))
    }
}

/// The country whose calling code nearly all of these numbers begin with, and how many do.
fn calling_code_of(numbers: &[String]) -> Option<(&'static str, u64)> {
    let mut whole = Phones::default();
    for number in numbers {
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        if digits.len() >= 11 && !digits.starts_with('0') {
            whole.add_written(&format!("+{digits}"));
        }
    }
    let (code, n) = most(&whole.by_country)?;
    (n as usize * 100 >= numbers.len() * 90).then_some((*code, n))
}

/// Numbers with a country code, all but few of one country.
fn with_code(phones: &Phones) -> Option<Sign> {
    let (code, n) = most(&phones.by_country)?;
    let all: u64 = phones.by_country.values().sum();
    let is_one = n * 100 >= all * 95;
    let sure = match n {
        10.. if n * 10 >= phones.bare_count => 0.97,
        3.. => 0.9,
        _ => 0.75,
    };
    is_one.then(|| {
        (
            (*code).to_owned(),
            sure,
            if n == 1 {
                "a number has its country code".to_owned()
            } else {
                format!("{n} numbers have its country code")
            },
        )
    })
}

/// Whether numbers with a country code say that those without one are of this country. What else a file shows (cities,
/// domains, postal codes) says where contacts live, not how their phones are written.
fn is_written(region: Region, phones: &Phones) -> bool {
    let n = phones.by_country.get(region.code()).copied().unwrap_or_default();
    let is_code = with_code(phones).is_some_and(|(code, ..)| code == region.code());
    let is_enough = n >= WITH_CODE_MIN && n * 10 >= phones.bare_count + n;
    is_code && is_enough && phones.percent_valid(region) >= PERCENT_OF_CODE
}

fn most<K: Ord>(counts: &BTreeMap<K, u64>) -> Option<(&K, u64)> {
    counts.iter().max_by_key(|(_, n)| **n).map(|(key, n)| (key, *n))
}

/// The countries in which a language is spoken, the one where most speak it first.
const COUNTRIES: [(Tongue, &str); 7] = [
    (Tongue::English, "US GB CA AU IE NZ ZA IN"),
    (Tongue::Spanish, "MX CO ES AR PE VE CL EC GT BO DO CU HN PY SV NI CR PA UY"),
    (Tongue::Portuguese, "BR PT AO MZ"),
    (Tongue::Russian, "RU UA BY KZ UZ KG AM GE MD"),
    (Tongue::German, "DE AT CH LU"),
    (Tongue::French, "FR BE CH CA LU SN CI MA TN DZ"),
    (Tongue::Italian, "IT CH"),
];

/// The only country of the language in which the numbers are valid; only where nearly all who speak it live there.
fn by_language(tongue: Option<Tongue>, phones: &Phones) -> Option<(Region, f64, String)> {
    let (tongue, codes) = COUNTRIES.iter().find(|(known, _)| Some(*known) == tongue)?;
    let mut percents: Vec<(Region, u64)> =
        codes.split(' ').filter_map(Region::named).map(|region| (region, phones.percent_valid(region))).collect();
    percents.sort_by_key(|(_, percent)| std::cmp::Reverse(*percent));
    let [(region, first), (_, second), ..] = percents.as_slice() else { return None };
    let is_alone = *first >= PERCENT_ALONE && *second <= PERCENT_OTHERS && phones.bare.len() >= NUMBERS_MIN;
    let sure = match tongue {
        Tongue::Russian | Tongue::Italian | Tongue::Portuguese if phones.bare.len() >= 5 => 0.92,
        Tongue::Spanish | Tongue::German | Tongue::French if phones.bare.len() >= 8 => 0.85,
        _ => 0.7,
    };
    let why = "the only country of the header's language in which the numbers are valid".to_owned();
    is_alone.then_some((*region, sure, why))
}
