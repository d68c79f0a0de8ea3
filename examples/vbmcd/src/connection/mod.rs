//! Where machines come from: `[connection.NAME]`, one module for each `type`.
//!
//! A new type is a module here that reads its keys ([`Keys`]) into a [`ConnectionPlan`], and a line in `TYPES`.

mod keys;
mod libvirt;
mod proxmox;
mod proxmox_demo;
mod simulated;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use ipmi_server::backend::BmcBackend;
use thiserror::Error;

pub use keys::{KeyError, Keys, Mistake};
pub use proxmox::ProxmoxPlan;
pub use proxmox_demo::ProxmoxDemoPlan;
pub use simulated::SimulatedPlan;

use crate::actions::ActionLog;

/// What a connection is made of: its keys, checked. Nothing is connected yet.
#[async_trait]
pub trait ConnectionPlan: fmt::Debug + Send + Sync {
    /// Connects. What goes on in the background is started on the present tokio runtime, which lives as long
    /// as the program.
    ///
    /// # Errors
    /// [`ConnectionError`] that says what the user can do.
    async fn connect(&self, context: &Context) -> Result<Box<dyn Connection>, ConnectionError>;
}

/// One hypervisor, or one cluster of them; shared by all its machines.
#[async_trait]
pub trait Connection: fmt::Debug + Send + Sync {
    /// The machine of a BMC.
    ///
    /// # Errors
    /// [`ConnectionError`] if there is no such machine, or if that cannot be known.
    async fn machine(&self, wanted: &Wanted<'_>) -> Result<Arc<dyn BmcBackend>, ConnectionError>;
}

/// Which machine is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The machine, as the configuration calls it.
    pub machine: &'a str,
    /// The BMC that it is for.
    pub bmc: &'a str,
}

/// What connections need of the program.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// Gets what reaches simulated machines.
    pub actions: Option<Arc<ActionLog>>,
}

/// A connection that cannot be made, or lacks a machine.
#[derive(Debug, Error)]
#[error("{message}")]
pub struct ConnectionError {
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl ConnectionError {
    /// An error that says what was being done, on what, and what the user can do.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            source: None,
        }
    }

    /// Adds what caused it.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}

/// Reads the keys of one type of connection.
type Reader = fn(&mut Keys<'_>) -> Result<Box<dyn ConnectionPlan>, KeyError>;

/// Every `type`, and who reads its keys.
const TYPES: &[(&str, Reader)] = &[
    ("libvirt", libvirt::read),
    ("proxmox", proxmox::read),
    ("simulated", simulated::read),
];

/// Reads the keys of `[connection.NAME]`.
///
/// # Errors
/// [`KeyError`] at the first key that is wrong, missing or unknown.
pub fn read(keys: &mut Keys<'_>) -> Result<Box<dyn ConnectionPlan>, KeyError> {
    let names: Vec<_> = TYPES.iter().map(|(name, _)| format!("\"{name}\"")).collect();
    let known = names.join(" or ");
    let kind = keys.required_text("type", &known)?;
    let Some((name, reader)) = TYPES.iter().find(|(name, _)| name == kind.get_ref()) else {
        return Err(Mistake::at(&kind, format!("`type`: write {known}")).into());
    };
    let plan = reader(keys)?;
    keys.finish(name)?;
    Ok(plan)
}
