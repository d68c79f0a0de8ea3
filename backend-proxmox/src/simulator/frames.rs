//! WebSocket frames as pveproxy takes them: masked, whole, of at most 128 KiB; anything else ends the connection.

use std::io::Cursor;

use hyper::body::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

/// Bytes that a frame of a client may have.
const FRAME: u64 = 128 * 1024;

/// The server's end of a WebSocket.
pub(super) struct Frames<S> {
    stream: S,
    buffer: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Frames<S> {
    pub(super) fn new(stream: S) -> Self {
        Self {
            stream,
            buffer: Vec::new(),
        }
    }

    /// The payload of the next text or binary frame; pings are answered. `None`: the connection is over, or must end.
    ///
    /// May be dropped and called again: nothing that was read is lost.
    pub(super) async fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            match self.take()? {
                Some((OpCode::Data(Data::Text | Data::Binary), payload)) => return Some(payload),
                Some((OpCode::Control(Control::Ping), payload)) => {
                    self.write(OpCode::Control(Control::Pong), &payload).await?
                }
                Some((OpCode::Control(Control::Pong), _)) => {}
                Some(_) => return None,
                None => {
                    let count = self.stream.read_buf(&mut self.buffer).await.ok()?;
                    if count == 0 {
                        return None;
                    }
                }
            }
        }
    }

    /// A whole frame from the buffer: outer `None`: one that is not taken; inner `None`: not yet whole.
    fn take(&mut self) -> Option<Option<(OpCode, Vec<u8>)>> {
        let mut cursor = Cursor::new(self.buffer.as_slice());
        let Some((header, length)) = FrameHeader::parse(&mut cursor).ok()? else {
            return Some(None);
        };
        let mask = header.mask?;
        if !header.is_final || header.rsv1 || header.rsv2 || header.rsv3 || length > FRAME {
            return None;
        }
        let start = usize::try_from(cursor.position()).ok()?;
        let end = start.checked_add(usize::try_from(length).ok()?)?;
        let Some(payload) = self.buffer.get(start..end) else {
            return Some(None);
        };
        let payload = payload
            .iter()
            .zip(mask.iter().cycle())
            .map(|(byte, mask)| byte ^ mask)
            .collect();
        self.buffer.drain(..end);
        Some(Some((header.opcode, payload)))
    }

    /// Sends bytes in a binary frame. `None`: the connection is over.
    pub(super) async fn send(&mut self, payload: &[u8]) -> Option<()> {
        self.write(OpCode::Data(Data::Binary), payload).await
    }

    async fn write(&mut self, opcode: OpCode, payload: &[u8]) -> Option<()> {
        let header = FrameHeader {
            opcode,
            ..FrameHeader::default()
        };
        let mut frame = Vec::with_capacity(payload.len() + 10);
        header
            .format(u64::try_from(payload.len()).ok()?, &mut frame)
            .ok()?;
        frame.extend_from_slice(payload);
        self.stream.write_all(&Bytes::from(frame)).await.ok()?;
        self.stream.flush().await.ok()
    }
}
