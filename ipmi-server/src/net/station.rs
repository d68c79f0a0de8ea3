//! One BMC in the driver: what is the same for every kind of socket.

use alloc::sync::{Arc, Weak};
use core::sync::atomic::{AtomicUsize, Ordering};
use std::io;

use ipmi_proto::packet::rmcp;
use ipmi_proto::session::{DropReason, Peer};
use ipmi_proto::time::Instant;

use super::aside;
use super::common::Common;
use super::handler::{DatagramHandler, Outcome};
use super::outlet::Outlet;
use super::scratch::{Desk, LONGEST, Scratch};
use crate::metrics::{Loss, Traffic};

/// How many datagrams a BMC sends by itself before others have their turn.
const TRANSMIT_BUDGET: usize = 64;

/// How often a BMC may ask for the time that has come already before others have their turn.
const TIMEOUT_BUDGET: usize = 8;

/// One BMC.
#[derive(Debug)]
pub(crate) struct Station<H> {
    pub(crate) handler: Arc<H>,
    pub(crate) common: Arc<Common>,
    /// Gone when the BMC was removed, whatever its machine is still doing.
    outlet: Weak<Outlet>,
    aside: AtomicUsize,
}

/// Why a datagram got no answer.
enum Dropped {
    ByBmc(DropReason),
    ByDriver(Loss),
}

/// What a BMC wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    /// To be called at this time.
    pub(crate) deadline: Option<Instant>,
    /// To go on at once, when the others had their turn.
    pub(crate) more: bool,
}

impl<H: DatagramHandler> Station<H> {
    pub(crate) fn new(handler: Arc<H>, common: Arc<Common>, outlet: &Arc<Outlet>) -> Arc<Self> {
        Arc::new(Self {
            handler,
            common,
            outlet: Arc::downgrade(outlet),
            aside: AtomicUsize::new(0),
        })
    }

    /// Takes a datagram in, and sends what is to be sent at once.
    pub(crate) fn take_in(
        self: &Arc<Self>,
        now: Instant,
        peer: Peer,
        datagram: &mut [u8],
        desk: &mut Desk,
        traffic: &mut Traffic,
        send: impl Fn(&[u8], &mut Traffic),
    ) {
        traffic.received(datagram.len());
        // Looked for first: the datagram is decrypted in place.
        let acknowledge = rmcp::acknowledge(datagram);
        let judged = self.judge(now, peer, datagram, desk);
        if let Some(acknowledge) = acknowledge
            && !matches!(judged, Err(Dropped::ByDriver(_)))
        {
            send(&acknowledge, traffic);
        }
        match judged {
            Ok(Some(length)) => {
                if let Some(answer) = desk.output.get(..length) {
                    send(answer, traffic);
                }
            }
            Ok(None) => {}
            Err(dropped) => {
                traffic.dropped += 1;
                self.count_dropped(peer, dropped);
            }
        }
    }

    fn count_dropped(&self, peer: Peer, dropped: Dropped) {
        let metrics = &self.common.config.metrics;
        match dropped {
            Dropped::ByBmc(reason) => {
                metrics.dropped(reason);
                tracing::trace!(remote = %peer.remote, reason = reason.label(), "datagram dropped");
            }
            Dropped::ByDriver(loss) => metrics.lost(loss),
        }
    }

    /// The length of the answer, if there is one at once.
    fn judge(
        self: &Arc<Self>,
        now: Instant,
        peer: Peer,
        datagram: &mut [u8],
        desk: &mut Desk,
    ) -> Result<Option<usize>, Dropped> {
        if datagram.len() > LONGEST {
            return Err(Dropped::ByDriver(Loss::TooLong));
        }
        if peer.remote.port() == 0 {
            return Err(Dropped::ByDriver(Loss::NoReturnPort));
        }
        match self
            .handler
            .handle_datagram(now, peer, datagram, &mut desk.random, &mut desk.output)
        {
            Outcome::Reply { length } => Ok(Some(length)),
            Outcome::Taken => Ok(None),
            Outcome::Run(command) => {
                aside::run_command(self, command);
                Ok(None)
            }
            Outcome::Dropped(reason) => Err(Dropped::ByBmc(reason)),
        }
    }

    /// Does what the BMC wants to do by itself.
    pub(crate) fn attend(
        self: &Arc<Self>,
        now: Instant,
        desk: &mut Desk,
        traffic: &mut Traffic,
        mut send: impl FnMut(Peer, &[u8], &mut Traffic),
    ) -> Wish {
        let mut rounds = 0;
        loop {
            while let Some(work) = self.handler.poll_work() {
                aside::run_work(self, work);
            }
            let deadline = self.handler.poll_timeout();
            if rounds == TIMEOUT_BUDGET || deadline.is_none_or(|deadline| deadline > now) {
                break;
            }
            self.handler.handle_timeout(now);
            rounds += 1;
        }
        let is_drained = self.transmit(now, desk, traffic, &mut send);
        Wish {
            // Asked last: a packet that was sent has to be sent again some time.
            deadline: self.handler.poll_timeout(),
            more: rounds == TIMEOUT_BUDGET || !is_drained,
        }
    }

    /// Sends what the BMC sends by itself; whether that was all.
    fn transmit(
        &self,
        now: Instant,
        desk: &mut Desk,
        traffic: &mut Traffic,
        send: &mut impl FnMut(Peer, &[u8], &mut Traffic),
    ) -> bool {
        for _ in 0..TRANSMIT_BUDGET {
            let next = self
                .handler
                .poll_transmit(now, &mut desk.random, &mut desk.output);
            let Some((peer, length)) = next else {
                return true;
            };
            if let Some(bytes) = desk.output.get(..length) {
                send(peer, bytes, traffic);
            }
        }
        false
    }

    /// The BMC is not served any more.
    pub(crate) fn leave(&self) {
        self.handler.set_waker(Arc::new(|| {}));
        self.handler.unserved();
        let Some(outlet) = self.outlet.upgrade() else {
            return;
        };
        let mut traffic = Traffic::default();
        Scratch::with(|scratch| {
            let mut send = |peer, bytes: &[u8], traffic: &mut Traffic| {
                self.send(&outlet, peer, bytes, traffic);
            };
            self.transmit(
                self.common.clock.now(),
                &mut scratch.desk,
                &mut traffic,
                &mut send,
            );
        });
        self.common.config.metrics.traffic(traffic);
    }

    /// Sends an answer that was not ready at once. This may wait, nobody else does.
    pub(crate) async fn send_late(&self, peer: Peer, bytes: &[u8]) {
        let Some(outlet) = self.outlet.upgrade() else {
            return;
        };
        let mut traffic = Traffic::default();
        let mut outcome = outlet.try_send(peer, bytes);
        if outcome
            .as_ref()
            .is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
            && outlet.socket().writable().await.is_ok()
        {
            outcome = outlet.try_send(peer, bytes);
        }
        self.sent(outcome, peer, bytes, &mut traffic);
        self.common.config.metrics.traffic(traffic);
    }

    /// Sends without waiting; what the kernel does not take is lost, as on every network.
    pub(crate) fn send(&self, outlet: &Outlet, peer: Peer, bytes: &[u8], traffic: &mut Traffic) {
        self.sent(outlet.try_send(peer, bytes), peer, bytes, traffic);
    }

    /// Counts an answer that was sent, or was not.
    pub(crate) fn sent(&self, outcome: io::Result<()>, peer: Peer, bytes: &[u8], traffic: &mut Traffic) {
        match outcome {
            Ok(()) => traffic.sent(bytes.len()),
            Err(error) => {
                self.common.config.metrics.lost(Loss::SendFailed);
                tracing::debug!(remote = %peer.remote, %error, "answer not sent");
            }
        }
    }

    /// Sends on the listener of the BMC, for the socket of one peer that got another's datagram.
    pub(crate) fn send_as_listener(&self, peer: Peer, bytes: &[u8], traffic: &mut Traffic) {
        if let Some(outlet) = self.outlet.upgrade() {
            self.send(&outlet, peer, bytes, traffic);
        }
    }

    /// Counts something that runs aside, unless a client asks for too much at a time.
    pub(crate) fn aside_begins(self: &Arc<Self>, at_most: usize) -> Option<Aside<H>> {
        let more = |running| (running < at_most).then_some(running + 1);
        self.aside
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .ok()?;
        self.common.aside_began();
        Some(Aside {
            station: self.clone(),
        })
    }
}

/// Something that runs aside, counted as long as this lives.
#[derive(Debug)]
pub(crate) struct Aside<H> {
    pub(crate) station: Arc<Station<H>>,
}

impl<H> Drop for Aside<H> {
    fn drop(&mut self) {
        self.station.aside.fetch_sub(1, Ordering::Relaxed);
        self.station.common.aside_ended();
    }
}
