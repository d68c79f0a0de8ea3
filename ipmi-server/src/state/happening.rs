//! What happens to machine and BMC, as records of the event log.

use ipmi_proto::command::app::watchdog::{PreTimeoutInterrupt, TimeoutAction, TimerUse};
use ipmi_proto::command::chassis::status::RestartCause;
use ipmi_proto::ipmb::ChannelNumber;
use ipmi_proto::record::offset::{
    AcpiPowerStateOffset, CriticalInterruptOffset, OsStopOffset, PowerUnitOffset, SessionAuditOffset,
    SystemBootOffset, SystemEventOffset, Watchdog2Offset,
};
use ipmi_proto::record::sel::SelBody;
use ipmi_proto::record::{EventData, EventDataUse, EventMessage, EventType, Generator};
use ipmi_proto::session::UserId;

use super::State;
use super::sdr::builtin_meaning;
use super::sensors::Builtin;

/// Something that is worth a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Happening {
    /// The machine was switched on, by whatever cause.
    PoweredOn(RestartCause, ChannelNumber),
    /// The machine was reset.
    Reset,
    /// The machine is off. `asked`: its operating system was asked to shut down.
    PoweredOff {
        /// It was a soft shutdown.
        asked: bool,
    },
    /// A power action failed after it had been accepted, or could not be carried out.
    ActionFailed,
    /// A diagnostic interrupt.
    Interrupted,
    /// An override of the boot device for one boot was used.
    OneTimeBoot,
    /// The watchdog ended.
    WatchdogExpired(TimeoutAction, TimerUse, PreTimeoutInterrupt),
    /// The watchdog's pre-timeout came.
    WatchdogPreTimeout(TimerUse, PreTimeoutInterrupt),
    /// Somebody tried to log in with a wrong password.
    WrongPassword(UserId),
}

impl Happening {
    /// Sensor, offset, and event data 2 and 3.
    fn event(self) -> (Builtin, u8, Option<u8>, Option<u8>) {
        match self {
            Self::PoweredOn(cause, channel) => (
                Builtin::SystemRestart,
                SystemBootOffset::RESTART.0,
                Some(cause.0),
                Some(channel.0),
            ),
            Self::Reset => (Builtin::SystemRestart, SystemBootOffset::HARD_RESET.0, None, None),
            Self::PoweredOff { asked: false } => {
                (Builtin::PowerUnit, PowerUnitOffset::POWER_OFF.0, None, None)
            }
            Self::PoweredOff { asked: true } => {
                (Builtin::OsStop, OsStopOffset::GRACEFUL_SHUTDOWN.0, None, None)
            }
            Self::ActionFailed => (
                Builtin::PowerUnit,
                PowerUnitOffset::SOFT_CONTROL_FAILURE.0,
                None,
                None,
            ),
            Self::Interrupted => (
                Builtin::Interrupt,
                CriticalInterruptOffset::FRONT_PANEL_NMI.0,
                None,
                None,
            ),
            Self::OneTimeBoot => (Builtin::SystemEvent, SystemEventOffset::OEM_BOOT.0, None, None),
            Self::WatchdogExpired(action, timer_use, interrupt) => (
                Builtin::Watchdog,
                watchdog_offset(action).0,
                Some(interrupt.0 << 4 | timer_use.0),
                None,
            ),
            Self::WatchdogPreTimeout(timer_use, interrupt) => {
                let detail = interrupt.0 << 4 | timer_use.0;
                (
                    Builtin::Watchdog,
                    Watchdog2Offset::PRE_TIMEOUT.0,
                    Some(detail),
                    None,
                )
            }
            Self::WrongPassword(user) => {
                let offset = SessionAuditOffset::INVALID_CREDENTIALS.0;
                (
                    Builtin::SessionAudit,
                    offset,
                    Some(user.0),
                    Some(ChannelNumber::LAN.0),
                )
            }
        }
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

impl State {
    /// Logs what happened.
    pub(crate) fn log(&mut self, happening: Happening) {
        self.log_power_state(happening);
        let (builtin, offset, data2, data3) = happening.event();
        self.log_event(builtin, offset, data2, data3, false);
    }

    /// Power unit and ACPI state come and go with the power.
    fn log_power_state(&mut self, happening: Happening) {
        let off = PowerUnitOffset::POWER_OFF.0;
        match happening {
            Happening::PoweredOn(..) => {
                self.log_event(Builtin::PowerUnit, off, None, None, true);
                self.log_event(Builtin::AcpiState, AcpiPowerStateOffset::S0.0, None, None, false);
            }
            Happening::PoweredOff { asked } => {
                let acpi = if asked {
                    AcpiPowerStateOffset::S5
                } else {
                    AcpiPowerStateOffset::S4_S5
                };
                self.log_event(Builtin::AcpiState, acpi.0, None, None, false);
            }
            _ => {}
        }
    }

    fn log_event(&mut self, builtin: Builtin, offset: u8, data2: Option<u8>, data3: Option<u8>, gone: bool) {
        if !self.device.enables.event_logging || !self.device.sends_events {
            return;
        }
        let (sensor_type, ..) = builtin_meaning(builtin);
        let event_type = EventType::SENSOR_SPECIFIC;
        let mut event = EventMessage::assertion(sensor_type, builtin.number(), event_type, offset);
        event.kind.deasserted = gone;
        let used = |data: Option<u8>| match data {
            Some(_) => EventDataUse::SENSOR_SPECIFIC,
            None => EventDataUse::UNSPECIFIED,
        };
        event.data = EventData {
            data2: used(data2),
            data3: used(data3),
            offset,
        };
        event.data2 = data2.unwrap_or(event.data2);
        event.data3 = data3.unwrap_or(event.data3);
        let timestamp = self.clock.now();
        let generator = Generator::BMC;
        let body = SelBody::System {
            timestamp,
            generator,
            event,
        };
        // A full log says so itself.
        let _ = self.sel.add(body, timestamp);
    }
}
