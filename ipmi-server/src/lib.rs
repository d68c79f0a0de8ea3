//! A complete BMC as a library: give it a machine (a [`BmcBackend`](backend::BmcBackend)) and an address.
#![forbid(unsafe_code)]

extern crate alloc;

mod alert;
pub mod audit;
pub mod backend;
pub mod bmc;
#[cfg(any(test, feature = "testing"))]
pub mod conformance;
mod handlers;
mod keep;
pub mod metrics;
#[cfg(feature = "net")]
pub mod net;
mod power;
mod sol;
mod state;
pub mod store;
#[cfg(test)]
mod test_bench;

pub use bmc::{Bmc, BmcBuilder};
