//! Virtual BMCs for a lab.
//!
//! `vbmcd demo` starts BMCs in front of simulated machines; `vbmcd run` those of a configuration file. The
//! program is thin: what a BMC does is in `ipmi-server`, here are arguments, configuration, the simulated
//! machine and the life of the process.
#![forbid(unsafe_code)]

pub mod actions;
mod address_range;
pub mod announce;
pub mod cli;
pub mod client;
pub mod config;
pub mod connection;
pub mod control;
pub mod demo;
pub mod events;
pub mod lab;
pub mod log_files;
pub mod logging;
pub mod open_files;
pub mod places;
pub mod plan;
pub mod registry;
pub mod run;
pub mod runtimes;
pub mod secret;
pub mod service;
pub mod store;
pub mod transcript;

pub use address_range::{AddressRange, AddressRangeError};
