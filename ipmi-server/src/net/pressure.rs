//! Tells a flood from plain work.
//!
//! A queue that never runs empty may be a flood, or many clients who wait for their answers. So a
//! sample is taken then: in a flood nearly all datagrams come from peers that are not logged in.

use core::time::Duration;
use std::net::SocketAddr;

use ipmi_proto::time::Instant;

/// Datagrams in a row, without an empty queue between them, before a sample is taken. As many fit into
/// the smallest receive buffer, so that a queue that ran over while we could not run is noticed, too.
const SUSPICIOUS: usize = 256;

/// Datagrams in a sample.
const SAMPLE: usize = 64;

/// Of which so many are of strangers in a flood. During logins, more than a third are not.
const STRANGERS: usize = SAMPLE * 7 / 8;

/// Time between samples; taking one asks every BMC.
const PAUSE: Duration = Duration::from_millis(50);

/// What is known about the queue of a socket.
#[derive(Debug, Default)]
pub(crate) struct Pressure {
    /// Datagrams since the queue was empty.
    unbroken: usize,
    sample: Option<Box<Sample>>,
    next_sample: Instant,
}

#[derive(Debug)]
struct Sample {
    /// Who is logged in, sorted.
    known: Vec<SocketAddr>,
    seen: usize,
    strangers: usize,
}

impl Pressure {
    /// A datagram came.
    pub(crate) fn observe(&mut self, remote: SocketAddr) {
        if let Some(sample) = &mut self.sample {
            sample.seen += 1;
            sample.strangers += usize::from(sample.known.binary_search(&remote).is_err());
        }
    }

    /// The queue ran empty.
    pub(crate) fn emptied(&mut self) {
        self.unbroken = 0;
        self.sample = None;
    }

    /// `taken` datagrams were taken and there are more. Whether this is a flood.
    pub(crate) fn exhausted(
        &mut self,
        taken: usize,
        now: Instant,
        logged_in: impl FnOnce() -> Vec<SocketAddr>,
    ) -> bool {
        self.unbroken = self.unbroken.saturating_add(taken);
        match &self.sample {
            None if self.unbroken >= SUSPICIOUS && now >= self.next_sample => {
                self.next_sample = now + PAUSE;
                let mut known = logged_in();
                if known.is_empty() {
                    return false;
                }
                known.sort_unstable();
                self.sample = Some(Box::new(Sample {
                    known,
                    seen: 0,
                    strangers: 0,
                }));
                false
            }
            Some(sample) if sample.seen >= SAMPLE => {
                let flood = sample.strangers * SAMPLE >= STRANGERS * sample.seen;
                self.sample = None;
                flood
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    /// Feeds peers until a verdict could have been given.
    fn feed(pressure: &mut Pressure, now: Instant, peers: impl Fn(usize) -> u16) -> bool {
        (0..2 * SUSPICIOUS).any(|i| {
            pressure.observe(port(peers(i)));
            pressure.exhausted(1, now, || vec![port(1), port(2)])
        })
    }

    #[test]
    fn strangers_in_a_full_queue_are_a_flood() {
        let mut pressure = Pressure::default();
        assert!(feed(&mut pressure, Instant::ZERO, |i| if i % 16 == 0 {
            1
        } else {
            9
        }));
    }

    #[test]
    fn clients_and_logins_in_a_full_queue_are_none() {
        assert!(!feed(&mut Pressure::default(), Instant::ZERO, |i| 1 + u16::from(
            i % 2 == 0
        )));
        assert!(!feed(&mut Pressure::default(), Instant::ZERO, |i| if i % 7 < 3 {
            1
        } else {
            9
        }));
    }

    #[test]
    fn a_queue_that_runs_empty_is_none() {
        let mut pressure = Pressure::default();
        for _ in 0..10 {
            for _ in 0..SUSPICIOUS - 1 {
                pressure.observe(port(9));
                assert!(!pressure.exhausted(1, Instant::ZERO, || vec![port(1)]));
            }
            pressure.emptied();
        }
    }

    #[test]
    fn samples_are_rare() {
        let mut pressure = Pressure::default();
        assert!(!feed(&mut pressure, Instant::ZERO, |_| 1));
        assert!(!feed(&mut pressure, Instant::ZERO + PAUSE / 2, |_| 9));
        assert!(feed(&mut pressure, Instant::ZERO + PAUSE, |_| 9));
    }
}
