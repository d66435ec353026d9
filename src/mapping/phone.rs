//! Phones: numbers as users and spreadsheets write them, brought to E.164 with `+`.
//!
//! Only numbers that a numbering plan holds valid come out. It does not say whether a number is in use, and it does not
//! guess a country: digits without `+` are another country's only where the rule of `phone/abroad.rs` says so.

mod abroad;
mod cell;
mod clean;
mod kind;
mod plan;
mod territory;

pub use abroad::{ColumnEvidence, Evidence};
pub use cell::{Part, numbers_in, parts};

pub use kind::{NumberType, mobiles_first, number_type};

use crate::identity::whatsapp_forms;
use clean::Written;
use plan::{Length, PLANS, Plan};
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat};
use std::borrow::Cow;

/// The most digits of a national number (ITU-T E.164 has 15 with the calling code; Germany has longer ones).
const NATIONAL_LEN_MAX: usize = 17;
/// In fewer digits than this no calling code is looked for.
const INTERNATIONAL_LEN_MIN: usize = 3;

/// A country whose numbering plan is known: the one that phones without a country code belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Region(u16);

impl Region {
    /// The region that a text names, in any case and with or without accents: a code of two or three letters (ISO 3166-1;
    /// `UK` is `GB`), a calling code (`593`, `+593`), or a name in English, Spanish, Portuguese, Russian, German, French
    /// or Italian.
    ///
    /// ```
    /// use ferry::mapping::phone::Region;
    ///
    /// for text in ["EC", "ecu", "+593", "Ecuador", "Эквадор", "Équateur"] {
    ///     assert_eq!(Region::named(text).map(Region::code), Some("EC"));
    /// }
    /// assert_eq!(Region::named("Narnia"), None);
    /// ```
    pub fn named(text: &str) -> Option<Region> {
        territory::position(text.trim()).map(Region)
    }

    /// Its two capital letters.
    pub fn code(self) -> &'static str {
        self.plan().map_or("", |plan| plan.code)
    }

    /// Its English name; its code where it has none.
    pub fn name(self) -> &'static str {
        territory::english(self.0).unwrap_or(self.code())
    }

    fn plan(self) -> Option<&'static Plan> {
        PLANS.get(self.0)
    }
}

/// Why a text is not a phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PhoneFault {
    /// No number of any plan that it could belong to. Several numbers in one cell and a number with an extension are
    /// this too: [`parts`] takes them apart.
    Invalid,
    /// A spreadsheet has truncated it (`5.93988E+11`): its digits are lost.
    Spreadsheet,
    /// It has no country code, and no region was given to take it from.
    NoRegion,
    /// It has no country code, and the record's value for the country is not one.
    UnknownRegion,
}

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

/// The phone as E.164 with `+`, by nothing but a region.
///
/// # Errors
/// See [`PhoneFault`].
pub fn normalise(text: &str, region: Option<Region>) -> Result<String, PhoneFault> {
    read(text, &Surroundings::of_region(region))
}

/// The phone as E.164 with `+`.
///
/// # Errors
/// See [`PhoneFault`].
pub fn read(text: &str, around: &Surroundings<'_>) -> Result<String, PhoneFault> {
    number_of(text, &Written::read(text)?, around)
}

/// The same, where the text has been read; letters are those of a keypad.
fn number_of(text: &str, written: &Written, around: &Surroundings<'_>) -> Result<String, PhoneFault> {
    if around.is_region_unknown && written.could_be_national() {
        return Err(PhoneFault::UnknownRegion);
    }
    let found = if written.lettered {
        lettered(text, around.region)
    } else {
        let plan = around.region.and_then(Region::plan);
        number(written.plus, written.digits(), plan)
            .or_else(|| written_international(written))
            .or_else(|| abroad::number(written, around))
    };
    match found {
        Some(number) => Ok(number),
        None if around.region.is_none() && written.could_be_national() => Err(PhoneFault::NoRegion),
        None => Err(PhoneFault::Invalid),
    }
}

/// A number behind `+` or `00`.
fn written_international(written: &Written) -> Option<String> {
    match written.after_zeros() {
        Some(digits) => international(digits),
        None if written.plus && !written.lettered => whatsapp_number(written.digits()),
        None => None,
    }
}

/// The number that these digits are behind a `+`.
fn international(digits: &str) -> Option<String> {
    number(true, digits, None).or_else(|| whatsapp_number(digits))
}

/// A number in the form that only WhatsApp still uses, of a contact whose phone has another form today:
/// Mexico with a `1` behind `+52`, Brazil without the ninth digit. It is kept as it is written.
fn whatsapp_number(given: &str) -> Option<String> {
    let is_known = whatsapp_forms(given)
        .iter()
        .skip(1)
        .any(|form| number(true, form, None).is_some_and(|n| n.get(1..) == Some(form)));
    is_known.then(|| format!("+{given}"))
}

/// Whether the phone says its country: it begins with `+` or `00`.
pub fn has_country_code(text: &str) -> bool {
    Written::read(text).is_ok_and(|written| written.begins_international())
}

/// The number of another country that a text without `+` may well be, and that country: for hints.
pub fn likely_abroad(text: &str, region: Option<Region>) -> Option<(String, Region)> {
    let number = abroad::likely(&Written::read(text).ok()?, region)?;
    let (plan, _) = PLANS.split_calling(number.get(1..)?)?;
    Some((number, PLANS.position(plan.code).map(Region)?))
}

/// The number that these digits are, in E.164, as the numbering library finds it. A test holds the two together.
fn number(plus: bool, digits: &str, region: Option<&Plan>) -> Option<String> {
    let (plan, national) = split(plus, digits, region)?;
    let stripped = plan.strip_national(&national);
    let national = match plan.length(&stripped) {
        Length::Local | Length::Short | Length::Between => &national,
        Length::Possible | Length::Long => &stripped,
    };
    let whole = national.len() <= NATIONAL_LEN_MAX && PLANS.is_valid(plan.calling, national);
    whole.then(|| format!("+{}{national}", plan.calling))
}

/// The plan that the number belongs to, and the number without calling code.
fn split<'a>(plus: bool, digits: &'a str, region: Option<&'a Plan>) -> Option<(&'a Plan, Cow<'a, str>)> {
    let international = |digits: &'a str| {
        let (plan, rest) = PLANS.split_calling(digits).filter(|_| digits.len() >= INTERNATIONAL_LEN_MIN)?;
        Some((plan, Cow::Borrowed(rest)))
    };
    if plus && let Some(found) = international(digits) {
        return Some(found);
    }
    // What begins with a plus and has no calling code may have a superfluous plus: `+0034…`.
    let region = region?;
    if let Some(rest) = region.strip_abroad(digits) {
        return international(rest);
    }
    split_own(digits, region).or_else(|| (!plus).then_some((region, Cow::Borrowed(digits))))
}

/// A number that begins with the region's own calling code: when it is none of the region's with it and one without, or
/// is too long with it.
fn split_own<'a>(digits: &'a str, region: &'a Plan) -> Option<(&'a Plan, Cow<'a, str>)> {
    let rest = region.strip_national(digits.strip_prefix(region.calling)?);
    let better = !region.fit(digits).is_general() && region.fit(&rest).is_general();
    let taken = better || region.length(digits) == Length::Long;
    let main = PLANS.of_calling(region.calling).first().unwrap_or(region);
    taken.then_some((main, rest))
}

/// A number with letters in it (`1-800-FLOWERS`): rare, so left to the library, which knows the keypad.
fn lettered(text: &str, region: Option<Region>) -> Option<String> {
    let region = region.and_then(|region| rlibphonenumber::Region::from_code(region.code()).ok());
    let number = PHONE_NUMBER_UTIL.parse(text, region).ok()?;
    let whole = number.extension.is_none() && PHONE_NUMBER_UTIL.is_valid_number(&number);
    whole.then(|| PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::E164).into_owned())
}
