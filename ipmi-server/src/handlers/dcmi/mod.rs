//! DCMI commands, network function 2Ch with body code DCh.

mod capability;
mod configuration;
mod identification;
mod power;
#[cfg(test)]
mod tests;
mod thermal;

use super::Handler;

/// The handlers of this body.
pub(super) const HANDLERS: &[&[Handler]] = &[
    capability::HANDLERS,
    configuration::HANDLERS,
    identification::HANDLERS,
    power::HANDLERS,
    thermal::HANDLERS,
];
