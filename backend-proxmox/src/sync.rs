//! Locks that a panic elsewhere does not take with it.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A poisoned lock guards data that is as good as ever: no step leaves it half changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
