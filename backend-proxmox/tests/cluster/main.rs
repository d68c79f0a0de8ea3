//! The backend against a simulated cluster of Proxmox VE.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail the test")]

mod boot;
mod console;
mod load;
mod power;
mod refusals;
mod support;
mod unknown;
mod whole;
