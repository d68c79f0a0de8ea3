//! A BMC of the registry.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use serde_json::Value;
use toml::Table;

use super::file::{Description, Record};
use crate::connection::ConnectionPlan;
use crate::control::api::{BmcDetails, BmcSummary, Origin, Status};
use crate::lab::Running;
use crate::plan::{BmcPlan, ConsolePlan};

/// What stands for a secret.
const HIDDEN: &str = "***";
/// The port of IPMI over LAN.
const IPMI_PORT: u16 = 623;

/// A BMC.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) plan: Arc<BmcPlan>,
    /// None for one whose description makes no sense any more.
    pub(super) connection: Option<Arc<dyn ConnectionPlan>>,
    /// How it was added; none for one of the configuration file.
    pub(super) added: Option<Description>,
    /// It is to run.
    pub(super) active: bool,
    pub(super) state: State,
}

/// How a BMC is.
#[derive(Debug)]
pub(super) enum State {
    Down,
    /// Somebody changes it: nobody else may.
    Busy,
    Running(Running),
    Failed(String),
}

impl Entry {
    pub(super) const fn is_busy(&self) -> bool {
        matches!(self.state, State::Busy)
    }

    /// What is to be kept of it.
    pub(super) fn record(&self) -> Record {
        Record {
            running: self.active,
            added: self.added.clone(),
        }
    }

    /// Where it listens, or is to listen.
    pub(super) fn endpoint(&self) -> SocketAddr {
        match &self.state {
            State::Running(running) => running.address,
            _ => self.plan.endpoint(),
        }
    }

    pub(super) fn summary(&self) -> BmcSummary {
        let (status, error) = match &self.state {
            State::Down => (Status::Down, None),
            State::Busy => (Status::Busy, None),
            State::Running(_) => (Status::Running, None),
            State::Failed(reason) => (Status::Error, Some(reason.clone())),
        };
        let endpoint = self.endpoint();
        BmcSummary {
            name: self.plan.name.clone(),
            machine: self.plan.machine.clone(),
            connection: self.plan.connection.clone(),
            status,
            address: endpoint.ip(),
            port: endpoint.port(),
            origin: if self.added.is_some() {
                Origin::Added
            } else {
                Origin::Configuration
            },
            error,
        }
    }

    /// All of it; `configured` are the keys of its connection in the configuration file.
    pub(super) fn details(&self, configured: Option<&Table>) -> BmcDetails {
        let added = self.added.as_ref();
        let keys = added.and_then(|added| added.connection.as_ref()).or(configured);
        let users = self.plan.access.users.iter().map(|user| user.name.clone());
        BmcDetails {
            summary: self.summary(),
            active: self.active,
            users: users.collect(),
            connection_keys: keys.map(shown).unwrap_or_default(),
            options: added.map(|added| shown(&added.bmc)).unwrap_or_default(),
        }
    }
}

/// A plan for a BMC whose description makes no sense any more, so that it can be listed.
pub(super) fn unusable(name: &str, description: &Description) -> BmcPlan {
    let table = &description.bmc;
    let text = |key: &str| table.get(key).and_then(toml::Value::as_str).map(str::to_owned);
    let address = text("address").and_then(|address| address.parse().ok());
    let port = table.get("port").and_then(toml::Value::as_integer);
    BmcPlan {
        name: name.to_owned(),
        connection: text("connection").unwrap_or_default(),
        machine: text("machine").unwrap_or_default(),
        address: address.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        port: port.and_then(|port| port.try_into().ok()).unwrap_or(IPMI_PORT),
        access: Arc::default(),
        console: ConsolePlan::default(),
    }
}

/// Keys and values without secrets.
fn shown(table: &Table) -> BTreeMap<String, Value> {
    let shown = |(key, value): (&String, &toml::Value)| {
        let value = if is_secret(key) {
            HIDDEN.into()
        } else {
            serde_json::to_value(value).unwrap_or_default()
        };
        (key.clone(), value)
    };
    table.iter().map(shown).collect()
}

/// Whether the value of a key is not to be shown: what it names in a file is not secret, all else that
/// sounds so is.
fn is_secret(key: &str) -> bool {
    let words = ["password", "token", "secret", "kg", "users"];
    let harmless = ["_file", "_id", "_user", "_name"];
    words.iter().any(|word| key.contains(word)) && !harmless.iter().any(|end| key.ends_with(end))
}
