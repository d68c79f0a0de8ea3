//! What the simulated cluster was asked, and how much of it.

use std::collections::BTreeMap;

/// Numbers since the start, or since they were taken last: see [`Simulator::counters`](super::Simulator::counters).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Requests by endpoint, as in `GET /nodes/{node}/qemu/{vmid}/status/current`; those of no endpoint are under
    /// `unknown`.
    pub requests: BTreeMap<String, u64>,
    /// Answers by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Connections that got through the TLS handshake.
    pub connections: u64,
    /// TLS handshakes that failed.
    pub failed_handshakes: u64,
    /// The most calls that ran in the daemon of one node at a time; three is all it has workers for.
    pub busiest: u64,
}

impl Counters {
    /// All requests.
    pub fn total(&self) -> u64 {
        self.requests.values().sum()
    }

    /// Requests of one endpoint, or of all whose `METHOD PATH` begins so.
    pub fn of(&self, endpoint: &str) -> u64 {
        let matching = self.requests.iter().filter(|(key, _)| key.starts_with(endpoint));
        matching.map(|(_, count)| count).sum()
    }
}
