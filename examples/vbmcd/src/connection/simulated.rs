//! `type = "simulated"`: machines in memory, one for every BMC that asks.

use std::sync::Arc;

use async_trait::async_trait;
use ipmi_server::backend::memory::{MemoryMachine, PowerDelays};
use ipmi_server::backend::{BmcBackend, SensorDescription, SensorKind, SensorThresholds};
use tracing::info;

use super::{Connection, ConnectionError, ConnectionPlan, Context, KeyError, Keys, Mistake, Wanted};
use crate::actions;

/// Machines in memory.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SimulatedPlan {
    /// Sensors that each machine has besides its usual ones.
    extra_sensors: u8,
}

/// As many extra sensors have numbers in a BMC.
const MOST_EXTRA_SENSORS: u8 = 150;
/// Their numbers in the machine come after this.
const FIRST_EXTRA_SENSOR: u16 = 0x100;

pub(super) fn read(keys: &mut Keys<'_>) -> Result<Box<dyn ConnectionPlan>, KeyError> {
    let extra_sensors = match keys.take("extra_sensors") {
        None => 0,
        Some(value) => {
            let number = value.get_ref().as_integer();
            let number = number.and_then(|number| u8::try_from(number).ok());
            let number = number.filter(|number| *number <= MOST_EXTRA_SENSORS);
            let message = format!("`extra_sensors`: write a number from 0 to {MOST_EXTRA_SENSORS}");
            number.ok_or_else(|| Mistake::at(value, message))?
        }
    };
    Ok(Box::new(SimulatedPlan { extra_sensors }))
}

#[async_trait]
impl ConnectionPlan for SimulatedPlan {
    async fn connect(&self, context: &Context) -> Result<Box<dyn Connection>, ConnectionError> {
        Ok(Box::new(Simulated {
            context: context.clone(),
            plan: *self,
        }))
    }
}

#[derive(Debug)]
struct Simulated {
    context: Context,
    plan: SimulatedPlan,
}

#[async_trait]
impl Connection for Simulated {
    async fn machine(&self, wanted: &Wanted<'_>) -> Result<Arc<dyn BmcBackend>, ConnectionError> {
        let actions = self.context.actions.clone();
        let mut machine = MemoryMachine::builder(wanted.bmc).delays(PowerDelays::REALISTIC);
        for number in 1..=self.plan.extra_sensors {
            let (sensor, value) = extra_sensor(number);
            machine = machine.sensor(sensor, value);
        }
        let machine = machine.on_action(move |machine, action| {
            let action = actions::name(action);
            info!(machine, action, "action");
            if let Some(actions) = &actions {
                actions.append(machine, action);
            }
        });
        Ok(machine.build())
    }
}

/// An extra sensor and its value: every third is a fan, the others are thermometers.
fn extra_sensor(number: u8) -> (SensorDescription, f64) {
    let id = FIRST_EXTRA_SENSOR + u16::from(number);
    let value = f64::from(number);
    if number.is_multiple_of(3) {
        let limits = SensorThresholds {
            lower_critical: Some(600.0),
            lower_non_critical: Some(900.0),
            ..SensorThresholds::default()
        };
        let name = format!("Extra Fan {number}");
        let fan = SensorDescription::new(id, name, SensorKind::FanSpeed, (0.0, 12_750.0));
        (fan.with_thresholds(limits), 3_000.0 + 50.0 * value)
    } else {
        let limits = SensorThresholds {
            upper_non_critical: Some(80.0),
            upper_critical: Some(90.0),
            upper_non_recoverable: Some(100.0),
            ..SensorThresholds::default()
        };
        let name = format!("Extra Temp {number}");
        let zone = SensorDescription::new(id, name, SensorKind::Temperature, (0.0, 127.0));
        (zone.with_thresholds(limits), 25.0 + value / 5.0)
    }
}
