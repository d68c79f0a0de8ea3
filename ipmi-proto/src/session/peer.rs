//! Who sent a datagram, and where it arrived.

use core::net::SocketAddr;

/// The two ends of a datagram's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Peer {
    /// Where the datagram came from and the answer goes to.
    pub remote: SocketAddr,
    /// The address and port that it was sent to; the answer leaves from there.
    pub local: SocketAddr,
}
