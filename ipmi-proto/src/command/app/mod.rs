//! App commands, network function 06h.

pub mod channel;
pub mod device;
pub mod firewall;
pub mod messaging;
pub mod payload;
pub mod session;
pub mod system_info;
pub mod user;
pub mod watchdog;

use super::CommandSpec;

/// The tables of this network function.
pub(super) const TABLES: &[&[CommandSpec]] = &[
    device::COMMANDS,
    firewall::COMMANDS,
    watchdog::COMMANDS,
    messaging::COMMANDS,
    session::COMMANDS,
    channel::COMMANDS,
    user::COMMANDS,
    payload::COMMANDS,
    system_info::COMMANDS,
];
