//! Phones without a country code, where nothing says of which country they are. It reads nothing.

use crate::mapping::Program;
use crate::outcome::Failure;

/// More phones than one in this many without a country code are a mistake, when no region was named.
const PHONES_WITHOUT_CODE: u64 = 10;

/// Phones without a country code, and no region anywhere: no contact could be found by them.
pub fn check_regions(bound: &Program, shown: &str) -> Result<(), Failure> {
    let (without, phones) = bound.phones_without_code();
    if without * PHONES_WITHOUT_CODE <= phones {
        return Ok(());
    }
    Err(Failure::usage(format!("{without} of {phones} phones in `{shown}` have no country code, and no region is given"))
        .hint("use `--region EC`, or `phone_region: EC` in the mapping, with their country; use `--region none` if this is intentional"))
}
