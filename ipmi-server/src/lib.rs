//! A complete BMC as a library: give it a machine (a [`BmcBackend`](backend::BmcBackend)) and an address.
#![forbid(unsafe_code)]

extern crate alloc;

pub mod backend;
pub mod bmc;
