//! What the columns of a source are for: the decisions that a mapping and its plan are made of.

use crate::mapping::names::Decisions;
use crate::mapping::phone::Region;

/// What the columns of a source are for, decided by whatever evidence.
#[derive(Clone, Debug)]
pub struct Decided<'a> {
    pub(crate) names: &'a [String],
    pub(crate) is_open: bool,
    pub(crate) decisions: &'a Decisions,
    /// The country of phones where the record names none.
    pub(crate) region: Option<Region>,
    /// The formats of dates in columns that become attributes.
    pub(crate) dates: Vec<(usize, String)>,
    /// Columns that are each a tag, with its name.
    pub(crate) flags: Vec<(String, String)>,
    /// What parts the tags of a cell, where it is not what address books write.
    pub(crate) tags_split: Option<String>,
}

/// What parts the tags that [`flags_template`] gives.
pub(crate) const FLAGS_SPLIT: &str = ";";

/// A template of the tags whose columns are neither blank nor a form of no.
pub(crate) fn flags_template(flags: &[(String, String)]) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let one = |(column, tag): &(String, String)| {
        let tag: String = tag.chars().filter(|c| !matches!(c, '{' | '}' | ';' | '%')).collect();
        format!(
            "{{% if row[{}] | lower not in [\"\", \"0\", \"no\", \"false\", \"n\"] %}}{tag}{FLAGS_SPLIT}{{% endif %}}",
            quoted(column)
        )
    };
    flags.iter().map(one).collect()
}
