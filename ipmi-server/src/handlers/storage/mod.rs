//! Storage commands, network function 0Ah.

mod fru;
mod sdr;
mod sel;
#[cfg(test)]
mod tests;
mod time;

pub(super) use sdr::read as read_sdr;

use super::Handler;

/// The handlers of this network function.
pub(super) const HANDLERS: &[&[Handler]] = &[fru::HANDLERS, sdr::HANDLERS, sel::HANDLERS, time::HANDLERS];
