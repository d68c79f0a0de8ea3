//! What goes over the control socket, both ways: the types of requests and answers.

mod machine;

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

pub use machine::{
    Boot, BootDevice, ChangeUser, LogEntry, Power, PowerAction, PowerOrder, PowerStatus, Privilege, Sensor,
    User,
};

/// How a BMC is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It answers.
    Running,
    /// It was stopped, or never started.
    Down,
    /// It is being added, started, stopped or deleted.
    Busy,
    /// It was to run but could not be started; `error` says why.
    Error,
}

impl Status {
    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Down => "down",
            Self::Busy => "busy",
            Self::Error => "error",
        }
    }
}

/// Where a BMC is described.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// In the configuration file.
    Configuration,
    /// It was added over the control socket.
    Added,
}

impl Origin {
    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Added => "added",
        }
    }
}

/// A BMC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BmcSummary {
    /// Its name.
    pub name: String,
    /// Its machine: domain name or UUID, VMID, name of a simulated machine.
    pub machine: String,
    /// The connection that has the machine.
    pub connection: String,
    /// How it is.
    pub status: Status,
    /// Address that it listens at.
    #[schema(value_type = String)]
    pub address: IpAddr,
    /// UDP port; 0 while a BMC that takes any port is down.
    pub port: u16,
    /// Where it is described.
    pub origin: Origin,
    /// Why it could not be started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A BMC with all that is known of it. Secrets are shown as `***`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BmcDetails {
    /// What the list has.
    #[serde(flatten)]
    pub summary: BmcSummary,
    /// It is to run, also after a restart.
    pub active: bool,
    /// Names of the users that the configuration gives it.
    pub users: Vec<String>,
    /// `type` of the connection and its keys.
    #[schema(value_type = Object)]
    pub connection_keys: BTreeMap<String, Value>,
    /// Other keys that it was added with.
    #[schema(value_type = Object)]
    pub options: BTreeMap<String, Value>,
}

/// A BMC to add.
#[derive(Clone, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddBmc {
    /// The keys of `[[bmc]]` in a configuration file. `name` is that of the machine if it is missing.
    #[schema(value_type = Object)]
    pub bmc: BTreeMap<String, Value>,
    /// The keys of `[connection.NAME]`, for a machine that no connection of the configuration file has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub connection: Option<BTreeMap<String, Value>>,
}

/// Keys of `[[bmc]]` to change; `null` takes a key away.
#[derive(Clone, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeBmc {
    /// The keys.
    #[schema(value_type = Object)]
    pub bmc: BTreeMap<String, Value>,
}

/// What went wrong, and what can be done.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
pub struct Problem {
    /// In words.
    pub error: String,
}

/// What came of reading the configuration again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
pub struct Reloaded {
    /// BMCs that are new.
    pub started: Vec<String>,
    /// BMCs that were changed, and started anew.
    pub restarted: Vec<String>,
    /// BMCs that are gone.
    pub removed: Vec<String>,
    /// Number of BMCs that are the same; they were not touched.
    pub unchanged: usize,
    /// BMCs that could not be changed or started.
    pub failed: Vec<Failure>,
}

/// What could not be done.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
pub struct Failure {
    /// The BMC.
    pub name: String,
    /// Why.
    pub error: String,
}

/// What was looked at, and whether it works.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
pub struct Check {
    /// What: `running`, `machine` or `port`.
    pub check: String,
    /// It works.
    pub ok: bool,
    /// In words.
    pub detail: String,
}

impl Check {
    /// A check with what came of it.
    #[must_use]
    pub fn of(check: &str, outcome: Result<String, String>) -> Self {
        let ok = outcome.is_ok();
        let (Ok(detail) | Err(detail)) = outcome;
        Self {
            check: check.to_owned(),
            ok,
            detail,
        }
    }
}

/// Who answers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
pub struct Version {
    /// Version of vbmcd.
    pub version: String,
    /// Names of the connections of the configuration file, with their types.
    pub connections: BTreeMap<String, String>,
    /// Whether the configuration has a password for BMCs that bring none.
    pub has_password: bool,
}

/// Its values may be secrets.
impl std::fmt::Debug for AddBmc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AddBmc")
            .field("bmc", &self.bmc.keys())
            .finish_non_exhaustive()
    }
}

/// Its values may be secrets.
impl std::fmt::Debug for ChangeBmc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChangeBmc")
            .field("bmc", &self.bmc.keys())
            .finish_non_exhaustive()
    }
}
