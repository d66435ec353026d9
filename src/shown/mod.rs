//! Text on a terminal: characters that a terminal would obey are escaped, and a failure is shown as error, cause and
//! hint. It does not decide whether there is colour, and writes to no stream.

mod escape;
mod failure;
mod paint;

pub use escape::{escape, escape_lines, is_hidden};
pub use failure::render_failure;
pub(crate) use paint::Paint;
