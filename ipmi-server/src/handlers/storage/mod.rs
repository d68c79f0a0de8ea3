//! Storage commands, network function 0Ah.

mod fru;
pub(in crate::handlers) mod sdr;
mod sel;
mod time;

use super::Handler;

/// The handlers of this network function.
pub(super) const HANDLERS: &[&[Handler]] = &[fru::HANDLERS, sdr::HANDLERS, sel::HANDLERS, time::HANDLERS];
