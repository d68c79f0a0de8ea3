//! Transport commands, network function 0Ch.

pub mod arp;
pub mod callback;
pub mod forwarding;
pub mod lan;
pub mod lan_value;
pub mod ppp_proxy;
pub mod serial;
pub mod sol;

use super::CommandSpec;

/// The tables of this network function.
pub(super) const TABLES: &[&[CommandSpec]] = &[
    lan::COMMANDS,
    arp::COMMANDS,
    serial::COMMANDS,
    ppp_proxy::COMMANDS,
    callback::COMMANDS,
    sol::COMMANDS,
    forwarding::COMMANDS,
];
