//! The server: adds BMCs to sockets and takes them away.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;
use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::net::UdpSocket;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::common::Common;
use super::group::{Group, Member};
use super::handler::DatagramHandler;
use super::outlet::{Outlet, SharedSocket};
use super::own::OwnSocket;
use super::shared::SharedWorker;
use super::signal::Signal;
use super::station::Station;
use super::{NetConfig, socket};
use crate::bmc::Bmc;
use crate::metrics::Metrics;

/// Serves BMCs on UDP sockets.
///
/// To be ended with [`shutdown`](Self::shutdown). A server that is dropped goes on serving as long as its
/// runtimes live.
///
/// ```no_run
/// # async fn example(bmc: std::sync::Arc<ipmi_server::bmc::Bmc>) -> std::io::Result<()> {
/// use ipmi_server::net::{NetConfig, Server};
///
/// let server = Server::new(NetConfig::default());
/// let handle = server.add(bmc, "127.0.0.1:6230".parse().unwrap())?;
/// println!("listening at {}", handle.local_addr());
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Server<H: DatagramHandler = Bmc> {
    common: Arc<Common>,
    handler: core::marker::PhantomData<fn(H)>,
}

impl<H: DatagramHandler> Server<H> {
    /// A server on the present runtime.
    ///
    /// # Panics
    /// Outside of a runtime.
    #[must_use]
    pub fn new(config: NetConfig) -> Self {
        Self::on(vec![Handle::current()], config)
    }

    /// A server on `runtimes`: each socket lives on the next in turn, a shared one on all of them. They need
    /// I/O and time enabled. One single-threaded runtime for each core serves most.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn on(runtimes: Vec<Handle>, config: NetConfig) -> Self {
        assert!(!runtimes.is_empty(), "a server needs a runtime");
        Self {
            common: Arc::new(Common::new(config, runtimes)),
            handler: core::marker::PhantomData,
        }
    }

    /// Serves `bmc` on a socket of its own. Port 0 is any free port.
    ///
    /// An address that stands for all (`0.0.0.0`, `::`) is served with packet information, so that answers
    /// leave from the address that was asked.
    ///
    /// A BMC is served at one place at a time.
    ///
    /// # Errors
    /// Of the system, for example that the address is in use.
    pub fn add(&self, bmc: Arc<H>, address: SocketAddr) -> io::Result<BmcHandle<H>> {
        if address.ip().is_unspecified() {
            let shared = self.share(address)?;
            let member = shared.group.add(bmc, None)?;
            return Ok(BmcHandle {
                local: shared.local_addr(),
                place: Place::Whole(shared, member),
            });
        }
        let socket = socket::listen(address, self.common.config.receive_buffer)?;
        let runtime = self.common.next_runtime();
        let outlet = Arc::new(Outlet::Own(attach(socket, &runtime)?));
        let local = outlet.socket().local_addr()?;
        bmc.served_at(local);
        let signal = Arc::<Signal>::default();
        let registered = self.common.register(signal.clone())?;
        let station = Station::new(bmc, self.common.clone(), &outlet);
        let own = OwnSocket::new(outlet, local, station, signal.clone());
        let task = runtime.spawn(async move {
            own.serve().await;
            drop(registered);
        });
        tracing::debug!(%local, "BMC added");
        Ok(BmcHandle {
            local,
            place: Place::Own { signal, task },
        })
    }

    /// Opens a socket for many BMCs, which are told apart by the address that a datagram was sent to:
    /// `address` is usually `0.0.0.0:623` or `[::]:623`.
    ///
    /// # Errors
    /// Of the system, for example that the address is in use.
    pub fn share(&self, address: SocketAddr) -> io::Result<Shared<H>> {
        let runtimes = self.common.runtimes();
        let sockets = socket::listen_together(address, self.common.config.receive_buffer, runtimes.len())?;
        let attached = sockets.into_iter().zip(runtimes).map(|(socket, runtime)| {
            let _entered = runtime.enter();
            SharedSocket::new(attach(socket, runtime)?)
        });
        let sockets = attached.collect::<io::Result<Vec<_>>>()?;
        let local = match sockets.first() {
            Some(first) => first.socket.local_addr()?,
            None => address,
        };
        let outlets: Vec<_> = sockets
            .into_iter()
            .map(|socket| Arc::new(Outlet::Shared(socket)))
            .collect();
        let group = Group::new(self.common.clone(), local, &outlets);
        let mut tasks = Vec::new();
        for ((outlet, home), runtime) in outlets.into_iter().zip(&group.homes).zip(runtimes) {
            let worker = SharedWorker::new(&group, home, outlet);
            let registered = self.common.register(home.signal.clone())?;
            tasks.push(runtime.spawn(async move {
                worker.serve().await;
                drop(registered);
            }));
        }
        tracing::debug!(%local, sockets = tasks.len(), "socket for many BMCs opened");
        Ok(Shared { group, tasks })
    }

    /// What was counted.
    #[must_use]
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.common.config.metrics
    }

    /// Takes no more datagrams in, waits at most `limit` for commands that wait for a machine, and closes
    /// all sockets. BMCs can no longer be added.
    pub async fn shutdown(&self, limit: Duration) {
        self.common.finish_sockets();
        self.common.wind_up(limit).await;
        self.common.all_closed().await;
    }
}

/// Makes a socket known to a runtime.
fn attach(socket: std::net::UdpSocket, runtime: &Handle) -> io::Result<UdpSocket> {
    let _entered = runtime.enter();
    UdpSocket::from_std(socket)
}

/// A socket for many BMCs. Dropping this changes nothing.
#[derive(Debug)]
pub struct Shared<H: DatagramHandler = Bmc> {
    group: Arc<Group<H>>,
    tasks: Vec<JoinHandle<()>>,
}

impl<H: DatagramHandler> Shared<H> {
    /// The address that the socket is bound to.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.group.local
    }

    /// Serves `bmc` at the socket's port of `address`.
    ///
    /// # Errors
    /// If another BMC has the address, it is not of the socket's family, or the socket is closed.
    pub fn add(&self, bmc: Arc<H>, address: IpAddr) -> io::Result<BmcHandle<H>> {
        let member = self.group.add(bmc, Some(address))?;
        let local = SocketAddr::new(address, self.group.local.port());
        Ok(BmcHandle {
            local,
            place: Place::Member(self.group.clone(), member),
        })
    }

    /// Closes the socket; all BMCs that are left on it are no longer served.
    pub async fn close(self) {
        for signal in self.group.signals() {
            signal.close();
        }
        for task in self.tasks {
            // A task that ended badly has no socket any more either.
            let _ = task.await;
        }
    }
}

/// A BMC that is served. Dropping this changes nothing.
#[derive(Debug)]
pub struct BmcHandle<H: DatagramHandler = Bmc> {
    local: SocketAddr,
    place: Place<H>,
}

#[derive(Debug)]
enum Place<H: DatagramHandler> {
    Own {
        signal: Arc<Signal>,
        task: JoinHandle<()>,
    },
    Member(Arc<Group<H>>, Member),
    Whole(Shared<H>, Member),
}

impl<H: DatagramHandler> BmcHandle<H> {
    /// Where the BMC is reached; the port is the real one if port 0 was asked for.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// No longer serves the BMC. Its address is free when this is ready. Commands that wait for the machine
    /// go on, but are not answered.
    pub async fn remove(self) {
        match self.place {
            Place::Own { signal, task } => {
                signal.close();
                // A task that ended badly has no socket any more either.
                let _ = task.await;
            }
            Place::Member(group, member) => group.remove(member),
            Place::Whole(shared, member) => {
                shared.group.remove(member);
                shared.close().await;
            }
        }
        tracing::debug!(local = %self.local, "BMC removed");
    }
}
