//! What is kept of what has happened.

use ipmi_proto::record::offset::AcpiPowerStateOffset;
use ipmi_proto::time::Instant;
use serde::{Deserialize, Serialize};

use super::History;
use crate::keep::{Keep, Unreadable};

/// How the machine was stopped last.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedHistory {
    off_state: u8,
    #[serde(default)]
    watchdog_states: u16,
}

impl Keep for History {
    type Saved = SavedHistory;

    fn saved(&self) -> SavedHistory {
        SavedHistory {
            off_state: self.off_state.0,
            watchdog_states: self.watchdog_states,
        }
    }

    fn restore(&mut self, saved: SavedHistory, _: Instant) -> Result<(), Unreadable> {
        self.off_state = AcpiPowerStateOffset(saved.off_state);
        self.watchdog_states = saved.watchdog_states;
        Ok(())
    }
}
