//! The simulator of Proxmox VE, seen by a client.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail the test")]

mod client;
mod limits;
mod power;
