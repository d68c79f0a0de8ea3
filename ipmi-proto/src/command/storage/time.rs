//! The clock of the event log and of the SDR repository.

use crate::command::{Empty, commands};

commands! {
    /// The commands of this module.
    COMMANDS: Ipmi;

    /// Reads the clock of the SDR repository.
    GetSdrRepositoryTime = "Get SDR Repository Time", STORAGE 0x28, USER, Monitor, "33.17";
    request Empty;
    response ClockTime {
        /// Seconds since 1970-01-01 00:00 in the zone of whoever set the clock; up to 20000000h since the
        /// clock was started.
        seconds: u32,
    }

    /// Sets the clock of the SDR repository.
    SetSdrRepositoryTime = "Set SDR Repository Time", STORAGE 0x29, OPERATOR, Monitor, "33.18";
    request ClockTime;
    response Empty;

    /// Reads the clock of the event log.
    GetSelTime = "Get SEL Time", STORAGE 0x48, USER, Monitor, "31.10";
    request Empty;
    response ClockTime;

    /// Sets the clock of the event log.
    SetSelTime = "Set SEL Time", STORAGE 0x49, OPERATOR, Monitor, "31.11";
    request ClockTime;
    response Empty;

    /// Reads how far the clock of the event log is from UTC.
    GetSelTimeUtcOffset = "Get SEL Time UTC Offset", STORAGE 0x5c, USER, Monitor, "31.11a";
    request Empty;
    response UtcOffset {
        /// Minutes to add to UTC, -1440 to 1440; [`UNSPECIFIED_UTC_OFFSET`] if it is not known.
        minutes: i16,
    }

    /// Says how far the clock of the event log is from UTC.
    SetSelTimeUtcOffset = "Set SEL Time UTC Offset", STORAGE 0x5d, OPERATOR, Monitor, "31.11b";
    request UtcOffset;
    response Empty;
}

/// The offset from UTC that says that it is not known.
pub const UNSPECIFIED_UTC_OFFSET: i16 = 0x07ff;
