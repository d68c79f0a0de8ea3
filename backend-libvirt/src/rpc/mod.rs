//! libvirt's remote procedure calls, without libvirt: the calls, streams and events that a BMC needs.
//!
//! A [`Client`] is one connection. Many calls may wait at once; one that gets no answer fails at its deadline,
//! and all fail at once when the connection is lost. Whoever wants a new connection opens one.

mod calls;
mod connection;
mod error;
mod event;
mod frame;
mod stream;
#[cfg(test)]
mod tests;
mod transport;
mod types;
mod uri;
mod xdr;

pub use calls::{Client, Events, OpenError, StatisticsGroups, XmlKind};
pub use error::{CloseReason, ErrorCode, LibvirtError, RpcError};
pub use event::{Event, EventId, Lifecycle};
pub use stream::Stream;
pub use transport::TransportError;
pub use types::{Domain, DomainState, DomainStatistics, Snapshot, Uuid, Value};
pub use uri::{Uri, UriError};
pub use xdr::XdrError;
