//! The watchdog timer, by its own: time goes in, what is due comes out (IPMI 2.0 §27).

use core::time::Duration;

use ipmi_proto::command::app::watchdog::{
    Countdown, PreTimeoutInterrupt, ResetWatchdogTimer, SetWatchdogTimerRequest, TimeoutAction, TimerActions,
    TimerFlags, TimerState, TimerUse, WatchdogTimer,
};
use ipmi_proto::ipmb::CompletionCode;
use ipmi_proto::time::Instant;

/// The timer.
#[derive(Debug)]
pub(crate) struct Watchdog {
    timer_use: TimerUse,
    do_not_log: bool,
    actions: TimerActions,
    pre_timeout_interval: u8,
    initial_count: Countdown,
    expired: TimerFlags,
    is_set: bool,
    run: Option<Run>,
    /// What was left when the timer stopped.
    stopped_at: Countdown,
}

#[derive(Clone, Copy, Debug)]
struct Run {
    end: Instant,
    pre_timeout: Option<Instant>,
}

/// Something that the timer wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alarm {
    /// The pre-timeout interrupt.
    PreTimeout {
        /// Which.
        interrupt: PreTimeoutInterrupt,
        /// What the timer is for.
        timer_use: TimerUse,
    },
    /// The timer ended.
    Timeout {
        /// What to do.
        action: TimeoutAction,
        /// What the timer is for.
        timer_use: TimerUse,
        /// The interrupt that came before.
        interrupt: PreTimeoutInterrupt,
        /// Whether it is logged.
        log: bool,
    },
}

impl Watchdog {
    /// A timer that was never set.
    pub(crate) fn new() -> Self {
        let none = Countdown { steps: 0 };
        Self {
            // Reads as FRB2, as real BMCs show it before the first Set.
            timer_use: TimerUse::BIOS_FRB2,
            do_not_log: false,
            actions: TimerActions::default(),
            pre_timeout_interval: 0,
            initial_count: none,
            expired: TimerFlags::default(),
            is_set: false,
            run: None,
            stopped_at: none,
        }
    }

    /// Set Watchdog Timer. `has_nmi`: the machine can be interrupted.
    pub(crate) fn set(
        &mut self,
        now: Instant,
        request: &SetWatchdogTimerRequest,
        has_nmi: bool,
    ) -> Result<(), CompletionCode> {
        let interval = Duration::from_secs(u64::from(request.pre_timeout_interval));
        let interrupt = request.actions.pre_timeout;
        let uses_interrupt = interrupt != PreTimeoutInterrupt::NONE;
        let possible = match interrupt {
            PreTimeoutInterrupt::NONE | PreTimeoutInterrupt::MESSAGING => true,
            PreTimeoutInterrupt::NMI => has_nmi,
            _ => false,
        };
        if request.timer_use.timer_use.label().is_none()
            || request.actions.timeout.label().is_none()
            || !possible
            || uses_interrupt && interval > request.initial_count.duration()
        {
            return Err(CompletionCode::INVALID_FIELD);
        }
        let runs = request.timer_use.do_not_stop && self.run.is_some();
        self.timer_use = request.timer_use.timer_use;
        self.do_not_log = request.timer_use.do_not_log;
        self.actions = request.actions;
        self.pre_timeout_interval = request.pre_timeout_interval;
        self.initial_count = request.initial_count;
        self.expired = TimerFlags::from_word(self.expired.to_word() & !request.clear_flags.to_word());
        self.is_set = true;
        self.run = None;
        self.stopped_at = self.initial_count;
        if runs {
            self.start(now);
        }
        Ok(())
    }

    /// Reset Watchdog Timer: starts, or starts again.
    pub(crate) fn reset(&mut self, now: Instant) -> Result<(), CompletionCode> {
        if !self.is_set {
            return Err(ResetWatchdogTimer::NOT_INITIALISED);
        }
        self.start(now);
        Ok(())
    }

    fn start(&mut self, now: Instant) {
        let end = now + self.initial_count.duration();
        let interval = Duration::from_secs(u64::from(self.pre_timeout_interval));
        let uses_interrupt = self.actions.pre_timeout != PreTimeoutInterrupt::NONE;
        let pre_timeout =
            uses_interrupt.then(|| now + self.initial_count.duration().saturating_sub(interval));
        self.run = Some(Run { end, pre_timeout });
    }

    /// Get Watchdog Timer.
    pub(crate) fn get(&self, now: Instant) -> WatchdogTimer {
        WatchdogTimer {
            timer_use: TimerState {
                do_not_log: self.do_not_log,
                running: self.run.is_some(),
                timer_use: self.timer_use,
            },
            actions: self.actions,
            pre_timeout_interval: self.pre_timeout_interval,
            expired: self.expired,
            initial_count: self.initial_count,
            present_count: self.present_count(now),
        }
    }

    fn present_count(&self, now: Instant) -> Countdown {
        self.run.map_or(self.stopped_at, |run| {
            Countdown::from_duration(run.end.since(now))
        })
    }

    /// When something is due.
    pub(crate) fn timeout(&self) -> Option<Instant> {
        let run = self.run?;
        Some(run.pre_timeout.unwrap_or(run.end))
    }

    /// Lets time pass. To be called until it answers `None`.
    pub(crate) fn expire(&mut self, now: Instant) -> Option<Alarm> {
        let run = self.run.as_mut()?;
        let interrupt = self.actions.pre_timeout;
        if run.pre_timeout.is_some_and(|due| due <= now) {
            run.pre_timeout = None;
            return Some(Alarm::PreTimeout {
                interrupt,
                timer_use: self.timer_use,
            });
        }
        if now < run.end {
            return None;
        }
        self.run = None;
        self.stopped_at = Countdown { steps: 0 };
        self.expired = TimerFlags::from_word(self.expired.to_word() | flag(self.timer_use).to_word());
        // "Do not log" holds for one end of the timer.
        let log = !core::mem::take(&mut self.do_not_log);
        Some(Alarm::Timeout {
            action: self.actions.timeout,
            timer_use: self.timer_use,
            interrupt,
            log,
        })
    }

    /// The machine was switched off or reset by anybody.
    pub(crate) fn stop(&mut self, now: Instant) {
        self.stopped_at = self.present_count(now);
        self.run = None;
        self.do_not_log = false;
    }
}

/// The expiration flag of a use.
fn flag(timer_use: TimerUse) -> TimerFlags {
    let mut flags = TimerFlags::default();
    match timer_use {
        TimerUse::BIOS_FRB2 => flags.bios_frb2 = true,
        TimerUse::BIOS_POST => flags.bios_post = true,
        TimerUse::OS_LOAD => flags.os_load = true,
        TimerUse::SMS_OS => flags.sms_os = true,
        TimerUse::OEM => flags.oem = true,
        _ => {}
    }
    flags
}

#[cfg(test)]
mod tests {
    use super::*;
    use ipmi_proto::command::app::watchdog::SetTimerUse;

    fn request(seconds: u16, interrupt: PreTimeoutInterrupt, interval: u8) -> SetWatchdogTimerRequest {
        SetWatchdogTimerRequest {
            timer_use: SetTimerUse {
                timer_use: TimerUse::SMS_OS,
                ..SetTimerUse::default()
            },
            actions: TimerActions {
                pre_timeout: interrupt,
                timeout: TimeoutAction::HARD_RESET,
            },
            pre_timeout_interval: interval,
            clear_flags: TimerFlags::default(),
            initial_count: Countdown { steps: seconds * 10 },
        }
    }

    fn after(seconds: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn counts_down_interrupts_and_ends_once() {
        let mut timer = Watchdog::new();
        assert_eq!(timer.reset(after(0)), Err(CompletionCode(0x80)));
        timer
            .set(after(0), &request(60, PreTimeoutInterrupt::NMI, 10), true)
            .unwrap();
        assert!(!timer.get(after(5)).timer_use.running);
        assert_eq!(timer.get(after(5)).present_count.steps, 600);
        timer.reset(after(5)).unwrap();
        assert_eq!(timer.timeout(), Some(after(55)));
        assert_eq!(timer.get(after(15)).present_count.steps, 500);
        assert_eq!(timer.expire(after(54)), None);
        assert!(matches!(timer.expire(after(55)), Some(Alarm::PreTimeout { .. })));
        assert_eq!(timer.expire(after(55)), None);
        assert_eq!(timer.timeout(), Some(after(65)));
        let alarm = timer.expire(after(65)).unwrap();
        let expected = Alarm::Timeout {
            action: TimeoutAction::HARD_RESET,
            timer_use: TimerUse::SMS_OS,
            interrupt: PreTimeoutInterrupt::NMI,
            log: true,
        };
        assert_eq!(alarm, expected);
        assert_eq!(timer.expire(after(99)), None);
        assert!(timer.get(after(99)).expired.sms_os);
        assert!(!timer.get(after(99)).timer_use.running);
    }

    #[test]
    fn set_stops_unless_told_not_to_and_clears_flags() {
        let mut timer = Watchdog::new();
        let mut settings = request(60, PreTimeoutInterrupt::NONE, 0);
        timer.set(after(0), &settings, true).unwrap();
        timer.reset(after(0)).unwrap();
        settings.timer_use.do_not_stop = true;
        settings.initial_count = Countdown { steps: 1_000 };
        timer.set(after(30), &settings, true).unwrap();
        assert_eq!(timer.timeout(), Some(after(130)));
        assert!(timer.expire(after(130)).is_some());
        settings.clear_flags.sms_os = true;
        settings.timer_use.do_not_stop = false;
        timer.set(after(131), &settings, true).unwrap();
        assert!(!timer.get(after(131)).expired.sms_os);
        assert_eq!(timer.timeout(), None);
    }

    #[test]
    fn refuses_what_cannot_be() {
        let mut timer = Watchdog::new();
        for (request, has_nmi) in [
            (request(60, PreTimeoutInterrupt::SMI, 1), true),
            (request(60, PreTimeoutInterrupt::NMI, 1), false),
            (request(5, PreTimeoutInterrupt::NMI, 6), true),
        ] {
            assert_eq!(
                timer.set(after(0), &request, has_nmi),
                Err(CompletionCode::INVALID_FIELD)
            );
        }
        let mut reserved = request(60, PreTimeoutInterrupt::NONE, 0);
        reserved.timer_use.timer_use = TimerUse(6);
        assert_eq!(
            timer.set(after(0), &reserved, true),
            Err(CompletionCode::INVALID_FIELD)
        );
    }

    #[test]
    fn power_off_stops_and_count_zero_ends_at_once() {
        let mut timer = Watchdog::new();
        timer
            .set(after(0), &request(60, PreTimeoutInterrupt::NONE, 0), true)
            .unwrap();
        timer.reset(after(0)).unwrap();
        timer.stop(after(20));
        assert_eq!(timer.get(after(50)).present_count.steps, 400);
        assert_eq!(timer.timeout(), None);
        timer
            .set(after(0), &request(0, PreTimeoutInterrupt::NONE, 0), true)
            .unwrap();
        timer.reset(after(1)).unwrap();
        assert!(timer.expire(after(1)).is_some());
    }
}
