//! Sensor and event commands, network function 04h.

mod device_sdr;
mod event_enable;
mod pef;
mod reading;
mod receiver;
mod threshold;

use super::Handler;

/// The handlers of this network function.
pub(super) const HANDLERS: &[&[Handler]] = &[
    receiver::HANDLERS,
    device_sdr::HANDLERS,
    threshold::HANDLERS,
    event_enable::HANDLERS,
    reading::HANDLERS,
    pef::HANDLERS,
];
