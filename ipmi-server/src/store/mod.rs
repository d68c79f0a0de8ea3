//! What of a BMC survives a restart: a place to keep it.
//!
//! A store keeps small records by the BMC's name. There is [`MemoryStore`], which forgets with the process, and
//! [`DiskStore`] (feature `store`), one file for any number of BMCs. A BMC is given one with
//! [`BmcBuilder::store`](crate::BmcBuilder::store); it then answers a command that changed something that is kept
//! only when the store has it.

#[cfg(feature = "store")]
mod disk;
mod error;
mod memory;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use zeroize::Zeroize;

#[cfg(feature = "store")]
pub use disk::{DiskStore, StoreKey};
pub use error::{StoreError, StoreErrorKind};
pub use memory::MemoryStore;

/// Number of a part of a BMC's state. They are fixed for good: a store has them in its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Part(pub u8);

/// Where a record stands within its BMC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey {
    /// The part of the state.
    pub part: Part,
    /// The record within the part.
    pub number: u64,
}

/// What a record holds. It may be a password: it is never shown, and wiped when it is dropped.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Value(Vec<u8>);

impl Value {
    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value({} bytes)", self.0.len())
    }
}

/// A step of [`Changes`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// Puts a record in the place of the one that was there.
    Put(RecordKey, Value),
    /// Removes a record, if it is there.
    Remove(RecordKey),
    /// Removes all records of a part.
    Clear(Part),
}

/// Changes of one BMC, in their order, that are made together or not at all.
pub type Changes = Vec<Change>;

/// What is called when changes are safe, or are known to have failed.
pub type Done = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// Keeps the records of BMCs.
///
/// Each BMC of a store needs a name of its own. The values hold passwords in clear: a store that writes them
/// somewhere protects them, as [`DiskStore`] does.
pub trait Store: fmt::Debug + Send + Sync {
    /// All records of a BMC, ordered by their keys; none for one that was never saved. It may block: it is called
    /// when a BMC is built.
    ///
    /// # Errors
    /// [`StoreError`] if they cannot be read, or are not what was written.
    fn load(&self, bmc: &str) -> Result<Vec<(RecordKey, Value)>, StoreError>;

    /// Saves changes without blocking the caller, and calls `done` when they are safe: when it is called with
    /// `Ok`, neither the end of the process nor a power failure takes them away. With an error none of them is
    /// made. `done` may be called inside this call and from any thread, once.
    ///
    /// The changes of one BMC are made in the order of the calls.
    fn save(&self, bmc: &str, changes: Changes, done: Done);
}

#[cfg(test)]
mod tests;
