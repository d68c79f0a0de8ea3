//! Commands outside of a session.

use super::requests::request_header;
use super::tunnel::session_packet;
use crate::command::Command;
use crate::ipmb::{CompletionCode, RequestMessage, RequestSequence, ResponseMessage};
use crate::packet::v2_0::PayloadType;
use crate::packet::{rmcp, v1_5, v2_0};
use crate::session::DropReason;
use crate::wire::{Encode, Reader, WireError, Writer};

/// Longest message that is sent outside of a session: Get Session Challenge has 24 bytes.
const MAX_MESSAGE: usize = 64;

/// The message of a command, with the sequence number that its answer must have.
pub(super) fn with_message<C: Command, T>(
    sequence: RequestSequence,
    request: &C::Request,
    then: impl FnOnce(&RequestMessage<'_>) -> Result<T, WireError>,
) -> Result<T, WireError> {
    let mut data = [0; MAX_MESSAGE];
    let mut writer = Writer::new(&mut data);
    request.encode(&mut writer)?;
    let mut header = request_header(C::SPEC.netfn, C::SPEC.number);
    header.sequence = sequence;
    then(&RequestMessage {
        header,
        data: writer.written(),
    })
}

/// Writes a command in a packet of IPMI 1.5 that belongs to no session.
pub(super) fn write_v1_5<C: Command>(
    sequence: RequestSequence,
    request: &C::Request,
    writer: &mut Writer<'_>,
) -> Result<(), WireError> {
    with_message::<C, _>(sequence, request, |message| {
        let mut buffer = [0; MAX_MESSAGE];
        let mut plain = Writer::new(&mut buffer);
        message.write(&mut plain)?;
        let header = v1_5::Header {
            auth_type: 0,
            sequence: 0,
            session: 0,
        };
        rmcp::Header::IPMI.write(writer)?;
        v1_5::Packet {
            header,
            auth_code: None,
            message: plain.written(),
        }
        .write(writer)
    })
}

/// Writes a payload in a packet of IPMI 2.0 that belongs to no session.
pub(super) fn write_payload_v2_0(
    kind: PayloadType,
    writer: &mut Writer<'_>,
    write: impl FnOnce(&mut Writer<'_>) -> Result<(), WireError>,
) -> Result<(), WireError> {
    let mut buffer = [0; MAX_PAYLOAD];
    let mut payload = Writer::new(&mut buffer);
    write(&mut payload)?;
    rmcp::Header::IPMI.write(writer)?;
    let header = v2_0::Header {
        encrypted: false,
        authenticated: false,
        payload_type: kind,
        oem: None,
        session: 0,
        sequence: 0,
    };
    header.write(payload.len(), writer)?;
    writer.bytes(payload.written())
}

/// Longest payload that is sent outside of a session: RAKP 1 has up to 44 bytes, RAKP 3 up to 40.
const MAX_PAYLOAD: usize = 64;

/// The message of a datagram of IPMI 1.5 that belongs to no session.
pub(super) fn message_v1_5(datagram: &[u8]) -> Result<&[u8], DropReason> {
    let packet = v1_5::Packet::parse(session_packet(datagram)?).map_err(|_| DropReason::MalformedHeader)?;
    if packet.header.session != 0 {
        return Err(DropReason::UnknownSession);
    }
    Ok(packet.message)
}

/// The payload of a datagram of IPMI 2.0 that belongs to no session and is of one type.
pub(super) fn payload_v2_0(datagram: &[u8], kind: PayloadType) -> Result<&[u8], DropReason> {
    let packet = session_packet(datagram)?;
    let layout = v2_0::Layout::parse(packet).map_err(|_| DropReason::MalformedHeader)?;
    let header = layout.header;
    if header.session != 0 {
        return Err(DropReason::UnknownSession);
    }
    if header.payload_type != kind {
        return Err(DropReason::NotAwaited);
    }
    if header.encrypted || header.authenticated {
        return Err(DropReason::MalformedHandshake);
    }
    packet.get(layout.payload).ok_or(DropReason::MalformedHeader)
}

/// The answer to a command, if the message is one.
pub(super) fn response<C: Command>(
    sequence: RequestSequence,
    message: &[u8],
) -> Result<Result<C::Response, CompletionCode>, DropReason> {
    let response = ResponseMessage::parse(message).map_err(|_| DropReason::MalformedMessage)?;
    let mut expected = request_header(C::SPEC.netfn, C::SPEC.number);
    expected.sequence = sequence;
    if response.request != expected {
        return Err(DropReason::NotAwaited);
    }
    if !response.completion.is_ok() {
        return Ok(Err(response.completion));
    }
    let value = Reader::new(response.data).value();
    value.map(Ok).map_err(|_| DropReason::MalformedMessage)
}
