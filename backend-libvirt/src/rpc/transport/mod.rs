//! How bytes get to libvirt and back.

mod unix;

use core::fmt;
use core::pin::Pin;

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};

use super::uri::{Remote, Uri};

/// Bytes in both directions.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send {}

impl<T: AsyncRead + AsyncWrite + Send> Duplex for T {}

/// An open transport.
pub(crate) struct Transport {
    pub(super) stream: Pin<Box<dyn Duplex>>,
}

/// Why libvirt cannot be reached.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TransportError {
    /// No socket of libvirt answers.
    #[error(
        "no libvirt answers at {path}: start it (libvirtd or virtqemud), and see that this user may use the socket \
         (group `libvirt`)"
    )]
    Unix {
        /// The last socket that was tried.
        path: String,
        /// Why not.
        source: std::io::Error,
    },
}

impl Transport {
    /// Connects.
    ///
    /// # Errors
    /// [`TransportError`].
    pub(crate) async fn connect(uri: &Uri) -> Result<Self, TransportError> {
        match uri.remote() {
            Remote::Unix { socket } => unix::connect(uri, socket.as_deref()).await,
        }
    }

    /// A transport over anything that carries bytes.
    pub(crate) fn new(stream: impl Duplex + 'static) -> Self {
        Self {
            stream: Box::pin(stream),
        }
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").finish_non_exhaustive()
    }
}
