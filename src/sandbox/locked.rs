//! The content of a lock, also when a holder panicked.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A lock's content, also when a holder panicked: nothing here is left half-changed.
pub(super) fn locked<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
