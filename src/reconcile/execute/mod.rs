//! Carrying out what was decided: where effects go. `live` writes to the platform, `preview` to a recorder.
//!
//! Nothing is decided here but what follows from an answer, and that by the table in `super::fate`.

pub mod dispatch;
pub(crate) mod executor;
pub(crate) mod live;
pub(crate) mod preview;
pub mod recorder;
