//! App commands, network function 06h.

mod channel;
mod device;
mod firewall;
mod messaging;
mod payload;
mod system_info;
mod user;
mod watchdog;

pub(crate) use device::{MANUFACTURER, PRODUCT, SUPPORT as DEVICE_SUPPORT};

use super::Handler;

/// The handlers of this network function.
pub(super) const HANDLERS: &[&[Handler]] = &[
    device::HANDLERS,
    firewall::HANDLERS,
    messaging::HANDLERS,
    payload::HANDLERS,
    channel::HANDLERS,
    system_info::HANDLERS,
    user::HANDLERS,
    watchdog::HANDLERS,
];
