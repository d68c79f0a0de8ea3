//! The XML of a domain: read as a tree that knows where everything stands, edited by replacing bytes.
//!
//! Nothing is written back but the bytes that have to change: comments, unknown elements and the user's
//! spacing stay as they are.

mod boot;
mod description;
mod tree;

pub(crate) use boot::{BootOrder, DeviceKey};
pub(crate) use description::{Description, Firmware};
pub use tree::XmlError;
