//! What an embedding program wants of the serial console.

use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;

use super::ConsoleQuota;

/// Characters of the serial console that are kept.
const DEFAULT_SCROLLBACK: usize = 64 * 1024;

/// Receives all that a machine says on its serial console, as far as the BMC reads it.
///
/// What is typed is not told: a password that the machine does not echo stays secret.
pub trait ConsoleTranscript: fmt::Debug + Send + Sync {
    /// Takes output of the machine behind this BMC, in order. Must not wait.
    fn output(&self, bmc: &str, bytes: &[u8]);
}

/// What an embedding program wants of the serial console.
#[derive(Clone, Debug)]
pub(crate) struct ConsoleOptions {
    /// How much output is kept for the next client.
    pub(crate) scrollback: usize,
    /// Whether the console is read while nobody watches; `None`: as the machine says.
    pub(crate) always_open: Option<bool>,
    /// Ends a console at which nobody typed for so long.
    pub(crate) idle_timeout: Option<Duration>,
    /// Ends a console after this time.
    pub(crate) absolute_timeout: Option<Duration>,
    /// Bounds the consoles of one user.
    pub(crate) quota: Option<Arc<ConsoleQuota>>,
    /// Where all output goes, too.
    pub(crate) transcript: Option<Arc<dyn ConsoleTranscript>>,
}

impl Default for ConsoleOptions {
    fn default() -> Self {
        Self {
            scrollback: DEFAULT_SCROLLBACK,
            always_open: None,
            idle_timeout: None,
            absolute_timeout: None,
            quota: None,
            transcript: None,
        }
    }
}
