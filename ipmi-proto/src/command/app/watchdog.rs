//! The watchdog timer.

use core::time::Duration;

use crate::command::{Empty, commands, message};
use crate::wire::{code_points, packed};

commands! {
    /// The commands of this module.
    COMMANDS: Ipmi;

    /// Starts the watchdog timer, or starts it again, from its initial count.
    ResetWatchdogTimer = "Reset Watchdog Timer", APP 0x22, OPERATOR, Manage, "27.5";
    request Empty;
    response Empty;
    => {
        NOT_INITIALISED = 0x80, "the timer was never set since the BMC started";
    }

    /// Configures the watchdog timer and stops it unless told otherwise.
    SetWatchdogTimer = "Set Watchdog Timer", APP 0x24, OPERATOR, Manage, "27.6";
    request SetWatchdogTimerRequest {
        /// What the timer is for.
        timer_use: SetTimerUse,
        /// What it does when it ends, and before.
        actions: TimerActions,
        /// Seconds between the pre-timeout interrupt and the end.
        pre_timeout_interval: u8,
        /// The flags that are cleared.
        clear_flags: TimerFlags,
        /// Start value.
        initial_count: Countdown,
    }
    response Empty;

    /// Reads configuration and present count of the watchdog timer.
    GetWatchdogTimer = "Get Watchdog Timer", APP 0x25, USER, Manage, "27.7";
    request Empty;
    response WatchdogTimer {
        /// What the timer is for and whether it runs.
        timer_use: TimerState,
        /// What it does when it ends, and before.
        actions: TimerActions,
        /// Seconds between the pre-timeout interrupt and the end.
        pre_timeout_interval: u8,
        /// For which uses the timer has ended.
        expired: TimerFlags,
        /// Start value.
        initial_count: Countdown,
        /// What is left.
        present_count: Countdown,
    }
}

message! {
    /// A time of the watchdog timer in steps of 100 ms.
    pub struct Countdown {
        /// Number of steps.
        steps: u16,
    }
}

impl Countdown {
    /// How long it is.
    #[must_use]
    pub const fn duration(self) -> Duration {
        Duration::from_millis(self.steps as u64 * 100)
    }

    /// The steps that have begun in `duration`, at most FFFFh.
    #[must_use]
    pub fn from_duration(duration: Duration) -> Self {
        let steps = duration.as_millis().div_ceil(100);
        Self {
            steps: u16::try_from(steps).unwrap_or(u16::MAX),
        }
    }
}

code_points! {
    /// Who has set the watchdog timer, 3 bits.
    pub struct TimerUse(u8) {
        BIOS_FRB2 = 1, "BIOS FRB2";
        BIOS_POST = 2, "BIOS/POST";
        OS_LOAD = 3, "OS load";
        SMS_OS = 4, "SMS/OS";
        OEM = 5, "OEM";
    }
}

code_points! {
    /// What happens when the watchdog timer ends, 3 bits.
    pub struct TimeoutAction(u8) {
        NONE = 0, "no action";
        HARD_RESET = 1, "hard reset";
        POWER_DOWN = 2, "power down";
        POWER_CYCLE = 3, "power cycle";
    }
}

code_points! {
    /// What happens at the pre-timeout, 3 bits.
    pub struct PreTimeoutInterrupt(u8) {
        NONE = 0, "none";
        SMI = 1, "SMI";
        NMI = 2, "NMI or diagnostic interrupt";
        MESSAGING = 3, "messaging interrupt";
    }
}

packed! {
    /// First byte of [`SetWatchdogTimerRequest`].
    pub struct SetTimerUse: u8 {
        /// The end of the timer is not logged.
        do_not_log: bool = 7, 7;
        /// The command does not stop the timer.
        do_not_stop: bool = 6, 6;
        /// What the timer is for.
        timer_use: TimerUse = 2, 0;
    }
}

packed! {
    /// First byte of [`WatchdogTimer`].
    pub struct TimerState: u8 {
        /// The end of the timer is not logged.
        do_not_log: bool = 7, 7;
        /// The timer is running.
        running: bool = 6, 6;
        /// What the timer is for.
        timer_use: TimerUse = 2, 0;
    }
}

packed! {
    /// Second byte of the watchdog timer's configuration.
    pub struct TimerActions: u8 {
        /// What happens at the pre-timeout.
        pre_timeout: PreTimeoutInterrupt = 6, 4;
        /// What happens at the end.
        timeout: TimeoutAction = 2, 0;
    }
}

packed! {
    /// A flag for each use of the watchdog timer.
    pub struct TimerFlags: u8 {
        /// OEM.
        oem: bool = 5, 5;
        /// SMS/OS.
        sms_os: bool = 4, 4;
        /// OS load.
        os_load: bool = 3, 3;
        /// BIOS/POST.
        bios_post: bool = 2, 2;
        /// BIOS FRB2.
        bios_frb2: bool = 1, 1;
    }
}
