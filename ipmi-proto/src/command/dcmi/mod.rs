//! DCMI 1.5: commands of the group extension with body code DCh.

pub mod capability;
pub mod configuration;
pub mod identification;
pub mod power;
pub mod thermal;

use super::CommandSpec;

/// The tables of this body.
pub(super) const TABLES: &[&[CommandSpec]] = &[
    capability::COMMANDS,
    configuration::COMMANDS,
    power::COMMANDS,
    identification::COMMANDS,
    thermal::COMMANDS,
];
