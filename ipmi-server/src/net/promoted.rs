//! Sockets of their own for logged-in clients during a flood.
//!
//! What a flood fills is the kernel's queue of the one socket that everybody sends to, and what does not fit
//! is lost before we see it. A socket that is connected to one peer has a queue of its own, and
//! its task runs between the small portions that the listener takes. In calm times one socket is cheaper.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use core::future::poll_fn;
use core::task::{Context, Poll};
use core::time::Duration;
use std::io;
use std::net::{IpAddr, SocketAddr};

use ipmi_proto::session::Peer;
use ipmi_proto::time::Instant;
use socket2::SockRef;
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

use super::common::Promotion;
use super::handler::DatagramHandler;
use super::scratch::Scratch;
use super::signal::Signal;
use super::socket::{self, Shareable};
use super::station::Station;
use super::yield_to_driver;
use crate::metrics::Traffic;

/// How many datagrams one peer gets served before others have their turn.
const BUDGET: usize = 32;

/// How often to look who has logged in and who has left.
const CHECK: Duration = Duration::from_millis(250);

/// The connected sockets of one listener, or of a group of listeners.
#[derive(Debug, Default)]
pub(crate) struct Promotions {
    open: BTreeMap<Key, Promoted>,
    next_check: Instant,
    /// When the flood was last seen.
    flooded: Instant,
}

/// Local and remote address.
type Key = (SocketAddr, SocketAddr);

#[derive(Debug)]
struct Promoted {
    signal: Arc<Signal>,
    task: JoinHandle<()>,
}

const fn key(peer: &Peer) -> Key {
    (peer.local, peer.remote)
}

impl Promotions {
    /// There is a flood: opens sockets for those peers that have none. `peers` are all that are logged in.
    pub(crate) fn flooded<'l, H: DatagramHandler>(
        &mut self,
        now: Instant,
        peers: impl FnOnce() -> Vec<(Peer, Arc<Station<H>>)>,
        listeners: impl Iterator<Item = SockRef<'l>>,
    ) {
        self.flooded = now;
        if now < self.next_check {
            return;
        }
        self.next_check = now + CHECK;
        let peers = peers();
        self.close_others(&peers);
        let before = self.open.len();
        if let Err(error) = self.open_missing(peers, listeners) {
            tracing::debug!(%error, "no socket for a logged-in client");
        }
        if self.open.len() > before {
            tracing::info!(
                sockets = self.open.len(),
                "flood: logged-in clients have their own sockets"
            );
        }
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// When [`check`](Self::check) is due.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        (!self.open.is_empty()).then_some(self.next_check)
    }

    /// Closes sockets whose sessions have ended, and all when there is no flood any more.
    pub(crate) fn check<H>(
        &mut self,
        now: Instant,
        calm_after: Duration,
        peers: impl FnOnce() -> Vec<(Peer, Arc<Station<H>>)>,
    ) {
        if self.open.is_empty() || now < self.next_check {
            return;
        }
        if now.since(self.flooded) >= calm_after {
            tracing::info!(sockets = self.open.len(), "the flood is over");
            self.close();
        } else {
            self.next_check = now + CHECK;
            self.close_others(&peers());
        }
    }

    /// Closes the sockets at one of our addresses, or all.
    pub(crate) fn close_at(&mut self, address: Option<IpAddr>) {
        self.open.retain(|(local, _), promoted| {
            let closes = address.is_none_or(|address| address == local.ip());
            if closes {
                promoted.signal.close();
            }
            !closes
        });
    }

    /// Closes all sockets.
    pub(crate) fn close(&mut self) {
        for promoted in core::mem::take(&mut self.open).into_values() {
            promoted.signal.close();
        }
    }

    /// Closes all sockets and gives what to wait for until they are closed.
    pub(crate) fn close_and_join(&mut self) -> Vec<JoinHandle<()>> {
        let tasks = core::mem::take(&mut self.open).into_values();
        tasks
            .inspect(|promoted| promoted.signal.close())
            .map(|promoted| promoted.task)
            .collect()
    }

    fn close_others<H>(&mut self, peers: &[(Peer, Arc<Station<H>>)]) {
        let present: BTreeSet<Key> = peers.iter().map(|(peer, _)| key(peer)).collect();
        self.open.retain(|open, promoted| {
            let stays = present.contains(open);
            if !stays {
                promoted.signal.close();
            }
            stays
        });
    }

    fn open_missing<'l, H: DatagramHandler>(
        &mut self,
        peers: Vec<(Peer, Arc<Station<H>>)>,
        listeners: impl Iterator<Item = SockRef<'l>>,
    ) -> io::Result<()> {
        let shareable = Shareable::new(listeners)?;
        for (peer, station) in peers {
            if self.open.contains_key(&key(&peer)) {
                continue;
            }
            let common = station.common.clone();
            let Some(permit) = common.promotion() else { break };
            let runtime = common.next_runtime();
            let socket = socket::connect(peer.local, peer.remote, common.config.receive_buffer);
            let socket = socket.and_then(|socket| {
                let _entered = runtime.enter();
                UdpSocket::from_std(socket)
            });
            let socket = match socket {
                Ok(socket) => socket,
                // One client that cannot be connected to leaves the others their sockets.
                Err(error) => {
                    tracing::debug!(remote = %peer.remote, %error, "no socket for a logged-in client");
                    continue;
                }
            };
            common.config.metrics.promoted();
            let signal = Arc::<Signal>::default();
            let line = Line {
                socket,
                peer,
                station,
                signal: signal.clone(),
                _permit: permit,
            };
            self.open.insert(
                key(&peer),
                Promoted {
                    signal,
                    task: runtime.spawn(line.serve()),
                },
            );
        }
        drop(shareable);
        Ok(())
    }
}

/// A socket that is connected to one peer.
#[derive(Debug)]
struct Line<H> {
    socket: UdpSocket,
    peer: Peer,
    station: Arc<Station<H>>,
    signal: Arc<Signal>,
    _permit: Promotion,
}

impl<H: DatagramHandler> Line<H> {
    async fn serve(self) {
        poll_fn(|context| self.poll(context)).await;
    }

    fn poll(&self, context: &mut Context<'_>) -> Poll<()> {
        let asked = self.signal.begin(context.waker());
        let emptied = Scratch::with(|scratch| self.drain(context, scratch));
        // What has arrived before the end is answered: no other socket gets it.
        if asked.stop() || (self.signal.end().stop() && emptied) {
            return Poll::Ready(());
        }
        if !emptied {
            yield_to_driver(context);
        }
        Poll::Pending
    }

    /// Whether the queue ran empty.
    fn drain(&self, context: &mut Context<'_>, scratch: &mut Scratch) -> bool {
        let now = self.station.common.clock.now();
        let mut traffic = Traffic::default();
        let mut emptied = false;
        for _ in 0..BUDGET {
            match self.socket.try_recv_from(&mut scratch.input) {
                Ok((length, remote)) => {
                    // Somebody else's, if it came before the socket was connected.
                    let peer = Peer {
                        remote,
                        local: self.peer.local,
                    };
                    let Some(datagram) = scratch.input.get_mut(..length) else {
                        continue;
                    };
                    let send = |bytes: &[u8], traffic: &mut Traffic| self.send(peer, bytes, traffic);
                    self.station
                        .take_in(now, peer, datagram, &mut scratch.desk, &mut traffic, send);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if self.socket.poll_recv_ready(context).is_pending() {
                        emptied = true;
                        break;
                    }
                }
                // An ICMP error about an earlier answer: the peer was not there.
                Err(_) => {}
            }
        }
        self.station.common.config.metrics.traffic(traffic);
        emptied
    }

    fn send(&self, peer: Peer, answer: &[u8], traffic: &mut Traffic) {
        if peer.remote == self.peer.remote && self.socket.try_send(answer).is_ok() {
            traffic.sent(answer.len());
        } else {
            self.station.send_as_listener(peer, answer, traffic);
        }
    }
}
