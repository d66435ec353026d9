//! What is known beside the file: where the contacts go, and from where on a decision is a rule.

use crate::contact::Field;
use crate::mapping::phone::Region;

/// A rule is written above this probability: right counts one, wrong counts minus five.
pub const RULE_MIN: f64 = 5.0 / 6.0;

/// Where the contacts go, as far as it matters for a mapping.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// What the platform is called.
    pub title: String,
    /// Fields without which a contact cannot be created; of each inner list one is enough.
    pub needs: Vec<Vec<Field>>,
    /// Fields that it holds.
    pub holds: Vec<Field>,
    /// What it does with custom attributes.
    pub attributes: Attributes,
}

/// What a target does with custom attributes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Attributes {
    /// It takes any.
    #[default]
    Any,
    /// It has these, and others have to be defined first.
    Defined(Vec<String>),
    /// It has none.
    None,
}

/// What is known beside the file.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Where the contacts go.
    pub target: Option<Target>,
    /// The country of the connection's phones.
    pub region: Option<Region>,
    /// The country that was typed.
    pub typed: Option<Region>,
    /// A run goes by the decisions at once, without a user who has read them: no country of phones is guessed.
    pub is_run: bool,
    /// No country is to be looked for.
    pub is_region_unwanted: bool,
}
