//! A simulated cluster of Proxmox VE, for tests and demonstrations.
//!
//! [`Simulator::builder`] starts one in this process: HTTPS servers, one per node, with certificates of the cluster's own
//! authority; guests that start, stop, shut down, boot from what their configuration says and have consoles; tasks,
//! locks, snapshots, migration, rights of users and API tokens. It answers as versions 7.4, 8.4 and 9.2 of the real
//! servers do, down to the reason phrases of errors, and checks every parameter against their schema. Faults come on
//! demand.
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! use backend_proxmox::simulator::{GuestSpec, PveVersion, Simulator};
//!
//! let simulator = Simulator::builder().version(PveVersion::V9).nodes(2).start().await?;
//! simulator.add_guest(GuestSpec::qemu(100).name("web").running());
//! simulator.add_user("bmc@pve", "password");
//! let secret = simulator.add_token("bmc@pve!power", true);
//! simulator.grant("/vms", "bmc@pve", "PVEVMAdmin");
//! simulator.grant("/vms", "bmc@pve!power", "PVEVMAdmin");
//! // A client trusts simulator.ca_pem(), goes to simulator.url() and sends
//! // Authorization: PVEAPIToken=bmc@pve!power=<secret>
//! assert!(simulator.url().starts_with("https://127.0.0.1:"));
//! # assert!(!secret.is_empty());
//! # Ok::<(), backend_proxmox::simulator::StartError>(())
//! # }).unwrap();
//! ```
//!
//! Time is the simulator's own: [`SimulatorBuilder::speed`] makes it run faster, [`Simulator::advance`] moves it on.
//! Only the time after which idle connections are closed is real.
//!
//! What it leaves out: storage contents but for images, networks, pools and users over the API, VNC, backups, and
//! what is written into a guest's memory or disks.

mod access;
mod answer;
mod api;
mod call;
mod clock;
mod cluster;
mod console;
mod control;
mod counters;
mod devices;
mod fault;
mod frames;
mod guest;
mod ha;
mod http;
mod migration;
mod node;
mod options;
mod power;
mod random;
mod roles;
mod rules;
mod schema;
mod shared;
mod task;
mod terminal;
mod tls;
mod version;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use clock::Clock;
use cluster::Cluster;
use node::Port;
use shared::{Daemon, Settings, Shared};
use tls::Authority;

pub use cluster::NodeFailure;
pub use control::{GuestEvents, GuestView, LockFile};
pub use counters::Counters;
pub use fault::{Fault, FaultRule};
pub use guest::{GuestKind, GuestSpec};
pub use version::PveVersion;

/// Why a simulator could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A node has no port.
    #[error("cannot bind the port of a simulated node: {0}; is it in use?")]
    Bind(#[from] std::io::Error),
    /// A certificate could not be made.
    #[error("cannot make a certificate for the simulated cluster: {0}")]
    Certificate(#[from] rcgen::Error),
    /// TLS could not be set up.
    #[error("cannot set up TLS for the simulated cluster: {0}")]
    Tls(#[from] rustls::Error),
}

/// How a simulated cluster is to be.
#[derive(Clone, Debug)]
#[must_use]
pub struct SimulatorBuilder {
    version: PveVersion,
    nodes: u8,
    address: IpAddr,
    port: u16,
    speed: u32,
    settings: Settings,
    token_consoles: Option<bool>,
}

impl SimulatorBuilder {
    fn new() -> Self {
        Self {
            version: PveVersion::V9,
            nodes: 1,
            address: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            speed: 1,
            settings: Settings {
                authentication_delay: Duration::from_secs(3),
                report_interval: Duration::from_secs(10),
                idle: Duration::from_secs(5),
                requests_per_connection: 100,
                console_patience: Duration::from_secs(10),
                cleanup_race: false,
                token_consoles: true,
            },
            token_consoles: None,
        }
    }

    /// The version of Proxmox VE, [`PveVersion::V9`] unless said otherwise.
    pub fn version(mut self, version: PveVersion) -> Self {
        self.version = version;
        self
    }

    /// Number of nodes, `pve1` and on; one unless said otherwise, which is no cluster but a server on its own.
    pub fn nodes(mut self, nodes: u8) -> Self {
        self.nodes = nodes.max(1);
        self
    }

    /// Address of all nodes, 127.0.0.1 unless said otherwise, and the port of the first; the others follow. Port 0: free
    /// ports.
    pub fn bind(mut self, address: IpAddr, port: u16) -> Self {
        (self.address, self.port) = (address, port);
        self
    }

    /// Simulated seconds per second, 1 unless said otherwise; 0: time stands still but for [`Simulator::advance`].
    pub fn speed(mut self, speed: u32) -> Self {
        self.speed = speed;
        self
    }

    /// How long a refused login takes on the simulator's clock, 3 s unless said otherwise.
    pub fn authentication_delay(mut self, delay: Duration) -> Self {
        self.settings.authentication_delay = delay;
        self
    }

    /// Time between two reports of the status daemons, 10 s unless said otherwise: `/cluster/resources` lags by it.
    pub fn report_interval(mut self, interval: Duration) -> Self {
        self.settings.report_interval = interval;
        self
    }

    /// How long an idle connection is kept (real time), and how many requests one may carry: 5 s and 100 unless said
    /// otherwise.
    pub fn keep_alive(mut self, idle: Duration, requests: u32) -> Self {
        (self.settings.idle, self.settings.requests_per_connection) = (idle, requests);
        self
    }

    /// How long a console waits for its client, and then for the line with the ticket: 10 s of the simulator's time unless
    /// said otherwise. A fast clock wants more.
    pub fn console_patience(mut self, patience: Duration) -> Self {
        self.settings.console_patience = patience;
        self
    }

    /// Whether API tokens can use consoles; unless said otherwise, on version 9 alone, as with its latest packages.
    pub fn token_consoles(mut self, allowed: bool) -> Self {
        self.token_consoles = Some(allowed);
        self
    }

    /// Whether a start within 0.3 s after a stop keeps the guest's lock file for 30 s, as seen with packages of 2026: a
    /// power cycle must leave a pause. Off unless said otherwise.
    pub fn cleanup_race(mut self, race: bool) -> Self {
        self.settings.cleanup_race = race;
        self
    }

    /// Starts it. It ends when its last handle is dropped.
    ///
    /// # Errors
    /// A port is taken, or a certificate cannot be made.
    pub async fn start(self) -> Result<Simulator, StartError> {
        let names: Vec<String> = (1..=self.nodes).map(|number| format!("pve{number}")).collect();
        let authority = Authority::new()?;
        let mut daemons = BTreeMap::new();
        let mut servers = Vec::new();
        for (offset, name) in (0..).zip(&names) {
            let port = if self.port == 0 {
                0
            } else {
                self.port.saturating_add(offset)
            };
            let port = Port::reserve(SocketAddr::new(self.address, port))?;
            let identity = authority.identity(name, self.address)?;
            daemons.insert(name.clone(), Daemon::new(port.address, identity.fingerprint));
            servers.push((name.clone(), port, identity.acceptor));
        }
        let mut settings = self.settings;
        settings.token_consoles = self.token_consoles.unwrap_or(self.version >= PveVersion::V9);
        let end = CancellationToken::new();
        let cluster = Cluster::new(self.version, &names);
        let shared = Arc::new(Shared::new(
            cluster,
            Clock::new(self.speed),
            settings,
            daemons,
            end.clone(),
        ));
        let mut failures = BTreeMap::new();
        for (name, port, acceptor) in servers {
            let (sender, receiver) = watch::channel(None);
            failures.insert(name.clone(), sender);
            tokio::spawn(node::run(shared.clone(), name, port, acceptor, receiver));
        }
        tokio::spawn(report(shared.clone()));
        let inner = Inner {
            shared,
            ca_pem: authority.pem(),
            failures,
            _end: end.drop_guard(),
        };
        Ok(Simulator {
            inner: Arc::new(inner),
        })
    }
}

/// The status daemons: they report at their interval.
async fn report(shared: Arc<Shared>) {
    loop {
        shared.report();
        tokio::select! {
            () = shared.clock.sleep(shared.settings.report_interval) => {}
            () = shared.end.cancelled() => return,
        }
    }
}

struct Inner {
    shared: Arc<Shared>,
    ca_pem: String,
    failures: BTreeMap<String, watch::Sender<Option<NodeFailure>>>,
    _end: DropGuard,
}

/// A running simulated cluster: how a test looks at it and what it does to it. Clones are the same cluster.
#[derive(Clone)]
pub struct Simulator {
    inner: Arc<Inner>,
}

impl std::fmt::Debug for Simulator {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Simulator")
            .field("url", &self.url())
            .finish_non_exhaustive()
    }
}
