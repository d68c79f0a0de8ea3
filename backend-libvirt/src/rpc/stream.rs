//! A stream of bytes in both directions, such as a serial console.

use bytes::Bytes;
use tokio::sync::mpsc;

use super::connection::Connection;
use super::error::RpcError;
use super::frame::{Header, Kind, Status, program};

/// Chunks that wait for being taken, before the connection stops reading. A chunk has at most 256 KiB.
const CHUNKS: usize = 8;
/// Largest piece that is sent at once.
const PIECE: usize = 16 * 1024;

/// What came on a stream.
#[derive(Debug)]
pub(super) enum Chunk {
    Data(Bytes),
    End,
    Failed(RpcError),
}

/// An open stream. Dropping it closes it, at the latest with its connection.
#[derive(Debug)]
pub struct Stream {
    connection: Connection,
    procedure: u32,
    serial: u32,
    chunks: mpsc::Receiver<Chunk>,
}

impl Stream {
    pub(super) fn channel() -> (mpsc::Sender<Chunk>, mpsc::Receiver<Chunk>) {
        mpsc::channel(CHUNKS)
    }

    pub(super) const fn new(
        connection: Connection,
        procedure: u32,
        serial: u32,
        chunks: mpsc::Receiver<Chunk>,
    ) -> Self {
        Self {
            connection,
            procedure,
            serial,
            chunks,
        }
    }

    /// Waits for bytes; `None` at the end. Cancel-safe.
    ///
    /// # Errors
    /// [`RpcError`] if libvirt ended the stream with an error, or the connection is lost.
    pub async fn next(&mut self) -> Result<Option<Bytes>, RpcError> {
        match self.chunks.recv().await {
            Some(Chunk::Data(bytes)) => Ok(Some(bytes)),
            Some(Chunk::End) => Ok(None),
            Some(Chunk::Failed(error)) => Err(error),
            // The connection is gone, and libvirt's side of the stream with it.
            None => Err(RpcError::Closed(self.connection.closed().await)),
        }
    }

    /// Sends bytes; waits while libvirt takes none. Says how many were sent, at least one.
    ///
    /// # Errors
    /// [`RpcError`] if the connection is lost.
    pub async fn send(&self, bytes: &[u8]) -> Result<usize, RpcError> {
        let piece = bytes.get(..PIECE).unwrap_or(bytes);
        if !piece.is_empty() {
            self.connection.send(self.header(Status::Continue), piece).await?;
        }
        Ok(piece.len())
    }

    const fn header(&self, status: Status) -> Header {
        Header {
            program: program::REMOTE,
            procedure: self.procedure,
            kind: Kind::Stream,
            serial: self.serial,
            status,
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.connection.forget_stream(self.serial);
    }
}
