//! Transport commands, network function 0Ch.

mod arp;
mod lan;
mod sol;

use super::Handler;

/// The handlers of this network function.
pub(super) const HANDLERS: &[&[Handler]] = &[lan::HANDLERS, arp::HANDLERS, sol::HANDLERS];
