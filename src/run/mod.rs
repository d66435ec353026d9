//! The straight line: what a command does, from its plan to its totals.
//!
//! Only this module knows all the parts.

pub mod active;
pub mod attributes;
pub mod bind;
mod changes;
mod columns;
pub mod commands;
mod conversion;
mod correction;
mod differences;
mod earlier_export;
mod encoded;
pub mod evidence;
mod examples;
pub mod export;
pub mod item;
mod left;
mod left_behind;
pub mod left_blank;
pub mod now;
pub mod open;
pub mod ordered;
pub mod own;
mod pass;
pub mod plan;
mod planned_list;
mod preview;
pub mod prune;
pub mod regions;
pub mod rejects;
pub mod results;
pub mod retain;
mod rows;
pub mod source;
mod standing;
pub mod stop;
pub mod suppressed;
pub mod survey;
pub mod target;
mod transfer;
pub mod tried;
pub mod unmapped;
mod verified_run;

pub use active::folder::{account_at, account_of};
