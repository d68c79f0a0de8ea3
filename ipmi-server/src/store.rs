//! What of a BMC survives a restart: a place to keep it.
//!
//! A store keeps parts of a BMC's state as bytes, by the BMC's name. What it has taken is safe when
//! [`Store::save`] returns. There is the one in memory, which forgets; one on disk comes with its own crate
//! feature.

use core::fmt;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// A part of a BMC's state that is kept by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Part {
    /// Users and the key K_G.
    Access,
    /// Channel, LAN, Serial over LAN, PEF, DCMI and system information.
    Configuration,
    /// Chassis settings, boot options, power-on hours.
    Chassis,
    /// The event log.
    EventLog,
    /// Thresholds of sensors.
    Sensors,
    /// What was written to the FRU inventory.
    Inventory,
}

/// Why a store failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} {part:?} of BMC {bmc:?}: {reason}")]
#[non_exhaustive]
pub struct StoreError {
    /// What was being done.
    pub operation: &'static str,
    /// The part.
    pub part: Part,
    /// Name of the BMC.
    pub bmc: String,
    /// What went wrong and what can be done.
    pub reason: String,
}

/// Keeps the state of BMCs.
pub trait Store: fmt::Debug + Send + Sync {
    /// The part as it was saved last; `None` if it never was.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    fn load(&self, bmc: &str, part: Part) -> Result<Option<Vec<u8>>, StoreError>;

    /// Saves a part. It is safe when this returns.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be written; then what was saved before still stands.
    fn save(&self, bmc: &str, part: Part, bytes: &[u8]) -> Result<(), StoreError>;
}

/// A store that lives as long as the process.
#[derive(Default)]
pub struct MemoryStore {
    parts: Mutex<HashMap<(String, Part), Vec<u8>>>,
}

impl Store for MemoryStore {
    fn load(&self, bmc: &str, part: Part) -> Result<Option<Vec<u8>>, StoreError> {
        let parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(parts.get(&(bmc.to_owned(), part)).cloned())
    }

    fn save(&self, bmc: &str, part: Part, bytes: &[u8]) -> Result<(), StoreError> {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        parts.insert((bmc.to_owned(), part), bytes.to_vec());
        Ok(())
    }
}

/// What is in a store may be secret.
impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_kept_apart() {
        let store = MemoryStore::default();
        store.save("node1", Part::Access, b"one").unwrap();
        store.save("node1", Part::Access, b"two").unwrap();
        store.save("node2", Part::Access, b"three").unwrap();
        assert_eq!(
            store.load("node1", Part::Access).unwrap().as_deref(),
            Some(&b"two"[..])
        );
        assert!(store.load("node1", Part::Chassis).unwrap().is_none());
        assert_eq!(format!("{store:?}"), "MemoryStore { .. }");
    }
}
