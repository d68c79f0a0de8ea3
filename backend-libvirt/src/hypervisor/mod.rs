//! One libvirt daemon and all its domains: a connection that comes back, and what is known of every domain.

mod entry;
mod session;
mod statistics;
mod supervisor;

use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipmi_server::backend::{BackendError, BackendErrorKind};
use thiserror::Error;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::AbortHandle;

pub(crate) use entry::{Entry, Known};
pub(crate) use session::{Facts, Session};

use crate::machine::LibvirtMachine;
use crate::rpc::{Domain, ErrorCode, OpenError, RpcError, Uri, Uuid, XmlKind};
use crate::xml::{Description, XmlError};

/// Longest time that opening a connection may take. A daemon that has just started looks at its hypervisor first.
const OPEN_LIMIT: Duration = Duration::from_secs(30);
/// Domains that wait for being asked for their state.
const REFRESHES: usize = 256;
/// Discoveries that wait for being taken.
const DISCOVERIES: usize = 1_024;

/// How a hypervisor is used.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Serial over LAN takes the console from whoever has it, such as `virsh console`.
    pub force_console: bool,
    /// A boot override whose EFI bit contradicts the domain's firmware is refused, instead of booting with the
    /// firmware that is there.
    pub strict_boot_mode: bool,
    /// Time between two readings of the sensors.
    pub poll_interval: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            force_console: false,
            strict_boot_mode: false,
            poll_interval: Duration::from_secs(10),
        }
    }
}

/// A libvirt daemon. Clones share its connection, which ends with the last clone and the last machine.
#[derive(Clone, Debug)]
pub struct Hypervisor {
    pub(crate) shared: Arc<Shared>,
    _task: Arc<Task>,
}

/// The task that keeps the connection.
#[derive(Debug)]
struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What the machines and the task share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) uri: Uri,
    pub(crate) options: Options,
    pub(crate) facts: Facts,
    pub(crate) runtime: tokio::runtime::Handle,
    session: watch::Sender<Option<Arc<Session>>>,
    entries: Mutex<HashMap<Uuid, Arc<Entry>>>,
    refreshes: mpsc::Sender<Arc<Entry>>,
    discoveries: broadcast::Sender<Discovery>,
}

/// A domain came, changed its name, or went.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Discovery {
    /// It was defined, redefined, or started without a definition.
    Defined(Domain),
    /// It has another name.
    Renamed {
        /// The domain with its new name.
        domain: Domain,
        /// What it was called.
        old_name: String,
    },
    /// It does not exist any more.
    Removed(Domain),
    /// Its metadata changed.
    Metadata(Domain),
}

/// A domain that cannot be put behind a BMC.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MachineError {
    /// There is none.
    #[error("libvirt has no domain `{name}`: see `virsh -c {uri} list --all`")]
    NotFound {
        /// Name or UUID that was looked for.
        name: String,
        /// Where.
        uri: String,
    },
    /// libvirt cannot be asked now.
    #[error("libvirt cannot be asked for the domain")]
    Ask(#[from] RpcError),
    /// There is no connection.
    #[error("there is no connection to libvirt now")]
    Unavailable,
    /// Its XML cannot be read.
    #[error("the XML of the domain cannot be read")]
    Xml(#[from] XmlError),
}

impl Hypervisor {
    /// Connects to libvirt, on the present runtime, and stays connected: a connection that is lost is made
    /// again until the value is dropped.
    ///
    /// # Errors
    /// [`OpenError`] if the first connection cannot be made.
    pub async fn connect(uri: Uri, options: Options) -> Result<Self, OpenError> {
        let (session, events) = Session::open(&uri).await?;
        let facts = session.facts().await;
        let (refreshes, receiver) = mpsc::channel(REFRESHES);
        let shared = Arc::new(Shared {
            uri,
            options,
            facts,
            runtime: tokio::runtime::Handle::current(),
            session: watch::Sender::new(None),
            entries: Mutex::default(),
            refreshes,
            discoveries: broadcast::Sender::new(DISCOVERIES),
        });
        let mut ready = shared.session.subscribe();
        let task = supervisor::run(Arc::clone(&shared), session, events, receiver);
        let task = Arc::new(Task(tokio::spawn(task).abort_handle()));
        // The state of every domain is known from the beginning, unless the daemon ended right now.
        let _ = tokio::time::timeout(OPEN_LIMIT, ready.wait_for(Option::is_some)).await;
        Ok(Self { shared, _task: task })
    }

    /// Puts a domain behind a BMC, by its name or UUID.
    ///
    /// # Errors
    /// [`MachineError`].
    pub async fn machine(&self, name: &str) -> Result<Arc<LibvirtMachine>, MachineError> {
        let session = self.shared.session().map_err(|_| MachineError::Unavailable)?;
        let found = match Uuid::parse(name) {
            Some(uuid) => session.state.domain_by_uuid(uuid).await,
            None => session.state.domain_by_name(name).await,
        };
        let domain = found.map_err(|error| match error {
            RpcError::Libvirt(error) if error.code == ErrorCode::NO_DOMAIN => MachineError::NotFound {
                name: name.to_owned(),
                uri: self.shared.uri.to_string(),
            },
            other => other.into(),
        })?;
        let xml = session.state.xml(&domain, XmlKind::Definition).await?;
        let description = Description::parse(&xml)?;
        let entry = self.shared.entry(&domain);
        self.shared.refresh(&session, &entry).await;
        Ok(LibvirtMachine::new(self.clone(), entry, description))
    }

    /// All domains that are known now.
    #[must_use]
    pub fn domains(&self) -> Vec<Domain> {
        let entries = self.shared.entries();
        let known = entries.values().filter(|entry| entry.known() != Known::Missing);
        known.map(|entry| entry.domain()).collect()
    }

    /// Tells of domains that come and go from now on.
    #[must_use]
    pub fn discoveries(&self) -> broadcast::Receiver<Discovery> {
        self.shared.discoveries.subscribe()
    }

    /// The element of a namespace in a domain's metadata; `None` if it has none.
    ///
    /// # Errors
    /// [`MachineError`] if libvirt cannot be asked.
    pub async fn metadata(&self, domain: &Domain, uri: &str) -> Result<Option<String>, MachineError> {
        let session = self.shared.session().map_err(|_| MachineError::Unavailable)?;
        match session.state.metadata(domain, uri).await {
            Ok(xml) => Ok(Some(xml)),
            Err(RpcError::Libvirt(error)) if error.code == ErrorCode::NO_DOMAIN_METADATA => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether there is a connection now.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.shared.session().is_ok()
    }
}

impl Shared {
    /// The present connection.
    ///
    /// # Errors
    /// [`BackendErrorKind::Unavailable`] while there is none.
    pub(crate) fn session(&self) -> Result<Arc<Session>, BackendError> {
        let session = self.session.borrow().clone();
        session.ok_or_else(|| BackendError::new(BackendErrorKind::Unavailable, "reach libvirt"))
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<Uuid, Arc<Entry>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of a domain; begins to be known with this.
    fn entry(&self, domain: &Domain) -> Arc<Entry> {
        let mut entries = self.entries();
        let entry = entries
            .entry(domain.uuid)
            .or_insert_with(|| Arc::new(Entry::new(domain)));
        Arc::clone(entry)
    }

    /// Asks for the state of a domain soon.
    pub(crate) fn refresh_soon(&self, entry: &Arc<Entry>) {
        // Full: libvirt tells of the change, too.
        let _ = self.refreshes.try_send(Arc::clone(entry));
    }

    /// Asks for the state of a domain. The only one who notes states is the supervisor, and who has just made
    /// a machine: so the newest answer is the last one noted.
    async fn refresh(&self, session: &Session, entry: &Entry) {
        let known = match session.state.state(&entry.domain()).await {
            Ok((state, _)) => Known::of(state),
            Err(RpcError::Libvirt(error)) if error.code == ErrorCode::NO_DOMAIN => Known::Missing,
            Err(error) => {
                tracing::debug!(domain = entry.name(), %error, "the state of a domain cannot be known");
                Known::Unknown
            }
        };
        entry.note(known);
    }
}
