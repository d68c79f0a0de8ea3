//! The driver's clock.

use ipmi_proto::time::Instant;

/// Maps the system's monotonic clock to the engine's points in time.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: std::time::Instant,
}

impl Clock {
    /// A clock whose origin is now.
    #[must_use]
    pub fn start() -> Self {
        Self {
            origin: std::time::Instant::now(),
        }
    }

    /// The present time.
    #[must_use]
    pub fn now(&self) -> Instant {
        let micros = self.origin.elapsed().as_micros();
        Instant::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }

    /// The same point in time for the runtime's timers.
    pub(crate) fn deadline(&self, at: Instant) -> tokio::time::Instant {
        let after = core::time::Duration::from_micros(at.as_micros()).min(FAR);
        tokio::time::Instant::from_std(self.origin.checked_add(after).unwrap_or(self.origin))
    }
}

/// A deadline that is further away does not fit the runtime's timers; waking once in ten years is no loss.
const FAR: core::time::Duration = core::time::Duration::from_secs(10 * 365 * 24 * 3600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_beyond_all_time_is_far_away() {
        let clock = Clock::start();
        assert!(clock.deadline(Instant::from_micros(u64::MAX)) > tokio::time::Instant::now() + FAR / 2);
    }

    #[test]
    fn deadlines_lie_where_the_clock_puts_them() {
        let clock = Clock::start();
        let soon = clock.now() + core::time::Duration::from_secs(5);
        let left = clock.deadline(soon).duration_since(tokio::time::Instant::now());
        assert!(left > core::time::Duration::from_secs(4) && left <= core::time::Duration::from_secs(5));
    }
}
