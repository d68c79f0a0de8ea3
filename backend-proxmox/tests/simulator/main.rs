//! The simulator of Proxmox VE, seen by a client.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail the test")]

mod client;
mod compare;
mod consoles;
mod limits;
mod power;
mod rights;
mod samples;
