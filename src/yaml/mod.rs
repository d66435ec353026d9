//! YAML files that users write: a tree in which every value has its place, the errors in such a file, "did you mean", and
//! changes of one value that leave the rest of the file as it is.
//!
//! It does not know what a file is about: mappings and the configuration check their own keys.

mod errors;
mod nearest;
mod patch;
pub mod shape;
mod tree;
mod write;

pub use errors::{Document, Errors, FileError, FileErrors, Place};
pub use nearest::nearest;
pub use patch::{Patch, Rank, Unpatchable, plain};
pub use shape::Shape;
pub use tree::{FILE_LEN_MAX, Kind, Node, Text, read};
pub use write::{quoted, text};

pub(crate) use nearest::fold;
