//! Power: readings and limits.

use super::capability::AveragePeriod;
use crate::command::{Empty, commands, message};
use crate::wire::{LowBits, code_points, packed};

commands! {
    /// The commands of this module.
    COMMANDS: Dcmi;

    /// Tells how much power the machine takes.
    GetPowerReading = "Get Power Reading", GROUP_EXTENSION 0x02, USER, Dcmi, "6.6.1";
    request GetPowerReadingRequest {
        /// Which statistics.
        mode: PowerMode,
        /// The period of enhanced statistics, else zero.
        period: AveragePeriod,
        /// Reserved, zero.
        reserved: u8,
    }
    response PowerReading {
        /// Present power in W.
        current: u16,
        /// Least power in W in the period.
        minimum: u16,
        /// Most power in W in the period.
        maximum: u16,
        /// Average power in W over the period.
        average: u16,
        /// When, in seconds since 1970.
        timestamp: u32,
        /// The period in ms.
        period: u32,
        /// Whether power is measured.
        state: PowerState,
    }

    /// Tells the limit of power.
    GetPowerLimit = "Get Power Limit", GROUP_EXTENSION 0x03, USER, Dcmi, "6.6.2";
    request GetPowerLimitRequest {
        /// Reserved, zero.
        reserved: [u8; 2],
    }
    response GetPowerLimitResponse {
        /// Reserved, zero.
        reserved: [u8; 2],
        /// The limit. Also there with completion code 80h, no limit set.
        limit: PowerLimit,
    }
    => {
        NO_LIMIT = 0x80, "no power limit is set";
    }

    /// Sets a limit of power.
    SetPowerLimit = "Set Power Limit", GROUP_EXTENSION 0x04, OPERATOR, Refuse, "6.6.3";
    request SetPowerLimitRequest {
        /// Reserved, zero.
        reserved: [u8; 3],
        /// The limit.
        limit: PowerLimit,
    }
    response Empty;
    => {
        LIMIT_OUT_OF_RANGE = 0x84, "the limit is out of range";
        CORRECTION_TIME_OUT_OF_RANGE = 0x85, "the correction time is out of range";
        PERIOD_OUT_OF_RANGE = 0x89, "the sampling period is out of range";
    }

    /// Puts the limit of power into force or out of it.
    ActivateDeactivatePowerLimit =
        "Activate/Deactivate Power Limit", GROUP_EXTENSION 0x05, OPERATOR, Refuse, "6.6.4";
    request ActivateDeactivatePowerLimitRequest {
        /// Whether the limit is in force.
        active: LowBits<bool, 1>,
        /// Reserved, zero.
        reserved: [u8; 2],
    }
    response Empty;
}

code_points! {
    /// Which statistics [`GetPowerReading`] gives.
    pub struct PowerMode(u8) {
        SYSTEM = 1, "system power statistics";
        ENHANCED = 2, "enhanced system power statistics";
    }
}

packed! {
    /// Last byte of [`PowerReading`].
    pub struct PowerState: u8 {
        /// Power is being measured.
        measuring: bool = 6, 6;
    }
}

code_points! {
    /// What happens when power cannot be kept below the limit.
    pub struct PowerLimitException(u8) {
        NONE = 0x00, "nothing";
        POWER_OFF = 0x01, "power off and log";
        LOG = 0x11, "log";
    }
}

message! {
    /// A limit of power.
    pub struct PowerLimit {
        /// What happens when power cannot be kept below it.
        exception: PowerLimitException,
        /// Limit in W.
        watts: u16,
        /// Longest time above it in ms.
        correction_time: u32,
        /// Reserved, zero.
        reserved: [u8; 2],
        /// Time between measurements in s.
        sampling_period: u16,
    }
}
