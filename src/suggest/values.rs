//! What the values of a column say about what it may hold: from -1 (it cannot be) over 0 (nothing) to 1, how much that
//! weighs, and in words.

use super::document;
use super::given::is_given;
use super::places::country_of_city;
use crate::contact::Field;
use crate::mapping::names::Head;
use crate::profile::{Column, Head as FirstRecords, Look};

/// Records whose texts are read word by word.
const ROWS_MAX: usize = 300;

/// Shorter texts on average are ways to say that there is no value.
const WORD_LEN_MIN: u64 = 4;

/// Fewer values say nothing against a name.
const VALUES_MIN: u64 = 3;

/// What values say.
#[derive(Clone, Debug, Default)]
pub(super) struct Says {
    /// From -1 to 1.
    pub v: f64,
    /// How much of what names leave open it settles.
    pub power: f64,
    /// In words.
    pub words: String,
}

/// The values of one column.
pub(super) struct Values<'a> {
    pub column: &'a Column,
    /// Of the texts, the share that has a given name, and the share that is a large city.
    pub given: f64,
    pub cities: f64,
    /// Whether values are JSON.
    is_json: bool,
}

impl<'a> Values<'a> {
    pub fn of(head: &FirstRecords, at: usize, column: &'a Column) -> Values<'a> {
        let (mut texts, mut given, mut cities, mut json) = (0u32, 0u32, 0u32, 0u32);
        if column.look(Look::Text) > 0 {
            for cells in head.rows().take(ROWS_MAX) {
                let cell = cells.get(at);
                let cell = cell.trim();
                if cell.is_empty() || cell.len() > 120 {
                    continue;
                }
                texts += 1;
                given += u32::from(cell.split([' ', ',', '-']).take(6).any(is_given));
                cities += u32::from(country_of_city(cell).is_some());
                json += u32::from(cell.starts_with('{'));
            }
        }
        let share = |n: u32| if texts == 0 { 0.0 } else { f64::from(n) / f64::from(texts) };
        Values { column, given: share(given), cities: share(cities), is_json: json * 2 > texts }
    }

    fn share(&self, n: u64) -> f64 {
        if self.column.filled == 0 { 0.0 } else { n as f64 / self.column.filled as f64 }
    }

    fn looks(&self, looks: &[Look]) -> f64 {
        self.share(looks.iter().map(|look| self.column.look(*look)).sum())
    }

    /// Most are of kinds that such a value is not.
    fn is_mostly(&self, looks: &[Look]) -> bool {
        self.looks(looks) >= 0.5
    }

    fn counted(&self, n: u64, what: &str) -> String {
        match n == self.column.filled {
            true => format!("all {n} are {what}"),
            false => format!("{n} of {} are {what}", self.column.filled),
        }
    }

    /// Values that look like phones, or like what spreadsheets make of them.
    fn phones(&self) -> u64 {
        let column = self.column;
        let short = if column.len_min >= 6 && column.len_max <= 17 { column.look(Look::Number) } else { 0 };
        column.look(Look::Phone) + column.look(Look::Broken) + short + self.compact_dates()
    }

    /// Whether they are numbers that rise from row to row.
    pub fn is_counter(&self) -> bool {
        self.column.filled >= 5 && self.column.rises * 100 >= self.column.filled * 95
    }

    /// The document whose check digits they have.
    pub fn document(&self) -> Option<&'static str> {
        document::kind_of(&self.column.phones.bare)
    }

    /// What the values say about a column that is called so. A few values say nothing against its name.
    pub fn about(&self, head: Head) -> Says {
        let says = if self.column.filled == 0 { Says::default() } else { self.judged(head) };
        if says.v < 0.0 && self.column.filled < VALUES_MIN { Says::default() } else { says }
    }

    fn judged(&self, head: Head) -> Says {
        let not_text = [Look::Email, Look::Phone, Look::Date, Look::Number, Look::YesNo, Look::Url, Look::Hash];
        let not_email = [Look::Phone, Look::Date, Look::Number, Look::YesNo, Look::Url, Look::Hash];
        let sentences: u64 = self.column.words.iter().skip(1).sum();
        // An invalid number is meant to be one all the same.
        let others = self.column.lettered
            + self.column.dated.saturating_sub(self.compact_dates())
            + [Look::Email, Look::YesNo, Look::Url, Look::Hash].iter().map(|look| self.column.look(*look)).sum::<u64>();
        let never = || Says { v: -1.0, power: 1.0, words: format!("its values are {}", self.in_words()) };
        let unless = |looks: &[Look], power: f64| match self.is_mostly(looks) {
            true => never(),
            false => Says { v: 0.5, power, words: String::new() },
        };
        match head {
            Head::Email if self.is_mostly(&not_email) || self.share(sentences) >= 0.5 => never(),
            Head::Email => self.unsigned(self.column.look(Look::Email), 0.95, "e-mail addresses"),
            Head::Phone if self.document().is_some() => never(),
            // `WhatsApp: yes` says that there is a number, not which.
            Head::Phone if self.looks(&[Look::YesNo]) >= 0.9 && self.phones() == 0 && self.has_yes() => never(),
            // `no`, `N/A` and `-` say that there is none.
            Head::Phone if self.share(others) >= 0.5 && self.column.len_sum >= self.column.filled * WORD_LEN_MIN => {
                never()
            }
            Head::Phone => {
                let power = if self.column.phones.with_code * 2 >= self.column.filled { 0.92 } else { 0.85 };
                self.unsigned(self.phones(), power, "phones")
            }
            Head::First
            | Head::Last
            | Head::Full
            | Head::MaybeFirst
            | Head::MaybeLast
            | Head::Bare(_)
            | Head::Person => match self.is_mostly(&not_text) {
                true => never(),
                false => self.name(),
            },
            Head::Street | Head::Address => match self.is_json {
                true => never(),
                false => unless(&[Look::Email, Look::Phone, Look::Date, Look::YesNo, Look::Url, Look::Hash], 0.3),
            },
            Head::MaybeStreet if self.share(self.column.words.iter().skip(1).sum()) < 0.5 => never(),
            Head::MaybeStreet | Head::City | Head::Locality => unless(&not_text, 0.3),
            Head::State | Head::MaybeState if self.has_states_of_being() => never(),
            Head::State | Head::MaybeState => unless(&not_text, 0.3),
            Head::Zip | Head::MaybeZip if self.share(self.column.lettered) >= 0.5 => never(),
            Head::Zip | Head::MaybeZip => unless(&[Look::Email, Look::YesNo, Look::Url], 0.3),
            Head::Country => self.country(never),
            Head::Tags => unless(&[Look::Email, Look::Phone, Look::Date, Look::YesNo, Look::Hash], 0.3),
            Head::Other(Field::CreatedAt | Field::UpdatedAt) if self.looks(&[Look::Date]) < 0.5 => never(),
            Head::Other(Field::DocumentNumber) if self.share(self.column.lettered) >= 0.8 => never(),
            Head::Other(Field::DocumentNumber) => self.numbered(),
            Head::Other(Field::Notes) => unless(&[Look::Email, Look::YesNo], 0.2),
            Head::Handles | Head::CountryCode | Head::Website | Head::Other(_) => Says::default(),
        }
    }

    /// Dates without signs, of which some may be phones of eight digits; all of a column are dates.
    fn compact_dates(&self) -> u64 {
        let compact = self.column.dates.get(8).copied().unwrap_or(0);
        if compact == self.column.filled && compact >= 5 { 0 } else { compact }
    }

    /// Whether any value is a yes; a `no` may stand for a value that is missing.
    fn has_yes(&self) -> bool {
        let is_no = |value: &str| value.to_lowercase().starts_with(['n', 'н']);
        self.column.values.as_ref().is_some_and(|values| values.keys().any(|value| !is_no(value)))
    }

    /// Digits speak for a number.
    fn numbered(&self) -> Says {
        let digits = self.looks(&[Look::Phone, Look::Number]) + self.share(self.compact_dates());
        let words = "they are digits".to_owned();
        if digits >= 0.8 { Says { v: digits.min(1.0), power: 0.6, words } } else { Says::default() }
    }

    /// Whether most numbers without a country code are written as only phones are: `(11) 98765-4321`.
    fn is_written_as_phone(&self) -> bool {
        let bare = &self.column.phones.bare;
        let in_brackets = bare.iter().filter(|number| number.starts_with('(') && number.contains(')')).count();
        in_brackets * 10 >= bare.len() * 6
    }

    /// What fits speaks for it; what does not may be invalid.
    fn unsigned(&self, n: u64, power: f64, what: &str) -> Says {
        let share = self.share(n);
        let v = if share >= 0.5 { share } else { 0.0 };
        Says { v, power, words: self.counted(n, what) }
    }

    fn name(&self) -> Says {
        let letters = self.share(self.column.lettered);
        let power = if self.given >= 0.3 { 0.9 } else { 0.5 };
        let words = if self.given >= 0.3 { "many have a given name" } else { "" };
        Says { v: if letters >= 0.5 { letters } else { 0.0 }, power, words: words.to_owned() }
    }

    fn country(&self, never: impl Fn() -> Says) -> Says {
        let known = self.column.countries;
        // `no` is Norway too.
        let share = self.share(known + if self.column.len_max <= 3 { self.column.look(Look::YesNo) } else { 0 });
        match share {
            share if share >= 0.6 => Says { v: share, power: 0.6, words: self.counted(known, "countries") },
            _ if self.looks(&[Look::Text]) < 0.5 && self.column.look(Look::Number) < self.column.filled => never(),
            _ => Says::default(),
        }
    }

    /// `active`, `lead`: a status, in a column whose name could be that of a state of a country.
    fn has_states_of_being(&self) -> bool {
        const WORDS: [&str; 40] = [
            "active",
            "inactive",
            "open",
            "closed",
            "new",
            "lead",
            "customer",
            "pending",
            "subscribed",
            "unsubscribed",
            "cancelled",
            "canceled",
            "won",
            "lost",
            "blocked",
            "bounced",
            "confirmed",
            "unconfirmed",
            "enabled",
            "disabled",
            "activo",
            "inactivo",
            "nuevo",
            "cerrado",
            "abierto",
            "pendiente",
            "ativo",
            "inativo",
            "novo",
            "pendente",
            "активен",
            "новый",
            "закрыт",
            "aktiv",
            "inaktiv",
            "neu",
            "actif",
            "inactif",
            "attivo",
            "soltero",
        ];
        let Some(values) = &self.column.values else { return false };
        let of_being = |(value, n): (&String, &u64)| WORDS.contains(&value.to_lowercase().as_str()).then_some(*n);
        self.share(values.iter().filter_map(of_being).sum()) >= 0.3
    }

    /// What values alone say: the head, how sure that is, and in words. `is_nameless`: the column has no name of its own.
    pub fn alone(&self, is_nameless: bool) -> Vec<(Head, f64, String)> {
        let mut found = Vec::new();
        let column = self.column;
        let (different, _) = column.distinct.count();
        let emails = self.looks(&[Look::Email]);
        // The same few addresses again and again are those of agents.
        if emails >= 0.8 && !(column.filled >= 20 && different < 5) {
            found.push((Head::Email, 0.95 * emails, self.counted(column.look(Look::Email), "e-mail addresses")));
        }
        if let Some(document) = self.document() {
            let words = format!("the check digits are those of a {document}");
            found.push((Head::Other(Field::DocumentNumber), 0.87, words));
        } else if self.looks(&[Look::Phone]) >= 0.8 && !self.is_counter() && different * 2 >= column.filled {
            let has_codes = column.phones.with_code * 10 >= column.filled * 8;
            let power = match (has_codes, is_nameless) {
                (true, _) => 0.94,
                (false, true) => 0.88,
                (false, false) if self.is_written_as_phone() => 0.88,
                (false, false) => 0.75,
            };
            let phones = self.looks(&[Look::Phone, Look::Broken]);
            found.push((Head::Phone, power * phones, self.counted(self.phones(), "phones")));
        }
        if is_nameless {
            found.extend(self.nameless());
        }
        found.sort_by(|one, other| other.1.total_cmp(&one.1));
        found
    }

    fn nameless(&self) -> Option<(Head, f64, String)> {
        let column = self.column;
        if column.filled < 2 || self.looks(&[Look::Text]) < 0.9 {
            return None;
        }
        let (different, _) = column.distinct.count();
        if self.share(column.countries) >= 0.95 && self.cities < 0.5 {
            return Some((Head::Country, 0.9, self.counted(column.countries, "countries")));
        }
        if self.cities >= 0.6 {
            return Some((Head::City, 0.88, "most are large cities".to_owned()));
        }
        let is_varied = different * 2 >= column.filled;
        if !is_varied || self.share(column.lettered) < 0.9 || self.share(column.companies) > 0.1 {
            return None;
        }
        let several = self.share(column.words.get(1).copied().unwrap_or(0));
        let one = self.share(column.words.first().copied().unwrap_or(0));
        match (several >= 0.6, one >= 0.8) {
            (true, _) if self.given >= 0.5 => {
                Some((Head::Full, 0.9, "most have a given name and another word".to_owned()))
            }
            (_, true) if self.given >= 0.6 => Some((Head::First, 0.88, "most are given names".to_owned())),
            _ => None,
        }
    }

    /// What most values look like.
    pub fn in_words(&self) -> &'static str {
        const WORDS: [(Look, &str); Look::COUNT] = [
            (Look::Email, "e-mail addresses"),
            (Look::Phone, "phones"),
            (Look::Date, "dates"),
            (Look::Number, "numbers"),
            (Look::YesNo, "yes and no"),
            (Look::Url, "web addresses"),
            (Look::Hash, "ids"),
            (Look::Broken, "errors of a spreadsheet"),
            (Look::Text, "other texts"),
        ];
        if let Some(document) = self.document() {
            return document;
        }
        WORDS.into_iter().max_by_key(|(look, _)| self.column.look(*look)).map_or("", |(_, words)| words)
    }
}
