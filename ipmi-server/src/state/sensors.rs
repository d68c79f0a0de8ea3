//! What changes about sensors: thresholds, hysteresis, which events are on, which have happened
//! (IPMI 2.0 §35).

mod kept;

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use ipmi_proto::command::sensor_event::event_enable::{
    EventEnableOperation, RearmSensorEventsRequest, SetSensorEventEnableRequest,
};
use ipmi_proto::command::sensor_event::threshold::SetSensorThresholdsRequest;
use ipmi_proto::ipmb::CompletionCode;
use ipmi_proto::record::sdr::FullSensor;
use ipmi_proto::record::{EventDataUse, EventMessage, SensorType, Threshold, ThresholdMask, Thresholds};

use super::catalogue::{Sensor, UNSET_LOWER, UNSET_UPPER, offset_of};
use super::sdr::Repository;

/// The sensors of a BMC.
#[derive(Debug)]
pub(crate) struct Sensors {
    repository: Arc<Repository>,
    /// In the order of the repository's sensors.
    settings: Box<[SensorState]>,
}

/// What changes about a sensor.
#[derive(Clone, Debug)]
pub(crate) struct SensorState {
    /// Raw thresholds.
    pub(crate) thresholds: Thresholds,
    /// Raw hysteresis below upper thresholds.
    pub(crate) positive_hysteresis: u8,
    /// Raw hysteresis above lower thresholds.
    pub(crate) negative_hysteresis: u8,
    /// Events are on at all.
    pub(crate) events: bool,
    /// The sensor is scanned.
    pub(crate) scanning: bool,
    /// Events that are on.
    pub(crate) enabled: Events,
    /// Events that have happened and have not been taken back.
    pub(crate) happened: Events,
    /// Thresholds that count as crossed, hysteresis included.
    crossed: u8,
}

/// Events of a sensor, by their offsets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Events {
    /// A state came.
    pub(crate) assertions: u16,
    /// A state went.
    pub(crate) deassertions: u16,
}

impl Sensors {
    /// The sensors of a repository, as they are after a start.
    pub(crate) fn new(repository: Arc<Repository>) -> Self {
        let settings = repository.sensors().iter().map(SensorState::new).collect();
        Self { repository, settings }
    }

    /// The sensors and their records.
    pub(crate) const fn repository(&self) -> &Arc<Repository> {
        &self.repository
    }

    /// A sensor and what changes about it.
    ///
    /// # Errors
    /// CBh if there is no such sensor.
    pub(crate) fn get(&self, number: u8) -> Result<(&Sensor, &SensorState), CompletionCode> {
        let index = self.index(number)?;
        let pair = self.repository.sensors().get(index).zip(self.settings.get(index));
        pair.ok_or(CompletionCode::NOT_PRESENT)
    }

    /// A sensor and what changes about it, to change it.
    ///
    /// # Errors
    /// CBh if there is no such sensor.
    pub(crate) fn get_mut(&mut self, number: u8) -> Result<(&Sensor, &mut SensorState), CompletionCode> {
        let index = self.index(number)?;
        let pair = self
            .repository
            .sensors()
            .get(index)
            .zip(self.settings.get_mut(index));
        pair.ok_or(CompletionCode::NOT_PRESENT)
    }

    fn index(&self, number: u8) -> Result<usize, CompletionCode> {
        self.repository
            .sensors()
            .binary_search_by_key(&number, |sensor| sensor.number)
            .map_err(|_| CompletionCode::NOT_PRESENT)
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Sensor, &SensorState)> {
        self.repository.sensors().iter().zip(&self.settings)
    }

    /// Whether values have to be looked at although nobody asks.
    pub(crate) fn need_scanning(&self) -> bool {
        self.iter().any(|(sensor, state)| {
            sensor.analog().is_some() && state.scanning && state.events && state.enabled != Events::default()
        })
    }

    /// Notes an event of a sensor. Answers whether it is to be logged.
    pub(crate) fn note_event(&mut self, event: &EventMessage) -> bool {
        let Ok((_, state)) = self.get_mut(event.sensor_number) else {
            return false;
        };
        let bit = 1 << event.data.offset;
        state.happened.note(bit, event.kind.deasserted);
        let enabled = if event.kind.deasserted {
            state.enabled.deassertions
        } else {
            state.enabled.assertions
        };
        state.events && enabled & bit != 0
    }
}

impl Events {
    /// A state that comes takes back that it went, and the other way round.
    const fn note(&mut self, bit: u16, deasserted: bool) {
        if deasserted {
            self.deassertions |= bit;
            self.assertions &= !bit;
        } else {
            self.assertions |= bit;
            self.deassertions &= !bit;
        }
    }
}

impl SensorState {
    fn new(sensor: &Sensor) -> Self {
        let (assertions, deassertions) = sensor.events();
        let events = sensor.starts_with_events();
        let enabled = if events {
            Events {
                assertions,
                deassertions,
            }
        } else {
            Events::default()
        };
        let analog = sensor.analog();
        Self {
            thresholds: analog.map(|analog| analog.thresholds).unwrap_or_default(),
            positive_hysteresis: analog.map_or(0, |analog| analog.positive_hysteresis),
            negative_hysteresis: analog.map_or(0, |analog| analog.negative_hysteresis),
            events,
            scanning: true,
            enabled,
            happened: Events::default(),
            crossed: 0,
        }
    }

    /// Set Sensor Thresholds.
    ///
    /// # Errors
    /// CCh for a threshold that cannot be set, or that would stand on the wrong side of another.
    pub(crate) fn set_thresholds(
        &mut self,
        sensor: &FullSensor,
        request: &SetSensorThresholdsRequest,
    ) -> Result<(), CompletionCode> {
        let settable = sensor.masks.settable_thresholds();
        if request.mask.to_word() & !settable.to_word() != 0 {
            return Err(CompletionCode::INVALID_FIELD);
        }
        let mut new = self.thresholds;
        for threshold in Threshold::ALL.iter().copied() {
            if request.mask.contains(threshold)
                && let (Some(place), Some(value)) =
                    (new.get_mut(threshold), request.thresholds.get(threshold))
            {
                *place = value;
            }
        }
        if !is_ordered(&new, sensor) {
            return Err(CompletionCode::INVALID_FIELD);
        }
        self.thresholds = new;
        Ok(())
    }

    /// Set Sensor Event Enable. `possible`: the events that the sensor has.
    ///
    /// # Errors
    /// CCh for an operation that does not exist.
    pub(crate) fn enable_events(
        &mut self,
        possible: (u16, u16),
        request: &SetSensorEventEnableRequest,
    ) -> Result<(), CompletionCode> {
        let assertions = request.assertions.unwrap_or_default() & possible.0;
        let deassertions = request.deassertions.unwrap_or_default() & possible.1;
        match request.control.operation {
            EventEnableOperation::LEAVE => {}
            EventEnableOperation::ENABLE => {
                self.enabled.assertions |= assertions;
                self.enabled.deassertions |= deassertions;
            }
            EventEnableOperation::DISABLE => {
                self.enabled.assertions &= !assertions;
                self.enabled.deassertions &= !deassertions;
            }
            _ => return Err(CompletionCode::INVALID_FIELD),
        }
        self.events = request.control.events;
        self.scanning = request.control.scanning;
        Ok(())
    }

    /// Re-arm Sensor Events: what still holds is reported again.
    pub(crate) fn rearm(&mut self, request: &RearmSensorEventsRequest) {
        if !request.control.selected {
            self.happened = Events::default();
            self.crossed = 0;
            return;
        }
        let assertions = request.assertions.unwrap_or_default();
        self.happened.assertions &= !assertions;
        self.happened.deassertions &= !request.deassertions.unwrap_or_default();
        for threshold in Threshold::ALL {
            if assertions >> offset_of(*threshold).0 & 1 == 1 {
                self.crossed &= !(1 << threshold.0);
            }
        }
    }

    /// The thresholds that a reading has reached.
    pub(crate) fn reached(&self, readable: ThresholdMask, raw: u8) -> ThresholdMask {
        let reached = Threshold::ALL
            .iter()
            .filter(|threshold| readable.contains(**threshold) && self.is_beyond(**threshold, raw, 0));
        ThresholdMask::from_word(reached.fold(0, |mask, threshold| mask | 1 << threshold.0))
    }

    fn is_beyond(&self, threshold: Threshold, raw: u8, hysteresis: u8) -> bool {
        let limit = self.thresholds.get(threshold).unwrap_or_default();
        if is_lower(threshold) {
            limit != UNSET_LOWER && raw <= limit.saturating_add(hysteresis)
        } else {
            limit != UNSET_UPPER && raw >= limit.saturating_sub(hysteresis)
        }
    }

    /// Compares a reading with the thresholds. Answers the events: those of thresholds that were crossed, and
    /// of those that the reading has come back from by more than the hysteresis. Without a reading there are
    /// none, and whatever holds when it is back is new.
    pub(crate) fn evaluate(&mut self, sensor: &Sensor, raw: Option<u8>) -> Vec<EventMessage> {
        let Some((analog, raw)) = sensor.analog().zip(raw) else {
            self.crossed = 0;
            return Vec::new();
        };
        let mut events = Vec::new();
        for threshold in Threshold::ALL.iter().copied() {
            let bit = 1 << threshold.0;
            let was_crossed = self.crossed & bit != 0;
            let hysteresis = match (was_crossed, is_lower(threshold)) {
                (false, _) => 0,
                (true, true) => self.negative_hysteresis,
                (true, false) => self.positive_hysteresis,
            };
            let is_there = analog.masks.readable_thresholds().contains(threshold);
            let is_crossed = is_there && self.is_beyond(threshold, raw, hysteresis);
            if is_crossed == was_crossed {
                continue;
            }
            self.crossed ^= bit;
            let limit = self.thresholds.get(threshold).unwrap_or_default();
            events.push(threshold_event(sensor, threshold, is_crossed, raw, limit));
        }
        events
    }
}

fn threshold_event(
    sensor: &Sensor,
    threshold: Threshold,
    is_crossed: bool,
    raw: u8,
    limit: u8,
) -> EventMessage {
    let (sensor_type, event_type): (SensorType, _) = sensor.types();
    let mut event = EventMessage::assertion(sensor_type, sensor.number, event_type, offset_of(threshold).0);
    event.kind.deasserted = !is_crossed;
    event.data.data2 = EventDataUse::TRIGGER;
    event.data.data3 = EventDataUse::TRIGGER;
    (event.data2, event.data3) = (raw, limit);
    event
}

const fn is_lower(threshold: Threshold) -> bool {
    matches!(
        threshold,
        Threshold::LOWER_NON_CRITICAL | Threshold::LOWER_CRITICAL | Threshold::LOWER_NON_RECOVERABLE
    )
}

/// Whether the thresholds that a reading can reach rise from lower to upper non-recoverable. Those beyond are
/// there for nothing but to be set some day.
fn is_ordered(thresholds: &Thresholds, sensor: &FullSensor) -> bool {
    let rising = [
        Threshold::LOWER_NON_RECOVERABLE,
        Threshold::LOWER_CRITICAL,
        Threshold::LOWER_NON_CRITICAL,
        Threshold::UPPER_NON_CRITICAL,
        Threshold::UPPER_CRITICAL,
        Threshold::UPPER_NON_RECOVERABLE,
    ];
    let can_be_reached = |threshold, value: &u8| {
        if is_lower(threshold) {
            *value > sensor.minimum
        } else {
            *value <= sensor.maximum && *value != UNSET_UPPER
        }
    };
    rising
        .into_iter()
        .filter(|threshold| sensor.masks.settable_thresholds().contains(*threshold))
        .filter_map(|threshold| {
            thresholds
                .get(threshold)
                .filter(|value| can_be_reached(threshold, value))
        })
        .is_sorted()
}

#[cfg(test)]
mod tests;
