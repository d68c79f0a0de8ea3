//! An event meets the filters: what they want, and what comes of it.

use alloc::vec::Vec;

use ipmi_proto::command::chassis::control::ControlAction;
use ipmi_proto::command::sensor_event::pef_parameter::{ANY, EventFilter, EventSeverity, PefActions};
use ipmi_proto::record::offset::SystemEventOffset;
use ipmi_proto::record::sel::SelBody;
use ipmi_proto::record::{EventDataUse, EventMessage, EventType, Generator, RecordId, SensorType};
use ipmi_proto::time::Instant;

use super::settings::{ACTIONS, FILTERS, possible_actions};
use super::{Delay, PefSettings};
use crate::alert::Cause;
use crate::state::State;
use crate::state::catalogue::number;

/// The number that stands for an event that is not in the log, because that is full or off.
pub(crate) const NOT_LOGGED: RecordId = RecordId(0);

/// What all filters together want of an event.
#[derive(Debug, Default, PartialEq)]
struct Verdict {
    actions: u8,
    severity: EventSeverity,
    /// Sets of the alert policy table, each with the first filter that names it.
    alerts: Vec<(u8, u8)>,
}

impl State {
    /// An event happened: filters it, now or when filtering may go on. `record` is its number in the log, or
    /// [`NOT_LOGGED`].
    pub(in crate::state) fn filter(&mut self, now: Instant, record: RecordId, body: &SelBody) {
        let SelBody::System { generator, event, .. } = body else {
            return;
        };
        if !self.pef.settings.control.enabled || self.filtering.is_disabled() {
            return;
        }
        if self.filtering.is_held(now) {
            // What is not in the log cannot be found again: it is lost to the filters.
            if record != NOT_LOGGED {
                self.filtering.hold(record);
            }
            return;
        }
        self.filter_waiting(now, record);
        self.apply(now, record, *generator, event);
    }

    /// The machine starts: filters and alerts wait as long as they are configured to.
    pub(in crate::state) fn delay_filters(&mut self) {
        let settings = &self.pef.settings;
        let delay = |is_on: bool, seconds| Delay::seconds(if is_on { seconds } else { 0 });
        let filters = delay(settings.control.startup_delay, settings.startup_delay);
        let alerts = delay(settings.control.alert_startup_delay, settings.alert_startup_delay);
        self.filtering.started(filters);
        self.alerts.started(alerts);
        self.wake = true;
    }

    /// Time passes in event filtering.
    pub(crate) fn pef_timeout(&mut self, now: Instant) {
        self.filtering.tell_time(now);
        self.go_on_filtering(now);
    }

    /// Filters what had to wait, if there is nothing to wait for any more.
    pub(crate) fn go_on_filtering(&mut self, now: Instant) {
        if !self.pef.settings.control.enabled {
            // What came before filtering is switched on again is not filtered then.
            self.filtering.take_waiting();
        } else if !self.filtering.is_held(now) {
            self.filter_waiting(now, NOT_LOGGED);
        }
    }

    /// Filters the records that had to wait, up to the newest one or to `end`, which is left out.
    fn filter_waiting(&mut self, now: Instant, end: RecordId) {
        let Some(first) = self.filtering.take_waiting() else {
            return;
        };
        // Filtering may add records of its own, which are not filtered.
        let waiting: Vec<_> = self.sel.since(first).collect();
        for record in waiting.into_iter().take_while(|record| record.id != end) {
            if let SelBody::System { generator, event, .. } = record.body
                && !self.pef_marks.is_done_by_software(record.id)
            {
                self.apply(now, record.id, generator, &event);
            }
        }
    }

    /// Does what the filters want of an event.
    fn apply(&mut self, now: Instant, record: RecordId, generator: Generator, event: &EventMessage) {
        self.pef_marks.by_bmc = record;
        let possible = possible_actions(&self.capabilities).to_word();
        let verdict = self.pef.settings.judge(generator, event);
        let mut actions = verdict.actions & self.pef.settings.action_control.to_word() & possible;
        if self.is_own_consequence(now, generator, event) {
            // An action whose own events led to it again would never end.
            actions &= PefActions {
                alert: true,
                ..PefActions::default()
            }
            .to_word();
        }
        if actions == 0 {
            return;
        }
        let allowed = PefActions::from_word(actions);
        let power = power_action(allowed);
        tracing::info!(
            bmc = self.identity.name,
            record = record.0,
            alert = allowed.alert,
            power = power.map(tracing::field::display),
            "an event filter acts"
        );
        if allowed.alert {
            let cause = Cause::new(self.clock.seconds(now), verdict.severity, generator, Some(*event));
            self.raise_alerts(cause, &verdict.alerts);
        }
        if let Some(action) = power {
            self.filtering.want(action);
            self.wake = true;
        }
        if self.pef.settings.control.log_actions {
            self.log_pef_action(now, actions);
        }
    }

    /// Whether an event comes from a power action of event filtering.
    fn is_own_consequence(&self, now: Instant, generator: Generator, event: &EventMessage) -> bool {
        generator == Generator::BMC
            && matches!(
                event.sensor_number,
                number::POWER_UNIT
                    | number::ACPI_STATE
                    | number::OS_STOP
                    | number::SYSTEM_RESTART
                    | number::SYSTEM_EVENT
                    | number::INTERRUPT
            )
            && self.filtering.is_acting(now)
    }

    /// Logs what a filter did. The event is not filtered.
    fn log_pef_action(&mut self, now: Instant, actions: u8) {
        let mut event = EventMessage::assertion(
            SensorType::SYSTEM_EVENT,
            number::SYSTEM_EVENT,
            EventType::SENSOR_SPECIFIC,
            SystemEventOffset::PEF_ACTION.0,
        );
        event.data.data2 = EventDataUse::SENSOR_SPECIFIC;
        event.data2 = actions;
        self.log_unfiltered(now, event);
    }
}

impl PefSettings {
    /// Lets all filters look at an event.
    fn judge(&self, generator: Generator, event: &EventMessage) -> Verdict {
        let mut verdict = Verdict::default();
        for number in 1..=FILTERS {
            let filter = self.filter(number);
            if !filter.configuration.enabled || !matches(&filter, generator, event) {
                continue;
            }
            verdict.actions |= filter.actions.to_word() & ACTIONS.to_word();
            verdict.severity = verdict.severity.max(filter.severity);
            let set = filter.policy.policy_set;
            if filter.actions.alert && verdict.alerts.iter().all(|(other, _)| *other != set) {
                verdict.alerts.push((set, number));
            }
        }
        verdict
    }
}

/// The power action of several that is done.
const fn power_action(actions: PefActions) -> Option<ControlAction> {
    match actions {
        PefActions { power_down: true, .. } => Some(ControlAction::POWER_DOWN),
        PefActions {
            power_cycle: true, ..
        } => Some(ControlAction::POWER_CYCLE),
        PefActions { reset: true, .. } => Some(ControlAction::HARD_RESET),
        PefActions {
            diagnostic_interrupt: true,
            ..
        } => Some(ControlAction::DIAGNOSTIC_INTERRUPT),
        _ => None,
    }
}

/// Whether a filter is for an event.
fn matches(filter: &EventFilter, generator: Generator, event: &EventMessage) -> bool {
    let is = |wanted: u8, actual: u8| wanted == ANY || wanted == actual;
    let [address, channel] = generator.to_word().to_le_bytes();
    is(filter.generator, address)
        && is(filter.generator_channel, channel)
        && is(filter.sensor_type.0, event.sensor_type.0)
        && is(filter.sensor_number, event.sensor_number)
        // The whole byte: the direction stands beside the type.
        && is(filter.event_type.0, event.kind.to_word())
        && filter.offsets & 1_u16.checked_shl(event.data.offset.into()).unwrap_or(0) != 0
        && filter.data1.matches(event.data.to_word())
        && filter.data2.matches(event.data2)
        && filter.data3.matches(event.data3)
}
