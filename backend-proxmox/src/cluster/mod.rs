//! One cluster, shared by the BMCs of all its guests.

mod view;
mod watch;

use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, Weak};
use std::time::Instant;

use thiserror::Error;
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore};

pub use view::{GuestKind, GuestSummary, GuestUsage};
pub(crate) use view::{Quorum, View, is_node_name};

use crate::client::{ApiError, Call, Client, ClientConfig, ClientError, Trust};
use crate::guest::{Guest, Journal, MemoryJournal};
use crate::privileges::{self, Missing, Privileges, Version};
use crate::sync::lock;

/// How often the run state of guests is looked at while somebody asks for it.
const INTERVAL: Duration = Duration::from_secs(2);
/// Without a question for so long, it is looked at less often.
const ATTENTION: Duration = Duration::from_secs(60);

/// How a cluster is reached and how its guests are treated.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClusterConfig {
    /// Where it is and who asks.
    pub client: ClientConfig,
    /// How often the run state of guests is looked at, while somebody asks for it.
    pub interval: Duration,
    /// What is remembered of boot orders.
    pub journal: Arc<dyn Journal>,
    /// How long a guest may take to shut down; `None`: what PVE has for the guest.
    pub soft_off_timeout: Option<Duration>,
    /// Whether a guest that has not shut down by then is stopped.
    pub soft_off_stops: bool,
}

impl ClusterConfig {
    /// A cluster, with boot orders remembered in memory alone.
    #[must_use]
    pub fn new(client: ClientConfig) -> Self {
        Self {
            client,
            interval: INTERVAL,
            journal: Arc::new(MemoryJournal::default()),
            soft_off_timeout: None,
            soft_off_stops: false,
        }
    }

    /// With boot orders remembered here.
    #[must_use]
    pub fn journal(mut self, journal: Arc<dyn Journal>) -> Self {
        self.journal = journal;
        self
    }
}

/// Why a cluster cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// The settings are wrong.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The API refuses.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// There is no such guest.
    #[error(
        "there is no guest {name:?} that the credentials can see: check the name or VMID, and VM.Audit on it"
    )]
    NoGuest {
        /// What was looked for.
        name: String,
    },
    /// Several guests have the name.
    #[error("{count} guests are called {name:?}: write the VMID")]
    Ambiguous {
        /// What was looked for.
        name: String,
        /// How many have it.
        count: usize,
    },
}

/// A cluster. What goes on in the background ends when it and all its guests are dropped.
pub struct Cluster {
    pub(crate) client: Client,
    pub(crate) config: ClusterConfig,
    runtime: Handle,
    view: Mutex<Option<Arc<View>>>,
    refresh_turn: Semaphore,
    quorum: Mutex<Option<Quorum>>,
    has_lost_quorum: AtomicBool,
    facts: Mutex<Option<Arc<Facts>>>,
    guests: Mutex<BTreeMap<u32, Weak<Guest>>>,
    /// Nodes whose lists are being asked for.
    asking: Mutex<BTreeSet<(String, GuestKind)>>,
    born: Instant,
    /// Milliseconds since `born` when somebody last asked for a state.
    attention: AtomicU64,
    wake: Arc<Notify>,
}

/// What does not change while the cluster is used.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) version: Version,
    pub(crate) privileges: Privileges,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl Cluster {
    /// Connects to a cluster. Work in the background goes on on the present tokio runtime.
    ///
    /// A cluster that cannot be reached now is tried again in the background; until then its guests' state is
    /// unknown.
    ///
    /// # Errors
    /// [`ClusterError`] for wrong settings, a certificate that is not trusted and credentials that are refused.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn connect(config: ClusterConfig) -> Result<Arc<Self>, ClusterError> {
        if matches!(config.client.trust, Trust::Insecure) {
            tracing::warn!(
                endpoints = ?config.client.endpoints,
                "the certificate is not checked (`insecure`): whoever is on the way can take the credentials"
            );
        }
        let client = Client::new(&config.client)?;
        let cluster = Arc::new(Self {
            client,
            config,
            runtime: Handle::current(),
            view: Mutex::default(),
            refresh_turn: Semaphore::new(1),
            quorum: Mutex::default(),
            has_lost_quorum: AtomicBool::new(false),
            facts: Mutex::default(),
            guests: Mutex::default(),
            asking: Mutex::default(),
            born: Instant::now(),
            attention: AtomicU64::new(0),
            wake: Arc::new(Notify::new()),
        });
        match cluster.greet().await {
            Ok(()) => {}
            Err(error @ (ApiError::Certificate { .. } | ApiError::Credentials { .. })) => {
                return Err(error.into());
            }
            Err(error) => tracing::error!(%error, "the cluster cannot be used yet: it is tried again"),
        }
        watch::start(&cluster);
        Ok(cluster)
    }

    /// Learns what does not change, and the first view.
    async fn greet(&self) -> Result<(), ApiError> {
        self.learn().await?;
        self.refresh(Instant::now()).await?;
        match self.look_at_quorum().await {
            Err(ApiError::Privilege { .. }) => Ok(()),
            result => result,
        }
    }

    /// Learns version and privileges, if they are not known.
    async fn learn(&self) -> Result<Arc<Facts>, ApiError> {
        if let Some(facts) = self.facts() {
            return Ok(facts);
        }
        let answer = self.client.ask(Call::get("/version")).await?;
        let version = Version::read(&answer).ok_or_else(|| ApiError::Malformed {
            request: "GET /version".to_owned(),
            reason: "it has no version".to_owned(),
        })?;
        let privileges = Privileges::read(&self.client.ask(Call::get("/access/permissions")).await?);
        tracing::info!(version = version.text, "connected to Proxmox VE");
        let facts = Arc::new(Facts { version, privileges });
        *lock(&self.facts) = Some(Arc::clone(&facts));
        Ok(facts)
    }

    /// Version and privileges, once they are known.
    pub(crate) fn facts(&self) -> Option<Arc<Facts>> {
        lock(&self.facts).clone()
    }

    /// Version of Proxmox VE, once it is known.
    #[must_use]
    pub fn version(&self) -> Option<Version> {
        self.facts().map(|facts| facts.version.clone())
    }

    /// Whether the credentials are those of `root@pam` with all privileges, or a token of it without separation.
    fn is_root(&self) -> bool {
        let credentials = self.client.credentials();
        credentials.token().is_none() && credentials.user().is_some_and(|user| user.name() == "root@pam")
    }

    /// What the credentials lack for BMCs of these guests, each with what it switches off. Empty before the cluster
    /// was reached.
    #[must_use]
    pub fn missing_privileges(&self, guests: &[u32]) -> Vec<Missing> {
        let facts = self.facts();
        facts.map_or_else(Vec::new, |facts| {
            privileges::missing(&facts.privileges, guests, self.is_root())
        })
    }

    /// The guests, as they were seen last; up to 20 s old.
    #[must_use]
    pub fn guests(&self) -> Vec<GuestSummary> {
        let view = self.view();
        view.map_or_else(Vec::new, |view| view.guests.values().cloned().collect())
    }

    /// A guest by VMID or by name.
    ///
    /// # Errors
    /// [`ClusterError`] if no guest or several have the name. A VMID is taken as it is: the guest may not be there
    /// now, which its BMC then says.
    pub async fn find(self: &Arc<Self>, machine: &str) -> Result<Arc<Guest>, ClusterError> {
        let by_number = machine.parse().ok().filter(|vmid| *vmid > 0);
        let vmid = match by_number {
            Some(vmid) => vmid,
            None => self.by_name(machine).await?,
        };
        let guest = self.guest(vmid);
        guest.prepare().await;
        Ok(guest)
    }

    async fn by_name(&self, name: &str) -> Result<u32, ClusterError> {
        let view = self.refresh(self.born).await?;
        let called = |guest: &&GuestSummary| guest.name.as_deref() == Some(name);
        let found: Vec<_> = view.guests.values().filter(called).collect();
        match found.as_slice() {
            [one] => Ok(one.vmid),
            [] => Err(ClusterError::NoGuest {
                name: name.to_owned(),
            }),
            several => Err(ClusterError::Ambiguous {
                name: name.to_owned(),
                count: several.len(),
            }),
        }
    }

    /// The guest of this VMID; the same one for all who ask.
    fn guest(self: &Arc<Self>, vmid: u32) -> Arc<Guest> {
        let mut guests = lock(&self.guests);
        guests.retain(|_, guest| guest.strong_count() > 0);
        if let Some(guest) = guests.get(&vmid).and_then(Weak::upgrade) {
            return guest;
        }
        let guest = Guest::new(vmid, Arc::clone(self), self.runtime.clone());
        guests.insert(vmid, Arc::downgrade(&guest));
        guest
    }

    /// The guests that somebody has a BMC for.
    fn watched(&self) -> Vec<Arc<Guest>> {
        lock(&self.guests).values().filter_map(Weak::upgrade).collect()
    }

    /// What the cluster consists of, as it was seen last.
    pub(crate) fn view(&self) -> Option<Arc<View>> {
        lock(&self.view).clone()
    }

    /// What the cluster consists of, asked for at this time or later.
    pub(crate) async fn refresh(&self, asked: Instant) -> Result<Arc<View>, ApiError> {
        let current = || self.view().filter(|view| view.asked >= asked);
        if let Some(view) = current() {
            return Ok(view);
        }
        let _turn = self.refresh_turn.acquire().await.map_err(|_| ApiError::Ending)?;
        if let Some(view) = current() {
            return Ok(view);
        }
        let now = Instant::now();
        let answer = self.client.ask(Call::get("/cluster/resources")).await?;
        let view = Arc::new(View::read(&answer, now));
        *lock(&self.view) = Some(Arc::clone(&view));
        for guest in self.watched() {
            guest.placed(&view);
        }
        Ok(view)
    }

    /// Whether the majority of nodes is known to be missing.
    pub(crate) fn has_lost_quorum(&self) -> bool {
        self.has_lost_quorum.load(Ordering::Acquire)
    }

    /// Asks for quorum and nodes.
    async fn look_at_quorum(&self) -> Result<(), ApiError> {
        let quorum = Quorum::read(&self.client.ask(Call::get("/cluster/status")).await?);
        let had_lost = self.has_lost_quorum.swap(!quorum.is_quorate, Ordering::AcqRel);
        if !quorum.is_quorate {
            if !had_lost {
                tracing::error!("the cluster has lost its quorum: the state of its guests is unknown");
            }
            // Another address may lie in the part of the cluster that has it.
            self.client.leave_endpoint();
        } else if had_lost {
            tracing::info!("the cluster has its quorum back");
        }
        for guest in self.watched() {
            let is_offline = guest
                .node()
                .is_some_and(|node| quorum.nodes.get(&node) == Some(&false));
            if is_offline || !quorum.is_quorate {
                guest.knowledge.lost(true);
            }
        }
        *lock(&self.quorum) = Some(quorum);
        Ok(())
    }

    /// Whether a node is known to be offline.
    pub(crate) fn is_offline(&self, node: &str) -> bool {
        let listed = lock(&self.quorum)
            .as_ref()
            .and_then(|quorum| quorum.nodes.get(node).copied());
        match listed {
            Some(is_online) => !is_online,
            None => self.view().is_some_and(|view| view.is_offline(node)),
        }
    }

    /// Somebody asks for states now: they are looked at more often.
    pub(crate) fn touch(&self) {
        let now = u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX);
        let before = self.attention.swap(now, Ordering::AcqRel);
        if now.saturating_sub(before) > u64::try_from(ATTENTION.as_millis()).unwrap_or(u64::MAX) {
            self.wake.notify_one();
        }
    }

    /// Whether somebody has asked for states lately.
    fn is_watched(&self) -> bool {
        let last = Duration::from_millis(self.attention.load(Ordering::Acquire));
        self.born.elapsed().saturating_sub(last) <= ATTENTION
    }
}
