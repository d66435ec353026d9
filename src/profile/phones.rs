//! The phones of a column: of which countries and types, and numbers without a country code to try countries on.

use crate::mapping::phone::{NumberType, PhoneFault, Region, has_country_code, normalise, number_type, numbers_in};
use std::collections::{BTreeMap, HashMap};

/// Numbers without a country code that are kept for trying countries on.
const BARE_MAX: usize = 200;

/// What is known of a column's phones.
#[derive(Clone, Debug, Default)]
pub struct Phones {
    /// Valid numbers by country.
    pub by_country: BTreeMap<&'static str, u64>,
    /// Valid numbers of mobiles, of a type that the plan does not tell, and others.
    pub by_type: [u64; 3],
    /// Numbers with `+` or `00`.
    pub with_code: u64,
    /// Valid numbers with `+` or `00`.
    pub with_code_valid: u64,
    /// Numbers without, as far as they are kept.
    pub bare: Vec<String>,
    /// How many there are of these.
    pub bare_count: u64,
    /// The countries of the beginnings of numbers, because finding one takes longer than all else.
    known: HashMap<Box<str>, Option<&'static str>>,
}

/// Beginnings of numbers that are kept in mind, and how long one is.
const KNOWN_MAX: usize = 4_096;
const BEGINNING_LEN: usize = 8;

impl Phones {
    /// Counts the numbers of a cell that looks like a phone.
    pub(super) fn add_cell(&mut self, cell: &str) {
        for number in numbers_in(cell).flat_map(of_commas) {
            if !has_country_code(number) {
                self.bare_count += 1;
                if self.bare.len() < BARE_MAX {
                    self.bare.push(number.to_owned());
                }
                continue;
            }
            self.with_code += 1;
            if let Ok(number) = normalise(number, None) {
                self.with_code_valid += 1;
                self.add_number(&number);
            }
        }
    }

    /// Counts a valid number.
    pub(super) fn add_number(&mut self, number: &str) {
        if let Some(region) = self.region_of(number) {
            *self.by_country.entry(region).or_default() += 1;
        }
        let kind = match number_type(number) {
            NumberType::Mobile => 0,
            NumberType::Either => 1,
            NumberType::Other => 2,
        };
        self.by_type.iter_mut().skip(kind).take(1).for_each(|n| *n += 1);
    }

    fn region_of(&mut self, number: &str) -> Option<&'static str> {
        let beginning = number.get(..BEGINNING_LEN).unwrap_or(number);
        if let Some(known) = self.known.get(beginning) {
            return *known;
        }
        let region = region_of(number);
        if self.known.len() >= KNOWN_MAX {
            self.known.clear();
        }
        self.known.insert(beginning.into(), region);
        region
    }

    /// Counts a number with a country code.
    pub fn add_written(&mut self, number: &str) {
        if let Ok(number) = normalise(number, None) {
            self.add_number(&number);
        }
    }

    /// Adds the phones of another column.
    pub fn add(&mut self, other: &Phones) {
        self.merge(other.clone());
    }

    /// Of a hundred kept numbers without a country code, so many are valid in this country.
    pub fn percent_valid(&self, region: Region) -> u64 {
        let valid = self.bare.iter().filter(|number| normalise(number, Some(region)).is_ok()).count() as u64;
        (valid * 100).checked_div(self.bare.len() as u64).unwrap_or(0)
    }

    pub(super) fn merge(&mut self, other: Phones) {
        for (country, n) in other.by_country {
            *self.by_country.entry(country).or_default() += n;
        }
        self.by_type.iter_mut().zip(other.by_type).for_each(|(own, other)| *own += other);
        self.with_code += other.with_code;
        self.with_code_valid += other.with_code_valid;
        self.bare_count += other.bare_count;
        let room = BARE_MAX - self.bare.len().min(BARE_MAX);
        self.bare.extend(other.bare.into_iter().take(room));
    }
}

/// The numbers that `,` or `/` part, where each part is one.
fn of_commas(text: &str) -> Vec<&str> {
    let parts: Vec<&str> = text.split([',', '/']).map(str::trim).collect();
    let is_number = |part: &&str| part.bytes().filter(u8::is_ascii_digit).count() >= PART_DIGITS_MIN;
    if parts.len() > 1 && parts.iter().all(is_number) { parts } else { vec![text] }
}

/// Digits that a part has at least.
const PART_DIGITS_MIN: usize = 7;

/// The country of a number in E.164.
fn region_of(number: &str) -> Option<&'static str> {
    let digits = number.strip_prefix('+')?;
    (1..=7usize).rev().find_map(|len| Region::named(digits.get(..len)?)).map(Region::code)
}

/// The code that an import gives to such a value.
pub(super) fn code_of(fault: PhoneFault) -> &'static str {
    match fault {
        PhoneFault::Spreadsheet => "phone.spreadsheet",
        PhoneFault::UnknownRegion => "phone.region",
        PhoneFault::Invalid | PhoneFault::NoRegion => "phone.invalid",
    }
}
