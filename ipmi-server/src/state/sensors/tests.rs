//! Tests of the sensors.

use super::*;
use crate::backend::{SensorDescription, SensorKind, SensorThresholds};
use crate::state::{Capabilities, catalogue};
use ipmi_proto::command::app::device::DeviceSupport;
use ipmi_proto::command::sensor_event::event_enable::{EventEnableControl, RearmControl};
use ipmi_proto::record::offset::ThresholdOffset as Offset;

const TEMPERATURE: u8 = 0x60;
const LOAD: u8 = 3;

fn sensors() -> Sensors {
    let limits = SensorThresholds {
        upper_non_critical: Some(80.0),
        upper_critical: Some(90.0),
        lower_critical: Some(5.0),
        ..SensorThresholds::default()
    };
    let range = (0.0, 255.0);
    let of_machine = [
        SensorDescription::new(1, "Temp", SensorKind::Temperature, range).with_thresholds(limits),
        SensorDescription::new(2, "CPU", SensorKind::ProcessorUtilization, (0.0, 100.0)),
    ];
    let sensors = catalogue::sensors(&Capabilities::default(), &of_machine);
    Sensors::new(Repository::shared(sensors, DeviceSupport::default()))
}

fn evaluate(sensors: &mut Sensors, raw: Option<u8>) -> Vec<(u8, bool, u8, u8)> {
    let repository = Arc::clone(sensors.repository());
    let (_, state) = sensors.get_mut(TEMPERATURE).unwrap();
    let sensor = repository
        .sensors()
        .iter()
        .find(|sensor| sensor.number == TEMPERATURE)
        .unwrap();
    let events = state.evaluate(sensor, raw);
    events
        .iter()
        .map(|event| {
            assert_eq!(event.data.to_word() & 0xf0, 0x50);
            (event.data.offset, event.kind.deasserted, event.data2, event.data3)
        })
        .collect()
}

fn set(sensors: &mut Sensors, number: u8, mask: u8, thresholds: Thresholds) -> Result<(), CompletionCode> {
    let (sensor, state) = sensors.get_mut(number).unwrap();
    let sensor = sensor.analog().unwrap();
    let request = SetSensorThresholdsRequest {
        sensor: number,
        mask: ThresholdMask::from_word(mask),
        thresholds,
    };
    state.set_thresholds(sensor, &request)
}

#[test]
fn crossing_and_coming_back_by_more_than_the_hysteresis() {
    let mut sensors = sensors();
    assert_eq!(evaluate(&mut sensors, Some(79)), []);
    let non_critical = Offset::UPPER_NON_CRITICAL_HIGH.0;
    let critical = Offset::UPPER_CRITICAL_HIGH.0;
    assert_eq!(
        evaluate(&mut sensors, Some(95)),
        [(non_critical, false, 95, 80), (critical, false, 95, 90)]
    );
    assert_eq!(evaluate(&mut sensors, Some(88)), []);
    assert_eq!(evaluate(&mut sensors, Some(87)), [(critical, true, 87, 90)]);
    assert_eq!(evaluate(&mut sensors, Some(77)), [(non_critical, true, 77, 80)]);
    let low = Offset::LOWER_CRITICAL_LOW.0;
    assert_eq!(evaluate(&mut sensors, Some(5)), [(low, false, 5, 5)]);
    assert_eq!(evaluate(&mut sensors, Some(7)), []);
    assert_eq!(evaluate(&mut sensors, Some(8)), [(low, true, 8, 5)]);
}

#[test]
fn nothing_is_reported_without_a_reading_and_what_holds_afterwards_is_new() {
    let mut sensors = sensors();
    assert_eq!(evaluate(&mut sensors, Some(82)).len(), 1);
    assert_eq!(evaluate(&mut sensors, None), []);
    assert_eq!(evaluate(&mut sensors, Some(82)).len(), 1);
    assert_eq!(evaluate(&mut sensors, Some(82)), []);
    let (_, state) = sensors.get_mut(TEMPERATURE).unwrap();
    state.rearm(&RearmSensorEventsRequest {
        sensor: TEMPERATURE,
        control: RearmControl { selected: false },
        assertions: None,
        deassertions: None,
    });
    assert_eq!(evaluate(&mut sensors, Some(82)).len(), 1);
}

#[test]
fn thresholds_stay_in_order_and_those_that_are_not_there_cannot_be_set() {
    let mut sensors = sensors();
    let value = |upper_non_critical, upper_critical| Thresholds {
        upper_non_critical,
        upper_critical,
        ..Thresholds::default()
    };
    let refused = Err(CompletionCode::INVALID_FIELD);
    assert_eq!(set(&mut sensors, TEMPERATURE, 0x10, value(0, 79)), refused);
    assert_eq!(set(&mut sensors, TEMPERATURE, 0x20, value(0, 0)), refused);
    assert_eq!(set(&mut sensors, TEMPERATURE, 0x10, value(0, 85)), Ok(()));
    assert_eq!(set(&mut sensors, TEMPERATURE, 0x18, value(60, 70)), Ok(()));
    assert_eq!(sensors.get(TEMPERATURE).unwrap().1.thresholds.upper_critical, 70);
    // One limit of a sensor that has none so far.
    assert_eq!(set(&mut sensors, LOAD, 0x10, value(0, 90)), Ok(()));
    let (sensor, load) = sensors.get(LOAD).unwrap();
    let readable = sensor.analog().unwrap().masks.readable_thresholds();
    assert_eq!(load.reached(readable, 100).to_word(), 0x10);
    assert_eq!(load.reached(readable, 89).to_word(), 0);
}

#[test]
fn events_are_noted_and_let_through_as_they_are_enabled() {
    let mut sensors = sensors();
    assert!(sensors.need_scanning());
    let event = |number, offset| {
        EventMessage::assertion(
            SensorType::POWER_UNIT,
            number,
            ipmi_proto::record::EventType(0x6f),
            offset,
        )
    };
    assert!(sensors.note_event(&event(1, 0)));
    assert!(!sensors.note_event(&event(0x99, 0)));
    assert!(!sensors.note_event(&event(LOAD, 7)));
    assert_eq!(sensors.get(1).unwrap().1.happened.assertions, 1);
    let (sensor, state) = sensors.get_mut(1).unwrap();
    let possible = sensor.events();
    let mut request = SetSensorEventEnableRequest {
        sensor: 1,
        control: EventEnableControl {
            events: true,
            scanning: true,
            operation: EventEnableOperation::DISABLE,
        },
        assertions: Some(1),
        deassertions: None,
    };
    state.enable_events(possible, &request).unwrap();
    assert!(!sensors.note_event(&event(1, 0)));
    assert!(sensors.note_event(&event(1, 5)));
    let mut gone = event(1, 0);
    gone.kind.deasserted = true;
    assert!(sensors.note_event(&gone));
    assert_eq!(
        sensors.get(1).unwrap().1.happened,
        Events {
            assertions: 1 << 5,
            deassertions: 1
        }
    );
    let (_, state) = sensors.get_mut(1).unwrap();
    request.control.operation = EventEnableOperation(3);
    assert_eq!(
        state.enable_events(possible, &request),
        Err(CompletionCode::INVALID_FIELD)
    );
    request.control.operation = EventEnableOperation::LEAVE;
    request.control.events = false;
    state.enable_events(possible, &request).unwrap();
    assert!(!sensors.note_event(&event(1, 5)));
}
