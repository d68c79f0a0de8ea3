//! What is kept of system information.

use ipmi_proto::time::Instant;

use super::super::written::SavedParameters;
use super::SystemInfo;
use crate::keep::{Keep, Unreadable};

impl Keep for SystemInfo {
    type Saved = SavedParameters;

    fn saved(&self) -> SavedParameters {
        (&self.written).into()
    }

    fn restore(&mut self, saved: SavedParameters, _: Instant) -> Result<(), Unreadable> {
        self.written = saved.into();
        Ok(())
    }
}
