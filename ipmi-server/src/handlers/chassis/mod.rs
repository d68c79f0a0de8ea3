//! Chassis commands, network function 00h.

mod boot;
mod configuration;
mod control;
mod status;

use super::Handler;

pub(crate) use boot::wish as boot_wish;

/// The handlers of this network function.
pub(super) const HANDLERS: &[&[Handler]] = &[
    status::HANDLERS,
    control::HANDLERS,
    configuration::HANDLERS,
    boot::HANDLERS,
];
