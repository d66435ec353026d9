//! YAML files that users write: a tree in which every value has its place, the errors in such a file, and "did you mean".
//!
//! It does not know what a file is about: mappings and the configuration check their own keys.

mod errors;
mod nearest;
pub mod shape;
mod tree;

pub use errors::{Document, Errors, FileError, FileErrors, Place};
pub use nearest::nearest;
pub use shape::Shape;
pub use tree::{FILE_LEN_MAX, Kind, Node, Text, read};

pub(crate) use nearest::fold;
