//! The platforms that the sandbox models: the only list of them.

use super::model::Model;
use super::{atom, eadesk, mercately, twin};

/// Every platform that the sandbox models. A request belongs to the first that owns its path.
pub(super) const MODELS: &[Model] = &[atom::MODEL, mercately::MODEL, twin::MODEL, eadesk::MODEL];
