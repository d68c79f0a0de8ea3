//! App commands, network function 06h.

pub mod channel;
pub mod device;
pub mod session;
pub mod user;
pub mod watchdog;

use super::CommandSpec;

/// The tables of this network function.
pub(super) const TABLES: &[&[CommandSpec]] = &[
    device::COMMANDS,
    watchdog::COMMANDS,
    session::COMMANDS,
    channel::COMMANDS,
    user::COMMANDS,
];
