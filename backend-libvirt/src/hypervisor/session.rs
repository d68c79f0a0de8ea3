//! A connection to libvirt in the form in which it is used: calls that are quick apart from those that take long.

use ipmi_server::backend::BackendError;

use super::OPEN_LIMIT;
use crate::failure::failure;
use crate::rpc::{Client, Domain, Events, OpenError, Uri};

/// Both connections. They live and end together.
#[derive(Debug)]
pub(crate) struct Session {
    /// Events, and questions that libvirt answers from its memory.
    pub(crate) state: Client,
    /// What takes its time.
    pub(crate) operations: Client,
}

/// What libvirt says of itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// Such as `QEMU`, `TEST`.
    pub(crate) driver: String,
    /// Such as `7.2.22`.
    pub(crate) hypervisor_version: String,
    /// Such as `9.0.0`.
    pub(crate) libvirt_version: String,
}

impl Session {
    /// Opens both connections.
    ///
    /// # Errors
    /// [`OpenError`].
    pub(super) async fn open(uri: &Uri) -> Result<(Self, Events), OpenError> {
        let (state, events) = Client::open(uri, OPEN_LIMIT).await?;
        let (operations, _) = Client::open(uri, OPEN_LIMIT).await?;
        Ok((Self { state, operations }, events))
    }

    /// What libvirt says of itself; empty where it does not.
    pub(super) async fn facts(&self) -> Facts {
        let driver = self.state.driver().await.unwrap_or_default();
        let (hypervisor_version, libvirt_version) = self.state.versions().await.unwrap_or_default();
        Facts {
            driver,
            hypervisor_version,
            libvirt_version,
        }
    }

    /// Sends a command to QEMU's monitor.
    ///
    /// # Errors
    /// [`BackendError`] if libvirt or QEMU refuses it.
    pub(crate) async fn monitor(&self, domain: &Domain, command: &str) -> Result<(), BackendError> {
        let answer = self.operations.monitor_command(domain, command).await;
        let answer = answer.map_err(failure("command QEMU's monitor"))?;
        // An answer is `{"return":{},"id":"libvirt-1"}` or `{"id":...,"error":{"class":...,"desc":...}}`.
        if answer.contains("\"error\"") {
            let error = BackendError::new(
                ipmi_server::backend::BackendErrorKind::Other,
                "command QEMU's monitor",
            );
            return Err(error.with_source(answer));
        }
        Ok(())
    }

    /// Waits for the end of either connection.
    pub(super) async fn closed(&self) -> std::sync::Arc<crate::rpc::CloseReason> {
        tokio::select! {
            reason = self.state.closed() => reason,
            reason = self.operations.closed() => reason,
        }
    }
}
