//! Chassis commands, network function 00h.

mod boot;
mod configuration;
mod control;
mod status;

use super::Handler;

/// The handlers of this network function.
pub(super) const HANDLERS: &[&[Handler]] = &[
    status::HANDLERS,
    control::HANDLERS,
    configuration::HANDLERS,
    boot::HANDLERS,
];
