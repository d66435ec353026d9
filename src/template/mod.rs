//! Templates and expressions over the values of a document: checked when they are read, bounded when they are rendered.
//!
//! Which values a template refers to is known after reading, so that an unknown name is an error before any request.
//! Most templates only put values side by side; those are cut into parts once, and never reach the template engine. The
//! module does not know what the values mean.

mod compile;
mod limits;
mod measure;
mod references;
mod render;
mod rewrite;
mod tokens;

pub use compile::{Source, Templates};
pub use limits::VALUE_LEN_MAX;
pub use references::{Part, Reference, Roots, Template};
pub use render::render;
