//! What the columns of a file are for: evidence from names, values, neighbours and vendors' layouts, combined once. The run
//! without a mapping, `map suggest` and `inspect` print the same decisions.
//!
//! ```text
//!  Head ─ profile ─▶ values ─┐
//!  names, nearly ────────────┼─ evidence ─▶ a meaning a column ─ assign ─▶ Suggestion ─▶ YAML, plan, table
//!  vendors' layouts ─────────┘                                   region ──┘
//! ```
//!
//! Pure functions over the first records: no clock, no disk, no network. A wrong decision costs five times a missed one, so
//! a column is taken only where it is right with more than five chances in six.

mod asked;
mod consent;
mod document;
mod evidence;
mod flags;
mod given;
mod holds;
mod order;
mod places;
mod region;
mod suggestion;
mod tongue;
mod values;
mod vendors;
mod yaml;

pub use asked::{Asked, Attributes, RULE_MIN, Target};
pub use holds::{Holding, holding};
pub use region::RegionFound;
pub use suggestion::{Suggestion, suggest};
pub use vendors::{VENDORS, Vendor};
pub use yaml::{About, yaml};
