//! A socket for one BMC.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::future::poll_fn;
use core::pin::pin;
use core::task::{Context, Poll};
use std::io;
use std::net::SocketAddr;

use ipmi_proto::session::Peer;
use ipmi_proto::time::Instant;

use super::alarm::Alarm;
use super::handler::DatagramHandler;
use super::outlet::Outlet;
use super::pressure::{Pressure, Repeats};
use super::promoted::Promotions;
use super::scratch::Scratch;
use super::signal::Signal;
use super::station::Station;
use super::{BUDGET, BUDGET_UNDER_PRESSURE, ROUNDS, yield_to_driver};
use crate::metrics::Traffic;

/// The socket of one BMC, and its task.
#[derive(Debug)]
pub(crate) struct OwnSocket<H> {
    outlet: Arc<Outlet>,
    local: SocketAddr,
    station: Arc<Station<H>>,
    signal: Arc<Signal>,
    /// The BMC is to be looked at, whether it asked or not.
    attention: bool,
    pressure: Pressure,
    promotions: Promotions,
}

impl<H: DatagramHandler> OwnSocket<H> {
    pub(crate) fn new(
        outlet: Arc<Outlet>,
        local: SocketAddr,
        station: Arc<Station<H>>,
        signal: Arc<Signal>,
    ) -> Self {
        let waker = signal.clone();
        station.handler.set_waker(Arc::new(move || waker.attention()));
        Self {
            outlet,
            local,
            station,
            signal,
            attention: true,
            pressure: Pressure::default(),
            promotions: Promotions::default(),
        }
    }

    /// Serves the BMC until the signal to stop.
    pub(crate) async fn serve(mut self) {
        // Until the runtime has seen a new socket once, it takes it for one that cannot be sent on.
        let _ = self.outlet.socket().writable().await;
        self.run().await;
        self.station.leave();
        for task in self.promotions.close_and_join() {
            // A task that ended badly has no socket any more either.
            let _ = task.await;
        }
        if !self.signal.is_closed() {
            // The server ends: answers that clients wait for still leave.
            self.station.common.nothing_aside().await;
        }
    }

    async fn run(&mut self) {
        let clock = self.station.common.clock;
        let sleep = pin!(tokio::time::sleep(core::time::Duration::MAX));
        let mut alarm = Alarm::new(clock, sleep);
        poll_fn(|context| self.poll(context, &mut alarm)).await;
    }

    fn poll(&mut self, context: &mut Context<'_>, alarm: &mut Alarm<'_>) -> Poll<()> {
        let mut asked = self.signal.begin(context.waker());
        Scratch::with(|scratch| {
            for _ in 0..ROUNDS {
                if asked.stop() {
                    return Poll::Ready(());
                }
                let now = self.station.common.clock.now();
                self.attention |= asked.attention();
                if self.attention || alarm.is_due(now) {
                    self.attend(now, scratch, context, alarm);
                }
                let emptied = self.drain(now, scratch, context, alarm);
                asked = self.signal.end();
                if asked.is_nothing() {
                    if self.attention || !emptied {
                        yield_to_driver(context);
                    }
                    return Poll::Pending;
                }
            }
            self.attention = true;
            yield_to_driver(context);
            Poll::Pending
        })
    }

    /// Does what the BMC wants to do by itself.
    fn attend(
        &mut self,
        now: Instant,
        scratch: &mut Scratch,
        context: &mut Context<'_>,
        alarm: &mut Alarm<'_>,
    ) {
        let mut traffic = Traffic::default();
        let send = |peer, bytes: &[u8], traffic: &mut Traffic| {
            self.station.send(&self.outlet, peer, bytes, traffic);
        };
        let wish = self.station.attend(now, &mut scratch.desk, &mut traffic, send);
        self.station.common.config.metrics.traffic(traffic);
        self.attention = wish.more;
        let calm_after = self.station.common.config.calm_after;
        let station = &self.station;
        self.promotions.check(now, calm_after, || peers(station));
        for deadline in [wish.deadline, self.promotions.poll_timeout()]
            .into_iter()
            .flatten()
        {
            alarm.at_latest(deadline, context);
        }
    }

    /// Takes datagrams in; whether the queue ran empty.
    fn drain(
        &mut self,
        now: Instant,
        scratch: &mut Scratch,
        context: &mut Context<'_>,
        alarm: &mut Alarm<'_>,
    ) -> bool {
        let budget = if self.promotions.is_empty() {
            BUDGET
        } else {
            BUDGET_UNDER_PRESSURE
        };
        let (mut traffic, mut repeats) = (Traffic::default(), Repeats::default());
        let socket = self.outlet.socket();
        let mut emptied = false;
        for _ in 0..budget {
            match socket.try_recv_from(&mut scratch.input) {
                Ok((length, remote)) => {
                    repeats.note(remote);
                    let peer = Peer {
                        remote,
                        local: self.local,
                    };
                    let Some(datagram) = scratch.input.get_mut(..length) else {
                        continue;
                    };
                    let send = |bytes: &[u8], traffic: &mut Traffic| {
                        self.station.send(&self.outlet, peer, bytes, traffic);
                    };
                    self.station
                        .take_in(now, peer, datagram, &mut scratch.desk, &mut traffic, send);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if socket.poll_recv_ready(context).is_pending() {
                        emptied = true;
                        break;
                    }
                }
                // An ICMP error about an earlier answer says nothing about the next datagram.
                Err(_) => {}
            }
        }
        self.station.common.config.metrics.traffic(traffic);
        if self.pressure.suspicious(now, traffic.dropped + repeats.count) {
            self.defend(now, context, alarm);
        }
        emptied
    }

    /// In a flood, gives logged-in clients sockets of their own.
    fn defend(&mut self, now: Instant, context: &mut Context<'_>, alarm: &mut Alarm<'_>) {
        let station = &self.station;
        let listener = core::iter::once(self.outlet.options());
        self.promotions.flooded(now, || peers(station), listener);
        if let Some(deadline) = self.promotions.poll_timeout() {
            alarm.at_latest(deadline, context);
        }
    }
}

fn peers<H: DatagramHandler>(station: &Arc<Station<H>>) -> Vec<(Peer, Arc<Station<H>>)> {
    let peers = station.handler.session_peers();
    peers.into_iter().map(|peer| (peer, station.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bmc::Bmc;

    fn size_of_future<F>(_: impl FnOnce(OwnSocket<Bmc>) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn ten_thousand_idle_sockets_are_small() {
        let size = size_of_future(OwnSocket::serve);
        assert!(size <= 768, "{size} bytes for each BMC");
    }
}
