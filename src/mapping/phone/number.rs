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

/// A number in E.164, its digits where they were read.
#[derive(Clone, Debug)]
pub(super) struct Number<'d> {
    /// The calling code; empty where it stands in `digits`.
    calling: &'static str,
    digits: Cow<'d, str>,
}

impl Number<'_> {
    /// The same with digits of its own.
    pub fn into_owned(self) -> Number<'static> {
        Number { calling: self.calling, digits: Cow::Owned(self.digits.into_owned()) }
    }

    /// As text.
    pub fn text(&self) -> String {
        ["+", self.calling, &*self.digits].concat()
    }

    /// Writes it as text at the end of `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(b'+');
        out.extend_from_slice(self.calling.as_bytes());
        out.extend_from_slice(self.digits.as_bytes());
    }

    /// Whether it has these digits.
    fn is(&self, digits: &str) -> bool {
        digits.strip_prefix(self.calling).is_some_and(|rest| rest == self.digits)
    }
}

/// The number that these digits are, in E.164, as the numbering library finds it. A test holds the two together.
pub(super) fn number<'d>(plus: bool, digits: &'d str, region: Option<&Plan>) -> Option<Number<'d>> {
    let (plan, national) = split(plus, digits, region)?;
    let stripped = match &national {
        Cow::Borrowed(national) => plan.strip_national(national),
        Cow::Owned(national) => Cow::Owned(plan.strip_national(national).into_owned()),
    };
    let national = match plan.length(&stripped) {
        Length::Local | Length::Short | Length::Between => national,
        Length::Possible | Length::Long => stripped,
    };
    let is_whole = national.len() <= NATIONAL_LEN_MAX && PLANS.is_valid(plan, &national);
    is_whole.then_some(Number { calling: plan.calling, digits: national })
}

/// The plan that the number belongs to, and the number without calling code.
fn split<'d, 'p>(plus: bool, digits: &'d str, region: Option<&'p Plan>) -> Option<(&'p Plan, Cow<'d, str>)> {
    let international = |digits: &'d str| {
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
fn split_own<'d, 'p>(digits: &'d str, region: &'p Plan) -> Option<(&'p Plan, Cow<'d, str>)> {
    let rest = region.strip_national(digits.strip_prefix(region.calling)?);
    let better = !region.fit(digits).is_general() && region.fit(&rest).is_general();
    let taken = better || region.length(digits) == Length::Long;
    let main = PLANS.of_calling(region.calling).first().unwrap_or(region);
    taken.then_some((main, rest))
}

/// The number that these digits are behind a `+`.
pub(super) fn international(digits: &str) -> Option<Number<'_>> {
    number(true, digits, None).or_else(|| whatsapp_number(digits))
}

/// A number in the form that only WhatsApp still uses, of a contact whose phone has another form today:
/// Mexico with a `1` behind `+52`, Brazil without the ninth digit. It is kept as it is written.
pub(super) fn whatsapp_number(given: &str) -> Option<Number<'_>> {
    let mut forms = whatsapp_forms(given).into_iter().skip(1);
    let is_known = forms.any(|form| number(true, &form, None).is_some_and(|number| number.is(&form)));
    is_known.then_some(Number { calling: "", digits: Cow::Borrowed(given) })
}
