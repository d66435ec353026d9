//! Phones: numbers as users and spreadsheets write them, brought to E.164 with `+`.
//!
//! Only numbers that a numbering plan holds valid come out. It does not say whether a number is in use, and it does not
//! guess a country: digits without `+` are another country's only where the rule of `phone/abroad.rs` says so.

mod abroad;
mod cell;
mod clean;
mod fault;
mod keypad;
mod kind;
mod number;
mod plan;
mod region;
mod territory;

pub use abroad::{ColumnEvidence, Evidence, Surroundings};
pub use cell::{Part, numbers_in, parts};
pub use fault::PhoneFault;
pub use kind::{NumberType, mobiles_first, number_type};
pub use region::Region;

use clean::Written;
use number::{Number, international, number, whatsapp_number};
use plan::PLANS;

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
    number_of(text, &Written::read(text)?, around).map(|number| number.text())
}

/// The phone that a whole text is, as E.164 with `+`; `None` where the text is no phone, or may be more than one.
pub fn whole(text: &str, around: &Surroundings<'_>) -> Option<String> {
    whole_number(text, &Written::read(text).ok()?, around).map(|number| number.text())
}

/// Writes the same at the end of `out`; whether there was one.
pub fn write_whole(text: &str, around: &Surroundings<'_>, out: &mut Vec<u8>) -> bool {
    let Ok(written) = Written::read(text) else { return false };
    whole_number(text, &written, around).map(|number| number.write(out)).is_some()
}

/// What stands behind a number must not be read as the letters of a keypad.
fn whole_number<'w>(text: &str, written: &'w Written, around: &Surroundings<'_>) -> Option<Number<'w>> {
    let has_letters = written.lettered && text.bytes().any(|byte| byte.is_ascii_alphabetic());
    if has_letters { None } else { number_of(text, written, around).ok() }
}

/// The same as [`read`], where the text has been read; letters are those of a keypad.
fn number_of<'w>(text: &str, written: &'w Written, around: &Surroundings<'_>) -> Result<Number<'w>, PhoneFault> {
    if around.is_region_unknown && written.could_be_national() {
        return Err(PhoneFault::UnknownRegion);
    }
    let plan = around.region.and_then(Region::plan);
    let found = if written.lettered {
        keypad::digits(text).and_then(|digits| number(written.plus, &digits, plan).map(Number::into_owned))
    } else {
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
fn written_international(written: &Written) -> Option<Number<'_>> {
    match written.after_zeros() {
        Some(digits) => international(digits),
        None if written.plus && !written.lettered => whatsapp_number(written.digits()),
        None => None,
    }
}

/// Whether the phone says its country: it begins with `+` or `00`.
pub fn has_country_code(text: &str) -> bool {
    Written::read(text).is_ok_and(|written| written.begins_international())
}

/// The number of another country that a text without `+` may well be, and that country: for hints.
pub fn likely_abroad(text: &str, region: Option<Region>) -> Option<(String, Region)> {
    let number = abroad::likely(&Written::read(text).ok()?, region)?.text();
    let (plan, _) = PLANS.split_calling(number.get(1..)?)?;
    Some((number, Region::of(plan)?))
}
