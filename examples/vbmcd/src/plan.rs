//! What is to be started, whoever wished for it: the demo's arguments or a configuration file.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ipmi_proto::crypto::{BmcKey, CipherSuiteId, Password};
use ipmi_proto::ipmb::Privilege;
use ipmi_proto::pet::TRAP_PORT;
use ipmi_proto::session::AuthTypes;
use ipmi_server::bmc::LoginLockout;

use crate::connection::ConnectionPlan;
use crate::store::StorePlan;

/// BMCs to start.
#[derive(Debug)]
pub struct Plan {
    /// Where the machines come from, by name.
    pub connections: BTreeMap<String, Box<dyn ConnectionPlan>>,
    /// The BMCs, in the order in which they are shown.
    pub bmcs: Vec<BmcPlan>,
    /// How they listen.
    pub sockets: Sockets,
    /// The file of the audit log.
    pub audit: Option<PathBuf>,
    /// How many consoles a user may have open at a time.
    pub consoles_per_user: Option<usize>,
    /// Where what clients change is kept.
    pub store: StorePlan,
}

/// How BMCs share sockets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sockets {
    /// A socket for each BMC, bound to its address and port.
    #[default]
    Each,
    /// One wildcard socket per port, the BMCs told apart by the address that a datagram was sent to.
    Shared,
}

/// A BMC to start.
#[derive(Debug)]
pub struct BmcPlan {
    /// Name in output and logs.
    pub name: String,
    /// The connection that has its machine.
    pub connection: String,
    /// The machine there.
    pub machine: String,
    /// Where it listens. Port 0: any free one.
    pub address: IpAddr,
    /// UDP port.
    pub port: u16,
    /// Who may do what.
    pub access: Arc<Access>,
    /// Its serial console.
    pub console: ConsolePlan,
}

/// The serial console of a BMC.
#[derive(Clone, Debug, Default)]
pub struct ConsolePlan {
    /// Characters that are kept for the next client.
    pub scrollback: Option<usize>,
    /// Whether it is read while nobody watches.
    pub always_open: Option<bool>,
    /// Closes it when nobody types for so long.
    pub idle_timeout: Option<Duration>,
    /// Closes it after this time.
    pub absolute_timeout: Option<Duration>,
    /// The directory of its transcript.
    pub transcripts: Option<PathBuf>,
}

impl BmcPlan {
    /// Where it listens.
    #[must_use]
    pub const fn endpoint(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.port)
    }
}

/// Who may do what at a BMC. Many BMCs may share one.
#[derive(Debug)]
pub struct Access {
    /// Users, the first one is shown in the ready-to-paste lines.
    pub users: Vec<UserPlan>,
    /// Cipher suites on offer.
    pub cipher_suites: CipherSuites,
    /// The key K_G.
    pub bmc_key: Option<BmcKey>,
    /// IPMI 1.5 authentication types; `None`: MD5.
    pub auth_types: Option<AuthTypes>,
    /// What Power Cycle does while the machine is off.
    pub cycle_when_off: CycleWhenOff,
    /// When a user has to wait after failed logins.
    pub login_lockout: LoginLockout,
    /// An unknown user fails as one with a wrong password.
    pub hide_unknown_users: bool,
    /// UDP port that alerts are sent to.
    pub alert_port: NonZeroU16,
}

/// Nobody may do anything.
impl Default for Access {
    fn default() -> Self {
        Self {
            users: Vec::new(),
            cipher_suites: CipherSuites::default(),
            bmc_key: None,
            auth_types: None,
            cycle_when_off: CycleWhenOff::default(),
            login_lockout: LoginLockout::default(),
            hide_unknown_users: false,
            alert_port: DEFAULT_ALERT_PORT,
        }
    }
}

/// The UDP port that SNMP traps are sent to.
pub const DEFAULT_ALERT_PORT: NonZeroU16 = NonZeroU16::new(TRAP_PORT).unwrap();

/// Cipher suites that a BMC offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CipherSuites {
    /// Those that authenticate and encrypt every packet.
    #[default]
    Protected,
    /// All that authenticate at login: all but suite 0.
    Authenticated,
    /// These.
    Chosen(Vec<CipherSuiteId>),
}

/// A user of a BMC.
#[derive(Debug)]
pub struct UserPlan {
    /// Name, at most 16 bytes; empty for the user without a name.
    pub name: String,
    /// Password.
    pub password: Password,
    /// Highest privilege.
    pub privilege: Privilege,
}

/// What Power Cycle does while the machine is off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CycleWhenOff {
    /// It is answered with D5h, as the specification recommends.
    #[default]
    Error,
    /// It powers the machine on, as some fencing agents expect.
    On,
}
