//! Sensors: what libvirt measures.

use std::sync::PoisonError;

use ipmi_server::backend::{
    PowerState, SensorDescription, SensorKind, SensorPlace, SensorReading, SensorSource, SensorValue,
};

use super::LibvirtMachine;

const PROCESSOR: u16 = 1;
const MEMORY: u16 = 2;

impl SensorSource for LibvirtMachine {
    fn sensors(&self) -> Vec<SensorDescription> {
        let percent = (0.0, 100.0);
        let sensor = SensorDescription::new;
        vec![
            sensor(
                PROCESSOR,
                "CPU Utilization",
                SensorKind::ProcessorUtilization,
                percent,
            )
            .at(SensorPlace::Processor),
            sensor(MEMORY, "Memory Usage", SensorKind::MemoryUtilization, percent).at(SensorPlace::Memory),
        ]
    }

    fn read(&self, id: u16) -> Option<SensorReading> {
        // A machine that is off, or of which nothing is known, has no values.
        self.entry
            .known()
            .power()
            .filter(|power| *power != PowerState::Off)?;
        let measured = *self.entry.measured.lock().unwrap_or_else(PoisonError::into_inner);
        let value = match id {
            PROCESSOR => measured.processor?,
            MEMORY => measured.memory?,
            _ => return None,
        };
        Some(SensorReading {
            value: SensorValue::Number(value),
            age: measured.at?.elapsed(),
        })
    }
}
