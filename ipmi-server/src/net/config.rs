//! Bounds and sizes of the driver.

use alloc::sync::Arc;
use core::time::Duration;

use crate::metrics::Metrics;

/// Bounds and sizes of the driver.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NetConfig {
    /// Bytes that the kernel keeps for a socket that is not read fast enough, as far as `net.core.rmem_max`
    /// allows it. A bound and no reservation.
    pub receive_buffer: usize,
    /// How many commands of one BMC may wait for its machine at a time. More are dropped: the client tries
    /// again.
    pub commands_in_flight: usize,
    /// How many sockets all BMCs together may open for logged-in clients during a flood.
    pub promoted_sockets: usize,
    /// How long a flood must be over before these sockets are closed.
    pub calm_after: Duration,
    /// Where to count. Give the BMCs the same, so that it knows their commands, too.
    pub metrics: Arc<Metrics>,
}

impl Default for NetConfig {
    fn default() -> Self {
        Self {
            receive_buffer: 1 << 20,
            commands_in_flight: 32,
            promoted_sockets: 512,
            calm_after: Duration::from_secs(10),
            metrics: Arc::default(),
        }
    }
}
