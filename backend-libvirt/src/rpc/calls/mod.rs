//! The calls, one method each.

mod definition;
mod power;
mod query;
mod snapshot;

use core::time::Duration;
use std::sync::Arc;

use thiserror::Error;
use tokio::time::timeout;

pub use definition::XmlKind;
pub use query::StatisticsGroups;

use super::connection::{Connection, Use};
use super::error::{CloseReason, RpcError};
use super::event::{Event, EventId};
use super::frame::program;
use super::stream::Stream;
use super::transport::{Transport, TransportError};
use super::types::Domain;
use super::uri::Uri;
use super::xdr::{Decode, Encode};

/// What libvirt answers from its own memory.
const QUICK: Duration = Duration::from_secs(10);
/// What the hypervisor has to do.
const SLOW: Duration = Duration::from_secs(120);

/// Ways to log in that a daemon may ask for.
const AUTH_NONE: u32 = 0;
const AUTH_POLKIT: u32 = 2;
/// A feature: the daemon asks whether the client is there.
const FEATURE_KEEPALIVE: i32 = 10;

/// A connection to a libvirt daemon. Clones share it; it ends with the last one.
#[derive(Clone, Debug)]
pub struct Client {
    connection: Connection,
}

/// What the daemon tells. Ends with the connection.
#[derive(Debug)]
pub struct Events(super::connection::Events);

/// A connection that cannot be opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no way to the daemon.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// It did not let us in.
    #[error(
        "libvirt refuses this user: add it to the group `libvirt`, or give it the polkit action \
         org.libvirt.unix.manage"
    )]
    Refused(#[source] RpcError),
    /// The way to it ended before it was open.
    #[error("there is no way to libvirt, or it ends at once")]
    Lost(#[source] RpcError),
    /// It wants a login that this client does not have.
    #[error("libvirt wants a login with SASL, which this client does not have: use ssh or TLS instead")]
    Sasl,
    /// The daemon does not take the URI.
    #[error("libvirt cannot open {uri}")]
    Uri {
        /// The URI.
        uri: String,
        /// Why not.
        source: RpcError,
    },
    /// Opening took too long.
    #[error("libvirt did not answer within {} s", .0.as_secs())]
    Timeout(Duration),
}

impl OpenError {
    fn refused(error: RpcError) -> Self {
        match error {
            RpcError::Libvirt(_) => Self::Refused(error),
            error => Self::Lost(error),
        }
    }
}

impl Client {
    /// Connects for calls and events.
    ///
    /// # Errors
    /// [`OpenError`] says what the user can do.
    pub async fn open(uri: &Uri, limit: Duration) -> Result<(Self, Events), OpenError> {
        Self::open_for(uri, Use::Calls, limit).await
    }

    /// Connects for one console. What is not taken from its stream stays with libvirt.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_for_console(uri: &Uri, limit: Duration) -> Result<Self, OpenError> {
        let (client, _) = Self::open_for(uri, Use::Console, limit).await?;
        Ok(client)
    }

    async fn open_for(uri: &Uri, what_for: Use, limit: Duration) -> Result<(Self, Events), OpenError> {
        let open = async {
            let transport = Transport::connect(uri).await?;
            Self::greet(transport, uri, what_for).await
        };
        timeout(limit, open)
            .await
            .map_err(|_| OpenError::Timeout(limit))?
    }

    /// Logs in and opens the URI over a transport.
    pub(in crate::rpc) async fn greet(
        transport: Transport,
        uri: &Uri,
        what_for: Use,
    ) -> Result<(Self, Events), OpenError> {
        let (connection, events) = Connection::start(transport, what_for);
        let client = Self { connection };
        let (ways,): (Vec<u32>,) = client.call(66, (), QUICK).await.map_err(OpenError::refused)?;
        if !ways.contains(&AUTH_NONE) && !ways.is_empty() {
            if !ways.contains(&AUTH_POLKIT) {
                return Err(OpenError::Sasl);
            }
            let (_complete,): (i32,) = client.call(70, (), SLOW).await.map_err(OpenError::refused)?;
        }
        if what_for == Use::Calls {
            // Asking is what switches it on. A daemon without it is still one.
            let _: Result<(i32,), _> = client.call(60, (FEATURE_KEEPALIVE,), QUICK).await;
        }
        let name = uri.for_daemon();
        let opened = client.call(1, (Some(&*name), 0_u32), SLOW).await;
        let (): () = opened.map_err(|source| OpenError::Uri {
            uri: uri.to_string(),
            source,
        })?;
        Ok((client, Events(events)))
    }

    /// Subscribes to an event of all domains.
    ///
    /// # Errors
    /// [`RpcError`]; a driver or a daemon that lacks the event refuses it.
    pub async fn subscribe(&self, event: EventId) -> Result<(), RpcError> {
        let arguments = (event.0, None::<&Domain>);
        let (_subscription,): (i32,) = self.call(316, arguments, QUICK).await?;
        Ok(())
    }

    /// Asks to be told when libvirt itself loses the hypervisor; the connection then ends.
    ///
    /// # Errors
    /// [`RpcError`]; a daemon that lacks it refuses it.
    pub async fn subscribe_closing(&self) -> Result<(), RpcError> {
        self.call(360, (), QUICK).await
    }

    /// Opens the first serial console of a domain. `force` takes it from whoever has it.
    ///
    /// # Errors
    /// [`RpcError`]: somebody has it, the domain is off, it has none.
    pub async fn open_console(&self, domain: &Domain, force: bool) -> Result<Stream, RpcError> {
        let arguments = (domain, None::<&str>, u32::from(force));
        self.connection.open_stream(201, arguments, QUICK).await
    }

    /// Waits for the end of the connection.
    pub async fn closed(&self) -> Arc<CloseReason> {
        self.connection.closed().await
    }

    async fn call<R: Decode>(
        &self,
        procedure: u32,
        arguments: impl Encode + Send,
        limit: Duration,
    ) -> Result<R, RpcError> {
        self.connection
            .call((program::REMOTE, procedure), arguments, limit)
            .await
    }
}

impl Events {
    /// Waits for the next event; `None` after the end of the connection.
    pub async fn next(&mut self) -> Option<Event> {
        self.0.next().await
    }

    /// Whether events were lost since this was asked last, because they were not taken in time.
    #[must_use]
    pub fn were_lost(&self) -> bool {
        self.0.were_lost()
    }
}
