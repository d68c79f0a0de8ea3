//! Tells a flood from plain work, by the number of datagrams that are dropped.
//!
//! Clients, however many, send hardly anything that is dropped. What a flood sends is dropped nearly always:
//! even answers to questions that everybody may ask are limited by rate. The length of the queue would
//! tell less: it is also long when many clients wait, and short when a flood has run it over while another
//! program had the processor.

use core::time::Duration;

use ipmi_proto::time::Instant;

/// Datagrams are counted for this long.
const WINDOW: Duration = Duration::from_millis(50);

/// More than this in a window are a flood: 4,000 a second, which no queue has difficulties with.
const DROPPED: u64 = 200;

/// Dropped datagrams of a socket.
#[derive(Debug, Default)]
pub(crate) struct Pressure {
    window_end: Instant,
    dropped: u64,
}

impl Pressure {
    /// Counts datagrams that were dropped. Whether there is a flood.
    pub(crate) fn dropped(&mut self, now: Instant, count: u64) -> bool {
        if now >= self.window_end {
            self.window_end = now + WINDOW;
            self.dropped = 0;
        }
        self.dropped = self.dropped.saturating_add(count);
        self.dropped > DROPPED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_dropped_datagrams_in_a_short_time_are_a_flood() {
        let mut pressure = Pressure::default();
        let now = Instant::from_millis(1_000);
        assert!(!pressure.dropped(now, DROPPED));
        assert!(pressure.dropped(now + WINDOW / 2, 1));
        assert!(!pressure.dropped(now + WINDOW, 1));
    }

    #[test]
    fn as_many_over_a_longer_time_are_none() {
        let mut pressure = Pressure::default();
        for second in 0..100 {
            assert!(!pressure.dropped(Instant::from_millis(second * 1_000), DROPPED / 2));
        }
    }
}
