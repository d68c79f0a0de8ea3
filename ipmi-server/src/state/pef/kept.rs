//! What is kept of platform event filtering.

use ipmi_proto::command::sensor_event::pef_parameter::{PefActions, PefControl};
use ipmi_proto::time::Instant;
use ipmi_proto::wire::Reader;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::super::written::SavedParameters;
use super::Pef;
use crate::keep::{Keep, Unreadable, wire};

/// The configuration.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedPef {
    control: ByteBuf,
    #[serde(default)]
    actions: u8,
    #[serde(default)]
    startup_delay: u8,
    #[serde(default)]
    alert_startup_delay: u8,
    #[serde(default)]
    tables: SavedParameters,
}

impl Keep for Pef {
    type Saved = SavedPef;

    fn saved(&self) -> SavedPef {
        let settings = &self.settings;
        SavedPef {
            control: wire(&settings.control),
            actions: settings.action_control.to_word(),
            startup_delay: settings.startup_delay,
            alert_startup_delay: settings.alert_startup_delay,
            tables: (&settings.tables).into(),
        }
    }

    fn restore(&mut self, saved: SavedPef, _: Instant) -> Result<(), Unreadable> {
        let settings = &mut self.settings;
        settings.control = Reader::new(&saved.control).value::<PefControl>()?;
        settings.action_control = PefActions::from_word(saved.actions);
        settings.startup_delay = saved.startup_delay;
        settings.alert_startup_delay = saved.alert_startup_delay;
        settings.tables = saved.tables.into();
        Ok(())
    }
}
