//! The window of session sequence numbers that a receiver accepts, each once (IPMI 2.0 §6.12.9 to §6.12.13).

/// Why a sequence number is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It was committed before, or lies before the first number of the session.
    Duplicate,
    /// It is too far from the highest number so far, or zero.
    Outside,
}

/// How far a number may lie from the highest one so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Width {
    ahead: u8,
    behind: u8,
}

impl Width {
    /// IPMI 1.5: eight to either side.
    pub const V1_5: Self = Self { ahead: 8, behind: 8 };
    /// IPMI 2.0: from 16 behind to 15 ahead.
    pub const V2_0: Self = Self {
        ahead: 15,
        behind: 16,
    };
}

/// The numbers received so far.
///
/// [`check`](Self::check) looks, [`commit`](Self::commit) remembers; only a packet whose authentication code
/// held may be committed.
#[derive(Clone, Debug)]
pub struct SequenceWindow {
    highest: u32,
    /// Bit n: the number `highest - 1 - n` was received.
    seen: u32,
    width: Width,
}

impl SequenceWindow {
    /// A window whose first number will be `first`. Numbers before it are never accepted.
    #[must_use]
    pub const fn new(first: u32, width: Width) -> Self {
        Self {
            highest: first.wrapping_sub(1),
            seen: u32::MAX,
            width,
        }
    }

    /// Whether a packet with this number may be accepted.
    ///
    /// # Errors
    /// [`Refused`].
    pub const fn check(&self, sequence: u32) -> Result<(), Refused> {
        if sequence == 0 {
            return Err(Refused::Outside);
        }
        let ahead = sequence.wrapping_sub(self.highest);
        if ahead == 0 {
            return Err(Refused::Duplicate);
        }
        if ahead <= self.width.ahead as u32 {
            return Ok(());
        }
        let behind = self.highest.wrapping_sub(sequence);
        if behind > self.width.behind as u32 {
            Err(Refused::Outside)
        } else if self.seen >> (behind - 1) & 1 == 1 {
            Err(Refused::Duplicate)
        } else {
            Ok(())
        }
    }

    /// Remembers a number that [`check`](Self::check) accepted.
    pub const fn commit(&mut self, sequence: u32) {
        let ahead = sequence.wrapping_sub(self.highest);
        let behind = self.highest.wrapping_sub(sequence);
        if ahead <= self.width.ahead as u32 {
            // The old highest number becomes bit `ahead - 1`.
            self.seen = match self.seen.checked_shl(ahead) {
                Some(seen) => seen | 1 << (ahead - 1),
                None => 0,
            };
            self.highest = sequence;
        } else if behind >= 1 && behind <= 32 {
            self.seen |= 1 << (behind - 1);
        }
    }
}

/// The sequence numbers that a sender gives its packets: one after the other, never 0.
#[derive(Clone, Debug)]
pub struct SequenceCounter(u32);

impl SequenceCounter {
    /// Starts with `first`, or 1 if that is 0.
    #[must_use]
    pub const fn new(first: u32) -> Self {
        Self(if first == 0 { 1 } else { first })
    }

    /// The number of the next packet.
    #[must_use = "each number must be sent once"]
    pub const fn take(&mut self) -> u32 {
        let sequence = self.0;
        self.0 = match sequence.wrapping_add(1) {
            0 => 1,
            next => next,
        };
        sequence
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_session_may_start_late_but_not_early() {
        let window = SequenceWindow::new(1, Width::V2_0);
        assert_eq!(window.check(0), Err(Refused::Outside));
        assert_eq!(window.check(u32::MAX), Err(Refused::Duplicate));
        for first in 1..=15 {
            assert_eq!(window.check(first), Ok(()));
        }
        assert_eq!(window.check(16), Err(Refused::Outside));
    }

    #[test]
    fn the_bounds_are_those_of_the_specification() {
        for (width, behind, ahead) in [(Width::V2_0, 16, 15), (Width::V1_5, 8, 8)] {
            let mut window = SequenceWindow::new(100, width);
            for sequence in [100, 107, 114, 120, 127, 134, 140] {
                window.check(sequence).unwrap();
                window.commit(sequence);
            }
            assert_eq!(window.check(140 + ahead), Ok(()));
            assert_eq!(window.check(141 + ahead), Err(Refused::Outside));
            assert_eq!(window.check(140 - behind), Ok(()));
            assert_eq!(window.check(139 - behind), Err(Refused::Outside));
            assert_eq!(window.check(134), Err(Refused::Duplicate));
            assert_eq!(window.check(140), Err(Refused::Duplicate));
        }
    }

    #[test]
    fn numbers_wrap_around_without_zero() {
        let mut window = SequenceWindow::new(u32::MAX - 1, Width::V2_0);
        let mut counter = SequenceCounter::new(u32::MAX - 1);
        for expected in [u32::MAX - 1, u32::MAX, 1, 2] {
            let sequence = counter.take();
            assert_eq!(sequence, expected);
            assert_eq!(window.check(sequence), Ok(()));
            window.commit(sequence);
            assert_eq!(window.check(sequence), Err(Refused::Duplicate));
        }
    }

    proptest! {
        /// Against a model that remembers everything.
        #[test]
        fn agrees_with_a_naive_model(start in 1..=u32::MAX, steps in prop::collection::vec(-40_i32..40, 0..200)) {
            let width = Width::V2_0;
            let mut window = SequenceWindow::new(start, width);
            let mut highest = start.wrapping_sub(1);
            let mut accepted = BTreeSet::new();
            for step in steps {
                let sequence = highest.wrapping_add_signed(step);
                let early = i64::from(sequence.wrapping_sub(start) as i32) < 0;
                let fresh = !early && !accepted.contains(&sequence) && step != 0;
                let expected = sequence != 0 && (1..=15).contains(&step) || sequence != 0 && (-16..0).contains(&step) && fresh;
                prop_assert_eq!(window.check(sequence).is_ok(), expected, "step {}", step);
                if expected {
                    window.commit(sequence);
                    accepted.insert(sequence);
                    if step > 0 {
                        highest = sequence;
                    }
                }
            }
        }
    }
}
