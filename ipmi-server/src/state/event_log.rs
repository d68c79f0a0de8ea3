//! The one door into the event log: records of clients, of software and of the BMC itself come in here.

use alloc::vec::Vec;
use core::time::Duration;

use ipmi_proto::command::sensor_event::receiver::{EVENTS_OFF, EventReceiver};
use ipmi_proto::command::storage::sel::AddSelEntry;
use ipmi_proto::ipmb::{BMC_ADDRESS, CompletionCode};
use ipmi_proto::record::offset::{EventLoggingOffset, SessionAuditOffset};
use ipmi_proto::record::sel::{OEM_TIMESTAMPED_TYPE, SelBody};
use ipmi_proto::record::{
    EventDataUse, EventMessage, EventType, Generator, RecordId, SensorType, UNSPECIFIED_EVENT_DATA,
};
use ipmi_proto::time::Instant;
use ipmi_proto::wire::{LowBits, U24};

use super::State;
use super::catalogue::number;
use super::pef::NOT_LOGGED;
use super::sel::Fill;

/// A sensor of the BMC may log so often in a minute: a machine that restarts all the time must not push the
/// interesting records out.
const EVENTS_PER_MINUTE: u8 = 10;
const MINUTE: Duration = Duration::from_secs(60);

/// Where events go, and how many of them.
#[derive(Debug)]
pub(crate) struct EventPolicy {
    /// Set Event Receiver.
    pub(crate) receiver: EventReceiver,
    spent: Vec<Spent>,
}

/// What a sensor has logged in the present minute.
#[derive(Clone, Copy, Debug)]
struct Spent {
    sensor: u8,
    events: u8,
    since: Instant,
}

/// Whether an event is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Admission {
    Granted,
    /// Too many: this one and those after it are left out, which is worth a record.
    Exhausted,
    Refused,
}

/// Whether the event filters see an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filtered {
    Yes,
    No,
}

impl EventPolicy {
    /// Events go to the BMC itself.
    pub(crate) const fn new() -> Self {
        Self {
            receiver: EventReceiver {
                address: BMC_ADDRESS,
                lun: LowBits(0),
            },
            spent: Vec::new(),
        }
    }

    /// The log was cleared: there is room again.
    pub(crate) fn log_cleared(&mut self) {
        self.spent = Vec::new();
    }

    fn admit(&mut self, now: Instant, sensor: u8) -> Admission {
        self.spent.retain(|spent| now.since(spent.since) < MINUTE);
        let Some(spent) = self.spent.iter_mut().find(|spent| spent.sensor == sensor) else {
            self.spent.push(Spent {
                sensor,
                events: 1,
                since: now,
            });
            return Admission::Granted;
        };
        spent.events = spent.events.saturating_add(1);
        match spent.events {
            ..=EVENTS_PER_MINUTE => Admission::Granted,
            events if events == EVENTS_PER_MINUTE + 1 => Admission::Exhausted,
            _ => Admission::Refused,
        }
    }
}

impl State {
    /// An event of one of the BMC's own sensors happened: notes it as the sensor's status and logs it, if
    /// events of the sensor are on.
    pub(crate) fn log(&mut self, now: Instant, event: EventMessage) {
        let is_enabled = self.sensors.unkept().note_event(&event);
        if is_enabled && self.events.receiver.address != EVENTS_OFF {
            self.log_own(now, event, Filtered::Yes);
        }
    }

    /// Logs an event of event filtering, which does not filter its own.
    pub(super) fn log_unfiltered(&mut self, now: Instant, event: EventMessage) {
        self.log_own(now, event, Filtered::No);
    }

    fn log_own(&mut self, now: Instant, event: EventMessage, filtered: Filtered) {
        // There are few of them, and somebody who makes a noise must not hide one.
        let is_lock = event.sensor_type == SensorType::SESSION_AUDIT
            && event.data.offset == SessionAuditOffset::USER_LOCKED.0;
        let admission = if is_lock {
            Admission::Granted
        } else {
            self.events.admit(now, event.sensor_number)
        };
        let body = match admission {
            Admission::Granted => system(Generator::BMC, event),
            Admission::Exhausted => suppressed(&event),
            Admission::Refused => return,
        };
        let result = if self.device.enables.event_logging {
            self.add_record(now, body, filtered)
        } else {
            self.filter_unlogged(now, &body, filtered);
            return;
        };
        if let Err(code) = result {
            tracing::debug!(bmc = self.identity.name, %code, "the event log takes no more records");
        }
    }

    /// Logs an event that somebody delivered.
    ///
    /// # Errors
    /// As [`record`](Self::record).
    pub(crate) fn receive(
        &mut self,
        now: Instant,
        generator: Generator,
        event: EventMessage,
    ) -> Result<(), CompletionCode> {
        let body = system(generator, event);
        if !self.device.enables.event_logging {
            self.filter_unlogged(now, &body, Filtered::Yes);
            return Ok(());
        }
        self.record(now, body).map(|_| ())
    }

    /// Adds a record to the log, and lets the event filters see it.
    ///
    /// # Errors
    /// 80h for a type of record that does not exist, C4h if the log is full.
    pub(crate) fn record(&mut self, now: Instant, body: SelBody) -> Result<RecordId, CompletionCode> {
        self.add_record(now, body, Filtered::Yes)
    }

    fn filter_unlogged(&mut self, now: Instant, body: &SelBody, filtered: Filtered) {
        if filtered == Filtered::Yes {
            self.filter(now, NOT_LOGGED, body);
        }
    }

    fn add_record(
        &mut self,
        now: Instant,
        body: SelBody,
        filtered: Filtered,
    ) -> Result<RecordId, CompletionCode> {
        let seconds = self.clock.seconds(now);
        let before = self.sel.fill();
        let result = self.sel.add(seconds, body);
        if filtered == Filtered::Yes && result != Err(AddSelEntry::TYPE_NOT_SUPPORTED) {
            self.filter(now, result.unwrap_or(NOT_LOGGED), &body);
        }
        match self.sel.fill() {
            Fill::AlmostFull if before == Fill::Room => {
                let event = log_event(EventLoggingOffset::ALMOST_FULL, self.sel.percent());
                let body = system(Generator::BMC, event);
                // If it does not fit, the next record says that the log is full.
                if let Ok(record) = self.sel.add(seconds, body) {
                    self.filter(now, record, &body);
                }
            }
            Fill::Full if result.is_err() => {
                let event = log_event(EventLoggingOffset::FULL, UNSPECIFIED_EVENT_DATA);
                let body = system(Generator::BMC, event);
                if let Some(record) = self.sel.add_last(seconds, body) {
                    self.filter(now, record, &body);
                }
            }
            _ => {}
        }
        result
    }
}

const fn system(generator: Generator, event: EventMessage) -> SelBody {
    SelBody::System {
        timestamp: 0,
        generator,
        event,
    }
}

/// The record that stands for the events of a sensor that are left out.
const fn suppressed(event: &EventMessage) -> SelBody {
    SelBody::OemTimestamped {
        record_type: OEM_TIMESTAMPED_TYPE,
        timestamp: 0,
        manufacturer: U24(0),
        data: [event.sensor_number, event.sensor_type.0, 0xff, 0xff, 0xff, 0xff],
    }
}

/// An event of the log itself.
const fn log_event(offset: EventLoggingOffset, percent: u8) -> EventMessage {
    let mut event = EventMessage::assertion(
        SensorType::EVENT_LOGGING_DISABLED,
        number::EVENT_LOG,
        EventType::SENSOR_SPECIFIC,
        offset.0,
    );
    if percent != UNSPECIFIED_EVENT_DATA {
        event.data.data3 = EventDataUse::SENSOR_SPECIFIC;
        event.data3 = percent;
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sensor_that_logs_too_much_is_silenced_for_the_rest_of_the_minute() {
        let mut policy = EventPolicy::new();
        let after = |seconds: u64| Instant::from_millis(seconds * 1_000);
        for second in 0..10 {
            assert_eq!(policy.admit(after(second), 1), Admission::Granted);
        }
        assert_eq!(policy.admit(after(10), 1), Admission::Exhausted);
        assert_eq!(policy.admit(after(11), 1), Admission::Refused);
        assert_eq!(policy.admit(after(11), 2), Admission::Granted);
        assert_eq!(policy.admit(after(60), 1), Admission::Granted);
        policy.log_cleared();
        assert_eq!(policy.admit(after(61), 1), Admission::Granted);
    }
}
