//! Everything that reads bytes without a session: what is read and written again must read as the same.

use ipmi_proto::command::{self, Recode};
use ipmi_proto::ipmb::{RequestMessage, ResponseMessage};
use ipmi_proto::packet::open_session::{OpenSessionRequest, OpenSessionResponse};
use ipmi_proto::packet::rakp::{Rakp1, Rakp2, Rakp3, Rakp4, Reply};
use ipmi_proto::packet::{Format, asf, rmcp, v1_5, v2_0};
use ipmi_proto::pet::PlatformEventTrap;
use ipmi_proto::wire::{WireError, Writer};

use crate::input::Input;

/// What `write` writes.
fn written(write: impl FnOnce(&mut Writer<'_>) -> Result<(), WireError>) -> Vec<u8> {
    let mut buffer = vec![0xa5; 70_000];
    let mut writer = Writer::new(&mut buffer);
    write(&mut writer).expect("what was read can be written");
    writer.written().to_vec()
}

/// RMCP, ASF and the session packets; traps.
pub fn datagram(data: &[u8]) {
    if let Ok(trap) = PlatformEventTrap::parse(data) {
        let again = written(|writer| trap.write(writer));
        assert_eq!(PlatformEventTrap::parse(&again), Ok(trap));
        return;
    }
    let Ok(header) = rmcp::Header::parse(data) else {
        return;
    };
    let again = written(|writer| header.write(writer));
    assert_eq!(rmcp::Header::parse(&again), Ok(header));
    let _ = rmcp::acknowledge(data);
    let Some(packet) = data.get(rmcp::HEADER_LENGTH..) else {
        return;
    };
    if let Ok(ping) = asf::Ping::parse(packet) {
        let _ = ping.answer();
    }
    match Format::of(packet) {
        Some(Format::V1_5) => {
            if let Ok(parsed) = v1_5::Packet::parse(packet)
                && (parsed.header.auth_type != 0) == parsed.auth_code.is_some()
            {
                let again = written(|writer| parsed.write(writer));
                assert_eq!(v1_5::Packet::parse(&again), Ok(parsed));
            }
        }
        Some(Format::V2_0) => {
            let Ok(layout) = v2_0::Layout::parse(packet) else {
                return;
            };
            let payload = &packet[layout.payload.clone()];
            let again = written(|writer| {
                layout.header.write(payload.len(), writer)?;
                writer.bytes(payload)
            });
            assert_eq!(v2_0::Layout::parse(&again).as_ref(), Ok(&layout));
            for code_length in [0, 12, 16] {
                if let Ok((covered, code)) = layout.trailer(packet, code_length) {
                    assert_eq!(code.len(), code_length);
                    assert_eq!(covered.len() + code.len(), packet.len());
                    assert!(covered.len() >= layout.payload.end + 2);
                }
            }
        }
        None => {}
    }
}

/// Open Session and RAKP.
pub fn handshake(data: &[u8]) {
    let Some((kind, payload)) = data.split_first() else {
        return;
    };
    match kind % 6 {
        0 => {
            if let Ok(message) = OpenSessionRequest::parse(payload) {
                let again = written(|writer| message.write(writer));
                assert_eq!(OpenSessionRequest::parse(&again), Ok(message));
            }
        }
        1 => {
            if let Ok(message) = OpenSessionResponse::parse(payload) {
                let again = written(|writer| message.write(writer));
                assert_eq!(OpenSessionResponse::parse(&again), Ok(message));
            }
        }
        2 => {
            let _ = Rakp1::identify(payload);
            if let Ok(message) = Rakp1::parse(payload)
                && usize::from(message.name_length) == message.name.len()
            {
                let again = written(|writer| message.write(writer));
                assert_eq!(Rakp1::parse(&again), Ok(message));
            }
        }
        3 => {
            if let Ok(message) = Reply::<Rakp2<'_>>::parse(payload) {
                let again = written(|writer| message.write(writer));
                assert_eq!(Reply::<Rakp2<'_>>::parse(&again), Ok(message));
            }
        }
        4 => {
            if let Ok(message) = Rakp3::parse(payload) {
                let again = written(|writer| message.write(writer));
                assert_eq!(Rakp3::parse(&again), Ok(message));
            }
        }
        _ => {
            if let Ok(message) = Reply::<Rakp4<'_>>::parse(payload) {
                let again = written(|writer| message.write(writer));
                assert_eq!(Reply::<Rakp4<'_>>::parse(&again), Ok(message));
            }
        }
    }
}

/// The messages of IPMI on the LAN. The fuzzer cannot guess checksums, so they are put right first.
pub fn message(data: &[u8]) {
    let _ = RequestMessage::parse(data);
    let _ = ResponseMessage::parse(data);
    let mut data = data.to_vec();
    if data.len() >= 7 {
        let sum = ipmi_proto::wire::checksum(&data[..2]);
        data[2] = sum;
        let last = data.len() - 1;
        data[last] = ipmi_proto::wire::checksum(&data[3..last]);
    }
    if let Ok(message) = RequestMessage::parse(&data) {
        assert_eq!(written(|writer| message.write(writer)), data);
    }
    if let Ok(message) = ResponseMessage::parse(&data) {
        assert_eq!(written(|writer| message.write(writer)), data);
    }
}

/// Reads and writes twice: from the first time on, nothing changes any more.
fn recode(name: &str, recode: Recode, data: &[u8]) {
    let mut first = vec![0xa5; 4_096];
    let Ok(length) = recode(data, &mut first) else {
        return;
    };
    let first = &first[..length];
    let mut second = vec![0x5a; 4_096];
    let again = recode(first, &mut second);
    assert_eq!(again.map(|length| &second[..length]), Ok(first), "{name}");
    // Into a buffer that is too small nothing is written past the end, and nothing panics.
    for length in [0, length / 2, length.saturating_sub(1)] {
        let _ = recode(data, &mut second[..length]);
    }
}

/// The request of each command of the table.
pub fn command_request(data: &[u8]) {
    let mut input = Input::new(data);
    let index = usize::from(input.word()) % command::all().count();
    if let Some(spec) = command::all().nth(index) {
        recode(spec.name, spec.recode_request, input.rest());
    }
}

/// The response of each command of the table.
pub fn command_response(data: &[u8]) {
    let mut input = Input::new(data);
    let index = usize::from(input.word()) % command::all().count();
    if let Some(spec) = command::all().nth(index) {
        recode(spec.name, spec.recode_response, input.rest());
    }
}
