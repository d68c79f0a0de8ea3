//! The clock of the event log and of the SDR repository: the host's, with an offset of its own
//! (IPMI 2.0 §31.10, §31.11, §37).

mod kept;

use core::fmt;

use ipmi_proto::command::storage::time::UNSPECIFIED_UTC_OFFSET;
use ipmi_proto::ipmb::CompletionCode;
use ipmi_proto::time::Instant;

/// Gives the host's time in seconds since 1970. A program that lives in virtual time derives it from the
/// argument.
pub(crate) type HostTime = fn(Instant) -> u64;

/// Farthest offset from UTC, in minutes.
const MAX_UTC_OFFSET: i16 = 1_440;

/// The clock. Setting it never moves the host's.
#[derive(Clone, Copy)]
pub(crate) struct Clock {
    host: HostTime,
    /// Seconds that it is ahead of the host.
    offset: i64,
    utc_offset: i16,
}

impl Clock {
    /// The host's clock, or what stands for it.
    pub(crate) const fn new(host: HostTime) -> Self {
        Self {
            host,
            offset: 0,
            utc_offset: UNSPECIFIED_UTC_OFFSET,
        }
    }

    /// The time in seconds.
    pub(crate) fn seconds(&self, now: Instant) -> u32 {
        let seconds = i64::try_from((self.host)(now)).unwrap_or(i64::MAX);
        let seconds = seconds.saturating_add(self.offset).max(0);
        u32::try_from(seconds).unwrap_or(u32::MAX)
    }

    /// Sets the time.
    pub(crate) fn set(&mut self, now: Instant, seconds: u32) {
        let host = i64::try_from((self.host)(now)).unwrap_or(i64::MAX);
        self.offset = i64::from(seconds) - host;
    }

    /// Minutes to add to UTC, or that nobody has said so.
    pub(crate) const fn utc_offset(&self) -> i16 {
        self.utc_offset
    }

    /// Says what is to be added to UTC.
    ///
    /// # Errors
    /// CCh if it is more than a day.
    pub(crate) fn set_utc_offset(&mut self, minutes: i16) -> Result<(), CompletionCode> {
        let is_possible = (-MAX_UTC_OFFSET..=MAX_UTC_OFFSET).contains(&minutes);
        if !is_possible && minutes != UNSPECIFIED_UTC_OFFSET {
            return Err(CompletionCode::INVALID_FIELD);
        }
        self.utc_offset = minutes;
        Ok(())
    }
}

/// The clock of the host itself.
pub(crate) fn system_time(_: Instant) -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock")
            .field("offset", &self.offset)
            .field("utc_offset", &self.utc_offset)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_goes_on_from_there() {
        let mut clock = Clock::new(|now| 1_700_000_000 + now.as_micros() / 1_000_000);
        let after = |seconds: u64| Instant::from_millis(seconds * 1_000);
        assert_eq!(clock.seconds(after(5)), 1_700_000_005);
        clock.set(after(10), 100);
        assert_eq!(clock.seconds(after(25)), 115);
        clock.set(after(30), u32::MAX);
        assert_eq!(clock.seconds(after(40)), u32::MAX);
    }

    #[test]
    fn an_offset_of_more_than_a_day_is_refused() {
        let mut clock = Clock::new(system_time);
        assert_eq!(clock.utc_offset(), UNSPECIFIED_UTC_OFFSET);
        assert_eq!(clock.set_utc_offset(-1_440), Ok(()));
        assert_eq!(clock.set_utc_offset(1_441), Err(CompletionCode::INVALID_FIELD));
        assert_eq!(clock.utc_offset(), -1_440);
        assert_eq!(clock.set_utc_offset(UNSPECIFIED_UTC_OFFSET), Ok(()));
    }
}
