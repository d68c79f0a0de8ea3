//! What of a BMC's state survives a restart, and how: nobody who changes state has to think of it.
//!
//! A part of the state that is kept stands in a [`Kept`]. Whoever can change it marks it as touched, and after each
//! turn with the BMC's lock the [`Keeper`] looks at the touched parts: what differs from what was seen before goes
//! to the store. A command of a client that changed something is answered when the store has it; if the store
//! fails, the change is undone. The event log is kept record by record (`state/sel/journal.rs`).
//!
//! To keep another part: implement [`Keep`] for it, put it in a [`Kept`] in `State`, and add a line to
//! `keep/parts.rs`. To keep another field of a part: add it to the part's `Saved` with `#[serde(default)]`. What must
//! not be kept (who holds a guard, timers) is left out of `Saved`; it may stand in the part all the same.

mod commit;
mod configured;
mod form;
mod keeper;
mod parts;
#[cfg(test)]
mod tests;
mod undo;

use core::fmt;
use core::ops::{Deref, DerefMut};

use ipmi_proto::time::Instant;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) use commit::Commit;
pub(crate) use configured::{Configured, Wish};
pub(crate) use form::{SecretBytes, Unreadable, read, wire, written};
pub(crate) use keeper::{Keeper, Origin, Outgoing, Turn};

use crate::store::Value;

/// A part of the state that survives a restart.
pub(crate) trait Keep {
    /// What is kept of it. Fields are only ever added, each with `#[serde(default)]`, and never change their
    /// meaning: stores of older and newer versions are read with it.
    type Saved: Serialize + DeserializeOwned;

    /// What is to be kept now.
    fn saved(&self) -> Self::Saved;

    /// Takes over what was kept; what is not kept goes back to what holds after a start.
    ///
    /// # Errors
    /// [`Unreadable`] if it means nothing.
    fn restore(&mut self, saved: Self::Saved, now: Instant) -> Result<(), Unreadable>;
}

/// A part of the state that survives a restart. Whoever gets a `&mut` to it is taken to have changed it.
#[derive(Debug, Default)]
pub(crate) struct Kept<T> {
    part: T,
    touched: bool,
}

impl<T> Kept<T> {
    /// A part that nobody has changed yet.
    pub(crate) const fn new(part: T) -> Self {
        Self { part, touched: false }
    }

    /// The part, for a change of something in it that is not kept. It saves the look at the whole part, for what
    /// happens often.
    pub(crate) const fn unkept(&mut self) -> &mut T {
        &mut self.part
    }

    /// Whether somebody may have changed it since it was looked at.
    pub(crate) const fn is_touched(&self) -> bool {
        self.touched
    }
}

impl<T> Deref for Kept<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.part
    }
}

impl<T> DerefMut for Kept<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.touched = true;
        &mut self.part
    }
}

/// A [`Kept`] of any kind.
pub(crate) trait AnyPart {
    /// Whether it was touched since this was asked last.
    fn take_touched(&mut self) -> bool;

    /// What is to be kept now.
    fn encode(&self) -> Result<Value, Unreadable>;

    /// Takes over what was kept.
    fn decode(&mut self, value: &Value, now: Instant) -> Result<(), Unreadable>;
}

impl<T: Keep> AnyPart for Kept<T> {
    fn take_touched(&mut self) -> bool {
        core::mem::take(&mut self.touched)
    }

    fn encode(&self) -> Result<Value, Unreadable> {
        written(&self.part.saved())
    }

    fn decode(&mut self, value: &Value, now: Instant) -> Result<(), Unreadable> {
        self.part.restore(read(value)?, now)
    }
}

impl fmt::Debug for dyn AnyPart + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnyPart")
    }
}
