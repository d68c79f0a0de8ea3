//! The chassis: what happened to its power, how it identifies itself, how long it has been on
//! (IPMI 2.0 §28).

mod kept;

use core::time::Duration;

use ipmi_proto::command::chassis::configuration::DisabledButtons;
use ipmi_proto::command::chassis::status::{IdentifyState, PowerRestorePolicy, RestartCause};
use ipmi_proto::ipmb::ChannelNumber;
use ipmi_proto::time::Instant;

use crate::backend::PowerState;
use crate::bmc::Identify;

/// What one count of the power-on hours counter is.
pub(crate) const MINUTES_PER_COUNT: u8 = 60;

/// A boot that we caused is ours if it comes within this time.
const BOOT_EXPECTED_WITHIN: Duration = Duration::from_secs(120);

/// The chassis.
#[derive(Debug)]
pub(crate) struct Chassis {
    /// What happens when power returns after a failure.
    pub(crate) restore_policy: PowerRestorePolicy,
    /// Buttons that do nothing when pressed. Recorded only: a virtual machine has none.
    pub(crate) disabled_buttons: DisabledButtons,
    /// The chassis claims to have a lockout of the front panel.
    pub(crate) has_front_panel_lockout: bool,
    /// Seconds that the machine is off during a power cycle.
    pub(crate) cycle_interval: u8,
    /// Why the machine started last.
    pub(crate) restart_cause: RestartCause,
    /// Channel of the command that made it start.
    pub(crate) restart_channel: ChannelNumber,
    /// The last power-up was by a command of ours.
    pub(crate) on_by_command: bool,
    /// The last power action failed.
    pub(crate) control_fault: bool,
    shown: Shown,
    /// The machine is on, or was when the BMC was last there.
    was_on: bool,
    expected_boot: Option<ExpectedBoot>,
    hours: PowerOnTime,
}

/// Why the next boot will be ours.
#[derive(Clone, Copy, Debug)]
struct ExpectedBoot {
    cause: RestartCause,
    channel: ChannelNumber,
    powers_on: bool,
    until: Instant,
}

/// Whether the machine shows which one it is.
#[derive(Clone, Copy, Debug)]
enum Shown {
    Off,
    Until(Instant),
    Indefinite,
}

/// How long the machine has been on. Time during which nobody knows counts for nothing.
#[derive(Debug, Default)]
struct PowerOnTime {
    counted: Duration,
    on_since: Option<Instant>,
}

impl Chassis {
    /// A chassis about which nothing is known.
    pub(crate) fn new() -> Self {
        Self {
            restore_policy: PowerRestorePolicy::ALWAYS_OFF,
            disabled_buttons: DisabledButtons::default(),
            has_front_panel_lockout: false,
            cycle_interval: 0,
            restart_cause: RestartCause::UNKNOWN,
            restart_channel: ChannelNumber::IPMB,
            on_by_command: false,
            control_fault: false,
            shown: Shown::Off,
            was_on: false,
            expected_boot: None,
            hours: PowerOnTime::default(),
        }
    }

    /// Makes the machine show which one it is, or not any more. Answers whether that is anything new.
    pub(crate) fn identify(&mut self, now: Instant, identify: Identify) -> bool {
        let before = core::mem::replace(
            &mut self.shown,
            match identify {
                Identify::Off => Shown::Off,
                Identify::For(interval) => Shown::Until(now + interval),
                Identify::On => Shown::Indefinite,
            },
        );
        identify.is_on() || !matches!(before, Shown::Off)
    }

    /// Whether the machine shows which one it is.
    pub(crate) fn identify_state(&self, now: Instant) -> IdentifyState {
        match self.shown {
            Shown::Indefinite => IdentifyState::INDEFINITE,
            Shown::Until(end) if now < end => IdentifyState::TIMED,
            Shown::Off | Shown::Until(_) => IdentifyState::OFF,
        }
    }

    /// When the machine stops to show which one it is.
    pub(crate) const fn identify_timeout(&self) -> Option<Instant> {
        match self.shown {
            Shown::Until(end) => Some(end),
            Shown::Off | Shown::Indefinite => None,
        }
    }

    /// Whether the time is over for which the machine showed which one it is: told once.
    pub(crate) fn expire_identify(&mut self, now: Instant) -> bool {
        let is_over = self.identify_timeout().is_some_and(|end| end <= now);
        if is_over {
            self.shown = Shown::Off;
        }
        is_over
    }

    /// The machine told its power state.
    pub(crate) const fn power_told(&mut self, power: PowerState) {
        self.was_on = power.is_on();
    }

    /// Power has returned to a machine that is off: why the policy has it powered on, if it does.
    pub(crate) fn power_returned(&mut self) -> Option<RestartCause> {
        // From now on it is off, until it tells something else.
        let was_on = core::mem::take(&mut self.was_on);
        match self.restore_policy {
            PowerRestorePolicy::ALWAYS_ON => Some(RestartCause::ALWAYS_RESTORE),
            PowerRestorePolicy::PREVIOUS if was_on => {
                self.was_on = true;
                Some(RestartCause::RESTORE_PREVIOUS)
            }
            _ => None,
        }
    }

    /// The machine is asked for something that makes it boot. `powers_on`: it is off.
    pub(crate) fn expect_boot(
        &mut self,
        now: Instant,
        cause: RestartCause,
        channel: ChannelNumber,
        powers_on: bool,
    ) {
        self.expected_boot = Some(ExpectedBoot {
            cause,
            channel,
            powers_on,
            until: now + BOOT_EXPECTED_WITHIN,
        });
    }

    /// The action that should have made the machine boot failed.
    pub(crate) fn expect_no_boot(&mut self) {
        self.expected_boot = None;
    }

    /// The action that makes the machine boot was accepted: the cause is known before the boot is seen.
    pub(crate) fn boot_accepted(&mut self) {
        if let Some(boot) = self.expected_boot {
            (self.restart_cause, self.restart_channel) = (boot.cause, boot.channel);
            self.on_by_command |= boot.powers_on;
        }
    }

    /// The machine boots. `was_off`: it was powered on, not reset. Answers the cause.
    pub(crate) fn booted(&mut self, now: Instant, was_off: bool) -> RestartCause {
        let ours = self.expected_boot.take().filter(|boot| now < boot.until);
        let none = ChannelNumber::IPMB;
        let (cause, channel, by_command) = match ours {
            Some(boot) => (boot.cause, boot.channel, boot.powers_on),
            None if was_off => (RestartCause::POWER_BUTTON, none, false),
            None => (RestartCause::SOFT_RESET, none, self.on_by_command),
        };
        (self.restart_cause, self.restart_channel) = (cause, channel);
        if was_off {
            self.on_by_command = by_command;
        }
        cause
    }

    /// Counts the time that the machine is on.
    pub(crate) fn observe_power(&mut self, now: Instant, state: Option<PowerState>) {
        self.hours.observe(now, state.is_some_and(PowerState::is_on));
    }

    /// Count of the power-on hours counter.
    pub(crate) fn power_on_count(&self, now: Instant) -> u32 {
        let minutes = self.hours.total(now).as_secs() / 60;
        u32::try_from(minutes / u64::from(MINUTES_PER_COUNT)).unwrap_or(u32::MAX)
    }
}

impl PowerOnTime {
    fn observe(&mut self, now: Instant, on: bool) {
        self.counted = self.total(now);
        self.on_since = on.then_some(now);
    }

    fn total(&self, now: Instant) -> Duration {
        self.counted + self.on_since.map_or(Duration::ZERO, |since| now.since(since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    #[test]
    fn identify_ends_by_itself_and_is_restarted() {
        let mut chassis = Chassis::new();
        let start = Instant::ZERO;
        let at = |seconds| start + Duration::from_secs(seconds);
        let a_while = Identify::For(Duration::from_secs(15));
        assert!(!chassis.identify(start, Identify::Off));
        assert!(chassis.identify(start, a_while));
        assert!(!chassis.expire_identify(start + Duration::from_millis(14_999)));
        assert_eq!(
            chassis.identify_state(start + Duration::from_millis(14_999)),
            IdentifyState::TIMED
        );
        assert!(chassis.identify(at(10), a_while));
        assert_eq!(chassis.identify_timeout(), Some(at(25)));
        assert_eq!(chassis.identify_state(at(24)), IdentifyState::TIMED);
        assert_eq!(chassis.identify_state(at(25)), IdentifyState::OFF);
        assert!(chassis.expire_identify(at(25)));
        assert!(!chassis.expire_identify(at(25)));
        assert!(chassis.identify(start, Identify::On));
        assert_eq!(chassis.identify_timeout(), None);
        assert_eq!(chassis.identify_state(start + HOUR), IdentifyState::INDEFINITE);
        assert!(chassis.identify(start, Identify::Off));
        assert_eq!(chassis.identify_state(start), IdentifyState::OFF);
    }

    #[test]
    fn the_policy_says_what_returning_power_does() {
        let mut chassis = Chassis::new();
        let rows = [
            (PowerRestorePolicy::ALWAYS_OFF, None, None),
            (
                PowerRestorePolicy::PREVIOUS,
                None,
                Some(RestartCause::RESTORE_PREVIOUS),
            ),
            (
                PowerRestorePolicy::ALWAYS_ON,
                Some(RestartCause::ALWAYS_RESTORE),
                Some(RestartCause::ALWAYS_RESTORE),
            ),
        ];
        for (policy, was_off, was_on) in rows {
            chassis.restore_policy = policy;
            chassis.power_told(PowerState::Off);
            assert_eq!(chassis.power_returned(), was_off, "{policy}");
            chassis.power_told(PowerState::On);
            assert_eq!(chassis.power_returned(), was_on, "{policy}");
        }
        // A second failure before the machine was on again.
        chassis.restore_policy = PowerRestorePolicy::PREVIOUS;
        chassis.power_told(PowerState::On);
        assert_eq!(chassis.power_returned(), chassis.power_returned());
        chassis.restore_policy = PowerRestorePolicy::ALWAYS_OFF;
        assert_eq!(chassis.power_returned(), None);
        chassis.restore_policy = PowerRestorePolicy::PREVIOUS;
        assert_eq!(chassis.power_returned(), None);
    }

    #[test]
    fn power_on_hours_count_known_time_alone() {
        let mut chassis = Chassis::new();
        chassis.observe_power(Instant::ZERO, Some(PowerState::On));
        chassis.observe_power(Instant::ZERO + HOUR * 2, None);
        chassis.observe_power(Instant::ZERO + HOUR * 10, Some(PowerState::Paused));
        chassis.observe_power(Instant::ZERO + HOUR * 11, Some(PowerState::On));
        assert_eq!(chassis.power_on_count(Instant::ZERO + HOUR * 12), 4);
        chassis.observe_power(Instant::ZERO + HOUR * 12, Some(PowerState::Off));
        assert_eq!(chassis.power_on_count(Instant::ZERO + HOUR * 20), 4);
    }

    #[test]
    fn restart_cause_tells_our_boots_from_others() {
        let mut chassis = Chassis::new();
        let now = Instant::ZERO;
        let ours = RestartCause::CHASSIS_CONTROL;
        chassis.expect_boot(now, ours, ChannelNumber::LAN, true);
        assert_eq!(chassis.booted(now, true), ours);
        assert!(chassis.on_by_command);
        assert_eq!(chassis.restart_channel, ChannelNumber::LAN);
        assert_eq!(chassis.booted(now, false), RestartCause::SOFT_RESET);
        assert!(chassis.on_by_command);
        assert_eq!(chassis.booted(now, true), RestartCause::POWER_BUTTON);
        assert!(!chassis.on_by_command);
        chassis.expect_boot(now, ours, ChannelNumber::LAN, false);
        assert_eq!(chassis.booted(now + HOUR, false), RestartCause::SOFT_RESET);
    }
}
