//! One column: counts, looks, samples, invalid values. Columns that workers counted apart are merged.

use super::dates::{FORMATS, formats_of};
use super::distinct::Distinct;
use super::looks::{Look, is_company};
use super::phones::Phones;
use crate::mapping::phone::Region;
use crate::outcome::Reject;
use std::collections::BTreeMap;

/// Values that are counted one by one, as long as there are no more different ones.
const VALUES_MAX: usize = 64;
/// The longest of these, in bytes, and the longest that is shown.
const VALUE_LEN_MAX: usize = 60;
const LONGEST_LEN_MAX: usize = 120;
/// Different values that are shown.
const SAMPLES_MAX: usize = 5;
/// Invalid values that are kept with their lines.
const INVALID_MAX: usize = 20;

/// What parts the items of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Separator {
    /// `;`
    Semicolon,
    /// `,`
    Comma,
    /// `|`
    Bar,
    /// ` ::: `
    Colons,
    /// A line break.
    Line,
}

impl Separator {
    /// All of them, with what they are written as.
    pub const ALL: [(Separator, &'static str); 5] = [
        (Separator::Semicolon, ";"),
        (Separator::Comma, ","),
        (Separator::Bar, "|"),
        (Separator::Colons, " ::: "),
        (Separator::Line, "\n"),
    ];
}

/// Invalid values.
#[derive(Clone, Debug, Default)]
pub struct Invalid {
    /// How many.
    pub n: u64,
    /// The first of them.
    pub first: Vec<InvalidValue>,
}

/// An invalid value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct InvalidValue {
    /// Where its record begins.
    pub line: u64,
    /// The value.
    pub value: String,
    /// The code that an import gives.
    pub code: String,
}

impl Invalid {
    /// Adds a value.
    pub fn add(&mut self, line: u64, value: &str, code: &str) {
        self.n += 1;
        if self.first.len() < INVALID_MAX {
            let value = shortened(value, VALUE_LEN_MAX);
            self.first.push(InvalidValue { line, value, code: code.to_owned() });
        }
    }

    /// Adds a record that cannot be read.
    pub fn reject(&mut self, reject: &Reject) {
        let code = reject.problems.first().map_or("", |problem| &problem.code);
        let text = String::from_utf8_lossy(reject.raw.get(..VALUE_LEN_MAX * 4).unwrap_or(&reject.raw)).into_owned();
        self.add(reject.origin.line, &text, code);
    }

    pub(super) fn merge(&mut self, other: Invalid) {
        self.n += other.n;
        self.first.extend(other.first);
        self.first.sort();
        self.first.truncate(INVALID_MAX);
    }
}

/// What a column holds.
#[derive(Clone, Debug)]
pub struct Column {
    /// Values that are not blank.
    pub filled: u64,
    /// The shortest and the longest, in characters, and all together.
    pub len_min: u64,
    #[allow(missing_docs)]
    pub len_max: u64,
    #[allow(missing_docs)]
    pub len_sum: u64,
    /// The longest value, shortened.
    pub longest: String,
    /// By look, in the order of [`Look`].
    pub looks: [u64; Look::COUNT],
    /// Values that can be read with each of [`FORMATS`], and with any of them.
    pub dates: [u64; FORMATS.len()],
    #[allow(missing_docs)]
    pub dated: u64,
    /// How many different values.
    pub distinct: Distinct,
    /// How often each occurs, while there are few.
    pub values: Option<BTreeMap<String, u64>>,
    /// The first different ones.
    pub samples: Vec<String>,
    /// Cells that have each separator, in the order of [`Separator::ALL`].
    pub separated: [u64; 5],
    /// Its phones, where it has any.
    pub phones: Phones,
    /// Values that are not what the column is expected to hold.
    pub invalid: Invalid,
    /// Cells that hold several numbers.
    pub several: u64,
    /// Texts of one word, of two to five, and of more (deep only).
    pub words: [u64; 3],
    /// Texts of letters alone (deep only).
    pub lettered: u64,
    /// Names of companies (deep only).
    pub companies: u64,
    /// Texts that name a country (deep only).
    pub countries: u64,
    /// Whole numbers that are greater than the one before.
    pub rises: u64,
    last: Option<u64>,
    is_deep: bool,
}

impl Column {
    /// One of so many columns.
    pub(super) fn new(columns: usize, is_deep: bool) -> Column {
        Column {
            filled: 0,
            len_min: u64::MAX,
            len_max: 0,
            len_sum: 0,
            longest: String::new(),
            looks: [0; Look::COUNT],
            dates: [0; FORMATS.len()],
            dated: 0,
            distinct: Distinct::new(columns),
            values: Some(BTreeMap::new()),
            samples: Vec::new(),
            separated: [0; 5],
            phones: Phones::default(),
            invalid: Invalid::default(),
            several: 0,
            words: [0; 3],
            lettered: 0,
            companies: 0,
            countries: 0,
            rises: 0,
            last: None,
            is_deep,
        }
    }

    /// How many values look so.
    pub fn look(&self, look: Look) -> u64 {
        self.looks.get(look as usize).copied().unwrap_or(0)
    }

    /// Of a hundred filled values, so many.
    pub fn percent(&self, n: u64) -> u64 {
        (n * 100).checked_div(self.filled).unwrap_or(0)
    }

    /// Adds a value that is not blank.
    pub(super) fn add(&mut self, cell: &str) {
        self.filled += 1;
        self.measure(cell);
        self.distinct.add(cell);
        self.count_value(cell);
        for (count, (_, sign)) in self.separated.iter_mut().zip(Separator::ALL) {
            *count += u64::from(cell.contains(sign));
        }
        let look = Look::of(cell);
        self.looks.iter_mut().skip(look as usize).take(1).for_each(|n| *n += 1);
        match look {
            Look::Date => self.add_date(cell),
            Look::Phone if self.is_deep => self.phones.add_cell(cell),
            Look::Number => self.add_number(cell),
            Look::Text if self.is_deep => self.add_text(cell),
            _ => {}
        }
    }

    fn measure(&mut self, cell: &str) {
        let len = if cell.is_ascii() { cell.len() } else { cell.chars().count() } as u64;
        self.len_min = self.len_min.min(len);
        self.len_sum += len;
        if len > self.len_max {
            self.len_max = len;
            self.longest = shortened(cell, LONGEST_LEN_MAX);
        }
    }

    fn count_value(&mut self, cell: &str) {
        if self.samples.len() < SAMPLES_MAX {
            let sample = shortened(cell, VALUE_LEN_MAX);
            if !self.samples.contains(&sample) {
                self.samples.push(sample);
            }
        }
        let Some(values) = &mut self.values else { return };
        if let Some(n) = values.get_mut(cell) {
            *n += 1;
        } else if values.len() < VALUES_MAX && cell.len() <= VALUE_LEN_MAX {
            values.insert(cell.to_owned(), 1);
        } else {
            self.values = None;
        }
    }

    fn add_date(&mut self, cell: &str) {
        let found = formats_of(cell);
        self.dated += 1;
        for (at, n) in self.dates.iter_mut().enumerate() {
            *n += u64::from(found >> at & 1);
        }
    }

    fn add_number(&mut self, cell: &str) {
        let number = cell.parse().ok();
        self.rises += u64::from(number.is_some() && self.last.is_none_or(|last| number > Some(last)));
        self.last = number.or(self.last);
    }

    fn add_text(&mut self, cell: &str) {
        let words = cell.split_whitespace().count();
        let kind = match words {
            0 | 1 => 0,
            2..=5 => 1,
            _ => 2,
        };
        self.words.iter_mut().skip(kind).take(1).for_each(|n| *n += 1);
        let is_letter = |c: char| c.is_alphabetic() || matches!(c, ' ' | '.' | '-' | '\'' | '’' | ',');
        self.lettered += u64::from(cell.chars().all(is_letter));
        self.companies += u64::from(is_company(cell));
        self.countries += u64::from(cell.len() <= VALUE_LEN_MAX && Region::named(cell).is_some());
    }

    pub(super) fn merge(&mut self, other: Column) {
        self.filled += other.filled;
        self.len_min = self.len_min.min(other.len_min);
        self.len_sum += other.len_sum;
        if other.len_max > self.len_max {
            self.len_max = other.len_max;
            self.longest = other.longest;
        }
        let add = |own: &mut [u64], other: &[u64]| own.iter_mut().zip(other).for_each(|(own, other)| *own += other);
        add(&mut self.looks, &other.looks);
        add(&mut self.dates, &other.dates);
        add(&mut self.separated, &other.separated);
        add(&mut self.words, &other.words);
        self.dated += other.dated;
        self.several += other.several;
        self.lettered += other.lettered;
        self.companies += other.companies;
        self.countries += other.countries;
        self.rises += other.rises;
        self.distinct.merge(other.distinct);
        self.phones.merge(other.phones);
        self.invalid.merge(other.invalid);
        self.merge_values(other.values);
        for sample in other.samples {
            if self.samples.len() < SAMPLES_MAX && !self.samples.contains(&sample) {
                self.samples.push(sample);
            }
        }
    }

    fn merge_values(&mut self, other: Option<BTreeMap<String, u64>>) {
        let (Some(own), Some(other)) = (&mut self.values, other) else {
            self.values = None;
            return;
        };
        for (value, n) in other {
            *own.entry(value).or_default() += n;
        }
        if own.len() > VALUES_MAX {
            self.values = None;
        }
    }
}

/// The beginning of a text, at most so many bytes.
fn shortened(text: &str, len_max: usize) -> String {
    if text.len() <= len_max {
        return text.to_owned();
    }
    let end = (0..=len_max).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    format!("{}…", text.get(..end).unwrap_or_default())
}
