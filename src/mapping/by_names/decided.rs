//! What the columns of a source are for: the decisions that a mapping and its plan are made of.

use crate::contact::Field;
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
    /// The column of whole names that begin with the family name.
    pub(crate) family_first: Option<FamilyFirst>,
}

/// A column of whole names that begin with the family name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FamilyFirst {
    pub column: usize,
    /// Whether two family names are usual: of three words two are the family name.
    pub has_two: bool,
}

/// Words that belong to the family name behind them.
const PARTICLES: &str = "de|del|la|las|los|da|do|dos|das|di|della|van|von|der|den|el|al|san|santa|le";

impl FamilyFirst {
    /// The pattern that finds the given names of a value, or its family name, and what to put for it. A single word is a
    /// given name; a comma parts both, where there is one.
    pub fn pattern(self, field: Field) -> (String, &'static str) {
        let name = format!("(?:(?:{PARTICLES})\\s+)*[^\\s,]+");
        let family = if self.has_two { format!("{name}\\s+{name}|{name}") } else { name };
        let parts = format!("^([^,]+),\\s*(.+)$|^({family})\\s+(.+)$");
        match field {
            Field::LastName => (format!("(?i)^\\S+$|{parts}"), "$1$3"),
            _ => (format!("(?i){parts}"), "$2$4"),
        }
    }
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
