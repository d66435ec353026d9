//! Digits as a number in E.164, by the numbering plans.
//!
//! It reads no texts, and without a `+` it knows only the plan that it is given.

use super::plan::{Length, PLANS, Plan};
use crate::identity::whatsapp_forms;
use std::borrow::Cow;

/// The most digits of a national number (ITU-T E.164 has 15 with the calling code; Germany has longer ones).
const NATIONAL_LEN_MAX: usize = 17;
/// In fewer digits than this no calling code is looked for.
const INTERNATIONAL_LEN_MIN: usize = 3;

/// The number that these digits are, in E.164, as the numbering library finds it. A test holds the two together.
pub(super) fn number(plus: bool, digits: &str, region: Option<&Plan>) -> Option<String> {
    let (plan, national) = split(plus, digits, region)?;
    let stripped = plan.strip_national(&national);
    let national = match plan.length(&stripped) {
        Length::Local | Length::Short | Length::Between => &national,
        Length::Possible | Length::Long => &stripped,
    };
    let whole = national.len() <= NATIONAL_LEN_MAX && PLANS.is_valid(plan.calling, national);
    whole.then(|| ["+", plan.calling, &**national].concat())
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

/// The number that these digits are behind a `+`.
pub(super) fn international(digits: &str) -> Option<String> {
    number(true, digits, None).or_else(|| whatsapp_number(digits))
}

/// A number in the form that only WhatsApp still uses, of a contact whose phone has another form today:
/// Mexico with a `1` behind `+52`, Brazil without the ninth digit. It is kept as it is written.
pub(super) fn whatsapp_number(given: &str) -> Option<String> {
    let is_known = whatsapp_forms(given)
        .iter()
        .skip(1)
        .any(|form| number(true, form, None).is_some_and(|n| n.get(1..) == Some(form)));
    is_known.then(|| format!("+{given}"))
}
