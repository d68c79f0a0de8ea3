//! What happens to the machine, told as events: power, boots, interrupts, the watchdog, the connection to the
//! hypervisor, logins.

mod kept;

use core::time::Duration;

use ipmi_proto::command::app::watchdog::{PreTimeoutInterrupt, TimeoutAction, TimerUse};
use ipmi_proto::command::chassis::status::RestartCause;
use ipmi_proto::ipmb::ChannelNumber;
use ipmi_proto::record::offset::{
    AcpiPowerStateOffset, CriticalInterruptOffset, ManagementHealthOffset, OsStopOffset, PowerUnitOffset,
    SessionAuditOffset, SystemBootOffset, SystemEventOffset, Watchdog2Offset,
};
use ipmi_proto::record::{EventDataUse, EventMessage, EventType, SensorType};
use ipmi_proto::session::{LoginFailure, Peer, UserId};
use ipmi_proto::time::Instant;

use super::State;
use super::catalogue::number;
use super::lockout::LockedOut;
use super::watchdog::Alarm;
use crate::backend::{PowerAction, PowerState};

/// What the machine does so soon after an action of ours, it does because of it.
const OURS_WITHIN: Duration = Duration::from_secs(120);

/// What has happened.
#[derive(Debug)]
pub(crate) struct History {
    /// The latest power state that was ever known.
    power: Option<PowerState>,
    /// The latest action of ours that could end with the machine off, or interrupts it.
    asked: Option<(PowerAction, Instant)>,
    off_state: AcpiPowerStateOffset,
    watchdog_states: u16,
    disconnected: bool,
}

impl History {
    /// Nothing has happened.
    pub(crate) const fn new() -> Self {
        Self {
            power: None,
            asked: None,
            off_state: AcpiPowerStateOffset::S4_S5,
            watchdog_states: 0,
            disconnected: false,
        }
    }

    /// The power state at the start.
    pub(crate) const fn begin(&mut self, power: Option<PowerState>) {
        self.power = power;
    }

    /// How the machine came to be off.
    pub(crate) const fn off_state(&self) -> AcpiPowerStateOffset {
        self.off_state
    }

    /// How the watchdog ended last.
    pub(crate) const fn watchdog_states(&self) -> u16 {
        self.watchdog_states
    }

    /// How the watchdog ended is of no interest any more: it was started again, or the machine was.
    pub(crate) const fn watchdog_restarted(&mut self) {
        self.watchdog_states = 0;
    }

    /// Whether the hypervisor can be reached.
    pub(crate) const fn is_connected(&self) -> bool {
        !self.disconnected
    }

    /// The machine is asked for an action. Told before, because the machine may be quicker than the answer.
    pub(crate) const fn asked(&mut self, now: Instant, action: PowerAction) {
        self.asked = Some((action, now));
    }

    /// The action was refused.
    pub(crate) const fn refused(&mut self) {
        self.asked = None;
    }

    fn recently_asked(&self, now: Instant) -> Option<PowerAction> {
        let (action, at) = self.asked?;
        (now.since(at) < OURS_WITHIN).then_some(action)
    }
}

/// An event of a sensor with states of its own.
const fn specific(sensor_type: SensorType, number: u8, offset: u8) -> EventMessage {
    EventMessage::assertion(sensor_type, number, EventType::SENSOR_SPECIFIC, offset)
}

const fn gone(mut event: EventMessage) -> EventMessage {
    event.kind.deasserted = true;
    event
}

/// The event with more about it in its second and third byte.
const fn detailed(mut event: EventMessage, data2: u8, data3: Option<u8>) -> EventMessage {
    event.data.data2 = EventDataUse::SENSOR_SPECIFIC;
    event.data2 = data2;
    if let Some(data3) = data3 {
        event.data.data3 = EventDataUse::SENSOR_SPECIFIC;
        event.data3 = data3;
    }
    event
}

const fn power_unit(offset: PowerUnitOffset) -> EventMessage {
    specific(SensorType::POWER_UNIT, number::POWER_UNIT, offset.0)
}

const fn acpi(offset: AcpiPowerStateOffset) -> EventMessage {
    specific(SensorType::ACPI_POWER_STATE, number::ACPI_STATE, offset.0)
}

const fn restart(offset: SystemBootOffset) -> EventMessage {
    specific(SensorType::SYSTEM_BOOT, number::SYSTEM_RESTART, offset.0)
}

impl State {
    /// Logs a change of the power state.
    pub(super) fn log_power(&mut self, now: Instant, power: PowerState) {
        // What nobody saw happen has not happened for the log.
        let Some(before) = self.history.power.replace(power) else {
            return;
        };
        match (before.is_on(), power) {
            (true, PowerState::Off) => self.log_power_off(now),
            (false, PowerState::On | PowerState::Paused | PowerState::Suspended) => {
                self.log(now, gone(power_unit(PowerUnitOffset::POWER_OFF)));
                self.log(now, acpi(AcpiPowerStateOffset::S0));
            }
            (true, PowerState::Suspended) if before != PowerState::Suspended => {
                self.log(now, acpi(AcpiPowerStateOffset::S3));
            }
            (true, PowerState::On | PowerState::Paused) if before == PowerState::Suspended => {
                self.log(now, acpi(AcpiPowerStateOffset::S0));
            }
            _ => {}
        }
    }

    fn log_power_off(&mut self, now: Instant) {
        let off_state = match self.history.recently_asked(now) {
            Some(PowerAction::SoftOff) => AcpiPowerStateOffset::S5,
            Some(PowerAction::Off) => AcpiPowerStateOffset::S5_OVERRIDE,
            _ => AcpiPowerStateOffset::S4_S5,
        };
        self.history.off_state = off_state;
        self.history.asked = None;
        self.history.watchdog_restarted();
        if off_state == AcpiPowerStateOffset::S5 {
            let stopped = OsStopOffset::GRACEFUL_SHUTDOWN.0;
            self.log(now, specific(SensorType::OS_STOP, number::OS_STOP, stopped));
        }
        self.log(now, power_unit(PowerUnitOffset::POWER_OFF));
        self.log(now, acpi(off_state));
    }

    /// Logs a boot. `was_off`: the machine was powered on, not reset.
    pub(super) fn log_boot(&mut self, now: Instant, was_off: bool, cause: RestartCause, override_used: bool) {
        if cause != RestartCause::WATCHDOG {
            self.history.watchdog_restarted();
        }
        let event = if was_off {
            let channel = self.chassis.restart_channel;
            detailed(restart(SystemBootOffset::RESTART), cause.0, Some(channel.0))
        } else if cause == RestartCause::SOFT_RESET {
            restart(SystemBootOffset::OS_WARM_RESET)
        } else {
            restart(SystemBootOffset::HARD_RESET)
        };
        self.log(now, event);
        if override_used {
            let used = SystemEventOffset::OEM_BOOT.0;
            self.log(
                now,
                specific(SensorType::SYSTEM_EVENT, number::SYSTEM_EVENT, used),
            );
        }
    }

    /// A power cycle was accepted.
    pub(crate) fn power_cycle_begins(&mut self, now: Instant) {
        self.log(now, power_unit(PowerUnitOffset::POWER_CYCLE));
    }

    /// An accepted power action failed.
    pub(crate) fn power_action_failed(&mut self, now: Instant) {
        // Told once, although the machine may tell it and the BMC notice it by itself.
        if !core::mem::replace(&mut self.chassis.control_fault, true) {
            self.log(now, power_unit(PowerUnitOffset::SOFT_CONTROL_FAILURE));
        }
    }

    /// The machine accepted a diagnostic interrupt of ours.
    pub(crate) fn interrupted(&mut self, now: Instant) {
        let interrupt = CriticalInterruptOffset::FRONT_PANEL_NMI.0;
        self.log(
            now,
            specific(SensorType::CRITICAL_INTERRUPT, number::INTERRUPT, interrupt),
        );
    }

    /// The machine tells of a diagnostic interrupt; one of ours is logged when it is accepted.
    pub(crate) fn interrupt_told(&mut self, now: Instant) {
        if self.history.recently_asked(now) != Some(PowerAction::DiagnosticInterrupt) {
            self.interrupted(now);
        }
    }

    /// The connection to the hypervisor was lost or is back.
    pub(crate) fn connection_told(&mut self, now: Instant, connected: bool) {
        if connected == self.history.is_connected() {
            return;
        }
        self.history.disconnected = !connected;
        let unavailable = ManagementHealthOffset::CONTROLLER_UNAVAILABLE.0;
        let event = specific(SensorType::MANAGEMENT_HEALTH, number::BMC_HEALTH, unavailable);
        self.log(now, if connected { gone(event) } else { event });
    }

    /// The watchdog did something.
    pub(crate) fn watchdog_told(&mut self, now: Instant, alarm: Alarm) {
        let (offset, timer_use, interrupt, log) = match alarm {
            Alarm::PreTimeout { interrupt, timer_use } => {
                (Watchdog2Offset::PRE_TIMEOUT, timer_use, interrupt, true)
            }
            Alarm::Timeout {
                action,
                timer_use,
                interrupt,
                log,
            } => (watchdog_offset(action), timer_use, interrupt, log),
        };
        self.history.watchdog_states |= 1 << offset.0;
        if log {
            let event = specific(SensorType::WATCHDOG_2, number::WATCHDOG, offset.0);
            self.log(now, detailed(event, watchdog_detail(interrupt, timer_use), None));
        }
    }

    /// A login failed. After too many the user has to wait, or the source.
    pub(crate) fn login_failed(
        &mut self,
        now: Instant,
        user: Option<UserId>,
        failure: LoginFailure,
        peer: Peer,
    ) {
        let is_guess = match failure {
            LoginFailure::WrongPassword | LoginFailure::UnknownUser => true,
            // The console has learned nothing from the BMC that it could not find out alone.
            LoginFailure::GivenUp => false,
            _ => return,
        };
        self.audit(now, SessionAuditOffset::INVALID_CREDENTIALS, user);
        if !is_guess {
            return;
        }
        let (rules, is_logged) = self.lan.lockout_rules();
        let Some(locked_out) = self.lockout.failed(now, &rules, user, peer) else {
            return;
        };
        let who = match locked_out {
            LockedOut::User(_) => "the user, from this source",
            LockedOut::Source => "the source",
        };
        tracing::warn!(
            bmc = self.identity.name,
            source = %peer.remote.ip().to_canonical(),
            user = user.map(|user| user.0),
            seconds = rules.lockout.map(|time| time.as_secs()),
            "too many failed logins: {who} has to wait"
        );
        if is_logged {
            self.audit(now, SessionAuditOffset::USER_LOCKED, user);
        }
    }

    /// Logs what happened to a login. User 0 is one who does not exist.
    fn audit(&mut self, now: Instant, offset: SessionAuditOffset, user: Option<UserId>) {
        let event = specific(SensorType::SESSION_AUDIT, number::SESSION_AUDIT, offset.0);
        let user = user.map_or(0, |user| user.0 & 0x3f);
        self.log(now, detailed(event, user, Some(ChannelNumber::LAN.0)));
    }

    /// Sets the clock of the log, with a record in the old time and one in the new.
    pub(crate) fn set_clock(&mut self, now: Instant, seconds: u32) {
        const SECOND_OF_PAIR: u8 = 0x80;
        let offset = SystemEventOffset::CLOCK_SYNCHRONISATION.0;
        let event = specific(SensorType::SYSTEM_EVENT, number::SYSTEM_EVENT, offset);
        self.log(now, detailed(event, 0, None));
        self.clock.set(now, seconds);
        self.log(now, detailed(event, SECOND_OF_PAIR, None));
    }
}

const fn watchdog_offset(action: TimeoutAction) -> Watchdog2Offset {
    match action {
        TimeoutAction::HARD_RESET => Watchdog2Offset::HARD_RESET,
        TimeoutAction::POWER_DOWN => Watchdog2Offset::POWER_DOWN,
        TimeoutAction::POWER_CYCLE => Watchdog2Offset::POWER_CYCLE,
        _ => Watchdog2Offset::EXPIRED,
    }
}

/// Event data 2 of the watchdog: interrupt and use, with the numbers of Set Watchdog Timer.
const fn watchdog_detail(interrupt: PreTimeoutInterrupt, timer_use: TimerUse) -> u8 {
    interrupt.0 << 4 | timer_use.0 & 0x0f
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_bench::Bench;
    use ipmi_proto::ipmb::NetFn;

    /// Sensor, direction and type, offset and data of the records.
    fn logged(bench: &Bench) -> Vec<[u8; 5]> {
        let mut next = [0, 0];
        let mut records = Vec::new();
        while next != [0xff, 0xff] {
            let request = [&[0, 0][..], &next, &[0, 0xff]].concat();
            let (code, record) = bench.ask(NetFn::STORAGE, 0x43, &request).at_once();
            if code != 0 {
                break;
            }
            next = [record[0], record[1]];
            records.push(<[u8; 5]>::try_from(&record[13..]).unwrap());
        }
        records
    }

    fn with_state(change: impl FnOnce(&mut State)) -> Vec<[u8; 5]> {
        let bench = Bench::new();
        bench.bmc.with(|inner| change(&mut inner.state));
        logged(&bench)
    }

    const NOW: Instant = Instant::from_millis(5_000);

    fn peer() -> Peer {
        Peer {
            remote: "192.0.2.9:50000".parse().unwrap(),
            local: "192.0.2.1:623".parse().unwrap(),
        }
    }

    #[test]
    fn guessing_is_logged_and_ends_in_a_lockout_that_names_the_user() {
        let records = with_state(|state| {
            for _ in 0..5 {
                state.login_failed(NOW, Some(UserId(3)), LoginFailure::WrongPassword, peer());
            }
            // These do not count.
            for failure in [LoginFailure::LockedOut, LoginFailure::Privilege] {
                state.login_failed(NOW, None, failure, peer());
            }
            state.login_failed(NOW, Some(UserId(4)), LoginFailure::GivenUp, peer());
            state.login_failed(NOW, None, LoginFailure::UnknownUser, peer());
        });
        let guess = [0x0e, 0x6f, 0xf2, 3, 1];
        assert_eq!(records[..5], [guess; 5]);
        assert_eq!(records[5], [0x0e, 0x6f, 0xf3, 3, 1]);
        assert_eq!(records[6], [0x0e, 0x6f, 0xf2, 4, 1]);
        assert_eq!(records[7], [0x0e, 0x6f, 0xf2, 0, 1]);
        // Now as another: the source is locked out.
        assert_eq!(records[8], [0x0e, 0x6f, 0xf3, 0, 1]);
    }

    #[test]
    fn what_others_do_to_the_power() {
        let records = with_state(|state| {
            state.power_observed(NOW, PowerState::On);
            state.booted(NOW);
            state.power_observed(NOW, PowerState::Suspended);
            state.power_observed(NOW, PowerState::On);
            // While nobody knows, nothing happens for the log.
            state.power_unknown();
            state.power_observed(NOW, PowerState::Off);
        });
        let none = 0xff;
        assert_eq!(
            records,
            [
                [1, 0xef, 0x00, none, none],
                [2, 0x6f, 0x00, none, none],
                // Cause and channel: as if the power button had been pressed.
                [0x0a, 0x6f, 0xf7, 3, 0],
                [2, 0x6f, 0x03, none, none],
                [2, 0x6f, 0x00, none, none],
                [1, 0x6f, 0x00, none, none],
                [2, 0x6f, 0x06, none, none],
            ]
        );
    }

    #[test]
    fn failures_connections_and_logins() {
        let records = with_state(|state| {
            state.power_action_failed(NOW);
            state.power_action_failed(NOW);
            state.connection_told(NOW, true);
            state.connection_told(NOW, false);
            state.connection_told(NOW, false);
            state.connection_told(NOW, true);
            state.login_failed(NOW, Some(UserId(2)), LoginFailure::WrongPassword, peer());
            state.interrupted(NOW);
            state.history.asked(NOW, PowerAction::DiagnosticInterrupt);
            state.interrupt_told(NOW);
        });
        assert_eq!(
            records,
            [
                [1, 0x6f, 0x05, 0xff, 0xff],
                [0x0f, 0x6f, 0x03, 0xff, 0xff],
                [0x0f, 0xef, 0x03, 0xff, 0xff],
                [0x0e, 0x6f, 0xf2, 2, 1],
                [0x10, 0x6f, 0x00, 0xff, 0xff],
            ]
        );
    }

    #[test]
    fn the_watchdog_shows_how_it_ended_until_something_new_begins() {
        let records = with_state(|state| {
            let alarm = |log| Alarm::Timeout {
                action: TimeoutAction::POWER_DOWN,
                timer_use: TimerUse::SMS_OS,
                interrupt: PreTimeoutInterrupt::NMI,
                log,
            };
            state.watchdog_told(NOW, alarm(true));
            assert_eq!(state.history.watchdog_states(), 1 << 2);
            state.history.watchdog_restarted();
            assert_eq!(state.history.watchdog_states(), 0);
            state.watchdog_told(NOW, alarm(false));
            state.log_boot(NOW, false, RestartCause::WATCHDOG, false);
            assert_eq!(state.history.watchdog_states(), 1 << 2);
            state.log_boot(NOW, false, RestartCause::SOFT_RESET, false);
            assert_eq!(state.history.watchdog_states(), 0);
        });
        assert_eq!(records[0], [0x0c, 0x6f, 0xc2, 0x24, 0xff]);
        assert_eq!(
            records[1..],
            [[0x0a, 0x6f, 1, 0xff, 0xff], [0x0a, 0x6f, 6, 0xff, 0xff]]
        );
    }

    #[test]
    fn a_machine_that_starts_all_the_time_does_not_fill_the_log() {
        let records = with_state(|state| {
            for _ in 0..50 {
                state.booted(NOW);
            }
        });
        assert_eq!(records.len(), 11);
        // The last one says which type of sensor has been silenced.
        assert_eq!(records[10], [0x1d, 0xff, 0xff, 0xff, 0xff]);
    }
}
