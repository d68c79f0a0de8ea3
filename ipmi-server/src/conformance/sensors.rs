//! Measured values.

use core::time::Duration;

use super::{Patience, settle};
use crate::backend::{
    BmcBackend, PowerAction, PowerState, SensorDescription, SensorReading, SensorThresholds, SensorValue,
};

/// How often values are looked at.
const READINGS: u32 = 20;

/// Checks descriptions and values. The machine is on afterwards.
pub(super) async fn check(backend: &dyn BmcBackend, patience: &Patience) {
    let Some(source) = backend.sensors() else {
        return;
    };
    let list = source.sensors();
    for (position, sensor) in list.iter().enumerate() {
        check_description(sensor);
        let again = list.iter().skip(position + 1).any(|other| other.id == sensor.id);
        assert!(!again, "two sensors have the number {}", sensor.id);
    }
    let unused = (0..=u16::MAX)
        .rev()
        .find(|id| list.iter().all(|sensor| sensor.id != *id));
    assert!(
        unused.is_none_or(|id| source.read(id).is_none()),
        "a sensor that does not exist has no value"
    );
    settle(backend, patience, PowerAction::On, PowerState::On).await;
    let mut ages: Vec<Vec<Duration>> = vec![Vec::new(); list.len()];
    for _ in 0..READINGS {
        for (sensor, ages) in list.iter().zip(&mut ages) {
            // A value may be missing at any time; one that is there can be true.
            ages.extend(source.read(sensor.id).map(|reading| check_value(sensor, reading)));
        }
        patience.pause().await;
    }
    for (sensor, ages) in list.iter().zip(&ages) {
        let stands_still =
            ages.len() > 1 && ages.iter().all(|age| !age.is_zero() && Some(age) == ages.first());
        assert!(
            !stands_still,
            "a value of {} that is not measured again grows older: {ages:?}",
            sensor.name
        );
    }
    assert_eq!(list, source.sensors(), "the list of sensors does not change");
}

fn check_description(sensor: &SensorDescription) {
    let name = &sensor.name;
    assert!(
        name.is_ascii() && (1..=16).contains(&name.len()),
        "{name:?} is no name of a sensor"
    );
    let (low, high) = sensor.range;
    assert!(
        low.is_finite() && high.is_finite() && low < high,
        "the range of {name} is empty"
    );
    let SensorThresholds {
        lower_non_recoverable,
        lower_critical,
        lower_non_critical,
        upper_non_critical,
        upper_critical,
        upper_non_recoverable,
    } = sensor.thresholds;
    let limits = [
        lower_non_recoverable,
        lower_critical,
        lower_non_critical,
        upper_non_critical,
        upper_critical,
        upper_non_recoverable,
    ];
    let limits: Vec<f64> = limits.into_iter().flatten().collect();
    assert!(
        limits.iter().all(|limit| limit.is_finite()) && limits.is_sorted(),
        "the limits of {name} are in order: {limits:?}"
    );
}

/// The age of a value that can be.
fn check_value(sensor: &SensorDescription, reading: SensorReading) -> Duration {
    let (low, high) = sensor.range;
    let SensorValue::Number(value) = reading.value;
    assert!(
        (low..=high).contains(&value),
        "the values of {} are in its range: {value}",
        sensor.name
    );
    reading.age
}
