//! Tells a flood from plain work.
//!
//! Clients, however many, send hardly anything that is dropped, and each waits for its answer before it sends
//! again: in a queue that does not run empty, the next datagram is of another client. What a flood sends is
//! dropped, or comes from the same peer as the one before. The length of the queue would tell less: it is
//! also long when many clients wait, and short when a flood has run it over while another program had the
//! processor.

use core::time::Duration;
use std::net::SocketAddr;

use ipmi_proto::time::Instant;

/// Datagrams are counted for this long.
const WINDOW: Duration = Duration::from_millis(50);

/// More suspicious datagrams than this in a window are a flood: 4,000 a second, which no queue has
/// difficulties with.
const SUSPICIOUS: u64 = 200;

/// Suspicious datagrams of a socket.
#[derive(Debug, Default)]
pub(crate) struct Pressure {
    window_end: Instant,
    suspicious: u64,
}

impl Pressure {
    /// Counts suspicious datagrams. Whether there is a flood.
    pub(crate) fn suspicious(&mut self, now: Instant, count: u64) -> bool {
        if count == 0 {
            return false;
        }
        if now >= self.window_end {
            self.window_end = now + WINDOW;
            self.suspicious = 0;
        }
        self.suspicious = self.suspicious.saturating_add(count);
        self.suspicious > SUSPICIOUS
    }
}

/// Datagrams of the same peer in a row, none of which waited for an answer to the one before.
#[derive(Debug, Default)]
pub(crate) struct Repeats {
    last: Option<SocketAddr>,
    pub(crate) count: u64,
}

impl Repeats {
    /// The next datagram of a queue that was not empty since the one before.
    pub(crate) fn note(&mut self, remote: SocketAddr) {
        if self.last == Some(remote) {
            self.count += 1;
        } else {
            self.last = Some(remote);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_suspicious_datagrams_in_a_short_time_are_a_flood() {
        let mut pressure = Pressure::default();
        let now = Instant::from_millis(1_000);
        assert!(!pressure.suspicious(now, SUSPICIOUS));
        assert!(pressure.suspicious(now + WINDOW / 2, 1));
        assert!(!pressure.suspicious(now + WINDOW, 1));
    }

    #[test]
    fn as_many_over_a_longer_time_are_none() {
        let mut pressure = Pressure::default();
        for second in 0..100 {
            assert!(!pressure.suspicious(Instant::from_millis(second * 1_000), SUSPICIOUS / 2));
        }
    }

    #[test]
    fn clients_in_turn_are_not_suspicious_and_one_that_does_not_wait_is() {
        let peer = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let mut repeats = Repeats::default();
        for _ in 0..10 {
            repeats.note(peer(1));
            repeats.note(peer(2));
        }
        assert_eq!(repeats.count, 0);
        for _ in 0..10 {
            repeats.note(peer(3));
        }
        assert_eq!(repeats.count, 9);
    }
}
