//! What can be wrong with what is asked of the registry.

use std::io;
use std::net::SocketAddr;

use thiserror::Error;

use super::file::FileError;
use crate::lab::LabError;

/// Why the registry did not do what it was asked for.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// There is no such BMC.
    #[error("there is no BMC `{0}`: `vbmc list` shows those that there are")]
    Unknown(String),
    /// Several BMCs could be meant.
    #[error("several BMCs have a machine `{0}`: name the BMC")]
    Ambiguous(String),
    /// The name is taken.
    #[error("there is a BMC `{0}` already: choose another --name, or delete that one")]
    NameTaken(String),
    /// The machine has a BMC.
    #[error("machine `{machine}` has a BMC already, {owner}")]
    MachineTaken {
        /// The machine.
        machine: String,
        /// Its BMC.
        owner: String,
    },
    /// The address and port belong to another BMC.
    #[error("{endpoint} belongs to BMC {owner} already: choose another --port or --address")]
    EndpointTaken {
        /// The address and port.
        endpoint: SocketAddr,
        /// Whose it is.
        owner: String,
    },
    /// The address and port cannot be used.
    #[error("cannot listen at {endpoint}: {}", hint(.source))]
    Endpoint {
        /// The address and port.
        endpoint: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// Somebody else is changing it.
    #[error("BMC {0} is being changed by somebody else: try again in a moment")]
    Busy(String),
    /// It does not answer.
    #[error("BMC {0} is down: start it with `vbmc start {0}`")]
    Down(String),
    /// It is described in the configuration file.
    #[error("BMC {0} stands in the configuration file: change it there, then `vbmc reload`")]
    Configured(String),
    /// A key or value is wrong.
    #[error("{0}")]
    Invalid(String),
    /// It cannot be started.
    #[error(transparent)]
    Lab(#[from] LabError),
    /// The change cannot be kept.
    #[error(transparent)]
    File(#[from] FileError),
    /// A part of the program ended badly.
    #[error("vbmcd failed: its log says more")]
    Broken,
}

/// What can be done about an address that cannot be bound.
fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "another program has it; choose another --port or --address",
        io::ErrorKind::AddrNotAvailable => "this host does not have the address; add it or choose another",
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 need the capability CAP_NET_BIND_SERVICE; choose a higher --port"
        }
        _ => "the system refuses it",
    }
}
