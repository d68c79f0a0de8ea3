#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod failure;
mod hypervisor;
mod machine;
pub mod rpc;
mod xml;

pub use hypervisor::{Discovery, Hypervisor, MachineError, Options};
pub use machine::LibvirtMachine;
pub use xml::XmlError;
