//! Real IPMI clients against the real program: ipmitool and FreeIPMI must find a BMC that they cannot tell
//! from hardware.
//!
//! A client that is not installed fails its tests; `./test.sh` installs them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails"
)]

mod access;
mod alerts;
mod audit;
mod boot;
mod chassis;
mod client;
mod console;
mod control;
mod controller;
mod crash;
mod daemon;
mod dcmi;
mod hostile;
mod http;
mod keys;
#[path = "../../../../backend-libvirt/tests/lab/mod.rs"]
mod lab;
mod libvirt;
mod lifetime;
mod manage;
mod many;
mod power;
mod proxmox;
mod proxmox_demo;
mod records;
mod relay;
mod sensors;
mod serial;
mod session;
mod sol_configuration;
mod store;
mod terminal;
mod version_1_5;
