//! How many consoles one user may have open, over all BMCs of a process.

use alloc::sync::Arc;
use alloc::vec::Vec;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A bound on the consoles that users with one name have open at a time, shared by many BMCs
/// ([`BmcBuilder::console_quota`](crate::BmcBuilder::console_quota)). One BMC alone has one console anyway.
#[derive(Debug)]
pub struct ConsoleQuota {
    per_user: usize,
    /// Users who have consoles open, and how many.
    open: Mutex<HashMap<Vec<u8>, usize>>,
}

/// One open console. Counted as long as it lives.
#[derive(Debug)]
pub(crate) struct Place {
    quota: Arc<ConsoleQuota>,
    user: Vec<u8>,
}

impl ConsoleQuota {
    /// Allows each user so many consoles at a time.
    #[must_use]
    pub fn new(per_user: usize) -> Arc<Self> {
        Arc::new(Self {
            per_user,
            open: Mutex::default(),
        })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Vec<u8>, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place for a user, if one is left.
    pub(crate) fn take(self: &Arc<Self>, user: &[u8]) -> Option<Place> {
        let mut open = self.open();
        let count = open.get(user).copied().unwrap_or(0);
        if count >= self.per_user {
            return None;
        }
        open.insert(user.to_vec(), count + 1);
        Some(Place {
            quota: Arc::clone(self),
            user: user.to_vec(),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.quota.open();
        if let Some(count) = open.get_mut(&self.user) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_user_has_so_many_places_and_gets_them_back() {
        let quota = ConsoleQuota::new(2);
        let first = quota.take(b"admin").unwrap();
        let _second = quota.take(b"admin").unwrap();
        assert!(quota.take(b"admin").is_none());
        assert!(quota.take(b"other").is_some());
        drop(first);
        assert!(quota.take(b"admin").is_some());
        assert_eq!(quota.open().len(), 1, "who has none open takes no memory");
        assert!(ConsoleQuota::new(0).take(b"admin").is_none());
    }
}
