//! Phones: whatever people and spreadsheets write, as E.164 with `+` (contract 3.3).
//!
//! Only numbers that a numbering plan holds valid come out. It does not say whether a number is in use, and it does not
//! guess a country.

mod clean;
mod plan;

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
    /// The region of this code: two letters in any case (ISO 3166-1; `UK` is `GB`), known to the numbering data.
    pub fn named(code: &str) -> Option<Region> {
        PLANS.position(if code.eq_ignore_ascii_case("UK") { "GB" } else { code }).map(Region)
    }

    /// Its two capital letters.
    pub fn code(self) -> &'static str {
        self.plan().map_or("", |plan| plan.code)
    }

    fn plan(self) -> Option<&'static Plan> {
        PLANS.get(self.0)
    }
}

/// Why a text is not a phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PhoneFault {
    /// No number of any plan that it could belong to. Several numbers in one cell and a number with an extension are
    /// this too: E.164 holds one number, and what would be left out must not be lost in silence.
    Invalid,
    /// A spreadsheet has cut it (`5.93988E+11`): its digits are gone.
    Spreadsheet,
    /// It has no country code, and no region was given to take it from.
    NoRegion,
}

/// The phone as E.164 with `+`.
///
/// # Errors
/// See [`PhoneFault`].
pub fn normalise(text: &str, region: Option<Region>) -> Result<String, PhoneFault> {
    let written = Written::read(text)?;
    let found = if written.lettered {
        lettered(text, region)
    } else {
        let plan = region.and_then(Region::plan);
        number(written.plus, written.digits(), plan).or_else(|| number(true, written.after_absent_plus()?, None))
    };
    match found.or_else(|| whatsapp_number(&written)) {
        Some(number) => Ok(number),
        None if region.is_none() && written.could_be_national() => Err(PhoneFault::NoRegion),
        None => Err(PhoneFault::Invalid),
    }
}

/// A number in the form that only WhatsApp still uses, of a person whose phone has another form today (contract 3.3):
/// Mexico with a `1` behind `+52`, Brazil without the ninth digit. It is kept as it is written.
fn whatsapp_number(written: &Written) -> Option<String> {
    let given = match (written.lettered, written.plus) {
        (true, _) => return None,
        (false, true) => written.digits(),
        (false, false) => written.after_absent_plus()?,
    };
    let is_known = whatsapp_forms(given)
        .iter()
        .skip(1)
        .any(|form| number(true, form, None).is_some_and(|n| n.get(1..) == Some(form)));
    is_known.then(|| format!("+{given}"))
}

/// Whether the phone says its country: it begins with `+` or `00`, or its digits are a number with `+` in front.
pub fn has_country_code(text: &str) -> bool {
    let Ok(written) = Written::read(text) else { return false };
    let international = || number(true, written.after_absent_plus()?, None);
    written.begins_international() || international().is_some()
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
