//! What changes about the event log, record by record, for the store; and how it is undone.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Entry, LAST_ID, Record, Sel};
use crate::keep::Unreadable;

/// A change of the log, with what undoes it.
#[derive(Debug)]
pub(crate) enum Logged {
    /// A record was added.
    Added {
        /// Its sequence number.
        sequence: u64,
        /// When one was added before.
        last_addition: u32,
    },
    /// A record was deleted.
    Removed {
        /// Its sequence number.
        sequence: u64,
        /// Its bytes.
        record: Record,
        /// What held before.
        erased: Erased,
    },
    /// The log was cleared.
    Cleared {
        /// The records.
        entries: Vec<Entry>,
        /// What held before.
        erased: Erased,
    },
}

/// What an erasure changes besides the records.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Erased {
    last_erase: u32,
    overflow: bool,
}

/// What is kept of the log besides its records.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedLog {
    next_id: u16,
    next_sequence: u64,
    #[serde(default)]
    wrapped: bool,
    last_addition: u32,
    last_erase: u32,
    #[serde(default)]
    overflow: bool,
}

impl Sel {
    /// From now on, changes are noted.
    pub(crate) fn keep_journal(&mut self) {
        self.journal = Some(Vec::new());
    }

    /// Whether there are changes in the journal.
    pub(crate) const fn is_touched(&self) -> bool {
        match &self.journal {
            Some(journal) => !journal.is_empty(),
            None => false,
        }
    }

    /// The changes since this was called last.
    pub(crate) fn take_journal(&mut self) -> Vec<Logged> {
        self.journal.as_mut().map(core::mem::take).unwrap_or_default()
    }

    pub(super) fn note(&mut self, change: impl FnOnce() -> Logged) {
        if let Some(journal) = &mut self.journal {
            journal.push(change());
        }
    }

    pub(super) const fn erased(&self) -> Erased {
        Erased {
            last_erase: self.last_erase,
            overflow: self.overflow,
        }
    }

    /// The bytes of a record.
    pub(crate) fn by_sequence(&self, sequence: u64) -> Option<&[u8]> {
        let position = self.find(sequence).ok()?;
        let entry = self.records.get(position)?;
        Some(&entry.record)
    }

    /// Sequence numbers of all records.
    pub(crate) fn sequences(&self) -> impl Iterator<Item = u64> {
        self.records.iter().map(|entry| entry.sequence)
    }

    /// Where a record stands, or belongs: they are in the order of their numbers.
    fn find(&self, sequence: u64) -> Result<usize, usize> {
        self.records
            .binary_search_by_key(&sequence, |entry| entry.sequence)
    }

    /// Takes a change back. Numbers that were given out stay so.
    pub(crate) fn undo(&mut self, change: Logged) {
        // Readers who hold a reservation notice that the log is another one.
        self.restart();
        match change {
            Logged::Added {
                sequence,
                last_addition,
            } => {
                if let Ok(position) = self.find(sequence) {
                    self.records.remove(position);
                }
                self.last_addition = last_addition;
            }
            Logged::Removed {
                sequence,
                record,
                erased,
            } => {
                if let Err(position) = self.find(sequence) {
                    self.records.insert(position, Entry { sequence, record });
                }
                self.unerase(erased);
            }
            Logged::Cleared { mut entries, erased } => {
                entries.append(&mut self.records);
                self.records = entries;
                self.unerase(erased);
            }
        }
    }

    const fn unerase(&mut self, erased: Erased) {
        self.last_erase = erased.last_erase;
        self.overflow = erased.overflow;
    }

    /// What is to be kept besides the records.
    pub(crate) const fn saved_state(&self) -> SavedLog {
        SavedLog {
            next_id: self.next_id,
            next_sequence: self.next_sequence,
            wrapped: self.wrapped,
            last_addition: self.last_addition,
            last_erase: self.last_erase,
            overflow: self.overflow,
        }
    }

    /// Takes over what was kept besides the records.
    pub(crate) fn restore_state(&mut self, saved: SavedLog) -> Result<(), Unreadable> {
        if !(1..=LAST_ID).contains(&saved.next_id) {
            return Err(Unreadable);
        }
        self.next_id = saved.next_id;
        self.next_sequence = self.next_sequence.max(saved.next_sequence);
        self.wrapped = saved.wrapped;
        self.last_addition = saved.last_addition;
        self.last_erase = saved.last_erase;
        self.overflow = saved.overflow;
        Ok(())
    }

    /// Takes over a record.
    pub(crate) fn restore_record(&mut self, sequence: u64, bytes: &[u8]) -> Result<(), Unreadable> {
        let record = bytes.try_into().map_err(|_| Unreadable)?;
        let Err(position) = self.find(sequence) else {
            return Err(Unreadable);
        };
        self.records.insert(position, Entry { sequence, record });
        self.next_sequence = self.next_sequence.max(sequence.saturating_add(1));
        Ok(())
    }
}
