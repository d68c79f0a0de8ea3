//! Chassis commands, network function 00h.

pub mod boot;
pub mod configuration;
pub mod control;
pub mod status;

use super::CommandSpec;

/// The tables of this network function.
pub(super) const TABLES: &[&[CommandSpec]] = &[
    status::COMMANDS,
    control::COMMANDS,
    configuration::COMMANDS,
    boot::COMMANDS,
];
