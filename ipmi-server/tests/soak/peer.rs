//! A BMC, its clock, and a way to send it datagrams from any port.

use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ipmi_proto::session::Peer;
use ipmi_proto::time::Instant;
use ipmi_server::bmc::{Bmc, Reaction};
use rand::rngs::StdRng;

/// Time that passes from one datagram to the next.
const PACE: Duration = Duration::from_micros(100);

pub(crate) struct Wire {
    bmc: Arc<Bmc>,
    now: Instant,
    output: Vec<u8>,
}

impl Wire {
    pub(crate) fn new(bmc: Arc<Bmc>) -> Self {
        Self {
            bmc,
            now: Instant::from_millis(1),
            output: vec![0; 2_048],
        }
    }

    pub(crate) fn now(&self) -> Instant {
        self.now
    }

    /// Lets time pass.
    pub(crate) fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
        if self.bmc.poll_timeout().is_some_and(|due| due <= self.now) {
            self.bmc.handle_timeout(self.now);
        }
        while let Some(work) = self.bmc.poll_work() {
            drop(work);
        }
    }

    /// Has the BMC handle a datagram.
    pub(crate) fn handle(&mut self, port: u16, datagram: &mut [u8], random: &mut StdRng) -> Reaction {
        self.pass(PACE);
        let peer = Peer {
            remote: SocketAddr::from(([127, 0, 0, 1], port)),
            local: SocketAddr::from(([127, 0, 0, 1], 623)),
        };
        self.bmc
            .handle_datagram(self.now, peer, datagram, random, &mut self.output)
    }

    /// As [`handle`](Self::handle), for a client that wants the answer.
    pub(crate) fn deliver(
        &mut self,
        port: u16,
        mut datagram: Vec<u8>,
        random: &mut StdRng,
    ) -> Option<Vec<u8>> {
        match self.handle(port, &mut datagram, random) {
            Reaction::Reply { length } => self.output.get(..length).map(<[u8]>::to_vec),
            Reaction::Run(command) => {
                let mut answer = Box::pin(command.answer(core::future::ready(())));
                match answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                    Poll::Ready((datagram, _)) => datagram.map(|datagram| datagram.bytes),
                    Poll::Pending => None,
                }
            }
            _ => None,
        }
    }
}
