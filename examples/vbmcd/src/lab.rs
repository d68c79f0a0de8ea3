//! From a plan to BMCs that answer, and to their end.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use ipmi_proto::crypto::CipherSuiteId;
use ipmi_proto::ipmb::Privilege;
use ipmi_proto::session::AuthTypes;
use ipmi_server::backend::BmcBackend;
use ipmi_server::bmc::{Bmc, BmcBuilder, BuildError, ConsoleQuota};
use ipmi_server::metrics::Metrics;
use ipmi_server::net::{NetConfig, Server, Shared};
use ipmi_server::store::Store;
use thiserror::Error;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::error;

use crate::actions::{self, ActionLog};
use crate::announce::Listening;
use crate::audit::AuditFile;
use crate::connection::{Connection, ConnectionError, Context, Wanted};
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
    /// The audit log or a transcript cannot be written.
    #[error(transparent)]
    LogFile(#[from] LogFileError),
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

/// BMCs that answer.
#[derive(Debug)]
pub struct Lab {
    server: Server,
    runtimes: Runtimes,
    listening: Vec<Listening>,
    bmcs: Vec<Arc<Bmc>>,
    store: Option<Arc<dyn Store>>,
    connections: HashMap<String, Box<dyn Connection>>,
    /// The thread that writes audit log and transcripts, if there are any.
    files: Option<LogFiles>,
    audit: Option<Arc<AuditFile>>,
    quota: Option<Arc<ConsoleQuota>>,
    actions: Option<Arc<ActionLog>>,
}

impl Lab {
    /// Starts the BMCs of a plan; all of them, or none.
    ///
    /// # Errors
    /// [`LabError`] for the first BMC that cannot be started.
    pub async fn start(
        plan: &Plan,
        store: Option<Arc<dyn Store>>,
        context: &Context,
    ) -> Result<Self, LabError> {
        let config = NetConfig::default();
        let own = if plan.sockets == Sockets::Each {
            plan.bmcs.len()
        } else {
            0
        };
        open_files::make_room(own.saturating_add(config.promoted_sockets))?;
        let runtimes = Runtimes::start().map_err(LabError::Runtimes)?;
        let server = Server::on(runtimes.handles().to_vec(), config);
        let mut shared = HashMap::new();
        let files = wants_files(plan).then(LogFiles::start).transpose()?;
        let audit = plan.audit.as_ref().zip(files.as_ref());
        let audit = audit.map(|(path, files)| AuditFile::open(files, path));
        let mut lab = Self {
            audit: audit.transpose()?.map(Arc::new),
            files,
            quota: plan.consoles_per_user.map(ConsoleQuota::new),
            actions: context.actions.clone(),
            server,
            runtimes,
            listening: Vec::with_capacity(plan.bmcs.len()),
            bmcs: Vec::with_capacity(plan.bmcs.len()),
            store,
            connections: connect(plan, context).await?,
        };
        for bmc in &plan.bmcs {
            lab.add(bmc, plan.sockets, &mut shared).await?;
        }
        Ok(lab)
    }

    /// What was counted so far.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        self.server.metrics()
    }

    /// Where the BMCs listen, in the order of the plan.
    #[must_use]
    pub fn listening(&self) -> &[Listening] {
        &self.listening
    }

    /// Ends the BMCs: what waits for a machine is awaited for a few seconds, then all sockets are closed, and what
    /// is not in the store yet goes there.
    pub async fn shutdown(self) {
        self.server.shutdown(PATIENCE).await;
        settle(self.bmcs).await;
        self.runtimes.stop();
        if let Some(files) = self.files {
            files.flush();
        }
    }

    /// Whether there are files that somebody may move away.
    #[must_use]
    pub const fn has_log_files(&self) -> bool {
        self.files.is_some()
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
        if let Some((directory, files)) = console.transcripts.as_ref().zip(self.files.as_ref()) {
            let transcript = Transcript::open(files, directory, &plan.name)?;
            builder = builder.console_transcript(Arc::new(transcript));
        }
        if let Some(audit) = &self.audit {
            builder = builder.audit(Arc::clone(audit) as _);
        }
        Ok(builder)
    }

    async fn add(
        &mut self,
        plan: &BmcPlan,
        sockets: Sockets,
        shared: &mut HashMap<SocketAddr, Shared>,
    ) -> Result<(), LabError> {
        let actions = self.actions.clone();
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
        self.bmcs.push(Arc::clone(&bmc));
        let address = plan.endpoint();
        let handle = match sockets {
            Sockets::Each => self.server.add(bmc, address),
            Sockets::Shared => self.add_shared(bmc, address, shared),
        };
        let handle = handle.map_err(|source| LabError::Listen {
            name: plan.name.clone(),
            address,
            source,
        })?;
        self.listening.push(Listening {
            name: plan.name.clone(),
            address: handle.local_addr(),
            user: plan
                .access
                .users
                .first()
                .map_or_else(String::new, |user| user.name.clone()),
        });
        Ok(())
    }

    /// The machine of a BMC.
    async fn machine(&self, plan: &BmcPlan) -> Result<Arc<dyn BmcBackend>, LabError> {
        let error = |source| LabError::Machine {
            name: plan.name.clone(),
            machine: plan.machine.clone(),
            source,
        };
        let wanted = Wanted {
            machine: &plan.machine,
            bmc: &plan.name,
        };
        match self.connections.get(&plan.connection) {
            Some(connection) => connection.machine(&wanted).await.map_err(error),
            None => Err(error(ConnectionError::new(format!(
                "there is no [connection.{}]: write one",
                plan.connection
            )))),
        }
    }

    fn add_shared(
        &self,
        bmc: Arc<Bmc>,
        address: SocketAddr,
        shared: &mut HashMap<SocketAddr, Shared>,
    ) -> io::Result<ipmi_server::net::BmcHandle> {
        // A wildcard socket would not tell that nothing can arrive at this address.
        UdpSocket::bind(SocketAddr::new(address.ip(), 0))?;
        let wildcard: IpAddr = match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let wildcard = SocketAddr::new(wildcard, address.port());
        let socket = match shared.entry(wildcard) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => entry.insert(self.server.share(wildcard)?),
        };
        socket.add(bmc, address.ip())
    }
}

fn wants_files(plan: &Plan) -> bool {
    let has_transcript = |bmc: &BmcPlan| bmc.console.transcripts.is_some();
    plan.audit.is_some() || plan.bmcs.iter().any(has_transcript)
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

/// Makes the connections that BMCs need.
async fn connect(plan: &Plan, context: &Context) -> Result<HashMap<String, Box<dyn Connection>>, LabError> {
    let mut connections = HashMap::new();
    for (name, connection) in &plan.connections {
        let is_needed = plan.bmcs.iter().any(|bmc| bmc.connection == *name);
        if is_needed {
            let connected = connection.connect(context).await;
            let connected = connected.map_err(|source| LabError::Connection {
                name: name.clone(),
                source,
            })?;
            connections.insert(name.clone(), connected);
        }
    }
    Ok(connections)
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
