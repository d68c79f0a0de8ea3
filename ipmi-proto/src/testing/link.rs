//! One direction of a bad network.

use alloc::vec::Vec;
use core::time::Duration;

use super::PredictableRandom;
use crate::time::Instant;

/// What a link does to datagrams. The shares are per mille.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// Datagrams that get lost.
    pub loss: u16,
    /// Datagrams that arrive twice, the second time later.
    pub duplication: u16,
    /// Datagrams that are overtaken by later ones.
    pub reordering: u16,
    /// Datagrams in which some bit is flipped, some byte is another, or the end is missing.
    pub corruption: u16,
    /// How long each datagram takes.
    pub delay: Duration,
}

impl Faults {
    /// The network of the tests of exactly-once: about every fourth datagram gets lost, and the rest does not
    /// stay as it was.
    #[must_use]
    pub const fn heavy() -> Self {
        Self {
            loss: 250,
            duplication: 250,
            reordering: 250,
            corruption: 100,
            delay: Duration::from_millis(20),
        }
    }
}

/// One direction of a network.
#[derive(Debug)]
pub struct Link {
    /// What it does to datagrams. May be changed at any time.
    pub faults: Faults,
    random: PredictableRandom,
    on_the_way: Vec<(Instant, Vec<u8>)>,
}

impl Link {
    /// An empty link.
    #[must_use]
    pub const fn new(faults: Faults, seed: u64) -> Self {
        Self {
            faults,
            random: PredictableRandom::new(seed),
            on_the_way: Vec::new(),
        }
    }

    /// Puts a datagram in.
    pub fn send(&mut self, now: Instant, datagram: &[u8]) {
        if self.random.happens(self.faults.loss) {
            return;
        }
        let mut arrival = now + self.faults.delay;
        if self.random.happens(self.faults.reordering) {
            arrival = arrival + self.some_delay();
        }
        if self.random.happens(self.faults.duplication) {
            let second = arrival + self.some_delay();
            self.on_the_way.push((second, datagram.to_vec()));
        }
        let mut datagram = datagram.to_vec();
        if self.random.happens(self.faults.corruption) {
            self.corrupt(&mut datagram);
        }
        self.on_the_way.push((arrival, datagram));
    }

    /// Takes out the datagram that has arrived first.
    pub fn receive(&mut self, now: Instant) -> Option<Vec<u8>> {
        let (index, _) = self
            .on_the_way
            .iter()
            .enumerate()
            .filter(|(_, (arrival, _))| *arrival <= now)
            .min_by_key(|(_, (arrival, _))| *arrival)?;
        Some(self.on_the_way.remove(index).1)
    }

    /// When the next datagram arrives.
    #[must_use]
    pub fn next_arrival(&self) -> Option<Instant> {
        self.on_the_way.iter().map(|(arrival, _)| *arrival).min()
    }

    /// Loses everything that is on the way.
    pub fn clear(&mut self) {
        self.on_the_way.clear();
    }

    /// From less than a round trip to longer than a retry takes to come.
    fn some_delay(&mut self) -> Duration {
        Duration::from_millis(1 + self.random.below(1_300))
    }

    fn corrupt(&mut self, datagram: &mut Vec<u8>) {
        let index = usize::try_from(self.random.below(datagram.len() as u64)).unwrap_or_default();
        let [value, bit, ..] = self.random.next().to_le_bytes();
        match self.random.below(3) {
            0 => datagram.truncate(index),
            1 => datagram
                .iter_mut()
                .skip(index)
                .take(1)
                .for_each(|byte| *byte = value),
            _ => datagram
                .iter_mut()
                .skip(index)
                .take(1)
                .for_each(|byte| *byte ^= 1 << (bit % 8)),
        }
    }
}
