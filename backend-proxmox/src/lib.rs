#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

#[cfg(feature = "simulator")]
pub mod simulator;
