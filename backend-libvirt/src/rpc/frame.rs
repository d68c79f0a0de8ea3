//! Frames: a length, a header of six numbers, a body.

use tokio::io::{AsyncRead, AsyncReadExt};

use super::error::CloseReason;
use super::xdr::{Decode, Encode, Reader, XdrError};

/// Length and header.
const HEADER: usize = 28;
/// Largest frame that libvirt sends.
const LIMIT: usize = 32 * 1024 * 1024 + HEADER;
/// All programs have this version.
const VERSION: u32 = 1;

/// Which set of procedures a frame belongs to.
pub(crate) mod program {
    /// Every driver's procedures.
    pub(crate) const REMOTE: u32 = 0x2000_8086;
    /// Those of QEMU alone.
    pub(crate) const QEMU: u32 = 0x2000_8087;
    /// Whether the other side is still there.
    pub(crate) const KEEPALIVE: u32 = 0x6b65_6570;
}

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Call,
    Reply,
    /// An event, or part of the keepalive.
    Message,
    Stream,
    /// Something that was not asked for: file descriptors, holes.
    Other(u32),
}

/// How a call ended, or whether a stream goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Ok,
    Error,
    Continue,
}

/// The numbers before a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) program: u32,
    pub(crate) procedure: u32,
    pub(crate) kind: Kind,
    pub(crate) serial: u32,
    pub(crate) status: Status,
}

/// A frame that was received.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) header: Header,
    pub(crate) body: Vec<u8>,
}

impl Header {
    /// The header of a call.
    pub(crate) const fn call(program: u32, procedure: u32, serial: u32) -> Self {
        Self {
            program,
            procedure,
            kind: Kind::Call,
            serial,
            status: Status::Ok,
        }
    }

    /// The frame of this header; `None` if it would be larger than libvirt takes.
    pub(crate) fn frame(self, body: &[u8]) -> Option<Vec<u8>> {
        let length = HEADER + body.len();
        if length > LIMIT {
            return None;
        }
        let mut output = Vec::with_capacity(length);
        u32::try_from(length).ok()?.encode(&mut output);
        (self.program, VERSION, self.procedure).encode(&mut output);
        (u32::from(self.kind), self.serial, self.status as u32).encode(&mut output);
        output.extend_from_slice(body);
        Some(output)
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, XdrError> {
        let (program, _version, procedure) = <(u32, u32, u32)>::decode(input)?;
        let (kind, serial, status) = <(u32, u32, u32)>::decode(input)?;
        Ok(Self {
            program,
            procedure,
            kind: kind.into(),
            serial,
            status: match status {
                0 => Status::Ok,
                1 => Status::Error,
                2 => Status::Continue,
                other => return Err(XdrError::Value(other)),
            },
        })
    }
}

impl From<u32> for Kind {
    fn from(number: u32) -> Self {
        match number {
            0 => Self::Call,
            1 => Self::Reply,
            2 => Self::Message,
            3 => Self::Stream,
            other => Self::Other(other),
        }
    }
}

impl From<Kind> for u32 {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Call => 0,
            Kind::Reply => 1,
            Kind::Message => 2,
            Kind::Stream => 3,
            Kind::Other(number) => number,
        }
    }
}

/// Reads the next frame.
///
/// # Errors
/// Why there is none: the end, a broken connection, or something that is no frame.
pub(crate) async fn read(input: &mut (impl AsyncRead + Unpin)) -> Result<Frame, CloseReason> {
    let mut head = [0; HEADER];
    input.read_exact(&mut head).await.map_err(CloseReason::read)?;
    let mut reader = Reader::new(&head);
    let length = u32::decode(&mut reader).map_err(CloseReason::Malformed)?;
    let size = usize::try_from(length).unwrap_or(usize::MAX);
    if !(HEADER..=LIMIT).contains(&size) {
        return Err(CloseReason::Malformed(XdrError::Value(length)));
    }
    let header = Header::read(&mut reader).map_err(CloseReason::Malformed)?;
    let mut body = vec![0; size - HEADER];
    input.read_exact(&mut body).await.map_err(CloseReason::read)?;
    Ok(Frame { header, body })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn frames_come_back_as_they_were() {
        let header = Header::call(program::REMOTE, 60, 1);
        let bytes = header.frame(&[0, 0, 0, 10]).unwrap();
        // As virsh 9.0.0 sends it.
        let wire =
            hex_literal::hex!("00000020 20008086 00000001 0000003c 00000000 00000001 00000000 0000000a");
        assert_eq!(bytes, wire);
        let frame = read(&mut &bytes[..]).await.unwrap();
        assert_eq!((frame.header, &frame.body[..]), (header, &[0, 0, 0, 10][..]));
    }

    #[tokio::test]
    async fn nonsense_ends_the_connection() {
        for bytes in [&[0; HEADER][..], &[0xff; HEADER]] {
            let reason = read(&mut &bytes[..]).await.unwrap_err();
            assert!(matches!(reason, CloseReason::Malformed(_)), "{reason}");
        }
        assert!(matches!(
            read(&mut &[][..]).await.unwrap_err(),
            CloseReason::Ended
        ));
        assert!(Header::call(1, 1, 1).frame(&vec![0; LIMIT]).is_none());
    }
}
