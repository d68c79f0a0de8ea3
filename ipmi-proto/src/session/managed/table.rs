//! Values found by session number: the numbers side by side, so that a look-up is a short scan.

use alloc::vec::Vec;

/// Values in the order of their insertion, each with a number of its own.
#[derive(Debug)]
pub(super) struct Table<T> {
    ids: Vec<u32>,
    values: Vec<T>,
}

impl<T> Table<T> {
    pub(super) const fn new() -> Self {
        Self {
            ids: Vec::new(),
            values: Vec::new(),
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.ids.len()
    }

    pub(super) fn position(&self, id: u32) -> Option<usize> {
        self.ids.iter().position(|other| *other == id)
    }

    pub(super) fn contains(&self, id: u32) -> bool {
        self.ids.contains(&id)
    }

    pub(super) fn get(&self, id: u32) -> Option<&T> {
        self.values.get(self.position(id)?)
    }

    pub(super) fn get_mut(&mut self, id: u32) -> Option<&mut T> {
        let position = self.position(id)?;
        self.values.get_mut(position)
    }

    /// Inserts a value. The number must not be in use.
    pub(super) fn insert(&mut self, id: u32, value: T) {
        self.ids.push(id);
        self.values.push(value);
    }

    /// Removes a value; gives back the memory of a table that has become empty.
    pub(super) fn remove(&mut self, id: u32) -> Option<T> {
        let position = self.position(id)?;
        self.ids.remove(position);
        let value = self.values.remove(position);
        self.release();
        Some(value)
    }

    /// Removes the values that `keep` refuses and calls `gone` with each.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&T) -> bool, mut gone: impl FnMut(u32, T)) {
        if self.values.iter().all(&mut keep) {
            return;
        }
        let ids = core::mem::take(&mut self.ids);
        for (id, value) in ids.into_iter().zip(core::mem::take(&mut self.values)) {
            if keep(&value) {
                self.insert(id, value);
            } else {
                gone(id, value);
            }
        }
    }

    /// All values, oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        self.ids.iter().copied().zip(&self.values)
    }

    fn release(&mut self) {
        if self.ids.is_empty() {
            *self = Self::new();
        }
    }
}
