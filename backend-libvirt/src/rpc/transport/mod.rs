//! How bytes get to libvirt and back.

mod ssh;
mod unix;

use core::fmt;
use core::pin::Pin;
use core::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::error::CloseReason;
use super::uri::{Remote, Uri};

/// Until a program that ended has said why.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Bytes in both directions.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send {}

impl<T: AsyncRead + AsyncWrite + Send> Duplex for T {}

/// An open transport.
pub(crate) struct Transport {
    pub(super) stream: Pin<Box<dyn Duplex>>,
    /// The last thing that the program said that carries the bytes.
    said: Option<JoinHandle<String>>,
    /// The program that carries the bytes.
    child: Option<tokio::process::Child>,
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
    /// The program that carries the bytes cannot be run.
    #[error("cannot run {program}: install it, or name another one with `?command=` in the URI")]
    Program {
        /// Its name.
        program: String,
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
            Remote::Ssh(ssh) => ssh::connect(uri, ssh),
        }
    }

    /// A transport over anything that carries bytes.
    pub(crate) fn new(stream: impl Duplex + 'static) -> Self {
        Self {
            stream: Box::pin(stream),
            said: None,
            child: None,
        }
    }

    /// Splits it into the bytes and what is known about their end.
    pub(super) fn split(self) -> (Pin<Box<dyn Duplex>>, Carrier) {
        let carrier = Carrier {
            said: self.said,
            _child: self.child,
        };
        (self.stream, carrier)
    }
}

/// The program that carries the bytes; ends with this value.
pub(super) struct Carrier {
    said: Option<JoinHandle<String>>,
    _child: Option<tokio::process::Child>,
}

impl Carrier {
    /// Why the connection ended, in the words of the program that carried it if it said something.
    pub(super) async fn explain(self, reason: CloseReason) -> CloseReason {
        if !matches!(reason, CloseReason::Ended | CloseReason::Io(_)) {
            return reason;
        }
        let Some(said) = self.said else { return reason };
        match timeout(LAST_WORDS, said).await {
            Ok(Ok(said)) if !said.is_empty() => CloseReason::Carrier(said),
            _ => reason,
        }
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").finish_non_exhaustive()
    }
}
