//! The numbering plans of the world: the table in `src/mapping/phone/plans.tsv`, one line a region, is what the metadata
//! inside `rlibphonenumber` says. `FERRY_TEST_WRITE=1 cargo test plans` writes it again after an update of the library.
//!
//! Ferry matches phones against this table (`src/mapping/phone/plan.rs`). The library would hold the same data many
//! times over in memory, with regular expressions compiled for each thread, and take a third of the time of a build.
//!
//! Columns, by tabs: region, calling code, prefixes for calls abroad, national prefixes, what replaces the national
//! prefix, leading digits, possible lengths, lengths that are possible locally, pattern; then for each kind of number a
//! letter (`m` mobile, `f` fixed line, `e` either, `o` other), its lengths and its pattern. Lengths are bits: bit 9 is
//! nine digits. Regions that share a calling code follow each other, the main one first.

use rlibphonenumber::interfaces::AsOriginal;
use rlibphonenumber::{PhoneNumberUtil, Region};
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Bits of the lengths; `-1` in the metadata stands for no number of this kind.
fn lengths(lengths: &[i32]) -> u64 {
    lengths.iter().filter_map(|length| 1_u64.checked_shl(u32::try_from(*length).ok()?)).fold(0, |all, bit| all | bit)
}

/// The line of one region.
macro_rules! line {
    ($plan:expr, $region:expr, $calling:expr) => {{
        let (plan, mut line) = ($plan, String::new());
        write!(line, "{}\t{}", $region, $calling)?;
        for prefix in [plan.international_prefix(), plan.national_prefix_for_parsing()] {
            write!(line, "\t{}", prefix.original_base())?;
        }
        let transform = plan.original.national_prefix_transform_rule.as_deref().unwrap_or_default();
        write!(line, "\t{transform}\t{}", plan.leading_digits().original_base())?;
        let general = &plan.general_desc;
        let (possible, local) = (&general.original.possible_length, &general.original.possible_length_local_only);
        write!(line, "\t{}\t{}", lengths(possible), lengths(local))?;
        write!(line, "\t{}", general.national_number_pattern().original_base())?;
        // Of each kind a letter, as `src/mapping/phone/plan.rs` reads it.
        let fixed_is_mobile = plan.original.same_mobile_and_fixed_line_pattern();
        let mobile = (!fixed_is_mobile).then_some(('m', &plan.mobile));
        let kinds = [
            (if fixed_is_mobile { 'e' } else { 'f' }, &plan.fixed_line),
            ('o', &plan.toll_free),
            ('o', &plan.premium_rate),
            ('o', &plan.shared_cost),
            ('o', &plan.personal_number),
            ('o', &plan.voip),
            ('o', &plan.pager),
            ('o', &plan.uan),
            ('o', &plan.voicemail),
        ];
        for (letter, kind) in kinds.into_iter().chain(mobile) {
            let pattern = kind.national_number_pattern().original_base();
            let possible = &kind.original.possible_length;
            let lengths = if possible.is_empty() { u64::MAX } else { lengths(possible) };
            if !pattern.is_empty() && lengths != 0 {
                write!(line, "\t{letter}\t{lengths}\t{pattern}")?;
            }
        }
        line
    }};
}

/// The whole table.
fn table() -> Result<String, Box<dyn Error>> {
    let library = PhoneNumberUtil::new()?;
    let mut callings: Vec<i32> = library.get_supported_calling_codes().collect();
    callings.sort_unstable();
    let mut table = String::new();
    for calling in callings {
        let Some(regions) = library.get_regions_for_country_calling_code(calling) else { continue };
        for region in regions {
            let plan = library.as_original().get_metadata_for_region_or_calling_code(calling, region);
            let plan = plan.ok_or_else(|| format!("no plan for `{region}`, +{calling}"))?;
            let name = if region == Region::World { "001".to_owned() } else { region.to_string() };
            writeln!(table, "{}", line!(plan, name, calling))?;
        }
    }
    Ok(table)
}

#[test]
fn the_table_of_numbering_plans_is_what_the_library_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/mapping/phone/plans.tsv");
    let table = table().unwrap();
    if std::env::var_os("FERRY_TEST_WRITE").is_some() {
        fs::write(&path, &table).unwrap();
    }
    let held = fs::read_to_string(&path).unwrap();
    let differ = held.lines().zip(table.lines()).find(|(held, said)| held != said);
    assert_eq!(
        differ, None,
        "the first line that differs; `FERRY_TEST_WRITE=1 cargo test plans` writes the table again"
    );
    assert_eq!(held.len(), table.len(), "lines at its end");
}
