//! Starting, stopping and what lies between.

use super::{Client, QUICK, SLOW};
use crate::rpc::error::RpcError;
use crate::rpc::frame::program;
use crate::rpc::types::Domain;

/// Start, but do not run yet.
const START_PAUSED: u32 = 1;
/// Shut down by the ACPI power button.
const SHUTDOWN_ACPI: u32 = 1;

impl Client {
    /// Starts a domain from its definition, or from its managed save image if it has one.
    ///
    /// # Errors
    /// [`RpcError`].
    pub async fn create(&self, domain: &Domain, paused: bool) -> Result<Domain, RpcError> {
        let flags = if paused { START_PAUSED } else { 0 };
        self.call(196, (domain, flags), SLOW).await
    }

    /// Starts a domain from this XML. One that is defined keeps its definition.
    ///
    /// # Errors
    /// [`RpcError`].
    pub async fn create_xml(&self, xml: &str, paused: bool) -> Result<Domain, RpcError> {
        let flags = if paused { START_PAUSED } else { 0 };
        self.call(10, (xml, flags), SLOW).await
    }

    /// Stops a domain at once.
    ///
    /// # Errors
    /// [`RpcError`].
    pub async fn destroy(&self, domain: &Domain) -> Result<(), RpcError> {
        self.call(234, (domain, 0_u32), SLOW).await
    }

    /// Presses the ACPI power button.
    ///
    /// # Errors
    /// [`RpcError`]. A guest that ignores it is none.
    pub async fn shutdown(&self, domain: &Domain) -> Result<(), RpcError> {
        match self.call(258, (domain, SHUTDOWN_ACPI), SLOW).await {
            // The test driver takes no flags.
            Err(RpcError::Libvirt(error)) if error.code == crate::rpc::ErrorCode::INVALID_ARG => {
                self.call(258, (domain, 0_u32), SLOW).await
            }
            result => result,
        }
    }

    /// Resets the processors. The guest's devices follow a moment later.
    ///
    /// # Errors
    /// [`RpcError`].
    pub async fn reset(&self, domain: &Domain) -> Result<(), RpcError> {
        self.call(245, (domain, 0_u32), SLOW).await
    }

    /// Lets a paused domain go on.
    ///
    /// # Errors
    /// [`RpcError`].
    pub async fn resume(&self, domain: &Domain) -> Result<(), RpcError> {
        self.call(28, (domain,), SLOW).await
    }

    /// Wakes a domain that its own operating system suspended.
    ///
    /// # Errors
    /// [`RpcError`].
    pub async fn wake_up(&self, domain: &Domain) -> Result<(), RpcError> {
        self.call(267, (domain, 0_u32), SLOW).await
    }

    /// Sends a diagnostic interrupt.
    ///
    /// # Errors
    /// [`RpcError`].
    pub async fn inject_nmi(&self, domain: &Domain) -> Result<(), RpcError> {
        self.call(210, (domain, 0_u32), SLOW).await
    }

    /// Presses and releases a key, by its number in Linux.
    ///
    /// # Errors
    /// [`RpcError`].
    pub async fn send_key(&self, domain: &Domain, key: u32) -> Result<(), RpcError> {
        let (linux, hold_milliseconds) = (0_u32, 0_u32);
        self.call(226, (domain, linux, hold_milliseconds, &[key][..], 0_u32), QUICK)
            .await
    }

    /// Sends a command in JSON to QEMU's monitor and gives the answer in JSON.
    ///
    /// # Errors
    /// [`RpcError`]; other drivers refuse it.
    pub async fn monitor_command(&self, domain: &Domain, command: &str) -> Result<String, RpcError> {
        let procedure = (program::QEMU, 1);
        let (answer,) = self
            .connection
            .call(procedure, (domain, command, 0_u32), QUICK)
            .await?;
        Ok(answer)
    }
}
