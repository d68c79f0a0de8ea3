//! App commands, network function 06h.

pub mod device;

use super::CommandSpec;

/// The tables of this network function.
pub(super) const TABLES: &[&[CommandSpec]] = &[device::COMMANDS];
