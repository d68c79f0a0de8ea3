//! What is kept of sensors: settings that differ from those of the catalogue.

use alloc::vec::Vec;

use ipmi_proto::time::Instant;
use ipmi_proto::wire::Reader;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::{Events, SensorState, Sensors};
use crate::keep::{Keep, Unreadable, wire};
use crate::state::catalogue::{Sensor, Source};

/// Settings of one sensor.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SavedSensor {
    number: u8,
    /// Which measurement of the machine it is: another one under the same number has its own settings.
    #[serde(default)]
    source: Option<u16>,
    thresholds: ByteBuf,
    positive_hysteresis: u8,
    negative_hysteresis: u8,
    events: bool,
    scanning: bool,
    assertions: u16,
    deassertions: u16,
}

impl SavedSensor {
    fn new(sensor: &Sensor, state: &SensorState) -> Self {
        Self {
            number: sensor.number,
            source: source(sensor),
            thresholds: wire(&state.thresholds),
            positive_hysteresis: state.positive_hysteresis,
            negative_hysteresis: state.negative_hysteresis,
            events: state.events,
            scanning: state.scanning,
            assertions: state.enabled.assertions,
            deassertions: state.enabled.deassertions,
        }
    }
}

const fn source(sensor: &Sensor) -> Option<u16> {
    match sensor.source {
        Source::Machine(id, _) => Some(id),
        _ => None,
    }
}

impl Keep for Sensors {
    type Saved = Vec<SavedSensor>;

    fn saved(&self) -> Vec<SavedSensor> {
        let settings = self.iter().filter_map(|(sensor, state)| {
            let saved = SavedSensor::new(sensor, state);
            (saved != SavedSensor::new(sensor, &SensorState::new(sensor))).then_some(saved)
        });
        settings.collect()
    }

    fn restore(&mut self, saved: Vec<SavedSensor>, _: Instant) -> Result<(), Unreadable> {
        for (sensor, state) in self.repository.sensors().iter().zip(&mut self.settings) {
            let mut settings = SensorState::new(sensor);
            let saved = saved
                .iter()
                .find(|saved| saved.number == sensor.number && saved.source == source(sensor));
            if let Some(saved) = saved {
                settings.thresholds = Reader::new(&saved.thresholds).value()?;
                settings.positive_hysteresis = saved.positive_hysteresis;
                settings.negative_hysteresis = saved.negative_hysteresis;
                settings.events = saved.events;
                settings.scanning = saved.scanning;
                settings.enabled = Events {
                    assertions: saved.assertions,
                    deassertions: saved.deassertions,
                };
            }
            // What has happened stays.
            (settings.happened, settings.crossed) = (state.happened, state.crossed);
            *state = settings;
        }
        Ok(())
    }
}
