//! From a plan to BMCs that answer, and to their end.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ipmi_proto::crypto::CipherSuiteId;
use ipmi_proto::ipmb::Privilege;
use ipmi_proto::session::AuthTypes;
use ipmi_server::backend::BmcBackend;
use ipmi_server::bmc::{Bmc, BmcBuilder, BuildError, ConsoleQuota};
use ipmi_server::metrics::Metrics;
use ipmi_server::net::{BmcHandle, NetConfig, Server, Shared};
use ipmi_server::store::Store;
use thiserror::Error;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::error;

use crate::actions;
use crate::connection::{Connection, ConnectionError, ConnectionPlan, Context, Wanted};
use crate::events::{self, Events};
use crate::log_files::{LogFileError, LogFiles};
use crate::open_files::{self, OpenFilesError};
use crate::plan::{Access, BmcPlan, CipherSuites, CycleWhenOff, Plan, Sockets};
use crate::runtimes::Runtimes;
use crate::transcript::Transcript;

/// How long commands that wait for a machine may hold up the end.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why BMCs cannot be started.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LabError {
    /// Too few open files.
    #[error("cannot open a socket for each BMC")]
    OpenFiles(#[from] OpenFilesError),
    /// No thread or event queue.
    #[error("cannot start the threads of the BMCs: free memory, processes or open files")]
    Runtimes(#[source] io::Error),
    /// Audit log or transcript cannot be written.
    #[error(transparent)]
    LogFile(#[from] LogFileError),
    /// A connection cannot be made.
    #[error("cannot connect [connection.{name}]")]
    Connection {
        /// Its name.
        name: String,
        /// Why not.
        source: ConnectionError,
    },
    /// A BMC has no machine.
    #[error("cannot find machine `{machine}` of BMC {name}")]
    Machine {
        /// The BMC.
        name: String,
        /// Its machine.
        machine: String,
        /// Why not.
        source: ConnectionError,
    },
    /// A BMC cannot be made as planned.
    #[error("cannot make BMC {name}")]
    Build {
        /// Its name.
        name: String,
        /// Why not.
        source: BuildError,
    },
    /// A BMC cannot listen.
    #[error(
        "cannot listen at {address} for BMC {name}: choose an address of this host and a port that is free"
    )]
    Listen {
        /// The BMC.
        name: String,
        /// Where it was to listen.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
}

/// Where BMCs come to life: sockets, threads, and connections to hypervisors.
#[derive(Debug)]
pub struct Lab {
    server: Server,
    runtimes: Runtimes,
    sockets: Sockets,
    shared: Mutex<HashMap<SocketAddr, Shared>>,
    connections: Mutex<HashMap<String, Arc<dyn Connection>>>,
    context: Context,
    /// The thread that writes audit log and transcripts.
    files: LogFiles,
    store: Option<Arc<dyn Store>>,
    events: Arc<Events>,
    quota: Option<Arc<ConsoleQuota>>,
    /// Sockets of running BMCs, for the limit of open files.
    own_sockets: Arc<AtomicUsize>,
}

/// A BMC that answers.
#[derive(Debug)]
pub struct Running {
    /// The BMC.
    pub bmc: Arc<Bmc>,
    /// Where it listens; the port is the real one if port 0 was planned.
    pub address: SocketAddr,
    handle: BmcHandle,
    _place: Place,
}

/// A socket of a BMC's own.
#[derive(Debug)]
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Running {
    /// Ends it. Its address is free when this is ready, and what it keeps is in the store.
    pub async fn stop(self) {
        self.handle.remove().await;
        settle(vec![self.bmc]).await;
    }
}

impl Lab {
    /// A lab for a plan, without connections and BMCs yet.
    ///
    /// # Errors
    /// [`LabError`] if there are too few open files for so many BMCs, no threads, or no audit log.
    pub fn new(plan: &Plan, store: Option<Arc<dyn Store>>, context: Context) -> Result<Self, LabError> {
        let config = NetConfig::default();
        let own = if plan.sockets == Sockets::Each {
            plan.bmcs.len()
        } else {
            0
        };
        let files = LogFiles::start()?;
        let audit = plan.audit.as_ref().map(|path| files.file(path, events::lost));
        let events = Events::new(audit.transpose()?);
        open_files::make_room(own.saturating_add(config.promoted_sockets))?;
        let runtimes = Runtimes::start().map_err(LabError::Runtimes)?;
        Ok(Self {
            server: Server::on(runtimes.handles().to_vec(), config),
            runtimes,
            sockets: plan.sockets,
            shared: Mutex::default(),
            connections: Mutex::default(),
            context,
            files,
            store,
            events,
            quota: plan.consoles_per_user.map(ConsoleQuota::new),
            own_sockets: Arc::default(),
        })
    }

    /// What was counted so far.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        self.server.metrics()
    }

    /// How BMCs listen.
    #[must_use]
    pub const fn sockets(&self) -> Sockets {
        self.sockets
    }

    /// Makes a connection under this name, unless there is one.
    ///
    /// # Errors
    /// [`LabError::Connection`] if that is not possible.
    pub async fn connect(&self, name: &str, plan: &dyn ConnectionPlan) -> Result<(), LabError> {
        if self.connections().contains_key(name) {
            return Ok(());
        }
        let connected = plan.connect(&self.context).await;
        let connected = connected.map_err(|source| LabError::Connection {
            name: name.to_owned(),
            source,
        })?;
        self.connections()
            .entry(name.to_owned())
            .or_insert_with(|| Arc::from(connected));
        Ok(())
    }

    /// Forgets a connection: the next BMC that needs it makes it anew.
    pub fn disconnect(&self, name: &str) {
        self.connections().remove(name);
    }

    /// Starts a BMC. Its connection has been made.
    ///
    /// # Errors
    /// [`LabError`] if there is no such machine, or nowhere to listen.
    pub async fn start(&self, plan: &BmcPlan) -> Result<Running, LabError> {
        let actions = self.context.actions.clone();
        let builder = Bmc::builder(self.machine(plan).await?)
            .name(plan.name.clone())
            .metrics(Arc::clone(self.server.metrics()))
            .on_identify(move |bmc, identify| {
                if let Some(actions) = &actions {
                    actions.append(bmc, actions::identify_name(identify));
                }
            });
        let builder = match &self.store {
            Some(store) => builder.store(Arc::clone(store)),
            None => builder,
        };
        let bmc = self.watch(configure(builder, &plan.access), plan)?.build();
        let bmc = bmc.map_err(|source| LabError::Build {
            name: plan.name.clone(),
            source,
        })?;
        let address = plan.endpoint();
        self.own_sockets.fetch_add(1, Relaxed);
        let place = Place(Arc::clone(&self.own_sockets));
        let handle = match self.sockets {
            Sockets::Each => {
                let others = NetConfig::default().promoted_sockets;
                open_files::make_room(self.own_sockets.load(Relaxed).saturating_add(others))?;
                self.server.add(Arc::clone(&bmc), address)
            }
            Sockets::Shared => self.add_shared(Arc::clone(&bmc), address),
        };
        let handle = handle.map_err(|source| LabError::Listen {
            name: plan.name.clone(),
            address,
            source,
        })?;
        Ok(Running {
            bmc,
            address: handle.local_addr(),
            handle,
            _place: place,
        })
    }

    /// Ends all BMCs, which are `bmcs`: what waits for a machine is awaited for a few seconds, then all sockets are
    /// closed, and what is not in the store yet goes there.
    pub async fn shutdown(&self, bmcs: Vec<Arc<Bmc>>) {
        self.server.shutdown(PATIENCE).await;
        settle(bmcs).await;
        self.runtimes.stop();
        self.files.flush();
    }

    /// The threads of the BMCs.
    #[must_use]
    pub const fn runtimes(&self) -> &Runtimes {
        &self.runtimes
    }

    /// What somebody did at any BMC.
    #[must_use]
    pub const fn events(&self) -> &Arc<Events> {
        &self.events
    }

    /// How the BMC shows its machine's console, and who is told of what happens.
    fn watch(&self, mut builder: BmcBuilder, plan: &BmcPlan) -> Result<BmcBuilder, LogFileError> {
        let console = &plan.console;
        if let Some(characters) = console.scrollback {
            builder = builder.console_scrollback(characters);
        }
        if let Some(is_always_open) = console.always_open {
            builder = builder.console_always_open(is_always_open);
        }
        if let Some(timeout) = console.idle_timeout {
            builder = builder.console_idle_timeout(timeout);
        }
        if let Some(timeout) = console.absolute_timeout {
            builder = builder.console_absolute_timeout(timeout);
        }
        if let Some(quota) = &self.quota {
            builder = builder.console_quota(Arc::clone(quota));
        }
        if let Some(directory) = &console.transcripts {
            let transcript = Transcript::open(&self.files, directory, &plan.name)?;
            builder = builder.console_transcript(Arc::new(transcript));
        }
        Ok(builder.audit(Arc::clone(&self.events) as _))
    }

    /// The machine of a BMC.
    ///
    /// # Errors
    /// [`LabError::Machine`] if there is none.
    pub async fn machine(&self, plan: &BmcPlan) -> Result<Arc<dyn BmcBackend>, LabError> {
        let error = |source| LabError::Machine {
            name: plan.name.clone(),
            machine: plan.machine.clone(),
            source,
        };
        let wanted = Wanted {
            machine: &plan.machine,
            bmc: &plan.name,
        };
        let connection = self.connections().get(&plan.connection).cloned();
        match connection {
            Some(connection) => connection.machine(&wanted).await.map_err(error),
            None => Err(error(ConnectionError::new(format!(
                "there is no [connection.{}]: write one",
                plan.connection
            )))),
        }
    }

    fn add_shared(&self, bmc: Arc<Bmc>, address: SocketAddr) -> io::Result<BmcHandle> {
        // A wildcard socket would not tell that nothing can arrive at this address.
        UdpSocket::bind(SocketAddr::new(address.ip(), 0))?;
        let wildcard: IpAddr = match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let wildcard = SocketAddr::new(wildcard, address.port());
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let socket = match shared.entry(wildcard) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(self.server.share(wildcard)?),
        };
        socket.add(bmc, address.ip())
    }

    fn connections(&self) -> MutexGuard<'_, HashMap<String, Arc<dyn Connection>>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits until everything is in the store, all BMCs at the same time.
async fn settle(bmcs: Vec<Arc<Bmc>>) {
    let mut unsaved = JoinSet::new();
    for bmc in bmcs {
        unsaved.spawn(async move {
            if let Err(error) = bmc.settle().await {
                error!(bmc = bmc.name(), %error, "the latest changes are lost");
            }
        });
    }
    if timeout(PATIENCE, async { while unsaved.join_next().await.is_some() {} })
        .await
        .is_err()
    {
        error!(
            bmcs = unsaved.len(),
            "the store is too slow: the latest changes may be lost"
        );
    }
}

fn configure(mut builder: BmcBuilder, access: &Access) -> BmcBuilder {
    for user in &access.users {
        let password = user.password.duplicate();
        builder = if user.name.is_empty() {
            builder.danger_null_user(password, user.privilege)
        } else {
            builder.user(&user.name, password, user.privilege)
        };
    }
    builder = match &access.cipher_suites {
        CipherSuites::Protected => builder,
        CipherSuites::Authenticated => builder.all_authenticated_cipher_suites(),
        CipherSuites::Chosen(suites) => {
            let full = |&id: &CipherSuiteId| (id, Privilege::ADMINISTRATOR);
            let is_suite_0 = |id: &&CipherSuiteId| **id == CipherSuiteId::SUITE_0;
            let builder = if suites.iter().any(|id| is_suite_0(&id)) {
                builder.danger_cipher_suite_0(Privilege::ADMINISTRATOR)
            } else {
                builder
            };
            builder.cipher_suites(suites.iter().filter(|id| !is_suite_0(id)).map(full))
        }
    };
    if let Some(types) = access.auth_types {
        builder = builder.ipmi_1_5(types & (AuthTypes::MD5 | AuthTypes::MD2));
        if types.contains(AuthTypes::PASSWORD) {
            builder = builder.danger_ipmi_1_5_password();
        }
        if types.contains(AuthTypes::NONE) {
            builder = builder.danger_ipmi_1_5_none();
        }
    }
    if let Some(key) = &access.bmc_key {
        builder = builder.bmc_key(key.duplicate());
    }
    builder = builder
        .login_lockout(access.login_lockout)
        .hide_unknown_users(access.hide_unknown_users)
        .alert_port(access.alert_port.get());
    builder.cycle_when_off(match access.cycle_when_off {
        CycleWhenOff::Error => ipmi_server::bmc::CycleWhenOff::Error,
        CycleWhenOff::On => ipmi_server::bmc::CycleWhenOff::On,
    })
}
