//! What the driver needs of a BMC.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::future::Future;
use core::time::Duration;
use std::net::SocketAddr;

use ipmi_proto::session::{DropReason, Peer};
use ipmi_proto::time::Instant;
use rand::rngs::ThreadRng;

use crate::bmc::{Bmc, Datagram, PendingCommand, Reaction, Unfinished};

/// What the driver does after a datagram.
#[derive(Debug)]
#[must_use]
pub enum Outcome<C> {
    /// Count it.
    Dropped(DropReason),
    /// Send the first `length` bytes of the output buffer back to where the datagram came from.
    Reply {
        /// Length of the answer.
        length: usize,
    },
    /// Send nothing at once.
    Taken,
    /// Run a command aside and send its answer.
    Run(C),
}

/// A BMC as the driver sees it. [`Bmc`] is one; a program that answers datagrams in its own way, or a test,
/// may be another.
///
/// No method waits. Methods may be called from several threads at once.
pub trait DatagramHandler: Send + Sync + 'static {
    /// What [`Outcome::Run`] carries.
    type Command: AsideCommand<Work = Self::Work>;
    /// What is left of a command after its answer.
    type Work: AsideWork;

    /// Takes a datagram in; an immediate answer is written to `output`.
    fn handle_datagram(
        self: &Arc<Self>,
        now: Instant,
        peer: Peer,
        datagram: &mut [u8],
        random: &mut ThreadRng,
        output: &mut [u8],
    ) -> Outcome<Self::Command>;

    /// The next datagram that the BMC sends by itself, written to `output`: where it goes and its length.
    fn poll_transmit(&self, now: Instant, random: &mut ThreadRng, output: &mut [u8])
    -> Option<(Peer, usize)>;

    /// The next piece of work that the BMC starts by itself.
    fn poll_work(&self) -> Option<Self::Work>;

    /// Lets time pass.
    fn handle_timeout(self: &Arc<Self>, now: Instant);

    /// When [`handle_timeout`](Self::handle_timeout) is due. A deadline that has moved later needs no
    /// waker; one that has moved earlier does.
    fn poll_timeout(&self) -> Option<Instant>;

    /// Peers with an open session.
    fn session_peers(&self) -> Vec<Peer>;

    /// Sets what to call when [`poll_transmit`](Self::poll_transmit), [`poll_work`](Self::poll_work) or
    /// [`poll_timeout`](Self::poll_timeout) have something new. The driver asks them after such a call and
    /// after a timeout, and at no other time. It may be called from any thread and inside every method.
    fn set_waker(&self, waker: Arc<dyn Fn() + Send + Sync>);

    /// The BMC is served at this address from now on. It stands for all of the host's if it is unspecified.
    fn served_at(&self, _address: SocketAddr) {}

    /// The BMC is not served any more. Work that lasts until it is told to end is to end;
    /// [`poll_transmit`](Self::poll_transmit) is asked a last time.
    fn unserved(&self) {}
}

/// A command that waits for the machine.
pub trait AsideCommand: Send + 'static {
    /// What goes on after the answer.
    type Work: AsideWork;

    /// After which time the client is answered in any case.
    fn deadline(&self) -> Duration;

    /// Answers at once that too much is under way, without asking the machine for anything.
    fn refuse(self) -> Option<Datagram>;

    /// Waits for the machine, at most until `deadline` is ready. Gives the answer to send, if anybody still
    /// waits for one, and the work that goes on.
    fn answer(
        self,
        deadline: impl Future<Output = ()> + Send,
    ) -> impl Future<Output = (Option<Datagram>, Option<Self::Work>)> + Send;
}

/// Work of the machine that nobody waits for.
pub trait AsideWork: Send + 'static {
    /// After which time it is given up.
    fn limit(&self) -> Duration;

    /// Waits for the machine until `limit` is ready, then gives up.
    fn finish(self, limit: impl Future<Output = ()> + Send) -> impl Future<Output = ()> + Send;
}

impl DatagramHandler for Bmc {
    type Command = PendingCommand;
    type Work = Unfinished;

    fn handle_datagram(
        self: &Arc<Self>,
        now: Instant,
        peer: Peer,
        datagram: &mut [u8],
        random: &mut ThreadRng,
        output: &mut [u8],
    ) -> Outcome<PendingCommand> {
        match Self::handle_datagram(self, now, peer, datagram, random, output) {
            Reaction::Dropped(reason) => Outcome::Dropped(reason),
            Reaction::Reply { length } => Outcome::Reply { length },
            Reaction::Taken => Outcome::Taken,
            Reaction::Run(command) => Outcome::Run(command),
        }
    }

    fn poll_transmit(
        &self,
        now: Instant,
        random: &mut ThreadRng,
        output: &mut [u8],
    ) -> Option<(Peer, usize)> {
        Self::poll_transmit(self, now, random, output)
    }

    fn poll_work(&self) -> Option<Unfinished> {
        Self::poll_work(self)
    }

    fn handle_timeout(self: &Arc<Self>, now: Instant) {
        Self::handle_timeout(self, now);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        Self::poll_timeout(self)
    }

    fn session_peers(&self) -> Vec<Peer> {
        Self::session_peers(self)
    }

    fn set_waker(&self, waker: Arc<dyn Fn() + Send + Sync>) {
        Self::set_waker(self, waker);
    }

    fn served_at(&self, address: SocketAddr) {
        Self::served_at(self, address);
    }

    fn unserved(&self) {
        Self::end_serial_over_lan(self);
    }
}

impl AsideCommand for PendingCommand {
    type Work = Unfinished;

    fn deadline(&self) -> Duration {
        Self::deadline(self)
    }

    fn refuse(self) -> Option<Datagram> {
        Self::refuse(self)
    }

    async fn answer(
        self,
        deadline: impl Future<Output = ()> + Send,
    ) -> (Option<Datagram>, Option<Unfinished>) {
        Self::answer(self, deadline).await
    }
}

impl AsideWork for Unfinished {
    fn limit(&self) -> Duration {
        Self::limit(self)
    }

    async fn finish(self, limit: impl Future<Output = ()> + Send) {
        Self::finish(self, limit).await;
    }
}
