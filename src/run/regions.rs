//! Phones without a country code, where nothing says of which country they are. It reads nothing.

use crate::mapping::Program;
use crate::outcome::Failure;

/// More phones than one in this many without a country code are a mistake, when no region was named.
const PHONES_WITHOUT_CODE: u64 = 10;

/// Phones without a country code, and no region anywhere: no contact could be found by them. What country the source looks
/// like is a hint, because a wrong one makes valid numbers of strangers.
pub fn check_regions(bound: &Program, shown: &str) -> Result<(), Failure> {
    let (without, phones) = bound.phones_without_code();
    if without * PHONES_WITHOUT_CODE <= phones {
        return Ok(());
    }
    let message = match (without, phones) {
        (_, 1) => format!("the phone in `{shown}` has no country code, and no region is given"),
        (1, _) => format!("1 of {phones} phones in `{shown}` has no country code, and no region is given"),
        _ => format!("{without} of {phones} phones in `{shown}` have no country code, and no region is given"),
    };
    let (likely, code) = match bound.likely_region() {
        Some((region, why)) => (format!("the file looks like {}, because {why}: ", region.name()), region.code()),
        None => (String::new(), "EC"),
    };
    Err(Failure::usage(message).hint(format!(
        "{likely}use `--region {code}`, or `phone_region: {code}` in the mapping, with their country; use `--region none` if this \
         is intentional"
    )))
}
