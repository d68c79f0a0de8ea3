//! What is kept of platform event filtering.

use ipmi_proto::command::sensor_event::pef_parameter::PefControl;
use ipmi_proto::record::RecordId;
use ipmi_proto::time::Instant;
use ipmi_proto::wire::Reader;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::super::written::SavedParameters;
use super::Pef;
use crate::keep::{Keep, Unreadable, wire};

/// The configuration, and how far the event log is processed.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedPef {
    control: ByteBuf,
    #[serde(default)]
    startup_delay: u8,
    #[serde(default)]
    alert_startup_delay: u8,
    #[serde(default)]
    tables: SavedParameters,
    last_by_software: u16,
    last_by_bmc: u16,
}

impl Keep for Pef {
    type Saved = SavedPef;

    fn saved(&self) -> SavedPef {
        SavedPef {
            control: wire(&self.control),
            startup_delay: self.startup_delay,
            alert_startup_delay: self.alert_startup_delay,
            tables: (&self.tables).into(),
            last_by_software: self.last_by_software.0,
            last_by_bmc: self.last_by_bmc.0,
        }
    }

    fn restore(&mut self, saved: SavedPef, _: Instant) -> Result<(), Unreadable> {
        self.control = Reader::new(&saved.control).value::<PefControl>()?;
        self.startup_delay = saved.startup_delay;
        self.alert_startup_delay = saved.alert_startup_delay;
        self.tables = saved.tables.into();
        self.last_by_software = RecordId(saved.last_by_software);
        self.last_by_bmc = RecordId(saved.last_by_bmc);
        Ok(())
    }
}
