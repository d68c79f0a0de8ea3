//! The store that forgets: for tests, and for programs that need no more.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use std::sync::{Mutex, PoisonError};

use super::{Change, Changes, Done, RecordKey, Store, StoreError, Value};

/// A store that lives as long as the process.
#[derive(Default)]
pub struct MemoryStore {
    bmcs: Mutex<BTreeMap<String, BTreeMap<RecordKey, Value>>>,
}

impl Store for MemoryStore {
    fn load(&self, bmc: &str) -> Result<Vec<(RecordKey, Value)>, StoreError> {
        let bmcs = self.bmcs.lock().unwrap_or_else(PoisonError::into_inner);
        let records = bmcs.get(bmc).into_iter().flatten();
        Ok(records.map(|(key, value)| (*key, value.clone())).collect())
    }

    fn save(&self, bmc: &str, changes: Changes, done: Done) {
        let mut bmcs = self.bmcs.lock().unwrap_or_else(PoisonError::into_inner);
        let records = bmcs.entry(bmc.to_owned()).or_default();
        for change in changes {
            match change {
                Change::Put(key, value) => {
                    records.insert(key, value);
                }
                Change::Remove(key) => {
                    records.remove(&key);
                }
                Change::Clear(part) => records.retain(|key, _| key.part != part),
            }
        }
        drop(bmcs);
        done(Ok(()));
    }
}

/// What is in a store may be secret.
impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}
