//! DCMI commands, network function 2Ch with body code DCh.

mod capability;
mod configuration;
mod identification;
mod power;
mod thermal;

use super::Handler;

/// The handlers of this body.
pub(super) const HANDLERS: &[&[Handler]] = &[
    capability::HANDLERS,
    power::HANDLERS,
    identification::HANDLERS,
    thermal::HANDLERS,
    configuration::HANDLERS,
];
