//! Known answers, round trips and cuts of sensor data records.

use super::*;
use crate::command::app::device::DeviceSupport;
use crate::record::{Entity, EntityId, EventType, SensorType, ThresholdMask, Thresholds};
use alloc::vec::Vec;
use hex_literal::hex;
use proptest::prelude::*;

fn encode(record: &SdrRecord) -> Vec<u8> {
    let mut buffer = [0xa5; MAX_RECORD_LENGTH];
    let mut writer = Writer::new(&mut buffer);
    writer.value(record).unwrap();
    writer.written().to_vec()
}

fn full() -> SdrRecord {
    let upper = ThresholdMask {
        upper_non_recoverable: true,
        upper_critical: true,
        upper_non_critical: true,
        ..ThresholdMask::default()
    };
    SdrRecord {
        id: RecordId(1),
        body: SdrBody::Full(FullSensor {
            key: SensorKey::of_bmc(3),
            entity: Entity::new(EntityId::PROCESSOR, 1),
            initialization: SensorInitialization::from_word(0x7f),
            capabilities: SensorCapabilities {
                auto_rearm: true,
                hysteresis: SensorAccess::SETTABLE,
                thresholds: SensorAccess::SETTABLE,
                ..SensorCapabilities::default()
            },
            sensor_type: SensorType::PROCESSOR,
            event_type: EventType::THRESHOLD,
            masks: SensorMasks::of_states(
                0x0a80,
                0x0a80,
                SensorMasks::of_thresholds(0, 0, upper, upper).reading,
            ),
            units: SensorUnits::PERCENT,
            factors: Factors::IDENTITY,
            maximum: 100,
            thresholds: Thresholds {
                upper_non_critical: 90,
                upper_critical: 95,
                upper_non_recoverable: 100,
                ..Thresholds::default()
            },
            positive_hysteresis: 2,
            negative_hysteresis: 2,
            name: IdString::from_text("CPU Load"),
            ..FullSensor::default()
        }),
    }
}

/// `ipmitool sdr elist all` and `ipmi-sensors` show these five, served by OpenIPMI's ipmi_sim, as
/// CPU Load 42 percent, Power Unit "Power off/down", OS Stop event-only, FRU 0 logical and a dynamic BMC at 20h.
const FULL: &[u8] = &hex!(
    "0100 51 01 33 200003 0301 7f 68 07 01 800a 800a 3838 01 00 00 00 01 00 00 00 00 00 00 00 00 00 64 00"
    "64 5f 5a 00 00 00 02 02 0000 00 c8 435055204c6f6164"
);
const COMPACT: &[u8] = &hex!(
    "0200 51 02 25 200001 0701 67 40 09 6f 6100 6100 6100 c0 00 00 0100 00 00 000000 00 ca 506f77657220556e6974"
);
const EVENT_ONLY: &[u8] = &hex!("0300 51 03 13 200009 2301 20 6f 0000 00 00 c7 4f532053746f70");
const FRU_LOCATOR: &[u8] = &hex!("0400 51 11 10 20 00 80 00 00 10 00 07 01 00 c5 4652552030");
const CONTROLLER: &[u8] = &hex!("0500 51 12 0e 20 00 00 9f 000000 2e 01 00 c3 424d43");

fn records() -> [(SdrRecord, &'static [u8]); 5] {
    let compact = SdrBody::Compact(CompactSensor {
        key: SensorKey::of_bmc(1),
        entity: Entity::new(EntityId::SYSTEM_BOARD, 1),
        initialization: SensorInitialization::from_word(0x67),
        capabilities: SensorCapabilities {
            auto_rearm: true,
            ..SensorCapabilities::default()
        },
        sensor_type: SensorType::POWER_UNIT,
        event_type: EventType::SENSOR_SPECIFIC,
        masks: SensorMasks::of_states(0x61, 0x61, 0x61),
        units: SensorUnits::DISCRETE,
        sharing: RecordSharing {
            count: 1,
            ..RecordSharing::default()
        },
        name: IdString::from_text("Power Unit"),
        ..CompactSensor::default()
    });
    let event_only = SdrBody::EventOnly(EventOnlySensor {
        key: SensorKey::of_bmc(9),
        entity: Entity::new(EntityId::OPERATING_SYSTEM, 1),
        sensor_type: SensorType::OS_STOP,
        event_type: EventType::SENSOR_SPECIFIC,
        name: IdString::from_text("OS Stop"),
        ..EventOnlySensor::default()
    });
    let fru = FruLocator::of_bmc(
        0,
        Entity::new(EntityId::SYSTEM_BOARD, 1),
        IdString::from_text("FRU 0"),
    );
    let controller = SdrBody::ControllerLocator(ControllerLocator {
        address: 0x20,
        support: DeviceSupport::from_word(0x9f),
        entity: Entity::new(EntityId::MANAGEMENT_CONTROLLER, 1),
        name: IdString::from_text("BMC"),
        ..ControllerLocator::default()
    });
    let record = |id, body| SdrRecord {
        id: RecordId(id),
        body,
    };
    [
        (full(), FULL),
        (record(2, compact), COMPACT),
        (record(3, event_only), EVENT_ONLY),
        (record(4, SdrBody::FruLocator(fru)), FRU_LOCATOR),
        (record(5, controller), CONTROLLER),
    ]
}

#[test]
fn known_records_both_ways() {
    for (record, bytes) in records() {
        assert_eq!(encode(&record), bytes);
        assert_eq!(Reader::new(bytes).value(), Ok(record));
    }
}

#[test]
fn a_cut_record_is_an_error_everywhere() {
    for (record, bytes) in records() {
        for length in 0..bytes.len() {
            let cut = Reader::new(&bytes[..length]).value::<SdrRecord>();
            assert_eq!(
                cut,
                Err(WireError::Truncated),
                "{:02x} cut to {length}",
                record.body.record_type()
            );
            let mut buffer = [0; 64];
            let full = Writer::new(&mut buffer[..length]).value(&record);
            assert_eq!(full, Err(WireError::BufferTooSmall));
        }
    }
}

#[test]
fn a_body_that_ends_early_is_an_error() {
    for (_, bytes) in records() {
        for missing in 1..=bytes.len() - HEADER_LENGTH {
            let mut cut = bytes[..bytes.len() - missing].to_vec();
            cut[4] -= u8::try_from(missing).unwrap();
            assert_eq!(Reader::new(&cut).value::<SdrRecord>(), Err(WireError::Truncated));
        }
    }
}

#[test]
fn values_of_a_full_sensor() {
    let SdrBody::Full(sensor) = full().body else {
        panic!("not a full sensor")
    };
    assert_eq!(sensor.value(42), Some(42.0));
    assert_eq!(sensor.raw(41.6), Some(42));
    assert_eq!(sensor.raw(300.0), Some(255));
    let discrete = FullSensor {
        units: SensorUnits::DISCRETE,
        ..sensor
    };
    assert_eq!(discrete.value(1), None);
    let logarithmic = FullSensor {
        linearization: Linearization::LN,
        ..sensor
    };
    assert_eq!(logarithmic.raw(1.0), None);
}

proptest! {
    #[test]
    fn whatever_is_read_is_written_and_read_again(
        record_type in prop::sample::select(&[0x01_u8, 0x02, 0x03, 0x11, 0x12, 0xc0][..]),
        body in prop::collection::vec(any::<u8>(), 0..90),
    ) {
        let length = u8::try_from(body.len()).unwrap();
        let bytes = [&[1, 0, 0x51, record_type, length][..], &body].concat();
        if let Ok(record) = Reader::new(&bytes).value::<SdrRecord>() {
            let written = encode(&record);
            prop_assert!(written.len() <= bytes.len());
            prop_assert_eq!(Reader::new(&written).value(), Ok(record));
        }
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Reader::new(&bytes).value::<SdrRecord>();
    }
}
