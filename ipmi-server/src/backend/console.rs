//! The serial console of a machine.

use core::fmt;

use async_trait::async_trait;
use bytes::Bytes;

use super::BackendError;

/// What a console says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConsoleEvent {
    /// The machine sent these bytes.
    Output(Bytes),
    /// The stream ended: power-off, or the connection was lost. It can be opened again.
    Ended,
}

/// An open console. Dropping it closes it.
#[async_trait]
pub trait ConsoleStream: fmt::Debug + Send {
    /// Waits for what the machine sends next. Cancel-safe: nothing is lost when the future is dropped.
    ///
    /// # Errors
    /// [`BackendError`] if the stream broke.
    async fn next(&mut self) -> Result<ConsoleEvent, BackendError>;

    /// Sends bytes to the machine and says how many it took; fewer than given while it is busy.
    ///
    /// # Errors
    /// [`BackendError`] if the stream broke.
    async fn send(&mut self, bytes: &[u8]) -> Result<usize, BackendError>;

    /// Sends a break.
    ///
    /// # Errors
    /// [`BackendErrorKind::Unsupported`](super::BackendErrorKind::Unsupported) where the hypervisor has none.
    async fn send_break(&mut self) -> Result<(), BackendError>;
}

/// A machine with a serial console.
#[async_trait]
pub trait SerialConsole: fmt::Debug + Send + Sync {
    /// Opens the console.
    ///
    /// # Errors
    /// [`BackendErrorKind::Busy`](super::BackendErrorKind::Busy) while somebody else has it,
    /// [`BackendErrorKind::InvalidState`](super::BackendErrorKind::InvalidState) while the machine is off.
    async fn open(&self) -> Result<Box<dyn ConsoleStream>, BackendError>;

    /// Whether the BMC may keep the console open while no client watches, so that the next one sees what the
    /// machine said before. `false`, as here, where an open console keeps others away from it. Asked once;
    /// [`BmcBuilder::console_always_open`](crate::BmcBuilder::console_always_open) overrules it.
    fn may_stay_open(&self) -> bool {
        false
    }
}
