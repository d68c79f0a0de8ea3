//! Sensor and event commands, network function 04h.

mod alert;
mod device_sdr;
mod event_enable;
mod pef;
mod reading;
mod receiver;
#[cfg(test)]
mod tests;
mod threshold;

use super::Handler;

/// The handlers of this network function.
pub(super) const HANDLERS: &[&[Handler]] = &[
    alert::HANDLERS,
    device_sdr::HANDLERS,
    event_enable::HANDLERS,
    reading::HANDLERS,
    pef::HANDLERS,
    receiver::HANDLERS,
    threshold::HANDLERS,
];
