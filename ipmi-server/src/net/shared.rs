//! One socket for many BMCs, told apart by the address that a datagram was sent to.
//!
//! With several runtimes there is a socket on each, among which the kernel distributes the peers. Any of them
//! may take a datagram for any BMC; what a BMC does by itself is done by the one that is its home.

use alloc::sync::Arc;
use core::future::poll_fn;
use core::pin::pin;
use core::task::{Context, Poll};
use std::io;
use std::net::SocketAddr;

use ipmi_proto::session::Peer;
use ipmi_proto::time::Instant;
use quinn_udp::RecvMeta;
use tokio::io::Interest;

use super::alarm::Alarm;
use super::deadlines::Deadlines;
use super::group::{Group, Home, Members, Number, Waiting};
use super::handler::DatagramHandler;
use super::outlet::{Outlet, SharedSocket};
use super::pressure::{Pressure, Repeats};
use super::promoted::Promotions;
use super::scratch::{BATCH, Desk, Scratch};
use super::signal::Signal;
use super::{BUDGET, BUDGET_UNDER_PRESSURE, ROUNDS, yield_to_driver};
use crate::metrics::{Loss, Traffic};

/// One socket of a group, and its task.
#[derive(Debug)]
pub(crate) struct SharedWorker<H> {
    group: Arc<Group<H>>,
    outlet: Arc<Outlet>,
    signal: Arc<Signal>,
    waiting: Arc<Waiting>,
    deadlines: Deadlines,
    pressure: Pressure,
}

impl<H: DatagramHandler> SharedWorker<H> {
    pub(crate) fn new(group: &Arc<Group<H>>, home: &Home, outlet: Arc<Outlet>) -> Self {
        Self {
            group: group.clone(),
            outlet,
            signal: home.signal.clone(),
            waiting: home.waiting.clone(),
            deadlines: Deadlines::default(),
            pressure: Pressure::default(),
        }
    }

    /// Serves until the signal to stop.
    pub(crate) async fn serve(mut self) {
        // Until the runtime has seen a new socket once, it takes it for one that cannot be sent on.
        let _ = self.outlet.socket().writable().await;
        self.run().await;
        self.group.leave();
        let promoted = self.group.with_promotions(Promotions::close_and_join);
        for task in promoted {
            // A task that ended badly has no socket any more either.
            let _ = task.await;
        }
        if !self.signal.is_closed() {
            // The server ends: answers that clients wait for still leave.
            self.group.common.nothing_aside().await;
        }
    }

    async fn run(&mut self) {
        let clock = self.group.common.clock;
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
                let now = self.group.common.clock.now();
                if asked.attention() {
                    self.attend_waiting(now, scratch);
                }
                if alarm.is_due(now) {
                    self.attend_due(now, scratch);
                }
                let emptied = self.drain(now, scratch, context);
                self.arm(alarm, context);
                asked = self.signal.end();
                if asked.is_nothing() {
                    if !emptied {
                        yield_to_driver(context);
                    }
                    return Poll::Pending;
                }
            }
            // What was asked last is done at the next run.
            self.signal.attention();
            yield_to_driver(context);
            Poll::Pending
        })
    }

    fn arm(&self, alarm: &mut Alarm<'_>, context: &mut Context<'_>) {
        let promotions = self.group.with_promotions(|promotions| promotions.poll_timeout());
        for deadline in [self.deadlines.first(), promotions].into_iter().flatten() {
            alarm.at_latest(deadline, context);
        }
    }

    /// Looks at the BMCs that called.
    fn attend_waiting(&mut self, now: Instant, scratch: &mut Scratch) {
        for number in self.waiting.take() {
            self.attend(number, now, scratch);
        }
    }

    /// Looks at the BMCs whose time has come.
    fn attend_due(&mut self, now: Instant, scratch: &mut Scratch) {
        while let Some(number) = self.deadlines.pop_due(now) {
            self.attend(number, now, scratch);
        }
        let group = &self.group;
        self.group.with_promotions(|promotions| {
            promotions.check(now, group.common.config.calm_after, || group.peers());
        });
    }

    fn attend(&mut self, number: Number, now: Instant, scratch: &mut Scratch) {
        let Some(station) = self.group.station(number) else {
            self.deadlines.set(number, None);
            return;
        };
        let mut traffic = Traffic::default();
        let send = |peer, bytes: &[u8], traffic: &mut Traffic| {
            station.send(&self.outlet, peer, bytes, traffic);
        };
        let wish = station.attend(now, &mut scratch.desk, &mut traffic, send);
        self.group.common.config.metrics.traffic(traffic);
        // One that goes on at once is looked at again when the others had their turn, not when its time comes.
        self.deadlines.set(number, wish.deadline.filter(|_| !wish.more));
        if wish.more {
            self.waiting.add(number);
            self.signal.attention();
        }
    }

    /// Takes datagrams in; whether the queue ran empty.
    fn drain(&mut self, now: Instant, scratch: &mut Scratch, context: &mut Context<'_>) -> bool {
        let (group, outlet) = (self.group.clone(), self.outlet.clone());
        let Outlet::Shared(shared) = &*outlet else {
            return true;
        };
        let under_pressure = !group.with_promotions(|promotions| promotions.is_empty());
        let budget = if under_pressure {
            BUDGET_UNDER_PRESSURE
        } else {
            BUDGET
        };
        let members = group.members();
        let (mut traffic, mut repeats) = (Traffic::default(), Repeats::default());
        let (mut taken, mut emptied) = (0, false);
        while taken < budget && !emptied {
            let mut filled = 0;
            let received = shared.socket.try_io(Interest::READABLE, || {
                filled = scratch.batch.receive(shared)?;
                // Fewer than asked for: the queue was empty after them, which saves asking again.
                if filled < BATCH {
                    Err(io::ErrorKind::WouldBlock.into())
                } else {
                    Ok(())
                }
            });
            // An error about an earlier answer counts, too, so that this loop ends.
            taken += filled.max(1);
            for (bytes, meta) in scratch.batch.datagrams(filled) {
                repeats.note(meta.addr);
                self.take_in(
                    now,
                    &members,
                    shared,
                    bytes,
                    &meta,
                    &mut scratch.desk,
                    &mut traffic,
                );
            }
            emptied = received.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
                && shared.socket.poll_recv_ready(context).is_pending();
        }
        drop(members);
        group.common.config.metrics.traffic(traffic);
        if self.pressure.suspicious(now, traffic.dropped + repeats.count) {
            self.defend(now);
        }
        emptied
    }

    /// Takes what the kernel handed out as one datagram; it may be several of the same peer.
    #[expect(
        clippy::too_many_arguments,
        reason = "parts of the buffers are lent one by one"
    )]
    fn take_in(
        &self,
        now: Instant,
        members: &Members<H>,
        shared: &SharedSocket,
        bytes: &mut [u8],
        meta: &RecvMeta,
        desk: &mut Desk,
        traffic: &mut Traffic,
    ) {
        let bound = self.group.local;
        let local = SocketAddr::new(meta.dst_ip.unwrap_or_else(|| bound.ip()), bound.port());
        let peer = Peer {
            remote: meta.addr,
            local,
        };
        let Some(station) = members.at(local.ip()) else {
            traffic.received(bytes.len());
            traffic.dropped += 1;
            self.group.common.config.metrics.lost(Loss::NoSuchAddress);
            return;
        };
        for datagram in bytes.chunks_mut(meta.stride.max(1)) {
            station.take_in(now, peer, datagram, desk, traffic, |bytes, traffic| {
                station.sent(shared.try_send(peer, bytes), peer, bytes, traffic);
            });
        }
    }

    /// In a flood, gives logged-in clients sockets of their own.
    fn defend(&self, now: Instant) {
        let group = &self.group;
        let outlets: Vec<_> = group
            .homes
            .iter()
            .filter_map(|home| home.outlet.upgrade())
            .collect();
        let listeners = outlets.iter().map(|outlet| outlet.options());
        group.with_promotions(|promotions| promotions.flooded(now, || group.peers(), listeners));
    }
}
