//! All BMCs of the running program: those of the configuration file and those that were added, started and
//! stopped one by one.
//!
//! A BMC that is being changed is marked busy and nobody waits for another: the lock is held for look-ups
//! alone.

mod entry;
mod error;
mod file;
mod operations;
mod reload;
mod start;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipmi_server::bmc::Bmc;
use ipmi_server::metrics::Metrics;
use socket2::{Domain, Socket, Type};
use toml::Value;

pub use error::RegistryError;
pub use file::{Description, FileError, Record, RegistryFile};
pub(crate) use start::Chain;

use crate::announce::Listening;
use crate::config::Surroundings;
use crate::connection::ConnectionPlan;
use crate::control::api::{BmcDetails, BmcSummary};
use crate::lab::Lab;
use crate::plan::{BmcPlan, Sockets};
use crate::runtimes::Runtimes;
use entry::{Entry, State};

/// All BMCs.
#[derive(Debug)]
pub struct Registry {
    lab: Lab,
    file: Arc<RegistryFile>,
    surroundings: Mutex<Arc<Surroundings>>,
    entries: Mutex<BTreeMap<String, Entry>>,
    reloading: tokio::sync::Mutex<()>,
}

impl Registry {
    /// A registry without BMCs.
    #[must_use]
    pub fn new(lab: Lab, file: RegistryFile, surroundings: Surroundings) -> Arc<Self> {
        Arc::new(Self {
            lab,
            file: Arc::new(file),
            surroundings: Mutex::new(Arc::new(surroundings)),
            entries: Mutex::default(),
            reloading: tokio::sync::Mutex::default(),
        })
    }

    /// What was counted so far.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        self.lab.metrics()
    }

    /// The threads of the BMCs.
    #[must_use]
    pub const fn runtimes(&self) -> &Runtimes {
        self.lab.runtimes()
    }

    /// All BMCs, by name.
    #[must_use]
    pub fn list(&self) -> Vec<BmcSummary> {
        self.entries().values().map(Entry::summary).collect()
    }

    /// Those that answer, with what their users paste.
    #[must_use]
    pub fn listening(&self) -> Vec<Listening> {
        let entries = self.entries();
        let running = entries.values().filter_map(|entry| {
            let State::Running(running) = &entry.state else {
                return None;
            };
            let user = entry.plan.access.users.first();
            Some(Listening {
                name: entry.plan.name.clone(),
                address: running.address,
                user: user.map_or_else(String::new, |user| user.name.clone()),
            })
        });
        running.collect()
    }

    /// A BMC.
    ///
    /// # Errors
    /// [`RegistryError`] if there is none of this name.
    pub fn show(&self, name: &str) -> Result<BmcDetails, RegistryError> {
        let name = self.resolve(name)?;
        let surroundings = self.surroundings();
        let entries = self.entries();
        let entry = entries.get(&name).ok_or(RegistryError::Unknown(name))?;
        Ok(entry.details(surroundings.connections().get(&entry.plan.connection)))
    }

    /// A BMC that answers.
    ///
    /// # Errors
    /// [`RegistryError`] if there is none of this name, or if it is down.
    pub fn bmc(&self, name: &str) -> Result<Arc<Bmc>, RegistryError> {
        let name = self.resolve(name)?;
        match self.entries().get(&name).map(|entry| &entry.state) {
            Some(State::Running(running)) => Ok(Arc::clone(&running.bmc)),
            Some(State::Busy) => Err(RegistryError::Busy(name)),
            Some(_) => Err(RegistryError::Down(name)),
            None => Err(RegistryError::Unknown(name)),
        }
    }

    /// The connections of the configuration file, with their types.
    #[must_use]
    pub fn connections(&self) -> BTreeMap<String, String> {
        let surroundings = self.surroundings();
        let kind = |keys: &toml::Table| {
            keys.get("type")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let connections = surroundings.connections().iter();
        connections
            .map(|(name, keys)| (name.clone(), kind(keys)))
            .collect()
    }

    /// Whether the configuration has a password for BMCs that bring none.
    #[must_use]
    pub fn has_password(&self) -> bool {
        let surroundings = self.surroundings();
        let keys = ["password", "password_file", "users"];
        keys.iter().any(|key| surroundings.has_default(key))
    }

    /// Ends all BMCs; what is to run after a restart stays so.
    pub async fn shutdown(&self) {
        let running = |entry: &Entry| match &entry.state {
            State::Running(running) => Some(Arc::clone(&running.bmc)),
            _ => None,
        };
        let bmcs = self.entries().values().filter_map(running).collect();
        self.lab.shutdown(bmcs).await;
    }

    /// The name of a BMC that is called by its name or by that of its machine.
    fn resolve(&self, called: &str) -> Result<String, RegistryError> {
        let entries = self.entries();
        if entries.contains_key(called) {
            return Ok(called.to_owned());
        }
        let mut names = entries.values().filter(|entry| entry.plan.machine == called);
        match (names.next(), names.next()) {
            (Some(entry), None) => Ok(entry.plan.name.clone()),
            (None, _) => Err(RegistryError::Unknown(called.to_owned())),
            (Some(_), Some(_)) => Err(RegistryError::Ambiguous(called.to_owned())),
        }
    }

    /// Refuses what another BMC has.
    fn check_free(&self, entries: &BTreeMap<String, Entry>, plan: &BmcPlan) -> Result<(), RegistryError> {
        let others = || entries.values().filter(|entry| entry.plan.name != plan.name);
        let same =
            |entry: &&Entry| entry.plan.machine == plan.machine && entry.plan.connection == plan.connection;
        if let Some(owner) = others().find(same) {
            return Err(RegistryError::MachineTaken {
                machine: plan.machine.clone(),
                owner: owner.plan.name.clone(),
            });
        }
        let endpoint = plan.endpoint();
        if let Some(owner) = others().find(|entry| collide(entry.endpoint(), endpoint)) {
            return Err(RegistryError::EndpointTaken {
                endpoint,
                owner: owner.plan.name.clone(),
            });
        }
        Ok(())
    }

    /// Refuses an address and port that cannot be bound.
    fn check_endpoint(&self, endpoint: SocketAddr) -> Result<(), RegistryError> {
        let invalid = |message: &str| Err(RegistryError::Invalid(message.to_owned()));
        let at = match self.lab.sockets() {
            Sockets::Each => endpoint,
            Sockets::Shared if endpoint.ip().is_unspecified() => {
                return invalid("`address`: with shared sockets each BMC needs an address of its own");
            }
            Sockets::Shared if endpoint.port() == 0 => {
                return invalid("`port` 0 does not go with shared sockets: write a port");
            }
            // The port is that of the socket, which may be open already.
            Sockets::Shared => SocketAddr::new(endpoint.ip(), 0),
        };
        match try_bind(at) {
            Ok(()) => Ok(()),
            Err(source) => Err(RegistryError::Endpoint { endpoint, source }),
        }
    }

    async fn save(&self, name: &str, record: Record) -> Result<(), RegistryError> {
        let (file, name) = (Arc::clone(&self.file), name.to_owned());
        let saved = tokio::task::spawn_blocking(move || file.save(&name, &record)).await;
        Ok(saved.map_err(|_| RegistryError::Broken)??)
    }

    fn surroundings(&self) -> Arc<Surroundings> {
        Arc::clone(&self.surroundings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn set_surroundings(&self, surroundings: Surroundings) {
        let surroundings = Arc::new(surroundings);
        *self.surroundings.lock().unwrap_or_else(PoisonError::into_inner) = surroundings;
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Binds a socket as a BMC does, and closes it.
fn try_bind(address: SocketAddr) -> io::Result<()> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())
}

/// Whether two BMCs cannot listen at these places at the same time.
fn collide(one: SocketAddr, other: SocketAddr) -> bool {
    let same_family = one.is_ipv4() == other.is_ipv4();
    let all = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() != 0 && one.port() == other.port() && same_family && (all || one.ip() == other.ip())
}

/// A connection as several BMCs have it.
type SharedConnection = Arc<dyn ConnectionPlan>;

/// Connections by their names.
type Connections = BTreeMap<String, SharedConnection>;

/// The connections of a plan, to be shared by its BMCs.
fn shared(connections: BTreeMap<String, Box<dyn ConnectionPlan>>) -> Connections {
    connections
        .into_iter()
        .map(|(name, connection)| (name, Arc::from(connection)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_collide_with_wildcards_of_their_family() {
        let collide = |one: &str, other: &str| collide(one.parse().unwrap(), other.parse().unwrap());
        assert!(collide("127.0.0.1:623", "127.0.0.1:623"));
        assert!(collide("0.0.0.0:623", "127.0.0.1:623"));
        assert!(collide("[::1]:623", "[::]:623"));
        assert!(!collide("127.0.0.1:623", "127.0.0.2:623"));
        assert!(!collide("127.0.0.1:623", "127.0.0.1:624"));
        assert!(!collide("127.0.0.1:0", "127.0.0.1:0"));
        assert!(
            !collide("0.0.0.0:623", "[::]:623"),
            "each family has sockets of its own"
        );
    }
}
