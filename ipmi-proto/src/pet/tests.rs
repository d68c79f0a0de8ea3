//! Known answers, and what is not a trap.

use alloc::vec::Vec;

use super::*;
use crate::command::Guid;
use crate::command::sensor_event::pef_parameter::EventSeverity;
use crate::record::{Entity, EntityId};
use crate::wire::Bytes;

/// Net-SNMP 5.9.3: `snmptrap -v 1 -c public HOST 1.3.6.1.4.1.3183.1.1 192.0.2.1 6 65927 123456
/// 1.3.6.1.4.1.3183.1.1.1 x 3322...c1`.
const OF_NET_SNMP: [u8; 116] = hex_literal::hex!(
    "3072 020100 0406 7075626c6963 a465 0609 2b06010401986f0101 4004 c0000201 020106 0203 010187 4303 01e240
     3045 3043 060a 2b06010401986f010101 0435
     33221100554477668899aabbccddeeff 0102 36a1b2c3 ffff 20 20 10 20 30 0301 57beb40000000000 19 0000a2b8 1234
     c5 48656c6c6f c1"
);

fn trap() -> PlatformEventTrap<'static> {
    PlatformEventTrap {
        community: b"public",
        agent: Ipv4Addr::new(192, 0, 2, 1),
        event: SpecificTrap {
            sensor_type: SensorType::TEMPERATURE,
            kind: EventKind {
                deasserted: true,
                event_type: EventType::THRESHOLD,
            },
            offset: 7,
        },
        uptime: 123_456,
        variable: TrapVariable {
            guid: Guid::from_uuid(hex_literal::hex!("33221100 5544 7766 8899 aabbccddeeff")),
            sequence: 0x0102,
            timestamp: 0x36a1_b2c3,
            utc_offset: None,
            trap_source: SOURCE_IPMI,
            event_source: SOURCE_IPMI,
            severity: EventSeverity::CRITICAL,
            sensor_device: 0x20,
            sensor_number: 0x30,
            entity: Entity::new(EntityId::PROCESSOR, 1),
            event_data: [0x57, 0xbe, 0xb4, 0, 0, 0, 0, 0],
            language: 25,
            manufacturer: 0xa2b8,
            system: 0x1234,
            oem: text_field(b"Hello"),
        },
    }
}

fn written(trap: &PlatformEventTrap<'_>) -> Vec<u8> {
    let mut buffer = [0xa5; 300];
    let mut writer = Writer::new(&mut buffer);
    trap.write(&mut writer).unwrap();
    writer.written().to_vec()
}

#[test]
fn a_trap_of_net_snmp_is_read() {
    assert_eq!(PlatformEventTrap::parse(&OF_NET_SNMP), Ok(trap()));
}

#[test]
fn what_is_written_differs_from_net_snmp_in_the_form_of_lengths_alone() {
    let bytes = written(&trap());
    // Four lengths in three bytes instead of one.
    assert_eq!(bytes.len(), OF_NET_SNMP.len() + 4 * 2);
    assert_eq!(bytes[..7], [0x30, 0x82, 0x00, 0x78, 0x02, 0x01, 0x00]);
    assert_eq!(bytes[bytes.len() - 55..], OF_NET_SNMP[OF_NET_SNMP.len() - 55..]);
    assert_eq!(PlatformEventTrap::parse(&bytes), Ok(trap()));
}

#[test]
fn every_number_survives() {
    let mut trap = trap();
    for number in [
        0,
        1,
        0x7f,
        0x80,
        0xff,
        0x100,
        0x7fff,
        0x8000,
        0x7fff_ffff,
        0x8000_0000,
        u32::MAX,
    ] {
        trap.uptime = number;
        trap.event = SpecificTrap::from_number(number);
        assert_eq!(
            PlatformEventTrap::parse(&written(&trap)),
            Ok(trap.clone()),
            "{number:#x}"
        );
    }
    trap.variable.utc_offset = Some(-480);
    trap.variable.oem = Bytes::new();
    let bytes = written(&trap);
    assert_eq!(bytes[bytes.len() - 48 + 23..][..2], [0xfe, 0x20]);
    assert_eq!(PlatformEventTrap::parse(&bytes), Ok(trap));
}

#[test]
fn the_number_of_a_trap() {
    // ipmitool 1.8.19 `event 1`.
    let event = EventMessage::assertion(SensorType::TEMPERATURE, 0x30, EventType::THRESHOLD, 9);
    assert_eq!(SpecificTrap::from(&event).number(), 0x01_01_09);
    assert_eq!(trap().event.number(), 65_927);
    assert_eq!(SpecificTrap::UNSPECIFIED.number(), 0x0f);
}

#[test]
fn texts_are_fields_of_two_to_62_characters() {
    assert_eq!(text_field(b"Hi").as_slice(), b"\xc2Hi");
    assert_eq!(text_field(b"!").as_slice(), b"\xc2! ");
    let long = text_field(&[b'x'; 80]);
    assert_eq!((long.len(), long.as_slice()[0]), (63, 0xc0 | 62));
    let mut trap = trap();
    trap.variable.oem = long;
    assert_eq!(PlatformEventTrap::parse(&written(&trap)), Ok(trap));
}

#[test]
fn the_acknowledgement_names_the_trap() {
    let acknowledgement = trap().variable.acknowledgement();
    let mut buffer = [0; 12];
    let mut writer = Writer::new(&mut buffer);
    writer.value(&acknowledgement).unwrap();
    assert_eq!(
        writer.written(),
        hex_literal::hex!("0201 c3b2a136 20 20 30 57beb4")
    );
}

#[test]
fn timestamps_begin_in_1998() {
    assert_eq!(timestamp_from_unix(883_612_800 + 5), 5);
    assert_eq!(timestamp_from_unix(1_000), 0);
}

#[test]
fn what_is_not_a_trap_is_refused() {
    let bytes = written(&trap());
    for length in 0..bytes.len() {
        assert!(PlatformEventTrap::parse(&bytes[..length]).is_err(), "{length}");
    }
    // Version, tag of the PDU, enterprise, generic trap, name of the variable.
    for position in [6, 15, 24, 40, 69] {
        let mut changed = bytes.clone();
        changed[position] ^= 0x05;
        assert!(PlatformEventTrap::parse(&changed).is_err(), "{position}");
    }
    let behind = [&bytes[..], &[0]].concat();
    assert_eq!(PlatformEventTrap::parse(&behind), Err(WireError::Trailing));
    // A length without an end, and one that no machine has room for.
    assert!(PlatformEventTrap::parse(&[0x30, 0x80, 0, 0]).is_err());
    assert!(PlatformEventTrap::parse(&[0x30, 0x85, 1, 0, 0, 0, 0, 2]).is_err());
}

#[test]
fn nothing_is_written_into_a_buffer_that_is_too_small() {
    let length = written(&trap()).len();
    for room in 0..length {
        let mut buffer = [0; 200];
        let result = trap().write(&mut Writer::new(&mut buffer[..room]));
        assert_eq!(result, Err(WireError::BufferTooSmall), "{room}");
    }
}

#[test]
fn the_community_is_not_shown() {
    let shown = std::format!("{:?}", trap());
    assert!(
        !shown.contains("public") && !shown.contains("112, 117"),
        "{shown}"
    );
}
