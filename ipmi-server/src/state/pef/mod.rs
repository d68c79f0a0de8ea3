//! Platform event filtering: events that come into the log go through a table of filters, which send alerts and
//! act on the machine (IPMI 2.0 §17, §30).
//!
//! What is configured ([`PefSettings`]) is kept apart from what is going on ([`PefRun`]).

mod evaluation;
mod kept;
mod marks;
mod run;
mod settings;
#[cfg(test)]
mod tests;

pub(crate) use evaluation::NOT_LOGGED;
pub(crate) use marks::PefMarks;
pub(crate) use run::{Delay, PefRun};
pub(crate) use settings::{FILTERS, PefSettings, possible_actions};

use super::SetGuard;

/// Event filtering.
#[derive(Debug)]
pub(crate) struct Pef {
    /// Parameter 0.
    pub(crate) guard: SetGuard,
    /// What is configured.
    pub(crate) settings: PefSettings,
}

impl Pef {
    /// What holds at first: switched off.
    pub(crate) fn new() -> Self {
        Self {
            guard: SetGuard::default(),
            settings: PefSettings::new(),
        }
    }
}
