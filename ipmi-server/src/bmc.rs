//! One BMC: its sessions, its state and its machine behind one lock, without I/O.
//!
//! A driver gives it datagrams and the time, and sends what it answers.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::future::Future;
use core::pin::Pin;

use ipmi_proto::session::{DropReason, Peer};
use ipmi_proto::time::Instant;
use rand::CryptoRng;

/// A BMC. Shared by the driver, the backend's events and the embedding program.
#[derive(Debug)]
pub struct Bmc {}

/// What the driver does after a datagram.
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub enum Reaction {
    /// Nothing.
    Dropped(DropReason),
    /// Send the first `length` bytes of the output buffer back to where the datagram came from.
    Reply {
        /// Length of the answer.
        length: usize,
    },
    /// A command waits for the machine: run it aside.
    Run(PendingCommand),
}

/// A command that waits for the machine.
///
/// Runs in two parts, because a client is answered at the deadline while the machine may go on working:
/// [`answer`](Self::answer), then [`finish`](Unfinished::finish) on what that leaves.
#[must_use]
pub struct PendingCommand {
    _future: Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// A sealed datagram and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// Where from and where to.
    pub peer: Peer,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// What is left of a command after its answer: work of the machine that is still going on.
#[derive(Debug)]
#[must_use]
pub struct Unfinished {}

impl Bmc {
    /// Takes a datagram in; an immediate answer is written to `output`. No allocation and no waiting on the
    /// way of a command that is answered from state.
    pub fn handle_datagram(
        self: &Arc<Self>,
        now: Instant,
        peer: Peer,
        datagram: &mut [u8],
        random: &mut impl CryptoRng,
        output: &mut [u8],
    ) -> Reaction {
        let _ = (now, peer, datagram, random, output);
        Reaction::Dropped(DropReason::NotRmcp)
    }

    /// The next datagram that the BMC sends by itself (Serial over LAN), written to `output`: where it goes
    /// and its length. To be called until it answers `None`, after every other call.
    #[must_use]
    pub fn poll_transmit(
        &self,
        now: Instant,
        random: &mut impl CryptoRng,
        output: &mut [u8],
    ) -> Option<(Peer, usize)> {
        let _ = (now, random, output);
        None
    }

    /// Lets time pass.
    pub fn handle_timeout(&self, now: Instant) {
        let _ = now;
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// Peers with an open session, for a driver that gives each a socket of its own under attack.
    #[must_use]
    pub fn session_peers(&self) -> Vec<Peer> {
        Vec::new()
    }

    /// Sets what wakes the driver when [`poll_transmit`](Self::poll_transmit) or
    /// [`poll_timeout`](Self::poll_timeout) changed without a datagram (events of the machine, console output).
    pub fn set_waker(&self, waker: Arc<dyn Fn() + Send + Sync>) {
        let _ = waker;
    }
}

impl core::fmt::Debug for PendingCommand {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("PendingCommand")
    }
}

impl PendingCommand {
    /// Waits for the machine, at most until `deadline` is ready. Gives the answer to send, if anybody still
    /// waits for one, and the work that goes on.
    pub async fn answer(
        self,
        deadline: impl Future<Output = ()> + Send,
    ) -> (Option<Datagram>, Option<Unfinished>) {
        let _ = deadline;
        (None, None)
    }
}

impl Unfinished {
    /// Waits for the machine until `limit` is ready, then gives up; the outcome goes to log and event log.
    pub async fn finish(self, limit: impl Future<Output = ()> + Send) {
        let _ = limit;
    }
}
