//! The type of a number, as far as the numbering plan of its country says.

use super::plan::PLANS;

/// The type of a number, the best for messages first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NumberType {
    /// A mobile.
    Mobile,
    /// The plan does not tell mobiles from fixed lines (`+1`).
    Either,
    /// A fixed line, or any other number.
    Other,
}

/// The type of a number in E.164 with `+`.
pub fn number_type(number: &str) -> NumberType {
    let digits = number.strip_prefix('+').unwrap_or(number);
    let Some((main, national)) = PLANS.split_calling(digits) else { return NumberType::Other };
    let plans = PLANS.of_calling(main.calling).iter();
    let fit = plans.map(|plan| plan.fit(national)).find(|fit| fit.is_number());
    match fit.map(|fit| (fit.is_mobile(), fit.is_fixed())) {
        Some((true, false)) => NumberType::Mobile,
        Some((true, true)) => NumberType::Either,
        _ => NumberType::Other,
    }
}

/// Puts mobiles first; numbers of one type stay as they stand.
pub fn mobiles_first<T: AsRef<str>>(numbers: &mut [T]) {
    if numbers.len() > 1 {
        numbers.sort_by_cached_key(|number| number_type(number.as_ref()));
    }
}
