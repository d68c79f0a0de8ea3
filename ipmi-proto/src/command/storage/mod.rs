//! Storage commands, network function 0Ah.

pub mod auxiliary_log;
pub mod fru;
pub mod sdr;
pub mod sdr_update;
pub mod sel;
pub mod time;

use super::CommandSpec;

/// The tables of this network function.
pub(super) const TABLES: &[&[CommandSpec]] = &[
    fru::COMMANDS,
    sdr::COMMANDS,
    sdr_update::COMMANDS,
    sel::COMMANDS,
    time::COMMANDS,
    auxiliary_log::COMMANDS,
];
