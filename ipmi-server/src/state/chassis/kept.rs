//! What is kept of the chassis.

use core::time::Duration;

use ipmi_proto::command::chassis::status::{PowerRestorePolicy, RestartCause};
use ipmi_proto::ipmb::ChannelNumber;
use ipmi_proto::time::Instant;
use ipmi_proto::wire::Reader;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::Chassis;
use crate::keep::{Keep, Unreadable, wire};

/// Settings, how the machine started last, and how long it has been on.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedChassis {
    restore_policy: u8,
    disabled_buttons: ByteBuf,
    #[serde(default)]
    has_front_panel_lockout: bool,
    #[serde(default)]
    cycle_interval: u8,
    #[serde(default)]
    restart_cause: u8,
    #[serde(default)]
    restart_channel: u8,
    #[serde(default)]
    on_by_command: bool,
    #[serde(default)]
    seconds_on: u64,
    #[serde(default)]
    was_on: bool,
}

impl Keep for Chassis {
    type Saved = SavedChassis;

    fn saved(&self) -> SavedChassis {
        SavedChassis {
            restore_policy: self.restore_policy.0,
            disabled_buttons: wire(&self.disabled_buttons),
            has_front_panel_lockout: self.has_front_panel_lockout,
            cycle_interval: self.cycle_interval,
            restart_cause: self.restart_cause.0,
            restart_channel: self.restart_channel.0,
            on_by_command: self.on_by_command,
            seconds_on: self.hours.counted.as_secs(),
            was_on: self.was_on,
        }
    }

    fn restore(&mut self, saved: SavedChassis, _: Instant) -> Result<(), Unreadable> {
        self.restore_policy = PowerRestorePolicy(saved.restore_policy);
        self.disabled_buttons = Reader::new(&saved.disabled_buttons).value()?;
        self.has_front_panel_lockout = saved.has_front_panel_lockout;
        self.cycle_interval = saved.cycle_interval;
        self.restart_cause = RestartCause(saved.restart_cause);
        self.restart_channel = ChannelNumber(saved.restart_channel);
        self.on_by_command = saved.on_by_command;
        self.was_on = saved.was_on;
        // Time that was counted has passed, whatever else is undone.
        self.hours.counted = self.hours.counted.max(Duration::from_secs(saved.seconds_on));
        Ok(())
    }
}
