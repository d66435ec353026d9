//! The headings of options in help. Options that most users need stand without one, before all others.

pub(super) const READING: &str = "Reading";
pub(super) const EXISTING: &str = "Existing contacts";
pub(super) const LIMITS: &str = "Limits";
pub(super) const SPEED: &str = "Speed and waiting";
pub(super) const FILES: &str = "Output files";
pub(super) const GLOBAL: &str = "Global options";
pub(super) const LISTED: &str = "Which runs to list";
