//! A region: a country with a numbering plan, found by its code, its calling code or one of its names.
//!
//! It does not read phones.

use super::plan::{PLANS, Plan};
use super::territory;

/// A country whose numbering plan is known: the one that phones without a country code belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Region(u16);

impl Region {
    /// The region of a numbering plan.
    pub(super) fn of(plan: &Plan) -> Option<Region> {
        PLANS.position(plan.code).map(Region)
    }

    /// The region that a text names, in any case and with or without accents: a code of two or three letters (ISO 3166-1;
    /// `UK` is `GB`), a calling code (`593`, `+593`), or a name in English, Spanish, Portuguese, Russian, German, French
    /// or Italian.
    ///
    /// ```
    /// use ferry::mapping::phone::Region;
    ///
    /// for text in ["EC", "ecu", "+593", "Ecuador", "Эквадор", "Équateur"] {
    ///     assert_eq!(Region::named(text).map(Region::code), Some("EC"));
    /// }
    /// assert_eq!(Region::named("Narnia"), None);
    /// ```
    pub fn named(text: &str) -> Option<Region> {
        territory::position(text.trim()).map(Region)
    }

    /// All of them, by their codes.
    pub fn all() -> impl Iterator<Item = Region> {
        (0..u16::MAX).map(Region).take_while(|region| region.plan().is_some())
    }

    /// Its two capital letters.
    pub fn code(self) -> &'static str {
        self.plan().map_or("", |plan| plan.code)
    }

    /// Its English name; its code where it has none.
    pub fn name(self) -> &'static str {
        territory::english(self.0).unwrap_or(self.code())
    }

    /// Its numbering plan.
    pub(super) fn plan(self) -> Option<&'static Plan> {
        PLANS.get(self.0)
    }
}
