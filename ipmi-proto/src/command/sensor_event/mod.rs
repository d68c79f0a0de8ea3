//! Sensor/Event commands, network function 04h.

pub mod alert;
pub mod device_sdr;
pub mod event_enable;
pub mod pef;
pub mod pef_parameter;
pub mod reading;
pub mod receiver;
pub mod threshold;

use super::CommandSpec;

/// The tables of this network function.
pub(super) const TABLES: &[&[CommandSpec]] = &[
    receiver::COMMANDS,
    pef::COMMANDS,
    alert::COMMANDS,
    device_sdr::COMMANDS,
    threshold::COMMANDS,
    event_enable::COMMANDS,
    reading::COMMANDS,
];
