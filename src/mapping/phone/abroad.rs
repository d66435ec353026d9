//! Digits without `+` or `00` that are nevertheless another country's number.
//!
//! Spreadsheets remove the `+`, so `593987654321` may be a number of Ecuador in any file. But a mistyped national number
//! often fits the plan of some other country. So the digits alone prove nothing: they have to be written as such numbers
//! are, and the region or the column has to say that numbers of that country are to be expected.

use super::clean::Written;
use super::number::{Number, international, number as national_number};
use super::plan::{PLANS, Plan};
use super::region::Region;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The fewest digits of such a number, with its calling code.
const DIGITS_MIN: usize = 11;
/// One of so many numbers with `+` makes its calling code one that the column has.
const SHARE_WITH_PLUS: u64 = 10;
/// In a column without any `+`, so many of a hundred numbers of international length.
const PERCENT_WITHOUT_PLUS: u64 = 90;
/// In such a column, one of so many numbers has to be of international length, and at least [`LONG_MIN`] of them beside
/// national ones: a single mistyped number in a column of national ones is no evidence for itself.
const SHARE_LONG: u64 = 10;
const LONG_MIN: u64 = 2;
/// The only trunk prefix that is also the beginning of calling codes (`81`, `82`, `84`, `86`, …), and the calling code
/// of the countries where it makes a number of eleven digits. Where others dial `8`, numbers are shorter; all other
/// trunk prefixes begin with a `0`, as no calling code does, or are the `1` of `+1`.
const TRUNK: (&str, &str) = ("8", "7");
/// The countries that dial so, and their neighbours.
const NEAR_TRUNK: [&str; 22] = [
    "RU", "KZ", "AM", "AZ", "BY", "CN", "EE", "FI", "GE", "JP", "KG", "KP", "LT", "LV", "MD", "MN", "NO", "PL", "TJ",
    "TM", "UA", "UZ",
];

/// What is known about a phone beside its text.
#[derive(Clone, Copy, Debug, Default)]
pub struct Surroundings<'a> {
    /// The region of its record.
    pub region: Option<Region>,
    /// The record names a region that is not known.
    pub is_region_unknown: bool,
    /// The given region and the connection's.
    pub homes: &'a [Region],
    /// The column it stands in.
    pub column: &'a str,
    /// What the columns of the source say about countries.
    pub evidence: Option<&'a Evidence>,
}

impl Surroundings<'_> {
    /// Nothing but a region.
    pub fn of_region(region: Option<Region>) -> Surroundings<'static> {
        Surroundings { region, ..Surroundings::default() }
    }
}

/// What the numbers of each column say about countries. It is fixed when a run starts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// By the names of the columns.
    pub columns: BTreeMap<String, ColumnEvidence>,
}

impl Evidence {
    /// What both say together.
    pub fn and(mut self, other: Evidence) -> Evidence {
        self.add(other);
        self
    }

    /// Adds what other numbers say.
    pub fn add(&mut self, other: Evidence) {
        for (column, evidence) in other.columns {
            self.columns.entry(column).or_default().add_sums(evidence);
        }
    }
}

/// What the numbers of one column say: sums, so that their order is of no importance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnEvidence {
    /// Numbers of any kind.
    pub numbers: u64,
    /// Those with `+` or `00`.
    pub with_plus: u64,
    /// The valid ones among them, by their calling codes.
    pub with_plus_of: BTreeMap<String, u64>,
    /// Numbers without `+` that are as long as international ones.
    pub long: u64,
    /// Those among them that could be international, by their calling codes.
    pub long_of: BTreeMap<String, u64>,
}

impl ColumnEvidence {
    /// Counts a number of the column.
    pub fn add(&mut self, text: &str, region: Option<Region>) {
        let Ok(written) = Written::read(text) else { return };
        self.numbers += 1;
        if written.begins_international() {
            self.with_plus += 1;
            let digits = written.after_zeros().unwrap_or(written.digits());
            if !written.lettered && international(digits).is_some() {
                count(&mut self.with_plus_of, digits);
            }
        } else if let Some(digits) = written.bare().filter(|digits| digits.len() >= DIGITS_MIN) {
            self.long += 1;
            let own = region.and_then(Region::plan);
            let could_be_abroad = match own {
                Some(own) if is_valid(digits, own) => digits.starts_with(own.calling),
                _ => could_be(&written, own).is_some(),
            };
            if could_be_abroad {
                count(&mut self.long_of, digits);
            }
        }
    }

    fn add_sums(&mut self, other: ColumnEvidence) {
        self.numbers += other.numbers;
        self.with_plus += other.with_plus;
        self.long += other.long;
        let sums = [(&mut self.with_plus_of, other.with_plus_of), (&mut self.long_of, other.long_of)];
        for (sums, others) in sums {
            others.into_iter().for_each(|(calling, count)| *sums.entry(calling).or_default() += count);
        }
    }

    fn has(&self, calling: &str) -> bool {
        let of = |sums: &BTreeMap<String, u64>| sums.get(calling).copied().unwrap_or_default();
        match self.with_plus {
            0 => {
                let share = of(&self.long_of) * 100 >= self.long * PERCENT_WITHOUT_PLUS;
                let is_lone = self.long < LONG_MIN && self.long < self.numbers;
                self.long > 0 && !is_lone && share && self.long * SHARE_LONG >= self.numbers
            }
            all => of(&self.with_plus_of) * SHARE_WITH_PLUS >= all,
        }
    }
}

fn count(sums: &mut BTreeMap<String, u64>, digits: &str) {
    if let Some((plan, _)) = PLANS.split_calling(digits) {
        *sums.entry(plan.calling.to_owned()).or_default() += 1;
    }
}

fn is_valid(digits: &str, region: &Plan) -> bool {
    national_number(false, digits, Some(region)).is_some()
}

/// The number, where the rule lets the digits be one of another country. The caller has tried the region's own plan.
pub(super) fn number<'w>(written: &'w Written, around: &Surroundings<'_>) -> Option<Number<'w>> {
    let region = around.region.and_then(Region::plan);
    let (calling, number) = could_be(written, region)?;
    let column = || around.evidence.and_then(|evidence| evidence.columns.get(around.column));
    let is_home = |home: &Region| home.plan().is_some_and(|plan| plan.calling == calling);
    if around.homes.iter().chain(&around.region).any(is_home) {
        return Some(number);
    }
    let column = column()?;
    let is_doubtful = is_trunk_form(written.digits()) && (column.with_plus == 0 || is_near_trunk(around.region));
    (!is_doubtful && column.has(calling)).then_some(number)
}

/// The number that digits without `+` would be with one, where they are written as such numbers are: for hints.
pub(super) fn likely(written: &Written, region: Option<Region>) -> Option<Number<'_>> {
    let (_, number) = could_be(written, region.and_then(Region::plan))?;
    (!is_trunk_form(written.digits())).then_some(number)
}

/// The calling code and the number, where the digits are written as one of another country, and are one.
fn could_be<'w>(written: &'w Written, region: Option<&Plan>) -> Option<(&'static str, Number<'w>)> {
    let digits = written.bare().filter(|digits| digits.len() >= DIGITS_MIN)?;
    let (plan, _) = PLANS.split_calling(digits)?;
    if !written.is_whole_or_parted_after(plan.calling.len()) {
        return None;
    }
    if region.is_some_and(|region| region.calling != plan.calling && region.is_trunk_form(digits)) {
        return None;
    }
    Some((plan.calling, international(digits)?))
}

/// Whether the digits are a number as it is dialled within Russia and Kazakhstan (`8 499 …`).
fn is_trunk_form(digits: &str) -> bool {
    let (prefix, calling) = TRUNK;
    let is_number = |rest: &str| PLANS.of_calling(calling).first().is_some_and(|plan| PLANS.is_valid(plan, rest));
    digits.len() == DIGITS_MIN && digits.strip_prefix(prefix).is_some_and(is_number)
}

fn is_near_trunk(region: Option<Region>) -> bool {
    region.is_some_and(|region| NEAR_TRUNK.contains(&region.code()))
}
