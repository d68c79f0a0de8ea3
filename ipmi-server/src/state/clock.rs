//! The clock of event log and SDR repository: the host's, with an offset. The host's is never moved.

use ipmi_proto::command::storage::time::UNSPECIFIED_UTC_OFFSET;

/// The longest offset from UTC, in minutes.
const LONGEST_UTC_OFFSET: i16 = 1_440;

/// The clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// Seconds since 1970 of the host.
    host: fn() -> u64,
    /// What has to be added, modulo 2^32.
    offset: u32,
    utc_offset: i16,
}

impl Clock {
    /// The clock of the host, of which `host` gives the seconds since 1970.
    pub(crate) const fn new(host: fn() -> u64) -> Self {
        Self {
            host,
            offset: 0,
            utc_offset: UNSPECIFIED_UTC_OFFSET,
        }
    }

    /// The time in seconds since 1970, in the zone of whoever set it.
    pub(crate) fn now(&self) -> u32 {
        low_bits((self.host)()).wrapping_add(self.offset)
    }

    /// Sets the time.
    pub(crate) fn set(&mut self, seconds: u32) {
        self.offset = seconds.wrapping_sub(low_bits((self.host)()));
    }

    /// Minutes from UTC.
    pub(crate) const fn utc_offset(&self) -> i16 {
        self.utc_offset
    }

    /// Sets the minutes from UTC; `false` if there are no such.
    pub(crate) fn set_utc_offset(&mut self, minutes: i16) -> bool {
        let is_valid = minutes == UNSPECIFIED_UTC_OFFSET
            || (-LONGEST_UTC_OFFSET..=LONGEST_UTC_OFFSET).contains(&minutes);
        if is_valid {
            self.utc_offset = minutes;
        }
        is_valid
    }
}

/// The clock has 32 bits.
fn low_bits(seconds: u64) -> u32 {
    u32::try_from(seconds & u64::from(u32::MAX)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_time_goes_on_with_the_host_s() {
        let mut clock = Clock::new(|| 1_700_000_000);
        assert_eq!(clock.now(), 1_700_000_000);
        clock.set(100);
        assert_eq!(clock.now(), 100);
        clock.host = || 1_700_000_007;
        assert_eq!(clock.now(), 107);
        assert!(clock.set_utc_offset(-120) && !clock.set_utc_offset(1_441));
        assert_eq!(clock.utc_offset(), -120);
    }
}
