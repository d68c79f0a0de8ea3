//! Framing of a message on the LAN (IPMI 2.0 §13.8): addresses, sequence, command and two checksums.

use super::{CompletionCode, NetFn};
use crate::wire::{Reader, WireError, Writer, checksum};

/// The slave address of a BMC.
pub const BMC_ADDRESS: u8 = 0x20;
/// The software identifier that consoles use as their address.
pub const CONSOLE_SOFTWARE_ID: u8 = 0x81;
/// Bytes of a request around its data: two addresses, two checksums, sequence and command.
pub const MESSAGE_OVERHEAD: usize = 7;
/// The most data that a message carries here. One datagram with session header, padding and integrity
/// trailer stays below the 1,280 bytes that every IPv6 path carries; no command needs more than 300.
pub const MAX_MESSAGE_DATA: usize = 1_024;

/// A logical unit number, 2 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Lun(u8);

impl Lun {
    /// The unit of the BMC's own commands.
    pub const BMC: Self = Self(0);

    /// The low two bits of `bits`.
    #[must_use]
    pub const fn new(bits: u8) -> Self {
        Self(bits & 0b11)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// The sequence number with which a requester finds its answer, 6 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RequestSequence(u8);

impl RequestSequence {
    /// The low six bits of `bits`.
    #[must_use]
    pub const fn new(bits: u8) -> Self {
        Self(bits & 0x3f)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    /// The number after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self::new(self.0 + 1)
    }
}

/// Why bytes are not a message for us. They are dropped, never answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// Too short for the fixed fields.
    #[error("the message is shorter than its fixed fields")]
    Truncated,
    /// One of the two checksums is wrong.
    #[error("a checksum of the message is wrong")]
    Checksum,
    /// A response where a request was expected, or the other way round.
    #[error("the message goes in the wrong direction")]
    Direction,
}

/// Everything of a request but its data: what a response repeats and what a retry has in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestHeader {
    /// Address of the responder; [`BMC_ADDRESS`] for us.
    pub responder: u8,
    /// Network function, even.
    pub netfn: NetFn,
    /// Unit at the responder.
    pub responder_lun: Lun,
    /// Address of the requester, echoed and otherwise not looked at.
    pub requester: u8,
    /// Unit at the requester.
    pub requester_lun: Lun,
    /// The requester's sequence number.
    pub sequence: RequestSequence,
    /// Command number.
    pub command: u8,
}

/// A request on the LAN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestMessage<'a> {
    /// Addresses, sequence and command.
    pub header: RequestHeader,
    /// Data of the command.
    pub data: &'a [u8],
}

/// Both parts of a message, checksums verified: responder's side address, function and unit; the rest.
struct Frame<'a> {
    first_address: u8,
    netfn: NetFn,
    first_lun: Lun,
    second_address: u8,
    sequence: RequestSequence,
    second_lun: Lun,
    command: u8,
    data: &'a [u8],
}

impl<'a> Frame<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, MessageError> {
        let mut reader = Reader::new(bytes);
        let mut parse = || {
            let head = reader.array::<3>()?;
            let tail = reader.rest();
            Ok::<_, WireError>((head, tail))
        };
        let (head, tail) = parse().map_err(|_| MessageError::Truncated)?;
        let ([second_address, sequence_lun, command, data @ .., _checksum], [first_address, netfn_lun, _]) =
            (tail, head)
        else {
            return Err(MessageError::Truncated);
        };
        if checksum(&head) != 0 || checksum(tail) != 0 {
            return Err(MessageError::Checksum);
        }
        Ok(Self {
            first_address,
            netfn: NetFn(netfn_lun >> 2),
            first_lun: Lun::new(netfn_lun),
            second_address: *second_address,
            sequence: RequestSequence::new(sequence_lun >> 2),
            second_lun: Lun::new(*sequence_lun),
            command: *command,
            data,
        })
    }

    fn write(&self, completion: Option<CompletionCode>, writer: &mut Writer<'_>) -> Result<(), WireError> {
        let head = [self.first_address, self.netfn.0 << 2 | self.first_lun.get()];
        writer.bytes(&head)?;
        writer.u8(checksum(&head))?;
        let middle = [
            self.second_address,
            self.sequence.get() << 2 | self.second_lun.get(),
            self.command,
        ];
        writer.bytes(&middle)?;
        let code = completion.map(|code| [code.0]);
        let code = code.as_ref().map_or(&[][..], |code| &code[..]);
        writer.bytes(code)?;
        writer.bytes(self.data)?;
        let sum = checksum(&middle)
            .wrapping_add(checksum(code))
            .wrapping_add(checksum(self.data));
        writer.u8(sum)
    }
}

impl<'a> RequestMessage<'a> {
    /// Reads a request.
    ///
    /// # Errors
    /// [`MessageError`] if it is too short, a checksum is wrong or it is a response.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, MessageError> {
        let frame = Frame::parse(bytes)?;
        if !frame.netfn.is_request() {
            return Err(MessageError::Direction);
        }
        let header = RequestHeader {
            responder: frame.first_address,
            netfn: frame.netfn,
            responder_lun: frame.first_lun,
            requester: frame.second_address,
            requester_lun: frame.second_lun,
            sequence: frame.sequence,
            command: frame.command,
        };
        Ok(Self {
            header,
            data: frame.data,
        })
    }

    /// Writes the request with its checksums.
    ///
    /// # Errors
    /// [`WireError::BufferTooSmall`] if it does not fit.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        let header = &self.header;
        let frame = Frame {
            first_address: header.responder,
            netfn: header.netfn,
            first_lun: header.responder_lun,
            second_address: header.requester,
            sequence: header.sequence,
            second_lun: header.requester_lun,
            command: header.command,
            data: self.data,
        };
        frame.write(None, writer)
    }
}

/// A response on the LAN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseMessage<'a> {
    /// Header of the request that is answered.
    pub request: RequestHeader,
    /// How the command ended.
    pub completion: CompletionCode,
    /// Data after the completion code.
    pub data: &'a [u8],
}

impl<'a> ResponseMessage<'a> {
    /// Reads a response. The addresses are turned back into those of the request.
    ///
    /// # Errors
    /// [`MessageError`] if it is too short, a checksum is wrong or it is a request.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, MessageError> {
        let frame = Frame::parse(bytes)?;
        if frame.netfn.is_request() {
            return Err(MessageError::Direction);
        }
        let (completion, data) = frame.data.split_first().ok_or(MessageError::Truncated)?;
        let request = RequestHeader {
            responder: frame.second_address,
            netfn: frame.netfn.request(),
            responder_lun: frame.second_lun,
            requester: frame.first_address,
            requester_lun: frame.first_lun,
            sequence: frame.sequence,
            command: frame.command,
        };
        Ok(Self {
            request,
            completion: CompletionCode(*completion),
            data,
        })
    }

    /// Writes the response with its checksums.
    ///
    /// # Errors
    /// [`WireError::BufferTooSmall`] if it does not fit.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), WireError> {
        let request = &self.request;
        let frame = Frame {
            first_address: request.requester,
            netfn: request.netfn.response(),
            first_lun: request.requester_lun,
            second_address: request.responder,
            sequence: request.sequence,
            second_lun: request.responder_lun,
            command: request.command,
            data: self.data,
        };
        frame.write(Some(self.completion), writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Get Device ID as ipmitool 1.8.19 sends it.
    const REQUEST: [u8; 7] = [0x20, 0x18, 0xc8, 0x81, 0x04, 0x01, 0x7a];

    #[test]
    fn request_is_read_and_written() {
        let message = RequestMessage::parse(&REQUEST).unwrap();
        assert_eq!(message.header.netfn, NetFn::APP);
        assert_eq!(message.header.command, 0x01);
        assert_eq!(message.header.sequence.get(), 1);
        let mut buffer = [0xa5; 16];
        let mut writer = Writer::new(&mut buffer);
        message.write(&mut writer).unwrap();
        assert_eq!(writer.written(), REQUEST);
    }

    #[test]
    fn every_truncation_and_every_flipped_bit_is_refused() {
        for length in 0..REQUEST.len() {
            assert!(
                RequestMessage::parse(&REQUEST[..length]).is_err(),
                "{length} bytes"
            );
        }
        for bit in 0..REQUEST.len() * 8 {
            let mut bytes = REQUEST;
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(
                RequestMessage::parse(&bytes),
                Err(MessageError::Checksum),
                "bit {bit}"
            );
        }
    }

    #[test]
    fn response_swaps_the_addresses() {
        let request = RequestMessage::parse(&REQUEST).unwrap().header;
        let response = ResponseMessage {
            request,
            completion: CompletionCode::INSUFFICIENT_PRIVILEGE,
            data: &[1, 2],
        };
        let mut buffer = [0xa5; 16];
        let mut writer = Writer::new(&mut buffer);
        response.write(&mut writer).unwrap();
        assert_eq!(writer.written()[..6], [0x81, 0x1c, 0x63, 0x20, 0x04, 0x01]);
        assert_eq!(ResponseMessage::parse(writer.written()), Ok(response));
        assert_eq!(
            RequestMessage::parse(writer.written()),
            Err(MessageError::Direction)
        );
    }
}
