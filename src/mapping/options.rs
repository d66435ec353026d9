//! What a mapping is compiled with besides the names of the source: regions, and the fields by which the target finds
//! contacts.

use super::phone::Region;
use crate::contact::Field;

/// What `--region` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegionChoice {
    /// A country, for phones whose record does not say where they are from.
    Region(Region),
    /// `none`: phones without a country code are refused on purpose.
    Nowhere,
}

impl RegionChoice {
    /// The country, if one was chosen.
    pub fn region(self) -> Option<Region> {
        match self {
            RegionChoice::Region(region) => Some(region),
            RegionChoice::Nowhere => None,
        }
    }
}

/// What a mapping is compiled with besides the header.
#[derive(Clone, Debug, Default)]
pub struct BindOptions {
    /// `--region`, which takes precedence over the mapping. The country in a record takes precedence over both.
    pub region: Option<RegionChoice>,
    /// The connection's `phone_region`, used if neither the record nor the mapping has a region.
    pub fallback_region: Option<Region>,
    /// The fields by which the target finds contacts, for a mapping without `identity`. Empty: no identity is required.
    pub identity_default: Vec<Field>,
}
