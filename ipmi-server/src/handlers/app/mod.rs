//! App commands, network function 06h.

mod channel;
mod device;
mod user;
mod watchdog;

use super::Handler;

/// The handlers of this network function.
pub(super) const HANDLERS: &[&[Handler]] = &[
    device::HANDLERS,
    channel::HANDLERS,
    user::HANDLERS,
    watchdog::HANDLERS,
];
