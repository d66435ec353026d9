//! Where the contacts of a run come from. What is done with them is not decided here.

pub mod account;
pub mod saved_plan;
pub mod supply;
