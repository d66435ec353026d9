//! Columns that are each a tag: `TAG-VIP` with 0 and 1 below it.

use crate::contact::Field;
use crate::mapping::names::{Because, Decisions, Use};
use crate::profile::{Look, Profile};

/// What such a name begins with, in small letters.
const BEGINNINGS: [&str; 8] = ["tag-", "tag_", "tag:", "tag ", "etiqueta-", "etiqueta:", "label:", "segmento-"];
/// Of a hundred values, so many are flags.
const PERCENT_MIN: u64 = 95;

/// The columns, with the names of the tags. None where a column holds tags by their names.
pub(super) fn of(profile: &Profile, decisions: &Decisions) -> Vec<(usize, String)> {
    if decisions.of_field(Field::Tags).next().is_some() {
        return Vec::new();
    }
    let is_free = |at: usize| decisions.uses.get(at) == Some(&Use::Attribute(Because::Unknown));
    let flag = |(at, name): (usize, &String)| {
        let low = name.trim().to_lowercase();
        let begin = BEGINNINGS.iter().find(|begin| low.starts_with(**begin))?;
        let tag = name.trim().get(begin.len()..)?.trim().to_owned();
        let column = profile.columns.get(at)?;
        let digits = column.values.iter().flatten().filter(|(value, _)| matches!(value.as_str(), "0" | "1"));
        let flags = column.look(Look::YesNo) + digits.map(|(_, n)| *n).sum::<u64>();
        let are_flags = flags * 100 >= column.filled * PERCENT_MIN;
        (are_flags && !tag.is_empty() && is_free(at)).then_some((at, tag))
    };
    profile.names.iter().enumerate().filter_map(flag).collect()
}
