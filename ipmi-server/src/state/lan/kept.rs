//! What is kept of the LAN configuration.

use ipmi_proto::time::Instant;

use super::super::written::SavedParameters;
use super::Lan;
use crate::keep::{Keep, Unreadable};

impl Keep for Lan {
    type Saved = SavedParameters;

    fn saved(&self) -> SavedParameters {
        (&self.written).into()
    }

    fn restore(&mut self, saved: SavedParameters, _: Instant) -> Result<(), Unreadable> {
        self.written = saved.into();
        Ok(())
    }
}
