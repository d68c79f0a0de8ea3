//! What is kept of the clock.

use ipmi_proto::time::Instant;
use serde::{Deserialize, Serialize};

use super::Clock;
use crate::keep::{Keep, Unreadable};

/// Offsets to the host's clock and to UTC.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedClock {
    offset: i64,
    utc_offset: i16,
}

impl Keep for Clock {
    type Saved = SavedClock;

    fn saved(&self) -> SavedClock {
        SavedClock {
            offset: self.offset,
            utc_offset: self.utc_offset,
        }
    }

    fn restore(&mut self, saved: SavedClock, _: Instant) -> Result<(), Unreadable> {
        self.offset = saved.offset;
        self.utc_offset = saved.utc_offset;
        Ok(())
    }
}
