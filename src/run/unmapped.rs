//! The mapping of a run without one: the decisions of `map suggest`, made of the first records.
//!
//! An invalid phone or e-mail is no evidence against its column, so a rejects file is understood like its source.

use crate::files;
use crate::mapping::phone::Region;
use crate::mapping::{ByNames, Mapping, RegionChoice};
use crate::outcome::Failure;
use crate::plan::SourcePlan;
use crate::platforms::PlatformFacts;
use crate::profile::Head;
use crate::run::survey::asked_of;
use crate::suggest::{Asked, Suggestion, suggest};

/// More columns than this are not listed in an error.
const COLUMNS_SHOWN_MAX: usize = 12;

/// What the columns of a source are for.
///
/// # Errors
/// What makes the file unreadable as a whole.
pub fn suggested(
    source: &SourcePlan,
    platform: Option<&PlatformFacts>,
    region: Option<Region>,
) -> Result<Suggestion, Failure> {
    let mut opened = files::open(&source.path, &source.shown, &source.options)?;
    let head = Head::read(&opened.header, &mut *opened.source);
    let typed = source.region.and_then(RegionChoice::region);
    // What was typed holds for the whole run already.
    let asked = asked_of(platform, typed.or(region), None);
    let is_region_unwanted = source.region == Some(RegionChoice::Nowhere);
    Ok(suggest(&head, &Asked { is_run: true, is_region_unwanted, ..asked }))
}

/// The mapping of these decisions, and what it does.
///
/// # Errors
/// Where no column is a name, a phone or an e-mail: contacts that have only attributes would be of no use.
pub fn by_names(source: &SourcePlan, suggestion: &Suggestion) -> Result<ByNames, Failure> {
    let is_empty = suggestion.is_open && suggestion.names.is_empty();
    if !suggestion.is_recognised() && !is_empty {
        return Err(nothing_recognised(&source.shown, &suggestion.names));
    }
    Ok(Mapping::of_decided(&suggestion.decided(), suggestion.names_target()))
}

fn nothing_recognised(shown: &str, names: &[String]) -> Failure {
    let named: Vec<String> = names.iter().take(COLUMNS_SHOWN_MAX).map(|name| format!("`{name}`")).collect();
    let more = match names.len().saturating_sub(COLUMNS_SHOWN_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Failure::usage(format!("no column of `{shown}` is recognised as a name, a phone or an e-mail"))
        .cause(format!("its columns are {}{more}", named.join(", ")))
        .hint(format!(
            "`ferry map suggest {}` writes a mapping to begin with; name the columns in it, for example `contact: {{ full_name: …, \
             phone: … }}`, and give it with `--map`",
            crate::report::words::shell(shown)
        ))
}
